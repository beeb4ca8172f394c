/* test_hostile.c - streams that break off, lie about their length, hold far more than they weigh,
 * or are noise.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparrow.h"

#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

static struct sparrow_audio *new_audio(void)
{
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    return audio;
}

static int decode(struct sparrow_audio *audio, const struct clip *c, size_t n,
                  struct sparrow_error *err)
{
    uint8_t *exact = clip_exact(c, n);
    int status = sparrow_audio_decode(audio, exact, n, NULL, err);
    free(exact);
    return status;
}

static uint32_t noise(uint32_t *seed)
{
    return (*seed = *seed * 1664525 + 1013904223) >> 16;
}

START_TEST(decode_a_flac_cut_short_gives_what_came_before)
{
    struct sparrow_audio *audio = new_audio();
    struct clip yes = {.n = 0}, c = {.n = 0};
    const int16_t *samples = clip_yes(&yes);
    clip_file(&c, "tests/data/audio/yes.flac");
    size_t before = 0, decoded = 0;
    for (size_t n = 97; n <= c.n; n += 97) {
        struct sparrow_error err = {.text = ""};
        int status = decode(audio, &c, n, &err);
        size_t count = sparrow_audio_count(audio);
        if (status != SPARROW_OK) {
            ck_assert_int_eq(status, SPARROW_BAD_AUDIO);
            ck_assert_uint_eq(count, 0);
            ck_assert_uint_eq(before, 0);
            continue;
        }
        ck_assert_uint_ge(count, before);
        ck_assert_mem_eq(sparrow_audio_samples(audio), samples, before * 2);
        before = count;
        decoded++;
    }
    ck_assert_uint_gt(decoded, 50);
    ck_assert_uint_gt(before, 8000);
    clip_done(&c);
    clip_done(&yes);
    sparrow_audio_free(audio);
}
END_TEST

/* STREAMINFO's count of samples: 36 bits, from the low half of byte 21 on. */
START_TEST(decode_a_flac_that_announces_2_to_36_samples_reads_what_is_there)
{
    struct sparrow_audio *audio = new_audio();
    struct clip c = {.n = 0};
    clip_file(&c, "tests/data/audio/yes.flac");
    c.bytes[21] |= 0x0f;
    memset(c.bytes + 22, 0xff, 4);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long before_kb = usage.ru_maxrss;
    struct sparrow_error err = {.text = ""};
    int status = decode(audio, &c, c.n, &err);
    getrusage(RUSAGE_SELF, &usage);
    ck_assert_msg(status == SPARROW_OK, "%s", err.text);
    ck_assert_uint_eq(sparrow_audio_count(audio), 16000);
    ck_assert_int_lt(usage.ru_maxrss - before_kb, 64 * 1024);
    clip_done(&c);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_every_compressed_file_cut_or_damaged_ends_well)
{
    static const char *const names[] = {"yes.ogg", "yes.opus", "yes.mp3", "yes-44k-stereo-id3.mp3",
                                        "yes.flac"};
    struct sparrow_audio *audio = new_audio();
    uint32_t seed = 7;
    for (size_t i = 0; i < 5; i++) {
        char path[64];
        snprintf(path, sizeof(path), "tests/data/audio/%s", names[i]);
        struct clip c = {.n = 0};
        clip_file(&c, path);
        for (unsigned round = 0; round < 40; round++) {
            struct clip bad = {.n = 0};
            clip_put(&bad, c.bytes, c.n);
            size_t n = round % 2 ? c.n : noise(&seed) % (c.n + 1);
            for (unsigned k = 0; round % 2 && k < 1 + round; k++)
                bad.bytes[4 + noise(&seed) % (c.n - 4)] = (uint8_t)noise(&seed);
            struct sparrow_error err = {.text = ""};
            int status = decode(audio, &bad, n, &err);
            ck_assert_msg(status == SPARROW_OK || status == SPARROW_BAD_AUDIO ||
                              status == SPARROW_UNSUPPORTED_MEDIA || status == SPARROW_TOO_LARGE,
                          "%s: %d: %s", names[i], status, err.text);
            ck_assert_int_eq(status == SPARROW_OK, sparrow_audio_count(audio) > 0);
            clip_done(&bad);
        }
        clip_done(&c);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_mpeg_cut_out_of_a_stream_begins_at_its_next_frame)
{
    struct sparrow_audio *audio = new_audio();
    struct clip c = {.n = 0};
    clip_file(&c, "tests/data/audio/yes.mp3");
    struct sparrow_audio_options opt = {.size = sizeof(opt), .media_type = "audio/mpeg"};
    for (size_t at = 601; at < 1500; at += 57) {
        ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes + at, c.n - at, &opt, NULL),
                         SPARROW_OK);
        ck_assert_uint_gt(sparrow_audio_count(audio), 8000);
        ck_assert_uint_lt(sparrow_audio_count(audio), 16000);
    }
    ck_assert_int_eq(sparrow_audio_decode(audio, "hello, world", 12, &opt, NULL),
                     SPARROW_BAD_AUDIO);
    clip_done(&c);
    sparrow_audio_free(audio);
}
END_TEST

/* ---- bombs ---- */

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
    (void)out;
    (void)n;
    (void)arg;
    return 0;
}

static sf_count_t file_write(const void *in, sf_count_t n, void *arg)
{
    struct file *f = arg;
    size_t over = f->clip.n - (size_t)f->at;
    size_t inside = over < (size_t)n ? over : (size_t)n;
    memcpy(f->clip.bytes + f->at, in, inside);
    clip_put(&f->clip, (const uint8_t *)in + inside, (size_t)n - inside);
    f->at += n;
    return n;
}

