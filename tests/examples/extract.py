"""The examples of the documentation of std, tokio and futures, as cells.

They are taken from the sources where these lie on this machine, so that they are what their authors wrote: code
blocks of doc comments that rustdoc would run, `fn main` taken off, hidden lines included. Nothing of them is stored
in this repository.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Attributes of examples that rustdoc compiles and runs as they are.
USABLE = {"rust", "edition2018", "edition2021", "edition2024"}

# What an example may not do to the process that all of them share, and what waits for a peer that is not there.
UNSHARED = re.compile(
    r"#!\[feature|process::exit|process::abort|abort\(\)|env::set_var|env::remove_var|set_current_dir|signal::|ctrl_c"
    r"|Runtime::new|runtime::Builder|block_on|LocalSet|stdin\(\)|set_hook|take_hook|time::pause|start_paused|tokio_test"
    r"|fuse|set_nonblocking|extern crate|catch_unwind|panic::|dbg!|Command::new|cfg\(target_os = \"windows|spawn_local"
    r"|mod |unimplemented!|todo!"
    # Crates that are not there, other systems, files that are not there.
    r"|tempfile|futures_01|futures_util|\bwindows\b|runtime::dump|os::wasi|\.txt|tokio_stream|futures_concurrency|pin_project|blocking_|build_task|current\(\)\.name|File::open|read_dir|miri"
)


@dataclass(frozen=True)
class Example:
    """One example: where it stands, and its code as a cell."""

    place: str
    code: str


def _blocks(path: Path) -> Iterator[tuple[int, str, str]]:
    """The fenced blocks of a file's doc comments: line, attributes, text."""
    start, attributes, lines = 0, "", []
    inside = broken = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        comment = re.match(r"\s*//[/!] ?(.*)$", line)
        if comment is None:
            # A block that a `#[doc = …]` goes on with cannot be read here; its end is no beginning.
            broken, inside = broken or inside, False
            continue
        text = comment.group(1)
        if text.lstrip().startswith("```"):
            if broken:
                broken = False
            elif inside:
                yield start, attributes, "\n".join(lines)
                inside = False
            else:
                inside, start, attributes, lines = True, number, text.strip().strip("`").strip(), []
        elif inside:
            lines.append(text)


def _visible(text: str) -> str:
    """Rustdoc's hidden lines are part of the program."""
    lines = []
    for line in text.splitlines():
        stripped = line.lstrip()
        if stripped == "#":
            lines.append("")
        elif stripped.startswith("# "):
            lines.append(line.replace("# ", "", 1))
        elif stripped.startswith("##"):
            lines.append(line.replace("##", "#", 1))
        else:
            lines.append(line)
    return "\n".join(lines)


_WRAPPED = re.compile(r"# (?:\w+::)*block_on\(async (?:move )?\{\n(.*)\n# \}\);?(?: // .*)?$", re.DOTALL)


def _without_wrapper(text: str) -> str:
    """A cell awaits by itself what an example hides in `block_on(async { … })`."""
    return _WRAPPED.sub(r"\1", text.rstrip())


_MAIN = re.compile(r"(?:#\[tokio::main[^\]]*\]\s*)?(?:pub )?(?:async )?fn (?:main|dox|run|test)\(\)[^{;]*\{")


def _without_main(code: str) -> str | None:
    """The body of `main` in its place; None where what is left would not be the same program."""
    found = _MAIN.search(code)
    if found is None:
        return code if "fn main" not in code else None
    depth, at = 1, found.end()
    while at < len(code) and depth:
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        at += 1
    if depth:
        return None
    rest = code[at:].strip()
    # Calls that a wrapper other than `main` needs.
    rest = re.sub(r"^(?:dox|run|test|main)\(\)(?:\.unwrap\(\))?;?$", "", rest)
    return f"{code[: found.start()]}{code[found.end() : at - 1]}\n{rest}".strip()


def examples(root: Path, name: str) -> list[Example]:
    """All usable examples below a folder, sorted by place."""
    found = []
    for path in sorted(root.rglob("*.rs")):
        for line, attributes, text in _blocks(path):
            words = set(re.split(r"[ ,]+", attributes)) - {""}
            if words - USABLE:
                continue
            code = _without_main(_visible(_without_wrapper(text)))
            if code is None or UNSHARED.search(code) or not code.strip():
                continue
            found.append(Example(f"{name}/{path.relative_to(root)}:{line}", code))
    return found


def spread(found: list[Example], count: int) -> list[Example]:
    """So many of them, evenly from first to last."""
    return [found[index * len(found) // count] for index in range(count)] if len(found) > count else found


def crate_sources(repository: Path) -> dict[str, Path]:
    """Where cargo keeps the sources of the crates in the lock file."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--manifest-path", str(repository / "Cargo.toml")]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {package["name"]: Path(package["manifest_path"]).parent / "src" for package in metadata["packages"]}


def std_source() -> Path:
    """The standard library's source: rustup's component, else a distribution's package."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    places = [Path(sysroot) / "lib/rustlib/src/rust/library", Path("/usr/lib/rustlib/src/rust/library")]
    places += sorted(Path("/usr/src").glob("rustc-*/library"))
    for place in places:
        if (place / "std/src/lib.rs").is_file():
            return place
    raise FileNotFoundError("there is no source of the standard library: install rust-src (rustup) or rust-web-src (Debian)")
