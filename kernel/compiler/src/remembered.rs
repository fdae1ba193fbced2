//! What makes two calls of rustc the same, and when an answer may be kept: how the remembered answers are used for cells.
//! Where they lie is not known here.
//!
//! Into the key goes all that rustc is given: texts, arguments, the compiler, the session library; what other crates the
//! arguments name stands there by names that their contents decide. Folders of this kernel are left out: nothing that rustc
//! makes has them in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use build::{Answer, AnswerKey, Answers, Inputs, KeyMaker, SessionLibrary};
use cargo_metadata::diagnostic::Diagnostic;
use tokio_util::sync::CancellationToken;

use crate::PrepareError;
use crate::ahead::Ahead;
use crate::lower::ItemsFile;
use crate::rustc::{self, Compiled, Invocation};

/// Counted up when what is compiled from the same texts becomes something else, as by other names in it, or because something
/// was mended in what the linker makes.
const FORM: &[u8] = b"2";

/// The remembered answers, and what they are for.
pub(crate) struct Memory<'a> {
    pub(crate) session: &'a SessionLibrary,
    pub(crate) answers: &'a Arc<Answers>,
    pub(crate) ahead: &'a Ahead,
    /// Whether it is compiled on a guess: then it waits for all others.
    pub(crate) is_guess: bool,
    /// The kernel's own folders, those within others first.
    pub(crate) folders: Vec<&'a Path>,
    /// Files of the user's own crates, and when they were compiled: their names do not tell what is in them.
    pub(crate) own: Vec<(&'a Path, u64)>,
    /// The files of the items that cells name, whose macros may read something too.
    pub(crate) items: &'a [ItemsFile],
}

impl Memory<'_> {
    /// The key for a call, without what is yet to be named by it.
    pub(crate) fn key(&self, invocation: &Invocation<'_>) -> AnswerKey {
        let mut key = KeyMaker::default();
        let without_private = |text: &str| {
            self.folders.iter().fold(text.to_owned(), |text, own| text.replace(&*own.to_string_lossy(), "."))
        };
        let toolchain = &self.session.toolchain;
        key.add(FORM);
        key.add(toolchain.verbose_version.as_bytes());
        let size = std::fs::metadata(&self.session.library).map_or(0, |metadata| metadata.len());
        key.add(&size.to_le_bytes());
        key.add(&[u8::from(invocation.is_stable)]);
        key.add(without_private(&invocation.folder.to_string_lossy()).as_bytes());
        for argument in invocation.arguments.iter().filter(|argument| !argument.starts_with(rustc::INCREMENTAL)) {
            key.add(without_private(argument).as_bytes());
            for (path, compiled) in &self.own {
                if argument.ends_with(&*path.to_string_lossy()) {
                    key.add(&compiled.to_le_bytes());
                }
            }
        }
        for (name, text) in &invocation.files {
            key.add(name.as_bytes());
            key.add(text.as_bytes());
        }
        key.finish()
    }

    /// Gives the crate of a call an identity of its own, and a file in `folder`: it is another one where anything is.
    pub(crate) fn name_crate(&self, invocation: &mut Invocation<'_>, folder: &Path) {
        let key = self.key(invocation);
        // An earlier rustc may still be busy with what lies beside its own.
        invocation.output = folder.join(format!("{key}.so"));
        invocation.arguments.push(format!("-Cmetadata={key}"));
        invocation.key = Some(key);
    }

    /// The answer to a call that `command` would make, and its key. If it is not remembered, rustc is to be called, and nothing
    /// is compiled on a guess meanwhile. What is just being compiled so is waited for.
    pub(crate) async fn answer(
        &self,
        invocation: &Invocation<'_>,
        command: &Command,
        cancel: &CancellationToken,
    ) -> Result<Option<(AnswerKey, Answer)>, PrepareError> {
        let found = |key| self.recall(key, command).map(|answer| (key, answer));
        let mut answer = invocation.key.and_then(found);
        if answer.is_none() && !self.is_guess {
            if let Some((key, end)) = invocation.key.and_then(|key| Some((key, self.ahead.compiles(key)?))) {
                tokio::select! {
                    () = self.ahead.end_or_crowd(end) => answer = found(key),
                    () = cancel.cancelled() => return Err(PrepareError::Cancelled),
                }
            }
            if answer.is_none() {
                self.ahead.stop();
            }
        }
        if let Some((key, _)) = &answer {
            tracing::debug!(%key, "an answer of rustc is remembered");
            if !self.is_guess {
                self.answers.found();
            }
        }
        Ok(answer)
    }

    fn recall(&self, key: AnswerKey, command: &Command) -> Option<Answer> {
        let set = |name: &str| command.get_envs().find(|(variable, _)| *variable == name).map(|(_, value)| value);
        let variable = |name: &str| match set(name) {
            Some(value) => value.map(|value| value.to_string_lossy().into_owned()),
            None => std::env::var(name).ok(),
        };
        self.answers.recall(key, &variable)
    }

    /// Keeps what rustc said, where it would say so again. `code`: what it ended with.
    pub(crate) fn remember(&self, invocation: &Invocation<'_>, compiled: &Compiled, code: Option<i32>, said: Vec<u8>) {
        let Some(key) = invocation.key else { return };
        self.answers.missed(self.is_guess);
        if !self.answers.is_on() {
            return;
        }
        let is_about_text = |error: &&Diagnostic| {
            let code = error.code.as_ref().map_or("", |code| code.code.as_str());
            let is_of_library = OF_LIBRARIES.contains(&code) && !is_of_no_crate(invocation, error);
            !error.spans.is_empty() && !error.message.starts_with("linking ") && !is_of_library
        };
        let is_whole = match code {
            Some(0) => compiled.library.is_some() == makes_library(invocation),
            Some(1) => compiled.errors().next().is_some() && compiled.errors().all(|error| is_about_text(&error)),
            _ => false,
        };
        // Its file is taken away in any case.
        let dep_info = self.dep_info(invocation).filter(|_| is_whole && compiled.other.is_empty());
        let Some(dep_info) = dep_info else { return };
        let is_given = |file: &Path| invocation.files.iter().any(|(name, _)| Path::new(name) == file);
        let since = SystemTime::now() - compiled.time;
        let Some(inputs) = Inputs::from_dep_info(&dep_info, invocation.folder, since, &is_given) else { return };
        // What a text has put into the kernel's folder is in no other kernel's.
        if inputs.files().any(|file| self.folders.iter().any(|own| file.starts_with(own))) {
            return;
        }
        let answer = Answer { success: compiled.success, said, library: compiled.library.clone(), inputs };
        // Nobody is to wait for that.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !self.is_guess => self.answers.remember_beside(key, answer, &runtime),
            _ => self.answers.remember(key, &answer),
        }
    }
}

