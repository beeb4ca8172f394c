# daemon: the rooms of operation, one file each. Included after daemon/local.mk.
# SPDX-License-Identifier: Apache-2.0
libsparrowd_la_SOURCES += \
	daemon/text.c daemon/text.h \
	daemon/status.c daemon/status.h \
	daemon/log.c daemon/log.h \
	daemon/config.c daemon/config_print.c daemon/config.h daemon/config.def \
	daemon/metrics.c daemon/metrics.h daemon/metrics.def \
	daemon/process.c daemon/process.h \
	daemon/energy.c daemon/energy.h daemon/energy_sensor.c daemon/energy_sensor.h \
	daemon/notify.c daemon/notify.h \
	daemon/lifecycle.c daemon/lifecycle.h

ops_tests = tests/unit/daemon/test_text tests/unit/daemon/test_status tests/unit/daemon/test_log \
	tests/unit/daemon/test_config tests/unit/daemon/test_metrics tests/unit/daemon/test_energy \
	tests/unit/daemon/test_lifecycle tests/unit/daemon/test_reload
check_PROGRAMS += $(ops_tests)
TESTS += $(ops_tests)
tests_unit_daemon_test_text_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_text_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_status_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_status_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_log_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_log_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_config_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_config_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_metrics_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_metrics_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_energy_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_energy_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_reload_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_reload_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_daemon_test_lifecycle_CFLAGS = $(DAEMON_CFLAGS) $(CHECK_CFLAGS)
tests_unit_daemon_test_lifecycle_LDADD = $(DAEMON_TEST_LIBS)

# The configuration's fuzz target over its corpus (the first seed is the example with every key switched on).
check_PROGRAMS += tests/fuzz/fuzz_config
TESTS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_config_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"config"'
tests_fuzz_fuzz_config_CFLAGS = $(DAEMON_CFLAGS)
tests_fuzz_fuzz_config_LDADD = $(DAEMON_TEST_LIBS)

dist_check_SCRIPTS += tests/daemon/test_operation.py tests/daemon/test_energy.py tests/daemon/test_haproxy.py
TESTS += tests/daemon/test_operation.py tests/daemon/test_energy.py tests/daemon/test_haproxy.py
