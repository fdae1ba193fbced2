"""Every value stays: the documentation's examples, cut in two at a random statement, do as two cells what they do as one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from extract import crate_sources, examples, spread, std_source
from halve import halves
from lanes import TOLD

# Of a hundred, so many must do the same in two cells.
ENOUGH = 95
SEED = 13


def _seen(cell) -> tuple[str, str | None]:
    """What a cell printed and showed; addresses and times differ from run to run."""
    varies = re.compile(r"0x[0-9a-f]+|\d+\.\d+|\d+ ?(?:ns|µs|ms|s)\b|ThreadId\(\d+\)|Id\(\d+\)|cell \d+")
    result = cell.result
    return varies.sub("_", cell.stdout), None if result is None else varies.sub("_", result)


@pytest.mark.slow
def test_halved_examples_run_as_the_whole_does(kernel, repository, record_property):
    sources = crate_sources(repository)
    library = std_source()
    std = [example for name in ("std", "alloc", "core") for example in examples(library / name / "src", name)]
    tokio = examples(sources["tokio"], "tokio")
    futures = [example for crate in ("futures-util", "futures-channel") for example in examples(sources[crate], crate)]
    random = Random(SEED)
    compared, different = 0, []
    # From first to last; what does not run as a whole, or cannot be cut, makes way for the one after it.
    for found, count in ((std, 50), (tokio, 30), (futures, 20)):
        cut = [(example, both) for example in found if (both := halves(example.code, random))]
        taken = 0
        for example, (first, second) in spread(cut, count * 5 // 4):
            if taken == count:
                break
            kernel.ok(":clear")
            whole = kernel.run(example.code)
            if whole.error:
                continue
            taken += 1
            kernel.ok(":clear")
            before = kernel.run(first)
            cell = before if before.error else kernel.run(second)
            if cell.error:
                different.append((example.place, f"{cell.error['ename']}: {cell.error['evalue']}", first, second))
                continue
            printed, shown = _seen(whole)
            here = _seen(before)[0] + _seen(cell)[0], _seen(cell)[1]
            # What does not even print the same twice says nothing.
            if here != (printed, shown) and _seen(kernel.run(example.code)) == (printed, shown):
                different.append((example.place, f"{here} instead of {(printed, shown)}", first, second))
        compared += taken
    told = [f"{compared - len(different)} of {compared} halved examples run as the whole does"]
    for place, what, first, second in different:
        cut = f"{first.rstrip().splitlines()[-1].strip()} ‖ {second.strip().splitlines()[0].strip()}"
        told.append(f"{place}: {what}\n      {cut}")
    record_property(TOLD, "\n  ".join(told))
    assert compared == 100
    assert compared - len(different) >= ENOUGH
