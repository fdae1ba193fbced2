"""The rules of execute_request: what is counted, what is silent, what a failed cell does to those behind it."""

import resource

import pytest


def waiting_for(path) -> str:
    """A cell that fails as soon as the file is there."""
    return (
        f'while !std::path::Path::new("{path}").exists() {{'
        " tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
        ' panic!("it was there")'
    )


def test_a_whole_transcript(kernel):
    kernel.run('println!("hi"); 7').matches(
        "iopub status busy",
        "iopub execute_input [1]",
        "iopub stream stdout 'hi\\n'",
        "iopub execute_result [1] text/plain 7",
        "iopub status idle",
        "shell execute_reply ok [1]",
    )


def test_the_kernel_says_once_that_it_starts(kernel):
    kernel.ok("1")
    states = [m["content"]["execution_state"] for m in kernel.orphans if m["msg_type"] == "status"]
    # It may have been sent before anybody listened.
    assert states in ([], ["starting"])


def test_every_cell_counts_once_whether_it_succeeds_or_not(kernel):
    assert [kernel.run(code).count for code in ("1", "nope", 'panic!("!")', "// nothing", "", ":help")] == [*range(1, 7)]


def test_a_silent_cell_runs_and_shows_nothing(kernel):
    kernel.ok("let a = 1; a")
    kernel.run("let b = a + 1; b", silent=True).matches(
        "iopub status busy",
        "iopub status idle",
        "shell execute_reply ok [1]",
    )
    assert kernel.run("b").result == "2"
    kernel.run("nope", silent=True).matches(
        "iopub status busy",
        "...",
        "iopub status idle",
        "shell execute_reply error [2]",
    )


def test_a_cell_without_history_does_not_count(kernel):
    kernel.ok("let a = 1;")
    cell = kernel.run("a + 1", store_history=False)
    assert (cell.count, cell.result) == (1, "2")
    assert kernel.run("a").count == 2


def test_a_failed_cell_ends_those_that_wait_behind_it(kernel, tmp_path):
    cells = [
        kernel.start(waiting_for(tmp_path / "go")),
        kernel.start("let second = 2;"),
        kernel.start("let third = 3;", store_history=False),
    ]
    # It comes behind them, by the same socket: when it is answered, all of them are there.
    kernel.request("kernel_info_request", {})
    (tmp_path / "go").touch()
    first, second, third = [cell.finish() for cell in cells]
    assert first.error["evalue"].startswith("it was there")
    for cell in (second, third):
        assert cell.reply["status"] in ("error", "aborted"), cell.transcript
        assert cell.error is None
        assert cell.count == 1
    assert kernel.fails("second").error["evalue"].startswith("E0425")
    assert kernel.run("1").count == 3


def test_without_stop_on_error_the_others_run(kernel, tmp_path):
    first = kernel.start(waiting_for(tmp_path / "go"), stop_on_error=False)
    second = kernel.start("2")
    (tmp_path / "go").touch()
    assert first.finish().reply["status"] == "error"
    assert second.finish().result == "2"


def test_cells_run_in_the_order_in_which_they_came(kernel):
    kernel.ok("let mut order: Vec<i32> = vec![];")
    cells = [kernel.start(f"order.push({n}); order.clone()") for n in range(5)]
    assert [cell.finish().result for cell in cells] == [str([*range(n + 1)]) for n in range(5)]


def test_user_expressions_are_answered(kernel):
    kernel.ok("let x = 20;")
    reply = kernel.ok("let y = x + 1;", user_expressions={"sum": "x + y", "wrong": "nope"}).reply
    answers = reply["user_expressions"]
    assert set(answers) == {"sum", "wrong"}
    match answers["sum"]["status"]:
        case "ok":
            assert answers["sum"] == {"status": "ok", "data": {"text/plain": "41"}, "metadata": {}}
        case "error":
            assert {"ename", "evalue", "traceback"} <= set(answers["sum"])
    assert answers["wrong"]["status"] == "error"
    assert {"ename", "evalue", "traceback"} <= set(answers["wrong"])
    assert kernel.run("(x, y)").result == "(20, 21)"


