/* test_decode.c - the public calls: real files of every kind, options, limits, and what is left
 * after a failure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparrow.h"

#include <math.h>
#include <sndfile.h>
#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

static struct sparrow_audio *new_audio(void)
{
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    return audio;
}

static int decode(struct sparrow_audio *audio, const struct clip *c, const char *media_type,
                  struct sparrow_error *err)
{
    struct sparrow_audio_options opt = {.size = sizeof(opt), .media_type = media_type};
    uint8_t *exact = clip_exact(c, c->n);
    int status = sparrow_audio_decode(audio, exact, c->n, &opt, err);
    free(exact);
    return status;
}

/* 300 ms of a tone, as a WAV. */
static void put_tone(struct clip *c, unsigned channels, uint32_t rate_hz)
{
    int16_t samples[4800];
    clip_tone(samples, 4800, 440, 16000, 9000);
    clip_wav16(c, channels, rate_hz, samples, 4800 / channels);
}

START_TEST(decode_samples_that_ship_are_bit_exact)
{
    static const char *const words[] = {"yes", "no",  "up",   "down", "left",    "right",
                                        "on",  "off", "stop", "go",   "silence", "house"};
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "tests/data/samples/%s.wav", words[i]);
        struct clip c = {.n = 0};
        clip_file(&c, path);
        ck_assert_int_eq(decode(audio, &c, i % 2 ? "audio/wav" : NULL, NULL), SPARROW_OK);
        ck_assert_str_eq(sparrow_audio_format(audio), "wav/pcm16");
        ck_assert_uint_eq(sparrow_audio_count(audio), 16000);
        ck_assert_mem_eq(sparrow_audio_samples(audio), c.bytes + c.n - 32000, 32000);
        clip_done(&c);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_files_of_other_programs_sound_as_they_should)
{
    static const struct {
        const char *name, *type, *format;
        unsigned rate_hz, channels;
        size_t first, count; /* of yes.wav */
        double alike;
    } cases[] = {
        {"yes.flac", "audio/flac", "flac/pcm16", 16000, 1, 0, 16000, 1.0},
        {"yes.ogg", "audio/ogg", "ogg/vorbis", 16000, 1, 0, 16000, 0.99},
        {"yes.opus", "audio/ogg;codecs=opus", "ogg/opus", 16000, 1, 0, 16000, 0.98},
        {"yes.mp3", "audio/mpeg", "mpeg", 16000, 1, 0, 16000, 0.98},
        {"yes-44k-stereo-id3.mp3", "audio/mp3", "mpeg", 44100, 2, 0, 16000, 0.99},
        {"extensible-24.wav", "audio/wav", "wav/pcm24", 16000, 1, 4000, 8000, 1.0},
        {"pipe.wav", "audio/wave", "wav/pcm16", 16000, 1, 4000, 8000, 1.0},
        {"rf64.wav", "audio/x-wav", "wav/pcm16", 16000, 1, 4000, 8000, 1.0},
        {"rifx.wav", "audio/vnd.wave", "wav/pcm16", 16000, 1, 4000, 8000, 1.0},
    };
    struct clip yes = {.n = 0};
    const int16_t *samples = clip_yes(&yes);
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *types[] = {cases[i].type, NULL, "application/octet-stream", "audio/wav"};
        char path[64];
        snprintf(path, sizeof(path), "tests/data/audio/%s", cases[i].name);
        struct clip c = {.n = 0};
        clip_file(&c, path);
        for (size_t t = 0; t < 4; t++) { /* whatever container type it says: the bytes decide */
            struct sparrow_error err = {.text = ""};
            int status = decode(audio, &c, types[t], &err);
            ck_assert_msg(status == SPARROW_OK, "%s: %s", cases[i].name, err.text);
            ck_assert_str_eq(sparrow_audio_format(audio), cases[i].format);
            ck_assert_uint_eq(sparrow_audio_rate_hz(audio), cases[i].rate_hz);
            ck_assert_uint_eq(sparrow_audio_channels(audio), cases[i].channels);
            ck_assert_uint_eq(sparrow_audio_count(audio), cases[i].count);
            const int16_t *out = sparrow_audio_samples(audio);
            double alike = clip_alike(out, samples + cases[i].first, cases[i].count);
            ck_assert_msg(alike >= cases[i].alike - 1e-9, "%s: %.5f", cases[i].name, alike);
            if (cases[i].alike == 1.0)
                ck_assert_mem_eq(out, samples + cases[i].first, 2 * cases[i].count);
        }
        clip_done(&c);
    }
    sparrow_audio_free(audio);
    clip_done(&yes);
}
END_TEST

