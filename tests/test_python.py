"""`%%rust` in a Python notebook: the extension in a real ipykernel, with the installed Rust kernel behind it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

from kernel import HANG, still_running

SOURCE = Path(__file__).parent.parent / "kernel" / "python"
sys.path.insert(0, str(SOURCE))

from kissaten import values  # noqa: E402
from kissaten.errors import ValueNotPassed  # noqa: E402

Message = dict[str, Any]


class PythonCell:
    """A cell of the Python notebook and what came of it."""

    def __init__(self, kernel: PythonKernel, code: str) -> None:
        self.kernel = kernel
        self.id: str = kernel.client.execute(code, allow_stdin=True)
        self.messages: list[Message] = []
        kernel.cells[self.id] = self

    def until(self, is_there: Callable[[PythonCell], bool]) -> PythonCell:
        deadline = time.monotonic() + HANG
        while not is_there(self):
            assert time.monotonic() < deadline, self.messages
            self.kernel.receive(deadline)
        return self

    def finish(self) -> PythonCell:
        return self.until(lambda cell: cell.ended)

    @property
    def ended(self) -> bool:
        return any(message["content"].get("execution_state") == "idle" for message in self.messages)

    def of(self, msg_type: str) -> list[Message]:
        return [message["content"] for message in self.messages if message["msg_type"] == msg_type]

    @property
    def stdout(self) -> str:
        return "".join(content["text"] for content in self.of("stream") if content["name"] == "stdout")

    @property
    def shown(self) -> list[str]:
        """The text of what is displayed."""
        return [content["data"].get("text/plain", "") for content in self.of("display_data")]

    @property
    def result(self) -> str | None:
        return next((content["data"]["text/plain"] for content in self.of("execute_result")), None)

    @property
    def error(self) -> Message | None:
        return next(iter(self.of("error")), None)


class PythonKernel:
    """An ipykernel that finds the extension and the Rust kernel."""

    def __init__(self, installation, directory: Path) -> None:
        directory.mkdir(parents=True)
        manager = KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager())
        environment = {
            **installation.environment,
            "PYTHONPATH": str(SOURCE),
            "JUPYTER_PATH": str(installation.prefix / "share" / "jupyter"),
            "IPYTHONDIR": str(directory / "ipython"),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        }
        manager.start_kernel(env=environment, cwd=str(directory))
        self.manager, self.client = manager, manager.client()
        self.cells: dict[str, PythonCell] = {}
        self.client.start_channels()
        self.client.wait_for_ready(timeout=HANG)
        self.ok("%load_ext kissaten")

    def receive(self, deadline: float) -> None:
        message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        if cell is not None:
            cell.messages.append(message)

    def run(self, code: str) -> PythonCell:
        return PythonCell(self, code).finish()

    def ok(self, code: str) -> PythonCell:
        cell = self.run(code)
        assert cell.error is None, "\n".join(cell.error["traceback"])
        return cell

    def fails(self, code: str) -> Message:
        error = self.run(code).error
        assert error is not None, code
        return error

    def rust_kernels(self):
        import psutil

        children = psutil.Process(self.manager.provisioner.pid).children(recursive=True)
        return [child for child in children if "kissaten" in Path(child.exe()).name]

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture(scope="module")
def python(installation, tmp_path_factory) -> Iterator[PythonKernel]:
    kernel = PythonKernel(installation, tmp_path_factory.mktemp("python") / "kernel")
    yield kernel
    started = kernel.rust_kernels()
    kernel.close()
    assert not still_running(started, HANG), "the Rust kernel outlives the Python one"


@pytest.fixture
def rust(python) -> PythonKernel:
    """The Python kernel with a Rust side that knows nothing yet."""
    python.ok("%rust_restart")
    return python


def test_a_value_and_what_is_printed(rust):
    cell = rust.ok('%%rust\nlet x = 20;\nprintln!("hello");\nx + 1')
    assert (cell.stdout, cell.shown) == ("hello\n", ["21"])
    assert rust.ok("%%rust\nx").shown == ["20"]


def test_await_at_the_top_level_and_a_task_that_goes_on(rust):
    """What a task prints when its cell has ended stands under that cell."""
    spawner = rust.ok("""%%rust
