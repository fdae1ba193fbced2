"""A notebook as a file and as a run: who runs it, what a run must have in common with the saved outputs, its exercises.

Tags say of a code cell what cannot be seen in its saved outputs:

* `raises-exception`: it is there to fail. Jupyter knows this tag: running all cells goes on behind it.
* `any-order`: its tasks run at the same time, so the order of its lines is another one in every run.
* `varies`: its lines are others in every run (numbers of threads and processes, measured work). That it runs is what
  counts, and that it shows something.

Elsewhere a cell shows what it was saved with, letter by letter. Times are compared generously: a laden machine may
take longer. What a claim about time is worth has to be checked by a cell of the notebook itself.

An exercise is four cells: the task, the cell to write in, the check, and a folded solution whose metadata says which
cell to write in it is for.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from kernel import HANG, MARK, Installation
from reader import Reader
from transcript import plain

RAISES, ANY_ORDER, VARIES = TAGS = ("raises-exception", "any-order", "varies")

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

_TIME = re.compile(r"\b(\d+(?:\.\d+)?)\s?(ns|µs|ms|s)\b")
# What `:dep` says when it took so long that it was shown.
_BUILT = re.compile(r"(is|are) ready: \d+ crates? compiled")
# What a timeline says of the time that waiting side by side has saved; nothing, where processors were competed for.
_COMPARISON = re.compile(r"; one after another it would have been .*")
# A hint that a laden machine brings forth where a task was kept from its processor.
_LADEN = re.compile(r"^hint: a task .* ran for .* without an `\.await`", re.MULTILINE)
_SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    nbformat.write(notebook, path)


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def failed(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.outputs)


def run(
    installation: Installation, directory: Path, *notebooks: nbformat.NotebookNode, environments: list[dict[str, str]] | None = None
) -> list[nbformat.NotebookNode]:
    """Copies of the notebooks as they are after a run from top to bottom, all of them at the same time.

    Each has a kernel and an empty folder of its own, and of `environments` what its kernel has beside the others'. A
    cell that fails ends the run only where its tag does not allow it.
    """
    environments = environments or [{}] * len(notebooks)

    async def all_of_them() -> list[nbformat.NotebookNode | BaseException]:
        own = zip(notebooks, environments, strict=True)
        runs = (_run(installation, directory / f"run{n}", notebook, more) for n, (notebook, more) in enumerate(own))
        # Where one fails, the others still end by themselves, and their kernels with them.
        return await asyncio.gather(*runs, return_exceptions=True)

    outcomes = asyncio.run(all_of_them())
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


async def _run(
    installation: Installation, directory: Path, notebook: nbformat.NotebookNode, more: dict[str, str]
) -> nbformat.NotebookNode:
    notebook = copy.deepcopy(notebook)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    temporary = directory / "tmp"
    temporary.mkdir(parents=True)
    manager = AsyncKernelManager(
        kernel_name="kissaten", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(installation.kernels)])
    )
    client = Reader(
        notebook, km=manager, timeout=HANG, record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(directory)}},
    )  # fmt: skip
    try:
        await client.async_execute(env={**installation.environment, "TMPDIR": str(temporary), MARK: str(directory.parent), **more})
    finally:
        # The client leaves a manager that it was given alone.
        await manager.shutdown_kernel()
    return notebook


@dataclass
class Exercise:
    """The cells of one exercise, and the code that is folded away in it."""

    notebook: nbformat.NotebookNode
    task: nbformat.NotebookNode
    stub: nbformat.NotebookNode
    checks: list[nbformat.NotebookNode]
    folded: nbformat.NotebookNode

    @property
    def grade_id(self) -> str:
        return self.stub.metadata.nbgrader.grade_id

    @property
    def solution(self) -> str:
        [fence] = re.findall(r"^```rust\n(.*?)\n```$", self.folded.source, re.DOTALL | re.MULTILINE)
        return fence


def exercises(notebook: nbformat.NotebookNode) -> Iterator[Exercise]:
    """The exercises of a notebook, whose cells have to stand together and in order."""
    cells = notebook.cells
    for index, stub in enumerate(cells):
        graded = stub.metadata.get("nbgrader", {})
        if not graded.get("solution"):
            continue
        end = index + 1
        while cells[end].metadata.get("nbgrader", {}).get("grade"):
            end += 1
        yield Exercise(notebook, cells[index - 1], stub, cells[index + 1 : end], cells[end])


def solved(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of the notebook in which every exercise has its solution."""
    notebook = copy.deepcopy(notebook)
    for exercise in exercises(notebook):
        exercise.stub.source = exercise.solution
    return notebook


def difference(saved: nbformat.NotebookNode, now: nbformat.NotebookNode) -> str | None:
    """In what a cell's run differs from its saved outputs more than its tags allow, or nothing."""
    was, shown = _texts(saved.outputs), _texts(now.outputs)
    if VARIES in tags(saved):
        return None if bool(was) == bool(shown) else f"it was saved with {sorted(was)} and shows {sorted(shown)}"
    if was.keys() != shown.keys():
        return f"it was saved with {sorted(was)} and shows {sorted(shown)}"
    for kind in was:
        expected, got = _comparable(was[kind]), _comparable(shown[kind])
        if ANY_ORDER in tags(saved):
            expected, got = sorted(expected), sorted(got)
        if expected != got:
            return f"{kind} was saved as\n{was[kind]}\nand is\n{shown[kind]}"
    # Lines in another order have their times in another order, and a picture has a time at each of its lanes.
    if ANY_ORDER not in tags(saved):
        for kind in was.keys() - {"display_data"}:
            for before, after in zip(_times(was[kind]), _times(shown[kind]), strict=True):
                if not before / 3 - 1 <= after <= before * 3 + 10:
                    return f"{kind}: {before:.3f} s became {after:.3f} s\n{shown[kind]}"
    return None


def _texts(outputs: list[Any]) -> dict[str, str]:
    """The text that a cell shows, without colours, by where it shows it."""
    shown: dict[str, str] = {}
    for output in outputs:
        match output["output_type"]:
            case "stream":
                kind, text = output["name"], output["text"]
            case "error":
                kind, text = "error", "\n".join([output["ename"], output["evalue"], *output["traceback"]])
            case kind:
                if _BUILT.search(output["data"].get("text/plain", "")):
                    continue
                text = "\n".join([*sorted(output["data"]), output["data"].get("text/plain", "")])
        if _LADEN.search(text):
            continue
        shown[kind] = shown.get(kind, "") + plain(text) + "\n" * (kind == "display_data")
    return shown


def _times(text: str) -> list[float]:
    return [float(number) * _SECONDS[unit] for number, unit in _TIME.findall(_COMPARISON.sub("", text))]


def _comparable(text: str) -> list[str]:
    """The lines without times and without what follows from them: the bars of a timeline and its comparison."""
    text = re.sub(r"[█▒░][█▒░ ]*", "<bar> ", _TIME.sub("<time>", _COMPARISON.sub("", text)))
    # A lane that begins at once begins at 0, without a unit.
    return [re.sub(r"\s+", " ", line).replace("0–<time>", "<time>–<time>") for line in text.splitlines()]
