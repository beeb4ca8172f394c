# docs: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0

# The folders' own pages travel with the tarball.
EXTRA_DIST += proto/README.md tests/README.md daemon/README.md
