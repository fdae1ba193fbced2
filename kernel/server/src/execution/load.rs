//! Code that does not stand in a cell: a file of the user's (`:load`), what a command stands for (`:env`), and evcxr's
//! `init.evcxr` and `prelude.rs`, which come before the first cell and show nothing unless they err.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
};

use compiler::split_commands;

use super::{
    cell::{Cell, Loaded, Step},
    command,
    common::Common,
    failure::Failure,
    note,
    shell::Shell,
};

/// The files that evcxr reads when it starts, in this order.
const CONFIGURATION: [&str; 2] = ["init.evcxr", "prelude.rs"];

impl Common {
    /// What the user has configured, once: it becomes a part of the first cell.
    pub(super) fn configure(&mut self, cell: &mut Cell) {
        if std::mem::replace(&mut self.settings.configured, true) {
            return;
        }
        let mut steps = VecDeque::new();
        for path in configuration() {
            match fs::read_to_string(&path).map_err(|error| error.to_string()) {
                Ok(text) => match self.plan_file(&path, &text) {
                    Ok(of_file) => steps.extend(of_file),
                    Err(failure) => self.variables.news = Some(configuration_erred(&failure)),
                },
                Err(error) => self.variables.news = Some(format!("`{}` cannot be read: {error}", path.display())),
            }
        }
        if !steps.is_empty() {
            cell.quiet = true;
            steps.push_back(Step::Configured);
            steps.append(&mut cell.steps);
            cell.steps = steps;
        }
    }

    /// The cell itself begins.
    pub(super) fn configured(&mut self, shell: &mut Shell) {
        if let Some(cell) = &mut shell.cell {
            cell.quiet = false;
        }
        if shell.cell.as_ref().is_some_and(|cell| !cell.content.silent)
            && let Some(news) = self.variables.news.take()
        {
            self.say(shell, note::note(&news));
        }
    }

    /// A step of the configuration erred: the rest of it is left out, and the cell runs.
    pub(super) fn configuration_failed(&mut self, cell: &mut Cell, failure: &Failure) {
        self.variables.news = Some(configuration_erred(failure));
        while cell.steps.front().is_some_and(|step| *step != Step::Configured) {
            cell.steps.pop_front();
        }
    }

    /// A file's steps come next.
    pub(super) fn load(&mut self, shell: &mut Shell, step: &Step, path: &Path, text: &str) {
        match self.plan_file(path, text) {
            Ok(steps) => shell.put_first(steps),
            Err(failure) => self.fail(shell, step, failure),
        }
    }

    /// Code that a command stands for comes next.
    pub(super) fn load_code(&mut self, shell: &mut Shell, code: String) {
        let label = self.numbers.label("command");
        shell.put_back(Step::Loaded(Loaded { code, label, id: None }));
    }

    /// The steps that a file stands for, commands at its head as in a cell.
    fn plan_file(&mut self, path: &Path, text: &str) -> Result<VecDeque<Step>, Failure> {
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        let (commands, code) = split_commands(text);
        let mut steps = VecDeque::new();
        for command in &commands {
            let failed = |error: &str| Failure::command(error, &format!("{}, line {}", path.display(), command.line));
            let action = command::parse(command).map_err(|error| failed(&error.to_string()))?;
            let step = action
                .into_step()
                .map_err(|_| failed(&format!("`%%{}` is for a cell and not for a file", command.name)))?;
            steps.push_back(step);
        }
        if !code.trim().is_empty() {
            let label = self.numbers.label(&format!("file {name}"));
            let id = std::path::absolute(path).ok().map(|path| format!("file {}", path.display()));
            steps.push_back(Step::Loaded(Loaded { code, label, id }));
        }
        Ok(steps)
    }
}

fn configuration_erred(failure: &Failure) -> String {
    format!(
        "The configuration in evcxr's folder erred, and the rest of it was left out: {}: {}",
        failure.ename, failure.evalue
    )
}

/// The files of the configuration that there are.
fn configuration() -> Vec<PathBuf> {
    let Some(folder) = dirs::config_dir().map(|folder| folder.join("evcxr")) else { return Vec::new() };
    let there = |path: &PathBuf| !matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound);
    CONFIGURATION.iter().map(|name| folder.join(name)).filter(there).collect()
}
