"""`install.sh`: what it makes, what it says when something is missing, and that it takes everything back."""

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from kernel import running
from toolchains import linted


def install(repository, *arguments, **environment):
    return subprocess.run(
        [repository / "install.sh", *arguments], capture_output=True, text=True, env={**os.environ, **linted(), **environment}
    )


# It writes into what all tests share, and builds what is not built yet.
def installs(test):
    return pytest.mark.alone(pytest.mark.analyzer(test))


def files(directory: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}


def test_the_kernelspec(installation):
    spec = KernelSpecManager(kernel_dirs=[str(installation.kernels)]).get_kernel_spec("kissaten")
    assert (spec.display_name, spec.language, spec.interrupt_mode) == ("Rust (Kissaten)", "rust", "message")
    assert spec.argv[0] == str(installation.binary)
    for name, value in spec.env.items():
        assert value.startswith("/") or name == "RUSTUP_TOOLCHAIN", spec.env
    assert (Path(spec.resource_dir) / "logo-svg.svg").read_text().startswith("<svg")


def test_the_kernel_works_without_cargo_on_the_path(installation, tmp_path):
    with running(installation, tmp_path / "kernel", path="/nonexistent") as kernel:
        assert kernel.run("tokio::spawn(async { 7 }).await.unwrap()").result == "7"


@installs
def test_a_second_run_changes_nothing(repository, installation):
    before = files(installation.prefix) | files(Path(os.environ["XDG_CACHE_HOME"]) / "kissaten")
    outcome = install(repository, "--prefix", str(installation.prefix))
    assert outcome.returncode == 0, outcome.stderr
    assert "Compiling" not in outcome.stderr
    after = files(installation.prefix) | files(Path(os.environ["XDG_CACHE_HOME"]) / "kissaten")
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert not {path for path in changed if not path.startswith(str(installation.kernels))}, changed


@installs
def test_steps_are_numbered_and_timed(repository, installation):
    outcome = install(repository, "--prefix", str(installation.prefix))
    for step in range(1, 7):
        assert f"[{step}/6]" in outcome.stdout
    assert "(after 0 s)" in outcome.stdout


@installs
def test_uninstall_leaves_nothing(repository, installation, tmp_path):
    prefix, cache = tmp_path / "prefix", tmp_path / "cache"
    outcome = install(repository, "--prefix", str(prefix))
    assert outcome.returncode == 0, outcome.stderr
    assert os.access(prefix / "libexec" / "kissaten" / "kissaten-analyzer", os.X_OK)
    (cache / "kissaten").mkdir(parents=True)
    outcome = install(repository, "--prefix", str(prefix), "--uninstall", XDG_CACHE_HOME=str(cache))
    assert outcome.returncode == 0, outcome.stderr
    assert not files(prefix)
    assert not list(prefix.rglob("kissaten*"))
    assert not list(cache.iterdir())
    again = install(repository, "--prefix", str(prefix), "--uninstall", XDG_CACHE_HOME=str(cache))
    assert again.returncode == 0, again.stderr


@installs
def test_sys_prefix_is_the_active_environment(repository, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment)
    path = f"{environment}/bin:{os.environ['PATH']}"
    outcome = install(repository, "--sys-prefix", PATH=path)
    assert outcome.returncode == 0, outcome.stderr
    spec = json.loads((environment / "share" / "jupyter" / "kernels" / "kissaten" / "kernel.json").read_text())
    assert spec["argv"][0] == str(environment / "bin" / "kissaten")


@installs
def test_the_default_place_is_where_jupyter_looks(repository, tmp_path):
    """Nothing but HOME is told; rustup's own files stay where they are."""
    rust = {name: os.environ.get(name, str(Path.home() / default)) for name, default in RUST_HOMES.items()}
    unset = {name: "" for name in ("XDG_DATA_HOME", "JUPYTER_DATA_DIR", "JUPYTER_PATH")}
    outcome = install(repository, HOME=str(tmp_path), **rust, **unset)
    assert outcome.returncode == 0, outcome.stderr
    spec = tmp_path / ".local" / "share" / "jupyter" / "kernels" / "kissaten" / "kernel.json"
    assert json.loads(spec.read_text())["argv"][0] == str(tmp_path / ".local" / "bin" / "kissaten")


