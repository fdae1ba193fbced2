//! The notebook as the compiler sees it: live items, variables, and the making of a cell's library.
//!
//! A cell is tried on a copy of what is live and becomes the notebook's state only when it compiled. What rustc
//! refuses is first looked at for being about our own text around the user's: a variable that cannot be kept, an
//! older item that no longer fits. Then it is tried again without that.

mod adjust;
mod attempt;
mod boxing;
mod compile;
mod dependencies;
mod export;
mod finish;
mod folders;
mod frame;
mod guess;
mod habit;
mod hint;
mod history;
mod imports;
mod inquiry;
mod instrument;
mod knowledge;
mod lend;
mod listing;
mod missing;
mod older;
mod open;
mod parts;
mod places;
mod release;
mod remember;
mod report;
mod report_loan;
mod success;
mod tidy;
mod types;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use build::{AnswerKey, Answers, SessionLibrary};
use tokio_util::sync::CancellationToken;

use crate::ahead::Ahead;
use crate::api::{Artifact, CompileError, PrepareError, Source, Stored, Variable};
use crate::binding::{Binding, NotKept};
use crate::items::{CellText, Items, Merged, Owner};
use crate::lower::{self, ItemsFile};
use crate::names;
use crate::parse::{self, Parsed, Unparsed};
use crate::rustc;

use attempt::Attempt;
use dependencies::Dependencies;
pub use export::ExportError;
use finish::Pending;
use folders::Folders;
pub use guess::Foresight;
use history::PastCell;
use success::Success;

/// A generation of the items crate.
#[derive(Clone, Debug)]
struct Generation {
    /// The one to link to.
    library: PathBuf,
    /// Under what it was remembered, if it was.
    recalled: Option<AnswerKey>,
    /// Its files, to which rustc points from later cells as well.
    files: Vec<ItemsFile>,
}

/// Live items, variables, and where their libraries are.
#[derive(Clone, Debug)]
pub struct Notebook {
    session: SessionLibrary,
    /// The answers of rustc that are remembered.
    answers: Arc<Answers>,
    /// What is compiled on a guess.
    ahead: Arc<Ahead>,
    /// Whether this is such a guess, of which nothing will run.
    is_guess: bool,
    folders: Folders,
    /// What the present libraries of items are called where they are loaded, by what they are linked to as.
    loaded: BTreeMap<String, String>,
    dependencies: Dependencies,
    items: Items,
    generation: Option<Generation>,
    /// Shared with whoever asks about code: there may be thousands.
    bindings: BTreeMap<String, Arc<Binding>>,
    /// What the worker has, as it was told last.
    stored: BTreeMap<String, Stored>,
    not_kept: BTreeMap<String, NotKept>,
    /// The cells that were prepared and have not ended, by their entry points.
    pending: BTreeMap<String, Pending>,
    /// Variables that the worker is to drop before the next cell runs.
    leaving: BTreeSet<String>,
    /// What ran.
    history: Vec<PastCell>,
    /// Texts of all cells that can still be pointed at, by label.
    texts: BTreeMap<String, Arc<CellText>>,
    serial: u64,
    /// Counted up whenever something that can be named comes or goes.
    revision: u64,
    opt_level: u8,
}

impl Notebook {
    /// An empty notebook. `directory` is private to this kernel; libraries and sources go there, and are the
    /// caller's to remove.
    ///
    /// # Errors
    /// When the folders in it cannot be made.
    pub fn new(session: SessionLibrary, directory: &Path) -> io::Result<Self> {
        let folders = Folders::new(directory)?;
        Ok(Self {
            dependencies: Dependencies::upon(&session),
            answers: Arc::new(Answers::of(&session)),
            ahead: Arc::new(Ahead::from_environment()),
            is_guess: false,
            session,
            folders,
            loaded: BTreeMap::new(),
            items: Items::default(),
            generation: None,
            bindings: BTreeMap::new(),
            stored: BTreeMap::new(),
            not_kept: BTreeMap::new(),
            pending: BTreeMap::new(),
            leaving: BTreeSet::new(),
            history: Vec::new(),
            texts: BTreeMap::new(),
            serial: 0,
            revision: 0,
            opt_level: 0,
        })
    }

