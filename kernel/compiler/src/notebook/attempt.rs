//! The tries at one cell: what is in the way of it compiling, and going without that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::adjust::BORROWS;
use super::dependencies::Doubled;
use super::lend::{CellPlace, Lending};
use super::{Notebook, write};
use crate::Rendered;
use crate::adapter;
use crate::api::{Hint, LoanKind, PrepareError, Program, Source};
use crate::binding::{Binding, Moved, NotKept};
use crate::boxing::Plan;
use crate::clippy;
use crate::items::{CellText, Items};
use crate::lower::{self, ErrorType, Frame, ItemsFile};
use crate::parse::Parsed;
use crate::rustc::{self, Compiled, Invocation};
use crate::scope::Arrangement;
use crate::source_map::Generated;

/// More tries than any sensible cell needs; each takes at least one thing away, so there is an end anyway.
const TRIES: usize = 24;

/// Codegen units of the items crate: what did not change in a unit is not compiled again.
const ITEMS_UNITS: u16 = 64;

/// One cell on its way through rustc.
#[derive(Clone)]
pub(super) struct Attempt<'a> {
    pub(super) notebook: &'a Notebook,
    pub(super) cell: &'a Arc<CellText>,
    pub(super) parsed: &'a Parsed,
    pub(super) items: Items,
    pub(super) opt_level: u8,
    pub(super) timeline: bool,
    /// Whether the type of the tail expression is asked for.
    show_type: bool,
    /// Whether what instruments the code is written into it.
    pub(super) instrumented: bool,
    /// Clippy, where it is called instead of rustc.
    pub(super) clippy: Option<PathBuf>,
    entry: String,
    /// Whether the statements are compiled in the items crate: with new items it saves a call of rustc.
    pub(super) in_items_crate: bool,
    pub(super) error_type: ErrorType,
    /// Packages whose values are shown as any others, because they are not what their adapter takes them for.
    pub(super) not_adapted: BTreeSet<String>,
    /// New variables that do not survive the cell, and why.
    pub(super) not_kept: BTreeMap<String, NotKept>,
    /// New variables whose types can mean several, as crates are called alike.
    pub(super) spelled: BTreeMap<String, Doubled>,
    /// How new variables are boxed whose types have no name.
    pub(super) boxing: BTreeMap<String, Plan>,
    /// Whether they are: errors are told from a compile without.
    pub(super) boxes: bool,
    /// Older variables that the cell moves.
    pub(super) gone: BTreeMap<String, Moved>,
    /// Older variables whose types cannot be named here.
    pub(super) unusable: BTreeMap<String, NotKept>,
    /// New variables that are ended before the others are kept, because they borrow from those.
    pub(super) end: BTreeSet<String>,
    /// Variables with which that failed.
    pub(super) never_end: BTreeSet<String>,
    /// Imports of earlier cells that stand against this cell's own.
    pub(super) leave_out: BTreeSet<String>,
    /// Imports of single names that two globs bring.
    pub(super) prefer: BTreeSet<String>,
    /// Whether rustc is to tell of names that two globs bring; of some it takes the first without a word. Among the items
    /// that is the one that the older ones meant.
    pub(super) tells_globs: bool,
    /// Variables that an earlier cell moved, and this one uses: declared, so that rustc says it.
    pub(super) moved: BTreeSet<String>,
    /// Of those that are `mut`, the ones that this cell fills again.
    pub(super) filled: BTreeSet<String>,
    /// Whether it goes without parts.
    pub(super) joined: bool,
    /// Variables that are kept by another part than the one that makes them.
    pub(super) levels: BTreeMap<String, usize>,
    /// Older variables whose types are redefined.
    pub(super) forget: Vec<(String, NotKept)>,
    /// Older variables that borrow, and which the cell makes anew: they are dropped before.
    pub(super) renewed: BTreeSet<String>,
    /// What is known of variables that borrow.
    pub(super) lending: Lending,
    pub(super) notes: Vec<String>,
    time: Duration,
    compiles: u32,
}

/// Whether the borrow checker has something against it.
fn is_of_borrows(compiled: &Compiled) -> bool {
    compiled.errors().any(|error| error.code.as_ref().is_none_or(|code| BORROWS.contains(&code.code.as_str())))
}