RUST_HOMES = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"}


def test_help(repository):
    outcome = install(repository, "--help")
    assert outcome.returncode == 0
    for option in ("lab", "--prefix DIR", "--sys-prefix", "--lessons", "--uninstall", "--help"):
        assert option in outcome.stdout


@pytest.mark.parametrize("arguments", [["--prefix"], ["--frobnicate"], ["somewhere"], ["lab", "--uninstall"]])
def test_wrong_arguments(repository, arguments):
    outcome = install(repository, *arguments)
    assert outcome.returncode == 2
    assert "--help" in outcome.stderr


BASICS = (
    "bash basename cat cp cut diff dirname env head id install ln ls mkdir mktemp mv rm sed sh sort tail tr uname apt-get"
).split()


def only(directory: Path, *names: str, **fakes: str) -> str:
    """A PATH with the basic tools, those that are named, and scripts that say something else than the real ones."""
    directory.mkdir()
    for name in (*BASICS, *names):
        if found := shutil.which(name):
            (directory / name).symlink_to(found)
    # Which package manager there is decides which command is named.
    fakes.setdefault("apt-get", "exit 1")
    for name, text in fakes.items():
        (directory / name).unlink(missing_ok=True)
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    return str(directory)


MODERN = {"rustc": 'echo "rustc 1.999.0 (0123456789 2030-01-01)"', "cargo": "exit 0"}

MISSING = {
    "cargo": ([], {}, [], "https://sh.rustup.rs"),
    "rustc-too-old": ([], {"cargo": "exit 0", "rustc": "echo 'rustc 1.63.0'"}, [], "rustup update stable"),
    "rustc-without-toolchain": ([], {"cargo": "exit 0", "rustc": "exit 1"}, [], "rustup default stable"),
    "linker": (["python3"], MODERN, [], "sudo apt install gcc libc6-dev"),
    "python-for-lab": (["cc"], MODERN, ["lab"], "sudo apt install python3 python3-venv"),
    "python-for-sys-prefix": (["cc"], MODERN, ["--sys-prefix"], "sudo apt install python3 python3-venv"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_what_is_missing_is_named_with_the_command_to_get_it(repository, tmp_path, kind):
    present, fakes, arguments, command = MISSING[kind]
    path = only(tmp_path / "bin", *present, **fakes)
    outcome = install(repository, *arguments, PATH=path, HOME=str(tmp_path), CARGO_HOME=str(tmp_path / "cargo"))
    assert outcome.returncode == 1, outcome
    assert command in outcome.stderr


@installs
def test_lab_says_how_to_get_venv(repository, installation, tmp_path):
    """The installation is done by then, so a stand-in for it is enough."""
    real = shutil.which("python3")
    python = f'[ "$2" = venv ] && exit 1\nexec {real} "$@"'
    path = only(tmp_path / "bin", "cc", "rustc", python3=python, cargo="exit 0")
    outcome = install(repository, "lab", "--prefix", str(installation.prefix), PATH=path)
    assert outcome.returncode == 1, outcome
    assert "sudo apt install python3-venv" in outcome.stderr


@installs
def test_lab_opens_jupyterlab_with_the_arguments(repository, installation, tmp_path):
    """A JupyterLab on the PATH is used; it is told of the notebooks and finds the kernel."""
    told = tmp_path / "told"
    jupyter_lab = f'[ "$1" = --version ] || {{ echo "$JUPYTER_PATH" "$@" > {told}; }}'
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "jupyter-lab").write_text(f"#!/bin/sh\n{jupyter_lab}\n")
    (tmp_path / "bin" / "jupyter-lab").chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    outcome = install(repository, "lab", "--prefix", str(installation.prefix), "--no-browser", PATH=path)
    assert outcome.returncode == 0, outcome.stderr
    words = told.read_text().split()
    assert words[0].split(":")[0] == str(installation.prefix / "share" / "jupyter")
    assert f"--notebook-dir={repository / 'notebooks'}" in words
    assert words[-1] == "--no-browser"
