#!/usr/bin/env bash
# test_old_cpu.sh - the unit tests of the engine and the kernels on processors that are older than the fastest kernels: no instruction
# of a newer one may slip into code that runs there. Nehalem has no AVX at all; Haswell has AVX2 and no AVX-512.
# Writes into a temporary folder. Needs top_srcdir and top_builddir.
# SPDX-License-Identifier: Apache-2.0
set -u
build=${top_builddir:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -r "$tmp"' EXIT
skip() { printf 'SKIP: %s\n' "$1"; exit 77; }

[ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine"
command -v qemu-x86_64 >/dev/null || skip "qemu-x86_64 is missing: apt-get install qemu-user"
! grep -q -- '-fsanitize=[a-z]' "$build/config.status" || skip "sanitizers and qemu do not go together"

export TEST_ROUNDS_PERCENT=10 # it is instructions that are looked for, and the emulation is slow

failed=0
# Under another processor's name the program ends as it does here, or is itself to blame (77: it says what it lacks).
on() {
    local cpu=$1 program=$2 began=$SECONDS status
    qemu-x86_64 -cpu "$cpu" "$program" >"$tmp/out" 2>&1
    status=$?
    printf '%s %s: %s (%d s)\n' "$cpu" "${program#"$build"/}" "$status" $((SECONDS - began))
    [ $status = 0 ] || [ $status = 77 ] || { tail -n 20 "$tmp/out"; failed=1; }
}

# Without this the rest would prove nothing.
qemu-x86_64 -cpu Nehalem "$build/tests/portability/stray" >/dev/null 2>&1
[ $? = 132 ] || { printf 'FAILED: the emulated Nehalem runs AVX2, or stops for another reason\n'; failed=1; }
qemu-x86_64 -cpu Haswell "$build/tests/portability/stray" || { printf 'FAILED: the emulated Haswell lacks AVX2\n'; failed=1; }

programs=0
for program in "$build"/tests/unit/{features,kernels,model,network,stream}/{test,check}_*; do
    case $program in *.o | *.log | *.trs) continue ;; esac
    [ -x "$program" ] || continue
    programs=$((programs + 1))
    on Nehalem "$program"
done
[ $programs -ge 8 ] || { printf 'FAILED: only %d test programs found\n' $programs; failed=1; }
for program in "$build"/tests/unit/{kernels/check_{kernels,front_end,lanes,rows,words,words_short},network/test_run}; do on Haswell "$program"; done
for program in "$build"/tests/portability/emulated_{kernels,lanes,words}; do on Haswell "$program"; done
exit $failed
