"""`is_complete_request`: what a console does at Enter."""

import pytest


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("let x = 5;", {"status": "complete"}),
        ("", {"status": "complete"}),
        (":help", {"status": "complete"}),
        ("%%timeline", {"status": "incomplete", "indent": ""}),
        ('let s = "喫茶', {"status": "incomplete", "indent": ""}),
        ("fn f() {\n    if a {", {"status": "incomplete", "indent": "        "}),
        ("let y = x\n    .iter().", {"status": "incomplete", "indent": "    "}),
        ("let = 5;", {"status": "invalid"}),
        ("}", {"status": "invalid"}),
    ],
)
@pytest.mark.parametrize("channel", ["shell", "control"])
def test_every_code_has_an_answer(shared_kernel, code, answer, channel):
    cell = shared_kernel.request("is_complete_request", {"code": code}, channel=channel)
    assert cell.finish().reply == answer


def test_it_is_answered_while_a_cell_runs(kernel):
    cell = kernel.start("std::future::pending::<()>().await")
    cell.until(lambda cell: len(cell.iopub) >= 2)
    assert kernel.request("is_complete_request", {"code": "1 +"}).finish().reply["status"] == "incomplete"
    kernel.interrupt_by_signal()
    assert cell.finish().reply["ename"] == "Interrupted"


def test_what_would_overflow_a_stack_is_answered(shared_kernel):
    for code in ("(" * 200_000, "[" * 3000 + "]" * 3000, "!" * 100_000):
        assert shared_kernel.request("is_complete_request", {"code": code}).finish().reply["status"]
    shared_kernel.ok("1")
