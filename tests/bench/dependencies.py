"""What `:dep` costs: with nothing compiled, in the next notebook, and in the cells that use what it brought."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from candidates import Kernel, find_spec
from table import Table

SMALL = ':dep rand = "0.9"'
LARGE = """\
:dep serde = { version = "1", features = ["derive"] }
:dep serde_json = "1"
:dep reqwest = { version = "0.12", default-features = false, features = ["rustls-tls", "json"] }
"""
ITEMS = "#[derive(serde::Serialize)] struct Dish { name: String, price: u32 }"
CELL = """\
let dish = Dish { name: "curry".to_string(), price: NUMBER };
let body = serde_json::to_string(&dish).unwrap();
let request = reqwest::Client::new().post("http://127.0.0.1:1/").body(body).build().unwrap();
request.method().as_str().len()"""


def measure(options: argparse.Namespace, _crate: Path) -> None:
    specs = {
        kind: spec
        for kind, given, name in (("Kissaten", options.kissaten, "kissaten"), ("evcxr", options.evcxr, "rust"))
        if (spec := find_spec(kind, given, name)) is not None
    }
    print(f"Cold: once. The next notebook and the cells: {options.repeats} rounds.\n")
    table = Table(list(specs))
    with tempfile.TemporaryDirectory(prefix="bench-dependencies-") as cache:
        environment = {"XDG_CACHE_HOME": cache}
        if "Kissaten" in specs:
            # The session library is there; of dependencies nothing is.
            program = json.loads((specs["Kissaten"] / "kernel.json").read_text())["argv"][0]
            subprocess.run([program, "build"], env={**os.environ, **environment}, check=True, capture_output=True)
        for name, line in (("`rand`", SMALL), ("`serde`, `serde_json` and `reqwest`", LARGE)):
            cold = {kind: [asked(kind, spec, line, environment)] for kind, spec in specs.items()}
            table.row(f"`:dep` of {name}, cold", cold, "s")
            # evcxr compiles anew for every notebook, so one more round tells as much as many.
            rounds = {"Kissaten": options.repeats, "evcxr": 1}
            warm = {
                kind: [asked(kind, spec, line, environment) for _ in range(rounds[kind])] for kind, spec in specs.items()
            }
            table.row(f"`:dep` of {name}, in the next notebook", warm, "s")
        kernels = {kind: Kernel(kind, spec, (LARGE, ITEMS), environment) for kind, spec in specs.items()}
        try:
            for kernel in kernels.values():
                kernel.start()
                kernel.prepare()
            cells: dict[str, list[float]] = {kind: [] for kind in kernels}
            for number in range(options.repeats + 1):
                for kind, kernel in kernels.items():
                    cells[kind].append(kernel.run(CELL.replace("NUMBER", str(number))))
            # The first loads the libraries.
            table.row("a cell that uses `serde` and `reqwest`", {kind: each[1:] for kind, each in cells.items()}, "s")
        finally:
            for kernel in kernels.values():
                kernel.stop()


def asked(kind: str, spec: Path, line: str, environment: dict[str, str]) -> float:
    """The seconds that a cell with these lines takes in a new kernel."""
    kernel = Kernel(kind, spec, environment=environment)
    kernel.start()
    try:
        return kernel.run(line)
    finally:
        kernel.stop()
