"""Values that a cell makes go: what their `Drop` does to the cell, to other shells, and to the kernel's end."""

# A value whose `Drop` goes on until somebody writes to it, or for ever, with checkpoints or without.
SLOW = (
    "use std::sync::{Arc, atomic::{AtomicBool, Ordering}};\n"
    "let go = Arc::new(AtomicBool::new(false));\n"
    "struct Slow(Arc<AtomicBool>);\n"
    "impl Drop for Slow { fn drop(&mut self) {\n"
    '    println!("closing");\n'
    "    while !self.0.load(Ordering::Relaxed) { std::hint::spin_loop() }\n"
    '    println!("closed");\n'
    "} }\n"
    "let slow = Slow(go.clone());"
)
DEAF = (
    "struct Deaf;\n"
    'impl Drop for Deaf { fn drop(&mut self) { println!("closing"); '
    "std::thread::sleep(std::time::Duration::from_secs(3600)) } }\n"
    "let deaf = Deaf;"
)


def test_a_drop_that_takes_long_says_so_and_can_be_interrupted(kernel):
    kernel.ok(SLOW)
    cell = kernel.start("let slow = 1;\nslow")
    cell.until(lambda cell: "takes long" in cell.shown)
    assert "the older `slow` takes long to be dropped" in cell.shown
    assert not cell.ended
    kernel.interrupt()
    cell.finish()
    # The cell itself had done its work.
    assert cell.reply["status"] == "ok"
    assert cell.result == "1"
    assert "the older `slow` was interrupted while it was dropped" in cell.shown
    assert "closed" not in cell.stdout
    assert kernel.run("slow + 1").result == "2"


def test_an_interrupt_is_for_all_that_a_cell_drops(kernel):
    kernel.ok(SLOW)
    kernel.ok("let other = Slow(go.clone());")
    cell = kernel.start("let (slow, other) = (1, 2);")
    cell.until(lambda cell: "closing" in cell.stdout)
    kernel.interrupt()
    cell.finish()
    assert cell.reply["status"] == "ok"
    for name in ("slow", "other"):
        assert f"the older `{name}` was interrupted while it was dropped" in cell.shown
    # The next cell is another one.
    kernel.ok("let again = Slow(go.clone());")
    kernel.ok("go.store(true, Ordering::Relaxed);")
    assert kernel.ok("let again = 1;").stdout == "closing\nclosed\n"


def test_a_drop_without_checkpoints_takes_two_interrupts(kernel):
    kernel.ok(DEAF)
    cell = kernel.start("let deaf = 1;")
    cell.until(lambda cell: "closing" in cell.stdout)
    kernel.interrupt()
    cell.until(lambda cell: "Interrupt again" in cell.shown)
    kernel.interrupt()
    cell.finish()
    assert cell.error["ename"] == "Interrupted"
    assert kernel.fails("deaf").error["evalue"].startswith("E0425")
    assert kernel.run("1").result == "1"


def test_clear_can_be_interrupted(kernel):
    kernel.ok(SLOW)
    cell = kernel.start(":clear")
    cell.until(lambda cell: "closing" in cell.stdout)
    kernel.interrupt()
    cell.finish()
    assert cell.reply["status"] == "ok"
    assert kernel.fails("slow").error["evalue"].startswith("E0425")


def test_clear_with_a_drop_that_never_ends_takes_two_interrupts(kernel):
    kernel.ok(DEAF)
    cell = kernel.start(":clear")
    cell.until(lambda cell: "closing" in cell.stdout)
    kernel.interrupt()
    cell.until(lambda cell: "Interrupt again" in cell.shown)
    kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("1").result == "1"


def test_a_drop_that_ends_the_process_is_told(kernel):
    kernel.ok(
        "struct Fatal;\nimpl Drop for Fatal { fn drop(&mut self) { std::process::abort() } }\n"
        "let fatal = Fatal;\nlet kept = 1;"
    )
    cell = kernel.fails("let fatal = 1;")
    assert "`kept`" in cell.shown
    assert kernel.run("1").result == "1"


def test_a_drop_never_keeps_the_kernel_from_its_end(kernel):
    kernel.ok(DEAF)
    kernel.ok("struct Fragile;\nimpl Drop for Fragile { fn drop(&mut self) { panic!() } }\nlet fragile = Fragile;")
    assert kernel.request("shutdown_request", {"restart": False}, channel="control").reply["status"] == "ok"
    assert kernel.wait_for_end() == 0
