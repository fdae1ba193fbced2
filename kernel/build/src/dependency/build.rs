//! The building of a set: cargo is asked what it would compile, compiles it, and what has come of it is linked and
//! written down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use toml::{Table, Value};

use super::layer::{self, Parts};
use super::set::{self, Content, Extern, Layer, Set};
use super::{DependencyError, Obtained, Progress, Wanted, cache, cannot, generation, manifest, own, request, words};
use crate::cargo::{self, CallError, Said, Target, Unit, Units};
use crate::session_library::{SessionLibrary, write_manifest};

/// A set on its way.
pub(super) struct Build<'a> {
    pub(super) session: &'a SessionLibrary,
    pub(super) offline: bool,
    /// The cargo package.
    pub(super) folder: PathBuf,
    pub(super) target: &'a Path,
    pub(super) cancel: &'a CancellationToken,
    /// What cargo said about the requirements.
    warnings: Vec<String>,
}

/// A line of cargo's about what was compiled.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        package_id: String,
        target: Target,
        profile: cargo::Profile,
        features: Vec<String>,
        filenames: Vec<PathBuf>,
    },
    BuildScriptExecuted {
        linked_paths: Vec<String>,
    },
    #[serde(other)]
    Other,
}

/// What tells one compiled crate from another.
type Identity = (String, String, Vec<String>, String);

/// What cargo made.
#[derive(Default)]
struct Made {
    files: BTreeMap<Identity, Vec<PathBuf>>,
    /// Where linkers look.
    search: BTreeSet<String>,
    compiled: usize,
}

/// Builds the set, and another session library where that is what it takes.
pub(super) async fn build(
    wanted: &Wanted<'_>,
    key: &str,
    target: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: &CancellationToken,
) -> Result<Obtained, DependencyError> {
    let folder = cache::set_folder(target, key);
    std::fs::create_dir_all(&folder).map_err(cannot(&folder))?;
    let (offline, warnings) = (wanted.offline, Vec::new());
    let mut build = Build { session: wanted.session, offline, folder, target, cancel, warnings };
    build.write_package(wanted)?;
    progress(Progress { doing: "looking up versions".to_owned(), ..Progress::default() });
    let units = match build.units().await {
        Err(DependencyError::Cargo(words)) if !build.offline && words::is_about_network(&words) => {
            // All that is needed may be here.
            build.offline = true;
            build.units().await.map_err(|_| DependencyError::Cargo(words))?
        }
        other => other?,
    };
    if units.below(|unit| wanted.session.is_shared(unit)) != wanted.session.units {
        return generation::build(wanted, &build, &units, progress).await;
    }
    let made = build.compile(&units, progress).await?;
    build.check_shared(&units, &made)?;
    progress(Progress { doing: "linking".to_owned(), done: units.units.len(), total: units.units.len() });
    let set = build.finish(wanted, &units, &made).await?;
    Ok(Obtained { set, session: wanted.session.clone(), compiled: made.compiled, used: None, reason: None })
}

