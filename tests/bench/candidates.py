"""What is measured: kernels, started as Jupyter starts them, plain rustc, and programs built by cargo."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

GUARD = 600
# A cell of the benchmark that takes longer will never end.
CELL_GUARD = 20


class Failed(Exception):
    """A cell erred that must not."""


class Hung(Exception):
    """A cell that does not end."""


def find_spec(kind: str, given: Path | None, name: str) -> Path | None:
    if given is not None:
        if not (given / "kernel.json").is_file():
            sys.exit(f"{kind}: there is no kernel.json in {given}")
        return given
    try:
        return Path(KernelSpecManager().get_kernel_spec(name).resource_dir)
    except NoSuchKernel:
        print(f"({kind} is not installed: no kernelspec `{name}`)", file=sys.stderr)
        return None


class Kernel:
    """A kernel of a kind, running or not yet."""

    def __init__(self, kind: str, spec: Path, preparation: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> None:
        self.kind = kind
        self._spec = spec
        self._preparation = preparation
        self._environment = {**os.environ, **(environment or {})}
        self._manager: KernelManager | None = None
        self._hung = False

    def start(self) -> float:
        """Starts it; the seconds until it answered its first request."""
        specs = KernelSpecManager(kernel_dirs=[str(self._spec.parent)])
        self._manager = KernelManager(kernel_name=self._spec.name, kernel_spec_manager=specs)
        self._hung = False
        begin = time.perf_counter()
        self._manager.start_kernel(env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self._manager.blocking_client()
        self.client.start_channels(hb=False)
        self.client.kernel_info()
        self.client.get_shell_msg(timeout=GUARD)
        ready = time.perf_counter() - begin
        self.client.wait_for_ready(timeout=GUARD)
        return ready

    def prepare(self) -> None:
        for code in self._preparation:
            self.run(code)

    def run(self, code: str, lines: int | None = None, guard: float = GUARD) -> float:
        """Runs a cell; the seconds from its request to its idle. `lines`: how many it must print."""
        begin = time.perf_counter()
        printed = self._printed(self.client.execute(code), guard)
        seconds = time.perf_counter() - begin
        self.client.get_shell_msg(timeout=GUARD)
        if lines is not None and printed.count("\n") != lines:
            raise Failed(f"{self.kind}: {printed.count(chr(10))} lines of {lines} arrived")
        return seconds

    def told(self, code: str) -> list[float]:
        """Runs a cell that measures by itself; the numbers that it prints."""
        printed = self._printed(self.client.execute(code), GUARD)
        self.client.get_shell_msg(timeout=GUARD)
        return [float(number) for number in printed.split()]

    def interrupted(self, code: str) -> float:
        """Runs a cell that prints something and then never ends; the seconds from an interrupt to its idle."""
        msg_id = self.client.execute(code)
        while (message := self._message(msg_id, GUARD))["msg_type"] != "stream":
            if message["msg_type"] == "error":
                raise Failed(f"{self.kind}: {code}\n" + "\n".join(message["content"]["traceback"]))
        begin = time.perf_counter()
        self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))
        while self._message(msg_id, GUARD)["content"].get("execution_state") != "idle":
            pass
        seconds = time.perf_counter() - begin
        self.client.get_shell_msg(timeout=GUARD)
        self.client.get_control_msg(timeout=GUARD)
        return seconds

    def _message(self, msg_id: str, guard: float) -> dict:
        """The next message for a request."""
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=guard)
            except queue.Empty:
                self._hung = True
                raise Hung from None
            if message["parent_header"].get("msg_id") == msg_id:
                return message

    def _printed(self, msg_id: str, guard: float) -> str:
        """What a cell prints until it is idle."""
        printed = []
        while True:
            message = self._message(msg_id, guard)
            content = message["content"]
            match message["msg_type"]:
                case "stream" if content["name"] == "stdout":
                    printed.append(content["text"])
                case "error":
                    raise Failed(f"{self.kind}: " + "\n".join(content["traceback"]))
                case "status" if content["execution_state"] == "idle":
                    return "".join(printed)

    def memory(self) -> float:
        """MB of memory that its processes keep, shared pages divided among those who share them."""
        total = 0
        for process in self._processes():
            try:
                total += process.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
        return total / 1e6

    def _processes(self) -> list[psutil.Process]:
        kernel = psutil.Process(self._manager.provisioner.pid)
        return [kernel, *kernel.children(recursive=True)]

    def stop(self) -> None:
        """Ends it, by force where it does not end by itself; evcxr's leave their child behind."""
        if self._manager is None:
            return
        processes = self._processes()
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=self._hung)
        _, left = psutil.wait_procs(processes, timeout=2)
        for process in left:
            process.kill()
        self._manager = None


