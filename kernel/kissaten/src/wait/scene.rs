//! The scene: who waits where at this moment, and for whom.
//!
//! Followed from one to the next (a cell awaits a task, which wants a lock, which another task holds) it is a chain, and the
//! last of it says whether anything can still happen by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::awaits::Kind;
use super::held::Taken;
use super::{Limit, Noted, Whereabouts, held, thread};
use crate::task::{self, branch, carry};
use crate::{input, label, runtime};

/// The number of somebody who is polled on its own: the run of a cell, a task, a future among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Unit {
    Run(u64),
    Task(u64),
    Branch(u64),
}

/// Where the kind of a unit is in its number.
const KIND: u32 = 62;

impl Unit {
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Run(id) => id,
            Self::Task(id) => 1 << KIND | id,
            Self::Branch(id) => 2 << KIND | id,
        }
    }

    pub(crate) fn of(number: u64) -> Self {
        let id = number & ((1 << KIND) - 1);
        match number >> KIND {
            0 => Self::Run(id),
            1 => Self::Task(id),
            _ => Self::Branch(id),
        }
    }
}

/// Somebody, as it is at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Stand {
    /// What it is called: a function's name; empty for a cell.
    pub(crate) name: String,
    /// The run of the cell that it belongs to.
    pub(crate) run: u64,
    /// Of a future among others: whose it is.
    pub(crate) parent: Option<u64>,
    pub(crate) is_polled: bool,
    /// Since when that is so, in nanoseconds of [`task::now`].
    pub(crate) since: u64,
    pub(crate) noted: Option<Noted>,
    /// The thread that polls it, or did last.
    pub(crate) thread: u32,
    /// It is a closure on a thread of its own.
    pub(crate) is_closure: bool,
    /// How long it may take.
    pub(crate) limit: Limit,
    /// How often it was polled, as far as that is counted.
    pub(crate) polls: u64,
}

impl Stand {
    /// Somebody with that slot; nothing else is known.
    pub(crate) fn new(run: u64, name: String, slot: &Whereabouts) -> Self {
        let noted = slot.noted();
        Self {
            name,
            run,
            parent: None,
            is_polled: false,
            since: 0,
            noted,
            thread: 0,
            is_closure: false,
            limit: Limit::None,
            polls: 0,
        }
    }
}

/// All who live, at one moment.
pub(crate) struct Scene {
    pub(crate) all: BTreeMap<Unit, Stand>,
    taken: HashMap<u64, Taken>,
    /// Something runs of which nothing is known here.
    has_others: bool,
    /// Tasks that are polled again and again, and have not ended the wait that is being looked at for long.
    pub(super) tickers: BTreeSet<u64>,
    pub(crate) now: u64,
}

/// One who waits, on the way from somebody to what it waits for in the end.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) unit: Unit,
    /// How it is waited for by the one before; `None`: the first.
    pub(crate) by: By,
}

/// How somebody is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Nobody does: it is the first.
    First,
    /// Its end is awaited.
    Task,
    /// It holds the lock.
    Holds(Where),
    /// It was the last to take what several can have at once.
    Took(Where),
    /// It is one of so many tasks of a `JoinSet`, as far as can be seen.
    InSet(u64),
    /// It is one of so many futures that are awaited side by side and have not ended.
    Among(usize),
}

/// Where a lock was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Where(pub(crate) &'static std::panic::Location<'static>);

/// What a chain comes to in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It waits for one that is in the chain already: the index of that one.
    Cycle(usize),
    /// What the last one waits for, and whoever could end it is not known.
    Thing(Kind, u64),
    /// The lock is held by a cell that has ended: its run.
    Ended(u64, Where),
    /// The last one is polled, for longer than it should be, and stands still.
    Blocked,
    /// The last one runs.
    Runs,
    /// Nothing is known.
    Unknown,
}

/// What somebody waits for.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Link>,
    pub(crate) ending: Ending,
}

impl Scene {
    /// What there is now.
    pub(crate) fn now() -> Self {
        let mut all = BTreeMap::new();
        runtime::each_running(|run, stand| drop(all.insert(Unit::Run(run), stand)));
        task::each_stand(|id, stand| drop(all.insert(Unit::Task(id), stand)));
        branch::each(|id, stand| drop(all.insert(Unit::Branch(id), stand)));
        let has_others = carry::runs_threads() || input::is_asked();
        Self { all, taken: held::all(), has_others, tickers: BTreeSet::new(), now: task::now() }
    }

