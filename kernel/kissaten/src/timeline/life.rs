//! Life times: how long what lived, and what it would have been one after another.

use std::time::Duration;

use super::{End, Fold, Lane, Timeline};
use crate::display::duration::duration;
use crate::display::text::printable;

impl Timeline {
    /// The last moment that anything is known of.
    pub(super) fn span(&self) -> Duration {
        let of_lane = |lane: &Lane| {
            let polled = lane.polls.last().map_or(Duration::ZERO, |(_, to)| *to);
            lane.end.map_or(Duration::ZERO, |(end, _)| end).max(lane.spawned).max(polled)
        };
        let of_fold = |fold: &Fold| fold.last.unwrap_or(fold.first).max(fold.first);
        let moments = self.lanes.iter().map(of_lane).chain(self.folded.iter().map(of_fold));
        moments.fold(self.elapsed, Duration::max)
    }

    /// What all that would have taken if nothing had waited for anything else, or `None` if there is only one.
    ///
    /// A lane counts for as long as it lived and none of its own children did: a parent that only waits for them
    /// would be counted twice. It counts from its first poll: until then it waited for a thread that others kept busy,
    /// which it would not have if it had been their turn first. Of what is folded only sums are known, so with it the
    /// figure is a rough one.
    /// Nor is it known where one was cut off, or goes on when the cell has ended.
    fn one_after_another(&self) -> Option<Duration> {
        let is_cut = |lane: &Lane| match lane.end {
            Some((_, end)) => end == End::Aborted,
            None => !self.running,
        };
        let is_fold_cut = |fold: &Fold| fold.aborted > 0 || fold.living_on() > 0 && !self.running;
        if self.lanes.iter().any(is_cut) || self.folded.iter().any(is_fold_cut) {
            return None;
        }
        if self.lanes.len() + self.folded.len() < 2 {
            return None;
        }
        let now = self.span();
        let mut below: Vec<Vec<(Duration, Duration)>> = vec![Vec::new(); self.lanes.len()];
        let lanes = self.lanes.iter().map(|lane| (lane.parent, lane.life(now)));
        let folds = self.folded.iter().map(|fold| (fold.parent, fold.life(now)));
        for (parent, life) in lanes.chain(folds) {
            if let Some(below) = parent.and_then(|parent| below.get_mut(parent)) {
                below.push(life);
            }
        }
        let lanes = self.lanes.iter().zip(below).map(|(lane, below)| alone(lane.life_from_first_poll(now), below));
        let folds = self.folded.iter().map(|fold| fold.lived.max(fold.busy));
        Some(lanes.chain(folds).fold(Duration::ZERO, Duration::saturating_add))
    }

    /// What it took, and what that compares to: `cell 3 took 6.0 s` and `one after another it would have been …`.
    pub(super) fn headline(&self) -> (String, Option<String>) {
        let verb = if self.running { "has run for" } else { "took" };
        let label = if self.label.is_empty() { "the cell" } else { &self.label };
        let took = format!("{} {verb} {}", printable(label), duration(self.elapsed));
        (took, self.one_after_another().and_then(|other| self.comparison(other)))
    }

    fn comparison(&self, other: Duration) -> Option<String> {
        let about = if self.folded.is_empty() { "" } else { "about " };
        let times = other.as_secs_f64() / self.elapsed.as_secs_f64();
        let ratio = if times >= 9.95 { format!("{times:.0}") } else { format!("{times:.1}") };
        if ratio == "1.0" || !times.is_finite() || times < 1.0 {
            return Some(format!("one after another it would have been {about}as long"));
        }
        let words = format!("one after another it would have been {about}{} ({ratio} × as long)", duration(other));
        (!self.contended).then_some(words)
    }
}

impl Lane {
    /// From its spawn to its end or to now; never backwards.
    pub(super) fn life(&self, now: Duration) -> (Duration, Duration) {
        (self.spawned, self.end.map_or(now, |(end, _)| end).max(self.spawned))
    }

    /// The life of a lane without the time before its first poll, where polls are known.
    fn life_from_first_poll(&self, now: Duration) -> (Duration, Duration) {
        let (from, to) = self.life(now);
        let first = self.polls.first().map_or(from, |(first, _)| *first);
        (first.clamp(from, to), to)
    }
}

impl Fold {
    /// From the first spawn to the last end or to now; never backwards.
    pub(super) fn life(&self, now: Duration) -> (Duration, Duration) {
        (self.first, self.last.unwrap_or(now).max(self.first))
    }

    /// How many went on.
    pub(super) fn living_on(&self) -> u64 {
        let ended = self.finished.saturating_add(self.panicked).saturating_add(self.aborted);
        self.tasks.saturating_sub(ended)
    }

    /// How many lived from each moment on; where that was not counted, as many as there were on average.
    pub(super) fn living_or_guess(&self, now: Duration) -> Vec<(Duration, u64)> {
        if !self.living.is_empty() {
            return self.living.clone();
        }
        let (from, to) = self.life(now);
        let average = (self.lived.as_secs_f64() / to.saturating_sub(from).as_secs_f64()).round();
        let average = if average.is_finite() { (average as u64).clamp(1, self.tasks.max(1)) } else { 1 };
        vec![(from, average), (to, self.living_on())]
    }
}

/// How much of a life is not covered by others.
fn alone((from, to): (Duration, Duration), mut others: Vec<(Duration, Duration)>) -> Duration {
    others.sort_unstable();
    let mut alone = Duration::ZERO;
    let mut seen = from;
    for (start, end) in others {
        alone += start.min(to).saturating_sub(seen);
        seen = seen.max(end.min(to));
    }
    alone + to.saturating_sub(seen)
}
