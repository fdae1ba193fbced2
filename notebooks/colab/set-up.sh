#!/usr/bin/env bash
# Prepares the machine behind a Colab notebook for Rust: the cell in set-up.ipynb calls it. See `bash set-up.sh --help`.
#
# It knows how Colab's machines differ from others (root, no Rust, a new machine for each notebook); building and
# installing Kissaten is install.sh's.
set -euo pipefail

usage() {
    cat <<'EOF'
Gets Rust and installs Kissaten on the machine of a Colab notebook.

usage: bash set-up.sh [--release URL] [--lesson FILE] [--prefix DIR] [--rustup URL]

  --release URL  a release archive; without one, or where there is none, Kissaten is built from source
  --lesson FILE  run this lesson once, so that its cells are compiled already when it is opened
  --prefix DIR   install to DIR instead of /usr/local, where Jupyter looks under whatever Python it runs
  --rustup URL   rustup's installer, if not https://sh.rustup.rs
EOF
}

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
release= lesson= prefix=/usr/local rustup=https://sh.rustup.rs

say() { printf '%s\n' "☕ $* (after $SECONDS s)"; }
fail() {
    printf '❌ %s\n' "$@" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
        --release) release=${2-} ;;
        --lesson) lesson=${2-} ;;
        --prefix) prefix=${2:?} ;;
        --rustup) rustup=${2:?} ;;
        --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift 2 || { usage >&2; exit 2; }
done

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT

# Rust. Colab's machines have none, or a distribution's old one, which must not come first.

cargo_bin=${CARGO_HOME:-$HOME/.cargo}/bin
PATH=$cargo_bin:$PATH
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$repository/Cargo.toml")
new_enough() {
    local version
    version=$(cd / && rustc --version 2>/dev/null | cut -d' ' -f2) && command -v cargo >/dev/null &&
        [ "$(printf '%s\n' "$needed" "${version%%-*}" | sort -V | head -n 1)" = "$needed" ]
}
if new_enough; then
    say "Rust is here: $(rustc --version)"
else
    say "Getting Rust"
    curl --silent --show-error --fail --location "$rustup" --output "$staging/rustup.sh" ||
        fail "rustup could not be downloaded from $rustup; run the cell again"
    sh "$staging/rustup.sh" -y --quiet --profile minimal --no-modify-path --default-toolchain stable ||
        fail "rustup could not install Rust; its words are above"
    hash -r
    new_enough || fail "Rust $needed or later is needed, and it is $(rustc --version 2>&1)"
fi

# Kissaten: a release's archive has what install.sh puts there, but for what has to be made with the rustc of this machine.

from_release() {
    [ -n "$release" ] || return 1
    mkdir "$staging/release"
    if ! curl --silent --fail --location "$release" | tar -xz -C "$staging/release" 2>"$staging/tar.log"; then
        say "There is no release at $release"
        return 1
    fi
    # It may have been built for a newer C library.
    if ! "$staging/release/bin/kissaten" --version >/dev/null 2>&1; then
        say "The release does not run on this machine"
        return 1
    fi
    say "Installing the release"
    mkdir -p "$prefix/bin" "$prefix/share"
    rm -rf "$prefix/share/kissaten"
    cp -R "$staging/release/share/kissaten" "$prefix/share/kissaten"
    install "$staging/release/bin/kissaten" "$prefix/bin/kissaten"
    "$prefix/bin/kissaten" build
    "$prefix/bin/kissaten" install --prefix "$prefix"
}

if ! from_release; then
    say "Building Kissaten from source, which takes some minutes"
    "$repository/install.sh" --prefix "$prefix" || fail "Kissaten could not be built; the reason is above"
fi

if [ -n "$lesson" ]; then
    say "Running $lesson once, which takes about as long as to press Shift-Enter in all its cells"
    "$prefix/bin/kissaten" prebuild "$repository/notebooks/$lesson" --limit 300 || say "It could not be run; its cells are compiled when you run them"
fi

say "Kissaten is installed"
cat <<'EOF'

✅ Now reload this page (Ctrl-R, or ⌘-R). If the notebook then still speaks Python:
   menu Runtime ▸ Change runtime type ▸ Rust (Kissaten).
EOF
