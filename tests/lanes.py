"""Lanes: which tests run side by side, which one after another, and which have the machine to themselves.

`tests/run` starts pytest-xdist with a few lanes, as most tests wait more than they compute. What is begun first is what
takes longest, and at the end come many that are short, so that no lane waits long for another. Marks say what a test needs:

* `analyzer`: the analyzer, which `tests/run --fast` does not build.
* `alone`: no test may run beside it, as it changes or compares what all share (the installation, the caches, the system).

Nothing here knows what a test is about; without lanes, tests run in the order in which they stand.
"""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

# Files whose tests stay in one lane, as they would wait for one another's cargo or read what it writes. So do those of one
# literate file, and those of a module that share a fixture. The lessons do as they mostly sleep: beside one another they
# would leave the processors idle, and later all others would compete for them. Of the rest, each goes to the lane that is free.
TOGETHER = {"test_rust.py": "cargo", "test_colab.py": "cargo", "test_notebooks.py": "lessons"}

# The order in which files are begun, the longest tests first. Then come other programs, then cells and the protocol.
FIRST = (
    "test_rust.py",
    "test_notebooks.py",
    "test_compilers.py",
    "test_bare.py",
    "test_nbgrader.py",
    "test_halves.py",
    "test_answers.py",
    "test_browser.py",
    "test_side_by_side.py",
    "test_frontends.py",
    "test_wheel.py",
    "test_waiting.py",
    "test_examples.py",
    "test_complete.py",
)

# A property of a test with this name is a figure that is told at the end, from whatever lane.
TOLD = "told"

MARKS = (
    "analyzer: needs the analyzer, so `tests/run --fast` leaves it out",
    "alone: no other test runs at the same time",
    "slow: takes many seconds, so `tests/run --fast` leaves it out",
)


class Lanes:
    """The plugin. Between the lanes' processes a file is the lock that all tests share and one of `alone` has for itself."""

    def __init__(self, config: pytest.Config) -> None:
        for mark in MARKS:
            config.addinivalue_line("markers", mark)
        self._lane: dict[str, str] | None = getattr(config, "workerinput", None)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._lane is None:
            return
        items.sort(key=rank)
        # All lanes write the same.
        groups = {item.nodeid: group for item in items if (group := group_of(item))}
        path = file_of(self._lane, "groups")
        own = path.with_suffix(f".{self._lane['workerid']}")
        own.write_text(json.dumps(groups))
        own.rename(path)

    # In the process that all lanes are children of.
    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """A group goes to a lane as a whole. That pytest-xdist's own groups do is no longer so with this pytest."""
        from xdist.scheduler import LoadScopeScheduling

        class Scheduler(LoadScopeScheduling):
            groups: dict[str, str] = {}

            def add_node_collection(self, node: Any, collection: Any) -> None:
                self.groups = json.loads(file_of(node.workerinput, "groups").read_text())
                super().add_node_collection(node, collection)

            def _split_scope(self, nodeid: str) -> str:
                return self.groups.get(nodeid, nodeid)

        return Scheduler(config, log)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        """What is waited for is no time of the test's: it begins only then."""
        with ExitStack() as stack:
            if self._lane is not None:
                stack.enter_context(locked(file_of(self._lane, "lock"), exclusive=is_marked(item, "alone")))
            return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for reports in terminalreporter.stats.values():
            for report in reports:
                for name, told in getattr(report, "user_properties", ()):
                    if name == TOLD and report.when == "call":
                        terminalreporter.write_line(told)


def file_of(lane: dict[str, str], kind: str) -> Path:
    """A file that all lanes of one run share."""
    return Path(tempfile.gettempdir()) / f"kissaten-lanes-{lane['testrunuid']}.{kind}"


def is_marked(item: pytest.Item, mark: str) -> bool:
    return item.get_closest_marker(mark) is not None


def group_of(item: pytest.Item) -> str | None:
    if is_marked(item, "alone"):
        return "alone"
    if item.path.suffix == ".md" or shares_a_fixture(item):
        return item.path.stem
    return TOGETHER.get(item.path.name)


def shares_a_fixture(item: pytest.Item) -> bool:
    fixtures = item._fixtureinfo.name2fixturedefs.values() if isinstance(item, pytest.Function) else ()
    return any(found[-1].scope in ("class", "module") for found in fixtures)


def rank(item: pytest.Item) -> tuple[bool, int, bool]:
    """Lower is earlier."""
    name = item.path.name
    return is_marked(item, "alone"), FIRST.index(name) if name in FIRST else len(FIRST), item.path.parent.name in ("cells", "protocol")


@contextmanager
def locked(path: Path, *, exclusive: bool) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
