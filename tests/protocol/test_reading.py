"""What is read from the user: several who ask, and several ways to read. How a question is asked is `test_input`'s."""

import pytest

from cell import ASK, READ


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
        shared_kernel.interrupt()
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
