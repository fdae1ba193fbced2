"""`:tasks` and `kissaten::tasks()`: which tasks live, and how they are ended."""

import re

import pytest

PENDING = "std::future::pending::<()>()"
TRUE = "std::hint::black_box(true)"
# The list after all has ended that is about to; a guard against a hang, no measure of time.
ENDED = (
    "for _ in 0..3_000 {{ if kissaten::tasks().len() <= {count} {{ break }} "
    "tokio::time::sleep(std::time::Duration::from_millis(1)).await }}\nkissaten::tasks().len()"
)


@pytest.fixture
def kernel(shared_kernel):
    """A kernel without tasks."""
    shared_kernel.ok(":tasks abort all")
    assert left(shared_kernel) == "0"
    return shared_kernel


def left(kernel, count=0):
    return kernel.ok(ENDED.format(count=count)).result


def shows(cell):
    """The one display of a cell."""
    [shown] = [message["content"]["data"] for message in cell.iopub if message["msg_type"] == "display_data"]
    return shown


def listed(kernel):
    """The rows of `:tasks`, each by the titles of the columns."""
    shown = shows(kernel.ok(":tasks"))
    if shown["text/plain"] == "no tasks live":
        return []
    titles, *rows = shown["text/plain"].split("\n")
    begins = [match.start() for match in re.finditer(r"\S+", titles)]
    assert titles.split() == ["task", "name", "place", "parent", "age", "state", "polls", "busy", "waits"]
    bounds = list(zip(begins, [*begins[1:], None]))
    assert shown["text/html"].count("<tr>") == len(rows) + 1 and "<script" not in shown["text/html"]
    return [dict(zip(titles.split(), (row[start:end].strip() for start, end in bounds))) for row in rows]


def test_tasks_are_listed_with_what_is_known_of_them(kernel):
    cell = kernel.ok(
        "async fn brew() { tokio::task::yield_now().await; std::future::pending().await }\n"
        "struct Shop;\nimpl Shop { async fn open(self) {\n"
        "    tokio::spawn(brew());\n    std::future::pending().await\n} }\n"
        f"tokio::spawn(brew());\ntokio::spawn(Shop.open());\ntokio::spawn(async {{ {PENDING}.await }});\n"
        # All have been polled when the one that is spawned below has been.
        "while kissaten::tasks().len() < 4 || kissaten::tasks().iter().any(|task| {\n"
        "    task.polls < 1 + u64::from(task.name == \"brew\") || task.state != kissaten::TaskState::Waiting\n"
        "}) { tokio::task::yield_now().await }"
    )
    # The nested one may have been spawned before the last.
    rows = sorted(listed(kernel), key=lambda row: row["place"])
    name = f"cell {cell.count}"
    assert [(row["name"], row["place"], row["state"]) for row in rows] == [
        ("brew", f"{name}, line 4", "waiting"),
        ("brew", f"{name}, line 7", "waiting"),
        ("Shop::open", f"{name}, line 8", "waiting"),
        ("async block", f"{name}, line 9", "waiting"),
    ]
    assert [row["parent"] for row in rows] == [rows[2]["task"], "", "", ""]
    assert [int(row["polls"]) > 0 for row in rows] == [True] * 4
    assert int(rows[1]["polls"]) == 2
    assert all(row["task"].isdigit() and row["age"] for row in rows)


def test_without_tasks_it_says_so(kernel):
    assert shows(kernel.ok(":tasks"))["text/plain"] == "no tasks live"
    assert kernel.ok("kissaten::tasks().is_empty()").result == "true"
    assert "No task" in shows(kernel.ok(":tasks abort all"))["text/plain"]


def test_a_task_sees_itself_run(kernel):
    code = (
        "tokio::spawn(async {\n    let id = tokio::task::id().to_string();\n"
        "    let own = kissaten::tasks().into_iter().find(|task| task.id.to_string() == id).unwrap();\n"
        '    format!("{:?} {} {}", own.state, own.name, own.cell)\n}).await?'
    )
    cell = kernel.ok(code)
    assert cell.result == f'"Running async block cell {cell.count}"'