class PlainRustc:
    """rustc as anybody would call it, on the code of a cell in a cdylib of its own, with more flags."""

    def __init__(self, crate: Path, *flags: str) -> None:
        self._flags = flags
        self._tokio = Crate(crate).tokio()
        self._temporary = tempfile.TemporaryDirectory(prefix="bench-rustc-")

    def run(self, code: str, items: str = "", uses_tokio: bool = False) -> float:
        folder = Path(self._temporary.name)
        body = f"tokio::runtime::Runtime::new().unwrap().block_on(async {{ {code} }})" if uses_tokio else f"{{ {code} }}"
        source = f'{items}\n#[unsafe(no_mangle)] pub extern "C" fn cell() {{ let shown = {body}; println!("{{shown:?}}"); }}\n'
        (folder / "cell.rs").write_text(source)
        command = ["rustc", "--edition=2024", "--crate-type=cdylib", "--cap-lints=allow", *self._flags, "cell.rs", "-o", "cell.so"]
        if uses_tokio:
            command += ["--extern", f"tokio={self._tokio}", "-L", f"dependency={self._tokio.parent}"]
        begin = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, env={**os.environ, "RUSTC": ""})
        return time.perf_counter() - begin

    def stop(self) -> None:
        self._temporary.cleanup()


class Crate:
    """A crate with tokio, built by cargo: what anybody would write instead of a cell."""

    _MANIFEST = (
        '[package]\nname = "bench-tokio"\nversion = "0.0.0"\nedition = "2024"\n'
        '[dependencies]\ntokio = { version = "1", features = ["full"] }\n[workspace]\n'
    )
    # What rustc checks at a level by itself, cargo's profiles turn on or off.
    _PROFILE = (
        '[profile.opt{level}]\ninherits = "dev"\nopt-level = {level}\ndebug = false\nincremental = false\n'
        "debug-assertions = {checks}\noverflow-checks = {checks}\n"
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "src" / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "src" / "lib.rs").write_text("")
        profiles = [self._PROFILE.format(level=level, checks=str(level == 0).lower()) for level in range(4)]
        (folder / "Cargo.toml").write_text(self._MANIFEST + "".join(profiles))

    def tokio(self) -> Path:
        """tokio as a library; where it is."""
        for artifact in self._build("--lib"):
            if artifact.get("target", {}).get("name") == "tokio":
                return next(Path(name) for name in artifact["filenames"] if name.endswith(".rlib"))
        raise Failed("cargo built no tokio")

    def program(self, name: str, source: str, level: int) -> Path:
        """A program at a level of optimisation; where it is."""
        path = self._folder / "src" / "bin" / f"{name}.rs"
        if not path.exists() or path.read_text() != source:
            path.write_text(source)
        built = self._build(f"--bin={name}", f"--profile=opt{level}")
        return next(Path(artifact["executable"]) for artifact in built if artifact.get("executable"))

    def _build(self, *arguments: str) -> list[dict]:
        output = subprocess.run(
            ["cargo", "build", "--quiet", "--message-format=json", *arguments],
            cwd=self._folder, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        return [json.loads(line) for line in output.splitlines()]


def told(program: Path) -> list[float]:
    """Runs a program that measures by itself; the numbers that it prints."""
    return [float(number) for number in subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()]
