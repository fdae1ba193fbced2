"""Every notebook runs from top to bottom and answers what it was saved with; its exercises can be solved; its links lead somewhere.

`--bless` writes the outputs of the run into the notebooks. Look at the difference before you keep it.
"""

import re
from collections import Counter
from urllib.parse import unquote

import nbformat
import pytest

from kernel import MARK, marked_processes, still_running
from notebook import FOLDER, NOTEBOOKS, RAISES, TAGS, code_cells, difference, exercises, failed, read, run, solved, tags, write

KERNELSPEC = {"name": "kissaten", "display_name": "Rust (Kissaten)", "language": "rust"}

# The start page, from which all others are reached.
MAP = "00-start-here.ipynb"


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_as_it_was_saved(installation, tmp_path, pytestconfig, path):
    saved = read(path)
    # Lessons are mostly sleep, so the one with its solutions runs beside it.
    both = [saved, solved(saved)] if any(exercises(saved)) else [saved]
    if pytestconfig.getoption("--bless"):
        # What is saved are the figures of a run that nothing disturbed.
        [now], *with_solutions = (run(installation, tmp_path / str(n), each) for n, each in enumerate(both))
        with_solutions = [each for run_ in with_solutions for each in run_]
    else:
        now, *with_solutions = run(installation, tmp_path, *both)
    if pytestconfig.getoption("--bless"):
        for was, cell in zip(saved.cells, now.cells, strict=True):
            if was.cell_type == "code":
                was.outputs, was.execution_count = cell.outputs, cell.execution_count
        saved.metadata.language_info = now.metadata.language_info
        # Of widgets the page draws what was saved, until the cells are run.
        if "widgets" in now.metadata:
            saved.metadata.widgets = now.metadata.widgets
        write(saved, path)
    for was, cell in zip(code_cells(saved), code_cells(now), strict=True):
        assert failed(cell) == (RAISES in tags(cell)), f"{cell.id}: {cell.outputs}"
        assert not (found := difference(was, cell)), f"{cell.id}:\n{cell.source}\n{found}"
        assert cell.execution_count == was.execution_count, cell.id
    assert saved.metadata.language_info == now.metadata.language_info
    for solution in with_solutions:
        for exercise in exercises(solution):
            for cell in [exercise.stub, *exercise.checks]:
                assert not failed(cell), f"{exercise.grade_id} with its solution: {cell.outputs}"
    assert not still_running(marked_processes(str(tmp_path)), 10)
    assert not [left for directory in tmp_path.glob("run*/tmp") for left in directory.iterdir()]


def stream(text, *named):
    return nbformat.v4.new_code_cell(metadata={"tags": list(named)}, outputs=[nbformat.v4.new_output("stream", text=text)])


@pytest.mark.parametrize(
    "was, now",
    [
        ("3 cups after 2.0s\n", "3 cups after 2.4s\n"),
        ("took 2.0 s\n", "took 2012 ms\n"),
        ("├─ brew  line 7  ▒░░░▒   397 µs–2.0 s  finished\n", "├─ brew  line 7  ▒░▒░░▒  1.2 ms–2.1 s  finished\n"),
        ("took 2.0 s; one after another it would have been 3.1 s (1.6 × as long)\n", "took 2.0 s\n"),
        ("took 2.0 s; one after another it would have been as long\n", "took 2.1 s; one after another it would have been 2.3 s (1.1 × as long)\n"),
    ],
)
def test_what_differs_from_run_to_run_is_let_pass(was, now):
    assert difference(stream(was), stream(now)) is None


@pytest.mark.parametrize(
    "was, now",
    [
        ("3 cups\n", "4 cups\n"),
        ("1\n2\n", "2\n1\n"),
        ("took 2.0 s\n", "took 19.0 s\n"),
        ("took 9.0 s\n", "took 1.0 s\n"),
        ("└─ brew  ▒░░▒  0–2.0 s  finished\n", "└─ brew  ▒░░▒  0–2.0 s  panicked\n"),
    ],
)
def test_what_must_be_the_same_is_compared(was, now):
    assert difference(stream(was), stream(now))


def test_tags_let_the_order_or_the_lines_differ():
    assert difference(stream("1\n2\n", "any-order"), stream("2\n1\n")) is None
    assert difference(stream("1\n2\n", "any-order"), stream("2\n3\n"))
    assert difference(stream("thread 4\n", "varies"), stream("thread 7\n")) is None
    assert difference(stream("thread 4\n", "varies"), nbformat.v4.new_code_cell())


