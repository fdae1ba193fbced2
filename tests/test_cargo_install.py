"""One file for who has Rust: `cargo install kissaten`, then `kissaten install`; from the checkout, and from the packages.

The packages are built from nothing but what is in them. Other people's crates are those that the tests have compiled
already: `kernel/package.sh` without `--no-verify` compiles these too, which takes minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

from kernel import HANG, Installation, running
from toolchains import linted, rustc, server_profile

ADDRESS = "https://example.invalid/kissaten"


def cargo(*arguments: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(["cargo", *map(str, arguments)], cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=4 * HANG)
    assert done.returncode == 0, done.stdout
    return done.stdout


def installs(package: Path, repository: Path, home: Path, **environment: str) -> None:
    """`cargo install` into a home. cargo's own folder is not in it, as the crates would be downloaded again."""
    profile = f"--profile={server_profile()}"
    cargo("install", "--path", package, "--locked", profile, "--root", home / ".cargo", "--target-dir", repository / "target", folder=package, **environment)


def runs(bare: Installation, home: Path, directory: Path) -> None:
    """The program tells Jupyter of itself, and its kernel runs."""
    program = home / ".cargo/bin/kissaten"
    (program.parent / "rustc").symlink_to(rustc())
    done = subprocess.run([program, "install"], env=bare.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    with running(Installation(home / ".local", bare.environment), directory, path="/nonexistent") as kernel:
        assert kernel.run("tokio::spawn(async { 3 + 4 }).await?").result == "7"


def test_from_a_checkout(bare, repository, tmp_path):
    home = Path(bare.environment["HOME"])
    # That is what is installed already.
    installs(repository / "kernel/server", repository, home, **linted())
    runs(bare, home, tmp_path / "kernel")


@pytest.mark.slow
def test_from_the_packages(bare, repository, tmp_path):
    command = [repository / "kernel/package.sh", ADDRESS, tmp_path / "made", "--no-verify"]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert made.returncode == 0, made.stdout
    assert not (repository / "kernel/source/source.tar.gz").exists()
    # They are one another's dependencies as crates.io would have them, with the versions and the profile of the checkout.
    workspace = tmp_path / "workspace"
    patches, members = [], []
    for archive in sorted((tmp_path / "made/package").glob("*.crate")):
        with tarfile.open(archive) as package:
            package.extractall(workspace, filter="data")
        # All that is in a package is from one day of 2006, so cargo would take what an earlier run has compiled.
        for file in (workspace / archive.stem).rglob("*"):
            file.touch()
        name = archive.stem.rpartition("-")[0]
        members.append(archive.stem)
        patches.append(f'{name} = {{ path = "{archive.stem}" }}')
    text = (repository / "Cargo.toml").read_text()
    profile = "".join(re.findall(r"^\[profile\.(?:release|checked).*?(?=^\[(?!profile\.(?:release|checked))|\Z)", text, re.M | re.S))
    # Our own are not optimised: that they are compiled at all is what is tested.
    profile = re.sub(r"^kissaten.*\n", "", profile, flags=re.M)
    profile += "".join(f"\n[profile.release.package.{archive.partition('-0')[0]}]\nopt-level = 0\n" for archive in members)
    (workspace / "Cargo.toml").write_text(
        f'[workspace]\nresolver = "3"\nmembers = {members}\n[patch.crates-io]\n' + "\n".join(patches) + f"\n{profile}"
    )
    (workspace / "Cargo.lock").write_text((repository / "Cargo.lock").read_text())
    # What only the checkout's other crates need goes out of the lock file.
    cargo("metadata", "--format-version=1", folder=workspace)
    [kissaten] = workspace.glob("kissaten-[0-9]*")
    manifest = tomllib.loads((kissaten / "Cargo.toml").read_text())["package"]
    assert manifest["repository"] == ADDRESS
    place = manifest["metadata"]["binstall"]["pkg-url"].rpartition("/")[2].replace("{ target-arch }", "$(uname -m)")
    place = place.replace("{ target-family }", "linux")
    assert f"target/{place}" in (repository / "justfile").read_text(), "what `just release` makes is what cargo-binstall looks for"
    home = Path(bare.environment["HOME"])
    installs(kissaten, repository, home)
    runs(bare, home, tmp_path / "kernel")


def test_an_address_is_demanded(repository):
    done = subprocess.run([repository / "kernel/package.sh"], stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert done.returncode == 2 and "REPOSITORY" in done.stderr
