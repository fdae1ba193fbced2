"""Cells that hang: what they wait for is told under them, in `:tasks`, and when they are interrupted."""

import re

import pytest

from kernel import running
from test_subshell import Subshell

# Milliseconds after which a cell is told about here.
AFTER = "250"
USES = "use std::sync::Arc; use tokio::sync::{mpsc, oneshot, watch, Barrier, Mutex, Notify, RwLock, Semaphore};"


@pytest.fixture(scope="module")
def started(installation, tmp_path_factory):
    directory = tmp_path_factory.mktemp("waiting")
    with running(installation, directory / "kernel", environment={"KISSATEN_WAIT_HINT": AFTER}) as kernel:
        kernel.ok(USES)
        yield kernel


@pytest.fixture
def kernel(started):
    """A kernel without tasks."""
    started.ok(":tasks abort all")
    started.ok("while kissaten::tasks().len() > 0 { tokio::task::yield_now().await }")
    return started


def lines(cell):
    """What the line under a cell has said, one after another; empty: it went away."""
    displays = [message["content"] for message in cell.iopub if message["msg_type"].endswith("display_data")]
    of_waits = [shown for shown in displays if shown["transient"].get("display_id", "").startswith("kissaten-waiting-")]
    return [shown["data"]["text/plain"] for shown in of_waits]


def same(words, text):
    """Whether a text is the words, in which `_` stands for a number or a time."""
    return re.fullmatch(re.sub(r"(?<!\w)_(?!\w)", r"(?:\\d+ min )?\\d+(?:\\.\\d+)?(?: m?s)?", re.escape(words)), text)


