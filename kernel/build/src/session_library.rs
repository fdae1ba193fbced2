//! The session library as built for one compiler: found, or built anew.
//!
//! `kissaten` (the `dylib` that holds tokio) and the worker are compiled together by the user's own rustc, into a
//! folder whose name says for which compiler and from which source. What another compiler made cannot be linked
//! to, so a changed compiler means one more build, of about half a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsStr;
use std::hash::Hasher;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cargo_metadata::semver::Version;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub use source::Fnv;
use tokio_util::sync::CancellationToken;

use crate::cache::{CACHE_VARIABLE, cache_folders, make_cache};
use crate::cargo::{self, CallError, Description, PROFILE, Said, Unit, Units, flags};
use crate::dependency::Progress;
use crate::private::{check_private, is_private};
use crate::toolchain::{Toolchain, ToolchainError, of_environment};

/// Names the sources of the session build, where they are not to be those that the program carries.
const SOURCE_VARIABLE: &str = "KISSATEN_SOURCE";
/// What is written into a finished build.
const MANIFEST: &str = "session.json";
/// The packages of the workspace that a session build compiles, by their folders.
pub(crate) const PACKAGES: [&str; 6] = ["ground", "instances", "ipc", "kissaten", "marks", "worker"];
/// Crates that cells name and that are compiled into the session library: of these there must be one.
pub(crate) const SHARED: [&str; 2] = ["tokio", "futures"];

/// Why there is no session library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    #[error(
        "{SOURCE_VARIABLE} names `{0}`, where the session library's source is not; without it the program's own is taken"
    )]
    NoSource(PathBuf),
    #[error("there is no folder for the session library: set {CACHE_VARIABLE} to one that can be written")]
    NoCache,
    #[error("`{0}` cannot be used: {1}; free some room, or set {CACHE_VARIABLE} to a folder that can be written")]
    Folder(PathBuf, io::Error),
    #[error(
        "`{0}` can be written to by others, so nothing is loaded from there; take their right to write to it and to the \
         folders above it (`chmod go-w`), or set {CACHE_VARIABLE} to a folder of your own"
    )]
    NotPrivate(PathBuf),
    #[error(
        "cargo was not found beside rustc nor on PATH; `:rust install` in a cell gets it, or `kissaten rust install` in a \
         terminal (by rustup, into your own folders)"
    )]
    NoCargo,
    #[error(
        "nothing links here: this rustc ({0}) comes without a linker that works on this system, and there is no C compiler \
         (`cc`); install gcc or clang (`apt install gcc`)"
    )]
    NoLinker(PathBuf),
    #[error("the session library could not be built:\n{0}")]
    Build(String),
    #[error("cancelled")]
    Cancelled,
}

/// The compiled session library, the worker beside it, and the compiler that made both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionLibrary {
    pub toolchain: Toolchain,
    /// `libkissaten.so`
    pub library: PathBuf,
    /// The folder with everything that it was compiled from, for `-L dependency=`.
    pub dependencies: PathBuf,
    /// Crates that cells can name, and the files that rustc takes them from.
    pub crates: Vec<(String, PathBuf)>,
    worker: PathBuf,
    /// What it was built from, and cargo's folder.
    pub source: PathBuf,
    pub target: PathBuf,
    /// All that is compiled for the shared crates. Who has other units there has another tokio.
    pub(crate) units: BTreeSet<Description>,
    /// How its packages are optimised.
    pub(crate) levels: BTreeMap<String, String>,
}

impl SessionLibrary {
    /// The worker's executable.
    pub fn worker(&self) -> &Path {
        &self.worker
    }

    /// The compiler.
    pub fn rustc(&self) -> &Path {
        &self.toolchain.rustc
    }

    /// What gives a program the crates that cells can always name.
    pub fn externs(&self) -> Vec<String> {
        let folder = format!("-Ldependency={}", self.dependencies.display());
        let crates = self.crates.iter().map(|(name, path)| format!("--extern={name}={}", path.display()));
        std::iter::once(folder).chain(crates).collect()
    }

    /// The compiler's release: `1.95.0`.
    pub fn rustc_release(&self) -> &str {
        &self.toolchain.release
    }

