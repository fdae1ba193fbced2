//! The cache of built sets: they lie beside the session library that they fit, found by their key, shared by all
//! notebooks.
//!
//! The folders of the installation are looked at first and never written to. Nothing is taken from a folder that another
//! ordinary user can write to, as what is in it is loaded.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::set::Set;
use super::{DependencyError, Progress, cannot};
use crate::cache::{cache_folders, make_cache};
use crate::private::{check_private, is_private};
use crate::session_library::{SessionLibrary, read};

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
pub fn use_of(folder: &Path) -> Option<Arc<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(USED)).ok()?;
    file.try_lock_shared().ok()?;
    let _ = file.set_modified(std::time::SystemTime::now());
    Some(Arc::new(file))
}

/// Removes what is there of a set that could not be built; not one that was there before, nor one that leads elsewhere.
pub(super) fn remove_unfinished(target: &Path, key: &str) {
    let folder = set_folder(target, key);
    if !folder.join(MANIFEST).is_file() && !folder.join(super::generation::POINTER).is_file() {
        let _ = std::fs::remove_dir_all(folder);
    }
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
    make_cache(&cache).map_err(cannot(&cache))?;
    std::fs::create_dir_all(&target).map_err(cannot(&target))?;
    if target.canonicalize().ok() != session.target.canonicalize().ok() && !target.join("copied").is_file() {
        // cargo goes by the times of files, so those are kept. Where the source lies in the target folder, cargo looks for
        // it beside what was compiled.
        for part in [crate::cargo::PROFILE, "source"] {
            let from = session.target.join(part);
            if from.is_dir() {
                copy(&from, &target.join(part)).map_err(cannot(&target))?;
            }
        }
        File::create(target.join("copied")).map_err(cannot(&target))?;
    }
    check_private(&target)?;
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
            // An installation may be read-only; the copy is the user's to build in.
            let mut rights = entry.metadata()?.permissions();
            rights.set_mode(rights.mode() | 0o200);
            std::fs::set_permissions(&copied, rights)?;
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
