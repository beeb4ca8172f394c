# tests/peers: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
PEER_TESTS = tests/peers/test_curl.py tests/peers/test_watson.py tests/peers/test_connect.py tests/peers/test_prometheus.py
dist_check_SCRIPTS += $(PEER_TESTS)
TESTS += $(PEER_TESTS)
EXTRA_DIST += tests/peers/README.md tests/peers/npm.py tests/peers/watson.cjs tests/peers/connect.mjs tests/peers/package.json \
	tests/peers/package-lock.json

# What npm.py fetched.
distclean-local:
	rm -rf tests/peers/npm
