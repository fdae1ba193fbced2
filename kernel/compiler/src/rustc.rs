//! One call of rustc: arguments in, diagnostics out, and gone at once when it is cancelled. Where the same was asked before,
//! the answer is remembered and rustc is not called.

mod answer;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use build::{AnswerKey, ProcessGroup, SessionLibrary, cargo};
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};
use tokio_util::sync::CancellationToken;

use answer::Answer;

use crate::PrepareError;
use crate::diagnostic;
use crate::names::{self, FileName};
use crate::remembered::{self, Memory};

/// What is compiled, and into what.
pub(crate) struct Invocation<'a> {
    /// rustc's working directory: file names in messages and panics are relative to it.
    pub(crate) folder: &'a Path,
    /// The files in `folder` with their texts, the crate's root first.
    pub(crate) files: Vec<(&'a str, &'a str)>,
    /// What cells' files are called, in what rustc is given and in what it says.
    pub(crate) names: Vec<FileName>,
    pub(crate) output: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// What is called instead of rustc, and the folder of its settings.
    pub(crate) clippy: Option<(&'a Path, &'a Path)>,
    /// Whether it is called as stable Rust is, which suggests nothing unstable; it takes no `-Z` flags then.
    pub(crate) is_stable: bool,
    /// Under what the answer is remembered, if it is.
    pub(crate) key: Option<AnswerKey>,
}

/// How it went.
pub(crate) struct Compiled {
    pub(crate) success: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What rustc said besides its diagnostics: a crash of it, or of the linker.
    pub(crate) other: String,
    pub(crate) time: Duration,
    /// What was made, where that was asked for and could be.
    pub(crate) library: Option<Vec<u8>>,
    /// Under what it was remembered: rustc was not called.
    pub(crate) recalled: Option<AnswerKey>,
}

impl Compiled {
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let is_error = |diagnostic: &&Diagnostic| {
            matches!(diagnostic.level, DiagnosticLevel::Error | DiagnosticLevel::Ice)
                && !diagnostic.message.starts_with("aborting due to")
        };
        self.diagnostics.iter().filter(is_error)
    }
}

/// Lints that tell a notebook's user something. All others are off: in a notebook it is normal that a thing is not
/// used yet.
pub(crate) const LINTS: [&str; 10] = [
    "unused_must_use",
    "unconditional_recursion",
    "unreachable_patterns",
    "unused_comparisons",
    "static_mut_refs",
    "deprecated",
    "dropping_references",
    "dropping_copy_types",
    "forgetting_copy_types",
    "for_loops_over_fallibles",
];

const QUIET: [&str; 8] = [
    "async_fn_in_trait",
    "unused",
    "nonstandard_style",
    "future_incompatible",
    "rust_2018_idioms",
    "let_underscore_drop",
    "private_interfaces",
    "private_bounds",
];

/// Codegen units of a cell: more than two cost more than they bring at its size.
pub(crate) const CELL_UNITS: u16 = 2;

/// What an incremental compile keeps, and where.
pub(crate) const INCREMENTAL: &str = "-Cincremental=";

/// The arguments that every crate of a session is compiled with.
pub(crate) fn common_arguments(session: &SessionLibrary, opt_level: u8, codegen_units: u16) -> Vec<String> {
    let mut arguments = vec![
        "--edition=2024".to_owned(),
        "-Cprefer-dynamic".to_owned(),
        "--error-format=json".to_owned(),
        "--cfg=tokio_unstable".to_owned(),
        format!("-Ccodegen-units={codegen_units}"),
        format!("-Copt-level={opt_level}"),
        format!("-Ldependency={}", session.dependencies.display()),
    ];
    arguments.extend(session.crates.iter().map(|(name, path)| format!("--extern={name}={}", path.display())));
    arguments.extend(QUIET.iter().map(|lint| format!("-A{lint}")));
    arguments.extend(LINTS.iter().map(|lint| format!("-W{lint}")));
    arguments.extend(session.toolchain.link_flags.iter().cloned());
    arguments
}

