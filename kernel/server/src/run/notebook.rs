//! The file of a notebook: what of it can be run, and how outputs are written into it. All else in it stays as it is.
//!
//! See [the notebook file format](https://nbformat.readthedocs.io/en/latest/format_description.html).

use std::{collections::BTreeSet, fs, io, path::Path};

use serde::Serialize as _;
use serde_json::{Value, json, ser::PrettyFormatter};

/// What a notebook's metadata has of widgets, and of which kind it is.
const WIDGETS: &str = "widgets";
const WIDGET_STATE: &str = "application/vnd.jupyter.widget-state+json";

/// The tag of cells that may err.
const MAY_ERR: &str = "raises-exception";

/// A notebook of format 4, which is written as 4.5.
#[derive(Debug)]
pub(super) struct Notebook(Value);

/// A cell that can be run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CodeCell {
    /// Among all cells.
    pub(super) index: usize,
    pub(super) id: String,
    pub(super) source: String,
    /// Its error is what it is there for.
    pub(super) may_err: bool,
}

/// An error of a notebook: why it cannot be run. The texts are for users.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotebookError {
    #[error("the notebook `{0}` cannot be read")]
    Unreadable(String, #[source] io::Error),
    #[error("`{0}` is not a notebook")]
    NotJson(String, #[source] serde_json::Error),
    #[error("`{0}` is not a notebook: it has no list of cells")]
    NoCells(String),
    #[error("`{0}` is a notebook of the old format {1}; `jupyter nbconvert --to notebook` makes one of format 4 of it")]
    Format(String, String),
    #[error("`{0}` is a notebook of {1}; this runs notebooks of Rust")]
    Language(String, String),
    #[error("the notebook `{0}` cannot be written")]
    Unwritable(String, #[source] io::Error),
}

impl Notebook {
    /// Reads a notebook of Rust.
    pub(super) fn read(path: &Path) -> Result<Self, NotebookError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| NotebookError::Unreadable(name.clone(), error))?;
        Self::parse(&text, name)
    }

    fn parse(text: &str, name: String) -> Result<Self, NotebookError> {
        let mut value: Value =
            serde_json::from_str(text).map_err(|error| NotebookError::NotJson(name.clone(), error))?;
        match value.get("nbformat") {
            Some(format) if *format != 4 => return Err(NotebookError::Format(name, format.to_string())),
            _ => {}
        }
        if !value["cells"].as_array().is_some_and(|cells| cells.iter().all(Value::is_object)) {
            return Err(NotebookError::NoCells(name));
        }
        if let Some(language) = language(&value["metadata"])
            && !language.eq_ignore_ascii_case("rust")
        {
            return Err(NotebookError::Language(name, language.to_owned()));
        }
        upgrade(&mut value);
        Ok(Self(value))
    }

    /// Takes the outputs of an earlier run away; the cells that can be run.
    pub(super) fn begin(&mut self) -> Vec<CodeCell> {
        self.forget_widgets();
        let mut code = Vec::new();
        for (index, cell) in self.cells().iter_mut().enumerate().filter(|(_, cell)| cell["cell_type"] == "code") {
            cell["outputs"] = json!([]);
            cell["execution_count"] = Value::Null;
            let tags = cell["metadata"]["tags"].as_array().into_iter().flatten();
            let may_err = tags.into_iter().any(|tag| tag == MAY_ERR);
            let source = joined(&cell["source"]);
            // Frontends do not run what is empty.
            if !source.trim().is_empty() {
                let id = cell["id"].as_str().unwrap_or_default().to_owned();
                code.push(CodeCell { index, id, source, may_err });
            }
        }
        code
    }

    /// The widgets that its views are of, with their states.
    pub(super) fn set_widgets(&mut self, states: Value) {
        self.0["metadata"][WIDGETS][WIDGET_STATE] = states;
    }

    fn forget_widgets(&mut self) {
        let Some(metadata) = self.0["metadata"].as_object_mut() else { return };
        let widgets = metadata.get_mut(WIDGETS).and_then(Value::as_object_mut);
        let is_empty = widgets.is_none_or(|widgets| {
            widgets.remove(WIDGET_STATE);
            widgets.is_empty()
        });
        if is_empty {
            metadata.remove(WIDGETS);
        }
    }

    pub(super) fn set_execution_count(&mut self, index: usize, count: Value) {
        self.cells()[index]["execution_count"] = count;
    }

    pub(super) fn set_outputs(&mut self, index: usize, mut outputs: Vec<Value>) {
        for output in &mut outputs {
            match output["output_type"].as_str() {
                Some("stream") => output["text"] = lines(&output["text"]),
                Some("display_data" | "execute_result") => {
                    for (kind, content) in output["data"].as_object_mut().into_iter().flatten() {
                        if !kind.ends_with("json") {
                            *content = lines(content);
                        }
                    }
                }
                _ => {}
            }
        }
        self.cells()[index]["outputs"] = outputs.into();
    }

    /// Writes the notebook as Jupyter does: what did not change is the same text.
    pub(super) fn write(&self, path: &Path) -> Result<(), NotebookError> {
        let failed = |error| NotebookError::Unwritable(path.display().to_string(), error);
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
        self.0.serialize(&mut serializer).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        build::umask::write_for_user(path, text).map_err(failed)
    }

    fn cells(&mut self) -> &mut Vec<Value> {
        self.0["cells"].as_array_mut().expect("a notebook without a list of cells is not read")
    }
}

