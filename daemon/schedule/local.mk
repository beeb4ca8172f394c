# daemon/schedule, daemon/decode, daemon/backend, daemon/request.c, daemon/models.c: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
libsparrowd_la_CFLAGS += -DMODEL_FOLDER='"$(pkgdatamodeldir)"'
libsparrowd_la_SOURCES += \
	daemon/models.c daemon/models.h daemon/scratches.c daemon/scratches.h \
	daemon/request.c daemon/request.h daemon/request_private.h \
	daemon/decode/intake.c daemon/decode/intake.h daemon/decode/clips.c daemon/decode/clips.h \
	daemon/decode/pool.c daemon/decode/pool.h \
	daemon/schedule/schedule.c daemon/schedule/schedule.h daemon/schedule/schedule_private.h \
	daemon/schedule/admission.c daemon/schedule/backlog.c daemon/schedule/pace.c daemon/schedule/gather.c daemon/schedule/deadlines.c \
	daemon/schedule/dispatch.c \
	daemon/schedule/replicas.c daemon/schedule/replicas.h daemon/schedule/replicas_private.h \
	daemon/schedule/replica.c daemon/schedule/replica.h daemon/schedule/worker.c daemon/schedule/worker.h \
	daemon/schedule/fault.c daemon/schedule/fault.h \
	daemon/backend/cpu.c daemon/backend/cpu.h
EXTRA_DIST += daemon/schedule/README.md daemon/decode/README.md daemon/backend/README.md

SCHEDULE_FIXTURE = tests/unit/schedule/fixture.c tests/unit/schedule/fixture.h
check_PROGRAMS += tests/unit/schedule/test_schedule tests/unit/schedule/test_gather tests/unit/schedule/test_pace
TESTS += tests/unit/schedule/test_schedule tests/unit/schedule/test_gather tests/unit/schedule/test_pace
tests_unit_schedule_test_pace_SOURCES = tests/unit/schedule/test_pace.c $(SCHEDULE_FIXTURE)
tests_unit_schedule_test_pace_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_schedule_test_pace_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_schedule_test_gather_SOURCES = tests/unit/schedule/test_gather.c $(SCHEDULE_FIXTURE)
tests_unit_schedule_test_gather_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_schedule_test_gather_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_schedule_test_schedule_SOURCES = tests/unit/schedule/test_schedule.c $(SCHEDULE_FIXTURE)
tests_unit_schedule_test_schedule_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_schedule_test_schedule_LDADD = $(DAEMON_TEST_LIBS)

check_PROGRAMS += tests/unit/decode/test_intake tests/unit/models/test_models tests/unit/schedule/test_allocations
TESTS += tests/unit/decode/test_intake tests/unit/models/test_models tests/unit/schedule/test_allocations
tests_unit_decode_test_intake_SOURCES = tests/unit/decode/test_intake.c $(SCHEDULE_FIXTURE)
tests_unit_decode_test_intake_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_decode_test_intake_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_models_test_models_SOURCES = tests/unit/models/test_models.c
tests_unit_models_test_models_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_models_test_models_LDADD = $(DAEMON_TEST_LIBS)
# The engine is linked statically here, so that its allocations are counted too.
tests_unit_schedule_test_allocations_SOURCES = tests/unit/schedule/test_allocations.c $(SCHEDULE_FIXTURE)
tests_unit_schedule_test_allocations_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_schedule_test_allocations_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray
tests_unit_schedule_test_allocations_LDADD = libsparrowd.la libsparrow_internal.la libproto_api.la $(UV_LIBS) $(MHD_LIBS) \
	$(INIH_LIBS) $(JANSSON_LIBS) $(PROTOBUF_C_LIBS) $(NETTLE_LIBS) $(SYSTEMD_LIBS) $(CHECK_LIBS) -lm -lpthread

SCHEDULE_DAEMON_TESTS = tests/daemon/test_batches.py tests/daemon/test_faults.py tests/daemon/test_overload.py
dist_check_SCRIPTS += $(SCHEDULE_DAEMON_TESTS)
TESTS += $(SCHEDULE_DAEMON_TESTS)
EXTRA_DIST += tests/daemon/load.py
