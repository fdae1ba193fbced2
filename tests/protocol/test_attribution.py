"""Whose output is whose: what a task prints or displays is shown under the cell that started it, whatever runs by then."""

import time

import pytest

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


# As a logger does: not by the macros of cells, and in small pieces.
LOGS = """
mod log {
    use std::io::Write;
    unsafe extern "C" { fn write(descriptor: i32, text: *const u8, length: usize) -> isize; }
    pub fn out(text: &str) { std::io::stdout().write_all(text.as_bytes()).unwrap() }
    pub fn err(text: &str) { std::io::stderr().write_all(text.as_bytes()).unwrap() }
    pub fn raw(text: &str) { unsafe { write(1, text.as_ptr(), text.len()); write(2, text.as_ptr(), text.len()); } }
    pub fn parts(text: &str) {
        std::io::stderr().write_vectored(&[std::io::IoSlice::new(text.as_bytes()), std::io::IoSlice::new(b"parts")]).unwrap();
    }
}"""


def test_what_others_print_in_a_task_is_the_tasks(kernel, tmp_path):
    kernel.ok(LOGS)
    logs = 'log::out("out\\n"); log::err("err\\n"); log::raw("raw\\n"); log::parts("in ");'
    first = kernel.ok(f"let task = {waiting(tmp_path / 'go', logs)};")
    second = kernel.start(f'log::out("before\\n"); task.await?; {logs} log::err("\\n")')
    (tmp_path / "go").touch()
    second.finish()
    receive_until(kernel, lambda: first.stderr.endswith("parts"))
    assert (first.stdout, first.stderr) == ("out\nraw\n", "err\nraw\nin parts")
    assert (second.stdout, second.stderr) == ("before\nout\nraw\n", "err\nraw\nin parts\n")


def test_large_and_many_writes_of_a_dependency_are_whole(kernel, tmp_path):
    kernel.ok(LOGS)
    text = 'let text = format!("{}\\n", "LETTER".repeat(100_000));'
    each = "for _ in 0..20 { log::LOG(&text); tokio::task::yield_now().await }"
    out, err = each.replace("LOG", "out"), each.replace("LOG", "err")
    first = kernel.ok(f"let task = {waiting(tmp_path / 'go', text.replace('LETTER', 'x') + out + err)};")
    (tmp_path / "go").touch()
    second = kernel.ok(f"{text.replace('LETTER', 'y')} {out} task.await?;")
    receive_until(kernel, lambda: first.stderr.count("\n") == 20)
    assert first.stdout == first.stderr == ("x" * 100_000 + "\n") * 20
    assert second.stdout == ("y" * 100_000 + "\n") * 20


def test_what_is_written_elsewhere_has_no_words_in_it(kernel, tmp_path):
    """User code may put a file of its own in the place of stdout."""
    swaps = f"""
        use std::os::fd::AsRawFd;
        unsafe extern "C" {{ fn dup(of: i32) -> i32; fn dup2(of: i32, to: i32) -> i32; }}
        let file = std::fs::File::create("{tmp_path}/file").unwrap();
        let kept = unsafe {{ dup(1) }};
        unsafe {{ dup2(file.as_raw_fd(), 1) }};
        log::out("kept apart\\n");
        unsafe {{ dup2(kept, 1) }};
        log::out("back\\n");
    """
    kernel.ok(LOGS)
    first = kernel.ok(f"let task = {waiting(tmp_path / 'go', swaps)};")
    (tmp_path / "go").touch()
    kernel.ok("task.await?;")
    receive_until(kernel, lambda: first.stdout)
    assert first.stdout == "back\n" and (tmp_path / "file").read_text() == "kept apart\n"


def test_a_child_and_a_fork_write_as_they_are(kernel):
    cell = kernel.ok(
        'unsafe extern "C" { fn fork() -> i32; fn waitpid(id: i32, status: *mut i32, options: i32) -> i32;'
        " fn write(to: i32, text: *const u8, length: usize) -> isize; fn _exit(code: i32) -> !; }\n"
        "let id = unsafe { fork() };\n"
        'if id == 0 { unsafe { write(1, b"child\\n".as_ptr(), 6); _exit(0) } }\n'
        "unsafe { waitpid(id, std::ptr::null_mut(), 0) };\n"
        'std::process::Command::new("echo").arg("program").status()?;'
    )
    assert cell.stdout == "child\nprogram\n"


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


