"""`kissaten run`: a notebook in a terminal, without Jupyter."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

from kernel import HANG, MARK, marked_processes, still_running

MAY_ERR = ["raises-exception"]


def notebook(*cells: str | tuple[str, list[str]], language: str = "rust") -> dict[str, Any]:
    """A notebook as frontends before nbformat 4.5 wrote it, with one that is not code."""
    code = [(cell, []) if isinstance(cell, str) else cell for cell in cells]
    return {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": {"name": "kissaten", "display_name": "Rust", "language": language}},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": "panic!()"},
            *(
                {"cell_type": "code", "metadata": {"tags": tags}, "source": source, "outputs": [], "execution_count": None}
                for source, tags in code
            ),
        ],
    }


class Runs:
    def __init__(self, installation, directory: Path) -> None:
        self.binary = installation.binary
        self.directory = directory
        (directory / "tmp").mkdir()
        (directory / "configuration").mkdir()
        self.environment = {
            **installation.environment,
            "TMPDIR": str(directory / "tmp"),
            "XDG_CONFIG_HOME": str(directory / "configuration"),
            MARK: str(directory),
        }

    def start(self, content: dict[str, Any], *options: str, **streams) -> subprocess.Popen:
        (self.directory / "in.ipynb").write_text(json.dumps(content))
        arguments = [self.binary, "run", "in.ipynb", *options]
        return subprocess.Popen(arguments, cwd=self.directory, env=self.environment, **streams)

    def __call__(self, content: dict[str, Any], *options: str) -> tuple[int, str, str]:
        """The exit code, and what was written to stdout and stderr."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = self.start(content, *options, **streams)
        stdout, stderr = process.communicate(timeout=HANG)
        return process.returncode, stdout, stderr


@pytest.fixture
def run(installation, tmp_path):
    yield Runs(installation, tmp_path)
    assert not still_running(marked_processes(str(tmp_path)), 10)
    assert not list((tmp_path / "tmp").iterdir())


def test_what_cells_show_is_printed(run):
    code, stdout, stderr = run(
        notebook(
            'let cups = 3;\nprint!("poured");\ncups',
            'eprintln!("spilt");\nkissaten::display(&kissaten::MimeBundle::new().with("image/png", "AAAA"));',
            "let more = cups * 2;",
        )
    )
    assert (code, stdout, stderr) == (0, "poured\n3\n(image/png: to be seen in a notebook)\n", "spilt\n")


def test_a_cell_that_takes_longer_than_the_limit_is_interrupted(run):
    """One that waits for a click which nobody makes; what stands behind it runs."""
    waits = "let click: u8 = std::future::pending().await;"
    code, stdout, stderr = run(notebook("let cups = 3;", waits, "cups"), "--limit", "4", "--keep-going")
    assert code == 1 and stdout == "3\n", stdout
    assert "interrupted" in stderr.lower(), stderr


