//! Another session library, for dependencies that ask for more below tokio than the one there is has.
//!
//! It is built from a copy of the source, whose `ground` asks for just that. The worker is another one too, and nothing of
//! the old one's memory fits it.

use std::collections::BTreeSet;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::build::Build;
use super::{DependencyError, Obtained, Progress, Wanted, cache, cannot};
use crate::cargo::{Description, Units};
use crate::private::is_private;
use crate::session_library::{Fnv, PACKAGES, SessionError, SessionLibrary, read, write_manifest};

/// How often one set may lead from one session library to the next. It takes one step, unless cargo is of two minds.
const STEPS: u8 = 3;
/// What is written down of a set that fits another session library.
pub(super) const POINTER: &str = "generation.json";

/// Where a set is instead.
#[derive(Serialize, Deserialize)]
struct Pointer {
    target: PathBuf,
    reason: String,
}

/// The session library that a set was found to need before, and why.
pub(super) fn find(wanted: &Wanted<'_>, key: &str) -> Option<(SessionLibrary, String)> {
    let folders = [Some(wanted.session.target.clone()), cache::own_target(wanted.session).ok()];
    folders.into_iter().flatten().find_map(|target| {
        let folder = cache::set_folder(&target, key);
        let pointer: Pointer = read(&folder.join(POINTER))?;
        let is_safe = is_private(&folder) && is_private(&pointer.target);
        Some((SessionLibrary::built_in(&pointer.target).filter(|_| is_safe)?, pointer.reason))
    })
}

/// Builds the session library that these units ask for, and the set upon that.
pub(super) async fn build(
    wanted: &Wanted<'_>,
    build: &Build<'_>,
    units: &Units,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Obtained, DependencyError> {
    let needed = units.below(|unit| wanted.session.is_shared(unit));
    if wanted.steps >= STEPS {
        let sentence = "cargo finds other features below `tokio` each time it is asked, which is a defect in Kissaten";
        return Err(DependencyError::Environment(sentence.to_owned()));
    }
    let reason = reason(&wanted.session.units, &needed);
    let target = target(build.target, &needed);
    let session = match SessionLibrary::built_in(&target) {
        Some(session) => session,
        None => {
            let source = target.join("source");
            let unfinished = Unfinished(&target);
            copy_source(&wanted.session.source, &source, &needed).map_err(cannot(&source))?;
            let toolchain = wanted.session.toolchain.clone();
            let told = |now: Progress| {
                if let Some(name) = now.doing.strip_prefix("Compiling ") {
                    let doing = format!("the session library: {}", name.split(' ').next().unwrap_or_default());
                    progress(Progress { doing, ..now });
                }
            };
            let offline = Some(build.offline);
            let built = SessionLibrary::build_from(&source, &target, toolchain, offline, build.cancel, told).await;
            match built {
                // What was compiled until then is found again.
                Ok(_) | Err(SessionError::Cancelled) => std::mem::forget(unfinished),
                Err(_) => drop(unfinished),
            }
            built?
        }
    };
    let pointer = Pointer { target: session.target.clone(), reason: reason.clone() };
    let again = Wanted { session: &session, base: None, steps: wanted.steps + 1, ..*wanted };
    let mut obtained = Box::pin(super::obtain(&again, progress, build.cancel)).await?;
    write_manifest(&build.folder.join(POINTER), &pointer)?;
    obtained.reason = Some(reason);
    Ok(obtained)
}

/// The folder of a session library that is being built; it goes with what was built until then.
struct Unfinished<'a>(&'a Path);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0);
    }
}

/// What is asked for that was not there, as the end of a sentence.
fn reason(there: &BTreeSet<Description>, needed: &BTreeSet<Description>) -> String {
    let mut words = Vec::new();
    for new in
        needed.difference(there).filter(|new| new.role.starts_with("build ") && !new.role.contains("custom-build"))
    {
        let Some(old) = there.iter().find(|old| old.name == new.name && old.role == new.role) else { continue };
        let more: Vec<String> = new.features.difference(&old.features).map(|feature| format!("`{feature}`")).collect();
        if old.version != new.version {
            words.push(format!("`{}` {} instead of {}", new.name, new.version, old.version));
        } else if !more.is_empty() {
            let features = if more.len() == 1 { "the feature" } else { "the features" };
            words.push(format!("`{}` with {features} {}", new.name, more.join(", ")));
        }
    }
    let what = if words.is_empty() { "other crates below `tokio`".to_owned() } else { words.join(" and ") };
    format!("the new dependencies need {what}, which `tokio` is built upon, so the runtime had to be another one")
}

fn target(beside: &Path, needed: &BTreeSet<Description>) -> PathBuf {
    let mut hasher = Fnv::default();
    for unit in needed {
        hasher.write(format!("{unit:?}").as_bytes());
    }
    // One beside the first session library, also if it comes from another.
    let name = beside.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = name.split("-with-").next().unwrap_or_default();
    beside.with_file_name(format!("{first}-with-{:016x}", hasher.finish()))
}

