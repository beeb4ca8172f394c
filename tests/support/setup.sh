# setup.sh - what ./quickstart and ./check share: messages, packages, configure and make. Sourced, not run.
# Writes only to the build folder it is given (and installs Debian packages that are missing).
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # top and build are set by whoever sources this

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_packages KIND...: installs those of packages.txt that are missing.
need_packages() {
    local kinds=$1 missing=() kind name program
    command -v dpkg-query >/dev/null || die "this is not Debian or a relative of it: install what packages.txt lists by hand, then build as README.md says"
    while read -r kind name program; do
        case " $kinds " in *" $kind "*) ;; *) continue ;; esac
        if [ -n "$program" ] && command -v "$program" >/dev/null; then continue; fi
        dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done < <(grep -Ev '^(#|$)' "$top/packages.txt")
    [ ${#missing[@]} -gt 0 ] || return 0
    step "installing ${#missing[@]} package$([ ${#missing[@]} = 1 ] || echo s): ${missing[*]}"
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "packages are missing and there is no sudo: as root, run  apt-get install ${missing[*]}"
        sudo=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! "${sudo[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >"$build/apt.log" 2>&1; then
        "${sudo[@]}" apt-get update -q >>"$build/apt.log" 2>&1 ||
            die "the package lists cannot be read (no network, or apt is not set up?); see ${build#"$top"/}/apt.log"
        "${sudo[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >>"$build/apt.log" 2>&1 ||
            die "packages could not be installed: $(grep -m1 '^E:' "$build/apt.log" || echo "see ${build#"$top"/}/apt.log")
Try again with a network, or bring them here another way:  apt-get install ${missing[*]}"
    fi
}

# bootstrap: makes ./configure if it is missing or older than what it is made from.
bootstrap() {
    if [ ! -x "$top/configure" ] || [ -n "$(find "$top" -path "$top/build" -prune -o \
        \( -name '*.mk' -o -name Makefile.am -o -name configure.ac \) -newer "$top/configure" -print -quit)" ]; then
        step "making configure"
        (cd "$top" && autoreconf -i >"$build/autoreconf.log" 2>&1 && touch configure) || {
            tail -n 20 "$build/autoreconf.log" >&2
            die "autoreconf failed"
        }
    fi
}

# configure_in NAME ARGS...: configures build/NAME out of tree, unless it is configured already in the same way.
configure_in() {
    local dir=$build/$1 stamp
    shift
    mkdir -p "$dir"
    stamp="$*"
    if [ -f "$dir/Makefile" ] && [ "$(cat "$dir/.configured" 2>/dev/null)" = "$stamp" ] && [ "$dir/Makefile" -nt "$top/configure" ]; then
        return 0
    fi
    (cd "$dir" && "$top/configure" -q "$@" >configure.out 2>&1 && printf '%s' "$stamp" >.configured) || {
        tail -n 15 "$dir/configure.out" >&2
        die "configure failed in ${dir#"$top"/}"
    }
}

# watch_make DIR OF: counts what make has compiled and linked, out of OF; until it is killed, or quickstart or check is.
watch_make() {
    while kill -0 $$ 2>/dev/null; do
        printf '\r%d of %d' "$(grep -cE '^  (CC|CCLD) ' "$1/make.log")" "$2"
        sleep 0.5
    done
}

# make_in NAME TARGETS...: builds quietly, on a terminal with a count; on failure shows the end of the log.
make_in() {
    local dir=$build/$1 steps watcher='' code
    shift
    if [ -t 1 ] && steps=$(make -C "$dir" -n "$@" 2>/dev/null | grep -cE 'echo "  (CC|CCLD) '); then
        : >"$dir/make.log"
        watch_make "$dir" "$steps" &
        watcher=$!
    fi
    make -C "$dir" -j"$(nproc)" "$@" >"$dir/make.log" 2>&1
    code=$?
    if [ -n "$watcher" ]; then
        kill "$watcher"
        wait "$watcher" 2>/dev/null
        printf '\r\033[K'
    fi
    [ $code = 0 ] || {
        grep -nE 'error|Error|warning:' "$dir/make.log" | head -n 20 >&2
        tail -n 15 "$dir/make.log" >&2
        return 1
    }
}
