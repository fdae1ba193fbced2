//! The session library as built for one compiler: found, or built anew.
//!
//! `kissaten` (the `dylib` that holds tokio) and the worker are compiled together by the user's own rustc, into a
//! folder whose name says for which compiler and from which source. What another compiler made cannot be linked
//! to, so a changed compiler means one more build, of about half a minute.

use std::env;
use std::ffi::OsStr;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::toolchain::{Toolchain, ToolchainError};

/// Names the sources of the session build, where they are not in their usual place beside the executable.
const SOURCE_VARIABLE: &str = "KISSATEN_SOURCE";
/// Names the folder under which session libraries are built and looked for.
const CACHE_VARIABLE: &str = "KISSATEN_CACHE";
/// What is written into a finished build.
const MANIFEST: &str = "session.json";
/// The cargo profile of the session build; also the name of its folder.
const PROFILE: &str = "session";

/// Why there is no session library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    #[error("the session library's source was not found beside the program; run `./install.sh` again")]
    NoSource,
    #[error("there is no folder for the session library: set {CACHE_VARIABLE} to one that can be written")]
    NoCache,
    #[error("`{0}` cannot be used: {1}; free some room, or set {CACHE_VARIABLE} to a folder that can be written")]
    Folder(PathBuf, io::Error),
    #[error("cargo was not found beside rustc nor on PATH; install it with `rustup toolchain install stable`")]
    NoCargo,
    #[error("the session library could not be built:\n{0}")]
    Build(String),
}

/// The compiled session library, the worker beside it, and the compiler that made both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionLibrary {
    pub(crate) toolchain: Toolchain,
    /// `libkissaten.so`
    pub(crate) library: PathBuf,
    /// The folder with everything that it was compiled from, for `-L dependency=`.
    pub(crate) dependencies: PathBuf,
    /// Crates that cells can name, and the files that rustc takes them from.
    pub(crate) crates: Vec<(String, PathBuf)>,
    worker: PathBuf,
}

impl SessionLibrary {
    /// The worker's executable.
    pub fn worker(&self) -> &Path {
        &self.worker
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
        let source = source()?;
        let source_hash = hash_of(&source);
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

    /// Builds it; `progress` gets a line for each thing that is compiled.
    ///
    /// Two processes that build at once wait for each other in cargo's own lock.
    ///
    /// # Errors
    /// With cargo's words, when it fails.
    pub async fn build(mut progress: impl FnMut(&str) + Send) -> Result<Self, SessionError> {
        let source = source()?;
        let source_hash = hash_of(&source);
        let toolchain = tokio::task::spawn_blocking(Toolchain::find);
        let toolchain = toolchain.await.map_err(|error| SessionError::Build(error.to_string()))??;
        let cache = cache_folders().into_iter().next_back().ok_or(SessionError::NoCache)?;
        let target = cache.join(folder_name(&toolchain, source_hash));
        std::fs::create_dir_all(&target).map_err(|error| SessionError::Folder(target.clone(), error))?;

        let mut cargo = tokio::process::Command::new(cargo(&toolchain)?);
        cargo
            .current_dir(&source)
            .args(["build", "--locked", "--package=kissaten", "--package=kissaten-worker"])
            .args(["--profile", PROFILE, "--message-format=short", "--color=never", "--target-dir"])
            .arg(&target)
            .env("RUSTC", &toolchain.rustc)
            .env("CARGO_ENCODED_RUSTFLAGS", flags(&toolchain).join("\u{1f}"))
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("CARGO_BUILD_TARGET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let failed = |error: io::Error| SessionError::Build(format!("cargo could not be started: {error}"));
        let mut child = cargo.spawn().map_err(failed)?;
        let mut said = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                progress(line.trim());
                said.push(line);
            }
        }
        if !child.wait().await.map_err(failed)?.success() {
            let from = said.iter().position(|line| line.contains("error")).unwrap_or(0);
            return Err(SessionError::Build(said[from..].join("\n")));
        }
        let built = Self::describe(toolchain, &target)?;
        built.write_manifest(&target.join(MANIFEST))?;
        built.write_manifest(&cache.join(format!("latest-{source_hash:016x}.json")))?;
        Ok(built)
    }

