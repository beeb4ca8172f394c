# daemon: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
# libsparrowd.la holds every object of the daemon but main.c, so that unit tests link what the daemon runs.
# Each room adds its files: libsparrowd_la_SOURCES += daemon/room/file.c daemon/room/file.h (here, or in a local.mk of its own).
# A unit test: check_PROGRAMS += tests/unit/ROOM/test_FILE, ..._SOURCES, ..._CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS),
# ..._LDADD = $(DAEMON_TEST_LIBS), and TESTS += tests/unit/ROOM/test_FILE.
DAEMON_CFLAGS = $(OUR_CFLAGS) $(UV_CFLAGS) $(MHD_CFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS) $(PROTOBUF_C_CFLAGS) \
	$(NETTLE_CFLAGS) -pthread
DAEMON_LIBS = libsparrowd.la libsparrow.la libproto_api.la $(UV_LIBS) $(MHD_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) \
	$(PROTOBUF_C_LIBS) $(NETTLE_LIBS) -lm -lpthread
DAEMON_TEST_LIBS = $(DAEMON_LIBS) $(CHECK_LIBS)

noinst_LTLIBRARIES += libsparrowd.la
libsparrowd_la_CFLAGS = $(DAEMON_CFLAGS)
libsparrowd_la_SOURCES = \
	daemon/loop/lane.c daemon/loop/lane.h \
	daemon/door/address.c daemon/door/address.h \
	daemon/door/listener.c daemon/door/listener.h \
	daemon/door/door.c daemon/door/door.h \
	daemon/lane_kit.c daemon/lane_kit.h \
	daemon/preflight.c daemon/preflight.h \
	daemon/ready.c daemon/ready.h \
	daemon/reload.c daemon/reload.h \
	daemon/serve.c daemon/serve.h

sbin_PROGRAMS += sparrowd
sparrowd_SOURCES = daemon/main.c
sparrowd_CFLAGS = $(DAEMON_CFLAGS)
sparrowd_LDADD = $(DAEMON_LIBS)

check_PROGRAMS += tests/unit/loop/test_lane
TESTS += tests/unit/loop/test_lane
tests_unit_loop_test_lane_SOURCES = tests/unit/loop/test_lane.c
tests_unit_loop_test_lane_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_loop_test_lane_LDADD = $(DAEMON_TEST_LIBS)

check_PROGRAMS += tests/unit/door/test_door
TESTS += tests/unit/door/test_door
tests_unit_door_test_door_SOURCES = tests/unit/door/test_door.c
tests_unit_door_test_door_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_door_test_door_LDADD = $(DAEMON_TEST_LIBS)

EXTRA_DIST += daemon/loop/README.md daemon/door/README.md tests/daemon/harness.py

# Black box: each file is one entry of TESTS.
DAEMON_TESTS = tests/daemon/test_framing.py tests/daemon/test_connections.py tests/daemon/test_drain.py \
	tests/daemon/test_reload.py tests/daemon/test_requests.py tests/daemon/test_stall.py tests/daemon/test_words.py
dist_check_SCRIPTS += $(DAEMON_TESTS)
TESTS += $(DAEMON_TESTS)
