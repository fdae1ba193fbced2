//! What is compiled for a session besides its cells: the session library, for the user's own toolchain, and the crates
//! that a notebook depends on.
//!
//! This crate answers for the toolchain, for cargo's calls, for the folders in which all of it is built and found
//! again, for rustc's answers that are remembered, and for the end of the processes that are started. It deliberately
//! knows no cell, no item and no variable: it is told which crates are wanted, and says where the libraries are.

pub mod answers;
mod cache;
pub mod cargo;
pub mod dependency;
mod examine;
mod private;
pub mod process_group;
mod rustup;
pub mod session_library;
pub mod toolchain;
pub mod umask;

pub use answers::{Answer, AnswerKey, Answers, Inputs, KeyMaker, Statistics};
pub use cache::{clean_cache, close_cache};
pub use cargo::package_variables;
pub use dependency::{Change, Cleaned, DependencyError, Progress, parse_size};
pub use examine::{Finding, State, examine};
pub use process_group::{GroupId, ProcessGroup};
pub use rustup::{InstallError, install as install_rust};
pub use session_library::{SessionError, SessionLibrary};
pub use toolchain::{Toolchain, ToolchainError, cargo_home, could_not_link, this_program_links};

/// The SHA-256 of these bytes, as programs print it.
fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