def test_a_task_is_aborted_by_its_number(kernel):
    kernel.ok(f"let kept = tokio::spawn({PENDING});\nlet aborted = tokio::spawn({PENDING});")
    [_, row] = listed(kernel)
    assert row["task"] in shows(kernel.ok(f":tasks abort {row['task']}"))["text/plain"]
    assert kernel.ok("aborted.await.unwrap_err().is_cancelled()").result == "true"
    assert kernel.ok("kept.is_finished()").result == "false"
    assert left(kernel, 1) == "1"
    kernel.ok("kept.abort();")


@pytest.mark.parametrize("items, task", [
    ("", f"async {{ while {TRUE} {{}} }}"),
    ("", "async { loop {} }"),
    (f"fn spin() {{ while {TRUE} {{}} }}\nasync fn busy() {{ spin() }}\n", "busy()"),
])
def test_a_spinning_task_is_aborted(kernel, items, task):
    """It ends at a checkpoint, and nobody says that it panicked."""
    cell = kernel.ok(
        f"{items}let spinning: tokio::task::JoinHandle<()> = tokio::spawn({task});\n"
        "while !kissaten::tasks().iter().any(|task| task.state == kissaten::TaskState::Running) "
        "{ tokio::task::yield_now().await }"
    )
    [row] = listed(kernel)
    assert row["state"] == "running"
    kernel.ok(f":tasks abort {row['task']}")
    assert kernel.ok("spinning.await.is_err()").result == "true"
    assert left(kernel) == "0"
    assert "panicked" not in cell.shown


def test_the_tasks_of_one_cell_are_aborted(kernel):
    spawn = f"for _ in 0..2 {{ tokio::spawn(async {{ tokio::spawn({PENDING}); {PENDING}.await }}); }}"
    wait = "while kissaten::tasks().len() < {} {{ tokio::task::yield_now().await }}"
    first = kernel.ok(f"{spawn}\n{wait.format(4)}")
    second = kernel.ok(f"{spawn}\n{wait.format(8)}")
    # What its tasks spawned is its own.
    assert "4 tasks" in shows(kernel.ok(f":tasks abort cell {first.count}"))["text/plain"]
    assert left(kernel, 4) == "4"
    assert {row["place"].split(",")[0] for row in listed(kernel)} == {f"cell {second.count}"}
    assert "No task" in shows(kernel.ok(f":tasks abort cell {first.count}"))["text/plain"]


@pytest.mark.parametrize("command, word", [
    (":tasks abort 99999999", "99999999"),
    (":tasks abort cell 99999", "cell 99999"),
    (":tasks abort", "`abort 12`"),
])
def test_what_cannot_be_aborted_is_an_error(kernel, command, word):
    kernel.ok(f"let kept = tokio::spawn({PENDING});")
    error = kernel.fails(command).error
    assert error["ename"] == "CommandError" and word in error["evalue"]
    assert kernel.ok("kept.is_finished()").result == "false"


def test_a_task_that_has_ended_cannot_be_aborted(kernel):
    number = kernel.ok("let ended = tokio::spawn(async {});\nlet id = ended.id().to_string();\nended.await?;\nid").result
    assert number.strip('"') in kernel.fails(f":tasks abort {number.strip(chr(34))}").error["evalue"]


def test_a_new_kernel_has_no_tasks(start_kernel):
    kernel = start_kernel()
    assert shows(kernel.ok(":tasks"))["text/plain"] == "no tasks live"
    kernel.ok(":tasks abort all")
    assert kernel.fails(":tasks abort 1").error["ename"] == "CommandError"


