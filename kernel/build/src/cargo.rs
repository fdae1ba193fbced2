//! Calls of cargo: all with the flags under which the session library was built, so that what it compiles fits that.
//!
//! What is asked of cargo, and why, is not known here.

mod configuration;

use std::collections::BTreeSet;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::process_group::ProcessGroup;
use crate::toolchain::{Toolchain, cargo_home, of_images, on_path};
use crate::umask;

/// The cargo profile of everything that a session links; also the name of its folder.
pub(crate) const PROFILE: &str = "session";

/// What wins over the user's own configuration of cargo, which is made for other builds: wrappers of rustc, another place for
/// what is built, and profiles would make something that cells cannot link to; without its words no progress is seen.
const AGAINST_CONFIGURATION: [(&str, &str); 14] = [
    ("RUSTC_WRAPPER", ""),
    ("RUSTC_WORKSPACE_WRAPPER", ""),
    ("CARGO_INCREMENTAL", "0"),
    ("CARGO_TERM_QUIET", "false"),
    ("CARGO_TERM_VERBOSE", "false"),
    ("CARGO_PROFILE_SESSION_DEBUG", "false"),
    ("CARGO_PROFILE_SESSION_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_SESSION_INCREMENTAL", "false"),
    ("CARGO_PROFILE_SESSION_LTO", "false"),
    ("CARGO_PROFILE_SESSION_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_SESSION_OVERFLOW_CHECKS", "false"),
    ("CARGO_PROFILE_SESSION_PANIC", "unwind"),
    ("CARGO_PROFILE_SESSION_RPATH", "false"),
    ("CARGO_PROFILE_SESSION_STRIP", "none"),
];

/// What cargo does, as it tells it.
const STEPS: [&str; 11] = [
    "Compiling",
    "Updating",
    "Locking",
    "Adding",
    "Downloading",
    "Downloaded",
    "Blocking",
    "Fresh",
    "Downgrading",
    "Removing",
    "Finished",
];

/// How often somebody who waits hears of the time.
const TICK: Duration = Duration::from_millis(500);

/// Where cargo is: beside rustc, else on `PATH`, else where rustup and images have it. One of another toolchain does as well.
pub fn find(toolchain: &Toolchain) -> Option<PathBuf> {
    let beside = toolchain.sysroot.join("bin/cargo");
    if beside.is_file() {
        return Some(beside);
    }
    let usual = cargo_home().map(|home| home.join("bin/cargo"));
    on_path("cargo").chain(usual).chain([of_images("cargo")]).find(|path| path.is_file())
}

/// Flags of everything that cargo compiles for a session. Cells must be given the same run path, and no others of these.
pub(crate) fn flags(toolchain: &Toolchain) -> Vec<String> {
    let mut flags = vec!["-Cprefer-dynamic".to_owned(), "--cfg=tokio_unstable".to_owned()];
    // The worker finds the session library beside itself and the standard library where the compiler is.
    flags.push("-Clink-arg=-Wl,-rpath,$ORIGIN".to_owned());
    flags.push(format!("-Clink-arg=-Wl,-rpath,{}", toolchain.library_path().display()));
    flags
}

/// The name and the version of the package that a notebook's cells would be.
const NOTEBOOK: (&str, &str) = ("notebook", "0.1.0");