HANGS = {
    "a sender is kept alive in the cell": (
        "let (tx, mut rx) = mpsc::channel::<u32>(4);\n"
        "let mut all = Vec::new();\n"
        "for cup in 0..3 { let tx = tx.clone(); tokio::spawn(async move { tx.send(cup).await }); }\n"
        "while let Some(cup) = rx.recv().await { all.push(cup) }",
        "waiting for _ at line 4: `rx.recv()`; no task holds a sender, and one is still alive: in a variable, or in the cell itself; the wait ends when the last one is dropped (`drop(tx)`)",
        "it was waiting at cell _, line 4: `rx.recv()`; no task holds a sender, and one is still alive: in a variable, or in the cell itself; the wait ends when the last one is dropped (`drop(tx)`)",
    ),
    "a mutex is locked twice by one task": (
        "let till = Mutex::new(1);\nlet first = till.lock().await;\nlet second = till.lock().await;",
        "deadlock: waiting for _ at line 3: `till.lock()`, held by this cell itself since line 2",
        "it was waiting at cell _, line 3: `till.lock()`, held by this cell itself since cell _, line 2",
    ),
    "two locks are taken in opposite order by two tasks": (
        "let (milk, tea) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));\n"
        "let both = Arc::new(Barrier::new(2));\n"
        "async fn pour(first: Arc<Mutex<i32>>, second: Arc<Mutex<i32>>, both: Arc<Barrier>) {\n"
        "    let first = first.lock().await;\n"
        "    both.wait().await;\n"
        "    let second = second.lock().await;\n"
        "}\n"
        "let one = tokio::spawn(pour(milk.clone(), tea.clone(), both.clone()));\n"
        "let other = tokio::spawn(pour(tea.clone(), milk.clone(), both.clone()));\n"
        "one.await?;",
        "deadlock: waiting for _ at line 10: `one.await`, for task _ (`pour`, cell _), which waits at line 6: `second.lock()`, held by task _ (`pour`, cell _) since line 4, which waits at line 6: `second.lock()`, held by task _ since line 4",
        "it was waiting at cell _, line 10: `one.await`, for task _ (`pour`, cell _), which waits at cell _, line 6: `second.lock()`, held by task _ (`pour`, cell _) since cell _, line 4, which waits at cell _, line 6: `second.lock()`, held by task _ since cell _, line 4",
    ),
    "a semaphore has no permits": (
        "let stoves = Arc::new(Semaphore::new(1));\n"
        "let mine = stoves.acquire().await?;\n"
        "let other = stoves.clone().acquire_owned().await?;",
        "deadlock: waiting for _ at line 3: `stoves.clone().acquire_owned()`, taken last by this cell itself at line 2",
        "it was waiting at cell _, line 3: `stoves.clone().acquire_owned()`, taken last by this cell itself at cell _, line 2",
    ),
    "a semaphore never had permits": (
        "let stoves = Semaphore::new(0);\nlet _mine = stoves.acquire().await?;",
        "waiting for _ at line 2: `stoves.acquire()`; no permit is free, and no task is left that could give one back",
        "it was waiting at cell _, line 2: `stoves.acquire()`; no permit is free, and no task is left that could give one back",
    ),
    "a task is awaited that waits for the cell": (
        "let (tx, rx) = oneshot::channel::<u32>();\n"
        "async fn guest(rx: oneshot::Receiver<u32>) -> u32 {\n"
        "    rx.await.unwrap_or(0)\n"
        "}\n"
        "let guest = tokio::spawn(guest(rx));\n"
        "let cups = guest.await?;\n"
        "let _ = tx.send(cups);",
        "waiting for _ at line 6: `guest.await`, for task _ (`guest`, cell _), which waits at line 3: `rx.await`; no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls",
        "it was waiting at cell _, line 6: `guest.await`, for task _ (`guest`, cell _), which waits at cell _, line 3: `rx.await`; no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls",
    ),
    "a future in a Vec is never polled": (
        "let (tx, rx) = oneshot::channel::<u32>();\n"
        "let mut orders = Vec::new();\n"
        "orders.push(async move { tx.send(7) });\n"
        "let order = rx.await?;\n"
        "orders.len();",
        "waiting for _ at line 4: `rx.await`; no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls",
        "it was waiting at cell _, line 4: `rx.await`; no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls",
    ),
    "a watch is awaited that nobody changes": (
        "let (tx, mut rx) = watch::channel(1);\nrx.changed().await?;\ndrop(tx);",
        "waiting for _ at line 2: `rx.changed()`; no task is left that could change the value",
        "it was waiting at cell _, line 2: `rx.changed()`; no task is left that could change the value",
    ),
    "a worker blocks in a channel of std": (
        "let (tx, rx) = std::sync::mpsc::channel::<u32>();\n"
        "async fn listen(rx: std::sync::mpsc::Receiver<u32>) -> u32 { rx.recv().unwrap_or(0) }\n"
        "let listener = tokio::spawn(listen(rx));\n"
        "let heard = listener.await?;\n"
        "tx.send(heard)?;",
        "waiting for _ at line 4: `listener.await`, for task _ (`listen`, cell _), which is blocked in a call that is not async: a lock, channel or handle of `std` there holds its thread",
        "it was waiting at cell _, line 4: `listener.await`, for task _ (`listen`, cell _), which is blocked in a call that is not async: a lock, channel or handle of `std` there holds its thread",
    ),
    "a Notify was notified before anyone waited": (
        "let bell = Arc::new(Notify::new());\nbell.notify_waiters();\nbell.notified().await;",
        "waiting for _ at line 3: `bell.notified()`; no task is left that could notify it; `notify_waiters()` wakes only those who wait already, `notify_one()` also who comes next",
        "it was waiting at cell _, line 3: `bell.notified()`; no task is left that could notify it; `notify_waiters()` wakes only those who wait already, `notify_one()` also who comes next",
    ),
    "a full channel is drained by nobody": (
        "let (tx, rx) = mpsc::channel(2);\nfor cup in 0..3 { tx.send(cup).await?; }\ndrop(rx);",
        "waiting for _ at line 2: `tx.send(cup)`; the channel is full (2 of 2), and no task is left that could receive",
        "it was waiting at cell _, line 2: `tx.send(cup)`; the channel is full (2 of 2), and no task is left that could receive",
    ),
}


