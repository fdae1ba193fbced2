"""The Jupyter project's own tests of a kernel, for all that Kissaten supports so far."""

import os
import unittest
from pathlib import Path

import jupyter_kernel_test
import pytest


@pytest.fixture(scope="class", autouse=True)
def jupyter_finds_the_kernel(installation, tmp_path_factory):
    """Their classes start the kernel themselves, from where Jupyter looks for kernelspecs."""
    before = dict(os.environ)
    temporary = tmp_path_factory.mktemp("conformance")
    # What is run last is asked for, and other tests run cells meanwhile.
    history = tmp_path_factory.mktemp("history") / "history.sqlite"
    os.environ.update(JUPYTER_PATH=str(installation.prefix / "share" / "jupyter"), TMPDIR=str(temporary), KISSATEN_HISTORY=str(history))
    yield
    os.environ.clear()
    os.environ.update(before)
    assert not list(Path(temporary).iterdir())


class KernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "kissaten"
    language_name = "rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world")'
    code_stderr = 'eprintln!("oh no")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "tokio::spawn(async { 7 }).await.unwrap()", "result": "7"},
    ]
    code_generate_error = 'panic!("oh no")'
    code_display_data = [
        {
            "code": 'kissaten::display(&kissaten::Html("<b>bold</b>"));',
            "mime": "text/html",
        }
    ]

    completion_samples = [
        {"text": ":tim", "matches": {"timing", "timeline"}},
        {"text": "unreachab", "matches": {"unreachable!"}},
    ]
    code_inspect_sample = "kissaten_sample"
    complete_code_samples = ["let x = 5;", "1 + 1", "fn f() -> u8 {\n    1\n}", ":help", "", "// a comment"]
    incomplete_code_samples = ["fn f() {", 'let s = "a', "/* a", "x.iter().", "#[derive(Debug)]", 'println!("{}",', "%%timing"]
    invalid_code_samples = ["let = 5;", "fn f() }", "'ab'"]
    code_history_pattern = "6 [*] 7"
    supported_history_operations = ("tail", "range", "search")
    code_page_something = 'kissaten::page(&kissaten::Markdown("# A page"))'
    code_clear_output = "kissaten::clear_output(false)"

    def test_inspect(self):
        self.execute_helper("let kissaten_sample = 1;")
        super().test_inspect()

    def test_compile_error(self):
        """A cell that does not compile has one error message, as a panic has."""
        self.flush_channels()
        reply, output = self.execute_helper("let a: u8 = true; let b: u8 = missing;")
        self.assertEqual(reply["content"]["status"], "error")
        self.assertEqual([message["msg_type"] for message in output], ["error"])


# The heartbeat's thread of their client may find its sockets closed at the end.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
class IopubWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "kissaten"
    support_iopub_welcome = True


# The imported base classes are no tests of ours.
del jupyter_kernel_test, unittest
