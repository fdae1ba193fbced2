"""Many tasks: what it costs to know of them, beside a program that does not.

The cell and the program do the same with the same tokio and measure it by themselves. The program is built by cargo
with all it needs at the cell's level, and does it three times, of which the median counts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from pathlib import Path

from candidates import Crate, Failed, Kernel, find_spec, told
from table import Table, in_turns

TASKS = 1_000_000
SPAWNING = f"""\
{{
    let begin = std::time::Instant::now();
    let mut handles = Vec::with_capacity({TASKS});
    for n in 0..{TASKS}u64 {{ handles.push(tokio::spawn(async move {{ n }})); }}
    let mut sum = 0;
    for handle in handles {{ sum += handle.await.unwrap(); }}
    assert_eq!(sum, {TASKS * (TASKS - 1) // 2});
    println!("{{}}", begin.elapsed().as_secs_f64());
}}"""
PRINTING_TASKS = 100_000
PRINTING = f"""\
let mut tasks = tokio::task::JoinSet::new();
for n in 0..{PRINTING_TASKS} {{
    tasks.spawn(async move {{
        println!("{{n}} begins");
        tokio::task::yield_now().await;
        println!("{{n}} ends");
    }});
}}
tasks.join_all().await;"""
# After how many idle seconds the memory that is no longer needed has to be given back.
IDLE = 5
LEVELS = (0, 1, 3)
PLAIN, HOOKS, TIMELINE = "plain tokio", "Kissaten", "with `%%timeline`"


def measure(options: argparse.Namespace, crate: Path) -> None:
    spec = find_spec("Kissaten", options.kissaten, "kissaten")
    if spec is None:
        return
    cargo = Crate(crate)
    programs = {level: cargo.program("spawning", program(SPAWNING, 3), level) for level in LEVELS}
    printing = cargo.program("printing", program(PRINTING, 1), 0)
    print(f"Medians of {options.repeats} rounds, in turns; in brackets as a multiple of plain tokio's.\n")
    table = Table([PLAIN, HOOKS, TIMELINE])
    # Two, as a timeline is there until the next one: each is to have what it alone needs.
    kernels = {HOOKS: Kernel(HOOKS, spec), TIMELINE: Kernel(TIMELINE, spec)}
    heads = {HOOKS: "", TIMELINE: "%%timeline\n"}
    try:
        for kernel in kernels.values():
            kernel.start()
            kernel.run("1")
        memory = [{kind: [kernel.memory()] for kind, kernel in kernels.items()}]
        for level in LEVELS:
            cells = {kind: f"%%opt {level}\n{heads[kind]}{SPAWNING}" for kind in kernels}
            candidates = {PLAIN: lambda _, level=level: statistics.median(told(programs[level]))} | {
                kind: lambda _, kernel=kernel, cell=cells[kind]: kernel.told(cell)[0] for kind, kernel in kernels.items()
            }
            if level == LEVELS[0]:
                for kind, kernel in kernels.items():
                    kernel.run(cells[kind])
                memory.append({kind: [kernel.memory()] for kind, kernel in kernels.items()})
            table.multiples(f"spawn and await {TASKS:,} tasks, level {level}", in_turns(options.repeats, candidates))
        memory.append({kind: [kernel.memory()] for kind, kernel in kernels.items()})
        candidates = {PLAIN: lambda _: lines_of(printing, 2 * PRINTING_TASKS)} | {
            kind: lambda _, kernel=kernel, head=heads[kind]: kernel.run(head + PRINTING, 2 * PRINTING_TASKS)
            for kind, kernel in kernels.items()
        }
        table.multiples(f"{PRINTING_TASKS:,} tasks print two lines each, whole cell", in_turns(options.repeats, candidates))
        time.sleep(IDLE)
        memory.append({kind: [kernel.memory()] for kind, kernel in kernels.items()})
        times = 1 + options.repeats * len(LEVELS)
        whens = ("before", f"after {TASKS:,} tasks", f"after {times} times as many", f"{IDLE} s later")
        for when, megabytes in zip(whens, memory, strict=True):
            table.multiples(f"memory, {when}", megabytes, "MB")
    finally:
        for kernel in kernels.values():
            kernel.stop()


def program(code: str, times: int) -> str:
    """The cell's code as anybody would write it, so many times."""
    return f"#[tokio::main]\nasync fn main() {{\n    for _ in 0..{times} {{ {code} }}\n}}\n"


def lines_of(program: Path, lines: int) -> float:
    """Runs a program that must print so many lines into a pipe; the seconds that it takes."""
    begin = time.perf_counter()
    printed = subprocess.run([program], check=True, stdout=subprocess.PIPE).stdout.count(b"\n")
    seconds = time.perf_counter() - begin
    if printed != lines:
        raise Failed(f"{program}: {printed} lines of {lines} arrived")
    return seconds