/// A run path in the words of whatever does the linking.
pub(crate) fn run_path(session: &SessionLibrary, folder: &Path) -> String {
    if session.toolchain.link_flags.is_empty() {
        format!("-Clink-arg=-Wl,-rpath,{}", folder.display())
    } else {
        format!("-Clink-args=-rpath {}", folder.display())
    }
}

/// The run path of what lies beside the libraries that it needs.
pub(crate) fn run_path_beside(session: &SessionLibrary) -> String {
    run_path(session, Path::new("$ORIGIN"))
}

/// Runs rustc to its end, or to its cancellation, unless its answer is remembered.
///
/// # Cancel safety
/// rustc and the linker are killed when this is dropped or `cancel` is triggered.
pub(crate) async fn run(
    memory: &Memory<'_>,
    invocation: &Invocation<'_>,
    cancel: &CancellationToken,
) -> Result<Compiled, PrepareError> {
    let started = Instant::now();
    let session = memory.session;
    let mut command = session.toolchain.command();
    if let Some((program, settings)) = invocation.clippy {
        command = session.toolchain.command_of(program);
        command.env("CLIPPY_CONF_DIR", settings);
    }
    if invocation.is_stable {
        command.env_remove("RUSTC_BOOTSTRAP");
    }
    cargo::set_package_variables(&mut command, &session.toolchain);
    if let Some((key, answer)) = memory.answer(invocation, &command, cancel).await? {
        let parsed = diagnostic::parse(&names::show(answer.said, &invocation.names));
        return Ok(Compiled {
            success: answer.success,
            diagnostics: parsed.diagnostics,
            other: parsed.other,
            time: started.elapsed(),
            library: answer.library,
            recalled: Some(key),
        });
    }
    let guessed = invocation.key.filter(|_| memory.is_guess).map(|key| memory.ahead.compile(key));
    for (name, text) in &invocation.files {
        crate::notebook::write(invocation.folder, name, text)?;
    }
    // That of an earlier call is no answer to this one.
    let _ = std::fs::remove_file(remembered::dep_info(invocation));
    command.current_dir(invocation.folder).args(&invocation.arguments);
    // One that compiles incrementally has the folder for itself until it has ended.
    if !invocation.arguments.iter().any(|argument| argument.starts_with(INCREMENTAL)) {
        command.arg(answer::TELLS);
    }
    let linkers = session.toolchain.link_by_this_program(&mut command);
    command.args(remembered::outputs(invocation)).args(invocation.files.first().map(|(root, _)| root));
    tracing::debug!(?command, "rustc");
    let mut command = tokio::process::Command::from(command);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let cannot = |error: std::io::Error| {
        PrepareError::Environment(format!("rustc could not be started ({error}); was it removed? `rustup show` tells"))
    };
    let group = ProcessGroup::spawn(&mut command).map_err(cannot)?;
    if memory.is_guess {
        group.be_nice();
    }
    let answer = answer::answer(group, cancel).await.map_err(cannot)?;
    let Some(Answer { code, mut said }) = answer else { return Err(PrepareError::Cancelled) };
    if let Some([own, other]) = linkers.filter(|_| code != Some(0)) {
        if build::could_not_link(&said, &own) {
            drop(guessed);
            return Box::pin(run(memory, invocation, cancel)).await;
        }
        said = String::from_utf8_lossy(&said).replace(&own, &other).into_bytes();
    }
    let parsed = diagnostic::parse(&names::show(said.clone(), &invocation.names));
    let time = started.elapsed();
    for diagnostic in &parsed.diagnostics {
        tracing::trace!("{}", diagnostic.rendered.as_deref().unwrap_or(&diagnostic.message));
    }
    let mut compiled = Compiled {
        success: code == Some(0),
        diagnostics: parsed.diagnostics,
        other: parsed.other,
        time,
        library: None,
        recalled: None,
    };
    if compiled.success && remembered::makes_library(invocation) {
        compiled.library = std::fs::read(&invocation.output).ok();
    }
    memory.remember(invocation, &compiled, code, said);
    Ok(compiled)
}
