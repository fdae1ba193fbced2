"""`:quit` ends the kernel, as it ends evcxr's; whoever asked has the answer before."""


def test_quit_is_answered_and_leaves_nothing(kernel):
    kernel.ok("let task = tokio::spawn(std::future::pending::<()>());")
    cell = kernel.run(":quit\n1 + 1")
    assert cell.reply["status"] == "ok" and cell.result is None
    assert cell.reply["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    assert kernel.wait_for_end() == 0
    kernel.check_nothing_left()
