"""`history_request`: what was run, in this session and earlier ones, and that no cell is harmed by the disk."""

from __future__ import annotations

import sqlite3

import pytest


@pytest.fixture
def start(start_kernel, tmp_path):
    """Starts kernels with a data folder of their own, which they share."""
    data = tmp_path / "data"

    def begin(**environment: str):
        return start_kernel(environment={"XDG_DATA_HOME": str(data), **environment})

    begin.file = data / "kissaten" / "history.sqlite"
    return begin


def history(kernel, access: str, **content):
    reply = kernel.request("history_request", {"hist_access_type": access, "raw": True, "output": False, **content})
    reply = reply.finish().reply
    assert reply["status"] == "ok"
    return reply["history"]


def sources(kernel, access: str, **content) -> list[str]:
    return [source for _, _, source in history(kernel, access, **content)]


def test_a_session_remembers_inputs_and_results(start):
    kernel = start()
    kernel.ok("let a = 20;")
    kernel.ok("a + 1")
    kernel.fails("nope")
    kernel.ok('println!("x")')
    tail = history(kernel, "tail", n=10, output=True)
    assert [entry[1:] for entry in tail] == [
        [1, ["let a = 20;", None]],
        [2, ["a + 1", "21"]],
        [3, ["nope", None]],
        [4, ['println!("x")', None]],
    ]
    assert len({session for session, _, _ in tail}) == 1
    assert sources(kernel, "tail", n=2) == ["nope", 'println!("x")']
    assert sources(kernel, "range", start=2, stop=4) == ["a + 1", "nope"]
    assert sources(kernel, "search", pattern="*a*", n=1) == ["a + 1"]


def test_what_is_not_for_people_is_not_kept(start):
    kernel = start()
    kernel.ok("1", silent=True)
    kernel.ok("2", store_history=False)
    kernel.ok("  ")
    kernel.ok("3", user_expressions={"four": "4"})
    assert sources(kernel, "tail", n=10) == ["3"]


def test_later_sessions_find_what_earlier_ones_ran(start):
    first = start()
    for code in ("let one = 1;", "one", "one"):
        first.ok(code)
    first.restart()
    assert sources(first, "range", session=-1) == ["let one = 1;", "one", "one"]
    second = start()
    second.ok("2")
    assert sources(second, "tail", n=2) == ["one", "2"]
    assert sources(second, "range", session=0) == ["2"]
    assert sources(second, "search", pattern="*one*", unique=True) == ["let one = 1;", "one"]
    # The first goes on in a session of its own, and both see all.
    first.ok("3")
    both = sources(first, "tail", n=10)
    assert both == sources(second, "tail", n=10) == ["let one = 1;", "one", "one", "2", "3"]


def test_a_running_cell_is_in_the_history(start):
    kernel = start()
    cell = kernel.start("std::future::pending::<()>().await")
    cell.until(lambda cell: len(cell.iopub) >= 2)
    assert sources(kernel, "tail", n=1) == ["std::future::pending::<()>().await"]
    kernel.interrupt_by_signal()
    cell.finish()


def test_a_broken_database_is_moved_aside(start):
    start.file.parent.mkdir(parents=True)
    start.file.write_bytes(b"no database at all, but a rather long text all the same" * 99)
    kernel = start()
    kernel.ok("1")
    assert sources(kernel, "tail", n=10) == ["1"]
    assert kernel.log.count("is broken") == 1
    assert len(list(start.file.parent.glob("history.broken-*"))) == 1


def test_without_a_place_for_it_it_lasts_as_long_as_the_kernel(start):
    start.file.parent.parent.write_text("a file where the folder should be")
    kernel = start()
    for code in ("1", "2"):
        kernel.ok(code)
    assert sources(kernel, "tail", n=10) == ["1", "2"]
    assert kernel.log.count("only in memory") == 1


def test_another_program_may_hold_the_database(start):
    kernel = start()
    kernel.ok("1")
    assert sources(kernel, "tail", n=10) == ["1"]
    with sqlite3.connect(start.file, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        # No cell waits for it.
        kernel.ok("2")
        connection.execute("ROLLBACK")
    connection.close()
    assert sources(kernel, "tail", n=10) == ["1", "2"]


def test_it_can_be_switched_off(start):
    kernel = start(KISSATEN_HISTORY="off")
    kernel.ok("1")
    assert history(kernel, "tail", n=10) == []
    assert not start.file.parent.exists()


def test_content_that_is_none_is_an_error(start):
    kernel = start()
    for content in ({}, {"hist_access_type": "dance"}, {"hist_access_type": "tail", "n": "many"}):
        assert kernel.request("history_request", content).finish().reply["status"] == "error"
