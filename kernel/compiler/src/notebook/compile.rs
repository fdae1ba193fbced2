//! One call of rustc for a try at a cell: the files that it reads, and its arguments.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::write;
use crate::adapter;
use crate::api::PrepareError;
use crate::clippy;
use crate::items::CellText;
use crate::lower::{self, ItemsFile};
use crate::names::{self, FileName};
use crate::rustc::{self, Compiled, Invocation};
use crate::scope::Arrangement;
use crate::source_map::Generated;

/// Codegen units of the items crate: what did not change in a unit is not compiled again.
const ITEMS_UNITS: u16 = 64;

/// What a cell is compiled for.
pub(super) enum Purpose {
    Run,
    /// For what rustc says about it to the user.
    Words {
        /// What stands for the session library.
        front: Option<PathBuf>,
        /// Whether older variables are the statements' own.
        is_flat: bool,
    },
}

/// The files of one try, by the names that rustc calls them.
#[derive(Default)]
pub(super) struct Files {
    pub(super) statements: Option<(String, Generated)>,
    pub(super) root: Option<Generated>,
    pub(super) items: Vec<ItemsFile>,
}

/// The items crate's root.
pub(super) const ROOT: &str = "lib.rs";

impl Files {
    /// The file that rustc calls `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Generated> {
        if let Some((statements, generated)) = &self.statements
            && statements == name
        {
            return Some(generated);
        }
        if name == ROOT {
            return self.root.as_ref();
        }
        self.items.iter().find(|file| file.name == name).map(|file| &file.generated)
    }
}

/// A compiled library: the file to link to, and the one to load.
#[derive(Clone, Debug)]
pub(super) struct Library {
    pub(super) linked: PathBuf,
    pub(super) loaded: PathBuf,
}