impl Build<'_> {
    fn write_package(&self, wanted: &Wanted<'_>) -> Result<(), DependencyError> {
        let text = manifest::manifest(self.session, wanted.requirements).map_err(cannot(&self.session.source))?;
        let path = self.folder.join("Cargo.toml");
        manifest::write(&path, &text).map_err(cannot(&path))?;
        let root = self.folder.join("lib.rs");
        manifest::write(&root, "").map_err(cannot(&root))?;
        // The versions that the session has already, and those that it was built with.
        let lock = wanted.base.map_or_else(|| self.session.source.join("Cargo.lock"), |base| base.lock.clone());
        let to = self.folder.join("Cargo.lock");
        if lock != to {
            std::fs::copy(&lock, &to).map_err(cannot(&to))?;
        }
        Ok(())
    }

    /// A call of cargo, where packages in `own` are the user's own.
    fn call(&self, own: &BTreeSet<PathBuf>) -> Result<tokio::process::Command, DependencyError> {
        let toolchain = &self.session.toolchain;
        let no_cargo = || DependencyError::Environment(crate::SessionError::NoCargo.to_string());
        let program = cargo::find(toolchain).ok_or_else(no_cargo)?;
        let mut call = cargo::build(&program, toolchain, &self.folder, self.target);
        own::tell_apart(&mut call, own, toolchain, self.target).map_err(cannot(self.target))?;
        if self.offline {
            call.arg("--offline");
        }
        Ok(call)
    }

    async fn units(&mut self) -> Result<Units, DependencyError> {
        let mut call = self.call(&BTreeSet::new())?;
        cargo::ask_for_units(&mut call);
        let mut answer = String::new();
        let words = self
            .run(call, |line| {
                if let Said::Stdout(line) = line {
                    answer.push_str(line);
                }
            })
            .await?;
        self.warnings = words::warnings(&words, &self.folder);
        serde_json::from_str(&answer)
            .map_err(|error| DependencyError::Environment(format!("cargo does not tell what it would build: {error}")))
    }

    async fn compile(
        &self,
        units: &Units,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Made, DependencyError> {
        let own = own::folders(units).into_iter().filter(|folder| self.is_users(folder)).collect();
        let mut call = self.call(&own)?;
        call.arg("--message-format=json-render-diagnostics");
        let mut made = Made::default();
        let mut now = Progress { total: units.units.len(), doing: "starting".to_owned(), ..Progress::default() };
        self.run(call, |line| {
            match line {
                Said::Stdout(line) => {
                    made.take(line);
                    now.done += 1;
                }
                Said::Stderr(line) => {
                    let line = line.trim_start();
                    if let Some(name) = line.strip_prefix("Compiling ") {
                        let name = name.split(' ').next().unwrap_or_default();
                        // Our own are no news.
                        if !matches!(name, manifest::PACKAGE | "kissaten-ground") {
                            made.compiled += 1;
                            name.clone_into(&mut now.doing);
                        }
                    } else if let Some(what) = line.strip_prefix("Downloading ").or(line.strip_prefix("Downloaded ")) {
                        now.doing = format!("downloading {what}");
                    } else if line.starts_with("Blocking waiting for file lock") {
                        now.doing = "waiting for another cargo that builds".to_owned();
                    }
                }
                Said::Nothing => {}
            }
            now.done = now.done.min(now.total);
            progress(now.clone());
        })
        .await?;
        Ok(made)
    }

    /// Runs cargo, and returns what it says; when it fails, that is the error.
    async fn run(
        &self,
        call: tokio::process::Command,
        mut said: impl FnMut(Said<'_>),
    ) -> Result<Vec<String>, DependencyError> {
        let mut words = Vec::new();
        let status = cargo::run(call, self.cancel, |line| {
            if let Said::Stderr(line) = line {
                words.push(line.to_owned());
            }
            said(line);
        });
        match status.await {
            Ok(status) if status.success() => Ok(words),
            Ok(_) => Err(DependencyError::Cargo(words::error(&words, &self.folder))),
            Err(CallError::Cancelled) => Err(DependencyError::Cancelled),
            Err(CallError::Start(error)) => {
                Err(DependencyError::Environment(format!("cargo could not be started: {error}")))
            }
        }
    }

    /// The shared crates must be the very files that the session library has.
    fn check_shared(&self, units: &Units, made: &Made) -> Result<(), DependencyError> {
        for index in units.libraries() {
            let unit = &units.units[index];
            if !self.session.is_shared(unit) {
                continue;
            }
            let ours = self.session.crates.iter().find(|(name, _)| *name == crate_name(unit));
            let Some((name, ours)) = ours else { continue };
            if made.library(unit)?.file_name() != ours.file_name() {
                return Err(DependencyError::Environment(format!(
                    "cargo compiled another `{name}` than the session library has, though nothing about it is other; \
                     remove the folder `{}` and run `kissaten build`",
                    self.session.target.display()
                )));
            }
        }
        Ok(())
    }

    /// Links what was compiled and writes the set down.
    async fn finish(&self, wanted: &Wanted<'_>, units: &Units, made: &Made) -> Result<Set, DependencyError> {
        let contents = contents(units, made)?;
        let base = wanted.base.map(|base| base.layers.as_slice()).unwrap_or_default();
        let mut layers: Vec<Layer> = Vec::new();
        for layer in base {
            if layer.stays(&contents, &layers) {
                layers.push(layer.clone());
            }
        }
        let layers_folder = self.target.join("layers");
        let mut folders: Vec<PathBuf> = [self.target.join(cargo::PROFILE).join("deps"), layers_folder.clone()]
            .into_iter()
            .filter(|folder| *folder != self.session.dependencies)
            .collect();
        // The layers below may be those of an installation, which are not beside these.
        let further = wanted.base.iter().flat_map(|base| &base.folders).filter(|folder| !folders.contains(folder));
        let further: Vec<PathBuf> = further.cloned().collect();
        folders.extend(further);
        let there: BTreeSet<&Content> = layers.iter().flat_map(|layer| &layer.contents).collect();
        let new = contents.iter().filter(|content| !there.contains(content)).cloned();
        let (own, others): (Vec<Content>, Vec<Content>) = new.partition(|content| content.compiled != 0);
        // The user's own stand upon the others in a layer that can be replaced by another when their source changes.
        for (new, is_own) in [(others, false), (own, true)] {
            if new.is_empty() {
                continue;
            }
            let mut search: Vec<String> = made.search.iter().cloned().collect();
            search.extend(folders.iter().map(|folder| format!("dependency={}", folder.display())));
            let below = layers.iter().filter(|layer| is_own || !layer.is_own()).collect();
            let (session, rlibs, folder) = (self.session, made.rlibs(&new), layers_folder.clone());
            let parts = Parts { session, below, contents: new, rlibs, search, folder };
            let layer = layer::link(parts, self.cancel).await?;
            layers.push(layer);
        }
        let externs = externs(units, made)?;
        let set = Set {
            requirements: resolved(wanted.requirements, &externs),
            externs,
            contents,
            folders,
            layers,
            sources: self.sources(units),
            files: made.names(),
            lock: self.folder.join("Cargo.lock"),
            warnings: self.warnings.clone(),
        };
        write_manifest(&self.folder.join(cache::MANIFEST), &set)?;
        Ok(set)
    }

    fn sources(&self, units: &Units) -> Vec<(PathBuf, u64)> {
        let list = self.target.join(cargo::PROFILE).join(format!("lib{}.d", manifest::PACKAGE));
        own::sources(&list, &own::folders(units), |file| self.is_users(file))
    }

    /// Whether a path to something of a package leads to one of the user's, and not to one of ours.
    fn is_users(&self, path: &Path) -> bool {
        !path.starts_with(&self.folder) && !path.starts_with(&self.session.source)
    }
}

impl Made {
    fn take(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Message::CompilerArtifact { package_id, target, profile, features, filenames }) => {
                self.files.insert((package_id, target.name, features, profile.opt_level), filenames);
            }
            Ok(Message::BuildScriptExecuted { linked_paths }) => self.search.extend(linked_paths),
            Ok(Message::Other) | Err(_) => {}
        }
    }

    /// The files of these crates.
    fn rlibs(&self, contents: &[Content]) -> Vec<PathBuf> {
        let names: BTreeSet<&str> = contents.iter().map(|content| content.file.as_str()).collect();
        let is_one =
            |file: &&PathBuf| file.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.contains(name));
        self.files.values().flatten().filter(is_one).cloned().collect()
    }

    /// The names of all files.
    fn names(&self) -> BTreeSet<String> {
        let names = self.files.values().flatten().filter_map(|file| file.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// The file that rustc is given for a unit.
    fn library(&self, unit: &Unit) -> Result<&PathBuf, DependencyError> {
        let identity =
            (unit.pkg_id.clone(), unit.target.name.clone(), unit.features.clone(), unit.profile.opt_level.clone());
        let files = self.files.get(&identity).map_or(&[][..], Vec::as_slice);
        let with = |ending: &str| files.iter().find(|file| file.extension().is_some_and(|found| found == ending));
        with("rlib").or_else(|| with("so")).ok_or_else(|| {
            DependencyError::Cargo(format!("cargo made no library of `{}` that a cell could use", unit.target.name))
        })
    }
}

fn crate_name(unit: &Unit) -> String {
    unit.target.name.replace('-', "_")
}

/// The direct dependencies.
fn externs(units: &Units, made: &Made) -> Result<Vec<Extern>, DependencyError> {
    let root = units.roots.first().map(|root| &units.units[*root]);
    let edges = root.into_iter().flat_map(|root| &root.dependencies);
    let mut externs = Vec::new();
    for edge in edges.filter(|edge| edge.extern_crate_name != "kissaten_ground") {
        let unit = &units.units[edge.index];
        let (package, version) = cargo::name_and_version(&unit.pkg_id);
        let path = made.library(unit)?.clone();
        externs.push(Extern {
            name: edge.extern_crate_name.clone(),
            crate_name: crate_name(unit),
            package,
            version,
            compiled: compiled(unit, &path),
            path,
            is_macro: unit.target.kind.iter().any(|kind| kind == "proc-macro"),
        });
    }
    Ok(externs)
}

/// All crates that are loaded for the set, also those of them that the session library has.
fn contents(units: &Units, made: &Made) -> Result<BTreeSet<Content>, DependencyError> {
    let root = units.roots.first().map(|root| &units.units[*root]);
    let edges = root.into_iter().flat_map(|root| &root.dependencies);
    let wanted = edges.filter(|edge| edge.extern_crate_name != "kissaten_ground").map(|edge| edge.index);
    let mut contents = BTreeSet::new();
    for index in units.libraries_from(wanted) {
        let unit = &units.units[index];
        let (name, version) = cargo::name_and_version(&unit.pkg_id);
        let file = made.library(unit)?;
        let compiled = compiled(unit, file);
        let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        contents.insert(Content { name, version, file, compiled });
    }
    Ok(contents)
}

/// When it was compiled, if it is the user's own; else its file's name tells it from all others.
fn compiled(unit: &Unit, file: &Path) -> u64 {
    if own::folder(&unit.pkg_id).is_some() { set::modified(file) } else { 0 }
}

/// The requirements, with the version that was found where any would do.
fn resolved(requirements: &Table, externs: &[Extern]) -> Table {
    let mut resolved = requirements.clone();
    for (name, requirement) in &mut resolved {
        let found = externs.iter().find(|found| found.name == name.replace('-', "_"));
        if let (Value::Table(parts), Some(found)) = (requirement, found)
            && parts.get("version").and_then(Value::as_str) == Some(request::ANY)
        {
            parts.insert("version".to_owned(), Value::String(found.version.clone()));
        }
    }
    resolved
}
