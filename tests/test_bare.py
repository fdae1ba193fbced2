"""Machines that have less, or have it otherwise: no Rust, no C compiler, another configuration of cargo. What the messages
say is followed, and leads to a cell that runs.

A toolchain comes from a server of the tests' own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bare import CARGO_HOME, call, forget
from kernel import running
from toolchains import TARGET, rustc
from wheels import call as run


def test_rust_is_got_by_a_command(bare, toolchains):
    before = call(bare, "doctor")
    assert before.returncode == 1 and "kissaten rust install" in before.stdout, before.stdout
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER=toolchains)
    assert done.returncode == 0 and done.stdout.endswith("rustc 1.95.0 is there\n"), done.stdout
    assert "downloading rustup" in done.stdout
    after = call(bare, "doctor")
    assert after.returncode == 0 and "no C compiler" in after.stdout, after.stdout
    # A second time, rustup is there.
    again = call(bare, "rust", "install", RUSTUP_DIST_SERVER=toolchains)
    assert again.returncode == 0 and "downloading rustup" not in again.stdout, again.stdout


def test_a_newcomer_gets_from_nothing_to_a_result_by_what_the_messages_say(bare, toolchains, tools, tmp_path):
    """The first cell names a command; the command gets Rust, and the code under it runs; cells that wait have their turn."""
    with running(bare, tmp_path / "kernel", path=str(tools), environment={"RUSTUP_DIST_SERVER": toolchains}) as kernel:
        cell = kernel.fails("3 + 4")
        assert cell.error["ename"] == "SessionLibraryError" and "`:rust install` in a cell gets one" in cell.error["evalue"], cell.error
        first, second = kernel.start(":rust install\n3 + 4"), kernel.start("tokio::spawn(async { 8 }).await?")
        assert first.finish().result == "7"
        assert second.finish().result == "8"
        shown = [message["content"]["data"]["text/plain"] for message in first.iopub if "data" in message["content"]]
        assert any(text.startswith("Getting Rust: ") for text in shown), shown
        assert "rustc 1.95.0 is there." in shown, shown
        # And once more, where it is there.
        assert "rustc 1.95.0 is there." in str(kernel.ok(":rust install").iopub)
        assert "`:rust` takes `install`" in kernel.fails(":rust").error["evalue"]


def test_a_server_that_is_not_there_is_told(bare):
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "rustup could not be downloaded from `http://127.0.0.1:9/rustup/dist/" in done.stdout, done.stdout


def test_what_does_not_have_its_checksum_is_not_run(bare, toolchains, tmp_path):
    (tmp_path / f"server/rustup/dist/{TARGET}/rustup-init").write_text("#!/bin/sh\ntouch $HOME/ran\n")
    done = call(bare, "rust", "install", RUSTUP_DIST_SERVER=toolchains)
    assert done.returncode == 1 and "its checksum differs" in done.stdout, done.stdout
    assert not (tmp_path / "home/ran").exists()


# Where pip puts Python code below a prefix.
PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

def shows_one_bar(cell) -> None:
    """The build of the session library, as notebooks show it: one display, which is replaced until all is ready."""
    shown = [message for message in cell.iopub if message["msg_type"] in ("display_data", "update_display_data")]
    assert [message["msg_type"] for message in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert len({message["content"]["transient"]["display_id"] for message in shown}) == 1
    assert "in about a minute" in shown[0]["content"]["data"]["text/plain"]
    assert any('<progress value="' in message["content"]["data"]["text/html"] for message in shown)
    assert shown[-1]["content"]["data"]["text/plain"] == "Kissaten is prepared for rustc 1.95.0."


@pytest.mark.slow
def test_no_c_compiler_is_needed(bare, tools, tmp_path):
    """Cells, a procedural macro, a build script and a panic are linked by what came with rustc; a crate with C is told how
    `kissaten[cc]` helps. That is zig: from then on such a crate is compiled, archived and linked, and its C runs, without
    a new kernel; one with C++ is told.
    """
    (tools / "rustc").symlink_to(rustc())
    # What other tests downloaded need not be downloaded again.
    bare.environment["CARGO_HOME"] = str(CARGO_HOME)
    # pip's programs know of it in an environment of Python's; here the folder is not one.
    bare.environment["PYTHONPATH"] = str(bare.prefix / PACKAGES)
    forget(bare)
    with running(bare, tmp_path / "kernel", path=str(tools)) as kernel:
        cell = kernel.run("3 + 4")
        assert cell.result == "7", cell.reply
        shows_one_bar(cell)
        kernel.ok(':dep serde = { version = "1", features = ["derive"] }\n#[derive(serde::Serialize)]\nstruct Cup { size: u8 }')
        assert kernel.run('std::panic::catch_unwind(|| panic!("spilled")).is_err()').result == "true"
        cell = kernel.fails(':dep zstd-sys = "2"')
        assert cell.error["evalue"].startswith("`zstd-sys`: There is no C compiler here"), cell.error
        assert "pip install 'kissaten[cc]'" in cell.error["evalue"]
        assert kernel.run("tokio::spawn(async { 8 }).await?").result == "8"
        # Where the wheel's programs are, so is what this brings.
        run(sys.executable, "-m", "pip", "install", "--quiet", "--prefix", bare.prefix, "ziglang>=0.13")
        assert (bare.prefix / "bin/python-zig").exists()
        kernel.ok(':dep lz4 = "1"\nuse std::io::{Read, Write};')
        kernel.ok("let mut encoder = lz4::EncoderBuilder::new().build(Vec::new())?;\nencoder.write_all(&[7; 10_000])?;\nlet (packed, done) = encoder.finish();")
        assert kernel.run("packed.len() < 1_000").result == "true"
        kernel.ok("let mut text = Vec::new();\nlz4::Decoder::new(&packed[..])?.read_to_end(&mut text)?;")
        assert kernel.run("text == vec![7; 10_000]").result == "true"
        cell = kernel.fails(':dep link-cplusplus = "1"')
        assert cell.error["evalue"].startswith("`link-cplusplus`: There is no C++ compiler here"), cell.error
    assert "C compiler: zig" in call(bare, "doctor", PYTHONPATH=bare.environment["PYTHONPATH"]).stdout


def test_what_uninstalling_leaves_is_removed(bare):
    history = Path(bare.environment["HOME"]) / ".local/share/kissaten/history.sqlite"
    history.parent.mkdir(parents=True)
    history.write_text("")
    cache = Path(bare.environment["HOME"]) / ".cache/kissaten"
    mine = cache / "mine"
    mine.write_text("")
    kept = call(bare, "clean", "--keep-history")
    assert kept.returncode == 0 and history.exists() and list(cache.iterdir()) == [mine], kept.stdout
    mine.unlink()
    done = call(bare, "clean")
    assert done.returncode == 0 and not history.exists() and not cache.exists(), done.stdout
