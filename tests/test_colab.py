"""The set-up cell for Colab, run as closely to Colab as is possible elsewhere.

What is as there: the cell runs in a Python kernel, as root (or as who believes to be), with a HOME that has nothing in it, with
no cargo on the PATH and no cache of a compiler, in an empty working directory; Jupyter runs under another Python than
the one that is on the PATH; the kernel is then talked to over ipc. What is not: nothing is downloaded (rustup, the repository and the release are
local, and the installed toolchain stands in for a new one), Kissaten goes to another prefix than
/usr/local, and Colab's own frontend and machine are not there.
"""

import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from kernel import HANG, Installation, running
from toolchains import give_session, own_packages, server_profile, unoptimised
from wheels import call

FOLDER = Path(__file__).parent.parent / "notebooks" / "colab"
NOTEBOOK = FOLDER / "set-up.ipynb"
SIDE_BY_SIDE = FOLDER / "python-and-rust.ipynb"

# What stands in for rustup's installer: it checks how it is called, and puts the present toolchain where rustup would.
RUSTUP = """\
[ "$*" = "-y --quiet --profile minimal --no-modify-path --default-toolchain stable" ] || exit 2
mkdir -p "$HOME/.cargo/bin"
for tool in cargo rustc; do ln -s "{sysroot}/bin/$tool" "$HOME/.cargo/bin/$tool"; done
# The crates come from where they come from on this machine.
for name in registry config.toml config; do
    [ ! -e "{cargo_home}/$name" ] || ln -s "{cargo_home}/$name" "$HOME/.cargo/$name"
done
"""

# A lesson that ends sooner than those that there are.
SHORT = nbformat.v4.new_notebook(
    metadata={"kernelspec": {"name": "kissaten", "display_name": "Rust", "language": "rust"}},
    cells=[nbformat.v4.new_code_cell('let beforehand = "short";'), nbformat.v4.new_code_cell("beforehand.len()")],
)


class Colab:
    """A machine that has as little on it as one of Colab's."""

    def __init__(self, directory: Path, repository: Path) -> None:
        self.root, self.prefix, self.content = directory / "root", directory / "usr-local", directory / "content"
        for folder in (self.root, self.content, directory / "tmp"):
            folder.mkdir(parents=True)
        # Another Python, of Jupyter: that of the tests. On the PATH is the system's.
        kept = {"TMPDIR": str(directory / "tmp"), "LANG": "C.UTF-8"}
        self.environment = {**kept, "HOME": str(self.root), "PATH": "/usr/bin:/bin"}
        self.rustup = directory / "rustup.sh"
        sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
        cargo_home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
        self.rustup.write_text(RUSTUP.format(sysroot=sysroot, cargo_home=cargo_home))
        self.repository = directory / "repository"
        subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repository}", self.repository], check=True)
        # What is not committed yet is tested too.
        for path in subprocess.check_output(["git", "ls-files", "-mo", "--exclude-standard"], cwd=repository, text=True).splitlines():
            (self.repository / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / path, self.repository / path)
        nbformat.write(SHORT, self.repository / "notebooks/short.ipynb")
        commit = ["-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--all", "--message=now"]
        subprocess.run(["git", "add", "--all"], cwd=self.repository, check=True)
        subprocess.run(["git", *commit, "--allow-empty"], cwd=self.repository, check=True)

    def set_up(self, *, release: str = "", **replaced: str):
        """Runs the set-up cell with the addresses of this machine; the cell as it is then."""
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        [cell] = [cell for cell in notebook.cells if cell.id == "set-up"]
        lines = cell.source.split("\n")
        values = {"REPOSITORY": f"file://{self.repository}", "RELEASE": release, **replaced}
        for name, value in values.items():
            [index] = [index for index, line in enumerate(lines) if line.startswith(f"{name} = ")]
            lines[index] = f'{name} = "{value}"'
        # The two things that are elsewhere here than the script's own defaults.
        options = f"--prefix {self.prefix} --rustup file://{self.rustup}"
        cell.source = "\n".join(line.replace("set-up.sh ", f"set-up.sh {options} ") for line in lines)
        # Only the names that the tests were told stay: those of this machine's tools are none of Colab's.
        manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager())
        if os.geteuid() != 0:
            manager.kernel_spec.argv[:0] = ["unshare", "--map-root-user"]
        run = nbformat.v4.new_notebook(cells=[cell], metadata=notebook.metadata)
        client = NotebookClient(run, km=manager, timeout=4 * HANG, allow_errors=True)
        client.execute(env=self.environment, cwd=str(self.content))
        return run.cells[0]


@pytest.fixture
def colab(tmp_path, repository) -> Colab:
    return Colab(tmp_path / "colab", repository)


def words(cell) -> str:
    return "".join(output.get("text", "") or output.get("evalue", "") for output in cell.outputs)


def runs_over_ipc(colab: Colab, directory: Path, *, prebuilt: bool = False) -> None:
    """The kernel that was installed, found and started as Colab does: with another environment than the set-up had."""
    installed = Installation(colab.prefix, colab.environment)
    with running(installed, directory, transport="ipc") as kernel:
        if prebuilt:
            for cell in SHORT.cells:
                kernel.ok(cell.source)
            counted = kernel.run(":cache").shown
            assert f"{len(SHORT.cells)} needed no rustc, and 0 did." in counted, counted
        assert kernel.ok("let order = tokio::spawn(async { 7 });").error is None
        assert kernel.run("order.await?").result == "7"
        cell = kernel.ok("%%timeline\ntokio::time::sleep(std::time::Duration::from_millis(10)).await;")
        assert any("<svg" in str(message["content"].get("data")) for message in cell.iopub)


