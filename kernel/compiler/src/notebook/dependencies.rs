//! The dependencies of a notebook: which there are, and what cells are given of them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use build::SessionLibrary;
use build::dependency::{self, Change, Content, DependencyError, Extern, Progress, Replaced, Set, Wanted};
use tokio_util::sync::CancellationToken;
use toml::Table;

use super::Notebook;
use crate::binding::{self, NotKept};
use crate::rustc;
use crate::{Changed, Restart};

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
    /// How a crate is made to take their code from where the worker has it.
    layers: String,
    /// As long as it is there, nobody cleans the set away.
    _used: Option<Arc<File>>,
    /// The lock of the session library.
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
        binding::with_roots(&public(printed), |root| {
            let mut found = self.externs().filter(|found| found.crate_name == root);
            match (found.next(), found.next()) {
                (Some(only), None) => only.name.clone(),
                _ => root.to_owned(),
            }
        })
    }

    /// Why a type cannot be named by later cells: it is of a crate that they cannot name.
    pub(super) fn foreign(&self, type_text: &str) -> Option<NotKept> {
        // What has no name at all has other reasons.
        binding::usable_type(type_text).ok()?;
        let crate_name = binding::roots(type_text).find(|root| !self.can_name(root))?.to_owned();
        let mut contents = self.set.iter().flat_map(|set| &set.contents);
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

    /// The loaded crates that call themselves so, but for the session library's, whose file this is.
    fn called<'a>(&'a self, root: &'a str, ours: Option<&'a Path>) -> impl Iterator<Item = &'a Content> {
        let ours = ours.and_then(Path::file_name).map(|name| name.to_string_lossy());
        let contents = self.set.iter().flat_map(|set| &set.contents);
        contents.filter(move |content| content.crate_name() == root && ours.as_deref() != Some(content.file.as_str()))
    }

    /// The text that makes a crate take the code of dependencies from where the worker has it, where a text names one.
    pub(super) fn layer_for<'a>(&'a self, texts: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let mut texts = texts.into_iter();
        let is_used = texts.any(|text| self.externs().any(|found| text.contains(&found.name)));
        is_used.then_some(self.layers.as_str())
    }

    fn take(&mut self, set: Set, used: Option<Arc<File>>) {
        // The newest is looked in first.
        let layers = set.layers.iter().rev();
        self.layers = layers.map(|layer| format!("extern crate {} as _; ", layer.name)).collect();
        self.set = Some(set);
        self._used = used;
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

/// rustc prints a crate that another one shows under another name as if it stood there under its own.
fn public(printed: &str) -> String {
    printed.replace("futures::futures_channel::", "futures::channel::")
}

/// What a printed type can mean, where several crates are called alike in it.
#[derive(Clone, Debug)]
pub(super) struct Doubled {
    /// The type, with names that cells can use.
    pub(super) spellings: Vec<String>,
    /// Why it is not kept if it is none of them.
    pub(super) otherwise: NotKept,
}

impl Notebook {
    /// What a type can mean that rustc printed, by the names that crates have for themselves; `None`: there is no doubt.
    pub(super) fn doubled(&self, printed: &str) -> Option<Doubled> {
        let printed = binding::usable_type(&public(printed)).ok()?;
        let roots: BTreeSet<String> = binding::roots(&printed).map(str::to_owned).collect();
        let mut spellings = vec![printed.clone()];
        let mut other = None;
        for root in roots {
            let ours = self.session.crates.iter().find(|(name, _)| *name == root).map(|(_, path)| path.as_path());
            let loaded: Vec<&Content> = self.dependencies.called(&root, ours).collect();
            let named = self.dependencies.externs().filter(|found| found.crate_name == root && !found.is_ours(ours));
            let names: Vec<&str> =
                ours.map(|_| root.as_str()).into_iter().chain(named.map(|found| found.name.as_str())).collect();
            let is_taken = self.dependencies.externs().any(|found| found.name == root && found.crate_name != root);
            if loaded.len() + usize::from(ours.is_some() || is_taken) < 2 {
                continue;
            }
            spellings = spellings
                .iter()
                .flat_map(|text| {
                    let renamed = |name: &&str| {
                        binding::with_roots(text, |found| if found == root { *name } else { found }.to_owned())
                    };
                    names.iter().map(renamed)
                })
                .collect();
            let is_unnamed =
                |content: &&&Content| !self.dependencies.externs().any(|found| found.version == content.version);
            let unnamed = loaded.iter().find(is_unnamed).or(loaded.first());
            other = other.or(unnamed.map(|content| format!("{} {}", content.name, content.version)));
        }
        let otherwise = NotKept::Foreign { crate_name: other?, type_text: binding::shown_type(&printed), line: None };
        Some(Doubled { spellings, otherwise })
    }

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
        let mut changed = Changed { removed: change.remove.clone(), ..Changed::default() };
        let mut added = Vec::new();
        for (name, requirement) in &change.add {
            if let Some(sentence) = dependency::refusal(name, requirement, &self.session) {
                changed.refused.push(sentence);
                continue;
            }
            new.unnamed.remove(name);
            new.named.insert(name.clone(), requirement.clone());
            added.push(name.replace('-', "_"));
        }
        if added.is_empty() && !self.has_stale_dependencies() {
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
        let is_other_session = self.session.target != obtained.session.target;
        let replaced = base.filter(|_| !is_other_session).and_then(|base| obtained.set.replaced(base, &self.session));
        // What was said before was read then.
        let told = base.map(|base| base.warnings.as_slice()).unwrap_or_default();
        changed.warnings = obtained.set.warnings.iter().filter(|warning| !told.contains(warning)).cloned().collect();
        new.take(obtained.set, obtained.used);
        let found = new.externs().filter(|found| added.contains(&found.name));
        changed.added = found.map(|found| format!("{} {}", found.name, found.version)).collect();
        self.dependencies = new;
        self.revision += 1;
        if is_other_session {
            self.dependencies._session_used = dependency::use_of(&obtained.session.target);
        }
        self.session = obtained.session;
        if let Some(reason) = obtained.reason.filter(|_| is_other_session) {
            let worker: PathBuf = self.session.worker().to_owned();
            changed.restart = Some(Restart { worker, reason, lost: self.worker_lost() });
            // What was compiled is linked to what is no longer loaded. The next cell compiles the items again.
            self.generation = None;
            self.items.owners.clear();
        }
        if let Some(replaced) = replaced {
            self.replace(&replaced, &mut changed);
        }
        Ok(changed)
    }

    /// What these names stand for has become something else. The older crates stay loaded, so whatever runs goes on; but
    /// values of their types are not those of the newer.
    fn replace(&mut self, replaced: &Replaced, changed: &mut Changed) {
        let merged = self.items.changed_outside(&replaced.names);
        let is_lost = |type_text: &str| {
            binding::mentions_type(type_text, &merged.changed)
                || binding::roots(type_text).any(|root| replaced.names.contains(root))
        };
        let lost = self.bindings.values().filter(|binding| is_lost(&binding.type_text));
        changed.lost = lost.map(|binding| binding.name.clone()).collect();
        for name in &changed.lost {
            if let Some(binding) = self.bindings.remove(name) {
                let reason = NotKept::Rebuilt(binding::shown_type(&binding.type_text));
                self.not_kept.insert(name.clone(), reason);
            }
        }
        self.leaving.extend(changed.lost.iter().cloned());
        let quoted = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let Replaced { reason, .. } = replaced;
        let (lost, restarted) = (quoted(&changed.lost), quoted(&merged.restarted));
        match changed.lost.len() {
            0 => {}
            1 => changed
                .notes
                .push(format!("The variable {lost} was dropped, as {reason}: its type is another one now.")),
            _ => changed
                .notes
                .push(format!("The variables {lost} were dropped, as {reason}: their types are others now.")),
        }
        match merged.restarted.len() {
            0 => {}
            1 => changed.notes.push(format!("The static {restarted} starts anew, as {reason}.")),
            _ => changed.notes.push(format!("The statics {restarted} start anew, as {reason}.")),
        }
        // The next cell compiles the items again, with the newer crates.
        self.generation = None;
    }
}
