//! One more call of rustc where a cell does not compile, for the words that its user reads.
//!
//! The call that fails is made for us: it instruments the code, prints full paths, and takes the items of the notebook for
//! those of another crate. What the user reads is to be what rustc says of a program with this code: items, which rustc
//! shows and would mend, are in one crate with the statements; paths are as short as they are in a program; and nothing
//! unstable is suggested.

use std::collections::BTreeSet;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

use build::session_library::Fnv;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};
use tokio_util::sync::CancellationToken;

use super::Notebook;
use super::attempt::Attempt;
use super::compile::{Files, Purpose};
use crate::api::PrepareError;
use crate::items::{Items, words};
use crate::rustc::{self, Compiled, Invocation};

/// The session library without the crates that it shows. rustc shortens a path only if no crate that is named has another
/// thing of that name, and among those of serde and futures are an `Option`, a `Future` and a `Copy`.
const FRONT: &str = "pub use kissaten::*; mod tokio {} mod futures {} mod serde {}";

/// So many items are compiled in no time.
const FEW: usize = 20;

impl Attempt<'_> {
    /// What rustc says about the cell to its user. `failed` is what it said to us.
    pub(super) async fn words(
        &self,
        failed: &Compiled,
        cancel: &CancellationToken,
    ) -> Result<(Files, Compiled), PrepareError> {
        let front = if self.names_shown_crates() { None } else { self.notebook.front(cancel).await? };
        let in_one_crate = self.in_items_crate || self.is_about_items(failed);
        let mut crates = vec![(in_one_crate, None), (self.in_items_crate, None)];
        crates.dedup_by_key(|(in_items_crate, _)| *in_items_crate);
        if let Some(needed) = self.needed_items(failed).filter(|_| in_one_crate) {
            crates.insert(0, (true, Some(needed)));
        }
        for (in_items_crate, items) in crates {
            let mut attempt = self.clone();
            attempt.in_items_crate = in_items_crate;
            attempt.items = items.unwrap_or(attempt.items);
            // That would be in the way of what rustc says of its type.
            attempt.shows_debug = false;
            let purpose = Purpose::Words { front: front.clone(), is_flat: true };
            let (files, compiled, _) = attempt.compile(cancel, &purpose).await?;
            // Else this frame is what is wrong.
            if self.is_about_cell(&files, &compiled) && !attempt.adjust(&files, &compiled) {
                return Ok((files, compiled));
            }
        }
        let (files, compiled, _) = self.compile(cancel, &Purpose::Words { front: None, is_flat: false }).await?;
        Ok((files, compiled))
    }

    /// The items that what rustc says is about, where they are much fewer than all: rustc keeps nothing of a compile that fails, so
    /// all would be compiled from the beginning.
    fn needed_items(&self, failed: &Compiled) -> Option<Items> {
        let rendered = failed.errors().filter_map(|error| error.rendered.as_deref());
        let bindings = self.parsed.mentions.iter().filter_map(|name| self.notebook.binding(name));
        let texts = rendered.chain(bindings.map(|binding| binding.type_text.as_str()));
        let texts = texts.chain(self.parsed.opened.iter().map(|open| open.spelled_out.as_str()));
        let names = texts.chain([self.cell.text.as_str()]).flat_map(words).map(str::to_owned).collect();
        let needed = self.items.needed_for(self.cell.serial, names)?;
        (needed.items.len() + FEW < self.items.items.len()).then_some(needed)
    }

    /// Whether items of earlier cells have to do with what rustc says.
    fn is_about_items(&self, failed: &Compiled) -> bool {
        let items = || self.items.items.iter().filter(|live| live.cell.serial != self.cell.serial);
        let mut names = BTreeSet::new();
        names.extend(items().filter_map(|live| live.item.name.as_ref()).map(|(_, name)| name.as_str()));
        let is_part = |character: char| character == '_' || character.is_alphanumeric();
        let names_one = |text: &str| text.split(|character| !is_part(character)).any(|word| names.contains(word));
        let mut said = failed.errors().filter_map(|error| error.rendered.as_deref());
        let files = self.notebook.generation.as_ref().map_or(&[][..], |generation| &generation.files);
        let is_there = |span: &DiagnosticSpan| files.iter().any(|file| file.name == span.file_name);
        let points_there = |error: &Diagnostic| {
            error.spans.iter().chain(error.children.iter().flat_map(|child| &child.spans)).any(is_there)
        };
        items().next().is_some() && (said.any(names_one) || failed.errors().any(points_there))
    }

    /// Whether all errors are about the text of the cell, and there is one.
    fn is_about_cell(&self, files: &Files, compiled: &Compiled) -> bool {
        let of_items = files.items.iter().filter(|file| file.serial == self.cell.serial).map(|file| &file.name);
        let names: Vec<&String> = of_items.chain(files.statements.iter().map(|(name, _)| name)).collect();
        let is_here = |span: &DiagnosticSpan| {
            let mut outward = std::iter::successors(Some(span), |span| Some(&span.expansion.as_ref()?.span));
            outward.any(|span| {
                names.contains(&&span.file_name)
                    && files.get(&span.file_name).is_some_and(|file| file.region(span.byte_start as usize).is_none())
            })
        };
        let is_about_it = |error: &Diagnostic| error.spans.iter().any(|span| span.is_primary && is_here(span));
        compiled.errors().next().is_some() && compiled.errors().all(is_about_it)
    }

    /// The arguments of that call, from those of the call that failed.
    pub(super) fn words_arguments(&self, mut arguments: Vec<String>, front: Option<&Path>) -> Vec<String> {
        let for_us = &self.notebook.session.toolchain.full_path_flags;
        // What other flags wrote for the next time stays as it is.
        arguments.retain(|argument| !for_us.contains(argument) && !argument.starts_with(rustc::INCREMENTAL));
        if let Some(front) = front {
            arguments.retain(|argument| !argument.starts_with("--extern=kissaten="));
            arguments.push(format!("--extern=kissaten={}", front.display()));
        }
        arguments
    }

    /// Whether the code names tokio, futures or serde as the session library shows them.
    fn names_shown_crates(&self) -> bool {
        let imports = self.items.imports.iter().map(|live| live.import.text.as_str());
        let items = self.items.items.iter().map(|live| live.cell.text.as_str());
        let mut texts = imports.chain(items).chain([self.cell.text.as_str()]);
        texts.any(|text| {
            text.contains("kissaten")
                && ["serde", "tokio", "futures"].iter().any(|name| {
                    text.contains(&format!("kissaten::{name}")) || text.contains("kissaten::{") && text.contains(name)
                })
        })
    }
}

