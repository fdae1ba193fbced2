"""Rounds in which candidates take turns, and the tables of their medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from candidates import Hung


class Table:
    """A table in Markdown, printed row by row."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        print("| what | " + " | ".join(columns) + " |")
        print("|---|" + "---|" * len(columns), flush=True)

    def line(self, what: str, cells: dict[str, str]) -> None:
        print(f"| {what} | " + " | ".join(cells.get(column, "–") for column in self._columns) + " |", flush=True)

    def multiples(self, what: str, measured: dict[str, list[float]], unit: str = "s") -> None:
        """Medians, and of all but the first column the median of how many times the first one's they are.

        The multiples are taken round by round: what else the machine does differs more between rounds than in one.
        """
        base = measured.get(self._columns[0], [])
        cells = {}
        for column, values in measured.items():
            cells[column] = shown(statistics.median(values), unit)
            if base and values is not base:
                cells[column] += f" ({median_ratio(values, base):.2f} ×)"
        self.line(what, cells)

    def row(self, what: str, measured: dict[str, list[float]], unit: str) -> None:
        """Medians, Kissaten's first, and of the others how many times theirs Kissaten's is."""
        medians = {kind: statistics.median(values) for kind, values in measured.items() if values}
        ours = medians.get("Kissaten")
        cells = {column: "hangs" for column in measured}
        for column in medians:
            text = shown(medians[column], unit)
            if column != "Kissaten" and ours:
                text += f" ({ours / medians[column]:.2f} ×)"
            cells[column] = text
        self.line(what, cells)


def shown(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.0f} {unit}"


def median_ratio(values: list[float], base: list[float]) -> float:
    """The median of how many times the base's each round's value is."""
    return statistics.median(value / other for value, other in zip(values, base, strict=True))


def in_turns(rounds: int, candidates: dict[str, Callable[[int], float]]) -> dict[str, list[float]]:
    measured: dict[str, list[float]] = {kind: [] for kind in candidates}
    hung = set()
    for n in range(rounds):
        for kind, measure in candidates.items():
            if kind in hung:
                continue
            try:
                measured[kind].append(measure(n))
            except Hung:
                hung.add(kind)
    return {kind: [] if kind in hung else values for kind, values in measured.items()}
