# systemd: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
systemdsystemunit_DATA = systemd/sparrowd.service systemd/sparrowd.socket
sysusers_DATA = systemd/sparrow.conf
EXTRA_DIST += systemd/sparrowd.service.in systemd/sparrowd.socket systemd/sparrow.conf systemd/README.md
CLEANFILES += systemd/sparrowd.service

systemd/sparrowd.service: $(top_srcdir)/systemd/sparrowd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(sed_paths) $(top_srcdir)/systemd/sparrowd.service.in >$@.tmp && mv $@.tmp $@
