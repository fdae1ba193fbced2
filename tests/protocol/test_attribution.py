"""Whose output is whose: what a task prints or displays is shown under the cell that started it, whatever runs by then."""

import time

AWAITING = "{ tokio::time::sleep(std::time::Duration::from_millis(2)).await }"


def waiting(path, then: str) -> str:
    """A task that does something as soon as the file is there."""
    return f'tokio::spawn(async move {{ while !std::path::Path::new("{path}").exists() {AWAITING} {then} }})'


def lines(begin: str, count: int) -> str:
    """Code that prints so many lines, and lets others have their turn after each."""
    return f'for n in 0..{count} {{ println!("{begin} {{n}}"); tokio::task::yield_now().await }}'


def receive_until(kernel, condition) -> None:
    while not condition():
        kernel.receive()


def test_a_task_prints_while_nothing_runs(kernel, tmp_path):
    prints = 'println!("first"); eprintln!("wrong")'
    first = kernel.ok(f"let task = {waiting(tmp_path / 'go', prints)};")
    second = kernel.ok('println!("second");')
    (tmp_path / "go").touch()
    receive_until(kernel, lambda: first.stdout and first.stderr)
    assert (first.stdout, first.stderr, second.stdout) == ("first\n", "wrong\n", "second\n")


def test_a_task_prints_while_another_cell_does(kernel, tmp_path):
    first = kernel.ok(f"let task = {waiting(tmp_path / 'go', lines('first', 1000))};")
    second = kernel.start(lines("second", 1000) + "\ntask.await?;")
    (tmp_path / "go").touch()
    second.finish()
    receive_until(kernel, lambda: first.stdout.count("\n") == 1000)
    assert first.stdout == "".join(f"first {n}\n" for n in range(1000))
    assert second.stdout == "".join(f"second {n}\n" for n in range(1000))


def test_many_cells_have_tasks_that_print_at_once(kernel, tmp_path):
    kernel.ok("let mut tasks: Vec<tokio::task::JoinHandle<()>> = vec![];")
    cells = [kernel.ok(f"tasks.push({waiting(tmp_path / 'go', lines(str(cell), 50))});") for cell in range(10)]
    (tmp_path / "go").touch()
    kernel.ok("for task in tasks { task.await?; }")
    for number, cell in enumerate(cells):
        receive_until(kernel, lambda cell=cell: cell.stdout.count("\n") == 50)
        assert cell.stdout == "".join(f"{number} {n}\n" for n in range(50))


def test_a_task_of_a_silent_cell_is_not_heard(kernel, tmp_path):
    prints = 'println!("silent")'
    kernel.ok(f"let task = {waiting(tmp_path / 'go', prints)};", silent=True)
    (tmp_path / "go").touch()
    kernel.ok('task.await?; println!("loud");')
    assert "".join(cell.stdout for cell in kernel.cells()) == "loud\n"


def test_a_character_and_a_block_that_are_torn_by_another_cell(kernel, tmp_path):
    first = kernel.ok(
        "let task = "
        + waiting(
            tmp_path / "go",
            'println!("EVCXR_BEGIN_CONTENT text/html"); println!("<b>first</b>");'
            f' while !std::path::Path::new("{tmp_path}/end").exists() {AWAITING}'
            ' println!("EVCXR_END_CONTENT")',
        )
        + ";"
    )
    (tmp_path / "go").touch()
    second = kernel.ok(
        "use std::io::Write;\n"
        'for byte in "喫茶".bytes() { std::io::stdout().write_all(&[byte])?; std::io::stdout().flush()?;'
        " tokio::task::yield_now().await }"
    )
    assert second.stdout == "喫茶"
    (tmp_path / "end").touch()
    kernel.ok("task.await?;")
    receive_until(kernel, lambda: any(m["msg_type"] == "display_data" for m in first.iopub))
    [shown] = [m["content"]["data"] for m in first.iopub if m["msg_type"] == "display_data"]
    assert shown == {"text/html": "<b>first</b>"}
    assert first.stdout == ""


def test_stdout_stderr_and_displays_keep_their_order(kernel):
    cell = kernel.ok(
        'for n in 0..30 {\n    print!("o{n} "); eprint!("e{n} ");\n    kissaten::display(&kissaten::Plain(format!("d{n}")));\n}'
    )
    order = []
    for message in cell.iopub:
        content = message["content"]
        if message["msg_type"] == "stream":
            order += content["text"].split()
        elif message["msg_type"] == "display_data":
            order.append(content["data"]["text/plain"].strip('"'))
    assert order == [f"{kind}{n}" for n in range(30) for kind in "oed"]


def test_what_looks_like_the_kernels_own_words_is_text(kernel):
    text = "\\x1b_c1\\x1b\\\\ \\x1b_0123456789abcdefo1\\x1b\\\\ \\x1b"
    assert kernel.ok(f'print!("{text}")').stdout == "\x1b_c1\x1b\\ \x1b_0123456789abcdefo1\x1b\\ \x1b"


def test_a_task_that_prints_for_long_from_an_ended_cell(kernel):
    first = kernel.ok(
        "let task = tokio::spawn(async { for n in 0..100_000 {\n"
        '    println!("line {n}");\n    if n % 100 == 0 { tokio::task::yield_now().await }\n'
        "} });"
    )
    begin = time.monotonic()
    kernel.ok("task.await?;")
    receive_until(kernel, lambda: first.stdout.endswith("line 99999\n"))
    assert first.stdout == "".join(f"line {n}\n" for n in range(100_000))
    # A guard against work per line that grows; no measure of speed.
    assert time.monotonic() - begin < 60
