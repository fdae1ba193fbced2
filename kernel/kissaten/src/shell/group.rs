//! The process groups that programs of a shell lead: which there are, so that all of them end with this process. What the
//! programs are for is not known here.
//!
//! The server is told of each, for the ends of this process that it cannot do anything about.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::process::{Child, Command};

use crate::runtime::{self, GroupState, Notice};

static GROUPS: Mutex<BTreeMap<i32, GroupState>> = Mutex::new(BTreeMap::new());
static STARTING: Mutex<()> = Mutex::new(());

fn groups() -> MutexGuard<'static, BTreeMap<i32, GroupState>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program that leads a group; the group's number. The server is told of it before the program runs, as the first
/// thing that a program does may be to end this process.
pub(super) fn start(mut command: Command) -> io::Result<(Child, i32)> {
    // Of two at once each would have the other's pipes, and neither would see them end.
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut told, telling) = io::pipe()?;
    let (gate, mut opening) = io::pipe()?;
    let opening_here = opening.as_raw_fd();
    // Who starts a program waits until it runs.
    let keeper = thread::spawn(move || {
        let mut number = [0; 4];
        told.read_exact(&mut number).ok()?;
        let group = i32::from_ne_bytes(number);
        note(group, GroupState::Led);
        // If nobody waits any more, the process has ended already.
        let _ = opening.write_all(&[0]);
        Some(group)
    });
    command.process_group(0);
    // SAFETY: between fork and exec nothing is called but getpid, write, close and read, which POSIX allows there.
    unsafe { command.pre_exec(move || wait_to_be_known(&telling, &gate, opening_here)) };
    let child = command.spawn();
    // If there is no process, that is what the keeper hears.
    drop(command);
    match (child, keeper.join().ok().flatten()) {
        (Ok(child), Some(group)) => Ok((child, group)),
        (child, group) => {
            group.into_iter().for_each(gone);
            Err(child.err().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
        }
    }
}

/// In the new process: says its number, and waits until the gate is opened. It never is where who would have done that has
/// ended; `opening` is this process's copy of the other side, which would hide that.
fn wait_to_be_known(mut telling: impl Write, mut gate: &PipeReader, opening: RawFd) -> io::Result<()> {
    // SAFETY: a number and a descriptor that nothing of this process uses.
    let process = unsafe {
        libc::close(opening);
        libc::getpid()
    };
    telling.write_all(&process.to_ne_bytes())?;
    gate.read_exact(&mut [0])
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