def test_code_lists_and_aborts_tasks(kernel):
    kernel.ok(
        f"async fn first() {{ {PENDING}.await }}\nasync fn second() {{ {PENDING}.await }}\n"
        "let (one, two) = (tokio::spawn(first()), tokio::spawn(second()));\n"
        "while kissaten::tasks().iter().any(|task| task.polls == 0) { tokio::task::yield_now().await }"
    )
    code = 'kissaten::tasks().iter().find(|task| task.name == "first").unwrap().abort()'
    assert kernel.ok(code).result == "true"
    assert kernel.ok("one.await.unwrap_err().is_cancelled()").result == "true"
    assert kernel.ok("kissaten::tasks().into_iter().map(|task| task.name).collect::<Vec<_>>()").result == '["second"]'
    # As a value it is the same table.
    cell = kernel.ok("kissaten::tasks()")
    assert cell.result.startswith("task  name") and "second" in cell.result
    kernel.ok("two.abort();")


def test_blocking_closures_are_listed_while_they_run(kernel, tmp_path):
    begun, go = tmp_path / "begun", tmp_path / "go"
    wall = f'while !std::path::Path::new("{go}").exists() {{ std::thread::sleep(std::time::Duration::from_millis(2)) }}'
    cell = kernel.ok(f"let work = tokio::task::spawn_blocking(|| {{ std::fs::write(\"{begun}\", \"\").unwrap(); {wall} 7 }});")
    # Until a thread has it, it waits.
    kernel.ok(f'while !std::path::Path::new("{begun}").exists() {{ tokio::task::yield_now().await }}')
    [row] = listed(kernel)
    assert (row["place"], row["state"]) == (f"cell {cell.count}, line 1", "running")
    go.touch()
    assert kernel.ok("work.await?").result == "7"
    assert left(kernel) == "0"


def test_a_blocking_closure_that_spins_is_aborted(kernel):
    """Tokio cannot, its checkpoints can."""
    kernel.ok(f"let work = tokio::task::spawn_blocking(|| while {TRUE} {{}});")
    [row] = listed(kernel)
    kernel.ok(f":tasks abort {row['task']}")
    assert left(kernel) == "0"
    assert kernel.ok("work.await.is_err()").result == "true"


def test_many_tasks_are_counted_instead_of_listed(kernel):
    cell = kernel.ok(f"for _ in 0..10_000 {{ tokio::spawn({PENDING}); }}")
    shown = shows(kernel.ok(":tasks"))
    lines = shown["text/plain"].split("\n")
    assert len(lines) < 250 and len(shown["text/html"]) < 200_000
    assert re.search(r"and \d[\d,]* more", shown["text/plain"])
    assert f"cell {cell.count}, line 1" in lines[-1] and "9800" in lines[-1].replace(",", "")
    assert re.search("10,?000 tasks", shows(kernel.ok(":tasks abort all"))["text/plain"])
    assert left(kernel) == "0"


# How tasks come and go, and how many there are; each in one cell.
LIVES = {
    "joined": "let mut all = vec![];\nfor n in 0..10_000 { all.push(tokio::spawn(async move { n })); }\nfor one in all { one.await?; }",
    "join-set": "let mut all = tokio::task::JoinSet::new();\nfor n in 0..10_000 { all.spawn(async move { n }); }\nall.join_all().await;",
    "dropped-set": f"let mut all = tokio::task::JoinSet::new();\nfor _ in 0..1000 {{ all.spawn({PENDING}); }}\ndrop(all);",
    "local-set": (
        "let local = tokio::task::LocalSet::new();\n"
        "for _ in 0..1000 { local.spawn_local(async { tokio::task::yield_now().await }); }\nlocal.await;"
    ),
    "dropped-local-set": (
        f"let local = tokio::task::LocalSet::new();\nfor _ in 0..1000 {{ local.spawn_local({PENDING}); }}\n"
        "local.run_until(tokio::task::yield_now()).await;\ndrop(local);"
    ),
    "blocking": "let mut all = tokio::task::JoinSet::new();\nfor n in 0..500 { all.spawn_blocking(move || n); }\nall.join_all().await;",
    "panicking": (
        'for n in 0..100 { let _ = tokio::spawn(async move { if n < 1000 { panic!("{n}") } }).await; }'
    ),
    "nested": (
        "fn nest(n: u32) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> { Box::pin(async move {\n"
        "    if n > 0 { tokio::spawn(nest(n - 1)).await.unwrap() }\n}) }\nnest(500).await;"
    ),
    "own-runtime": (
        "std::thread::spawn(|| {\n"
        "    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();\n"
        f"    runtime.block_on(async {{ for n in 0..100 {{ tokio::spawn({PENDING}); tokio::spawn(async {{}}).await.unwrap(); }} }});\n"
        "}).join().unwrap();"
    ),
}


