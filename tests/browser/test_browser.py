"""The first lesson in JupyterLab, in a real browser."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel import HANG, MARK, marked_processes, still_running

LESSON = "01-what-is-async.ipynb"


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "no chromium on the PATH; on Debian: sudo apt install chromium"
    return found


@contextmanager
def jupyterlab(installation, directory: Path) -> Iterator[str]:
    """JupyterLab on a copy of the notebooks, for this machine only; its address."""
    notebooks = directory / "notebooks"
    shutil.copytree(Path(__file__).parent.parent.parent / "notebooks", notebooks)
    temporary = directory / "tmp"
    temporary.mkdir()
    environment = {
        **installation.environment,
        **{f"JUPYTER_{name}_DIR": str(directory / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTER_PATH": str(installation.prefix / "share" / "jupyter"),
        "TMPDIR": str(temporary),
        MARK: str(directory),
    }
    arguments = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=", f"--notebook-dir={notebooks}"]
    # JupyterLab is not to ask about news, nor to look for them.
    settings = directory / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(directory / "settings")
    if os.geteuid() == 0:
        arguments.append("--allow-root")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    log: list[str] = []
    try:
        for line in server.stderr:
            log.append(line)
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail("JupyterLab did not start:\n" + "".join(log))
        # Its log has to be read on, or the server would wait for us.
        reader = threading.Thread(target=log.extend, args=(server.stderr,))
        reader.start()
        yield address[0]
        server.terminate()
        server.wait(HANG)
        reader.join()
        assert not still_running(marked_processes(str(directory)), 30), "JupyterLab's kernels end with it"
        left = [path for path in temporary.iterdir() if "kissaten" in path.name]
        assert not left, left
    finally:
        for process in marked_processes(str(directory)):
            process.kill()
        server.wait()


def run_in_browser(address: str, notebook: str, screenshot: Path) -> dict:
    outcome = subprocess.run(
        ["node", Path(__file__).with_name("run_notebook.mjs"), chromium(), f"{address}/lab/tree/{notebook}", screenshot],
        capture_output=True, text=True, timeout=2 * HANG,
    )
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def test_the_first_lesson_in_jupyterlab(installation, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path))
    with jupyterlab(installation, tmp_path) as address:
        page = run_in_browser(address, LESSON, screenshots / "first-lesson.png")
    assert page["kernel"] == "Rust (Kissaten)"
    cells = page["cells"]
    assert [cell["prompt"] for cell in cells] == [f"[{n}]:" for n in range(1, len(cells) + 1)]
    assert all(cell["coloured"] for cell in cells), "Rust is highlighted"
    [failing] = [cell for cell in cells if "block_on" in cell["source"]]
    [output] = failing["outputs"]
    assert "annot start a runtime from within a runtime" in output
    assert "main().await" in output
    working = [cell for cell in cells if cell["source"].strip().startswith("main().await")][0]
    assert working["outputs"] == ["Start\nEnd after 2 seconds\n"] or [o.strip() for o in working["outputs"]] == [
        "Start\nEnd after 2 seconds"
    ]
    image = (screenshots / "first-lesson.png").read_bytes()
    assert image.startswith(b"\x89PNG") and len(image) > 20_000
