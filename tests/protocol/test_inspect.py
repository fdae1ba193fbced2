"""Inspection: signature, type, value and documentation of a name, in three forms; `:doc` shows the same."""

import pytest

from test_complete import AWAITING, NO_ANALYZER, POINT, wake


def ask(kernel, marked, detail_level=0):
    """Inspects at the `|` of a cell."""
    content = {"code": marked.replace("|", "", 1), "cursor_pos": marked.index("|"), "detail_level": detail_level}
    return kernel.request("inspect_request", content).finish().reply


def plain(kernel, marked, **options):
    reply = ask(kernel, marked, **options)
    assert reply["status"] == "ok" and reply["found"] == bool(reply["data"]), reply
    return reply["data"].get("text/plain")


def test_items_have_signature_docs_and_source(start_kernel):
    kernel = start_kernel(environment=NO_ANALYZER)
    count = kernel.ok(f"/// Adds *both*.\nfn add(a: u8, b: u8) -> u8 {{ a + b }}\n{POINT}").count
    assert plain(kernel, 'let cup = "☕"; ad|d(1, 2)') == f"fn add(a: u8, b: u8) -> u8\n\nAdds *both*.\n\ncell {count}"
    assert plain(kernel, "add(1, |)") == plain(kernel, "add|")
    assert plain(kernel, "add|", detail_level=1).endswith("fn add(a: u8, b: u8) -> u8 { a + b }")
    data = ask(kernel, "add|")["data"]
    assert data["text/markdown"].startswith("```rust\nfn add(a: u8, b: u8) -> u8\n```\n\nAdds *both*.")
    assert "<em>both</em>" in data["text/html"] and "-&gt; u8" in data["text/html"]
    assert plain(kernel, "Point { x: 1.0, y: 1.0 }.mov|ed(1.0)").startswith("fn moved(&self, by: f64) -> Point")
    assert plain(kernel, "nobody|") is None and plain(kernel, "|") is None and plain(kernel, "// add|") is None


def test_variables_have_type_and_value(start_kernel):
    kernel = start_kernel(environment=NO_ANALYZER)
    kernel.ok("let mut beans = vec![1, 2]; let secret = std::process::Command::new(\"a\");")
    # VS Code asks for variables by their names alone.
    assert plain(kernel, "|beans") == plain(kernel, "beans|") == "let mut beans: Vec<i32> = [1, 2]"
    kernel.ok("beans.push(3);")
    assert plain(kernel, "beans|.len()") == "let mut beans: Vec<i32> = [1, 2, 3]"
    assert kernel.ok("beans").result == "[1, 2, 3]"


def test_a_value_without_debug_that_panics_or_is_long(start_kernel):
    kernel = start_kernel(environment=NO_ANALYZER)
    kernel.ok(
        "struct Bare; struct Bad; impl std::fmt::Debug for Bad { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> "
        'std::fmt::Result { panic!("no") } } let bare = Bare; let bad = Bad; let long = "x".repeat(100_000);'
    )
    assert plain(kernel, "bare|").startswith("let bare: Bare")
    assert plain(kernel, "bad|") == "let bad: Bad"
    assert len(plain(kernel, "long|")) < 5000
    assert kernel.ok("long.len()").result == "100000"


def test_while_a_cell_runs_the_type_is_told(start_kernel, tmp_path):
    kernel = start_kernel(environment=NO_ANALYZER)
    kernel.ok("let beans = vec![1, 2];")
    cell = kernel.start(f'while !std::path::Path::new("{tmp_path}/go").exists() {AWAITING}')
    assert plain(kernel, "beans|") == "let beans: Vec<i32>"
    assert not cell.ended
    (tmp_path / "go").touch()
    cell.finish()


@pytest.mark.analyzer
def test_the_analyzer_tells_of_std_and_locals(shared_kernel):
    kernel = shared_kernel
    kernel.ok("let beans: Vec<String> = Vec::new();")
    wake(kernel)
    while not (data := ask(kernel, "beans.pu|sh(String::new())")["data"]):
        pass
    assert "fn push" in data["text/plain"] and "Appends an element" in data["text/plain"]
    assert "fn push" in data["text/markdown"] and "<code" in data["text/html"]
    while not (data := ask(kernel, "let cup = 1u8; cup|")["data"]):
        pass
    assert "u8" in data["text/plain"]


@pytest.mark.analyzer
def test_doc_is_shown_as_a_page(shared_kernel):
    kernel = shared_kernel
    kernel.ok("/// Adds.\nfn add(a: u8) -> u8 { a }")
    [page] = kernel.ok(":doc add").reply["payload"]
    assert page["source"] == "page" and page["start"] == 0
    assert page["data"]["text/plain"].startswith("fn add(a: u8) -> u8\n\nAdds.") and "text/html" in page["data"]
    [page] = wake(kernel)["payload"]
    assert "push_str" in page["data"]["text/plain"]
    assert kernel.fails(":doc").error["ename"] == "CommandError"
    assert kernel.fails(":doc nobody_knows_it").error["ename"] == "DocError"
