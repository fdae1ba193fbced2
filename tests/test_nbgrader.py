"""The exercises with nbgrader: the course that is made from the lessons, and the points that it gives."""

import os
import shutil
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

import course as courses
import notebook as lessons
from course import Course


def lesson_with(*cells) -> nbformat.NotebookNode:
    kernelspec = {"name": "kissaten", "display_name": "Rust (Kissaten)", "language": "rust"}
    return nbformat.v4.new_notebook(metadata={"kernelspec": kernelspec}, cells=list(cells))


def exercise(name: str, points: int, stub: str, check: str, solution: str) -> list[nbformat.NotebookNode]:
    """The four cells of an exercise, as in the lessons."""
    common = {"schema_version": 3, "task": False}
    write_in = {"grade": False, "grade_id": name, "locked": False, "solution": True, **common}
    graded = {"grade": True, "grade_id": f"{name}-check", "locked": True, "points": points, "solution": False, **common}
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    folded = f"<details><summary>💡 A solution</summary>\n\n```rust\n{solution}\n```\n\n</details>"
    return [
        text(f"### ✍️ Your turn: {name}"),
        code(stub, metadata={"nbgrader": write_in}),
        code(check, metadata={"nbgrader": graded, "tags": ["raises-exception"]}),
        text(folded, metadata={"kissaten": {"solves": name}}),
    ]


ORDER = textwrap.dedent("""\
    async fn order(drink: &str) -> String {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        format!("one {drink}")
    }""")
ORDER_CHECK = 'assert_eq!(order("tea").await, "one tea", "`order` does not bring the drink that was asked for");'
WAITED = "let waited = tokio::join!(order(\"tea\"), order(\"coffee\"));"
WAITED_CHECK = textwrap.dedent("""\
    assert!(waited.0 == "one tea", "the tea is missing: there is {:?}", waited);
    // BEGIN HIDDEN TESTS
    assert!(waited.1 == "one coffee", "the coffee is missing");
    // END HIDDEN TESTS""")


def small_lesson() -> nbformat.NotebookNode:
    return lesson_with(
        nbformat.v4.new_markdown_cell("# Orders\n\n![a cup](pictures/cup.svg) and [the other lesson](other.ipynb)"),
        nbformat.v4.new_code_cell("block_on(42)", metadata={"tags": ["raises-exception"]}),
        *exercise("90-order", 2, '// ✍️ your code here\nasync fn order(_: &str) -> String {\n    "".into()\n}', ORDER_CHECK, ORDER),
        *exercise("90-both", 3, '// ✍️ your code here\nlet waited = ("", "");', WAITED_CHECK, WAITED),
    )


@pytest.fixture
def lesson(tmp_path) -> Path:
    path = tmp_path / "lessons" / "90-orders.ipynb"
    (path.parent / "pictures").mkdir(parents=True)
    (path.parent / "pictures" / "cup.svg").write_text("<svg/>")
    nbformat.write(small_lesson(), path)
    return path


@pytest.fixture
def small_course(installation, tmp_path, lesson) -> Course:
    outcome = courses.make(tmp_path / "course", lesson)
    assert outcome.returncode == 0, outcome.stderr
    return Course(installation, tmp_path / "course", lesson.stem)


# The course from the lessons.


def test_the_teachers_version(tmp_path, lesson):
    assert courses.make(tmp_path / "course", lesson).returncode == 0
    source = tmp_path / "course" / "source" / lesson.stem
    assert (tmp_path / "course" / "nbgrader_config.py").exists()
    assert (source / "pictures" / "cup.svg").exists()
    made = nbformat.read(source / lesson.name, as_version=4)
    text = "\n".join(cell.source for cell in made.cells)
    assert f"// BEGIN SOLUTION\n{ORDER}\n// END SOLUTION" in text
    assert "💡 A solution" not in text
    failing, _, order_check, _, _ = [cell for cell in made.cells if cell.cell_type == "code"]
    assert failing.metadata.tags == ["raises-exception"], "what is there to fail still is"
    assert "tags" not in order_check.metadata
    assert nbformat.read(lesson, as_version=4) == small_lesson_of(lesson), "the lesson is as it was"


