//! Variables that borrow: what rustc says of them decides whether a cell stays for their sake.
//!
//! At first every new variable is taken for one that borrows nothing. rustc's errors about our own lines say which do, from
//! what, and which of those can be looked at meanwhile. Each answer takes a step in one direction, so there is an end.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::attempt::Attempt;
use super::compile::Files;
use crate::api::LoanKind;
use crate::binding::{self, Binding, NotKept};
use crate::loan::is_plain;
use crate::lower::{Loans, Stays};
use crate::source_map::{Region, position_in};

/// A place in a cell: file, line and columns, 1-based, in characters.
pub(super) type CellPlace = (String, usize, usize, usize);

/// What is known of a cell's variables that borrow or are lent.
#[derive(Clone, Default)]
pub(super) struct Lending {
    /// New variables that borrow from locals of the cell, and which.
    lent: BTreeMap<String, Vec<String>>,
    /// New variables that borrow only what older ones do.
    scoped: BTreeSet<String>,
    /// Variables, new and older ones, that others borrow from.
    published: BTreeSet<String>,
    /// Of these, the ones that a borrower may change.
    hidden: BTreeSet<String>,
    /// Where they are lent.
    places: BTreeMap<String, CellPlace>,
    /// Where something is lent that the present error is about.
    place: Option<(CellPlace, bool)>,
    /// Variables that the present errors have already decided about.
    decided: BTreeSet<String>,
    /// Variables of which the present errors say that they are lent, and not to whom.
    orphans: Vec<(String, Option<(CellPlace, bool)>)>,
    /// New variables that are lent and cannot be given back, because they borrow as well.
    pinned: BTreeSet<String>,
    /// Variables whose types are invariant in their lifetimes.
    invariant: BTreeSet<String>,
    /// New variables with which it failed.
    failed: BTreeSet<String>,
    /// Older ones whose borrowers end before the cell begins, because it makes them anew.
    pub(super) released: BTreeSet<String>,
    /// Older ones that are lent, and declared as that for rustc's words.
    pub(super) declared: BTreeSet<String>,
    /// The types of new variables, as far as rustc got.
    types: BTreeMap<String, String>,
}

impl Lending {
    pub(super) fn stays(&self) -> bool {
        !self.lent.is_empty()
    }
}