def test_a_hint_about_a_busy_machine_is_let_pass():
    hint = nbformat.v4.new_output("display_data", {"text/plain": "hint: a task (cell 1) ran for 168 ms without an `.await`, …"})
    other = nbformat.v4.new_output("display_data", {"text/plain": "hint: `cup` is a future that was never awaited"})
    assert difference(nbformat.v4.new_code_cell(), nbformat.v4.new_code_cell(outputs=[hint])) is None
    assert difference(nbformat.v4.new_code_cell(), nbformat.v4.new_code_cell(outputs=[other]))


def test_the_mark_finds_what_a_notebook_leaves_behind(installation, tmp_path):
    """The test above would fail if a notebook left a process behind."""
    cell = nbformat.v4.new_code_cell('std::process::Command::new("setsid").args(["sleep", "1000"]).spawn()?;')
    run(installation, tmp_path, nbformat.v4.new_notebook(cells=[cell]))
    left = marked_processes(str(tmp_path))
    for process in left:
        process.kill()
    assert [process.name() for process in left] == ["sleep"]
    assert installation.environment.get(MARK) != str(tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_well_formed(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec == KERNELSPEC
    ids = [cell.id for cell in notebook.cells]
    assert not [each for each, count in Counter(ids).items() if count > 1]
    assert not [each for each in ids if re.fullmatch(r"[0-9a-f]{8,}(-[0-9a-f]+)*", each)], "an id says what the cell is for"
    for cell in notebook.cells:
        assert set(tags(cell)) <= set(TAGS), cell.id
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "it was saved after a run from top to bottom; `--bless` does that"
    for cell in code_cells(notebook):
        assert failed(cell) == (RAISES in tags(cell)), cell.id
        assert not re.search(r"(?<![\w.~])/(tmp|home|root|work|Users|mnt)/", str(cell.outputs)), f"{cell.id}: a path of this machine"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exercises_have_all_their_cells(path):
    """As nbgrader reads them: a cell to write in, locked checks with points, and the solution folded away."""
    notebook = read(path)
    found = list(exercises(notebook))
    for exercise in found:
        grade_id = exercise.grade_id
        assert grade_id.startswith(f"{path.stem.split('-')[0]}-"), grade_id
        stub = {"grade": False, "grade_id": grade_id, "locked": False, "schema_version": 3, "solution": True, "task": False}
        assert exercise.stub.metadata.nbgrader == stub
        assert exercise.task.cell_type == "markdown" and re.search(r"^### ✍️ Your turn.*: ", exercise.task.source, re.MULTILINE), grade_id
        assert "✍️ your code here" in exercise.stub.source and RAISES not in tags(exercise.stub), grade_id
        assert exercise.checks, grade_id
        for check in exercise.checks:
            points = check.metadata.nbgrader.points
            assert points > 0
            assert re.fullmatch(re.escape(grade_id) + r"-check\w*", check.metadata.nbgrader.grade_id)
            assert {**check.metadata.nbgrader, "grade_id": grade_id, "points": 0} == {
                **stub, "grade": True, "locked": True, "solution": False, "points": 0,
            }  # fmt: skip
            assert tags(check) == [RAISES], "the saved notebook is not solved"
            [error] = [output for output in check.outputs if output.output_type == "error"]
            assert "❌" in error.evalue, f"{grade_id}: says in the learner's words what is wrong"
        assert exercise.folded.metadata.kissaten == {"solves": grade_id}
        assert exercise.folded.source.startswith("<details><summary>💡 A solution</summary>\n\n"), grade_id
        assert exercise.folded.source.endswith("\n\n</details>"), grade_id
        assert exercise.solution.strip() != exercise.stub.source.strip()
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len(graded) == sum(1 + len(exercise.checks) for exercise in found), "no cell is graded that belongs to no exercise"


def test_grade_ids_are_unique():
    ids = [cell.metadata.nbgrader.grade_id for path in NOTEBOOKS for cell in read(path).cells if "nbgrader" in cell.metadata]
    assert not [each for each, count in Counter(ids).items() if count > 1]


def links(path) -> list[str]:
    """The targets of a notebook's links and pictures."""
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    prose = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    return re.findall(r"\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)", prose) + re.findall(r"(?:href|src)=\"([^\"]+)\"", prose)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    for target in links(path):
        if not re.match(r"https?://|#", target):
            assert (path.parent / unquote(target.partition("#")[0])).exists(), target


def test_the_map_has_every_lesson_in_order():
    lessons = [path.name for path in NOTEBOOKS if path.name != MAP]
    first = dict.fromkeys(target for target in links(FOLDER / MAP) if target.endswith(".ipynb") and "/" not in target)
    assert list(first) == lessons
