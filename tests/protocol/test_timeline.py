"""`%%timeline` and `:timeline`: when the picture is drawn, and what it says."""

import json
import re

import pytest

PENDING = "std::future::pending::<()>()"
FOREVER = 'println!("waiting");\nstd::future::pending::<()>().await;'


def pictures(cell):
    """The pictures of a cell, of which the first stands above all else and the others take its place."""
    found = [m for m in cell.iopub if m["content"].get("transient", {}).get("display_id", "").startswith("kissaten-timeline")]
    assert [m["msg_type"] for m in found] == ["display_data"] + ["update_display_data"] * (len(found) - 1)
    assert len({m["content"]["transient"]["display_id"] for m in found}) == 1
    # Of a short cell the last one may have come before the first was sent, and then took its place.
    assert found
    # Before it there are only `busy` and the input, behind the last one nothing that the cell shows.
    assert [m["msg_type"] for m in cell.iopub[: cell.iopub.index(found[0])]] == ["status", "execute_input"]
    idle = next(n for n, m in enumerate(cell.iopub) if m["content"].get("execution_state") == "idle")
    assert cell.iopub.index(found[-1]) < idle
    for message in found:
        data = message["content"]["data"]
        assert set(data) == {"text/html", "text/plain"}
        assert data["text/html"].count("<svg") == 1
        assert not re.search(r"<script|\son\w+=|javascript:", data["text/html"])
    return [message["content"]["data"]["text/plain"] for message in found]


