//! Under which request the output of a run is published, and when all of it has to be. What becomes of what is printed
//! is told by [`output`](crate::output).

use std::sync::Arc;

use ipc::{CellId, Hint, MimeBundle};

use super::{Execution, note};
use crate::{hint, message::Parent, output::Piece, worker::death::LastWords};

impl Execution {
    /// Shows a hint under the cell of a run, behind what that printed, unless its kind is switched off.
    pub(super) fn hint(&mut self, run: CellId, kind: Hint, text: &str) {
        if !self.hints.is_on(kind) {
            return;
        }
        self.drain();
        // A bundle can still become the cell's result.
        let pieces = self.outputs.take(run);
        self.print(run, pieces);
        if let Some(parent) = self.audience(run) {
            self.outgoing.publish(note::note(&hint::shown(text)), Some(parent));
        }
    }

    /// Publishes all that a run printed until now.
    pub(super) fn settle(&mut self, run: CellId) {
        self.drain();
        let pieces = self.outputs.settle(run);
        self.print(run, pieces);
    }

    /// Publishes all that a run printed until its end, except for the bundle that it ended with, which can be the cell's
    /// result.
    pub(super) fn end_output(&mut self, run: CellId) -> Option<MimeBundle> {
        self.drain();
        // What others printed before is known to have been printed, as by a task that this run has awaited.
        for (other, pieces) in self.outputs.take_waiting() {
            self.print(other, pieces);
        }
        let (pieces, bundle) = self.outputs.finish(run);
        self.print(run, pieces);
        bundle
    }

    /// Publishes all that is left of the worker's output when it has ended; what it said last.
    pub(super) fn end_outputs(&mut self) -> LastWords {
        self.drain();
        let (finished, last_words) = self.outputs.end();
        for (run, pieces) in finished {
            self.print(run, pieces);
        }
        last_words
    }

    pub(super) fn drain(&mut self) {
        for (pipe, bytes) in self.supervisor.drain() {
            self.outputs.read(pipe, bytes);
        }
        self.outputs.drained();
    }

    pub(super) fn audience(&self, run: CellId) -> Option<&Arc<Parent>> {
        self.audiences.get(&run)?.as_ref()
    }

    pub(super) fn print(&self, run: CellId, pieces: Vec<Piece>) {
        let Some(parent) = self.audience(run) else { return };
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
