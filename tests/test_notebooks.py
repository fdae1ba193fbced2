"""Every notebook runs from top to bottom, and answers what it was saved with."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import run_sync
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from kernel import HANG, MARK, marked_processes, still_running
from transcript import plain

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))

# The tag of a cell whose tasks print in an order that differs from run to run.
ANY_ORDER = "any-order"


def texts(outputs) -> dict[str, str]:
    """The text that a cell shows, by where it shows it; times in it differ from run to run."""
    shown: dict[str, str] = {}
    for output in outputs:
        match output["output_type"]:
            case "stream":
                kind, text = output["name"], output["text"]
            case "error":
                kind, text = "error", "\n".join([output["ename"], output["evalue"], *output["traceback"]])
            case kind:
                text = output["data"].get("text/plain", "")
        shown[kind] = shown.get(kind, "") + re.sub(r"\d+(\.\d+)?(ms|µs|s)\b", "<time>", plain(text))
    return shown


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_as_it_was_saved(installation, tmp_path, path):
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert saved.metadata.kernelspec == {"name": "kissaten", "display_name": "Rust (Kissaten)", "language": "rust"}
    manager = AsyncKernelManager(
        kernel_name="kissaten", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(installation.kernels)])
    )
    run = nbformat.from_dict(json.loads(json.dumps(saved)))
    for cell in run.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**installation.environment, "TMPDIR": str(temporary), MARK: str(tmp_path)}
    client = NotebookClient(run, km=manager, timeout=HANG, resources={"metadata": {"path": str(tmp_path)}})
    try:
        client.execute(env=environment)
    finally:
        # The client leaves a manager that it was given alone.
        run_sync(manager.shutdown_kernel)()
    for was, now in zip(saved.cells, run.cells, strict=True):
        if was.cell_type == "code":
            shown, expected = texts(now.outputs), texts(was.outputs)
            if ANY_ORDER in was.metadata.get("tags", []):
                shown, expected = ({kind: sorted(text.splitlines()) for kind, text in each.items()} for each in (shown, expected))
            assert shown == expected, was.source
            assert now.execution_count == was.execution_count, was.source
    assert not still_running(marked_processes(str(tmp_path)), 10)
    assert not list(temporary.iterdir())
