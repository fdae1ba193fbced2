"""What compiles in `main.rs` works in a cell: the documentation's examples, one after another in one kernel."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from extract import crate_sources, examples, spread, std_source
from lanes import TOLD

# Of a hundred, so many must run unchanged. What is between is written out, not hidden.
ENOUGH = 95


def test_95_of_100_documentation_examples_run_unchanged(kernel, repository, record_property):
    sources = crate_sources(repository)
    library = std_source()
    std = [example for name in ("std", "alloc", "core") for example in examples(library / name / "src", name)]
    tokio = examples(sources["tokio"], "tokio")
    futures = [
        example
        for crate in ("futures-util", "futures-channel")
        for example in examples(sources[crate], crate)
    ]
    chosen = spread(std, 50) + spread(tokio, 30) + spread(futures, 20)
    assert len(chosen) == 100
    refused = []
    for example in chosen:
        cell = kernel.run(example.code)
        if cell.error:
            refused.append(f"{example.place}: {cell.error['ename']}: {cell.error['evalue']}")
    record_property(TOLD, "\n  ".join([f"{100 - len(refused)} of 100 documentation examples run", *refused]))
    assert 100 - len(refused) >= ENOUGH
