//! Where built sets are kept: beside the session library that they fit, found by their key, shared by all notebooks.
//!
//! The folders of the installation are looked at first and never written to. Nothing is taken from a folder that another
//! ordinary user can write to, as what is in it is loaded.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::set::Set;
use super::{DependencyError, Progress, cannot};
use crate::session_library::{SessionLibrary, cache_folders, read};

/// What is written into a finished set.
pub(super) const MANIFEST: &str = "set.json";
/// Locked by all that use a folder; its time is that of the last use.
pub(super) const USED: &str = "used";
/// How often a lock that somebody else has is tried.
const PATIENCE: Duration = Duration::from_millis(100);

/// The finished set with this key, and the lock that keeps it.
pub(super) fn find(session: &SessionLibrary, key: &str) -> Option<(Set, Option<Arc<File>>)> {
    let name = session.target.file_name()?;
    let mut folders: Vec<PathBuf> = cache_folders().iter().map(|cache| cache.join(name)).collect();
    if !folders.contains(&session.target) {
        folders.push(session.target.clone());
    }
    folders.iter().find_map(|target| {
        let folder = set_folder(target, key);
        // First, so that it is not cleaned away while it is looked at.
        let used = use_of(&folder);
        let set: Set = read(&folder.join(MANIFEST))?;
        (set.is_whole() && is_private(&folder)).then_some((set, used))
    })
}

/// Marks a folder as used, now and as long as the file is open. `None` where it cannot be written to, as nobody cleans there.
pub(crate) fn use_of(folder: &Path) -> Option<Arc<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(USED)).ok()?;
    file.try_lock_shared().ok()?;
    let _ = file.set_modified(std::time::SystemTime::now());
    Some(Arc::new(file))
}

/// Where a set is described and its cargo package is.
pub(super) fn set_folder(target: &Path, key: &str) -> PathBuf {
    target.join("sets").join(key)
}

/// The target folder that is the user's own to build in: that of the session library, or a copy of it.
pub(super) fn own_target(session: &SessionLibrary) -> Result<PathBuf, DependencyError> {
    let no_cache = || DependencyError::Environment(crate::SessionError::NoCache.to_string());
    let cache = cache_folders().into_iter().next_back().ok_or_else(no_cache)?;
    let name = session.target.file_name().ok_or_else(no_cache)?;
    let target = cache.join(name);
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(&target).map_err(cannot(&target))?;
    if target.canonicalize().ok() != session.target.canonicalize().ok() && !target.join("copied").is_file() {
        // cargo goes by the times of files, so those are kept.
        copy(&session.target.join(crate::cargo::PROFILE), &target.join(crate::cargo::PROFILE))
            .map_err(cannot(&target))?;
        File::create(target.join("copied")).map_err(cannot(&target))?;
    }
    if !is_private(&target) {
        return Err(DependencyError::Environment(format!(
            "`{}` can be written to by others, so nothing is loaded from there; take their right to write to it and to \
             the folders above it (`chmod go-w`), or set KISSATEN_CACHE to a folder of your own",
            target.display()
        )));
    }
    Ok(target)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &copied)?;
        } else {
            std::fs::copy(&path, &copied)?;
            File::options().write(true).open(&copied)?.set_modified(entry.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

/// Waits until no other kernel builds there.
///
/// # Cancel safety
/// Nothing is held when it is dropped.
pub(super) async fn lock(
    target: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: &CancellationToken,
) -> Result<File, DependencyError> {
    let path = target.join("sets.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(cannot(&path))?;
    while let Err(error) = file.try_lock() {
        if let std::fs::TryLockError::Error(error) = error {
            return Err(cannot(&path)(error));
        }
        progress(Progress { doing: "waiting for another kernel that builds".to_owned(), ..Progress::default() });
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => {}
            () = cancel.cancelled() => return Err(DependencyError::Cancelled),
        }
    }
    Ok(file)
}

/// Whether no other ordinary user can put something into a folder, or put another one in its place.
pub(super) fn is_private(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    // SAFETY: system calls without arguments, which cannot fail.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let mut below_is_safe = false;
    folder.ancestors().enumerate().all(|(index, folder)| {
        let Ok(metadata) = std::fs::metadata(folder) else { return false };
        let is_owned = metadata.uid() == user || metadata.uid() == 0;
        // A group of the user's own, which has the user's number where there are such groups, is the user.
        let by_group =
            metadata.mode() & 0o020 != 0 && !(metadata.gid() == group && group == user) && metadata.gid() != 0;
        let by_others = metadata.mode() & 0o002 != 0;
        // In a sticky folder nobody can replace what another one owns.
        let is_sticky = metadata.mode() & 0o1000 != 0 && index > 0 && below_is_safe;
        below_is_safe = is_owned;
        is_owned && (!by_group && !by_others || is_sticky)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_can_write_to_is_not_private() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(is_private(&inner));
        set(&inner, 0o757);
        assert!(!is_private(&inner));
        set(&inner, 0o755);
        set(&folder.path().join("a"), 0o777);
        assert!(!is_private(&inner), "it can be replaced");
        set(&folder.path().join("a"), 0o1777);
        assert!(is_private(&inner), "it cannot be replaced");
        assert!(!is_private(&folder.path().join("gone")));
    }
}
