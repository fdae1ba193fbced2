"""Subshells: cells that run while a cell of another shell awaits."""

from contextlib import contextmanager

import pytest


def create(kernel):
    reply = kernel.request("create_subshell_request", {}, channel="control").finish().reply
    assert reply["status"] == "ok"
    return reply["subshell_id"]


def delete(kernel, subshell):
    return kernel.request("delete_subshell_request", {"subshell_id": subshell}, channel="control").finish().reply


def subshells(kernel):
    return kernel.request("list_subshell_request", {}, channel="control").finish().reply["subshell_id"]


class Subshell:
    """A subshell as a client uses it. Its cells have a count of their own."""

    def __init__(self, kernel, subshell=None):
        self.kernel = kernel
        self.id = subshell or create(kernel)

    def start(self, code, **more):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, **more}
        return self.kernel.send("execute_request", {"allow_stdin": False, "stop_on_error": True, **content}, subshell=self.id)

    def run(self, code, **more):
        cell = self.start(code, **more)
        while not cell.ended:
            self.kernel.receive()
        for message in [*cell.iopub, *cell.shell]:
            assert message["parent_header"]["subshell_id"] == self.id
        states = [m["content"]["execution_state"] for m in cell.iopub if m["msg_type"] == "status"]
        assert states == ["busy", "idle"] and len(cell.shell) == 1
        return cell

    def ok(self, code, **more):
        cell = self.run(code, **more)
        assert cell.reply["status"] == "ok", "\n".join(cell.transcript)
        return cell

    def fails(self, code, **more):
        cell = self.run(code, **more)
        assert cell.reply["status"] == "error", "\n".join(cell.transcript)
        return cell


@pytest.fixture
def subshell(kernel):
    return Subshell(kernel)


@contextmanager
def awaiting(kernel, code="", then=""):
    """The main shell awaits, in a cell that begins and ends with this code; at the end it is let go."""
    kernel.ok("static GO: tokio::sync::Notify = tokio::sync::Notify::const_new();")
    cell = kernel.start(f'{code}\nprintln!("awaiting"); GO.notified().await; {then}')
    cell.until(lambda cell: "awaiting" in cell.stdout)
    yield cell
    if not cell.ended:
        Subshell(kernel).ok("GO.notify_one();")
        cell.finish()


def test_subshells_come_and_go(kernel):
    assert subshells(kernel) == []
    one, two = create(kernel), create(kernel)
    assert one != two and subshells(kernel) == [one, two]
    assert delete(kernel, one) == {"status": "ok"}
    assert subshells(kernel) == [two]
    assert delete(kernel, one)["status"] == "error"
    for content in ({}, {"subshell_id": None}, {"subshell_id": 7}):
        reply = kernel.request("delete_subshell_request", content, channel="control").finish().reply
        assert reply["status"] == "error"
    assert create(kernel) not in (one, two)


@pytest.mark.parametrize("msg_type", ["execute_request", "kernel_info_request", "complete_request", "dance_request"])
def test_a_subshell_that_there_is_not(kernel, msg_type):
    request = kernel.send(msg_type, {"code": "1", "cursor_pos": 1}, subshell="nobody")
    while not request.ended:
        kernel.receive()
    assert request.reply["status"] == "error"
    assert (request.reply["ename"], request.reply["evalue"]) == (
        "UnknownSubshell",
        "there is no subshell with the id `nobody`",
    )
    assert [m["msg_type"] for m in request.iopub] == ["status", "status"]
    assert kernel.ok("1 + 1").result == "2"


def test_a_cell_runs_while_the_main_shell_awaits(kernel, subshell):
    with awaiting(kernel, then='println!("done"); 7') as main:
        cell = subshell.ok('println!("in between"); tokio::task::yield_now().await; 1 + 1')
        assert (cell.result, cell.stdout) == ("2", "in between\n")
        assert not main.ended and main.stdout == "awaiting\n"
    assert (main.result, main.stdout) == ("7", "awaiting\ndone\n")