/* ---- libsndfile as a writer, to have every container and coding at many rates ---- */

struct file {
    struct clip clip;
    sf_count_t at;
};

static sf_count_t file_length(void *arg)
{
    return (sf_count_t)((struct file *)arg)->clip.n;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *arg)
{
    struct file *f = arg;
    f->at = whence == SEEK_SET ? offset : offset + (whence == SEEK_CUR ? f->at : file_length(f));
    return f->at;
}

static sf_count_t file_read(void *out, sf_count_t n, void *arg)
{
    struct file *f = arg;
    if (n > file_length(f) - f->at)
        n = file_length(f) - f->at;
    memcpy(out, f->clip.bytes + f->at, (size_t)n);
    f->at += n;
    return n;
}

static sf_count_t file_write(const void *in, sf_count_t n, void *arg)
{
    struct file *f = arg;
    size_t at = (size_t)f->at, end = at + (size_t)n;
    while (f->clip.n < end)
        clip_put(&f->clip, "", 1);
    memcpy(f->clip.bytes + at, in, (size_t)n);
    f->at += n;
    return n;
}

static sf_count_t file_tell(void *arg)
{
    return ((struct file *)arg)->at;
}

/* `frames` of a 440 Hz tone in all channels. */
static struct clip write_tone(int format, int rate_hz, int channels, int frames)
{
    SF_VIRTUAL_IO io = {file_length, file_seek, file_read, file_write, file_tell};
    struct file f = {.at = 0};
    SF_INFO info = {.format = format, .samplerate = rate_hz, .channels = channels};
    SNDFILE *sf = sf_open_virtual(&io, SFM_WRITE, &info, &f);
    ck_assert_msg(sf != NULL, "0x%x at %d Hz, %d channels", format, rate_hz, channels);
    float *samples = calloc((size_t)frames * (size_t)channels, sizeof(*samples));
    ck_assert_ptr_nonnull(samples);
    for (int i = 0; i < frames * channels; i++)
        samples[i] = (float)(9000.0 / 32768 * sin(2 * M_PI * 440 * (i / channels) / rate_hz));
    ck_assert_int_eq(sf_writef_float(sf, samples, frames), frames);
    free(samples);
    sf_close(sf);
    return f.clip;
}

