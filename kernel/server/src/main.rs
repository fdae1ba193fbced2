//! The process that Jupyter starts: arguments and logging. It deliberately knows nothing of messages or cells.

mod analysis;
mod channel;
mod clean;
mod connection;
mod dispatcher;
mod doctor;
mod events;
mod execution;
mod hint;
mod history;
mod kernel;
mod kernelspec;
mod message;
mod output;
mod outside;
mod parent;
mod prebuild;
mod request;
mod run;
mod rust;
mod session;
#[cfg(test)]
mod transcript;
mod worker;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A Jupyter kernel for async Rust.
#[derive(Parser)]
#[command(name = "kissaten", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run as the kernel that a connection file describes (this is what Jupyter calls).
    Kernel {
        #[arg(short = 'f', long, value_name = "FILE")]
        connection_file: PathBuf,
    },
    /// Tell Jupyter about the kernel.
    Install(kernelspec::InstallPlace),
    /// Take back what `install` did.
    Uninstall(kernelspec::InstallPlace),
    /// Run a notebook without Jupyter, and print what its cells show.
    Run(run::RunOptions),
    /// Build the library that all cells share, if the present rustc has none yet.
    Build,
    /// Build crates that notebooks will depend on, so that their `:dep` finds them: each alone, and all of them together. Of a
    /// notebook all cells are run once, so that they are compiled already when somebody opens it.
    Prebuild {
        /// `serde`, `reqwest@0.12`, `tokio-util={version="0.7",features=["full"]}`, `lesson.ipynb`
        #[arg(required = true, value_name = "CRATE|NOTEBOOK")]
        what: Vec<String>,
        /// Into the installation in this directory, for all its users, instead of the user's own cache.
        #[arg(long, value_name = "DIR")]
        prefix: Option<PathBuf>,
        /// Interrupt a cell of a notebook that takes longer, as one does that waits for a click.
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
    /// Look at all that cells need, and say the mend of what is wrong; for bug reports.
    Doctor,
    /// Remove the cache and the history, which uninstalling leaves.
    Clean(clean::CleanOptions),
    /// The Rust toolchain.
    #[command(subcommand)]
    Rust(rust::RustCommand),
}

fn main() -> ExitCode {
    // rustc waits for that: nothing else is done before.
    if let Some(code) = link::as_linker() {
        return code;
    }
    build::this_program_links();
    // SAFETY: the program has only this thread yet.
    unsafe { kernelspec::restore_toolchain_path() };
    let filter = EnvFilter::try_from_env("KISSATEN_LOG").unwrap_or_else(|_| EnvFilter::new("warn,zeromq=error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    log.with_ansi(io::stderr().is_terminal()).init();
    let command = Arguments::parse().command;
    if matches!(command, Command::Kernel { .. } | Command::Run(_)) {
        build::umask::make_private();
    }
    let result = match command {
        // It has a code of its own for a notebook that erred, which was already told.
        Command::Run(options) => return told(run::run(&options)),
        Command::Kernel { connection_file } => dispatcher::run(&connection_file),
        Command::Install(place) => kernelspec::install(&place),
        Command::Uninstall(place) => kernelspec::uninstall(&place),
        Command::Build => execution::library::build_in_terminal(),
        Command::Prebuild { what, prefix, limit } => prebuild::run(&what, prefix.as_deref(), limit),
        Command::Doctor => return doctor::run(),
        Command::Clean(options) => clean::run(&options),
        Command::Rust(command) => rust::run(&command),
    };
    told(result.map(|()| ExitCode::SUCCESS))
}

fn told(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("kissaten: {error:#}");
        ExitCode::FAILURE
    })
}
