//! Commands that the notebook and its compiler answer. Where nothing of them runs, it is the answer that is shown; how the
//! compiler finds it is not known here.

use std::path::{Path, PathBuf};

use compiler::{ExportError, Notebook, Source};
use ipc::MimeBundle;
use tokio_util::sync::CancellationToken;

use super::{
    answer::Answer,
    cell::level,
    error::{CommandError, some},
};
use crate::{
    analysis::{self, Asked},
    execution::{
        common::Common,
        compiler::not_there,
        failure::Failure,
        note,
        task::{self, Compiled, Refusal, work},
    },
};

/// What the optimiser costs, where it is chosen.
const NO_CHECKPOINTS: &str = "From level 2 on there are no checkpoints in the code: where it does not await, it can be interrupted \
                              only by ending its process.";

/// A command that the notebook or its compiler answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CompilerCommand {
    Version,
    /// `:vars`
    Variables,
    Clear,
    /// `:opt`; `None`: shows the level.
    OptLevel(Option<u8>),
    /// `:type`: of an expression that is not run.
    TypeOf(String),
    /// `:doc`: of a name.
    Doc(String),
    Explain,
    Cache(CacheCommand),
    Export(PathBuf),
    /// `:export --script`
    ExportScript(PathBuf),
    /// `%%fmt`: the code of a cell, and the lines above it, which stay.
    Format {
        head: String,
        code: String,
    },
    /// `%%clippy`: the code of a cell.
    Lint(String),
}

/// `:cache`: what is asked of the remembered compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheCommand {
    Show,
    Clear,
    Switch(bool),
    /// evcxr's size of its own.
    Size,
}

/// `:cache`
pub(super) fn cache(argument: &str) -> Result<CompilerCommand, CommandError> {
    let command = match argument {
        "" => CacheCommand::Show,
        "clear" => CacheCommand::Clear,
        "on" => CacheCommand::Switch(true),
        "off" => CacheCommand::Switch(false),
        number if number.parse::<u64>().is_ok() => CacheCommand::Size,
        other => return Err(CommandError::Cache(other.to_owned())),
    };
    Ok(CompilerCommand::Cache(command))
}

/// `:opt`
pub(super) fn opt_level(argument: &str) -> Result<CompilerCommand, CommandError> {
    let level = if argument.is_empty() { None } else { Some(level(argument)?) };
    Ok(CompilerCommand::OptLevel(level))
}

/// `:type`
pub(super) fn type_of(argument: &str) -> Result<CompilerCommand, CommandError> {
    some(argument, CommandError::Type).map(CompilerCommand::TypeOf)
}

/// `:doc`
pub(super) fn doc(argument: &str) -> Result<CompilerCommand, CommandError> {
    some(argument, CommandError::Doc).map(CompilerCommand::Doc)
}

/// `:export`
pub(super) fn export(argument: &str) -> Result<CompilerCommand, CommandError> {
    if let Some(path) = argument.strip_prefix("--script").filter(|path| path.is_empty() || path.starts_with(' ')) {
        return some(path.trim(), CommandError::Export).map(|path| CompilerCommand::ExportScript(path.into()));
    }
    some(argument, CommandError::Export).map(|path| CompilerCommand::Export(path.into()))
}

/// What is to be known of a level before it is chosen.
pub(in crate::execution) fn price(level: u8) -> Option<&'static str> {
    (level >= 2).then_some(NO_CHECKPOINTS)
}

impl CompilerCommand {
    /// Whether later cells are compiled as they were without it.
    pub(in crate::execution) fn changes_nothing(&self) -> bool {
        match self {
            Self::Clear | Self::OptLevel(Some(_)) | Self::Cache(CacheCommand::Clear | CacheCommand::Switch(_)) => false,
            Self::Version
            | Self::Variables
            | Self::OptLevel(None)
            | Self::TypeOf(_)
            | Self::Doc(_)
            | Self::Explain
            | Self::Cache(CacheCommand::Show | CacheCommand::Size)
            | Self::Export(_)
            | Self::ExportScript(_)
            | Self::Format { .. }
            | Self::Lint(_) => true,
        }
    }

