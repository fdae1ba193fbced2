//! The worker process: loads the cells' libraries and runs them.
//!
//! It answers for the life of the process that holds the runtime and the variables, and deliberately knows
//! neither Jupyter nor rustc. It is small because it is what user code can bring down: everything that must
//! survive that is in the server.

mod comm;
mod control;
mod evaluate;
mod library;
mod report;

use std::process::ExitCode;

fn main() -> ExitCode {
    match control::connect().and_then(evaluate::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kissaten-worker: {error}");
            ExitCode::FAILURE
        }
    }
}
