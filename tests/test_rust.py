"""The checks of the Rust code itself: its form, its lints, and its unit tests."""

import json
import os
import re
import subprocess

import pytest

from toolchains import copy_crates, linted, own_packages, session_build

# What runs the tests of one side, after what is compiled for them was linted.
TEST = ("test", "--quiet", "--no-fail-fast")


def server_side(*command: str) -> list[str]:
    """As it was installed for the tests, so only the tests themselves are compiled."""
    return [*command, "--locked", "--profile=checked"]


def session_side(*command: str) -> list[str]:
    """What cells link to. Other people's crates are those of the session library; our own are compiled as `cargo test` compiles."""
    _, levels = session_build()
    own = {"opt-level": "0", "debug-assertions": "true", "overflow-checks": "true"}
    profile = [f"--config=profile.session.package.{name}.opt-level={level}" for name, level in levels.items()]
    profile += [f"--config=profile.session.package.{name}.{key}={value}" for name in own_packages() for key, value in own.items()]
    return [*command, "--locked", "--profile=session", *profile, "--package=kissaten-session", "--package=kissaten-worker", "--target-dir=target/session"]


def analyzer_side(*command: str) -> list[str]:
    """Not among the default members. In the folder and by the profile that it is installed from."""
    profile = os.environ.get("KISSATEN_ANALYZER_PROFILE", "analyzer")
    return [*command, "--locked", f"--profile={profile}", "--package=kissaten-analyzer", "--target-dir=target"]


SIDES = [pytest.param(server_side, id="server"), pytest.param(session_side, id="session"), pytest.param(analyzer_side, id="analyzer", marks=pytest.mark.analyzer)]


@pytest.fixture
def cargo(repository):
    def call(arguments: list[str], **options) -> subprocess.CompletedProcess:
        environment = dict(os.environ)
        if "--profile=session" in arguments:
            copy_crates(repository / "target/session")
            environment["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(session_build()[0])
        # Not by the environment, as some of the tests compile what users would compile.
        wrapper = f'build.rustc-workspace-wrapper="{linted()["RUSTC_WORKSPACE_WRAPPER"]}"'
        return subprocess.run(["cargo", f"--config={wrapper}", *arguments], cwd=repository, env=environment, **options)

    return call


def test_format(repository):
    assert subprocess.run(["cargo", "fmt", "--all", "--check"], cwd=repository).returncode == 0


@pytest.mark.parametrize("side", SIDES)
def test_lints(cargo, side):
    """No warning of rustc or clippy in programs, libraries and their tests. Cargo repeats those of what is compiled already."""
    done = cargo(side("build", "--all-targets", "--message-format=json"), stdout=subprocess.PIPE, text=True)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"reason":"compiler-message"')]
    for message in said:
        print(message["message"]["rendered"])
    assert done.returncode == 0 and not said


@pytest.mark.parametrize("side", SIDES)
def test_units(cargo, side):
    assert cargo(side(*TEST)).returncode == 0


def test_lints_are_those_of_clippy(tmp_path):
    """That the compiler which is called is clippy's, that it reads our settings, and that cargo repeats what it said."""
    package = tmp_path / "package"
    (package / "src").mkdir(parents=True)
    (package / "Cargo.toml").write_text('[package]\nname = "linted"\nedition = "2024"\n[workspace]\n')
    (package / "clippy.toml").write_text('disallowed-methods = ["std::thread::sleep"]\n')
    (package / "src/lib.rs").write_text("#[test]\nfn f() {\n    std::thread::sleep(std::time::Duration::ZERO);\n}\n")
    command = ["cargo", "build", "--all-targets", "--offline", "--message-format=json"]
    for _ in range(2):
        done = subprocess.run(command, cwd=package, env={**os.environ, **linted()}, stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0 and "clippy::disallowed_methods" in done.stdout, done.stdout


def test_who_has_no_documentation_tests_has_none_in_the_text(repository):
    """Those would be passed over."""
    for manifest in repository.glob("kernel/*/Cargo.toml"):
        if "\ndoctest = false\n" in manifest.read_text():
            for path in (manifest.parent / "src").rglob("*.rs"):
                # What is only text for exported programs stands here by a link.
                assert path.is_symlink() or not re.search(r"^ *//[/!] *(```|~~~)", path.read_text(), re.MULTILINE), path


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