    /// Does it, or says what the compiler is to do. `own`: code of the cell, as the compiler takes it.
    pub(in crate::execution) fn perform(
        &self,
        common: &mut Common,
        own: impl Fn(&str) -> Source,
    ) -> Result<Answer, Failure> {
        let notebook = common.compiler.notebook().ok_or_else(not_there)?;
        Ok(match self {
            Self::Version => {
                let (version, rustc) = (env!("CARGO_PKG_VERSION"), common.compiler.rustc_version());
                Answer::Say(note::plain(&format!("Kissaten {version}, rustc {rustc}")))
            }
            Self::Variables => {
                Answer::Compile(work(async |notebook, cancel| task::prepare_variables(notebook, cancel).await))
            }
            Self::Clear => {
                notebook.clear();
                common.variables.clear();
                Answer::Drop(note::note("All variables, items and `use`s are forgotten."))
            }
            Self::OptLevel(None) => {
                let level = notebook.opt_level();
                Answer::Say(note::note(&format!("Cells are compiled with `opt-level` {level}.")))
            }
            Self::OptLevel(Some(level)) => {
                notebook.set_opt_level(*level);
                let sentence = format!("Cells are compiled with `opt-level` {level} from now on.");
                let price = price(*level).map(|price| format!(" {price}")).unwrap_or_default();
                Answer::Say(note::note(&format!("{sentence}{price}")))
            }
            Self::TypeOf(code) => {
                let code = code.clone();
                Answer::Compile(work(async move |notebook, cancel| tell_type(notebook, &code, cancel).await))
            }
            Self::Doc(path) => {
                let (known, analyzer, code) = (common.compiler.knowledge(), common.analyzer.clone(), path.clone());
                Answer::Look(Box::pin(async move {
                    let own = analysis::own_words(&known, &code, code.len()).await;
                    let asked = Asked { code: &code, cursor: code.len(), detail: 0, patient: true };
                    let place = known.clone();
                    match analysis::inspect(known, &analyzer, asked, own, None).await {
                        Some(data) => Ok(Compiled::page(data)),
                        None => {
                            let sentence = "nothing is known of this name".to_owned();
                            let sentences: Vec<_> =
                                [sentence].into_iter().chain(analyzer.note(Some(place.place()))).collect();
                            Err(Refusal::Failed(Failure::new("DocError", &sentences.join(". "))))
                        }
                    }
                }))
            }
            Self::Explain => {
                let codes = common.compiler.last_error.clone();
                Answer::Compile(work(async move |notebook, _| explain(notebook, &codes).await))
            }
            Self::Cache(command) => Answer::Say(note::note(&command.perform(notebook))),
            Self::Export(folder) => {
                let folder = folder.clone();
                Answer::Compile(work(async move |notebook, cancel| write(notebook, &folder, cancel).await))
            }
            Self::ExportScript(file) => {
                let file = file.clone();
                Answer::Compile(work(async move |notebook, cancel| write_script(notebook, &file, cancel).await))
            }
            Self::Format { head, code } => {
                let (head, source) = (head.clone(), own(code));
                Answer::Compile(work(async move |notebook, cancel| format(notebook, &head, &source, cancel).await))
            }
            Self::Lint(code) => {
                let source = own(code);
                Answer::Compile(work(async move |notebook, cancel| lint(notebook, &source, cancel).await))
            }
        })
    }
}

impl CacheCommand {
    /// Does it; a sentence or two on what is so now.
    fn perform(self, notebook: &Notebook) -> String {
        let answers = notebook.answers();
        match self {
            Self::Show => {
                let now = answers.statistics();
                let is_on = if now.is_on { "" } else { " They are not used in this session." };
                let ahead = match now.ahead {
                    0 => String::new(),
                    some => format!(" While cells ran, {some} were made for those that waited."),
                };
                let of_folder = match &now.folder {
                    Some(folder) => {
                        format!("in `{}` are {} of them, {}", folder.display(), now.answers, size(now.bytes))
                    }
                    None => "there is no folder of your own for new ones".to_owned(),
                };
                format!(
                    "Compiles are remembered: {of_folder}. In this session {} needed no rustc, and {} did.{ahead}{is_on}",
                    now.hits, now.misses
                )
            }
            Self::Clear => {
                format!("All remembered compiles of your own are forgotten: {} are free.", size(answers.clear()))
            }
            Self::Switch(on) => {
                answers.switch(on);
                let sentence = if on {
                    "Compiles are remembered, and those that were are used again."
                } else {
                    "In this session every compile calls rustc, and none is remembered."
                };
                sentence.to_owned()
            }
            Self::Size => {
                "What is kept has one limit for all notebooks, KISSATEN_CACHE_LIMIT; `:cache` tells how much there is."
                    .to_owned()
            }
        }
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes} bytes"),
        1_000..=999_999 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// `:type`
async fn tell_type(notebook: &mut Notebook, code: &str, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let type_name = notebook.type_of(code, cancel).await?;
    let answer = MimeBundle::from_iter([("text/plain".to_owned(), format!("{code}: {type_name}").into())]);
    Ok(Compiled::answer(answer))
}

/// `:export`
async fn write(notebook: &Notebook, folder: &Path, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let text = format!("The notebook is a cargo project in `{}`: `cargo run` there runs it.", folder.display());
    exported(text, notebook.export(folder, cancel).await)
}

/// `:export --script`
async fn write_script(notebook: &Notebook, file: &Path, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let shown = file.display();
    let text = format!("The notebook is a script in `{shown}`: `cargo +nightly -Zscript {shown}` runs it.");
    exported(text, notebook.export_script(file, cancel).await)
}

/// What is said of an export.
fn exported(mut text: String, left_out: Result<Vec<String>, ExportError>) -> Result<Compiled, Refusal> {
    let left_out = match left_out {
        Ok(left_out) => left_out,
        Err(ExportError::Prepare(error)) => return Err(error.into()),
        Err(error) => return Err(Refusal::unable(&error.to_string())),
    };
    for sentence in left_out {
        text.push_str(&format!("\n{sentence}."));
    }
    Ok(Compiled::note(text))
}

/// `%%clippy`
async fn lint(notebook: &mut Notebook, source: &Source, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let lints = notebook.lint(source, cancel).await?;
    let nothing = || Compiled::note("clippy has nothing to say about this cell.".to_owned());
    Ok(lints.map_or_else(nothing, Compiled::warnings))
}

/// `%%fmt`: the lines above the code, and the code.
async fn format(
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
async fn explain(notebook: &Notebook, codes: &[String]) -> Result<Compiled, Refusal> {
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
