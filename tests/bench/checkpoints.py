"""What checkpoints cost: tight loops in a cell, beside the same code without any.

At levels 0 and 1 a cell's code looks at every turn of a loop and in every function whether it is to end; at 2 and 3 it
does not, and the figures say how far two builds of one code can be apart.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from candidates import Crate, Kernel, find_spec, told
from table import Table, median_ratio

# Each ends with a number that hangs on all it did.
LOOPS = {
    "while": """\
fn run_while(n: u64) -> u64 {
    let (mut s, mut i) = (1u64, 0u64);
    while i < n { s = s.wrapping_mul(31).wrapping_add(i); i += 1 }
    s
}""",
    "collatz": """\
fn run_collatz(n: u64) -> u64 {
    let (mut steps, mut start) = (0u64, 1u64);
    while start < n {
        let mut x = start;
        while x != 1 {
            if x % 2 == 0 { x /= 2 } else { x = 3 * x + 1 }
            steps += 1;
        }
        start += 1;
    }
    steps
}""",
    "for": """\
fn run_for(n: u64) -> u64 {
    let mut s = 1u64;
    for i in 0..n { s = (s ^ i).wrapping_mul(0x100000001b3) }
    s
}""",
    "matrix": """\
fn run_matrix(n: u64) -> u64 {
    let n = n as usize;
    let a: Vec<f64> = (0..n * n).map(|i| (i % 7) as f64).collect();
    let b: Vec<f64> = (0..n * n).map(|i| (i % 5) as f64).collect();
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            let mut sum = 0.0;
            for k in 0..n { sum += a[i * n + k] * b[k * n + j] }
            c[i * n + j] = sum;
        }
    }
    c.iter().sum::<f64>() as u64
}""",
}
# How far they go without optimisation and with it: about as long.
SIZES = {
    "while": (20_000_000, 150_000_000),
    "collatz": (150_000, 400_000),
    "for": (8_000_000, 100_000_000),
    "matrix": (140, 400),
}
LEVELS = (0, 1, 2, 3)


def body(level: int) -> str:
    """Runs all loops, and prints how many seconds each took."""
    lines = []
    for name in LOOPS:
        size = SIZES[name][level > 0]
        lines.append(
            f"{{ let begin = std::time::Instant::now(); std::hint::black_box(run_{name}(std::hint::black_box({size}))); "
            'println!("{}", begin.elapsed().as_secs_f64()); }'
        )
    return "\n".join(lines)


def measure(options: argparse.Namespace, crate: Path) -> None:
    spec = find_spec("Kissaten", options.kissaten, "kissaten")
    if spec is None:
        return
    cargo = Crate(crate)
    items = "\n".join(LOOPS.values())
    programs = {level: cargo.program("loops", f"{items}\nfn main() {{\n{body(level)}\n}}\n", level) for level in LEVELS}
    print(f"Medians of {options.repeats} rounds, in turns: a cell's time as a multiple of a program's.\n")
    table = Table([*(f"`{name}`" for name in LOOPS), "geometric mean", "worst"])
    kernel = Kernel("Kissaten", spec)
    kernel.start()
    try:
        for level in LEVELS:
            cell = f"%%opt {level}\n{items}\n{body(level)}"
            rounds = [(told(programs[level]), kernel.told(cell)) for _ in range(options.repeats)]
            plain, ours = (list(zip(*side, strict=True)) for side in zip(*rounds, strict=True))
            ratios = {name: median_ratio(ours[n], plain[n]) for n, name in enumerate(LOOPS)}
            cells = {f"`{name}`": f"{ratio:.2f} ×" for name, ratio in ratios.items()}
            cells["geometric mean"] = f"{statistics.geometric_mean(ratios.values()):.2f} ×"
            cells["worst"] = f"{max(ratios.values()):.2f} ×"
            table.line(f"loops, level {level}", cells)
    finally:
        kernel.stop()
