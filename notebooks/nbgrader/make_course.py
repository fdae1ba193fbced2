#!/usr/bin/env python3
"""Makes an nbgrader course from the lessons: `python make_course.py COURSE [LESSON.ipynb …]`.

A lesson is made for a learner who is alone with it: it has a stub to write in, a check that fails until that is done,
and a folded solution. nbgrader wants a teacher's version instead: the solution in the cell, between delimiters. This
makes the one from the other; the lessons themselves are not changed, and nothing is run.

In COURSE it writes `nbgrader_config.py`, if there is none yet, and for each lesson with exercises
`source/<lesson>/<lesson>.ipynb` with the pictures that it shows. A source that is there already is left alone, as
the teacher may have changed it; `--replace` writes it anew.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
LESSONS = HERE.parent

BEGIN, END = "// BEGIN SOLUTION", "// END SOLUTION"


class LessonError(Exception):
    """A lesson does not keep to the convention of the exercises."""


def nbgrader(cell, key):
    """What nbgrader's metadata says of a cell; `None` where it says nothing."""
    return cell.metadata.get("nbgrader", {}).get(key)


def has_exercises(notebook):
    return any(nbgrader(cell, "solution") for cell in notebook.cells)


def solutions(notebook):
    """The code of the folded solutions, by the `grade_id` of the cell that each is for."""
    found = {}
    for cell in notebook.cells:
        grade_id = cell.metadata.get("kissaten", {}).get("solves")
        if grade_id is None:
            continue
        fences = re.findall(r"^```rust\n(.*?)\n```$", cell.source, re.DOTALL | re.MULTILINE)
        if len(fences) != 1:
            raise LessonError(f"the solution of `{grade_id}` has {len(fences)} ```rust fences instead of one")
        if grade_id in found:
            raise LessonError(f"`{grade_id}` has two solutions")
        found[grade_id] = fences[0]
    return found


def teachers(notebook):
    """The teacher's version of a lesson, as a new notebook."""
    solved = solutions(notebook)
    made = nbformat.from_dict(notebook)
    made.cells = []
    for original in notebook.cells:
        if "solves" in original.metadata.get("kissaten", {}):
            continue
        cell = nbformat.from_dict(original)
        grade_id = nbgrader(cell, "grade_id")
        if nbgrader(cell, "solution"):
            if grade_id not in solved:
                raise LessonError(f"`{grade_id}` has no solution")
            cell.metadata["kissaten"] = {"stub": cell.source}
            cell.source = f"{BEGIN}\n{solved.pop(grade_id)}\n{END}"
        if nbgrader(cell, "grade"):
            # In the lesson the check has to fail; in a submission that is told by its points.
            tags = [tag for tag in cell.metadata.pop("tags", []) if tag != "raises-exception"]
            if tags:
                cell.metadata["tags"] = tags
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        made.cells.append(cell)
    if solved:
        raise LessonError(f"solutions without a cell to write in: {', '.join(sorted(solved))}")
    return made


def write(lesson, notebook, course, lessons):
    """Writes the teacher's version of a lesson, and what it shows, into its folder in the course."""
    folder = course / "source" / lesson.stem
    made = teachers(notebook)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            # In the course each lesson has a folder of its own.
            cell.source = re.sub(
                r"\]\(([^)/]+)\.ipynb\)",
                lambda link: f"](../{link[1]}/{link[1]}.ipynb)" if link[1] in lessons else link[0],
                cell.source,
            )
            for picture in re.findall(r"\]\((pictures/[^)\s]+)", cell.source):
                (folder / picture).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(lesson.parent / picture, folder / picture)
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.validate(made)
    nbformat.write(made, folder / lesson.name)
    return folder / lesson.name


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("course", type=Path, metavar="COURSE", help="the folder of the course; it is made if it is not there")
    parser.add_argument("lessons", type=Path, nargs="*", metavar="LESSON", help="the lessons; all with exercises if none is named")
    parser.add_argument("--replace", action="store_true", help="write sources anew that are there already")
    arguments = parser.parse_args()

    paths = arguments.lessons or sorted(LESSONS.glob("*.ipynb"))
    try:
        notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    except (OSError, ValueError) as error:
        sys.exit(f"make_course.py: a lesson cannot be read: {error}")
    with_exercises = {path: notebook for path, notebook in notebooks.items() if has_exercises(notebook)}
    for path in arguments.lessons:
        if path not in with_exercises:
            sys.exit(f"make_course.py: there is no exercise in {path}")
    if not with_exercises:
        sys.exit(f"make_course.py: there is no lesson with exercises in {LESSONS}")
    names = {path.stem for path in with_exercises}

    arguments.course.mkdir(parents=True, exist_ok=True)
    config = arguments.course / "nbgrader_config.py"
    if not config.exists():
        shutil.copyfile(HERE / config.name, config)
        print(f"written: {config}")
    for path, notebook in with_exercises.items():
        source = arguments.course / "source" / path.stem / path.name
        if source.exists() and not arguments.replace:
            print(f"left as it is: {source} (--replace writes it anew)")
            continue
        try:
            print(f"written: {write(path, notebook, arguments.course, names)}")
        except (LessonError, OSError) as error:
            sys.exit(f"make_course.py: {path.name}: {error}")


if __name__ == "__main__":
    main()
