"""What every lesson has, besides running: a frame, few enough minutes, signs that mean one thing, words for its pictures.

Nothing runs here: these are the notebooks as they are saved.
"""

import re
import runpy
from pathlib import Path

import pytest
from nbconvert import SlidesExporter

from notebook import FOLDER, NOTEBOOKS, code_cells, exercises, read

# The start page and the page on crates are no lessons of the course.
LESSONS = [path for path in NOTEBOOKS if path.name[:2] not in ("00", "10")]
EXERCISE = 5
# The chat server brings everything together.
LONG_EXERCISES = {"14-chat": 20}


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def prose_of(notebook) -> str:
    return "\n".join(without_fences(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")


def minutes(notebook) -> float:
    """How long a lesson takes: what is read, what is run, what is solved. Folded answers are looked at in the time for their question."""
    words = len(re.sub(r"<details>.*?</details>", "", prose_of(notebook), flags=re.DOTALL).split())
    shown = [cell for cell in code_cells(notebook) if not cell.metadata.get("nbgrader", {}).get("grade")]
    read_ = [cell for cell in shown if not cell.metadata.get("jupyter", {}).get("source_hidden") and "nbgrader" not in cell.metadata]
    lines = sum(bool(line.strip()) for cell in read_ for line in cell.source.splitlines())
    solved = sum(LONG_EXERCISES.get(exercise.grade_id, EXERCISE) for exercise in exercises(notebook))
    return words / 150 + lines / 20 + len(shown) / 4 + solved


def told_minutes(notebook) -> int:
    return int(re.search(r"^⏱️ About (\d+) minutes", notebook.cells[0].source, re.MULTILINE)[1])


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_takes_no_longer_than_it_says(path):
    """At most 40 minutes, and at its top stands about what it takes; the same in the table for teachers."""
    notebook = read(path)
    told = told_minutes(notebook)
    takes = minutes(notebook)
    assert told <= 40, "split it"
    assert told - 8 <= takes <= told, f"it takes {takes:.1f} minutes"
    assert re.search(rf"\({re.escape(path.name)}\) \| {told} \|", (FOLDER / "teaching.md").read_text()), "teaching.md says another time"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_long_lesson_says_where_to_stop(path):
    """Who has twenty minutes gets something whole: a lesson of more than 25 has one good place to stop, neither early nor late."""
    notebook = read(path)
    places = [index for index, cell in enumerate(notebook.cells) if "⏸️ **A good place to stop.** " in cell.source]
    assert len(places) == (told_minutes(notebook) > 25)
    for place in places:
        assert notebook.cells[place].cell_type == "markdown"
        notebook.cells = notebook.cells[: place + 1]
        assert 7 <= minutes(notebook) <= 22, f"it stands after {minutes(notebook):.1f} minutes"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_its_frame(path):
    """What one will be able to do, in how many minutes, at least three questions before the answer, and five lines at the end."""
    notebook = read(path)
    title = notebook.cells[0].source
    assert "## 🎯 What you will be able to do" in title
    can = title.partition("## 🎯")[2].split("⏱️")[0]
    assert 3 <= len(re.findall(r"^\* ", can, re.MULTILINE)) <= 5, "three to five things"
    prose = prose_of(notebook)
    summary = re.search(r"^### 🧠 (?:In five lines|Summary)\n(.*?)(?=^###|^➡️|\Z)", prose, re.DOTALL | re.MULTILINE)
    assert summary and len(re.findall(r"^(?:\d\. )", summary[1], re.MULTILINE)) == 5, "five lines"
    guesses = [index for index, cell in enumerate(notebook.cells) if "🔮 Guess first" in cell.source]
    assert len(guesses) >= 3, "at least three questions before their answers"
    for index in guesses:
        question, code = notebook.cells[index : index + 2]
        assert "<details><summary>🔮 The answer</summary>" in question.source, question.id
        assert code.cell_type == "code", f"{question.id}: the cell that answers comes next"
        assert code.metadata.get("jupyter", {}).get("outputs_hidden"), f"{code.id}: its output is out of sight"
    assert any(exercises(notebook)), "something to do"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_idea_to_try_has_an_answer(path):
    """As many folded answers as there are ideas, so that nobody is left alone with what they see."""
    [ideas] = re.findall(r"^### 🏋️ Try it\n(.*?)(?=^#|\Z)", prose_of(read(path)), re.DOTALL | re.MULTILINE)
    asked, folded = ideas.split("<details><summary>💡 What you should see</summary>")
    answers = folded.split("</details>")[0]
    count = len(re.findall(r"^\* ", asked, re.MULTILINE))
    assert count and (len(re.findall(r"^\* ", answers, re.MULTILINE)) or 1) == count


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_leads_to_its_neighbours(path):
    """Back at its top and on at its end, in the order of the files."""
    all_ = [each.name for each in LESSONS]
    place = all_.index(path.name)
    notebook = read(path)
    before = re.search(r"⬅️ \*\*Before:\*\* .*?\((.+?\.ipynb)\)", notebook.cells[0].source)
    after = re.search(r"➡️ \*\*Next:\*\*.*\((.+?\.ipynb)\)", notebook.cells[-1].source)
    assert (before and before[1]) == (all_[place - 1] if place else None)
    if place + 1 < len(all_):
        assert after and after[1] == all_[place + 1]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_signs_mean_one_thing(path):
    """✍️ is an exercise. ✅ and ❌ stand for success and failure, never as a mere ornament of a heading."""
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for heading in re.findall(r"^#+ .*$", without_fences(cell.source), re.MULTILINE):
                assert "✅" not in heading, f"{cell.id}: {heading}"
                assert ("✍️" in heading) <= heading.startswith("### ✍️ Your turn"), f"{cell.id}: {heading}"
        elif "✍️" in cell.source:
            assert "nbgrader" in cell.metadata and not cell.metadata.nbgrader.grade, cell.id


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_tools_are_out_of_the_way(path):
    """What a lesson uses and does not teach is in `kissaten::lesson`: no cell draws by hand, reads /proc, or says what a claim is."""
    for cell in code_cells(read(path)):
        for scaffolding in ("/proc/", "<svg", "<rect", "fn claim(", "struct Diary", "fn roll("):
            assert scaffolding not in cell.source, f"{cell.id}: {scaffolding}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_can_be_read_by_a_screen_reader(path):
    """Headings go down one level at a time and say something without their emoji; every picture has words."""
    notebook = read(path)
    level = 0
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        prose = without_fences(cell.source)
        for marks, words in re.findall(r"^(#+) (.*)$", prose, re.MULTILINE):
            assert len(marks) <= level + 1, f"{cell.id}: {marks} {words} under a heading of level {level}"
            assert re.search(r"\w{2}", words), f"{cell.id}: {words}"
            level = len(marks)
        assert not re.search(r"!\[\s*\]\(|<img (?![^>]*alt=\"[^\"])", prose), f"{cell.id}: a picture without words"
    for cell in code_cells(notebook):
        for output in cell.outputs:
            shown = output.get("data", {})
            # A crate that draws for another kernel sends its picture alone; what it shows stands above the cell.
            assert not shown or "text/plain" in shown or "evcxr_figure" in cell.source, f"{cell.id}: shows what cannot be said"
            if path in LESSONS:
                assert "<svg" not in shown.get("text/plain", ""), f"{cell.id}: the text of a picture is no picture's source"
            for svg in re.findall(r"<svg\b.*?</svg>", shown.get("image/svg+xml", "") + shown.get("text/html", ""), re.DOTALL):
                assert "evcxr_figure" in cell.source or re.search(r"<title>.*\w|aria-label=|aria-hidden=\"true\"", svg), f"{cell.id}: a picture without a name"


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_pictures_have_contrast(path):
    """Charts bring a ground of their own, so they are the same by day and by night: text 4.5 to 1, bars 3 to 1."""
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            svg = output.get("data", {}).get("image/svg+xml", "")
            if svg:
                ground = re.search(r"<rect width=\"\d+\" height=\"\d+\" rx=\"8\" fill=\"(#\w{6})\"", svg)[1]
                letters = re.search(r"<svg[^>]* fill=\"(#\w{6})\"", svg)[1]
                assert contrast(letters, ground) >= 4.5, cell.id
                for bar in set(re.findall(r"<rect [^>]*rx=\"3\" fill=\"(#\w{6})\"", svg)):
                    assert contrast(bar, ground) >= 3, f"{cell.id}: {bar}"


def test_black_on_white_has_all_the_contrast_there_is():
    assert round(contrast("#000000", "#ffffff"), 1) == 21 and contrast("#777777", "#ffffff") < 4.5


def test_the_words_of_a_hang_are_the_kernels():
    """Lesson 15 quotes what the kernel says under cells that hang; what that is, is tested with the kernel."""
    tested = (Path(__file__).parent / "protocol" / "test_waiting.py").read_text()
    notebook = read(FOLDER / "15-reading-a-hang.ipynb")
    fences = [fence for cell in notebook.cells for fence in re.findall(r"^```text\n(.*?)\n```", cell.source, re.DOTALL | re.MULTILINE)]
    assert len(fences) >= 5
    for fence in fences:
        for words in fence.split("; ")[1 if "waiting" in fence else 0 :]:
            assert words in tested, words


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_a_slide_show(path):
    """`jupyter nbconvert --to slides`: every cell says where it stands, and neither tools nor solutions are shown."""
    slides = runpy.run_path(str(FOLDER / "slides.py"))
    notebook = read(path)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    assert kinds == slides["kinds"](notebook), "`python notebooks/slides.py` gives each cell its place"
    assert kinds[0] == "slide" and kinds.count("slide") + kinds.count("subslide") >= 8
    page, _ = SlidesExporter().from_notebook_node(notebook)
    assert page.count("<section") >= kinds.count("slide") + kinds.count("subslide")
    assert "💡 A solution" not in page
