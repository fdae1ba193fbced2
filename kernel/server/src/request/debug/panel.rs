//! The list of variables that a frontend's panel shows: what was last seen of their values, and what of them is unfolded.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use compiler::Variable;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tree::Tree;

/// How long values are what they were: tasks change them between cells, too.
const FRESH: Duration = Duration::from_secs(1);

/// What is known for a panel. Its clones are handles of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    is_started: bool,
    values: Vec<SeenValue>,
    /// After how many runs, and when.
    at: Option<(u64, Instant)>,
    /// What can be unfolded, as names from the variable on: a reference is a place here, counted from 1. It stays what it
    /// is, so that what is unfolded in a panel stays unfolded.
    paths: Vec<Vec<String>>,
}

/// A variable as the worker tells of it: its name and the text of its value.
#[derive(Debug, Deserialize)]
pub(super) struct SeenValue {
    name: String,
    text: Option<String>,
}

impl Panel {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn start(&self, is_started: bool) {
        self.seen().is_started = is_started;
    }

    pub(super) fn is_started(&self) -> bool {
        self.seen().is_started
    }

    /// Whether the values may have changed since they were seen; `runs`: how many programs have ended.
    pub(super) fn is_stale(&self, runs: u64) -> bool {
        self.seen().at.is_none_or(|(seen, when)| seen != runs || when.elapsed() > FRESH)
    }

    /// The values are these, when so many programs have ended.
    pub(super) fn saw(&self, values: Vec<SeenValue>, runs: u64) {
        let mut seen = self.seen();
        seen.values = values;
        seen.at = Some((runs, Instant::now()));
    }

    /// All variables, as the protocol lists them: with the values that were last seen.
    pub(super) fn list(&self, variables: &[Variable]) -> Value {
        let mut seen = self.seen();
        let row = |variable: &Variable| {
            let Variable { name, type_name, borrows, .. } = variable;
            let from = borrows.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let type_name =
                if from.is_empty() { type_name.clone() } else { format!("{type_name}, borrows from {from}") };
            let tree = seen.tree(name);
            let mut row = seen.row(name.clone(), tree.as_ref(), vec![name.clone()]);
            row["type"] = type_name.into();
            row["evaluateName"] = name.clone().into();
            row
        };
        let rows: Vec<Value> = variables.iter().map(row).collect();
        json!({"variables": rows})
    }

    /// What a value consists of.
    pub(super) fn unfold(&self, reference: u64) -> Value {
        let mut seen = self.seen();
        let path = usize::try_from(reference).ok().and_then(|at| seen.paths.get(at.checked_sub(1)?)).cloned();
        let Some([name, parts @ ..]) = path.as_deref() else { return json!({"variables": []}) };
        let tree = seen.tree(name);
        let Some(found) = tree.as_ref().and_then(|tree| tree.at(parts)) else { return json!({"variables": []}) };
        let row = |(part, tree): &(String, Tree)| {
            let path = [path.clone().unwrap_or_default(), vec![part.clone()]].concat();
            seen.row(part.clone(), Some(tree), path)
        };
        let rows: Vec<Value> = found.parts.iter().map(row).collect();
        json!({"variables": rows})
    }
}

impl Seen {
    /// The value of a variable; `None`: it was not seen, or has none that can be shown.
    fn tree(&self, name: &str) -> Option<Tree> {
        let value = self.values.iter().find(|value| value.name == name)?;
        Some(Tree::read(value.text.as_ref()?))
    }

    /// Without a type, which `Debug` does not write: where there is an empty one, JupyterLab shows that and no value.
    fn row(&mut self, name: String, tree: Option<&Tree>, path: Vec<String>) -> Value {
        let unfolds = tree.is_some_and(|tree| !tree.parts.is_empty());
        let reference = if unfolds { self.reference(path) } else { 0 };
        let text = tree.map(|tree| tree.text.clone()).unwrap_or_default();
        json!({"name": name, "value": text, "variablesReference": reference})
    }

    fn reference(&mut self, path: Vec<String>) -> usize {
        match self.paths.iter().position(|other| *other == path) {
            Some(at) => at + 1,
            None => {
                self.paths.push(path);
                self.paths.len()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfolded_stays_so() {
        let panel = Panel::default();
        let variable = |name: &str, borrows: &[&str]| Variable {
            name: name.to_owned(),
            type_name: "Vec<u8>".to_owned(),
            mutable: false,
            borrows: borrows.iter().map(|name| (*name).to_owned()).collect(),
        };
        let value = |name: &str, text: &str| SeenValue { name: name.into(), text: Some(text.into()) };
        assert!(panel.is_stale(0));
        panel.saw(vec![value("a", "[\n    Some(\n        1,\n    ),\n]"), value("b", "2")], 3);
        assert!(!panel.is_stale(3) && panel.is_stale(4));
        let variables = [variable("a", &[]), variable("b", &["a"]), variable("new", &[])];
        let list = panel.list(&variables);
        let told = |field: &str| {
            list["variables"].as_array().unwrap().iter().map(|row| row[field].clone()).collect::<Vec<_>>()
        };
        assert_eq!(told("value"), ["[Some(1)]", "2", ""]);
        assert_eq!(told("type"), ["Vec<u8>", "Vec<u8>, borrows from `a`", "Vec<u8>"]);
        assert_eq!(told("variablesReference"), [1, 0, 0]);
        let element = |value: &str| json!({"name": "[0]", "value": value, "variablesReference": 2});
        assert_eq!(panel.unfold(1)["variables"], json!([element("Some(1)")]));
        assert_eq!(panel.unfold(2)["variables"][0]["value"], "1");
        panel.saw(vec![value("a", "[Some(2)]")], 4);
        assert_eq!(panel.unfold(1)["variables"], json!([element("Some(2)")]));
        panel.saw(Vec::new(), 5);
        for reference in [0, 1, 2, 7] {
            assert_eq!(panel.unfold(reference)["variables"], json!([]));
        }
    }
}
