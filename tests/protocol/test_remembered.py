"""Compiles are remembered: the same asked again calls no rustc, anything else does, and nothing is ever taken that is not whole."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel import Installation, Kernel, running
from toolchains import give_crates

CELLS = [
    "use std::sync::atomic::{AtomicU32, Ordering};",
    "#[derive(Debug, Clone)] struct Cup { size: u32 }\nimpl Cup { fn new(size: u32) -> Self { Self { size } } }",
    "static COUNT: AtomicU32 = AtomicU32::new(0);\nfn tick() -> u32 { COUNT.fetch_add(1, Ordering::SeqCst) }",
    "let cups: Vec<Cup> = (1..4).map(Cup::new).collect();\ntick();",
    "use std::collections::HashMap;\nlet by_size: HashMap<u32, Cup> = cups.iter().map(|cup| (cup.size, cup.clone())).collect();\nby_size.len()",
    "let task = tokio::spawn(async { tick() });\ntask.await?",
    "cups.iter().map(|cup| cup.size).sum::<u32>() + tick()",
]


def put_session_library(installation, folder: Path) -> None:
    """Puts the session library into a cache, and nothing that is remembered."""
    own = Path(installation.environment["XDG_CACHE_HOME"]) / "kissaten"
    for manifest in [*own.glob("latest-*.json"), *own.glob("session-*/session.json")]:
        found = json.loads(manifest.read_text())
        target = folder / Path(found["target"]).name
        target.mkdir(exist_ok=True)
        to = folder / manifest.name if manifest.parent == own else target / manifest.name
        to.write_text(json.dumps({**found, "target": str(target)}))


@pytest.fixture
def cache(installation, tmp_path) -> Path:
    """A cache with the session library in it and nothing that is remembered."""
    folder = tmp_path / "cache"
    folder.mkdir()
    put_session_library(installation, folder)
    return folder


@pytest.fixture
def start(start_kernel, cache) -> Callable[..., Kernel]:
    """Starts kernels that share this cache."""

    def start(**environment: str) -> Kernel:
        return start_kernel(environment={"KISSATEN_CACHE": str(cache), **environment})

    return start


def answers(cache: Path, *kernels: Kernel) -> list[Path]:
    """The files of answers, when these kernels have written theirs: nobody waits for that but who asks for them."""
    for kernel in kernels:
        calls(kernel)
    return [path for path in cache.glob("session-*/answers/*/*") if not path.name.startswith(".")]


def calls(kernel: Kernel) -> tuple[int, int]:
    """How many compiles needed no rustc, and how many did."""
    counted = re.search(r"In this session (\d+) needed no rustc, and (\d+) did\.", kernel.run(":cache").shown)
    assert counted
    return int(counted[1]), int(counted[2])


class Counted:
    hits = 0
    misses = 0


@contextmanager
def counted(kernel: Kernel):
    before, result = calls(kernel), Counted()
    yield result
    after = calls(kernel)
    result.hits, result.misses = after[0] - before[0], after[1] - before[1]


def run_all(kernel: Kernel) -> list[str | None]:
    cells = [kernel.run(code, cell_id=f"cell-{number}") for number, code in enumerate(CELLS)]
    assert all(cell.reply["status"] == "ok" for cell in cells), [cell.shown for cell in cells]
    return [cell.result for cell in cells]


def test_the_second_run_calls_no_rustc(start):
    kernel = start()
    first = run_all(kernel)
    assert first == [None, None, None, None, "3", "1", "8"]
    hits, misses = calls(kernel)
    assert hits == 0 and misses >= len(CELLS)
    # In a kernel of the same age, and in one that has seen other things, where cells have other numbers.
    kernel.restart()
    assert run_all(kernel) == first
    assert calls(kernel) == (misses, 0)
    other = start()
    for code in ["let a = 1;", "fn other() -> u8 { 1 }", "no_such_name", "let cups = other();", "cups + a", ":clear"]:
        other.run(code)
    with counted(other) as count:
        assert run_all(other) == first
    assert (count.hits, count.misses) == (misses, 0)
    # A cell that runs again has another number.
    with counted(other) as count:
        assert other.run(CELLS[5]).result == "3"
    assert (count.hits, count.misses) == (1, 0)
    # All once more, in the same kernel, is not the same: what later cells define is there already. Then it is.
    for _ in range(2):
        assert run_all(other) == first
    with counted(other) as count:
        assert run_all(other) == first
    assert count.misses == 0


def test_what_is_shown_has_the_numbers_of_this_time(start):
    cells = [
        'fn fail() -> u8 { panic!("no") }',
        "dbg!(1 + 1)",
        "fail()",
        'let five: u8 = "5";',
        "let task = tokio::spawn(std::future::pending::<()>());",
        ":tasks",
        'let n: i32 = "x".parse()?;',
        "std::panic::Location::caller().file()",
        "let cups = vec![1]; let moved = cups;",
        "cups",
        "%%timeline\ntokio::spawn(async {}).await?;",
    ]

    def shown(kernel: Kernel, first: int) -> list[str]:
        said = [kernel.run(code).shown for code in cells]
        # As if the first of them were cell 1.
        renumbered = [re.sub(r"cell (0*)(\d+)", lambda at: f"cell {int(at[2]) - first + 1}", text) for text in said]
        untimed = [re.sub(r"\b\d+(\.\d+)? (ns|µs|ms|s)\b|\[\d+\]", "SOME", text) for text in renumbered]
        # What a timeline compares is of this run, and columns are as wide as what stands in them.
        whole = [re.sub(r"(?s)(iopub display_data ).*iopub update_display_data ", r"\1", text) for text in untimed]
        alike = [re.sub(r"; one after another .*", "", text) for text in whole]
        narrow = [re.sub(r"[ ─━░▒█-]+", " ", text) for text in alike]
        # Whether a task was polled by then is another thread's matter.
        return [re.sub(r"\bwaiting [01]\b", "waiting SOME", text) for text in narrow]

    kernel = start()
    first = shown(kernel, 1)
    assert "[cell 2:1] 1 + 1 = 2" in first[1] and "cell 1, line 1" in first[2]
    assert "cell 4:1:16" in first[3]
    assert "cell 5" in first[5] and "cell 7" in first[6]
    assert '"cell 8"' in first[7] and "cell 9" in first[9] and "cell 11" in first[10]
    other = start()
    for _ in range(98):
        other.run("1")
    before = calls(other)
    assert shown(other, 100) == first
    assert calls(other)[1] == before[1]


def test_whatever_differs_is_compiled(start, tmp_path):
    text = tmp_path / "text"
    text.write_text("one")
    kernel = start(DRINK="tea")
    kernel.ok("fn size() -> u32 { 1 }")

    def differs(code: str, **options) -> bool:
        with counted(kernel) as count:
            assert kernel.run(code, **options).reply["status"] == "ok"
        assert count.hits + count.misses > 0
        return count.misses > 0

    reads = f'(include_str!("{text}"), env!("DRINK"), option_env!("MILK"))'
    assert differs("let x = 5;")
    for code in ["size() + 1", "x", reads]:
        assert differs(code), code
        assert not differs(code), code
    assert differs("size() + 2") and differs("x ") and differs("%%opt 2\nsize() + 1")
    assert not differs("%%opt 2\nsize() + 1")
    # A variable of another type.
    kernel.ok("let x = 5_u8;")
    assert differs("x")
    # An item that the cell can see.
    kernel.ok("fn size() -> u32 { 2 }")
    assert differs("size() + 1")
    assert kernel.run("size() + 1").result == "3"
    # What rustc reads.
    text.write_text("two")
    assert differs(reads)
    assert kernel.run(reads).result == '("two", "tea", None)'
    for environment, result in [({"DRINK": "coffee"}, '("two", "coffee", None)'), ({"DRINK": "coffee", "MILK": "y"}, '("two", "coffee", Some("y"))')]:
        kernel = start(**environment)
        kernel.ok("fn size() -> u32 { 2 }")
        kernel.ok("let x = 5_u8;")
        assert differs(reads)
        assert kernel.run(reads).result == result
        assert not differs(reads)


def test_a_path_dependency_that_changed_is_compiled(start, cache, tmp_path):
    give_crates(cache)
    package = tmp_path / "menu"
    (package / "src").mkdir(parents=True)
    (package / "Cargo.toml").write_text('[package]\nname = "menu"\nversion = "0.1.0"\nedition = "2024"\n')
    price = "pub fn price<T: Into<u32>>(more: T) -> u32 {{ {} + more.into() }}"
    (package / "src/lib.rs").write_text(price.format(3))
    line = f':dep menu = {{ path = "{package}" }}'
    for expected in ["4", "6"]:
        kernel = start()
        kernel.ok(line)
        assert kernel.run("menu::price(1_u8)").result == expected
        kernel = start()
        kernel.ok(line)
        with counted(kernel) as count:
            assert kernel.run("menu::price(1_u8)").result == expected
        assert (count.hits, count.misses) == (1, 0)
        (package / "src/lib.rs").write_text(price.format(5))


def test_statics_are_those_of_their_run(start):
    def count(kernel: Kernel) -> list[str | None]:
        kernel.ok("static N: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);", cell_id="a")
        kernel.ok("fn next() -> u32 { N.fetch_add(1, std::sync::atomic::Ordering::SeqCst) }", cell_id="b")
        kernel.ok("thread_local! { static L: std::cell::Cell<u32> = const { std::cell::Cell::new(7) }; }", cell_id="c")
        seen = [kernel.run(code).result for code in ["next()", "next() + N.load(std::sync::atomic::Ordering::SeqCst)", "L.replace(8)", "L.get()"]]
        # Another item makes another library; the static is where it was.
        kernel.ok("fn more() -> u32 { next() + 100 }", cell_id="d")
        seen.append(kernel.run("more()").result)
        # Its cell runs again: it begins anew for all.
        kernel.ok("static N: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);", cell_id="a")
        seen += [kernel.run(code).result for code in ["more()", "next()", "L.get()"]]
        # A static within the statements is of one run.
        once = "{ static S: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(5); S.fetch_add(1, std::sync::atomic::Ordering::SeqCst) }"
        seen += [kernel.run(once).result, kernel.run(once).result]
        return seen

    kernel = start()
    first = count(kernel)
    assert first == ["0", "3", "7", "8", "102", "100", "1", "8", "5", "5"]
    kernel.restart()
    assert count(kernel) == first
    assert calls(kernel)[1] == 0
    # All of it again beside what was there before, with the same libraries.
    kernel.ok(":clear")
    with counted(kernel) as counting:
        assert count(kernel) == first
    assert counting.misses == 0


def damaged(bytes: bytes) -> bytes:
    """A library that nothing loads, in an answer that is whole."""
    at = bytes.rindex(b"\x7fELF")
    content = bytes[:at] + b"none" + bytes[at + 4 : -32]
    return content + hashlib.sha256(content).digest()


@pytest.mark.parametrize("damage", [damaged, lambda answer: answer[: len(answer) // 2], lambda answer: b"", lambda answer: answer[:-1] + bytes([answer[-1] ^ 1])])
def test_what_is_damaged_is_compiled(start, cache, damage):
    kernel = start()
    first = run_all(kernel)
    hits, misses = calls(kernel)
    for path in answers(cache, kernel):
        content = path.read_bytes()
        path.write_bytes(damage(content) if b"\x7fELF" in content or damage is not damaged else content)
    kernel.restart()
    assert run_all(kernel) == first
    # A library of items that nothing can be linked to costs one more.
    assert misses <= calls(kernel)[1] <= misses + 1
    # What is there now is whole again; of what could not be linked to, what stands on it is compiled once more.
    for _ in range(2):
        kernel.restart()
        assert run_all(kernel) == first
    assert calls(kernel)[1] == 0


def test_a_full_disk_costs_the_cache_and_not_the_cell(start, cache, tmp_path):
    kernel = start()
    before = run_all(kernel)
    [session] = {path.parent.parent.parent for path in answers(cache, kernel)}
    shutil.rmtree(session / "answers")
    # A file in the place of the folder takes nothing, as a disk without room.
    (session / "answers").write_text("")
    kernel.restart()
    assert run_all(kernel) == before
    assert calls(kernel)[0] == 0
    assert "there is no folder of your own for new ones" in kernel.run(":cache").shown


def test_a_disk_that_fills_costs_the_cache_and_not_the_cell(installation, start, cache, tmp_path):
    """The folder is a file system of its own, of a few pages: what is written to it comes to half and no further."""
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    first = start()
    first.ok("let made = 1;")
    [folder] = {path.parent.parent for path in answers(cache, first)}
    script = f'mount -t tmpfs -o size=64k,mode=700 tmpfs "{folder}" && exec "$@"'
    prefix = tmp_path / "small"
    specification = json.loads((installation.kernels / "kissaten/kernel.json").read_text())
    specification["argv"] = ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh", *specification["argv"]]
    kernelspec = prefix / "share/jupyter/kernels/kissaten/kernel.json"
    kernelspec.parent.mkdir(parents=True)
    kernelspec.write_text(json.dumps(specification))
    with running(Installation(prefix, installation.environment), tmp_path / "kernel", environment={"KISSATEN_CACHE": str(cache)}) as kernel:
        first = run_all(kernel)
        assert first[4:] == ["3", "1", "8"]
        hits, misses = calls(kernel)
        assert hits == 0
        kernel.ok(":clear")
        assert run_all(kernel) == first
        # A library alone is larger than the disk.
        with counted(kernel) as count:
            assert kernel.run(CELLS[6]).result is not None
        assert calls(kernel)[1] > misses
        assert f"`{folder}`" in kernel.run(":cache").shown
    assert count.hits + count.misses == 1


def test_what_was_built_beforehand_calls_no_rustc(installation, tmp_path):
    """`kissaten prebuild NOTEBOOK --prefix` fills an installation that others can only read."""
    prefix = tmp_path / "class"
    for folder in ("bin", "share"):
        shutil.copytree(installation.prefix / folder, prefix / folder, symlinks=True)
    shared, own = prefix / "lib/kissaten", tmp_path / "own"
    shared.mkdir(parents=True)
    put_session_library(installation, shared)
    wrong = "let n: u8 = nothing;"
    cells = [*CELLS, wrong, "cups.len()"]
    notebook = tmp_path / "lesson.ipynb"
    sources = [{"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [], "execution_count": None, "source": code} for number, code in enumerate(cells)]
    kind = {"kernelspec": {"name": "kissaten", "display_name": "Rust", "language": "rust"}}
    notebook.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kind, "cells": sources}))
    before = notebook.read_bytes()
    program = prefix / "bin/kissaten"
    told = subprocess.run(
        [program, "prebuild", notebook, "--prefix", prefix, "--limit", "300"], env=installation.environment, check=True, capture_output=True, text=True, umask=0o022
    )
    assert f"ready: {notebook} (" in told.stdout and notebook.read_bytes() == before
    hidden = [path for path in shared.rglob("*") if path.name != "used" and path.suffix != ".lock" and path.stat().st_mode & 0o044 != 0o044]
    assert not hidden, "learners are other users"
    for path in [shared, *shared.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    kernelspec = prefix / "share/jupyter/kernels/kissaten/kernel.json"
    kernelspec.write_text(kernelspec.read_text().replace(str(installation.binary), str(program)))
    try:
        with running(Installation(prefix, {**installation.environment, "XDG_CACHE_HOME": str(own)}), tmp_path / "learner") as kernel:
            assert run_all(kernel) == [None, None, None, None, "3", "1", "8"]
            assert "cannot find value `nothing`" in kernel.fails(wrong).shown
            assert kernel.run("cups.len()").result == "3"
            hits, misses = calls(kernel)
            assert misses == 0 and hits >= len(cells)
    finally:
        for path in [shared, *shared.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def test_a_kernel_that_is_killed_leaves_nothing_half(installation, start, cache, tmp_path):
    kernel = start()
    first = run_all(kernel)
    kernel.run(":cache clear")
    for number in range(6):
        environment = {"KISSATEN_CACHE": str(cache)}
        victim = Kernel(installation, tmp_path / f"victim{number}", environment=environment)
        try:
            cell = victim.start(f"let killed = {number};")
            # At its end rustc has answered, and the answer is being kept.
            cell.until(lambda cell: number % 2 == 0 or bool(cell.shell))
            os.kill(victim.pid, signal.SIGKILL)
        finally:
            victim.close()
    for path in answers(cache):
        content = path.read_bytes()
        assert hashlib.sha256(content[:-32]).digest() == content[-32:]
    kernel = start()
    assert run_all(kernel) == first


def test_kernels_that_write_the_same_at_once(start, cache):
    kernels = [start() for _ in range(3)]
    for number, code in enumerate(CELLS):
        cells = [kernel.start(code, cell_id=f"cell-{number}") for kernel in kernels]
        assert all(cell.finish().reply["status"] == "ok" for cell in cells)
    assert answers(cache, *kernels)
    kernel = start()
    run_all(kernel)
    assert calls(kernel)[1] == 0


def test_the_cache_can_be_cleared_and_left_alone(start, cache):
    kernel = start()
    run_all(kernel)
    assert answers(cache, kernel)
    assert "All remembered compiles of your own are forgotten" in kernel.run(":cache clear").shown
    assert not answers(cache)
    kernel.run(":cache off")
    with counted(kernel) as count:
        run_all(kernel)
        run_all(kernel)
    assert count.hits == 0 and not answers(cache)
    kernel.run(":cache on")
    kernel.run("1 + 2")
    assert len(answers(cache, kernel)) == 1
