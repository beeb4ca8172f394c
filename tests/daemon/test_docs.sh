#!/usr/bin/env bash
# test_docs.sh - the texts in git are what the daemon's tables print, the man pages are clean, and nothing that the guides name is missing.
# Writes into a temporary folder. Needs top_srcdir and top_builddir.
# SPDX-License-Identifier: Apache-2.0
set -u
top=${top_srcdir:-.} build=${top_builddir:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -r "$tmp"' EXIT
failed=0
fail() { printf 'FAILED: %s\n' "$1"; failed=1; }

compare() { # TEXT FILE
    "$build/docs/tables" "$1" >"$tmp/$1" || fail "docs/tables $1"
    if diff -u "$top/$2" "$tmp/$1" >"$tmp/diff"; then
        printf 'ok: %s\n' "$2"
    else
        head -n 20 "$tmp/diff"
        fail "$2 is not what the tables print; make update-docs"
    fi
}
compare example conf/sparrowd.conf
compare configuration docs/configuration.md
compare metrics docs/metrics.md
compare errors docs/errors.md

# Every counter and histogram is counted somewhere, and the others have a source.
sed -n 's/^METRIC(\([A-Z_]*\),.*/\1/p' "$top/daemon/metrics.def" | while read -r metric; do
    grep -rqw --include='*.c' "METRIC_$metric" "$top/daemon" || echo "METRIC_$metric"
done >"$tmp/dead"
if [ -s "$tmp/dead" ]; then
    cat "$tmp/dead"
    fail "daemon/metrics.def: nobody counts these"
fi

"$build/docs/tables" nothing >/dev/null 2>&1
[ $? = 2 ] || fail "docs/tables takes an unknown text"

for page in sparrowd.8 sparrowd.conf.5; do
    if grep -nE '@[A-Za-z]+@' "$build/docs/man/$page"; then fail "$page: a place was not filled in"; fi
    if ! command -v mandoc >/dev/null; then
        printf 'skipped: no mandoc to check %s\n' "$page"
    elif mandoc -T lint -W warning "$build/docs/man/$page" >"$tmp/lint"; then
        printf 'ok: %s\n' "$page"
    else
        cat "$tmp/lint"
        fail "$page: mandoc complains"
    fi
done
# Every key has its paragraph in the man page.
keys=$(sed -n 's/^#\([a-z_]*\) =.*/\1/p' "$top/conf/sparrowd.conf")
[ "$(wc -w <<<"$keys")" -gt 30 ] || fail "conf/sparrowd.conf shows too few keys"
for key in $keys; do
    grep -q "^\.BR $key " "$build/docs/man/sparrowd.conf.5" || fail "sparrowd.conf.5 lacks $key"
done

# What the operator's guide names exists: keys (section.key), metrics, and the files it links to.
guide=$top/docs/operation.md
"$build/docs/tables" configuration | awk '/^## \[/ {gsub(/[^a-z]/, ""); s = $0} /^\| `/ {split($0, a, "`"); print s "." a[2]}' |
    sort >"$tmp/keys"
sections=$(cut -d. -f1 "$tmp/keys" | sort -u | paste -sd'|')
grep -oE "\`($sections)\.[a-z_]+( = [^\`]*)?\`" "$guide" | tr -d '`' | sed 's/ =.*//' | sort -u >"$tmp/named"
[ -s "$tmp/named" ] || fail "operation.md names no key"
comm -23 "$tmp/named" "$tmp/keys" | grep . && fail "operation.md names keys that do not exist"
while read -r metric; do
    grep -q "\`$metric\`" "$top/docs/metrics.md" || fail "operation.md names $metric"
done < <(grep -oE '\b(sparrow|process)_[a-z_]+' "$guide" | sort -u)
while read -r link; do
    case $link in http*) continue ;; esac
    [ -e "$top/docs/$link" ] || fail "docs/ links to $link, which is not there"
done < <(grep -ohE '\]\([^)#]+' "$guide" "$top/docs/README.md" | cut -c3-)
exit $failed
