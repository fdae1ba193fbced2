"""The Colab notebook with Python and Rust side by side, run in a Python kernel from top to bottom."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

import notebook as notebooks
from kernel import HANG

PATH = notebooks.FOLDER / "colab" / "python-and-rust.ipynb"
EXTENSION = Path(__file__).parent.parent / "kernel" / "python"


@pytest.fixture(scope="module")
def run(installation, tmp_path_factory, pytestconfig) -> nbformat.NotebookNode:
    """The notebook after a run; what pip and rustup do in Colab is done here already."""
    directory = tmp_path_factory.mktemp("side-by-side")
    saved = notebooks.read(PATH)
    now = copy.deepcopy(saved)
    for cell in notebooks.code_cells(now):
        cell.outputs, cell.execution_count = [], None
    [set_up] = [cell for cell in now.cells if cell.id == "set-up"]
    source = set_up.source
    set_up.source = "%load_ext kissaten"
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager())
    environment = {
        **installation.environment,
        "PYTHONPATH": str(EXTENSION),
        "JUPYTER_PATH": str(installation.prefix / "share" / "jupyter"),
        "IPYTHONDIR": str(directory / "ipython"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
    }
    client = NotebookClient(
        now, km=manager, timeout=HANG, record_timing=False, coalesce_streams=True, resources={"metadata": {"path": str(directory)}}
    )
    client.execute(env=environment)
    set_up.source = source
    if pytestconfig.getoption("--bless"):
        notebooks.write(now, PATH)
    return now


def test_it_runs_as_it_was_saved(run):
    saved = notebooks.code_cells(notebooks.read(PATH))
    differences = [
        f"{was.id}: {difference}"
        for was, now in zip(saved, notebooks.code_cells(run), strict=True)
        if (difference := notebooks.difference(was, now))
    ]
    assert not differences, "\n\n".join(differences)


def errors(notebook: nbformat.NotebookNode) -> list[tuple[str, str, str]]:
    cells = notebooks.code_cells(notebook)
    return [(cell.id, output.ename, output.evalue) for cell in cells for output in cell.outputs if output.output_type == "error"]


def test_what_fails_says_why(run):
    """Python's traceback is another one with each of its versions and places; what it says at its end is not."""
    assert errors(run) == errors(notebooks.read(PATH)) != []


def printed(cell: nbformat.NotebookNode) -> list[str]:
    return "".join(output["text"] for output in cell.outputs if output["output_type"] == "stream").splitlines()


def test_both_languages_print_the_same(run):
    """Where the order of lines is nobody's promise in Rust, the lines are the same."""
    cells = {cell.id: cell for cell in run.cells}
    pairs = [(cell, cells[f"{name[:-3]}-rs"]) for name, cell in cells.items() if name.endswith("-py") and f"{name[:-3]}-rs" in cells]
    assert len(pairs) > 12
    for python, rust in pairs:
        if notebooks.RAISES in notebooks.tags(python) or python.id.startswith(("outlive", "data")):
            continue
        assert rust.source.startswith("%%rust")
        was, now = printed(python), printed(rust)
        if notebooks.ANY_ORDER in notebooks.tags(rust):
            was, now = sorted(was), sorted(now)
        assert was == now, python.id


def test_no_address_is_left_to_fill_in():
    assert "OWNER" not in PATH.read_text()
