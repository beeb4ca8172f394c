# training: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += training/make-eval-list
