"""Machines that have less: no Rust, no C compiler. What the messages say is followed, and leads to a cell that runs.

A toolchain comes from a server of the tests' own, which has rustup itself and, instead of a toolchain, words that call the
one which is installed.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kernel import HANG, Installation, running

TARGET = f"{os.uname().machine}-unknown-linux-gnu"
#: What build scripts, linkers and `rustup` may call; no compiler of C among it.
TOOLS = ("sh", "sed", "env", "uname", "cat", "rm", "mkdir", "getconf", "head", "grep")


@pytest.fixture
def tools(tmp_path) -> Path:
    """A folder for `PATH`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def session() -> Path:
    """The folder of the session library that the tests have built."""
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "kissaten"
    return max(cache.glob("session-*/session.json"), key=lambda file: file.stat().st_mtime).parent


@pytest.fixture
def bare(installation, tools, tmp_path) -> Installation:
    """A user with a home that is empty but for a session library; no compiler is remembered."""
    home = tmp_path / "home"
    cache = home / ".cache/kissaten" / session().name
    cache.mkdir(parents=True)
    cache.parent.chmod(0o700)
    shutil.copy(session() / "session.json", cache)
    program = tmp_path / "prefix/bin/kissaten"
    program.parent.mkdir(parents=True)
    shutil.copy(installation.prefix / "bin/kissaten", program)
    shutil.copytree(installation.prefix / "share/jupyter", tmp_path / "prefix/share/jupyter")
    kernelspec = tmp_path / "prefix/share/jupyter/kernels/kissaten/kernel.json"
    shutil.copy(Path(__file__).parent.parent / "kernel/python/kernelspec/kernel.json", kernelspec)
    environment = {"HOME": str(home), "PATH": str(tools), "TMPDIR": str(tmp_path)}
    return Installation(tmp_path / "prefix", environment)


