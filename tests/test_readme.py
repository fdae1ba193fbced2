"""README.md shows what its cells do."""

import re

PICTURE = "notebooks/pictures/timeline.svg"


def told(picture: str) -> list[str]:
    """What a picture says; times in it differ from run to run."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", picture)
    return [re.sub(r"\d+(\.\d+)? (ms|µs|s)\b", "<time>", re.sub("<[^>]*>", "", text)) for text in texts]


def test_the_timeline_is_what_its_cell_draws(repository, kernel, tmp_path, pytestconfig):
    readme = (repository / "README.md").read_text()
    [cell] = [code for code in re.findall(r"```rust\n(.*?)```", readme, re.DOTALL) if code.startswith("%%timeline")]
    assert f"({PICTURE})" in readme
    kernel.ok(cell)
    drawn = tmp_path / "timeline.svg"
    kernel.ok(f'std::fs::write("{drawn}", kissaten::timeline().svg())?;')
    if pytestconfig.getoption("--bless"):
        (repository / PICTURE).write_text(drawn.read_text())
    assert told((repository / PICTURE).read_text()) == told(drawn.read_text())
