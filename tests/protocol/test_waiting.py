"""Cells that hang: what they wait for is told under them, in `:tasks`, and when they are interrupted."""

import re

import pytest

from kernel import running

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


def interrupt(kernel):
    assert kernel.request("interrupt_request", {}, channel="control").finish().reply == {"status": "ok"}


def same(words, text):
    """Whether a text is the words, in which `_` stands for a number or a time."""
    return re.fullmatch(re.escape(words).replace("_", r"(?:\d+ min )?\d+(?:\.\d+)?(?: m?s)?"), text)


HANGS = {
    "a sender is kept alive in the cell": (
        "let (tx, mut rx) = mpsc::channel::<u32>(4);\n"
        "let mut all = Vec::new();\n"
        "for cup in 0..3 { let tx = tx.clone(); tokio::spawn(async move { tx.send(cup).await }); }\n"
        "while let Some(cup) = rx.recv().await { all.push(cup) }",
        "",
        "",
    ),
    "a mutex is locked twice by one task": (
        "let till = Mutex::new(1);\nlet first = till.lock().await;\nlet second = till.lock().await;",
        "",
        "",
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
        "",
        "",
    ),
    "a semaphore has no permits": (
        "let stoves = Arc::new(Semaphore::new(1));\n"
        "let mine = stoves.acquire().await?;\n"
        "let other = stoves.clone().acquire_owned().await?;",
        "",
        "",
    ),
    "a semaphore never had permits": (
        "let stoves = Semaphore::new(0);\nlet _mine = stoves.acquire().await?;",
        "",
        "",
    ),
    "a task is awaited that waits for the cell": (
        "let (tx, rx) = oneshot::channel::<u32>();\n"
        "async fn guest(rx: oneshot::Receiver<u32>) -> u32 {\n"
        "    rx.await.unwrap_or(0)\n"
        "}\n"
        "let guest = tokio::spawn(guest(rx));\n"
        "let cups = guest.await?;\n"
        "let _ = tx.send(cups);",
        "",
        "",
    ),
    "a future in a Vec is never polled": (
        "let (tx, rx) = oneshot::channel::<u32>();\n"
        "let mut orders = Vec::new();\n"
        "orders.push(async move { tx.send(7) });\n"
        "let order = rx.await?;\n"
        "orders.len();",
        "",
        "",
    ),
    "a watch is awaited that nobody changes": (
        "let (tx, mut rx) = watch::channel(1);\nrx.changed().await?;\ndrop(tx);",
        "",
        "",
    ),
    "a worker blocks in a channel of std": (
        "let (tx, rx) = std::sync::mpsc::channel::<u32>();\n"
        "async fn listen(rx: std::sync::mpsc::Receiver<u32>) -> u32 { rx.recv().unwrap_or(0) }\n"
        "let listener = tokio::spawn(listen(rx));\n"
        "let heard = listener.await?;\n"
        "tx.send(heard)?;",
        "",
        "",
    ),
    "a Notify was notified before anyone waited": (
        "let bell = Arc::new(Notify::new());\nbell.notify_waiters();\nbell.notified().await;",
        "",
        "",
    ),
    "a full channel is drained by nobody": (
        "let (tx, rx) = mpsc::channel(2);\nfor cup in 0..3 { tx.send(cup).await?; }\ndrop(rx);",
        "",
        "",
    ),
}


@pytest.mark.parametrize("name", HANGS)
def test_a_hang_says_what_it_waits_for(kernel, name):
    code, line, interrupted = HANGS[name]
    cell = kernel.start(code)
    cell.until(lambda cell: lines(cell))
    print(name, "\n  ", lines(cell)[0])
    interrupt(kernel)
    cell.finish()
    print("  ", cell.error and cell.error["evalue"])
    if "std" in name:
        kernel.ok("drop(tx);")
