"""README.md shows what its cells do."""

import re

PICTURE = "notebooks/pictures/timeline.svg"


def told(picture: str) -> list[str]:
    """What a picture says; times in it differ from run to run."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", picture)
    return [re.sub(r"\d+(\.\d+)? (ms|µs|s)\b", "<time>", re.sub("<[^>]*>", "", text)) for text in texts]


def test_the_first_screen_is_what_its_cells_do(repository, kernel, tmp_path, pytestconfig):
    """A cell, a task and a timeline, which show what README says they do."""
    first = (repository / "README.md").read_text().split("\n## ")[0]
    assert first.count("\n") < 45, "it is one screen"
    cells = re.findall(r"```rust\n(.*?)\n```", first, re.DOTALL)
    assert ["spawn" in cells[0], "%%timeline" in cells[-1], f"({PICTURE})" in first] == [True] * 3
    for cell in cells:
        ran = kernel.ok(cell)
        for shown in re.findall(r"// Out\[\d+\]: (.*)", cell):
            assert ran.result == shown
    drawn = tmp_path / "timeline.svg"
    kernel.ok(f'std::fs::write("{drawn}", kissaten::timeline().svg())?;')
    if pytestconfig.getoption("--bless"):
        (repository / PICTURE).write_text(drawn.read_text())
    assert told((repository / PICTURE).read_text()) == told(drawn.read_text())