/// The source of the session library, asking for these units.
fn copy_source(from: &Path, to: &Path, needed: &BTreeSet<Description>) -> io::Result<()> {
    for package in PACKAGES {
        copy_package(&from.join("kernel").join(package), &to.join("kernel").join(package))?;
    }
    std::fs::copy(from.join("Cargo.lock"), to.join("Cargo.lock"))?;
    let mut workspace = parse(&from.join("Cargo.toml"))?;
    if let Some(Value::Table(workspace)) = workspace.get_mut("workspace") {
        workspace.remove("default-members");
    }
    std::fs::write(to.join("Cargo.toml"), workspace.to_string())?;
    let mut ground = parse(&from.join("kernel/ground/Cargo.toml"))?;
    // What it asks for already, if it is a copy itself, is among what is needed.
    for section in ["dependencies", "build-dependencies"] {
        if let Some(Value::Table(section)) = ground.get_mut(section) {
            section.retain(|_, requirement| !is_exact(requirement));
        }
    }
    for unit in needed.iter().filter(|unit| unit.role.starts_with("build ") && !unit.role.contains("custom-build")) {
        // What is compiled for the compiler is not optimised.
        let section = if unit.role.ends_with(" 0") { "build-dependencies" } else { "dependencies" };
        let section = ground.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            ask_for(section, unit);
        }
    }
    std::fs::write(to.join("kernel/ground/Cargo.toml"), ground.to_string())
}

/// One name for one package, and one version of it, is all that cargo takes.
fn ask_for(section: &mut Table, unit: &Description) {
    let features = unit.features.iter().map(|feature| Value::from(feature.as_str()));
    let exact = format!("={}", unit.version);
    let is_it = |(name, there): (&String, &Value)| {
        let package = there.get("package").and_then(Value::as_str).unwrap_or(name);
        package == unit.name && there.get("version").and_then(Value::as_str) == Some(&exact)
    };
    if let Some(name) = section.iter().find(|entry| is_it(*entry)).map(|(name, _)| name.clone()) {
        // It is compiled twice, at two levels or with other features; as it is one package, it has the features of both.
        if let Some(Value::Array(there)) = section.get_mut(&name).and_then(|there| there.get_mut("features")) {
            let new: Vec<Value> = features.filter(|feature| !there.contains(feature)).collect();
            there.extend(new);
        }
        return;
    }
    let mut requirement = Table::new();
    requirement.insert("version".to_owned(), exact.as_str().into());
    requirement.insert("default-features".to_owned(), false.into());
    requirement.insert("features".to_owned(), features.collect::<Vec<Value>>().into());
    if section.get(&unit.name).is_some_and(is_exact) {
        // Two versions of it are needed.
        requirement.insert("package".to_owned(), unit.name.as_str().into());
        section.insert(format!("{}-{}", unit.name, unit.version.replace(['.', '+'], "-")), requirement.into());
    } else {
        section.insert(unit.name.clone(), requirement.into());
    }
}

/// Whether a requirement is one of ours for one version.
fn is_exact(requirement: &Value) -> bool {
    requirement.get("version").and_then(Value::as_str).is_some_and(|version| version.starts_with('='))
}

fn parse(path: &Path) -> io::Result<Table> {
    std::fs::read_to_string(path)?.parse().map_err(|error: toml::de::Error| io::Error::other(error.to_string()))
}

fn copy_package(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_package(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, version: &str, level: u8, features: &[&str]) -> Description {
        Description {
            name: name.to_owned(),
            version: version.to_owned(),
            role: format!("build lib at level {level}"),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        }
    }

    /// What a copy asks for by one version each: name, version and features.
    fn exact(source: &Path, section: &str) -> Vec<String> {
        let ground = parse(&source.join("kernel/ground/Cargo.toml")).unwrap();
        let entries = ground[section].as_table().unwrap().iter().filter(|(_, requirement)| is_exact(requirement));
        entries
            .map(|(name, requirement)| {
                let package = requirement.get("package").and_then(Value::as_str).unwrap_or(name);
                let features = requirement["features"].as_array().unwrap().iter().filter_map(Value::as_str);
                let features: Vec<&str> = features.collect();
                format!("{package} {} {}", requirement["version"].as_str().unwrap(), features.join(","))
            })
            .collect()
    }

    #[test]
    fn a_copy_of_a_copy_asks_for_each_package_once() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let needed = [
            unit("bytes", "1.10.0", 1, &["std"]),
            unit("tokio", "1.54.0", 1, &["full", "test-util"]),
            unit("syn", "2.0.1", 0, &["full"]),
            unit("syn", "3.0.1", 0, &["full"]),
        ];
        copy_source(&source, &first, &BTreeSet::from(needed.clone())).unwrap();
        let asked = ["bytes =1.10.0 std", "tokio =1.54.0 full,test-util"];
        assert_eq!(exact(&first, "dependencies"), asked);
        assert_eq!(exact(&first, "build-dependencies"), ["syn =2.0.1 full", "syn =3.0.1 full"]);
        // Another version, more features, and one package that is compiled in two ways.
        let mut more = BTreeSet::from(needed);
        more.remove(&unit("bytes", "1.10.0", 1, &["std"]));
        more.insert(unit("bytes", "1.11.0", 1, &["serde", "std"]));
        more.insert(unit("tokio", "1.54.0", 2, &["full", "tracing"]));
        copy_source(&first, &second, &more).unwrap();
        let asked = ["bytes =1.11.0 serde,std", "tokio =1.54.0 full,test-util,tracing"];
        assert_eq!(exact(&second, "dependencies"), asked);
        assert_eq!(exact(&second, "build-dependencies"), exact(&first, "build-dependencies"));
    }
}
