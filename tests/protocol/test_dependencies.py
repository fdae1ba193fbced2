"""Dependencies: packages that the test makes, so that nothing is fetched."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kernel import Installation, running
from toolchains import give_crates, own_packages, unoptimised

MENU = "#[derive(Debug, Clone)] pub struct Dish(pub u8); pub fn dish() -> Dish { Dish(3) }"


def package(folder: Path, name: str, source: str, more: str = "") -> Path:
    folder = folder / name
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(
        f'[package]\nname = "{name}"\nversion = "0.3.1"\nedition = "2024"\n{more}'
    )
    (folder / "src/lib.rs").write_text(source)
    return folder


def displays(cell) -> list[tuple[str, str, str]]:
    """Kind, id and text of what a cell displayed, in order."""
    found = []
    for message in cell.iopub:
        if message["msg_type"] in ("display_data", "update_display_data"):
            content = message["content"]
            found.append((message["msg_type"], content["transient"].get("display_id", ""), content["data"]["text/plain"]))
    return found


@pytest.fixture
def kernel(start_kernel):
    kernel = start_kernel()
    kernel.ok(":offline on")
    return kernel


def test_code_in_the_same_cell_uses_it_and_the_progress_is_one_display(kernel, tmp_path):
    menu = package(tmp_path, "menu", MENU, 'build = "build.rs"\n')
    # Long enough to be shown.
    (menu / "build.rs").write_text("fn main() { std::thread::sleep(std::time::Duration::from_secs(1)) }")
    kernel.ok("let before = 1u8;")
    cell = kernel.ok(f':dep menu = {{ path = "{menu}" }}\nlet dish = menu::dish();\ndish.0 + before')
    assert cell.result == "4"
    assert cell.stderr == ""
    shown = displays(cell)
    assert [kind for kind, *_ in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert len({identity for _, identity, _ in shown}) == 1
    assert shown[-1][2].startswith("menu 0.3.1 is ready: 1 crate compiled, ")
    assert kernel.run("dish").result == "Dish(3)"
    assert kernel.run(f':dep menu = {{ path = "{menu}" }}\nmenu::dish()').result == "Dish(3)"


def test_a_second_kernel_compiles_nothing_and_shows_nothing(kernel, start_kernel, tmp_path):
    menu = package(tmp_path, "menu", MENU)
    line = f':dep menu = {{ path = "{menu}" }}'
    kernel.ok(line)
    second = start_kernel()
    assert displays(second.ok(line)) == []
    assert second.run("menu::dish()").result == "Dish(3)"


def test_a_table_and_the_list(kernel, tmp_path):
    for name in ("soup", "rice"):
        package(tmp_path, name, "pub fn price() -> u8 { 7 }")
    cell = kernel.ok(
        f'%%deps\n[dependencies]\nsoup = {{ path = "{tmp_path}/soup" }}\nrice = {{ path = "{tmp_path}/rice" }}'
    )
    assert cell.result is None
    assert kernel.run("soup::price() + rice::price()").result == "14"
    [(_, _, text)] = displays(kernel.ok(":show_deps"))
    assert text.splitlines() == [
        "[dependencies]",
        f'rice = {{ path = "{tmp_path}/rice" }}  # 0.3.1',
        f'soup = {{ path = "{tmp_path}/soup" }}  # 0.3.1',
    ]
    kernel.ok(":dep -rice")
    assert kernel.fails("rice::price()").error["ename"] == "CompileError"
    [(_, _, text)] = displays(kernel.ok(":show_deps"))
    assert "rice" not in text


def test_errors_are_cargos_words_and_nothing_changes(kernel, tmp_path):
    kernel.ok("let kept = 1;")
    cell = kernel.fails(':dep no-such-crate-of-kissaten = "1"\nkept')
    assert cell.error["ename"] == "DependencyError"
    assert "no matching package named `no-such-crate-of-kissaten` found" in cell.error["evalue"]
    assert "offline" in cell.error["evalue"]
    broken = package(tmp_path, "broken", 'pub fn price() -> u8 { "free" }')
    cell = kernel.fails(f':dep broken = {{ path = "{broken}" }}')
    assert "mismatched types" in cell.error["evalue"]
    cell = kernel.fails(":dep rand = 0.9\"")
    assert cell.error["ename"] == "CommandError"
    assert "Cargo.toml" in cell.error["evalue"]
    cell = kernel.fails(":dep kissaten")
    assert cell.error["evalue"] == "`kissaten` is always there and cannot be a dependency"
    assert kernel.run("kept").result == "1"
    [(_, _, text)] = displays(kernel.ok(":show_deps"))
    assert text == "There are no dependencies besides `tokio` and `futures`, which are always there."


def test_an_interrupt_ends_the_build(kernel, tmp_path):
    slow = package(tmp_path, "slow", "", 'build = "build.rs"\n')
    (slow / "build.rs").write_text("fn main() { std::thread::sleep(std::time::Duration::from_secs(3600)) }")
    kernel.ok("let kept = 1;")
    cell = kernel.start(f':dep slow = {{ path = "{slow}" }}')
    cell.until(lambda cell: any("`slow`" in text for *_, text in displays(cell)))
    kernel.interrupt_by_signal()
    assert cell.finish().error["ename"] == "Interrupted"
    assert kernel.run("kept").result == "1"


def test_a_changed_source_is_built_at_its_next_use(kernel, tmp_path):
    dish = "#[derive(Debug)] pub struct Dish {{ pub price: u8 {} }} pub fn dish() -> Dish {{ Dish {{ price: {} }} }}"
    menu = package(tmp_path, "menu", dish.format("", 1))
    kernel.ok(f':dep menu = {{ path = "{menu}" }}\nlet (dish, kept) = (menu::dish(), menu::dish().price);')
    kernel.ok("fn total() -> u8 { menu::dish().price }\nlet task = tokio::spawn(async { loop { tokio::task::yield_now().await } });")
    package(tmp_path, "menu", dish.format(", pub stars: u64", "2, stars: 5"))
    cell = kernel.ok("total() + kept")
    assert cell.result == "3"
    assert displays(cell)[-1][2] == "The variable `dish` was dropped, as `menu` was changed: its type is another one now."
    assert kernel.run("menu::dish()").result == "Dish { price: 2, stars: 5 }"
    # The process is the same, and what runs in it goes on.
    assert kernel.run("task.is_finished()").result == "false"
    error = kernel.fails("dish").error
    assert "`dish` was dropped: its type `Dish` is of a dependency that was changed" in "\n".join(error["traceback"])


def test_a_feature_more_leaves_the_other_variables(kernel, tmp_path):
    menu = "pub struct Dish; #[cfg(feature = \"price\")] pub fn price() -> u8 { 3 }"
    menu = package(tmp_path, "menu", menu, "[features]\nprice = []\n")
    kernel.ok(f':dep menu = {{ path = "{menu}" }}\nlet points = vec![(1.0, 2.0)];')
    cell = kernel.ok(f':dep menu = {{ path = "{menu}", features = ["price"] }}\n(points.len(), menu::price())')
    assert cell.result == "(1, 3)"
    # Nothing is lost, so nothing is said but how the build went.
    assert all(identity for _, identity, _ in displays(cell))


def test_another_tokio_is_refused_and_the_rest_comes(kernel, tmp_path):
    menu = package(tmp_path, "menu", MENU)
    cell = kernel.fails(f':dep tokio = "0.2"\n:dep menu = {{ path = "{menu}" }}\nlet never = 1;')
    assert cell.error["ename"] == "DependencyError"
    assert cell.error["evalue"].startswith("the notebook has `tokio` 1.")
    assert '`tokio02 = { package = "tokio", version = "0.2" }`' in cell.error["evalue"]
    assert kernel.run("menu::dish()").result == "Dish(3)"
    assert kernel.fails("never").error["ename"] == "CompileError"


def test_what_cargo_warns_of_is_shown(kernel, tmp_path):
    menu = package(tmp_path, "menu", MENU)
    cell = kernel.ok(f':dep menu = {{ path = "{menu}", default_features = false, featurs = ["a"] }} // the menu')
    assert displays(cell)[-1][2] == "warning: unused manifest key: dependencies.menu.featurs"


# Whatever another test builds meanwhile would be a folder more.
@pytest.mark.alone
def test_a_failed_build_leaves_no_folder(kernel, installation, tmp_path):
    def sets() -> set[Path]:
        return set(Path(installation.environment["XDG_CACHE_HOME"]).glob("kissaten/session-*/sets/*"))

    broken = package(tmp_path, "broken", "pub fn price() -> u8 { \"free\" }")
    before = sets()
    kernel.fails(f':dep broken = {{ path = "{broken}" }}')
    assert sets() == before
    package(tmp_path, "broken", "pub fn price() -> u8 { 1 }")
    kernel.ok(f':dep broken = {{ path = "{broken}" }}')
    assert len(sets()) == len(before) + 1


def test_two_kernels_that_build_at_once_do_not_hurt_each_other(kernel, start_kernel, tmp_path):
    second = start_kernel()
    second.ok(":offline on")
    for name in ("soup", "bread"):
        package(tmp_path, name, f'pub fn name() -> String {{ "{name}".into() }}')
    line = ":dep {0} = {{ path = \"{1}/{0}\" }}\n{0}::name()"
    # Both ask before one of them has an answer.
    one, other = kernel.start(line.format("soup", tmp_path)), second.start(line.format("bread", tmp_path))
    one.finish(), other.finish()
    assert (one.result, other.result) == ('"soup"', '"bread"')
    # What the other one has built, too.
    assert kernel.run(line.format("bread", tmp_path)).result == '"bread"'


def test_a_git_dependency(start_kernel, tmp_path):
    menu = package(tmp_path, "menu", MENU)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(menu)]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "first"], ["tag", "first"]):
        subprocess.run([*git, *words], check=True)
    (menu / "src/lib.rs").write_text("pub fn dish() -> u8 { 7 }")
    subprocess.run([*git, "commit", "-qam", "second"], check=True)
    kernel = start_kernel()
    kernel.ok(f':dep menu = {{ git = "file://{menu}", tag = "first" }}')
    assert kernel.run("menu::dish()").result == "Dish(3)"
    assert "menu = {" in kernel.run(":show_deps").iopub[-2]["content"]["data"]["text/plain"]


def test_without_a_network_the_error_is_clear_and_there_is_no_wait(kernel):
    error = kernel.run(':dep no-such-crate-of-anybody = "1"').error
    assert error["ename"] == "DependencyError"
    assert "no matching package named `no-such-crate-of-anybody` found" in error["evalue"]
    assert "offline" in error["evalue"]
    assert kernel.run("1 + 1").result == "2"


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """All files below a folder, with sizes and times; but for the marks of use, which root can make anywhere."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "used")
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.mark.slow
def test_a_class_shares_what_was_built_for_it_and_cannot_change_it(installation, tmp_path):
    menu, soup = package(tmp_path, "menu", MENU), package(tmp_path, "soup", "pub fn price() -> u8 { 4 }")
    prefix = tmp_path / "class"
    for folder in ("bin", "share"):
        shutil.copytree(installation.prefix / folder, prefix / folder, symlinks=True)
    shared, own = prefix / "lib/kissaten", tmp_path / "own"
    shared.mkdir(parents=True)
    give_crates(shared)
    unoptimised(tmp_path, *own_packages())
    for path in shared.rglob("*"):
        path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() else 0))
    program = prefix / "bin/kissaten"
    environment = {**installation.environment, "CARGO_NET_OFFLINE": "true"}
    prebuild = [program, "prebuild", f'menu = {{ path = "{menu}" }}']
    told = subprocess.run(
        prebuild,
        env={**environment, "KISSATEN_CACHE": str(shared)},
        check=True,
        capture_output=True,
        text=True,
        umask=0o022,
    ).stdout
    assert "ready: menu 0.3.1 (1 compiled)" in told
    shown = (path for path in shared.rglob("*") if not path.is_symlink() and path.suffix != ".lock")
    hidden = [path for path in shown if path.stat().st_mode & 0o044 != 0o044]
    assert not hidden, "learners are other users"
    for path in [shared, *shared.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    before = listing(shared)
    kernelspec = prefix / "share/jupyter/kernels/kissaten/kernel.json"
    kernelspec.write_text(kernelspec.read_text().replace(str(installation.binary), str(program)))
    learners = Installation(prefix, {**environment, "XDG_CACHE_HOME": str(own)})
    try:
        with running(learners, tmp_path / "learner") as kernel:
            # Nothing is compiled, not even for this user.
            assert displays(kernel.ok(f':dep menu = {{ path = "{menu}" }}')) == []
            assert kernel.run("menu::dish()").result == "Dish(3)"
            # What the class has not is the learner's own.
            kernel.ok(f':dep soup = {{ path = "{soup}" }}')
            assert kernel.run("soup::price()").result == "4"
        assert listing(shared) == before
        assert list(own.rglob("libkissaten_layer_*.so"))
    finally:
        for path in [shared, *shared.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def test_nothing_is_loaded_from_where_others_can_write(installation, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    environment = {**os.environ, **installation.environment, "KISSATEN_CACHE": str(cache)}
    cache.chmod(0o777)
    built = subprocess.run([installation.binary, "build"], env=environment, capture_output=True, text=True)
    assert built.returncode != 0
    assert "can be written to by others, so nothing is loaded from there" in built.stderr
