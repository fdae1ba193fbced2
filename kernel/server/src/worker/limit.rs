//! How many files the worker may have open, and how much memory it may take: what the machine has, so that a cell that
//! eats all of it is told so by a failed allocation and not by a machine that stands still.

use std::{env, fs};

/// How many files and sockets the worker may have open, if the system allows as many. The usual 1,024 are there for
/// programs that call `select`; both ends of a thousand connections are more.
pub(super) const FILES: u64 = 65_536;

/// Overrides the limit, in bytes.
const VARIABLE: &str = "KISSATEN_MEMORY_LIMIT";

/// The limit in bytes; `None` where it cannot be found out.
pub(super) fn memory() -> Option<u64> {
    if let Some(bytes) = env::var(VARIABLE).ok().and_then(|bytes| bytes.trim().parse().ok()) {
        return Some(bytes);
    }
    let system = physical();
    [system, control_group()].into_iter().flatten().min()
}

fn physical() -> Option<u64> {
    // SAFETY: the calls take integers and touch no memory of this process.
    let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).ok()?.checked_mul(u64::try_from(size).ok()?).filter(|bytes| *bytes > 0)
}

/// The least limit on the way from the process's control group to the root, in either version of them.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(limit_of_group).min()
}

/// A line is `number:controllers:/path`; version 2 has the number 0 and no controllers.
fn limit_of_group(line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':');
    let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let (root, file) = if number == "0" && controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return None;
    };
    let path = path.trim_matches('/');
    let depth = path.split('/').count();
    // Inside a container the path may be the host's and not exist here; the root then holds the container's limit.
    (0..=depth)
        .filter_map(|length| {
            let group = path.split('/').take(length).collect::<Vec<_>>().join("/");
            fs::read_to_string(format!("{root}/{group}/{file}")).ok()?.trim().parse().ok()
        })
        .min()
}
