//! One call of rustc: arguments in, diagnostics out, and gone at once when it is cancelled.

mod answer;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use build::{ProcessGroup, SessionLibrary, cargo};
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};
use tokio_util::sync::CancellationToken;

use answer::Answer;

use crate::PrepareError;
use crate::diagnostic;

/// What is compiled, and into what.
pub(crate) struct Invocation<'a> {
    /// rustc's working directory: file names in messages and panics are relative to it.
    pub(crate) folder: &'a Path,
    /// The file with the crate's root, in `folder`.
    pub(crate) root: &'a str,
    pub(crate) output: &'a Path,
    pub(crate) arguments: Vec<String>,
    /// What is called instead of rustc, and the folder of its settings.
    pub(crate) clippy: Option<(&'a Path, &'a Path)>,
    /// Whether it is called as stable Rust is, which suggests nothing unstable; it takes no `-Z` flags then.
    pub(crate) is_stable: bool,
}

/// How it went.
pub(crate) struct Compiled {
    pub(crate) success: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What rustc said besides its diagnostics: a crash of it, or of the linker.
    pub(crate) other: String,
    pub(crate) time: Duration,
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

/// Runs rustc to its end, or to its cancellation.
///
/// # Cancel safety
/// rustc and the linker are killed when this is dropped or `cancel` is triggered.
pub(crate) async fn run(
    session: &SessionLibrary,
    invocation: &Invocation<'_>,
    cancel: &CancellationToken,
) -> Result<Compiled, PrepareError> {
    let started = Instant::now();
    let mut command = session.toolchain.command();
    if let Some((program, settings)) = invocation.clippy {
        command = session.toolchain.command_of(program);
        command.env("CLIPPY_CONF_DIR", settings);
    }
    if invocation.is_stable {
        command.env_remove("RUSTC_BOOTSTRAP");
    }
    cargo::set_package_variables(&mut command, &session.toolchain);
    command.current_dir(invocation.folder).args(&invocation.arguments);
    // One that compiles incrementally has the folder for itself until it has ended.
    if !invocation.arguments.iter().any(|argument| argument.starts_with("-Cincremental")) {
        command.arg(answer::TELLS);
    }
    command.arg("-o").arg(invocation.output).arg(invocation.root);
    tracing::debug!(?command, "rustc");
    let mut command = tokio::process::Command::from(command);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let cannot = |error: std::io::Error| {
        PrepareError::Environment(format!("rustc could not be started ({error}); was it removed? `rustup show` tells"))
    };
    let group = ProcessGroup::spawn(&mut command).map_err(cannot)?;
    let answer = answer::answer(group, cancel).await.map_err(cannot)?;
    let Some(Answer { code, said }) = answer else { return Err(PrepareError::Cancelled) };
    let parsed = diagnostic::parse(&said);
    let time = started.elapsed();
    for diagnostic in &parsed.diagnostics {
        tracing::trace!("{}", diagnostic.rendered.as_deref().unwrap_or(&diagnostic.message));
    }
    Ok(Compiled { success: code == Some(0), diagnostics: parsed.diagnostics, other: parsed.other, time })
}
