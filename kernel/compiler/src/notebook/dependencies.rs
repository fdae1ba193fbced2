//! The dependencies of a notebook: which there are, and what cells are given of them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use toml::Table;

use super::Notebook;
use crate::binding::{self, NotKept};
use crate::dependency::{self, Change, Changed, DependencyError, Extern, Progress, Restart, Set, Wanted};
use crate::rustc;
use crate::session_library::SessionLibrary;

/// Crates that cells can always name.
const ALWAYS: [&str; 7] = ["std", "core", "alloc", "tokio", "futures", "kissaten", "notebook"];

/// What the notebook depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct Dependencies {
    /// What cells can name.
    named: Table,
    /// What was taken away: what the worker has loaded of it stays, so that nothing is loaded twice later.
    unnamed: Table,
    set: Option<Set>,
    /// As long as it is there, nobody cleans the set away.
    _used: Option<Arc<File>>,
    /// The same for the session library.
    _session_used: Option<Arc<File>>,
    offline: bool,
}

impl Dependencies {
    /// None yet.
    pub(super) fn upon(session: &SessionLibrary) -> Self {
        Self { _session_used: dependency::use_of(&session.target), ..Self::default() }
    }

    /// Crates that cells can name.
    pub(super) fn externs(&self) -> impl Iterator<Item = &Extern> {
        let externs = self.set.iter().flat_map(|set| &set.externs);
        externs.filter(|found| self.named.keys().any(|name| name.replace('-', "_") == found.name))
    }

    /// What cells can name, as the lines of a table in Cargo.toml.
    pub(super) fn lines(&self) -> String {
        dependency::to_text(&self.named)
    }

    /// The versions of all that was built for them.
    pub(super) fn lock(&self) -> Option<&Path> {
        self.set.as_ref().map(|set| set.lock.as_path())
    }

    /// A type that rustc printed, with crates called as cells call them.
    pub(super) fn named_in(&self, printed: &str) -> String {
        // rustc prints a crate that another one shows under another name as if it stood there under its own.
        let printed = printed.replace("futures::futures_channel::", "futures::channel::");
        binding::with_roots(&printed, |root| {
            let mut found = self.externs().filter(|found| found.crate_name == root);
            match (found.next(), found.next()) {
                (Some(only), None) => only.name.clone(),
                _ => root.to_owned(),
            }
        })
    }

    /// Why a type cannot be named by later cells: it is of a crate that they cannot name, or of one of several of its name.
    pub(super) fn foreign(&self, type_text: &str) -> Option<NotKept> {
        // What has no name at all has other reasons.
        binding::usable_type(type_text).ok()?;
        let mut foreign = None;
        binding::with_roots(type_text, |root| {
            let named = self.externs().filter(|found| found.name == root || found.crate_name == root).count();
            if named != 1 && !ALWAYS.contains(&root) && foreign.is_none() {
                foreign = Some(root.to_owned());
            }
            root.to_owned()
        });
        let crate_name = foreign?;
        let mut contents = self.set.iter().flat_map(|set| &set.layers).flat_map(|layer| &layer.contents);
        // The user's own is not in a registry.
        let line = contents.find(|content| content.name.replace('-', "_") == crate_name && content.compiled == 0);
        let line = line.map(|content| format!(":dep {} = \"{}\"", content.name, content.version));
        Some(NotKept::Foreign { crate_name, type_text: binding::shown_type(type_text), line })
    }

    /// Whether cells can name a crate.
    pub(super) fn can_name(&self, crate_name: &str) -> bool {
        ALWAYS.contains(&crate_name) || self.externs().any(|found| found.name == crate_name)
    }

    /// The line that gives a dependency one feature more. `None` if cells cannot name it, or it has that one.
    pub(super) fn line_with_feature(&self, crate_name: &str, feature: &str) -> Option<String> {
        let (name, requirement) = self.named.iter().find(|(name, _)| name.replace('-', "_") == crate_name)?;
        let mut requirement = match requirement {
            toml::Value::Table(parts) => parts.clone(),
            version => Table::from_iter([("version".to_owned(), version.clone())]),
        };
        let features = requirement.entry("features").or_insert_with(|| toml::Value::Array(Vec::new()));
        let features = features.as_array_mut()?;
        if features.iter().any(|one| one.as_str() == Some(feature)) {
            return None;
        }
        features.push(feature.into());
        let line = dependency::to_text(&Table::from_iter([(name.clone(), requirement.into())]));
        Some(format!(":dep {}", line.trim_end()))
    }

