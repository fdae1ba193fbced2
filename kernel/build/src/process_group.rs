//! A child with a process group of its own: the guard that ends the whole group with the child. What the child is, and
//! what it is for, is not known here.

use std::io;
use std::process::ExitStatus;

use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// The number of a process group, which is that of the child that leads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupId(libc::pid_t);

impl GroupId {
    /// Kills all processes of the group. To be called only while the child was not waited for, or at once after that:
    /// later the number may be another group's.
    pub fn kill(self) {
        // SAFETY: a plain system call. A group that has ended already is an error that says so, which is no harm.
        unsafe { libc::killpg(self.0, libc::SIGKILL) };
    }

    /// The number, as the system shows it.
    pub fn number(self) -> libc::pid_t {
        self.0
    }
}

/// A child process and all that it starts and that stays in its group. When this is dropped before the child was waited
/// for, the whole group is killed: the linker with rustc, the compilers with cargo.
#[derive(Debug)]
pub struct ProcessGroup {
    child: Child,
    id: GroupId,
}

impl ProcessGroup {
    /// Starts a child that leads a group. What a frontend's console sends to the kernel's group is not meant for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let number = child.id().and_then(|id| libc::pid_t::try_from(id).ok());
        let id = GroupId(number.ok_or_else(|| io::Error::other("the child has no number"))?);
        Ok(Self { child, id })
    }

    /// Lets all others go first: what it starts later as well.
    pub fn be_nice(&self) {
        let Ok(group) = libc::id_t::try_from(self.id.0) else { return };
        // SAFETY: a plain system call; if the group has ended already, it says so, which is no harm.
        unsafe { libc::setpriority(libc::PRIO_PGRP, group, 15) };
    }

    /// The group's number.
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// The pipe of its output, the first time, where one was asked for.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The pipe of its errors, the first time, where one was asked for.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the end of the child; what else is in its group may go on.
    ///
    /// # Errors
    /// When the system does not tell.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills the whole group, and waits until the child has ended.
    pub async fn end(&mut self) {
        self.kill();
        let _ = self.child.wait().await;
    }

    /// Kills the whole group, unless the child was waited for.
    pub fn kill(&self) {
        if self.child.id().is_some() {
            self.id.kill();
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use tokio::io::AsyncReadExt;

    use super::*;

    /// A child that starts another process, which holds the pipe open and ends by itself only after a long time.
    fn with_grandchild() -> (ProcessGroup, ChildStdout) {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo started; wait"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut group = ProcessGroup::spawn(&mut command).unwrap();
        let stdout = group.take_stdout().unwrap();
        (group, stdout)
    }

    /// Reads to the end of the pipe, which comes when the last process that writes to it has ended.
    async fn rest(stdout: &mut ChildStdout) {
        let mut rest = String::new();
        let all = stdout.read_to_string(&mut rest);
        tokio::time::timeout(Duration::from_secs(30), all).await.expect("a process of the group lives").unwrap();
    }

    #[tokio::test]
    async fn what_a_child_started_ends_when_the_guard_is_dropped() {
        let (group, mut stdout) = with_grandchild();
        let mut word = [0; 8];
        stdout.read_exact(&mut word).await.unwrap();
        drop(group);
        rest(&mut stdout).await;
    }

    #[tokio::test]
    async fn what_a_child_started_ends_when_it_is_told_to() {
        let (mut group, mut stdout) = with_grandchild();
        let mut word = [0; 8];
        stdout.read_exact(&mut word).await.unwrap();
        group.end().await;
        rest(&mut stdout).await;
        group.kill();
    }

    #[tokio::test]
    async fn a_child_that_ends_is_waited_for() {
        let mut command = Command::new("sh");
        let mut group = ProcessGroup::spawn(command.args(["-c", "exit 3"])).unwrap();
        assert_eq!(group.wait().await.unwrap().code(), Some(3));
        // Its number may be another's by now.
        group.kill();
    }
}
