"""Cells that wait are compiled while one runs, each as if those before it succeed; of a guess that was wrong nothing shows."""

import re

import pytest

from kernel import Kernel, still_running
from test_remembered import cache  # noqa: F401


@pytest.fixture
def start(start_kernel, cache):  # noqa: F811
    """Starts a kernel with an empty cache, which does not ask what else the machine does."""

    def start(ahead: str = "always") -> Kernel:
        return start_kernel(environment={"KISSATEN_CACHE": str(cache), "KISSATEN_AHEAD": ahead})

    return start


def until_remembered(cache, count: int) -> str:  # noqa: F811
    """Code that awaits the moment when so many compiles are remembered."""
    return f"""
        let kept = || std::fs::read_dir("{cache}").unwrap().flatten()
            .flat_map(|session| std::fs::read_dir(session.path().join("answers")).into_iter().flatten().flatten())
            .flat_map(|shard| std::fs::read_dir(shard.path()).unwrap().flatten())
            .filter(|answer| !answer.file_name().to_string_lossy().starts_with('.')).count();
        while kept() < {count} {{ tokio::time::sleep(std::time::Duration::from_millis(2)).await; }}
    """


def calls(kernel: Kernel) -> tuple[int, int, int]:
    """How many compiles needed no rustc, how many did, and how many were made ahead."""
    shown = kernel.run(":cache").shown
    counted = re.search(r"In this session (\d+) needed no rustc, and (\d+) did\.", shown)
    ahead = re.search(r"While cells ran, (\d+) were made for those that waited\.", shown)
    assert counted
    return int(counted[1]), int(counted[2]), int(ahead[1]) if ahead else 0


def test_what_waits_is_compiled_meanwhile(start, cache):  # noqa: F811
    kernel = start()
    # One is the first cell's own; one of the others takes two.
    codes = [
        until_remembered(cache, 7) + "let cups = vec![1, 2, 3];",
        "#[derive(Debug, Clone)] struct Cup(i32);",
        "let more: Vec<Cup> = cups.iter().map(|n| Cup(n + 1)).collect();",
        "%%opt 1\n:timing\nlet task = tokio::spawn(async { 7 });\nmore.len()",
        "let cups = task.await?;",
        "(cups, more)",
    ]
    cells = [kernel.start(code) for code in codes]
    results = [cell.finish().result for cell in cells]
    assert [cell.reply["status"] for cell in cells] == ["ok"] * 6, [cell.shown for cell in cells]
    assert results == [None, None, None, "3", None, "(7, [Cup(2), Cup(3), Cup(4)])"]
    assert calls(kernel) == (6, 1, 6)


def test_nothing_shows_of_a_guess_that_was_wrong(start, cache):  # noqa: F811
    def run(kernel: Kernel, wait: str) -> list[list[str]]:
        codes = [
            f'let a = 1;\n{wait}\nlet b: u8 = if a == 1 {{ Err("no beans")? }} else {{ 2 }};',
            "fn price() -> u8 { 3 }\nlet c = b + price();",
            "c",
            "a + i32::from(price())",
            ":vars",
        ]
        cells = [kernel.start(code, stop_on_error=False) for code in codes]
        return [[re.sub(r"\b\d+(\.\d+)? (ns|µs|ms|s)\b", "SOME", line) for line in cell.finish().transcript] for cell in cells]

    kernel = start()
    guessed = run(kernel, until_remembered(cache, 3))
    assert calls(kernel)[2] >= 2
    kernel = start("off")
    assert run(kernel, until_remembered(cache, 1)) == guessed
    assert calls(kernel)[2] == 0


def test_an_error_ends_what_was_guessed(start, cache):  # noqa: F811
    kernel = start()
    first = kernel.start(until_remembered(cache, 2) + 'panic!("no")')
    others = [kernel.start("fn later() -> u8 { 1 }"), kernel.start("let x = later();"), kernel.start("x")]
    assert first.finish().reply["status"] == "error"
    assert [cell.finish().reply["status"] for cell in others] == ["aborted"] * 3
    assert "cannot find function `later`" in kernel.fails("later()").shown
    assert kernel.run("1 + 1").result == "2"


# Takes rustc longer than anybody waits.
SLOW = """
    #[allow(long_running_const_eval)]
    const SUM: u64 = { let mut n = 0_u64; while n < 1 << 40 { n += 1; } n };
    SUM
"""


@pytest.mark.parametrize("by", ["interrupt", "another compile"])
def test_a_guess_makes_way(start, cache, by):  # noqa: F811
    kernel = start()
    first = kernel.start('println!("waits"); std::future::pending::<()>().await')
    slow = kernel.start(SLOW)
    first.until(lambda cell: "waits" in cell.stdout)

    def guessing() -> list:
        return [process for process in kernel.processes() if process.name() == "rustc" and process.nice() > 0]

    while not (rustc := guessing()):
        kernel.request("kernel_info_request", {})
    if by == "interrupt":
        kernel.interrupt_by_signal()
        assert first.finish().reply["status"] == "error"
        assert slow.finish().reply["status"] == "aborted"
        assert not still_running(rustc, 10)
        return
    # It is another shell's, of which the guess knew nothing.
    subshell = kernel.request("create_subshell_request", {}, channel="control").finish().reply["subshell_id"]
    content = {"code": "1 + 1", "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
    cell = kernel.send("execute_request", content, subshell=subshell)
    while not cell.ended:
        kernel.receive()
    assert cell.result == "2"
    assert not still_running(rustc, 10)
    kernel.interrupt_by_signal()
    assert first.finish().reply["status"] == "error"
    assert slow.finish().reply["status"] == "aborted"


def test_without_a_cache_nothing_is_compiled_ahead(start):
    kernel = start()
    kernel.ok(":cache off")
    cells = [kernel.start(code) for code in ["tokio::time::sleep(std::time::Duration::from_millis(100)).await", "let a = 1;", "a + 1"]]
    assert [cell.finish().result for cell in cells] == [None, None, "2"]
    assert calls(kernel) == (0, 3, 0)
