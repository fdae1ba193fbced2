"""How long cells of all kinds take, beside other kernels and plain rustc."""

from __future__ import annotations

import argparse
from pathlib import Path

from candidates import CELL_GUARD, Kernel, PlainRustc, find_spec
from table import Table, in_turns

STATEMENT = "let y{n} = x + {n}; y{n}"
NEW_FN = "fn f{n}(a: i64) -> i64 {{ a * {n} }}\nf{n}(2)"
ASYNC = (
    "let a = tokio::spawn(async {{ {n}i64 }}); let b = tokio::spawn(async {{ {n}i64 + 1 }});\n"
    "let (a, b) = tokio::join!(a, b);\na.unwrap() + b.unwrap()"
)
AWAITS = (
    "let (tx, mut rx) = tokio::sync::mpsc::channel::<i64>(8);\nlet lock = tokio::sync::Mutex::new({n}i64);\n"
    "for k in 0..3 {{ tx.send(k).await.unwrap(); }}\nlet a = rx.recv().await.unwrap();\nlet b = rx.recv().await.unwrap();\n"
    "*lock.lock().await += a;\ntokio::task::yield_now().await;\nlet task = tokio::spawn(async move {{ rx.recv().await.unwrap() }});\n"
    "let c = task.await.unwrap();\nlet d = *lock.lock().await; a + b + c + d"
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


def measure(options: argparse.Namespace, crate: Path) -> None:
    kernels: dict[str, Kernel] = {}
    if spec := find_spec("Kissaten", options.kissaten, "kissaten"):
        # What an earlier run has compiled is not to count; `remembered` measures that.
        kernels["Kissaten"] = Kernel("Kissaten", spec, (":cache off",))
    if spec := find_spec("evcxr_jupyter", options.evcxr, "rust"):
        kernels["evcxr `:opt 0`"] = Kernel("evcxr :opt 0", spec, (":opt 0", TOKIO_DEPENDENCY))
        kernels["evcxr"] = Kernel("evcxr", spec, (TOKIO_DEPENDENCY,))
    if spec := find_spec("ipykernel", options.ipykernel, "python3"):
        kernels["ipykernel"] = Kernel("ipykernel", spec)
    # Cells share std with all others; a cdylib by itself has it linked in, which takes the linker longer.
    rustc = {"plain rustc": PlainRustc(crate), "`-Cprefer-dynamic`": PlainRustc(crate, "-Cprefer-dynamic")}
    print(f"Medians of {options.rounds} cells and {options.starts} starts, in turns.")
    print("In brackets: Kissaten's time or memory as a multiple of the other's.\n")
    try:
        measure_in_turns(options, kernels, rustc)
    finally:
        for kernel in kernels.values():
            kernel.stop()
        for plain in rustc.values():
            plain.stop()


def measure_in_turns(options: argparse.Namespace, kernels: dict[str, Kernel], rustc: dict[str, PlainRustc]) -> None:
    rust = {kind: kernel for kind, kernel in kernels.items() if kind != "ipykernel"}
    table = Table([*kernels, *rustc])

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
        for kind, plain in rustc.items():
            candidates[kind] = one(
                lambda text, plain=plain: plain.run(
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
    cells("async cell: nine awaits", AWAITS, uses_tokio=True)

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
