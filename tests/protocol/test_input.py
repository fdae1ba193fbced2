"""Questions to the user: how they are asked, who may be asked, and what becomes of questions and answers that come too late."""

import os
import signal

import pytest

from cell import ASK, READ
from wire import wire

AWAITING = "tokio::time::sleep(std::time::Duration::from_millis(2)).await"


def until_stdin_is_read(kernel):
    """Waits until the kernel has read what was sent on stdin, which nothing orders with what is sent on shell."""
    kernel.say("stdin", "input_reply", {})
    while "an answer that cannot be understood" not in kernel.log:
        kernel.request("kernel_info_request", {})


def test_a_cell_asks_and_is_answered(kernel):
    cell = kernel.start(ASK, allow_stdin=True)
    assert cell.asks() == {"prompt": "Name? ", "password": False}
    # Others are answered while the cell waits.
    kernel.request("kernel_info_request", {})
    cell.answer("Ada")
    assert cell.finish().result == '"Ada"'
    assert kernel.run("answer.len()").result == "3"


@pytest.mark.parametrize("named", [True, False], ids=["named", "by-order"])
def test_what_was_printed_before_a_question_is_seen_before_it(kernel, named):
    cell = kernel.start(f'print!("before "); eprint!("wrong "); {ASK}', allow_stdin=True)
    cell.asks()
    # What is published before a question is sent is on its way: nothing else is waited for.
    cell.until(lambda cell: cell.stdout == "before " and cell.stderr == "wrong ")
    cell.answer("", named=named)
    assert cell.finish().result == '""'


def test_a_password_is_not_shown(kernel):
    cell = kernel.start('kissaten::input_password("Password: ").await?.len()', allow_stdin=True)
    assert cell.asks() == {"prompt": "Password: ", "password": True}
    cell.answer("secret")
    assert cell.finish().result == "6"


def test_answers_are_text_of_any_kind(kernel):
    for answer in ("ä 喫茶 🦀", " spaces ", "x" * 100_000, '"quoted"\\n', "\x1b[1m"):
        cell = kernel.start(f"{ASK}.chars().count()", allow_stdin=True)
        cell.asks()
        cell.answer(answer)
        assert cell.finish().result == str(len(answer))


def test_questions_follow_one_another(kernel):
    cell = kernel.start(
        'let mut answers = vec![];\nfor n in 0..3 { answers.push(kissaten::input(&format!("{n}? ")).await?); }\nanswers',
        allow_stdin=True,
    )
    for number in range(3):
        assert cell.asks(number + 1)["prompt"] == f"{number}? "
        cell.answer(f"a{number}")
    assert cell.finish().result == '["a0", "a1", "a2"]'


def test_questions_at_once_wait_for_one_another(kernel):
    cell = kernel.start(
        "let (a, b, c) = tokio::join!(\n"
        '    kissaten::input("a? "), kissaten::input("b? "), kissaten::input("c? "));\n'
        "(a?, b?, c?)",
        allow_stdin=True,
    )
    for number in range(3):
        cell.answer(cell.asks(number + 1)["prompt"][0].upper())
    assert cell.finish().result == '("A", "B", "C")'


# Nobody to be asked.


@pytest.mark.parametrize("code", [ASK, 'kissaten::input_password("? ").await?'])
def test_a_frontend_that_takes_no_questions(kernel, code):
    cell = kernel.fails(code, allow_stdin=False)
    assert not cell.stdin
    assert "frontend" in cell.shown
    assert kernel.run("1").result == "1"


def test_std_reads_nothing_where_nobody_can_be_asked(kernel):
    cell = kernel.run(READ, allow_stdin=False)
    assert not cell.stdin
    assert cell.error or cell.result == '(0, "")'


def test_a_request_that_says_nothing_of_stdin_is_not_asked(kernel):
    cell = kernel.send("execute_request", {"code": ASK})
    while not cell.ended:
        kernel.receive()
    assert not cell.stdin and cell.reply["status"] == "error"


