# tests/portability: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/portability/stray
PORTABILITY_TESTS = tests/portability/test_old_cpu.sh
dist_check_SCRIPTS += $(PORTABILITY_TESTS)
dist_noinst_SCRIPTS += tests/portability/sysroot
TESTS += $(PORTABILITY_TESTS)
EXTRA_DIST += tests/portability/README.md

# The kernels of AVX-512 and AVX-VNNI with emulated intrinsics, in the tests of the real ones: on any machine. (Not with sanitizers: they have enough to
# do with the real ones, and together they are too slow.)
if !SANITIZE
check_LTLIBRARIES += libemulated.la libemulated_avx512vnni.la libemulated_vnni.la
libemulated_la_SOURCES = tests/support/emulated/immintrin.h \
	kernels/cpu/avx512/conv_dense.c \
	kernels/cpu/avx512/energies.c \
	kernels/cpu/avx512/front_end.c \
	kernels/cpu/avx512/lanes.c \
	kernels/cpu/avx512/words.c
libemulated_la_CPPFLAGS = -I$(top_srcdir)/tests/support/emulated $(AM_CPPFLAGS) -D__AVX512VBMI__ \
	-Dsp_conv_dense__avx512=sp_conv_dense__emulated -Dsp_energies__avx512=sp_energies__emulated -Dsp_front_end__avx512=sp_front_end__emulated -Dsp_lanes__avx512=sp_lanes__emulated -Dsp_words__avx512=sp_words__emulated \
	-Dsp_lanes_quads__avx2=sp_lanes_quads__emulated
libemulated_la_CFLAGS = $(OUR_CFLAGS) -Wno-psabi
libemulated_avx512vnni_la_SOURCES = tests/support/emulated/immintrin.h \
	kernels/cpu/avx512/lanes.c \
	kernels/cpu/avx512/words.c
libemulated_avx512vnni_la_CPPFLAGS = -I$(top_srcdir)/tests/support/emulated $(AM_CPPFLAGS) \
	-Dsp_lanes__avx512=sp_lanes__emulated_avx512vnni -Dsp_words__avx512=sp_words__emulated_avx512vnni \
	-Dsp_lanes_quads__avx2=sp_lanes_quads__emulated
libemulated_avx512vnni_la_CFLAGS = $(OUR_CFLAGS) -Wno-psabi
libemulated_vnni_la_SOURCES = tests/support/emulated/immintrin.h \
	kernels/cpu/avx2/dot.h \
	kernels/cpu/avx2/lanes.c \
	kernels/cpu/avx2/words.c
libemulated_vnni_la_CPPFLAGS = -I$(top_srcdir)/tests/support/emulated $(AM_CPPFLAGS) -D__AVXVNNI__ \
	-Dsp_lanes__avx2=sp_lanes__emulated_vnni -Dsp_words__avx2=sp_words__emulated_vnni \
	-Dsp_lanes_quads__avx2=sp_lanes_quads__emulated_vnni
libemulated_vnni_la_CFLAGS = $(OUR_CFLAGS) -Wno-psabi
emulated_wrap = -Wl,--wrap=sp_kernels_select,--wrap=sp_kernels_set
emulated_libs = libemulated.la libemulated_avx512vnni.la libemulated_vnni.la $(engine_test_libs) -lm

EMULATED_TESTS = \
	tests/portability/emulated_front_end \
	tests/portability/emulated_kernels \
	tests/portability/emulated_lanes \
	tests/portability/emulated_run \
	tests/portability/emulated_words
check_PROGRAMS += $(EMULATED_TESTS)
TESTS += $(EMULATED_TESTS)
tests_portability_emulated_front_end_SOURCES = tests/unit/kernels/check_front_end.c tests/portability/emulated.c
tests_portability_emulated_front_end_CFLAGS = $(engine_test_cflags)
tests_portability_emulated_front_end_LDFLAGS = $(AM_LDFLAGS) $(emulated_wrap)
tests_portability_emulated_front_end_LDADD = $(emulated_libs)
tests_portability_emulated_kernels_SOURCES = tests/unit/kernels/check_kernels.c tests/portability/emulated.c
tests_portability_emulated_kernels_CFLAGS = $(engine_test_cflags)
tests_portability_emulated_kernels_LDFLAGS = $(AM_LDFLAGS) $(emulated_wrap)
tests_portability_emulated_kernels_LDADD = $(emulated_libs)
tests_portability_emulated_lanes_SOURCES = tests/unit/kernels/check_lanes.c tests/portability/emulated.c
tests_portability_emulated_lanes_CFLAGS = $(engine_test_cflags)
tests_portability_emulated_lanes_LDFLAGS = $(AM_LDFLAGS) $(emulated_wrap)
tests_portability_emulated_lanes_LDADD = $(emulated_libs)
tests_portability_emulated_run_SOURCES = tests/unit/network/test_run.c tests/portability/emulated.c
tests_portability_emulated_run_CFLAGS = $(engine_test_cflags)
tests_portability_emulated_run_LDFLAGS = $(AM_LDFLAGS) $(emulated_wrap)
tests_portability_emulated_run_LDADD = $(emulated_libs)
tests_portability_emulated_words_SOURCES = tests/unit/kernels/check_words.c tests/portability/emulated.c
tests_portability_emulated_words_CFLAGS = $(engine_test_cflags)
tests_portability_emulated_words_LDFLAGS = $(AM_LDFLAGS) $(emulated_wrap)
tests_portability_emulated_words_LDADD = $(emulated_libs)
endif
