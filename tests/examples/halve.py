"""An example of the documentation in two halves, to be run as two cells.

It is cut between two statements at the top level, behind the last `use` of its head. Rust's grammar is not needed for that: a
statement ends at a semicolon outside of all brackets, or at the brace that ends an item, a loop or the like.
"""

from __future__ import annotations

import re
from random import Random

_TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<string> b?c?r(?P<hashes>\#*)".*?"(?P=hashes) | [bc]?"(?:\\.|[^"\\])*" | b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\\n])' )
    | (?P<lifetime> '[A-Za-z_]\w* )
    | (?P<word> (?:r\#)?[A-Za-z_]\w* )
    | (?P<space> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

# What begins a statement that ends with a brace.
_BRACED = {"fn", "struct", "enum", "union", "impl", "trait", "mod", "macro_rules", "for", "while", "loop", "if", "match", "unsafe", "async", "extern", "pub", "const", "{"}
# What goes on after such a brace.
_GOES_ON = {"else", ".", "?", ";"}


def statements(code: str) -> list[int]:
    """Where the statements at the top level end."""
    tokens = [found for found in _TOKEN.finditer(code) if found.lastgroup not in ("comment", "space")]
    ends: list[int] = []
    depth = 0
    first: str | None = None
    attribute = 0
    for index, found in enumerate(tokens):
        token = found.group()
        if first is None and token == "#" and index + 1 < len(tokens) and tokens[index + 1].group() in "[!":
            attribute = 1
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
            if attribute and depth == 0 and token == "]":
                attribute = 0
                continue
        if attribute:
            continue
        if first is None:
            first = token
        following = tokens[index + 1].group() if index + 1 < len(tokens) else None
        braced = first in _BRACED or (found.lastgroup is not None and first == "'")
        if depth == 0 and (token == ";" or token == "}" and braced and following not in _GOES_ON):
            ends.append(found.end())
            first = None
    return ends


def is_use(statement: str) -> bool:
    text = re.sub(r"//[^\n]*|/\*.*?\*/|#!?\[[^\]]*\]", "", statement, flags=re.DOTALL).strip()
    return not text or re.match(r"(?:pub )?use\b", text) is not None


def halves(code: str, random: Random) -> tuple[str, str] | None:
    """Both halves, cut at a random place; `None` where there is none."""
    ends = statements(code)
    begins = [0, *ends]
    head = 0
    while head < len(ends) and is_use(code[begins[head] : ends[head]]):
        head += 1
    # Something stands on both sides, besides the head.
    places = [end for end in ends[head:] if re.sub(r"//[^\n]*|\s", "", code[end:])]
    if not places:
        return None
    cut = random.choice(places)
    return code[:cut], code[cut:].lstrip("\n")
