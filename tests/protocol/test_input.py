"""Questions to the user: how they are asked, who may be asked, and what becomes of questions and answers that come too late."""

import pytest

from wire import wire

AWAITING = "tokio::time::sleep(std::time::Duration::from_millis(2)).await"
# What is left in a cell that was asked and has told what it was told.
ASK = 'let answer = kissaten::input("Name? ").await?;\nanswer'
READ = "let mut line = String::new();\nlet count = std::io::stdin().read_line(&mut line)?;\n(count, line)"


def interrupt(kernel):
    assert kernel.request("interrupt_request", {}, channel="control").finish().reply == {"status": "ok"}


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
    interrupt(kernel)
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("kept").result == "1"


@pytest.mark.parametrize("named", [True, False], ids=["named", "by-order"])
def test_an_answer_to_a_cell_that_was_interrupted_is_dropped(kernel, named):
    first = kernel.start(ASK, allow_stdin=True)
    first.asks()
    interrupt(kernel)
    first.finish()
    first.answer("late", named=named)
    # All that was sent on stdin has been read when the next question is answered.
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
    cell = kernel.start(ASK, allow_stdin=True)
    cell.asks()
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
    cell = kernel.start(
        'tokio::spawn(async { tokio::time::sleep(std::time::Duration::from_millis(20)).await; std::process::abort() });\n' + ASK,
        allow_stdin=True,
    )
    cell.asks()
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


# Several who ask, and several ways to read.


def test_two_tasks_that_ask_at_once_are_asked_one_after_the_other(shared_kernel):
    cell = shared_kernel.start(
        'let a = tokio::spawn(async { kissaten::input("a? ").await });\n'
        'let b = tokio::spawn(async { kissaten::input("b? ").await });\n'
        "(a.await??, b.await??)",
        allow_stdin=True,
    )
    for number in range(2):
        prompt = cell.asks(number + 1)["prompt"]
        # Nobody else asks while this question stands.
        shared_kernel.request("kernel_info_request", {})
        assert len(cell.questions) == number + 1
        cell.answer(prompt[0].upper())
    assert cell.finish().result == '("A", "B")'


def test_a_thread_and_a_task_ask_at_once(shared_kernel):
    cell = shared_kernel.start(
        "let thread = tokio::task::spawn_blocking(|| { let mut line = String::new();\n"
        "    std::io::stdin().read_line(&mut line).map(|_| line) });\n"
        'let task = tokio::spawn(async { kissaten::input("task? ").await });\n'
        "(task.await??, thread.await??)",
        allow_stdin=True,
    )
    for number in range(2):
        cell.answer({"task? ": "task", "": "thread"}[cell.asks(number + 1)["prompt"]])
    assert cell.finish().result == '("task", "thread\\n")'


@pytest.mark.parametrize("code", [ASK, READ], ids=["kissaten", "std"])
def test_after_an_interrupted_question_the_next_one_works(shared_kernel, code):
    for _ in range(2):
        cell = shared_kernel.start(code, allow_stdin=True)
        cell.asks()
        interrupt(shared_kernel)
        assert cell.finish().error["ename"] == "Interrupted"
        cell = shared_kernel.start(code, allow_stdin=True)
        cell.asks()
        cell.answer("x")
        assert cell.finish().result in ('"x"', '(2, "x\\n")')


def test_an_aborted_task_asks_no_more(shared_kernel):
    cell = shared_kernel.start(
        'let task = tokio::spawn(async { kissaten::input("task? ").await });\n'
        "while kissaten::tasks().iter().any(|task| task.polls == 0) { tokio::task::yield_now().await }\n"
        'task.abort();\nlet ended = task.await.is_err();\nkissaten::input("cell? ").await?',
        allow_stdin=True,
    )
    cell.until(lambda cell: cell.questions and cell.questions[-1]["prompt"] == "cell? ")
    cell.answer("yes")
    assert cell.finish().result == '"yes"'


def test_std_reads_line_by_line_to_the_end(shared_kernel):
    cell = shared_kernel.start("std::io::stdin().lines().collect::<Result<Vec<_>, _>>()?", allow_stdin=True)
    for number, answer in enumerate(["one", "", "two words", "\x04"]):
        cell.asks(number + 1)
        cell.answer(answer)
    assert cell.finish().result == '["one", "", "two words"]'


def test_std_reads_all_to_the_end(shared_kernel):
    code = "let mut text = String::new();\nstd::io::Read::read_to_string(&mut std::io::stdin(), &mut text)?;\ntext"
    cell = shared_kernel.start(code, allow_stdin=True)
    for number, answer in enumerate(["one", "two", "\x04"]):
        cell.asks(number + 1)
        cell.answer(answer)
    assert cell.finish().result == '"one\\ntwo\\n"'
    # And in the next cell there is more.
    cell = shared_kernel.start(READ, allow_stdin=True)
    cell.asks()
    cell.answer("three")
    assert cell.finish().result == '(6, "three\\n")'


