"""Completion: by what the notebook knows itself, and by the analyzer where it is there; also while cells compile and run."""

import os
import signal

import pytest

from kernel import HANG, still_running

AWAITING = "{ tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
POINT = "/// A place.\nstruct Point { x: f64, y: f64 }\nimpl Point { fn moved(&self, by: f64) -> Point { Point { x: self.x + by, y: self.y } } }"
NO_ANALYZER = {"KISSATEN_ANALYZER": "/nonexistent"}


def ask(kernel, marked):
    """Completes at the `|` of a cell."""
    cursor = marked.index("|")
    content = {"code": marked.replace("|", "", 1), "cursor_pos": cursor}
    return kernel.request("complete_request", content).finish().reply


def texts(kernel, marked):
    reply = ask(kernel, marked)
    assert reply["status"] == "ok"
    return reply["matches"]


def shown(reply, text):
    """What a frontend is told about one completion."""
    [found] = [each for each in reply["metadata"]["_jupyter_types_experimental"] if each["text"] == text]
    return found


def analyzers(kernel):
    """The processes of the analyzer, without the one that it starts itself."""
    found = [process for process in kernel.processes() if process.name() == "kissaten-analyzer"]
    return [process for process in found if process.ppid() == kernel.pid]


def wake(kernel):
    """Waits for the analyzer: the documentation of std comes from nowhere else."""
    while True:
        reply = kernel.run(":doc String::push_str").reply
        if reply["status"] == "ok":
            return reply
        # It may be slow, but not missing.
        assert reply["ename"] == "DocError" and "know only" not in reply["evalue"], reply


def until(kernel, marked, text):
    """Completes until the analyzer was quick enough."""
    while text not in (reply := ask(kernel, marked))["matches"]:
        pass
    return reply


@pytest.fixture
def alone(start_kernel):
    """A kernel without an analyzer."""
    return start_kernel(environment=NO_ANALYZER)


def test_variables_types_fields_and_methods(alone):
    alone.ok(f"{POINT}\nlet place = Point {{ x: 1.0, y: 2.0 }};\nlet placid = 1;")
    reply = ask(alone, "plac|")
    assert reply["matches"] == ["place", "placid"]
    assert shown(reply, "place") == {"start": 0, "end": 4, "text": "place", "type": "instance", "signature": "Point"}
    assert texts(alone, "place.|") == ["x", "y", "moved"]
    assert texts(alone, "let other = place.moved(1.0); other.mo|") == ["moved"]
    assert shown(ask(alone, "place.m|"), "moved")["signature"] == "fn moved(&self, by: f64) -> Point"
    assert texts(alone, "Point { |")[:2] == ["x", "y"]
    assert texts(alone, "tokio::sync::mp|") == ["mpsc"] and "println!" in texts(alone, "printl|")
    assert texts(alone, "nobody.knows|") == []


def test_the_cursor_is_counted_in_code_points(alone):
    alone.ok("let 咖啡 = 1; let coffee = 2;")
    reply = ask(alone, 'let cup = "☕👩‍🚀"; cof|')
    before = len('let cup = "☕👩‍🚀"; ')
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["coffee"], before, before + 3)
    reply = ask(alone, "/* 🦀 */ 咖|")
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["咖啡"], 8, 9)
    # In the midst of a word only what is before the cursor is replaced.
    reply = ask(alone, "cof|fee")
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["coffee"], 0, 3)


def test_commands_and_their_arguments(alone):
    assert texts(alone, ":ti|") == ["timing", "timeline"]
    assert texts(alone, "%%ti|") == ["timing", "timeline"]
    assert "vars" in texts(alone, "%|") and "vars" not in texts(alone, "%%|")
    assert texts(alone, ":opt |") == ["0", "1", "2", "3"]
    assert texts(alone, ":tasks ab|") == ["abort"]
    reply = ask(alone, ":dep serde_js|")
    assert "serde_json" in reply["matches"] and (reply["cursor_start"], reply["cursor_end"]) == (5, 13)
    assert shown(ask(alone, ":hel|"), "help")["type"] == "magic"
    alone.ok("let beans = 1;")
    assert texts(alone, ":type bea|") == ["beans"]
    # Further down it is Rust.
    assert texts(alone, "let a = 1;\n:ti|") == []


def test_half_written_cells_have_an_answer(alone):
    alone.ok("let beans = 1;")
    for before in ["fn f() { if x { ", "match 1 { Some(", "let (a, b", "}}}) ", "#[derive(", 'println!("{}", ', "let s = std::", "'"]:
        assert ask(alone, before + "bea|")["status"] == "ok"
    assert texts(alone, 'println!("{}", bea|') == ["beans"]
    assert texts(alone, '"bea|') == [] and texts(alone, "// bea|") == []


