//! A model: the state of one widget, who waits for it, and what is told of it to the frontend.
//!
//! The thread that reads the control socket takes what frontends say, so what it locks is never held while something is
//! sent, which may wait.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::handle::Alive;
use super::kind::WidgetKind;
use super::state::{self, Fields};
use super::{flush, message, registry};
use crate::comm::{self, PacketKind};
use crate::display::value::Value;
use crate::here;

/// How often the frontend is told of changes at most: more than a page draws.
pub(super) const INTERVAL: Duration = Duration::from_millis(15);

/// Why nothing is heard of a widget any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    noun: &'static str,
    by_frontend: bool,
}

impl Closed {
    /// Whether the frontend closed it; else the kernel's code did, or dropped its last handle.
    pub fn by_frontend(&self) -> bool {
        self.by_frontend
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { noun, by_frontend } = self;
        if *by_frontend {
            write!(
                f,
                "the {noun} was closed by the frontend, as is done at once where it cannot be shown: JupyterLab and Notebook need \
                 the package `jupyterlab_widgets` in their environment"
            )
        } else {
            write!(f, "the {noun} is closed: by `close`, or as its last handle was dropped")
        }
    }
}

impl std::error::Error for Closed {}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Another value.
    Change = 0,
    /// A click, or that a text was submitted.
    Signal = 1,
}

/// How often each has happened.
pub(super) type Counts = [u64; 2];

/// Whether the frontend knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unseen,
    Open,
    Closed(Closed),
}

/// One widget.
#[derive(Debug)]
pub(super) struct Model {
    /// The id of its comm.
    pub(super) id: String,
    pub(super) kind: &'static WidgetKind,
    /// Held while something is sent, so that it goes out in the order in which it happened. Locked before the state.
    sending: Mutex<()>,
    state: Mutex<ModelState>,
}

#[derive(Debug)]
pub(super) struct ModelState {
    pub(super) fields: Fields,
    /// What stands in it.
    pub(super) children: Vec<Arc<Alive>>,
    pub(super) counts: Counts,
    phase: Phase,
    waiters: Vec<(u64, Waker)>,
    last_waiter: u64,
    /// When the frontend last told of another value.
    heard: Option<Instant>,
    /// When all that a page has to tell of the value is there, which is to be waited for at a submission.
    pub(super) settled: Option<Instant>,
    /// The fields that the frontend does not know of yet, and whose run they belong to.
    unsent: Vec<&'static str>,
    run: u64,
    sent: Option<Instant>,
    /// The run that it is the result of.
    result_of: u64,
}

impl ModelState {
    pub(super) fn closed(&self) -> Option<Closed> {
        if let Phase::Closed(closed) = self.phase { Some(closed) } else { None }
    }

    /// Wakes this one where something happens. `slot`: its place, if it has one.
    pub(super) fn wait(&mut self, slot: Option<u64>, waker: &Waker) -> u64 {
        if let Some((slot, present)) = self.waiters.iter_mut().find(|(place, _)| Some(*place) == slot) {
            present.clone_from(waker);
            return *slot;
        }
        self.last_waiter += 1;
        self.waiters.push((self.last_waiter, waker.clone()));
        self.last_waiter
    }

    pub(super) fn wait_no_more(&mut self, slot: u64) {
        self.waiters.retain(|(place, _)| *place != slot);
    }

    fn happened(&mut self, event: Event) -> Vec<Waker> {
        self.counts[event as usize] += 1;
        self.wakers()
    }

    fn wakers(&mut self) -> Vec<Waker> {
        self.waiters.drain(..).map(|(_, waker)| waker).collect()
    }
}

