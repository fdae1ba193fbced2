"""How long a cell that would never end goes on after an interrupt."""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from candidates import Kernel, find_spec
from table import Table

FIB = "fn fib(n: u64) -> u64 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }\n"
CELLS = {
    "`loop {}`": 'println!("begun"); loop {}',
    "`fib(70)`": FIB + 'println!("begun"); fib(70)',
    "`pending().await`": 'println!("begun"); std::future::pending::<()>().await',
}
LEVELS = (0, 1)


def measure(options: argparse.Namespace, _crate: Path) -> None:
    spec = find_spec("Kissaten", options.kissaten, "kissaten")
    if spec is None:
        return
    print(f"{options.repeats} rounds, from the interrupt's request to the cell's idle.\n")
    table = Table(["median", "longest"])
    kernel = Kernel("Kissaten", spec)
    kernel.start()
    try:
        for name, code in CELLS.items():
            for level in LEVELS:
                seconds = [kernel.interrupted(f"%%opt {level}\n{code}") for _ in range(options.repeats)]
                figures = {"median": statistics.median(seconds), "longest": max(seconds)}
                cells = {column: f"{value * 1000:.1f} ms" for column, value in figures.items()}
                table.line(f"interrupt of {name}, level {level}", cells)
    finally:
        kernel.stop()
