"""Where the outputs of Rust cells are shown: under the Python cell that they belong to, or on a terminal.

A sink is made when a cell begins and lives as long as anything of that cell prints. It knows how IPython publishes, and
nothing of Rust.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

#: The messages of a kernel that are outputs of a cell.
OUTPUTS = frozenset({"stream", "display_data", "update_display_data", "execute_result", "clear_output"})


class Sink(Protocol):
    """Takes the outputs of one cell, from any thread."""

    def publish(self, message: dict[str, Any]) -> None:
        """Shows the message of a kernel, one of `OUTPUTS`."""


class KernelSink:
    """Publishes under a cell of the notebook, also when others have run since: by its request as the parent."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        try:
            self._parent = kernel.get_parent("shell")
        except (AttributeError, TypeError):  # ipykernel 5
            self._parent = kernel._parent_header

    @property
    def cell_id(self) -> str | None:
        """The frontend's name for the cell, which stays when it is run again."""
        metadata = self._parent.get("metadata") if isinstance(self._parent, dict) else None
        return (metadata or {}).get("cellId")

    def publish(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], dict(message["content"])
        if kind == "execute_result":
            # `Out[n]` is Python's; a Rust value is shown and not stored there.
            kind = "display_data"
            content = {"data": content["data"], "metadata": content.get("metadata", {}), "transient": {}}
        topic = f"stream.{content['name']}" if kind == "stream" else f"kernel.{self._kernel.ident}.{kind}"
        self._kernel.session.send(
            self._kernel.iopub_socket,
            kind,
            content,
            parent=self._parent,
            ident=topic.encode(),
            metadata=message.get("metadata") or {},
            buffers=message.get("buffers") or None,
        )


class TerminalSink:
    """Writes the text of outputs to Python's own streams."""

    cell_id = None

    def publish(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            stream = sys.stderr if content["name"] == "stderr" else sys.stdout
            stream.write(content["text"])
            stream.flush()
        elif message["msg_type"] != "clear_output":
            text = content.get("data", {}).get("text/plain")
            if text:
                print(text, flush=True)


def sink(shell: Any) -> KernelSink | TerminalSink:
    """The sink of the cell that runs now."""
    kernel = getattr(shell, "kernel", None)
    return KernelSink(kernel) if kernel is not None else TerminalSink()