    /// Whoever is polled at the same time as this one: itself, unless it is a part of another.
    pub(crate) fn whole(&self, unit: Unit) -> Option<(Unit, &Stand)> {
        let mut at = unit;
        // A future may have been given to another task meanwhile, so this is no tree for sure.
        for _ in 0..100 {
            let stand = self.all.get(&at)?;
            match stand.parent {
                Some(parent) => at = Unit::of(parent),
                None => return Some((at, stand)),
            }
        }
        None
    }

    fn parts(&self, unit: Unit) -> Vec<Unit> {
        let number = unit.number();
        let is_part = |(_, stand): &(&Unit, &Stand)| stand.parent == Some(number);
        self.all.iter().filter(is_part).map(|(part, _)| *part).collect()
    }

    /// What this one waits for.
    pub(crate) fn chain(&self, unit: Unit) -> Chain {
        let mut links = vec![Link { unit, by: By::First }];
        loop {
            let at = links[links.len() - 1].unit;
            let next = match self.step(at) {
                Ok(next) => next,
                Err(ending) => return Chain { links, ending },
            };
            // Who waits for a part of itself waits for itself.
            let is_same = |link: &Link| {
                link.unit == next.unit
                    || matches!(next.by, By::Holds(_) | By::Took(_)) && self.is_within(link.unit, next.unit)
            };
            if let Some(index) = links.iter().position(is_same) {
                links.push(next);
                return Chain { links, ending: Ending::Cycle(index) };
            }
            links.push(next);
        }
    }

    fn is_within(&self, part: Unit, whole: Unit) -> bool {
        let mut at = part;
        for _ in 0..100 {
            match self.all.get(&at).and_then(|stand| stand.parent) {
                Some(parent) => at = Unit::of(parent),
                None => return false,
            }
            if at == whole {
                return true;
            }
        }
        false
    }

    fn step(&self, at: Unit) -> Result<Link, Ending> {
        let Some((whole, stand)) = self.whole(at) else { return Err(Ending::Unknown) };
        if stand.is_polled {
            let is_blocked =
                stand.thread != 0 && !stand.is_closure && !input::is_asked() && thread::is_blocked(stand.thread);
            return Err(if is_blocked { Ending::Blocked } else { Ending::Runs });
        }
        let Some(noted) = self.all.get(&at).and_then(|stand| stand.noted) else { return Err(Ending::Unknown) };
        let (kind, detail) = (noted.key.kind(), noted.key.detail());
        match kind {
            Kind::Other => Err(Ending::Unknown),
            Kind::Task => {
                let unit = Unit::Task(detail);
                // It has ended, and whoever waits is about to be woken.
                if self.all.contains_key(&unit) { Ok(Link { unit, by: By::Task }) } else { Err(Ending::Unknown) }
            }
            Kind::Lock | Kind::Shared | Kind::Semaphore => match self.taken.get(&noted.key.address()) {
                Some(taken) => {
                    let (unit, place) = (Unit::of(taken.by), Where(taken.at.location));
                    let by = if kind == Kind::Lock { By::Holds(place) } else { By::Took(place) };
                    match unit {
                        _ if self.all.contains_key(&unit) => Ok(Link { unit, by }),
                        Unit::Run(run) => Err(Ending::Ended(run, place)),
                        _ => Err(Ending::Thing(kind, detail)),
                    }
                }
                None => Err(Ending::Thing(kind, detail)),
            },
            Kind::All => {
                let parts = self.parts(at);
                self.slowest(&parts).map(|unit| Link { unit, by: By::Among(parts.len()) }).ok_or(Ending::Unknown)
            }
            Kind::Some => {
                let parts = self.parts(at);
                let (count, things, first) = noted.key.arms();
                if (parts.len() as u64) + things < count {
                    return Err(Ending::Unknown);
                }
                match self.slowest(&parts) {
                    Some(unit) => Ok(Link { unit, by: By::Among(usize::try_from(count).unwrap_or(parts.len())) }),
                    None => Err(Ending::Thing(first.kind(), first.detail())),
                }
            }
            Kind::Set if detail > 0 => {
                let run = stand.run;
                let is_of_it = |(unit, other): &(&Unit, &Stand)| {
                    matches!(unit, Unit::Task(_)) && **unit != whole && other.run == run
                };
                let mut tasks = self.all.iter().filter(is_of_it).map(|(unit, _)| *unit);
                let found = tasks.clone().find(|task| self.noted_kind(*task) != Kind::Other).or_else(|| tasks.next());
                found.map(|unit| Link { unit, by: By::InSet(detail) }).ok_or(Ending::Unknown)
            }
            Kind::Set => Err(Ending::Unknown),
            thing => Err(Ending::Thing(thing, detail)),
        }
    }