def test_a_notebook_that_is_none_is_not_prebuilt(run):
    """The others are built all the same."""
    for name, content in (("good.ipynb", json.dumps(notebook("7"))), ("bad.ipynb", "{")):
        (run.directory / name).write_text(content)
    arguments = [run.binary, "prebuild", "missing.ipynb", "bad.ipynb", "good.ipynb"]
    done = subprocess.run(arguments, cwd=run.directory, env=run.environment, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 1 and "ready: good.ipynb" in done.stdout
    assert "`missing.ipynb` could not be run" in done.stderr and "`bad.ipynb` could not be run" in done.stderr
    assert "2 of the notebooks could not be run" in done.stderr


def test_the_first_error_ends_it(run):
    code, stdout, stderr = run(notebook('let wrong: u8 = "text";', 'println!("not reached");'))
    assert (code, stdout) == (1, "")
    assert stderr.startswith("error[E0308]: mismatched types\n") and "\x1b" not in stderr


def test_an_error_that_is_expected_does_not(run):
    code, stdout, stderr = run(notebook(('panic!("meant")', MAY_ERR), 'println!("reached");'))
    assert (code, stdout) == (0, "reached\n")
    assert stderr == "Panic: meant\n  --> cell 1, line 1\n"


def test_outputs_are_written_into_a_notebook(run, tmp_path):
    code, *_ = run(
        notebook(
            'tokio::spawn(async { tokio::task::yield_now().await; println!("a task"); }).await?;',
            'println!("a\\nb"); 7',
            'panic!("no")',
            "8",
        ),
        "--output",
        "out.ipynb",
    )
    assert code == 1
    # What the kernel writes is the user's alone; what the user asks for is as the user's other files are.
    assert (tmp_path / "out.ipynb").stat().st_mode == (tmp_path / "in.ipynb").stat().st_mode
    written = nbformat.read(tmp_path / "out.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(written)
    assert (written.nbformat, written.nbformat_minor) == (4, 5)
    cells = written.cells[1:]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, None]
    assert cells[0].outputs == [{"output_type": "stream", "name": "stdout", "text": "a task\n"}]
    stream, result = cells[1].outputs
    assert (stream.text, result.data, result.execution_count) == ("a\nb\n", {"text/plain": "7"}, 2)
    assert cells[2].outputs[0].ename == "Panic" and cells[3].outputs == []
    # As Jupyter would have written it.
    assert (tmp_path / "out.ipynb").read_text() == nbformat.writes(written) + "\n"


WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def test_widgets_are_written_with_their_states(run, tmp_path):
    """As a frontend saves them: what a page draws of the notebook until its cells are run."""
    before = notebook(
        'use kissaten::widget::*;\nlet cups = Slider::new(0..=10).label("Cups");\ncups.clone()',
        'let bar = Progress::new(0..=100);\nkissaten::display(&bar);\nlet gone = Button::new("Gone");\nkissaten::display(&gone);',
        "cups.set(4);\nfor n in 0..=100 { bar.set(n); }\ndrop(gone);",
    )
    before["metadata"]["widgets"] = {WIDGET_STATE: {"state": {"old": {}}, "version_major": 2, "version_minor": 0}}
    code, *_ = run(before, "--output", "out.ipynb")
    assert code == 0
    written = nbformat.read(tmp_path / "out.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(written)
    assert (tmp_path / "out.ipynb").read_text() == nbformat.writes(written) + "\n"
    saved = written.metadata.widgets[WIDGET_STATE]
    views = [output.data[WIDGET_VIEW].model_id for cell in written.cells[1:] for output in cell.outputs]
    assert (saved.version_major, saved.version_minor, len(views)) == (2, 0, 3)
    # The button was closed, so its view is gone from a page.
    assert set(saved.state) == set(views[:2])
    slider, bar = (saved.state[view] for view in views[:2])
    assert (slider.model_name, slider.model_module, slider.model_module_version) == ("IntSliderModel", "@jupyter-widgets/controls", "2.0.0")
    assert (slider.state.value, slider.state.description, slider.state._view_name) == (4, "Cups", "IntSliderView")
    # What a cell has set is there when it ends, however fast it was set.
    assert (bar.model_name, bar.state.value) == ("IntProgressModel", 100)
    # nbconvert draws those that it has a state of, and shows the text of the others.
    html, _ = HTMLExporter().from_notebook_node(written)
    assert [view in html.split("</head>")[1] for view in views] == [True, True, False] and "[Gone]" in html
    code, *_ = run(notebook("1") | {"metadata": before["metadata"]}, "--output", "out.ipynb")
    assert (code, "widgets" in nbformat.read(tmp_path / "out.ipynb", as_version=4).metadata) == (0, False)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (notebook("1", language="python"), "`in.ipynb` is a notebook of python; this runs notebooks of Rust"),
        ({"nbformat": 3, "worksheets": []}, "`in.ipynb` is a notebook of the old format 3"),
        ([], "`in.ipynb` is not a notebook"),
    ],
)
def test_what_is_no_notebook_of_rust_is_refused(run, content, sentence):
    code, stdout, stderr = run(content)
    assert (code, stdout) == (1, "")
    assert stderr.startswith(f"kissaten: {sentence}")


