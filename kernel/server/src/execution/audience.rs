//! The audience of outputs: under which request the output of a run is published, and when all of it has to be. What
//! becomes of what is printed is told by [`output`](crate::output).

use std::{collections::HashMap, sync::Arc, time::Instant};

use ipc::{CellId, Display, MimeBundle};
use jupyter_protocol::JupyterMessageContent;

use super::note;
use crate::{
    channel::Outgoing,
    message::Parent,
    output::{Outputs, Piece, Prompt, Stream},
    worker::{Supervisor, death::LastWords},
};

/// The outputs of all runs, and who sees them.
pub(super) struct Audience {
    outgoing: Outgoing,
    outputs: Outputs,
    /// By run, also when it has long ended; nobody if its cell was silent.
    parents: HashMap<CellId, Option<Arc<Parent>>>,
}

impl Audience {
    /// Nothing has run yet.
    pub(super) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, outputs: Outputs::new(), parents: HashMap::new() }
    }

    /// A worker is ready, and its words have this mark.
    pub(super) fn expect(&mut self, mark: &str) {
        self.outputs.expect(mark);
    }

    /// The worker is about to be asked to run something, whose output this request's frontends see.
    pub(super) fn begin(&mut self, run: CellId, parent: Option<&Arc<Parent>>, worker: &Supervisor) {
        // Where the worker does not say whose its output is, it is the last run's that began.
        self.drain(worker);
        self.outputs.begin(run);
        self.parents.insert(run, parent.cloned());
    }

    /// Whose cell a run is of; `None`: nobody is to see it.
    pub(super) fn of(&self, run: CellId) -> Option<&Arc<Parent>> {
        self.parents.get(&run)?.as_ref()
    }

    /// Takes what was read from a pipe.
    pub(super) fn read(&mut self, pipe: Stream, bytes: Vec<u8>) {
        self.outputs.read(pipe, bytes);
    }

    /// Takes what a run displays.
    pub(super) fn display(&mut self, display: Display, worker: &Supervisor) {
        let (run, is_placed, update) = (display.cell, display.number.is_some(), display.update);
        if !is_placed {
            // What was printed before it stands before it, and what it replaces may be in the pipes yet.
            self.drain(worker);
        }
        self.outputs.display(display);
        if !is_placed && !update {
            self.settle(run, worker);
        }
    }

    /// Publishes something of a run behind what that has printed.
    pub(super) fn say(&mut self, run: CellId, content: JupyterMessageContent, worker: &Supervisor) {
        self.show(run, worker);
        if let Some(parent) = self.of(run) {
            self.outgoing.publish(content, Some(parent));
        }
    }

    /// Publishes what a run has printed, unless it can still become the cell's result.
    pub(super) fn show(&mut self, run: CellId, worker: &Supervisor) {
        self.drain(worker);
        let pieces = self.outputs.take(run);
        self.print(run, pieces);
    }

    /// Publishes all that a run printed until now.
    pub(super) fn settle(&mut self, run: CellId, worker: &Supervisor) {
        self.drain(worker);
        let pieces = self.outputs.settle(run);
        self.print(run, pieces);
    }

    /// What evcxr's crates say that a run asks for.
    pub(super) fn prompt(&mut self, run: CellId, worker: &Supervisor) -> Option<Prompt> {
        self.drain(worker);
        self.outputs.prompt(run)
    }

    /// Publishes all that a run printed until its end, except for the bundle that it ended with, which can be the cell's
    /// result.
    pub(super) fn end_run(&mut self, run: CellId, worker: &Supervisor) -> Option<MimeBundle> {
        self.drain(worker);
        // What others printed before is known to have been printed, as by a task that this run has awaited.
        for (other, pieces) in self.outputs.take_waiting() {
            self.print(other, pieces);
        }
        let (pieces, bundle) = self.outputs.finish(run);
        self.print(run, pieces);
        bundle
    }

    /// Publishes all that is left of the worker's output when it has ended; what it said last.
    pub(super) fn end_worker(&mut self, worker: &Supervisor) -> LastWords {
        self.drain(worker);
        let (finished, last_words) = self.outputs.end();
        for (run, pieces) in finished {
            self.print(run, pieces);
        }
        last_words
    }

    /// When [`print_due`](Self::print_due) is to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        self.outputs.due()
    }

    /// Publishes output that is due.
    pub(super) fn print_due(&mut self, now: Instant) {
        if self.outputs.due().is_some_and(|due| due <= now) {
            for (run, pieces) in self.outputs.take_due() {
                self.print(run, pieces);
            }
        }
    }

    fn drain(&mut self, worker: &Supervisor) {
        for (pipe, bytes) in worker.drain() {
            self.outputs.read(pipe, bytes);
        }
        self.outputs.drained();
    }

    fn print(&self, run: CellId, pieces: Vec<Piece>) {
        let Some(parent) = self.of(run) else { return };
        for piece in pieces {
            match piece {
                Piece::Text(stream, text) => self.outgoing.stream(stream, &text, parent),
                Piece::Bundle(bundle) => self.outgoing.publish(note::bundle(bundle, MimeBundle::new()), Some(parent)),
                Piece::Clear(when) => self.outgoing.publish(note::clear(when), Some(parent)),
                Piece::Display(display) => self.outgoing.publish(note::from_cell(*display), Some(parent)),
            }
        }
    }
}
