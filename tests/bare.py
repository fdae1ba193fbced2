"""A user of whom nothing is known yet: an empty home, no compiler on `PATH`, and a kernel that pip might have brought."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kernel import HANG, Installation
from toolchains import give_crates, give_session, levels, own_packages, session, unoptimised

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


@pytest.fixture
def bare(installation, tools, tmp_path) -> Installation:
    """A user with a home that is empty but for a session library; no compiler is remembered."""
    home = tmp_path / "home"
    give_session(home)
    program = tmp_path / "prefix/bin/kissaten"
    program.parent.mkdir(parents=True)
    shutil.copy(installation.prefix / "bin/kissaten", program)
    shutil.copytree(installation.prefix / "share/jupyter", tmp_path / "prefix/share/jupyter")
    kernelspec = tmp_path / "prefix/share/jupyter/kernels/kissaten/kernel.json"
    shutil.copy(Path(__file__).parent.parent / "kernel/python/kernelspec/kernel.json", kernelspec)
    environment = {"HOME": str(home), "PATH": str(tools), "TMPDIR": str(tmp_path)}
    return Installation(tmp_path / "prefix", environment)


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


#: Where crates that other tests downloaded are.
CARGO_HOME = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


def forget(bare: Installation) -> None:
    """What was built is built again, so far as it is Kissaten's own, and that without optimisation."""
    unoptimised(Path(bare.environment["HOME"]).parent, *own_packages())
    cache = Path(bare.environment["HOME"]) / ".cache/kissaten"
    (cache / session().name / "session.json").unlink()
    give_crates(cache)


#: What a user may have told cargo, of other builds.
HOSTILE = """
[build]
target = "wasm32-unknown-unknown"
build-dir = "{elsewhere}/build"
target-dir = "{elsewhere}/target"
rustflags = ["--cfg", "hostile", "-Copt-level=0"]
rustc-wrapper = "/nowhere/wrapper"
rustc-workspace-wrapper = "/nowhere/other"
incremental = true
[profile.session]
panic = "abort"
lto = true
strip = "symbols"
debug = 2
[target.'cfg(unix)']
rustflags = ["--cfg", "hostile"]
[term]
quiet = true
"""


def configure(bare: Installation, elsewhere: Path) -> None:
    """Gives the user a configuration of cargo that no build of ours survives. Nothing is to be written to `elsewhere`."""
    home = Path(bare.environment["HOME"]) / ".cargo"
    home.mkdir()
    # How crates are reached from this machine is not what is tested.
    ours = CARGO_HOME / "config.toml"
    configuration = HOSTILE.format(elsewhere=elsewhere) + levels("*", *own_packages())
    (home / "config.toml").write_text(configuration + (ours.read_text() if ours.exists() else ""))
    (home / "registry").symlink_to(CARGO_HOME / "registry")
