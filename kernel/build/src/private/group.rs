//! Members of a group: the system's user and group databases. Which rights a group has, and on what, is not known here.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use libc::{gid_t, uid_t};

/// The databases are read by functions that keep their place in the process.
static READING: Mutex<()> = Mutex::new(());

/// Whether nobody but this user, and root, is in a group: neither by their own entry nor as a member. Where the databases
/// say nothing of the group, nobody is known to be in it, and so it is not taken for the user's.
///
/// A group that all ordinary users share by default, as `users` is on many systems, is one user's own in an image with one user.
pub(super) fn is_of_one_user(group: gid_t, user: uid_t) -> bool {
    let _reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(members) = members(group) else { return false };
    let users = users();
    let is_somebody_else = |other: &User| other.id != user && other.id != 0;
    !users.iter().any(|other| is_somebody_else(other) && (other.group == group || members.contains(&other.name)))
        // A member of whom there is no entry could be anybody.
        && members.iter().all(|name| users.iter().any(|user| user.name == *name))
}

struct User {
    name: Vec<u8>,
    id: uid_t,
    group: gid_t,
}

/// The names that a group's entry has; `None` where there is no such entry.
fn members(group: gid_t) -> Option<BTreeSet<Vec<u8>>> {
    // SAFETY: the entry stays as it is until the next call of this kind, which the lock keeps off.
    let entry = unsafe { libc::getgrgid(group).as_ref() }?;
    let mut names = BTreeSet::new();
    let mut next = entry.gr_mem;
    // SAFETY: the list ends with a null pointer, and what comes before it are texts that end with a zero.
    unsafe {
        while !next.is_null() && !(*next).is_null() {
            names.insert(CStr::from_ptr(*next).to_bytes().to_owned());
            next = next.add(1);
        }
    }
    Some(names)
}

/// All users that the database lists.
fn users() -> Vec<User> {
    let mut users = Vec::new();
    // SAFETY: each entry is copied before the next is asked for; the lock keeps others off.
    unsafe {
        libc::setpwent();
        while let Some(entry) = libc::getpwent().as_ref() {
            let name = CStr::from_ptr(entry.pw_name).to_bytes().to_owned();
            users.push(User { name, id: entry.pw_uid, group: entry.pw_gid });
        }
        libc::endpwent();
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_an_entry_is_nobodys() {
        assert!(!is_of_one_user(3_999_999_999, 0));
    }

    #[test]
    fn a_users_group_is_his_alone_where_nobody_else_is_in_it() {
        let users = users();
        assert!(users.iter().any(|user| user.id == 0), "root is there");
        for user in users.iter().filter(|user| members(user.group).is_some()) {
            let others = users.iter().any(|other| other.id != 0 && other.id != user.id && other.group == user.group);
            assert!(!(others && is_of_one_user(user.group, user.id)), "{}", String::from_utf8_lossy(&user.name));
        }
    }
}