impl Attempt<'_> {
    pub(super) async fn compile(
        &self,
        cancel: &CancellationToken,
        purpose: &Purpose,
    ) -> Result<(Files, Compiled, Library), PrepareError> {
        let (notebook, folders) = (self.notebook, &self.notebook.folders);
        let (mut files, mut names) = (Files::default(), Vec::new());
        // Imports alone are tried out as statements, which costs least.
        if self.parsed.has_statements || self.parsed.items.is_empty() {
            let (cell, mut frame) = (&self.cell, self.frame());
            if matches!(purpose, Purpose::Words { is_flat: true, .. }) {
                frame.flatten();
            }
            let statements = lower::statements(&cell.text, self.parsed, &self.items, cell.serial, &frame);
            let purpose = if self.in_items_crate { names::FileKind::Run } else { names::FileKind::Statements };
            let file = FileName::new(&cell.label, &cell.text, purpose);
            files.statements = Some((file.shown.clone(), statements));
            names.push(file);
        }
        let mut arguments;
        let folder;
        if self.in_items_crate {
            let form = |cell: &CellText| self.form(cell).filter(|_| !self.items.plain.contains(&cell.serial));
            let arrangement = Arrangement::of(&self.items, Some((&self.leave_out, self.cell.serial)));
            files.items = lower::items_files(&self.items, &arrangement, &form);
            let statements = names.first().map(|file| file.stable.as_str());
            let generated = lower::items_root(&arrangement, &files.items, statements, self.layer_of_items());
            files.root = Some(generated);
            arguments = self.items_arguments();
            folder = &folders.items;
        } else {
            arguments = notebook.cell_arguments(self.opt_level, self.layer().is_some());
            if matches!(purpose, Purpose::Run) && self.clippy.is_none() && self.links_nothing() {
                arguments.extend(notebook.session.toolchain.lean_link_flags.iter().cloned());
            }
            folder = &folders.cells;
        }
        if let Purpose::Words { front, .. } = purpose {
            arguments = self.words_arguments(arguments, front.as_deref());
        }
        if self.tells_globs
            && !self.in_items_crate
            && self.items.standing().iter().filter(|live| live.is_glob()).count() > 1
        {
            arguments.push("-Dambiguous_glob_imports".to_owned());
        }
        let mut settings = None;
        if let Some(clippy) = &self.clippy {
            arguments = clippy::arguments(arguments);
            settings = Some((clippy.as_path(), clippy::settings(std::env::current_dir().ok(), &folders.cells)?));
        }
        let clippy = settings.as_ref().map(|(program, folder)| (*program, folder.as_path()));
        let is_stable = clippy.is_none() && matches!(purpose, Purpose::Words { .. });
        let mut texts: Vec<(&str, &str)> = files.root.iter().map(|root| (ROOT, root.text())).collect();
        let statements = names.first().zip(files.statements.as_ref());
        texts.extend(statements.map(|(file, (_, generated))| (file.stable.as_str(), generated.text())));
        texts.extend(files.items.iter().map(|file| (file.file.stable.as_str(), file.generated.text())));
        let items = if self.in_items_crate { &files.items[..] } else { self.notebook.items_files() };
        let names = names.iter().chain(items.iter().map(|file| &file.file)).cloned().collect();
        let output = folders.links.join("lint.rmeta");
        let mut invocation =
            Invocation { folder, files: texts, names, output, arguments, clippy, is_stable, key: None };
        let memory = notebook.memory();
        let library;
        if clippy.is_some() {
            library = Library { linked: PathBuf::new(), loaded: PathBuf::new() };
        } else if self.in_items_crate {
            let key = memory.key(&invocation);
            // As long as the other, which it takes the place of.
            let (linked, loaded) = (format!("{key}"), format!("{}{:08x}", &key.to_string()[..24], self.cell.serial));
            library = Library {
                linked: folders.links.join(format!("libnotebook_{linked}.so")),
                loaded: folders.libraries.join(format!("libnotebook_{loaded}.so")),
            };
            (invocation.key, invocation.output) = (Some(key), library.linked.clone());
        } else {
            let loaded = folders.libraries.join(format!("lib{}.so", self.entry));
            memory.name_crate(&mut invocation, &folders.links);
            library = Library { linked: invocation.output.clone(), loaded };
        }
        let compiled = rustc::run(&memory, &invocation, cancel).await?;
        if compiled.success && clippy.is_none() && matches!(purpose, Purpose::Run) {
            let own = (names::of_file(&library.linked), names::of_file(&library.loaded));
            let own = self.in_items_crate.then_some((own.0.as_str(), own.1.as_str()));
            notebook.write_loaded(&compiled, &library.loaded, &invocation.names, own)?;
            match &compiled.library {
                Some(made) if self.in_items_crate && compiled.recalled.is_some() => {
                    write(&folders.links, &library.linked, made)?;
                }
                // Nothing links to a cell.
                _ if !self.in_items_crate => drop(std::fs::remove_file(&library.linked)),
                _ => {}
            }
        }
        Ok((files, compiled, library))
    }

    /// Whether neither the statements nor what they can take from the items name anything of a library of the system: all such
    /// names stand in blocks that are `extern`.
    fn links_nothing(&self) -> bool {
        let mut last = self.cell.serial;
        // Many items stand in one cell.
        let items = self.items.items.iter().map(|live| &live.cell);
        let items = items.filter(|cell| std::mem::replace(&mut last, cell.serial) != cell.serial);
        let waiting = self.parsed.opened.iter().map(|open| &open.text);
        let mut texts = items.map(|cell| &cell.text).chain(waiting).chain([&self.cell.text]);
        self.layer().is_none() && !texts.any(|text| text.contains("extern"))
    }

    fn items_arguments(&self) -> Vec<String> {
        let (session, folders) = (&self.notebook.session, &self.notebook.folders);
        let mut arguments = rustc::common_arguments(session, self.opt_level, ITEMS_UNITS);
        // One identity for all generations: a type that did not change stays the same type.
        arguments.extend(["--crate-type=dylib", "--crate-name=notebook", "-Cmetadata=notebook"].map(str::to_owned));
        arguments.push(format!("{}{}-{}", rustc::INCREMENTAL, folders.incremental.display(), self.opt_level));
        // What is compiled is the same wherever it was.
        arguments.push(format!("--remap-path-prefix={}=/notebook", folders.items.display()));
        arguments.extend(self.notebook.owners_arguments(&self.items));
        arguments.extend(session.toolchain.full_path_flags.iter().cloned());
        self.notebook.add_dependencies(&mut arguments, self.layer_of_items().is_some());
        arguments.push(rustc::run_path_beside(session));
        arguments
    }

    /// The text that takes the dependencies' code, if the statements or what they need name one.
    pub(super) fn layer(&self) -> Option<&str> {
        let imports = self.items.imports.iter().map(|live| live.import.text.as_str());
        let types = self.parsed.mentions.iter().filter_map(|name| self.notebook.binding(name));
        let texts = imports.chain(types.map(|binding| binding.type_text.as_str())).chain([self.cell.text.as_str()]);
        let texts = texts.chain(self.parsed.opened.iter().map(|open| open.spelled_out.as_str()));
        self.notebook.dependencies.layer_for(texts)
    }

    /// The same for the items crate, with or without the statements.
    fn layer_of_items(&self) -> Option<&str> {
        let imports = self.items.scoped_imports().map(|live| live.import.text.as_str());
        let items = self.items.items.iter().map(|live| live.cell.text.as_str());
        self.layer().or_else(|| self.notebook.dependencies.layer_for(items.chain(imports)))
    }

    pub(super) fn adapters(&self) -> Vec<(String, String)> {
        let externs = self.notebook.dependencies.externs().filter(|_| self.layer().is_some());
        let adapted = externs.filter(|found| !self.not_adapted.contains(&found.package));
        adapted
            .filter_map(|found| Some((found.package.clone(), adapter::adapter(&found.package, &found.name)?)))
            .collect()
    }
}
