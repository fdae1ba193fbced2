"""A server of Rust toolchains as `RUSTUP_DIST_SERVER` names one, with fixtures for it.

It has rustup itself and, instead of a toolchain, words that call the one which is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kernel import HANG

TARGET = f"{os.uname().machine}-unknown-linux-gnu"


def own_packages() -> list[str]:
    """The names of cargo's packages that are this repository's own."""
    manifests = sorted(Path(__file__).parent.parent.glob("kernel/*/Cargo.toml"))
    return [tomllib.loads(manifest.read_text())["package"]["name"] for manifest in manifests]


def linted() -> dict[str, str]:
    """The environment in which clippy compiles our own crates. It is a whole rustc that says more, so what is linted is what the tests run; `cargo
    clippy` reads each of other people's crates once more, and what it has checked is of no use to anybody else.
    """
    return {"RUSTC_WORKSPACE_WRAPPER": str(rustc().with_name("clippy-driver"))}


def server_profile() -> str:
    """Cargo's profile that the server was installed by."""
    return os.environ.get("KISSATEN_SERVER_PROFILE", "release")


def session() -> Path:
    """The folder of the session library that the tests have built."""
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "kissaten"
    return max(cache.glob("session-*/session.json"), key=lambda file: file.stat().st_mtime).parent


def give_session(home: Path) -> None:
    """Lets it be found in a home that has nothing of Kissaten's."""
    cache = home / ".cache/kissaten" / session().name
    cache.mkdir(parents=True)
    cache.parent.chmod(0o700)
    shutil.copy(session() / "session.json", cache)


def session_build() -> tuple[list[str], dict[str, str]]:
    """The flags that all of it was compiled with (`build/src/cargo.rs`), and how other people's crates in it are optimised."""
    built = json.loads((session() / "session.json").read_text())
    libraries = f"{built['toolchain']['sysroot']}/lib/rustlib/{built['toolchain']['host']}/lib"
    run_paths = [f"-Clink-arg=-Wl,-rpath,{path}" for path in ("$ORIGIN", libraries)]
    return ["-Cprefer-dynamic", "--cfg=tokio_unstable", *run_paths], built["levels"]


def copy_crates(target: Path) -> None:
    """Lets a target folder begin with what is compiled of other people's crates for the session library. A cargo that works
    there, for another test, is waited for.
    """
    ours = shutil.ignore_patterns("sets*", "layers", "answers", "source", "session.json", "used", "*kissaten*")
    with (session() / "session/.cargo-lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        shutil.copytree(session(), target, symlinks=True, dirs_exist_ok=True, ignore=ours)


def give_crates(cache: Path) -> None:
    """The same of a cache; nothing is in it that was made by the session library."""
    copy_crates(cache / session().name)


def levels(*names: str, profiles: Iterable[str] = ("session",)) -> str:
    """Words of a configuration of cargo, with which these packages are compiled as quickly as can be: where what is tested is that something is
    built, and how. Without other profiles, that is a session library.
    """
    return "".join(f'[profile.{profile}.package."{name}"]\nopt-level = 0\n' for profile in profiles for name in names)


def unoptimised(folder: Path, *names: str, profiles: Iterable[str] = ("session",)) -> None:
    """Lets all that is built below a folder be built so."""
    (folder / ".cargo").mkdir()
    (folder / ".cargo/config.toml").write_text(levels(*names, profiles=profiles))


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


@pytest.fixture(scope="session")
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
def toolchains(rustup, tmp_path) -> Iterator[str]:
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
