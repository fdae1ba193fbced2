"""The wheel: built from the programs that are installed already, put into environments of several kinds, and used.

`just wheel` builds the programs too, which takes minutes; what is tested here is all that comes after that.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from kernel import Installation, running
from wheels import call

# The wheel has it.
pytestmark = pytest.mark.analyzer


def venv(folder: Path) -> Path:
    call("python3", "-m", "venv", folder)
    return folder / "bin"


@pytest.fixture(scope="module")
def packagers(tmp_path_factory) -> Path:
    """An environment with the programs that make, check and install wheels."""
    bin = venv(tmp_path_factory.mktemp("packagers") / "venv")
    call(bin / "pip", "install", "--quiet", "auditwheel", "hatchling", "pipx", "uv")
    return bin


def runs(prefix: Path, directory: Path) -> None:
    """The kernel that a wheel brought is found by its kernelspec, and runs; the environment is not activated."""
    with running(Installation(prefix, dict(os.environ)), directory) as kernel:
        assert kernel.run("tokio::time::sleep(std::time::Duration::from_millis(1)).await; 3 + 4").result == "7"


def test_what_is_in_it(wheel):
    assert wheel.name.startswith("kissaten-") and "-py3-none-manylinux_" in wheel.name
    # The tests' own programs are optimised less, and so larger than those that users get.
    is_users = "KISSATEN_ANALYZER_PROFILE" not in os.environ
    assert wheel.stat().st_size < (20_000_000 if is_users else 24_000_000)
    names = {name.partition(".data/")[2] or name for name in zipfile.ZipFile(wheel).namelist()}
    assert {
        "scripts/kissaten",
        "data/share/jupyter/kernels/kissaten/kernel.json",
        "data/share/jupyter/kernels/kissaten/logo-svg.svg",
        "data/share/kissaten/kissaten_papermill.py",
        "kissaten/__init__.py",
    } <= names


def test_the_oldest_c_library_is_what_its_name_says(wheel, packagers):
    """The name is made from what the programs ask for, and auditwheel reads that for itself."""
    platform = wheel.stem.rpartition("-")[2]
    assert f'the following platform tag: "{platform}"' in call(packagers / "auditwheel", "show", wheel)


def test_in_a_venv_that_is_not_activated(wheel, tmp_path):
    bin = venv(tmp_path / "venv")
    call(bin / "pip", "install", "--quiet", "--no-index", wheel)
    runs(tmp_path / "venv", tmp_path / "kernel")
    call(bin / "pip", "uninstall", "--quiet", "--yes", "kissaten")
    left = [path for path in (tmp_path / "venv").rglob("*kissaten*")]
    assert not left, left


def test_in_a_users_own_place(wheel, tmp_path):
    # The system's Python: a virtual environment has no such place.
    pip = (sys.executable, "-m", "pip", "--python", Path(sys.base_prefix, "bin/python3"))
    base = tmp_path / "home/.local"
    call(*pip, "install", "--quiet", "--no-index", "--user", "--break-system-packages", wheel, PYTHONUSERBASE=str(base), PIP_REQUIRE_VIRTUALENV="0")
    runs(base, tmp_path / "kernel")


def kernelspec(*command: str | Path, **environment: str) -> Path:
    """The folder of the kernelspec that Jupyter finds; the command is its `jupyter kernelspec list --json`."""
    said = call(*command, "list", "--json", **environment)
    # Before it there may be warnings.
    return Path(json.loads(said[said.index("{\n") :])["kernelspecs"]["kissaten"]["resource_dir"])


def test_by_uv(wheel, packagers, tmp_path):
    """In an environment of uv's own kind, and in one that is made for a single call."""
    cache = {"UV_CACHE_DIR": str(tmp_path / "cache"), "UV_LINK_MODE": "copy"}
    call(packagers / "uv", "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", **cache)
    call(packagers / "uv", "pip", "install", "--quiet", "--python", tmp_path / "venv/bin/python", "--no-index", wheel, **cache)
    runs(tmp_path / "venv", tmp_path / "kernel")
    # `uvx --with kissaten --from jupyterlab jupyter lab` finds kernels in the same way, by a package that is smaller.
    uvx = (packagers / "uvx", "--quiet", "--python", sys.executable, "--with", wheel, "--from", "jupyter_client", "jupyter-kernelspec")
    found = kernelspec(*uvx, **cache)
    runs(found.parent.parent.parent.parent, tmp_path / "once")


def test_by_pipx(wheel, packagers, tmp_path):
    """`pipx inject jupyterlab kissaten`, with a package that is smaller."""
    home = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin"), "PIPX_MAN_DIR": str(tmp_path / "man")}
    call(packagers / "pipx", "install", "--quiet", "--python", sys.executable, "jupyter_client", **home)
    call(packagers / "pipx", "inject", "--quiet", "jupyter_client", wheel, **home)
    found = kernelspec(tmp_path / "bin/jupyter-kernelspec", **home)
    runs(found.parent.parent.parent.parent, tmp_path / "kernel")


def test_under_another_prefix(wheel, tmp_path):
    """As into an image's environment."""
    call(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--prefix", tmp_path / "conda", wheel)
    runs(tmp_path / "conda", tmp_path / "kernel")


def test_the_extension_comes_with_it(wheel, tmp_path):
    bin = venv(tmp_path / "venv")
    call(bin / "pip", "install", "--quiet", "--no-index", wheel)
    code = "import kissaten.values, kissaten.errors; print(kissaten.values.passed('xs', [1.5]).type.text())"
    # IPython is that of the tests, as it would be the notebook's.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    assert call(bin / "python", "-c", code, PYTHONPATH=packages).strip() == "Vec<f64>"


def test_the_source_distribution_makes_the_same_wheel(repository, programs, wheel, packagers, tmp_path):
    script = "from hatchling.builders.sdist import SdistBuilder; import sys; print(next(SdistBuilder(sys.argv[1]).build(directory=sys.argv[2])))"
    archive = call(packagers / "python", "-c", script, repository, tmp_path).splitlines()[-1]
    again = tmp_path / "again"
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", again, archive, KISSATEN_WHEEL_PROGRAMS=str(programs))
    [path] = again.iterdir()
    assert sorted(zipfile.ZipFile(path).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())
