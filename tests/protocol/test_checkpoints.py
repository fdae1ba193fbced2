"""Interrupting code that does not await: it ends by itself, and nothing that it used is lost."""

import pytest

TRUE = "std::hint::black_box(true)"

# What never ends, and the items that it needs.
ENDLESS = {
    "loop": ("", "loop {}"),
    "while": ("", f"while {TRUE} {{}}"),
    "while-let": ("", "while let Some(_) = std::hint::black_box(Some(1)) {}"),
    "for": ("", "for n in std::iter::repeat(1) { if n == 2 { break } }"),
    "labelled": ("", "'outer: loop { loop { continue 'outer } }"),
    "counting": ("", "let (mut i, n, mut s) = (0u64, std::hint::black_box(u64::MAX), 0u64);\nwhile i < n { s = s.wrapping_mul(31) ^ i; i += 1 }\ns"),
    "range": ("", "let mut s = 1.0;\nfor i in 0..u64::MAX { s = s * 0.5 + i as f64 }\ns"),
    "function": (f"fn spin() {{ while {TRUE} {{}} }}", "spin()"),
    "recursion": ("fn fib(n: u64) -> u64 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }", "fib(70)"),
    "iterator": ("", "(0..u64::MAX).map(|n| n ^ 1).filter(|n| *n == u64::MAX - 7).count()"),
    "method": (f"struct Mill;\nimpl Mill {{ fn turn(&self) {{ while {TRUE} {{}} }} }}", "Mill.turn()"),
    "default-method": (f"trait Turn {{ fn turn(&self) {{ while {TRUE} {{}} }} }}\nimpl Turn for u8 {{}}", "1u8.turn()"),
    "generic": (f"fn idle<T: Default>() -> T {{ while {TRUE} {{}} T::default() }}", "idle::<u8>()"),
    "module": (f"mod deep {{ pub fn spin() {{ while {TRUE} {{}} }} }}", "deep::spin()"),
    "inner-function": ("", f"fn inner() {{ while {TRUE} {{}} }}\ninner()"),
    "closures": ("", f"let outer = || {{ let inner = || {{ while {TRUE} {{}} }}; inner() }};\nouter()"),
    "macro": ("macro_rules! spin { ($wanted:expr) => { while $wanted {} } }", f"spin!({TRUE})"),
    "block-in-a-macro": ("", f'println!("{{}}", {{ while {TRUE} {{}} true }})'),
    "async-fn": (f"async fn busy() {{ while {TRUE} {{}} }}", "busy().await"),
    "join": ("", f"tokio::join!(async {{ while {TRUE} {{}} }}, async {{ 1 }})"),
    "scope": ("", f"std::thread::scope(|scope| {{ scope.spawn(|| while {TRUE} {{}}); }})"),
    "thread": ("", f"std::thread::spawn(|| while {TRUE} {{}}).join().unwrap()"),
    "spawn-blocking": ("", f"tokio::task::spawn_blocking(|| while {TRUE} {{}}).await?"),
    "destructor": (f"struct Slow;\nimpl Drop for Slow {{ fn drop(&mut self) {{ while {TRUE} {{}} }} }}", "drop(Slow)"),
    "caught": ("", f"std::panic::catch_unwind(|| while {TRUE} {{}}).is_err()"),
    "caught-again-and-again": ("", f"loop {{ let _ = std::panic::catch_unwind(|| while {TRUE} {{}}); }}"),
}

# What ends by a panic without optimisation: there is no number for which it ends, and behind the last one it begins again.
OVERFLOWING = ("", "let (mut i, n, mut s) = (0u8, std::hint::black_box(u8::MAX), 0u64);\nwhile i <= n { s = s.wrapping_mul(31) ^ s >> 7; i += 1 }\ns")


def begins(kernel, code, head=""):
    """Starts a cell, and waits until it runs."""
    cell = kernel.start(f'{head}println!("begun");\n{code}')
    return cell.until(lambda cell: "begun" in cell.stdout)


def ends_at_once(kernel, cell):
    """One interrupt is enough: the cell does not ask for a second one."""
    kernel.interrupt()
    cell.until(lambda cell: cell.ended or "interrupt" in cell.shown.lower())
    if not cell.ended and not cell.error:
        kernel.interrupt()
        cell.finish()
        raise AssertionError("\n".join(cell.transcript))
    error = cell.finish().error
    assert error and error["ename"] == "Interrupted", "\n".join(cell.transcript)