let (go, wait) = tokio::sync::oneshot::channel::<()>();
let task = tokio::spawn(async move { let _ = wait.await; println!("from the task"); 7 });""")
    assert rust.ok("%%rust\nlet _ = go.send(());\ntask.await?").shown == ["7"]
    spawner.until(lambda cell: cell.stdout == "from the task\n")


def test_errors_are_pythons_with_rustcs_words(rust):
    error = rust.fails('%%rust\n\nlet number: i32 = "text";')
    assert (error["ename"], "E0308" in error["evalue"]) == ("RustError", True)
    rendered = "\n".join(error["traceback"])
    assert "expected `i32`, found `&str`" in rendered and "\x1b[" in rendered
    # The line is that of the Python cell, in which the magic stands first.
    assert ":3:19" in rendered and "site-packages" not in rendered
    assert "Panic: oh" in rust.fails('%%rust\npanic!("oh")')["evalue"]
    # As Python's own, it can be caught.
    caught = 'from kissaten import RustError\ntry:\n    get_ipython().run_cell_magic("rust", "", "nope")\nexcept RustError as error:\n    print(error.ename)'
    assert rust.ok(caught).stdout == "CompileError\n"


def test_values_go_both_ways(rust):
    rust.ok('xs = [1.5, 2.5, 3]; config = {"name": "mocha", "cups": 3, "tags": ["a", None]}')
    cell = rust.ok("""%%rust -i xs,config -o total,config --output words
let total: f64 = xs.iter().sum::<f64>() * config.cups as f64;
let words = vec![config.name.clone(), "matcha".to_owned()];
config.cups += 1;""")
    assert cell.shown == []
    expected = "(21.0, {'cups': 4, 'name': 'mocha', 'tags': ['a', None]}, ['mocha', 'matcha'])"
    assert rust.ok("total, config, words").result == expected
    # Other data of the same types: other variables keep theirs.
    rust.ok("%%rust\nlet before = config.clone();")
    rust.ok('config = {"name": "latte", "cups": 1, "tags": []}\nconfig["tags"] = ["x", None]')
    assert rust.ok("%%rust -i config\n(before.cups, config.cups)").shown == ["(4, 1)"]


@pytest.mark.parametrize(
    ("value", "rust_type", "shown"),
    [
        ("True", "bool", "true"),
        ("-(2 ** 40)", "i64", "-1099511627776"),
        ("2 ** 63", "u64", "9223372036854775808"),
        ("'☕'", "String", '"☕"'),
        ("b'ab'", "Vec<u8>", "[97, 98]"),
        ("(1, 'a', 2.0)", "(i64, String, f64,)", '(1, "a", 2.0)'),
        ("[[1], [], [2, 3]]", "Vec<Vec<i64>>", "[[1], [], [2, 3]]"),
        ("[1, None, 2.5]", "Vec<Option<f64>>", "[Some(1.0), None, Some(2.5)]"),
        ("{'a': 1, 'b': 2}", "std::collections::BTreeMap<String, i64>", '{"a": 1, "b": 2}'),
        ("{3: [1], 1: []}", "std::collections::BTreeMap<i64, Vec<i64>>", "{1: [], 3: [1]}"),
        ("{2, 1}", "std::collections::BTreeSet<i64>", "{1, 2}"),
        ("[]", "Vec<String>", "[]"),
        ("[{'type': 1, 'b': None}, {'type': 2, 'b': 'x'}]", "Vec<Value>", '[Value { type: 1, b: None }, Value { type: 2, b: Some("x") }]'),
        ("[{'a': 1, 'b': 'x'}, {'a': 2}]", "Vec<Value>", '[Value { a: 1, b: Some("x") }, Value { a: 2, b: None }]'),
    ],
)
def test_what_a_value_of_python_is_in_rust(python, value, rust_type, shown):
    assert values.passed("value", eval(value)).type.text() == rust_type
    python.ok(f"value = {value}")
    assert python.ok('%%rust -i value\nprintln!("{value:?}")').stdout == shown + "\n"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "`value` is of the type `object`, for which there is no obvious Rust type"),
        ([1, "a"], "`value` has values of several types, `i64` and `String`"),
        (None, "`value` is None, and so its Rust type cannot be told"),
        (2**127, "`value` is too large for Rust's integers"),
        ({1.5: 1}, "`value` has keys that are neither text nor whole numbers"),
        ({"a b": 1, "c": "d"}, "has values of several types"),
        ({0.5}, "a set of floating-point numbers"),
        ([{"a": lambda: 1, "b": 2}], "`value.a` is of the type `function`"),
    ],
)
def test_what_cannot_go_to_rust_is_named(value, words):
    with pytest.raises(ValueNotPassed) as raised:
        values.passed("value", value)
    assert words in str(raised.value)


def test_what_cannot_be_passed_runs_nothing(rust):
    rust.ok("bad = object()")
    assert rust.fails('%%rust -i bad\nprintln!("ran")')["ename"] == "ValueNotPassed"
    assert "no Python variable `nobody`" in rust.fails("%%rust -i nobody\n1")["evalue"]
    error = rust.fails("%%rust -o handle\nlet handle = std::thread::current();")
    assert "`handle` cannot come to Python" in error["evalue"] and "Serialize" in error["evalue"]


def test_a_large_array_is_passed_by_its_bytes(rust):
    rust.ok("many = [i * 0.5 for i in range(1_000_000)]")
    assert rust.ok("%%rust -i many\n(many.len(), many[999_999])").shown == ["(1000000, 499999.5)"]


def test_displays_and_timelines(rust):
    cell = rust.ok('%%rust --timeline\ntokio::join!(async {}, async {});\nkissaten::display(&kissaten::Html("<b>x</b>"));')
    shown = cell.of("display_data")
    assert any("<svg" in content["data"].get("text/html", "") for content in shown)
    assert any(content["data"].get("text/html") == "<b>x</b>" for content in shown)


def test_commands(rust):
    rust.ok("%%rust\nlet x = 1;")
    assert "x" in rust.ok("%%rust\n:vars").shown[0]


def test_interrupts_are_passed_on(rust):
    """The first ends a cell that awaits; a second one also what does not heed the first."""
    rust.ok("%%rust\nlet kept = 5;")
    cell = PythonCell(rust, '%%rust\nprintln!("begun");\nstd::future::pending::<()>().await')
    cell.until(lambda cell: cell.stdout == "begun\n")
    rust.manager.interrupt_kernel()
    cell.finish()
    assert cell.error["ename"] == "RustInterrupted"
    assert rust.ok("%%rust\nkept").shown == ["5"]
    blocked = PythonCell(rust, '%%rust\nprintln!("begun");\nstd::thread::sleep(std::time::Duration::from_secs(3600));')
    blocked.until(lambda cell: cell.stdout == "begun\n")
    rust.manager.interrupt_kernel()
    blocked.until(lambda cell: bool(cell.of("display_data")) or bool(cell.of("stream")[1:]))
    rust.manager.interrupt_kernel()
    blocked.finish()
    assert blocked.error is not None
    assert rust.ok("%%rust\n1 + 1").shown == ["2"]


def test_questions_are_asked_in_the_notebook(rust):
    for code, answer in (('kissaten::input("Name? ").await?', "Ada"), ('kissaten::input_password("Secret? ").await?', "pw")):
        cell = PythonCell(rust, f"%%rust\n{code}")
        question = rust.client.get_stdin_msg(timeout=HANG)["content"]
        assert question["password"] is ("password" in code)
        rust.client.input(answer)
        assert cell.finish().shown == [f'"{answer}"']


def test_asyncio_and_tokio_side_by_side(rust):
    """Each needs the other to go on: the Rust side waits for what Python writes while it awaits Rust."""
    rust.ok("import asyncio, os, tempfile\npath = tempfile.mkdtemp() + '/from-python'")
    cell = rust.ok("""async def write():
    await asyncio.sleep(0)
    with open(path, "w") as file:
        file.write("x")
    return "written"

