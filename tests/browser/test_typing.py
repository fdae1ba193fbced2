"""What users see while they type in JupyterLab: Tab, Shift-Tab, `:doc`."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from kernel import HANG
from test_browser import chromium, jupyterlab, write_notebook

PLACE = """\
/// Somewhere.
struct Place { x: f64 }
impl Place {
    /// A step further.
    fn moved(&self, by: f64) -> Place { Place { x: self.x + by } }
}
let place = Place { x: 1.0 };
let placid = 2;"""


@pytest.mark.analyzer
def test_tab_and_shift_tab_in_jupyterlab(installation, tmp_path):
    screenshots = Path(os.environ.get("KISSATEN_SCREENSHOTS", tmp_path)) / "typing"
    with jupyterlab(installation, tmp_path) as address:
        write_notebook(tmp_path / "notebooks" / "typing.ipynb", PLACE, "")
        outcome = subprocess.run(
            ["node", Path(__file__).with_name("type_and_tab.mjs"), chromium(), f"{address}/lab/tree/typing.ipynb", screenshots],
            capture_output=True, text=True, timeout=2 * HANG,
        )  # fmt: skip
        assert outcome.returncode == 0, outcome.stderr
    page = json.loads(outcome.stdout)
    assert [offered[0] for offered in page["offered"]][:2] == ["place", "placid"], page["offered"]
    assert page["offered"][0][1:] == ["instance"]
    assert page["chosen"].strip() == "place"
    assert "fn moved(&self, by: f64) -> Place" in page["told"] and "A step further." in page["told"]
    assert "struct Place" in page["documented"]
