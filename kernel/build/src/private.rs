//! Private folders, from which libraries may be loaded: those into which no other ordinary user can put one.

mod group;

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::session_library::SessionError;

/// Whether no other ordinary user can put something into a folder, or put another one in its place.
pub(crate) fn is_private(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    // SAFETY: system calls without arguments, which cannot fail.
    let (user, own_group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let mut below_is_safe = false;
    folder.ancestors().enumerate().all(|(index, folder)| {
        let Ok(metadata) = std::fs::metadata(folder) else { return false };
        let is_owned = metadata.uid() == user || metadata.uid() == 0;
        // A group without other members is the user: one of the user's own, or the one that all users would share where there
        // are no others, as in images for hubs. It is asked last, as it may take a look at the system's databases.
        let has_users_number = |group| group == own_group && group == user;
        let of_others = |group| group != 0 && !has_users_number(group) && !group::is_of_one_user(group, user);
        let by_group = metadata.mode() & 0o020 != 0 && is_owned && of_others(metadata.gid());
        let by_others = metadata.mode() & 0o002 != 0;
        // In a sticky folder nobody can replace what another one owns.
        let is_sticky = metadata.mode() & 0o1000 != 0 && index > 0 && below_is_safe;
        below_is_safe = is_owned;
        is_owned && (!by_group && !by_others || is_sticky)
    })
}

/// Checks that a folder is private, with words for who can mend it.
pub(crate) fn check_private(folder: &Path) -> Result<(), SessionError> {
    if is_private(folder) { Ok(()) } else { Err(SessionError::NotPrivate(folder.to_owned())) }
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
