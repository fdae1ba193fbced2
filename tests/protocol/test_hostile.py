"""Peers that lie, flood, or fall silent: honest clients lose nothing by them, and the kernel's memory has bounds."""

import json
import os
from collections import Counter

import psutil
import pytest
import zmq

from wire import DELIMITER, header, wire

MEGABYTE = 1_000_000


def rss(kernel):
    """The server's own memory, in MB."""
    return psutil.Process(kernel.pid).memory_info().rss / MEGABYTE


def answered(one, frames):
    """Receives up to the reply to these frames; the types of all replies."""
    wanted = json.loads(frames[2])["msg_id"]
    types = []
    while True:
        reply = one.receive()
        types.append(reply["header"]["msg_type"])
        if reply["parent_header"]["msg_id"] == wanted:
            return types


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_a_replayed_message_is_dropped(kernel, channel):
    with wire(kernel, channel) as honest, wire(kernel, channel) as hostile:
        first = honest.message("kernel_info_request")
        honest.socket.send_multipart(first)
        answered(honest, first)
        for frames in (first, [b"other", *first], [first[0], first[1].upper(), *first[2:]]):
            hostile.socket.send_multipart(frames)
        # What came from there after the replays was answered, and they were not.
        last = hostile.message("kernel_info_request")
        hostile.socket.send_multipart(last)
        assert answered(hostile, last) == ["kernel_info_reply"]
    assert "was there before" in kernel.log


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
def test_the_heartbeat_of_another_kernels_client_is_no_news(kernel, channel):
    """It had this port before, and its client asks every second whether it is there again."""
    with wire(kernel, channel) as stranger:
        for _ in range(3):
            stranger.socket.send_multipart([b"", b"ping"])
        # A message with another key, behind them, is told.
        stranger.socket.send_multipart([DELIMITER, b"0" * 64, *[b"{}"] * 4])
        while "dropped" not in kernel.log:
            kernel.request("kernel_info_request", {}, channel="control")
    assert kernel.log.count("dropped") == 1


def test_a_replayed_cell_does_not_run_twice(kernel):
    kernel.ok("static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);")
    with wire(kernel, "shell") as honest, wire(kernel, "shell") as hostile, wire(kernel, "control") as control:
        cell = honest.message(
            "execute_request", {"code": "COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);", "silent": True}
        )
        honest.socket.send_multipart(cell)
        answered(honest, cell)
        hostile.socket.send_multipart(cell)
        control.socket.send_multipart(cell)
        last = hostile.message("kernel_info_request")
        hostile.socket.send_multipart(last)
        answered(hostile, last)
    assert kernel.ok("COUNT.load(std::sync::atomic::Ordering::SeqCst)").result == "1"


@pytest.mark.parametrize("msg_type", ["shutdown_request", "interrupt_request"])
@pytest.mark.parametrize("channel", ["shell", "control"])
def test_a_forged_order_is_not_obeyed(kernel, channel, msg_type):
    cell = kernel.start('println!("on"); let (_stay, wait) = tokio::sync::oneshot::channel::<()>(); let _ = wait.await;')
    cell.until(lambda cell: "on" in cell.stdout)
    with wire(kernel, channel) as hostile:
        for signature in (b"", b"0" * 64, hostile.message("kernel_info_request")[1], b"\xff"):
            forged = hostile.message(msg_type, {"restart": False})
            forged[1] = signature
            hostile.socket.send_multipart(forged)
        changed = hostile.message("is_complete_request", {"code": "1"})
        changed[2] = changed[2].replace(b"is_complete_request", msg_type.encode())
        hostile.socket.send_multipart(changed)
        last = hostile.message("kernel_info_request")
        hostile.socket.send_multipart(last)
        assert answered(hostile, last) == ["kernel_info_reply"]
    assert not cell.ended
    kernel.request("interrupt_request", {}, channel="control")
    assert cell.finish().error["ename"] == "Interrupted"


def test_a_forged_answer_is_not_the_users(kernel):
    cell = kernel.start('kissaten::input("who? ").await?', allow_stdin=True)
    question = cell.asks()
    assert question["prompt"] == "who? "
    identity = kernel.client.session.bsession
    with wire(kernel, "stdin") as hostile:
        parts = [json.dumps(part).encode() for part in (header("input_reply"), {}, {}, {"value": "mallory"})]
        hostile.socket.send_multipart([identity, DELIMITER, b"0" * 64, *parts])
        hostile.socket.send_multipart([DELIMITER, b"", *parts])
    cell.answer("alice")
    assert cell.finish().result == '"alice"'


@pytest.mark.parametrize("field", ["msg_id", "msg_type", "session", "username", "date", "version"])
@pytest.mark.parametrize("value", ["missing", None, 7, [], {}, "x" * 100_000, "\0", "😀"])
def test_odd_header_fields(shared_kernel, field, value):
    """Whatever stands in a header, the client's next request has its reply."""
    with wire(shared_kernel, "shell") as one:
        odd = header("kernel_info_request")
        if value == "missing":
            del odd[field]
        else:
            odd[field] = value
        one.socket.send_multipart(one.signed(json.dumps(odd).encode(), b"{}", b"{}", b"{}"))
        last = one.message("kernel_info_request")
        one.socket.send_multipart(last)
        types = answered(one, last)
        assert len(types) <= 2 and types[-1] == "kernel_info_reply"