    /// Compiles a cell. Its items become live at once, its variables with [`finish`](Self::finish). Others may run
    /// meanwhile: the variables that they use are theirs until they end.
    ///
    /// # Errors
    /// [`PrepareError`]; the notebook is then as it was.
    ///
    /// # Cancel safety
    /// Triggering `cancel` ends rustc and leaves the notebook as it was; so does dropping the future.
    pub async fn prepare(&mut self, source: &Source, cancel: &CancellationToken) -> Result<Artifact, PrepareError> {
        match self.prepare_once(source, cancel).await {
            Err(PrepareError::Compile(error)) if self.distrust_items(&error) => self.prepare_once(source, cancel).await,
            prepared => prepared,
        }
    }

    async fn prepare_once(&mut self, source: &Source, cancel: &CancellationToken) -> Result<Artifact, PrepareError> {
        let cell = self.enter(source);
        let mut parsed = self.parsed(&cell, cancel).await?;

        if source.is_expression {
            if !parsed.items.is_empty() || !parsed.imports.is_empty() {
                return Err(changes("it defines an item or imports one"));
            }
            parsed.bindings.clear();
        } else {
            self.open(&mut parsed);
        }
        let mut items = self.items.clone();
        let merged = items.merge(&cell, &parsed, false);
        self.refuse_redefinition(&merged)?;
        let mut attempt = Attempt::new(self, &cell, &parsed, items, source);
        attempt.drop_variables_of(&merged);
        let tried = attempt.run(cancel).await;
        // An edited cell may have dropped a definition that others still need: then that one stays.
        let success = match tried {
            Err(PrepareError::Compile(error)) if cell.cell_id.is_some() && !parsed.items.is_empty() => {
                let mut items = self.items.clone();
                let merged = items.merge(&cell, &parsed, true);
                self.refuse_redefinition(&merged)?;
                let mut attempt = Attempt::new(self, &cell, &parsed, items, source);
                attempt.drop_variables_of(&merged);
                match attempt.run(cancel).await {
                    Ok(success) => Ok((success, merged)),
                    Err(PrepareError::Compile(_)) => Err(PrepareError::Compile(error)),
                    Err(other) => Err(other),
                }
            }
            other => other.map(|success| (success, merged)),
        };
        let (success, merged) = success?;
        if source.is_expression
            && let Some(name) = success.moves.first()
        {
            return Err(changes(&format!("it moves the variable `{name}`")));
        }
        let artifact = self.adopt(&cell, &parsed, success, &merged);
        if source.remember
            && parsed.has_statements
            && let Some(pending) = artifact.program.as_ref().and_then(|program| self.pending.get_mut(&program.entry))
        {
            let scope = Arc::new(self.items.imports.clone());
            pending.entry = Some(PastCell::new(&cell, &parsed, scope));
        }
        Ok(artifact)
    }

    /// Takes a text in that messages may point at.
    fn enter(&mut self, source: &Source) -> Arc<CellText> {
        self.serial += 1;
        let cell = Arc::new(CellText {
            serial: self.serial,
            label: source.label.clone(),
            text: source.text.clone(),
            cell_id: source.cell_id.clone(),
        });
        self.texts.insert(cell.label.clone(), Arc::clone(&cell));
        cell
    }

    /// A text in its parts.
    async fn parsed(&self, cell: &Arc<CellText>, cancel: &CancellationToken) -> Result<Parsed, PrepareError> {
        match parse::parse(&cell.text, &self.items.item_macros()) {
            Ok(parsed) => Ok(parsed),
            Err(Unparsed::TooDeep) => Err(too_deep()),
            Err(Unparsed::Syntax) => {
                self.report_syntax(cell, cancel).await?;
                // rustc finds nothing wrong with what our parser does not know: it runs as statements.
                Ok(Parsed { has_statements: true, ..Parsed::default() })
            }
        }
    }

