//! Questions to rustc that run nothing and change nothing: an expression's type, an error's explanation.

use std::process::Stdio;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Notebook;
use super::attempt::Attempt;
use crate::api::{PrepareError, Source};
use crate::items::CellText;
use crate::parse::{self, Unparsed};

impl Notebook {
    /// The type of an expression as it is shown to people. The expression is compiled and not run.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn type_of(&mut self, expression: &str, cancel: &CancellationToken) -> Result<String, PrepareError> {
        let name = expression.trim().trim_end_matches(';');
        if let Some(binding) = self.bindings.get(name) {
            return Ok(binding.shown_type());
        }
        // The tail's type is asked for as that of any cell that shows something.
        let source = Source {
            text: name.to_owned(),
            label: format!("type {}", self.serial + 1),
            cell_id: None,
            opt_level: Some(0),
            timeline: false,
            show_type: true,
            remember: false,
            is_expression: true,
        };
        let cell = self.enter(&source);
        let result = self.tail_type(&cell, &source, cancel).await;
        self.texts.remove(&cell.label);
        result?.ok_or_else(|| PrepareError::Environment(format!("`{name}` is no expression: it has no type")))
    }

    async fn tail_type(
        &self,
        cell: &Arc<CellText>,
        source: &Source,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, PrepareError> {
        let parsed = match parse::parse(&source.text, &self.items.item_macros()) {
            Ok(parsed) => parsed,
            Err(Unparsed::TooDeep) => return Err(super::too_deep()),
            Err(Unparsed::Syntax) => {
                self.report_syntax(cell, cancel).await?;
                return Ok(None);
            }
        };
        if parsed.tail.is_none() {
            return Ok(None);
        }
        let mut items = self.items.clone();
        items.merge(cell, &parsed, false);
        let attempt = Attempt::new(self, cell, &parsed, items, source);
        Ok(attempt.run(cancel).await?.tail_type.map(|shown| without_places(&shown)))
    }

    /// rustc's explanation of an error by its code, as Markdown; `None` if it has none.
    ///
    /// # Errors
    /// When rustc cannot be started.
    pub async fn explain(&self, code: &str) -> Result<Option<String>, PrepareError> {
        let mut command = tokio::process::Command::from(self.session.toolchain.command());
        command.args(["--explain", code]).stderr(Stdio::null()).kill_on_drop(true);
        let output = command.output().await;
        let output = output.map_err(|error| PrepareError::Environment(format!("rustc could not be asked: {error}")))?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }
}

/// A closure is where it was written, which here is nowhere: `{closure@type 1:1:8: 1:11}`.
fn without_places(shown: &str) -> String {
    let mut out = String::new();
    let mut rest = shown;
    while let Some((before, after)) = rest.split_once('@') {
        let in_braces = before.rfind('{') > before.rfind('}');
        match after.find('}').filter(|_| in_braces) {
            Some(end) => {
                out.push_str(before);
                rest = &after[end..];
            }
            None => {
                out.push_str(before);
                out.push('@');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_have_no_place() {
        assert_eq!(without_places("Map<I, {closure@type 1:1:8: 1:11}>"), "Map<I, {closure}>");
        assert_eq!(without_places("a@b"), "a@b");
    }
}