/// Whether rustc refuses something because it is borrowed.
fn is_of_loans(compiled: &Compiled) -> bool {
    let is_it = |code: &str| matches!(code, "E0499" | "E0502" | "E0503" | "E0505" | "E0506");
    compiled.errors().any(|error| error.code.as_ref().is_some_and(|code| is_it(&code.code)))
}

/// A cell that compiled.
pub(super) struct Success {
    pub(super) items: Items,
    /// The new generation of the items crate, if there is one.
    pub(super) items_library: Option<(PathBuf, Vec<ItemsFile>)>,
    pub(super) program: Option<Program>,
    pub(super) bindings: Vec<Binding>,
    pub(super) not_kept: BTreeMap<String, NotKept>,
    /// Older variables that it moves, whatever it ends with.
    pub(super) gone: BTreeMap<String, Moved>,
    /// Older variables that it takes over from the store, and keeps if it comes that far.
    pub(super) owned: BTreeMap<String, Moved>,
    /// New variables that are lost where it ends early.
    pub(super) may_lose: BTreeSet<String>,
    /// Older variables that go because their name has another meaning from now on, which is not kept.
    pub(super) shadowed: Vec<Binding>,
    pub(super) unusable: BTreeMap<String, NotKept>,
    pub(super) forget: Vec<(String, NotKept)>,
    /// Older variables that are dropped before it runs, because it makes them anew.
    pub(super) renewed: BTreeSet<String>,
    /// Where variables are lent.
    pub(super) lent_at: BTreeMap<String, CellPlace>,
    pub(super) moves: Vec<String>,
    /// Older variables that it takes out of the store.
    pub(super) takes: BTreeSet<String>,
    pub(super) warnings: Option<Rendered>,
    pub(super) notes: Vec<String>,
    pub(super) hints: Vec<Hint>,
    /// As it is shown to people.
    pub(super) tail_type: Option<String>,
    pub(super) time: Duration,
    pub(super) compiles: u32,
}

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

impl<'a> Attempt<'a> {
    pub(super) fn new(
        notebook: &'a Notebook,
        cell: &'a Arc<CellText>,
        parsed: &'a Parsed,
        items: Items,
        source: &Source,
    ) -> Self {
        let mut attempt = Self {
            notebook,
            cell,
            parsed,
            items,
            opt_level: source.opt_level.unwrap_or(notebook.opt_level),
            timeline: source.timeline,
            show_type: source.show_type,
            instrumented: true,
            clippy: None,
            entry: format!("kissaten_cell_{}", cell.serial),
            in_items_crate: !parsed.items.is_empty() || notebook.has_stranded_items(),
            error_type: ErrorType::Display,
            not_adapted: BTreeSet::new(),
            not_kept: BTreeMap::new(),
            spelled: BTreeMap::new(),
            boxing: BTreeMap::new(),
            boxes: true,
            gone: BTreeMap::new(),
            unusable: BTreeMap::new(),
            end: BTreeSet::new(),
            never_end: BTreeSet::new(),
            leave_out: BTreeSet::new(),
            prefer: BTreeSet::new(),
            tells_globs: true,
            moved: BTreeSet::new(),
            filled: BTreeSet::new(),
            joined: false,
            levels: BTreeMap::new(),
            forget: Vec::new(),
            renewed: BTreeSet::new(),
            lending: Lending::default(),
            notes: Vec::new(),
            time: Duration::ZERO,
            compiles: 0,
        };
        attempt.drop_variables_named_as_items();
        attempt.release_own();
        attempt.box_by_text();
        for (name, range) in &parsed.surely_moved {
            let moved = attempt.moved_here(name, attempt.place_of(range.start, range.end));
            if parsed.bindings.iter().any(|binding| binding.name == *name) {
                attempt.not_kept.insert(name.clone(), NotKept::Moved(moved));
            } else if notebook.bindings.contains_key(name) {
                attempt.gone.insert(name.clone(), moved);
            }
        }
        attempt
    }

    /// The cell is to be judged by clippy and not to be run, so it is as the user wrote it.
    pub(super) fn lint_with(&mut self, clippy: PathBuf) {
        self.clippy = Some(clippy);
        self.instrumented = false;
        self.boxes = false;
    }