def test_messages_out_of_order(kernel):
    """Answers that nobody asked for, comms that were never opened, subshells that never were, a second shutdown's twin."""
    with wire(kernel, "shell") as shell, wire(kernel, "control") as control, wire(kernel, "stdin") as stdin:
        stdin.socket.send_multipart(stdin.message("input_reply", {"value": "early"}))
        stdin.socket.send_multipart(stdin.message("execute_request", {"code": "1"}))
        shell.socket.send_multipart(shell.message("input_reply", {"value": "here?"}))
        shell.socket.send_multipart(shell.message("comm_close", {"comm_id": "never"}))
        shell.socket.send_multipart(shell.message("comm_msg", {"comm_id": "never", "data": {}}))
        shell.socket.send_multipart(shell.message("execute_reply", {"status": "ok"}))
        shell.socket.send_multipart(shell.message("status", {"execution_state": "dead"}))
        control.socket.send_multipart(control.message("delete_subshell_request", {"subshell_id": "never"}))
        control.socket.send_multipart(control.message("interrupt_request"))
        assert control.receive()["content"]["status"] == "error"
        assert control.receive()["content"]["status"] == "ok"
        last = shell.message("kernel_info_request")
        shell.socket.send_multipart(last)
        assert answered(shell, last) == ["kernel_info_reply"]
    cell = kernel.start('kissaten::input("late? ").await?', allow_stdin=True)
    cell.asks()
    cell.answer("now")
    assert cell.finish().result == '"now"'


@pytest.mark.slow
def test_thousands_of_requests_at_once(kernel):
    """Four clients send 1,500 requests each before they read anything: each has its own replies, one for each, in order."""
    kinds = [
        ("kernel_info_request", {}),
        ("execute_request", {"code": "", "silent": False}),
        ("complete_request", {"code": "st", "cursor_pos": 2}),
        ("comm_info_request", {}),
        ("dance_request", {}),
        ("execute_request", {"silent": False}),
    ]
    with wire(kernel, "shell") as a, wire(kernel, "shell") as b, wire(kernel, "shell") as c, wire(kernel, "control") as d:
        clients = [a, b, c, d]
        sent = {client: [] for client in clients}
        for number in range(1500):
            kind, content = kinds[number % len(kinds)]
            for client in clients:
                frames = client.message(kind, content)
                client.socket.send_multipart(frames)
                sent[client].append((json.loads(frames[2])["msg_id"], kind))
        for client in clients:
            got = [client.receive() for _ in sent[client]]
            parents = Counter(reply["parent_header"]["msg_id"] for reply in got)
            assert parents == Counter(msg_id for msg_id, _ in sent[client])
            assert all(r["header"]["msg_type"] == r["parent_header"]["msg_type"].replace("_request", "_reply") for r in got)
            executed = [msg_id for msg_id, kind in sent[client] if kind == "execute_request"][::2]
            in_order = [r["parent_header"]["msg_id"] for r in got if r["parent_header"]["msg_id"] in set(executed)]
            assert in_order == executed
            assert client.socket.poll(0) == 0
    assert kernel.request("kernel_info_request", {}).finish().reply["status"] == "ok"


@pytest.mark.slow
def test_a_client_that_reads_no_replies(kernel):
    """It asks ten thousand times and is gone; nobody else waits for that."""
    with wire(kernel, "shell") as hostile:
        hostile.socket.setsockopt(zmq.RCVHWM, 1)
        for _ in range(10_000):
            hostile.socket.send_multipart(hostile.message("kernel_info_request"))
        assert kernel.run("1 + 1").result == "2"
    assert kernel.run("2 + 2").result == "4"
    assert rss(kernel) < 250


@pytest.mark.slow
def test_a_frontend_that_stops_reading_iopub(kernel):
    """It takes nothing of 60 MB. The honest client has all of it, and the server's memory stays as it was."""
    with wire(kernel, "iopub", zmq.SUB) as deaf:
        deaf.socket.setsockopt(zmq.RCVHWM, 1)
        deaf.socket.setsockopt(zmq.RCVBUF, 4096)
        deaf.socket.setsockopt(zmq.SUBSCRIBE, b"")
        # It is a subscriber by now, and reads nothing more.
        assert deaf.receive()["header"]["msg_type"] == "iopub_welcome"
        cell = kernel.start(
            'let line = "x".repeat(999); for n in 0..60_000 { println!("{line}"); if n % 1000 == 0 '
            "{ tokio::task::yield_now().await; } }"
        )
        most = 0.0
        while not cell.ended:
            kernel.receive()
            most = max(most, rss(kernel))
        assert len(cell.finish().stdout) == 60_000 * 1000
        assert most < 150, f"{most:.0f} MB"
        assert kernel.run("1 + 1").result == "2"


def test_large_messages_that_are_not_signed(kernel):
    """Two hundred times a megabyte from somebody without the key: it is read, and forgotten."""
    with wire(kernel, "shell") as hostile:
        noise = os.urandom(MEGABYTE)
        for _ in range(200):
            hostile.socket.send_multipart([DELIMITER, b"0" * 64, b"{}", b"{}", b"{}", noise])
        last = hostile.message("kernel_info_request")
        hostile.socket.send_multipart(last)
        assert answered(hostile, last) == ["kernel_info_reply"]
    assert rss(kernel) < 150
    assert kernel.run("1 + 1").result == "2"


def test_a_torn_stream_of_many_frames(kernel):
    """A message of a hundred thousand frames, and one with a thousand identities."""
    with wire(kernel, "shell") as hostile:
        hostile.socket.send_multipart([b"x"] * 100_000)
        frames = hostile.message("kernel_info_request")
        hostile.socket.send_multipart([b"id"] * 1000 + frames)
        last = hostile.message("kernel_info_request")
        hostile.socket.send_multipart(last)
        answered(hostile, last)
    assert kernel.run("1 + 1").result == "2"
