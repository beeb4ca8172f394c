# engine: libsparrow
# SPDX-License-Identifier: Apache-2.0
# libsparrow_internal.la holds all objects, with the symbols that only our unit tests may see; libsparrow.la is the
# same objects with sparrow_* alone exported. engine/audio/local.mk adds its files to libsparrow_internal_la_SOURCES.
EXTRA_DIST += engine/ARITHMETIC.md
include_HEADERS += engine/sparrow.h
pkgconfig_DATA += engine/sparrow.pc

noinst_LTLIBRARIES += libsparrow_internal.la
libsparrow_internal_la_SOURCES = \
	engine/error.c engine/error.h \
	engine/features/front_end.c engine/features/front_end.h
libsparrow_internal_la_CFLAGS = $(OUR_CFLAGS) $(PROTOBUF_C_CFLAGS) $(NETTLE_CFLAGS) $(SNDFILE_CFLAGS) $(SOXR_CFLAGS)
libsparrow_internal_la_LIBADD = libkernels.la libproto_model.la \
	$(PROTOBUF_C_LIBS) $(NETTLE_LIBS) $(SNDFILE_LIBS) $(SOXR_LIBS) -lm

lib_LTLIBRARIES += libsparrow.la
libsparrow_la_SOURCES =
libsparrow_la_LIBADD = libsparrow_internal.la
libsparrow_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^sparrow_' -no-undefined
