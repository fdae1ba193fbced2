//! Sentences about a row, in the picture and in the text.

use std::time::Duration;

use super::fold::What;
use super::{End, Fold, Lane};
use crate::display::duration::duration;

/// Longer names are cut before anything else is done with them, in columns.
pub(super) const LONGEST_NAME: usize = 120;

impl End {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Panicked => "panicked",
            Self::Aborted => "aborted",
        }
    }
}

/// What is said of a future that was dropped before it was ready.
pub(super) const CANCELLED: &str = "cancelled";

/// What is said of a lane that has no end.
pub(super) const GOES_ON: &str = "goes on";

impl What<'_> {
    /// `fetch`, or `fetch ×960`.
    pub(super) fn name(&self) -> String {
        let cut = |name| crate::display::text::cut(name, LONGEST_NAME).into_owned();
        match self {
            Self::Lane(lane) => cut(&lane.name),
            Self::Many(fold) => format!("{} ×{}", cut(&fold.name), grouped(fold.tasks)),
        }
    }

    /// The place; within the cell of this name only the line.
    pub(super) fn place(&self, label: &str) -> String {
        let place = match self {
            Self::Lane(lane) => lane.place.as_deref(),
            Self::Many(fold) => fold.place.as_deref(),
        }
        .unwrap_or("");
        let in_cell = place.strip_prefix(label).and_then(|rest| rest.strip_prefix(", "));
        crate::display::text::cut(in_cell.unwrap_or(place), LONGEST_NAME).into_owned()
    }

    /// From when to when there is something of it.
    pub(super) fn life(&self, now: Duration) -> (Duration, Duration) {
        match self {
            Self::Lane(lane) => lane.life(now),
            Self::Many(fold) => fold.life(now),
        }
    }

    /// How it ended, or how many ended how.
    pub(super) fn state(&self) -> String {
        match self {
            Self::Lane(lane) => match &lane.stood {
                Some(stood) => format!("{} at {}", state(lane), crate::display::text::cut(stood, LONGEST_NAME)),
                None => state(lane).to_owned(),
            },
            Self::Many(fold) => states(fold),
        }
    }

    /// How much of its life it ran: what is solid in the picture. The rest of it waited.
    pub(super) fn ran(&self) -> String {
        match self {
            Self::Lane(lane) => format!("ran for {} of it", duration(lane.busy)),
            Self::Many(fold) => format!("ran for {} in total", duration(fold.busy)),
        }
    }

    /// All that is known of it, in a few lines.
    pub(super) fn details(&self, now: Duration) -> String {
        let (from, to) = self.life(now);
        let life = duration(to.saturating_sub(from));
        let (place, polls, busy) = match self {
            Self::Lane(lane) => (&lane.place, lane.poll_count, lane.busy),
            Self::Many(fold) => (&fold.place, fold.poll_count, fold.busy),
        };
        let name = match place {
            Some(place) => format!("{} ({})", self.name(), crate::display::text::cut(place, LONGEST_NAME)),
            None => self.name(),
        };
        let times = if polls == 1 { "once".to_owned() } else { format!("{} times", grouped(polls)) };
        let state = self.state();
        format!(
            "{name}\n{life}, from {} to {}: {state}\npolled {times}, {} in total",
            duration(from),
            duration(to),
            duration(busy),
        )
    }
}

fn state(lane: &Lane) -> &'static str {
    match lane.end {
        Some((_, End::Aborted)) if lane.branch => CANCELLED,
        Some((_, end)) => end.word(),
        None => GOES_ON,
    }
}

fn states(fold: &Fold) -> String {
    let counts = [
        (fold.finished, "finished"),
        (fold.panicked, "panicked"),
        (fold.aborted, "aborted"),
        (fold.living_on(), if fold.living_on() == 1 { GOES_ON } else { "go on" }),
    ];
    let said = counts.into_iter().filter(|(count, _)| *count > 0);
    said.map(|(count, word)| format!("{} {word}", grouped(count))).collect::<Vec<_>>().join(", ")
}

/// A count with its thousands apart: `12,345`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
