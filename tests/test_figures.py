"""What a lesson's sentences say of figures is true of the figures that are saved under its cells.

Two nets: `figures.toml` binds sentences to what is found in saved outputs, and whatever a saved line says of itself
("1.0 s: that is about 1 s, not 2 s") has to be so. Nothing runs here: these are the outputs that readers see.
"""

import copy
import re
import tomllib
from pathlib import Path

import pytest

from notebook import NOTEBOOKS, code_cells, read
from transcript import plain

CLAIMS = tomllib.loads((Path(__file__).parent / "figures.toml").read_text())["claim"]

_UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0}
_TIME = re.compile(r"([\d.]+) ?(ns|µs|ms|s|)")
_ABOUT = re.compile(r"✅ (\S+): that is about ([\d.]+ ?\w+), not ([\d.]+ ?\w+)")


def text_of(cell) -> str:
    """All that is saved under a cell, as text."""
    shown = []
    for output in cell.outputs:
        match output.output_type:
            case "stream":
                shown.append(output.text)
            case "error":
                shown.append(output.evalue)
            case _:
                shown.append(str(output.data.get("text/plain", "")))
    return plain("\n".join(shown))


def value(text: str) -> float | str:
    found = _TIME.fullmatch(text)
    return float(found[1]) * _UNITS[found[2]] if found else text


def broken(claim: dict, notebook) -> str | None:
    """In what the saved outputs contradict the claim, or nothing."""
    cells = {cell.id: cell for cell in notebook.cells}
    figures = {}
    for name, (cell, pattern) in claim["figures"].items():
        text = text_of(cells[cell])
        if pattern.startswith("all: "):
            figures[name] = [value(each) for each in re.findall(pattern[5:], text)]
        elif found := re.search(pattern, text):
            figures[name] = value(found[1])
        else:
            return f"there is no {name} ({pattern}) in\n{text}"
    holds = eval(claim["holds"], {"__builtins__": {}, "len": len, "max": max, "min": min, "sorted": sorted}, figures)
    return None if holds else f"{claim['holds']} does not hold of {figures}"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim['lesson'][:2]}-{claim['says'][:40]}")
def test_a_sentence_is_true_of_the_saved_figures(claim):
    [path] = [path for path in NOTEBOOKS if path.stem == claim["lesson"]]
    notebook = read(path)
    [sentence] = [cell.source for cell in notebook.cells if cell.id == claim["cell"]]
    assert claim["says"] in sentence, "the sentence is another one now: is the claim still the same?"
    assert claim["figures"], "a claim is about something"
    assert not (found := broken(claim, notebook)), found


def contradictions(notebook) -> list[str]:
    """The saved lines whose time is not about what they say."""
    found = []
    for cell in code_cells(notebook):
        for line, took, about, other in ((match[0], *map(value, match.groups())) for match in _ABOUT.finditer(text_of(cell))):
            # A tenth of a second is the slowness of a machine; a half more is another figure.
            if not (abs(took - about) < 0.12 or 2 / 3 < took / (about or 1e-9) < 1.5) or abs(took - other) < abs(took - about):
                found.append(f"{cell.id}: {line}")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_saved_line_is_true_of_itself(path):
    assert not contradictions(read(path))


def test_figures_that_contradict_their_sentences_are_found():
    """The figures that the lessons were once saved with, on a machine that had other things to do."""
    [path] = [path for path in NOTEBOOKS if path.stem == "04-is-it-parallel"]
    notebook = read(path)
    [claim] = [claim for claim in CLAIMS if claim["says"].startswith("the **time** is about half")]
    assert not broken(claim, notebook)
    laden = copy.deepcopy(notebook)
    [cell] = [cell for cell in laden.cells if cell.id == "chop-threads-read"]
    cell.outputs[0].text = re.sub(r"took \S+,", "took 1.15s,", cell.outputs[0].text)
    assert broken(claim, laden)
    [line] = [cell for cell in laden.cells if cell.id == "simmer-read"]
    line.outputs[0].text = "✅ 324ms: that is about 1.0s, not 60.0s"
    assert contradictions(laden) == ["simmer-read: ✅ 324ms: that is about 1.0s, not 60.0s"]
