"""Jupyter's wire protocol by hand, for what a well-behaved client would never send."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import zmq

from kernel import HANG, Kernel

DELIMITER = b"<IDS|MSG>"


def header(msg_type: str) -> dict[str, Any]:
    return {
        "msg_id": uuid.uuid4().hex,
        "session": uuid.uuid4().hex,
        "username": "tester",
        "date": datetime.now(UTC).isoformat(),
        "msg_type": msg_type,
        "version": "5.3",
    }


def sign(key: str, parts: list[bytes]) -> bytes:
    digest = hmac.new(key.encode(), digestmod=hashlib.sha256)
    for part in parts:
        digest.update(part)
    return digest.hexdigest().encode()


class Wire:
    """One raw socket to a channel of a running kernel."""

    def __init__(self, kernel: Kernel, channel: str, socket_type: int) -> None:
        self._info = json.loads((kernel.directory / "connection.json").read_text())
        self.key: str = self._info["key"]
        self._context = zmq.Context()
        self.socket = self._context.socket(socket_type)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, int(HANG * 1000))
        self._address = self._info["ip"], self._info[f"{channel}_port"]

    def connect(self) -> Wire:
        self.socket.connect("tcp://{}:{}".format(*self._address))
        return self

    def plain_connection(self) -> socket.socket:
        """A TCP connection to the same port, without ZeroMQ."""
        return socket.create_connection(self._address, timeout=HANG)

    def close(self) -> None:
        self._context.destroy()

    def signed(self, *parts: bytes) -> list[bytes]:
        return [DELIMITER, sign(self.key, list(parts)), *parts]

    def message(self, msg_type: str, content: Any = None) -> list[bytes]:
        """The frames of a well-formed message."""
        parts = [header(msg_type), {}, {}, {} if content is None else content]
        return self.signed(*(json.dumps(part).encode() for part in parts))

    def receive(self) -> dict[str, Any]:
        """The next message, whose signature has to be right."""
        frames = self.socket.recv_multipart()
        at = frames.index(DELIMITER)
        signature, parts = frames[at + 1], frames[at + 2 : at + 6]
        assert signature == sign(self.key, parts)
        names = ("header", "parent_header", "metadata", "content")
        return {"identities": frames[:at], **dict(zip(names, map(json.loads, parts), strict=True))}


@contextmanager
def wire(kernel: Kernel, channel: str, socket_type: int = zmq.DEALER) -> Iterator[Wire]:
    one = Wire(kernel, channel, socket_type)
    try:
        yield one.connect()
    finally:
        one.close()
