"""Fixtures for the tests of the installed kernel. `tests/run` installs it and says where."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import lanes
import literate
from kernel import Installation, Kernel, running

# Fixtures that several modules use.
from bare import bare, tools
from small_std import small_std
from toolchains import rustup, toolchains
from wheels import programs, wheel

__all__ = ["bare", "programs", "rustup", "small_std", "toolchains", "tools", "wheel"]

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="write the kernel's answers into the literate cells, the notebooks and README's picture")


def pytest_configure(config: pytest.Config) -> None:
    prefix = os.environ.get("KISSATEN_TEST_PREFIX")
    if not prefix:
        raise pytest.UsageError("KISSATEN_TEST_PREFIX is not set: start the tests with tests/run")
    config.stash[literate.INSTALLATION] = Installation(Path(prefix), dict(os.environ))
    config.pluginmanager.register(lanes.Lanes(config), "lanes")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> literate.CellsFile | None:
    if file_path.suffix == ".md" and file_path.parent.name == "cells":
        return literate.CellsFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def installation(pytestconfig: pytest.Config) -> Installation:
    return pytestconfig.stash[literate.INSTALLATION]


@pytest.fixture
def start_kernel(installation: Installation, tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Starts kernels, each in a directory of its own; all are shut down and checked at the end of the test."""
    with ExitStack() as stack:
        started = 0

        def start(**options) -> Kernel:
            nonlocal started
            started += 1
            return stack.enter_context(running(installation, tmp_path / f"kernel{started}", **options))

        yield start


@pytest.fixture
def kernel(start_kernel: Callable[..., Kernel]) -> Kernel:
    return start_kernel()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Tells `shared_kernel` whether the test has passed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


FAILED = pytest.StashKey[bool]()


class SharedKernel:
    """A kernel that is started at the first need, and anew after a test that failed."""

    def __init__(self, installation: Installation, directory: Path) -> None:
        self._installation = installation
        self._directory = directory
        self._started = 0
        self._kernel: Kernel | None = None

    def get(self) -> Kernel:
        if self._kernel is None:
            self._started += 1
            self._kernel = Kernel(self._installation, self._directory / f"kernel{self._started}")
        return self._kernel

    def discard(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None

    def stop(self) -> None:
        try:
            if self._kernel is not None:
                self._kernel.stop()
        finally:
            self.discard()


@pytest.fixture(scope="module")
def shared(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKernel]:
    shared = SharedKernel(installation, tmp_path_factory.mktemp("shared"))
    yield shared
    shared.stop()


@pytest.fixture
def shared_kernel(shared: SharedKernel, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """One kernel for all tests of a module, where they cannot disturb each other."""
    yield shared.get()
    if request.node.stash.get(FAILED, False):
        shared.discard()
