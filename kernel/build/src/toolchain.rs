//! The user's own rustc: where it is, what it is, what it can do, and what links for it.
//!
//! Found once and written down beside the session library, so that a kernel that starts later asks nothing but
//! whether the file is still the same. It deliberately knows nothing of cells.

mod linker;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

pub(crate) use linker::{NO_C_COMPILER, zig};
pub use linker::{could_not_link, this_program_links};

/// What is missing, and the command that gets it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolchainError {
    #[error(
        "no Rust compiler was found; `:rust install` in a cell gets one, or `kissaten rust install` in a terminal (by rustup, \
         into your own folders)"
    )]
    NoRustc,
    #[error("`{0}` does not answer as a Rust compiler does: {1}")]
    Broken(PathBuf, String),
    #[error(
        "rustc {0}, `{1}`, is too old: Kissaten needs 1.95; `:rust install` in a cell gets a newer one, or \
         `kissaten rust install` in a terminal (by rustup, into your own folders)"
    )]
    TooOld(String, PathBuf),
    #[error("{0} names the compiler, and it cannot be used ({1}): name another one, or none")]
    Given(&'static str, Box<ToolchainError>),
}

/// A compiler and its linker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Toolchain {
    /// The compiler itself, not rustup's proxy: that costs some milliseconds in every cell.
    pub rustc: PathBuf,
    pub sysroot: PathBuf,
    /// Its `-vV`, whole: what was compiled by another one does not fit.
    pub verbose_version: String,
    /// `1.95.0`
    pub release: String,
    pub host: String,
    /// Length and modification time of the compiler's driver library and of `rustc`, which tell an update.
    stamp: Vec<(u64, u64)>,
    /// Flags under which the types in rustc's messages are full public paths; empty where it does not take them.
    pub full_path_flags: Vec<String>,
    /// Flags that make rustc call the linker that comes with it directly; empty to go by `cc`.
    pub link_flags: Vec<String>,
    /// Flags for a library that names nothing of the system's libraries: it finds them through those that it links to, so
    /// the linker need not read them. Empty where it does not take them.
    #[serde(default)]
    pub lean_link_flags: Vec<String>,
    /// A folder with a program that stands in for `cc`, where there is none.
    #[serde(default)]
    pub(crate) tools: Option<PathBuf>,
}

impl Toolchain {
    /// Finds the compiler: the one that a variable names, else the first that is new enough of those that may be there.
    ///
    /// Blocks; starts some short processes.
    ///
    /// # Errors
    /// When there is none; when none can be used, what is wrong with the first.
    pub fn find() -> Result<Self, ToolchainError> {
        if let Some((variable, rustc)) = given() {
            return Self::at(rustc).map_err(|error| ToolchainError::Given(variable, Box::new(error)));
        }
        let mut first = None;
        for rustc in candidates().into_iter().filter(|path| path.is_file()) {
            match Self::at(rustc) {
                Ok(found) => return Ok(found),
                Err(error) => {
                    tracing::debug!(%error, "a compiler that is passed over");
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.unwrap_or(ToolchainError::NoRustc))
    }

    /// What is to be known of this compiler, or of that which it stands for.
    fn at(rustc: PathBuf) -> Result<Self, ToolchainError> {
        let sysroot = PathBuf::from(ask(&rustc, &["--print", "sysroot"])?.trim());
        let direct = sysroot.join("bin/rustc");
        let rustc = if direct.is_file() { direct } else { rustc };
        let verbose_version = ask(&rustc, &["-vV"])?;
        let field = |name: &str| {
            let line = verbose_version.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
                .ok_or_else(|| ToolchainError::Broken(rustc.clone(), format!("its version has no `{name}`")))
        };
        let (release, host) = (field("release:")?, field("host:")?);
        if minor(&release).is_some_and(|minor| minor < 95) {
            return Err(ToolchainError::TooOld(release, rustc));
        }
        let mut found = Self {
            stamp: stamp(&rustc),
            full_path_flags: Vec::new(),
            link_flags: Vec::new(),
            lean_link_flags: Vec::new(),
            tools: None,
            rustc,
            sysroot,
            verbose_version,
            release,
            host,
        };
        let full_paths = ["-Zallow-features=", "-Ztrim-diagnostic-paths=no", "-Zwrite-long-types-to-disk=no"];
        if found.accepts(&full_paths.map(str::to_owned)) {
            found.full_path_flags = full_paths.map(str::to_owned).to_vec();
        } else {
            found.full_path_flags = vec!["--verbose".to_owned()];
        }
        found.tools = found.stand_in();
        found.link_flags = found.direct_linker().filter(|flags| found.accepts(flags)).unwrap_or_default();
        // Of the system's mathematics there are functions in several versions. And what is linked is small.
        let lean = ["-Zlink-native-libraries=no", "-Clink-arg=-lm", "-Clink-arg=--threads=1"].map(str::to_owned);
        if !found.link_flags.is_empty() && found.accepts(&[found.link_flags.as_slice(), &lean].concat()) {
            found.lean_link_flags = lean.to_vec();
        }
        Ok(found)
    }

    /// Whether the compiler is the one that was found. Asks the file system only.
    pub fn is_current(&self) -> bool {
        let has_tools = self.tools.as_ref().is_none_or(|tools| tools.join("cc").is_file());
        has_tools && !self.stamp.is_empty() && self.stamp == stamp(&self.rustc)
    }

    /// Whether there is something that links for it: its own linker, or `cc`.
    pub(crate) fn links(&self) -> bool {
        !self.link_flags.is_empty() || has_cc()
    }

    /// A command that calls the compiler.
    ///
    /// `RUSTC_BOOTSTRAP` admits the flags of [`Self::full_path_flags`]; `-Zallow-features=` among them keeps user
    /// code on stable Rust all the same.
    pub fn command(&self) -> Command {
        self.command_of(&self.rustc)
    }

    /// A command that calls another program of the toolchain as if it were the compiler.
    pub fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTC_LOG").env_remove("RUST_LOG").stdin(Stdio::null());
        command.envs(self.tool_variables());
        command
    }

    /// The folder of the standard library's `dylib`, for run paths: of its two places the one that a toolchain
    /// without the compiler's own libraries has as well.
    pub fn library_path(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(&self.host).join("lib")
    }

    fn accepts(&self, flags: &[String]) -> bool {
        let Ok(folder) = crate::umask::temporary_folder("kissaten-probe-") else { return false };
        let source = folder.path().join("probe.rs");
        if std::fs::write(&source, "#[unsafe(no_mangle)] pub fn probe() { println!(\"{:?}\", vec![1]); }").is_err() {
            return false;
        }
        let mut command = self.command();
        command.args(["--edition=2024", "--crate-type=cdylib", "-Cprefer-dynamic"]).args(flags);
        command.arg("-o").arg(folder.path().join("libprobe.so")).arg(&source);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// The user's folder of cargo's: `CARGO_HOME`, or `~/.cargo`.
pub fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(dirs::home_dir()?.join(".cargo")))
}

/// Where on `PATH` a program of this name may be, in its order. Whether it is there is for the caller to see.
pub(crate) fn on_path(program: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).collect::<Vec<_>>().into_iter()
}

