# clients: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += sparrow
noinst_LTLIBRARIES += libsparrow_client.la

# All of the program but main.c, so that the unit tests link the same objects.
libsparrow_client_la_SOURCES = \
	clients/sparrow/bench.c \
	clients/sparrow/bytes.c clients/sparrow/bytes.h \
	clients/sparrow/clip.c clients/sparrow/clip.h \
	clients/sparrow/clock.c clients/sparrow/clock.h \
	clients/sparrow/commands.h \
	clients/sparrow/completion.c clients/sparrow/completion.h \
	clients/sparrow/eval.c \
	clients/sparrow/features.c \
	clients/sparrow/histogram.c clients/sparrow/histogram.h \
	clients/sparrow/http.c clients/sparrow/http.h \
	clients/sparrow/info.c \
	clients/sparrow/interval.c clients/sparrow/interval.h \
	clients/sparrow/json.c clients/sparrow/json.h \
	clients/sparrow/load.c \
	clients/sparrow/local.c clients/sparrow/local.h \
	clients/sparrow/machine.c clients/sparrow/machine.h \
	clients/sparrow/man.c clients/sparrow/man.h \
	clients/sparrow/media.c clients/sparrow/media.h \
	clients/sparrow/model.c clients/sparrow/model.h \
	clients/sparrow/models.c \
	clients/sparrow/options.c clients/sparrow/options.h \
	clients/sparrow/progress.c clients/sparrow/progress.h \
	clients/sparrow/recognize.c \
	clients/sparrow/response.c clients/sparrow/response.h \
	clients/sparrow/say.c clients/sparrow/say.h \
	clients/sparrow/scores.c \
	clients/sparrow/show.c clients/sparrow/show.h \
	clients/sparrow/source.c clients/sparrow/source.h \
	clients/sparrow/table.c clients/sparrow/table.h \
	clients/sparrow/tally.c clients/sparrow/tally.h \
	clients/sparrow/tar.c clients/sparrow/tar.h \
	clients/sparrow/target.c clients/sparrow/target.h \
	clients/sparrow/traffic.c clients/sparrow/traffic.h \
	clients/sparrow/wav.c clients/sparrow/wav.h \
	clients/sparrow/worker.c clients/sparrow/worker.h
libsparrow_client_la_CPPFLAGS = $(AM_CPPFLAGS) -DPKGDATADIR='"$(pkgdatadir)"'
libsparrow_client_la_CFLAGS = $(OUR_CFLAGS) $(UV_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libsparrow_client_la_LIBADD = libsparrow.la $(UV_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) -lm

sparrow_SOURCES = clients/sparrow/main.c
sparrow_CFLAGS = $(OUR_CFLAGS)
sparrow_LDADD = libsparrow_client.la libsparrow.la

# The man page and the completion are printed by the program itself, from its option tables. Where it cannot run
# (a cross build) those of the tarball are used.
clients_generated = docs/man/sparrow.1 clients/sparrow/completion/sparrow
if !CROSS_COMPILING
docs/man/sparrow.1: sparrow$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs/man && ./sparrow$(EXEEXT) --man >$@.tmp && mv $@.tmp $@
clients/sparrow/completion/sparrow: sparrow$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) clients/sparrow/completion && ./sparrow$(EXEEXT) --completion >$@.tmp && mv $@.tmp $@
CLEANFILES += $(clients_generated)
endif
EXTRA_DIST += clients/README.md $(clients_generated)
nodist_man_MANS += docs/man/sparrow.1
nodist_bashcompletion_DATA = clients/sparrow/completion/sparrow

# ---- tests ----
client_tests = \
	tests/unit/clients/test_histogram \
	tests/unit/clients/test_interval \
	tests/unit/clients/test_options \
	tests/unit/clients/test_response \
	tests/unit/clients/test_table \
	tests/unit/clients/test_tar \
	tests/unit/clients/test_target
check_PROGRAMS += $(client_tests)
TESTS += $(client_tests)

# The program itself, as its users meet it. They run sparrow of the build folder, so it has to be there.
dist_check_SCRIPTS += tests/client/test_sparrow.py tests/client/test_server.py
TESTS += tests/client/test_sparrow.py tests/client/test_server.py
client_test_ldadd = libsparrow_client.la libsparrow.la $(CHECK_LIBS)
client_test_cflags = $(OUR_CFLAGS) $(CHECK_CFLAGS)
tests_unit_clients_test_histogram_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_histogram_LDADD = $(client_test_ldadd)
tests_unit_clients_test_interval_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_interval_LDADD = $(client_test_ldadd)
tests_unit_clients_test_options_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_options_LDADD = $(client_test_ldadd)
tests_unit_clients_test_response_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_response_LDADD = $(client_test_ldadd)
tests_unit_clients_test_table_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_table_LDADD = $(client_test_ldadd)
tests_unit_clients_test_tar_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_tar_LDADD = $(client_test_ldadd)
tests_unit_clients_test_target_CFLAGS = $(client_test_cflags)
tests_unit_clients_test_target_LDADD = $(client_test_ldadd)

check_PROGRAMS += tests/fuzz/fuzz_response tests/fuzz/fuzz_tar
TESTS += tests/fuzz/fuzz_response tests/fuzz/fuzz_tar
tests_fuzz_fuzz_response_SOURCES = tests/fuzz/fuzz_response.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_response_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"response"'
tests_fuzz_fuzz_response_LDADD = libsparrow_client.la
tests_fuzz_fuzz_tar_SOURCES = tests/fuzz/fuzz_tar.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_tar_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tar"'
tests_fuzz_fuzz_tar_LDADD = libsparrow_client.la