START_TEST(decode_every_container_and_coding_of_libsndfile_we_serve)
{
    static const struct {
        int format, rate_hz, channels;
        const char *name;
        double db;
    } cases[] = {
        {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 16000, 1, "wav/ima-adpcm", 25},
        {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 44100, 2, "wav/ima-adpcm", 25},
        {SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 22050, 1, "wav/ms-adpcm", 25},
        {SF_FORMAT_WAV | SF_FORMAT_GSM610, 8000, 1, "wav/gsm610", 8},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 48000, 2, "flac/pcm16", 60},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 16000, 8, "flac/pcm24", 60},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_S8, 16000, 1, "flac/pcm8", 30},
        {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, "ogg/vorbis", 15},
        {SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 2, "ogg/opus", 15},
        {SF_FORMAT_OGG | SF_FORMAT_OPUS, 24000, 1, "ogg/opus", 15},
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 16000, 1, "aiff/pcm16", 80},
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 44100, 2, "aiff/pcm24", 60},
        {SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 16000, 1, "aiff/float32", 80},
        {SF_FORMAT_AIFF | SF_FORMAT_ULAW, 8000, 1, "aiff/mulaw", 30},
        {SF_FORMAT_AU | SF_FORMAT_PCM_16, 16000, 2, "au/pcm16", 80},
        {SF_FORMAT_AU | SF_FORMAT_DOUBLE, 16000, 1, "au/float64", 80},
        {SF_FORMAT_AU | SF_FORMAT_ALAW | SF_ENDIAN_LITTLE, 8000, 1, "au/alaw", 30},
        {SF_FORMAT_CAF | SF_FORMAT_PCM_16, 96000, 1, "caf/pcm16", 60},
        {SF_FORMAT_CAF | SF_FORMAT_FLOAT, 16000, 1, "caf/float32", 80},
        {SF_FORMAT_CAF | SF_FORMAT_ALAC_16, 16000, 1, "caf/alac", 75},
        {SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 2, "mpeg", 15},
    };
    int16_t expected[16000];
    clip_tone(expected, 16000, 440, 16000, 9000);
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clip c =
            write_tone(cases[i].format, cases[i].rate_hz, cases[i].channels, cases[i].rate_hz / 2);
        struct sparrow_error err = {.text = ""};
        int status = decode(audio, &c, NULL, &err);
        ck_assert_msg(status == SPARROW_OK, "%s: %s", cases[i].name, err.text);
        ck_assert_str_eq(sparrow_audio_format(audio), cases[i].name);
        bool opus = strcmp(cases[i].name, "ogg/opus") == 0; /* it has no rate of its own */
        ck_assert_uint_eq(sparrow_audio_rate_hz(audio), opus ? 16000 : (unsigned)cases[i].rate_hz);
        ck_assert_uint_eq(sparrow_audio_channels(audio), (unsigned)cases[i].channels);
        size_t count = sparrow_audio_count(audio);
        ck_assert_msg(count >= 8000 && count < 9000, "%s: %zu samples", cases[i].name, count);
        double db = clip_snr_db(expected + 500, sparrow_audio_samples(audio) + 500, 7000);
        ck_assert_msg(db >= cases[i].db, "%s: %.1f dB", cases[i].name, db);
        clip_done(&c);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_containers_we_do_not_serve_never_reach_a_library)
{
    static const int formats[] = {
        SF_FORMAT_W64 | SF_FORMAT_PCM_16,  SF_FORMAT_PAF | SF_FORMAT_PCM_16,
        SF_FORMAT_SVX | SF_FORMAT_PCM_16,  SF_FORMAT_NIST | SF_FORMAT_PCM_16,
        SF_FORMAT_VOC | SF_FORMAT_PCM_16,  SF_FORMAT_IRCAM | SF_FORMAT_PCM_16,
        SF_FORMAT_MAT5 | SF_FORMAT_PCM_16, SF_FORMAT_HTK | SF_FORMAT_PCM_16,
        SF_FORMAT_AVR | SF_FORMAT_PCM_16,  SF_FORMAT_PVF | SF_FORMAT_PCM_16};
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct clip c = write_tone(formats[i], 16000, 1, 1000);
        ck_assert_int_eq(decode(audio, &c, NULL, NULL), SPARROW_UNSUPPORTED_MEDIA);
        clip_done(&c);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_foreign_or_unknown_bodies_say_what_was_found)
{
    static const struct {
        const char *bytes, *type, *why;
        size_t n;
        enum sparrow_status status;
    } cases[] = {
        {"\0\0\0\x20"
         "ftypM4A 0123456789",
         "audio/wav", "The body is MP4", 22, SPARROW_UNSUPPORTED_MEDIA},
        {"\x1a\x45\xdf\xa3 0123456789", NULL, "WebM", 15, SPARROW_UNSUPPORTED_MEDIA},
        {"hello, world", NULL, "no kind of audio", 12, SPARROW_UNSUPPORTED_MEDIA},
        {"hello, world", "application/octet-stream", "no kind of audio", 12,
         SPARROW_UNSUPPORTED_MEDIA},
        {"hello, world", "audio/flac", "does not begin like audio/flac", 12, SPARROW_BAD_AUDIO},
        {"", NULL, "empty", 0, SPARROW_BAD_AUDIO},
        {"", "audio/wav", "empty", 0, SPARROW_BAD_AUDIO},
        {"RIFF", "audio/wav", "does not begin", 4, SPARROW_BAD_AUDIO},
        {"fLaC", NULL, "FLAC stream is damaged", 4, SPARROW_BAD_AUDIO},
        {"OggS", NULL, "no whole packet", 4, SPARROW_BAD_AUDIO},
        {"caff\0\1\0\0", NULL, "CAF stream is damaged", 8, SPARROW_BAD_AUDIO},
        {"\xff\xfb\x90\x64", NULL, "no frame", 4, SPARROW_BAD_AUDIO},
        {"x", "text/plain", "text/plain is not handled", 1, SPARROW_UNSUPPORTED_MEDIA},
        {"x", "multipart/form-data;boundary=x", "is not handled", 1, SPARROW_UNSUPPORTED_MEDIA},
        {"x", "audio wav", "malformed", 1, SPARROW_UNSUPPORTED_MEDIA},
    };
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clip c = {(uint8_t *)cases[i].bytes, cases[i].n};
        struct sparrow_error err = {.text = ""};
        int status = decode(audio, &c, cases[i].type, &err);
        ck_assert_msg(status == (int)cases[i].status, "case %zu: %d: %s", i, status, err.text);
        ck_assert_int_eq(err.status, cases[i].status);
        ck_assert_msg(strstr(err.text, cases[i].why) != NULL, "case %zu: %s", i, err.text);
        ck_assert_ptr_null(strchr(err.text, '\n'));
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_rates_and_channels_out_of_range_are_bad_audio)
{
    static const struct {
        unsigned channels;
        uint32_t rate_hz;
        const char *why;
    } cases[] = {
        {0, 16000, "0 channels"},      {9, 16000, "9 channels"},     {300, 16000, "300 channels"},
        {1024, 16000, "1024 ch"},      {65535, 16000, "65535 ch"},   {1, 0, "0 Hz"},
        {1, 1, "rate is 1 Hz"},        {1, 3999, "3999 Hz"},         {1, 192001, "192001 Hz"},
        {1, 0x80000001, "2147483649"}, {1, 0xffffffff, "4294967295"}};
    int16_t samples[64] = {0};
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clip c = {.n = 0};
        clip_riff(&c);
        clip_fmt(&c, 1, cases[i].channels, cases[i].rate_hz, 16);
        clip_data(&c, sizeof(samples), samples, sizeof(samples));
        struct sparrow_error err = {.text = ""};
        ck_assert_int_eq(decode(audio, &c, NULL, &err), SPARROW_BAD_AUDIO);
        ck_assert_msg(strstr(err.text, cases[i].why) != NULL, "%s", err.text);
        ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, NULL, 10));
        clip_done(&c);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_every_truncation_of_a_small_file)
{
    struct sparrow_audio *audio = new_audio();
    for (unsigned k = 0; k < 3; k++) {
        struct clip whole = {.n = 0};
        int16_t samples[100];
        clip_tone(samples, 100, 440, 16000, 9000);
        clip_wav16(&whole, k == 2 ? 2 : 1, k == 1 ? 8000 : 16000, samples, k == 2 ? 50 : 100);
        for (size_t n = 0; n <= whole.n; n++) {
            struct clip cut = {whole.bytes, n};
            struct sparrow_error err = {.text = ""};
            int status = decode(audio, &cut, "audio/wav", &err);
            size_t frames = n < 44 ? 0 : (n - 44) / (k == 2 ? 4 : 2);
            ck_assert_msg(status == (frames > 0 ? SPARROW_OK : SPARROW_BAD_AUDIO),
                          "%zu bytes: %d: %s", n, status, err.text);
            ck_assert_uint_eq(sparrow_audio_count(audio), k == 1 ? 2 * frames : frames);
        }
        clip_done(&whole);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_a_clip_of_just_the_limit_passes_and_one_sample_more_does_not)
{
    struct sparrow_audio *audio = new_audio();
    static const uint32_t rates[] = {16000, 8000, 44100};
    int16_t *samples = calloc(88201 * 2, 2);
    ck_assert_ptr_nonnull(samples);
    for (size_t i = 0; i < 3; i++) {
        for (unsigned more = 0; more < 2; more++) {
            struct clip c = {.n = 0};
            clip_wav16(&c, 1, rates[i], samples, 2 * rates[i] + more);
            struct sparrow_audio_options opt = {.size = sizeof(opt), .max_seconds = 2};
            struct sparrow_error err = {.text = ""};
            int status = sparrow_audio_decode(audio, c.bytes, c.n, &opt, &err);
            ck_assert_int_eq(status, more ? SPARROW_TOO_LARGE : SPARROW_OK);
            ck_assert_uint_eq(sparrow_audio_count(audio), more ? 0 : 32000);
            if (more)
                ck_assert_str_eq(err.text, "The clip is longer than the 2 seconds allowed.");
            clip_done(&c);
        }
    }
    free(samples);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_without_options_allows_a_minute)
{
    struct sparrow_audio *audio = new_audio();
    struct clip c = {.n = 0};
    int16_t *samples = calloc(60 * 16000 + 1, 2);
    ck_assert_ptr_nonnull(samples);
    clip_wav16(&c, 1, 16000, samples, 60 * 16000);
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, NULL, NULL), SPARROW_OK);
    clip_done(&c);
    clip_wav16(&c, 1, 16000, samples, 60 * 16000 + 1);
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, NULL, NULL), SPARROW_TOO_LARGE);
    clip_done(&c);
    free(samples);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_bad_options_are_bad_arguments)
{
    struct sparrow_audio *audio = new_audio();
    struct clip c = {.n = 0};
    put_tone(&c, 1, 16000);
    static const double seconds[] = {-1, NAN, INFINITY, -INFINITY, 86401};
    for (size_t i = 0; i < 5; i++) {
        struct sparrow_audio_options opt = {.size = sizeof(opt), .max_seconds = seconds[i]};
        ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &opt, NULL),
                         SPARROW_BAD_ARGUMENT);
        ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, &opt, 10));
    }
    struct sparrow_audio_options unset = {.max_seconds = 1};
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &unset, NULL), SPARROW_BAD_ARGUMENT);
    /* an older caller's options end before max_seconds: what lies behind them is not read */
    struct sparrow_audio_options older = {.size =
                                              offsetof(struct sparrow_audio_options, max_seconds),
                                          .media_type = "audio/wav",
                                          .max_seconds = -1};
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &older, NULL), SPARROW_OK);
    clip_done(&c);
    sparrow_audio_free(audio);
}
END_TEST