def test_positions_that_are_none(alone):
    for content in [{"code": "a", "cursor_pos": 99}, {"code": "", "cursor_pos": 0}]:
        assert alone.request("complete_request", content).finish().reply["status"] == "ok"
    for content in [{}, {"code": "a"}, {"code": "a", "cursor_pos": -1}]:
        assert alone.request("complete_request", content).finish().reply["status"] == "error"


def test_while_a_cell_runs(alone, tmp_path):
    alone.ok("let beans = 1;")
    cell = alone.start(f'while !std::path::Path::new("{tmp_path}/go").exists() {AWAITING}\nprintln!("done");')
    assert texts(alone, "bea|") == ["beans"]
    assert not cell.ended
    (tmp_path / "go").touch()
    assert cell.finish().stdout == "done\n"


def test_while_another_cell_compiles(alone, tmp_path):
    alone.ok("let beans = 1;")
    # rustc waits for somebody to write.
    os.mkfifo(tmp_path / "text")
    cell = alone.start(f'include_str!("{tmp_path}/text").len()')
    # The reader is there as soon as this opens.
    writer = os.open(tmp_path / "text", os.O_WRONLY)
    assert texts(alone, "bea|") == ["beans"]
    assert not cell.ended
    os.write(writer, b"12345")
    os.close(writer)
    assert cell.finish().result == "5"


def test_without_an_analyzer_the_kernel_says_so_once(alone):
    assert "alpha" not in texts(alone, "String::new().is_al|")
    for _ in range(3):
        texts(alone, "String::new().le|")
    assert "the analyzer is not built" in alone.ok(":help").shown
    assert alone.log.count("the analyzer is not built") == 1


@pytest.mark.analyzer
def test_the_analyzer_knows_std_and_crates(kernel):
    assert not analyzers(kernel), "nobody has asked for it"
    kernel.ok("let beans: Vec<String> = Vec::new();")
    wake(kernel)
    reply = until(kernel, "/* 🦀 */ beans.pus|", "push")
    assert reply["matches"][0] == "push" and shown(reply, "push")["type"] == "function"
    start = len("/* 🦀 */ beans.")
    assert (reply["cursor_start"], reply["cursor_end"]) == (start, start + 3)
    until(kernel, "let cup = beans.first().cloned(); cup.unwr|", "unwrap_or_default")
    until(kernel, "tokio::time::sleep_u|", "sleep_until")
    until(kernel, "tokio::net::Tcp|", "TcpListener")
    until(kernel, "kissaten::disp|", "display")
    # What both know has the notebook's words.
    kernel.ok(POINT + "\nlet place = Point { x: 1.0, y: 2.0 };")
    reply = until(kernel, "place.moved(1.0).x.sq|", "sqrt")
    reply = ask(kernel, "place.|")
    assert reply["matches"].count("moved") == 1 and shown(reply, "moved")["signature"].startswith("fn moved")


@pytest.fixture
def soon(start_kernel, small_std):
    """A kernel whose analyzer is soon ready."""
    return start_kernel(environment=small_std)


@pytest.mark.analyzer
def test_a_crate_on_demand_is_read_when_it_is_named(soon):
    kernel = soon
    wake(kernel)
    [process] = analyzers(kernel)
    until(kernel, "use futures::StreamE|", "StreamExt")
    assert still_running([process], HANG) == [], "another has taken its place"
    # And it stays, whether it is named again or not.
    [process] = analyzers(kernel)
    wake(kernel)
    assert analyzers(kernel) == [process]


@pytest.mark.analyzer
def test_an_analyzer_that_is_killed_is_started_anew(soon):
    kernel = soon
    kernel.ok("let beans = 1;")
    wake(kernel)
    [process] = analyzers(kernel)
    process.kill()
    assert "beans" in texts(kernel, "bea|")
    wake(kernel)
    assert process not in analyzers(kernel)


@pytest.mark.analyzer
def test_an_analyzer_that_hangs_stops_nobody(soon):
    kernel = soon
    kernel.ok("let beans = 1;")
    wake(kernel)
    [process] = analyzers(kernel)
    process.send_signal(signal.SIGSTOP)
    for _ in range(3):
        assert "beans" in texts(kernel, "bea|")
    assert kernel.ok("beans + 1").result == "2"
    process.send_signal(signal.SIGCONT)


@pytest.mark.analyzer
def test_an_analyzer_that_nobody_asks_is_ended(start_kernel, small_std):
    kernel = start_kernel(environment={"KISSATEN_ANALYZER_IDLE": "0.1", **small_std})
    wake(kernel)
    assert not still_running(analyzers(kernel), HANG)
    # And it is there again for who asks again.
    wake(kernel)
