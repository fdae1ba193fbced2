//! What user code prints and displays, on its way from the worker to messages: whose it is ([`lane`]), where displays
//! belong in it ([`place`]), what it becomes and when it goes out ([`cell`]). Under which requests it goes out is not
//! known here.
//!
//! Every run of a cell has an output of its own, so that neither a torn character nor half a block of one run touches
//! another's text, and so that a task is shown where it was started, however long ago. An output is there only while
//! something of it waits.

mod cell;
mod decoder;
mod evcxr;
mod lane;
mod place;
mod prompt;
mod stream;
mod turns;

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use ipc::{CellId, Display, MimeBundle};

use self::{
    cell::CellOutput,
    lane::{Lane, Part},
    place::{PlaceContent, Places},
};
pub(crate) use self::{cell::Piece, lane::Clear, prompt::Prompt, stream::Stream};
use crate::worker::death::LastWords;

/// All output that waits to be sent, and what is known of how to read the worker's pipes.
#[derive(Debug)]
pub(crate) struct Outputs {
    stdout: Lane,
    stderr: Lane,
    places: Places,
    runs: Runs,
    /// What the worker last said on stderr, whichever run's it is.
    last_words: LastWords,
}

impl Outputs {
    /// No worker has said anything yet.
    pub(crate) fn new() -> Self {
        Self {
            stdout: Lane::new(Stream::Stdout),
            stderr: Lane::new(Stream::Stderr),
            places: Places::default(),
            runs: Runs::default(),
            last_words: LastWords::default(),
        }
    }

    /// A worker is ready, and its words have this mark.
    pub(crate) fn expect(&mut self, mark: &str) {
        self.stdout.expect(mark);
        self.stderr.expect(mark);
    }

    /// A run begins, and all that was printed before it has been read.
    pub(crate) fn begin(&mut self, run: CellId) {
        self.last_words.clear();
        self.stdout.belongs_to(run);
        self.stderr.belongs_to(run);
    }

    /// Takes what was read from a pipe.
    pub(crate) fn read(&mut self, pipe: Stream, bytes: Vec<u8>) {
        self.lane(pipe).push(bytes);
        self.pump(pipe);
    }

    /// The pipes were just drained: what they end with does not go on as a word.
    pub(crate) fn drained(&mut self) {
        self.decide(Stream::Stdout, kissaten_marks::BEGIN.len());
        self.decide(Stream::Stderr, kissaten_marks::BEGIN.len());
    }

    /// Takes what a run displays. Without a number it stands behind what was read until now, if it is no update.
    pub(crate) fn display(&mut self, display: Display) {
        let Some(number) = display.number else { return self.runs.place(display) };
        let waiting = [Stream::Stdout, Stream::Stderr].into_iter().find(|pipe| self.lane(*pipe).go_on(number));
        match waiting {
            Some(pipe) => {
                self.runs.place(display);
                self.pump(pipe);
            }
            None => {
                if let Some(display) = self.places.arrived(number, display) {
                    self.runs.place(display);
                }
            }
        }
    }

    /// What evcxr's crates say that a run asks for.
    pub(crate) fn prompt(&mut self, run: CellId) -> Option<Prompt> {
        self.runs.change_present(run, CellOutput::prompt).flatten()
    }

