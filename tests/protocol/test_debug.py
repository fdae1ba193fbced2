"""The panel of variables: what of the debugger's protocol is about them, and that the rest says no in both its languages."""

import json

import pytest


def ask(kernel, command, channel="control", **arguments):
    request = {"type": "request", "seq": 3, "command": command, "arguments": arguments}
    reply = kernel.request("debug_request", request, channel=channel).finish().reply
    assert (reply["type"], reply["request_seq"], reply["command"]) == ("response", 3, command)
    return reply


def body(kernel, command, **arguments):
    reply = ask(kernel, command, **arguments)
    assert reply["success"] and reply["status"] == "ok", reply
    return reply["body"]


def rows(kernel):
    """Name, type and value of all variables."""
    listed = body(kernel, "inspectVariables")["variables"]
    assert all(row["evaluateName"] == row["name"] for row in listed)
    return {row["name"]: (row["type"], row["value"]) for row in listed}


def unfold(kernel, *names):
    """What stands in a variable, and in what stands in it."""
    level = body(kernel, "inspectVariables")["variables"]
    for name in names:
        [reference] = [row["variablesReference"] for row in level if row["name"] == name]
        assert reference > 0, level
        level = body(kernel, "variables", variablesReference=reference)["variables"]
    return [(row["name"], row["value"], row["variablesReference"] > 0) for row in level]


def test_the_kernel_says_what_it_can(kernel):
    info = kernel.request("kernel_info_request", {}).finish().reply
    assert info["debugger"] is True and "debugger" in info["supported_features"]
    about = body(kernel, "debugInfo")
    assert (about["isStarted"], about["hashMethod"], about["breakpoints"], about["stoppedThreads"]) == (False, "Murmur2", [], [])
    assert "exceptionBreakpointFilters" in body(kernel, "initialize")
    body(kernel, "attach")
    assert body(kernel, "debugInfo")["isStarted"]
    assert body(kernel, "configurationDone") == {}
    assert body(kernel, "modules")["modules"] == []
    body(kernel, "disconnect")
    assert not body(kernel, "debugInfo")["isStarted"]


def test_breakpoints_say_that_they_are_not_reached(kernel):
    about = body(kernel, "debugInfo")
    path = body(kernel, "dumpCell", code="let x = 1;")["sourcePath"]
    assert path.startswith(about["tmpFilePrefix"]) and path.endswith(".rs")
    placed = body(kernel, "setBreakpoints", source={"path": path}, breakpoints=[{"line": 1}])["breakpoints"]
    assert [(place["verified"], place["line"]) for place in placed] == [(False, 1)]
    assert "cannot step" in placed[0]["message"]


@pytest.mark.parametrize("channel", ["control", "shell"])
def test_what_there_is_not_is_refused(kernel, channel):
    for command in ("stackTrace", "next", "evaluate", "dance"):
        reply = ask(kernel, command, channel)
        assert (reply["success"], reply["status"], reply["ename"]) == (False, "error", "NotSupported")
        assert "cannot step" in reply["message"]


def test_variables_are_listed_and_unfold(kernel):
    assert rows(kernel) == {}
    kernel.ok(
        "#[derive(Debug)] struct Order { id: u32, drinks: Vec<(String, f32)> }\n"
        'let order = Order { id: 7, drinks: vec![("a, (b".to_owned(), 1.5)] };\n'
        "let map = std::collections::BTreeMap::from([(1, 'x')]);\n"
        "let closure = |x: i32| x + 1;\n"
        'let name = String::from("mocha");'
    )
    listed = rows(kernel)
    assert listed["order"] == ("Order", 'Order { id: 7, drinks: [("a, (b", 1.5)] }')
    assert listed["map"] == ("BTreeMap<i32, char>", "{1: 'x'}")
    assert listed["name"] == ("String", '"mocha"')
    assert "closure" in listed
    assert unfold(kernel, "order") == [("id", "7", False), ("drinks", '[("a, (b", 1.5)]', True)]
    assert unfold(kernel, "order", "drinks", "[0]") == [("0", '"a, (b"', False), ("1", "1.5", False)]
    assert unfold(kernel, "map") == [("1", "'x'", False)]
    kernel.ok("let name = name.len(); let mut counts = vec![1];")
    assert rows(kernel)["name"] == ("usize", "5")
    kernel.ok("counts.push(2);")
    assert rows(kernel)["counts"] == ("Vec<i32>", "[1, 2]")
    assert kernel.ok("order.id").result == "7", "looking costs nothing"


def test_what_borrows_is_listed(kernel):
    kernel.ok('let text = String::from("a b"); let words: Vec<&str> = text.split(\' \').collect();')
    listed = rows(kernel)
    assert listed["words"] == ("Vec<&str>, borrows from `text`", '["a", "b"]')
    assert listed["text"][1] == '"a b"'
    assert unfold(kernel, "words") == [("[0]", '"a"', False), ("[1]", '"b"', False)]


def test_while_a_cell_runs_the_last_values_are_shown(kernel):
    kernel.ok("let cups = 3;")
    assert rows(kernel)["cups"] == ("i32", "3")
    cell = kernel.start('println!("runs"); std::future::pending::<()>().await;')
    while cell.stdout != "runs\n":
        kernel.receive()
    assert rows(kernel)["cups"] == ("i32", "3")
    kernel.request("interrupt_request", {}, channel="control").finish()
    cell.finish()
    assert rows(kernel)["cups"] == ("i32", "3")


def test_a_debug_that_panics_costs_nobody_else(kernel):
    kernel.ok(
        "struct Bad; impl std::fmt::Debug for Bad { fn fmt(&self, _: &mut std::fmt::Formatter) -> std::fmt::Result { panic!(\"no\") } }\n"
        "let bad = Bad; let good = 1;"
    )
    assert rows(kernel) == {"bad": ("Bad", "its `Debug` panicked: no"), "good": ("i32", "1")}


def test_one_value_in_full(kernel):
    kernel.ok('let shown = kissaten::Html("<b>x</b>"); let cups = vec![1, 2];')
    rich = body(kernel, "richInspectVariables", variableName="cups")
    assert rich == {"data": {"text/plain": "[1, 2]"}, "metadata": {}}
    assert body(kernel, "richInspectVariables", variableName="shown")["data"]["text/html"] == "<b>x</b>"
    assert "cannot be looked at" in json.dumps(body(kernel, "richInspectVariables", variableName="nothing"))


def test_looking_shows_nothing_under_cells_and_is_quiet(kernel):
    kernel.ok("let cups = 3;")
    request = {"type": "request", "seq": 3, "command": "inspectVariables", "arguments": {}}
    asked = kernel.request("debug_request", request, channel="control").finish()
    assert [m["msg_type"] for m in asked.iopub] == ["status", "status"]
