"""What `tests/run` keeps of one run for the next: what is compiled of other people's crates, and nothing of ours."""

import json
import re
import subprocess
from pathlib import Path

HASH = re.compile(r"-[0-9a-f]{16}$")


def crate(path: Path) -> str:
    """The crate that cargo made a file or a folder of."""
    return HASH.sub("", path.name.split(".")[0])


def test_nothing_of_ours_is_kept_and_all_of_the_others(repository):
    found = subprocess.run(["bash", "-c", ". tests/caches.sh && of_ours target"], cwd=repository, capture_output=True, text=True, check=True)
    removed = {Path(repository, path) for path in found.stdout.split("\0") if path}
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version=1", "--locked"], cwd=repository, capture_output=True, text=True, check=True)
    packages = json.loads(told.stdout)["packages"]
    targets = {target["name"].replace("-", "_") for package in packages for target in package["targets"]} - {"build_script_build"}
    ours = targets | {f"lib{name}" for name in targets} | {package["name"] for package in packages}
    made = [path for kind in ("deps", ".fingerprint", "build") for path in repository.glob(f"target/*/{kind}/*") if HASH.search(path.name.split(".")[0])]
    assert "libc" in map(crate, made) and "libipc" in map(crate, made)
    for path in made:
        assert (path in removed) == (crate(path) in ours), path
    scripts = set(repository.glob("target/*/build/*/build-script-build"))
    kept = {path for path in scripts if path not in removed and path.parent not in removed}
    assert {crate(path.parent) for path in scripts - kept} <= {"kissaten-source"} and kept
