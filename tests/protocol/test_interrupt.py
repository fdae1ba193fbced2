"""Interrupting a cell: what it ends, and what it leaves alone."""

import psutil
import pytest

from kernel import HANG, Kernel

both_ways = pytest.mark.parametrize("interrupt", [Kernel.interrupt, Kernel.interrupt_by_signal])

FOREVER = 'println!("waiting"); tokio::time::sleep(std::time::Duration::from_secs(3600)).await;'


@both_ways
def test_an_awaiting_cell_ends_and_loses_nothing(kernel, interrupt):
    kernel.ok(
        "use std::sync::{Arc, atomic::{AtomicU64, Ordering}};\n"
        "let ticks = Arc::new(AtomicU64::new(0));\n"
        "let clock = ticks.clone();\n"
        "let task = tokio::spawn(async move { loop {\n"
        "    clock.fetch_add(1, Ordering::SeqCst);\n"
        "    tokio::time::sleep(std::time::Duration::from_millis(1)).await;\n"
        "} });\n"
        "let mut kept = vec![1];"
    )
    cell = kernel.start(f"kept.push(2); {FOREVER} kept.push(3);")
    cell.until(lambda cell: "waiting" in cell.stdout)
    interrupt(kernel)
    cell.finish().matches(
        "iopub status busy",
        "iopub execute_input [2]",
        "iopub stream stdout 'waiting\\n'",
        "iopub error Interrupted: {{.*}}",
        "...",
        "iopub status idle",
        "shell execute_reply error [2]",
    )
    assert kernel.run("kept").result == "[1, 2]"
    # The task of the other cell goes on.
    kernel.ok(
        "let before = ticks.load(Ordering::SeqCst);\n"
        "while ticks.load(Ordering::SeqCst) < before + 3 { tokio::task::yield_now().await; }\n"
        "task.abort();"
    )


# What is printed last shows that the other branch was polled.
READY = 'async { tokio::task::yield_now().await; println!("ready"); std::future::pending::<()>().await }'


@both_ways
def test_a_cell_that_awaits_ctrl_c_hears_the_stop_button(kernel, interrupt):
    cell = kernel.start(
        "use tokio::signal;\nlet mut heard = 0;\n"
        f'for _ in 0..2 {{ tokio::select! {{ done = signal::ctrl_c() => {{ done?; heard += 1; }} () = {READY} => {{}} }} }}\n'
        'println!("cleaned up");\nheard'
    )
    for count in (1, 2):
        cell.until(lambda cell, count=count: cell.stdout.count("ready") == count)
        interrupt(kernel)
    assert cell.finish().result == "2"
    assert cell.stdout.endswith("cleaned up\n") and kernel.run("heard").result == "2"


def test_a_task_of_the_cell_hears_it_and_the_next_interrupt_ends_the_cell(kernel):
    other = kernel.ok(
        "async fn stop() { tokio::signal::ctrl_c().await.unwrap() }\n"
        'let other = tokio::spawn(async { stop().await; println!("not heard"); });'
    )
    cell = kernel.start(
        f'let server = tokio::spawn(async {{ tokio::select! {{ () = stop() => "stopped", () = {READY} => "" }} }});\n'
        f"println!(\"{{}}\", server.await?);\n{FOREVER}"
    )
    cell.until(lambda cell: "ready" in cell.stdout)
    kernel.interrupt()
    cell.until(lambda cell: "stopped\nwaiting" in cell.stdout)
    kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    # The task of the other cell is not the one that was stopped.
    assert kernel.run("other.is_finished()").result == "false" and not other.stdout
    kernel.ok("other.abort();")


@both_ways
def test_a_cell_that_blocks_takes_two(kernel, interrupt):
    kernel.ok("let lost = 1;")
    cell = kernel.start('println!("blocking"); std::thread::sleep(std::time::Duration::from_secs(3600));')
    cell.until(lambda cell: "blocking" in cell.stdout)
    interrupt(kernel)
    # It says that it still runs, and what a second interrupt would do.
    cell.until(lambda cell: "interrupt" in cell.shown.lower())
    interrupt(kernel)
    cell.finish()
    assert cell.reply["status"] == "error"
    assert cell.error["ename"] == "Interrupted"
    assert "`lost`" in cell.shown
    assert kernel.fails("lost").error["evalue"].startswith("E0425")
    assert kernel.run("tokio::spawn(async { 3 }).await.unwrap()").result == "3"


