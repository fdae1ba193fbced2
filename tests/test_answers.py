"""Every check of the lessons tells right answers from wrong ones, and says of a wrong one what is wrong with it.

With 2 worker threads and with 16, at the same time: an answer that blocks threads must not pass because there are many.
"""

import pytest

import answers as given
import notebook as notebooks
from notebook import NOTEBOOKS, exercises, failed

FILES = sorted(given.FOLDER.glob("*.md"))
WORKERS = ("2", "16")


def test_every_exercise_has_answers():
    """At least three wrong ones, and two right ones that are not the solution."""
    asked = {each.grade_id: each for path in FILES for each in given.read(path).exercises}
    known = {each.grade_id: each for path in NOTEBOOKS for each in exercises(notebooks.read(path))}
    assert asked.keys() == known.keys()
    for grade_id, exercise in known.items():
        right = [answer for answer in asked[grade_id].answers if answer.right]
        wrong = [answer for answer in asked[grade_id].answers if not answer.right]
        assert len(wrong) >= 3 and len(right) >= 2, grade_id
        assert len({answer.name for answer in right + wrong}) == len(right + wrong), grade_id
        assert all(" ".join(answer.code.split()) != " ".join(exercise.solution.split()) for answer in right), grade_id
        assert all(answer.says for answer in wrong), f"{grade_id}: what the check says of it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_check_tells_right_from_wrong(installation, tmp_path, path):
    lesson = given.read(path)
    notebook = given.put_to_the_checks(lesson)
    runs = notebooks.run(
        installation, tmp_path, *[notebook for _ in WORKERS], environments=[{"TOKIO_WORKER_THREADS": n} for n in WORKERS]
    )
    for workers, now in zip(WORKERS, runs, strict=True):
        assert not [cell.outputs for cell in now.cells if failed(cell)]
        told = given.outcomes(lesson, now)
        for asked in lesson.exercises:
            for answer in asked.answers:
                said = told[asked.grade_id, answer.name]
                case = f"{asked.grade_id} with {workers} workers, {'right' if answer.right else 'wrong'}: {answer.name}"
                if answer.right:
                    assert said is None, f"{case}: the check says {said}"
                else:
                    assert said is not None, f"{case}: it passes"
                    assert answer.says in " ".join(said.split()), f"{case}: the check says {said}"
                    assert "❌" in said, f"{case}: {said}"
