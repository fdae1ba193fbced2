"""What a kernel writes is its user's alone, whatever the umask: another user of the machine tries to read all of it."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel import running
from test_comm import ECHO, say
from test_complete import analyzers, wake
from test_dependencies import package

SECRET = "a_token_in_a_cell"
# Reads or connects to each path that it is given, and prints those where that went well.
TRY = """\
import os, socket, sys
for path in sys.stdin.read().split("\\0"):
    for attempt in (lambda: os.listdir(path), lambda: open(path, "rb").read(), lambda: socket.socket(socket.AF_UNIX).connect(path)):
        try:
            attempt()
        except OSError:
            continue
        print(path)
        break
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="private-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """What is started meanwhile makes its files under this umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def below(*folders: Path) -> list[Path]:
    """The folders and all that is in them."""
    return [path for folder in folders for path in (folder, *folder.rglob("*")) if not path.is_symlink()]


def others_can_reach(path: Path, top: Path = Path("/")) -> bool:
    """Whether the rights of the path and of all folders above it, up to `top`, let somebody else read it."""
    way = [folder for folder in path.parents if folder.is_relative_to(top)]
    kind = path.stat().st_mode
    needed = 0o022 if stat.S_ISSOCK(kind) else 0o044
    return bool(kind & needed) and all(folder.stat().st_mode & 0o011 for folder in way)


def readable_by_another(paths: list[Path]) -> list[str]:
    """Which of them another real user reads; only root can find out."""
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env", "python3", "-c", TRY]
    told = "\0".join(map(str, paths))
    return subprocess.run(command, cwd="/", input=told, capture_output=True, text=True, check=True).stdout.splitlines()


def check(paths: list[Path], control: Path) -> None:
    assert [path for path in paths if path.exists() and others_can_reach(path)] == []
    assert others_can_reach(control), "it could be found"
    if os.geteuid() == 0:
        assert readable_by_another([*paths, control]) == [str(control)]


# A build script that tells where its temporary files go, and waits until that was looked at.
SCRIPT = """fn main() {
    let folder = std::env::temp_dir();
    std::fs::write(folder.join("secret"), "").unwrap();
    std::fs::write("found", folder.to_str().unwrap()).unwrap();
    while !std::path::Path::new("go").exists() { std::thread::sleep(std::time::Duration::from_millis(20)) }
}"""


@pytest.mark.slow
def test_nobody_else_can_look_into_a_kernel(installation, place):
    control, temporary, history = place / "control", place / "temporary", place / "history/history.sqlite"
    control.write_text("for all")
    # What earlier versions left open.
    cache = Path(installation.environment["XDG_CACHE_HOME"]) / "kissaten"
    cache.chmod(0o755)
    old = temporary / "kissaten-old"
    (old / "cells").mkdir(parents=True)
    (old / "cells/cell 1").write_text(SECRET)
    history.parent.mkdir()
    history.touch()
    assert not any(path.stat().st_mode & 0o044 != 0o044 for path in (old / "cells/cell 1", history, cache))
    menu = package(place, "menu", "pub fn dish() -> u8 { 3 }", 'build = "build.rs"\n')
    (menu / "build.rs").write_text(SCRIPT)

    environment = {"KISSATEN_HISTORY": str(history), "TMPDIR": str(temporary)}
    with umask(0), running(installation, place / "kernel", transport="ipc", environment=environment) as kernel:
        kernel.temporary = temporary
        (place / "kernel").chmod(0o755)
        sockets = Path(kernel.manager.ip).parent
        sockets.chmod(0o755)

        def look() -> list[Path]:
            paths = below(temporary, history.parent, sockets)
            outside = {temporary, history.parent, sockets}
            check([path for path in paths if path not in outside], control)
            return paths

        kernel.ok(f'let secret = "{SECRET}";\nstruct Order(u8);\nlet order = Order(1);')
        dependency = kernel.start(f':offline on\n:dep menu = {{ path = "{menu}" }}\nmenu::dish()')
        while not (menu / "found").exists():
            kernel.receive()
        assert Path((menu / "found").read_text()) / "secret" in look()
        (menu / "go").touch()
        assert dependency.finish().result == "3"

        echo = kernel.ok(ECHO)
        say(kernel, "comm_open", "c1", {}, target="echo")
        if (installation.prefix / "libexec/kissaten/kissaten-analyzer").is_file():
            wake(kernel)
            assert analyzers(kernel)
        asking = kernel.start('kissaten::input("Token? ").await?', allow_stdin=True)
        asking.asks()
        found = look()
        ours = [path for path in found if path.is_file() and not path.is_relative_to(old)]
        assert any(SECRET.encode() in path.read_bytes() for path in ours), "texts of cells are among them"
        assert [path for path in found if path.is_socket()], "the kernel's own"
        # The user's own cache may be where nobody else comes anyhow.
        assert [path for path in below(cache) if not path.exists() or others_can_reach(path, cache)] == []
        asking.answer("1234")
        asking.finish()

        # What the user's code writes, and what the user asks for, is as the user's umask has it.
        kernel.ok('std::fs::write("mine", "x")?;')
        kernel.ok(":export project")
        for path in below(place / "kernel/project", place / "kernel/mine"):
            assert path.stat().st_mode & 0o777 == (0o777 if path.is_dir() else 0o666), path
        assert echo.reply["status"] == "ok"
        shutil.rmtree(old)