impl Notebook {
    /// [`FRONT`] as a library, made once. `None` if rustc does not make it: paths are longer then.
    async fn front(&self, cancel: &CancellationToken) -> Result<Option<PathBuf>, PrepareError> {
        let mut hasher = Fnv::default();
        hasher.write(self.session.library.as_os_str().as_encoded_bytes());
        let name = format!("kissaten_front_{:016x}", hasher.finish());
        let library = self.folders.libraries.join(format!("lib{name}.rlib"));
        if library.is_file() {
            return Ok(Some(library));
        }
        let root = format!("{name}.rs");
        let mut arguments = rustc::common_arguments(&self.session, 0, rustc::CELL_UNITS);
        arguments.extend(["--crate-type=rlib".to_owned(), format!("--crate-name={name}")]);
        let mut invocation = Invocation {
            folder: &self.folders.libraries,
            files: vec![(&root, FRONT)],
            names: Vec::new(),
            output: library.clone(),
            arguments,
            clippy: None,
            is_stable: true,
            key: None,
        };
        let memory = self.memory();
        invocation.key = Some(memory.key(&invocation));
        let compiled = rustc::run(&memory, &invocation, cancel).await?;
        if compiled.recalled.is_some()
            && let Some(made) = &compiled.library
        {
            super::write(&self.folders.libraries, &library, made)?;
        }
        Ok(compiled.success.then_some(library))
    }
}
