# kernels/cpu: one convenience library per instruction set, all of them inside libkernels.la
# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += kernels/cpu/README.md
noinst_LTLIBRARIES += libkernels.la
libkernels_la_SOURCES = kernels/cpu/kernels.h \
	kernels/cpu/dispatch.c \
	kernels/cpu/lanes.c kernels/cpu/lanes.h \
	kernels/cpu/scalar/conv.c \
	kernels/cpu/scalar/front_end.c \
	kernels/cpu/scalar/pool.c \
	kernels/cpu/scalar/winners.c