impl Model {
    pub(super) fn new(kind: &'static WidgetKind, fields: Fields) -> Arc<Self> {
        let state = ModelState {
            fields,
            children: Vec::new(),
            counts: [0, 0],
            phase: Phase::Unseen,
            waiters: Vec::new(),
            last_waiter: 0,
            heard: None,
            settled: None,
            unsent: Vec::new(),
            run: 0,
            sent: None,
            result_of: 0,
        };
        Arc::new(Self { id: comm::new_id(), kind, sending: Mutex::new(()), state: Mutex::new(state) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ModelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sending(&self) -> MutexGuard<'_, ()> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The frontend is to know of it, and of what stands in it.
    pub(super) fn open(self: &Arc<Self>) {
        let children = self.state().children.clone();
        for child in &children {
            child.model.open();
        }
        let _sending = self.sending();
        {
            let mut state = self.state();
            if state.phase != Phase::Unseen {
                return;
            }
            state.phase = Phase::Open;
            state.unsent.clear();
        }
        registry::insert(self);
        let message = message::open(self.kind, &self.state().fields);
        comm::send(&self.id, PacketKind::Open { target: registry::TARGET.to_owned() }, message);
    }

    /// Changes a field, by code of a cell.
    pub(super) fn set(self: &Arc<Self>, name: &'static str, value: Value) {
        self.change(|state| (name, state::put(&mut state.fields, name, value)));
    }

    /// As [`set`](Self::set), with what stands in it.
    pub(super) fn set_children(self: &Arc<Self>, children: Vec<Arc<Alive>>, field: Value) {
        if self.state().phase == Phase::Open {
            for child in &children {
                child.model.open();
            }
        }
        let mut older = children;
        self.change(|state| {
            std::mem::swap(&mut state.children, &mut older);
            ("children", state::put(&mut state.fields, "children", field))
        });
    }

    /// Changes a field by what a function finds: which, and whether it is another now.
    pub(super) fn change(self: &Arc<Self>, change: impl FnOnce(&mut ModelState) -> (&'static str, bool)) {
        let wakers = {
            let mut state = self.state();
            let (name, is_other) = change(&mut state);
            if is_other && !state.unsent.contains(&name) {
                state.unsent.push(name);
            }
            state.run = here::run_or_current();
            if is_other && is_value(name) { state.happened(Event::Change) } else { Vec::new() }
        };
        wakers.into_iter().for_each(Waker::wake);
        let is_soon = self.state().sent.is_some_and(|sent| sent.elapsed() < INTERVAL);
        if is_soon {
            flush::later(self);
        } else {
            self.send_unsent();
        }
    }

    /// Tells the frontend of what it does not know.
    pub(super) fn send_unsent(&self) {
        let _sending = self.sending();
        let (message, run) = {
            let mut state = self.state();
            let unsent = std::mem::take(&mut state.unsent);
            if state.phase != Phase::Open || unsent.is_empty() {
                return;
            }
            state.sent = Some(Instant::now());
            (message::update(unsent.into_iter().map(|name| (name, state::field(&state.fields, name)))), state.run)
        };
        comm::send_under(run, &self.id, PacketKind::Message, message);
    }

    /// Tells a frontend that has lost it all of the state.
    pub(super) fn send_whole(&self) {
        let _sending = self.sending();
        let message = {
            let state = self.state();
            if state.phase != Phase::Open {
                return;
            }
            message::whole_update(self.kind, &state.fields)
        };
        comm::send(&self.id, PacketKind::Message, message);
    }

    /// The frontend has changed these. Only fields that are known count, and values of their sort.
    pub(super) fn changed_by_frontend(&self, changed: Vec<(String, Value)>) {
        let wakers = {
            let mut state = self.state();
            let ModelState { fields, unsent, .. } = &mut *state;
            let mut is_other = false;
            for (name, value) in changed {
                let Some((name, present)) = fields.iter_mut().find(|(field, _)| *field == name) else { continue };
                if state::is_like(present, &value) {
                    // It is newer than what the frontend was to be told.
                    unsent.retain(|unsent| unsent != name);
                    is_other |= is_value(name) && *present != value;
                    *present = value;
                }
            }
            state.heard = Some(Instant::now());
            if is_other { state.happened(Event::Change) } else { Vec::new() }
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The user has clicked it, or pressed Enter in it.
    pub(super) fn signalled(&self) {
        let wakers = {
            let mut state = self.state();
            // A page holds a value back until the one before has been taken, but no other message.
            state.settled = state.heard.map(|heard| heard + SETTLES).filter(|settled| *settled > Instant::now());
            state.happened(Event::Signal)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn closed_by_frontend(&self) {
        self.end(true);
    }

    /// Nothing of it is shown or heard any more.
    pub(super) fn close(&self) {
        self.send_unsent();
        let _sending = self.sending();
        if self.end(false) {
            registry::remove(&self.id);
            comm::send(&self.id, PacketKind::Close, comm::Message::empty());
        }
    }

    /// Whether the frontend knew of it.
    fn end(&self, by_frontend: bool) -> bool {
        let (was, wakers, children) = {
            let mut state = self.state();
            if state.closed().is_some() {
                return false;
            }
            let closed = Closed { noun: self.kind.noun, by_frontend };
            let was = std::mem::replace(&mut state.phase, Phase::Closed(closed));
            (was, state.wakers(), std::mem::take(&mut state.children))
        };
        wakers.into_iter().for_each(Waker::wake);
        drop(children);
        was == Phase::Open
    }

    /// Its last handle is gone.
    pub(super) fn abandoned(&self) {
        let stays = {
            let state = self.state();
            let is_result = state.result_of != 0 && state.result_of == here::run();
            state.phase == Phase::Open && (self.kind.stays || is_result)
        };
        if !stays {
            self.close();
        }
    }

    /// It is what the last expression of this run shows: that it is dropped with it does not take it out of the page.
    pub(super) fn is_result_of(&self, run: u64) {
        self.state().result_of = run;
    }
}

/// How long the value may be behind a submission.
const SETTLES: Duration = Duration::from_millis(50);

fn is_value(name: &str) -> bool {
    matches!(name, "value" | "index")
}