def test_output_goes_to_its_own_cell(kernel, subshell):
    """Also what is printed by turns, by tasks, and by a dependency that knows nothing of cells."""
    with awaiting(kernel, "use std::io::Write;\nfor n in 0..3 { println!(\"main {n}\"); tokio::task::yield_now().await; }") as main:
        cell = subshell.ok(
            'use std::io::Write; let task = tokio::spawn(async { println!("task"); });\n'
            'for n in 0..100 { writeln!(std::io::stdout(), "sub {n}")?; tokio::task::yield_now().await; }\n'
            "task.await?; eprintln!(\"wrong\");"
        )
        assert [line for line in cell.stdout.splitlines() if line != "task"] == [f"sub {n}" for n in range(100)]
        assert "task\n" in cell.stdout and cell.stderr == "wrong\n"
    assert main.stdout == "main 0\nmain 1\nmain 2\nawaiting\n"


def test_cells_that_print_by_turns(kernel, subshell):
    """Two cells that go on side by side, each with a thousand lines by way of std, which marks nothing."""
    code = (
        "{ use std::io::Write; for n in 0..1000 { writeln!(std::io::stdout(), \"NAME {n}\")?; "
        "tokio::task::yield_now().await; } }"
    )
    kernel.ok("1")
    main = kernel.start(code.replace("NAME", "main"))
    other = subshell.start(code.replace("NAME", "sub"))
    main.finish()
    while not other.ended:
        kernel.receive()
    assert main.stdout.splitlines() == [f"main {n}" for n in range(1000)]
    assert other.stdout.splitlines() == [f"sub {n}" for n in range(1000)]


def test_every_shell_counts_its_own_cells(kernel, subshell):
    kernel.ok("1")
    kernel.ok("2")
    assert subshell.ok("let a = 1;").count == 1
    assert subshell.ok("a").count == 2
    assert kernel.ok("a").count == 3
    assert Subshell(kernel).ok("a").count == 1
    failed = subshell.fails('panic!("oh")')
    assert "subshell 1 cell 3" in "\n".join(failed.error["traceback"])


def test_shells_share_variables_and_items(kernel, subshell):
    kernel.ok("let mut list = vec![1]; fn double(n: i32) -> i32 { 2 * n }")
    assert subshell.ok("list.push(double(2)); list.len()").result == "2"
    subshell.ok("struct Cup(u8); let cup = Cup(3);")
    assert kernel.ok("(list.clone(), cup.0)").result == "([1, 4], 3)"


def test_what_a_running_cell_uses_is_its_own(kernel, subshell):
    """Its variables are out of reach until it ends, which is said; others are there, and new ones stay."""
    kernel.ok("let mut mine = 1; let free = String::from(\"free\");")
    with awaiting(kernel, "mine += 1;", "mine += 1;"):
        failed = subshell.fails("mine + 1")
        assert failed.error["evalue"] == "E0425: cannot find value `mine` in this scope"
        note = "`mine` is in use by cell 3, which still runs, and will be back when that has ended"
        assert note in "\n".join(failed.error["traceback"])
        assert subshell.ok("let new = free.len(); new").result == "4"
        assert subshell.ok("free").result == '"free"'
        vars = subshell.ok(":vars").shown
        assert "free" in vars and "mine" not in vars
        assert subshell.ok("new + 1").result == "5"
    assert kernel.ok("(mine, new, free)").result == '(3, 4, "free")'


def test_the_newest_of_a_name_stays(kernel, subshell):
    kernel.ok("let x = 1;")
    with awaiting(kernel, "let _ = &x;"):
        subshell.ok('let x = "newer";')
        assert subshell.ok("x").result == '"newer"'
    assert kernel.ok("x").result == '"newer"'


def test_a_moved_variable_is_gone_everywhere(kernel, subshell):
    kernel.ok("let text = String::from(\"a\");")
    with awaiting(kernel, "drop(text);"):
        subshell.fails("text")
    assert "moved" in kernel.fails("text").shown


