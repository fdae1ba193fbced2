//! Strips: what a row has in each of equally wide columns of time, for whatever draws it.

use std::time::Duration;

use super::axis::Axis;

/// A run of polls: a stretch of the axis in which a lane was polled, once or in short turns.
#[derive(Debug, PartialEq)]
pub(super) struct StripRun {
    /// In the axis' width.
    pub(super) from: f64,
    pub(super) to: f64,
    /// Whether less than half of it was polled: many short polls that stand too close to be told apart.
    pub(super) sparse: bool,
}

/// Where a lane was polled on an axis of that width. No run is shorter than `least`, and those that are closer than
/// half of that are one.
pub(super) fn runs(polls: &[(Duration, Duration)], axis: &Axis, width: f64, least: f64) -> Vec<StripRun> {
    let mut runs: Vec<(StripRun, f64, u32)> = Vec::new();
    for &(start, end) in polls {
        let from = axis.share(start) * width;
        let polled = (axis.share(end) * width - from).max(0.0);
        // At the end of the axis it is made wider to the left.
        let from = from.min(width - least.max(polled)).max(0.0);
        let to = (from + polled.max(least)).min(width);
        match runs.last_mut() {
            Some((last, sum, count)) if from - last.to < least / 2.0 => {
                last.to = last.to.max(to);
                *sum += polled;
                *count += 1;
            }
            _ => runs.push((StripRun { from, to, sparse: false }, polled, 1)),
        }
    }
    let finish = |(run, polled, count): (StripRun, f64, u32)| {
        let sparse = count > 1 && run.to - run.from > 2.0 * least && polled < (run.to - run.from) / 2.0;
        StripRun { sparse, ..run }
    };
    runs.into_iter().map(finish).collect()
}

/// The most that lived at once in each of so many columns of the axis.
pub(super) fn living(steps: &[(Duration, u64)], axis: &Axis, columns: usize) -> Vec<u64> {
    let mut most = vec![0; columns];
    let mut column = 0;
    let mut lives = 0;
    for &(moment, count) in steps {
        // A moment on the border of two columns is in the right one, however the division was rounded.
        let exact = axis.share(moment) * columns as f64 + 1e-9;
        let next = (exact as usize).min(columns.saturating_sub(1)).max(column);
        // What lived before this moment lived in all columns up to it, but not in the one that begins with it.
        let lived_in = next + usize::from(exact - next as f64 > 2e-9);
        for place in most.iter_mut().take(lived_in).skip(column) {
            *place = lives.max(*place);
        }
        if let Some(place) = most.get_mut(next) {
            *place = count.max(*place);
        }
        (column, lives) = (next, count);
    }
    for place in most.iter_mut().skip(column) {
        *place = lives.max(*place);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_short_poll_is_still_seen_and_many_of_them_are_sparse() {
        let axis = Axis::new(ms(1_000));
        let one = runs(&[(ms(1_000), ms(1_000))], &axis, 100.0, 1.5);
        assert_eq!(one, [StripRun { from: 98.5, to: 100.0, sparse: false }]);
        let many: Vec<_> = (0..1_000).map(|start| (ms(start), ms(start))).collect();
        assert!(matches!(&*runs(&many, &axis, 100.0, 1.5), [StripRun { sparse: true, .. }]));
        let long = runs(&[(ms(0), ms(500)), (ms(501), ms(1_000))], &axis, 100.0, 1.5);
        assert_eq!(long, [StripRun { from: 0.0, to: 100.0, sparse: false }]);
    }

    #[test]
    fn the_most_that_lived_is_counted_by_column() {
        let axis = Axis::new(ms(100));
        let steps = [(ms(0), 1), (ms(20), 3), (ms(21), 2), (ms(50), 0), (ms(90), 1), (ms(90), 0)];
        assert_eq!(living(&steps, &axis, 10), [1, 1, 3, 2, 2, 0, 0, 0, 0, 1]);
        assert_eq!(living(&[], &axis, 2), [0, 0]);
    }
}
