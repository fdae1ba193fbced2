//! A wait in words: where somebody waits, for whom, and what could end it.

use std::panic::Location;
use std::time::Duration;

use super::Limit;
use super::awaits::Kind;
use super::scene::{By, Chain, Ending, Link, Scene, Unit, Where};
use crate::display::duration::duration;
use crate::label;
use crate::task::place_of;

/// Where a task waits, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The place of the `.await`: `cell 3, line 7`.
    pub place: String,
    /// What is awaited there: `rx.recv()`.
    pub text: String,
    /// Since it was polled last.
    pub since: Duration,
    /// The task that it waits for, where that is known: the one whose handle is awaited, or that holds the lock.
    pub task: Option<u64>,
    /// For whom or for what, as far as that is known: `for task 12 (worker, cell 3), which waits at …`.
    pub what: String,
}

impl Wait {
    /// In a table: `cell 3, line 7: rx.recv(), since 4 s; …`.
    pub(crate) fn shown(&self) -> String {
        let what = if self.what.is_empty() { String::new() } else { format!("; {}", self.what) };
        format!("{}: {}, since {}{what}", self.place, self.text, duration(self.since))
    }
}

/// Whose words they are: the cell under which they stand, in which places are lines alone; none: all places are told whole.
type Under<'a> = Option<&'a str>;

impl Scene {
    /// Where this one waits; `None`: it is polled, or nothing was noted.
    pub(crate) fn wait(&self, unit: Unit) -> Option<Wait> {
        let (_, whole) = self.whole(unit)?;
        let noted = self.all.get(&unit)?.noted.filter(|_| !whole.is_polled)?;
        let chain = self.chain(unit);
        let task = chain.links.get(1).and_then(|link| match link.unit {
            Unit::Task(id) => Some(id),
            _ => None,
        });
        Some(Wait {
            place: place_of(noted.location),
            text: noted.text.to_owned(),
            since: Duration::from_nanos(self.now.saturating_sub(whole.since)),
            task,
            what: self.rest(&chain, None, false).trim_start_matches([',', ';', ' ']).replace('`', ""),
        })
    }

    /// The line under a cell that nothing ends: `waiting for 12 s at line 4: …`.
    pub(super) fn stuck(&self, run: u64, chain: &Chain) -> Option<String> {
        let stand = self.all.get(&Unit::Run(run))?;
        let name = label::of(run);
        let for_long = duration(Duration::from_secs(self.now.saturating_sub(stand.since) / 1_000_000_000));
        let deadlock = if matches!(chain.ending, Ending::Cycle(_)) { "deadlock: " } else { "" };
        let rest = self.rest(chain, Some(&name), true);
        if stand.is_polled {
            return Some(format!("blocked for {for_long} in a call that is not async{}", BLOCKED));
        }
        let at = self.at(Unit::Run(run), Some(&name))?;
        Some(format!("{deadlock}waiting for {for_long} at {at}{rest}"))
    }

    /// `line 4: rx.recv()`
    fn at(&self, unit: Unit, under: Under<'_>) -> Option<String> {
        let noted = self.all.get(&unit)?.noted?;
        Some(format!("{}: `{}`", place(noted.location, under), noted.text))
    }

    /// What comes behind the first place: for whom, and what could end it.
    fn rest(&self, chain: &Chain, under: Under<'_>, is_stuck: bool) -> String {
        let mut text = String::new();
        for (index, link) in chain.links.iter().enumerate().skip(1) {
            let is_last = index + 1 == chain.links.len();
            let closes = is_last && matches!(chain.ending, Ending::Cycle(_));
            let own = self.all.get(&link.unit).filter(|stand| stand.parent.is_some());
            let is_itself = own.is_some_and(|stand| stand.noted.is_some_and(|noted| noted.text == stand.name));
            // What is in a `timeout` is told with it.
            if is_itself && self.limit(link.unit) != Limit::None {
                continue;
            }
            text.push_str(&self.link(link, chain, closes, under));
            if closes {
                continue;
            }
            let which = if matches!(link.by, By::Among(_)) { "" } else { ", which" };
            match (is_last, chain.ending) {
                (true, Ending::Blocked) => {
                    text.push_str(&format!("{which} is blocked in a call that is not async{BLOCKED}"));
                }
                (true, Ending::Runs) => text.push_str(&format!("{which} runs")),
                _ => {
                    if is_itself {
                        text.push_str(" waits");
                    } else if let Some(at) = self.at(link.unit, under) {
                        text.push_str(&format!("{which} waits at {at}"));
                    }
                }
            }
        }
        match chain.ending {
            Ending::Thing(kind, detail) => text.push_str(&self.thing(kind, detail, chain, is_stuck)),
            Ending::Ended(run, at) => text.push_str(&format!(
                ", held by {}, which has ended: what it took at {} lives on in a variable",
                label::of(run),
                place(at.0, under)
            )),
            Ending::Cycle(_) | Ending::Blocked | Ending::Runs | Ending::Unknown => {}
        }
        if is_stuck && let Some(until) = chain.links.iter().filter_map(|link| self.until(link.unit)).min() {
            let minutes = until.saturating_sub(self.now).div_ceil(60_000_000_000);
            text.push_str(&format!("; the `timeout` ends it in {}", duration(Duration::from_secs(minutes * 60))));
        }
        text
    }

