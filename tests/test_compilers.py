"""Compilers that are not rustup's usual one: a distribution's, an environment's, one that is too old beside one that is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bare import CARGO_HOME, call
from kernel import HANG, Installation, running
from toolchains import own_packages, rustc, session, unoptimised
from wheels import call as run

#: Debian's packages of a Rust that is new enough, for its browsers.
DEBIANS = ("rustc-web", "cargo-web")


@pytest.fixture
def debians(tmp_path) -> Path:
    """The folder into which Debian's packages are unpacked. They are not installed: other tests want none on the `PATH`."""
    if not shutil.which("apt-get"):
        pytest.skip("there is no apt here")
    archives, root = tmp_path / "archives", tmp_path / "debian"
    (archives / "partial").mkdir(parents=True)
    command = ["apt-get", "install", "--download-only", "--yes", "--no-install-recommends", "-o", f"Dir::Cache::archives={archives}", *DEBIANS]
    known = subprocess.run(["apt-cache", "show", *DEBIANS], capture_output=True).returncode == 0
    if not known or subprocess.run(command, capture_output=True).returncode != 0:
        # The list of packages is not there yet, or too old.
        run("apt-get", "update")
        run(*command)
    for package in archives.glob("*.deb"):
        run("dpkg-deb", "--extract", package, root)
    shutil.rmtree(archives)
    return root


@pytest.mark.slow
def test_debians_own_rust(bare, debians, tools, tmp_path):
    """It has no dynamic std and no rust-lld: `libkissaten.so` holds std, and `cc` links. As it is another rustc than at
    install time, the session library is built anew, with progress shown, and the cell that waited for it runs.
    """
    usr = debians / "usr"
    # As the packages are not installed, the loader has to be told where the compiler's own libraries are.
    [libraries] = {library.parent for library in usr.rglob("librustc_driver-*.so")}
    bare.environment["LD_LIBRARY_PATH"] = str(libraries)
    bare.environment["CARGO_HOME"] = str(CARGO_HOME)
    unoptimised(tmp_path, "*", *own_packages())
    path = f"{usr / 'bin'}:/usr/bin:/bin"
    assert not list(usr.rglob("libstd-*.so")) and not list(usr.rglob("rust-lld"))
    with running(bare, tmp_path / "kernel", path=path) as kernel:
        cell = kernel.run("3 + 4")
        assert cell.result == "7" and not cell.stderr, cell.reply
        assert any(message["msg_type"] == "update_display_data" for message in cell.iopub), "progress was shown"
        kernel.ok("let (sender, mut receiver) = tokio::sync::mpsc::channel::<u8>(1);\nlet task = tokio::spawn(async move { receiver.recv().await });")
        kernel.ok("sender.send(8).await?;")
        assert kernel.run("task.await?").result == "Some(8)"
        assert kernel.run('std::panic::catch_unwind(|| panic!("spilled")).is_err()').result == "true"
        kernel.ok(':dep serde = { version = "1", features = ["derive"] }\n#[derive(serde::Serialize)]\nstruct Cup { size: u8 }')
        assert kernel.run(':dep itoa = "1"\nitoa::Buffer::new().format(Cup { size: 9 }.size).to_owned()').result == '"9"'
    told = call(bare, "doctor", PATH=path).stdout
    assert f"{usr}/bin/rustc" in told and "linker: that of cc" in told, told
    # Without `cc` nothing links, and that is said before anything is built.
    shutil.rmtree(Path(bare.environment["HOME"]) / ".cache")
    (tools / "rustc").symlink_to(usr / "bin/rustc")
    told = call(bare, "build").stdout
    assert "there is no C compiler (`cc`); install gcc or clang" in told, told


def environment_of(prefix: Path, compiler: Path) -> Path:
    """A prefix as conda lays one out, with Python and Rust in it."""
    (prefix / "conda-meta").mkdir(parents=True)
    for folder in ("bin", "lib"):
        (prefix / folder).mkdir(exist_ok=True)
    (prefix / "bin/python3").symlink_to(shutil.which("python3"))
    (prefix / "bin/rustc").symlink_to(compiler)
    (prefix / "lib/rustlib").symlink_to(compiler.parent.parent / "lib/rustlib")
    return prefix


