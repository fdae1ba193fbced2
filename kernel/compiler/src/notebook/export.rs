//! The notebook so far as a cargo project, in which one program does what the cells did.
//!
//! The program is tried with rustc before it is written. What does not fit, because a cell used an older definition or
//! something that only a notebook has, is left out with a comment; so the project always compiles.

mod program;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use build::umask;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};
use tokio_util::sync::CancellationToken;

use self::program::{ExportedProgram, Part, ProgramPlan};
use super::Notebook;
use crate::api::PrepareError;
use crate::rustc::{self, Compiled, Invocation};

/// What stands beside the program: what cells may name of Kissaten, and of the session library what it shows values by (links).
const BESIDE: [(&str, &str); 4] = [
    ("kissaten.rs", include_str!("export/kissaten.rs")),
    (LESSON, include_str!("export/lesson.rs")),
    ("kissaten/lines.rs", include_str!("export/lines.rs")),
    ("kissaten/type_name.rs", include_str!("export/type_name.rs")),
];
/// What only lessons use; no other program gets it.
const LESSON: &str = "kissaten/lesson.rs";
/// Says that a folder was written here and may be written anew.
const MARKER: &str = ".kissaten-export";
const ROOT: &str = "main.rs";
/// Each takes something away; no notebook has that much that does not fit.
const TRIES: usize = 100;

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    #[error("`{0}` is not empty and was not exported to before; name another folder, or remove it")]
    NotEmpty(PathBuf),
    #[error("`{0}` cannot be written: {1}")]
    Folder(PathBuf, #[source] io::Error),
    #[error("`{0}` is there and was not exported to before; name another file, or remove it")]
    NotOurs(PathBuf),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error("the notebook does not fit into one program: {0}")]
    DoesNotFit(String),
}

impl Notebook {
    /// Writes the project. What was left out of it, in sentences.
    ///
    /// # Errors
    /// When the folder is somebody else's or cannot be written, and when rustc cannot work.
    ///
    /// # Cancel safety
    /// Until it is tried, nothing is written.
    pub async fn export(&self, folder: &Path, cancel: &CancellationToken) -> Result<Vec<String>, ExportError> {
        if !is_free(folder).map_err(|error| ExportError::Folder(folder.to_owned(), error))? {
            return Err(ExportError::NotEmpty(folder.to_owned()));
        }
        let (program, plan) = self.fitting(cancel).await?;
        self.write_project(folder, &program).map_err(|error| ExportError::Folder(folder.to_owned(), error))?;
        self.format(&folder.join("src").join(ROOT)).await;
        Ok(self.left_out(&plan))
    }