@pytest.mark.parametrize("name", HANGS)
def test_a_hang_says_what_it_waits_for(kernel, name):
    code, line, interrupted = HANGS[name]
    cell = kernel.start(code)
    cell.until(lambda cell: lines(cell))
    kernel.interrupt()
    cell.finish()
    assert same(f"hint: {line}", lines(cell)[0]), lines(cell)
    # The line goes with what it tells about.
    assert lines(cell)[-1] == ""
    assert cell.error["ename"] == "Interrupted" and same(interrupted, cell.error["evalue"]), cell.error["evalue"]
    # The worker that blocks is free again.
    if "of std" in name:
        kernel.ok("drop(tx);")


MORE = {
    "futures of a join! wait for one another": (
        "let (milk, tea) = (Mutex::new(1), Mutex::new(2));\n"
        "let yes = Barrier::new(2);\n"
        "tokio::join!(async {\n    let one = milk.lock().await; yes.wait().await;\n    let two = tea.lock().await;\n}, async {\n"
        "    let one = tea.lock().await; yes.wait().await;\n    let two = milk.lock().await;\n});",
        "deadlock: waiting for _ at line 3: `tokio::join!(async { let one = milk.lock().await; yes.wait()…`; of 2 futures "
        "`async block` waits at line 5: `tea.lock()`, held by `async block` since line 7, which waits at line 8: `milk.lock()`, "
        "held by `async block` since line 4",
    ),
    "one of many handles hangs": (
        "let (tx, rx) = oneshot::channel::<u32>();\n"
        "let tasks = vec![tokio::spawn(async { 1 }), tokio::spawn(async move { rx.await.unwrap_or(0) })];\n"
        "let all = futures::future::join_all(tasks).await;\ndrop(tx);",
        "waiting for _ at line 3: `futures::future::join_all(tasks)`; `tasks` waits, for task "
        "_ (`async block`, cell _), which waits at line 2: `rx.await`; " + "no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls",
    ),
    "a guard lives on in a variable": (
        "let till = Arc::new(Mutex::new(1));\nlet guard = till.clone().lock_owned().await;",
        "let second = till.lock().await;",
        "waiting for _ at line 1: `till.lock()`, held by cell _, which has ended: what it took at cell _, line 2 lives on in a variable",
    ),
    "a task of a JoinSet hangs": (
        "let mut set = tokio::task::JoinSet::new();\nlet (tx, mut rx) = watch::channel(1);\n"
        "set.spawn(async move { rx.changed().await.is_ok() });\nlet first = set.join_next().await;\ndrop(tx);",
        "waiting for _ at line 4: `set.join_next()`, for task _ (`async block`, cell _), which waits at line 3: `rx.changed()`; "
        "no task is left that could change the value",
    ),
    "no arm of a select! has an end": (
        "let ((one, mut rx), (other, mut more)) = (mpsc::channel::<u32>(1), mpsc::channel::<u32>(1));\n"
        "let cup = tokio::select! { cup = rx.recv() => cup, cup = more.recv() => cup };\ndrop((one, other));",
        "waiting for _ at line 2: `tokio::select! { cup = rx.recv() => cup, cup = more.recv() =…`; no task holds a sender, and one is "
        "still alive: in a variable, or in the cell itself; the wait ends when the last one is dropped (`drop(tx)`)",
    ),
    "an arm of a select! waits for a task": (
        "let (tx, rx) = oneshot::channel::<u32>();\nlet (news, mut more) = watch::channel(1);\n"
        "let mut guest = tokio::spawn(async move { rx.await });\n"
        "tokio::select! { a = more.changed() => drop(a), b = &mut guest => drop(b) };\ndrop((tx, news));",
        "waiting for _ at line 4: `tokio::select! { a = more.changed() => drop(a), b = &mut gue…`; of 2 futures `&mut guest` waits, for task "
        "_ (`async block`, cell _), which waits at line 3: `rx.await`; no task holds the sender: it is in a variable, in the cell itself, "
        "or in a future that nobody polls",
    ),
    "a timeout ends it in an hour": (
        "let (tx, mut rx) = watch::channel(1);\nlet late = tokio::time::timeout(std::time::Duration::from_secs(3600), rx.changed()).await;\ndrop(tx);",
        "waiting for _ at line 2: `tokio::time::timeout(std::time::Duration::from_secs(3600), r…`; no task is left that could change the value; "
        "the `timeout` ends it in 1 h",
    ),
    "in a timeout of an hour a function waits": (
        "let bell = Notify::new();\nasync fn guest(bell: &Notify) {\n    bell.notified().await\n}\n"
        "let late = tokio::time::timeout(std::time::Duration::from_secs(3600), guest(&bell)).await;",
        "waiting for _ at line 5: `tokio::time::timeout(std::time::Duration::from_secs(3600), g…`; `guest` waits at line 3: `bell.notified()`; "
        "no task is left that could notify it; `notify_waiters()` wakes only those who wait already, `notify_one()` also who comes next; "
        "the `timeout` ends it in 1 h",
    ),
    "a task of another cell ticks on": (
        "let ticker = tokio::spawn(async {\n    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));\n"
        "    loop { ticks.tick().await; }\n});",
        "let (tx, mut rx) = mpsc::channel::<u32>(1);\nlet cup = rx.recv().await;\ndrop(tx);",
        "waiting for _ at line 2: `rx.recv()`; every task that could send waits as well, or goes on without doing so: task _ (`async block`, cell _)",
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_chains_are_followed(kernel, name):
    *before, code, line = MORE[name]
    for earlier in before:
        kernel.ok(earlier)
    cell = kernel.start(code)
    cell.until(lambda cell: lines(cell))
    kernel.interrupt()
    cell.finish()
    assert same(f"hint: {line}", lines(cell)[0]), lines(cell)


# Cells of the lessons' kind that wait for longer than it takes to be told about.
SLEEP = "tokio::time::sleep(std::time::Duration::from_millis(600))"
QUIET = [
    f"{SLEEP}.await;",
    f"tokio::spawn(async {{ {SLEEP}.await }}).await?;",
    f"async fn brew(cup: u32) -> u32 {{ {SLEEP}.await; cup }}\nbrew(1).await",
    "tokio::join!(brew(1), brew(2))",
    "tokio::try_join!(tokio::spawn(brew(1)), tokio::spawn(brew(2)))?",
    f"tokio::select! {{ cup = brew(1) => cup, _ = std::future::pending::<()>() => 0 }}",
    f"let (_tx, mut rx) = mpsc::channel::<u32>(1);\nasync fn guest(rx: &mut mpsc::Receiver<u32>) -> u32 {{ rx.recv().await.unwrap_or(0) }}\n"
    f"tokio::select! {{ cup = guest(&mut rx) => cup, _ = {SLEEP} => 0 }}",
    "tokio::time::timeout(std::time::Duration::from_millis(600), guest(&mut rx)).await.is_err()",
    "tokio::time::timeout(std::time::Duration::from_millis(600), async { rx.recv().await }).await.is_err()",
    f"let (tx, mut cups) = mpsc::channel(1);\ntokio::spawn(async move {{ {SLEEP}.await; tx.send(1).await }});\ncups.recv().await",
    f"let (tx, cup) = oneshot::channel();\ntokio::spawn(async move {{ {SLEEP}.await; tx.send(1) }});\ncup.await?",
    f"let (tx, mut news) = watch::channel(0);\nlet h = tokio::spawn(async move {{ {SLEEP}.await; tx.send(1) }});\nnews.changed().await?;",
    f"let till = Arc::new(Mutex::new(0));\nlet theirs = till.clone();\nlet (go, gone) = oneshot::channel();\n"
    f"let h = tokio::spawn(async move {{ let till = theirs.lock().await; go.send(1); {SLEEP}.await; }});\ngone.await?;\nlet till = *till.lock().await;",
    f"let stoves = Arc::new(Semaphore::new(2));\nlet mut set = tokio::task::JoinSet::new();\n"
    f"for cup in 0..4 {{ let stoves = stoves.clone(); set.spawn(async move {{ let _mine = stoves.acquire().await; {SLEEP}.await; cup }}); }}\n"
    "while let Some(cup) = set.join_next().await { cup?; }",
    f"let bell = Arc::new(Notify::new());\nlet ours = bell.clone();\ntokio::spawn(async move {{ {SLEEP}.await; ours.notify_one() }});\nbell.notified().await",
    "let all = futures::future::join_all((0..3).map(brew)).await;",
    "use futures::StreamExt;\nlet all: Vec<u32> = futures::stream::iter(0..3).map(brew).buffer_unordered(3).collect().await;",
    "let mut all: futures::stream::FuturesUnordered<_> = (0..3).map(brew).collect();\nwhile let Some(cup) = all.next().await {}",
    "let done = tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_millis(600))).await?;",
    "std::thread::sleep(std::time::Duration::from_millis(600));",
    "tokio::spawn(async { std::thread::sleep(std::time::Duration::from_millis(600)) }).await?;",
    "let mut ticks = tokio::time::interval(std::time::Duration::from_millis(600));\nticks.tick().await; ticks.tick().await;",
    "let listener = tokio::net::TcpListener::bind(\"127.0.0.1:0\").await?;\n"
    f"let at = listener.local_addr()?;\ntokio::spawn(async move {{ {SLEEP}.await; tokio::net::TcpStream::connect(at).await }});\nlistener.accept().await?;",
    f"let (tx, rx) = std::sync::mpsc::channel();\nstd::thread::spawn(move || {{ std::thread::sleep(std::time::Duration::from_millis(600)); tx.send(1) }});\nrx.recv()?",
    f"let (tx, rx) = std::sync::mpsc::channel();\ntokio::spawn(async move {{ {SLEEP}.await; tx.send(1) }});\nrx.recv()?",
    f"let (tx, mut cups) = mpsc::channel(1);\nstd::thread::spawn(move || {{ std::thread::sleep(std::time::Duration::from_millis(600)); tx.blocking_send(1) }});\ncups.recv().await",
    f"let rows = tokio::sync::RwLock::new(1);\nlet (one, other) = tokio::join!(async {{ let rows = rows.write().await; {SLEEP}.await; }}, async {{ *rows.read().await }});",
    f"let gate = Barrier::new(2);\ntokio::join!(gate.wait(), async {{ {SLEEP}.await; gate.wait().await }});",
    "let until = std::time::Instant::now() + std::time::Duration::from_millis(600);\nwhile std::time::Instant::now() < until { tokio::task::yield_now().await }",
    "let until = std::time::Instant::now() + std::time::Duration::from_millis(600);\nwhile std::time::Instant::now() < until { std::hint::spin_loop() }",
    # What was awaited before is over, whether or not anybody notes what comes then.
    f"let (tx, cup) = oneshot::channel();\ntx.send(1).ok();\ncup.await?;\nlet (_tx, mut rx) = mpsc::channel::<u32>(1);\n"
    f"tokio::select! {{ _ = {SLEEP} => {{}}, _ = rx.recv() => {{}} }}",
    f"macro_rules! pause {{ () => {{ {SLEEP}.await }} }}\nlet (tx, cup) = oneshot::channel();\ntx.send(1).ok();\ncup.await?;\npause!();",
    "async {\n    let (tx, cup) = oneshot::channel();\n    tx.send(1).ok();\n    cup.await.ok();\n"
    f"    let slept = std::pin::pin!({SLEEP});\n    let never = std::future::pending::<()>();\n"
    "    tokio::select! { _ = slept => {}, _ = never => {} };\n}.await;",
    # Of several futures the last one that was polled says nothing of the others.
    f"async fn pour(till: Arc<Mutex<u32>>) {{ let till = till.lock().await; {SLEEP}.await }}\nlet till = Arc::new(Mutex::new(0));\n"
    "futures::stream::iter(0..2).for_each_concurrent(None, |_| pour(till.clone())).await;",
    "let mut all = futures::stream::FuturesUnordered::new();\nfor _ in 0..2 { all.push(pour(till.clone())); }\n"
    "while let Some(()) = all.next().await {}",
    f"let (_tx, mut rx) = mpsc::channel::<u32>(1);\nlet either = futures::future::select(Box::pin({SLEEP}), Box::pin(guest(&mut rx))).await;\ndrop(either);",
    "struct Either(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>, std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);\n"
    "impl Future for Either {\n    type Output = ();\n"
    "    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {\n"
    "        if self.0.as_mut().poll(context).is_ready() { return std::task::Poll::Ready(()) }\n        self.1.as_mut().poll(context)\n    }\n}\n"
    f"let bell = Arc::new(Notify::new());\nlet ours = bell.clone();\n"
    f"Either(Box::pin(async {{ {SLEEP}.await }}), Box::pin(async move {{ ours.notified().await }})).await;",
    # A limit that is near is what is waited for.
    "tokio::time::timeout(std::time::Duration::from_millis(600), bell.notified()).await.is_err()",
    "let until = tokio::time::Instant::now() + std::time::Duration::from_millis(600);\ntokio::time::timeout_at(until, bell.notified()).await.is_err()",
    "tokio::select! { _ = bell.notified() => false, late = tokio::time::timeout(std::time::Duration::from_millis(600), bell.notified()) => late.is_err() }",
    "let slow = tokio::process::Command::new(\"sleep\").arg(\"0.6\").status().await?;",
]


def test_who_waits_for_a_clock_or_a_socket_is_left_alone(kernel):
    assert len(QUIET) > 30
    for code in QUIET:
        cell = kernel.ok(code)
        assert lines(cell) == [], code


def test_who_waits_for_input_is_left_alone(kernel):
    beside = Subshell(kernel)
    cell = kernel.start('let name = kissaten::input("name: ").await?;', allow_stdin=True)
    cell.asks()
    other = beside.run(f"{SLEEP}.await;")
    cell.answer("tea")
    assert lines(cell.finish()) == lines(other) == []


def rows(beside):
    """`:tasks`, from beside the cell that hangs."""
    [shown] = [message["content"]["data"]["text/plain"] for message in beside.ok(":tasks").iopub if message["msg_type"] == "display_data"]
    return shown.split("\n")


def test_the_line_can_be_switched_off(kernel):
    beside = Subshell(kernel)
    kernel.ok(":hints off waiting")
    cell = kernel.start('let (tx, rx) = oneshot::channel::<u32>();\nprintln!("on");\nrx.await?;\ndrop(tx);')
    cell.until(lambda cell: "on" in cell.stdout)
    beside.ok(f"{SLEEP}.await;")
    kernel.interrupt()
    assert [line for line in lines(cell.finish()) if line] == []
    kernel.ok(":hints on waiting")


def test_the_line_goes_when_the_wait_ends(kernel):
    beside = Subshell(kernel)
    kernel.ok("let bell = Arc::new(Notify::new());\nlet ours = bell.clone();")
    cell = kernel.start("ours.notified().await; 7")
    cell.until(lambda cell: lines(cell))
    beside.ok("bell.notify_one();")
    assert lines(cell.finish())[-1] == "" and cell.result == "7"


def test_tasks_tell_where_they_wait(kernel):
    beside = Subshell(kernel)
    cell = kernel.start(
        "let (tx, rx) = oneshot::channel::<u32>();\n"
        "async fn guest(rx: oneshot::Receiver<u32>) -> u32 { rx.await.unwrap_or(0) }\n"
        "let guest = tokio::spawn(guest(rx));\n"
        'println!("on");\nlet cups = guest.await?;\ntx.send(cups).ok();'
    )
    cell.until(lambda cell: "on" in cell.stdout)
    # Both have come to their waits when they are told.
    while len(of_wait := [row for row in rows(beside) if ", since" in row]) < 2:
        pass
    shown = beside.ok(
        "kissaten::tasks().iter().map(|task| { let wait = task.wait.clone().unwrap(); "
        '(wait.text, wait.place.ends_with("line 2")) }).collect::<Vec<_>>()'
    )
    assert shown.result == '[("rx.await", true)]'
    kernel.interrupt()
    cell.finish()
    own, task = of_wait
    assert re.search(r"cell \d+, line 5: guest\.await, since .*; for task \d+ \(guest, cell \d+\), which waits at cell \d+, line 2: rx\.await", own)
    assert re.search(r"guest .* waiting .* cell \d+, line 2: rx\.await, since", task)
