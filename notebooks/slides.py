#!/usr/bin/env python3
"""Says of each cell of the lessons where it stands in a slide show: `python notebooks/slides.py` writes it into the notebooks.

A heading of the first two levels begins a slide, a smaller one or a long cell of code a slide below it. Tools, checks
and solutions are left out. Then `jupyter nbconvert --to slides --post serve notebooks/03-join.ipynb` shows a lesson.
"""

import re
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent
# The start page and the page on crates are no lessons to be shown.
NOT_SHOWN = ("00", "10")
LONG = 18


def is_folded(cell) -> bool:
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def kind(cell, next_cell) -> str:
    """`slide`, `subslide`, `-` for what goes on with the slide before it, or `skip`."""
    if cell.cell_type == "code":
        if is_folded(cell) or cell.metadata.get("nbgrader", {}).get("grade"):
            return "skip"
        return "subslide" if cell.source.count("\n") > LONG else "-"
    if "kissaten" in cell.metadata:
        return "skip"
    prose = re.sub(r"^```.*?^```", "", cell.source, flags=re.DOTALL | re.MULTILINE)
    heading = re.search(r"^(#+) ", prose, re.MULTILINE)
    level = len(heading[1]) if heading else 0
    # A few words that lead to a folded tool.
    if next_cell is not None and is_folded(next_cell) and level != 1 and len(cell.source) < 400:
        return "skip"
    return {0: "-", 1: "slide", 2: "slide"}.get(level, "subslide")


def kinds(notebook) -> list[str]:
    cells = notebook.cells
    return [kind(cell, after) for cell, after in zip(cells, [*cells[1:], None], strict=True)]


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.ipynb")):
        if path.name.startswith(NOT_SHOWN):
            continue
        notebook = nbformat.read(path, as_version=4)
        for cell, each in zip(notebook.cells, kinds(notebook), strict=True):
            cell.metadata["slideshow"] = {"slide_type": each}
        nbformat.write(notebook, path)
