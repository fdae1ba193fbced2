"""What a person types: `%%rust`, `%rust_restart`, `%rust_vars`, and `await rust.run(…)` in async Python.

It knows IPython, and of the kernel only that a `Session` runs code.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from . import values
from .errors import RustError, RustInterrupted, ValueNotPassed
from .session import Run, Session
from .sink import sink


class Result:
    """The value that a Rust cell ended with: `data` by MIME type, `text`, and `value` where it is JSON or a plain literal."""

    def __init__(self, content: Mapping[str, Any] | None, outputs: Mapping[str, Any]) -> None:
        self.data: dict[str, Any] = dict((content or {}).get("data", {}))
        self.metadata: dict[str, Any] = dict((content or {}).get("metadata", {}))
        #: What was asked for with `outputs`, by name.
        self.outputs = dict(outputs)

    @property
    def text(self) -> str | None:
        """The value as text; None for a cell that ends without one."""
        return self.data.get("text/plain")

    @property
    def value(self) -> Any:
        """The value for Python: of JSON what it says, of a number, text or bool itself; else the text."""
        if "application/json" in self.data:
            return self.data["application/json"]
        try:
            return json.loads(self.text or "null")
        except ValueError:
            return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.data, self.metadata

    def __repr__(self) -> str:
        return self.text or "()"


class Rust:
    """The Rust side of a notebook, under the name `rust` there."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._session = Session()

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, outputs: Iterable[str] = ()) -> Result:
        """Runs Rust code while Python's event loop goes on; what it prints stands under the present cell.

        `inputs` are values by the name that they get in Rust, `outputs` names of variables that come back. Runs wait for
        one another; what they spawn runs side by side with Python's own tasks.

        Raises `RustError` for whatever goes wrong in Rust, `ValueNotPassed` for what cannot be passed.

        Cancel safety: a cancelled run is interrupted in Rust, too, and its variables stay.
        """
        loop = asyncio.get_running_loop()
        where = sink(self._shell)

        def ask(run: Run, content: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(self._ask, run, content)

        for each in [values.passed(name, value) for name, value in (inputs or {}).items()]:
            run = Run(where, ask=ask)
            self._send_value(run, each)
            await self._reply(run)
        names = list(outputs)
        run = Run(where, shows_value=False, ask=ask)
        self._session.submit(run, code, **self._request(where, names))
        reply = await self._reply(run)
        return Result(run.value, _outputs(names, reply))

    async def _reply(self, run: Run) -> dict[str, Any]:
        try:
            # The run goes on to its own end when nobody waits for it any more.
            reply = await asyncio.shield(asyncio.wrap_future(run.reply))
        except asyncio.CancelledError:
            self._session.interrupt(run)
            raise
        return _checked(run, reply)

    def run_cell(self, code: str, inputs: Mapping[str, Any], outputs: list[str]) -> dict[str, Any]:
        """Runs a cell to its end and shows its value; the values of `outputs`.

        Raises as `run` does.
        """
        sys.stdout.flush()
        where = sink(self._shell)
        for each in [values.passed(name, value) for name, value in inputs.items()]:
            run = Run(where)
            self._send_value(run, each)
            self._wait(run)
        run = Run(where)
        self._session.submit(run, code, **self._request(where, outputs))
        return _outputs(outputs, self._wait(run))

    def restart(self) -> None:
        """Ends the Rust kernel with its variables and tasks; the next cell starts another one."""
        self._session.restart()

    def close(self) -> None:
        """Ends the Rust kernel."""
        self._session.close()

    def _send_value(self, run: Run, value: values.Passed) -> None:
        self._session.write(value.file(), value.data)
        # A type that is defined anew would take older values of it away.
        same = self._session.passed.get(value.name) == value.code()
        code = value.code()[value.code().index("let mut ") :] if same else value.code()
        self._session.passed[value.name] = value.code()
        metadata = {"cellId": f"kissaten-value-{value.name}"} if not same else {}
        self._session.submit(run, code, content={"store_history": False}, metadata=metadata)

    @staticmethod
    def _request(where: Any, outputs: Iterable[str]) -> dict[str, Any]:
        for name in outputs:
            if not values.is_python_name(name):
                raise ValueNotPassed(f"`{name}` is no name for a variable in Python")
        expressions = {name: f"kissaten::Json(&{values.rust_name(name)})" for name in outputs}
        metadata = {"cellId": where.cell_id} if where.cell_id else {}
        return {"content": {"user_expressions": expressions}, "metadata": metadata}

    def _wait(self, run: Run) -> dict[str, Any]:
        """Waits for the end of a run, asks its questions, and passes each interrupt on."""
        while True:
            try:
                kind, content = run.events.get()
                if kind == "done":
                    break
                self._ask(run, content)
            except KeyboardInterrupt:
                self._session.interrupt(run)
        return _checked(run, run.reply.result())

    def _ask(self, run: Run, content: Mapping[str, Any]) -> None:
        prompt = content.get("prompt", "")
        try:
            text = getpass.getpass(prompt) if content.get("password") else input(prompt)
        except EOFError:
            text = ""
        except KeyboardInterrupt:
            self._session.interrupt(run)
            return
        self._session.answer(text)


def _checked(run: Run, reply: dict[str, Any]) -> dict[str, Any]:
    if reply["status"] == "ok":
        return reply
    error = run.error or reply
    ename, evalue = error.get("ename", "Aborted"), error.get("evalue", "")
    kind = RustInterrupted if ename == "Interrupted" else RustError
    raise kind(ename, evalue, error.get("traceback"))


def _outputs(names: Iterable[str], reply: Mapping[str, Any]) -> dict[str, Any]:
    """The values that came back, by name."""
    answers = reply.get("user_expressions", {})
    found = {}
    for name in names:
        answer = answers.get(name, {})
        if answer.get("status") != "ok" or "application/json" not in answer.get("data", {}):
            why = answer.get("evalue") or "its type has no `serde::Serialize`"
            raise ValueNotPassed(f"the Rust variable `{name}` cannot come to Python: {why}")
        found[name] = answer["data"]["application/json"]
    return found


def _names(lists: Iterable[str] | None) -> list[str]:
    return [name.strip() for each in lists or () for name in each.split(",") if name.strip()]


@magics_class
class RustMagics(Magics):
    """The magics of `%load_ext kissaten`."""

    def __init__(self, shell: Any, rust: Rust) -> None:
        super().__init__(shell)
        self._rust = rust

    @magic_arguments()
    @argument("-i", "--input", action="append", metavar="NAMES", help="Python variables that the cell gets, separated by commas")
    @argument("-o", "--output", action="append", metavar="NAMES", help="Rust variables that Python gets when the cell has ended")
    @argument("--timeline", action="store_true", help="draw when the cell's tasks ran and when they waited")
    @cell_magic
    def rust(self, line: str, cell: str) -> None:
        """Runs the cell in Rust.

        All Rust cells of the notebook share one tokio runtime: `.await` works at the top level, variables and items stay, and
        a task goes on when its cell has ended.
        """
        arguments = parse_argstring(self.rust, line)
        inputs = {}
        for name in _names(arguments.input):
            if name not in self.shell.user_ns:
                raise NameError(f"there is no Python variable `{name}`")
            inputs[name] = self.shell.user_ns[name]
        # The line of the magic counts, so that places in messages are those of the Python cell.
        head = "%%timeline\n" if arguments.timeline else "\n"
        outputs = self._rust.run_cell(head + cell, inputs, _names(arguments.output))
        self.shell.user_ns.update(outputs)

    @line_magic
    def rust_restart(self, line: str) -> None:
        """Ends the Rust kernel with its variables and tasks; the next Rust cell starts another one."""
        self._rust.restart()

    @line_magic
    def rust_vars(self, line: str) -> None:
        """Lists the variables of the Rust cells with their types and values."""
        self._rust.run_cell(":vars", {}, [])


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext kissaten` calls."""
    rust = Rust(shell)
    shell.register_magics(RustMagics(shell, rust))
    shell.push({"rust": rust}, interactive=False)


def unload_ipython_extension(shell: Any) -> None:
    """What `%unload_ext kissaten` calls."""
    rust = shell.user_ns.pop("rust", None)
    if isinstance(rust, Rust):
        rust.close()
