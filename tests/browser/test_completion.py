"""Completion with the Tab key in JupyterLab."""

import os
from pathlib import Path

from test_browser import act, jupyterlab, write_notebook


def test_tab_completes(installation, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "completion"
    with jupyterlab(installation, tmp_path) as address:
        write_notebook(tmp_path / "notebooks" / "tab.ipynb", "let espresso = 3;\nlet espuma = 4;", "// ☕\n", "")
        _, _, offered, _, taken, macros, written = act(
            address, "tab.ipynb", screenshots,
            ["start", 0], ["ended", 0], ["complete", 1, "esp"], ["look", "offered"], ["take", 1, "espresso"],
            ["complete", 2, "pri"], ["take", 2, "println!"],
        )  # fmt: skip
    assert {"espresso", "espuma"} <= set(offered), offered
    assert taken.split("\n")[-1] == "espresso"
    assert {"print!", "println!"} <= set(macros), macros
    assert written.startswith("println!"), written
