"""How long a frontend waits for completions and for words about a name, beside evcxr_jupyter."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from candidates import GUARD, Kernel, find_spec
from table import Table, in_turns

# Both know them: what a cell before this one defined, what a variable's methods are, what a module has.
CELLS = (
    "let beans: Vec<String> = vec![String::from(\"a\")];\nlet coffee = 1;",
    "struct Point { x: f64, y: f64 }\nimpl Point { fn moved(&self) -> f64 { self.x } }",
)
SAMPLES = {
    "a variable": ("cof", "coffee"),
    "a method of std": ("beans.pus", "push"),
    "a method in a chain": ("let cup = beans.first().cloned(); cup.unwr", "unwrap_or_default"),
    "a path": ("std::collections::HashM", "HashMap"),
}
INSPECTED = "beans.push"
# Somebody who types on after the first letter that was completed.
TYPED = ("beans.p", "beans.pu", "beans.pus")


def ask(kernel: Kernel, msg_type: str, content: dict) -> tuple[float, dict]:
    """Asks on the shell channel; the seconds until the reply, and the reply."""
    client = kernel.client
    begin = time.perf_counter()
    client.shell_channel.send(client.session.msg(msg_type, content))
    reply = client.get_shell_msg(timeout=GUARD)["content"]
    return time.perf_counter() - begin, reply


def complete(kernel: Kernel, code: str) -> tuple[float, list[str]]:
    seconds, reply = ask(kernel, "complete_request", {"code": code, "cursor_pos": len(code)})
    return seconds, [text.split("(")[0] for text in reply.get("matches", [])]


def another(n: int) -> str:
    """The beginning of a cell that nobody was asked about yet."""
    return f"let round_{n} = {n};\n"


def type_on(kernel: Kernel, n: int) -> float:
    """The seconds that a letter takes, in the middle, after the first one."""
    seconds = [complete(kernel, another(n) + code)[0] for code in TYPED]
    return statistics.mean(seconds[1:])


def inspect(kernel: Kernel, code: str) -> float:
    return ask(kernel, "inspect_request", {"code": code, "cursor_pos": len(code), "detail_level": 0})[0]


def warm(kernel: Kernel) -> tuple[float, float]:
    """Asks until the method is known; the seconds of the first answer, and until it was."""
    code, wanted = SAMPLES["a method of std"]
    begin = time.perf_counter()
    first, matches = complete(kernel, code)
    while wanted not in matches:
        if time.perf_counter() - begin > GUARD:
            raise SystemExit(f"{kernel.kind}: {code} is never completed")
        time.sleep(0.05)
        _, matches = complete(kernel, code)
    return first, time.perf_counter() - begin


def measure(options: argparse.Namespace, _crate: Path) -> None:
    kinds = (("Kissaten", options.kissaten, "kissaten"), ("evcxr", options.evcxr, "rust"))
    specs = {kind: find_spec(kind, given, name) for kind, given, name in kinds}
    kernels = {kind: Kernel(kind, spec) for kind, spec in specs.items() if spec is not None}
    print(f"{options.rounds} rounds; from the request to the reply; median, and what 95 of 100 stay below.\n")
    table = Table(list(kernels))
    try:
        starts = {}
        for kind, kernel in kernels.items():
            kernel.start()
            for cell in CELLS:
                kernel.run(cell)
            starts[kind] = warm(kernel)
        table.line("the first answer", {kind: f"{first * 1000:.0f} ms" for kind, (first, _) in starts.items()})
        table.line("until std is known", {kind: f"{known:.1f} s" for kind, (_, known) in starts.items()})
        everything: dict[str, list[float]] = {kind: [] for kind in kernels}
        for what, (code, wanted) in SAMPLES.items():
            missed = dict.fromkeys(kernels, 0)

            def once(kind: str, n: int, code: str = code, wanted: str = wanted, missed: dict[str, int] = missed) -> float:
                seconds, matches = complete(kernels[kind], another(n) + code)
                missed[kind] += wanted not in matches
                return seconds

            measured = in_turns(options.rounds, {kind: lambda n, kind=kind: once(kind, n) for kind in kernels})
            table.line(what, {kind: figures(values, missed[kind]) for kind, values in measured.items()})
            for kind, values in measured.items():
                everything[kind] += values
        table.line("all of these", {kind: figures(values, 0) for kind, values in everything.items()})
        turns = {kind: lambda n, kind=kind: type_on(kernels[kind], n) for kind in kernels}
        measured = in_turns(options.rounds, turns)
        table.line("the next letter of a word", {kind: figures(values, 0) for kind, values in measured.items()})
        turns = {kind: lambda n, kind=kind: inspect(kernels[kind], another(n) + INSPECTED) for kind in kernels}
        measured = in_turns(options.rounds, turns)
        table.line("words about a method", {kind: figures(values, 0) for kind, values in measured.items()})
    finally:
        for kernel in kernels.values():
            kernel.stop()


def figures(values: list[float], missed: int) -> str:
    cut = statistics.quantiles(values, n=20)[-1]
    text = f"{statistics.median(values) * 1000:.0f} ms, {cut * 1000:.0f} ms"
    return text + (f" ({missed} of {len(values)} without it)" if missed else "")
