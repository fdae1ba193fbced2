# Each recipe is one line; `just` lists them.
default:
    @just --list

# Builds the server and what it is made of.
build:
    cargo build --release --locked --package kissaten

# Passes all tests, from a clean checkout too; arguments go to pytest.
test *arguments:
    tests/run {{arguments}}

# What to run after each change: formatting, lints, unit tests, cells, protocol.
fast *arguments:
    tests/run --fast {{arguments}}

# What `tests/run` checks of the Rust code, without the kernel.
check:
    cargo fmt --all --check && cargo clippy --locked --all-targets -- -D warnings && cargo test --locked

# Formats the Rust code.
format:
    cargo fmt --all

# Writes the kernel's answers into the literate cells and the notebooks.
bless *arguments:
    tests/run --bless {{arguments}}

# Draws the timeline in README.md, which its cell takes six seconds for.
picture:
    tests/run --bless tests/test_readme.py

# Measures Kissaten beside evcxr_jupyter, ipykernel and plain rustc; `just bench --only scale` is one group of rows.
bench *arguments:
    tests/bench/run {{arguments}}

# Installs to ~/.local.
install:
    ./install.sh

# Opens the notebooks in JupyterLab.
lab:
    ./install.sh lab

# Makes the archive of a release: what install.sh puts under a prefix, for machines with a C library as new as this one's.
# cargo-binstall looks for it by this name, beside the tag of the version.
release:
    ./install.sh --prefix "$PWD/target/release-archive" && tar -czf "target/kissaten-$(uname -m)-linux.tar.gz" -C target/release-archive bin/kissaten share/kissaten

# Makes the Python package, with the kernel in it: for glibc 2.17 where pip has got cargo-zigbuild and ziglang, else for the
# glibc of this machine and later ones. `KISSATEN_WHEEL_MACHINE=aarch64 just wheel` is one for another machine.
wheel:
    KISSATEN_WHEEL_GLIBC="${KISSATEN_WHEEL_GLIBC-$(command -v cargo-zigbuild >/dev/null && echo 2.17)}" python3 -m pip wheel --no-deps --wheel-dir target/wheels .

# Makes the packages for crates.io in target/packages/package, each built from nothing but what is in it. The address of the
# repository is what readers of crates.io and cargo-binstall get: `just package https://…`.
package repository:
    kernel/package.sh {{repository}} target/packages
