#!/usr/bin/env bash
# test_units.sh - systemd accepts the units, and the service's exposure stays at 2.0 or below.
# Writes into a temporary folder; starts nothing. Needs top_srcdir and top_builddir. Skipped without systemd-analyze.
# SPDX-License-Identifier: Apache-2.0
set -u
top=${top_srcdir:-.} build=${top_builddir:-.}
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze (package systemd)"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -r "$tmp"' EXIT
failed=0
fail() { printf 'FAILED: %s\n' "$1"; failed=1; }

service=$build/systemd/sparrowd.service
if grep -nE '@[a-z]+dir@' "$service"; then fail "a path was not filled in"; fi
grep -qE '^ExecStart=/[^ ]*/sparrowd --config /[^ ]*/sparrowd.conf$' "$service" || fail "ExecStart"

systemd-analyze security --offline=true --threshold=20 --no-pager "$service" >"$tmp/security" 2>&1 || fail "exposure beyond 2.0"
tail -n 1 "$tmp/security"
# The test can fail: the same service without its hardening.
sed '/^CapabilityBoundingSet\|^Protect\|^Private\|^Restrict\|^SystemCall/d' "$service" >"$tmp/sparrowd.service"
if systemd-analyze security --offline=true --threshold=20 --no-pager "$tmp/sparrowd.service" >/dev/null 2>&1; then
    fail "systemd-analyze does not look at the hardening"
fi

# verify wants the program to be there, and reads a unit's socket beside it. What it says of other units of this machine is not ours.
sed 's|^ExecStart=.*|ExecStart=/bin/true|; s|^User=.*|User=daemon|; s|^Group=.*|Group=daemon|; /^Documentation=/d' "$service" >"$tmp/sparrowd.service"
cp "$top/systemd/sparrowd.socket" "$tmp/"
systemd-analyze verify --man=no --recursive-errors=no "$tmp/sparrowd.service" "$tmp/sparrowd.socket" >"$tmp/verify" 2>&1
if grep -E 'sparrowd\.(service|socket)' "$tmp/verify"; then fail "systemd-analyze verify"; fi

# The two traps: energy needs /proc/stat; a filtered call must be an error, not a signal.
grep -q '^ProcSubset=pid' "$service" && fail "ProcSubset=pid hides /proc/stat"
grep -q '^SystemCallErrorNumber=EPERM' "$service" || fail "a filtered system call would kill the daemon"
grep -q '^WatchdogSec=' "$service" || fail "no watchdog"

# The socket and the configuration agree on the address.
listen=$(sed -n 's/^ListenStream=//p' "$top/systemd/sparrowd.socket")
grep -q "^#listen = $listen\$" "$top/conf/sparrowd.conf" || fail "socket $listen, configuration elsewhere"
exit $failed
