//! Limits: how long a future is given by the `timeout` around it.
//!
//! The length is seen where it is handed over, and is taken along by the future that is made next: the one it is for.

use std::any::type_name;
use std::ptr::from_ref;
use std::time::Duration;

use tokio::time::Instant;

use crate::here;
use crate::task::now;

/// Who gives more time than this does not wait for its end.
const SHORT: Duration = Duration::from_secs(60);

/// How long a future may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    /// Its end is near: whoever wrote it waits for that.
    Short,
    /// Until that moment of [`now`].
    Until(u64),
}

/// A limit as one word: none, a near one, else until when.
const NONE: u64 = 0;
const NEAR: u64 = 1;

impl Limit {
    pub(crate) fn of(word: u64) -> Self {
        match word {
            NONE => Self::None,
            NEAR => Self::Short,
            until => Self::Until(until),
        }
    }
}

/// A time for the next future, unchanged: a `Duration`, or an `Instant` of tokio; of what else it may be nothing is known.
#[inline(always)]
pub fn limit<T>(time: T) -> T {
    give(type_name::<T>, from_ref(&time).cast());
    time
}

#[inline(never)]
fn give(type_name: fn() -> &'static str, time: *const ()) {
    let name = type_name();
    let length = if name == std::any::type_name::<Duration>() {
        // SAFETY: it is of the type of that name, which no other crate has; so below.
        unsafe { *time.cast::<Duration>() }
    } else if name == std::any::type_name::<Instant>() {
        // SAFETY: as above.
        unsafe { *time.cast::<Instant>() }.saturating_duration_since(Instant::now())
    } else {
        // It may be a limit, and may be near.
        Duration::ZERO
    };
    let word = match u64::try_from(length.as_nanos()) {
        _ if length <= SHORT => NEAR,
        Ok(length) => now().saturating_add(length),
        Err(_) => u64::MAX,
    };
    here::with(|here| here.limit.set(word));
}

/// Takes the limit for the future that is made now.
#[inline(never)]
pub fn limited() -> u64 {
    here::with(|here| here.limit.replace(NONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit_of<T>(time: T) -> Limit {
        let _ = limit(time);
        Limit::of(limited())
    }

    #[test]
    fn only_near_ends_are_waited_for() {
        assert_eq!(Limit::of(limited()), Limit::None);
        assert_eq!(limit_of(Duration::from_secs(2)), Limit::Short);
        assert_eq!(limit_of(7), Limit::Short);
        assert!(
            matches!(limit_of(Duration::from_secs(3600)), Limit::Until(until) if until > now() + 3_500_000_000_000)
        );
        assert_eq!(limit_of(Duration::MAX), Limit::Until(u64::MAX));
        assert!(matches!(limit_of(Instant::now() + Duration::from_secs(90)), Limit::Until(_)));
        assert_eq!(limit_of(Instant::now()), Limit::Short);
        assert_eq!(Limit::of(limited()), Limit::None);
    }
}
