# kernels/cpu: one convenience library per instruction set, all of them inside libkernels.la
# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += kernels/cpu/README.md
noinst_LTLIBRARIES += libkernels.la
libkernels_la_SOURCES = kernels/cpu/kernels.h \
	kernels/cpu/dispatch.c \
	kernels/cpu/front_end_frames.inc kernels/cpu/front_end_x86.inc \
	kernels/cpu/lanes.c kernels/cpu/lanes.h kernels/cpu/lanes_x86.inc \
	kernels/cpu/words.c kernels/cpu/words.h kernels/cpu/words_stage.inc kernels/cpu/words_x86.inc \
	kernels/cpu/scalar/conv.c \
	kernels/cpu/scalar/energies.c \
	kernels/cpu/scalar/front_end.c kernels/cpu/scalar/fused.h \
	kernels/cpu/scalar/pool.c \
	kernels/cpu/scalar/winners.c
libkernels_la_LIBADD = -lm

# Fused multiply-adds stand where the code says so: -ffp-contract=off makes no others.
if X86_64
noinst_LTLIBRARIES += libkernels_avx2.la
libkernels_avx2_la_SOURCES = \
	kernels/cpu/avx2/add.c \
	kernels/cpu/avx2/conv_dense.c \
	kernels/cpu/avx2/dot.h \
	kernels/cpu/avx2/energies.c \
	kernels/cpu/avx2/front_end.c \
	kernels/cpu/avx2/lanes.c \
	kernels/cpu/avx2/requantise.c \
	kernels/cpu/avx2/words.c kernels/cpu/avx2/words_all.inc \
	kernels/cpu/avx2/words_halves.inc kernels/cpu/avx2/words_short.inc
libkernels_avx2_la_CFLAGS = $(OUR_CFLAGS) -mavx2 -mfma
libkernels_la_LIBADD += libkernels_avx2.la

# The same source with one instruction for four products.
noinst_LTLIBRARIES += libkernels_avxvnni.la
libkernels_avxvnni_la_SOURCES = kernels/cpu/avx2/dot.h kernels/cpu/avx2/lanes.c kernels/cpu/avx2/words.c
libkernels_avxvnni_la_CPPFLAGS = $(AM_CPPFLAGS) -Dsp_lanes__avx2=sp_lanes__avxvnni \
	-Dsp_lanes_quads__avx2=sp_lanes_quads__avxvnni -Dsp_words__avx2=sp_words__avxvnni
libkernels_avxvnni_la_CFLAGS = $(OUR_CFLAGS) -mavx2 -mavxvnni
libkernels_la_LIBADD += libkernels_avxvnni.la

noinst_LTLIBRARIES += libkernels_avx512.la
libkernels_avx512_la_SOURCES = kernels/cpu/avx512/lanes.c kernels/cpu/avx512/words.c
libkernels_avx512_la_CFLAGS = $(OUR_CFLAGS) -mavx512f -mavx512bw -mavx512vl -mavx512vbmi -mavx512vnni
libkernels_la_LIBADD += libkernels_avx512.la

# Without VBMI: the same source of the stages, and what both sets have.
noinst_LTLIBRARIES += libkernels_avx512vnni.la
libkernels_avx512vnni_la_SOURCES = \
	kernels/cpu/avx512/conv_dense.c \
	kernels/cpu/avx512/energies.c \
	kernels/cpu/avx512/front_end.c \
	kernels/cpu/avx512/lanes.c \
	kernels/cpu/avx512/words.c
libkernels_avx512vnni_la_CPPFLAGS = $(AM_CPPFLAGS) -Dsp_lanes__avx512=sp_lanes__avx512vnni \
	-Dsp_words__avx512=sp_words__avx512vnni
libkernels_avx512vnni_la_CFLAGS = $(OUR_CFLAGS) -mavx512f -mavx512bw -mavx512vl -mavx512vnni
libkernels_la_LIBADD += libkernels_avx512vnni.la
endif

if AARCH64
libkernels_la_SOURCES += \
	kernels/cpu/neon/conv_dense.c \
	kernels/cpu/neon/front_end.c \
	kernels/cpu/neon/lanes.c

# The same source with the instructions of the dot product.
noinst_LTLIBRARIES += libkernels_dotprod.la
libkernels_dotprod_la_SOURCES = kernels/cpu/neon/lanes.c
libkernels_dotprod_la_CFLAGS = $(OUR_CFLAGS) -march=armv8.2-a+dotprod -Dsp_lanes__neon=sp_lanes__dotprod
libkernels_la_LIBADD += libkernels_dotprod.la
endif