# Whose what is that was not printed by the cell itself. A cell spawns what prints under it; another one lets it go.

OUT = 'println!("out"); eprintln!("err"); kissaten::display(&kissaten::Plain("shown"));'
ITEMS = (
    "struct Bell;\n"
    f"impl Bell {{ fn ring(&self) {{ {OUT} }}\nasync fn ring_later(&self) {{ tokio::task::yield_now().await; self.ring() }} }}\n"
    f"fn call() {{ {OUT} }}\nasync fn call_later() {{ tokio::task::yield_now().await; call() }}\n"
    f"macro_rules! call {{ () => {{{{ {OUT} }}}} }}\n"
    f"struct Loud;\nimpl Drop for Loud {{ fn drop(&mut self) {{ {OUT} }} }}\n"
    f"trait Sound {{ fn sound(&self) {{ {OUT} }} }}\nimpl Sound for Bell {{}}\n"
    "fn spawn_it() -> tokio::task::JoinHandle<()> { tokio::spawn(call_later()) }\n"
)
HANDLE = "done.await?;"
JOIN = "done.join().unwrap();"
SET = "while let Some(ended) = done.join_next().await { ended?; }"

# What the first cell spawns, where GATE waits for the second one in async code and WALL on a thread, and how to await it.
SPAWNS = {
    "task": ("let done = tokio::spawn(async { GATE OUT });", HANDLE),
    "task-of-a-task": (
        "let done = tokio::spawn(async { GATE tokio::spawn(async { tokio::spawn(async { OUT }).await }).await });",
        "done.await???;",
    ),
    "method": ("let done = tokio::spawn(async { GATE Bell.ring() });", HANDLE),
    "async-method": ("let done = tokio::spawn(async { GATE Bell.ring_later().await });", HANDLE),
    "function": ("let done = tokio::spawn(async { GATE call_later().await });", HANDLE),
    "default-method": ("let done = tokio::spawn(async { GATE Bell.sound() });", HANDLE),
    "macro": ("let done = tokio::spawn(async { GATE call!() });", HANDLE),
    "destructor": ("let loud = Loud;\nlet done = tokio::spawn(async move { GATE drop(loud) });", HANDLE),
    "aborted": (
        "let loud = Loud;\nlet done = tokio::spawn(async move { let _loud = loud; std::future::pending::<()>().await });",
        "done.abort();\ndone.await.unwrap_err();",
    ),
    "function-that-spawns": ("let done = tokio::spawn(async { GATE spawn_it().await });", "done.await??;"),
    "handle": ("let done = tokio::runtime::Handle::current().spawn(async { GATE OUT });", HANDLE),
    "join-set": ("let mut done = tokio::task::JoinSet::new();\ndone.spawn(async { GATE OUT });", SET),
    "join-set-blocking": ("let mut done = tokio::task::JoinSet::new();\ndone.spawn_blocking(|| { WALL OUT });", SET),
    "select": (
        "let done = tokio::spawn(async { tokio::select! {\n"
        "    _ = async { GATE OUT } => {}\n    _ = std::future::pending::<()>() => {}\n} });",
        HANDLE,
    ),
    "join": ("let done = tokio::spawn(async { tokio::join!(async { GATE OUT }, async { GATE }); });", HANDLE),
    "stream": (
        "use futures::StreamExt;\nlet done = tokio::spawn(futures::stream::iter([1]).for_each(|_| async { GATE OUT }));",
        HANDLE,
    ),
    "boxed": (
        "let boxed: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async { GATE OUT });\n"
        "let done = tokio::spawn(boxed);",
        HANDLE,
    ),
    "spawn-blocking": ("let done = tokio::task::spawn_blocking(|| { WALL OUT });", HANDLE),
    "spawn-blocking-of-a-task": (
        "let done = tokio::spawn(async { GATE tokio::task::spawn_blocking(|| { OUT }).await });", "done.await??;",
    ),
    "block-in-place": ("let done = tokio::spawn(async { GATE tokio::task::block_in_place(|| { OUT }) });", HANDLE),
    "thread": ("let done = std::thread::spawn(|| { WALL OUT });", JOIN),
    "thread-by-name": ("let done = tokio::spawn(async { GATE std::thread::spawn(call).join().unwrap() });", HANDLE),
    "thread-imported": ("use std::thread;\nlet done = thread::spawn(|| { WALL Bell.ring() });", JOIN),
    "thread-builder": ('let done = std::thread::Builder::new().name("x".into()).spawn(|| { WALL OUT })?;', JOIN),
    "thread-of-a-task": (
        "let done = tokio::spawn(async { GATE std::thread::spawn(|| { OUT }).join().unwrap() });", HANDLE,
    ),
    "thread-of-a-thread": (
        "let done = std::thread::spawn(|| { WALL std::thread::spawn(|| { call() }).join().unwrap() });", JOIN,
    ),
    "scope": (
        "let done = std::thread::spawn(|| { WALL std::thread::scope(|scope| { scope.spawn(|| { call() }); }) });", JOIN,
    ),
    "task-of-a-thread": (
        "let runtime = tokio::runtime::Handle::current();\n"
        "let done = std::thread::spawn(move || { WALL runtime.block_on(runtime.spawn(async { OUT })).unwrap() });",
        JOIN,
    ),
    "own-runtime": (
        "let done = std::thread::spawn(|| {\n"
        "    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();\n"
        "    runtime.block_on(async { GATE tokio::spawn(async { call_later().await }).await.unwrap() })\n});",
        JOIN,
    ),
    "own-runtime-of-threads": (
        "let done = std::thread::spawn(|| {\n"
        "    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();\n"
        "    runtime.block_on(async { GATE tokio::spawn(async { call_later().await }).await.unwrap() })\n});",
        JOIN,
    ),
    "local-set": (
        "let done = tokio::task::LocalSet::new();\ndone.spawn_local(async { GATE call_later().await });", "done.await;",
    ),
}


