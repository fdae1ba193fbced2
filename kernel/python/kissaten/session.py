"""The Kissaten kernel behind the Rust cells of a Python notebook: its life, its requests, and whose output is whose.

All sockets belong to one thread with an event loop of its own, so Python's thread and loop stay free, and what tasks print
when no cell runs is heard at once. It knows the messaging protocol, and neither magics nor values.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from . import values
from .errors import RustError, RustInterrupted
from .sink import OUTPUTS, KernelSink, TerminalSink

NAME = "kissaten"
#: Seconds for a kernel to say that it is there: it builds nothing before that.
READY = 60
#: Of how many requests that have ended the outputs of their tasks are still told apart.
REMEMBERED = 1_000


@dataclass
class Run:
    """One request and what became of it.

    `events` is for the thread that waits: ("question", content), then at last ("done", None).
    """

    sink: KernelSink | TerminalSink
    #: Whether the value of a cell is shown like a display.
    shows_value: bool = True
    events: queue.SimpleQueue[tuple[str, Any]] = field(default_factory=queue.SimpleQueue)
    reply: concurrent.futures.Future[dict[str, Any]] = field(default_factory=concurrent.futures.Future)
    value: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    #: The reply, which is passed on when all outputs have come.
    _content: dict[str, Any] | None = None
    _idle: bool = False
    #: Whether the kernel has it; whether its turn has begun; whether it is to be interrupted as soon as that is so.
    _sent: bool = False
    _begun: bool = False
    _unwanted: bool = False
    #: Called with each question where nobody reads `events`.
    ask: Callable[[Run, dict[str, Any]], None] | None = None

    def settle(self) -> None:
        """Ends the run when its reply and its `idle` are there, in whichever order they came."""
        if self._idle and self._content is not None and not self.reply.done():
            self.reply.set_result(self._content)
            self.events.put(("done", None))

    def fail(self, error: BaseException) -> None:
        """Ends the run without a reply."""
        if not self.reply.done():
            self.reply.set_exception(error)
            self.events.put(("done", None))


class Session:
    """A Rust kernel, started by the first request and started anew after its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kissaten", daemon=True)
        self._thread.start()
        self._manager: AsyncKernelManager | None = None
        self._client: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._runs: dict[str, Run] = {}
        self._starting: asyncio.Lock | None = None
        self._folder: Path | None = None
        #: What is passed by value; forgotten with the kernel.
        self.passed: dict[str, str] = {}
        atexit.register(self.close)

    # For Python's thread.

    def submit(self, run: Run, code: str, **request: Any) -> Run:
        """Sends an `execute_request`; the run ends whatever happens."""
        future = self._call(self._execute(run, code, request))
        future.add_done_callback(lambda done: done.exception() and run.fail(done.exception()))
        return run

    def interrupt(self, run: Run) -> None:
        """Interrupts a run, also one whose turn has not come; the second time ends what does not heed the first."""
        self._call(self._interrupt(run))

    def answer(self, text: str) -> None:
        """Answers the question that was asked last."""
        self._call(self._answer(text))

    def write(self, name: str, data: bytes) -> None:
        """Puts bytes where the kernel can read them.

        Raises OSError when there is no room.
        """
        path = self._values() / name
        path.write_bytes(data)

    def restart(self) -> None:
        """Ends the kernel with all variables and tasks; the next request starts another one."""
        self._call(self._stop()).result()

    def close(self) -> None:
        """Ends the kernel and the thread."""
        atexit.unregister(self.close)
        if not self._thread.is_alive():
            return
        try:
            self._call(self._stop()).result(timeout=10)
        except (Exception, concurrent.futures.TimeoutError):
            # Python ends: the kernel watches for that, and follows by itself.
            pass
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def _call(self, work: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _values(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kissaten-python-"))
        return self._folder

    # In the session's own thread.

    async def _execute(self, run: Run, code: str, request: dict[str, Any]) -> None:
        await self._start()
        if run._unwanted:
            return
        client = self._client
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": False,
            **request.get("content", {}),
        }
        message = client.session.msg("execute_request", content, metadata=request.get("metadata") or {})
        self._remember(message["header"]["msg_id"], run)
        client.shell_channel.send(message)
        run._sent = True

    def _remember(self, msg_id: str, run: Run) -> None:
        self._runs[msg_id] = run
        ended = [msg_id for msg_id, each in self._runs.items() if each.reply.done()]
        for old in ended[: max(0, len(ended) - REMEMBERED)]:
            del self._runs[old]

    async def _start(self) -> None:
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._client is not None:
                return
            try:
                KernelSpecManager().get_kernel_spec(NAME)
            except NoSuchKernel:
                raise RustError("NoKernel", "the kernel `kissaten` is not installed here: `pip install kissaten`") from None
            manager = AsyncKernelManager(kernel_name=NAME)
            environment = {**os.environ, values.FOLDER: str(self._values())}
            try:
                await manager.start_kernel(env=environment)
                client = manager.client()
                client.start_channels()
                await client.wait_for_ready(timeout=READY)
            except Exception as error:
                if manager.has_kernel:
                    await manager.shutdown_kernel(now=True)
                raise RustError("NoKernel", f"the Rust kernel could not be started: {error}") from error
            self._manager, self._client = manager, client
            listen = (self._iopub(client), self._shell(client), self._stdin(client), self._watch(manager))
            self._tasks = [self._loop.create_task(each) for each in listen]

    async def _stop(self) -> None:
        manager, client, tasks = self._manager, self._client, self._tasks
        self._manager, self._client, self._tasks = None, None, []
        self.passed.clear()
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not asyncio.current_task()), return_exceptions=True)
        if client is not None:
            client.stop_channels()
        if manager is not None and manager.has_kernel:
            await manager.shutdown_kernel()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        runs, self._runs = self._runs, {}
        for run in runs.values():
            run.fail(RustError("KernelEnded", "the Rust kernel was ended while the cell ran"))

    async def _interrupt(self, run: Run) -> None:
        run._unwanted = True
        if not run._sent:
            run.fail(RustInterrupted("Interrupted", "before it began"))
        elif run._begun and not run.reply.done() and self._manager is not None:
            await self._manager.interrupt_kernel()

    async def _answer(self, text: str) -> None:
        if self._client is not None:
            self._client.input(text)

    async def _iopub(self, client: Any) -> None:
        while True:
            message = await client.get_iopub_msg(timeout=None)
            run = self._runs.get(message.get("parent_header", {}).get("msg_id", ""))
            kind, content = message["msg_type"], message["content"]
            if run is None:
                continue
            if kind == "error":
                run.error = content
            elif kind == "status":
                await self._status(run, content.get("execution_state"))
            elif kind == "execute_result" and not run.shows_value:
                run.value = content
            elif kind in OUTPUTS:
                if kind == "execute_result":
                    run.value = content
                self._publish(run, message)

    async def _status(self, run: Run, state: str) -> None:
        if state == "busy" and not run._begun:
            run._begun = True
            if run._unwanted:
                await self._interrupt(run)
        elif state == "idle":
            run._idle = True
            run.settle()

    @staticmethod
    def _publish(run: Run, message: dict[str, Any]) -> None:
        try:
            run.sink.publish(message)
        except Exception:
            # What cannot be shown must not keep what comes behind it from being heard.
            logging.getLogger(__name__).exception("an output of a Rust cell could not be shown")

    async def _shell(self, client: Any) -> None:
        while True:
            message = await client.get_shell_msg(timeout=None)
            run = self._runs.get(message.get("parent_header", {}).get("msg_id", ""))
            if run is not None and message["msg_type"] == "execute_reply":
                run._content = message["content"]
                run.settle()

    async def _stdin(self, client: Any) -> None:
        while True:
            message = await client.get_stdin_msg(timeout=None)
            run = self._runs.get(message.get("parent_header", {}).get("msg_id", ""))
            if message["msg_type"] != "input_request":
                continue
            if run is not None and run.ask is not None:
                run.ask(run, message["content"])
            elif run is not None and not run.reply.done():
                run.events.put(("question", message["content"]))
            else:
                # A task asks whose cell has ended: Python has no prompt of its own for it.
                self._client.input("")

    async def _watch(self, manager: AsyncKernelManager) -> None:
        while await manager.is_alive():
            await asyncio.sleep(0.5)
        await self._stop()
