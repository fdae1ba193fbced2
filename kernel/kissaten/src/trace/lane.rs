//! One lane of a timeline in the making: the life of a task, a branch, a closure or the cell itself.

use std::panic::Location;
use std::time::Duration;

use super::{Clock, POLLS, index_of, shown_name};
use crate::task::{TypeName, place_of, polled_since};
use crate::timeline::{End, Lane};
use crate::wait::Noted;

pub(super) struct Traced {
    parent: u32,
    pub(super) task: u64,
    pub(super) name: Option<TypeName>,
    location: Option<&'static Location<'static>>,
    spawned: u64,
    pub(super) end: Option<(u64, End)>,
    polls: Vec<(u64, u64)>,
    /// Polls that are nearer to one another than this are one.
    resolution: u64,
    count: u64,
    pub(super) busy: u64,
    /// It is polled as a part of another one.
    pub(super) is_branch: bool,
    /// It waited for what others have.
    pub(super) shares: bool,
    /// Where it stood when it was cut off.
    pub(super) stood: Option<Noted>,
    /// What it is called, where its type does not say it all.
    pub(super) called: Option<String>,
    /// When its present poll began, if it is no task, which knows that itself.
    pub(super) polled_since: Option<u64>,
}

impl Traced {
    pub(super) fn new(parent: u32, task: u64, location: Option<&'static Location<'static>>, spawned: u64) -> Self {
        let polls = Vec::new();
        Self {
            parent,
            task,
            name: None,
            location,
            spawned,
            end: None,
            polls,
            resolution: 0,
            count: 0,
            busy: 0,
            is_branch: false,
            shares: false,
            stood: None,
            called: None,
            polled_since: None,
        }
    }

    pub(super) fn polled(&mut self, since: u64, until: u64) {
        self.polled_since = None;
        self.count += 1;
        self.busy += until.saturating_sub(since);
        match self.polls.last_mut() {
            Some(last) if since.saturating_sub(last.1) < self.resolution => last.1 = until,
            _ => self.polls.push((since, until)),
        }
        while self.polls.len() >= POLLS {
            self.resolution = (self.resolution * 2).max(1000);
            super::join(&mut self.polls, self.resolution, |last| last.1, |last, next| *last = *next);
        }
    }

    /// The lane as it is told.
    pub(super) fn told(&self, clock: &Clock) -> Lane {
        let stretch = |(from, to): &(u64, u64)| (clock.since_start(*from), clock.since_start(*to));
        let mut polls: Vec<_> = self.polls.iter().map(stretch).collect();
        let (mut poll_count, mut busy) = (self.count, self.busy);
        // What is polled at this moment has not been written down yet.
        if let Some(since) = self.polled_since() {
            polls.push(stretch(&(since, clock.now)));
            poll_count += 1;
            busy += clock.now.saturating_sub(since);
        }
        Lane {
            parent: index_of(self.parent),
            task: Some(self.task).filter(|task| *task != 0),
            name: self.called.clone().unwrap_or_else(|| shown_name(self.name)),
            place: self.location.map(place_of),
            spawned: clock.since_start(self.spawned),
            end: self.end.map(|(at, end)| (clock.since_start(at), end)),
            polls,
            poll_count,
            busy: Duration::from_nanos(busy),
            branch: self.is_branch,
            stood: self.stood.map(|noted| format!("{}: {}", place_of(noted.location), noted.text)),
        }
    }

    fn polled_since(&self) -> Option<u64> {
        match (self.end, self.task) {
            (Some(_), _) => None,
            (None, 0) => self.polled_since,
            (None, task) => polled_since(task),
        }
    }
}
