//! One row of the table of commands: what a command is called, what `:help` says of it, what its argument means and how that
//! is completed.

use super::{action::Action, error::CommandError};

/// A row of the table: one command.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Its argument, as `:help` shows it.
    pub(super) argument: &'static str,
    pub(super) words: &'static str,
    /// `:name`
    line: Form,
    /// `%%name`
    cell: Form,
    /// What completes the argument.
    pub(super) offers: Offers,
}

/// A form of a command: how it is written.
pub(super) enum Form {
    /// Not in this way.
    Never,
    /// Without an argument.
    Alone(fn() -> Action),
    /// With one, which may be empty.
    With(fn(&str) -> Result<Action, CommandError>),
}

/// The completions of an argument: what it consists of.
pub(super) enum Offers {
    Nothing,
    Words(&'static [&'static str]),
    /// `on`, `off` and the kinds of hints.
    Hints,
    Rust,
    /// Names of crates and their versions.
    Crates,
    Paths,
}

impl Row {
    /// A command for a line of its own, whose argument nothing completes.
    pub(super) const fn new(name: &'static str, argument: &'static str, words: &'static str, line: Form) -> Self {
        Self { name, argument, words, line, cell: Form::Never, offers: Offers::Nothing }
    }

    /// The same, and with `%%` it is for its cell alone.
    pub(super) const fn for_cell(mut self, cell: Form) -> Self {
        self.cell = cell;
        self
    }

    /// One for whole cells alone.
    pub(super) const fn of_cells(name: &'static str, words: &'static str, cell: fn() -> Action) -> Self {
        Self { name, argument: "", words, line: Form::Never, cell: Form::Alone(cell), offers: Offers::Nothing }
    }

    /// Whether there is a `:name`.
    pub(super) fn is_for_line(&self) -> bool {
        !matches!(self.line, Form::Never)
    }

    /// The same, and this completes its argument.
    pub(super) const fn offering(mut self, offers: Offers) -> Self {
        self.offers = offers;
        self
    }

    /// Whether there is a `%%name`.
    pub(super) fn is_for_cell(&self) -> bool {
        !matches!(self.cell, Form::Never)
    }

    /// What the command means with this argument.
    pub(super) fn parse(&self, argument: &str, whole_cell: bool) -> Result<Action, CommandError> {
        match if whole_cell { &self.cell } else { &self.line } {
            Form::With(parse) => parse(argument),
            Form::Never if !whole_cell => Err(CommandError::ForOneCell(self.name)),
            Form::Alone(action) if argument.is_empty() => Ok(action()),
            Form::Never if argument.is_empty() => Err(CommandError::NotForOneCell(self.name)),
            Form::Alone(_) | Form::Never if whole_cell => Err(CommandError::OnceArgument(self.name)),
            Form::Alone(_) | Form::Never => Err(CommandError::Argument(self.name)),
        }
    }
}