@pytest.mark.parametrize("kind", LIVES)
def test_what_has_ended_is_not_listed(kernel, kind):
    kernel.ok(LIVES[kind])
    assert left(kernel) == "0"


def test_tasks_of_a_local_set_are_listed(kernel):
    cell = kernel.ok(
        f"let local = tokio::task::LocalSet::new();\nlocal.spawn_local(async {{ {PENDING}.await }});\n"
        "local.run_until(tokio::task::yield_now()).await;"
    )
    [row] = listed(kernel)
    assert row["place"] == f"cell {cell.count}, line 2"
    kernel.ok("drop(local);")
    assert left(kernel) == "0"


def test_the_live_view_is_drawn_while_cells_run_until_its_cell_is_run_again(kernel):
    def pictures(cell):
        displays = [m for m in cell.iopub if m["msg_type"].endswith("display_data")]
        of_view = [m for m in displays if m["content"]["transient"].get("display_id", "").startswith("kissaten-tasks-")]
        assert [m["msg_type"] for m in of_view] == ["display_data"] + ["update_display_data"] * (len(of_view) - 1)
        return [m["content"]["data"] for m in of_view]

    def shows_of(cell, words):
        while not any(words in picture["text/plain"] for picture in pictures(cell)):
            kernel.receive()

    view, other = kernel.ok(":tasks live", cell_id="view"), kernel.ok("kissaten::watch_tasks();", cell_id="other")
    assert pictures(view)[0]["text/plain"] == "no tasks live"
    code = (
        "async fn brew(rx: tokio::sync::oneshot::Receiver<u32>) { rx.await.ok(); }\n"
        "let (tx, rx) = tokio::sync::oneshot::channel();\nlet cup = tokio::spawn(brew(rx));\ncup.await?;"
    )
    cell = kernel.start(code)
    shows_of(view, "rx.await")
    shows_of(other, "rx.await")
    assert kernel.request("interrupt_request", {}, channel="control").finish().reply == {"status": "ok"}
    count = cell.finish().count
    shown = next(picture for picture in pictures(view) if "rx.await" in picture["text/plain"])
    assert f"cell {count}, line 4: cup.await" in shown["text/plain"] and "brew" in shown["text/plain"]
    assert "<progress" in shown["text/html"] and "<script" not in shown["text/html"]
    assert "1 running cell, 1 living task</caption>" in shown["text/html"] and shown["text/html"].count('<th scope="col"') == 5
    # The cell is another one now; what it showed before is over, and the other view goes on.
    again = kernel.ok("let edited = 1;", cell_id="view")
    before = len(pictures(view))
    kernel.ok(":tasks abort all")
    cell = kernel.start("std::future::pending::<()>().await")
    shows_of(other, "pending")
    kernel.request("interrupt_request", {}, channel="control").finish()
    cell.finish()
    assert len(pictures(view)) == before
    assert not [m for m in again.iopub if m["msg_type"].endswith("display_data")]
    # As the cell shows it again, it is a new one.
    third = kernel.ok(":tasks live", cell_id="other")
    assert len(pictures(third)) == 1
