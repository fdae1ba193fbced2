"""Measures kernels side by side and prints medians and ratios as a Markdown table.

Candidates take turns within every row, so that whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from candidates import CELL_GUARD, Hung, Kernel, PlainRustc
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

REPOSITORY = Path(__file__).resolve().parents[2]

STATEMENT = "let y{n} = x + {n}; y{n}"
NEW_FN = "fn f{n}(a: i64) -> i64 {{ a * {n} }}\nf{n}(2)"
ASYNC = (
    "let a = tokio::spawn(async {{ {n}i64 }}); let b = tokio::spawn(async {{ {n}i64 + 1 }});\n"
    "let (a, b) = tokio::join!(a, b);\na.unwrap() + b.unwrap()"
)
LINES = 100_000
PRINTING = f'for n in 0..{LINES} {{{{ println!("line {{n}}"); }}}}'.replace("{{", "{").replace("}}", "}")
FIRST_AWAIT = "tokio::time::sleep(std::time::Duration::from_millis(5)).await; 7"
TOKIO_DEPENDENCY = ':dep tokio = { version = "1", features = ["full"] }'


def many_items(lines: int) -> str:
    """Ordinary items, ten lines each."""
    return "\n".join(
        f"""\
#[derive(Debug, Clone, PartialEq)]
pub struct Order{n} {{ pub id: u64, pub dish: String, pub tables: Vec<u8> }}
impl Order{n} {{
    pub fn new(id: u64) -> Self {{ Self {{ id, dish: format!("dish {{id}}"), tables: vec![1, 2, 3] }} }}
    pub fn total(&self) -> u64 {{
        let sum: u64 = self.tables.iter().map(|table| u64::from(*table) * self.id).sum();
        if sum > {n} {{ sum - {n} }} else {{ self.dish.len() as u64 }}
    }}
}}
pub fn serve{n}(orders: &[Order{n}]) -> Option<u64> {{ orders.iter().map(Order{n}::total).max() }}"""
        for n in range(lines // 10)
    )


class Table:
    """Rows of medians, Kissaten's first, with how many times as much the others take."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        print("| what | " + " | ".join(columns) + " |")
        print("|---|" + "---|" * len(columns), flush=True)

    def row(self, what: str, measured: dict[str, list[float]], unit: str) -> None:
        medians = {kind: statistics.median(values) for kind, values in measured.items() if values}
        ours = medians.get("Kissaten")
        cells = []
        for column in self._columns:
            if column not in medians:
                cells.append("hangs" if column in measured else "–")
                continue
            text = shown(medians[column], unit)
            if column != "Kissaten" and ours:
                text += f" ({ours / medians[column]:.2f} ×)"
            cells.append(text)
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


def shown(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.0f} {unit}"


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


