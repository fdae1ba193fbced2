"""Puts the kernel into the wheel: builds its programs, and says where pip lays what belongs to them.

A wheel's `data` is laid under the environment's prefix: `bin/kissaten`, which carries the source of the session library,
`share/jupyter/kernels/kissaten`, `libexec/kissaten`. It knows neither JupyterLab nor the extension for Python notebooks.

The environment says how it is built:
  KISSATEN_WHEEL_PROGRAMS   a folder with `kissaten` and perhaps `kissaten-analyzer`, which are taken as they are
  KISSATEN_WHEEL_GLIBC      the oldest C library to run with, as `2.17`: cargo-zigbuild links for it (from pip, as is the
                            `ziglang` that it calls)
  KISSATEN_WHEEL_MACHINE    what the programs run on, as `aarch64`, where it is not this machine; needs the one above
  KISSATEN_WHEEL_ANALYZER   `no` leaves the analyzer out
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface):
    """The hook that hatchling calls for a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds, and fills in the wheel's tag, its programs and its data."""
        if version == "editable":
            return
        root = Path(self.root)
        programs = self._programs(root)
        kernel, analyzer = programs / "kissaten", programs / "kissaten-analyzer"
        build_data["pure_python"] = False
        has_analyzer = analyzer.is_file() and os.environ.get("KISSATEN_WHEEL_ANALYZER") != "no"
        build_data["tag"] = f"py3-none-{platform_tag([kernel, analyzer] if has_analyzer else [kernel])}"
        scripts, data = build_data["shared_scripts"], build_data["shared_data"]
        scripts[str(kernel)] = "kissaten"
        if has_analyzer:
            data[str(analyzer)] = "libexec/kissaten/kissaten-analyzer"
        kernelspec = "share/jupyter/kernels/kissaten"
        data[str(root / "kernel/python/kernelspec/kernel.json")] = f"{kernelspec}/kernel.json"
        data[str(root / "kernel/server/src/logo.svg")] = f"{kernelspec}/logo-svg.svg"
        data[str(root / "notebooks/papermill/kissaten_papermill.py")] = "share/kissaten/kissaten_papermill.py"

    def _programs(self, root: Path) -> Path:
        """The folder with the built programs."""
        given = os.environ.get("KISSATEN_WHEEL_PROGRAMS")
        if given:
            return Path(given)
        glibc = os.environ.get("KISSATEN_WHEEL_GLIBC")
        machine = os.environ.get("KISSATEN_WHEEL_MACHINE") or platform.machine()
        if machine != platform.machine() and not glibc:
            raise RuntimeError("KISSATEN_WHEEL_MACHINE is for cargo-zigbuild: say KISSATEN_WHEEL_GLIBC, too")
        triple = f"{machine}-unknown-linux-gnu"
        build = ["zigbuild", "--target", f"{triple}.{glibc}"] if glibc else ["build"]
        jobs = [("release", "kissaten")]
        if os.environ.get("KISSATEN_WHEEL_ANALYZER") != "no":
            jobs.append(("analyzer", "kissaten-analyzer"))
        target = root / "target"
        found = target / "wheel" / machine
        found.mkdir(parents=True, exist_ok=True)
        # pip shows its builds no packages but those of the build system; cargo-zigbuild's `python3 -m ziglang` is another.
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONNOUSERSITE")}
        if glibc:
            # What only a debugger reads would be most of the wheel. The `strip` of this machine may not know the other's.
            environment |= {f"CARGO_PROFILE_{profile.upper()}_STRIP": "symbols" for profile, _ in jobs}
        for profile, program in jobs:
            command = ["cargo", *build, "--locked", "--profile", profile, "--package", program, "--target-dir", str(target)]
            self.app.display_info(f"Building {program}")
            subprocess.run(command, cwd=root, env=environment, check=True)
            built = target / triple / profile if glibc else target / profile
            shutil.copy2(built / program, found / program)
            if not glibc and shutil.which("strip"):
                subprocess.run(["strip", found / program], check=True)
        return found


#: The machine of a program, by its number in the head of the file.
MACHINES = {62: "x86_64", 183: "aarch64"}


def platform_tag(programs: list[Path]) -> str:
    """The wheel's platform: that of the oldest C library which has all that the programs ask for.

    The versions stand in a program as text, `GLIBC_2.17`.
    """
    texts = [program.read_bytes() for program in programs]
    versions = [tuple(map(int, found)) for text in texts for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", text)]
    major, minor = max(versions, default=(2, 17))
    machine = MACHINES[int.from_bytes(texts[0][18:20], "little")]
    return f"manylinux_{major}_{minor}_{machine}"
