//! Tasks that are counted instead of told one by one.

use std::panic::Location;
use std::time::Duration;

use super::{Clock, POLLS, index_of, shown_name};
use crate::task::{TypeName, place_of};
use crate::timeline::{End, Fold};

pub(super) struct Folded {
    parent: u32,
    location: &'static Location<'static>,
    pub(super) name: Option<TypeName>,
    first: u64,
    last: u64,
    tasks: u64,
    finished: u64,
    panicked: u64,
    aborted: u64,
    polls: u64,
    busy: u64,
    /// The sums of the moments at which they began, and at which they ended.
    begun: u128,
    ended: u128,
    /// How many lived from when on, told apart no finer than the resolution.
    living: Vec<(u64, u64)>,
    resolution: u64,
}

impl Folded {
    pub(super) fn new(parent: u32, location: &'static Location<'static>, first: u64) -> Self {
        Self {
            parent,
            location,
            name: None,
            first,
            last: first,
            tasks: 0,
            finished: 0,
            panicked: 0,
            aborted: 0,
            polls: 0,
            busy: 0,
            begun: 0,
            ended: 0,
            living: Vec::new(),
            resolution: 0,
        }
    }

    fn alive(&self) -> u64 {
        self.tasks - self.finished - self.panicked - self.aborted
    }

    pub(super) fn begin(&mut self, at: u64) {
        self.tasks += 1;
        self.begun += u128::from(at);
        self.count(at);
    }

    pub(super) fn end(&mut self, at: u64, end: End) {
        match end {
            End::Finished => self.finished += 1,
            End::Panicked => self.panicked += 1,
            End::Aborted => self.aborted += 1,
        }
        self.last = self.last.max(at);
        self.ended += u128::from(at);
        self.count(at);
    }

    /// Writes down how many live now.
    fn count(&mut self, at: u64) {
        let alive = self.alive();
        match self.living.last_mut() {
            Some(last) if at.saturating_sub(last.0) < self.resolution => last.1 = alive,
            _ => self.living.push((at, alive)),
        }
        while self.living.len() >= POLLS {
            self.resolution = (self.resolution * 2).max(1000);
            super::join(&mut self.living, self.resolution, |last| last.0, |last, next| *last = *next);
        }
    }

    /// A task's own count of its polls.
    pub(super) fn add_work(&mut self, (polls, busy): (u64, u64)) {
        self.polls += polls;
        self.busy += busy;
    }

    /// The count as it is told.
    pub(super) fn told(&self, clock: &Clock) -> Fold {
        Fold {
            name: shown_name(self.name),
            place: Some(place_of(self.location)),
            parent: index_of(self.parent),
            tasks: self.tasks,
            finished: self.finished,
            panicked: self.panicked,
            aborted: self.aborted,
            first: clock.since_start(self.first),
            last: (self.alive() == 0).then(|| clock.since_start(self.last)),
            living: self.living.iter().map(|(from, living)| (clock.since_start(*from), *living)).collect(),
            lived: self.lived(clock.now),
            poll_count: self.polls,
            busy: Duration::from_nanos(self.busy),
        }
    }

    /// The sum of their lives, to their ends or to now.
    fn lived(&self, now: u64) -> Duration {
        let sum = (self.ended + u128::from(now) * u128::from(self.alive())).saturating_sub(self.begun);
        Duration::from_nanos(u64::try_from(sum).unwrap_or(u64::MAX))
    }
}
