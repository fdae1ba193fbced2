"""What a widget costs: cells that have one, beside the same cells with a plain struct, and how soon a task hears of the page."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from candidates import Kernel, find_spec
from table import Table, in_turns

# A struct with the same methods, which is an item of the notebook.
PLAIN = """\
#[derive(Debug, Clone)]
struct Plain { value: i32, most: i32, label: String, news: std::sync::Arc<tokio::sync::Notify> }
impl Plain {
    fn new(range: std::ops::RangeInclusive<i32>) -> Self {
        Self { value: *range.start(), most: *range.end(), label: String::new(), news: Default::default() }
    }
    fn label(self, label: &str) -> Self { Self { label: label.to_owned(), ..self } }
    fn with_value(self, value: i32) -> Self { Self { value: value.min(self.most), ..self } }
    fn value(&self) -> i32 { self.value }
    async fn changed(&self) -> Result<i32, std::fmt::Error> { self.news.notified().await; Ok(self.value) }
}"""
CELLS = {
    "made and read": 'let w{n} = {type}::new(0..=100).label("Cups").with_value({n}); w{n}.value() + 1',
    "shown as the result": 'let w{n} = {type}::new(0..=100).label("Cups").with_value({n}); w{n}',
    "awaited by a task": (
        'let w{n} = {type}::new(0..=100).label("Cups").with_value({n});\nlet hand{n} = w{n}.clone();\n'
        "tokio::spawn(async move {{ while let Ok(value) = hand{n}.changed().await {{ println!(\"{{value}}\"); }} }});"
    ),
}
TYPES = {"a plain struct": "Plain", "a slider": "kissaten::widget::Slider"}

# The task writes down when it heard of each value; the last one ends it.
CHANGES, EACH = 300, 0.01
LISTENS = """\
let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
let dial = kissaten::widget::Slider::new(0..=100_000);
kissaten::display(&dial);
let listener = tokio::spawn({
    let (dial, heard) = (dial.clone(), heard.clone());
    async move {
        while let Ok(value) = dial.changed().await {
            heard.lock().unwrap().push((value, std::time::SystemTime::now()));
        }
    }
});"""
TELLS = """\
for (value, at) in heard.lock().unwrap().drain(..) { println!("{value} {}", at.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros()); }"""


def measure(options: argparse.Namespace, _crate: Path) -> None:
    spec = find_spec("Kissaten", options.kissaten, "kissaten")
    if spec is None:
        return
    kernel = Kernel("Kissaten", spec)
    kernel.start()
    try:
        kernel.run(PLAIN)
        print(f"Medians of {options.rounds} cells, in turns.\n")
        table = Table(list(TYPES))
        count = 0
        for what, cell in CELLS.items():
            # The first of each kind is not measured.
            for name in TYPES.values():
                count += 1
                kernel.run(cell.format(n=count, type=name))
            runs = {
                kind: lambda n, cell=cell, name=name, base=count: kernel.run(cell.format(n=base + 1 + n, type=name))
                for kind, name in TYPES.items()
            }
            table.multiples(f"a cell with a value that is {what}", in_turns(options.rounds, runs))
            count += options.rounds + 1
        print()
        late = changes(kernel)
        table = Table(["median", "95 %", "longest", "of them heard"])
        figures = {"median": statistics.median(late), "95 %": statistics.quantiles(late, n=20)[-1], "longest": max(late)}
        shown = {column: f"{value * 1000:.2f} ms" for column, value in figures.items()}
        table.line(f"{CHANGES} changes, 100 in a second: from the page's message to the task", {**shown, "of them heard": str(len(late))})
    finally:
        kernel.stop()


def changes(kernel: Kernel) -> list[float]:
    """How many seconds after it was sent a task heard of each change."""
    request = kernel.client.execute(LISTENS)
    model = None
    while (message := kernel._message(request, 60))["content"].get("execution_state") != "idle":
        if message["msg_type"] == "comm_open" and message["content"]["data"]["state"]["_model_name"] == "IntSliderModel":
            model = message["content"]["comm_id"]
    kernel.client.get_shell_msg(timeout=60)
    sent = {}
    begin = time.perf_counter()
    for value in range(1, CHANGES + 1):
        time.sleep(max(0.0, begin + value * EACH - time.perf_counter()))
        content = {"comm_id": model, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}}
        message = kernel.client.session.msg("comm_msg", content)
        sent[value] = time.time()
        kernel.client.shell_channel.send(message)
    told = kernel.told(TELLS)
    return [at / 1e6 - sent[int(value)] for value, at in zip(told[::2], told[1::2], strict=True)]
