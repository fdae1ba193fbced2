"""Measures kernels side by side and prints medians and ratios as Markdown tables.

Candidates take turns within every row, so that whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from pathlib import Path

import cells
import checkpoints
import completion
import dependencies
import interrupt
import remembered
import scale
import widgets

REPOSITORY = Path(__file__).resolve().parents[2]

GROUPS = {
    "cells": (cells.measure, "cells of all kinds beside evcxr_jupyter, ipykernel and plain rustc"),
    "scale": (scale.measure, "a million tasks and the memory they leave, beside plain tokio"),
    "checkpoints": (checkpoints.measure, "tight loops, beside the same code without checkpoints"),
    "dependencies": (dependencies.measure, "`:dep` cold and warm, and a cell that uses what it brought, beside evcxr_jupyter"),
    "completion": (completion.measure, "completion and inspection, beside evcxr_jupyter"),
    "remembered": (remembered.measure, "what is not compiled twice, and what is compiled ahead"),
    "widgets": (widgets.measure, "cells with widgets beside cells with plain structs, and what a task hears of a page"),
    "interrupt": (interrupt.measure, "from an interrupt to the end of an endless cell"),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="groups of rows:\n" + "\n".join(f"  {name:<13} {what}" for name, (_, what) in GROUPS.items()),
    )  # fmt: skip
    environment = os.environ.get
    for kind, variable in (("kissaten", "BENCH_KISSATEN"), ("evcxr", "BENCH_EVCXR"), ("ipykernel", "BENCH_IPYKERNEL")):
        default = Path(path) if (path := environment(variable)) else None
        parser.add_argument(
            f"--{kind}", type=Path, metavar="DIR", default=default,
            help=f"folder of its kernel.json (or {variable}); default: where Jupyter finds it",
        )  # fmt: skip
    parser.add_argument(
        "--only", choices=GROUPS, action="append", metavar="GROUP",
        help="measure only this group of rows, see below; may be given more than once",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=30, help="how often each kind of cell is run (default: 30)")
    parser.add_argument("--starts", type=int, default=7, help="how often each kernel is started (default: 7)")
    parser.add_argument("--repeats", type=int, default=7, help="how often the rows of other groups are run (default: 7)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    describe_machine()
    for name in options.only or GROUPS:
        measure, what = GROUPS[name]
        print(f"\n{name}: {what} (load before: {os.getloadavg()[0]:.1f})\n")
        measure(options, REPOSITORY / "target" / "bench-tokio")
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}")


def describe_machine() -> None:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{os.cpu_count()} cores, {cpu}; {platform.system()} {platform.release()}; {rustc}.")


if __name__ == "__main__":
    main()
