# Sourced by tests/run and tests/bench/run, in the repository's folder: gets the Python environment of both.

venv=$PWD/tests/.venv
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

say() { printf '\n==> %s\n' "$*" >&2; }
fail() {
    printf '\n%s: %s\n' "$0" "$*" >&2
    exit 1
}
debian_package() { # why, packages…
    local why=$1
    shift
    command -v apt-get >/dev/null || fail "$why is missing; install it with your package manager"
    say "Installing $* ($why is missing)"
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get update --quiet && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends "$@" || fail "could not install $*"
}
make_venv() {
    command -v python3 >/dev/null || debian_package python3 python3 python3-venv
    python3 -c 'import ensurepip, venv' 2>/dev/null || debian_package "Python's venv" python3-venv
    # A copy of the requirements inside the environment says what is installed in it.
    cmp --silent tests/requirements.txt "$venv/requirements.txt" && return
    say 'Making the Python environment of the tests'
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
    cp tests/requirements.txt "$venv/requirements.txt"
}
