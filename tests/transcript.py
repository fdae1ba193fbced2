"""A cell's messages as lines that people can read, and how such lines are compared with what a test expects.

One message is one line, without the ids that differ from run to run:

    iopub status busy
    iopub execute_input [1]
    iopub stream stdout 'hello\\n'
    iopub execute_result [1] text/plain 7
    iopub status idle
    shell execute_reply ok [1]

Text of several lines and tracebacks stand below their message, behind a bar. Of a bundle of several MIME types it is
the `text/plain` that is shown, behind the names of all. Neighbouring streams of one name are joined, because nothing says into how many messages a kernel cuts them.

An expected line may hold `{{regex}}`; a line that is `...` stands for any number of lines; `[_]` and `cell _` stand for
the cell's own number.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any

Message = dict[str, Any]

BAR = "    | "
ANY_LINES = "..."
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PATTERN = re.compile(r"\{\{(.*?)\}\}")


def plain(text: str) -> str:
    """The text without colours."""
    return _ESCAPE_SEQUENCE.sub("", text)


def quoted(text: str) -> str:
    for raw, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(raw, escaped)
    return f"'{text}'"


def of_cell(iopub: list[Message], shell: list[Message]) -> list[str]:
    """The transcript of one request: what came on iopub, then what came on shell."""
    lines = []
    for is_stream, run in groupby(iopub, lambda message: message["msg_type"] == "stream"):
        if is_stream:
            lines += _streams(list(run))
        else:
            for message in run:
                lines += _message("iopub", message)
    for message in shell:
        lines += _message("shell", message)
    return lines


def _streams(messages: list[Message]) -> list[str]:
    texts: dict[str, str] = {}
    for message in messages:
        content = message["content"]
        texts[content["name"]] = texts.get(content["name"], "") + content["text"]
    # Between the two streams no order is promised, so the transcript has a fixed one.
    return [f"iopub stream {name} {quoted(plain(texts[name]))}" for name in ("stdout", "stderr") if name in texts]


def _message(channel: str, message: Message) -> list[str]:
    content = message["content"]
    head = f"{channel} {message['msg_type']}"
    match message["msg_type"]:
        case "status":
            return [f"{head} {content['execution_state']}"]
        case "execute_input":
            return [f"{head} [{content['execution_count']}]"]
        case "execute_result":
            return _bundle(f"{head} [{content['execution_count']}]", content["data"])
        case "display_data" | "update_display_data":
            return _bundle(head, content["data"])
        case "error":
            traceback = plain("\n".join(content["traceback"])).split("\n")
            return [f"{head} {content['ename']}: {plain(content['evalue'])}".replace("\n", "\\n")] + _below(traceback)
        case "execute_reply":
            return [f"{head} {content['status']} [{content['execution_count']}]"]
        case _ if "status" in content:
            return [f"{head} {content['status']}"]
        case _:
            return [head]


def _bundle(head: str, data: dict[str, Any]) -> list[str]:
    texts = {mime: plain(part if isinstance(part, str) else json.dumps(part)) for mime, part in sorted(data.items())}
    if len(texts) == 1:
        [(mime, text)] = texts.items()
        lines = text.split("\n")
        return [f"{head} {mime} {text}".rstrip()] if len(lines) == 1 else [f"{head} {mime}", *_below(lines)]
    head = f"{head} {', '.join(texts)}"
    if "text/plain" in texts:
        return [head, *_below(texts["text/plain"].split("\n"))]
    return [head] + [line for text in texts.values() for line in _below(text.split("\n"))]


def _below(lines: list[str]) -> list[str]:
    return [f"{BAR}{line}".rstrip() for line in lines]


def is_frame(line: str) -> bool:
    """Whether the line is one that every cell has, so that literate cells leave it out."""
    return line.startswith(("iopub status ", "iopub execute_input ", "shell execute_reply "))


def matches(expected: list[str], got: list[str], count: int | None) -> bool:
    """Whether the lines are as expected, for a cell with this execution count."""
    if not expected:
        return not got
    first, rest = expected[0], expected[1:]
    if first == ANY_LINES:
        return any(matches(rest, got[skipped:], count) for skipped in range(len(got) + 1))
    return bool(got) and line_matches(first, got[0], count) and matches(rest, got[1:], count)


def line_matches(expected: str, got: str, count: int | None) -> bool:
    if count is not None:
        expected = expected.replace("[_]", f"[{count}]").replace("cell _", f"cell {count}")
    # `re.split` with one group alternates between literal text and patterns.
    parts = _PATTERN.split(expected)
    pattern = "".join(part if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.fullmatch(pattern, got) is not None


def generalised(got: list[str], count: int | None) -> list[str]:
    """The lines as a test would write them down: with the cell's own number as `_`."""
    if count is None:
        return got
    own = re.compile(rf"\[{count}\]")
    return [re.sub(rf"\bcell {count}\b", "cell _", own.sub("[_]", line, count=1)) for line in got]
