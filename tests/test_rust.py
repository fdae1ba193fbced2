"""The checks of the Rust code itself: its form, its lints, and its unit tests."""

import os
import subprocess

import pytest

# What cells link to is built with other flags than the server, and so in a folder of its own.
SESSION = ["--package=kissaten-session", "--package=kissaten-worker", "--target-dir=target/session"]
SESSION_FLAGS = "-Cprefer-dynamic --cfg=tokio_unstable"

CHECKS = {
    "format": (["fmt", "--all", "--check"], {}),
    "lints": (["clippy", "--locked", "--all-targets", "--", "-D", "warnings"], {}),
    "unit-tests": (["test", "--locked", "--quiet"], {}),
    "session-lints": (
        ["clippy", "--locked", "--all-targets", *SESSION, "--", "-D", "warnings"],
        {"RUSTFLAGS": SESSION_FLAGS},
    ),
    "session-unit-tests": (["test", "--locked", "--quiet", *SESSION], {"RUSTFLAGS": SESSION_FLAGS}),
}

# Not among the default members. In the folder and by the profile that it is installed from.
PROFILE = os.environ.get("KISSATEN_ANALYZER_PROFILE", "analyzer")
ANALYZER = ["test", "--locked", "--quiet", f"--profile={PROFILE}", "--package=kissaten-analyzer", "--target-dir=target"]


@pytest.mark.parametrize("check", [*CHECKS, pytest.param("analyzer-unit-tests", marks=pytest.mark.analyzer)])
def test_cargo(repository, check):
    arguments, environment = CHECKS.get(check, (ANALYZER, {}))
    assert subprocess.run(["cargo", *arguments], cwd=repository, env={**os.environ, **environment}).returncode == 0
