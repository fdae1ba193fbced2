//! The types of variables and values, as rustc's lint prints them, and what cannot be kept because of its type.

use std::collections::BTreeMap;

use cargo_metadata::diagnostic::Diagnostic;

use super::attempt::Attempt;
use super::compile::Files;
use crate::binding::{self, Binding, NotKept};
use crate::boxing;
use crate::lower;
use crate::rustc::Compiled;
use crate::source_map::Region;

impl Attempt<'_> {
    /// The types of the new variables, as rustc's lint printed them.
    pub(super) fn types(&self, files: &Files, compiled: &Compiled) -> BTreeMap<String, String> {
        self.printed(files, compiled, |region| match region {
            Region::Type(name) => Some(name),
            _ => None,
        })
    }

    /// The types of new variables that the cell moves.
    pub(super) fn asked_types(&self, files: &Files, compiled: &Compiled) -> BTreeMap<String, String> {
        self.printed(files, compiled, |region| match region {
            Region::Asked(name) => Some(name),
            _ => None,
        })
    }

    /// The types of the boxes around those whose own types have no name.
    pub(super) fn boxed_types(&self, files: &Files, compiled: &Compiled) -> BTreeMap<String, String> {
        self.printed(files, compiled, |region| match region {
            Region::Boxed(name) => Some(name),
            _ => None,
        })
    }

    fn printed(
        &self,
        files: &Files,
        compiled: &Compiled,
        is_asked: impl Fn(&Region) -> Option<&String>,
    ) -> BTreeMap<String, String> {
        let mut types = BTreeMap::new();
        for warning in &compiled.diagnostics {
            if let Some(printed) = warning.message.strip_prefix("trivial cast: `&")
                && let Some((printed, _)) = printed.split_once("` as `")
                && let Some(span) = warning.spans.iter().find(|span| span.is_primary)
                && let Some(region) = files.get(&span.file_name).and_then(|file| file.region(span.byte_start as usize))
                && let Some(name) = is_asked(region)
            {
                let printed = if self.in_items_crate {
                    binding::with_crate(printed, &self.items.modules())
                } else {
                    printed.to_owned()
                };
                types.insert(name.clone(), printed);
            }
        }
        types
    }

    /// The types with crates called as cells call them, once it is sure which crates are meant. `None`: rustc is to be
    /// asked once more.
    pub(super) fn named(&mut self, types: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
        let mut is_sure = true;
        let mut named = BTreeMap::new();
        for (name, printed) in types {
            let spelled = self.spelled.get(&name).and_then(|doubled| doubled.spellings.first());
            if let Some(spelled) = spelled {
                named.insert(name, spelled.clone());
            } else if let Some(doubled) = self.notebook.doubled(&printed)
                && !self.not_kept.contains_key(&name)
            {
                is_sure = false;
                if doubled.spellings.is_empty() {
                    self.not_kept.insert(name, doubled.otherwise);
                } else {
                    self.spelled.insert(name, doubled);
                }
            } else {
                named.insert(name, self.notebook.dependencies.named_in(&printed));
            }
        }
        is_sure.then_some(named)
    }

    /// The type of a variable is not what it was taken for: it may be what the next crate has under that name.
    pub(super) fn spell_otherwise(&mut self, name: &str) -> bool {
        let Some(doubled) = self.spelled.get_mut(name) else { return false };
        doubled.spellings.remove(0);
        if doubled.spellings.is_empty()
            && let Some(doubled) = self.spelled.remove(name)
        {
            self.not_kept.insert(name.to_owned(), doubled.otherwise);
        }
        true
    }

    /// The type of the tail expression, which the cell holds by reference.
    pub(super) fn tail_type(&self, files: &Files, compiled: &Compiled) -> Option<String> {
        let is_ours = |warning: &&Diagnostic| {
            let span = warning.spans.iter().find(|span| span.is_primary);
            let text = span.and_then(|span| {
                files.get(&span.file_name)?.text().get(span.byte_start as usize..span.byte_end as usize)
            });
            text == Some(lower::ASKED)
        };
        let warning = compiled.diagnostics.iter().find(is_ours)?;
        let (printed, _) = warning.message.strip_prefix("trivial cast: `&")?.split_once("` as `")?;
        Some(binding::shown_type(printed))
    }

    /// A lock of the process's own streams ends with its cell: kept, it would stop every other thread that prints.
    pub(super) fn give_up_locks(&mut self, types: &BTreeMap<String, String>) -> bool {
        let is_lock =
            |type_text: &str| ["StdoutLock<", "StderrLock<", "StdinLock<"].iter().any(|lock| type_text.contains(lock));
        let locks = types.iter().filter(|(_, type_text)| is_lock(type_text));
        let reason = |type_text: &str| NotKept::Lock(binding::shown_type(type_text));
        let mut is_new = false;
        for (name, text) in locks {
            is_new |= self.not_kept.insert(name.clone(), reason(text)).is_none();
        }
        is_new
    }

    /// What no later cell can name is not kept, and it is told what would help.
    pub(super) fn give_up_foreign(&mut self, types: &BTreeMap<String, String>) -> bool {
        let mut changed = false;
        for (name, printed) in types {
            if let Some(reason) = self.notebook.dependencies.foreign(printed) {
                changed |= self.not_kept.insert(name.clone(), reason).is_none();
            }
        }
        changed
    }

    /// The new variables that later cells have; why they do not have the others is written down. `types` are those that they
    /// are kept as.
    pub(super) fn bindings(&mut self, types: &BTreeMap<String, String>) -> Vec<Binding> {
        let mut bindings = Vec::new();
        for bound in &self.parsed.bindings {
            if self.not_kept.contains_key(&bound.name) {
                continue;
            }
            let usable = match types.get(&bound.name) {
                Some(printed) => binding::usable_type(printed),
                None => self.known_type(&bound.name).cloned().ok_or(()).or_else(|()| binding::usable_type("{unknown}")),
            };
            match usable {
                Ok(type_text) => {
                    let is_boxed = self.boxes && self.boxing.contains_key(&bound.name);
                    let shown = is_boxed.then(|| boxing::shown(&binding::shown_type(&type_text)));
                    let unawaited = self.unawaited(bound, &type_text);
                    bindings.push(Binding {
                        shown,
                        unawaited,
                        borrows: self.borrows(&bound.name),
                        invariant: self.is_invariant(&bound.name),
                        cell_id: self.cell.cell_id.clone(),
                        ..Binding::new(&bound.name, &type_text, bound.mutable)
                    });
                }
                Err(NotKept::Closure(_)) => {
                    self.not_kept.insert(bound.name.clone(), NotKept::Closure(bound.boxed.clone()));
                }
                Err(reason) => {
                    self.not_kept.insert(bound.name.clone(), reason);
                }
            }
        }
        bindings
    }
}
