# tests/portability: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/portability/stray
PORTABILITY_TESTS = tests/portability/test_old_cpu.sh
dist_check_SCRIPTS += $(PORTABILITY_TESTS)
dist_noinst_SCRIPTS += tests/portability/sysroot
TESTS += $(PORTABILITY_TESTS)
EXTRA_DIST += tests/portability/README.md
