"""What goes wrong in a Rust cell, as exceptions of Python. They know nothing of kernels or messages."""

from __future__ import annotations


class RustError(Exception):
    """A Rust cell that did not end well: a compile error, an error of a `?`, a panic, an interrupt, or the kernel's end.

    `ename` and `evalue` are those of the kernel's `error` message; `rendered` is the text for people, with colours.
    """

    def __init__(self, ename: str, evalue: str, rendered: list[str] | None = None) -> None:
        super().__init__(f"{ename}: {evalue}" if evalue else ename)
        self.ename = ename
        self.evalue = evalue
        self.rendered = list(rendered or [])

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in the place of a traceback, which would show nothing but our own code."""
        text = "\n".join(self.rendered) or str(self)
        return text.splitlines()


class RustInterrupted(RustError, KeyboardInterrupt):
    """A Rust cell that was interrupted; for Python's own code it is a `KeyboardInterrupt`."""


class ValueNotPassed(TypeError):
    """A value that cannot go from one language to the other; the message says which and why."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]
