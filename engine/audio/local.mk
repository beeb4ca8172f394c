# engine/audio: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0

libsparrow_internal_la_SOURCES += \
	engine/audio/audio.c engine/audio/audio.h \
	engine/audio/decode.c \
	engine/audio/format.c engine/audio/format.h \
	engine/audio/media.c engine/audio/media.h \
	engine/audio/mpeg.c engine/audio/mpeg.h \
	engine/audio/ogg.c engine/audio/ogg.h \
	engine/audio/opus.c engine/audio/opus.h \
	engine/audio/pcm.c engine/audio/pcm.h \
	engine/audio/raw.c engine/audio/raw.h \
	engine/audio/resample.c engine/audio/resample.h \
	engine/audio/sndfile.c engine/audio/sndfile.h \
	engine/audio/sniff.c engine/audio/sniff.h \
	engine/audio/vorbis.c engine/audio/vorbis.h \
	engine/audio/wav.c engine/audio/wav.h
libsparrow_internal_la_CFLAGS += $(MPG123_CFLAGS) $(VORBIS_CFLAGS) $(OPUS_CFLAGS)
libsparrow_internal_la_LIBADD += $(MPG123_LIBS) $(VORBIS_LIBS) $(OPUS_LIBS)

# The sample clips that ship; tests read them in the source tree, users in $(pkgdatadir)/samples.
samplesdir = $(pkgdatadir)/samples
dist_samples_DATA = tests/data/samples/NOTICE.md \
	tests/data/samples/yes.wav tests/data/samples/no.wav \
	tests/data/samples/up.wav tests/data/samples/down.wav \
	tests/data/samples/left.wav tests/data/samples/right.wav \
	tests/data/samples/on.wav tests/data/samples/off.wav \
	tests/data/samples/stop.wav tests/data/samples/go.wav \
	tests/data/samples/silence.wav tests/data/samples/house.wav

dist_noinst_DATA += tests/data/audio/NOTICE.md tests/data/audio/make.sh \
	tests/data/audio/yes.flac tests/data/audio/yes.ogg tests/data/audio/yes.opus \
	tests/data/audio/yes.mp3 tests/data/audio/yes-44k-stereo-id3.mp3 \
	tests/data/audio/extensible-24.wav tests/data/audio/pipe.wav \
	tests/data/audio/rf64.wav tests/data/audio/rifx.wav

check_LTLIBRARIES += libtest_audio.la
libtest_audio_la_SOURCES = tests/unit/audio/clip.c tests/unit/audio/clip.h tests/unit/audio/run.h
libtest_audio_la_CFLAGS = $(OUR_CFLAGS) $(CHECK_CFLAGS) $(SNDFILE_CFLAGS)
libtest_audio_la_LIBADD = libsparrow_internal.la $(CHECK_LIBS) $(SNDFILE_LIBS) -lm

check_PROGRAMS += tests/unit/audio/test_pcm
TESTS += tests/unit/audio/test_pcm
tests_unit_audio_test_pcm_SOURCES = tests/unit/audio/test_pcm.c
tests_unit_audio_test_pcm_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_pcm_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_media
TESTS += tests/unit/audio/test_media
tests_unit_audio_test_media_SOURCES = tests/unit/audio/test_media.c
tests_unit_audio_test_media_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_media_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_sniff
TESTS += tests/unit/audio/test_sniff
tests_unit_audio_test_sniff_SOURCES = tests/unit/audio/test_sniff.c
tests_unit_audio_test_sniff_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_sniff_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_wav
TESTS += tests/unit/audio/test_wav
tests_unit_audio_test_wav_SOURCES = tests/unit/audio/test_wav.c
tests_unit_audio_test_wav_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_wav_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_raw
TESTS += tests/unit/audio/test_raw
tests_unit_audio_test_raw_SOURCES = tests/unit/audio/test_raw.c
tests_unit_audio_test_raw_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_raw_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_resample
TESTS += tests/unit/audio/test_resample
tests_unit_audio_test_resample_SOURCES = tests/unit/audio/test_resample.c
tests_unit_audio_test_resample_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_resample_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_decode
TESTS += tests/unit/audio/test_decode
tests_unit_audio_test_decode_SOURCES = tests/unit/audio/test_decode.c
tests_unit_audio_test_decode_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_decode_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_hostile
TESTS += tests/unit/audio/test_hostile
tests_unit_audio_test_hostile_SOURCES = tests/unit/audio/test_hostile.c
tests_unit_audio_test_hostile_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_hostile_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_memory
TESTS += tests/unit/audio/test_memory
tests_unit_audio_test_memory_SOURCES = tests/unit/audio/test_memory.c
tests_unit_audio_test_memory_CFLAGS = $(libtest_audio_la_CFLAGS)
tests_unit_audio_test_memory_LDADD = libtest_audio.la
tests_unit_audio_test_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

check_PROGRAMS += tests/unit/audio/test_vorbis
TESTS += tests/unit/audio/test_vorbis
tests_unit_audio_test_vorbis_SOURCES = tests/unit/audio/test_vorbis.c
tests_unit_audio_test_vorbis_CFLAGS = $(libtest_audio_la_CFLAGS) $(VORBIS_CFLAGS)
tests_unit_audio_test_vorbis_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_opus
TESTS += tests/unit/audio/test_opus
tests_unit_audio_test_opus_SOURCES = tests/unit/audio/test_opus.c
tests_unit_audio_test_opus_CFLAGS = $(libtest_audio_la_CFLAGS) $(VORBIS_CFLAGS) $(OPUS_CFLAGS)
tests_unit_audio_test_opus_LDADD = libtest_audio.la

check_PROGRAMS += tests/unit/audio/test_threads
TESTS += tests/unit/audio/test_threads
tests_unit_audio_test_threads_SOURCES = tests/unit/audio/test_threads.c
tests_unit_audio_test_threads_CFLAGS = $(libtest_audio_la_CFLAGS) -pthread
tests_unit_audio_test_threads_LDADD = libtest_audio.la -lpthread

# Fuzz targets with the main that replays their corpora, as each test run does. With Clang the same two sources make a
# campaign: clang -fsanitize=fuzzer,address TARGET.c and the engine's sources (engine/audio/README.md has the line).
# Another target adds its own file and, in its CPPFLAGS, -DFUZZ_CORPUS='"name"' for tests/fuzz/corpus/name.
check_PROGRAMS += tests/fuzz/fuzz_wav tests/fuzz/fuzz_audio
TESTS += tests/fuzz/fuzz_wav tests/fuzz/fuzz_audio
tests_fuzz_fuzz_wav_SOURCES = tests/fuzz/fuzz_wav.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_wav_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"wav"'
tests_fuzz_fuzz_wav_LDADD = libsparrow_internal.la
tests_fuzz_fuzz_audio_SOURCES = tests/fuzz/fuzz_audio.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_audio_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"audio"'
tests_fuzz_fuzz_audio_CFLAGS = $(OUR_CFLAGS) $(VORBIS_CFLAGS)
tests_fuzz_fuzz_audio_LDADD = libsparrow_internal.la $(VORBIS_LIBS)
EXTRA_DIST += tests/fuzz/corpus
EXTRA_DIST += engine/audio/README.md