def test_a_client_that_does_not_listen_for_questions(kernel):
    """It says that it takes questions and has no stdin channel: nobody waits for its answer for ever."""
    with wire(kernel, "shell") as shell:
        shell.socket.send_multipart(shell.message("execute_request", {"code": ASK, "allow_stdin": True}))
        reply = shell.receive()
    assert (reply["header"]["msg_type"], reply["content"]["status"]) == ("execute_reply", "error")


def test_a_task_that_asks_while_no_cell_runs(kernel, tmp_path):
    go = tmp_path / "go"
    kernel.ok(
        "let task = tokio::spawn(async {\n"
        f'    while !std::path::Path::new("{go}").exists() {{ {AWAITING} }}\n'
        '    kissaten::input("too late? ").await.map_err(|error| error.to_string())\n'
        "});\n"
        "let done = task.is_finished();",
        allow_stdin=True,
    )
    go.touch()
    # It may ask when this cell has begun: that one takes no questions either.
    assert kernel.run("task.await.unwrap().is_err()").result == "true"


def test_a_task_asks_under_the_cell_that_runs(kernel, tmp_path):
    go = tmp_path / "go"
    kernel.ok(
        "let task = tokio::spawn(async {\n"
        f'    while !std::path::Path::new("{go}").exists() {{ {AWAITING} }}\n'
        '    kissaten::input("task? ").await.map_err(|error| error.to_string())\n'
        "});",
        allow_stdin=True,
    )
    cell = kernel.start('println!("here"); task.await.unwrap()?', allow_stdin=True)
    cell.until(lambda cell: cell.stdout == "here\n")
    go.touch()
    assert cell.asks()["prompt"] == "task? "
    cell.answer("yes")
    assert cell.finish().result == '"yes"'


# std's stdin, and what goes by it.


def test_std_reads_what_the_user_types(kernel):
    cell = kernel.start(READ, allow_stdin=True)
    assert cell.asks() == {"prompt": "", "password": False}
    cell.answer("one")
    assert cell.finish().result == '(4, "one\\n")'


def test_std_prompts_by_printing(kernel):
    cell = kernel.start(f'print!("How many? "); {READ}', allow_stdin=True)
    assert cell.asks()["prompt"] == ""
    cell.until(lambda cell: cell.stdout == "How many? ")
    cell.answer("3")
    assert cell.finish().result == '(2, "3\\n")'


def test_the_end_of_the_input(kernel):
    cell = kernel.start(READ, allow_stdin=True)
    cell.asks()
    cell.answer("\x04")
    assert cell.finish().result == '(0, "")'
    cell = kernel.start(ASK, allow_stdin=True)
    cell.asks()
    cell.answer("\x04")
    assert cell.finish().reply["status"] == "error"
    # It was the end of that cell's input only.
    cell = kernel.start(READ, allow_stdin=True)
    cell.asks()
    cell.answer("again")
    assert cell.finish().result == '(6, "again\\n")'


def test_other_tasks_go_on_while_std_waits(kernel):
    kernel.ok(
        "use std::sync::{Arc, atomic::{AtomicU64, Ordering}};\n"
        "let ticks = Arc::new(AtomicU64::new(0));\n"
        f"let clock = ticks.clone();\nlet task = tokio::spawn(async move {{ loop {{ clock.fetch_add(1, Ordering::SeqCst); {AWAITING} }} }});"
    )
    cell = kernel.start(
        "let before = ticks.load(Ordering::SeqCst);\nlet mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;\n"
        "task.abort();\nticks.load(Ordering::SeqCst) > before",
        allow_stdin=True,
    )
    cell.asks()
    for _ in range(20):
        kernel.request("kernel_info_request", {})
    cell.answer("")
    assert cell.finish().result == "true"


