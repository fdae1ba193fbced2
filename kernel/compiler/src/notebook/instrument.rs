//! The instrumentation of a try: how its code is instrumented, and whose code does not bear it.

use std::collections::BTreeSet;

use super::attempt::Attempt;
use super::compile::Files;
use crate::items::CellText;
use crate::lower::ItemsFile;
use crate::parse::Form;
use crate::rustc::Compiled;

impl Attempt<'_> {
    /// Cells whose items an error lies in.
    pub(super) fn at_fault(&self, files: &Files, compiled: &Compiled) -> BTreeSet<u64> {
        let earlier = self.notebook.generation.as_ref().map_or(&[][..], |generation| &generation.files);
        let files: Vec<&ItemsFile> = files.items.iter().chain(earlier).collect();
        let mut found = BTreeSet::new();
        for span in compiled.errors().flat_map(|error| &error.spans) {
            let outward = std::iter::successors(Some(span), |span| Some(&span.expansion.as_ref()?.span));
            for span in outward {
                let here = files.iter().filter(|file| file.name == span.file_name);
                found.extend(here.map(|file| file.serial));
            }
        }
        found
    }

    /// How a text is instrumented.
    pub(super) fn form(&self, cell: &CellText) -> Option<Form> {
        let timeline = self.timeline && cell.serial == self.cell.serial;
        self.instrumented.then(|| Form::new(self.opt_level, timeline, &cell.text))
    }
}
