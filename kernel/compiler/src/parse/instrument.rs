//! Instruments: the text that is written into a cell's code so that it can be interrupted, told apart and timed.
//!
//! Five kinds of text: checkpoints, by which code that does not await can be ended; wraps of what is given to a
//! `spawn` and of what it returns; notes of what is awaited; wraps of futures that are awaited side by side; and those of single calls (`ctrl_c()`, a logger's `init()`). All of it is inserted, so
//! user text stays on its lines (a loop over a range alone has its variable moved, into the loop that it becomes). What the inserted calls do is the session library's to know.

mod await_note;
mod checkpoint;
mod chunk;
mod count;
mod spawn;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use crate::source_map::Edits;

/// Where something is inserted into a text, in an order in which the insertions at one place nest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instruments {
    pieces: Vec<(usize, Piece)>,
    /// Variables that are collections of futures.
    collections: BTreeSet<String>,
    /// Variables that may be lists of futures, by their names.
    lists: BTreeMap<String, Making>,
}

/// What tells a timeline with what the futures of a list are made: which pieces, that are empty until the list is joined, and their
/// texts.
type Making = ([usize; 3], [String; 3]);

#[derive(Clone, Debug)]
enum Piece {
    /// A checkpoint as a statement.
    Check,
    /// A part of a tight loop.
    Chunk(chunk::LoopPart),
    /// Around an expression that becomes a block with a checkpoint.
    Block,
    BlockEnd,
    Wrap(Wrap),
    WrapEnd(Wrap),
    /// Around something that is awaited, to note that.
    Note(String),
    /// What only a timeline is to know.
    Timeline(String),
}

/// What goes around an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrap {
    /// A closure for another thread.
    Carry,
    /// What may be the future of a task.
    Lane,
    /// What is the future of a task on the runtime's threads.
    Task,
    /// A call that may return a task's handle.
    Spawned,
    /// A call that may set the process's logger.
    Logger,
    /// A future that the stop button ends.
    CtrlC,
    /// A future that is awaited by itself: of interest to a timeline only.
    Awaited,
}

/// In which form a text is instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) checkpoint: Checkpoint,
    /// Tight loops over ranges, and those that count, have one in some rounds only.
    pub(crate) chunks: bool,
    /// Futures that are awaited by themselves are told apart as well.
    pub(crate) timeline: bool,
    /// Tasks are of a type that the session library has compiled; code of the higher levels takes nothing from there.
    pub(crate) shares_tasks: bool,
}

/// How a checkpoint is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checkpoint {
    /// The flag is read where it stands: without optimisation a call would cost more than most loops.
    Read,
    Call,
    /// Code of the higher levels has none: they are asked for where every instruction counts.
    None,
}

impl Form {
    /// The form for a text at a level of optimisation.
    pub(crate) fn new(opt_level: u8, timeline: bool, text: &str) -> Self {
        let checkpoint = match opt_level {
            // Whoever forbids `unsafe` forbids it to us.
            0 if !text.contains("unsafe_code") => Checkpoint::Read,
            0 | 1 => Checkpoint::Call,
            _ => Checkpoint::None,
        };
        Self { checkpoint, chunks: opt_level == 1, timeline, shares_tasks: opt_level <= 1 }
    }
}

impl Checkpoint {
    fn text(self) -> Option<&'static str> {
        match self {
            Self::Read => Some("if unsafe { ::kissaten::__cell::CHECK } { ::kissaten::__cell::checkpoint(); } "),
            Self::Call => Some("::kissaten::__cell::check(); "),
            Self::None => None,
        }
    }
}

impl Wrap {
    fn text(self) -> &'static str {
        match self {
            Self::Carry => "::kissaten::__cell::carry(",
            Self::Lane => "::kissaten::__lane!(",
            Self::Task => "::kissaten::__task!(",
            Self::Spawned => "::kissaten::__spawned!(",
            Self::Logger => "::kissaten::__logger!(",
            Self::CtrlC => "::kissaten::__cell::ctrl_c(",
            Self::Awaited => "::kissaten::__cell::branch(",
        }
    }
}

impl Instruments {
    /// Adds what belongs into a statement.
    pub(super) fn add_statement(&mut self, statement: &syn::Stmt) {
        walk::Walk::new(self).visit_stmt(statement);
    }

    /// What belongs into an item.
    pub(super) fn of_item(item: &syn::Item) -> Self {
        let mut instruments = Self::default();
        walk::Walk::new(&mut instruments).visit_item(item);
        instruments
    }

    /// The text of it all.
    pub(crate) fn edits(&self, form: Form) -> Edits {
        let mut edits = Edits::default();
        for (at, piece) in &self.pieces {
            match piece {
                Piece::Chunk(part) => part.edit(*at, form, &mut edits),
                piece => {
                    if let Some(text) = piece.text(form) {
                        edits.instrument(*at, text);
                    }
                }
            }
        }
        edits
    }
}

impl Piece {
    fn text(&self, form: Form) -> Option<String> {
        let check = form.checkpoint.text();
        match self {
            Self::Chunk(_) => None,
            Self::Check => check.map(str::to_owned),
            Self::Block => check.map(|check| format!("{{ {check}(")),
            Self::BlockEnd => check.map(|_| ") }".to_owned()),
            Self::Note(text) => Some(text.clone()),
            Self::Timeline(text) => (form.timeline && !text.is_empty()).then(|| text.clone()),
            Self::Wrap(Wrap::Awaited) | Self::WrapEnd(Wrap::Awaited) if !form.timeline => None,
            Self::Wrap(Wrap::Task) if !form.shares_tasks => Some(Wrap::Lane.text().to_owned()),
            Self::Wrap(wrap) => Some(wrap.text().to_owned()),
            Self::WrapEnd(_) => Some(")".to_owned()),
        }
    }
}