    /// Compiles until rustc is content, or has something to say to the user.
    pub(super) async fn run(mut self, cancel: &CancellationToken) -> Result<Success, PrepareError> {
        if self.parsed.items.is_empty() && !self.parsed.has_statements && self.parsed.imports.is_empty() {
            return Ok(self.succeed(Files::default(), BTreeMap::new(), BTreeMap::new(), None));
        }
        let fresh = self.clone();
        // The cell as it was before variables that are lent were declared for rustc's words; and whether those were none.
        let (mut undeclared, mut is_last): (Option<Self>, bool) = (None, false);
        for tries_left in (0..TRIES).rev() {
            let (files, compiled, library) = self.compile(cancel, &Purpose::Run).await?;
            self.time += compiled.time;
            self.compiles += 1;
            if compiled.success && self.lending.declared.is_empty() {
                let types = self.types(&files, &compiled);
                let boxed = self.boxed_types(&files, &compiled);
                let kept = types.clone().into_iter().chain(boxed.clone()).collect();
                let Some(kept) = self.named(kept) else { continue };
                if self.give_up_locks(&kept) | self.give_up_foreign(&kept) | self.box_by_type(&files, &types, &boxed) {
                    continue;
                }
                let types =
                    types.into_iter().map(|(name, printed)| (name, self.notebook.dependencies.named_in(&printed)));
                let types = types.collect();
                return Ok(self.succeed(files, types, kept, Some((compiled, library))));
            }
            if !compiled.success && compiled.errors().next().is_none() {
                return Err(super::report::other(&compiled));
            }
            if let Some(before) = undeclared.take_if(|_| compiled.success || !is_of_loans(&compiled)) {
                let time = self.time;
                (self, is_last) = (Self { time, ..before }, true);
            } else if tries_left > 0 && !is_last {
                // The types are printed before the borrow checker has its say.
                let (mut types, boxed) = (self.types(&files, &compiled), self.boxed_types(&files, &compiled));
                if is_of_borrows(&compiled) && self.box_by_type(&files, &types, &boxed) {
                    continue;
                }
                types.extend(boxed);
                self.note_types(&types);
                let before = self.lending.declared.is_empty().then(|| self.clone());
                if self.adjust(&files, &compiled) || self.declare_places() {
                    if !self.lending.declared.is_empty() {
                        undeclared = undeclared.or(before);
                    }
                    continue;
                }
            }
            let at_fault = self.at_fault(&files, &compiled);
            let was_instrumented = std::mem::replace(&mut self.instrumented, false);
            self.boxes = false;
            let (files, compiled) = self.words(&compiled, cancel).await?;
            if !was_instrumented || !compiled.success && (is_last || !self.adjust(&files, &compiled)) {
                return Err(self.notebook.report(self.cell, &self.items, &files, &compiled));
            }
            // What instruments the code was in the way: from the beginning without it.
            let (time, compiles) = (self.time + compiled.time, self.compiles + 1);
            self = Self { instrumented: false, boxes: false, time, compiles, ..fresh.clone() };
            self.items.plain.extend(at_fault);
        }
        Err(PrepareError::Environment(
            "the cell keeps rustc busy without an end; split it into smaller ones".to_owned(),
        ))
    }

    pub(super) async fn compile(
        &self,
        cancel: &CancellationToken,
        purpose: &Purpose,
    ) -> Result<(Files, Compiled, PathBuf), PrepareError> {
        let (notebook, folders) = (self.notebook, &self.notebook.folders);
        let mut files = Files::default();
        // Imports alone are tried out as statements, which costs least.
        if self.parsed.has_statements || self.parsed.items.is_empty() {
            let (cell, mut frame) = (&self.cell, self.frame());
            if matches!(purpose, Purpose::Words { is_flat: true, .. }) {
                frame.flatten();
            }
            let statements = lower::statements(&cell.text, self.parsed, &self.items, cell.serial, &frame);
            let (folder, name) = if self.in_items_crate {
                (&folders.items, format!("run/{}", cell.label))
            } else {
                (&folders.cells, cell.label.clone())
            };
            write(folder, &name, statements.text())?;
            files.statements = Some((name, statements));
        }
        let mut arguments;
        let (folder, root);
        let mut library;
        if self.in_items_crate {
            let form = |cell: &CellText| self.form(cell).filter(|_| !self.items.plain.contains(&cell.serial));
            let arrangement = Arrangement::of(&self.items, Some((&self.leave_out, self.cell.serial)));
            files.items = lower::items_files(&self.items, &arrangement, &form);
            for file in &files.items {
                write(&folders.items, &file.name, file.generated.text())?;
            }
            let statements = files.statements.as_ref().map(|(name, _)| name.as_str());
            let generated = lower::items_root(&arrangement, &files.items, statements, self.layer_of_items());
            write(&folders.items, ROOT, generated.text())?;
            files.root = Some(generated);
            arguments = self.items_arguments();
            library = folders.libraries.join(format!("libnotebook_{}.so", self.cell.serial));
            (folder, root) = (&folders.items, ROOT);
        } else {
            arguments = notebook.cell_arguments(&self.entry, self.opt_level, self.layer().is_some());
            library = folders.libraries.join(format!("lib{}.so", self.entry));
            (folder, root) = (&folders.cells, self.cell.label.as_str());
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
            library = folders.libraries.join("lint.rmeta");
            settings = Some((clippy.as_path(), clippy::settings(std::env::current_dir().ok(), &folders.cells)?));
        }
        let clippy = settings.as_ref().map(|(program, folder)| (*program, folder.as_path()));
        let is_stable = clippy.is_none() && matches!(purpose, Purpose::Words { .. });
        let invocation = Invocation { folder, root, output: &library, arguments, clippy, is_stable };
        let compiled = rustc::run(&notebook.session, &invocation, cancel).await?;
        Ok((files, compiled, library))
    }

