"""Displays that change, and what takes output away: under which cell, and in which order with all else."""

import psutil
import pytest

PLAIN = "kissaten::Plain"


def shown(cell, *types: str) -> list[tuple[str, str]]:
    """The cell's messages of these types as type and text, streams by their text."""
    found = []
    for message in cell.iopub:
        content, kind = message["content"], message["msg_type"]
        if kind == "stream" and kind in types:
            found.append((kind, content["text"]))
        elif kind == "clear_output" and kind in types:
            found.append((kind, str(content["wait"])))
        elif kind in types:
            found.append((kind, content["data"]["text/plain"]))
    return found


def ids(cell) -> set[str]:
    messages = [m for m in cell.iopub if m["msg_type"] in ("display_data", "update_display_data")]
    return {m["content"]["transient"]["display_id"] for m in messages}


def receive_until(kernel, condition) -> None:
    while not condition():
        kernel.receive()


def test_a_task_updates_the_display_of_its_own_cell(kernel, tmp_path):
    first = kernel.ok(
        f'let state = kissaten::display_with_id(&{PLAIN}("begun"));\nlet theirs = state.clone();\n'
        f'tokio::spawn(async move {{ while !std::path::Path::new("{tmp_path}/go").exists() {{'
        " tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
        f' theirs.update(&{PLAIN}("done")); }});'
    )
    assert shown(first, "display_data") == [("display_data", "begun")]
    second = kernel.start("tokio::time::sleep(std::time::Duration::from_millis(300)).await;")
    (tmp_path / "go").touch()
    second.finish()
    receive_until(kernel, lambda: shown(first, "update_display_data"))
    assert shown(first, "update_display_data") == [("update_display_data", "done")]
    assert len(ids(first)) == 1
    assert not shown(second, "display_data", "update_display_data")


def test_a_later_cell_updates_an_earlier_ones_display(kernel):
    first = kernel.ok(f'let state = kissaten::display_under("mine", &{PLAIN}("1"));')
    second = kernel.ok(f'state.update(&{PLAIN}("2"));')
    third = kernel.ok(f'kissaten::update_display("mine", &{PLAIN}("3"));')
    receive_until(kernel, lambda: len(shown(first, "update_display_data")) == 2)
    assert [text for _, text in shown(first, "display_data", "update_display_data")] == ["1", "2", "3"]
    assert ids(first) == {"mine"}
    assert not shown(second, "update_display_data") and not shown(third, "update_display_data")


def test_updates_that_come_faster_than_they_can_be_shown(kernel):
    cell = kernel.ok(
        f'let state = kissaten::display_with_id(&{PLAIN}("begun"));\n'
        f'for n in 0..20_000 {{ state.update(&{PLAIN}(format!("{{n}}"))); }}'
    )
    updates = shown(cell, "display_data", "update_display_data")
    assert updates[-1][1] == "19999"
    assert len(updates) < 2_000
    numbers = [int(text) for _, text in updates if text != "begun"]
    assert numbers == sorted(numbers)


def test_text_displays_and_clearing_keep_their_order(kernel):
    cell = kernel.ok(
        f'print!("a"); kissaten::display(&{PLAIN}("b")); eprint!("c");\nkissaten::clear_output(true);\n'
        f'print!("d"); kissaten::display(&{PLAIN}("e"));'
    )
    kinds = ("stream", "display_data", "clear_output")
    assert shown(cell, *kinds) == [
        ("stream", "a"),
        ("display_data", "b"),
        ("stream", "c"),
        ("clear_output", "True"),
        ("stream", "d"),
        ("display_data", "e"),
    ]
    cell = kernel.ok("kissaten::clear_output(false);")
    assert shown(cell, *kinds) == [("clear_output", "False")]