def test_types_in_use_cannot_be_redefined(kernel, subshell):
    kernel.ok("#[derive(Debug)] struct Cup(u8); let cup = Cup(1);")
    with awaiting(kernel, "let _ = &cup;"):
        failed = subshell.fails("#[derive(Debug)] struct Cup(u64, u64);")
        assert failed.error["evalue"] == "`Cup` cannot be redefined while cell 3 runs"
        subshell.ok("struct Pot(u8); let pot = Pot(2);")
    assert kernel.ok("cup").result == "Cup(1)"
    with awaiting(kernel, "let later = Cup(3);"):
        subshell.fails("struct Cup(String);")
    assert kernel.ok("later").result == "Cup(3)"
    kernel.ok("#[derive(Debug)] struct Cup(u64, u64);")
    assert "redefined" in kernel.fails("cup").shown


def test_clear_while_a_cell_runs(kernel, subshell):
    kernel.ok("let mine = 1; let free = 2;")
    go = kernel.directory / "go"
    with awaiting(kernel, "let _ = &mine;", "let new = 3; mine") as main:
        subshell.ok(
            "let before = 1; tokio::spawn(async {\n"
            f'while !std::path::Path::new("{go}").exists() {{ tokio::task::yield_now().await; }}\n'
            "GO.notify_one(); });"
        )
        subshell.ok(":clear")
        go.touch()
        assert main.finish().result == "1"
    for name in ("mine", "free", "before", "new"):
        kernel.fails(name)
    assert kernel.ok("let mine = 5; mine").result == "5"


def test_an_interrupt_is_for_all_shells(kernel, subshell):
    kernel.ok("let kept = 1;")
    main = kernel.start('println!("on"); let _ = &kept; std::future::pending::<()>().await')
    other = subshell.start('println!("on"); loop { tokio::task::yield_now().await }')
    for cell in (main, other):
        cell.until(lambda cell: "on" in cell.stdout)
    kernel.request("interrupt_request", {}, channel="control")
    assert main.finish().error["ename"] == "Interrupted"
    while not other.ended:
        kernel.receive()
    assert other.error["ename"] == "Interrupted"
    assert kernel.ok("kept").result == "1"
    assert subshell.ok("kept").result == "1"


def test_an_interrupt_of_code_that_does_not_await(kernel, subshell):
    with awaiting(kernel) as main:
        other = subshell.start('println!("on"); loop {}')
        other.until(lambda cell: "on" in cell.stdout)
        kernel.request("interrupt_request", {}, channel="control")
        while not other.ended:
            kernel.receive()
        assert other.error["ename"] == "Interrupted"
        assert main.finish().error["ename"] == "Interrupted"
    assert kernel.ok("1 + 1").result == "2"


def test_a_deleted_subshell_takes_its_cells_with_it(kernel, subshell):
    running = subshell.start('println!("on"); std::future::pending::<()>().await')
    waiting = [subshell.start("1"), subshell.start("2")]
    running.until(lambda cell: "on" in cell.stdout)
    # What came by the same socket behind them is answered: they are there.
    assert kernel.ok("3").result == "3"
    assert delete(kernel, subshell.id) == {"status": "ok"}
    assert subshells(kernel) == []
    for cell in [running, *waiting]:
        while not cell.ended:
            kernel.receive()
    assert running.error["ename"] == "Interrupted"
    assert [cell.reply["status"] for cell in waiting] == ["aborted", "aborted"]
    late = subshell.start("3")
    while not late.ended:
        kernel.receive()
    assert late.reply["ename"] == "UnknownSubshell"
    assert kernel.ok("1 + 1").result == "2"


