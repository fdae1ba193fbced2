"""What users see: notebooks in JupyterLab, in a real browser."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from kernel import HANG, MARK, marked_processes, still_running
from transcript import plain

LESSON = "01-what-is-async.ipynb"


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "no chromium on the PATH; on Debian: sudo apt install chromium"
    return found


@contextmanager
def jupyterlab(installation, directory: Path) -> Iterator[str]:
    """JupyterLab on a copy of the notebooks, for this machine only; its address. Its server has Notebook 7 and voila, too."""
    notebooks = directory / "notebooks"
    shutil.copytree(Path(__file__).parent.parent.parent / "notebooks", notebooks)
    temporary = directory / "tmp"
    temporary.mkdir()
    environment = {
        **installation.environment,
        **{f"JUPYTER_{name}_DIR": str(directory / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTER_PATH": str(installation.prefix / "share" / "jupyter"),
        "TMPDIR": str(temporary),
        MARK: str(directory),
    }
    arguments = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=", f"--notebook-dir={notebooks}"]
    # JupyterLab is not to ask about news, nor to look for them.
    settings = directory / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(directory / "settings")
    # They, and what comes with them, add menus and buttons that users do not have.
    page = directory / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    extensions = ["@jupyter/nbgrader", "@jupyter-notebook/lab-extension", "@voila-dashboards/jupyterlab-preview"]
    page.write_text(json.dumps({"disabledExtensions": dict.fromkeys(extensions, True)}))
    if os.geteuid() == 0:
        arguments.append("--allow-root")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    log: list[str] = []
    try:
        for line in server.stderr:
            log.append(line)
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail("JupyterLab did not start:\n" + "".join(log))
        # Its log has to be read on, or the server would wait for us.
        reader = threading.Thread(target=log.extend, args=(server.stderr,))
        reader.start()
        yield address[0]
        server.terminate()
        server.wait(HANG)
        reader.join()
        assert not still_running(marked_processes(str(directory)), 30), "JupyterLab's kernels end with it"
        left = [path for path in temporary.iterdir() if "kissaten" in path.name]
        assert not left, left
    finally:
        for process in marked_processes(str(directory)):
            process.kill()
        server.wait()


@dataclass
class Served:
    """A server that the tests of a module share, each with notebooks of its own."""

    address: str
    notebooks: Path

    def lab(self, notebook: str) -> str:
        """JupyterLab with this notebook alone: a workspace is opened again with all that was in it."""
        return f"{self.address}/lab/workspaces/{Path(notebook).stem}/tree/{notebook}"


@pytest.fixture(scope="module")
def served(installation, tmp_path_factory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("jupyterlab")
    with jupyterlab(installation, directory) as address:
        yield Served(address, directory / "notebooks")


def run_in_browser(url: str, screenshots: Path) -> dict:
    """What the page shows of the notebook once all of it has run. `screenshots`: how their names begin."""
    outcome = subprocess.run(
        ["node", Path(__file__).with_name("run_notebook.mjs"), chromium(), url, screenshots],
        capture_output=True, text=True, timeout=2 * HANG,
    )
    assert outcome.returncode == 0, outcome.stderr
    for theme in ("light", "dark"):
        image = screenshots.with_name(f"{screenshots.name}-{theme}.png").read_bytes()
        assert image.startswith(b"\x89PNG") and len(image) > 20_000
    return json.loads(outcome.stdout)


def act(url: str, screenshots: Path, *steps: tuple) -> list:
    """What each of these steps in a notebook has to tell; `act.mjs` has a table of them."""
    outcome = subprocess.run(
        ["node", Path(__file__).with_name("act.mjs"), chromium(), url, screenshots, json.dumps(steps)],
        capture_output=True, text=True, timeout=3 * HANG,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def write_notebook(path: Path, *cells: str) -> None:
    kernelspec = {"name": "kissaten", "display_name": "Rust (Kissaten)", "language": "rust"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernelspec})
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, path)


def contrast(colour: str, background: str) -> float:
    """How well one `rgb(…)` is told from the other, from 1 to 21, as the WCAG has it."""

    def light(colour: str) -> float:
        shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, bright = sorted((light(colour), light(background)))
    return (bright + 0.05) / (dark + 0.05)


def test_the_first_lesson_in_jupyterlab(served, tmp_path):
    """Run All, from a fresh kernel and after a restart: all cells end, and show what the lesson was saved with."""
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "first-lesson"
    first, again, _ = act(served.lab(LESSON), screenshots, ["run all"], ["restart and run all"], ["look", "whole"])
    lesson = nbformat.read(served.notebooks / LESSON, as_version=4)
    saved = [cell for cell in lesson.cells if cell.cell_type == "code"]
    for cells in (first, again):
        assert [cell["prompt"] for cell in cells] == [f"[{n}]:" for n in range(1, len(saved) + 1)]
        assert all(cell["coloured"] for cell in cells), "Rust is highlighted"
        for cell, was in zip(cells, saved, strict=True):
            is_timeline = was.source.startswith("%%timeline")
            assert cell["timelines"] == int(is_timeline), was.source
            texts = [text for output in was.outputs if (text := without_markup(output))]
            assert len(cell["outputs"]) == len(was.outputs), was.source
            if "any-order" not in was.metadata.get("tags", []):
                shown = "\n".join(cell["outputs"])
                for line in "\n".join(texts).splitlines():
                    assert line.strip() in shown, f"{line!r} is missing:\n{shown}"
    [failing] = [cell for cell in first if "block_on" in cell["source"]]
    assert "annot start a runtime from within a runtime" in "".join(failing["outputs"])


def without_markup(output) -> str:
    """The text of a saved output as a browser shows it, without what differs from run to run."""
    if output.output_type == "stream":
        text = output.text
    elif output.output_type == "error":
        text = f"{output.ename}: {output.evalue}"
    else:
        text = "" if "text/html" in output.data else output.data.get("text/plain", "")
    return "\n".join(line for line in plain(text).splitlines() if not re.search(r"\d(ns|µs|ms|s)\b|\d (ns|µs|ms|s)\b", line))


def test_a_long_cell_is_stopped_by_the_button(served, tmp_path):
    """One that awaits and one that computes: both end, and the variables are still there."""
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "stopped"
    write_notebook(
        served.notebooks / "long.ipynb",
        "let mut cups = 41;",
        'println!("awaits"); std::future::pending::<()>().await;',
        'println!("computes"); loop { cups = 41; }',
        "cups + 1",
    )
    steps = [["start", 0], ["ended", 0]]
    for index, word in ((1, "awaits"), (2, "computes")):
        steps += [["start", index], ["shows", index, word], ["interrupt"], ["ended", index]]
    *_, kept = told = act(served.lab("long.ipynb"), screenshots, *steps, ["look", "whole"], ["start", 3], ["ended", 3])
    for cell in (told[5], told[9]):
        assert "Interrupted" in cell["outputs"][-1], cell
    assert kept["outputs"] == ["42"], kept


GATHER = """\
%%timeline
use std::time::Duration;
use tokio::time::sleep;