    /// Of these, the one to be told about: one that nothing can end, else one of which something is known.
    fn slowest(&self, parts: &[Unit]) -> Option<Unit> {
        parts.iter().copied().find(|part| self.noted_kind(*part) != Kind::Other).or_else(|| parts.first().copied())
    }

    fn noted_kind(&self, unit: Unit) -> Kind {
        self.all.get(&unit).and_then(|stand| stand.noted).map_or(Kind::Other, |noted| noted.key.kind())
    }

    /// Whether nothing will end that wait by itself, as far as can be known: nobody in its chain was polled for that long,
    /// and the end of the chain is closed, or waits for something that nobody is left to do.
    pub(crate) fn is_stuck(&self, chain: &Chain, for_long: u64) -> bool {
        let is_idle = |link: &Link| {
            self.whole(link.unit).is_some_and(|(_, stand)| self.now.saturating_sub(stand.since) >= for_long)
                && self.limit(link.unit) != Limit::Short
        };
        if !chain.links.iter().all(is_idle) {
            return false;
        }
        // Side by side, each of them has to be.
        let among = chain.links.iter().filter(|link| matches!(link.by, By::Among(count) if count > 1));
        for link in among {
            let parent = self.all.get(&link.unit).and_then(|stand| stand.parent).map(Unit::of);
            let others = parent.map(|parent| self.parts(parent)).unwrap_or_default();
            if others.iter().any(|other| !self.cannot_move(*other, for_long)) {
                return false;
            }
        }
        // What several can have, one of the others may give back.
        let is_sure = |link: &Link| !matches!(link.by, By::Took(_) | By::InSet(_));
        match chain.ending {
            Ending::Cycle(_) if chain.links.iter().all(is_sure) => true,
            Ending::Cycle(_) | Ending::Ended(..) | Ending::Blocked | Ending::Thing(..) => {
                !self.has_others && self.all.keys().all(|unit| self.cannot_move(*unit, for_long))
            }
            Ending::Runs | Ending::Unknown => false,
        }
    }

    /// Whether this one waits for somebody else, and not for a clock, a socket or what is not known.
    fn cannot_move(&self, unit: Unit, for_long: u64) -> bool {
        let Some((whole, stand)) = self.whole(unit) else { return false };
        if matches!(whole, Unit::Task(id) if self.tickers.contains(&id)) {
            return true;
        }
        if self.limit(unit) == Limit::Short || self.now.saturating_sub(stand.since) < for_long || stand.is_closure {
            return false;
        }
        match self.step(unit) {
            Ok(_) | Err(Ending::Thing(..) | Ending::Ended(..) | Ending::Cycle(_) | Ending::Blocked) => true,
            Err(Ending::Runs | Ending::Unknown) => false,
        }
    }

    pub(crate) fn limit(&self, unit: Unit) -> Limit {
        self.all.get(&unit).map_or(Limit::None, |stand| stand.limit)
    }

    /// Who else lives besides those of the chain, and is no part of them.
    pub(crate) fn others(&self, chain: &Chain) -> usize {
        let wholes: Vec<Unit> = chain.links.iter().filter_map(|link| Some(self.whole(link.unit)?.0)).collect();
        self.all.iter().filter(|(unit, stand)| stand.parent.is_none() && !wholes.contains(unit)).count()
    }

    /// The name of the cell that this one belongs to.
    pub(crate) fn cell(&self, unit: Unit) -> String {
        match unit {
            Unit::Run(run) => label::of(run),
            _ => self.all.get(&unit).map(|stand| label::of(stand.run)).unwrap_or_default(),
        }
    }
}