@pytest.mark.parametrize("kind", ENDLESS)
def test_code_without_an_await_ends(shared_kernel, kind):
    items, code = ENDLESS[kind]
    shared_kernel.ok("let mut kept = vec![1];")
    cell = begins(shared_kernel, f"kept.push(2);\n{code}", head=f"{items}\n")
    ends_at_once(shared_kernel, cell)
    assert cell.stdout == "begun\n" and not cell.stderr
    assert shared_kernel.run("kept").result == "[1, 2]"


@pytest.mark.parametrize("kind", ["loop", "while", "counting", "overflowing", "range", "recursion", "iterator", "closures", "macro", "join", "scope"])
def test_optimised_a_little_it_ends_as_well(shared_kernel, kind):
    items, code = OVERFLOWING if kind == "overflowing" else ENDLESS[kind]
    ends_at_once(shared_kernel, begins(shared_kernel, code, head=f"%%opt 1\n{items}\n"))


def test_items_of_earlier_cells_end_too(shared_kernel):
    for code in [f"pub fn turns() {{ while {TRUE} {{}} }}", "pub fn calls() { turns() }"]:
        shared_kernel.ok(code)
    ends_at_once(shared_kernel, begins(shared_kernel, "calls()"))
    # What a later cell's closure does counts for the cell that calls it.
    shared_kernel.ok(f"let closure = || {{ while {TRUE} {{}} }};\nfn call(f: impl Fn()) {{ f() }}")
    ends_at_once(shared_kernel, begins(shared_kernel, f"call(|| while {TRUE} {{}})"))


def test_values_are_dropped_on_the_way(shared_kernel):
    """Those of a block; what the cell itself made is kept."""
    cell = begins(
        shared_kernel,
        f"let kept = Loud(0);\n{{ let _loud = Loud(1);\nlet _louder = Loud(2);\nwhile {TRUE} {{}} }}",
        head='struct Loud(u8);\nimpl Drop for Loud { fn drop(&mut self) { for n in 0..2 { println!("{} {n}", self.0) } } }\n',
    )
    ends_at_once(shared_kernel, cell)
    assert cell.stdout == "begun\n2 0\n2 1\n1 0\n1 1\n"
    assert shared_kernel.run("kept.0").result == "0"


LOCKS = (
    "use std::sync::{Arc, Mutex, RwLock};\n"
    "let mutex = Mutex::new(1);\nlet shared = Arc::new(Mutex::new(2));\n"
    "let table = Arc::new(RwLock::new(3));\nlet broken = Arc::new(Mutex::new(4));\n"
    "let theirs = broken.clone();\n"
    'std::thread::spawn(move || { let _guard = theirs.lock().unwrap(); panic!("for real") }).join().is_err()'
)


def test_locks_are_not_poisoned(shared_kernel):
    kernel = shared_kernel
    assert kernel.ok(LOCKS).result == "true"
    cell = begins(
        kernel,
        "let mut a = mutex.lock().unwrap();\nlet mut b = shared.lock().unwrap();\nlet mut c = table.write().unwrap();\n"
        "let mut d = broken.lock().unwrap_or_else(|poisoned| poisoned.into_inner());\n"
        f"(*a, *b, *c, *d) = (10, 20, 30, 40);\nwhile {TRUE} {{}}",
    )
    ends_at_once(kernel, cell)
    # What a real panic poisoned before stays so.
    states = "(mutex.is_poisoned(), shared.is_poisoned(), table.is_poisoned(), broken.is_poisoned())"
    assert kernel.run(states).result == "(false, false, false, true)"
    values = "(*mutex.lock().unwrap(), *shared.lock().unwrap(), *table.read().unwrap())"
    assert kernel.run(values).result == "(10, 20, 30)"
    # And a real panic poisons as ever.
    kernel.fails('let _guard = shared.lock().unwrap();\npanic!("again")')
    assert kernel.run("shared.is_poisoned()").result == "true"


TICK = "loop { clock.fetch_add(1, Ordering::SeqCst); tokio::time::sleep(std::time::Duration::from_millis(1)).await; }"
TICKS = (
    "let before = ticks.load(Ordering::SeqCst);\n"
    "while ticks.load(Ordering::SeqCst) < before + 3 { tokio::task::yield_now().await; }"
)
CLOCK = (
    "use std::sync::{Arc, atomic::{AtomicU64, Ordering}};\nlet ticks = Arc::new(AtomicU64::new(0));\nlet clock = ticks.clone();\n"
)


