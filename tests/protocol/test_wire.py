"""Frames as they come over the wire, well-formed or not. Whatever arrives, the kernel goes on."""

import json
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import zmq

from wire import DELIMITER, header, wire


def goes_on(kernel, channel):
    """The kernel answers on the socket that just got something odd, and runs cells."""
    assert channel.receive()["header"]["msg_type"] == "kernel_info_reply"
    assert kernel.run("1 + 1").result == "2"


def test_heartbeat_echoes_what_it_gets(shared_kernel):
    with wire(shared_kernel, "hb", zmq.REQ) as heartbeat:
        for beat in (b"ping", b"", b"\x00\xff", b"x" * 100_000):
            heartbeat.socket.send(beat)
            assert heartbeat.socket.recv() == beat
        heartbeat.socket.send_multipart([b"two", b"parts"])
        assert heartbeat.socket.recv_multipart() == [b"two", b"parts"]


def test_heartbeat_answers_while_a_cell_blocks(kernel, tmp_path):
    go = tmp_path / "go"
    cell = kernel.start(f'println!("blocking"); while !std::path::Path::new("{go}").exists() {{}}')
    cell.until(lambda cell: "blocking" in cell.stdout)
    with wire(kernel, "hb", zmq.REQ) as heartbeat:
        heartbeat.socket.send(b"ping")
        assert heartbeat.socket.recv() == b"ping"
    go.touch()
    assert cell.finish().reply["status"] == "ok"


@pytest.mark.parametrize("topic", ["", "stream", "execute_result"])
def test_a_subscriber_is_welcomed(shared_kernel, topic):
    with wire(shared_kernel, "iopub", zmq.SUB) as iopub:
        iopub.socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        welcome = iopub.receive()
        assert welcome["header"]["msg_type"] == "iopub_welcome"
        assert welcome["parent_header"] == {}
        assert welcome["content"] == {"subscription": topic}
        assert [part.decode() for part in welcome["identities"]] == [topic]


def test_every_subscriber_gets_every_message(shared_kernel):
    with wire(shared_kernel, "iopub", zmq.SUB) as iopub:
        iopub.socket.setsockopt(zmq.SUBSCRIBE, b"")
        assert iopub.receive()["header"]["msg_type"] == "iopub_welcome"
        cell = shared_kernel.run('println!("for all"); 3')
        got = [iopub.receive()["header"]["msg_id"] for _ in cell.iopub]
        assert got == [message["header"]["msg_id"] for message in cell.iopub]


def test_ipc_carries_all_that_tcp_does(start_kernel):
    kernel = start_kernel(transport="ipc")
    assert json.loads((kernel.directory / "connection.json").read_text())["transport"] == "ipc"
    assert kernel.run('println!("by ipc"); tokio::spawn(async { 7 }).await.unwrap()').result == "7"
    cell = kernel.start('println!("on"); std::future::pending::<()>().await')
    cell.until(lambda cell: "on" in cell.stdout)
    kernel.request("interrupt_request", {}, channel="control")
    assert cell.finish().error["ename"] == "Interrupted"


@pytest.mark.parametrize("signature", [b"", b"0" * 64, b"not hex", b"\xff" * 64])
def test_a_wrong_signature_is_dropped_and_logged(kernel, signature):
    with wire(kernel, "shell") as shell:
        wrong = shell.message("kernel_info_request")
        wrong[1] = signature
        shell.socket.send_multipart(wrong)
        right = shell.message("kernel_info_request")
        shell.socket.send_multipart(right)
        reply = shell.receive()
        assert reply["parent_header"]["msg_id"] == json.loads(right[2])["msg_id"]
        assert kernel.run("1 + 1").result == "2"
        assert shell.socket.poll(0) == 0, "only the right one was answered"
    assert "signature" in kernel.log.lower()


def test_a_missing_signature_is_dropped(kernel):
    with wire(kernel, "shell") as shell:
        frames = shell.message("kernel_info_request")
        shell.socket.send_multipart([frames[0], *frames[2:]])
        shell.socket.send_multipart(shell.message("kernel_info_request"))
        goes_on(kernel, shell)
        assert shell.socket.poll(0) == 0


def odd_frames(one):
    """Messages that no client sends, by what is wrong with them."""
    good = json.dumps(header("kernel_info_request")).encode()
    return {
        "nothing": [b""],
        "no-delimiter": [b"hello", b"there"],
        "only-the-delimiter": [DELIMITER],
        "only-a-signature": [DELIMITER, b"0" * 64],
        "three-parts": one.signed(good, b"{}", b"{}"),
        "empty-parts": one.signed(b"", b"", b"", b""),
        "header-not-utf-8": one.signed(b"\xff\xfe", b"{}", b"{}", b"{}"),
        "header-not-json": one.signed(b"{", b"{}", b"{}", b"{}"),
        "header-not-an-object": one.signed(b"[1]", b"{}", b"{}", b"{}"),
        "header-without-type": one.signed(b'{"msg_id":"a"}', b"{}", b"{}", b"{}"),
        "header-type-not-text": one.signed(good.replace(b'"kernel_info_request"', b"7"), b"{}", b"{}", b"{}"),
        "parent-not-json": one.signed(good, b"?", b"{}", b"{}"),
        "metadata-not-an-object": one.signed(good, b"{}", b"7", b"{}"),
        "content-not-utf-8": one.signed(good, b"{}", b"{}", b'{"code":"\xff"}'),
        "content-not-json": one.signed(good, b"{}", b"{}", b"{"),
        "deep-json": one.signed(good, b"{}", b"{}", b"[" * 100_000),
    }


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
@pytest.mark.parametrize("kind", odd_frames(type("Unsigned", (), {"signed": lambda *parts: list(parts)})()))
def test_odd_frames(shared_kernel, channel, kind):
    with wire(shared_kernel, channel) as one:
        one.socket.send_multipart(odd_frames(one)[kind])
        if channel == "stdin":
            assert shared_kernel.run("1 + 1").result == "2"
            return
        last = one.message("kernel_info_request")
        one.socket.send_multipart(last)
        # Where the header could be read, there may be an error reply to the odd one first.
        reply = one.receive()
        if reply["parent_header"].get("msg_id") != json.loads(last[2])["msg_id"]:
            assert reply["content"]["status"] in ("error", "ok")
            reply = one.receive()
        assert reply["parent_header"]["msg_id"] == json.loads(last[2])["msg_id"]
        assert shared_kernel.run("1 + 1").result == "2"


