//! The linker alone, for its own tests. Users have it in the kernel's program.

use std::process::ExitCode;

fn main() -> ExitCode {
    link::as_linker().unwrap_or(ExitCode::FAILURE)
}
