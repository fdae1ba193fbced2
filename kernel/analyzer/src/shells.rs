//! Shells: crates that rust-analyzer need not read, as no cell can see anything of them. Each is replaced by a shell,
//! an empty crate of the same name, version and features.
//!
//! After every change of the text rust-analyzer looks through whatever it knows for what has become stale. So each crate
//! that it reads makes each answer later.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use cargo_metadata::semver::Version;
use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Node, NodeDep, Package, PackageId};
use serde::Deserialize;

/// Crates of which it is known what their public items speak of. All others may speak of whatever they depend on. Of
/// `kissaten` they speak of futures too; that is read only where it is asked for by itself.
const KNOWN: &[(&str, &[&str])] = &[
    ("bytes", &[]),
    ("kissaten-session", &["tokio"]),
    ("kissaten-ground", &[]),
    ("tokio", &["bytes", "pin-project-lite", "tokio-macros"]),
    (
        "futures-util",
        &[
            "futures-channel",
            "futures-core",
            "futures-io",
            "futures-macro",
            "futures-sink",
            "futures-task",
            "pin-project-lite",
        ],
    ),
];

/// Where nearly all crates are from, in the words of Cargo.lock. Only those can be replaced by name.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A Cargo.lock, as far as it matters here.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: Version,
    source: Option<String>,
}

/// An empty crate that stands for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shell {
    name: String,
    version: Version,
    /// All that others switch on in it.
    features: BTreeSet<String>,
}

/// Writes a shell for each crate that cells see nothing of below `folder`, and returns the table of patches that puts them
/// in place, as Cargo.toml has it.
///
/// In: the lines of a table of dependencies, and the Cargo.lock with their versions. Runs `cargo metadata`, which takes some
/// tenths of a second; it is not asked for crates of other platforms, which may never have been downloaded.
pub(crate) fn write(folder: &Path, dependencies: &str, lock: &Path, online: bool) -> anyhow::Result<String> {
    let probe = folder.join("probe");
    fs::create_dir_all(probe.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"kissaten-probe\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}"
    );
    fs::write(probe.join("Cargo.toml"), manifest)?;
    fs::write(probe.join("src/lib.rs"), "")?;
    fs::copy(lock, probe.join("Cargo.lock"))?;
    let mut options = vec!["--filter-platform".to_owned(), host()?];
    options.extend((!online).then(|| "--offline".to_owned()));
    let metadata = MetadataCommand::new().manifest_path(probe.join("Cargo.toml")).other_options(options).exec()?;
    let locked = fs::read_to_string(probe.join("Cargo.lock"))?;
    let mut patches = String::from("\n[patch.crates-io]\n");
    for shell in shells(&metadata, &versions(&locked)?) {
        let place = format!("{}-{}", shell.name, shell.version).replace(['.', '+'], "-");
        let at = folder.join("shells").join(&place);
        fs::create_dir_all(at.join("src"))?;
        fs::write(at.join("src/lib.rs"), "")?;
        fs::write(at.join("Cargo.toml"), shell.manifest())?;
        writeln!(patches, "{place} = {{ package = {:?}, path = {:?} }}", shell.name, at.display().to_string())?;
    }
    Ok(patches)
}

/// The platform that cells are compiled for.
fn host() -> anyhow::Result<String> {
    let said = Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say what its host is")
}

/// The versions of all crates of a Cargo.lock that can be replaced, those for other platforms too, by their names.
fn versions(lock: &str) -> anyhow::Result<BTreeMap<String, Vec<Version>>> {
    let lock: Lock = toml::from_str(lock)?;
    let mut versions: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    let replaceable = lock.package.into_iter().filter(|locked| locked.source.as_deref() == Some(CRATES_IO));
    for Locked { name, version, .. } in replaceable {
        versions.entry(name).or_default().push(version);
    }
    Ok(versions)
}

/// What is to be replaced: whatever a visible crate depends on that is not visible itself. What a shell would have depended
/// on has no place in the graph any more.
fn shells(metadata: &Metadata, versions: &BTreeMap<String, Vec<Version>>) -> Vec<Shell> {
    let visible = visible(metadata);
    let seen: Vec<&Package> = visible.iter().map(|id| &metadata[*id]).collect();
    let is_seen =
        |name: &str, version: &Version| seen.iter().any(|it| it.name.as_str() == name && it.version == *version);
    let mut shells = BTreeMap::new();
    for package in &seen {
        for dependency in package.dependencies.iter().filter(|it| it.kind != DependencyKind::Development) {
            let fits = |version: &&Version| dependency.req.matches(version) && !is_seen(&dependency.name, version);
            for version in versions.get(&dependency.name).into_iter().flatten().filter(fits) {
                let features: &mut BTreeSet<String> =
                    shells.entry((dependency.name.clone(), version.clone())).or_default();
                features.extend(dependency.features.iter().cloned());
                features.extend(package.features.values().flatten().filter_map(|it| asked_of(dependency, it)));
            }
        }
    }
    shells.into_iter().map(|((name, version), features)| Shell { name, version, features }).collect()
}