async fn task1() {
    for word in ["1", "2", "3"] {
        println!("{word}");
        sleep(Duration::from_millis(300)).await;
    }
}

async fn task2() {
    sleep(Duration::from_millis(150)).await;
    for word in ["one", "two", "three"] {
        println!("{word}");
        sleep(Duration::from_millis(300)).await;
    }
}

println!("IN main");
tokio::join!(task1(), task2());"""

# Its task waits for the next cell, which waits for what the task prints.
LISTENER = """\
let (tell, told) = tokio::sync::oneshot::channel::<()>();
let listener = tokio::spawn(async move {
    told.await.unwrap();
    println!("printed by the first");
});"""
TELLER = """\
tell.send(()).unwrap();
listener.await?;
println!("printed by the second");"""


def test_tasks_in_jupyterlab(served, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path))
    write_notebook(
        served.notebooks / "tasks.ipynb",
        GATHER, LISTENER, TELLER, "let waiting = tokio::spawn(std::future::pending::<()>());", ":tasks",
    )  # fmt: skip
    page = run_in_browser(served.lab("tasks.ipynb"), screenshots / "tasks")
    gather, listener, teller, _, tasks = page["cells"]
    # The picture, then what is printed.
    assert len(gather["outputs"]) == 2
    assert gather["outputs"][1].split("\n")[:7] == ["IN main", "1", "one", "2", "two", "3", "three"]
    assert [output.strip() for output in listener["outputs"]] == ["printed by the first"]
    assert [output.strip() for output in teller["outputs"]] == ["printed by the second"]
    [[head, *rows]] = tasks["tables"]
    assert head[0] == "task" and "state" in head
    assert [dict(zip(head, row, strict=True))["state"] for row in rows] == ["waiting"]

    colours = set()
    for theme in ("light", "dark"):
        [[picture], *others] = page["pictures"][theme]
        assert not any(others)
        check_picture(picture, theme)
        colours.add(picture["colour"])
    assert len(colours) == 2, f"the text has the colour of the theme: {colours}"


def check_picture(picture: dict, theme: str) -> None:
    """The timeline of GATHER stands in its output, and all of it can be seen and read."""
    box, output = picture["box"], picture["output"]
    assert 600 <= box["width"] <= 800 and 120 <= box["height"] <= 250, box
    assert output["x"] <= box["x"] and box["x"] + box["width"] <= output["x"] + output["width"], (box, output)
    assert output["y"] <= box["y"] and box["y"] + box["height"] <= output["y"] + output["height"], (box, output)
    assert not picture["outside"] and not picture["clippedBy"] and not picture["overlapping"], picture
    assert contrast(picture["colour"], picture["background"]) >= 7, f"{theme}: {picture['colour']} on {picture['background']}"
    assert picture["label"].startswith("cell 1 took 1"), picture["label"]
    for name in ("cell 1", "task1", "task2"):
        assert any(text.startswith(name) for text in picture["texts"]), picture["texts"]
