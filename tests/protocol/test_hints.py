"""Hints that come while cells run or none does: under which cell they are shown. The others are in `cells/hints.md`."""

from pathlib import Path

AWAITING = "{ tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
BUSY = "let begun = std::time::Instant::now(); while begun.elapsed() < std::time::Duration::from_millis(150) {}"


def hints(cell):
    for message in cell.iopub:
        assert message["msg_type"] != "stream" or message["content"]["name"] != "stderr", message["content"]
    shown = [m["content"]["data"] for m in cell.iopub if m["msg_type"] == "display_data"]
    return [data["text/plain"] for data in shown if data["text/plain"].startswith("hint: ")]


def receive_hint(kernel, cell):
    while not hints(cell):
        kernel.receive()
    [hint] = hints(cell)
    return hint


def gate(path: Path) -> str:
    return f'while !std::path::Path::new("{path}").exists() {AWAITING}'


def test_a_task_that_panics_while_no_cell_runs(kernel, tmp_path):
    first = kernel.ok(f'tokio::spawn(async {{ {gate(tmp_path / "go")}\nif true {{ panic!("spilt") }} }});')
    second = kernel.ok("1 + 1")
    (tmp_path / "go").touch()
    assert receive_hint(kernel, first) == (
        f"hint: a task (spawned at cell {first.count}, line 1) panicked at cell {first.count}, line 2:\nspilt"
    )
    assert not hints(second)


def test_a_task_that_panics_while_another_cell_runs(kernel, tmp_path):
    first = kernel.ok(
        f'async fn brew() {{ {gate(tmp_path / "go")}\nNone::<u8>.unwrap(); }}\nlet task = tokio::spawn(brew());'
    )
    second = kernel.ok(f'std::fs::write("{tmp_path}/go", "")?;\ntask.await.is_err()')
    assert second.result == "true" and not hints(second)
    hint = receive_hint(kernel, first)
    assert hint.startswith(f"hint: the task `brew` (spawned at cell {first.count}, line 3) panicked at cell {first.count}")
    assert hint.endswith("called `Option::unwrap()` on a `None` value")


def test_a_thread_that_panics(kernel, tmp_path):
    wall = f'while !std::path::Path::new("{tmp_path}/go").exists() {{ std::thread::sleep(std::time::Duration::from_millis(2)) }}'
    first = kernel.ok(
        f'std::thread::Builder::new().name("barista".into()).spawn(|| {{ {wall}\nif true {{ panic!("spilt") }} }})?;'
    )
    second = kernel.ok("1 + 1")
    (tmp_path / "go").touch()
    assert receive_hint(kernel, first) == f"hint: the thread `barista` panicked at cell {first.count}, line 2:\nspilt"
    assert not hints(second)


def test_a_task_that_holds_its_thread(kernel):
    first = kernel.ok(f"async fn grind() {{ {BUSY} }}\nlet task = tokio::spawn(grind());")
    second = kernel.ok("task.await?;")
    hint = receive_hint(kernel, first)
    assert hint.startswith(f"hint: the task `grind` (spawned at cell {first.count}, line 2) ran for ")
    assert "spawn_blocking" in hint and not hints(second)


def test_work_that_may_block_is_no_hint(kernel):
    cells = [
        kernel.ok(f"tokio::task::spawn_blocking(|| {{ {BUSY} }}).await?;"),
        kernel.ok(f"tokio::spawn(async {{ tokio::task::block_in_place(|| {{ {BUSY} }}) }}).await?;"),
        kernel.ok(f"std::thread::spawn(|| {{ {BUSY} }}).join().unwrap();"),
        # A task that awaits is polled for no longer than it runs.
        kernel.ok("tokio::spawn(async { tokio::time::sleep(std::time::Duration::from_millis(150)).await }).await?;"),
    ]
    # Whatever is said of a task that has ended comes before this panic is told of.
    last = kernel.ok('let ended = tokio::spawn(async { if true { panic!("last") } }).await.is_err();')
    receive_hint(kernel, last)
    assert [hints(cell) for cell in cells] == [[], [], [], []]


def test_hints_that_are_off_are_not_given(kernel):
    kernel.ok(":hints off panic")
    panics = 'let ended = tokio::spawn(async { if true { panic!("spilt") } }).await.is_err();'
    silent = kernel.ok(panics)
    kernel.ok(":hints on panic")
    receive_hint(kernel, kernel.ok(panics))
    assert not hints(silent)


def test_a_loop_of_slow_polls_is_told_of_once(kernel):
    cell = kernel.ok(
        f"let task = tokio::spawn(async {{ for _ in 0..3 {{ {BUSY}\ntokio::task::yield_now().await }} }});\ntask.await?;"
    )
    receive_hint(kernel, cell)
    kernel.ok("1 + 1")
    assert len(hints(cell)) == 1