def test_from_a_release(colab, installation, tmp_path):
    """All from nothing: Rust and the release. The session library is the tests' own, which has just been built in the same way;
    `KISSATEN_TEST_COLD=1` builds one here too.
    """
    if not os.environ.get("KISSATEN_TEST_COLD"):
        give_session(colab.root)
    archive = tmp_path / "kissaten.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", installation.prefix, "bin/kissaten", "share/kissaten"], check=True)
    cell = colab.set_up(release=f"file://{archive}")
    assert "✅ Now reload this page" in words(cell), words(cell)
    assert not [output for output in cell.outputs if output.output_type == "error"]
    assert "Getting Rust" in words(cell) and "Installing the release" in words(cell)
    # As root it finds rustc where rustup put it, which is on nobody's PATH.
    runs_over_ipc(colab, tmp_path / "kernel")
    # A second run, as after a failure or in doubt, does less.
    again = words(colab.set_up(release=f"file://{archive}", LESSON="short.ipynb"))
    assert "✅ Now reload" in again and "Rust is here" in again and "Getting Rust" not in again
    assert "short.ipynb (" in again, "its cells were compiled beforehand"
    runs_over_ipc(colab, tmp_path / "lesson", prebuilt=True)


@pytest.mark.analyzer
def test_from_source(colab, repository, tmp_path):
    """There is no release. What was compiled already of other people's crates is not compiled again, which would take minutes.

    `KISSATEN_TEST_COLD=1` lets it begin with nothing.
    """
    profiles = {"KISSATEN_SERVER_PROFILE": server_profile(), "KISSATEN_ANALYZER_PROFILE": os.environ.get("KISSATEN_ANALYZER_PROFILE", "analyzer")}
    if not os.environ.get("KISSATEN_TEST_COLD"):
        for target in set(profiles.values()):
            if (built := repository / "target" / target).exists():
                shutil.copytree(built, colab.content / "built" / target, copy_function=shutil.copy2)
        # What was compiled from crates in another place counts as changed, so here Rust is the machine's own.
        for name, usual in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")):
            colab.environment[name] = os.environ.get(name, str(Path.home() / usual))
        colab.environment["CARGO_BUILD_BUILD_DIR"] = str(colab.content / "built")
        colab.environment["XDG_CACHE_HOME"] = os.environ["XDG_CACHE_HOME"]
        colab.environment |= profiles
        # Our own are compiled, and not optimised.
        unoptimised(colab.content, *own_packages(), profiles=set(profiles.values()))
    cell = colab.set_up(release=f"file://{tmp_path}/none.tar.gz")
    assert "✅ Now reload this page" in words(cell), words(cell)
    assert "There is no release at" in words(cell) and "from source" in words(cell)
    runs_over_ipc(colab, tmp_path / "kernel")


def test_what_goes_wrong_is_told(colab):
    cell = colab.set_up(REPOSITORY="")
    assert "first put the address" in words(cell)
    cell = colab.set_up(REPOSITORY=f"file://{colab.content}/nowhere")
    assert "there is no repository at" in words(cell)
    colab.rustup.unlink()
    cell = colab.set_up()
    assert "rustup could not be downloaded" in words(cell) and "Kissaten could not be installed" in words(cell)
    colab.rustup.write_text("exit 1\n")
    assert "rustup could not install Rust" in words(colab.set_up())


def test_python_and_rust_from_nothing(wheel, toolchains, tmp_path):
    """By pip alone, in the Python that Colab's notebook runs in: the set-up cell, and the first cells after it."""
    saved = nbformat.read(SIDE_BY_SIDE, as_version=4)
    code = [cell for cell in saved.cells if cell.cell_type == "code"]
    cells = code[: 1 + next(index for index, cell in enumerate(code) if cell.id == "await-rs")]
    [line] = [line for line in cells[0].source.splitlines() if line.startswith("KISSATEN = ")]
    cells[0].source = cells[0].source.replace(line, f'KISSATEN = "{wheel}"')
    python, content, home = tmp_path / "usr-local", tmp_path / "content", tmp_path / "root"
    for folder in (content, home):
        folder.mkdir(parents=True)
    give_session(home)
    call("python3", "-m", "venv", python)
    call(python / "bin/pip", "install", "--quiet", "ipykernel", "jupyter_client")
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager())
    manager.kernel_spec.argv[0] = str(python / "bin/python3")
    if os.geteuid() != 0:
        manager.kernel_spec.argv[:0] = ["unshare", "--map-root-user"]
    environment = {
        "HOME": str(home),
        "PATH": f"{python / 'bin'}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "RUSTUP_DIST_SERVER": toolchains,
        "PIP_CONFIG_FILE": os.environ.get("PIP_CONFIG_FILE", str(Path.home() / ".config/pip/pip.conf")),
    }
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    run = nbformat.v4.new_notebook(cells=cells, metadata=saved.metadata)
    client = NotebookClient(run, km=manager, timeout=4 * HANG)
    client.execute(env=environment, cwd=str(content))
    by_name = {cell.id: cell for cell in run.cells}
    assert "rustc 1.95.0 is there" in words(by_name["set-up"]), words(by_name["set-up"])
    assert "asyncio.run() cannot be called from a running event loop" in words(by_name["run-py"])
    assert words(by_name["await-rs"]) == "Start\nEnd after 2 seconds\n"


def test_no_address_is_left_to_fill_in(repository):
    assert "OWNER" not in (repository / "README.md").read_text() + NOTEBOOK.read_text()
