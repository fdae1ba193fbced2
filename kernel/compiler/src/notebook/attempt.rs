//! The tries at one cell: what is in the way of it compiling, and going without that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Notebook;
use super::adjust::BORROWS;
use super::compile::{Files, Purpose};
use super::dependencies::Doubled;
use super::lend::Lending;
use super::success::Success;
use crate::api::{PrepareError, Source};
use crate::binding::{Moved, NotKept};
use crate::boxing::Plan;
use crate::items::{CellText, Items};
use crate::lower::ErrorType;
use crate::names;
use crate::parse::Parsed;
use crate::rustc::Compiled;

/// More tries than any sensible cell needs; each takes at least one thing away, so there is an end anyway.
const TRIES: usize = 24;

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
    pub(super) show_type: bool,
    /// Whether the tail expression is shown by its `Debug` whatever it is.
    pub(super) shows_debug: bool,
    /// Whether what instruments the code is written into it.
    pub(super) instrumented: bool,
    /// Clippy, where it is called instead of rustc.
    pub(super) clippy: Option<PathBuf>,
    /// By what its run is known.
    pub(super) entry: String,
    /// What the worker calls.
    pub(super) symbol: String,
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
    pub(super) time: Duration,
    pub(super) compiles: u32,
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
            shows_debug: false,
            instrumented: true,
            clippy: None,
            entry: format!("kissaten_cell_{}", cell.serial),
            symbol: format!("kissaten_cell_{}", names::of_text(&cell.text)),
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
}