def test_nobody_is_asked_where_nobody_is(run):
    code, stdout, stderr = run(notebook('kissaten::input("Name? ").await?'))
    assert (code, stdout) == (1, "") and "this frontend does not ask for input" in stderr


def test_answers_come_out_of_a_pipe(run, tmp_path):
    content = notebook(
        'let name = kissaten::input("Name? ").await?;\nprintln!("Hello, {name}!");',
        "let mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;\nline",
        "std::io::read_to_string(std::io::stdin())?",
        'kissaten::input("More? ").await?',
    )
    (tmp_path / "answers").write_text("Ada\n\nthe rest\n喫茶店")
    with (tmp_path / "answers").open() as answers:
        process = run.start(content, stdin=answers, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        stdout, stderr = process.communicate(timeout=HANG)
    assert stdout == 'Name? Hello, Ada!\n"\\n"\n"the rest\\n喫茶店\\n"\nMore? '
    assert process.returncode == 1 and "there is no more input" in stderr


class Terminal:
    """A terminal, with a program in it."""

    def __init__(self, start: Callable[..., subprocess.Popen]) -> None:
        self.end, other = pty.openpty()
        self.process = start(stdin=other, stdout=other, stderr=other, start_new_session=True)
        os.close(other)
        self.shown = ""

    def until(self, text: str) -> None:
        while text not in self.shown:
            assert (more := os.read(self.end, 4096)), self.shown
            self.shown += more.decode()

    def finish(self) -> int:
        try:
            while more := os.read(self.end, 4096):
                self.shown += more.decode()
        except OSError:
            # The other end is closed.
            pass
        os.close(self.end)
        return self.process.wait(HANG)


def test_whoever_sits_at_the_terminal_is_asked(run):
    content = notebook(
        'let name = kissaten::input("Name? ").await?;\nname.len()',
        'kissaten::input_password("Password? ").await?.len()',
        "nope",
    )
    terminal = Terminal(lambda **streams: run.start(content, **streams))
    terminal.until("Name? ")
    os.write(terminal.end, b"Ada\n")
    terminal.until("Password? ")
    os.write(terminal.end, b"secret\n")
    assert terminal.finish() == 1
    assert "Ada\r\n3\r\n" in terminal.shown
    assert "secret" not in terminal.shown and "6\r\n" in terminal.shown
    assert "\x1b[" in terminal.shown and "E0425" in terminal.shown


def test_an_interrupt_ends_the_cell(run):
    content = notebook('println!("waiting");\nstd::future::pending::<()>().await')
    process = run.start(content, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=HANG)
    waited = "Interrupted: it was waiting at cell 1, line 2: `std::future::pending::<()>()`\n"
    assert (process.returncode, stderr) == (1, waited)


def test_quitting_is_no_error(run):
    assert run(notebook("1", ":quit", "2")) == (0, "1\n", "")


def test_the_configuration_of_evcxr_comes_first_and_is_not_seen(run, tmp_path):
    folder = tmp_path / "configuration" / "evcxr"
    folder.mkdir()
    (folder / "init.evcxr").write_text(':efmt {:?}\n:opt 1\nprintln!("quiet");\nlet from_init = 5;\nfrom_init')
    (folder / "prelude.rs").write_text('const msg: &str = "hello";\nfn shout() -> String { msg.to_uppercase() }\n')
    assert run(notebook("(from_init, msg, shout())")) == (0, '(5, "hello", "HELLO")\n', "")


def test_an_error_in_the_configuration_is_told_and_does_no_harm(run, tmp_path):
    folder = tmp_path / "configuration" / "evcxr"
    folder.mkdir()
    (folder / "init.evcxr").write_text("let early = 1;\nnope")
    code, stdout, stderr = run(notebook("1 + 1"))
    assert (code, stderr) == (0, "")
    assert stdout.startswith("The configuration in evcxr's folder erred") and stdout.endswith("\n2\n")
    assert "E0425" in stdout


def test_an_exported_notebook_prints_the_same(run, tmp_path):
    cells = [
        "use std::time::Duration;\n#[derive(Debug)]\nstruct Cup { size: u32 }",
        "let (tx, mut rx) = tokio::sync::mpsc::channel(4);\n"
        "let barista = tokio::spawn(async move { for size in 1..4 {\n"
        "    tokio::time::sleep(Duration::from_millis(1)).await; tx.send(Cup { size }).await.unwrap();\n} });",
        'while let Some(cup) = rx.recv().await { println!("{cup:?}"); }\nbarista.await?;',
        "static SERVED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(3);\nSERVED",
        'kissaten::Markdown("**closed**")',
        # The lessons' tools go along.
        "use kissaten::lesson::{bars, claim};\nclaim(Duration::from_millis(2040), 2.0, 3.0);\n"
        'bars("Cups", "a day", &[("Ada".to_owned(), 3.0), ("Grace".to_owned(), 1.5)])',
    ]
    code, expected, stderr = run(notebook(*cells))
    assert (code, stderr) == (0, "")
    code, stdout, stderr = run(notebook(*cells, ":export project", ":export --script script.rs"))
    assert (code, stderr) == (0, "")
    assert stdout == (
        f"{expected}The notebook is a cargo project in `project`: `cargo run` there runs it.\n"
        "The notebook is a script in `script.rs`: `cargo +nightly -Zscript script.rs` runs it.\n"
    )
    cargo = ["cargo", "run", "--quiet", "--offline"]
    program = subprocess.run(cargo, cwd=tmp_path / "project", capture_output=True, text=True, timeout=HANG)
    assert (program.returncode, program.stdout, program.stderr) == (0, expected, "")

    # A stable cargo reads a script where it is told to take itself for a nightly one; to run it so, it would compile all dependencies
    # once more. So its parts are run: a manifest without a name, and the code below it.
    read = ["cargo", "-Zscript", "metadata", "--offline", "--no-deps", "--format-version=1", "--manifest-path=script.rs"]
    told = subprocess.run(read, cwd=tmp_path, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, capture_output=True, text=True, timeout=HANG)
    assert told.returncode == 0, told.stderr
    [package] = json.loads(told.stdout)["packages"]
    assert package["edition"] == "2024" and {"futures", "tokio"} <= {dependency["name"] for dependency in package["dependencies"]}
    first, opening, manifest, code = re.fullmatch(r"(#!.*)\n(---)\n(.*?)\n---\n(.*)", (tmp_path / "script.rs").read_text(), re.DOTALL).groups()
    assert (first, opening) == ("#!/usr/bin/env -S cargo +nightly -Zscript", "---")
    table = tomllib.loads(manifest)
    assert set(table["package"]) == {"edition"} and "tokio" in table["dependencies"]
    script = tmp_path / "script"
    (script / "src").mkdir(parents=True)
    (script / "src" / "main.rs").write_text(code)
    (script / "Cargo.toml").write_text(manifest.replace("[package]", '[package]\nname = "script"', 1))
    shutil.copy(tmp_path / "project" / "Cargo.lock", script)
    program = subprocess.run(
        [*cargo, "--target-dir", tmp_path / "project" / "target"], cwd=script, capture_output=True, text=True, timeout=HANG
    )
    assert (program.returncode, program.stdout, program.stderr) == (0, expected, "")


def test_a_folder_that_is_somebody_elses_is_not_exported_to(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    code, _, stderr = run(notebook("1;", ":export mine"))
    assert code == 1 and "`mine` is not empty and was not exported to before" in stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    # One that was exported to is written anew.
    assert run(notebook(":export new", "1", ":export new"))[0] == 0
    assert "kissaten::show!(1)" in (tmp_path / "new" / "src" / "main.rs").read_text()