/// rustc's codes of errors that are about the files of other crates and not about the text.
pub(crate) const OF_LIBRARIES: [&str; 5] = ["E0460", "E0462", "E0463", "E0514", "E0786"];

/// Whether it is about a crate that the text alone names, and that rustc was not given.
fn is_of_no_crate(invocation: &Invocation<'_>, error: &Diagnostic) -> bool {
    missing_crate(&error.message).is_some_and(|missing| externs(invocation).all(|given| given != missing))
}

/// The crate that an error misses which no other crate asks for.
pub(crate) fn missing_crate(message: &str) -> Option<&str> {
    let missing = message.split_once("can't find crate for `")?.1.strip_suffix('`')?;
    (!missing.contains('`')).then_some(missing)
}

/// The names of the crates that rustc is given.
fn externs<'a>(invocation: &'a Invocation<'_>) -> impl Iterator<Item = &'a str> {
    let given = invocation.arguments.iter().filter_map(|argument| argument.strip_prefix("--extern="));
    given.map(|given| given.split('=').next().unwrap_or(given))
}

/// What cannot be taken for Rust at all is not expanded, and rustc tells no inputs of it.
const READERS: [&str; 2] = ["env", "include"];

impl Memory<'_> {
    /// What rustc says that it has read; nothing, where it came to read nothing.
    fn dep_info(&self, invocation: &Invocation<'_>) -> Option<String> {
        let reads = |text: &str| READERS.iter().any(|reader| text.contains(reader));
        let names_others = || {
            let is_known = |named: &str| {
                self.session.crates.iter().any(|(name, _)| name == named)
                    || named == "notebook" && !self.items.iter().any(|file| reads(file.generated.text()))
            };
            !externs(invocation).all(is_known)
        };
        let (path, said) = (dep_info(invocation), std::fs::read_to_string(dep_info(invocation)));
        let _ = std::fs::remove_file(path);
        match said {
            Ok(text) => Some(text),
            Err(_) if names_others() || invocation.files.iter().any(|(_, text)| reads(text)) => None,
            Err(_) => Some(String::new()),
        }
    }
}

/// Whether what is made is read.
pub(crate) fn makes_library(invocation: &Invocation<'_>) -> bool {
    invocation.output.extension().is_some_and(|ending| ending != "rmeta")
}

/// Where rustc says what it has read. That is one of the arguments which have to stay the same for an incremental compile:
/// with another one nothing of the compile before is used. So it lies beside that folder, which one call at a time has.
pub(crate) fn dep_info(invocation: &Invocation<'_>) -> PathBuf {
    let folder = invocation.arguments.iter().find_map(|argument| argument.strip_prefix(rustc::INCREMENTAL));
    folder.map_or_else(|| invocation.output.with_extension("d"), |folder| PathBuf::from(format!("{folder}.d")))
}

/// The arguments that say what is written, and where.
pub(crate) fn outputs(invocation: &Invocation<'_>) -> Vec<String> {
    let kind = if makes_library(invocation) { "link" } else { "metadata" };
    let mut outputs = vec![format!("--emit={kind}"), "-o".to_owned(), invocation.output.display().to_string()];
    if invocation.key.is_some() {
        outputs.push(format!("--emit=dep-info={}", dep_info(invocation).display()));
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(output: &str, arguments: Vec<String>) -> Invocation<'static> {
        Invocation {
            folder: Path::new("/items"),
            files: vec![("lib.rs", "")],
            names: Vec::new(),
            output: PathBuf::from(output),
            arguments,
            clippy: None,
            is_stable: false,
            key: Some(KeyMaker::default().finish()),
        }
    }

    #[test]
    fn an_incremental_compile_is_asked_for_the_same_but_for_its_library() {
        let asked = |output: &str| {
            let invocation = invocation(output, vec![format!("{}/incremental-0", rustc::INCREMENTAL)]);
            outputs(&invocation).into_iter().filter(|argument| argument != output).collect::<Vec<_>>()
        };
        assert_eq!(asked("/links/libone.so"), asked("/links/libother.so"));
        let each = |output: &str| dep_info(&invocation(output, Vec::new()));
        assert_ne!(each("/links/libone.so"), each("/links/libother.so"));
    }
}