    fn refuse_redefinition(&self, merged: &Merged) -> Result<(), PrepareError> {
        let Some((name, type_name, label)) = self.in_use(&merged.changed) else { return Ok(()) };
        let summary = format!("`{type_name}` cannot be redefined while {label} runs");
        let plain = format!(
            "error: {summary}\n  = note: its variable `{name}` is of that type\n  = help: run this cell when {label} has ended"
        );
        Err(refused(summary, plain))
    }

    /// Makes a success the state of the notebook.
    fn adopt(&mut self, cell: &Arc<CellText>, parsed: &Parsed, success: Success, merged: &Merged) -> Artifact {
        self.revision += 1;
        let mut notes = success.notes;
        for name in &merged.restarted {
            notes.push(format!("the static `{name}` starts anew: its type was redefined"));
        }
        self.items = success.items;
        if let Some((library, files)) = success.items_library {
            self.own_statics(&library.linked, success.recalled);
            let owners =
                self.items.owners.values().map(|owner| names::of_file(&owner.library)).collect::<BTreeSet<_>>();
            self.loaded.retain(|linked, _| owners.contains(linked));
            self.loaded.insert(names::of_file(&library.linked), names::of_file(&library.loaded));
            self.generation = Some(Generation { library: library.linked, recalled: success.recalled, files });
        }
        let renewed = success.renewed.iter();
        let mut forget: Vec<String> = renewed.chain(success.forget.iter().map(|(name, _)| name)).cloned().collect();
        for (name, reason) in success.forget {
            if self.bindings.remove(&name).is_some() {
                notes.push(reason.reason(&name));
            }
            self.not_kept.insert(name, reason);
        }
        for name in &success.renewed {
            self.bindings.remove(name);
        }
        for (name, reason) in success.unusable {
            if self.bindings.remove(&name).is_some() {
                notes.push(reason.reason(&name));
                forget.push(name.clone());
            }
            self.not_kept.insert(name, reason);
        }
        notes.extend(parsed.entries.iter().map(parse::Entry::note));
        notes.extend(parsed.left_out.iter().cloned());
        // Whoever mentions a future does something with it.
        for name in parsed.mentions.iter().filter(|name| !parsed.unused.contains(*name)) {
            if let Some(binding) = self.bindings.get_mut(name).filter(|binding| binding.unawaited.is_some()) {
                Arc::make_mut(binding).unawaited = None;
            }
        }
        self.leaving.extend(forget.iter().cloned());
        let entry = success.program.as_ref().map(|program| program.entry.clone()).unwrap_or_default();
        let pending = Pending {
            bindings: success.bindings,
            not_kept: success.not_kept,
            gone: success.gone,
            owned: success.owned,
            shadowed: success.shadowed,
            may_lose: success.may_lose,
            awaits: parsed.surely_moved.keys().cloned().collect(),
            holds: success.takes,
            overtaken: BTreeMap::new(),
            label: cell.label.clone(),
            lent_at: success.lent_at,
            entry: None,
            recalled: success.recalled,
        };
        self.pending.insert(entry, pending);
        self.drop_stale_texts(cell);
        Artifact {
            program: success.program,
            warnings: success.warnings,
            notes,
            hints: success.hints,
            result_type: success.tail_type,
            forget,
            moves: success.moves,
            compile_time: success.time,
            compiles: success.compiles,
        }
    }

