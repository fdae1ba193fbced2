//! The programs of a worker that has ended: those of a shell lead process groups of their own, so that an interrupt ends them
//! with all that they started, and do not end with the worker's group. What they are for is not known here.

use std::collections::BTreeMap;

use ipc::GroupState;
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// The groups that a worker has told of and that are there.
#[derive(Debug, Default)]
pub(super) struct ProgramGroups(BTreeMap<i32, GroupState>);

impl ProgramGroups {
    /// The worker's word on a group.
    pub(super) fn told(&mut self, group: i32, state: GroupState) {
        match state {
            GroupState::Gone => self.0.remove(&group),
            _ => self.0.insert(group, state),
        };
    }

    /// Kills all that is left of them. Called at once when the worker has ended, which is the last that is heard of them.
    pub(super) fn kill(&self) {
        for (group, state) in &self.0 {
            // Numbers that mean more than one group are no worker's.
            let Some(group) = Some(Pid::from_raw(*group)).filter(|group| group.as_raw() > 1) else { continue };
            // As long as a group has members no process gets its number: one that has it leads another group.
            let is_anothers = *state == GroupState::Left && kill(group, None) != Err(Errno::ESRCH);
            if !is_anothers {
                // That nothing is left is an error, which is no harm.
                let _ = killpg(group, Signal::SIGKILL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::{CommandExt, ExitStatusExt},
        process::Command,
    };

    use super::*;

    fn group() -> (i32, std::process::Child) {
        let child = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        (i32::try_from(child.id()).unwrap(), child)
    }

    #[test]
    fn what_is_told_to_be_there_is_killed() {
        let ((led, mut ends), (number, mut goes_on), (gone, mut stays)) = (group(), group(), group());
        let mut groups = ProgramGroups::default();
        groups.told(led, GroupState::Led);
        // Of a group whose leader has ended: a process of that number is somebody else's.
        groups.told(number, GroupState::Left);
        groups.told(gone, GroupState::Led);
        groups.told(gone, GroupState::Gone);
        groups.kill();
        assert_eq!(ends.wait().unwrap().signal(), Some(9));
        assert_eq!((goes_on.try_wait().unwrap(), stays.try_wait().unwrap()), (None, None));
        for child in [&mut goes_on, &mut stays] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