def test_an_error_aborts_what_waits_in_its_own_shell_alone(kernel, subshell):
    with awaiting(kernel) as main:
        after = kernel.start("10")
        third = Subshell(kernel)
        third.ok("static OH: tokio::sync::Notify = tokio::sync::Notify::const_new();")
        cells = [subshell.start(code) for code in ('OH.notified().await; panic!("oh")', "1", "2")]
        # It comes behind them, by the same socket.
        third.start("OH.notify_one();")
        for cell in cells:
            while not cell.ended:
                kernel.receive()
        assert [cell.reply["status"] for cell in cells] == ["error", "aborted", "aborted"]
        assert subshell.ok("3").result == "3"
        assert not main.ended and not after.ended
    assert after.finish().result == "10"


def test_a_death_is_told_to_all_cells_that_ran(kernel, subshell):
    kernel.ok("let x = 1;")
    with awaiting(kernel) as main:
        other = subshell.fails("std::process::abort()")
        assert other.error["ename"] == "Abort"
        assert main.finish().error["ename"] == "Abort"
    assert "lost" in kernel.fails("x").shown
    assert kernel.ok("1 + 1").result == "2"
    assert subshell.ok("1 + 1").result == "2"


def test_dependencies_do_not_change_while_another_shell_runs(kernel, subshell):
    with awaiting(kernel):
        failed = subshell.fails(":dep futures")
        assert failed.error["ename"] == "Busy"
        assert subshell.ok("1 + 1").result == "2"


def test_a_question_goes_to_the_shell_that_asks(kernel, subshell):
    with awaiting(kernel):
        cell = subshell.start('kissaten::input("who? ").await?', allow_stdin=True)
        cell.until(lambda cell: cell.stdin)
        assert cell.stdin[0]["parent_header"]["subshell_id"] == subshell.id
        cell.answer("me")
        while not cell.ended:
            kernel.receive()
        assert cell.result == '"me"'


def test_a_comm_answers_while_the_main_shell_awaits(kernel, subshell):
    """As JupyterLab uses subshells: for the messages of comms."""
    kernel.ok(
        'let mut target = kissaten::comm::Target::register("echo");\n'
        "tokio::spawn(async move { while let Some(mut comm) = target.accept().await {\n"
        "    while let Some(message) = comm.recv().await { let _ = comm.send_message(message); } } });"
    )
    with awaiting(kernel):
        kernel.send("comm_open", {"comm_id": "c", "target_name": "echo", "data": {}}, subshell=subshell.id)
        message = kernel.send("comm_msg", {"comm_id": "c", "data": {"n": 7}}, subshell=subshell.id)
        while len(message.iopub) < 2:
            kernel.receive()
        assert message.iopub[0]["parent_header"]["subshell_id"] == subshell.id
        answers = [m for cell in kernel.cells() for m in cell.iopub if m["msg_type"] == "comm_msg"]
        while not answers:
            kernel.receive()
            answers = [m for cell in kernel.cells() for m in cell.iopub if m["msg_type"] == "comm_msg"]
        assert answers[0]["content"]["data"] == {"n": 7}


@pytest.mark.slow
def test_many_subshells_at_once(kernel):
    """Thirty cells that await one another, each in a shell of its own."""
    kernel.ok(
        "static ALL: std::sync::LazyLock<tokio::sync::Barrier> = "
        "std::sync::LazyLock::new(|| tokio::sync::Barrier::new(30));"
    )
    cells = [Subshell(kernel).start(f"ALL.wait().await; {n}") for n in range(30)]
    for cell in cells:
        while not cell.ended:
            kernel.receive()
    assert [cell.result for cell in cells] == [str(n) for n in range(30)]


def test_shutdown_while_shells_run(kernel, subshell):
    cells = [kernel.start('println!("on"); std::future::pending::<()>().await')]
    cells.append(subshell.start('println!("on"); std::future::pending::<()>().await'))
    for cell in cells:
        cell.until(lambda cell: "on" in cell.stdout)
    kernel.request("shutdown_request", {"restart": False}, channel="control", wait=False)
    for cell in cells:
        while not cell.shell:
            kernel.receive()
        assert cell.reply["status"] == "error"
    kernel.wait_for_end()
