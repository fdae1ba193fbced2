"""Homes of several real users: where the kernel may keep what it loads. Needs root, as only root can be somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# The system's users and groups are written to, which every process may read at any time.
pytestmark = pytest.mark.alone

#: Numbers that no system gives to its users.
USER, STRANGER, GROUP = 61_234, 61_235, 61_236

# What the toolchain is asked before anything is written. That there is no cargo comes to light behind that.
RUSTC = """#!/bin/sh
case $1 in
    --print) echo /nonexistent ;;
    -vV) printf 'rustc 1.95.0\\nrelease: 1.95.0\\nhost: x86_64-unknown-linux-gnu\\n' ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def place(installation) -> Iterator[Path]:
    """A folder that every user can look into, with the installed kernel."""
    if os.geteuid() != 0:
        pytest.fail("these tests need root")
    folder = Path(tempfile.mkdtemp(prefix="kissaten-users-", dir="/var/tmp"))
    folder.chmod(0o755)
    program = folder / "prefix/bin/kissaten"
    program.parent.mkdir(parents=True)
    shutil.copy(installation.prefix / "bin/kissaten", program)
    rustc = folder / "rustc"
    rustc.write_text(RUSTC)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    rustc.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def database(tmp_path, monkeypatch):
    """The system's users and groups, with some more: what is written goes back when the test ends."""
    saved = {name: Path(name).read_bytes() for name in ("/etc/passwd", "/etc/group")}

    def add(passwd: str = "", group: str = "") -> None:
        for name, line in (("/etc/passwd", passwd), ("/etc/group", group)):
            with open(name, "a") as file:
                file.write(line)

    yield add
    for name, content in saved.items():
        Path(name).write_bytes(content)


def build(place: Path, mode: int, *, group: int = GROUP, user: int = USER) -> str:
    """What `kissaten build` says to a user in a home with these rights."""
    home = place / "home"
    home.mkdir()
    os.chown(home, user, group)
    home.chmod(mode)
    command = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "env", "-i", f"HOME={home}", "PATH=/nonexistent"]
    command += [f"KISSATEN_RUSTC={place}/rustc", f"{place}/prefix/bin/kissaten", "build"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")
    assert done.returncode != 0
    return done.stdout


ALLOWED, REFUSED = "cargo was not found", "can be written to by others"


def test_a_home_as_in_images_for_hubs(place, database):
    """One user whose group is the one that all would share: mode 6775, as images of docker-stacks have it."""
    database(f"jovyan:x:{USER}:{GROUP}::/:/bin/sh\n", f"everybody:x:{GROUP}:\n")
    assert ALLOWED in build(place, 0o6775)


def test_a_volume_of_a_cluster(place, database):
    database(f"jovyan:x:{USER}:{GROUP}::/:/bin/sh\n", f"everybody:x:{GROUP}:jovyan,root\n")
    assert ALLOWED in build(place, 0o2775)


def test_another_user_of_the_group(place, database):
    database(f"one:x:{USER}:{GROUP}::/:/bin/sh\ntwo:x:{STRANGER}:{GROUP}::/:/bin/sh\n", f"everybody:x:{GROUP}:\n")
    assert REFUSED in build(place, 0o2775)


def test_another_member_of_the_group(place, database):
    database(f"one:x:{USER}:{GROUP}::/:/bin/sh\ntwo:x:{STRANGER}:{STRANGER}::/:/bin/sh\n", f"everybody:x:{GROUP}:two\n")
    assert REFUSED in build(place, 0o2775)


def test_a_member_of_whom_nothing_is_known(place, database):
    database(f"one:x:{USER}:{GROUP}::/:/bin/sh\n", f"everybody:x:{GROUP}:somebody\n")
    assert REFUSED in build(place, 0o2775)


def test_a_group_of_which_nothing_is_known(place):
    assert REFUSED in build(place, 0o2775)


def test_everybody(place, database):
    database(f"jovyan:x:{USER}:{GROUP}::/:/bin/sh\n", f"everybody:x:{GROUP}:\n")
    assert REFUSED in build(place, 0o777)