    /// Writes the program as one file, a script of cargo's with its dependencies at its head. What was left out of it, in
    /// sentences.
    ///
    /// # Errors
    /// As for [`export`](Self::export).
    ///
    /// # Cancel safety
    /// As there.
    pub async fn export_script(&self, file: &Path, cancel: &CancellationToken) -> Result<Vec<String>, ExportError> {
        let failed = |error| ExportError::Folder(file.to_owned(), error);
        match fs::read_to_string(file) {
            Ok(present) if !present.contains(program::FIRST_LINE) => {
                return Err(ExportError::NotOurs(file.to_owned()));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let (program, plan) = self.fitting(cancel).await?;
        // It was tried out there, with its modules beside it.
        let tried = self.folders.libraries.join("export").join(ROOT);
        self.format(&tried).await;
        let formatted = fs::read_to_string(&tried).map_err(failed)?;
        let text = if formatted.is_empty() { program.text } else { formatted };
        umask::write_for_user(file, script(&text, &self.dependencies())).map_err(failed)?;
        Ok(self.left_out(&plan))
    }

    fn left_out(&self, plan: &ProgramPlan) -> Vec<String> {
        let left_out = plan.left_out.iter().map(|(part, why)| format!("{} is left out: {why}", self.name_of(*part)));
        left_out.collect()
    }

    /// A program that compiles.
    async fn fitting(&self, cancel: &CancellationToken) -> Result<(ExportedProgram, ProgramPlan), ExportError> {
        let mut plan = ProgramPlan::default();
        for _ in 0..TRIES {
            let program = ExportedProgram::new(&self.items, &self.history, &plan);
            let compiled = self.try_out(&program, cancel).await?;
            if compiled.success {
                return Ok((program, plan));
            }
            if !adjust(&mut plan, &program, &compiled) {
                let messages: Vec<&str> = compiled.errors().map(|error| error.message.as_str()).collect();
                return Err(ExportError::DoesNotFit(messages.join("; ")));
            }
        }
        Err(ExportError::DoesNotFit("too much of it has to be left out".to_owned()))
    }

    async fn try_out(&self, program: &ExportedProgram, cancel: &CancellationToken) -> Result<Compiled, PrepareError> {
        let folder = self.folders.libraries.join("export");
        fs::create_dir_all(&folder).map_err(|error| PrepareError::Environment(error.to_string()))?;
        fs::create_dir_all(folder.join("kissaten")).map_err(|error| PrepareError::Environment(error.to_string()))?;
        let mut files = vec![(ROOT, program.text.as_str())];
        let beside = beside(&program.text);
        files.extend(beside.iter().map(|(name, text)| (*name, text.as_str())));
        let mut arguments = rustc::common_arguments(&self.session, 0, rustc::CELL_UNITS);
        // The program has a module of that name instead.
        arguments.retain(|argument| !argument.starts_with("--extern=kissaten="));
        arguments.extend(["--crate-type=bin", "--crate-name=export"].map(str::to_owned));
        self.add_dependencies(&mut arguments, true);
        let (names, output) = (Vec::new(), folder.join("export.rmeta"));
        let invocation =
            Invocation { folder: &folder, files, names, output, arguments, clippy: None, is_stable: false, key: None };
        rustc::run(&self.memory(), &invocation, cancel).await
    }

    fn write_project(&self, folder: &Path, program: &ExportedProgram) -> io::Result<()> {
        umask::folder_for_user(&folder.join("src/kissaten"))?;
        umask::write_for_user(&folder.join(MARKER), "This folder is written by Kissaten's `:export`.\n")?;
        umask::write_for_user(&folder.join("Cargo.toml"), manifest(&package_name(folder), &self.dependencies()))?;
        for (name, text) in beside(&program.text) {
            umask::write_for_user(&folder.join("src").join(name), &text)?;
        }
        umask::write_for_user(&folder.join("src").join(ROOT), &program.text)
    }

    /// Formats a file, if there is a rustfmt.
    async fn format(&self, file: &Path) {
        let beside = self.session.toolchain.sysroot.join("bin/rustfmt");
        let program = if beside.is_file() { beside } else { "rustfmt".into() };
        let mut command = tokio::process::Command::new(program);
        command.args(["--edition", "2024"]).arg(file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        if let Err(error) = command.status().await {
            tracing::debug!("there is no rustfmt: {error}");
        }
    }

    fn name_of(&self, part: Part) -> String {
        match part {
            Part::Import(index) => {
                let text = self.items.standing().into_iter().nth(index).map(|live| live.import.text);
                format!("`{}`", text.unwrap_or_default())
            }
            Part::Item(index) => self.items.items[index].title(),
            Part::Cell(index) => self.history[index].cell.label.clone(),
        }
    }
}

/// The modules beside a program, the one of all others first.
fn beside(program: &str) -> Vec<(&'static str, String)> {
    let is_lesson = program.contains("lesson");
    let files = BESIDE.iter().filter(|(name, _)| is_lesson || *name != LESSON);
    let text = |text: &str| {
        let text = without_tests(text);
        if is_lesson { text.to_owned() } else { text.replacen("pub mod lesson;\n", "", 1) }
    };
    files.map(|(name, file)| (*name, text(file))).collect()
}

/// A file without the tests at its end.
fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]").map_or(text, |(code, _)| code)
}

/// Takes out of the program what rustc does not like; whether there was anything.
fn adjust(plan: &mut ProgramPlan, program: &ExportedProgram, compiled: &Compiled) -> bool {
    if !plan.any_error && compiled.errors().any(is_about_errors) {
        plan.any_error = true;
        return true;
    }
    let mut changed = false;
    for error in compiled.errors() {
        let part = error.spans.iter().filter(|span| span.is_primary).find_map(|span| program.part_at(line_of(span)?));
        match part {
            Some(Part::Cell(index)) if !program.ends_nothing(index) && !plan.open.contains(&index) => {
                plan.open.insert(index);
                changed = true;
            }
            Some(part) if !plan.left_out.contains_key(&part) => {
                let message = error.message.lines().next().unwrap_or_default().to_owned();
                plan.left_out.insert(part, message);
                changed = true;
            }
            _ => {}
        }
    }
    changed
}

/// Whether an error may be about the error type of `main`, which has to own what it holds.
fn is_about_errors(error: &Diagnostic) -> bool {
    let code = error.code.as_ref().map_or("", |code| code.code.as_str());
    error.message.starts_with("`?` couldn't convert")
        || ["E0597", "E0716", "E0505", "E0506", "E0502", "E0499", "E0515", "E0521"].contains(&code)
}

/// The line of the program that a span is on, or is expanded on.
fn line_of(span: &DiagnosticSpan) -> Option<usize> {
    if span.file_name == ROOT {
        return Some(span.line_start);
    }
    line_of(&span.expansion.as_ref()?.span)
}

/// Whether nothing of anybody's is in the folder.
fn is_free(folder: &Path) -> io::Result<bool> {
    if folder.join(MARKER).is_file() {
        return Ok(true);
    }
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// A program and its modules as one file. Cargo runs it with `cargo +nightly -Zscript`.
fn script(program: &str, dependencies: &str) -> String {
    let module = |name: &str, text: &str| format!("mod {name} {{\n{text}}}\n");
    let mut files = beside(program).into_iter();
    let mut kissaten = files.next().map(|(_, text)| text).unwrap_or_default();
    for (path, text) in files {
        let name = path.trim_start_matches("kissaten/").trim_end_matches(".rs");
        kissaten = kissaten.replacen(&format!("mod {name};\n"), &module(name, &text), 1);
    }
    let program = program.replacen("\nmod kissaten;\n", "\n", 1);
    format!(
        "#!/usr/bin/env -S cargo +nightly -Zscript\n---\n[package]\nedition = \"2024\"\n\n[dependencies]\n{}---\n{program}\n{}",
        all_dependencies(dependencies),
        module("kissaten", &kissaten)
    )
}

/// The notebook's dependencies, and those that every notebook has.
fn all_dependencies(dependencies: &str) -> String {
    let always = [("futures", "\"0.3\""), ("tokio", "{ version = \"1\", features = [\"full\"] }")];
    // The notebook may name them with other features.
    let is_named = |name: &str| dependencies.lines().any(|line| line.split(' ').next() == Some(name));
    let always = always.iter().filter(|(name, _)| !is_named(name));
    let always: String = always.map(|(name, requirement)| format!("{name} = {requirement}\n")).collect();
    let end = if dependencies.is_empty() || dependencies.ends_with('\n') { "" } else { "\n" };
    format!("{always}{dependencies}{end}")
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\n{}\n\
         # It belongs to no workspace that its folder may be in.\n[workspace]\n",
        all_dependencies(dependencies)
    )
}

/// A name that cargo takes for a package.
fn package_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    // Not a crate of its own dependencies, nor a word of Rust's.
    let is_taken = ["tokio", "futures", "kissaten", "test", "core", "std", "alloc"].contains(&name);
    if name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !is_taken
        && syn::parse_str::<syn::Ident>(&name.replace('-', "_")).is_ok()
    {
        name.to_owned()
    } else {
        format!("notebook-{name}").trim_end_matches('-').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_names_that_cargo_takes() {
        let check = |folder: &str| package_name(Path::new(folder));
        assert_eq!(check("/a/My Notebook"), "my-notebook");
        assert_eq!(check("/a/01"), "notebook-01");
        assert_eq!(check("tokio"), "notebook-tokio");
        assert_eq!(check("fn"), "notebook-fn");
        assert_eq!(check("/"), "notebook");
    }

    #[test]
    fn a_folder_is_free_if_it_is_empty_or_was_written_before() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_free(folder.path()).unwrap() && is_free(&folder.path().join("new")).unwrap());
        fs::write(folder.path().join("a"), "").unwrap();
        assert!(!is_free(folder.path()).unwrap());
        fs::write(folder.path().join(MARKER), "").unwrap();
        assert!(is_free(folder.path()).unwrap());
    }
}