struct counter {
    int calls, stop_at;
};

static int count(void *arg)
{
    struct counter *c = arg;
    return ++c->calls == c->stop_at;
}

START_TEST(decode_asks_between_slices_and_stops_at_once)
{
    static const int formats[] = {
        SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM,
        SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
        SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < 5; i++) {
        struct clip c = write_tone(formats[i], 16000, 1, 80000);
        struct counter never = {0, -1}, third = {0, 3};
        struct sparrow_audio_options opt = {
            .size = sizeof(opt), .interrupt = count, .interrupt_arg = &never};
        ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &opt, NULL), SPARROW_OK);
        ck_assert_int_ge(never.calls, i == 0 ? 5 : 20); /* PCM goes in larger slices */
        opt.interrupt_arg = &third;
        struct sparrow_error err = {.text = ""};
        ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &opt, &err), SPARROW_CANCELLED);
        ck_assert_int_eq(third.calls, 3);
        ck_assert_uint_eq(sparrow_audio_count(audio), 0);
        clip_done(&c);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_borrows_what_needs_no_work_and_copies_the_rest)
{
    struct sparrow_audio *audio = new_audio();
    struct sparrow_audio_options opt = {.size = sizeof(opt), .borrow = true};
    struct clip mono = {.n = 0}, stereo = {.n = 0}, slow = {.n = 0}, empty = {.n = 0};
    put_tone(&mono, 1, 16000);
    put_tone(&stereo, 2, 16000);
    put_tone(&slow, 1, 8000);
    clip_wav16(&empty, 1, 16000, NULL, 0);
    uint8_t *odd = malloc(mono.n + 1);
    ck_assert_ptr_nonnull(odd);
    memcpy(odd + 1, mono.bytes, mono.n);
    const uint8_t *first = mono.bytes + mono.n - 9600;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sparrow_audio_decode(audio, mono.bytes, mono.n, &opt, NULL), SPARROW_OK);
        ck_assert_ptr_eq((const uint8_t *)sparrow_audio_samples(audio), first);
        ck_assert_uint_eq(sparrow_audio_count(audio), 4800);
        ck_assert_str_eq(sparrow_audio_format(audio), "wav/pcm16");
        opt.max_seconds = 0.1;
        ck_assert_int_eq(sparrow_audio_decode(audio, mono.bytes, mono.n, &opt, NULL),
                         SPARROW_TOO_LARGE);
        ck_assert_uint_eq(sparrow_audio_count(audio), 0);
        opt.max_seconds = 0;
        ck_assert_int_eq(sparrow_audio_decode(audio, odd + 1, mono.n, &opt, NULL), SPARROW_OK);
        ck_assert_ptr_ne((const uint8_t *)sparrow_audio_samples(audio),
                         odd + 1 + (first - mono.bytes));
        ck_assert_mem_eq(sparrow_audio_samples(audio), first, 9600);
        ck_assert_int_eq(sparrow_audio_decode(audio, empty.bytes, empty.n, &opt, NULL),
                         SPARROW_BAD_AUDIO);
        ck_assert_uint_eq(sparrow_audio_count(audio), 0);
        ck_assert_int_eq(sparrow_audio_decode(audio, stereo.bytes, stereo.n, &opt, NULL),
                         SPARROW_OK);
        ck_assert_uint_eq(sparrow_audio_count(audio), 2400);
        ck_assert_int_eq(sparrow_audio_decode(audio, slow.bytes, slow.n, &opt, NULL), SPARROW_OK);
        ck_assert_uint_eq(sparrow_audio_count(audio), 9600);
        ck_assert_int_eq(decode(audio, &mono, NULL, NULL), SPARROW_OK);
        ck_assert_ptr_ne((const uint8_t *)sparrow_audio_samples(audio), first);
        ck_assert_mem_eq(sparrow_audio_samples(audio), first, 9600);
    }
    free(odd);
    clip_done(&mono);
    clip_done(&stereo);
    clip_done(&slow);
    clip_done(&empty);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_after_a_failure_the_object_is_empty_and_works)
{
    struct sparrow_audio *audio = new_audio();
    ck_assert_uint_eq(sparrow_audio_count(audio), 0);
    ck_assert_str_eq(sparrow_audio_format(audio), "");
    struct clip good = {.n = 0}, bad = {.n = 0};
    put_tone(&good, 1, 16000);
    clip_put(&bad, "RIFF....WAVE", 12);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(decode(audio, &good, NULL, NULL), SPARROW_OK);
        ck_assert_uint_eq(sparrow_audio_count(audio), 4800);
        ck_assert_int_eq(decode(audio, &bad, NULL, NULL), SPARROW_BAD_AUDIO);
        ck_assert_uint_eq(sparrow_audio_count(audio), 0);
        ck_assert_str_eq(sparrow_audio_format(audio), "");
        ck_assert_uint_eq(sparrow_audio_rate_hz(audio), 0);
        ck_assert_uint_eq(sparrow_audio_channels(audio), 0);
    }
    clip_done(&good);
    clip_done(&bad);
    sparrow_audio_free(audio);
    sparrow_audio_free(NULL);
}
END_TEST

