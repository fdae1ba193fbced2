//! Commands that the compiler answers without running anything: `:type`, `:explain`, `:export`, `%%fmt`, `%%clippy`. How it finds the answers
//! is not known here.

use std::path::Path;

use compiler::{ExportError, Notebook, Source};
use ipc::MimeBundle;
use tokio_util::sync::CancellationToken;

use super::task::{Compiled, Refusal};

/// `:type`
pub(super) async fn type_of(
    notebook: &mut Notebook,
    code: &str,
    cancel: &CancellationToken,
) -> Result<Compiled, Refusal> {
    let type_name = notebook.type_of(code, cancel).await?;
    let answer = MimeBundle::from_iter([("text/plain".to_owned(), format!("{code}: {type_name}").into())]);
    Ok(Compiled::answer(answer))
}

/// `:export`
pub(super) async fn export(
    notebook: &Notebook,
    folder: &Path,
    cancel: &CancellationToken,
) -> Result<Compiled, Refusal> {
    let left_out = match notebook.export(folder, cancel).await {
        Ok(left_out) => left_out,
        Err(ExportError::Prepare(error)) => return Err(error.into()),
        Err(error) => return Err(Refusal::Unable(error.to_string())),
    };
    let mut text = format!("The notebook is a cargo project in `{}`: `cargo run` there runs it.", folder.display());
    for sentence in left_out {
        text.push_str(&format!("\n{sentence}."));
    }
    Ok(Compiled::note(text))
}

/// `%%clippy`
pub(super) async fn lint(
    notebook: &mut Notebook,
    source: &Source,
    cancel: &CancellationToken,
) -> Result<Compiled, Refusal> {
    let lints = notebook.lint(source, cancel).await?;
    let nothing = || Compiled::note("clippy has nothing to say about this cell.".to_owned());
    Ok(lints.map_or_else(nothing, Compiled::warnings))
}

/// `%%fmt`: the lines above the code, and the code.
pub(super) async fn format(
    notebook: &mut Notebook,
    head: &str,
    source: &Source,
    cancel: &CancellationToken,
) -> Result<Compiled, Refusal> {
    if source.text.trim().is_empty() {
        return Ok(Compiled::note("There is no code to format in this cell.".to_owned()));
    }
    let code = notebook.formatted(source, cancel).await?;
    Ok(Compiled::new_text(format!("{head}{code}")))
}

/// `:explain`
pub(super) async fn explain(notebook: &Notebook, codes: &[String]) -> Result<Compiled, Refusal> {
    let mut explanations = Vec::new();
    for code in codes {
        if let Some(explanation) = notebook.explain(code).await? {
            explanations.push(format!("{code}: {explanation}"));
        }
    }
    if explanations.is_empty() {
        return Ok(Compiled::note("There is no compile error that rustc could explain.".to_owned()));
    }
    let text = explanations.join("\n\n");
    let bundle = ["text/plain", "text/markdown"].map(|kind| (kind.to_owned(), text.clone().into()));
    Ok(Compiled::answer(MimeBundle::from_iter(bundle)))
}
