"""The checks of the Rust code itself: its form, its lints, and its unit tests."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from toolchains import own_packages

# What cells link to is built with other flags than the server, and so in a folder of its own.
SESSION = ["--package=kissaten-session", "--package=kissaten-worker", "--target-dir=target/session"]
SESSION_FLAGS = "-Cprefer-dynamic --cfg=tokio_unstable"

# Other people's crates are those that the installation has compiled; our own are compiled as `cargo test` compiles, with
# all that it checks.
OWN_PROFILE = {"opt-level": "0", "debug-assertions": "true", "overflow-checks": "true"}
BUILT = ["--locked", "--release", *(f"--config=profile.release.package.{name}.{key}={value}" for name in own_packages(Path(__file__).parent.parent) for key, value in OWN_PROFILE.items())]

CHECKS = {
    "format": (["fmt", "--all", "--check"], {}),
    "lints": (["clippy", *BUILT, "--all-targets", "--", "-D", "warnings"], {}),
    "unit-tests": (["test", *BUILT, "--quiet", "--no-fail-fast"], {}),
    "session-lints": (
        ["clippy", "--locked", "--all-targets", *SESSION, "--", "-D", "warnings"],
        {"RUSTFLAGS": SESSION_FLAGS},
    ),
    "session-unit-tests": (["test", "--locked", "--quiet", "--no-fail-fast", *SESSION], {"RUSTFLAGS": SESSION_FLAGS}),
}

# Not among the default members. In the folder and by the profile that it is installed from.
PROFILE = os.environ.get("KISSATEN_ANALYZER_PROFILE", "analyzer")
ANALYZER = ["test", "--locked", "--quiet", f"--profile={PROFILE}", "--package=kissaten-analyzer", "--target-dir=target"]


@pytest.mark.parametrize("check", [*CHECKS, pytest.param("analyzer-unit-tests", marks=pytest.mark.analyzer)])
def test_cargo(repository, check):
    arguments, environment = CHECKS.get(check, (ANALYZER, {}))
    assert subprocess.run(["cargo", *arguments], cwd=repository, env={**os.environ, **environment}).returncode == 0


def test_no_two_types_of_one_name_in_a_crate(repository):
    """Who reads `Place` knows which one is meant. Tests apart, and what is text of exported programs."""
    twice = []
    for crate in sorted(path.parent for path in repository.glob("kernel/*/Cargo.toml")):
        found = {}
        for path in sorted((crate / "src").rglob("*.rs")):
            if path.stem in ("tests", "fuzz") or "tests" in path.parts or path.is_symlink():
                continue
            text = re.split(r"\n#\[cfg\(test\)\]\nmod tests \{", path.read_text())[0]
            for name in re.findall(r"^ *(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union) ([A-Z]\w*)", text, re.MULTILINE):
                found.setdefault(name, []).append(str(path.relative_to(crate)))
        twice += [(crate.name, name, places) for name, places in found.items() if len(places) > 1]
    assert not twice
