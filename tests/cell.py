"""A request of a test's and what it was answered: replies, outputs, questions. How messages come is not known here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import transcript
from transcript import Message

if TYPE_CHECKING:
    from kernel import Kernel

# What is left in a cell that was asked and has told what it was told.
ASK = 'let answer = kissaten::input("Name? ").await?;\nanswer'
READ = "let mut line = String::new();\nlet count = std::io::stdin().read_line(&mut line)?;\n(count, line)"


@dataclass
class Cell:
    """One request and all that was received for it so far."""

    kernel: Kernel
    request: Message
    iopub: list[Message] = field(default_factory=list)
    shell: list[Message] = field(default_factory=list)
    stdin: list[Message] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        # Tasks of the cell may print after that, and be heard before the reply is.
        idle = any(message["content"].get("execution_state") == "idle" for message in self.iopub)
        return idle and bool(self.shell)

    @property
    def reply(self) -> dict[str, Any]:
        return self.shell[0]["content"]

    @property
    def count(self) -> int | None:
        return self.reply.get("execution_count")

    def stream(self, name: str) -> str:
        """All text of one stream so far."""
        return "".join(
            message["content"]["text"]
            for message in self.iopub
            if message["msg_type"] == "stream" and message["content"]["name"] == name
        )

    @property
    def stdout(self) -> str:
        return self.stream("stdout")

    @property
    def stderr(self) -> str:
        return self.stream("stderr")

    @property
    def error(self) -> dict[str, Any] | None:
        """The content of the cell's `error` message."""
        return next((message["content"] for message in self.iopub if message["msg_type"] == "error"), None)

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The content of every question that the user was asked so far."""
        return [message["content"] for message in self.stdin]

    def asks(self, count: int = 1) -> dict[str, Any]:
        """Receives messages until that many questions were asked; the content of the last one."""
        self.until(lambda cell: len(cell.stdin) >= count)
        assert len(self.stdin) == count, self.questions
        return self.questions[-1]

    def answer(self, value: Any, *, question: int = -1, named: bool = True) -> None:
        """Answers a question: as JupyterLab does, which names it in the parent header, or as the console, which does not."""
        content = value if isinstance(value, dict) else {"value": value}
        parent = self.stdin[question] if named else None
        self.kernel.say("stdin", "input_reply", content, parent=parent)

    @property
    def shown(self) -> str:
        """All text that the cell shows, without colours."""
        return "\n".join(line for line in self.transcript if not transcript.is_frame(line))

    @property
    def result(self) -> str | None:
        """The `text/plain` of the cell's `execute_result`."""
        for message in self.iopub:
            if message["msg_type"] == "execute_result":
                return message["content"]["data"]["text/plain"]
        return None

    @property
    def transcript(self) -> list[str]:
        return transcript.of_cell(self.iopub, self.shell)

    def until(self, condition: Callable[[Cell], bool]) -> Cell:
        """Receives messages until the condition holds for this cell, which must happen before the cell ends."""
        while not condition(self):
            assert not self.ended, "the cell ended first:\n" + "\n".join(self.transcript)
            self.kernel.receive()
        return self

    def finish(self) -> Cell:
        """Receives messages until the cell has its reply and is idle, and checks the whole."""
        while not self.ended:
            self.kernel.receive()
        self.kernel.check_cell(self)
        return self

    def matches(self, *expected: str) -> None:
        """Asserts that the transcript is as expected."""
        got = self.transcript
        assert transcript.matches(list(expected), got, self.count), "the transcript is\n" + "\n".join(got)
