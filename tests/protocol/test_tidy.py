"""`%%fmt` and `%%clippy`: the cell is formatted or judged, and not run."""

from transcript import plain


def new_text(cell) -> str:
    [payload] = cell.reply["payload"]
    assert payload["source"] == "set_next_input" and payload["replace"] is True
    return payload["text"]


def test_a_cell_is_formatted_in_its_place(shared_kernel):
    cell = shared_kernel.ok("// why\n:opt 3\n%%fmt\nlet  kept=1;\nif kept>0 {kept} else {0}")
    assert new_text(cell) == "// why\n:opt 3\nlet kept = 1;\nif kept > 0 { kept } else { 0 }"
    assert not cell.shown
    assert shared_kernel.fails("kept").error["evalue"].startswith("E0425")
    assert shared_kernel.ok(":opt").shown.endswith("`opt-level` 0.")
    assert new_text(shared_kernel.ok(":fmt_cell\n1+1")) == "1 + 1"


def test_what_cannot_be_formatted_is_told_and_stays(shared_kernel):
    cell = shared_kernel.fails("%%fmt\nlet a = 1;\nlet = 2;")
    assert cell.reply["payload"] == []
    assert f"cell {cell.count}:3:5" in plain("\n".join(cell.error["traceback"]))
    assert "no code" in shared_kernel.ok("%%fmt").shown
    assert shared_kernel.fails('%%fmt\n%%deps\nrand = "0.9"').error["ename"] == "CommandError"


def test_clippys_lints_are_about_the_cell(shared_kernel):
    shared_kernel.ok("let words = vec![1];")
    cell = shared_kernel.ok("%%clippy\nlet seen = words.len() == 0;\nprintln!(\"not run\");")
    assert "not run\n" not in cell.stdout
    assert "is_empty" in cell.shown and f"cell {cell.count}:2:12" in cell.shown
    assert shared_kernel.fails("seen").error["evalue"].startswith("E0425")
    assert "nothing to say" in shared_kernel.ok("%%clippy\nwords.len()").shown
    assert shared_kernel.fails("%%clippy\nlet a: u8 = true;").error["ename"] == "CompileError"
    # The variable was not touched.
    assert shared_kernel.ok("words.len()").result == "1"