static sf_count_t file_tell(void *arg)
{
    return ((struct file *)arg)->at;
}

/* Minutes of silence at 16 kHz. */
static struct clip write_silence(int format, unsigned minutes)
{
    static const int16_t zeros[16000];
    SF_VIRTUAL_IO io = {file_length, file_seek, file_read, file_write, file_tell};
    struct file f = {.at = 0};
    clip_put(&f.clip, "", 0);
    SF_INFO info = {.format = format, .samplerate = 16000, .channels = 1};
    SNDFILE *sf = sf_open_virtual(&io, SFM_WRITE, &info, &f);
    ck_assert_ptr_nonnull(sf);
    for (unsigned s = 0; s < minutes * 60; s++)
        ck_assert_int_eq(sf_writef_short(sf, zeros, 16000), 16000);
    sf_close(sf);
    return f.clip;
}

static int count(void *arg)
{
    ++*(int *)arg;
    return 0;
}

START_TEST(decode_a_bomb_stops_at_the_limit)
{
    static const int formats[] = {SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                  SF_FORMAT_OGG | SF_FORMAT_VORBIS};
    for (size_t i = 0; i < 2; i++) {
        struct sparrow_audio *audio = new_audio();
        struct clip c = write_silence(formats[i], 20);
        ck_assert_uint_lt(c.n, 600000); /* or else it is no bomb: 20 minutes are 38 MB */
        int slices = 0;
        struct sparrow_audio_options opt = {
            .size = sizeof(opt), .max_seconds = 10, .interrupt = count, .interrupt_arg = &slices};
        ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &opt, NULL), SPARROW_TOO_LARGE);
        ck_assert_int_ge(slices, 10 * 16000 / 4096);
        ck_assert_int_le(slices,
                         10 * 16000 / 128); /* the work done is that of ten seconds, not of 1,200 */
        clip_done(&c);
        sparrow_audio_free(audio);
    }
}
END_TEST

START_TEST(decode_a_large_body_of_mpeg_is_refused_unread)
{
    struct sparrow_audio *audio = new_audio();
    size_t n = 8 << 20;
    uint8_t *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    uint32_t seed = 3;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)noise(&seed);
    memcpy(bytes, "\xff\xfb\x90\x64", 4);
    int slices = 0;
    struct sparrow_audio_options opt = {
        .size = sizeof(opt), .interrupt = count, .interrupt_arg = &slices};
    ck_assert_int_eq(sparrow_audio_decode(audio, bytes, n, &opt, NULL), SPARROW_TOO_LARGE);
    ck_assert_int_eq(slices, 0);
    opt.max_seconds = 600; /* long enough for 8 MiB: then it is noise */
    int status = sparrow_audio_decode(audio, bytes, n, &opt, NULL);
    ck_assert(status == SPARROW_BAD_AUDIO || status == SPARROW_OK);
    free(bytes);
    sparrow_audio_free(audio);
}
END_TEST

/* ---- quiet ---- */

START_TEST(decode_damaged_mpeg_prints_nothing)
{
    char name[] = "quiet-XXXXXX";
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    unlink(name);
    fflush(stderr);
    fflush(stdout);
    int keep1 = dup(1), keep2 = dup(2);
    dup2(fd, 1);
    dup2(fd, 2);
    struct sparrow_audio *audio = new_audio();
    struct clip c = {.n = 0};
    clip_file(&c, "tests/data/audio/yes-44k-stereo-id3.mp3");
    uint32_t seed = 1;
    unsigned fine = 0;
    for (unsigned round = 0; round < 200; round++) {
        struct clip bad = {.n = 0};
        clip_put(&bad, c.bytes, c.n);
        for (unsigned k = 0; k < 1 + round; k++)
            bad.bytes[600 + noise(&seed) % (c.n - 600)] = (uint8_t)noise(&seed);
        fine += decode(audio, &bad, bad.n, NULL) == SPARROW_OK;
        clip_done(&bad);
    }
    clip_done(&c);
    sparrow_audio_free(audio);
    fflush(stderr);
    fflush(stdout);
    dup2(keep1, 1);
    dup2(keep2, 2);
    close(keep1);
    close(keep2);
    off_t printed = lseek(fd, 0, SEEK_END);
    close(fd);
    ck_assert_int_eq(printed, 0);
    ck_assert_uint_gt(fine,
                      20); /* damaged frames in the middle, not streams refused at their head */
}
END_TEST

/* ---- reading no further than the header ---- */

START_TEST(is_cheap_does_not_touch_the_samples)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED);
    struct clip c = {.n = 0};
    clip_riff(&c);
    clip_fmt(&c, 1, 1, 16000, 16);
    clip_data(&c, (uint32_t)page, NULL, 0);
    uint8_t *bytes = pages + page - c.n;
    memcpy(bytes, c.bytes, c.n);
    ck_assert_int_eq(mprotect(pages + page, page, PROT_NONE), 0);
    ck_assert(sparrow_audio_is_cheap(bytes, c.n + page, NULL, 1));
    ck_assert(!sparrow_audio_is_cheap(bytes, c.n + page, NULL, 0.1));
    munmap(pages, 2 * page);
    clip_done(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        decode_a_flac_cut_short_gives_what_came_before,
        decode_a_flac_that_announces_2_to_36_samples_reads_what_is_there,
        decode_every_compressed_file_cut_or_damaged_ends_well,
        decode_mpeg_cut_out_of_a_stream_begins_at_its_next_frame,
        decode_a_bomb_stops_at_the_limit,
        decode_a_large_body_of_mpeg_is_refused_unread,
        decode_damaged_mpeg_prints_nothing,
        is_cheap_does_not_touch_the_samples,
    };
    return RUN_TESTS("hostile", tests);
}
