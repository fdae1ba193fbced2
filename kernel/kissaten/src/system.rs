//! The system below libc: what its `read`, `write` and `writev` call, which this library defines in libc's place, and what each
//! system has under a name of its own. Who is asked for input and whose a text is, is not known here.
//!
//! Kissaten runs on Linux. For macOS the types are right, and nothing of it has been run.

/// Reads from a descriptor; it sets `errno`.
///
/// # Safety
/// As `read(2)`: `buffer` must be valid for writes of `count` bytes.
pub(crate) unsafe fn read(descriptor: i32, buffer: *mut libc::c_void, count: usize) -> isize {
    // SAFETY: as the caller promises; the call is the one that libc's function makes.
    unsafe { calls::read(descriptor, buffer, count) }
}

/// Writes to a descriptor; it sets `errno`.
///
/// # Safety
/// As `write(2)`: `buffer` must be valid for reads of `count` bytes.
pub(crate) unsafe fn write(descriptor: i32, buffer: *const libc::c_void, count: usize) -> isize {
    // SAFETY: as the caller promises; the call is the one that libc's function makes.
    unsafe { calls::write(descriptor, buffer, count) }
}

/// Writes to a descriptor what stands in several places; it sets `errno`.
///
/// # Safety
/// As `writev(2)`: `parts` must be valid for reads of `count` structures, and so must be what these are of.
pub(crate) unsafe fn writev(descriptor: i32, parts: *const libc::iovec, count: i32) -> isize {
    // SAFETY: as the caller promises; the call is the one that libc's function makes.
    unsafe { calls::writev(descriptor, parts, count) }
}

/// Says why a call failed, as libc's functions do.
pub(crate) fn set_errno(number: i32) {
    // SAFETY: the address is this thread's own `errno`.
    unsafe { *calls::errno() = number };
}

/// The system's number of this thread.
pub(crate) fn thread_number() -> u32 {
    calls::thread_number()
}

/// The number of the call in which std's locks and channels wait; `None` where the system does not tell in which a thread is.
pub(crate) const WAITING: Option<i64> = calls::WAITING;

#[cfg(target_os = "linux")]
mod calls {
    pub(super) use libc::__errno_location as errno;
    use libc::{c_void, iovec};

    pub(super) const WAITING: Option<i64> = Some(libc::SYS_futex);

    pub(super) unsafe fn read(descriptor: i32, buffer: *mut c_void, count: usize) -> isize {
        // SAFETY: as the caller promises.
        unsafe { libc::syscall(libc::SYS_read, descriptor, buffer, count) as isize }
    }

    pub(super) unsafe fn write(descriptor: i32, buffer: *const c_void, count: usize) -> isize {
        // SAFETY: as the caller promises.
        unsafe { libc::syscall(libc::SYS_write, descriptor, buffer, count) as isize }
    }

    pub(super) unsafe fn writev(descriptor: i32, parts: *const iovec, count: i32) -> isize {
        // SAFETY: as the caller promises.
        unsafe { libc::syscall(libc::SYS_writev, descriptor, parts, count) as isize }
    }

    pub(super) fn thread_number() -> u32 {
        // SAFETY: a plain system call.
        u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
    }
}

#[cfg(not(target_os = "linux"))]
mod calls {
    pub(super) use libc::__error as errno;
    use libc::{c_void, iovec};

    pub(super) const WAITING: Option<i64> = None;

    // macOS keeps the numbers of its calls to itself, and has them under second names in its C library.
    unsafe extern "C" {
        #[link_name = "read$NOCANCEL"]
        pub(super) fn read(descriptor: i32, buffer: *mut c_void, count: usize) -> isize;
        #[link_name = "write$NOCANCEL"]
        pub(super) fn write(descriptor: i32, buffer: *const c_void, count: usize) -> isize;
        #[link_name = "writev$NOCANCEL"]
        pub(super) fn writev(descriptor: i32, parts: *const iovec, count: i32) -> isize;
    }

    pub(super) fn thread_number() -> u32 {
        let mut number = 0;
        // SAFETY: 0 is this thread, and the number is written to where it can be.
        unsafe { libc::pthread_threadid_np(0, &raw mut number) };
        u32::try_from(number).unwrap_or(0)
    }
}
