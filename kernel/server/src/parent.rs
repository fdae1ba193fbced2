//! The process that started the kernel: when it ends, so does the kernel. Jupyter gives its id in `JPY_PARENT_PID`.

use std::{env, io, time::Duration};

use nix::{
    errno::Errno,
    sys::signal::kill,
    unistd::{Pid, getppid},
};

/// How often the parent is looked for where the system cannot tell of its end.
const POLL: Duration = Duration::from_secs(1);

/// Returns when the parent has ended, and never if there is none to watch.
pub(crate) async fn ended() {
    let parent = env::var("JPY_PARENT_PID").ok().and_then(|id| id.parse().ok()).filter(|id| *id > 1).map(Pid::from_raw);
    let Some(parent) = parent else { return std::future::pending().await };
    if !lives(parent) {
        // Either it ended while the kernel started, which leaves an orphan, or it lives where its id means nothing to
        // this process (another container, say).
        if getppid() == Pid::from_raw(1) {
            return;
        }
        tracing::info!("the parent process {parent} cannot be seen and is not watched");
        return std::future::pending().await;
    }
    if let Err(error) = watch(parent).await {
        tracing::debug!("the parent process is polled: {error}");
        while lives(parent) {
            tokio::time::sleep(POLL).await;
        }
    }
}

fn lives(process: Pid) -> bool {
    // Any answer but this one comes from a living process, be it another user's.
    kill(process, None) != Err(Errno::ESRCH)
}

/// Waits on a file descriptor that becomes readable when the process ends.
#[cfg(target_os = "linux")]
async fn watch(process: Pid) -> io::Result<()> {
    use std::os::fd::{FromRawFd, OwnedFd};
    use tokio::io::{Interest, unix::AsyncFd};

    // SAFETY: the call takes two integers and touches no memory of this process.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) };
    let number = i32::try_from(number).ok().filter(|number| *number >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    // SAFETY: an `OwnedFd` always names the same open descriptor.
    let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE)? };
    descriptor.readable().await.map(drop)
}

#[cfg(not(target_os = "linux"))]
async fn watch(_: Pid) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_seen() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let watching = tokio::spawn(watch(Pid::from_raw(child.id().try_into().unwrap())));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!watching.is_finished());
        child.kill().unwrap();
        watching.await.unwrap().unwrap();
        child.wait().unwrap();
    }
}
