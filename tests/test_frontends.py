"""Other programs that talk to kernels: the console, papermill, nbconvert, jupytext, nbval, and what VS Code sends.

`KISSATEN_PAPERMILL_RUNS=200` runs the printing notebook as often as that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pexpect
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bare import configure, forget
from kernel import HANG
from toolchains import rustc

KERNELSPEC = {"name": "kissaten", "display_name": "Rust (Kissaten)", "language": "rust"}
LINES = 40


@pytest.fixture
def environment(installation, tmp_path, monkeypatch) -> dict[str, str]:
    """Jupyter finds the kernel, and all that is kept is the test's own."""
    (tmp_path / "tmp").mkdir()
    changes = {
        "JUPYTER_PATH": str(installation.prefix / "share" / "jupyter"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return {**os.environ}


def write(path: Path, *cells: str | nbformat.NotebookNode) -> Path:
    nodes = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    nbformat.write(new_notebook(cells=nodes, metadata={"kernelspec": KERNELSPEC}), path)
    return path


def code(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def call(*arguments: str | Path) -> str:
    """Calls a program of the tests' Python; what it says."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=HANG)
    assert done.returncode == 0, done.stdout
    return done.stdout


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream").splitlines()


# The console.


class Console:
    """`jupyter console` in a terminal of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        arguments = ["-m", "jupyter_console", "--kernel=kissaten"]
        environment = {**environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.process = pexpect.spawn(
            sys.executable, arguments, env=environment, timeout=HANG, encoding="utf-8", dimensions=(50, 150)
        )
        self.prompt(1)

    def expect(self, text: str, guard: float = HANG) -> None:
        """Waits for the text; colours and movements of the cursor may stand between its characters."""
        between = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"
        self.process.expect(between.join(map(re.escape, text)), timeout=guard)

    def prompt(self, count: int) -> None:
        self.expect(f"In [{count}]: ")

    def type(self, text: str) -> None:
        self.process.send(text)

    def close(self) -> None:
        self.type("\x04")
        self.expect("exit")
        self.type("y\r")
        self.process.expect(pexpect.EOF)
        self.process.close()
        assert self.process.exitstatus == 0


@pytest.mark.slow
def test_the_console_tells_how_far_the_first_start_is(environment, bare, tmp_path):
    """A console prints what is displayed and knows no update of it: so there are a few lines, and then the result.

    The user's configuration of cargo is for other builds: the session library and crates are built without it.
    """
    forget(bare)
    configure(bare, tmp_path / "elsewhere")
    home = Path(bare.environment["HOME"])
    changes = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "JUPYTER_PATH": str(bare.prefix / "share/jupyter"),
        "KISSATEN_RUSTC": str(rustc()),
    }
    kept = {name: value for name, value in environment.items() if not name.startswith("CARGO_")}
    console = Console(kept | changes)
    console.type("3 + 4\r")
    console.expect("Preparing Kissaten for this rustc, once, in about a minute: 0 s")
    console.expect("Preparing Kissaten")
    console.expect(" of ")
    # All crates are compiled, as they are this user's own.
    console.expect("Out[1]: 7", guard=3 * HANG)
    console.prompt(2)
    console.type(':dep serde = { version = "1", features = ["derive"] }\r')
    console.prompt(3)
    console.type("#[derive(serde::Serialize)] struct Cup { size: u8 }\r")
    console.prompt(4)
    console.type('std::panic::catch_unwind(|| panic!("spilled")).is_err()\r')
    console.expect("Out[4]: true")
    console.prompt(5)
    console.close()
    assert not (tmp_path / "elsewhere").exists()


def test_the_console_knows_whole_cells_and_remembers_them(environment):
    console = Console(environment)
    console.type("let cups = 20;\r")
    console.prompt(2)
    # It goes on until the block is closed.
    console.type("if cups > 1 {\r")
    console.expect("...:")
    console.type("cups + 1\r")
    console.expect("...:")
    console.type("} else { 0 }\r")
    console.expect("Out[2]: 21")
    console.prompt(3)
    console.type("cups * 2\r")
    console.expect("Out[3]: 40")
    console.prompt(4)
    console.type("\x1b[A")
    console.expect("cups * 2")
    console.type("\r")
    console.expect("Out[4]: 40")
    console.prompt(5)
    console.close()

    # Another day.
    console = Console(environment)
    console.type("let cups = 7;\r")
    console.prompt(2)
    console.type("\x1b[A\x1b[A")
    console.expect("cups * 2")
    console.type("\r")
    console.expect("Out[2]: 14")
    console.prompt(3)
    # Ctrl-R
    console.type("\x12")
    console.type("20;")
    console.expect("cups = 20;")
    console.type("\r\r")
    console.prompt(4)
    console.type("cups\r")
    console.expect("Out[4]: 20")
    console.prompt(5)
    console.close()


# papermill.


def test_no_line_is_lost_in_papermill(environment, tmp_path):
    lines = f'for n in 0..{LINES} {{ println!("line {{n}}"); }}'
    path = write(tmp_path / "in.ipynb", lines, 'print!("partial "); eprintln!("other");', lines)
    for _ in range(int(os.environ.get("KISSATEN_PAPERMILL_RUNS", "3"))):
        notebook = papermill.execute_notebook(path, None, progress_bar=False)
        numbered = [f"line {n}" for n in range(LINES)]
        got = printed(notebook)
        assert [line for line in got if line.startswith("line")] == numbered * 2
        assert sorted("".join(line for line in got if not line.startswith("line")).split()) == ["other", "partial"]


def test_papermill_writes_parameters_as_lets(environment, tmp_path, repository):
    defaults = new_code_cell("let cups = 1;  // how many\nlet name = \"nobody\";", metadata={"tags": ["parameters"]})
    path = write(tmp_path / "in.ipynb", defaults, 'println!("{name}: {}", cups + 1);')
    tool = repository / "notebooks" / "papermill" / "kissaten_papermill.py"
    out = tmp_path / "out.ipynb"
    call(tool, path, out, "-p", "cups", "41", "-p", "name", 'Hana "喫茶"', "--no-progress-bar")
    notebook = nbformat.read(out, 4)
    assert notebook.cells[1].metadata.tags == ["injected-parameters"]
    assert notebook.cells[1].source == '// Parameters\nlet cups = 41;\nlet name = "Hana \\"喫茶\\"";\n'
    assert printed(notebook) == ['Hana "喫茶": 42']
    help = call(tool, "--help-notebook", path)
    assert re.search(r"cups: .*\(default 1\)\s+how many", help), help


def test_parameters_of_all_kinds_are_rust(environment, tmp_path, repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "notebooks" / "papermill")
    import kissaten_papermill  # noqa: F401

    path = write(tmp_path / "in.ipynb", 'println!("{a} {b} {c} {d:?} {e:?} {f:?} {g:?} {h}");')
    text = 'a\\b"c\n\t\x1b\x7f{x}'
    parameters = {"a": 2**40, "b": True, "c": 1.0, "d": [1, 2.5], "e": [], "f": None, "g": text, "h": -(2**100)}
    notebook = papermill.execute_notebook(path, None, parameters, progress_bar=False)
    quoted = r'"a\\b\"c\n\t\u{1b}\u{7f}{x}"'
    assert printed(notebook) == [f"{2**40} true 1 [1.0, 2.5] [] () {quoted} {-(2**100)}"]


# nbconvert, jupytext, nbval.


def test_nbconvert_highlights_rust_and_writes_it(environment, tmp_path):
    path = write(tmp_path / "in.ipynb", new_markdown_cell("# Coffee"), 'let x: u32 = 41;\nprintln!("{}", x + 1);')
    # It looks for the language in the notebook, where whoever ran it has written it.
    call("-m", "nbconvert", "--execute", "--to", "notebook", "--inplace", path)
    call("-m", "nbconvert", "--to", "html", path)
    html = (tmp_path / "in.html").read_text()
    assert 'class="highlight hl-rust"' in html
    assert re.search(r'<span class="k[a-z]*">let</span>', html) and re.search(r'<span class="kt">u32</span>', html)
    assert "<pre>42\n</pre>" in html
    call("-m", "nbconvert", "--to", "script", path)
    assert 'let x: u32 = 41;\nprintln!("{}", x + 1);' in (tmp_path / "in.rs").read_text()


def test_jupytext_goes_there_and_back(environment, tmp_path):
    cells = ["%%timing\nlet a = 1;", ":opt 0", "/// Coffee.\n// %timing is no command here\nfn f() -> u8 { 1 }", "#[derive(Debug)]\nstruct A;"]
    path = write(tmp_path / "in.ipynb", new_markdown_cell("# Coffee\n\ntext"), *cells)
    for kind, name in (("rs:percent", "in.rs"), ("md", "in.md")):
        call("-m", "jupytext", "--to", kind, path)
        text = (tmp_path / name).read_text()
        assert "kissaten" in text
        back = tmp_path / f"back from {name}.ipynb"
        call("-m", "jupytext", "--to", "ipynb", "--output", back, tmp_path / name)
        assert code(back) == cells, text


def test_nbval_finds_what_it_found_before(environment, tmp_path):
    path = write(tmp_path / "in.ipynb", "let a = 1; a + 1", 'println!("x"); eprintln!("y");', "struct A;")
    papermill.execute_notebook(path, path, progress_bar=False)
    assert "3 passed" in call("-m", "pytest", "--nbval", "-p", "no:cacheprovider", "--rootdir", tmp_path, path)


# The patterns in which VS Code's extension is known to ask. The extension itself was not run.


def vscode(kernel, source: str, cell_id: str):
    content = {
        "code": source,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": True,
        "stop_on_error": False,
    }
    return kernel.send("execute_request", content, metadata={"cellId": cell_id, "deletedCells": [], "recordTiming": True})


def test_vscode_runs_a_notebook(kernel):
    # Cells are sent one by one; one that erred does not stop those that the user goes on to run.
    first, second, third = (vscode(kernel, source, f"c{n}") for n, source in enumerate(("let a = 1; a", "nope", "a + 1")))
    assert first.finish().result == "1"
    assert second.finish().error["ename"] == "CompileError"
    assert third.finish().result == "2"
    question = vscode(kernel, 'kissaten::input("Name? ").await?', "c3")
    question.asks()
    question.answer("Hana")
    assert question.finish().result == '"Hana"'
    # It looks into the kernel without a trace in the notebook.
    silent = kernel.ok("a", silent=True, store_history=False, user_expressions={"x": "a + 2"})
    assert silent.reply["user_expressions"]["x"]["data"]["text/plain"] == "3"
    assert kernel.run("1").count == 5


@pytest.mark.parametrize("by_signal", [True, False])
def test_vscode_looks_things_up_in_a_running_cell_and_interrupts_it(kernel, by_signal):
    kernel.ok("let a = 1;")
    cell = vscode(kernel, "std::future::pending::<()>().await", "c1")
    cell.until(lambda cell: len(cell.iopub) >= 2)
    for kind, content in (
        ("inspect_request", {"code": "a", "cursor_pos": 1, "detail_level": 0}),
        ("complete_request", {"code": "a", "cursor_pos": 1}),
        ("kernel_info_request", {}),
        ("comm_info_request", {}),
    ):
        assert kernel.request(kind, content).finish().reply["status"] == "ok"
    if by_signal:
        kernel.interrupt_by_signal()
    else:
        assert kernel.request("interrupt_request", {}, channel="control").reply["status"] == "ok"
    assert cell.finish().error["ename"] == "Interrupted"
    assert vscode(kernel, "a", "c2").finish().result == "1"
