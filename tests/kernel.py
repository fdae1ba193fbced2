"""A running kernel as the tests see it: every message is checked as it arrives, and nothing may be left at the end.

The kernel is started by its kernelspec, through jupyter_client, with a PATH on which there is no cargo. Waiting means
waiting for a message or for the end of the kernel's process, whichever comes first; nothing here sleeps.
"""

from __future__ import annotations

import os
import select
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_kernel_test import msgspec_v5

from cell import Cell
from transcript import Message

# How long to wait for anything before the kernel counts as hung. No test measures time with it.
HANG = 300.0

# Every process of a kernel inherits this variable, so that those it leaves behind can be found.
MARK = "KISSATEN_TEST_KERNEL"

_HEADER_FIELDS = {"msg_id", "username", "session", "date", "msg_type", "version"}


def marked_processes(mark: str) -> list[psutil.Process]:
    """The living processes that were started with this mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def still_running(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Waits for the processes to end; those that have not within this time."""
    deadline = time.monotonic() + seconds
    left = []
    for process in processes:
        try:
            pidfd = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([pidfd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                left.append(process)
        finally:
            os.close(pidfd)
    return left


class KernelDied(AssertionError):
    """The kernel's process ended while a test waited for a message."""


@dataclass
class Installation:
    """What `install.sh --prefix` made, and the environment in which it was made."""

    prefix: Path
    environment: dict[str, str]

    @property
    def binary(self) -> Path:
        return self.prefix / "bin" / "kissaten"

    @property
    def kernels(self) -> Path:
        return self.prefix / "share" / "jupyter" / "kernels"


class Kernel:
    def __init__(
        self,
        installation: Installation,
        directory: Path,
        *,
        transport: str = "tcp",
        kernels: Path | None = None,
        environment: dict[str, str] | None = None,
        path: str = "/usr/bin:/bin",
    ) -> None:
        self.installation = installation
        self.directory = directory
        self.temporary = directory / "tmp"
        self.temporary.mkdir(parents=True)
        self._mark = uuid.uuid4().hex
        self.manager = KernelManager(
            kernel_name="kissaten",
            transport=transport,
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels or installation.kernels)]),
            connection_file=str(directory / "connection.json"),
        )
        if transport == "ipc":
            # The path of a socket must be short.
            self._sockets_directory = tempfile.TemporaryDirectory(prefix="kissaten-", dir="/tmp")
            self.manager.ip = str(Path(self._sockets_directory.name) / "socket")
        self.environment = {
            **installation.environment,
            "PATH": path,
            "TMPDIR": str(self.temporary),
            MARK: self._mark,
            **(environment or {}),
        }
        self._ids: set[str] = set()
        self._cells: dict[str, Cell] = {}
        self._session: str | None = None
        self._count = 0
        # Messages without a parent: the kernel's own `starting` and the welcome message.
        self.orphans: list[Message] = []
        self.control: list[Message] = []
        try:
            self._start_on_free_ports()
        except BaseException:
            # Whatever test collects a client that is left open waits for its sockets for ever.
            self.close()
            raise

    # The process.

    def _start_on_free_ports(self, tries: int = 3) -> None:
        """Jupyter chooses ports that are free at that moment; before the kernel listens, another lane's may have taken one."""
        try:
            self._start()
        except KernelDied:
            if tries == 1 or "Address already in use" not in self.log:
                raise
            self._let_go()
            # That of the process has chosen, and the file says it.
            self.manager.provisioner = None
            self.manager.cleanup_connection_file()
            self._start_on_free_ports(tries - 1)

    def _let_go(self) -> None:
        """Forgets a process that has ended."""
        self.client.stop_channels()
        os.close(self._pidfd)
        self.manager.cleanup_resources(restart=True)
        self._session, self._count, self.orphans = None, 0, []

    def _start(self) -> None:
        log = (self.directory / "kernel.log").open("ab")
        with log:
            self.manager.start_kernel(env=self.environment, cwd=str(self.directory), stderr=log)
        self.client = self.manager.blocking_client()
        self.client.start_channels(hb=False)
        self.pid: int = self.manager.provisioner.pid
        self._pidfd = os.pidfd_open(self.pid)
        self._poller = zmq.Poller()
        self._sockets = {
            "iopub": self.client.iopub_channel.socket,
            "shell": self.client.shell_channel.socket,
            "control": self.client.control_channel.socket,
            "stdin": self.client.stdin_channel.socket,
        }
        for socket in self._sockets.values():
            self._poller.register(socket, zmq.POLLIN)
        self._poller.register(self._pidfd, zmq.POLLIN)
        # After its welcome a subscriber misses nothing.
        while not any(message["msg_type"] == "iopub_welcome" for message in self.orphans):
            self.receive()
        self.request("kernel_info_request", {}).finish()

    @property
    def log(self) -> str:
        """What the kernel's process wrote to its own stderr."""
        return (self.directory / "kernel.log").read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """All living processes of this kernel, wherever in the process tree they are."""
        return marked_processes(self._mark)

    def interrupt(self) -> None:
        """Interrupts by message, as frontends do."""
        assert self.request("interrupt_request", {}, channel="control").finish().reply == {"status": "ok"}

    def interrupt_by_signal(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def wait_for_end(self) -> int:
        """Waits until the kernel's process has ended; its exit code."""
        assert not still_running([psutil.Process(self.pid)], HANG), "the kernel's process does not end"
        return self.manager.provisioner.process.wait()

    def stop(self) -> None:
        """Shuts the kernel down as a frontend does, and fails if anything is left of it."""
        if self.manager.provisioner.process.poll() is None:
            self._expect_silence()
            self.request("shutdown_request", {"restart": False}, channel="control", wait=False)
            exit_code = self.wait_for_end()
            assert exit_code == 0, f"the kernel's exit code is {exit_code}\n{self.log}"
        self.check_nothing_left()

    def _expect_silence(self) -> None:
        """No request had more than one reply: whatever was sent on shell before this reply would be here by now."""
        self.request("kernel_info_request", {}).finish()
        for cell in self._cells.values():
            assert len(cell.shell) <= 1, f"{len(cell.shell)} replies to {cell.request['header']['msg_type']}"

    def close(self) -> None:
        """Ends what still runs of the kernel, also after a failed test."""
        for process in self.processes():
            process.kill()
        self.manager.provisioner.process.wait()
        self.client.stop_channels()
        os.close(self._pidfd)
        self.manager.cleanup_resources()
        self.manager.context.destroy(linger=0)

    def check_nothing_left(self) -> None:
        # What the kernel ended may take a moment to be gone, but not more.
        left = still_running(self.processes(), 10)
        assert not left, f"processes are left: {[process.cmdline() for process in left]}"
        files = sorted(str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*"))
        assert not files, f"temporary files are left: {files}"

    # Messages.

    def cells(self) -> list[Cell]:
        """All requests so far."""
        return list(self._cells.values())

    def send(
        self,
        msg_type: str,
        content: dict[str, Any],
        *,
        channel: str = "shell",
        metadata: Any = None,
        subshell: str | None = None,
        buffers: list[bytes] | None = None,
    ) -> Cell:
        request = self.client.session.msg(msg_type, content, metadata=metadata)
        if subshell is not None:
            request["header"]["subshell_id"] = subshell
        cell = self._cells[request["header"]["msg_id"]] = Cell(self, request)
        self.client.session.send(self._sockets[channel], request, buffers=buffers)
        return cell

    def say(self, channel: str, msg_type: str, content: dict[str, Any], *, parent: Message | None = None) -> None:
        """Sends a message that nothing is received for."""
        self.client.session.send(self._sockets[channel], msg_type, content, parent=parent)

    def request(
        self, msg_type: str, content: dict[str, Any], *, channel: str = "shell", wait: bool = True
    ) -> Cell:
        """Sends a request; its reply is checked and, unless told otherwise, waited for."""
        cell = self.send(msg_type, content, channel=channel)
        while wait and not cell.shell:
            self.receive()
        return cell

    def start(
        self,
        code: str,
        *,
        silent: bool = False,
        store_history: bool = True,
        stop_on_error: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
        cell_id: str | None = None,
    ) -> Cell:
        """Sends a cell without waiting for it."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": store_history,
            "user_expressions": user_expressions or {},
            "allow_stdin": allow_stdin,
            "stop_on_error": stop_on_error,
        }
        return self.send("execute_request", content, metadata={"cellId": cell_id} if cell_id else None)

    def run(self, code: str, **options: Any) -> Cell:
        """Runs a cell to its end."""
        return self.start(code, **options).finish()

    def ok(self, code: str, **options: Any) -> Cell:
        """Runs a cell that has to succeed."""
        cell = self.run(code, **options)
        assert cell.reply["status"] == "ok", "\n".join(cell.transcript)
        return cell

    def fails(self, code: str, **options: Any) -> Cell:
        """Runs a cell that has to end with an error."""
        cell = self.run(code, **options)
        assert cell.reply["status"] == "error", "\n".join(cell.transcript)
        return cell

    def receive(self) -> Message:
        """Waits for the next message on any channel and files it under its request."""
        deadline = time.monotonic() + HANG
        while True:
            ready = dict(self._poller.poll(max(0.0, deadline - time.monotonic()) * 1000))
            assert ready, f"no message for {HANG:.0f} s; the kernel's log:\n{self.log}"
            for channel, socket in self._sockets.items():
                if socket in ready:
                    _, message = self.client.session.recv(socket, zmq.NOBLOCK)
                    if message is not None:
                        self._file(channel, message)
                        return message
            if self._pidfd in ready:
                raise KernelDied(f"the kernel ended; its log:\n{self.log}")

    def _file(self, channel: str, message: Message) -> None:
        message["channel"] = channel
        self._check_message(message)
        if channel == "control":
            self.control.append(message)
        parent = message["parent_header"].get("msg_id")
        if parent is None:
            self.orphans.append(message)
            return
        if parent not in self._cells:
            assert channel == "iopub", "only iopub tells of other clients' requests"
            return
        cell = self._cells[parent]
        assert {key: message["parent_header"][key] for key in ("msg_id", "session", "msg_type")} == {
            key: cell.request["header"][key] for key in ("msg_id", "session", "msg_type")
        }, "the parent header is the request's header"
        {"iopub": cell.iopub, "stdin": cell.stdin}.get(channel, cell.shell).append(message)

    def _check_message(self, message: Message) -> None:
        header = message["header"]
        assert set(header) >= _HEADER_FIELDS, header
        assert header["msg_id"] not in self._ids, "every message has its own id"
        self._ids.add(header["msg_id"])
        assert header["session"] != self.client.session.session, "the kernel has a session id of its own"
        assert self._session in (None, header["session"]), "the kernel's session id stays the same"
        self._session = header["session"]
        assert (message["channel"] == "stdin") == (header["msg_type"] == "input_request"), header["msg_type"]
        assert header["version"].split(".")[0] == "5", header["version"]
        assert isinstance(header["date"], datetime) and header["date"].tzinfo is not None, header["date"]
        # The schemas do not know the status that ipykernel and others give to cells that were not run.
        aborted = message["content"].get("status") == "aborted"
        # They want a number for `password`, where the spec and all kernels have a boolean.
        question = header["msg_type"] == "input_request"
        assert not question or {"prompt": str, "password": bool} == {k: type(v) for k, v in message["content"].items()}
        if header["msg_type"] in msgspec_v5.schema_fragments and not aborted and not question:
            msgspec_v5.validate_message(message, header["msg_type"])

    def check_cell(self, cell: Cell) -> None:
        """What holds for every request that was answered, and for every cell that was run."""
        states = [m["content"]["execution_state"] for m in cell.iopub if m["msg_type"] == "status"]
        assert states == ["busy", "idle"], states
        assert cell.iopub[0]["msg_type"] == "status", "busy comes first"
        assert len(cell.shell) == 1, "one reply"
        request = cell.request
        assert cell.shell[0]["msg_type"] == request["msg_type"].removesuffix("_request") + "_reply"
        if request["msg_type"] == "execute_request":
            self._check_execution(cell, request["content"])

    def _check_execution(self, cell: Cell, content: dict[str, Any]) -> None:
        counted = content["store_history"] and not content["silent"]
        ran = cell.reply["status"] == "ok" or cell.error is not None
        self._count += counted and ran
        assert cell.count == self._count, f"the execution count is {cell.count} instead of {self._count}"
        inputs = [m["content"] for m in cell.iopub if m["msg_type"] == "execute_input"]
        if content["silent"]:
            assert not inputs, "a silent cell has no execute_input"
        elif ran:
            assert inputs == [{"code": content["code"], "execution_count": self._count}], inputs
            assert cell.iopub[1]["msg_type"] == "execute_input", "the input comes right after busy"
        for message in cell.iopub:
            if message["msg_type"] == "execute_result":
                assert message["content"]["execution_count"] == self._count
        errors = [m["content"] for m in cell.iopub if m["msg_type"] == "error"]
        if cell.reply["status"] == "error" and ran:
            [error] = errors
            assert all(cell.reply[key] == error[key] for key in ("ename", "evalue", "traceback"))
        else:
            assert not errors, errors

    def restart(self) -> None:
        """Restarts as a frontend does: shutdown with `restart`, then the process again."""
        reply = self.request("shutdown_request", {"restart": True}, channel="control").reply
        assert reply == {"status": "ok", "restart": True}
        self.wait_for_end()
        self.check_nothing_left()
        self._let_go()
        self._start()


@contextmanager
def running(installation: Installation, directory: Path, **options: Any) -> Iterator[Kernel]:
    """A kernel that is shut down and checked at the end, and ended at any rate."""
    kernel = Kernel(installation, directory, **options)
    try:
        yield kernel
        kernel.stop()
    finally:
        kernel.close()
