# bench/engine: the networks that the engine is compared with, and what measures them
# SPDX-License-Identifier: Apache-2.0

# libtwins.la needs nothing but the engine and is tested by `make check`.
EXTRA_DIST += bench/engine/README.md
noinst_LTLIBRARIES += libtwins.la
libtwins_la_SOURCES = kernels/cpu/rows.h kernels/cpu/scalar/rows.c \
	bench/engine/twin.c bench/engine/twin.h bench/engine/weights.c bench/engine/weights.h
libtwins_la_LIBADD = libsparrow_internal.la
if X86_64
noinst_LTLIBRARIES += librows_avx2.la librows_avx512.la
librows_avx2_la_SOURCES = kernels/cpu/avx2/rows.c
librows_avx2_la_CFLAGS = $(OUR_CFLAGS) -mavx2
librows_avx512_la_SOURCES = kernels/cpu/avx512/rows.c
librows_avx512_la_CFLAGS = $(OUR_CFLAGS) -mavx512f -mavx512bw -mavx512vl -mavx512vbmi -mavx512vnni
libtwins_la_LIBADD += librows_avx2.la librows_avx512.la
endif

check_PROGRAMS += tests/unit/kernels/check_rows
TESTS += tests/unit/kernels/check_rows
tests_unit_kernels_check_rows_CFLAGS = $(engine_test_cflags)
tests_unit_kernels_check_rows_LDADD = libtwins.la $(engine_test_libs)

# Not built by `make all`: wants libdnnl-dev, libxnnpack-dev, libcpuinfo-dev and libpthreadpool-dev. `make bench/engine/words`
EXTRA_PROGRAMS = bench/engine/words bench/engine/generate bench/engine/against
bench_engine_words_SOURCES = bench/engine/words.c bench/engine/rival.h bench/engine/own.c \
	bench/engine/clips.c bench/engine/clips.h bench/engine/measure.c bench/engine/measure.h \
	bench/engine/stages.c bench/engine/stages.h \
	bench/engine/peak.c bench/engine/peak.h bench/engine/steps.c bench/engine/steps.h bench/engine/onednn.c bench/engine/xnnpack.c
bench_engine_words_CFLAGS = $(OUR_CFLAGS)
bench_engine_words_LDADD = libtwins.la -ldnnl -lXNNPACK -lcpuinfo -lpthreadpool -lpthread

# A model as a program: bench/engine/compiled builds and runs them.
bench_engine_generate_SOURCES = bench/engine/generate.c bench/engine/generate.h \
	bench/engine/generate_one.c bench/engine/generate_rows.c bench/engine/generate_words.c
bench_engine_generate_CFLAGS = $(OUR_CFLAGS)
bench_engine_generate_LDADD = libsparrow_internal.la
bench_engine_against_SOURCES = bench/engine/against.c bench/engine/clips.c bench/engine/clips.h \
	bench/engine/measure.c bench/engine/measure.h
bench_engine_against_CFLAGS = $(OUR_CFLAGS)
bench_engine_against_LDADD = libtwins.la
CLEANFILES += bench/engine/words bench/engine/generate bench/engine/against

dist_noinst_SCRIPTS += bench/engine/run bench/engine/make-onnx bench/engine/rivals bench/engine/compiled
EXTRA_DIST += bench/engine/generated.inc bench/engine/onnx.mjs bench/engine/pictures.py bench/engine/published.py bench/engine/section.py \
	bench/engine/sensor.py bench/engine/hold.py
# Skipped where python3-onnx, python3-numpy or python3-protobuf is missing.
dist_check_SCRIPTS += tests/bench/test_onnx.py tests/bench/test_report.py tests/bench/test_hold.py
TESTS += tests/bench/test_onnx.py tests/bench/test_report.py tests/bench/test_hold.py
