#!/bin/sh
# Stands in for a C compiler: links by the linker that came with rustc, and hands C itself to zig, where that is.
folder=@FOLDER@
zig=$KISSATEN_ZIG
[ ! -w "$folder" ] || export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$folder/zig}"
name=${0##*/}
case $name in
ar | ranlib)
    [ -z "$zig" ] || exec "$zig" "$name" "$@"
    echo "There is no \`$name\` here: install binutils (\`apt install binutils\`), or without root \`pip install 'kissaten[cc]'\`." >&2
    exit 1
    ;;
esac
kind=program compiles= links= plus=
for argument in "$@"; do
    case $argument in
    -c | -E | -S | -M | -MM | *.c | *.S | *.s) compiles=yes ;;
    *.cc | *.cpp | *.cxx) compiles=yes plus=yes ;;
    -shared) kind=library ;;
    *.o | *.rlib | *.a | *.so | -l*) links=yes ;;
    esac
done
if [ -n "$compiles" ] || [ -z "$links" ]; then
    case $name in *++) plus=yes ;; esac
    if [ -n "$plus" ]; then
        echo "There is no C++ compiler here, and this crate has C++ code in it: install g++ or clang (\`apt install g++\`)." >&2
        exit 1
    fi
    if [ -n "$zig" ]; then
        count=$#
        while [ "$count" -gt 0 ]; do
            argument=$1
            shift
            count=$((count - 1))
            case $argument in
            --target=*) ;;
            *) set -- "$@" "$argument" ;;
            esac
        done
        exec "$zig" cc -target @TARGET@-linux-gnu -fno-sanitize=all "$@"
    fi
    echo "There is no C compiler here, and this crate has C code in it: install gcc or clang (\`apt install gcc\`), or without root \`pip install 'kissaten[cc]'\`." >&2
    exit 1
fi
set -f
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    count=$((count - 1))
    case $argument in
    -Wl,*)
        old=$IFS
        IFS=,
        for word in ${argument#-Wl,}; do set -- "$@" "$word"; done
        IFS=$old
        ;;
    -Xlinker | -m64 | -nodefaultlibs | -nostartfiles | -nostdlib | -fuse-ld=* | -B/* | -O[0-9s] | -g* | -pipe) ;;
    -pthread) set -- "$@" -lpthread ;;
    -rdynamic) set -- "$@" --export-dynamic ;;
    *) set -- "$@" "$argument" ;;
    esac
done
if [ "$kind" = program ]; then
    set -- -dynamic-linker @LOADER@ "$folder/start.o" "$@"
fi
exec @LINKER@ -flavor gnu "-L$folder" "$@" -lc