START_TEST(is_cheap_only_for_a_copy)
{
    struct clip c = {.n = 0};
    put_tone(&c, 1, 16000);
    ck_assert(sparrow_audio_is_cheap(c.bytes, c.n, NULL, 0.3));
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, NULL, 0.2999));
    ck_assert(!sparrow_audio_is_cheap(c.bytes, 30, NULL, 1));
    ck_assert(!sparrow_audio_is_cheap(c.bytes, 0, NULL, 1));
    struct sparrow_audio_options opt = {.size = sizeof(opt), .media_type = "audio/l16;rate=16000"};
    ck_assert(sparrow_audio_is_cheap(c.bytes, c.n, &opt, 1));
    opt.media_type = "audio/l16;rate=8000";
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, &opt, 10));
    opt.media_type = "audio/l16;rate=16000;channels=2";
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, &opt, 10));
    opt.media_type = "audio/basic";
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, &opt, 10));
    opt.media_type = "audio/mulaw;rate=16000";
    ck_assert(sparrow_audio_is_cheap(c.bytes, c.n, &opt, 10));
    opt.media_type = "video/mp4";
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, &opt, 10));
    clip_done(&c);
    put_tone(&c, 2, 16000);
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, NULL, 10));
    clip_done(&c);
    put_tone(&c, 1, 48000);
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, NULL, 10));
    clip_done(&c);
    clip_file(&c, "tests/data/audio/yes.flac");
    ck_assert(!sparrow_audio_is_cheap(c.bytes, c.n, NULL, 10));
    clip_done(&c);
    clip_file(&c, "tests/data/samples/yes.wav");
    ck_assert(sparrow_audio_is_cheap(c.bytes, c.n, NULL, 1));
    memset(c.bytes + 40, 0xff, 4); /* a data size that lies: what is there counts */
    ck_assert(sparrow_audio_is_cheap(c.bytes, c.n, NULL, 1));
    clip_done(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        decode_samples_that_ship_are_bit_exact,
        decode_files_of_other_programs_sound_as_they_should,
        decode_every_container_and_coding_of_libsndfile_we_serve,
        decode_containers_we_do_not_serve_never_reach_a_library,
        decode_foreign_or_unknown_bodies_say_what_was_found,
        decode_rates_and_channels_out_of_range_are_bad_audio,
        decode_every_truncation_of_a_small_file,
        decode_a_clip_of_just_the_limit_passes_and_one_sample_more_does_not,
        decode_without_options_allows_a_minute,
        decode_bad_options_are_bad_arguments,
        decode_asks_between_slices_and_stops_at_once,
        decode_borrows_what_needs_no_work_and_copies_the_rest,
        decode_after_a_failure_the_object_is_empty_and_works,
        is_cheap_only_for_a_copy,
    };
    return RUN_TESTS("decode", tests);
}
