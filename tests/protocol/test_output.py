"""Output while a cell runs, and much of it."""

import pytest

WHILE_IT_IS_MISSING = 'while !std::path::Path::new("{}").exists()'
AWAITING = "{ tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
BLOCKING = "{ std::thread::sleep(std::time::Duration::from_millis(2)) }"


@pytest.mark.parametrize("body", [AWAITING, BLOCKING], ids=["awaiting", "blocking"])
@pytest.mark.parametrize("macro", ["print", "eprint"])
def test_a_partial_line_is_shown_while_the_cell_runs(shared_kernel, tmp_path, macro, body):
    """The cell ends only when the test has seen the partial line."""
    go = tmp_path / "go"
    cell = shared_kernel.start(
        f'{macro}!("partial");\n{WHILE_IT_IS_MISSING.format(go)} {body}\n{macro}!(" whole\\n");'
    )
    stream = {"print": "stdout", "eprint": "stderr"}[macro]
    cell.until(lambda cell: cell.stream(stream) == "partial")
    go.touch()
    assert cell.finish().stream(stream) == "partial whole\n"


def test_a_progress_bar_moves(shared_kernel, tmp_path):
    steps = [tmp_path / str(step) for step in range(4)]
    cell = shared_kernel.start(
        f'for step in 0..4 {{ print!("\\r{{step}}/4"); let path = format!("{tmp_path}/{{step}}");\n'
        f"while !std::path::Path::new(&path).exists() {AWAITING} }}"
    )
    for number, step in enumerate(steps):
        cell.until(lambda cell, number=number: cell.stdout.endswith(f"\r{number}/4"))
        step.touch()
    assert cell.finish().stdout == "\r0/4\r1/4\r2/4\r3/4"


def test_a_hundred_thousand_lines_arrive_whole_before_idle(shared_kernel):
    cell = shared_kernel.ok('for n in 0..100_000 { println!("line {n}"); }')
    assert cell.stdout == "".join(f"line {n}\n" for n in range(100_000))


def test_both_streams_keep_their_order(shared_kernel):
    cell = shared_kernel.ok('for n in 0..10_000 { println!("out {n}"); eprintln!("err {n}"); }')
    assert cell.stdout == "".join(f"out {n}\n" for n in range(10_000))
    assert cell.stderr == "".join(f"err {n}\n" for n in range(10_000))


def test_many_tasks_and_threads_print_whole_lines(shared_kernel):
    cell = shared_kernel.ok(
        "let tasks = (0..20).map(|task| tokio::spawn(async move {\n"
        '    for n in 0..100 { println!("task {task} {n}"); tokio::task::yield_now().await }\n'
        "}));\n"
        "futures::future::join_all(tasks).await;\n"
        "std::thread::scope(|scope| for thread in 0..4 {\n"
        '    scope.spawn(move || for n in 0..100 { println!("thread {thread} {n}") });\n'
        "});"
    )
    lines = cell.stdout.splitlines()
    for kind, count in (("task", 20), ("thread", 4)):
        for one in range(count):
            mine = [line for line in lines if line.startswith(f"{kind} {one} ")]
            assert mine == [f"{kind} {one} {n}" for n in range(100)]
    assert len(lines) == 2400


@pytest.mark.slow
def test_the_last_byte_of_every_cell_comes_before_idle(shared_kernel):
    for n in range(40):
        assert shared_kernel.ok(f'print!("no newline {n}")').stdout == f"no newline {n}"


def test_one_line_of_ten_million_characters(shared_kernel):
    assert shared_kernel.ok('print!("{}", "x".repeat(10_000_000))').stdout == "x" * 10_000_000


def test_bytes_that_are_not_text(shared_kernel):
    cell = shared_kernel.ok(
        "use std::io::Write;\n"
        "let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();\n"
        "std::io::stdout().write_all(&bytes).unwrap();\n"
        'std::io::stdout().write_all(b"the end").unwrap();\n'
        "std::io::stdout().flush().unwrap();"
    )
    assert cell.stdout.endswith("the end")
    assert "\N{REPLACEMENT CHARACTER}" in cell.stdout


def test_a_task_prints_between_cells(kernel, tmp_path):
    """What it is shown under is told by whoever owns it; that it arrives is what counts here."""
    go = tmp_path / "go"
    first = kernel.ok(
        "let task = tokio::spawn(async {\n"
        f'    {WHILE_IT_IS_MISSING.format(go)} {AWAITING} println!("from the background") }});'
    )
    assert first.stdout == ""
    go.touch()
    kernel.ok("task.await.unwrap();")
    received = "".join(cell.stdout for cell in kernel.cells())
    assert received == "from the background\n"