def small_lesson_of(path: Path) -> nbformat.NotebookNode:
    """The small lesson with the ids that its cells have in the file."""
    lesson = small_lesson()
    for cell, saved in zip(lesson.cells, nbformat.read(path, as_version=4).cells, strict=True):
        cell.id = saved.id
    return lesson


def test_links_between_lessons_hold_in_the_course(tmp_path, lesson):
    shutil.copyfile(lesson, lesson.with_name("other.ipynb"))
    assert courses.make(tmp_path / "course", lesson, lesson.with_name("other.ipynb")).returncode == 0
    made = (tmp_path / "course" / "source" / "90-orders" / "90-orders.ipynb").read_text()
    assert "[the other lesson](../other/other.ipynb)" in made


def test_a_source_that_the_teacher_changed_is_left_alone(tmp_path, lesson):
    arguments = (tmp_path / "course", lesson)
    courses.make(*arguments)
    source = tmp_path / "course" / "source" / lesson.stem / lesson.name
    source.write_text(source.read_text().replace("# Orders", "# Our orders"))
    again = courses.make(*arguments)
    assert again.returncode == 0 and "left as it is" in again.stdout
    assert "# Our orders" in source.read_text()
    courses.make(*arguments, options=("--replace",))
    assert "# Our orders" not in source.read_text()


