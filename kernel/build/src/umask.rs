//! Whose the files are that a kernel makes: the user's alone, whatever the umask it was started with; only what the user
//! asks for (exports) and what user code writes is made under that one.
//!
//! The process itself is given a umask under which nothing is anybody else's, so nobody who makes a file has to think of
//! it. `kissaten build` and `prebuild` keep the user's: what they make may be an installation for all.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The rights of everybody but the user.
const OTHERS: u32 = 0o077;

/// The umask that the process was started with, once it has another.
static USERS: OnceLock<libc::mode_t> = OnceLock::new();
/// Where temporary folders go, once the kernel has one that is removed with it.
static TEMPORARY: OnceLock<PathBuf> = OnceLock::new();

/// From here on whatever this process makes, and what it starts makes, is the user's alone. To be called before there
/// are other threads, which might make a file meanwhile.
pub fn make_private() {
    USERS.get_or_init(|| set(OTHERS as libc::mode_t));
}

/// The umask that the user has chosen, where it is another than that of this process: for those who run user code or fill
/// folders of the user's own.
pub fn of_user() -> Option<libc::mode_t> {
    USERS.get().copied()
}

fn set(umask: libc::mode_t) -> libc::mode_t {
    // SAFETY: a system call without memory, which cannot fail.
    unsafe { libc::umask(umask) }
}

/// Gives a process that is to be started the user's umask.
pub fn give_users(command: &mut tokio::process::Command) {
    let Some(umask) = of_user() else { return };
    let set = move || {
        set(umask);
        Ok(())
    };
    // SAFETY: between fork and exec only one system call is made.
    unsafe { command.pre_exec(set) };
}

/// A folder that nobody else can look into, which goes when it is dropped.
///
/// # Errors
/// When it cannot be made.
pub fn temporary_folder(prefix: &str) -> io::Result<TempDir> {
    match TEMPORARY.get().filter(|folder| folder.is_dir()) {
        Some(folder) => closed(prefix).tempdir_in(folder),
        None => folder_of_kernel(prefix),
    }
}

/// The same, in the system's folder for such: that of a kernel, which lasts as long as the kernel does, whatever becomes of
/// another kernel in this process.
///
/// # Errors
/// When it cannot be made.
pub fn folder_of_kernel(prefix: &str) -> io::Result<TempDir> {
    closed(prefix).tempdir()
}

fn closed(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).permissions(Permissions::from_mode(0o700));
    builder
}

/// From here on temporary folders are made in this one.
///
/// # Errors
/// When it cannot be made.
pub fn keep_temporary_in(folder: PathBuf) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let _ = TEMPORARY.set(folder);
    Ok(())
}

/// Writes a file that the user asked for, with the rights that the user's other files have. One that is there keeps its own.
///
/// # Errors
/// As `std::fs::write`.
pub fn write_for_user(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let is_new = !path.exists();
    std::fs::write(path, content)?;
    if is_new { hand_over(path, 0o666) } else { Ok(()) }
}

/// Makes a folder that the user asked for, and those above it that are missing.
///
/// # Errors
/// As `std::fs::create_dir_all`.
pub fn folder_for_user(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    std::fs::create_dir_all(path)?;
    let missing = missing.into_iter().filter(|folder| !folder.as_os_str().is_empty());
    missing.into_iter().try_for_each(|folder| hand_over(folder, 0o777))
}

fn hand_over(path: &Path, rights: u32) -> io::Result<()> {
    let Some(umask) = of_user() else { return Ok(()) };
    // It is a `u16` on macOS.
    #[allow(clippy::useless_conversion)]
    let umask = u32::from(umask);
    std::fs::set_permissions(path, Permissions::from_mode(rights & !umask))
}

/// Whether nobody but the user and root can get at what is in a folder, whatever rights that has itself.
pub(crate) fn is_closed(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let is_closed = |metadata: Metadata| metadata.mode() & OTHERS == 0 && (is_own(&metadata) || metadata.uid() == 0);
    folder.ancestors().any(|folder| std::fs::metadata(folder).is_ok_and(is_closed))
}

fn is_own(metadata: &Metadata) -> bool {
    // SAFETY: a system call without arguments, which cannot fail.
    metadata.uid() == unsafe { libc::geteuid() }
}

/// Takes everybody else's rights from a file or folder of the user's own, as earlier versions left some with them. A
/// symbolic link is not followed: in a folder that others write to, one may lead anywhere.
///
/// # Errors
/// When it is not there, or is a link.
pub fn close(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    let is_ours = metadata.is_dir() || metadata.is_file();
    if is_ours && is_own(&metadata) && metadata.mode() & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(metadata.mode() & 0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_earlier_versions_left_open_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for (path, open) in [(folder.path(), 0o755), (&file, 0o666)] {
            std::fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
        }
        // The folder for temporary files may be closed itself.
        assert_eq!(is_closed(folder.path()), is_closed(&std::env::temp_dir()));
        assert!(close(&link).is_err());
        assert_eq!(mode(&file), 0o666, "a link is not followed");
        close(&file).unwrap();
        close(folder.path()).unwrap();
        assert_eq!((mode(&file), mode(folder.path())), (0o600, 0o700));
        assert!(is_closed(folder.path()) && close(&folder.path().join("gone")).is_err());
    }
}
