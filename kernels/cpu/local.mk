# kernels/cpu: one convenience library per instruction set, all of them inside libkernels.la
# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libkernels.la
libkernels_la_SOURCES = kernels/cpu/kernels.h \
	kernels/cpu/scalar/front_end.c
