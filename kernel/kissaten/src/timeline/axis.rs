//! The axis of time: where a moment stands on it, and its round ticks.

use std::time::Duration;

use crate::display::duration::duration;

const MICROSECOND: u128 = 1_000;
const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;
const DAY: u128 = 24 * HOUR;

/// Steps that people count time by, from where it is no longer decimal.
const LONG_STEPS: [u128; 15] = [
    5 * SECOND,
    10 * SECOND,
    20 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
];

/// From zero to the end of what is shown.
pub(super) struct Axis {
    /// The last moment, never zero.
    span: Duration,
}

/// A round moment.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    /// Where it stands, of 0 to 1.
    pub(super) share: f64,
    pub(super) label: String,
}

impl Axis {
    pub(super) fn new(span: Duration) -> Self {
        Self { span: span.max(Duration::from_nanos(1)) }
    }

    /// Where a moment stands, of 0 to 1.
    pub(super) fn share(&self, moment: Duration) -> f64 {
        (moment.as_secs_f64() / self.span.as_secs_f64()).min(1.0)
    }

    /// At most so many ticks behind the one at zero.
    pub(super) fn ticks(&self, most: u32) -> Vec<Tick> {
        let span = self.span.as_nanos();
        let step = step(span.div_ceil(u128::from(most.max(1))), span);
        let unit = [SECOND, 1_000 * MICROSECOND, MICROSECOND].into_iter().find(|unit| *unit <= span).unwrap_or(1);
        let tick = |moment: u128| Tick { share: moment as f64 / span as f64, label: label(moment, step, span, unit) };
        (0..=span / step).map(|index| tick(index * step)).collect()
    }
}

/// The shortest round step that is not below the given one.
fn step(least: u128, span: u128) -> u128 {
    let decimal = |base: u128| {
        let mut power = base;
        loop {
            if let Some(step) = [1, 2, 5].map(|digit| digit * power).into_iter().find(|step| *step >= least) {
                return step;
            }
            power *= 10;
        }
    };
    if span < MINUTE {
        return decimal(1);
    }
    LONG_STEPS.into_iter().find(|step| *step >= least).unwrap_or_else(|| decimal(DAY))
}

fn label(moment: u128, step: u128, span: u128, unit: u128) -> String {
    if moment == 0 {
        return "0".to_owned();
    }
    if span >= MINUTE {
        // Whole seconds, so the words for people are exact.
        let moment = Duration::new(u64::try_from(moment / SECOND).unwrap_or(u64::MAX), 0);
        return if moment < Duration::from_secs(60) { format!("{} s", moment.as_secs()) } else { duration(moment) };
    }
    let name = match unit {
        SECOND => "s",
        1_000_000 => "ms",
        MICROSECOND => "µs",
        _ => "ns",
    };
    let decimals = (0..9).take_while(|digits| !(step * 10_u128.pow(*digits)).is_multiple_of(unit)).count();
    format!("{:.decimals$} {name}", moment as f64 / unit as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(nanoseconds: u64) -> Vec<String> {
        Axis::new(Duration::from_nanos(nanoseconds)).ticks(6).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_from_nanoseconds_to_days() {
        assert_eq!(labels(200), ["0", "50 ns", "100 ns", "150 ns", "200 ns"]);
        assert_eq!(labels(1_100), ["0", "0.2 µs", "0.4 µs", "0.6 µs", "0.8 µs", "1.0 µs"]);
        assert_eq!(labels(6_003_000_000), ["0", "2 s", "4 s", "6 s"]);
        assert_eq!(labels(70_000_000_000), ["0", "20 s", "40 s", "1 min"]);
        assert_eq!(labels(300_000_000_000), ["0", "1 min", "2 min", "3 min", "4 min", "5 min"]);
        assert_eq!(labels(9_000_000_000_000), ["0", "30 min", "1 h", "1 h 30 min", "2 h", "2 h 30 min"]);
    }

    #[test]
    fn every_span_has_a_few_ticks_on_the_axis() {
        let spans = (0..64).map(|shift| Duration::from_nanos(1 << shift)).chain([Duration::ZERO, Duration::MAX]);
        for span in spans {
            let ticks = Axis::new(span).ticks(6);
            assert!((2..=7).contains(&ticks.len()), "{span:?}: {ticks:?}");
            assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.share)));
        }
    }
}