    /// The crate that stands for all that is loaded, where a text names one of them.
    pub(super) fn layer_for<'a>(&'a self, texts: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let layer = self.set.as_ref()?.layers.last()?;
        let mut texts = texts.into_iter();
        let is_used = texts.any(|text| self.externs().any(|found| text.contains(&found.name)));
        is_used.then_some(layer.name.as_str())
    }

    /// Where rustc finds the crates that others are built from.
    fn folders(&self) -> impl Iterator<Item = String> {
        let folders = self.set.iter().flat_map(|set| &set.folders);
        folders.map(|folder| format!("-Ldependency={}", folder.display()))
    }

    /// What rustc needs for a crate that names them.
    fn arguments(&self) -> Vec<String> {
        let Some(set) = &self.set else { return Vec::new() };
        let mut arguments = Vec::new();
        arguments.extend(self.externs().map(|found| format!("--extern={}={}", found.name, found.path.display())));
        let layers = set.layers.iter();
        arguments.extend(layers.map(|layer| format!("--extern={}={}", layer.name, layer.library.display())));
        arguments
    }

    /// The folders of what is loaded, for run paths.
    fn library_folders(&self) -> Vec<&Path> {
        let layers = self.set.iter().flat_map(|set| &set.layers);
        let mut folders: Vec<&Path> = layers.filter_map(|layer| layer.library.parent()).collect();
        folders.dedup();
        folders
    }
}

impl Notebook {
    /// What rustc needs where there are dependencies: little, unless the crate names one.
    pub(super) fn add_dependencies(&self, arguments: &mut Vec<String>, names_them: bool) {
        arguments.extend(self.dependencies.folders());
        if names_them {
            arguments.extend(self.dependencies.arguments());
        }
        let folders = self.dependencies.library_folders();
        arguments.extend(folders.into_iter().map(|folder| rustc::run_path(&self.session, folder)));
    }

    /// Whether there are items without a library, as the one they had does not fit any more.
    pub(super) fn has_stranded_items(&self) -> bool {
        self.generation.is_none() && !self.items.items.is_empty()
    }

    /// The dependencies as the lines of a `[dependencies]` table in Cargo.toml; paths in them are absolute.
    pub fn dependencies(&self) -> String {
        self.dependencies.lines()
    }

    /// The dependencies by name, with the version of each.
    pub fn dependency_versions(&self) -> Vec<(String, String)> {
        self.dependencies.externs().map(|found| (found.name.clone(), found.version.clone())).collect()
    }

    /// Whether dependencies are looked for on this machine only.
    pub fn is_offline(&self) -> bool {
        self.dependencies.offline
    }

    /// Sets whether they are.
    pub fn set_offline(&mut self, offline: bool) {
        self.dependencies.offline = offline;
        self.revision += 1;
    }

    /// Whether the source of a dependency, one of the user's own, has changed since it was built. Asks the file system only.
    pub fn has_stale_dependencies(&self) -> bool {
        self.dependencies.set.as_ref().is_some_and(Set::is_stale)
    }

    /// Changes the dependencies; an empty change builds anew what is stale.
    ///
    /// # Errors
    /// [`DependencyError`]; the notebook is then as it was.
    ///
    /// # Cancel safety
    /// Triggering `cancel` ends the build and leaves the notebook as it was; so does dropping the future.
    pub async fn change_dependencies(
        &mut self,
        change: &Change,
        progress: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<Changed, DependencyError> {
        let mut new = self.dependencies.clone();
        for name in &change.remove {
            let Some(requirement) = new.named.remove(name) else {
                return Err(DependencyError::Request(format!("`{name}` is no dependency; `:show_deps` lists them")));
            };
            new.unnamed.insert(name.clone(), requirement);
        }
        for (name, requirement) in &change.add {
            new.unnamed.remove(name);
            new.named.insert(name.clone(), requirement.clone());
        }
        let mut changed = Changed { removed: change.remove.clone(), ..Changed::default() };
        if change.add.is_empty() && !self.has_stale_dependencies() {
            self.dependencies = new;
            self.revision += 1;
            return Ok(changed);
        }
        let mut requirements = new.unnamed.clone();
        requirements.extend(new.named.clone());
        let base = self.dependencies.set.as_ref();
        let wanted =
            Wanted { session: &self.session, requirements: &requirements, base, offline: new.offline, steps: 0 };
        let obtained = dependency::obtain(&wanted, progress, cancel).await?;
        for (name, requirement) in &obtained.set.requirements {
            if let Some(named) = new.named.get_mut(name) {
                named.clone_from(requirement);
            }
        }
        changed.compiled = obtained.compiled;
        new._used = obtained.used;
        new.set = Some(obtained.set);
        let added = new.externs().filter(|found| change.add.keys().any(|name| name.replace('-', "_") == found.name));
        changed.added = added.map(|found| format!("{} {}", found.name, found.version)).collect();
        self.dependencies = new;
        self.revision += 1;
        if self.session.target != obtained.session.target {
            self.dependencies._session_used = dependency::use_of(&obtained.session.target);
        }
        self.session = obtained.session;
        if let Some(reason) = obtained.reason {
            let worker: PathBuf = self.session.worker().to_owned();
            changed.restart = Some(Restart { worker, reason, lost: self.worker_lost() });
            // What was compiled is linked to what is no longer loaded. The next cell compiles the items again.
            self.generation = None;
            self.items.owners.clear();
        }
        Ok(changed)
    }
}
