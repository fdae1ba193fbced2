"""The wheel, built once from the programs that are installed already, as a fixture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernel import HANG


def call(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def programs(installation, tmp_path_factory) -> Path:
    """What the wheel is made of, without what only a debugger reads."""
    folder = tmp_path_factory.mktemp("programs")
    for program in ("bin/kissaten", "libexec/kissaten/kissaten-analyzer"):
        if (installation.prefix / program).exists():
            call("strip", "-o", folder / Path(program).name, installation.prefix / program)
    return folder


@pytest.fixture(scope="session")
def wheel(repository, programs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, repository, KISSATEN_WHEEL_PROGRAMS=str(programs))
    [path] = folder.iterdir()
    return path
