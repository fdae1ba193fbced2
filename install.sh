#!/usr/bin/env bash
# Builds Kissaten and tells Jupyter about it. See `./install.sh --help`.
set -euo pipefail

usage() {
    cat <<'EOF'
Installs Kissaten, a Jupyter kernel for async Rust.

usage: ./install.sh [OPTIONS]
       ./install.sh lab [OPTIONS] [-- ARGUMENTS FOR JUPYTER LAB]

  lab            install, then open the notebooks in JupyterLab; where there is no JupyterLab,
                 it is put into a private virtual environment
  --prefix DIR   install to DIR instead of ~/.local
  --sys-prefix   install into the Python environment that is active (a venv, conda, a hub's image)
  --lessons      compile the cells of the lessons beforehand, so that who opens one compiles only what is
                 changed; with --prefix or --sys-prefix for all users of that place
  --no-analyzer  leave out the analyzer, which knows the methods and documentation of std and of crates
                 for completion and inspection; it takes some minutes to build
  --uninstall    remove what this script installed there
  --help         show this

It can be run again at any time; what is up to date is left alone.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Words to the user.

started=$SECONDS
step=0
steps=6

say() { printf '%s\n' "$*"; }
begin() {
    step=$((step + 1))
    printf '\n[%d/%d] %s (after %d s)\n' "$step" "$steps" "$1" "$((SECONDS - started))"
}
fail() {
    printf '\ninstall.sh: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '    %s\n' "$line" >&2; done
    exit 1
}
wrong_usage() {
    printf 'install.sh: %s\nSee ./install.sh --help\n' "$1" >&2
    exit 2
}
debian() { command -v apt-get >/dev/null; }

# Arguments.

lab=false
uninstall=false
analyzer=true
lessons=false
place=user
prefix=${HOME:?}/.local
lab_arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        lab) lab=true ;;
        --prefix) [ -n "${2:-}" ] || wrong_usage '--prefix needs a directory'; place=prefix prefix=$2; shift ;;
        --prefix=?*) place=prefix prefix=${1#--prefix=} ;;
        --sys-prefix) place=sys-prefix ;;
        --uninstall) uninstall=true ;;
        --no-analyzer) analyzer=false ;;
        --lessons) lessons=true ;;
        -h | --help) usage; exit 0 ;;
        --) shift; lab_arguments=("$@"); break ;;
        *) $lab || wrong_usage "what is '$1'?"; lab_arguments+=("$1") ;;
    esac
    shift
