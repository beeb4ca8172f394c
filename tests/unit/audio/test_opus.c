/* test_opus.c - Opus headers, and where a stream begins and ends; made from the packets of a real
 * file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/opus.h"

#include <ogg/ogg.h>
#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

enum { MAX_PACKETS = 100 };

/* The packets of tests/data/audio/yes.opus. */
static struct clip packets[MAX_PACKETS];
static int64_t granules[MAX_PACKETS];
static unsigned packet_count;

static void setup(void)
{
    struct clip c = {.n = 0};
    clip_file(&c, "tests/data/audio/yes.opus");
    struct sp_media media = {.type = ""};
    struct sp_input in = {c.bytes, c.n, &media};
    struct sp_ogg ogg;
    ogg_packet packet;
    sp_ogg_init(&ogg, &in);
    packet_count = 0;
    while (sp_ogg_packet(&ogg, &packet) == SP_OGG_PACKET) {
        ck_assert_uint_lt(packet_count, MAX_PACKETS);
        granules[packet_count] = packet.granulepos;
        clip_put(&packets[packet_count++], packet.packet, (size_t)packet.bytes);
    }
    ck_assert_uint_gt(packet_count, 40);
    sp_ogg_done(&ogg);
    clip_done(&c);
}

static void teardown(void)
{
    for (unsigned i = 0; i < packet_count; i++)
        clip_done(&packets[i]);
}

/* Packets to pages again. */
static struct clip stream(void)
{
    struct clip c = {.n = 0};
    ogg_stream_state state;
    ogg_page page;
    ogg_stream_init(&state, 5);
    for (unsigned i = 0; i < packet_count; i++) {
        ogg_packet packet = {packets[i].bytes,      (long)packets[i].n, i == 0,
                             i == packet_count - 1, granules[i],        i};
        ogg_stream_packetin(&state, &packet);
        while (i < 2 || i == packet_count - 1 ? ogg_stream_flush(&state, &page) : 0) {
            clip_put(&c, page.header, (size_t)page.header_len);
            clip_put(&c, page.body, (size_t)page.body_len);
        }
    }
    ogg_stream_clear(&state);
    return c;
}

static int decode(struct sparrow_audio *audio, struct sparrow_error *err)
{
    struct clip c = stream();
    uint8_t *exact = clip_exact(&c, c.n);
    int status = sparrow_audio_decode(audio, exact, c.n, NULL, err);
    free(exact);
    clip_done(&c);
    return status;
}

static struct sparrow_audio *new_audio(void)
{
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    return audio;
}

