# daemon/api: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
libsparrowd_la_SOURCES += \
	daemon/api/about.c \
	daemon/api/api.c daemon/api/api.h daemon/api/call.h \
	daemon/api/arena.c daemon/api/arena.h \
	daemon/api/connect.c daemon/api/connect.h daemon/api/connect_in.c daemon/api/connect_out.c \
	daemon/api/exchange.c daemon/api/exchange.h \
	daemon/api/identity.c daemon/api/identity.h \
	daemon/api/put.c daemon/api/put.h \
	daemon/api/media.c daemon/api/media.h \
	daemon/api/multipart.c daemon/api/multipart.h \
	daemon/api/pages.c daemon/api/pages.h \
	daemon/api/params.c daemon/api/params.h \
	daemon/api/problem.c daemon/api/problem.h \
	daemon/api/recognize.c \
	daemon/api/results.c daemon/api/results.h daemon/api/watson.c \
	daemon/api/routes.c daemon/api/routes.h \
	daemon/api/state.c \
	daemon/api/utf8.c daemon/api/utf8.h
nodist_libsparrowd_la_SOURCES = daemon/api/pages_openapi.c daemon/api/pages_index.c

daemon/api/pages_openapi.c: docs/openapi.json daemon/api/embed
	$(AM_V_GEN)$(MKDIR_P) daemon/api && sh $(srcdir)/daemon/api/embed pages_openapi $(srcdir)/docs/openapi.json >$@.part && mv $@.part $@
daemon/api/pages_index.c: daemon/api/index.html daemon/api/embed
	$(AM_V_GEN)$(MKDIR_P) daemon/api && sh $(srcdir)/daemon/api/embed pages_index $(srcdir)/daemon/api/index.html >$@.part && mv $@.part $@
CLEANFILES += daemon/api/pages_openapi.c daemon/api/pages_index.c
EXTRA_DIST += daemon/api/README.md daemon/api/embed daemon/api/index.html
dist_doc_DATA += docs/http.md docs/openapi.json

API_TESTS = tests/unit/api/test_params tests/unit/api/test_media tests/unit/api/test_multipart tests/unit/api/test_identity \
	tests/unit/api/test_values tests/unit/api/test_connect tests/unit/api/test_recognize tests/unit/api/test_state \
	tests/unit/api/test_steady tests/unit/api/test_answers
check_PROGRAMS += $(API_TESTS)
TESTS += $(API_TESTS)
tests_unit_api_test_params_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_params_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_media_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_media_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_multipart_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_multipart_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_identity_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_identity_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_values_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_values_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_recognize_SOURCES = tests/unit/api/test_recognize.c tests/unit/api/house.c tests/unit/api/house.h
tests_unit_api_test_recognize_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_recognize_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_answers_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_answers_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_steady_SOURCES = tests/unit/api/test_steady.c tests/unit/api/house.c tests/unit/api/house.h
tests_unit_api_test_steady_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_steady_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_state_SOURCES = tests/unit/api/test_state.c tests/unit/api/house.c tests/unit/api/house.h
tests_unit_api_test_state_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_state_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_api_test_connect_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_api_test_connect_LDADD = $(DAEMON_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_api
TESTS += tests/fuzz/fuzz_api
tests_fuzz_fuzz_api_SOURCES = tests/fuzz/fuzz_api.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_api_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"api"'
tests_fuzz_fuzz_api_CFLAGS = $(DAEMON_CFLAGS)
tests_fuzz_fuzz_api_LDADD = $(DAEMON_LIBS)
EXTRA_DIST += tests/fuzz/corpus/api
