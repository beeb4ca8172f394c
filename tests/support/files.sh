# files.sh - which files are sources. Sourced by the lints, in the top folder.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# source_files [PATTERN...]: those that git knows or would take; where there is no repository (a tarball) or no git, all but what is built.
# A pattern's * stands for slashes too, as in git.
source_files() {
    local file pattern
    git ls-files -co --exclude-standard -- "$@" 2>/dev/null && return
    [ $# -gt 0 ] || set -- '*'
    find . \( -name .git -o -name node_modules -o -name .deps -o -name .libs -o -path './build*' -o -path ./autom4te.cache -o -path ./m4 \) -prune -o \
        -type f -printf '%P\n' | while read -r file; do
        case $file in configure | configure~ | libtool | config.status | config.h) continue ;; esac
        for pattern in "$@"; do
            # shellcheck disable=SC2053  # a pattern is meant
            if [[ $file == $pattern ]]; then
                printf '%s\n' "$file"
                break
            fi
        done
    done
}
