# conf: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
exampledir = $(docdir)/examples
dist_example_DATA = conf/prometheus.yml conf/prometheus-rules.yml conf/grafana-dashboard.json conf/haproxy.cfg
EXTRA_DIST += conf/sparrowd.conf conf/README.md

# A configuration that is there already is the operator's and stays.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/sparrow'
	test -f '$(DESTDIR)$(sysconfdir)/sparrow/sparrowd.conf' || \
	  $(INSTALL_DATA) $(top_srcdir)/conf/sparrowd.conf '$(DESTDIR)$(sysconfdir)/sparrow/sparrowd.conf'
uninstall-local:
	if cmp -s $(top_srcdir)/conf/sparrowd.conf '$(DESTDIR)$(sysconfdir)/sparrow/sparrowd.conf'; then \
	  rm -f '$(DESTDIR)$(sysconfdir)/sparrow/sparrowd.conf'; fi
