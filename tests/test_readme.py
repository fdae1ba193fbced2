"""README.md shows what its cells do, and the other pages are true where that can be seen."""

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


def test_links_lead_somewhere_and_to_every_lesson(repository):
    pages = [path for path in repository.glob("*.md")]
    pages += [*repository.glob("docs/**/*.md"), repository / "kernel/python/README.md", repository / "tests/README.md"]
    pages += [repository / "tests/crates/README.md", *repository.glob("notebooks/**/*.md")]
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"https?://", target):
                continue
            path, _, place = target.partition("#")
            other = page.parent / path if path else page
            assert other.exists(), f"{page.relative_to(repository)}: {target}"
            assert not place or place in anchors(other.read_text()), f"{page.relative_to(repository)}: {target}"
    readme = (repository / "README.md").read_text()
    for lesson in (repository / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{lesson.name})" in readme


def anchors(page: str) -> set[str]:
    """What the headings of a page can be found by."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_first_read_is_short_and_names_files_that_are_there(repository):
    first = (repository / "ARCHITECTURE.md").read_text()
    assert len(first.encode()) <= 12 * 1024
    # A name alone is of the crate that its paragraph, or the table below it, is about.
    for paragraph in first.split("## Code map\n")[1].split("\n\n**"):
        crates = re.findall(r"`(\w+/src)`", paragraph) or [""]
        for path in re.findall(r"`([\w/]+\.rs)`", paragraph):
            places = [repository / "kernel" / crate / path for crate in [*crates, ""]]
            # Of a row of paths the first has the folder that the others are in.
            others = [*(repository / "kernel").glob(f"*/src/**/{path}")] if "###" in paragraph else []
            assert any(place.exists() for place in [*places, *others]), path


def test_every_variable_of_the_environment_is_told_of(repository):
    told = set(re.findall(r"KISSATEN_[A-Z_]+[A-Z]", (repository / "docs/environment.md").read_text()))
    files = [repository / "install.sh", repository / "justfile", repository / "tests/run", repository / "tests/caches.sh"]
    for folder, suffixes in (("kernel", (".rs", ".py")), ("tests", (".py", ".mjs", ".md")), ("notebooks", (".py", ".sh"))):
        found = (path for path in (repository / folder).rglob("*") if path.suffix in suffixes)
        files += [path for path in found if not {"node_modules", ".venv"} & set(path.parts)]
    read = {name for path in files for name in re.findall(r"KISSATEN_[A-Z_]+[A-Z]", path.read_text())}
    assert read == told