def test_an_environment_that_is_not_activated(bare, wheel, tmp_path):
    """As conda's: rustc stands beside the kernel, and neither is on the `PATH`."""
    prefix = environment_of(tmp_path / "conda", rustc())
    run("python3", "-m", "pip", "install", "--quiet", "--no-index", "--break-system-packages", "--prefix", prefix, wheel, PIP_REQUIRE_VIRTUALENV="0")
    # Where Debian's Python puts what it installs under a prefix.
    if not (prefix / "bin/kissaten").exists():
        for folder in ("bin", "share"):
            shutil.copytree(prefix / "local" / folder, prefix / folder, symlinks=True, dirs_exist_ok=True)
    with running(Installation(prefix, bare.environment), tmp_path / "kernel", path="/nonexistent") as kernel:
        assert kernel.run("tokio::spawn(async { 3 + 4 }).await?").result == "7"
    # The cache is that of all environments; another one has its own compiler all the same.
    fake = tmp_path / "other/bin/rustc"
    fake.parent.mkdir(parents=True)
    fake.write_text(OTHER.format(sysroot=tmp_path / "other", release="1.99.0"))
    fake.chmod(0o755)
    (tmp_path / "other/lib/rustlib").mkdir(parents=True)
    other = environment_of(tmp_path / "second", fake)
    shutil.copy(prefix / "bin/kissaten", other / "bin")
    told = call(Installation(other, bare.environment), "doctor").stdout
    assert "rustc 1.99.0" in told and "no session library yet" in told, told
    assert "session library for rustc 1.95.0" in call(Installation(prefix, bare.environment), "doctor").stdout


#: What another compiler says of itself.
OTHER = """#!/bin/sh
case $1 in
--print) echo '{sysroot}' ;;
-vV) printf 'rustc {release} (0 2020-01-01)\\nbinary: rustc\\nhost: x86_64-unknown-linux-gnu\\nrelease: {release}\\n' ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def old(tools, tmp_path) -> Path:
    """A distribution's compiler on the `PATH`, which is too old."""
    program = tools / "rustc"
    program.write_text(OTHER.format(sysroot=tmp_path / "usr", release="1.63.0"))
    program.chmod(0o755)
    return program


def test_one_that_is_too_old_hides_no_other(bare, old, tools, tmp_path):
    cargo = Path(bare.environment["HOME"]) / ".cargo/bin"
    cargo.mkdir(parents=True)
    (cargo / "rustc").symlink_to(rustc())
    with running(bare, tmp_path / "kernel", path=str(tools)) as kernel:
        assert kernel.run("3 + 4").result == "7"


def test_one_that_is_too_old_is_left_where_it_is(bare, old, tools, toolchains):
    """Who has no other gets one by what the message says, and the old one is still the first on the `PATH`."""
    before = call(bare, "build")
    assert before.returncode == 1 and f"rustc 1.63.0, `{old}`, is too old" in before.stdout, before.stdout
    assert "`kissaten rust install`" in before.stdout
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER=toolchains)
    assert done.returncode == 0 and done.stdout.endswith("rustc 1.95.0 is there\n"), done.stdout
    after = call(bare, "doctor")
    assert after.returncode == 0, after.stdout
    given = call(bare, "build", KISSATEN_RUSTC=str(old))
    assert given.returncode == 1 and "KISSATEN_RUSTC names the compiler, and it cannot be used (rustc 1.63.0" in given.stdout, given.stdout


def test_rustups_usual_one_may_be_old(bare, tools, tmp_path):
    """Its stable toolchain is taken, and what the user has chosen is not changed."""
    toolchains = Path(bare.environment["HOME"]) / ".rustup/toolchains"
    toolchains.mkdir(parents=True)
    (toolchains / "stable-x86_64-unknown-linux-gnu").symlink_to(rustc().parent.parent)
    proxy = Path(bare.environment["HOME"]) / ".cargo/bin/rustc"
    proxy.parent.mkdir(parents=True)
    proxy.write_text("#!/bin/sh\necho 'error: rustup could not choose a version of rustc to run' >&2\nexit 1\n")
    proxy.chmod(0o755)
    with running(bare, tmp_path / "kernel", path=str(tools)) as kernel:
        assert kernel.run("3 + 4").result == "7"
    assert session().name in [folder.name for folder in (Path(bare.environment["HOME"]) / ".cache/kissaten").iterdir()]