def test_user_expressions_change_nothing(kernel):
    """Each is answered by itself, and none leaves anything behind or takes anything away."""
    kernel.ok("let x = 1; let text = String::from(\"kept\");")
    expressions = {
        "value": "x + 1",
        "awaits": "tokio::task::yield_now().await; 7",
        "binds": "let z = x + 10; z * 2",
        "borrows": "&text",
        "shows": "text",
        "moves": "drop(text)",
        "item": "fn f() {} 1",
        "import": "use std::mem;",
        "panics": "panic!(\"oh\")",
        "fails": "\"a\".parse::<u8>()?",
        "broken": "let a =",
        "command": ":vars",
        "nothing": "",
        "not text": 7,
    }
    cell = kernel.ok("x", user_expressions=expressions)
    answers = cell.reply["user_expressions"]
    good = {name: answer["data"].get("text/plain") for name, answer in answers.items() if answer["status"] == "ok"}
    assert good == {"value": "2", "awaits": "7", "binds": "22", "borrows": '"kept"', "shows": '"kept"', "nothing": None}
    names = {name: answer["ename"] for name, answer in answers.items() if answer["status"] == "error"}
    assert names == {
        "moves": "CompileError",
        "item": "CompileError",
        "import": "CompileError",
        "panics": "Panic",
        "fails": "ParseIntError",
        "broken": "CompileError",
        "command": "CompileError",
        "not text": "MalformedRequest",
    }
    assert answers["moves"]["evalue"] == "an expression that is evaluated beside a cell changes nothing"
    assert [m["msg_type"] for m in cell.iopub] == ["status", "execute_input", "execute_result", "status"]
    for name in ("z", "f()"):
        kernel.fails(name)
    assert kernel.ok("(x, text.len())").result == "(1, 4)"


def test_user_expressions_of_a_silent_cell(kernel):
    """As an extension asks for a value without anything to be seen."""
    kernel.ok("let x = 1;")
    cell = kernel.run("", silent=True, store_history=False, user_expressions={"x": "x"})
    assert cell.reply["user_expressions"]["x"] == {"status": "ok", "data": {"text/plain": "1"}, "metadata": {}}
    assert [m["msg_type"] for m in cell.iopub] == ["status", "status"]


def test_a_page_and_the_next_cell_stand_in_the_reply(kernel):
    """They are no output, come in their order, and go with their own cell alone."""
    cell = kernel.ok('kissaten::page(&kissaten::Markdown("# Tea")); kissaten::set_next_input("let cup = 1;"); 7')
    page, text = cell.reply["payload"]
    assert page == {"source": "page", "data": page["data"], "start": 0}
    assert page["data"]["text/markdown"] == "# Tea" and "text/plain" in page["data"]
    assert text == {"source": "set_next_input", "text": "let cup = 1;", "replace": False}
    assert [m["msg_type"] for m in cell.iopub] == ["status", "execute_input", "execute_result", "status"]
    assert kernel.ok("1").reply["payload"] == []
    failed = kernel.fails('kissaten::page(&kissaten::Plain("before")); panic!("oh")')
    assert [payload["source"] for payload in failed.reply["payload"]] == ["page"]


def test_a_page_that_comes_too_late_is_shown(kernel, tmp_path):
    go = tmp_path / "go"
    cell = kernel.ok(
        f'let task = tokio::spawn(async {{ while !std::path::Path::new("{go}").exists() {{ tokio::task::yield_now().await; }}\n'
        'kissaten::set_next_input("nobody"); kissaten::page(&kissaten::Plain("late")); });'
    )
    go.touch()
    kernel.ok("task.await?;")
    shown = [m["content"]["data"] for m in cell.iopub if m["msg_type"] == "display_data"]
    assert shown == [{"text/plain": "late"}]


def test_no_user_expressions_are_an_empty_answer(kernel):
    assert kernel.ok("1").reply["user_expressions"] == {}


@pytest.mark.parametrize("content", [{"code": "1 + 1"}, {"code": "1 + 1", "silent": False, "unheard_of": [1]}])
def test_fields_that_are_missing_or_unknown(kernel, content):
    cell = kernel.send("execute_request", content)
    while not cell.ended:
        kernel.receive()
    assert cell.reply["status"] == "ok"
    assert cell.result == "2"


def test_a_cell_may_hold_more_files_and_sockets_than_a_shell_s_default(start_kernel):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
    try:
        kernel = start_kernel()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if hard < 3000:
        pytest.skip("the system itself allows no more")
    cell = 'let files: Vec<_> = (0..2500).map(|_| std::fs::File::open("/dev/null").unwrap()).collect(); files.len()'
    assert kernel.ok(cell).result == "2500"
