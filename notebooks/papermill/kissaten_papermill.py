"""Parameters for notebooks of Rust: papermill with a translator that writes them as `let`s.

    python kissaten_papermill.py in.ipynb out.ipynb -p cups 3 -p name Hana

takes all arguments that papermill takes. In a program, import it before `papermill.execute_notebook` is called.

A number is an `i32`, or an `i64` where it has to be, or an `f64`; text is a `&str`; a list is a `Vec` of these, and null is
`()`. A cell below that wants another type says so: `let cups = cups as usize;`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import papermill.cli
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

_LET = re.compile(
    r"^\s*let\s+(?:mut\s+)?(?P<name>\w+)\s*(?::\s*(?P<type>[^=;]+?))?\s*=\s*(?P<value>.*?)\s*;\s*(?://\s*(?P<help>.*?))?\s*$"
)


class RustTranslator(Translator):
    """Python's values as Rust's."""

    @classmethod
    def translate_none(cls, val: None) -> str:
        return "()"

    @classmethod
    def translate_int(cls, val: int) -> str:
        if not -(2**127) <= val < 2**127:
            raise ValueError(f"{val} is larger than any integer of Rust's")
        return str(val) if -(2**31) <= val < 2**31 else f"{val}_i64" if -(2**63) <= val < 2**63 else f"{val}_i128"

    @classmethod
    def translate_float(cls, val: float) -> str:
        if math.isnan(val):
            return "f64::NAN"
        if math.isinf(val):
            return "f64::INFINITY" if val > 0 else "f64::NEG_INFINITY"
        return f"{val!r}_f64"

    @classmethod
    def translate_str(cls, val: str) -> str:
        return cls.translate_escaped_str(val)

    @classmethod
    def translate_escaped_str(cls, val: Any) -> str:
        # JSON escapes what Rust does, but control characters, which Rust writes in braces.
        quoted = json.dumps(str(val), ensure_ascii=False)
        return re.sub(r'\\(["\\nrt]|u([0-9a-f]{4})|[bf])', _escape, quoted).replace("\x7f", "\\u{7f}")

    @classmethod
    def translate_list(cls, val: list[Any]) -> str:
        # All elements of a `Vec` have one type.
        if any(isinstance(each, float) for each in val) and all(type(each) in (int, float) for each in val):
            val = [float(each) for each in val]
        return f"vec![{', '.join(cls.translate(each) for each in val)}]" if val else "Vec::<()>::new()"

    @classmethod
    def comment(cls, cmt_str: str) -> str:
        return f"// {cmt_str}"

    @classmethod
    def assign(cls, name: str, str_val: str) -> str:
        return f"let {name} = {str_val};"

    @classmethod
    def inspect(cls, parameters_cell: dict[str, Any]) -> list[Parameter]:
        found = filter(None, map(_LET.match, parameters_cell["source"].splitlines()))
        return [Parameter(m["name"], m["type"] or "None", m["value"], m["help"] or "") for m in found]


def _escape(match: re.Match[str]) -> str:
    code = {"b": "8", "f": "c"}.get(match[1]) or match[2]
    return f"\\u{{{code.lstrip('0') or '0'}}}" if code else match[0]


papermill_translators.register("rust", RustTranslator)

if __name__ == "__main__":
    papermill.cli.papermill()
