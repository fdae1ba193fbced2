"""An nbgrader course as a teacher runs it: every step is a command of nbgrader's, with the kernel under test.

It knows nothing of what the lessons teach; grading is all nbgrader's.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from kernel import HANG, MARK, Installation, marked_processes, still_running

MAKE = Path(__file__).parent.parent / "notebooks" / "nbgrader" / "make_course.py"


# A process that has read nbgrader's code forks one for each command: to read it takes longer than most commands do.
READY = multiprocessing.get_context("forkserver")
READY.set_forkserver_preload(["nbgrader.apps.nbgraderapp", "nbgrader.apps.autogradeapp", "nbgrader.apps.generateassignmentapp"])


def nbgrader() -> None:
    from nbgrader.apps import nbgraderapp

    nbgraderapp.main()


def hand_out_all() -> None:
    """What `nbgrader generate_assignment` does, for all assignments of the course in the working directory."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.apps.nbgraderapp import NbGraderApp

    app = NbGraderApp()
    app.initialize([])
    api = NbGraderAPI(config=app.config)
    for assignment in sorted(api.get_source_assignments()):
        outcome = api.generate_assignment(assignment)
        if not outcome["success"]:
            sys.exit(outcome["log"] + outcome.get("error", ""))


def make_course() -> None:
    runpy.run_path(str(MAKE), run_name="__main__")


def work(command: Callable[[], None], words: list[str], folder: Path, environment: dict[str, str], said: Path) -> None:
    """What such a process does: as if it had been started by these words, in this folder, with this environment."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, "stdout"), (2, "stderr")):
        with (said / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    sys.argv = words
    try:
        command()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def run(command: Callable[[], None], words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Runs a program of Python's in a process of its own; its output as text."""
    with tempfile.TemporaryDirectory() as said:
        process = READY.Process(target=work, args=(command, words, folder, environment, Path(said)))
        process.start()
        process.join(3 * HANG)
        is_hung = process.is_alive()
        if is_hung:
            process.kill()
            process.join()
        stdout, stderr = (path.read_text() if (path := Path(said, name)).exists() else "" for name in ("stdout", "stderr"))
        assert not is_hung, f"{words} does not end\n{stdout}{stderr}"
        return subprocess.CompletedProcess(words, process.exitcode, stdout, stderr)


def make(course: Path, *lessons: Path, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """Runs `make_course.py`."""
    return run(make_course, [str(MAKE), *map(str, (course, *lessons)), *options], Path.cwd(), dict(os.environ))


class Course:
    """A course with one assignment, in a folder of its own, as Jupyter's paths are."""

    def __init__(self, installation: Installation, directory: Path, assignment: str) -> None:
        self.directory = directory
        self.assignment = assignment
        self.environment = {
            **installation.environment,
            **{f"JUPYTER_{name}_DIR": str(directory / ".jupyter" / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
            "JUPYTER_PATH": str(installation.prefix / "share" / "jupyter"),
            MARK: str(directory),
        }

    def notebook(self, step: str, student: str = ".") -> Path:
        return self.directory / step / student / self.assignment / f"{self.assignment}.ipynb"

    def nbgrader(self, *words: str) -> str:
        """One command; what it wrote. A command that leaves a kernel behind is a failure."""
        outcome = run(nbgrader, ["nbgrader", *words], self.directory, self.environment)
        assert outcome.returncode == 0, f"nbgrader {' '.join(words)}\n{outcome.stdout}{outcome.stderr}"
        assert not still_running(marked_processes(str(self.directory)), 10)
        return outcome.stdout + outcome.stderr

    def hand_out(self) -> None:
        self.nbgrader("generate_assignment", self.assignment)

    def most_points(self) -> dict[str, float]:
        """Of each assignment that was handed out: how many points there are."""
        with Gradebook(f"sqlite:///{self.directory}/gradebook.db", "kissaten") as gradebook:
            return {each.name: each.max_score for each in gradebook.assignments}

    def submit(self, student: str, answers: dict[str, str | None]) -> None:
        """A submission: the handed-out lesson with these answers; `None` means that the cell was deleted."""
        notebook = nbformat.read(self.notebook("release"), as_version=4)
        left = dict(answers)
        for cell in list(notebook.cells):
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id in left:
                answer = left.pop(grade_id)
                if answer is None:
                    notebook.cells.remove(cell)
                else:
                    cell.source = answer
        assert not left, f"no such cells: {left}"
        path = self.notebook("submitted", student)
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)

    def autograde(self, *options: str) -> str:
        return self.nbgrader("autograde", self.assignment, *options)

    def graded(self, student: str) -> nbformat.NotebookNode:
        return nbformat.read(self.notebook("autograded", student), as_version=4)

    def scores(self) -> dict[str, tuple[float, float]]:
        """Of each student that was graded: the points, and how many there are."""
        with Gradebook(f"sqlite:///{self.directory}/gradebook.db", "kissaten") as gradebook:
            submissions = gradebook.assignment_submissions(self.assignment)
            return {each.student.id: (each.score, each.max_score) for each in submissions}

    def apart(self, directory: Path) -> Course:
        """A copy of what there is so far, so that submissions can be graded at the same time."""
        shutil.copytree(self.directory, directory)
        copy = object.__new__(Course)
        copy.directory, copy.assignment = directory, self.assignment
        copy.environment = {
            name: value.replace(str(self.directory), str(directory)) for name, value in self.environment.items()
        }
        return copy