@pytest.mark.parametrize("kind", SPAWNS)
def test_output_is_the_cells_that_spawned_it(shared_kernel, tmp_path, kind):
    go = tmp_path / "go"
    code, finish = SPAWNS[kind]
    code = code.replace("OUT", OUT).replace("GATE", f'while !std::path::Path::new("{go}").exists() {AWAITING}')
    wall = f'while !std::path::Path::new("{go}").exists() {{ std::thread::sleep(std::time::Duration::from_millis(2)) }}'
    if not any(cell.request["content"].get("code") == ITEMS for cell in shared_kernel.cells()):
        shared_kernel.ok(ITEMS)
    first = shared_kernel.ok(code.replace("WALL", wall))
    second = shared_kernel.ok(f'println!("second");\nstd::fs::write("{go}", "")?;\n{finish}\nprintln!("end");')
    # What was awaited has printed all before: it is seen by now.
    displays = [m["content"]["data"]["text/plain"] for m in first.iopub if m["msg_type"] == "display_data"]
    assert (first.stdout, first.stderr, displays) == ("out\n", "err\n", ["shown"])
    assert (second.stdout, second.stderr) == ("second\nend\n", "")
    assert not any(m["msg_type"] == "display_data" for m in second.iopub), second.transcript


def test_an_actor_answers_under_its_own_cell(shared_kernel):
    kernel = shared_kernel
    actor = kernel.ok(
        "let (orders, mut inbox) = tokio::sync::mpsc::channel::<(u32, tokio::sync::oneshot::Sender<u32>)>(8);\n"
        "let actor = tokio::spawn(async move { while let Some((n, done)) = inbox.recv().await {\n"
        '    println!("order {n}");\n    let _ = done.send(n * 2);\n'
        "} });"
    )
    for n in range(5):
        cell = kernel.ok(
            "let (done, answer) = tokio::sync::oneshot::channel();\n"
            f'orders.send(({n}, done)).await?;\nprintln!("answer {{}}", answer.await?);'
        )
        assert cell.stdout == f"answer {2 * n}\n"
        assert actor.stdout == "".join(f"order {n}\n" for n in range(n + 1))
    # A closure that was made in one cell and is called in another is code of the cell that runs it.
    kernel.ok('let hello: Box<dyn Fn()> = Box::new(|| println!("hello"));\ndrop(orders);\nactor.await?;')
    assert kernel.ok("hello()").stdout == "hello\n"