def find_spec(kind: str, given: Path | None, name: str) -> Path | None:
    if given is not None:
        if not (given / "kernel.json").is_file():
            sys.exit(f"{kind}: there is no kernel.json in {given}")
        return given
    try:
        return Path(KernelSpecManager().get_kernel_spec(name).resource_dir)
    except NoSuchKernel:
        print(f"({kind} is not installed: no kernelspec `{name}`)", file=sys.stderr)
        return None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    environment = os.environ.get
    for kind, variable in (("kissaten", "BENCH_KISSATEN"), ("evcxr", "BENCH_EVCXR"), ("ipykernel", "BENCH_IPYKERNEL")):
        default = Path(path) if (path := environment(variable)) else None
        parser.add_argument(
            f"--{kind}", type=Path, metavar="DIR", default=default,
            help=f"folder of its kernel.json (or {variable}); default: where Jupyter finds it",
        )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=30, help="how often each kind of cell is run (default: 30)")
    parser.add_argument("--starts", type=int, default=7, help="how often each kernel is started (default: 7)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    kernels: dict[str, Kernel] = {}
    if spec := find_spec("Kissaten", options.kissaten, "kissaten"):
        kernels["Kissaten"] = Kernel("Kissaten", spec)
    if spec := find_spec("evcxr_jupyter", options.evcxr, "rust"):
        kernels["evcxr `:opt 0`"] = Kernel("evcxr :opt 0", spec, (":opt 0", TOKIO_DEPENDENCY))
        kernels["evcxr"] = Kernel("evcxr", spec, (TOKIO_DEPENDENCY,))
    if spec := find_spec("ipykernel", options.ipykernel, "python3"):
        kernels["ipykernel"] = Kernel("ipykernel", spec)
    rustc = PlainRustc(REPOSITORY / "target" / "bench-tokio")
    try:
        describe_machine(options)
        measure(options, kernels, rustc)
    finally:
        for kernel in kernels.values():
            kernel.stop()
        rustc.stop()


def describe_machine(options: argparse.Namespace) -> None:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{os.cpu_count()} cores, {cpu}; {platform.system()} {platform.release()}; {rustc}.")
    print(f"Medians of {options.rounds} cells and {options.starts} starts, in turns.")
    print("In brackets: Kissaten's time or memory as a multiple of the other's.\n")


def measure(options: argparse.Namespace, kernels: dict[str, Kernel], rustc: PlainRustc) -> None:
    rust = {kind: kernel for kind, kernel in kernels.items() if kind != "ipykernel"}
    table = Table([*kernels, "plain rustc"])

    ready: dict[str, list[float]] = {kind: [] for kind in kernels}
    first: dict[str, list[float]] = {kind: [] for kind in kernels}
    for _ in range(options.starts):
        for kind, kernel in kernels.items():
            # Both kinds of evcxr start alike, and `:dep tokio` takes long enough for once.
            if kind == "evcxr":
                continue
            seconds = kernel.start()
            ready[kind].append(seconds)
            if kind == "ipykernel":
                seconds += kernel.run("import asyncio\nawait asyncio.sleep(0.005); 7")
            else:
                seconds += sum(kernel.run(code) for code in ([TOKIO_DEPENDENCY] if "evcxr" in kind else []))
                seconds += kernel.run(FIRST_AWAIT)
            first[kind].append(seconds)
            kernel.stop()
    table.row("kernel ready", {kind: values for kind, values in ready.items() if values}, "s")
    table.row("first `.await` done, from process start", {kind: v for kind, v in first.items() if v}, "s")

    for kernel in kernels.values():
        kernel.start()
        kernel.prepare()
    idle = {kind: [kernel.memory()] for kind, kernel in kernels.items()}
    for kernel in rust.values():
        kernel.run("let x = 1i64;")

    counter = 0

    def cells(what: str, code: str, items: str = "", uses_tokio: bool = False) -> None:
        nonlocal counter
        base = counter
        counter += options.rounds + 2

        def one(run):
            return lambda n: run(code.format(n=base + n))

        guarded = {kind: lambda text, kernel=kernel: kernel.run(text, guard=CELL_GUARD) for kind, kernel in rust.items()}
        candidates = {kind: one(run) for kind, run in guarded.items()}
        prefix = "" if uses_tokio else "let x = 1i64; "
        fn_items = code is NEW_FN
        candidates["plain rustc"] = one(
            lambda text: rustc.run(
                text.split("\n")[1] if fn_items else prefix + text,
                items + (text.split("\n")[0] if fn_items else ""),
                uses_tokio,
            )
        )
        measured = in_turns(options.rounds + 2, candidates)
        # The first two of each are not counted: files and caches become warm.
        table.row(what, {kind: values[2:] for kind, values in measured.items()}, "s")
        for kind, kernel in rust.items():
            if not measured[kind]:
                kernel.stop()
                kernel.start()
                kernel.prepare()
                kernel.run("let x = 1i64;")
                if items:
                    kernel.run(items)

    cells("statement cell", STATEMENT)
    cells("cell with a new fn", NEW_FN)
    cells("async cell: two spawns and a `join!`", ASYNC, uses_tokio=True)

    items = many_items(1300)
    for kernel in rust.values():
        kernel.run(items)
    cells("statement cell after 1,300 lines of items", STATEMENT, items)
    cells("cell with a new fn after them", NEW_FN, items)
    cells("async cell after them", ASYNC, items, uses_tokio=True)

    printing = {kind: (lambda n, kernel=kernel: kernel.run(PRINTING, LINES)) for kind, kernel in rust.items()}
    if ipykernel := kernels.get("ipykernel"):
        printing["ipykernel"] = lambda n: ipykernel.run(f"for n in range({LINES}): print('line', n)", LINES)
    table.row("100,000 printed lines", in_turns(5, printing), "s")

    table.row("memory, idle", idle, "MB")
    for kernel in rust.values():
        kernel.stop()
    after: dict[str, list[float]] = {}
    for kind, kernel in rust.items():
        kernel.start()
        kernel.run("let x = 1i64;")
        for n in range(100):
            kernel.run(STATEMENT.format(n=n))
        after[kind] = [kernel.memory()]
    table.row("memory, after 100 cells", after, "MB")


if __name__ == "__main__":
    main()
