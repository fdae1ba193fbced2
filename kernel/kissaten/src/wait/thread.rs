//! Threads, as the system sees them: whether one stands still in a call that ends only when another one does something.

use std::cell::Cell;

use crate::system;

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// The system's number of this thread.
pub(crate) fn number() -> u32 {
    NUMBER.with(|number| match number.get() {
        0 => {
            let found = system::thread_number();
            number.set(found);
            found
        }
        known => known,
    })
}

/// Whether that thread waits in std's channels, locks or condition variables without a limit of time. A sleep is none of
/// these, nor is a socket.
pub(super) fn is_blocked(number: u32) -> bool {
    let Some(waiting) = system::WAITING else { return false };
    // `202 0x7f… 0x80 0x0 0x0 …`: the call's number and its arguments; `running` of one that makes none.
    let Ok(line) = std::fs::read_to_string(format!("/proc/self/task/{number}/syscall")) else { return false };
    let mut words = line.split(' ');
    let is_futex = words.next().and_then(|call| call.parse::<i64>().ok()) == Some(waiting);
    is_futex && words.nth(3) == Some("0x0")
}

/// For how long the threads of this process have waited for a processor in all, in nanoseconds.
pub(crate) fn waited_for_processors() -> u64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let of_thread = |path: std::path::PathBuf| {
        // Time on a processor, time in the queue for one, and how often.
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split(' ').nth(1)?.parse::<u64>().ok()
    };
    threads.flatten().filter_map(|thread| of_thread(thread.path())).sum()
}
