# proto: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
# Generated C is a build product: $(builddir)/proto/*.pb-c.[ch], included as "proto/model.pb-c.h".
# The generated files are compiled without our warnings (libproto*.la).
EXTRA_DIST += proto/model.proto proto/sparrow/v1/recognizer.proto

proto/model.pb-c.c proto/model.pb-c.h &: proto/model.proto
	$(AM_V_GEN)$(MKDIR_P) proto && $(PROTOC_C) -I$(top_srcdir)/proto --c_out=proto model.proto
proto/sparrow/v1/recognizer.pb-c.c proto/sparrow/v1/recognizer.pb-c.h &: proto/sparrow/v1/recognizer.proto
	$(AM_V_GEN)$(MKDIR_P) proto && $(PROTOC_C) -I$(top_srcdir)/proto --c_out=proto sparrow/v1/recognizer.proto

BUILT_SOURCES += proto/model.pb-c.h
CLEANFILES += proto/model.pb-c.c proto/model.pb-c.h proto/sparrow/v1/recognizer.pb-c.c proto/sparrow/v1/recognizer.pb-c.h

noinst_LTLIBRARIES += libproto_model.la
nodist_libproto_model_la_SOURCES = proto/model.pb-c.c proto/model.pb-c.h
libproto_model_la_SOURCES =
libproto_model_la_CFLAGS = -fvisibility=hidden $(PROTOBUF_C_CFLAGS) $(SANITIZE_CFLAGS)

if !CORE_ONLY
BUILT_SOURCES += proto/sparrow/v1/recognizer.pb-c.h
noinst_LTLIBRARIES += libproto_api.la
nodist_libproto_api_la_SOURCES = proto/sparrow/v1/recognizer.pb-c.c proto/sparrow/v1/recognizer.pb-c.h
libproto_api_la_SOURCES =
libproto_api_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/proto
libproto_api_la_CFLAGS = $(PROTOBUF_C_CFLAGS) $(SANITIZE_CFLAGS)
endif
