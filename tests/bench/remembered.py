"""What is not compiled twice, and what is compiled while others wait: calls of rustc and times of whole notebooks.

Every kernel here has a cache of its own that begins empty but for the session library, so nothing of earlier runs counts.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from candidates import GUARD, Kernel, find_spec
from table import Table

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("0[1-9]*.ipynb"))
WAITS = 20
MANY = 30
WAIT = "let order{n} = async {{ tokio::time::sleep(std::time::Duration::from_millis(200)).await; {n} }}.await;\norder{n}"


class Remembering(Kernel):
    """A kernel that runs whole notebooks."""

    def run_all(self, codes: list[str]) -> float:
        """Asks for all cells at once, as Run All does; the seconds until the last is idle."""
        begin = time.perf_counter()
        ids = [self.client.execute(code, stop_on_error=False, allow_stdin=False) for code in codes]
        for _ in ids:
            self.client.get_shell_msg(timeout=GUARD)
        self._idle(ids[-1])
        return time.perf_counter() - begin

    def calls(self) -> int:
        """How often it has called rustc."""
        ids = self.client.execute(":cache")
        said = ""
        while (message := self._message(ids, GUARD))["content"].get("execution_state") != "idle":
            said += json.dumps(message["content"])
        self.client.get_shell_msg(timeout=GUARD)
        counts = re.findall(r"and (\d+) did\.|, (\d+) were made", said)
        return sum(int(number) for pair in counts for number in pair if number)

    def _idle(self, msg_id: str) -> None:
        while self._message(msg_id, GUARD)["content"].get("execution_state") != "idle":
            pass


def cells_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


class Cache:
    """A cache with what the user's own has of libraries, and no answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kissaten"
        for manifest in [*own.glob("latest-*.json"), *own.glob("session-*/session.json")]:
            found = json.loads(manifest.read_text())
            target = folder / Path(found["target"]).name
            target.mkdir(parents=True, exist_ok=True)
            to = folder / manifest.name if manifest.parent == own else target / manifest.name
            to.write_text(json.dumps({**found, "target": str(target)}))
            # The crates of the lessons are no part of what is measured.
            sets = Path(found["target"]) / "sets"
            if sets.is_dir() and not (target / "sets").exists():
                shutil.copytree(sets, target / "sets", symlinks=True)

    def kernel(self, spec: Path, **environment: str) -> Remembering:
        return Remembering("Kissaten", spec, (), {"KISSATEN_CACHE": str(self.folder), "KISSATEN_HISTORY": "off", **environment})


def installation(spec: Path, cache: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """A program beside a cache that is not the user's: its kernelspec, and the environment of another user."""
    specification = json.loads((spec / "kernel.json").read_text())
    program = folder / "bin" / "kissaten"
    program.parent.mkdir(parents=True)
    shutil.copy(specification["argv"][0], program)
    (folder / "lib").mkdir()
    (folder / "lib/kissaten").symlink_to(cache)
    specification["argv"][0] = str(program)
    other = folder / "kernels" / spec.name
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(json.dumps(specification))
    return other, {"XDG_CACHE_HOME": str(folder / "own"), "KISSATEN_HISTORY": "off"}


def measure(options: argparse.Namespace, _crate: Path) -> None:
    spec = find_spec("Kissaten", options.kissaten, "kissaten")
    if spec is None:
        return
    table = Table(["median", "of"])
    with tempfile.TemporaryDirectory(prefix="bench-remembered-") as temporary:
        folder = Path(temporary)
        one_cell(options, table, spec, folder)
        waiting(options, table, spec, folder)
        lessons(table, spec, folder)
        many(table, spec, folder)


def one_cell(options: argparse.Namespace, table: Table, spec: Path, folder: Path) -> None:
    kernel = Cache(folder / "one").kernel(spec)
    kernel.start()
    for code in ["let x = 1i64;", "x + 7"]:
        kernel.run(code)
    seconds = [kernel.run("x + 7") for _ in range(options.rounds)]
    kernel.stop()
    table.line("a cell that was compiled before", {"median": f"{statistics.median(seconds) * 1000:.1f} ms", "of": str(options.rounds)})


def waiting(options: argparse.Namespace, table: Table, spec: Path, folder: Path) -> None:
    codes = [WAIT.format(n=n) for n in range(WAITS)]
    seconds: dict[str, list[float]] = {"off": [], "": []}
    first: list[float] = []
    for number in range(min(options.repeats, 3)):
        for ahead, taken in seconds.items():
            kernel = Cache(folder / f"wait{number}{ahead}").kernel(spec, KISSATEN_AHEAD=ahead)
            kernel.start()
            kernel.run("1")
            first.append(kernel.run(WAIT.format(n=WAITS)) - 0.2)
            taken.append(kernel.run_all(codes))
            kernel.stop()
    of = str(min(options.repeats, 3))
    compile = statistics.median(first)
    for ahead, name in (("", "Run All of 20 async cells that wait 200 ms each, cold"), ("off", "the same without compiling ahead")):
        table.line(name, {"median": f"{statistics.median(seconds[ahead]):.2f} s", "of": of})
    table.line("waiting time, one compile and 5 % of that", {"median": f"{(WAITS * 0.2 + compile) * 1.05:.2f} s", "of": of})


def lessons(table: Table, spec: Path, folder: Path) -> None:
    counts = {"cold": 0, "again": 0, "another": 0}
    cache = Cache(folder / "lessons")
    shared, environment = installation(spec, cache.folder, folder / "installation")
    here = Path.cwd()
    for lesson in LESSONS:
        os.chdir(lesson.parent)
        codes = cells_of(lesson)
        kernels = {"cold": cache.kernel(spec), "again": cache.kernel(spec), "another": Remembering("Kissaten", shared, (), environment)}
        missed = {}
        for kind, kernel in kernels.items():
            kernel.start()
            kernel.run_all(codes)
            missed[kind] = kernel.calls()
            counts[kind] += missed[kind]
            kernel.stop()
        if missed["again"] or missed["another"]:
            print(f"({lesson.name}: {missed})")
        os.chdir(here)
    for kind, what in (("cold", "lessons 1-9, cold"), ("again", "Restart and Run All of them"), ("another", "the same, another user with the shared cache")):
        table.line(f"{what}: calls of rustc", {"median": str(counts[kind]), "of": "1"})


def many(table: Table, spec: Path, folder: Path) -> None:
    codes = cells_of(LESSONS[0])
    cache = Cache(folder / "many")
    warm = cache.kernel(spec)
    warm.start()
    warm.run_all(codes)
    warm.stop()
    taken = {}
    for kind in ("remembered", "compiled"):
        kernels = [cache.kernel(spec, KISSATEN_AHEAD="off") for _ in range(MANY)]
        for kernel in kernels:
            kernel.start()
            kernel.run(":cache off" if kind == "compiled" else ":cache")
        before = psutil.cpu_times()
        ids = [[kernel.client.execute(code, stop_on_error=False, allow_stdin=False) for code in codes] for kernel in kernels]
        for kernel, own in zip(kernels, ids, strict=True):
            kernel._idle(own[-1])
        after = psutil.cpu_times()
        taken[kind] = sum(getattr(after, what) - getattr(before, what) for what in ("user", "system", "nice"))
        for kernel in kernels:
            kernel.stop()
    ratio = taken["remembered"] / taken["compiled"]
    table.line(f"{MANY} kernels at once, lesson 1, CPU time", {"median": f"{taken['remembered']:.1f} s ({ratio:.2f} ×)", "of": "1"})
    table.line("the same where every compile calls rustc", {"median": f"{taken['compiled']:.1f} s", "of": "1"})