def rows(text):
    """The headline, and what stands to the left of each bar with the state to its right."""
    headline, *lines = text.split("\n")
    found = []
    for line in lines:
        if match := re.fullmatch(r"([ │├└─]*)(.*?)  +[█▒░ ▁▂▃▄▅▆▇]+  \S.*?–.*?  (.*)", line):
            found.append((len(match[1]) // 3, re.sub(" +", " ", match[2]), match[3]))
    return headline, found


def last(cell):
    return rows(pictures(cell)[-1])


def shown(cell):
    [data] = [m["content"]["data"] for m in cell.iopub if m["msg_type"] == "display_data"]
    return data["text/plain"]


def test_a_cell_alone_is_one_lane(shared_kernel):
    cell = shared_kernel.ok(
        "%%timeline\nfor _ in 0..3 { tokio::time::sleep(std::time::Duration::from_millis(1)).await; }\n7"
    )
    headline, lanes = last(cell)
    assert re.match(rf"cell {cell.count} took \S+ \S+$", headline)
    assert lanes == [(0, f"cell {cell.count}", "finished")]
    assert cell.result == "7"


def test_lanes_say_whose_they_are_and_how_they_ended(shared_kernel):
    cell = shared_kernel.ok(
        "%%timeline\n"
        "async fn brew() { tokio::task::yield_now().await }\n"
        "async fn serve() { tokio::spawn(brew()).await.unwrap() }\n"
        "async fn idle(begun: tokio::sync::oneshot::Sender<()>) { let _ = begun.send(()); std::future::pending().await }\n"
        'async fn spill() { if true { panic!("spilt") } }\n'
        "tokio::spawn(serve()).await?;\n"
        "let spilt = tokio::spawn(spill()).await.is_err();\n"
        "let ((one, first), (other, second)) = (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel());\n"
        "let aborted = tokio::spawn(idle(one));\n"
        "let kept = tokio::spawn(idle(other));\n"
        "let begun = (first.await?, second.await?);\naborted.abort();\nlet ended = aborted.await.is_err();\n"
        'println!("printed");'
    )
    headline, lanes = last(cell)
    # Of what was cut off nobody knows how long it would have been.
    assert "one after another" not in headline
    stood = f"aborted at cell {cell.count}, line 4: std::future::pending()"
    assert lanes == [
        (0, f"cell {cell.count}", "finished"),
        (1, "serve line 6", "finished"),
        (2, "brew line 3", "finished"),
        (1, "spill line 7", "panicked"),
        (1, "idle line 9", stood),
        (1, "idle line 10", "goes on"),
    ]
    # What happens after its end is seen when it is asked for.
    shared_kernel.ok("kept.abort();\nlet ended = kept.await.is_err();")
    _, lanes = rows(shown(shared_kernel.ok(":timeline")))
    assert lanes[-1] == (1, "idle line 10", stood)
    assert lanes[0] == (0, f"cell {cell.count}", "finished")


def test_branches_of_a_join_have_lanes(shared_kernel):
    cell = shared_kernel.ok(
        "%%timeline\nuse tokio::task::yield_now;\nasync fn steep() { yield_now().await }\nasync fn pour() { yield_now().await }\n"
        "tokio::join!(steep(), pour(), async { yield_now().await });"
    )
    _, lanes = last(cell)
    assert [(depth, name.split(" line")[0], state) for depth, name, state in lanes] == [
        (0, f"cell {cell.count}", "finished"),
        (1, "steep", "finished"),
        (1, "pour", "finished"),
        (1, "async block", "finished"),
    ]


def test_what_is_awaited_one_after_another_has_lanes(shared_kernel):
    cell = shared_kernel.ok(
        "%%timeline\nasync fn step() { tokio::task::yield_now().await }\nstep().await;\nstep().await;\n"
        "tokio::spawn(step()).await?;"
    )
    _, lanes = last(cell)
    steps = [(1, f"step line {line}", "finished") for line in (3, 4, 5)]
    assert lanes == [(0, f"cell {cell.count}", "finished"), *steps]


def test_what_was_awaited_does_not_go_on(shared_kernel):
    """The last picture stays in the notebook: it must not have been drawn before the end of a task was known."""
    cell = shared_kernel.ok(
        "%%timeline\nasync fn short(n: u32) -> u32 { tokio::task::yield_now().await; n }\nlet mut sum = 0;\n"
        "for n in 0..20 { sum += tokio::spawn(short(n)).await?; }\nsum"
    )
    assert not [lane for lane in last(cell)[1] if lane[2] != "finished"]


PAUSE = "tokio::time::sleep(std::time::Duration::from_millis(20)).await"


def names(cell):
    return [(re.split(r" line | tokio-", name)[0], state.split(" at ")[0]) for _, name, state in last(cell)[1][1:]]


@pytest.mark.parametrize(
    "code, expected",
    [
        ('brew("mocha").await;\nbrew("latte").await;', ['brew("mocha")', 'brew("latte")']),
        ("for n in 0..2 { tokio::spawn(fetch(n)).await?; }", ["fetch(0)", "fetch(1)"]),
        ('tokio::join!(brew("mocha"), fetch(2));', ['brew("mocha")', "fetch(2)"]),
        ("futures::future::join_all((0..2).map(fetch)).await;", ["fetch(0)", "fetch(1)"]),
        ('futures::future::join_all(["mocha", "latte"].iter().map(|cup| brew(cup))).await;', ['brew("mocha")', 'brew("latte")']),
        ("futures::future::join_all(vec![fetch(3), fetch(4)]).await;", ["fetch(3)", "fetch(4)"]),
        ("futures::future::join_all((0..2).map(|n| { let n = n + 5; fetch(n) })).await;", ["fetch(5)", "fetch(6)"]),
        ("futures::future::try_join_all((0..2).map(check)).await?;", ["check(0)", "check(1)"]),
        ("let mut all: futures::stream::FuturesUnordered<_> = (0..2).map(fetch).collect();\n"
         "while let Some(n) = futures::StreamExt::next(&mut all).await {}\ndrop(all);", ["fetch(0)", "fetch(1)"]),
        ("let mut all = futures::stream::FuturesUnordered::new();\nfor n in 0..2 { all.push(fetch(n)); }\n"
         "while let Some(n) = futures::StreamExt::next(&mut all).await {}\ndrop(all);", ["fetch(0)", "fetch(1)"]),
        ("use futures::StreamExt;\nfutures::stream::iter(0..2).map(fetch).buffer_unordered(2).collect::<Vec<_>>().await.len();",
         ["fetch(0)", "fetch(1)"]),
        ("let mut set: tokio::task::JoinSet<u32> = (0..2).map(fetch).collect();\nwhile let Some(n) = set.join_next().await { n?; }",
         ["fetch(0)", "fetch(1)"]),
        # Made first, and joined later.
        ("let all: Vec<_> = (0..2).map(fetch).collect();\nlet more = all.len();\nfutures::future::join_all(all).await;", ["fetch(0)", "fetch(1)"]),
        ("for n in 0..2 {\n    let all = [1, 2].iter().map(move |m| serve(n, vec![*m], None)).collect::<Vec<_>>();\n"
         "    tokio::spawn(async move { futures::future::join_all(all).await.len() }).await?;\n}",
         ["async block"] * 2 + ["serve(0, …)", "serve(1, …)"] * 2),
        # What cannot be looked at before it is given, and what is long, is left open.
        ('let cups = vec![0; 40];\ntokio::join!(serve(1, cups.clone(), None), serve(2, cups, Some(3)));', ["serve(1, …)", "serve(2, …)"]),
        ("tokio::join!(serve(1 + 2, vec![4], None), serve(0, vec![], None));", ["serve", "serve(0, …)"]),
        ("futures::future::join_all((0..2).map(|n| serve(n, vec![], Some(n)))).await;", ["serve(0, …)", "serve(1, …)"]),
        ("let n = Some(5);\nserve(2 + 3, vec![], n).await;", ["serve(…, …, Some(5))"]),
    ],
)
def test_futures_side_by_side_have_lanes_and_names(shared_kernel, code, expected):
    shared_kernel.ok(
        f"async fn brew(cup: &str) {{ {PAUSE} }}\nasync fn fetch(n: u32) -> u32 {{ {PAUSE}; n }}\n"
        "async fn check(n: u32) -> Result<u32, String> { Ok(fetch(n).await) }\n"
        f"async fn serve(n: u32, cups: Vec<u32>, _: Option<u32>) {{ {PAUSE} }}"
    )
    cell = shared_kernel.ok(f"%%timeline\n{code}")
    assert sorted(names(cell)) == sorted((name, "finished") for name in expected)


def test_a_branch_that_is_cancelled_says_where_it_stood(shared_kernel):
    shared_kernel.ok(f"async fn slow(n: u32) -> u32 {{\n    {PAUSE};\n    std::future::pending::<()>().await; n\n}}\nasync fn fast() -> u32 {{ {PAUSE}; {PAUSE}; 1 }}")
    cell = shared_kernel.ok("%%timeline\nlet n = tokio::select! { n = slow(1) => n, n = fast() => n };")
    assert sorted(names(cell)) == [("fast", "finished"), ("slow(1)", "cancelled")]
    assert any(state.endswith("line 3: std::future::pending::<()>()") for _, _, state in last(cell)[1])
    assert "one after another" not in last(cell)[0]
    cell = shared_kernel.ok(
        "%%timeline\nlet late = tokio::time::timeout(std::time::Duration::from_millis(60), slow(2)).await.is_err();"
    )
    assert names(cell) == [("slow(2)", "cancelled")]


def test_lives_that_wait_for_one_another_do_not_add_up(shared_kernel):
    cell = shared_kernel.ok(
        "%%timeline\nlet till = std::sync::Arc::new(tokio::sync::Mutex::new(0));\nlet mut set = tokio::task::JoinSet::new();\n"
        f"for n in 0..3 {{ let till = till.clone(); set.spawn(async move {{ let mut till = till.lock().await; {PAUSE}; *till += n; }}); }}\n"
        "while let Some(done) = set.join_next().await { done?; }"
    )
    assert "× as long" not in last(cell)[0]


def test_the_picture_is_told_to_who_does_not_see_it(shared_kernel):
    cell = shared_kernel.ok("%%timeline\ntokio::join!(async { tokio::task::yield_now().await }, std::future::ready(1));")
    html = [m for m in cell.iopub if "transient" in m["content"]][-1]["content"]["data"]["text/html"]
    description = re.search(r"<desc>(.*?)</desc>", html, re.DOTALL)[1]
    # What is solid in the picture is said too: how long it ran.
    assert re.search(r"^async block, line 2, level 1: .*, finished; ran for \S+ [µm]?s of it$", description, re.MULTILINE), description


def test_threads_have_lanes(shared_kernel):
    cell = shared_kernel.ok(
        "%%timeline\nlet work = tokio::task::spawn_blocking(|| 1).await?;\nstd::thread::spawn(|| 2).join().unwrap();"
    )
    _, lanes = last(cell)
    assert [(depth, name.split("line ")[1], state) for depth, name, state in lanes[1:]] == [
        (1, "2", "finished"),
        (1, "3", "finished"),
    ]


@pytest.mark.parametrize("count", [1000, 10_000])
def test_many_tasks_are_one_row(shared_kernel, count):
    cell = shared_kernel.ok(
        "%%timeline\nlet mut all = tokio::task::JoinSet::new();\n"
        f"for n in 0..{count} {{ all.spawn(async move {{ tokio::task::yield_now().await; n }}); }}\nall.join_all().await.len()"
    )
    text = pictures(cell)[-1]
    assert len(text.split("\n")) <= 42
    _, lanes = rows(text)
    [(depth, many, state)] = [lane for lane in lanes if "×" in lane[1]]
    alone = len(lanes) - 2
    assert depth == 1 and int(re.search(r"×([\d,]+)", many)[1].replace(",", "")) + alone == count
    assert state == f"{count - alone:,} finished"
    assert cell.result == str(count)


def test_a_cell_that_fails_has_its_last_picture(shared_kernel):
    for code, state, ename in [
        ('Err::<(), _>("wrong")?;', "finished", None),
        ('panic!("wrong");', "panicked", "Panic"),
        ("tokio::spawn(async { 1 }).await?;\nu8::from_str_radix(\"x\", 10)?;", "finished", None),
    ]:
        cell = shared_kernel.fails(f"%%timeline\n{code}")
        assert ename in (None, cell.error["ename"])
        assert last(cell)[1][0] == (0, f"cell {cell.count}", state)


@pytest.mark.parametrize("code", [FOREVER, 'println!("waiting");\nloop {}'], ids=["awaiting", "spinning"])
def test_a_cell_that_is_interrupted_has_its_last_picture(shared_kernel, code):
    cell = shared_kernel.start(f"%%timeline\n{code}")
    cell.until(lambda cell: cell.stdout)
    shared_kernel.request("interrupt_request", {}, channel="control")
    assert cell.finish().error["ename"] == "Interrupted"
    assert last(cell)[1] == [(0, f"cell {cell.count}", "aborted")]


def test_a_running_cell_is_drawn_again_and_again(shared_kernel, tmp_path):
    cell = shared_kernel.start(
        f'%%timeline\nprintln!("begun");\nlet path = std::path::Path::new("{tmp_path}/go");\n'
        "while !path.exists() { tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
    )
    cell.until(lambda cell: sum(m["msg_type"] == "update_display_data" for m in cell.iopub) >= 2)
    (tmp_path / "go").touch()
    running = pictures(cell.finish())
    assert "has run for" in running[1] and "goes on" in running[1]
    assert " took " in running[-1]


@pytest.mark.parametrize("code", ["", "struct Cup;", "use std::fmt;", "// nothing", "\n\n"])
def test_a_cell_that_runs_nothing_has_nothing_to_draw(shared_kernel, code):
    cell = shared_kernel.ok(f"%%timeline\n{code}")
    assert "panicked" not in cell.shown and not cell.stderr


def test_a_cell_that_does_not_compile(shared_kernel):
    cell = shared_kernel.fails("%%timeline\nlet cup: u8 = true;")
    assert cell.error["ename"] == "CompileError"
    assert not any(m["msg_type"] == "display_data" for m in cell.iopub)


def test_a_cell_that_kills_the_worker(kernel):
    cell = kernel.fails("%%timeline\nstd::process::abort()")
    assert cell.error["ename"] == "Abort"
    assert "timeline" in kernel.fails(":timeline").error["evalue"]


def test_without_a_timeline_there_is_an_error(kernel):
    for command in (":timeline", ":timeline export"):
        assert "timeline" in kernel.fails(command).error["evalue"]
    kernel.ok("1")
    for command in (":timeline", ":timeline export"):
        error = kernel.fails(command).error
        assert error["ename"] == "CommandError" and "%%timeline" in error["evalue"]
    assert kernel.ok("kissaten::timeline().lanes.len()").result == "0"
    assert not (kernel.directory / "timeline.json").exists()


def test_code_reads_the_timeline(shared_kernel):
    cell = shared_kernel.ok("%%timeline\nasync fn cup() {}\ntokio::spawn(cup()).await?;")
    code = "kissaten::timeline().lanes.iter().map(|lane| (lane.name.clone(), lane.parent, lane.end.is_some())).collect::<Vec<_>>()"
    assert shared_kernel.ok(code).result == f'[("cell {cell.count}", None, true), ("cup", Some(0), true)]'
    assert shared_kernel.ok("kissaten::timeline().svg().starts_with(\"<svg\")").result == "true"
    # As a value it is the same picture, of that cell.
    assert f"cell {cell.count} took" in shared_kernel.ok("kissaten::timeline()").result


def test_a_timeline_is_exported(shared_kernel, tmp_path):
    kernel = shared_kernel
    cell = kernel.ok(
        "%%timeline\nasync fn inner() { tokio::task::yield_now().await }\n"
        "async fn outer() { tokio::spawn(inner()).await.unwrap() }\ntokio::spawn(outer()).await?;"
    )
    path = tmp_path / "my files" / "trace.json"
    path.parent.mkdir()
    assert str(path) in shown(kernel.ok(f":timeline export {path}"))
    kernel.ok(":timeline export")
    written = json.loads(path.read_text())
    assert written == json.loads((kernel.directory / "timeline.json").read_text())
    events = written["traceEvents"]
    assert {event["ph"] for event in events} == {"M", "X"}
    lives = [event for event in events if event.get("cat") == "task"]
    assert [life["name"] for life in lives] == [f"cell {cell.count}", "outer", "inner"]
    assert [life["args"]["spawned by"] for life in lives] == [None, f"cell {cell.count}", "outer"]
    assert [life["args"]["end"] for life in lives] == ["finished"] * 3
    assert len({life["tid"] for life in lives}) == 3
    for event in events:
        assert event["ph"] == "M" or (event["ts"] >= 0 and event["dur"] >= 0)
    assert [event["args"]["name"] for event in events if event["name"] == "process_name"] == [f"cell {cell.count}"]


def test_a_timeline_that_cannot_be_written(shared_kernel, tmp_path):
    shared_kernel.ok("%%timeline\n1")
    for path in (tmp_path / "no" / "folder.json", tmp_path):
        error = shared_kernel.fails(f":timeline export {path}").error
        assert error["ename"] == "CommandError" and str(path) in error["evalue"]


def test_a_cell_without_it_leaves_the_last_one(shared_kernel):
    cell = shared_kernel.ok("%%timeline\n1")
    shared_kernel.ok("tokio::spawn(async {}).await?;")
    headline, lanes = rows(shown(shared_kernel.ok(":timeline")))
    assert headline.startswith(f"cell {cell.count} took") and len(lanes) == 1


def test_the_last_poll_of_a_task_is_in_the_picture_of_its_cell(kernel):
    cell = kernel.ok(
        "%%timeline\n"
        "async fn grind() { let begun = std::time::Instant::now(); while begun.elapsed().as_millis() < 50 {} }\n"
        "for _ in 0..5 { let (a, b) = (tokio::spawn(grind()), tokio::spawn(grind())); a.await?; b.await?; }\n"
        "kissaten::timeline().lanes.iter().filter(|lane| lane.name == \"grind\" && lane.polls.is_empty()).count()"
    )
    assert cell.result == "0"