def test_what_a_child_process_prints_is_the_running_cells(kernel, tmp_path):
    """Only what this process writes says whose it is."""
    by_itself = (
        "use std::io::Write;\n"
        'std::io::stdout().write_all(b"written\\n").unwrap(); std::io::stdout().flush().unwrap();\n'
        'std::process::Command::new("sh").args(["-c", "echo child; echo wrong >&2"]).status().unwrap();'
    )
    assert sorted(kernel.ok(by_itself).stdout.split()) == ["child", "written"]
    first = kernel.ok(f"let task = {waiting(tmp_path / 'go', by_itself)};")
    second = kernel.ok(f'println!("second");\nstd::fs::write("{tmp_path}/go", "")?;\ntask.await?;')
    receive_until(kernel, lambda: first.stdout)
    assert (first.stdout, first.stderr) == ("written\n", "")
    assert (second.stdout, second.stderr) == ("second\nchild\n", "wrong\n")
    # While none runs it is the last one's.
    first = kernel.ok(f"let task = {waiting(tmp_path / 'again', by_itself)};")
    last = kernel.ok("1 + 1;")
    (tmp_path / "again").touch()
    receive_until(kernel, lambda: last.stdout == "child\n" and last.stderr == "wrong\n" and first.stdout == "written\n")


def test_a_cell_that_is_run_again_has_its_new_output_only(kernel, tmp_path):
    says = 'println!("run {number}")'

    def code(number):
        return f"let number = {number};\nlet task = {waiting(tmp_path / 'go', says)};"

    first = kernel.ok(code(1), cell_id="a")
    kernel.ok("let older = task;")
    second = kernel.ok(code(2), cell_id="a")
    kernel.ok(f'std::fs::write("{tmp_path}/go", "")?;\nolder.await?;\ntask.await?;')
    assert (first.stdout, second.stdout) == ("run 1\n", "run 2\n")


def test_many_tasks_of_three_cells_print_much_at_once(kernel, tmp_path):
    kernel.ok("let mut tasks: tokio::task::JoinSet<()> = tokio::task::JoinSet::new();")
    prints = 'for n in 0..1000 { println!("{task} {n}"); tokio::task::yield_now().await }'
    gate = f'while !std::path::Path::new("{tmp_path}/go").exists() {AWAITING}'
    cells = [
        kernel.ok(f"for task in 0..100 {{ tasks.spawn(async move {{ {gate}\n{prints} }}); }} // {cell}")
        for cell in range(3)
    ]
    last = kernel.ok(f'std::fs::write("{tmp_path}/go", "")?;\nwhile let Some(ended) = tasks.join_next().await {{ ended?; }}')
    assert last.stdout == ""
    for cell in cells:
        check_orders(cell.stdout, tasks=100, lines=1000)


def test_a_hundred_thousand_tasks_print_in_order(kernel):
    cell = kernel.ok(
        "let mut tasks = tokio::task::JoinSet::new();\n"
        "for task in 0..100_000 { tasks.spawn(async move {\n"
        '    println!("{task} 0");\n    tokio::task::yield_now().await;\n    println!("{task} 1");\n'
        "}); }\n"
        "while let Some(ended) = tasks.join_next().await { ended?; }"
    )
    check_orders(cell.stdout, tasks=100_000, lines=2)


def check_orders(text, *, tasks, lines):
    """Each task printed its number and 0, 1, 2 …, one per line."""
    seen = [0] * tasks
    for line in text.splitlines():
        task, number = map(int, line.split(" "))
        assert number == seen[task], f"task {task} has printed {number} after {seen[task]} lines"
        seen[task] += 1
    assert seen == [lines] * tasks
