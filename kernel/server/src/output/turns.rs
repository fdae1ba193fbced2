//! How often stdout and stderr of a run may change before their order gives way: every change is a message, and Jupyter's
//! server takes no more than 3,000 of them in three seconds.

use std::time::{Duration, Instant};

/// How many changes are shown as they came, after a silence.
pub(super) const TURNS: u32 = 512;
/// How soon one more of them is.
const TURN: Duration = Duration::from_millis(4);

/// The turns of a display: how many changes are still shown as they come.
#[derive(Debug)]
pub(super) struct Turns {
    left: u32,
    /// When `left` was counted.
    counted: Instant,
}

impl Turns {
    /// After a silence.
    pub(super) fn new() -> Self {
        Self { left: TURNS, counted: Instant::now() }
    }

    /// Whether one more is shown.
    pub(super) fn take(&mut self) -> bool {
        self.refill(Instant::now());
        let shown = self.left > 0;
        self.left = self.left.saturating_sub(1);
        shown
    }

    fn refill(&mut self, now: Instant) {
        let more = now.duration_since(self.counted).as_nanos() / TURN.as_nanos();
        if more > 0 {
            self.counted = now;
            self.left = self.left.saturating_add(u32::try_from(more).unwrap_or(TURNS)).min(TURNS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_used_up_and_come_again() {
        let mut turns = Turns::new();
        let begin = turns.counted;
        turns.left = 0;
        turns.refill(begin + TURN / 2);
        assert_eq!(turns.left, 0);
        turns.refill(begin + 3 * TURN);
        assert_eq!(turns.left, 3);
        turns.refill(begin + 2 * TURNS * TURN);
        assert_eq!(turns.left, TURNS);
        assert!(turns.take());
    }
}
