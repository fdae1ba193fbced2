//! What a command asks for, sorted by who answers it.

use ipc::Report;

use super::{cell::CellOption, compiler::CompilerCommand, dependencies::DependencyCommand, kernel::KernelCommand};

/// A command that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// The cell that it stands above.
    Cell(CellOption),
    Kernel(KernelCommand),
    Compiler(CompilerCommand),
    Worker(Report),
    Dependencies(DependencyCommand),
}
