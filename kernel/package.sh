#!/usr/bin/env bash
# Makes the packages for crates.io, and builds each from nothing but what is in it: `kernel/package.sh REPOSITORY FOLDER`.
#
#   REPOSITORY  the address of the published repository: crates.io shows it, and cargo-binstall finds the archives of
#               `just release` under it. No file has it, as it is known only when something is published.
#   FOLDER      where the packages go, into `package`, and what is compiled to check them
#
# All further arguments are for `cargo package`. It works in a copy, so the checkout stays as it is.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: kernel/package.sh REPOSITORY FOLDER [ARGUMENTS FOR CARGO]; REPOSITORY is the address that readers of crates.io get" >&2
    exit 2
fi
repository=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -c --exclude='*/target' --exclude='__pycache__' Cargo.toml Cargo.lock README.md LICENSE-APACHE LICENSE-MIT kernel | tar -x -C "$copy"
cd "$copy"

# In a package the crates beside it are missing: their text goes along in a file.
KISSATEN_PACK=yes cargo build --quiet --locked --package kissaten-source --target-dir "$folder"

# In the order in which they can be published: each needs only those before it.
packages=(source marks ipc link build compiler server)
arguments=()
for package in "${packages[@]}"; do
    manifest=kernel/$package/Cargo.toml
    sed -i "s|^license.workspace = true|&\nrepository = \"$repository\"|" "$manifest"
    grep -q '^repository = ' "$manifest" || { echo "$manifest has no place for the address" >&2; exit 1; }
    cp LICENSE-APACHE LICENSE-MIT "kernel/$package"
    arguments+=("--package=$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)")
done
cargo package --locked --allow-dirty --target-dir "$folder" "${arguments[@]}" "$@"