/// What cargo tells a package about itself, in the environment of its compile and of its run. The package's folder is that
/// of the notebook, which is where the kernel was started.
pub fn package_variables() -> Vec<(String, String)> {
    let folder = env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
    let (name, version) = NOTEBOOK;
    let mut numbers = version.split('.');
    let mut number = || numbers.next().unwrap_or_default().to_owned();
    let mut variables = vec![
        ("CARGO_MANIFEST_PATH", format!("{}/Cargo.toml", folder.trim_end_matches('/'))),
        ("CARGO_MANIFEST_DIR", folder),
        ("CARGO_PKG_NAME", name.to_owned()),
        ("CARGO_PKG_VERSION", version.to_owned()),
        ("CARGO_PKG_VERSION_MAJOR", number()),
        ("CARGO_PKG_VERSION_MINOR", number()),
        ("CARGO_PKG_VERSION_PATCH", number()),
    ];
    // A package that says nothing of these has them, empty.
    let empty = [
        "CARGO_PKG_VERSION_PRE",
        "CARGO_PKG_AUTHORS",
        "CARGO_PKG_DESCRIPTION",
        "CARGO_PKG_HOMEPAGE",
        "CARGO_PKG_REPOSITORY",
        "CARGO_PKG_LICENSE",
        "CARGO_PKG_LICENSE_FILE",
        "CARGO_PKG_RUST_VERSION",
        "CARGO_PKG_README",
    ];
    variables.extend(empty.map(|name| (name, String::new())));
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Sets the variables of a package for a compile, where there are a few more. What somebody else's cargo left in the
/// kernel's environment is not about the notebook.
pub fn set_package_variables(command: &mut std::process::Command, toolchain: &Toolchain) {
    command.envs(package_variables()).env_remove("OUT_DIR");
    command.envs([("CARGO_CRATE_NAME", NOTEBOOK.0), ("CARGO_BIN_NAME", NOTEBOOK.0), ("CARGO_PRIMARY_PACKAGE", "1")]);
    if let Some(cargo) = find(toolchain) {
        command.env("CARGO", cargo);
    }
}

/// `cargo build` of the package or workspace in `folder`, into `target`.
pub(crate) fn build(cargo: &Path, toolchain: &Toolchain, folder: &Path, target: &Path) -> Command {
    let mut command = Command::new(cargo);
    command
        .current_dir(folder)
        .args(["build", "--profile", PROFILE, "--color=never", "--target-dir"])
        .arg(target)
        .env("RUSTC", &toolchain.rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(toolchain).join("\u{1f}"))
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_BOOTSTRAP")
        .envs(AGAINST_CONFIGURATION)
        .env("CARGO_BUILD_BUILD_DIR", target)
        .env_remove("CARGO_BUILD_TARGET")
        .envs(toolchain.tool_variables())
        .stdin(Stdio::null());
    if let Some(home) = configuration::without_target(target) {
        // From the root, as above the package's folder the user's configuration is read once more.
        command.env("CARGO_HOME", home).current_dir("/").arg("--manifest-path").arg(folder.join("Cargo.toml"));
    }
    if umask::is_closed(target) {
        // What it downloads goes into a folder that may be shared, and is nobody's secret.
        umask::give_users(&mut command);
    }
    command
}

/// Whether a line of cargo's tells what it does: `   Compiling tokio v1.54.0`.
pub(crate) fn is_step(line: &str) -> bool {
    STEPS.iter().any(|step| line.trim_start().strip_prefix(step).is_some_and(|rest| rest.starts_with(' ')))
}

/// Turns a build into the question what would be built.
///
/// `RUSTC_BOOTSTRAP` is for the question alone: nothing is compiled, so no build script finds it.
pub(crate) fn ask_for_units(command: &mut Command) {
    command.args(["-Zunstable-options", "--unit-graph"]).env("RUSTC_BOOTSTRAP", "1");
}

/// What is compiled for a build, and in which order.
#[derive(Debug, Deserialize)]
pub(crate) struct Units {
    pub(crate) units: Vec<Unit>,
    pub(crate) roots: Vec<usize>,
}

/// One call of a compiler, or of a build script.
#[derive(Debug, Deserialize)]
pub(crate) struct Unit {
    pub(crate) pkg_id: String,
    pub(crate) target: Target,
    pub(crate) profile: Profile,
    pub(crate) mode: String,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Edge>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Profile {
    pub(crate) opt_level: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Edge {
    pub(crate) index: usize,
    pub(crate) extern_crate_name: String,
}

impl Unit {
    /// Whether it becomes code of the session, and not of the compiler.
    pub(crate) fn is_library(&self) -> bool {
        self.mode == "build" && self.target.kind.iter().any(|kind| matches!(kind.as_str(), "lib" | "rlib" | "dylib"))
    }

    /// What it is, for comparing: who has the same is compiled alike.
    pub(crate) fn description(&self) -> Description {
        let (name, version) = name_and_version(&self.pkg_id);
        Description {
            name,
            version,
            role: format!("{} {} at level {}", self.mode, self.target.kind.join(" "), self.profile.opt_level),
            features: self.features.iter().cloned().collect(),
        }
    }
}

/// A unit apart from where it came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) role: String,
    pub(crate) features: BTreeSet<String>,
}

impl Description {
    /// Whether it becomes code of the session, and not of the compiler.
    pub(crate) fn is_library(&self) -> bool {
        self.role.starts_with("build ")
            && ["lib ", "rlib ", "dylib "].iter().any(|kind| self.role[6..].starts_with(kind))
    }
}

impl Units {
    /// Everything that is compiled for the libraries that are named so, themselves too. A macro may have a tokio of its
    /// own, with other features: that one runs in the compiler, and is not looked at.
    pub(crate) fn below(&self, is_named: impl Fn(&Unit) -> bool) -> BTreeSet<Description> {
        let roots = self.libraries().into_iter().filter(|index| is_named(&self.units[*index])).collect();
        self.reachable(roots, |_| true).into_iter().map(|index| self.units[index].description()).collect()
    }

    /// The libraries that the roots link to, each once.
    pub(crate) fn libraries(&self) -> BTreeSet<usize> {
        let mut found = self.reachable(self.roots.clone(), Unit::is_library);
        found.retain(|index| !self.roots.contains(index));
        found
    }

    /// The libraries among these units, and the libraries that they link to.
    pub(crate) fn libraries_from(&self, units: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        self.reachable(units.filter(|index| self.units[*index].is_library()).collect(), Unit::is_library)
    }

    fn reachable(&self, mut open: Vec<usize>, enters: impl Fn(&Unit) -> bool) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        while let Some(index) = open.pop() {
            if found.insert(index) {
                let below = self.units[index].dependencies.iter().map(|edge| edge.index);
                open.extend(below.filter(|below| enters(&self.units[*below])));
            }
        }
        found
    }
}

/// Name and version in a package's id: `registry+…#name@1.2.3`, `path+file:///some/name#1.2.3`.
pub(crate) fn name_and_version(id: &str) -> (String, String) {
    let (place, fragment) = id.rsplit_once('#').unwrap_or((id, ""));
    let (name, version) = fragment.rsplit_once('@').unwrap_or_else(|| {
        let place = place.split('?').next().unwrap_or(place);
        (place.rsplit('/').next().unwrap_or(place), fragment)
    });
    (name.to_owned(), version.to_owned())
}

/// A line that cargo says, or the time that has passed without one.
pub(crate) enum Said<'a> {
    Stdout(&'a str),
    Stderr(&'a str),
    Nothing,
}

/// Why a call of cargo has no end.
#[derive(Debug)]
pub(crate) enum CallError {
    Start(io::Error),
    Cancelled,
}

/// Runs cargo to its end and passes on what it says.
///
/// # Cancel safety
/// The process and all that it started are killed when this is dropped or `cancel` is triggered.
pub(crate) async fn run(
    mut command: Command,
    cancel: &CancellationToken,
    mut said: impl FnMut(Said<'_>),
) -> Result<ExitStatus, CallError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Of compilers and build scripts.
    let temporary = umask::temporary_folder("kissaten-cargo-").map_err(CallError::Start)?;
    command.env("TMPDIR", temporary.path());
    tracing::debug!(?command, "cargo");
    // The compilers are to end with it.
    let mut group = ProcessGroup::spawn(&mut command).map_err(CallError::Start)?;
    let (stdout, stderr) = (group.take_stdout(), group.take_stderr());
    let mut stdout = stdout.map(|pipe| BufReader::new(pipe).lines());
    let mut stderr = stderr.map(|pipe| BufReader::new(pipe).lines());
    let mut tick = tokio::time::interval(TICK);
    while stdout.is_some() || stderr.is_some() {
        tokio::select! {
            line = next(&mut stdout), if stdout.is_some() => {
                if let Some(line) = line { said(Said::Stdout(&line)) }
            }
            line = next(&mut stderr), if stderr.is_some() => {
                if let Some(line) = line { said(Said::Stderr(&line)) }
            }
            _ = tick.tick() => said(Said::Nothing),
            () = cancel.cancelled() => return Err(CallError::Cancelled),
        }
    }
    tokio::select! {
        status = group.wait() => status.map_err(CallError::Start),
        () = cancel.cancelled() => Err(CallError::Cancelled),
    }
}

/// The next line; when there is none, the pipe is given up.
async fn next<R: tokio::io::AsyncRead + Unpin>(pipe: &mut Option<tokio::io::Lines<BufReader<R>>>) -> Option<String> {
    let line = pipe.as_mut()?.next_line().await.unwrap_or_default();
    if line.is_none() {
        *pipe = None;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_ids_have_names_and_versions() {
        let check = |id: &str, name: &str, version: &str| {
            assert_eq!(name_and_version(id), (name.to_owned(), version.to_owned()), "{id}");
        };
        check("registry+https://example.org/index#tokio-util@0.7.1", "tokio-util", "0.7.1");
        check("path+file:///home/me/menu#0.1.0", "menu", "0.1.0");
        check("path+file:///home/me/menu#dishes@0.1.0", "dishes", "0.1.0");
        check("git+https://example.org/some/menu?branch=main#0.2.0", "menu", "0.2.0");
    }
}