@pytest.mark.parametrize("password", [False, True])
def test_evcxrs_crates_say_what_they_ask(kernel, password):
    word = "EVCXR_INPUT_REQUEST_PASSWORD" if password else "EVCXR_INPUT_REQUEST"
    cell = kernel.start(f'println!("before\\n{word}:Your name: now"); {READ}', allow_stdin=True)
    assert cell.asks() == {"prompt": "Your name: now", "password": password}
    cell.answer("Ada")
    assert cell.finish().result == '(4, "Ada\\n")'
    assert cell.stdout == "before\n"


# What comes too late.


@pytest.mark.parametrize("code", [ASK, READ], ids=["kissaten", "std"])
def test_an_interrupt_ends_a_cell_that_asks(kernel, code):
    kernel.ok("let kept = 1;")
    cell = kernel.start(code, allow_stdin=True)
    cell.asks()
    kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("kept").result == "1"


@pytest.mark.parametrize("named", [True, False], ids=["named", "by-order"])
def test_an_answer_to_a_cell_that_was_interrupted_is_dropped(kernel, named):
    first = kernel.start(ASK, allow_stdin=True)
    first.asks()
    kernel.interrupt()
    first.finish()
    first.answer("late", named=named)
    until_stdin_is_read(kernel)
    second = kernel.start(ASK, allow_stdin=True)
    second.asks()
    if named:
        first.answer("later", named=True)
    second.answer("in time", named=named)
    assert second.finish().result == '"in time"'


WITHDRAWN = (
    'let first = tokio::time::timeout(std::time::Duration::from_millis(20), kissaten::input("first? ")).await;\n'
    "assert!(first.is_err());\n"
    'kissaten::input("second? ").await?'
)


def test_a_question_that_nobody_waits_for_makes_way(kernel):
    cell = kernel.start(WITHDRAWN, allow_stdin=True)
    assert cell.asks(2)["prompt"] == "second? "
    cell.answer("late", question=0)
    cell.answer("in time")
    assert cell.finish().result == '"in time"'


def test_a_late_answer_without_a_name_does_not_answer_the_next_question(kernel):
    cell = kernel.start(WITHDRAWN, allow_stdin=True)
    cell.asks(2)
    cell.answer("late", named=False)
    # Who answers in order has one answer more than the kernel knows of: it asks again.
    assert cell.asks(3)["prompt"] == "second? "
    cell.answer("in time", named=False)
    assert cell.finish().result == '"in time"'


def test_an_answer_that_nobody_asked_for(kernel):
    kernel.say("stdin", "input_reply", {"value": "unasked"})
    kernel.say("stdin", "dance", {})
    until_stdin_is_read(kernel)
    cell = kernel.start(ASK, allow_stdin=True)
    cell.asks()
    unknown = {"header": {"msg_id": "unknown", "msg_type": "input_request"}}
    kernel.say("stdin", "input_reply", {"value": "unasked"}, parent=unknown)
    cell.answer("asked")
    assert cell.finish().result == '"asked"'


@pytest.mark.parametrize("content", [{}, {"value": 7}, {"value": None}, {"answer": "x"}])
def test_a_malformed_answer_leaves_the_question_open(kernel, content):
    cell = kernel.start(ASK, allow_stdin=True)
    cell.asks()
    cell.answer(content)
    cell.answer("good")
    assert cell.finish().result == '"good"'


def test_a_worker_that_dies_while_it_asks(kernel):
    worker = int(kernel.ok("std::process::id()").result)
    cell = kernel.start(ASK, allow_stdin=True)
    cell.asks()
    os.kill(worker, signal.SIGABRT)
    assert cell.finish().error["ename"] == "Abort"
    # Numbers begin anew with the next worker, and so do questions.
    cell.answer("late")
    second = kernel.start(ASK, allow_stdin=True)
    second.asks()
    second.answer("in time")
    assert second.finish().result == '"in time"'


def test_the_kernel_ends_while_a_cell_asks(start_kernel):
    kernel = start_kernel()
    cell = kernel.start(ASK, allow_stdin=True)
    cell.asks()
    kernel.request("shutdown_request", {"restart": False}, channel="control")
    kernel.wait_for_end()
