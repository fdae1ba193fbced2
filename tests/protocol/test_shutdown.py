"""How a kernel ends: asked to, restarted, or because whoever started it is gone. Nothing of it may stay."""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from kernel import HANG, MARK, KernelDied, marked_processes, still_running


def test_shutdown_is_answered_and_leaves_nothing(kernel):
    kernel.ok("let task = tokio::spawn(std::future::pending::<()>());")
    cell = kernel.request("shutdown_request", {"restart": False}, channel="control")
    assert cell.reply == {"status": "ok", "restart": False}
    assert kernel.wait_for_end() == 0
    kernel.check_nothing_left()


def test_shutdown_on_the_shell_channel(kernel):
    assert kernel.request("shutdown_request", {"restart": False}).reply == {"status": "ok", "restart": False}
    assert kernel.wait_for_end() == 0


@pytest.mark.parametrize(
    "code",
    [
        'println!("busy"); std::future::pending::<()>().await',
        'println!("busy"); loop { std::hint::spin_loop() }',
        'println!("busy"); loop { std::thread::sleep(std::time::Duration::from_secs(3600)) }',
        'println!("busy"); std::process::Command::new("sleep").arg("3600").status()?;',
        # Programs of a shell are no part of the process group of who runs them.
        "!sleep 3600 & echo busy; sleep 3600",
    ],
)
def test_shutdown_while_a_cell_runs(kernel, code):
    kernel.start(code).until(lambda cell: "busy" in cell.stdout)
    assert kernel.request("shutdown_request", {"restart": False}, channel="control").reply["status"] == "ok"
    assert kernel.wait_for_end() == 0
    kernel.check_nothing_left()


def test_shutdown_while_a_cell_compiles(kernel):
    cell = kernel.start("#[allow(long_running_const_eval)]\nconst NEVER: u64 = loop {};\nNEVER")
    cell.until(lambda cell: any(m["msg_type"] == "execute_input" for m in cell.iopub))
    assert kernel.request("shutdown_request", {"restart": False}, channel="control").reply["status"] == "ok"
    assert kernel.wait_for_end() == 0
    kernel.check_nothing_left()


def test_a_program_that_was_left_in_the_background_ends_with_the_kernel(kernel):
    cell = kernel.ok("!sleep 3600 & echo $!")
    left = psutil.Process(int(cell.stdout))
    assert left.is_running() and kernel.ok("!true").stdout == ""
    assert kernel.request("shutdown_request", {"restart": True}, channel="control").reply["status"] == "ok"
    assert kernel.wait_for_end() == 0
    kernel.check_nothing_left()
    assert not still_running([left], HANG)


def test_restart_begins_anew(kernel):
    kernel.ok("let a = 1; fn f() -> u8 { 1 }")
    kernel.restart()
    cell = kernel.fails("a")
    assert cell.count == 1
    assert cell.error["evalue"].startswith("E0425")
    assert kernel.fails("f()").error["evalue"].startswith("E0425")
    assert kernel.run("tokio::spawn(async { 2 }).await.unwrap()").result == "2"


def test_a_terminated_kernel_cleans_up(kernel):
    kernel.start('println!("busy"); std::future::pending::<()>().await').until(lambda cell: "busy" in cell.stdout)
    os.kill(kernel.pid, signal.SIGTERM)
    with pytest.raises(KernelDied):
        while True:
            kernel.receive()
    kernel.wait_for_end()
    kernel.check_nothing_left()


@pytest.mark.parametrize("code", ['println!("busy"); loop { std::hint::spin_loop() }', "!sleep 3600 & echo busy; wait"])
def test_the_worker_does_not_outlive_a_killed_server(kernel, code):
    kernel.start(code).until(lambda cell: "busy" in cell.stdout)
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.wait_for_end()
    assert not still_running(kernel.processes(), HANG)
    # Nobody is left who could remove the kernel's directory; the next kernel does.
    for path in kernel.temporary.iterdir():
        assert path.name.startswith("kissaten"), path
        subprocess.run(["rm", "-r", path], check=True)