code = '''
while std::fs::read(&path).map_or(true, |text| text.is_empty()) { tokio::task::yield_now().await }
println!("seen");
let answer = 41 + 1;
answer
'''
written, result = await asyncio.gather(write(), rust.run(code, inputs={"path": path}, outputs=["answer"]))
print(written, result.value, result.outputs)
result""")
    assert sorted(cell.stdout.splitlines()) == ["seen", "written 42 {'answer': 42}"]
    assert (cell.result, cell.shown) == ("42", [])


def test_a_cancelled_run_is_interrupted_in_rust(rust):
    rust.ok("import asyncio")
    cell = rust.ok("""run = asyncio.ensure_future(rust.run("std::future::pending::<()>().await"))
try:
    await asyncio.wait_for(run, 0.2)
except asyncio.TimeoutError:
    print("given up")
print((await rust.run("1 + 1")).value)""")
    assert cell.stdout == "given up\n2\n"


def test_the_kernels_end_is_told_and_the_next_cell_runs(rust):
    rust.ok("%%rust\nlet x = 1;")
    [kernel] = [process for process in rust.rust_kernels() if "kernel" in process.cmdline()]
    cell = PythonCell(rust, '%%rust\nprintln!("begun");\nstd::future::pending::<()>().await')
    cell.until(lambda cell: cell.stdout == "begun\n")
    kernel.send_signal(signal.SIGKILL)
    assert "was ended while the cell ran" in cell.finish().error["evalue"]
    assert rust.ok("%%rust\n1").shown == ["1"]
    assert "E0425" in rust.fails("%%rust\nx")["evalue"]


def test_without_the_rust_kernel_the_error_says_what_to_do(rust):
    rust.ok("import os; os.environ['JUPYTER_PATH'], path = '', os.environ['JUPYTER_PATH']")
    assert "pip install kissaten" in rust.fails("%%rust\n1")["evalue"]
    rust.ok("os.environ['JUPYTER_PATH'] = path")
    assert rust.ok("%%rust\n1").shown == ["1"]


def test_unloading_ends_the_rust_kernel(python):
    python.ok("%%rust\n1")
    started = python.rust_kernels()
    assert started
    python.ok("%unload_ext kissaten")
    assert not still_running(started, HANG)
    python.ok("%load_ext kissaten")