def rustc() -> Path:
    """The compiler that the tests run with, itself and not rustup's word for it."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return Path(sysroot) / "bin/rustc"


def component(name: str, files: dict[str, str]) -> bytes:
    """A part of a toolchain as rustup installs it."""
    package = f"{name}-1.95.0-{TARGET}"
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:

        def add(path: str, text: str, mode: int = 0o644) -> None:
            info = tarfile.TarInfo(f"{package}/{path}")
            info.size, info.mode = len(text.encode()), mode
            archive.addfile(info, io.BytesIO(text.encode()))

        add("rust-installer-version", "3\n")
        add("components", f"{name}\n")
        add(f"{name}/manifest.in", "".join(f"file:{path}\n" for path in files))
        for path, text in files.items():
            add(f"{name}/{path}", text, 0o755)
    return written.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def rustup(tmp_path_factory) -> bytes:
    """rustup itself, as pip has it. It is not installed: it would stand before the `cargo` that the tests use."""
    folder = tmp_path_factory.mktemp("rustup")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "rustup==1.29.0.1"]
    subprocess.run(command, check=True, timeout=HANG)
    [wheel] = folder.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/scripts/rustup")]
        return archive.read(name)


@pytest.fixture
def server(rustup, tmp_path) -> Iterator[str]:
    """The address of a server as `RUSTUP_DIST_SERVER` names one."""
    root = tmp_path / "server"
    real = rustc().parent
    parts = {
        "rustc": {"bin/rustc": f'#!/bin/sh\nexec "{real}/rustc" "$@"\n'},
        "cargo": {"bin/cargo": f'#!/bin/sh\nexec "{real}/cargo" "$@"\n'},
        "rust-std": {f"lib/rustlib/{TARGET}/lib/nothing": "\n"},
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=root)) as serving:
        address = f"http://127.0.0.1:{serving.server_address[1]}"

        def put(path: str, content: bytes) -> str:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            file.with_name(file.name + ".sha256").write_text(f"{digest}  {file.name}\n")
            return digest

        manifest = 'manifest-version = "2"\ndate = "2026-11-01"\n[profiles]\nminimal = ["rustc", "cargo", "rust-std"]\n[renames]\n'
        manifest += f'[pkg.rust]\nversion = "1.95.0"\n[pkg.rust.target.{TARGET}]\navailable = true\n'
        manifest += 'url = "none"\nhash = "none"\n'
        for name in parts:
            manifest += f'[[pkg.rust.target.{TARGET}.components]]\npkg = "{name}"\ntarget = "{TARGET}"\n'
        for name, files in parts.items():
            path = f"dist/{name}-1.95.0-{TARGET}.tar.gz"
            digest = put(path, component(name, files))
            manifest += f'[pkg.{name}]\nversion = "1.95.0"\n[pkg.{name}.target.{TARGET}]\navailable = true\n'
            manifest += f'url = "{address}/{path}"\nhash = "{digest}"\n'
        put("dist/channel-rust-stable.toml", manifest.encode())
        put(f"rustup/dist/{TARGET}/rustup-init", rustup)
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield address
        serving.shutdown()
        thread.join()


def call(installation: Installation, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = installation.prefix / "bin/kissaten"
    return subprocess.run(
        [program, *arguments],
        env=installation.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG,
    )


def test_rust_is_got_by_a_command(bare, server):
    before = call(bare, "doctor")
    assert before.returncode == 1 and "kissaten rust install" in before.stdout, before.stdout
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER=server)
    assert done.returncode == 0 and done.stdout.endswith("rustc 1.95.0 is there\n"), done.stdout
    assert "downloading rustup" in done.stdout
    after = call(bare, "doctor")
    assert after.returncode == 0 and "no C compiler" in after.stdout, after.stdout
    # A second time, rustup is there.
    again = call(bare, "rust", "install", RUSTUP_DIST_SERVER=server)
    assert again.returncode == 0 and "downloading rustup" not in again.stdout, again.stdout


def test_a_server_that_is_not_there_is_told(bare):
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "rustup could not be downloaded from `http://127.0.0.1:9/rustup/dist/" in done.stdout, done.stdout


def test_what_does_not_have_its_checksum_is_not_run(bare, server, tmp_path):
    (tmp_path / f"server/rustup/dist/{TARGET}/rustup-init").write_text("#!/bin/sh\ntouch $HOME/ran\n")
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER=server)
    assert done.returncode == 1 and "its checksum differs" in done.stdout, done.stdout
    assert not (tmp_path / "home/ran").exists()


def test_no_c_compiler_is_needed(bare, tools, tmp_path):
    """Cells, a procedural macro, a build script and a panic are linked by what came with rustc; a crate with C is told."""
    (tools / "rustc").symlink_to(rustc())
    # What other tests downloaded need not be downloaded again.
    bare.environment["CARGO_HOME"] = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    # What was built is built again, so far as it is Kissaten's own.
    cache = tmp_path / "home/.cache/kissaten" / session().name
    shutil.copytree(session(), cache, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("sets", "layers"))
    (cache / "session.json").unlink()
    with running(bare, tmp_path / "kernel", path=str(tools)) as kernel:
        cell = kernel.run("3 + 4")
        assert cell.result == "7", cell.reply
        kernel.ok(':dep serde = { version = "1", features = ["derive"] }\n#[derive(serde::Serialize)]\nstruct Cup { size: u8 }')
        assert kernel.run('std::panic::catch_unwind(|| panic!("spilled")).is_err()').result == "true"
        cell = kernel.fails(':dep zstd-sys = "2"')
        assert cell.error["evalue"].startswith("`zstd-sys`: There is no C compiler here"), cell.error
        assert "pip install 'kissaten[cc]'" in cell.error["evalue"]
        assert kernel.run("tokio::spawn(async { 8 }).await?").result == "8"


def test_what_uninstalling_leaves_is_removed(bare):
    history = Path(bare.environment["HOME"]) / ".local/share/kissaten/history.sqlite"
    history.parent.mkdir(parents=True)
    history.write_text("")
    cache = Path(bare.environment["HOME"]) / ".cache/kissaten"
    mine = cache / "mine"
    mine.write_text("")
    kept = call(bare, "clean", "--keep-history")
    assert kept.returncode == 0 and history.exists() and list(cache.iterdir()) == [mine], kept.stdout
    mine.unlink()
    done = call(bare, "clean")
    assert done.returncode == 0 and not history.exists() and not cache.exists(), done.stdout