@pytest.mark.parametrize("content", [{}, {"code": 7}, {"code": None}, {"code": "1", "silent": "maybe"}, [], "code"])
def test_an_execute_request_with_wrong_content_has_one_error_reply(kernel, content):
    with wire(kernel, "shell") as shell:
        shell.socket.send_multipart(shell.message("execute_request", content))
        shell.socket.send_multipart(shell.message("kernel_info_request"))
        reply = shell.receive()
        assert reply["header"]["msg_type"] == "execute_reply"
        assert reply["content"]["status"] == "error"
        assert {"ename", "evalue", "traceback"} <= set(reply["content"])
        goes_on(kernel, shell)


REQUESTS = {
    "kernel_info": {},
    "is_complete": {"code": "1"},
    "complete": {"code": "st", "cursor_pos": 2},
    "inspect": {"code": "st", "cursor_pos": 2, "detail_level": 0},
    "history": {"output": False, "raw": True, "hist_access_type": "tail", "n": 1},
    "comm_info": {},
    "connect": {},
    "debug": {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}},
    "create_subshell": {},
    "usage": {},
    "dance": {"partner": "anybody"},
    "löwe": {},
    "": {},
    "x" * 10_000: {},
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_gets_exactly_one_reply(shared_kernel, name):
    cell = shared_kernel.request(f"{name}_request", REQUESTS[name]).finish()
    assert cell.reply["status"] in ("ok", "error") or name == "is_complete"
    # A second reply would come before the one to the next request.
    shared_kernel.request("kernel_info_request", {}).finish()
    assert len(cell.shell) == 1


@pytest.mark.parametrize("msg_type", ["comm_open", "comm_msg", "comm_close", "input_reply", "status", "hello"])
def test_messages_that_are_no_requests(shared_kernel, msg_type):
    shared_kernel.send(msg_type, {"comm_id": "1", "target_name": "nobody", "data": {}, "value": "x"})
    assert shared_kernel.run("1 + 1").result == "2"


def test_a_large_message_is_read(kernel):
    text = "é" * 5_000_000
    cell = kernel.request("kernel_info_request", {"padding": text}).finish()
    assert cell.reply["status"] == "ok"


# ZMTP 3.0: signature, version, the NULL mechanism, as a client; then the READY command.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\x00") + bytes(32)


def ready(socket_type):
    command = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(socket_type)) + socket_type
    return bytes([4, len(command)]) + command


READY = ready(b"DEALER")

BAD_BYTES = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(1000),
    "half-a-greeting": GREETING[:20],
    "unknown-mechanism": GREETING.replace(b"NULL", b"CURV"),
    "no-ready": GREETING + b"\x00\x05hello",
    # What the socket crate cannot allocate ends the process: docs/design/frontends.md tells.
    "a-frame-of-a-gigabyte": GREETING + READY + b"\x02" + struct.pack(">Q", 1 << 30) + b"some bytes",
    "a-frame-of-negative-size": GREETING + READY + b"\x02" + b"\xff" * 8 + b"some bytes",
    "a-short-frame-cut-off": GREETING + READY + b"\x00\xffonly this",
    "reserved-flags": GREETING + READY + b"\xf8\x01a",
}


@pytest.mark.parametrize("channel", ["shell", "control", "iopub", "stdin", "hb"])
@pytest.mark.parametrize("kind", BAD_BYTES)
def test_bytes_that_are_not_zeromq(shared_kernel, channel, kind):
    with wire(shared_kernel, channel) as one, one.plain_connection() as connection:
        # The kernel closes the connection or leaves it: either way it goes on.
        with suppress(OSError):
            connection.sendall(BAD_BYTES[kind])
            connection.shutdown(1)
        assert shared_kernel.run("1 + 1").result == "2"
    with wire(shared_kernel, "hb", zmq.REQ) as heartbeat:
        heartbeat.socket.send(b"alive")
        assert heartbeat.socket.recv() == b"alive"


def test_clients_come_and_go_at_once(shared_kernel):
    beat = b"\x01\x00\x00\x05alive"

    def come_and_go(heartbeat):
        for _ in range(300):
            with heartbeat.plain_connection() as connection, connection.makefile("rb") as answers:
                connection.sendall(GREETING + ready(b"REQ") + beat)
                greeting_and_ready = answers.read(64), answers.read(answers.read(2)[1])
                assert all(greeting_and_ready)
                assert answers.read(len(beat)) == beat

    with wire(shared_kernel, "hb", zmq.REQ) as heartbeat, ThreadPoolExecutor(6) as clients:
        for done in [clients.submit(come_and_go, heartbeat) for _ in range(6)]:
            done.result()
        heartbeat.socket.send(b"alive")
        assert heartbeat.socket.recv() == b"alive"