    fn items_arguments(&self) -> Vec<String> {
        let (session, folders) = (&self.notebook.session, &self.notebook.folders);
        let mut arguments = rustc::common_arguments(session, self.opt_level, ITEMS_UNITS);
        // One identity for all generations: a type that did not change stays the same type.
        arguments.extend(["--crate-type=dylib", "--crate-name=notebook", "-Cmetadata=notebook"].map(str::to_owned));
        arguments.push(format!("-Cincremental={}-{}", folders.incremental.display(), self.opt_level));
        // Panic locations name the cell, not the folder of the file.
        arguments.extend(
            ["--remap-path-prefix=run/=", "--remap-path-prefix=macros/=", "--remap-path-scope=macro"]
                .map(str::to_owned),
        );
        // Statics of earlier generations are found in the libraries that own them.
        let owners: BTreeSet<_> = self.items.owners.values().map(|owner| &owner.library).collect();
        if !owners.is_empty() {
            let prefix = if session.toolchain.link_flags.is_empty() { "-Wl," } else { "" };
            arguments.push(format!("-Clink-arg={prefix}--no-as-needed"));
            arguments.extend(owners.iter().map(|owner| format!("-Clink-arg={}", owner.display())));
        }
        arguments.extend(session.toolchain.full_path_flags.iter().cloned());
        self.notebook.add_dependencies(&mut arguments, self.layer_of_items().is_some());
        arguments.push(rustc::run_path(session, &folders.libraries));
        arguments
    }