/// The language that a notebook says to be of, if it does.
fn language(metadata: &Value) -> Option<&str> {
    metadata["language_info"]["name"].as_str().or_else(|| metadata["kernelspec"]["language"].as_str())
}

/// Cells have ids since 4.5. Texts stand there as Jupyter writes them.
fn upgrade(notebook: &mut Value) {
    notebook["nbformat"] = json!(4);
    if notebook["nbformat_minor"].as_u64().is_none_or(|minor| minor < 5) {
        notebook["nbformat_minor"] = json!(5);
    }
    if !notebook["metadata"].is_object() {
        notebook["metadata"] = json!({});
    }
    let cells = notebook["cells"].as_array_mut().into_iter().flatten();
    let mut cells: Vec<&mut Value> = cells.collect();
    let taken: BTreeSet<String> = cells.iter().filter_map(|cell| cell["id"].as_str()).map(str::to_owned).collect();
    let mut free = (1..).map(|number| format!("cell-{number}")).filter(|id| !taken.contains(id));
    for cell in &mut cells {
        if !cell["id"].is_string() {
            cell["id"] = json!(free.next());
        }
        if !cell["metadata"].is_object() {
            cell["metadata"] = json!({});
        }
        cell["source"] = lines(&json!(joined(&cell["source"])));
    }
}

/// A text, which may stand there as a list of its lines.
fn joined(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// A text as the list of its lines, as Jupyter writes it.
fn lines(text: &Value) -> Value {
    match text {
        Value::String(text) => text.split_inclusive('\n').collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(notebook: Value) -> Result<Vec<CodeCell>, String> {
        let notebook = Notebook::parse(&notebook.to_string(), "n.ipynb".to_owned());
        notebook.map(|mut notebook| notebook.begin()).map_err(|error| error.to_string())
    }

    #[test]
    fn code_is_run_and_all_else_is_not() {
        let cells = check(json!({"nbformat": 4, "nbformat_minor": 2, "cells": [
            {"cell_type": "markdown", "source": "# Title"},
            {"cell_type": "code", "source": ["let a = 1;\n", "a"], "id": "cell-1"},
            {"cell_type": "code", "source": "  "},
            {"cell_type": "code", "source": "oh", "metadata": {"tags": ["x", "raises-exception"]}},
        ]}));
        let cell = |index, id: &str, source: &str, may_err| CodeCell {
            index,
            id: id.to_owned(),
            source: source.to_owned(),
            may_err,
        };
        assert_eq!(cells, Ok(vec![cell(1, "cell-1", "let a = 1;\na", false), cell(3, "cell-4", "oh", true)]));
    }

    #[test]
    fn other_notebooks_are_refused_with_a_sentence() {
        let python = check(json!({"cells": [], "metadata": {"kernelspec": {"language": "python"}}}));
        assert_eq!(python, Err("`n.ipynb` is a notebook of python; this runs notebooks of Rust".to_owned()));
        assert!(check(json!({"nbformat": 3, "worksheets": []})).unwrap_err().contains("old format 3"));
        assert!(check(json!({"cells": {}})).unwrap_err().contains("no list of cells"));
        assert!(check(json!({"cells": [], "metadata": {"language_info": {"name": "Rust"}}})).is_ok());
    }

    #[test]
    fn widgets_of_an_earlier_run_are_no_more() {
        let check = |widgets: Value, expected: Value| {
            let notebook = json!({"cells": [], "metadata": {"widgets": widgets, "kept": 1}});
            let mut notebook = Notebook::parse(&notebook.to_string(), String::new()).unwrap();
            notebook.begin();
            assert_eq!(notebook.0["metadata"], expected);
            notebook.set_widgets(json!({"state": {}}));
            assert_eq!(notebook.0["metadata"]["widgets"][WIDGET_STATE], json!({"state": {}}));
        };
        check(json!({WIDGET_STATE: {"state": {"a": {}}}}), json!({"kept": 1}));
        check(json!({WIDGET_STATE: {}, "other": 2}), json!({"kept": 1, "widgets": {"other": 2}}));
        check(json!("nonsense"), json!({"kept": 1}));
    }

    #[test]
    fn outputs_are_written_in_lines_as_jupyter_does() {
        let mut notebook = Notebook::parse(r#"{"cells": [{"cell_type": "code"}]}"#, String::new()).unwrap();
        let data = json!({"text/plain": "a\nb", "application/json": "a\nb"});
        notebook.set_outputs(0, vec![json!({"output_type": "display_data", "data": data})]);
        let data = json!({"text/plain": ["a\n", "b"], "application/json": "a\nb"});
        assert_eq!(notebook.0["cells"][0]["outputs"][0]["data"], data);
        assert_eq!(notebook.0["nbformat_minor"], 5);
    }
}
