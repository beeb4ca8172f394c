# daemon/http1: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
libsparrowd_la_SOURCES += \
	daemon/http1/wheel.c daemon/http1/wheel.h \
	daemon/http1/framing.c daemon/http1/framing.h \
	daemon/http1/arrival.c daemon/http1/arrival.h daemon/http1/connections.c daemon/http1/connections.h \
	daemon/http1/handler.c daemon/http1/handler.h \
	daemon/http1/http1.c daemon/http1/http1.h

check_PROGRAMS += tests/unit/http1/test_framing tests/unit/http1/test_wheel tests/unit/http1/test_http1
TESTS += tests/unit/http1/test_framing tests/unit/http1/test_wheel tests/unit/http1/test_http1
tests_unit_http1_test_framing_SOURCES = tests/unit/http1/test_framing.c
tests_unit_http1_test_framing_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_http1_test_framing_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_http1_test_wheel_SOURCES = tests/unit/http1/test_wheel.c
tests_unit_http1_test_wheel_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_http1_test_wheel_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_http1_test_http1_SOURCES = tests/unit/http1/test_http1.c
tests_unit_http1_test_http1_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_http1_test_http1_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
tests_unit_http1_test_http1_LDADD = $(DAEMON_TEST_LIBS)
EXTRA_DIST += daemon/http1/README.md

check_PROGRAMS += tests/fuzz/fuzz_framing
TESTS += tests/fuzz/fuzz_framing
tests_fuzz_fuzz_framing_SOURCES = tests/fuzz/fuzz_framing.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_framing_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"framing"'
tests_fuzz_fuzz_framing_CFLAGS = $(DAEMON_CFLAGS)
tests_fuzz_fuzz_framing_LDADD = $(DAEMON_TEST_LIBS)
EXTRA_DIST += tests/fuzz/corpus/framing