def test_an_animation_is_a_few_messages_that_end_with_the_last_picture(kernel):
    cell = kernel.ok('for n in 0..20_000 { kissaten::clear_output(true); println!("{n}"); }')
    messages = shown(cell, "stream", "clear_output")
    assert messages[-2:] == [("clear_output", "True"), ("stream", "19999\n")]
    assert len(messages) < 2_000


def test_a_task_clears_its_own_cell(kernel, tmp_path):
    first = kernel.ok(
        f'tokio::spawn(async move {{ while !std::path::Path::new("{tmp_path}/go").exists() {{'
        " tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
        " kissaten::clear_output(false); });"
    )
    (tmp_path / "go").touch()
    receive_until(kernel, lambda: shown(first, "clear_output"))


def test_metadata_reaches_display_and_result(kernel):
    size = {"image/png": {"width": 3, "height": 4}}
    cell = kernel.ok("kissaten::display(&kissaten::Png([0_u8]).sized(3, 4));\nkissaten::Png([0_u8]).sized(3, 4)")
    found = [m["content"] for m in cell.iopub if m["msg_type"] in ("display_data", "execute_result")]
    assert [content["metadata"] for content in found] == [size, size]
    assert found[0]["data"]["image/png"] == "AA=="


def test_progress_is_shown_while_a_cell_works_and_has_a_last_state(kernel):
    cell = kernel.ok(
        "let begun = std::time::Instant::now();\n"
        "for n in kissaten::progress(0..40) {\n    std::thread::sleep(std::time::Duration::from_millis(25));\n}\n"
        "begun.elapsed().as_millis()"
    )
    states = [text for _, text in shown(cell, "display_data", "update_display_data")]
    assert "0 of 40" in states[0] and "100 %  40" in states[-1]
    # At most ten a second, however long it took.
    assert 4 <= len(states) <= int(cell.result) / 100 + 4
    assert len(ids(cell)) == 1


def test_an_interrupted_loop_says_where_its_progress_stopped(kernel):
    cell = kernel.start(
        "for n in kissaten::progress(0..1000) {\n    tokio::time::sleep(std::time::Duration::from_millis(20)).await;\n}"
    )
    receive_until(kernel, lambda: len(shown(cell, "update_display_data")) >= 2)
    kernel.interrupt_by_signal()
    cell.finish()
    assert "stopped at" in shown(cell, "update_display_data")[-1][1]


def test_progress_of_a_background_task_goes_to_its_cell(kernel):
    first = kernel.ok(
        "let work = tokio::spawn(async { for n in kissaten::progress(0..20) {"
        " tokio::time::sleep(std::time::Duration::from_millis(20)).await; } });"
    )
    second = kernel.ok("work.await?;")
    receive_until(kernel, lambda: any("100 %" in text for _, text in shown(first, "update_display_data")))
    assert not shown(second, "display_data", "update_display_data")


@pytest.mark.slow
@pytest.mark.parametrize("mime", ["text/html", "application/json"])
def test_large_displays_arrive_and_slow_down_their_worker(kernel, mime):
    """Forty of 10 MB: they are never all in the server's memory."""
    server = psutil.Process(kernel.pid)
    before = server.memory_info().rss
    content = "x" * 100 if mime == "text/html" else f'"{"x" * 96}",\n'
    make = f'let content = r#"{content}"#.repeat(100_000);'
    if mime == "application/json":
        make += ' let content = format!("[{content}1]");'
    bundle = f'kissaten::MimeBundle::new().with("{mime}", content.as_str())'
    cell = kernel.start(f"{make}\nfor n in 0..40 {{ kissaten::display(&{bundle}); }}")
    most = count = 0
    while count < 40:
        message = kernel.receive()
        if message["msg_type"] == "display_data":
            assert len(message["content"]["data"][mime]) >= 100_000
            # The test's own memory is no concern of this test.
            message["content"]["data"].clear()
            count += 1
        most = max(most, server.memory_info().rss)
    cell.finish()
    assert most - before < 330e6, f"{(most - before) / 1e6:.0f} MB"