    /// Finds the one that was built for the present rustc and source, without starting a process where nothing
    /// changed. `None`: it has to be built.
    ///
    /// # Errors
    /// When there is no rustc, or no source to go by.
    pub fn find() -> Result<Option<Self>, SessionError> {
        let source_hash = source_hash()?;
        // The last one that was used names its compiler, which is asked for nothing while its file is the same.
        for folder in cache_folders() {
            if let Some(found) = read_manifest(&folder.join(format!("latest-{source_hash:016x}.json"))) {
                return Ok(Some(found));
            }
        }
        let toolchain = Toolchain::find()?;
        let name = folder_name(&toolchain, source_hash);
        Ok(cache_folders().iter().find_map(|folder| read_manifest(&folder.join(&name).join(MANIFEST))))
    }

    /// Builds it; `progress` is told of each thing that is compiled.
    ///
    /// Two processes that build at once wait for each other in cargo's own lock.
    ///
    /// # Errors
    /// With cargo's words, when it fails.
    pub async fn build(progress: impl FnMut(Progress) + Send) -> Result<Self, SessionError> {
        let source_hash = source_hash()?;
        let toolchain = tokio::task::spawn_blocking(Toolchain::find);
        let toolchain = toolchain.await.map_err(|error| SessionError::Build(error.to_string()))??;
        let cache = cache_folders().into_iter().next_back().ok_or(SessionError::NoCache)?;
        make_cache(&cache).map_err(|error| SessionError::Folder(cache.clone(), error))?;
        let target = cache.join(folder_name(&toolchain, source_hash));
        let source = source(&target)?;
        let built = Self::build_from(&source, &target, toolchain, None, &CancellationToken::new(), progress).await?;
        write_manifest(&cache.join(format!("latest-{source_hash:016x}.json")), &built)?;
        Ok(built)
    }

