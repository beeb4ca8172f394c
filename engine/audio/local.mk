# engine/audio: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0

libsparrow_internal_la_SOURCES += \
	engine/audio/audio.c engine/audio/audio.h \
	engine/audio/decode.c \
	engine/audio/format.c engine/audio/format.h \
	engine/audio/media.c engine/audio/media.h \
	engine/audio/mpeg.c engine/audio/mpeg.h \
	engine/audio/pcm.c engine/audio/pcm.h \
	engine/audio/raw.c engine/audio/raw.h \
	engine/audio/resample.c engine/audio/resample.h \
	engine/audio/sndfile.c engine/audio/sndfile.h \
	engine/audio/sniff.c engine/audio/sniff.h \
	engine/audio/wav.c engine/audio/wav.h
libsparrow_internal_la_CFLAGS += $(MPG123_CFLAGS)
libsparrow_internal_la_LIBADD += $(MPG123_LIBS)

# The sample clips that ship; tests read them in the source tree, users in $(pkgdatadir)/samples.
samplesdir = $(pkgdatadir)/samples
dist_samples_DATA = tests/data/samples/NOTICE.md \
	tests/data/samples/yes.wav tests/data/samples/no.wav \
	tests/data/samples/up.wav tests/data/samples/down.wav \
	tests/data/samples/left.wav tests/data/samples/right.wav \
	tests/data/samples/on.wav tests/data/samples/off.wav \
	tests/data/samples/stop.wav tests/data/samples/go.wav \
	tests/data/samples/silence.wav tests/data/samples/house.wav

# The main that replays a fuzz corpus in each test run. A target adds its own file and, in its CPPFLAGS,
# -DFUZZ_CORPUS='"name"' for tests/fuzz/corpus/name.
EXTRA_DIST += tests/fuzz/replay.c tests/fuzz/fuzz.h
