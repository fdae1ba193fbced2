//! What cells have shown, as a notebook's file holds it.
//!
//! See [code cell outputs](https://nbformat.readthedocs.io/en/latest/format_description.html#code-cell-outputs).

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

/// The outputs of a notebook: those of all cells so far, by the cells' indices.
#[derive(Debug, Default)]
pub(super) struct NotebookOutputs {
    cells: BTreeMap<usize, Vec<Value>>,
    /// Where displays are that can be replaced: cells and indices of their outputs.
    displays: HashMap<String, Vec<(usize, usize)>>,
    /// Cells whose outputs are to go when the next one comes.
    clear: Vec<usize>,
}

impl NotebookOutputs {
    /// Takes what a message shows under a cell.
    pub(super) fn take(&mut self, cell: usize, kind: &str, content: &Value) {
        let output = match kind {
            "stream" => json!({"output_type": kind, "name": content["name"], "text": content["text"]}),
            "display_data" => {
                json!({"output_type": kind, "data": content["data"], "metadata": content["metadata"]})
            }
            "execute_result" => json!({
                "output_type": kind,
                "data": content["data"],
                "metadata": content["metadata"],
                "execution_count": content["execution_count"],
            }),
            "error" => json!({
                "output_type": kind,
                "ename": content["ename"],
                "evalue": content["evalue"],
                "traceback": content["traceback"],
            }),
            "update_display_data" => return self.replace(content),
            "clear_output" => {
                self.clear.push(cell);
                if content["wait"] != true {
                    self.cleared(cell);
                }
                return;
            }
            _ => return,
        };
        self.cleared(cell);
        let outputs = self.cells.entry(cell).or_default();
        if let Some(last) = outputs.last_mut()
            && kind == "stream"
            && last["output_type"] == "stream"
            && last["name"] == output["name"]
            && let (Value::String(text), Some(more)) = (&mut last["text"], output["text"].as_str())
        {
            return text.push_str(more);
        }
        outputs.push(output);
        if let Some(id) = content["transient"]["display_id"].as_str() {
            self.displays.entry(id.to_owned()).or_default().push((cell, outputs.len() - 1));
        }
    }

    /// All outputs, by cell.
    pub(super) fn into_cells(self) -> impl Iterator<Item = (usize, Vec<Value>)> {
        self.cells.into_iter()
    }

    fn replace(&mut self, content: &Value) {
        let id = content["transient"]["display_id"].as_str().unwrap_or_default();
        for (cell, index) in self.displays.get(id).into_iter().flatten() {
            if let Some(output) = self.cells.get_mut(cell).and_then(|outputs| outputs.get_mut(*index)) {
                output["data"] = content["data"].clone();
                output["metadata"] = content["metadata"].clone();
            }
        }
    }

    /// Clears a cell that is to be cleared.
    fn cleared(&mut self, cell: usize) {
        if !self.clear.contains(&cell) {
            return;
        }
        self.clear.retain(|other| *other != cell);
        self.cells.remove(&cell);
        for places in self.displays.values_mut() {
            places.retain(|(of, _)| *of != cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &[(usize, &str, Value)]) -> Vec<(usize, Vec<Value>)> {
        let mut outputs = NotebookOutputs::default();
        for (cell, kind, content) in messages {
            outputs.take(*cell, kind, content);
        }
        outputs.into_cells().collect()
    }

    fn stream(text: &str) -> Value {
        json!({"name": "stdout", "text": text})
    }

    #[test]
    fn text_is_joined_under_the_cell_that_printed_it() {
        let cells = check(&[(1, "stream", stream("a")), (2, "stream", stream("x")), (1, "stream", stream("b"))]);
        let texts: Vec<_> = cells.iter().map(|(cell, outputs)| (*cell, outputs.len(), &outputs[0]["text"])).collect();
        assert_eq!(texts, [(1, 1, &json!("ab")), (2, 1, &json!("x"))]);
    }

    #[test]
    fn a_display_is_replaced_where_it_stands() {
        let display = |text| json!({"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": "d"}});
        let cells = check(&[(1, "display_data", display("0")), (2, "update_display_data", display("1"))]);
        let expected = json!({"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}});
        assert_eq!(cells, [(1, vec![expected])]);
    }

    #[test]
    fn outputs_are_cleared_at_once_or_when_the_next_one_comes() {
        let clear = |wait| (1, "clear_output", json!({"wait": wait}));
        assert_eq!(check(&[(1, "stream", stream("a")), clear(false)]), []);
        assert_eq!(check(&[(1, "stream", stream("a")), clear(true)])[0].1[0]["text"], "a");
        let cells = check(&[(1, "stream", stream("a")), clear(true), (1, "stream", stream("b"))]);
        assert_eq!(cells[0].1[0]["text"], "b");
    }
}