    /// When [`take_due`](Self::take_due) is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        [self.runs.due(), self.stdout.due(), self.stderr.due()].into_iter().flatten().min()
    }

    /// What is due, by run.
    pub(crate) fn take_due(&mut self) -> Vec<(CellId, Vec<Piece>)> {
        let now = Instant::now();
        for pipe in [Stream::Stdout, Stream::Stderr] {
            if let Some(number) = self.lane(pipe).overdue(now) {
                tracing::error!("the worker did not send the display {number}");
                self.skip(pipe, number);
            }
            if self.lane(pipe).is_impatient(now) {
                self.decide(pipe, usize::MAX);
            }
        }
        self.runs.take_due(now)
    }

    /// All that waits only to be joined, by run.
    pub(crate) fn take_waiting(&mut self) -> Vec<(CellId, Vec<Piece>)> {
        self.runs.take_due(Instant::now() + cell::GATHER)
    }

    /// All that waits only to be joined, of one run.
    pub(crate) fn take(&mut self, run: CellId) -> Vec<Piece> {
        self.runs.change_present(run, CellOutput::take).unwrap_or_default()
    }

    /// All that waits of one run; what comes next is not to stand beside it.
    pub(crate) fn settle(&mut self, run: CellId) -> Vec<Piece> {
        self.runs.change_present(run, CellOutput::settle).unwrap_or_default()
    }

    /// A run has ended, and all that it printed has been read: all that waits of it, and the bundle that its stdout ended
    /// with. What its tasks print later is output of its own.
    pub(crate) fn finish(&mut self, run: CellId) -> (Vec<Piece>, Option<MimeBundle>) {
        for display in self.places.left(run) {
            self.runs.place(display);
        }
        self.runs.remove(run).map_or_else(Default::default, CellOutput::finish)
    }

    /// The worker has ended, and all that it wrote has been read: all that waits, by run, and what it said last.
    pub(crate) fn end(&mut self) -> (Vec<(CellId, Vec<Piece>)>, LastWords) {
        for pipe in [Stream::Stdout, Stream::Stderr] {
            while let Some(number) = self.lane(pipe).waits_for() {
                self.skip(pipe, number);
            }
            self.decide(pipe, usize::MAX);
        }
        for display in self.places.end() {
            self.runs.place(display);
        }
        let Self { runs, last_words, .. } = std::mem::replace(self, Self::new());
        let finished = runs.outputs.into_iter().map(|(run, scheduled)| {
            let (mut pieces, bundle) = scheduled.output.finish();
            pieces.extend(bundle.map(Piece::Bundle));
            (run, pieces)
        });
        (finished.filter(|(_, pieces)| !pieces.is_empty()).collect(), last_words)
    }

    /// Reads on without the content of the place that a pipe waits for.
    fn skip(&mut self, pipe: Stream, number: u64) {
        self.places.skip(number);
        self.lane(pipe).go_on(number);
        self.pump(pipe);
    }

    /// What is withheld of a pipe is text, if it is not longer than this.
    fn decide(&mut self, pipe: Stream, at_most: usize) {
        let (lane, runs, last_words) = self.parts(pipe);
        if let Some(part) = lane.decide(at_most) {
            runs.text(pipe, &part, last_words);
        }
    }

    /// Hands on all that is decided of what was read from a pipe.
    fn pump(&mut self, pipe: Stream) {
        loop {
            let (lane, runs, last_words) = self.parts(pipe);
            let number = match lane.next() {
                None => return,
                Some(Part::Place(number)) => number,
                Some(Part::Clear(run, when)) => {
                    self.runs.change(run, |output| output.clear(when));
                    continue;
                }
                Some(part) => {
                    runs.text(pipe, &part, last_words);
                    continue;
                }
            };
            match self.places.at(number) {
                PlaceContent::Here(display) => self.runs.place(*display),
                PlaceContent::Shown => {}
                PlaceContent::Missing => self.lane(pipe).wait(number),
            }
        }
    }

    fn lane(&mut self, pipe: Stream) -> &mut Lane {
        self.parts(pipe).0
    }

    fn parts(&mut self, pipe: Stream) -> (&mut Lane, &mut Runs, &mut LastWords) {
        let lane = match pipe {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        (lane, &mut self.runs, &mut self.last_words)
    }
}

/// The outputs by run, and which of them is due next.
#[derive(Debug, Default)]
struct Runs {
    outputs: HashMap<CellId, Scheduled>,
    /// In order, so that a thousand outputs are no more work than one.
    due: BTreeSet<(Instant, CellId)>,
}

#[derive(Debug)]
struct Scheduled {
    output: CellOutput,
    /// Where it stands in `due`.
    due: Option<Instant>,
}

impl Runs {
    fn due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    fn text(&mut self, pipe: Stream, part: &Part<'_>, last_words: &mut LastWords) {
        let Part::Text { cell, stream, bytes } = part else { return };
        if *stream == Stream::Stderr {
            last_words.push(bytes);
        }
        // What a worker prints before its first run is why it cannot start, at most.
        if let Some(cell) = cell {
            self.change(*cell, |output| output.push(pipe, *stream, bytes));
        }
    }

    fn place(&mut self, display: Display) {
        self.change(display.cell, |output| output.place(display));
    }

    /// Changes an output, which is made if there is none.
    fn change<T>(&mut self, run: CellId, change: impl FnOnce(&mut CellOutput) -> T) -> T {
        let scheduled = self.outputs.entry(run).or_insert_with(|| Scheduled { output: CellOutput::new(), due: None });
        let result = change(&mut scheduled.output);
        let due = scheduled.output.due();
        if due != scheduled.due {
            if let Some(due) = scheduled.due {
                self.due.remove(&(due, run));
            }
            self.due.extend(due.map(|due| (due, run)));
            scheduled.due = due;
        }
        result
    }

    /// Changes an output, if there is one.
    fn change_present<T>(&mut self, run: CellId, change: impl FnOnce(&mut CellOutput) -> T) -> Option<T> {
        self.outputs.contains_key(&run).then(|| self.change(run, change))
    }

    fn remove(&mut self, run: CellId) -> Option<CellOutput> {
        let Scheduled { output, due } = self.outputs.remove(&run)?;
        if let Some(due) = due {
            self.due.remove(&(due, run));
        }
        Some(output)
    }

    fn take_due(&mut self, now: Instant) -> Vec<(CellId, Vec<Piece>)> {
        let due: Vec<CellId> = self.due.range(..=(now, CellId(u64::MAX))).map(|(_, run)| *run).collect();
        let mut taken = Vec::with_capacity(due.len());
        for run in due {
            let pieces = self.change(run, CellOutput::take);
            if self.outputs.get(&run).is_some_and(|scheduled| scheduled.output.is_forgettable(now)) {
                self.remove(run);
            }
            taken.push((run, pieces));
        }
        taken
    }
}

#[cfg(test)]
mod tests;
