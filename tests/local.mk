# tests: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0

dist_noinst_SCRIPTS += tests/lint/includes tests/lint/sources tests/lint/shell tests/lint/headers tests/support/tarball.sh
EXTRA_DIST += tests/support/setup.sh packages.txt
include $(top_srcdir)/tests/peers/local.mk
