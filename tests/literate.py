"""Literate cells: Markdown in which a `rust` fence is a cell and a `transcript` fence what it must answer.

All cells of a file run in one kernel, in order, and each is a test of its own. The transcript is written in the
language of `transcript.py`, without the lines that every cell has; a cell without one has to succeed and show nothing.
`rust cell=a` gives the cell an id as JupyterLab does, so that it can be run again.

Then all run again in a second kernel, which finds in the cache what the first one's rustc has answered: nobody can tell,
and it calls rustc not once.

`pytest --bless` writes what the kernel answered into the files, for the cells whose transcript does not match. Read
the difference before you keep it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

import transcript
from cell import Cell
from kernel import Installation, Kernel, running

_FENCE = re.compile(r"^```(\w+)(?: (.*))?$")


@dataclass
class Example:
    """A cell and its expected transcript, with the lines of the file in which they stand, counted from 0."""

    title: str
    code: str
    cell_id: str | None
    expected: list[str]
    # Where the transcript's lines stand; where there is none, both are the line after the cell.
    start: int
    end: int
    has_transcript: bool
    line: int


def examples(text: str) -> list[Example]:
    found: list[Example] = []
    title = ""
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        if lines[index].startswith("#"):
            title = lines[index].lstrip("# ")
        fence = _FENCE.match(lines[index])
        index += 1
        if not fence:
            continue
        start = index
        while lines[index] != "```":
            index += 1
        body = lines[start:index]
        index += 1
        match fence[1]:
            case "rust":
                options = dict(option.split("=", 1) for option in (fence[2] or "").split())
                example = Example(title, "\n".join(body), options.pop("cell", None), [], index, index, False, start)
                assert not options, f"line {start}: unknown options {options}"
                found.append(example)
            case "transcript":
                example = found[-1]
                assert not example.has_transcript, f"line {start}: a second transcript for one cell"
                example.expected, example.start, example.end = body, start, start + len(body)
                example.has_transcript = True
            case other:
                raise ValueError(f"line {start}: a fence of the kind `{other}`")
    return found


class CellsFile(pytest.File):
    """A file of literate cells, with the kernel that runs them."""

    def collect(self) -> Iterator[pytest.Item]:
        self.runs = [Run(self, 1), Run(self, 2)]
        self.examples = examples(self.path.read_text())
        for run in self.runs:
            again = "-again" if run.number > 1 else ""
            for index, example in enumerate(self.examples):
                name = re.sub(r"\W+", "-", example.title).strip("-").lower()
                yield ExampleItem.from_parent(self, name=f"{index + 1:02}-{name}{again}", index=index, run=run)
        yield RememberedItem.from_parent(self, name="all-again-without-rustc")

    def setup(self) -> None:
        self._stack = ExitStack()
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="kissaten-cells-")))
        # Of both kernels it is the same, as code asks for it.
        self._kernel = self._stack.enter_context(ExitStack())

    def teardown(self) -> None:
        if stack := getattr(self, "_stack", None):
            stack.close()
        if self.config.getoption("--bless"):
            self._bless()

    def start(self) -> Kernel:
        installation: Installation = self.config.stash[INSTALLATION]
        self._kernel.close()
        shutil.rmtree(self.directory / "kernel", ignore_errors=True)
        return self._kernel.enter_context(running(installation, self.directory / "kernel"))

    def _bless(self) -> None:
        lines = self.path.read_text().splitlines()
        for index, example in reversed(list(enumerate(self.examples))):
            answers = self.runs[0].answers
            if index not in answers or not (difference := mismatch(example, answers[index])):
                continue
            lines[example.start : example.end] = (
                difference if example.has_transcript else ["```transcript", *difference, "```"]
            )
        self.path.write_text("\n".join(lines) + "\n")


class Run:
    """All cells of a file, once, in a kernel of their own."""

    def __init__(self, file: CellsFile, number: int) -> None:
        self.file = file
        self.number = number
        self.answers: dict[int, Cell] = {}

    @cached_property
    def kernel(self) -> Kernel:
        return self.file.start()

    def answer(self, index: int) -> Cell:
        """Runs the example, after those before it that did not run because they were not selected."""
        for earlier in range(index + 1):
            if earlier not in self.answers:
                example = self.file.examples[earlier]
                self.answers[earlier] = self.kernel.run(example.code, cell_id=example.cell_id)
        return self.answers[index]


class RememberedItem(pytest.Item):
    """The second kernel has not called rustc for what the first one has."""

    parent: CellsFile

    def runtest(self) -> None:
        first, again = self.parent.runs
        everything = range(len(self.parent.examples))
        if not all(index in run.answers for run in self.parent.runs for index in everything):
            pytest.skip("not all cells were selected")
        shown = [message for message in again.kernel.run(":cache").iopub if message["msg_type"] == "display_data"]
        said = shown[0]["content"]["data"]["text/plain"]
        counted = re.search(r"In this session (\d+) needed no rustc, and (\d+) did\.", said)
        assert counted, said
        assert int(counted[2]) == 0 and int(counted[1]) >= 1, f"{said}\n{again.kernel.log}"

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"


class ExampleItem(pytest.Item):
    parent: CellsFile

    def __init__(self, *, index: int, run: Run, **rest) -> None:
        super().__init__(**rest)
        self.index = index
        self.run = run

    def runtest(self) -> None:
        example = self.parent.examples[self.index]
        got = mismatch(example, self.run.answer(self.index))
        if got is not None:
            raise Mismatch(example, got)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style=None):
        if isinstance(excinfo.value, Mismatch):
            example, got = excinfo.value.args
            sections = {"cell": example.code.split("\n"), "expected": example.expected, "got": got}
            where = f"{self.path}:{example.line + 1}"
            return "\n".join([where, *(f"--- {name}\n" + "\n".join(text) for name, text in sections.items())])
        # What pytest did before it came here is of no interest.
        excinfo.traceback = excinfo.traceback.cut(path=__file__)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self.parent.examples[self.index].line, f"{self.path.stem}: {self.name}"


class Mismatch(Exception):
    """The kernel answered otherwise than the file says."""


def mismatch(example: Example, cell: Cell) -> list[str] | None:
    """What the cell answered, as the file would say it, or nothing if the file says it already."""
    got = [line for line in cell.transcript if not transcript.is_frame(line)]
    if transcript.matches(example.expected, got, cell.count):
        return None
    return transcript.generalised(got, cell.count)


INSTALLATION = pytest.StashKey[Installation]()