def test_std_keeps_what_is_too_long_for_one_read(shared_kernel):
    code = (
        "use std::io::Read;\nlet mut bytes = [0; 4];\nstd::io::stdin().read_exact(&mut bytes)?;\n"
        "let mut rest = String::new();\nstd::io::stdin().read_line(&mut rest)?;\n(bytes, rest)"
    )
    cell = shared_kernel.start(code, allow_stdin=True)
    cell.asks()
    cell.answer("abcdef")
    assert cell.finish().result == '([97, 98, 99, 100], "ef\\n")'
    cell = shared_kernel.start(f"{READ}.1.len()", allow_stdin=True)
    cell.asks()
    cell.answer("x" * 100_000)
    assert cell.finish().result == "100001"


@pytest.mark.parametrize(
    "code",
    [
        'kissaten::input("? ").await.unwrap_err().kind()',
        'kissaten::input_password("? ").await.unwrap_err().kind()',
        'tokio::spawn(async { kissaten::input("? ").await }).await?.unwrap_err().kind()',
    ],
)
def test_code_can_tell_that_nobody_can_be_asked(shared_kernel, code):
    cell = shared_kernel.ok(code, allow_stdin=False)
    assert cell.result == "Unsupported" and not cell.stdin
    # The next cell may be asked.
    cell = shared_kernel.start(ASK, allow_stdin=True)
    cell.asks()
    cell.answer("x")
    assert cell.finish().result == '"x"'


def test_readers_of_stdin_are_told_that_nobody_can_be_asked(shared_kernel):
    for code in (READ, "std::io::read_to_string(std::io::stdin())?", "std::io::stdin().lines().next().unwrap()?"):
        error = shared_kernel.fails(code, allow_stdin=False).error
        assert error["evalue"] == "this frontend does not ask for input"
    text = shared_kernel.ok("std::io::stdin().read_line(&mut String::new()).unwrap_err().to_string()", allow_stdin=False)
    assert text.result.startswith('"this frontend does not ask for input (')
    # The system's own errors have their own words.
    assert "No such file or directory" in shared_kernel.fails('std::fs::read("/nonexistent")?;').error["evalue"]


def test_an_empty_answer_ends_what_is_read_to_the_end(shared_kernel):
    for code in (
        "std::io::read_to_string(std::io::stdin())?",
        "use std::io::Read;\nlet mut text = String::new();\nstd::io::stdin().lock().read_to_string(&mut text)?;\ntext",
    ):
        cell = shared_kernel.start(code, allow_stdin=True)
        for number, answer in enumerate(("one", " ", "x" * 10_000, "last", ""), 1):
            cell.asks(number)
            cell.answer(answer)
        assert cell.finish().result == f'"one\\n \\n{"x" * 10_000}\\nlast\\n"'


def test_lines_can_be_empty(shared_kernel):
    cell = shared_kernel.start("std::io::stdin().lines().take(3).collect::<Result<Vec<_>, _>>()?", allow_stdin=True)
    for number, answer in enumerate(("", "two", ""), 1):
        cell.asks(number)
        cell.answer(answer)
    assert cell.finish().result == '["", "two", ""]'


def test_a_child_process_reads_nothing(shared_kernel):
    """The process's stdin is empty to all that do not ask through it."""
    cell = shared_kernel.run('std::process::Command::new("cat").status()?.success()', allow_stdin=True)
    assert cell.result == "true" and not cell.stdin


def test_tokios_stdin_asks_as_well(shared_kernel):
    code = (
        "use tokio::io::AsyncBufReadExt;\nlet mut line = String::new();\n"
        "tokio::io::BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;\nline"
    )
    cell = shared_kernel.start(code, allow_stdin=True)
    cell.asks()
    cell.answer("one")
    assert cell.finish().result == '"one\\n"'


def test_a_prompt_of_evcxrs_crates_is_for_one_question(shared_kernel):
    ask = 'println!("EVCXR_INPUT_REQUEST:Name?");'
    cell = shared_kernel.start(f"{ask}\n{READ.replace('(count, line)', '')}\nstd::io::stdin().read_line(&mut line)?;\nline", allow_stdin=True)
    assert cell.asks()["prompt"] == "Name?"
    cell.answer("a")
    assert cell.asks(2)["prompt"] == ""
    cell.answer("b")
    assert cell.finish().result == '"a\\nb\\n"'
    assert cell.stdout == ""
