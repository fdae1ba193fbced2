"""Cells that nobody should write, and machines that nobody should have: an error, a reply, and the next cell runs."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest


def runs_the_next(kernel):
    assert kernel.run("1 + 1").result == "2"


PROGRAM = """\
use std::collections::HashMap;
#[derive(Debug, Clone)]
struct Cup<'a, T: Clone> { of: &'a str, filled: Option<T> }
impl<'a, T: Clone> Cup<'a, T> { fn new(of: &'a str) -> Self { Self { of, filled: None } } }
async fn fill(cup: &mut Cup<'_, u8>) -> Result<u8, String> {
    let level = match cup.filled { Some(n) if n > 3 => return Err(format!("{} is full", cup.of)), Some(n) => n, _ => 0 };
    cup.filled = Some(level + 1); Ok(level)
}
let mut cup = Cup::new("tea"); let text = r#"raw "text" "#; let c = 'x'; /* note */
for _ in 0..2 { fill(&mut cup).await?; } println!("{cup:?} {text} {c} {:?}", HashMap::from([(1, b"a")]));
"""


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_a_program_cut_off_anywhere(kernel, start):
    """Half-written cells: each has its reply, whatever the reply is."""
    for end in range(start, len(PROGRAM), 40):
        kernel.run(PROGRAM[:end])
    kernel.ok(":clear")
    kernel.ok(PROGRAM)
    runs_the_next(kernel)


DEEP = {
    "parentheses": "(" * 20_000 + "1" + ")" * 20_000,
    "parentheses-left-open": "(" * 20_000,
    "brackets": "[" * 20_000 + "]" * 20_000,
    "braces": "{" * 20_000 + "}" * 20_000,
    "negations": "!" * 100_000 + "true",
    "references": "&" * 100_000 + "1",
    "sums": "1" + "+1" * 50_000,
    "calls": "f(" * 20_000 + ")" * 20_000,
    "methods": "1" + ".abs()" * 20_000,
    "types": "let x: " + "Option<" * 20_000 + "u8" + ">" * 20_000 + ";",
    "patterns": "let " + "(" * 20_000 + "x" + ",)" * 20_000 + " = 1;",
    "modules": "mod a {" * 5_000 + "}" * 5_000,
    "functions": "fn f() {" * 5_000 + "}" * 5_000,
    "closures": "|| " * 20_000 + "1",
    "ifs": "if true { 1 } else " * 10_000 + "{ 2 }",
    "comments": "/*" * 50_000,
    "attributes": "#[a(" * 10_000,
    "macros": "vec![" * 10_000 + "]" * 10_000,
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_nesting(kernel, kind):
    kernel.ok("let kept = 1;")
    cell = kernel.run(DEEP[kind])
    if cell.error:
        assert sum(map(len, cell.error["traceback"])) < 200_000, "the error can be shown"
    runs_the_next(kernel)
    assert kernel.run("kept").result == "1"


MEGABYTE = 1_000_000

LARGE = {
    "a-string": f'"{"x" * MEGABYTE}".len()',
    "a-comment": "/*" + "x" * MEGABYTE + "*/ 1000000",
    "an-array": "[" + "1," * (MEGABYTE // 10) + "].len() * 10",
    "blank-lines": "\n" * MEGABYTE + "1_000_000",
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_cell_of_a_megabyte(kernel, kind):
    assert kernel.run(LARGE[kind]).result == str(MEGABYTE)
    runs_the_next(kernel)


@pytest.mark.parametrize("code", ["x " * (MEGABYTE // 2), "(" + ")" * MEGABYTE, "喫" * (MEGABYTE // 3), "\0" * MEGABYTE])
def test_a_megabyte_of_nonsense(kernel, code):
    cell = kernel.fails(code)
    assert sum(map(len, cell.error["traceback"])) < 200_000
    runs_the_next(kernel)


@pytest.mark.parametrize(
    "code",
    [
        "\ufeff1 + 1",
        "1 +\r\n1",
        "#!/usr/bin/env rust\n1 + 1",
        "\u202e1 + 1",
        "let 名前 = 2; 名前",
        "1 + 1 // 🦀",
        "\u00a01 + 1",
        "#![allow(unused)]\n1 + 1",
    ],
)
def test_odd_characters(kernel, code):
    kernel.run(code)
    runs_the_next(kernel)


def test_a_cell_that_closes_what_surrounds_it(kernel):
    """Nothing of what the kernel writes around a cell can be closed, opened or commented out by it."""
    for code in ("} fn main() {", "}; 1 } async {", "*/", "//", "/*", '"', "'", "r#\"", ") }) } {{", "};"):
        kernel.fails(code) if code != "//" else kernel.ok(code)
    kernel.ok("let kept = 1; // a comment at the very end")
    assert kernel.run("kept /* and here */").result == "1"


# The machine.


def changed_spec(installation, directory: Path, change) -> Path:
    """A copy of the kernelspec with something changed; the directory of kernels that it is in."""
    kernels = directory / "kernels"
    shutil.copytree(installation.kernels / "kissaten", kernels / "kissaten")
    path = kernels / "kissaten" / "kernel.json"
    spec = json.loads(path.read_text())
    change(spec)
    path.write_text(json.dumps(spec))
    return kernels


def script(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def with_mount(directory: Path, mount: str):
    """A change of the kernelspec: the kernel runs where this was mounted, which nobody else sees."""
    names = "unshare --mount" if os.geteuid() == 0 else "unshare --map-root-user --mount"
    wrapper = script(directory / "wrapper", f"exec {names} sh -c '{mount} && exec \"$@\"' kernel \"$@\"\n")

    def change(spec):
        spec["argv"].insert(0, wrapper)

    return change


def test_a_read_only_cache_directory(start_kernel, installation, tmp_path):
    cache = installation.environment["XDG_CACHE_HOME"]
    mount = f"mount --bind {cache} {cache} && mount -o remount,bind,ro {cache}"
    kernel = start_kernel(kernels=changed_spec(installation, tmp_path, with_mount(tmp_path, mount)))
    assert kernel.run("tokio::spawn(async { 7 }).await.unwrap()").result == "7"


def test_a_full_disk(start_kernel, installation, tmp_path):
    """There is room for the kernel to start, and not for its cells."""
    mount = 'mount -t tmpfs -o size=32k none "$TMPDIR"'
    kernel = start_kernel(kernels=changed_spec(installation, tmp_path, with_mount(tmp_path, mount)))
    cell = kernel.fails("fn f() -> Vec<String> { vec![String::new(); 3] }\nf()")
    assert "space" in cell.shown, cell.shown
    assert kernel.fails("1 + 1").reply["status"] == "error"


def test_without_rustc(start_kernel, installation, tmp_path):
    """The compiler was removed after the installation: every cell says so, and what to do."""

    def change(spec):
        spec["env"] = {"KISSATEN_RUSTC": "/nonexistent/rustc"}

    environment = {"HOME": str(tmp_path), "CARGO_HOME": str(tmp_path), "RUSTUP_HOME": str(tmp_path)}
    kernels = changed_spec(installation, tmp_path, change)
    kernel = start_kernel(kernels=kernels, environment=environment, path="/nonexistent")
    for _ in range(2):
        cell = kernel.fails("1 + 1")
        assert "KISSATEN_RUSTC names the compiler, and it cannot be used" in cell.shown
        assert "`/nonexistent/rustc` does not answer" in cell.shown
        assert "name another one, or none" in cell.shown


def another_toolchain(directory: Path) -> Path:
    """A toolchain that is the present one in all but its name; its rustc."""
    rustc = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    (directory / "bin").mkdir(parents=True)
    (directory / "lib").symlink_to(f"{rustc}/lib")
    (directory / "bin" / "cargo").symlink_to(f"{rustc}/bin/cargo")
    script(
        directory / "bin" / "rustc",
        f'case "$*" in\n'
        f"    '--print sysroot') echo {directory} ;;\n"
        f"    -vV) {rustc}/bin/rustc -vV | sed 's/^commit-hash:.*/commit-hash: 0123456789/' ;;\n"
        f'    *) exec {rustc}/bin/rustc "$@" ;;\n'
        f"esac\n",
    )
    return directory / "bin" / "rustc"


def test_a_build_of_the_session_library_that_fails(start_kernel, installation, tmp_path):
    """The next cell tries again, and both say why."""
    rustc = another_toolchain(tmp_path / "toolchain")
    (rustc.parent / "cargo").unlink()
    script(rustc.parent / "cargo", "echo 'error: no space left on device' >&2; exit 101\n")

    def change(spec):
        spec.setdefault("env", {})["KISSATEN_RUSTC"] = str(rustc)

    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    kernel = start_kernel(kernels=changed_spec(installation, tmp_path, change), environment=environment)
    for _ in range(2):
        assert "no space left on device" in kernel.fails("1").shown