def test_a_loop_without_an_await_ends_too(kernel):
    cell = kernel.start('println!("looping"); loop { std::hint::spin_loop(); }')
    cell.until(lambda cell: "looping" in cell.stdout)
    kernel.interrupt()
    cell.until(lambda cell: cell.ended or "interrupt" in cell.shown.lower().split("looping")[-1])
    if not cell.ended:
        kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("1").result == "1"


def test_a_cell_that_compiles_ends(kernel):
    kernel.ok("let kept = 1;")
    cell = kernel.start("#[allow(long_running_const_eval)]\nconst NEVER: u64 = loop {};\nNEVER")
    cell.until(lambda cell: any(m["msg_type"] == "execute_input" for m in cell.iopub))
    kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("kept").result == "1"


def test_with_nothing_running_it_does_nothing(kernel):
    kernel.ok("let kept = 1;")
    kernel.interrupt()
    assert kernel.run("kept + 1").result == "2"
    # A signal has a way of its own, on which the next request may overtake it.
    kernel.interrupt_by_signal()
    kernel.run("1")
    assert kernel.run("kept + 1").result == "2"


def test_cells_that_wait_behind_are_not_run(kernel):
    running = kernel.start(FOREVER)
    waiting = kernel.start("let never = 1;")
    running.until(lambda cell: "waiting" in cell.stdout)
    kernel.interrupt()
    assert running.finish().error["ename"] == "Interrupted"
    assert waiting.finish().reply["status"] in ("error", "aborted")
    assert kernel.fails("never").error["evalue"].startswith("E0425")


def test_many_interrupts_in_a_row(kernel):
    kernel.ok("let kept = 1;")
    for _ in range(5):
        cell = kernel.start(FOREVER)
        cell.until(lambda cell: "waiting" in cell.stdout)
        kernel.interrupt()
        assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("kept").result == "1"


@pytest.mark.parametrize(
    "cell",
    [
        "handle.await?;",
        "let value = handle.await?;\nvalue",
        "let other = async { 1 };\ntokio::join!(handle, other);",
        "if true { handle.await?; }",
    ],
)
def test_what_a_cell_waits_for_is_there_afterwards(kernel, cell):
    kernel.ok(
        "let (tx, rx) = tokio::sync::oneshot::channel::<u8>();\n"
        "let handle = tokio::spawn(async { rx.await.unwrap() });"
    )
    waiting = kernel.start(f'println!("waiting");\n{cell}')
    waiting.until(lambda cell: "waiting" in cell.stdout)
    kernel.interrupt()
    assert waiting.finish().error["ename"] == "Interrupted"
    kernel.ok("tx.send(7).unwrap();")
    assert kernel.run("handle.await?").result == "7"
    # Now it is used up.
    assert kernel.fails("handle.await?").error["evalue"].startswith("E0382")


@pytest.mark.parametrize("wait", ["std::future::pending::<()>().await;", "loop { std::hint::spin_loop(); }"])
def test_what_a_cell_has_made_is_there_afterwards(kernel, wait):
    cell = kernel.start(
        f'let first = vec![1];\nlet second: i32 = "2".parse()?;\nprintln!("waiting");\n{wait}\nlet third = 3;'
    )
    cell.until(lambda cell: "waiting" in cell.stdout)
    kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("(first, second)").result == "([1], 2)"
    assert kernel.fails("third").error["evalue"].startswith("E0425")


@both_ways
def test_a_program_of_the_shell_ends_with_all_that_it_has_started(kernel, interrupt):
    """What it printed is there, what it started ends, too, and how it ended is told."""
    kernel.ok("let kept = 7;")
    cell = kernel.start("!echo begun; sleep 3600 & echo $!; wait")
    cell.until(lambda cell: cell.stdout.count("\n") == 2)
    child = psutil.Process(int(cell.stdout.split()[1]))
    interrupt(kernel)
    cell.finish()
    assert cell.reply["status"] == "error" and cell.reply["ename"] == "Interrupted", cell.reply
    assert cell.stdout.startswith("begun\n")
    psutil.wait_procs([child], HANG)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert kernel.ok("!echo again; exit 0").stdout == "again\n"
    assert kernel.ok("kept").result == "7"