/// All that cells can see something of, and what cannot be replaced.
fn visible(metadata: &Metadata) -> BTreeSet<&PackageId> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: BTreeMap<&PackageId, &Node> = nodes.map(|node| (&node.id, node)).collect();
    let mut visible = BTreeSet::new();
    let mut next: Vec<&PackageId> = metadata.resolve.iter().filter_map(|resolve| resolve.root.as_ref()).collect();
    while let Some(id) = next.pop() {
        let Some(node) = nodes.get(id) else { continue };
        if !visible.insert(id) {
            continue;
        }
        let package = &metadata[id];
        // What a macro is made of is nowhere in what it makes.
        if package.targets.iter().any(|target| target.is_proc_macro()) {
            continue;
        }
        let known = KNOWN.iter().find(|(name, _)| *name == package.name.as_str());
        let is_spoken_of = |id: &PackageId| {
            let package = &metadata[id];
            let is_replaceable = package.source.as_ref().is_some_and(|source| source.repr == CRATES_IO);
            !is_replaceable || known.is_none_or(|(_, of)| of.contains(&package.name.as_str()))
        };
        let is_linked = |it: &&NodeDep| it.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
        next.extend(node.deps.iter().filter(is_linked).map(|it| &it.pkg).filter(|id| is_spoken_of(id)));
    }
    visible
}

/// The feature of a dependency that one of its dependent's features switches on: `name/feature` or `name?/feature`.
fn asked_of(dependency: &Dependency, feature: &str) -> Option<String> {
    let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
    let rest = feature.strip_prefix(name.as_str())?;
    let rest = rest.strip_prefix('?').unwrap_or(rest);
    rest.strip_prefix('/').map(str::to_owned)
}

impl Shell {
    fn manifest(&self) -> String {
        let Self { name, version, features } = self;
        let features: String = features.iter().map(|feature| format!("{feature:?} = []\n")).collect();
        format!("[package]\nname = {name:?}\nversion = \"{version}\"\nedition = \"2024\"\n\n[features]\n{features}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of what is replaced, of the versions that the kernel itself is built with.
    fn replaced(dependencies: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = tempfile::tempdir().unwrap();
        let own = root.join("kernel/kissaten");
        let dependencies = format!(
            "kissaten = {{ package = \"kissaten-session\", path = {:?} }}\n{dependencies}",
            own.display().to_string()
        );
        let patches = write(folder.path(), &dependencies, &root.join("Cargo.lock"), true).unwrap();
        let table: toml::Table = toml::from_str(&patches).unwrap();
        let shells = table["patch"]["crates-io"].as_table().unwrap().values();
        shells.map(|shell| shell["package"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_cells_see_nothing_of_is_replaced() {
        let replaced = replaced("tokio = { version = \"1\", features = [\"full\"] }\nfutures = \"0.3\"\n");
        for name in ["libc", "mio", "serde", "syn", "windows-sys"] {
            assert!(replaced.iter().any(|it| it == name), "{name} is read: {replaced:?}");
        }
        for name in ["bytes", "futures-util", "kissaten-session", "pin-project-lite", "tokio", "tokio-macros"] {
            assert!(!replaced.iter().any(|it| it == name), "{name} is not read");
        }
    }

    #[test]
    fn what_a_dependency_of_the_notebook_depends_on_is_read() {
        let replaced = replaced("nix = \"*\"\ntokio = { version = \"1\", features = [\"full\"] }\n");
        assert!(!replaced.iter().any(|it| it == "libc"), "nix speaks of it");
        assert!(replaced.iter().any(|it| it == "mio"));
    }

    #[test]
    fn features_are_asked_for_by_name() {
        let dependency = |text: &str| serde_json::from_str::<Dependency>(text).unwrap();
        let plain = dependency(
            r#"{"name": "syn", "req": "^3", "kind": null, "optional": true, "uses_default_features": true,
                "features": [], "target": null, "source": null, "rename": null, "registry": null}"#,
        );
        let mut renamed = plain.clone();
        renamed.rename = Some("grammar".to_owned());
        assert_eq!(asked_of(&plain, "syn/full"), Some("full".to_owned()));
        assert_eq!(asked_of(&plain, "syn?/full"), Some("full".to_owned()));
        assert_eq!(asked_of(&renamed, "grammar/full"), Some("full".to_owned()));
        for other in ["syn", "dep:syn", "full", "syntax/full"] {
            assert_eq!(asked_of(&plain, other), None, "{other}");
        }
    }
}
