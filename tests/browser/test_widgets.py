"""What users see of widgets in JupyterLab, Notebook 7 and voila, and of JupyterLab's panel of variables, in a real browser."""

import json
import os
import subprocess
from pathlib import Path

from kernel import HANG
from test_browser import chromium, served, write_notebook

__all__ = ["served"]

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
# voila shows a page when its cells have ended, so what waits is a task. What tasks print later it does not show.
IN_VOILA = """\
use kissaten::widget::*;
use std::time::Duration;
let (cups, said) = (Slider::new(0..=10).label("Cups"), Label::new(""));
let (stop, state) = (Button::new("Stop"), Label::new("runs"));
tokio::spawn({
    let (cups, said) = (cups.clone(), said.clone());
    async move {
        while let Ok(value) = cups.changed().await { said.set(&format!("{value} cups")); }
    }
});
tokio::spawn({
    let (stop, state) = (stop.clone(), state.clone());
    async move {
        let mut parts = 0;
        loop {
            tokio::select! {
                _ = stop.clicked() => break,
                () = tokio::time::sleep(Duration::from_millis(10)) => parts += 1,
            }
        }
        state.set(if parts > 0 { "stopped" } else { "nothing ran" });
    }
});
// One of each kind: the page has to know all their names.
let bars = Column::new((&Slider::new(0.0..=1.0), &Progress::new(0..=4).label("Cups"), &Progress::new(0.0..=1.0)));
let marks = Row::new((&Checkbox::new("milk"), &Toggle::new("to go"), &Html::new("<b>bold</b>"), &Output::new()));
let words = Column::new((&Text::new("Name"), &Password::new("Word"), &Dropdown::new(["mocha", "latte"])));
Column::new((&Row::new((&cups, &said)), &Row::new((&stop, &state)), &bars, &marks, &words))"""
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


def test_widgets_in_jupyterlab_notebook_and_voila(served, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "widgets"
    cells = (SLIDER, STOP, "cups.value()", NAME, "std::process::abort()")
    write_notebook(served.notebooks / "widgets.ipynb", *cells)
    write_notebook(served.notebooks / "notebook7.ipynb", *cells[:3])
    write_notebook(served.notebooks / "voila.ipynb", IN_VOILA)
    seen = node("widgets.mjs", served.address, screenshots)
    lab, seven, voila = seen["lab"], seen["notebook7"], seen["voila"]
    assert lab["whileItRuns"] == seven["whileItRuns"] == "[*]:"
    assert "stopped, and parts came: true" in lab["stopped"] and "stopped, and parts came: true" in seven["stopped"]
    assert seven["afterReload"] == ["10"]
    assert lab["twoTabs"] == "7"
    assert lab["afterReload"] == ["9"]
    assert "Hello, Ada!" in lab["submitted"]
    assert "1 cups" in voila["shown"] and "runs" in voila["shown"]
    assert voila["bars"] == 2 and "javascript error" not in voila["shown"]


def test_the_panel_of_variables_in_jupyterlab(served, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "panel"
    write_notebook(
        served.notebooks / "variables.ipynb",
        "#[derive(Debug)]\nstruct Order { id: u32, drinks: Vec<&'static str> }\n"
        'let order = Order { id: 7, drinks: vec!["mocha"] };\nlet name = String::from("Ada");',
        "let cups = 3;",
    )
    seen = node("variables.mjs", served.lab("variables.ipynb"), screenshots)
    listed = " ".join(seen["listed"])
    assert "orderOrder" in listed and "nameString" in listed, "a row is a name and a type, as JupyterLab draws them"
    assert "drinks" in " ".join(seen["unfolded"])
    assert "cups" in " ".join(seen["later"])
