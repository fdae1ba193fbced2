"""A source of std that is read in a moment: for tests of the analyzer's process, which need not know more than that it has read one.

What is in it is made up, and no compiler ever sees it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

#: The crates, which name one another; rust-analyzer finds `String` by the prelude, as it does in the real one.
CRATES = {
    "core": "pub mod prelude { pub mod rust_2024 {} }\n",
    "alloc": "pub mod string {\n    pub struct String;\n    impl String {\n        /// Appends a text.\n        pub fn push_str(&mut self) {}\n    }\n}\n",
    "std": "pub use alloc::string;\npub mod prelude { pub mod rust_2024 { pub use alloc::string::String; } }\n",
    "proc_macro": "",
    "test": "",
}


@pytest.fixture
def small_std(tmp_path: Path) -> dict[str, str]:
    """The environment in which a kernel reads this one."""
    library = tmp_path / "library"
    for name, text in CRATES.items():
        (library / name / "src").mkdir(parents=True)
        (library / name / "src/lib.rs").write_text(text)
        below = 'alloc = { path = "../alloc" }\ncore = { path = "../core" }\n' if name == "std" else ""
        (library / name / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n{below}')
    (library / "Cargo.toml").write_text(f'[workspace]\nresolver = "2"\nmembers = {list(CRATES)}\n')
    return {"RUST_SRC_PATH": str(library)}
