//! The process groups that programs of a shell lead: which there are, so that all of them end with this process. What the
//! programs are for is not known here.
//!
//! The server is told of each, for the ends of this process that it cannot do anything about.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::process::Child;

use crate::runtime::{self, GroupState, Notice};

static GROUPS: Mutex<BTreeMap<i32, GroupState>> = Mutex::new(BTreeMap::new());

fn groups() -> MutexGuard<'static, BTreeMap<i32, GroupState>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that was just started leads a group; the group's number.
pub(super) fn led_by(child: &Child) -> Option<i32> {
    let group = child.id().and_then(|id| i32::try_from(id).ok())?;
    note(group, GroupState::Led);
    Some(group)
}

/// The leader has ended, and was waited for.
pub(super) fn left(group: i32) {
    note(group, if goes_on(group) { GroupState::Left } else { GroupState::Gone });
    // Programs in the background have ended since the last one.
    let left: Vec<i32> = groups().iter().filter(|(_, state)| **state == GroupState::Left).map(|(id, _)| *id).collect();
    left.into_iter().filter(|group| !goes_on(*group)).for_each(gone);
}

/// Nothing of it is left.
pub(super) fn gone(group: i32) {
    note(group, GroupState::Gone);
}

fn note(group: i32, state: GroupState) {
    match state {
        GroupState::Gone => groups().remove(&group),
        _ => groups().insert(group, state),
    };
    runtime::send(Notice::ProgramGroup { group, state });
}

/// Whether something is left of a group whose leader was waited for. As long as there is, no process gets its number, so a
/// process of that number says that the group is another one.
fn goes_on(group: i32) -> bool {
    // SAFETY: signal 0 is sent to nobody; it is only asked whether it could be.
    let (process, members) = unsafe { (exists(libc::kill(group, 0)), exists(libc::killpg(group, 0))) };
    members && !process
}

fn exists(answer: libc::c_int) -> bool {
    answer == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// Sends a signal to all that is in the group of a leader that nobody has waited for.
pub(super) fn tell(group: i32, signal: i32) {
    // SAFETY: it only sends a signal.
    unsafe { libc::killpg(group, signal) };
}

/// Ends all programs, and what they have started: the process is about to end.
pub fn end_programs() {
    for (group, state) in &*groups() {
        if *state == GroupState::Led || goes_on(*group) {
            tell(*group, libc::SIGKILL);
        }
    }
}
