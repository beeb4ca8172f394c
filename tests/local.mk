# tests: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0

dist_noinst_SCRIPTS += tests/lint/includes tests/lint/sources tests/lint/shell tests/lint/headers tests/support/tarball.sh
EXTRA_DIST += tests/support/files.sh tests/support/setup.sh packages.txt
include $(top_srcdir)/tests/peers/local.mk
include $(top_srcdir)/tests/portability/local.mk
dist_noinst_SCRIPTS += tests/fuzz/hunt

# make fuzz SECONDS=n: hunts with libFuzzer. make tidy: lays the C out as .clang-format says.
SECONDS = 60
.PHONY: fuzz tidy
fuzz:
	$(top_srcdir)/tests/fuzz/hunt $(SECONDS)
tidy:
	cd $(top_srcdir) && git ls-files '*.c' '*.h' | xargs clang-format -i