def test_programs_of_a_shell_do_not_outlive_their_worker(kernel):
    cell = kernel.start("!sleep 3600 & echo $!; kill -KILL $PPID; wait").finish()
    assert cell.reply["status"] == "error", "the worker is the shell's parent"
    try:
        assert not still_running([psutil.Process(int(cell.stdout))], HANG)
    except psutil.NoSuchProcess:
        pass
    assert kernel.ok("!echo again").stdout == "again\n"


PARENT = """
import json, os, sys
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

kernels, connection_file, code = sys.argv[1:]
manager = KernelManager(kernel_name="kissaten", connection_file=connection_file,
                        kernel_spec_manager=KernelSpecManager(kernel_dirs=[kernels]))
manager.start_kernel(env=json.loads(os.environ["KERNEL_ENVIRONMENT"]), stderr=sys.stderr)
client = manager.blocking_client()
client.start_channels()
client.wait_for_ready(timeout=300)
client.execute(code)
while client.get_iopub_msg(timeout=300)["msg_type"] != "stream":
    pass
print(manager.provisioner.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "code",
    [
        'println!("idle")',
        'println!("busy"); std::future::pending::<()>().await',
        'println!("busy"); loop { std::hint::spin_loop() }',
    ],
)
def test_the_kernel_ends_when_its_parent_dies(installation, tmp_path, code):
    mark = uuid.uuid4().hex
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**installation.environment, "PATH": "/usr/bin:/bin", "TMPDIR": str(temporary), MARK: mark}
    arguments = [str(installation.kernels), str(tmp_path / "connection.json"), code]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERNEL_ENVIRONMENT": json.dumps(environment)},
    )
    try:
        kernel_pid = int(parent.stdout.readline())
        processes = marked_processes(mark)
        assert kernel_pid in [process.pid for process in processes]
        parent.kill()
        parent.wait()
        assert not still_running(processes, HANG)
        assert not list(temporary.iterdir())
    finally:
        parent.kill()
        parent.communicate()
        for process in marked_processes(mark):
            process.kill()


def kernel_command(installation, connection_file: Path) -> list[str]:
    spec = json.loads((installation.kernels / "kissaten" / "kernel.json").read_text())
    return [argument.replace("{connection_file}", str(connection_file)) for argument in spec["argv"]]


WRONG_FILES = {
    "missing": None,
    "empty": "",
    "not-json": "{",
    "not-an-object": "[1]",
    "without-ports": '{"ip": "127.0.0.1", "transport": "tcp", "key": "", "signature_scheme": "hmac-sha256"}',
    "not-utf-8": b"\xff\xfe",
    "unknown-transport": {"transport": "pigeon"},
    "unknown-signature-scheme": {"signature_scheme": "rot13"},
    "unusable-address": {"ip": "203.0.113.1"},
}

USABLE = {
    "ip": "127.0.0.1",
    "transport": "tcp",
    "key": "secret",
    "signature_scheme": "hmac-sha256",
    **{f"{channel}_port": 0 for channel in ("shell", "iopub", "stdin", "control", "hb")},
}


@pytest.mark.parametrize("kind", WRONG_FILES)
def test_a_connection_file_that_is_wrong(installation, tmp_path, kind):
    connection_file = tmp_path / "connection.json"
    match WRONG_FILES[kind]:
        case None:
            pass
        case bytes() as content:
            connection_file.write_bytes(content)
        case str() as content:
            connection_file.write_text(content)
        case changes:
            connection_file.write_text(json.dumps({**USABLE, **changes}))
    (tmp_path / "tmp").mkdir()
    outcome = subprocess.run(
        kernel_command(installation, connection_file),
        capture_output=True,
        text=True,
        timeout=HANG,
        env={**installation.environment, "TMPDIR": str(tmp_path / "tmp")},
    )
    assert outcome.returncode not in (0, 101) and outcome.returncode > 0, outcome
    assert "panicked" not in outcome.stderr and "RUST_BACKTRACE" not in outcome.stderr
    if kind != "unusable-address":
        assert str(connection_file) in outcome.stderr
    assert not list((tmp_path / "tmp").iterdir())


def test_a_kernel_without_a_connection_file(installation):
    outcome = subprocess.run(
        [installation.binary, "kernel"], capture_output=True, text=True, timeout=HANG, env=installation.environment
    )
    assert outcome.returncode == 2
    assert "connection" in outcome.stderr.lower()