BROKEN = {
    "no solution": (lambda cells: cells.pop(), "`90-order` has no solution"),
    "no fence": (lambda cells: cells[-1].update(source="💡"), "0 ```rust fences"),
    "two fences": (lambda cells: cells[-1].update(source="```rust\n1\n```\n\n```rust\n2\n```"), "2 ```rust fences"),
    "two solutions": (lambda cells: cells.append(nbformat.from_dict({**cells[-1], "id": "another"})), "two solutions"),
    "no cell": (lambda cells: cells[-1].metadata.kissaten.update(solves="elsewhere"), "`90-order` has no solution"),
    "no exercise": (lambda cells: cells.clear(), "there is no exercise"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_lesson_that_breaks_the_convention_is_told_about(tmp_path, kind):
    breaking, words = BROKEN[kind]
    cells = exercise("90-order", 2, "let stub = 1;", ORDER_CHECK, ORDER)
    breaking(cells)
    path = tmp_path / "90-broken.ipynb"
    nbformat.write(lesson_with(*cells), path)
    outcome = courses.make(tmp_path / "course", path)
    assert outcome.returncode == 1
    assert words in outcome.stderr and "Traceback" not in outcome.stderr
    assert not (tmp_path / "course" / "source").exists()


def test_a_lesson_that_is_no_notebook_is_told_about(tmp_path):
    (tmp_path / "no.ipynb").write_text("{")
    for path in (tmp_path / "no.ipynb", tmp_path / "nowhere.ipynb"):
        outcome = courses.make(tmp_path / "course", path)
        assert outcome.returncode == 1
        assert "cannot be read" in outcome.stderr and "Traceback" not in outcome.stderr


# Grading.


def test_learners_get_the_lesson_without_its_solutions(small_course, lesson):
    small_course.hand_out()
    saved = nbformat.read(lesson, as_version=4)
    handed_out = nbformat.read(small_course.notebook("release"), as_version=4)
    code = [cell.source for cell in handed_out.cells if cell.cell_type == "code"]
    expected = [cell.source for cell in saved.cells if cell.cell_type == "code"]
    expected[-1] = WAITED_CHECK.split("\n")[0]
    assert code == expected, "the stubs are the lesson's own, and the hidden test is gone"
    assert (small_course.notebook("release").parent / "pictures" / "cup.svg").exists()
    whole = small_course.notebook("release").read_text()
    assert "SOLUTION" not in whole and "kissaten.stub" not in whole and '"stub"' not in whole


# What learners hand in, and how many of the five points it gets.
SUBMISSIONS = {
    "solved": ({"90-order": ORDER, "90-both": WAITED}, 5),
    "empty": ({}, 0),
    "first-only": ({"90-order": ORDER}, 2),
    "does-not-compile": ({"90-order": "async fn order(drink: &str) -> String {", "90-both": WAITED}, 0),
    # The hidden test sees it.
    "tea-only": ({"90-order": ORDER, "90-both": 'let waited = (order("tea").await, String::new());'}, 2),
    "panics": ({"90-order": ORDER, "90-both": "panic!();"}, 2),
    "crashes-after": ({"90-order": ORDER, "90-both": "std::process::abort();"}, 2),
    # Changed and deleted checks are put back.
    "cheats": ({"90-order-check": "", "90-both-check": None}, 0),
    "solved-without-checks": ({"90-order": ORDER, "90-both": WAITED, "90-order-check": None, "90-both-check": None}, 5),
    # Nothing of this is an error, and none of it may cost points: nbgrader takes stderr in a check for a failure.
    "warned": (
        {
            "90-order": "fn never_used() {}\nuse std::collections::HashMap;\n" + ORDER,
            "90-both": "let _ = order(\"a future that nobody awaits\");\n"
            "tokio::spawn(async { panic!(\"a task that nobody awaits\") });\n"
            "std::thread::sleep(std::time::Duration::from_millis(300));\n" + WAITED,
        },
        5,
    ),
}  # fmt: skip


def test_points(small_course):
    small_course.hand_out()
    for student, (answers, _) in SUBMISSIONS.items():
        small_course.submit(student, answers)
    small_course.autograde()
    assert small_course.scores() == {student: (points, 5) for student, (_, points) in SUBMISSIONS.items()}
    # Learners read why.
    small_course.nbgrader("generate_feedback", small_course.assignment)
    page = (small_course.directory / "feedback" / "empty" / lesson_name(small_course)).read_text()
    assert "`order` does not bring the drink that was asked for" in page.replace("&#96;", "`")
    # What warned did warn.
    shown = str([cell.get("outputs") for cell in small_course.graded("warned").cells])
    assert "never awaited" in shown and "stderr" not in shown


def lesson_name(course: Course) -> str:
    return f"{course.assignment}/{course.assignment}.html"


def test_what_a_check_may_show(installation, tmp_path):
    """Progress of a build, warnings and results; and the stub of a cell whose source has none of its own."""
    path = tmp_path / "91-shown.ipynb"
    crate = ':dep fnv = "1"\nassert!(fnv::FnvHashSet::<u8>::default().is_empty());\nlet unused = 1;'
    cells = exercise("91-crate", 4, "", crate, "") + exercise("91-number", 4, "", "let points = 1.5; points", "")
    cells += exercise("91-stub", 4, "", "assert_eq!(seven(), 7);", "")
    nbformat.write(lesson_with(*cells), path)
    assert courses.make(tmp_path / "course", path).returncode == 0
    course = Course(installation, tmp_path / "course", path.stem)
    source = nbformat.read(course.notebook("source"), as_version=4)
    [*_, cell] = [cell for cell in source.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    del cell.metadata["kissaten"]
    cell.source = "fn seven() -> u8 {\n    // BEGIN SOLUTION\n    7\n    // END SOLUTION\n}"
    nbformat.write(source, course.notebook("source"))
    course.hand_out()
    course.submit("someone", {})
    course.autograde()
    crate, number, failed = [cell for cell in course.graded("someone").cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert "fnv 1" in str(crate.outputs), "the crate was built"
    # nbgrader takes the number that a check shows for points; the teachers' README says so.
    assert course.scores() == {"someone": (4 + 1.5 + 0, 12)}
    [stub] = [cell.source for cell in course.graded("someone").cells if "seven" in cell.source and cell is not failed][:1]
    assert stub == "fn seven() -> u8 {\n    // ✍️ your code here\n    todo!();\n}"
    assert "not yet implemented" in failed.outputs[-1].evalue, "the stub compiles"


def test_a_cell_that_never_ends_costs_its_own_points(small_course):
    small_course.hand_out()
    for student, endless in {"awaits": "std::future::pending::<()>().await;", "loops": "loop {}"}.items():
        small_course.submit(student, {"90-order": ORDER, "90-both": endless})
    small_course.autograde("--Execute.timeout=20")
    assert small_course.scores() == {"awaits": (2, 5), "loops": (2, 5)}


def test_learners_can_validate_by_themselves(small_course):
    small_course.hand_out()
    for student, answers in {"solved": {"90-order": ORDER, "90-both": WAITED}, "empty": {}}.items():
        small_course.submit(student, answers)
    assert "Success!" in small_course.nbgrader("validate", str(small_course.notebook("submitted", "solved")))
    told = small_course.nbgrader("validate", str(small_course.notebook("submitted", "empty")))
    assert "FAILED ON 2 CELL(S)" in told and "`order` does not bring the drink" in told


def test_hand_out_and_collect_by_the_exchange(small_course, tmp_path):
    """The way of a hub, where learners and the teacher share a folder; here both are one user."""
    exchange = f"--Exchange.root={tmp_path / 'exchange'}"
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    small_course.hand_out()
    small_course.nbgrader("release_assignment", small_course.assignment, exchange)
    learner = tmp_path / "learner"
    learner.mkdir()
    words = [small_course.assignment, "--course=kissaten", exchange, f"--CourseDirectory.root={learner}"]
    small_course.nbgrader("fetch_assignment", *words, f"--Exchange.assignment_dir={learner}")
    [fetched] = learner.rglob("90-orders.ipynb")
    notebook = nbformat.read(fetched, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "90-order":
            cell.source = ORDER
    nbformat.write(notebook, fetched)
    small_course.nbgrader("submit", *words, f"--Exchange.assignment_dir={learner}")
    small_course.nbgrader("collect", small_course.assignment, exchange)
    small_course.autograde()
    assert list(small_course.scores().values()) == [(2, 5)]


# The lessons themselves.

LESSONS = [path for path in lessons.NOTEBOOKS if any(lessons.exercises(lessons.read(path)))]


def test_there_are_lessons_with_exercises():
    assert len(LESSONS) >= 9


def points_of(path: Path) -> dict[str, float]:
    exercises = list(lessons.exercises(lessons.read(path)))
    points = {each.grade_id: sum(check.metadata.nbgrader.points for check in each.checks) for each in exercises}
    assert all(points.values()), f"exercises without points: {points}"
    return points


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in lessons.code_cells(notebook)]


def test_all_lessons_become_a_course(installation, tmp_path):
    """That a lesson with its solutions passes its checks, and fails them without, `test_notebooks.py` sees."""
    assert courses.make(tmp_path / "course", *LESSONS).returncode == 0
    outcome = courses.run(courses.hand_out_all, ["nbgrader"], tmp_path / "course", dict(os.environ))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    for path in LESSONS:
        course = Course(installation, tmp_path / "course", path.stem)
        lesson = lessons.read(path)
        assert code_of(lessons.read(course.notebook("release"))) == code_of(lesson), "learners get the lesson's own stubs and checks"
        wanted = code_of(lessons.solved(lesson))
        taught = [code.removeprefix("// BEGIN SOLUTION\n").removesuffix("\n// END SOLUTION") for code in code_of(lessons.read(course.notebook("source")))]
        assert taught == wanted, "the teacher's version is the lesson with its solutions"
    assert course.most_points() == {path.stem: sum(points_of(path).values()) for path in LESSONS}


def test_a_lesson_gives_the_points_of_what_is_solved(installation, tmp_path):
    """Of one lesson, as grading is nbgrader's: nothing solved gets no points, the first exercise alone its own, all solved all."""
    path = next(path for path in LESSONS if len(points_of(path)) > 1)
    points = points_of(path)
    solved = {each.grade_id: each.solution for each in lessons.exercises(lessons.read(path))}
    first = next(iter(points))
    assert courses.make(tmp_path / "course", path).returncode == 0
    course = Course(installation, tmp_path / "course", path.stem)
    course.hand_out()
    total = sum(points.values())
    submissions = {"empty": ({}, 0), "first-only": ({first: solved[first]}, points[first]), "solved": (solved, total)}

    def score(student: str) -> tuple[float, float]:
        own = course.apart(tmp_path / student)
        own.submit(student, submissions[student][0])
        own.autograde()
        return own.scores()[student]

    # Lessons mostly sleep, so they are graded side by side.
    with ThreadPoolExecutor() as threads:
        scores = dict(zip(submissions, threads.map(score, submissions), strict=True))
    assert scores == {student: (expected, total) for student, (_, expected) in submissions.items()}
