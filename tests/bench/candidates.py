"""What is measured: kernels, started as Jupyter starts them, and plain rustc."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

GUARD = 600
# A cell of the benchmark that takes longer will never end.
CELL_GUARD = 20


class Failed(Exception):
    """A cell erred that must not."""


class Hung(Exception):
    """A cell that does not end."""


class Kernel:
    """A kernel of a kind, running or not yet."""

    def __init__(self, kind: str, spec: Path, preparation: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self._spec = spec
        self._preparation = preparation
        self._manager: KernelManager | None = None
        self._hung = False

    def start(self) -> float:
        """Starts it; the seconds until it answered its first request."""
        specs = KernelSpecManager(kernel_dirs=[str(self._spec.parent)])
        self._manager = KernelManager(kernel_name=self._spec.name, kernel_spec_manager=specs)
        self._hung = False
        begin = time.perf_counter()
        self._manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._client = self._manager.blocking_client()
        self._client.start_channels(hb=False)
        self._client.kernel_info()
        self._client.get_shell_msg(timeout=GUARD)
        ready = time.perf_counter() - begin
        self._client.wait_for_ready(timeout=GUARD)
        return ready

    def prepare(self) -> None:
        for code in self._preparation:
            self.run(code)

    def run(self, code: str, lines: int | None = None, guard: float = GUARD) -> float:
        """Runs a cell; the seconds from its request to its idle. `lines`: how many it must print."""
        begin = time.perf_counter()
        msg_id = self._client.execute(code)
        printed = 0
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=guard)
            except queue.Empty:
                self._hung = True
                raise Hung from None
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            content = message["content"]
            match message["msg_type"]:
                case "stream" if content["name"] == "stdout":
                    printed += content["text"].count("\n")
                case "error":
                    raise Failed(f"{self.kind}: {code}\n" + "\n".join(content["traceback"]))
                case "status" if content["execution_state"] == "idle":
                    break
        seconds = time.perf_counter() - begin
        self._client.get_shell_msg(timeout=GUARD)
        if lines is not None and printed != lines:
            raise Failed(f"{self.kind}: {printed} lines of {lines} arrived")
        return seconds

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
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=self._hung)
        _, left = psutil.wait_procs(processes, timeout=2)
        for process in left:
            process.kill()
        self._manager = None


class PlainRustc:
    """rustc as anybody would call it, on the code of a cell in a cdylib of its own."""

    kind = "plain rustc"

    def __init__(self, folder: Path) -> None:
        self._tokio = _tokio(folder)
        self._temporary = tempfile.TemporaryDirectory(prefix="bench-rustc-")

    def run(self, code: str, items: str = "", uses_tokio: bool = False) -> float:
        folder = Path(self._temporary.name)
        body = f"tokio::runtime::Runtime::new().unwrap().block_on(async {{ {code} }})" if uses_tokio else f"{{ {code} }}"
        source = f'{items}\n#[unsafe(no_mangle)] pub extern "C" fn cell() {{ let shown = {body}; println!("{{shown:?}}"); }}\n'
        (folder / "cell.rs").write_text(source)
        command = ["rustc", "--edition=2024", "--crate-type=cdylib", "--cap-lints=allow", "cell.rs", "-o", "cell.so"]
        if uses_tokio:
            command += ["--extern", f"tokio={self._tokio}", "-L", f"dependency={self._tokio.parent}"]
        begin = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, env={**os.environ, "RUSTC": ""})
        return time.perf_counter() - begin

    def stop(self) -> None:
        self._temporary.cleanup()


def _tokio(folder: Path) -> Path:
    """tokio as a library, built once by cargo; where it is."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "lib.rs").write_text("")
    (folder / "Cargo.toml").write_text(
        '[package]\nname = "bench-tokio"\nversion = "0.0.0"\nedition = "2024"\n'
        '[dependencies]\ntokio = { version = "1", features = ["full"] }\n[workspace]\n'
    )
    output = subprocess.run(
        ["cargo", "build", "--quiet", "--message-format=json"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    for line in output.splitlines():
        artifact = json.loads(line)
        if artifact.get("target", {}).get("name") == "tokio":
            return next(Path(name) for name in artifact["filenames"] if name.endswith(".rlib"))
    raise Failed("cargo built no tokio")
