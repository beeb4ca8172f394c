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
