//! Durations in words for people.

use std::time::Duration;

const SECOND: u128 = 1_000_000_000;
const SMALL_UNITS: [(u128, &str, u128); 3] = [(1_000, "µs", 1_000), (1_000_000, "ms", 1_000), (SECOND, "s", 60)];

/// A duration with two or three digits that count: `12 µs`, `1.2 s`, `3 min 5 s`, `2 h 10 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0 s".to_owned();
    }
    if nanoseconds < 1_000 {
        return format!("{nanoseconds} ns");
    }
    // What rounds up to a whole larger unit is told in that one.
    for (unit, name, limit) in SMALL_UNITS {
        let tenths = rounded(nanoseconds * 10, unit);
        let whole = rounded(nanoseconds, unit);
        if tenths < 100 {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        if whole < limit {
            return format!("{whole} {name}");
        }
    }
    let seconds = rounded(nanoseconds, SECOND);
    let minutes = rounded(nanoseconds, 60 * SECOND);
    let hours = rounded(nanoseconds, 3_600 * SECOND);
    if seconds < 3_600 {
        two(seconds, 60, "min", "s")
    } else if minutes < 24 * 60 {
        two(minutes, 60, "h", "min")
    } else {
        two(hours, 24, "d", "h")
    }
}

fn rounded(value: u128, unit: u128) -> u128 {
    (value + unit / 2) / unit
}

/// A number of small units as large ones and the rest, without a rest of zero.
fn two(small: u128, ratio: u128, large_name: &str, small_name: &str) -> String {
    match small % ratio {
        0 => format!("{} {large_name}", small / ratio),
        rest => format!("{} {large_name} {rest} {small_name}", small / ratio),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_people_would_take() {
        let cases = [
            (0, "0 s"),
            (999, "999 ns"),
            (1_000, "1.0 µs"),
            (12_300, "12 µs"),
            (999_600, "1.0 ms"),
            (350_000_000, "350 ms"),
            (1_249_000_000, "1.2 s"),
            (9_960_000_000, "10 s"),
            (59_700_000_000, "1 min"),
            (185_000_000_000, "3 min 5 s"),
            (3_599_900_000_000, "1 h"),
            (7_800_000_000_000, "2 h 10 min"),
            (180_000_000_000_000, "2 d 2 h"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(duration(Duration::from_nanos(nanoseconds)), text);
        }
        assert!(duration(Duration::MAX).ends_with(" h"));
    }
}
