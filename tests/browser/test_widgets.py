"""What users see of widgets and of the panel of variables, in JupyterLab, in a real browser."""

import json
import os
import subprocess
from pathlib import Path

from kernel import HANG
from test_browser import chromium, jupyterlab, write_notebook

SLIDER = """\
use kissaten::widget::*;
use std::time::Duration;
let cups = Slider::new(0..=10).label("Cups");
kissaten::display(&cups);
let hand = cups.clone();
let listener = tokio::spawn(async move {
    while let Ok(value) = hand.changed().await { println!("cups: {value}"); }
});"""
STOP = """\
let stop = Button::new("Stop");
kissaten::display(&stop);
println!("runs");
let mut parts = 0;
loop {
    tokio::select! {
        _ = stop.clicked() => break,
        () = tokio::time::sleep(Duration::from_millis(10)) => parts += 1,
    }
}
println!("stopped, and parts came: {}", parts > 0);"""
NAME = """\
let name = Text::new("Name");
kissaten::display(&name);
let said = name.submitted().await?;
println!("Hello, {said}!");"""


def node(script: str, *arguments: object) -> dict:
    outcome = subprocess.run(
        ["node", Path(__file__).with_name(script), chromium(), *map(str, arguments)],
        capture_output=True, text=True, timeout=3 * HANG,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def test_widgets_in_jupyterlab(installation, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "widgets"
    with jupyterlab(installation, tmp_path, widgets=True) as address:
        cells = (SLIDER, STOP, "cups.value()", NAME, "std::process::abort()")
        write_notebook(tmp_path / "notebooks" / "widgets.ipynb", *cells)
        seen = node("widgets.mjs", address, "widgets.ipynb", screenshots)
    assert seen["whileItRuns"] == "[*]:"
    assert "stopped, and parts came: true" in seen["stopped"]
    assert seen["twoTabs"] == "7"
    assert seen["afterReload"] == ["9"]
    assert "Hello, Ada!" in seen["submitted"]


def test_the_panel_of_variables_in_jupyterlab(installation, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "panel"
    with jupyterlab(installation, tmp_path) as address:
        write_notebook(
            tmp_path / "notebooks" / "variables.ipynb",
            "#[derive(Debug)]\nstruct Order { id: u32, drinks: Vec<&'static str> }\n"
            'let order = Order { id: 7, drinks: vec!["mocha"] };\nlet name = String::from("Ada");',
            "let cups = 3;",
        )
        seen = node("variables.mjs", f"{address}/lab/tree/variables.ipynb", screenshots)
    listed = " ".join(seen["listed"])
    assert "orderOrder" in listed and "nameString" in listed, "a row is a name and a type, as JupyterLab draws them"
    assert "drinks" in " ".join(seen["unfolded"])
    assert "cups" in " ".join(seen["later"])
