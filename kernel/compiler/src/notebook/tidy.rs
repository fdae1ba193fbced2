//! The toolchain's other tools, and what they say about a cell that is not run: rustfmt's form of it, clippy's lints.

use tokio_util::sync::CancellationToken;

use super::Notebook;
use super::attempt::Attempt;
use crate::Rendered;
use crate::api::{PrepareError, Source};
use crate::rustfmt;

impl Notebook {
    /// The code of a cell as rustfmt writes it, without empty lines around it.
    ///
    /// # Errors
    /// [`PrepareError::Compile`] for what is no Rust; [`PrepareError::Environment`] if there is no rustfmt.
    pub async fn formatted(&mut self, source: &Source, cancel: &CancellationToken) -> Result<String, PrepareError> {
        let cell = self.enter(source);
        self.parsed(&cell, cancel).await?;
        let formatted = tokio::select! {
            formatted = rustfmt::format(&self.session.toolchain, source.text.trim_end()) => formatted,
            () = cancel.cancelled() => return Err(PrepareError::Cancelled),
        };
        formatted.map_err(|error| PrepareError::Environment(error.to_string()))
    }

    /// What clippy has to say about a cell, which is neither run nor kept; `None`: nothing.
    ///
    /// # Errors
    /// [`PrepareError::Compile`] for what does not compile; [`PrepareError::Environment`] if there is no clippy.
    pub async fn lint(
        &mut self,
        source: &Source,
        cancel: &CancellationToken,
    ) -> Result<Option<Rendered>, PrepareError> {
        let clippy = self.session.toolchain.sysroot.join("bin/clippy-driver");
        if !clippy.is_file() {
            let sentence = "clippy is not installed; `rustup component add clippy` gets it".to_owned();
            return Err(PrepareError::Environment(sentence));
        }
        let cell = self.enter(source);
        let parsed = self.parsed(&cell, cancel).await?;
        let mut items = self.items.clone();
        let merged = items.merge(&cell, &parsed, false);
        let mut attempt = Attempt::new(self, &cell, &parsed, items, source);
        attempt.drop_variables_of(&merged);
        attempt.lint_with(clippy);
        Ok(attempt.run(cancel).await?.warnings)
    }
}