    /// Builds the one of `source` into `target`. Where `offline` is given, the versions of its lock file may change.
    pub(crate) async fn build_from(
        source: &Path,
        target: &Path,
        toolchain: Toolchain,
        offline: Option<bool>,
        cancel: &CancellationToken,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, SessionError> {
        std::fs::create_dir_all(target).map_err(|error| SessionError::Folder(target.to_owned(), error))?;
        check_private(target)?;
        let program = cargo::find(&toolchain).ok_or(SessionError::NoCargo)?;
        if !toolchain.links() {
            return Err(SessionError::NoLinker(toolchain.rustc));
        }
        let call = |levels: &BTreeMap<String, String>| {
            let mut call = cargo::build(&program, &toolchain, source, target);
            call.args(["--package=kissaten-session", "--package=kissaten-worker"]);
            match offline {
                None => call.arg("--locked"),
                Some(true) => call.arg("--offline"),
                Some(false) => &mut call,
            };
            for (name, level) in levels {
                call.arg(format!("--config=profile.{PROFILE}.package.{name}.opt-level={level}"));
            }
            call
        };
        // The build of dependencies has to name these packages, as its own are optimised otherwise. Naming one is about
        // its build script too, so they are named here as well.
        let planned = ask(call(&BTreeMap::new()), cancel).await?;
        let levels = levels(&planned);
        let mut now =
            Progress { total: planned.units.len(), doing: "starting cargo".to_owned(), ..Progress::default() };
        let mut building = call(&levels);
        building.arg("--message-format=json-render-diagnostics");
        let (mut said, mut made) = (Vec::new(), BTreeMap::new());
        let status = cargo::run(building, cancel, |line| match line {
            Said::Stderr(line) => {
                if cargo::is_step(line) {
                    line.trim().clone_into(&mut now.doing);
                    progress(now.clone());
                }
                said.push(line.to_owned());
            }
            Said::Stdout(line) => {
                made.extend(shared_library(line));
                now.done = now.total.min(now.done + 1);
                progress(now.clone());
            }
            Said::Nothing => {}
        });
        if !status.await.map_err(no_end)?.success() {
            return Err(SessionError::Build(from_error(&said)));
        }
        let units = ask(call(&levels), cancel).await?;
        let built = Self::describe(toolchain, source, target, levels, &units, &made)?;
        write_manifest(&target.join(MANIFEST), &built)?;
        Ok(built)
    }

    /// The one that was built into `target`, if it is for this compiler.
    pub(crate) fn built_in(target: &Path) -> Option<Self> {
        read_manifest(&target.join(MANIFEST))
    }

    /// The version of a crate that is compiled into it and that cells name.
    pub(crate) fn shared_version(&self, name: &str) -> Option<Version> {
        let is_it = |unit: &&Description| unit.name == name && unit.is_library();
        let unit = self.units.iter().find(is_it).filter(|_| SHARED.contains(&name))?;
        Version::parse(&unit.version).ok()
    }

    /// Whether that is the one which is compiled into it, or would be in its place. One of another major version, or
    /// from elsewhere, is a crate as any other.
    pub(crate) fn is_shared(&self, unit: &Unit) -> bool {
        let (name, version) = cargo::name_and_version(&unit.pkg_id);
        let is_public = !["path+", "git+"].iter().any(|source| unit.pkg_id.starts_with(source));
        let Some(ours) = self.shared_version(&name).filter(|_| is_public) else { return false };
        Version::parse(&version).is_ok_and(|version| are_compatible(&ours, &version))
    }

    /// Whether a crate is surely compiled into it.
    pub(crate) fn has(&self, name: &str, version: &str) -> bool {
        self.units.iter().any(|unit| unit.name == name && unit.version == version && unit.is_library())
    }

    fn describe(
        toolchain: Toolchain,
        source: &Path,
        target: &Path,
        levels: BTreeMap<String, String>,
        units: &Units,
        made: &BTreeMap<String, PathBuf>,
    ) -> Result<Self, SessionError> {
        let folder = target.join(PROFILE);
        let dependencies = folder.join("deps");
        let mut crates = vec![("kissaten".to_owned(), folder.join("libkissaten.so"))];
        for name in SHARED {
            let path = made.get(name);
            let none = || SessionError::Build(format!("cargo made no library of `{name}`"));
            crates.push((name.to_owned(), path.cloned().ok_or_else(none)?));
        }
        Ok(Self {
            toolchain,
            library: folder.join("libkissaten.so"),
            dependencies,
            crates,
            worker: folder.join("kissaten-worker"),
            source: source.to_owned(),
            target: target.to_owned(),
            units: units.below(|unit| SHARED.contains(&cargo::name_and_version(&unit.pkg_id).0.as_str())),
            levels,
        })
    }
}

/// Whether cargo would take one of them for the other.
pub(crate) fn are_compatible(one: &Version, other: &Version) -> bool {
    let key = |version: &Version| match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    key(one) == key(other)
}

/// What a build would compile.
async fn ask(mut call: tokio::process::Command, cancel: &CancellationToken) -> Result<Units, SessionError> {
    cargo::ask_for_units(&mut call);
    let (mut answer, mut said) = (String::new(), Vec::new());
    let status = cargo::run(call, cancel, |line| match line {
        Said::Stdout(line) => answer.push_str(line),
        Said::Stderr(line) => said.push(line.to_owned()),
        Said::Nothing => {}
    });
    if !status.await.map_err(no_end)?.success() {
        return Err(SessionError::Build(from_error(&said)));
    }
    serde_json::from_str(&answer)
        .map_err(|error| SessionError::Build(format!("cargo does not tell what it would build: {error}")))
}

/// How the packages of a build are optimised, without those of the workspace.
fn levels(units: &Units) -> BTreeMap<String, String> {
    let libraries = units.libraries();
    let units = libraries.iter().map(|index| &units.units[*index]);
    let others = units.filter(|unit| !unit.pkg_id.starts_with("path+"));
    others.map(|unit| (cargo::name_and_version(&unit.pkg_id).0, unit.profile.opt_level.clone())).collect()
}

fn from_error(said: &[String]) -> String {
    let from = said.iter().position(|line| line.contains("error")).unwrap_or(0);
    said[from..].join("\n")
}

fn no_end(error: CallError) -> SessionError {
    match error {
        CallError::Cancelled => SessionError::Cancelled,
        CallError::Start(error) => SessionError::Build(format!("cargo could not be started: {error}")),
    }
}

/// Written beside and renamed, so that a reader sees all of it or nothing.
pub(crate) fn write_manifest(path: &Path, content: &impl Serialize) -> Result<(), SessionError> {
    let cannot = |error: io::Error| SessionError::Folder(path.to_owned(), error);
    let folder = path.parent().unwrap_or(Path::new("."));
    // With the rights of any other file: an installation is for all who can look into it.
    let rights = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(rights).tempfile_in(folder).map_err(cannot)?;
    serde_json::to_writer_pretty(&mut file, content).map_err(|error| cannot(error.into()))?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    Ok(())
}

/// What such a manifest says, if it is whole.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn read_manifest(path: &Path) -> Option<SessionLibrary> {
    let found: SessionLibrary = read(path)?;
    // Other environments have their own, and one cache.
    let wanted = env::var_os("KISSATEN_RUSTC").map(PathBuf::from).or_else(of_environment);
    let right = wanted.is_none_or(|wanted| wanted.canonicalize().ok() == found.toolchain.rustc.canonicalize().ok());
    let is_whole = || found.worker.is_file() && found.library.is_file() && found.source.join("Cargo.lock").is_file();
    (right && found.toolchain.is_current() && is_whole() && is_private(&found.target)).then_some(found)
}

