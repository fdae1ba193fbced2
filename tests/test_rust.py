"""The checks of the Rust code itself: its form, its lints, and its unit tests."""

import subprocess

import pytest

CHECKS = {
    "format": ["fmt", "--all", "--check"],
    "lints": ["clippy", "--locked", "--all-targets", "--", "-D", "warnings"],
    "unit-tests": ["test", "--locked", "--quiet"],
}


@pytest.mark.parametrize("check", CHECKS)
def test_cargo(repository, check):
    subprocess.run(["cargo", *CHECKS[check]], cwd=repository, check=True)
