# Sourced by tests/run: what survives from one clean clone to the next in the user's cache.
#
# Kept is what cargo compiled of other people's crates. Our own crates are not: cargo knows them by the times of their
# files, which say nothing in another clone. A folder is named for all that decides about its content (the lock file,
# the profiles, the compiler), and is copied both ways, so that no two builds ever share one.

caches=${KISSATEN_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kissaten-tests}
# Of each kind, that many stay.
kept=2

target_name() {
    { rustc -vV && cat Cargo.toml Cargo.lock; } | sha256sum | cut -c1-16
}

# Begins a clean clone's builds with what is there already.
take_target() {
    local from
    from=$caches/target-$(target_name)
    if [ -e target ] || [ ! -d "$from" ]; then return; fi
    say 'Beginning with the crates that an earlier run has compiled'
    touch "$from"
    cp -a --reflink=auto "$from" target.new && mv target.new target || rm -rf target.new
}

# Keeps what is new, and says nothing: it is no test's matter.
keep_target() {
    local to
    to=$caches/target-$(target_name)
    if [ -d "$to" ] || [ ! -d target/checked ] || [ ! -d target/session ]; then return; fi
    mkdir -p "$caches" && cp -a --reflink=auto target "$to.$$" || { rm -rf "$to.$$"; return; }
    find "$to.$$" -depth \( -name incremental -o -name 'kissaten*' -o -name 'libkissaten*' -o -name 'compiler-*' \
        -o -name 'libcompiler-*' -o -name 'ipc-*' -o -name 'libipc-*' \
        -o -name 'build-*' -o -name 'libbuild-*' -o -name 'source-*' -o -name 'libsource-*' -o -name 'it-*' -o -name 'link-*' -o -name 'liblink-*' -o -name 'libraries-*' \) -exec rm -rf {} +
    # What was used last stays longest.
    touch "$to.$$"
    mv -T "$to.$$" "$to" 2>/dev/null || rm -rf "$to.$$"
    ls -dt "$caches"/target-* | tail -n "+$((kept + 1))" | xargs -r -d '\n' rm -rf
}