/// Whether the user has a C compiler under its usual name.
pub(crate) fn has_cc() -> bool {
    on_path("cc").any(|cc| cc.is_file())
}

/// Where images that bring Rust for all users have a program of it.
pub(crate) fn of_images(program: &str) -> PathBuf {
    Path::new("/usr/local/cargo/bin").join(program)
}

/// The compiler that a variable names, if one does.
fn given() -> Option<(&'static str, PathBuf)> {
    let named = |variable| env::var_os(variable).map(|rustc| (variable, PathBuf::from(rustc)));
    // Build tools set the second, which may be a word for a shell.
    named("KISSATEN_RUSTC").or_else(|| named("RUSTC").filter(|(_, rustc)| rustc.is_file()))
}

/// The compiler of the environment that this program is installed in, which need not be activated. A proxy of rustup's
/// beside the program stands for another one, and is none.
pub(crate) fn of_environment() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let folder = program.parent()?;
    let rustc = folder.join("rustc");
    (rustc.is_file() && folder.join("../lib/rustlib").is_dir()).then_some(rustc)
}

/// Where a compiler may be, best first: beside this program, where a shell finds one, rustup's usual place, that of images,
/// and rustup's stable toolchain where another one is the usual.
fn candidates() -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join("rustc"));
    let usual = cargo_home().map(|home| home.join("bin/rustc"));
    let mut candidates = Vec::new();
    for candidate in beside.into_iter().chain(on_path("rustc")).chain(usual).chain([of_images("rustc")]).chain(stable())
    {
        if !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    candidates
}

/// The stable toolchain that rustup has.
fn stable() -> Option<PathBuf> {
    let home = env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| Some(dirs::home_dir()?.join(".rustup")))?;
    let toolchains = std::fs::read_dir(home.join("toolchains")).ok()?;
    let mut toolchains =
        toolchains.flatten().filter(|found| found.file_name().to_string_lossy().starts_with("stable-"));
    Some(toolchains.next()?.path().join("bin/rustc"))
}

fn ask(rustc: &Path, arguments: &[&str]) -> Result<String, ToolchainError> {
    let broken = |why: String| ToolchainError::Broken(rustc.to_owned(), why);
    let output = Command::new(rustc).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| broken(error.to_string()))?;
    if !output.status.success() {
        return Err(broken(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|_| broken("its answer is not UTF-8".to_owned()))
}

fn minor(release: &str) -> Option<u32> {
    release.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

fn stamp(rustc: &Path) -> Vec<(u64, u64)> {
    let Ok(metadata) = std::fs::metadata(rustc) else { return Vec::new() };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    vec![(metadata.len(), modified.map_or(0, |time| time.as_secs()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_that_runs_these_tests_is_found_and_current() {
        let found = Toolchain::find().unwrap();
        assert!(found.is_current());
        assert!(found.release.starts_with("1."), "{}", found.release);
        assert!(!Toolchain { stamp: vec![(1, 1)], ..found }.is_current());
    }
}
