"""Answers to the lessons' exercises, right and wrong, as learners give them: the files, and the cells that put them to the checks.

A file of `answers/` is of one lesson. `Needs:` names the cells of the lesson that have to run before, and code above the
first exercise runs before these. Each exercise is a heading with its id; a line `With:` names cells whose statics every answer has to have for itself. Each
answer is a heading that begins with `right` or `wrong`, for a wrong one a quotation of what the check says of it, and the
code that stands in the place of the stub.

All answers of an exercise run at the same time, as most of what checks do is to wait. Who blocks threads of the runtime
would disturb the others: `alone` in its heading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

import notebook as notebooks
from notebook import Exercise

FOLDER = Path(__file__).parent / "answers"

_HEADING = re.compile(r"(right|wrong)(, alone)?: (.+)")
_MARK = "§answer "


@dataclass
class Answer:
    name: str
    right: bool
    alone: bool
    says: str = ""
    code: str = ""


@dataclass
class Asked:
    """An exercise with its answers."""

    grade_id: str
    shared: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


@dataclass
class Lesson:
    path: Path
    needs: list[str]
    imports: str
    exercises: list[Asked]


def read(path: Path) -> Lesson:
    """The answers of one file. What it does not know in it is an error."""
    [lesson] = [each for each in notebooks.NOTEBOOKS if each.stem == path.stem]
    needs: list[str] = []
    imports = ""
    exercises: list[Asked] = []
    code: list[str] | None = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if code is not None:
            if line == "```" and not exercises:
                imports, code = "\n".join(code), None
            elif line == "```":
                exercises[-1].answers[-1].code, code = "\n".join(code), None
            else:
                code.append(line)
        elif line == "```rust":
            code = []
        elif line.startswith("Needs: "):
            needs = _names(line)
        elif line.startswith("With: "):
            exercises[-1].shared = _names(line)
        elif line.startswith("## "):
            exercises.append(Asked(line[3:]))
        elif line.startswith("### "):
            heading = _HEADING.fullmatch(line[4:])
            assert heading, f"{path.name}:{number}: {line}"
            right, alone, name = heading.groups()
            exercises[-1].answers.append(Answer(name, right == "right", alone is not None))
        elif line.startswith("> "):
            exercises[-1].answers[-1].says = line[2:]
        else:
            assert not line or line.startswith("# "), f"{path.name}:{number}: {line}"
    return Lesson(lesson, needs, imports, exercises)


def _names(line: str) -> list[str]:
    return line.partition(": ")[2].split(", ")


def put_to_the_checks(lesson: Lesson) -> nbformat.NotebookNode:
    """A notebook that runs every answer of the lesson against its check, a cell for each exercise."""
    saved = notebooks.read(lesson.path)
    cells = {cell.id: cell.source for cell in saved.cells}
    found = {exercise.grade_id: exercise for exercise in notebooks.exercises(saved)}
    sources = [":hints off\n" + lesson.imports, *(cells[name] for name in lesson.needs)]
    for asked in lesson.exercises:
        shared = "\n".join(cells[name] for name in asked.shared)
        sources.append(_cell(asked, found[asked.grade_id], shared))
    return nbformat.v4.new_notebook(
        metadata=saved.metadata, cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )


def _cell(asked: Asked, exercise: Exercise, shared: str) -> str:
    """Every answer has a thread that is to it what the cell's thread is to a cell: it polls, and what it spawns is the runtime's."""
    checks = "\n".join(check.source for check in exercise.checks)
    together = [place for place, answer in enumerate(asked.answers) if not answer.alone]
    rounds = [together, *([place] for place, answer in enumerate(asked.answers) if answer.alone)]
    lines = ["{", "let runtime = tokio::runtime::Handle::current();", "let mut ends = Vec::new();"]
    for places in filter(None, rounds):
        lines.append("std::thread::scope(|scope| {\nlet mut threads = Vec::new();")
        for place in places:
            code = asked.answers[place].code
            body = f"{shared}\n{code}\n{checks}"
            lines.append(f"threads.push(({place}, scope.spawn(|| runtime.block_on(async {{\n{body}\n}}))));")
        lines.append("for (place, thread) in threads { ends.push((place, thread.join())); }\n});")
    lines.append(
        "for (place, end) in ends {\n"
        'let said = match end {\nOk(()) => "passes".to_owned(),\n'
        'Err(cause) => format!("fails: {}", match (cause.downcast_ref::<String>(), cause.downcast_ref::<&str>()) {\n'
        '(Some(text), _) => text.replace(\'\\n\', " "),\n(_, Some(text)) => text.replace(\'\\n\', " "),\n'
        "_ => String::new(),\n}),\n};\n"
        f'println!("\\n{_MARK}{{place}} {{said}}");\n}}\n}}'
    )
    return "\n".join(lines)


def outcomes(lesson: Lesson, now: nbformat.NotebookNode) -> dict[tuple[str, str], str | None]:
    """What the checks said of each answer, by exercise and name; nothing where it passed."""
    told = {}
    for asked, cell in zip(lesson.exercises, now.cells[-len(lesson.exercises) :], strict=True):
        text = "".join(output["text"] for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")
        for place, said in re.findall(rf"^{_MARK}(\d+) (passes|fails: .*)$", text, re.MULTILINE):
            told[asked.grade_id, asked.answers[int(place)].name] = None if said == "passes" else said.removeprefix("fails: ")
    return told
