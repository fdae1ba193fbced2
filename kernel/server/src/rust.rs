//! `kissaten rust install`: a Rust toolchain for who has none, in a terminal. How it is got is the building crate's.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Subcommand;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

/// The commands of `kissaten rust`: what is to be done with the toolchain.
#[derive(Subcommand)]
pub(crate) enum RustCommand {
    /// Get the stable toolchain by rustup, or update it: into ~/.rustup and ~/.cargo, without root. About 250 MB.
    Install,
}

/// Does it, and prints each step.
pub(crate) fn run(command: &RustCommand) -> anyhow::Result<()> {
    let RustCommand::Install = command;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("failed to start a runtime")?;
    let never = CancellationToken::new();
    let release = runtime.block_on(build::install_rust(&never, |line| {
        // Whoever closed the terminal wants the toolchain all the same.
        let _ = writeln!(io::stdout(), "{line}");
    }))?;
    println!("rustc {release} is there");
    Ok(())
}