    /// Statics without an owner are defined in the library that was just made.
    fn own_statics(&mut self, library: &Path, recalled: Option<AnswerKey>) {
        let mut owned = Vec::new();
        for live in &self.items.items {
            for declared in &live.item.statics {
                let key = (live.cell.serial, declared.range.start, declared.name.clone());
                let symbol = lower::symbol(&live.cell, declared);
                let owner = Owner { library: library.to_owned(), symbol, recalled, age: self.serial };
                owned.push((key, owner));
            }
        }
        for (key, owner) in owned {
            self.items.owners.entry(key).or_insert(owner);
        }
    }

    /// The worker is gone with all variables: forgets them and returns their names.
    pub fn worker_lost(&mut self) -> Vec<String> {
        self.revision += 1;
        self.pending.clear();
        self.leaving.clear();
        self.stored.clear();
        let lost: Vec<String> = std::mem::take(&mut self.bindings).into_keys().collect();
        self.not_kept.extend(lost.iter().map(|name| (name.clone(), NotKept::WorkerLost)));
        lost
    }

    /// Forgets items, imports and variables.
    pub fn clear(&mut self) {
        self.revision += 1;
        self.items = Items::default();
        self.generation = None;
        self.bindings.clear();
        self.stored.clear();
        self.not_kept.clear();
        self.pending.clear();
        self.leaving.clear();
        self.history.clear();
        self.texts.clear();
    }

    /// The variables, sorted by name.
    pub fn variables(&self) -> Vec<Variable> {
        self.bindings.values().map(|binding| binding.described()).collect()
    }

    /// The level that cells are optimised with, 0 to 3.
    pub fn opt_level(&self) -> u8 {
        self.opt_level
    }

    /// Sets the level for the cells to come; larger ones count as 3.
    pub fn set_opt_level(&mut self, level: u8) {
        self.opt_level = level.min(3);
    }

    /// Cell texts are kept only while something can still point at them.
    fn drop_stale_texts(&mut self, current: &CellText) {
        let live: BTreeSet<u64> = self.items.items.iter().map(|live| live.cell.serial).collect();
        let recent = current.serial.saturating_sub(64);
        self.texts.retain(|_, cell| cell.serial > recent || live.contains(&cell.serial));
    }

    fn cell_arguments(&self, opt_level: u8, uses_dependencies: bool) -> Vec<String> {
        let mut arguments = rustc::common_arguments(&self.session, opt_level, rustc::CELL_UNITS);
        arguments.push("--crate-type=cdylib".to_owned());
        // One name for all, which is what `module_path!()` says: a filter of a log holds in the next cell.
        arguments.push("--crate-name=notebook".to_owned());
        arguments.extend(self.session.toolchain.full_path_flags.iter().cloned());
        if let Some(generation) = &self.generation {
            arguments.push(format!("--extern=notebook={}", generation.library.display()));
            arguments.extend(self.owners_arguments(&self.items));
        }
        self.add_dependencies(&mut arguments, uses_dependencies);
        arguments.push(rustc::run_path_beside(&self.session));
        arguments
    }
}

pub(crate) fn write(folder: &Path, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Result<(), PrepareError> {
    let path = folder.join(name);
    std::fs::write(path, content).map_err(|error| {
        PrepareError::Environment(format!(
            "the cell could not be written for the compiler ({error}); make room in the temporary folder and run it again"
        ))
    })
}

fn too_deep() -> PrepareError {
    let summary = "the cell nests brackets or operators more than 250 deep".to_owned();
    let plain =
        format!("error: {summary}\n  = help: compilers give up at such depths; move the inner parts into functions");
    refused(summary, plain)
}

/// Something that is only to be evaluated would do more.
fn changes(what: &str) -> PrepareError {
    let summary = "an expression that is evaluated beside a cell changes nothing".to_owned();
    let plain = format!("error: {summary}\n  = note: {what}\n  = help: run it as a cell");
    refused(summary, plain)
}

/// An error of our own, in rustc's form.
fn refused(summary: String, plain: String) -> PrepareError {
    PrepareError::Compile(CompileError {
        summary,
        rendered: crate::Rendered { ansi: plain.clone(), plain },
        codes: Vec::new(),
    })
}