    fn describe(toolchain: Toolchain, target: &Path) -> Result<Self, SessionError> {
        let folder = target.join(PROFILE);
        let dependencies = folder.join("deps");
        let mut crates = vec![("kissaten".to_owned(), folder.join("libkissaten.so"))];
        for name in ["tokio", "futures"] {
            crates.push((name.to_owned(), newest_rlib(&dependencies, name)?));
        }
        Ok(Self {
            toolchain,
            library: folder.join("libkissaten.so"),
            dependencies,
            crates,
            worker: folder.join("kissaten-worker"),
        })
    }

    /// Written beside and renamed, so that a reader sees all of it or nothing.
    fn write_manifest(&self, path: &Path) -> Result<(), SessionError> {
        let cannot = |error: io::Error| SessionError::Folder(path.to_owned(), error);
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|error| cannot(error.into()))?;
        file.persist(path).map_err(|error| cannot(error.error))?;
        Ok(())
    }
}

fn read_manifest(path: &Path) -> Option<SessionLibrary> {
    let text = std::fs::read(path).ok()?;
    let found: SessionLibrary = serde_json::from_slice(&text).ok()?;
    let wanted = env::var_os("KISSATEN_RUSTC");
    let right =
        wanted.is_none_or(|wanted| Path::new(&wanted).canonicalize().ok() == found.toolchain.rustc.canonicalize().ok());
    (right && found.toolchain.is_current() && found.worker.is_file() && found.library.is_file()).then_some(found)
}

/// Flags of everything in the session build. Cells must be given the same run path, and no others of these.
fn flags(toolchain: &Toolchain) -> Vec<String> {
    let mut flags = vec!["-Cprefer-dynamic".to_owned(), "--cfg=tokio_unstable".to_owned()];
    // The worker finds the session library beside itself and the standard library where the compiler is.
    flags.push("-Clink-arg=-Wl,-rpath,$ORIGIN".to_owned());
    flags.push(format!("-Clink-arg=-Wl,-rpath,{}", toolchain.library_path().display()));
    flags
}

fn cargo(toolchain: &Toolchain) -> Result<PathBuf, SessionError> {
    let beside = toolchain.sysroot.join("bin/cargo");
    if beside.is_file() {
        return Ok(beside);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join("cargo")).find(|path| path.is_file()).ok_or(SessionError::NoCargo)
}

/// Where the sources of the session build are: given, beside the installed program, or around the one that was
/// just built in its own checkout.
fn source() -> Result<PathBuf, SessionError> {
    let executable = env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    let beside = executable.parent().map(|folder| folder.join("../share/kissaten/source"));
    let checkout = executable.ancestors().skip(1).map(Path::to_path_buf);
    let given = env::var_os(SOURCE_VARIABLE).map(PathBuf::from);
    let mut all = given.into_iter().chain(beside).chain(checkout);
    all.find(|folder| folder.join("kernel/kissaten/Cargo.toml").is_file()).ok_or(SessionError::NoSource)
}

/// Where session libraries may be, those of the installation first; the last is where one is built.
fn cache_folders() -> Vec<PathBuf> {
    if let Some(given) = env::var_os(CACHE_VARIABLE) {
        return vec![PathBuf::from(given)];
    }
    let executable = env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    let installed = executable.parent().map(|folder| folder.join("../lib/kissaten")).filter(|folder| folder.is_dir());
    installed.into_iter().chain(dirs::cache_dir().map(|folder| folder.join("kissaten"))).collect()
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
    for name in ["ipc", "kissaten", "worker"] {
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

/// The file that this build made for a crate: of several, the newest.
fn newest_rlib(folder: &Path, name: &str) -> Result<PathBuf, SessionError> {
    let (prefix, cannot) = (format!("lib{name}-"), |error| SessionError::Folder(folder.to_owned(), error));
    let entries = std::fs::read_dir(folder).map_err(cannot)?;
    let rlibs = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(".rlib"))
    });
    let newest = rlibs.max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok());
    newest.map(|entry| entry.path()).ok_or_else(|| SessionError::Build(format!("cargo made no library of `{name}`")))
}

/// FNV-1a: the same in every process and every version, which std's hasher does not promise.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
