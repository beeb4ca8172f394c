# bench: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0

noinst_PROGRAMS += bench/served/bare
bench_served_bare_SOURCES = bench/served/bare.c
bench_served_bare_CFLAGS = $(OUR_CFLAGS) $(MHD_CFLAGS) $(UV_CFLAGS)
bench_served_bare_LDADD = libsparrow.la $(MHD_LIBS) $(UV_LIBS)

dist_noinst_SCRIPTS += bench/report bench/served/run bench/overload/run bench/served/make-dense-onnx
EXTRA_DIST += bench/served/server.mjs bench/served/package.json bench/served/post.lua bench/served/NOTES.md bench/README.md \
	bench/RESULTS.md bench/results