done
[ ${#lab_arguments[@]} -eq 0 ] || $lab || wrong_usage 'arguments after -- are for JupyterLab: ./install.sh lab -- …'
$lab && $uninstall && wrong_usage 'lab or --uninstall, not both'
$analyzer || steps=$((steps - 1))
$lessons && steps=$((steps + 1))
$lab && steps=$((steps + 1))

# Cargo's profiles. The tests have others, that build in less time.
server_profile=${KISSATEN_SERVER_PROFILE:-release}
analyzer_profile=${KISSATEN_ANALYZER_PROFILE:-analyzer}

# Where things go.

find_python() {
    command -v python3 >/dev/null && return
    debian && fail 'python3 is missing. To get it:' 'sudo apt install python3 python3-venv'
    fail 'python3 is missing. Install Python 3.9 or later with your package manager.'
}
if [ $place = sys-prefix ]; then
    find_python
    prefix=$(python3 -c 'import sys; print(sys.prefix)')
fi
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
binary=$prefix/bin/kissaten
share=$prefix/share/kissaten
libexec=$prefix/libexec/kissaten
# The binary tells Jupyter by itself; `--user` respects Jupyter's own settings of where that is.
jupyter_place=(--prefix "$prefix")
[ $place = user ] && jupyter_place=(--user)

data=${XDG_DATA_HOME:-$HOME/.local/share}/kissaten
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kissaten
private_jupyter=$data/jupyter
# What an installation has compiled for all its users.
shared=$prefix/lib/kissaten

if $uninstall; then
    # It fails where the kernelspec is gone already, which is what is wanted.
    [ ! -x "$binary" ] || "$binary" uninstall "${jupyter_place[@]}" || true
    for path in "$binary" "$share" "$libexec" "$shared" "$cache" "$private_jupyter"; do
        if [ -e "$path" ]; then
            rm -rf -- "$path"
            say "removed $path"
        fi
    done
    rmdir -- "$data" "$prefix/libexec" 2>/dev/null || true
    say 'Kissaten is uninstalled.'
    exit 0
fi

# The tools.

begin 'Looking for the tools'

# rustup's cargo is often not on the PATH of the shell that calls this.
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
for tool in cargo rustc; do
    command -v "$tool" >/dev/null || fail "$tool is missing. To get it:" \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
done
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/Cargo.toml")
rustc_version=$(cd "$here" && rustc --version) || fail 'rustc does not run. To set up a toolchain:' 'rustup default stable'
found=$(printf '%s\n' "$rustc_version" | cut -d' ' -f2)
oldest=$(printf '%s\n' "$needed" "${found%%-*}" | sort -V | head -n 1)
[ "$oldest" = "$needed" ] || fail "rustc is $found, and Kissaten needs $needed or later. To get it:" 'rustup update stable'
if ! command -v cc >/dev/null; then
    debian && fail 'a C linker (cc) is missing. To get it:' 'sudo apt install gcc libc6-dev'
    command -v dnf >/dev/null && fail 'a C linker (cc) is missing. To get it:' 'sudo dnf install gcc'
    fail 'a C linker (cc) is missing. Install gcc or clang with your package manager.'
fi
say "$rustc_version; cargo: $(command -v cargo); linker: $(command -v cc)"
if $lab; then
    find_python
elif ! command -v python3 >/dev/null; then
    say 'python3 is missing; Jupyter will need it: sudo apt install python3 python3-venv'
fi

# The kernel.

begin 'Building the kernel'
(cd "$here" && cargo build --profile "$server_profile" --locked --package kissaten --target-dir target)

begin "Installing to $prefix"
# A kernel may be running from the files of the last installation: they are replaced, never written into.
replace() { # from, to
    if diff -rq "$1" "$2" >/dev/null 2>&1; then
        say "up to date: $2"
        return
    fi
    mkdir -p "$(dirname "$2")"
    rm -rf "$2.new"
    cp -R "$1" "$2.new"
    rm -rf "$2"
    mv "$2.new" "$2"
    say "installed: $2"
}
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
replace "$here/target/$server_profile/kissaten" "$binary"
# Earlier versions had the session library's source beside the program, which carries it now.
rm -rf "$share/source"
replace "$here/notebooks/papermill/kissaten_papermill.py" "$share/kissaten_papermill.py"

begin 'Building the session library (what all cells share)'
if $lessons && [ $place != user ]; then
    mkdir -p "$shared"
    KISSATEN_CACHE=$shared "$binary" build
else
    "$binary" build
fi

begin 'Telling Jupyter'
"$binary" install "${jupyter_place[@]}"
say "Kissaten is ready after $((SECONDS - started)) s. In Jupyter it is called: Rust (Kissaten)"

if $lessons; then
    begin 'Running the lessons, so that what they compile is remembered'
    shared_place=(--prefix "$prefix")
    [ $place = user ] && shared_place=()
    # All of them end by themselves; a cell that does not on some machine is not to keep the others up.
    "$binary" prebuild "$here"/notebooks/[01]*.ipynb --limit 300 "${shared_place[@]}" ||
        say 'Not all of the lessons could be run (see above); their cells are compiled where they are opened.'
fi

# The analyzer. The kernel is usable without it, and finds it as soon as it is there.

install_analyzer() {
    (cd "$here" && cargo build --profile "$analyzer_profile" --locked --package kissaten-analyzer --target-dir target) || return
    replace "$here/target/$analyzer_profile/kissaten-analyzer" "$libexec/kissaten-analyzer"
    local source
    source=$(cd "$here" && rustc --print sysroot)/lib/rustlib/src/rust/library
    [ -d "$source" ] || source=/usr/lib/rustlib/src/rust/library
    if [ -d "$source" ]; then
        say "the source of std: $source"
    elif command -v rustup >/dev/null && (cd "$here" && rustup component add rust-src); then
        say 'the source of std: added by rustup'
    elif debian; then
        say 'The analyzer needs the source of std, which is missing. To get it: sudo apt install rust-web-src (or rust-src)'
    else
        say 'The analyzer needs the source of std, which is missing. To get it: rustup component add rust-src'
    fi
}
if $analyzer && ! $lab; then
    begin 'Building the analyzer (some minutes; the kernel can be used meanwhile)'
    install_analyzer || say 'The analyzer could not be built (see above); completion knows the names of the notebook only.'
elif $analyzer; then
    begin 'Building the analyzer in the background'
    mkdir -p -m 700 "$cache"
    trap - EXIT
    # Nobody is to wait for JupyterLab because of it.
    (trap 'rm -rf "$staging"' EXIT && install_analyzer >"$cache/analyzer.log" 2>&1) &
    say "Its words: $cache/analyzer.log"
fi

# JupyterLab.

$lab || exit 0
begin 'Opening JupyterLab'
if command -v jupyter-lab >/dev/null && jupyter-lab --version >/dev/null 2>&1; then
    jupyter_lab=$(command -v jupyter-lab)
else
    jupyter_lab=$private_jupyter/bin/jupyter-lab
    if ! "$jupyter_lab" --version >/dev/null 2>&1; then
        say "There is no JupyterLab on the PATH; it goes into $private_jupyter"
        if ! python3 -m venv --clear "$private_jupyter" >"$staging/venv.log" 2>&1; then
            debian && fail 'Python cannot make a virtual environment. To enable it:' 'sudo apt install python3-venv'
            cat "$staging/venv.log" >&2
            fail 'Python cannot make a virtual environment (its words are above).'
        fi
        "$private_jupyter/bin/python" -m pip install --quiet --disable-pip-version-check 'jupyterlab>=4.2,<5' ||
            fail "JupyterLab could not be installed. To try again:" './install.sh lab'
    fi
    # With it JupyterLab draws sliders and buttons. One that was installed before may lack it.
    "$private_jupyter/bin/python" -m pip install --quiet --disable-pip-version-check 'jupyterlab_widgets>=3,<4' ||
        say 'The package jupyterlab_widgets could not be installed: widgets are shown as text.'
fi
rm -rf "$staging"
trap - EXIT
export JUPYTER_PATH=$prefix/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}
# Jupyter refuses to run as root unless it is told to.
[ "$(id -u)" -ne 0 ] || lab_arguments=(--allow-root "${lab_arguments[@]}")
say "JupyterLab ends with Ctrl-C."
exec "$jupyter_lab" --notebook-dir="$here/notebooks" "${lab_arguments[@]}"