impl Attempt<'_> {
    /// Takes down the types that rustc printed, whether it compiled or not.
    pub(super) fn note_types(&mut self, types: &BTreeMap<String, String>) {
        let usable = |printed: &String| binding::usable_type(printed).ok();
        let types = types.iter().filter_map(|(name, printed)| Some((name.clone(), usable(printed)?)));
        self.lending.types.extend(types);
    }

    /// The binding that the notebook has of this older variable, if the cell uses it.
    fn older(&self, name: &str) -> Option<&Binding> {
        self.notebook.binding(name).filter(|binding| self.is_usable(binding))
    }

    fn is_of_cell(&self, name: &str) -> bool {
        self.parsed.bindings.iter().any(|bound| bound.name == name) && !self.not_kept.contains_key(name)
    }

    fn type_of<'t>(&'t self, name: &str) -> Option<&'t str> {
        let new = self.lending.types.get(name).map(String::as_str).filter(|_| self.is_of_cell(name));
        new.or_else(|| Some(self.older(name)?.type_text.as_str()))
    }

    /// Keeps a new variable that borrows, with its cell if need be. Whether there is a way that was not tried yet.
    pub(super) fn lend(&mut self, name: &str, from: &[String]) -> bool {
        let lending = &self.lending;
        let is_out =
            |printed: &str| ["StdoutLock<", "StderrLock<", "StdinLock<"].iter().any(|lock| printed.contains(lock));
        let can_be_kept =
            self.is_of_cell(name) && lending.types.get(name).is_some_and(|text| !is_plain(text) && !is_out(text));
        if !can_be_kept || lending.failed.contains(name) || self.clippy.is_some() {
            return false;
        }
        // What is only compiled for rustc's words keeps nothing.
        if !lending.declared.is_empty() {
            return false;
        }
        let of_older = |from: &String| from.starts_with("__kissaten");
        let is_scoped = !from.is_empty() && from.iter().all(of_older);
        let is_known = lending.lent.contains_key(name) || is_scoped && lending.scoped.contains(name);
        if is_known && !lending.decided.contains(name) {
            return false;
        }
        if lending.types.get(name).is_some_and(|text| is_surely_invariant(text)) {
            self.lending.invariant.insert(name.to_owned());
        }
        self.lending.decided.insert(name.to_owned());
        self.joined = true;
        self.end.remove(name);
        if is_scoped {
            if !self.lending.lent.contains_key(name) {
                self.lending.scoped.insert(name.to_owned());
            }
            return true;
        }
        self.lending.scoped.remove(name);
        let from: Vec<String> = from.iter().filter(|from| !of_older(from) && *from != name).cloned().collect();
        for owner in &from {
            let is_older = self.older(owner).is_some_and(|binding| binding.loan != Some(LoanKind::Place));
            if self.is_of_cell(owner) || is_older {
                self.publish(owner);
            }
        }
        self.lending.lent.entry(name.to_owned()).or_default().extend(from);
        true
    }

    /// Something borrows from this variable.
    fn publish(&mut self, name: &str) -> bool {
        if self.lending.lent.contains_key(name) || self.lending.scoped.contains(name) {
            self.lending.pinned.insert(name.to_owned());
        }
        if let Some((place, _)) = self.lending.place.clone() {
            self.lending.places.entry(name.to_owned()).or_insert(place);
        }
        let is_exclusive = self.lending.place.as_ref().is_some_and(|(_, is_exclusive)| *is_exclusive);
        // Nobody can look at what cannot be named.
        if is_exclusive || self.type_of(name).is_none() || self.lending.hidden.contains(name) {
            return self.hide(name);
        }
        self.lending.published.insert(name.to_owned())
    }

    fn hide(&mut self, name: &str) -> bool {
        if self.is_lent(name) {
            // It borrows as well, and could not be given back: rather it is kept, and what borrows from it is not.
            let from_it =
                |(borrower, from): (&String, &Vec<String>)| from.iter().any(|n| n == name).then(|| borrower.clone());
            let borrowers: Vec<String> = self.lending.lent.iter().filter_map(from_it).collect();
            return borrowers.iter().filter(|borrower| self.cannot_lend_it(borrower)).count() > 0;
        }
        self.lending.published.remove(name);
        self.lending.hidden.insert(name.to_owned())
    }

    /// Before the errors of one compile are looked at.
    pub(super) fn begin_round(&mut self) {
        self.lending.decided.clear();
        self.lending.orphans.clear();
    }

    /// It is lent, and this error does not say to whom.
    pub(super) fn is_lent_to_somebody(&mut self, name: &str) {
        let place = self.lending.place.clone();
        self.lending.orphans.push((name.to_owned(), place));
    }

    /// When all errors have been looked at: another one may have said to whom. Else what is lent is not kept.
    pub(super) fn end_round(&mut self) -> bool {
        let mut changed = false;
        for (name, place) in std::mem::take(&mut self.lending.orphans) {
            if self.lending.decided.is_empty() {
                changed |= self.give_up(&name, NotKept::Borrowed);
            } else {
                self.lending.place = place;
                changed |= self.publish(&name);
            }
        }
        changed
    }

    /// The type of a new variable that rustc told when it was asked before.
    pub(super) fn known_type(&self, name: &str) -> Option<&String> {
        self.lending.types.get(name)
    }

    /// Before an error is looked at: where it says that something is lent.
    pub(super) fn note_place(&mut self, files: &Files, error: &Diagnostic) {
        self.lending.place = self.place_of_loan(files, error);
    }

    /// What an error about a line of ours means where variables borrow. `None`: nothing.
    pub(super) fn adjust_loans(
        &mut self,
        primary: Option<&Region>,
        code: &str,
        files: &Files,
        error: &Diagnostic,
    ) -> Option<bool> {
        match (primary?, code) {
            (Region::Publish(name), "E0502" | "E0503" | "E0505" | "E0506" | "E0499") => {
                if let Some((place, _)) = self.lending.place.clone() {
                    self.lending.places.insert(name.clone(), place);
                }
                Some(self.hide(name))
            }
            // Where something may change it, nobody can ask for its type; it was told before.
            (Region::Type(name), "E0502") => {
                let changed = self.hide(name);
                self.lending.stays().then_some(changed)
            }
            (Region::HandBack(name), "E0499" | "E0502" | "E0503" | "E0505" | "E0506") => Some(self.publish(name)),
            (Region::Keep(name), "E0505") if self.lending.stays() && !self.lending.published.contains(name) => {
                Some(self.publish(name))
            }
            (Region::HandBack(name), "E0382") => {
                let moved = self.moved_here(name, self.place_of_move(files, error));
                Some(self.gone.insert(name.clone(), moved).is_none())
            }
            (Region::Publish(name), "E0382" | "E0381") => {
                self.lending.published.remove(name);
                if self.older(name).is_some() && !self.is_of_cell(name) {
                    let moved = self.moved_here(name, self.place_of_move(files, error));
                    return Some(self.gone.insert(name.clone(), moved).is_none());
                }
                Some(self.give_up(name, NotKept::Moved(self.moved_here(name, self.place_of_move(files, error)))))
            }
            // Another one that borrows from it, of which nothing was known yet.
            (Region::GiveBack(_), _) if self.is_kept_there(files, error) => None,
            (Region::GiveBack(name), _) => Some(self.lending.pinned.insert(name.clone())),
            (Region::Covariant(name), _) => Some(self.is_not_covariant(name)),
            (Region::Anchor, _) => Some(self.outlives_its_cell(files, error)),
            (Region::Keep(name), "") if self.lending.invariant.contains(name) => Some(self.cannot_lend_it(name)),
            (Region::Publish(name), "" | "E0521" | "E0597") => Some(self.hide(name)),
            _ => None,
        }
    }

    /// Whether the error is about a new variable that was taken for one that borrows nothing.
    fn is_kept_there(&self, files: &Files, error: &Diagnostic) -> bool {
        error.spans.iter().filter_map(|span| super::adjust::region(files, span)).any(|region| match region {
            Region::Keep(name) => self.lending.decided.contains(&name) || !self.is_lent(&name),
            _ => false,
        })
    }

    /// What is written into such a value others may see, so its lifetimes have to be just those of the cell.
    fn is_not_covariant(&mut self, name: &str) -> bool {
        if self.is_lent(name) {
            return self.lending.invariant.insert(name.to_owned());
        }
        self.hide(name)
    }

    /// Something invariant lives for longer than its cell: whose lifetimes they are nobody can tell.
    fn outlives_its_cell(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let regions: Vec<Region> = error.spans.iter().filter_map(|span| super::adjust::region(files, span)).collect();
        let told = regions.iter().find_map(|region| match region {
            Region::Keep(name) if self.is_lent(name) => Some(name.clone()),
            _ => None,
        });
        let all = || self.lending.invariant.iter().filter(|name| self.is_lent(name)).cloned().collect();
        let names: Vec<String> = told.map_or_else(all, |name| vec![name]);
        names.iter().filter(|name| self.cannot_lend_it(name)).count() > 0
    }

    fn cannot_lend_it(&mut self, name: &str) -> bool {
        let from = self.lending.lent.get(name).cloned().unwrap_or_default();
        self.cannot_lend(name, from)
    }

    /// Whether there is a way by which it is kept.
    pub(super) fn is_lent(&self, name: &str) -> bool {
        self.lending.lent.contains_key(name) || self.lending.scoped.contains(name)
    }

    pub(super) fn cannot_lend(&mut self, name: &str, from: Vec<String>) -> bool {
        self.lending.failed.insert(name.to_owned());
        self.lending.lent.remove(name);
        self.lending.scoped.remove(name);
        // What was only lent to it may be an ordinary variable again.
        let owners: BTreeSet<&String> = self.lending.lent.values().flatten().collect();
        let is_lent = |owner: &String| owners.contains(owner) || !from.contains(owner);
        self.lending.published.retain(is_lent);
        self.lending.hidden.retain(is_lent);
        self.give_up(name, NotKept::Borrows(from))
    }

    /// Where the user's code lends what the error is about, and whether to something that may change it, as far as one sees.
    fn place_of_loan(&self, files: &Files, error: &Diagnostic) -> Option<(CellPlace, bool)> {
        let is_it = |span: &&DiagnosticSpan| {
            let label = span.label.as_deref().unwrap_or("");
            let lends = label.starts_with("borrow of `") || label.ends_with("borrow occurs here");
            lends && !span.is_primary
                || label.contains("borrow occurs due to use")
                || label == "borrowed value does not live long enough"
        };
        error.spans.iter().filter(is_it).find_map(|span| {
            let generated = files.get(&span.file_name)?;
            let text = &self.cell.text;
            let mut start = generated.user_offset(span.byte_start as usize)?;
            let end = generated.user_offset(span.byte_end as usize).filter(|end| *end > start)?;
            let before = text.get(..start)?.trim_end();
            if let Some(before) = before.strip_suffix("&mut") {
                start = before.len();
            }
            let is_exclusive = text.get(start..end)?.starts_with("&mut");
            let ((line, from), (last, to)) = (position_in(text, start), position_in(text, end));
            (line == last).then(|| ((self.cell.label.clone(), line, from, to), is_exclusive))
        })
    }

    /// What an older variable will be when the cell begins.
    pub(super) fn loan_of(&self, binding: &Binding) -> Option<LoanKind> {
        match binding.loan {
            Some(LoanKind::Place | LoanKind::Hidden) if self.lending.released.contains(&binding.name) => {
                binding.lends_on.then_some(LoanKind::Value)
            }
            loan => loan,
        }
    }

    /// A variable that is lent to one that may change it, or is in the way because it is lent: declared, so that rustc
    /// says it.
    pub(super) fn declare_lent(&mut self, name: &str) -> bool {
        let is_lent = self.notebook.binding(name).is_some_and(|binding| binding.loan == Some(LoanKind::Hidden));
        let is_new = is_lent && !self.lending.released.contains(name) && self.lending.declared.insert(name.to_owned());
        if is_new {
            self.keep_nothing_lent();
        }
        is_new
    }

    /// What is only compiled for rustc's words keeps nothing that borrows.
    fn keep_nothing_lent(&mut self) {
        let scoped = std::mem::take(&mut self.lending.scoped);
        let lent = std::mem::take(&mut self.lending.lent);
        for name in scoped.into_iter().chain(lent.into_keys()) {
            self.not_kept.entry(name).or_insert(NotKept::Borrows(Vec::new()));
        }
        self.lending.published.clear();
        self.lending.hidden.clear();
    }

    /// All that are lent and can be looked at are declared as well: whether there is one.
    pub(super) fn declare_places(&mut self) -> bool {
        let is_place = |binding: &&Binding| self.loan_of(binding) == Some(LoanKind::Place);
        let names: Vec<String> = self.usable().filter(is_place).map(|b| b.name.clone()).collect();
        let before = self.lending.declared.len();
        self.lending.declared.extend(names);
        let is_new = self.lending.declared.len() > before;
        if is_new {
            self.keep_nothing_lent();
        }
        is_new
    }

    /// What of the cell's variables borrows or is lent, as text has to be written for it.
    pub(super) fn loans(&self) -> Loans<'_> {
        let mentioned = self.usable().filter(|binding| self.loan_of(binding).is_some()).map(|b| b.name.as_str());
        let lending = &self.lending;
        let typed = |name: &String| self.type_of(name).unwrap_or("_");
        let new = |name: &&String| self.is_of_cell(name);
        let mut loans = Loans {
            mentioned: mentioned.collect(),
            scoped: lending.scoped.iter().filter(new).map(|name| (name.as_str(), typed(name))).collect(),
            invariant: self.invariants(),
            bound: self.parsed.bindings.iter().map(|bound| bound.name.as_str()).collect(),
            stays: None,
        };
        if lending.stays() && lending.lent.keys().any(|name| self.is_of_cell(name)) {
            let is_there = |name: &&String| {
                self.is_of_cell(name) || self.older(name).is_some_and(|_| !self.gone.contains_key(*name))
            };
            let published = lending.published.iter().filter(is_there);
            let is_lent = |name: &&String| self.is_of_cell(name) && !lending.published.contains(*name);
            let owned = lending.published.iter().chain(&lending.hidden).filter(new);
            loans.stays = Some(Stays {
                lent: lending.lent.keys().filter(is_lent).map(|name| (name.as_str(), typed(name))).collect(),
                published: published.map(|name| (name.as_str(), typed(name), lending.pinned.contains(name))).collect(),
                hidden: lending.hidden.iter().filter(is_there).map(String::as_str).collect(),
                given_back: owned.filter(|name| !lending.pinned.contains(*name)).map(String::as_str).collect(),
            });
        }
        loans
    }

    /// Those, new and older ones, whose types are invariant.
    fn invariants(&self) -> Vec<&str> {
        let older = self.usable().filter(|binding| binding.invariant);
        let older = older.map(|binding| binding.name.as_str()).filter(|name| !self.is_of_cell(name));
        self.lending.invariant.iter().map(String::as_str).chain(older).collect()
    }

    /// Whether a new variable borrows, and is of an invariant type.
    pub(super) fn is_invariant(&self, name: &str) -> bool {
        self.is_lent(name) && self.lending.invariant.contains(name)
    }

    /// What a new variable borrows from, as far as that has a name, and what it is when its cell has ended.
    pub(super) fn borrows(&self, name: &str) -> Vec<String> {
        let mut from: BTreeSet<String> = BTreeSet::new();
        let lending = &self.lending;
        if let Some(owners) = lending.lent.get(name) {
            from.extend(owners.iter().cloned());
        }
        let inherits = lending.scoped.contains(name)
            || from.iter().any(|owner| self.older(owner).is_some_and(|b| b.loan.is_some()));
        if inherits {
            for older in self.usable() {
                match self.loan_of(older) {
                    Some(LoanKind::Value) => from.extend(older.borrows.iter().cloned()),
                    Some(LoanKind::Place) => {
                        from.insert(older.name.clone());
                    }
                    _ => {}
                }
            }
        }
        from.into_iter().collect()
    }

    /// Where variables are lent.
    pub(super) fn lent_at(&self) -> BTreeMap<String, CellPlace> {
        self.lending.places.clone()
    }
}

/// Types of std that are invariant only because of how they are written, so that rustc need not be asked.
fn is_surely_invariant(type_text: &str) -> bool {
    let types = [
        "std::str::Split",
        "std::str::RSplit",
        "std::str::Lines",
        "std::str::Match",
        "std::str::RMatch",
        "std::iter::Peekable<",
    ];
    types.iter().any(|begins| type_text.contains(begins))
}

impl super::Notebook {
    /// The variables that borrow from this one.
    pub(super) fn borrowers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let borrows = move |binding: &&Binding| {
            binding.loan == Some(LoanKind::Value) && binding.borrows.iter().any(|from| from == name)
        };
        self.bindings.values().map(AsRef::as_ref).filter(borrows).map(|binding| binding.name.as_str())
    }
}
