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
	engine/model/files.c \
	engine/model/info.c \
	engine/model/layers.c \
	engine/model/limits.h \
	engine/model/load.c engine/model/loader.h \
	engine/model/model.h \
	engine/model/pack.c engine/model/pack.h \
	engine/model/pairs.c engine/model/pairs.h \
	engine/model/plan.c \
	engine/model/region.c engine/model/region.h \
	engine/model/stages.c \
	engine/model/text.c engine/model/text.h \
	engine/model/weights.c \
	engine/model/words.c engine/model/words.h \
	engine/model/words_lists.c \
	engine/model/words_pack.c \
	engine/model/words_scale.c \
	engine/model/words_short.c \
	engine/network/batch.c engine/network/batch.h \
	engine/network/run.c \
	engine/stream/windows.c \
	engine/stream/word_bounds.c
libsparrow_internal_la_CFLAGS = $(OUR_CFLAGS) $(PROTOBUF_C_CFLAGS) $(NETTLE_CFLAGS) $(SNDFILE_CFLAGS) $(SOXR_CFLAGS)
libsparrow_internal_la_LIBADD = libkernels.la libproto_model.la \
	$(PROTOBUF_C_LIBS) $(NETTLE_LIBS) $(SNDFILE_LIBS) $(SOXR_LIBS) -lm

if !CORE_ONLY
lib_LTLIBRARIES += libsparrow.la
libsparrow_la_SOURCES =
libsparrow_la_LIBADD = libsparrow_internal.la
libsparrow_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^sparrow_' -no-undefined
endif

# Unit tests of the engine's rooms and kernels. libtestgraph.la makes models for them.
check_LTLIBRARIES += libtestgraph.la
libtestgraph_la_SOURCES = \
	tests/unit/kernels/call.c tests/unit/kernels/call.h \
	tests/unit/kernels/guard.c tests/unit/kernels/guard.h \
	tests/unit/kernels/inputs.c tests/unit/kernels/inputs.h \
	tests/unit/network/graph.c tests/unit/network/graph.h tests/unit/network/reference.c \
	tests/unit/suite.h
libtestgraph_la_CFLAGS = $(OUR_CFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
engine_test_cflags = $(OUR_CFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
engine_test_libs = libtestgraph.la libsparrow_internal.la $(CHECK_LIBS)

engine_tests = \
	tests/unit/features/test_front_end \
	tests/unit/kernels/check_call \
	tests/unit/kernels/check_front_end \
	tests/unit/kernels/check_kernels \
	tests/unit/kernels/check_lanes \
	tests/unit/kernels/check_scalar \
	tests/unit/kernels/check_words \
	tests/unit/kernels/check_words_short \
	tests/unit/model/test_files \
	tests/unit/model/test_load \
	tests/unit/model/test_memory \
	tests/unit/model/test_text \
	tests/unit/network/test_run \
	tests/unit/stream/test_windows \
	tests/unit/stream/test_word_bounds
check_PROGRAMS += $(engine_tests) tests/fuzz/fuzz_model
TESTS += $(engine_tests) tests/fuzz/fuzz_model
dist_check_SCRIPTS += tests/unit/kernels/hot-loops
if X86_64
TESTS += tests/unit/kernels/hot-loops
endif
tests_unit_features_test_front_end_CFLAGS = $(engine_test_cflags)
tests_unit_features_test_front_end_LDADD = $(engine_test_libs) -lm
tests_unit_kernels_check_call_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_call_LDADD = $(engine_test_libs)
tests_unit_kernels_check_front_end_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_front_end_LDADD = $(engine_test_libs)
tests_unit_kernels_check_kernels_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_kernels_LDADD = $(engine_test_libs)
tests_unit_kernels_check_lanes_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_lanes_LDADD = $(engine_test_libs)
tests_unit_kernels_check_scalar_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_scalar_LDADD = $(engine_test_libs)
tests_unit_kernels_check_words_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_words_LDADD = $(engine_test_libs)
tests_unit_kernels_check_words_short_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_words_short_LDADD = $(engine_test_libs)
tests_unit_model_test_files_CFLAGS = $(engine_test_cflags)
tests_unit_model_test_files_LDADD = $(engine_test_libs)
tests_unit_model_test_load_CFLAGS = $(engine_test_cflags)
tests_unit_model_test_load_LDADD = $(engine_test_libs) -lm
tests_unit_model_test_memory_CFLAGS = $(engine_test_cflags)
tests_unit_model_test_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=aligned_alloc
tests_unit_model_test_memory_LDADD = $(engine_test_libs)
tests_unit_model_test_text_CFLAGS = $(engine_test_cflags)
tests_unit_model_test_text_LDADD = $(engine_test_libs)
tests_unit_network_test_run_CFLAGS = $(engine_test_cflags)
tests_unit_network_test_run_LDADD = $(engine_test_libs)
tests_unit_stream_test_windows_CFLAGS = $(engine_test_cflags)
tests_unit_stream_test_windows_LDADD = $(engine_test_libs) -lm
tests_unit_stream_test_word_bounds_CFLAGS = $(engine_test_cflags)
tests_unit_stream_test_word_bounds_LDADD = $(engine_test_libs) -lm

tests_fuzz_fuzz_model_SOURCES = tests/fuzz/fuzz_model.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_model_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"model"'
tests_fuzz_fuzz_model_CFLAGS = $(OUR_CFLAGS)
tests_fuzz_fuzz_model_LDADD = libsparrow_internal.la