def test_tasks_of_other_cells_go_on(shared_kernel):
    shared_kernel.ok(f"{CLOCK}let task = tokio::spawn(async move {{ {TICK} }});")
    ends_at_once(shared_kernel, begins(shared_kernel, f"while {TRUE} {{}}"))
    shared_kernel.ok(f"{TICKS}\ntask.abort();")


def test_tasks_of_the_same_cell_go_on(shared_kernel):
    shared_kernel.ok(CLOCK)
    ends_at_once(shared_kernel, begins(shared_kernel, f"tokio::spawn(async move {{ {TICK} }});\nwhile {TRUE} {{}}"))
    shared_kernel.ok(f"{TICKS}")
    shared_kernel.ok(":tasks abort all")


def test_a_spinning_task_of_another_cell_is_left_alone(shared_kernel):
    """The checkpoints that it passes while somebody else is interrupted are not meant for it."""
    shared_kernel.ok(
        f"{CLOCK}let task = tokio::spawn(async move {{ while {TRUE} {{ clock.fetch_add(1, Ordering::SeqCst); }} }});"
    )
    ends_at_once(shared_kernel, begins(shared_kernel, f"while {TRUE} {{}}"))
    shared_kernel.ok(TICKS)
    shared_kernel.ok(":tasks abort all")
    assert shared_kernel.run("task.await.is_err()").result == "true"


# What tells when it is dropped.
TELLS = """
let (told, mut gone) = tokio::sync::mpsc::unbounded_channel::<()>();
struct Tells(tokio::sync::mpsc::UnboundedSender<()>);
impl Drop for Tells { fn drop(&mut self) { let _ = self.0.send(()); } }
let tells = Tells(told);
"""
ON_A_THREAD = f"tokio::task::spawn_blocking(move || {{ let _tells = tells; while {TRUE} {{}} }}).await?;"


def assert_gone(kernel):
    """Somebody has ended it. The time is a guard against a hang."""
    guard = "tokio::time::timeout(std::time::Duration::from_secs(60), gone.recv()).await"
    assert kernel.run(guard).result == "Ok(Some(()))"


def test_a_thread_of_the_interrupted_cell_ends(shared_kernel):
    """A closure on a thread works for the cell that waits for it: it does not go on computing for nobody."""
    shared_kernel.ok(TELLS)
    ends_at_once(shared_kernel, begins(shared_kernel, ON_A_THREAD))
    assert_gone(shared_kernel)


def test_a_thread_that_the_interrupted_cell_begins_afterwards_ends(shared_kernel, tmp_path):
    """What does not await and has no checkpoint goes on after an interrupt for a while, and may give a closure away."""
    shared_kernel.ok(TELLS)
    shared_kernel.ok(
        "let (open, gate) = std::sync::mpsc::channel::<()>();\n"
        f'tokio::spawn(async move {{ while !std::path::Path::new("{tmp_path}/open").exists() {{ tokio::time::sleep(std::time::Duration::from_millis(5)).await }} open.send(()) }});'
    )
    cell = begins(shared_kernel, f"gate.recv()?;\n{ON_A_THREAD}")
    shared_kernel.interrupt()
    (tmp_path / "open").touch()
    assert cell.finish().error["ename"] == "Interrupted"
    assert_gone(shared_kernel)


def test_the_kernel_answers_while_a_cell_spins(shared_kernel):
    cell = begins(shared_kernel, "loop {}")
    for _ in range(3):
        request = shared_kernel.request("kernel_info_request", {}, channel="control")
        assert request.reply["status"] == "ok"
    assert not cell.ended
    ends_at_once(shared_kernel, cell)


def test_after_an_interrupt_code_runs_to_its_end(shared_kernel):
    """No checkpoint is left in wait for the next cell."""
    ends_at_once(shared_kernel, begins(shared_kernel, "loop {}"))
    cell = shared_kernel.run("let mut n = 0;\nwhile n < 100_000 { n += 1; }\nn")
    assert cell.result == "100000"


def test_optimised_code_has_no_checkpoints_and_says_so(kernel):
    kernel.ok("let lost = 1;")
    cell = begins(kernel, "loop { std::hint::spin_loop() }", head="%%opt 2\n")
    assert "no checkpoints" in cell.shown
    kernel.interrupt()
    cell.until(lambda cell: "interrupt" in cell.shown.lower().split("begun")[-1])
    kernel.interrupt()
    assert cell.finish().error["ename"] == "Interrupted"
    assert "`lost`" in cell.shown
    assert kernel.run("1 + 1").result == "2"