    /// The text that takes the dependencies' code, if the statements or what they need name one.
    fn layer(&self) -> Option<&str> {
        let imports = self.items.imports.iter().map(|live| live.import.text.as_str());
        let types = self.notebook.bindings.values().filter(|binding| self.parsed.mentions.contains(&binding.name));
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

    fn adapters(&self) -> Vec<(String, String)> {
        let externs = self.notebook.dependencies.externs().filter(|_| self.layer().is_some());
        let adapted = externs.filter(|found| !self.not_adapted.contains(&found.package));
        adapted
            .filter_map(|found| Some((found.package.clone(), adapter::adapter(&found.package, &found.name)?)))
            .collect()
    }

    fn frame(&self) -> Frame<'_> {
        let bindings = self.notebook.bindings.values().filter(|binding| self.is_usable(binding));
        let take: Vec<Binding> =
            bindings.map(|binding| Binding { loan: self.loan_of(binding), ..binding.clone() }).collect();
        let stands = |binding: &&Binding| binding.loan == Some(LoanKind::Place);
        let lent = self.lent();
        let is_lent = |name: &str| lent.iter().any(|(lent, _)| *lent == name);
        let goes_back = |name: &str| (!self.gone.contains_key(name) || is_lent(name)) && !self.owns_older(name);
        let put_back = take.iter().filter(|binding| goes_back(&binding.name) && !stands(binding)).cloned().collect();
        let older = self.levels.keys().map(String::as_str).filter(|name| self.owns_older(name));
        let levels = self.bound().chain(older.clone()).map(|name| (name, self.level(name))).collect();
        let moved = |name: &'_ String| self.moved_before(name).map(|moved| (moved.type_text.as_str(), moved.mutable));
        let declared = |names: &'_ BTreeSet<String>, is_empty: bool| {
            let declared = names.iter().filter_map(|name| {
                moved(name).map(|(type_text, mutable)| lower::MovedVariable {
                    name: name.clone(),
                    type_text,
                    mutable,
                    is_empty,
                })
            });
            declared.collect::<Vec<_>>()
        };
        Frame {
            entry: &self.entry,
            put_back,
            keep: self.bound().filter(|name| !self.not_kept.contains_key(*name)).chain(older).collect(),
            parts: self.parts(),
            levels,
            owned: self.owned(),
            asked: self.asked(),
            lent,
            spelled: self
                .spelled
                .iter()
                .filter_map(|(name, doubled)| Some((name.as_str(), doubled.spellings.first()?.as_str())))
                .collect(),
            boxing: self.boxes.then_some(&self.boxing),
            moves: self.moves_of_copies(),
            opened: self
                .opened()
                .filter_map(|open| {
                    Some((open.statement.names.first()?.0.as_str(), open.text_where(|name| self.items.meaning(name))))
                })
                .collect(),
            postponed: self.postponed(),
            end: self.bound().filter(|name| self.end.contains(*name)).collect(),
            forget: self.shadowed().map(|binding| binding.name.as_str()).collect(),
            moved: declared(&self.moved, false).into_iter().chain(declared(&self.filled, true)).collect(),
            declared: self.lending.declared.iter().filter_map(|name| self.notebook.bindings.get(name)).collect(),
            loans: self.loans(),
            error_type: self.error_type,
            leave_out: &self.leave_out,
            prefer: &self.prefer,
            in_items_crate: self.in_items_crate,
            layer: self.layer(),
            has_items: self.notebook.generation.is_some(),
            form: self.form(self.cell),
            adapters: self.adapters(),
            show_type: self.show_type,
            is_flat: false,
            take,
        }
    }

    fn succeed(
        mut self,
        files: Files,
        types: BTreeMap<String, String>,
        kept: BTreeMap<String, String>,
        compiled: Option<(Compiled, PathBuf)>,
    ) -> Success {
        let (mut warnings, mut library, mut tail_type) = (None, None, None);
        if let Some((compiled, path)) = compiled {
            warnings = self.notebook.warnings(self.cell, &self.items, &files, &compiled);
            tail_type = self.tail_type(&files, &compiled);
            self.settle_moved(&files, &compiled);
            library = Some(path);
        }
        let mut bindings = self.bindings(&kept);
        let hints = self.hints(&types, &bindings);
        for name in self.filled.iter().filter(|name| !self.not_kept.contains_key(*name)) {
            let moved = self.moved_before(name);
            bindings.extend(moved.map(|Moved { type_text, mutable, .. }| Binding::new(name, type_text, *mutable)));
        }
        let takes = self.frame().take.iter().map(|binding| binding.name.clone()).collect();
        let shadowed = self.shadowed().cloned().collect();
        let moves: Vec<String> = self.gone.keys().cloned().collect();
        let lent_at = self.lent_at();
        let may_lose = self.may_lose();
        for (name, moved) in &self.gone {
            // A newer one of its name is there.
            if !bindings.iter().any(|binding| binding.name == *name) {
                self.not_kept.entry(name.clone()).or_insert_with(|| NotKept::Moved(moved.clone()));
            }
        }
        let runs = self.parsed.has_statements;
        let owned: Vec<String> = self.levels.keys().filter(|name| self.owns_older(name)).cloned().collect();
        let owned: BTreeMap<String, Moved> =
            owned.iter().map(|name| (name.clone(), self.moved_here(name, None))).collect();
        let is_generation =
            self.in_items_crate && (!self.parsed.items.is_empty() || self.notebook.has_stranded_items());
        Success {
            program: library.clone().filter(|_| runs).map(|library| Program { library, entry: self.entry }),
            items_library: library.filter(|_| is_generation).map(|library| (library, files.items)),
            items: self.items,
            bindings,
            not_kept: self.not_kept,
            owned,
            gone: self.gone,
            shadowed,
            may_lose,
            unusable: self.unusable,
            forget: self.forget,
            renewed: self.renewed,
            lent_at,
            moves,
            takes,
            warnings,
            notes: self.notes,
            hints,
            tail_type,
            time: self.time,
            compiles: self.compiles,
        }
    }
}