static void expect_refusal(enum sparrow_status expected, const char *why)
{
    struct sparrow_audio *audio = new_audio();
    struct sparrow_error err = {.text = ""};
    int status = decode(audio, &err);
    ck_assert_msg(status == (int)expected, "%d: %s", status, err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
    sparrow_audio_free(audio);
}

START_TEST(decode_begins_after_the_pre_skip_and_ends_where_the_last_page_says)
{
    struct sparrow_audio *audio = new_audio();
    struct clip yes = {.n = 0};
    const int16_t *samples = clip_yes(&yes);
    ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_count(audio), 16000);
    double alike = clip_alike(sparrow_audio_samples(audio), samples, 16000);
    ck_assert_msg(alike > 0.98, "%.4f", alike);

    unsigned skip = packets[0].bytes[10] | (unsigned)packets[0].bytes[11] << 8;
    packets[0].bytes[10] = packets[0].bytes[11] = 0;
    ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_count(audio), 16000 + skip / 3);
    alike = clip_alike(sparrow_audio_samples(audio) + skip / 3, samples, 16000);
    ck_assert_msg(alike > 0.98, "%.4f", alike);

    packets[0].bytes[10] = packets[0].bytes[11] = 0xff; /* longer than the stream */
    packet_count = 20;
    expect_refusal(SPARROW_BAD_AUDIO, "no samples");
    clip_done(&yes);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_positions_that_make_no_sense_cut_nothing_or_the_last_packet)
{
    static const int64_t last[] = {0, -1, INT64_MAX, INT64_MIN, 1};
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < 5; i++) {
        granules[packet_count - 1] = last[i];
        ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
        size_t count = sparrow_audio_count(audio);
        ck_assert_msg(count > 15600 && count <= 16400, "%zu", count);
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_header_gain_is_applied)
{
    struct sparrow_audio *audio = new_audio();
    ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
    double before = 0, after = 0;
    for (size_t i = 0; i < 16000; i++)
        before += abs(sparrow_audio_samples(audio)[i]);
    packets[0].bytes[16] = (uint8_t)(1541 & 255); /* 6.02 dB */
    packets[0].bytes[17] = 1541 >> 8;
    ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
    for (size_t i = 0; i < 16000; i++)
        after += abs(sparrow_audio_samples(audio)[i]);
    ck_assert_double_eq_tol(after / before, 2.0, 0.02);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_channel_mappings_of_loudspeakers)
{
    struct sparrow_audio *audio = new_audio();
    ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
    int16_t mono[16000];
    memcpy(mono, sparrow_audio_samples(audio), sizeof(mono));

    /* family 1: six loudspeakers, all but one silent: the mean is a sixth */
    packets[0].bytes[9] = 6;
    packets[0].bytes[18] = 1;
    packets[0].n = 19;
    clip_put(&packets[0], "\1\0\xff\0\xff\xff\xff\xff", 8);
    ck_assert_int_eq(decode(audio, NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_channels(audio), 6);
    ck_assert_uint_eq(sparrow_audio_count(audio), 16000);
    for (size_t i = 0; i < 16000; i++)
        ck_assert_int_le(abs(6 * sparrow_audio_samples(audio)[i] - mono[i]), 3);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_hostile_heads_are_refused)
{
    static const struct {
        unsigned at, value;
        enum sparrow_status status;
        const char *why;
    } cases[] = {
        {8, 0x10, SPARROW_BAD_AUDIO, "headers"}, /* version */
        {9, 0, SPARROW_BAD_AUDIO, "0 channels"},
        {9, 9, SPARROW_BAD_AUDIO, "9 channels"},
        {9, 255, SPARROW_BAD_AUDIO, "255 channels"},
        {9, 3, SPARROW_UNSUPPORTED_MEDIA, "family 0, 3 channels"},
        {18, 2, SPARROW_UNSUPPORTED_MEDIA, "family 2"},
        {18, 255, SPARROW_UNSUPPORTED_MEDIA, "family 255"},
        {18, 1, SPARROW_BAD_AUDIO, "headers"}, /* and no mapping behind it */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t keep = packets[0].bytes[cases[i].at];
        packets[0].bytes[cases[i].at] = (uint8_t)cases[i].value;
        expect_refusal(cases[i].status, cases[i].why);
        packets[0].bytes[cases[i].at] = keep;
    }
    static const char *const mappings[] = {"\0\0\0", "\xff\0\0", "\1\2\0", "\1\1\2",
                                           "\1\0\1", "\x09\0\0", "\1\0"};
    packets[0].bytes[18] = 1;
    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++) {
        packets[0].n = 19;
        clip_put(&packets[0], mappings[i], i == 6 ? 2 : 3);
        expect_refusal(SPARROW_BAD_AUDIO, "headers");
    }
}
END_TEST

START_TEST(decode_without_tags_or_sound_is_bad_audio)
{
    packets[1].bytes[4] ^= 1;
    expect_refusal(SPARROW_BAD_AUDIO, "headers");
    packets[1].bytes[4] ^= 1;
    packet_count = 2;
    expect_refusal(SPARROW_BAD_AUDIO, "no samples");
    packet_count = 1;
    expect_refusal(SPARROW_BAD_AUDIO, "headers");
}
END_TEST

START_TEST(decode_damaged_packets_are_passed_over)
{
    struct sparrow_audio *audio = new_audio();
    packets[10].n = 0;
    packets[20].n = 1;
    for (unsigned i = 25; i < 30; i++)
        memset(packets[i].bytes, 0xff, packets[i].n);
    struct sparrow_error err = {.text = ""};
    int status = decode(audio, &err);
    ck_assert_msg(status == SPARROW_OK, "%s", err.text);
    ck_assert_uint_gt(sparrow_audio_count(audio), 10000);
    ck_assert_uint_le(sparrow_audio_count(audio), 32000);
    sparrow_audio_free(audio);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        decode_begins_after_the_pre_skip_and_ends_where_the_last_page_says,
        decode_positions_that_make_no_sense_cut_nothing_or_the_last_packet,
        decode_header_gain_is_applied,
        decode_channel_mappings_of_loudspeakers,
        decode_hostile_heads_are_refused,
        decode_without_tags_or_sound_is_bad_audio,
        decode_damaged_packets_are_passed_over,
    };
    return RUN_TESTS_WITH("opus", tests, setup, teardown);
}
