//! The program that lists the variables, which `:vars` runs.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::Notebook;
use crate::api::{PrepareError, Program};
use crate::binding::Binding;
use crate::lower;
use crate::rustc::{self, Invocation};

impl Notebook {
    /// A program that shows all variables as a table, or `in_detail` as JSON for a panel; `None` when there are none.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn prepare_variables(
        &mut self,
        in_detail: bool,
        cancel: &CancellationToken,
    ) -> Result<Option<Program>, PrepareError> {
        if self.bindings.is_empty() {
            return Ok(None);
        }
        self.serial += 1;
        let entry = format!("kissaten_variables_{}", self.serial);
        let bindings: Vec<Binding> = self.bindings.values().map(|binding| Binding::clone(binding)).collect();
        let layer = self.dependencies.layer_for(bindings.iter().map(|binding| binding.type_text.as_str()));
        let symbol = "kissaten_variables".to_owned();
        let text = lower::variables(&bindings, self.generation.is_some(), layer, &symbol, in_detail);
        let mut invocation = Invocation {
            folder: &self.folders.cells,
            files: vec![("variables", &text)],
            names: Vec::new(),
            output: PathBuf::new(),
            arguments: self.cell_arguments(0, layer.is_some()),
            clippy: None,
            is_stable: false,
            key: None,
        };
        let memory = self.memory();
        memory.name_crate(&mut invocation, &self.folders.links);
        let compiled = rustc::run(&memory, &invocation, cancel).await?;
        if compiled.success {
            let library = self.folders.libraries.join(format!("lib{entry}.so"));
            self.write_loaded(&compiled, &library, &[], None)?;
            Ok(Some(Program { library, entry, symbol }))
        } else {
            let messages: Vec<_> = compiled.errors().map(|error| error.message.as_str()).collect();
            Err(PrepareError::Environment(format!("the variables could not be listed: {}", messages.join("; "))))
        }
    }
}
