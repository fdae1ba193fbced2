# Sourced by tests/run: what survives from one clean clone to the next in the user's cache.
#
# Kept is what cargo compiled of other people's crates. Our own crates are not: cargo knows them by the times of their
# files, which say nothing in another clone. A folder is named for all that decides about its content (the lock file,
# the profiles, the compiler), and is copied both ways, so that no two builds ever share one.
#
# Kept is also the kernel's own cache: the session library, whose folder is named for its sources, and what rustc
# answered to cells, as long as nothing has changed of what makes those answers. Both hold only where they were made.

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

# What cargo made of our own crates in a folder, between NULs. The build scripts of all crates, which are called as one of ours
# begins, have to stay: without them their crates, and all that stand on those, are compiled again.
of_ours() { # folder
    find "$1" -depth -regextype posix-extended \
        \( -name incremental -o -regex '.*/(lib)?kissaten[^/]*' -o -regex '.*/(lib)?(build|compiler|ipc|it|libraries|link|source)(-[0-9a-f]{16})?(\.[^/]*)?' -not -path '*/build' \) -print0
}

# Keeps what is new, and says nothing: it is no test's matter.
keep_target() {
    local to
    to=$caches/target-$(target_name)
    if [ -d "$to" ] || [ ! -e target/checked/kissaten-analyzer ] || [ ! -d target/session ]; then return; fi
    mkdir -p "$caches" && cp -a --reflink=auto target "$to.$$" || { rm -rf "$to.$$"; return; }
    of_ours "$to.$$" | xargs -0 -r rm -rf
    # What was used last stays longest.
    touch "$to.$$"
    mv -T "$to.$$" "$to" 2>/dev/null || rm -rf "$to.$$"
    ls -dt "$caches"/target-* | tail -n "+$((kept + 1))" | xargs -r -d '\n' rm -rf
}

# The folder that a run writes everything into. It is the same each time, as what the kernel has cached holds only there;
# of two runs at once the second one begins with nothing, in another.
take_place() {
    place=/tmp/kissaten-tests-$(id -u)
    mkdir -m 700 "$place" 2>/dev/null || true
    # Nobody else's, and no other run's.
    if [ ! -O "$place" ] || [ -L "$place" ] || ! exec {running}>"$place/running" || ! flock --nonblock "$running"; then
        place=
        temporary=$(mktemp -d "${TMPDIR:-/tmp}/kissaten-tests-XXXXXX")
        return
    fi
    temporary=$place
    chmod 700 "$place"
    find "$place" -mindepth 1 -maxdepth 1 ! -name running -exec rm -rf {} +
    [ -d "$caches/kernel" ] || return 0
    mkdir "$place/cache" && mv "$caches/kernel" "$place/cache/kissaten"
    local cache=$place/cache/kissaten
    [ "$(cat "$cache/std" 2>/dev/null)" = "$(source_of_std)" ] || rm -rf "$cache"
    [ "$(cat "$cache/answers-of" 2>/dev/null)" = "$(answers_name)" ] || rm -rf "$cache"/session-*/answers
    rm -f "$cache"/{std,answers-of}
}

# Where rustc finds the source of std, which decides which words it has of it, also those that a library keeps.
source_of_std() {
    find "$(rustc --print sysroot)/lib/rustlib/src" -maxdepth 0 2>/dev/null || echo none
}

# What decides what becomes of a cell besides the session library: the compiler crate and those below it.
answers_name() {
    find kernel -name '*.rs' -not -path 'kernel/server/*' -not -path 'kernel/analyzer/*' | LC_ALL=C sort | xargs -d '\n' cat | sha256sum | cut -c1-16
}

# Drops the crates that cells have asked for from a cache of the kernel's, as tests see how these are built.
drop_crates() { # cache
    find "$1" -mindepth 2 -maxdepth 2 \( -name 'sets*' -o -name layers \) -exec rm -rf {} +
}

# Ends the use of that folder. What the kernel has cached is kept, but for those crates.
leave_place() {
    local from=$place/cache/kissaten
    if [ -n "$place" ] && [ -d "$from" ]; then
        ls -dt "$from"/session-*/session.json 2>/dev/null | tail -n +2 | xargs -r -d '\n' dirname | xargs -r -d '\n' rm -rf || true
        find "$from" -mindepth 1 -maxdepth 1 ! -name 'session-*' ! -name 'latest-*' -exec rm -rf {} +
        drop_crates "$from"
        source_of_std >"$from/std"
        answers_name >"$from/answers-of"
        mkdir -p "$caches" && rm -rf "$caches/kernel" && mv "$from" "$caches/kernel"
    fi
    rm -rf "$temporary"
}
