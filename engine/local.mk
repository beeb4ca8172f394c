# engine: libsparrow
# SPDX-License-Identifier: Apache-2.0
# libsparrow_internal.la holds all objects, with the symbols that only our unit tests may see; libsparrow.la is the
# same objects with sparrow_* alone exported. engine/audio/local.mk adds its files to libsparrow_internal_la_SOURCES.
EXTRA_DIST += engine/ARITHMETIC.md engine/README.md engine/features/README.md engine/model/README.md \
	engine/network/README.md engine/stream/README.md
include_HEADERS += engine/sparrow.h
pkgconfig_DATA += engine/sparrow.pc

noinst_LTLIBRARIES += libsparrow_internal.la
libsparrow_internal_la_SOURCES = \
	engine/error.c engine/error.h \
	engine/features/front_end.c engine/features/front_end.h \
	engine/model/budget.c engine/model/budget.h \
	engine/model/default.c \
	engine/model/envelope.c engine/model/envelope.h \
	engine/model/info.c \
	engine/model/layers.c \
	engine/model/limits.h \
	engine/model/load.c engine/model/loader.h \
	engine/model/model.h \
	engine/model/pack.c engine/model/pack.h \
	engine/model/plan.c \
	engine/model/region.c engine/model/region.h \
	engine/model/text.c engine/model/text.h \
	engine/model/weights.c \
	engine/network/run.c \
	engine/stream/windows.c \
	engine/stream/word_bounds.c
libsparrow_internal_la_CFLAGS = $(OUR_CFLAGS) $(PROTOBUF_C_CFLAGS) $(NETTLE_CFLAGS) $(SNDFILE_CFLAGS) $(SOXR_CFLAGS)
libsparrow_internal_la_LIBADD = libkernels.la libproto_model.la \
	$(PROTOBUF_C_LIBS) $(NETTLE_LIBS) $(SNDFILE_LIBS) $(SOXR_LIBS) -lm

lib_LTLIBRARIES += libsparrow.la
libsparrow_la_SOURCES =
libsparrow_la_LIBADD = libsparrow_internal.la
libsparrow_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^sparrow_' -no-undefined

# Unit tests of the engine's rooms. libtestgraph.la makes models for them.
check_LTLIBRARIES += libtestgraph.la
libtestgraph_la_SOURCES = tests/unit/network/graph.c tests/unit/network/graph.h tests/unit/network/reference.c
libtestgraph_la_CFLAGS = $(OUR_CFLAGS) $(PROTOBUF_C_CFLAGS)
engine_test_cflags = $(OUR_CFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
engine_test_libs = libtestgraph.la libsparrow_internal.la $(CHECK_LIBS)

engine_tests = tests/unit/network/test_run
check_PROGRAMS += $(engine_tests)
TESTS += $(engine_tests)
tests_unit_network_test_run_CFLAGS = $(engine_test_cflags)
tests_unit_network_test_run_LDADD = $(engine_test_libs)