/// The sources of the session build that were given, instead of those which the program carries.
fn given_source() -> Result<Option<PathBuf>, SessionError> {
    let Some(given) = env::var_os(SOURCE_VARIABLE).map(PathBuf::from) else { return Ok(None) };
    if given.join("kernel/kissaten/Cargo.toml").is_file() {
        Ok(Some(given))
    } else {
        Err(SessionError::NoSource(given))
    }
}

/// What the name of a build says of its source.
fn source_hash() -> Result<u64, SessionError> {
    Ok(given_source()?.map_or(source::HASH, |given| hash_of(&given)))
}

/// Where the sources of a build into `target` are: given, or the program's own in there.
fn source(target: &Path) -> Result<PathBuf, SessionError> {
    if let Some(given) = given_source()? {
        return Ok(given);
    }
    let place = target.join("source");
    let cannot = |error| SessionError::Folder(place.clone(), error);
    std::fs::create_dir_all(target).map_err(cannot)?;
    source::unpack(&place).map_err(cannot)?;
    Ok(place)
}

fn folder_name(toolchain: &Toolchain, source_hash: u64) -> String {
    let mut hasher = Fnv::default();
    hasher.write(toolchain.verbose_version.as_bytes());
    hasher.write(flags(toolchain).join(" ").as_bytes());
    hasher.write_u64(source_hash);
    format!("session-{}-{:016x}", toolchain.release, hasher.finish())
}

/// What of the source decides about the build: the lock file and all of the crates in it.
fn hash_of(source: &Path) -> u64 {
    let mut hasher = Fnv::default();
    let mut files = vec![source.join("Cargo.toml"), source.join("Cargo.lock")];
    for name in PACKAGES {
        collect(&source.join("kernel").join(name), &mut files);
    }
    for file in files {
        hasher.write(file.strip_prefix(source).unwrap_or(&file).as_os_str().as_encoded_bytes());
        hasher.write(&std::fs::read(&file).unwrap_or_default());
    }
    hasher.finish()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if matches!(path.extension().and_then(OsStr::to_str), Some("rs" | "toml")) {
            files.push(path);
        }
    }
}

/// The name and the file of a crate that cells name, if that is what a line of cargo's is about. Of such a name there may be
/// other files in the same folder: what dependencies have been compiled to, which may have a tokio of their own.
fn shared_library(line: &str) -> Option<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Artifact {
        target: cargo::Target,
        filenames: Vec<PathBuf>,
    }
    let Artifact { target, filenames } = serde_json::from_str(line).ok()?;
    let is_shared = SHARED.contains(&target.name.as_str()) && target.kind.iter().any(|kind| kind == "lib");
    let file = filenames.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "rlib"));
    Some((target.name, file.filter(|_| is_shared)?))
}
