# docs: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
# docs/{configuration,metrics,errors}.md and conf/sparrowd.conf are printed from the daemon's tables and kept in git, so that they can
# be read without building; a test compares them. `make update-docs` writes them again.
noinst_PROGRAMS += docs/tables
docs_tables_SOURCES = docs/tables.c
docs_tables_CFLAGS = $(DAEMON_CFLAGS)
docs_tables_LDADD = libsparrowd.la $(INIH_LIBS)

dist_doc_DATA += docs/operation.md docs/configuration.md docs/metrics.md docs/errors.md
EXTRA_DIST += docs/README.md \
	docs/man/sparrowd.8.in docs/man/sparrowd.conf.5.in
nodist_man_MANS += docs/man/sparrowd.8 docs/man/sparrowd.conf.5
CLEANFILES += docs/man/sparrowd.8 docs/man/sparrowd.conf.5 docs/man/keys.tmp

sed_paths = sed -e 's|@VERSION[@]|$(PACKAGE_VERSION)|g' -e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@pkgdatadir[@]|$(pkgdatadir)|g'

docs/man/sparrowd.8: $(top_srcdir)/docs/man/sparrowd.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) docs/man && $(sed_paths) $(top_srcdir)/docs/man/sparrowd.8.in >$@.tmp && mv $@.tmp $@
docs/man/sparrowd.conf.5: $(top_srcdir)/docs/man/sparrowd.conf.5.in docs/tables$(EXEEXT) Makefile
	$(AM_V_GEN)$(MKDIR_P) docs/man && docs/tables$(EXEEXT) man >docs/man/keys.tmp && \
	$(sed_paths) -e '/^@KEYS[@]$$/{r docs/man/keys.tmp' -e 'd' -e '}' $(top_srcdir)/docs/man/sparrowd.conf.5.in >$@.tmp && \
	mv $@.tmp $@

.PHONY: update-docs
update-docs: docs/tables$(EXEEXT)
	docs/tables$(EXEEXT) example >$(top_srcdir)/conf/sparrowd.conf
	for t in configuration metrics errors; do docs/tables$(EXEEXT) $$t >$(top_srcdir)/docs/$$t.md || exit 1; done

# Man pages, tables against texts, rules against metrics, units: each test says what it skips and why.
dist_check_SCRIPTS += tests/daemon/test_docs.sh tests/daemon/test_rules.sh tests/daemon/test_units.sh
TESTS += tests/daemon/test_docs.sh tests/daemon/test_rules.sh tests/daemon/test_units.sh
EXTRA_DIST += tests/daemon/prometheus-rules.test.yml

# The folders' own pages travel with the tarball.
EXTRA_DIST += proto/README.md tests/README.md daemon/README.md