    /// When a `timeout` ends that one.
    fn until(&self, unit: Unit) -> Option<u64> {
        match self.limit(unit) {
            Limit::Until(until) => Some(until),
            Limit::None | Limit::Short => None,
        }
    }

    /// `, for task 12 (`worker`, cell 3)`
    fn link(&self, link: &Link, chain: &Chain, closes: bool, under: Under<'_>) -> String {
        let who = self.who(link.unit, chain, closes);
        match link.by {
            By::First => String::new(),
            By::Task => format!(", for {who}"),
            By::Holds(Where(at)) => format!(", held by {who} since {}", place(at, under)),
            By::Took(Where(at)) => format!(", taken last by {who} at {}", place(at, under)),
            By::InSet(1) => format!(", for {who}"),
            By::InSet(count) => format!(", for {count} tasks, as {who}"),
            By::Among(1) => format!("; {who}"),
            By::Among(count) => format!("; of {count} futures {who}"),
        }
    }

    fn who(&self, unit: Unit, chain: &Chain, closes: bool) -> String {
        let last = chain.links.len().checked_sub(2).map(|index| chain.links[index].unit);
        match unit {
            Unit::Run(_) if closes && last == Some(unit) => "this cell itself".to_owned(),
            _ if closes && last == Some(unit) => "itself".to_owned(),
            Unit::Run(run) => match chain.links.first() {
                Some(first) if first.unit == unit => "this cell".to_owned(),
                _ => label::of(run),
            },
            Unit::Task(id) if chain.links.iter().filter(|link| link.unit == unit).count() > 1 && closes => {
                format!("task {id}")
            }
            Unit::Task(id) => {
                let name = self.all.get(&unit).map_or("", |stand| stand.name.as_str());
                let cell = self.cell(unit);
                format!("task {id} (`{name}`, {cell})")
            }
            Unit::Branch(_) => {
                let name = self.all.get(&unit).map_or("", |stand| stand.name.as_str());
                format!("`{name}`")
            }
        }
    }

    /// What could end the wait for a thing, and that nobody does.
    fn thing(&self, kind: Kind, detail: u64, chain: &Chain, is_stuck: bool) -> String {
        if !is_stuck {
            return match (kind, detail) {
                (Kind::Receiver, count @ 1..) => format!("; senders: {count}"),
                (Kind::Set, count) => format!("; tasks in the set: {count}"),
                _ => String::new(),
            };
        }
        let is_alone = self.others(chain) == 0;
        let nobody = |does: &str| match is_alone {
            true => format!("no task is left that could {does}"),
            false => format!("every task that could {does} waits as well{}", self.ticking()),
        };
        let words = match kind {
            Kind::Receiver if is_alone => {
                "no task holds a sender, and one is still alive: in a variable, or in the cell \
                                           itself; the wait ends when the last one is dropped (`drop(tx)`)"
                    .to_owned()
            }
            Kind::Receiver => nobody("send"),
            Kind::Oneshot if is_alone => {
                "no task holds the sender: it is in a variable, in the cell itself, or in a future \
                                          that nobody polls"
                    .to_owned()
            }
            Kind::Oneshot => nobody("send"),
            Kind::Sender if detail > 0 => {
                format!("the channel is full ({detail} of {detail}), and {}", nobody("receive"))
            }
            Kind::Sender => format!("the channel is full, and {}", nobody("receive")),
            Kind::Notify => format!(
                "{}; `notify_waiters()` wakes only those who wait already, `notify_one()` also who comes next",
                nobody("notify it")
            ),
            Kind::Watch => nobody("change the value"),
            Kind::Barrier => format!("too few have come to it, and {}", nobody("come")),
            Kind::Semaphore => format!("no permit is free, and {}", nobody("give one back")),
            Kind::Lock | Kind::Shared => "held by code that no cell wrote, or in a variable".to_owned(),
            _ => return String::new(),
        };
        format!("; {words}")
    }
}

impl Scene {
    /// `, or goes on without that: task 9 (`ticker`, cell 2)`
    fn ticking(&self) -> String {
        let units = self.tickers.iter().map(|id| Unit::Task(*id));
        let mut named = units.filter_map(|unit| Some((unit, self.all.get(&unit)?)));
        let Some((Unit::Task(id), stand)) = named.next() else { return String::new() };
        let more = match named.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(", or goes on without doing so: task {id} (`{}`, {}){more}", stand.name, label::of(stand.run))
    }
}

const BLOCKED: &str = ": a lock, channel or handle of `std` there holds its thread";

fn place(location: &Location<'_>, under: Under<'_>) -> String {
    let place = place_of(location);
    match under.and_then(|name| place.strip_prefix(name)?.strip_prefix(", ").map(str::to_owned)) {
        Some(line) => line,
        None => place,
    }
}

/// What an interrupted cell was about: `it was waiting at cell 4, line 2: …`.
pub(crate) fn interrupted(run: u64) -> Option<String> {
    let scene = Scene::now();
    let unit = Unit::Run(run);
    let stand = scene.all.get(&unit)?;
    let chain = scene.chain(unit);
    if stand.is_polled {
        return None;
    }
    let at = scene.at(unit, None)?;
    let is_stuck = scene.is_stuck(&chain, 0);
    Some(format!("it was waiting at {at}{}", scene.rest(&chain, None, is_stuck)))
}
