/* test_raw.c - samples whose only header is the media type.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparrow.h"

#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

static struct sparrow_audio *audio;

static int decode(const char *media_type, const void *bytes, size_t n, struct sparrow_error *err)
{
    struct sparrow_audio_options opt = {.size = sizeof(opt), .media_type = media_type};
    struct clip c = {(uint8_t *)bytes, n};
    uint8_t *exact = clip_exact(&c, n);
    int status = sparrow_audio_decode(audio, exact, n, &opt, err);
    free(exact);
    return status;
}

static void expect(const char *media_type, const void *bytes, size_t n, const int16_t *samples,
                   size_t count)
{
    struct sparrow_error err = {.text = ""};
    int status = decode(media_type, bytes, n, &err);
    ck_assert_msg(status == SPARROW_OK, "%s: %s", media_type, err.text);
    ck_assert_uint_eq(sparrow_audio_count(audio), count);
    ck_assert_mem_eq(sparrow_audio_samples(audio), samples, count * 2);
}

static void refuse(const char *media_type, enum sparrow_status expected, const char *why)
{
    struct sparrow_error err = {.text = ""};
    int status = decode(media_type, "abcdefgh", 8, &err);
    ck_assert_msg(status == (int)expected, "%s: %d: %s", media_type, status, err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s: %s", media_type, err.text);
    ck_assert_uint_eq(sparrow_audio_count(audio), 0);
}

START_TEST(l16_is_little_endian_unless_it_says_otherwise)
{
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    const int16_t expected[] = {0x0201, -2, INT16_MIN};
    expect("audio/l16;rate=16000", "\x01\x02\xfe\xff\x00\x80", 6, expected, 3);
    ck_assert_str_eq(sparrow_audio_format(audio), "l16/pcm16");
    expect("audio/l16;rate=16000;endianness=little-endian", "\x01\x02\xfe\xff\x00\x80", 6, expected,
           3);
    expect("audio/L16; rate=16000; endianness=big-endian", "\x02\x01\xff\xfe\x80\x00", 6, expected,
           3);
    expect("audio/l16;rate=16000", "\x01\x02\xfe\xff\x00\x80\x77", 7, expected,
           3); /* half a sample too many */
    const int16_t mixed[] = {2, 5};
    expect("audio/l16;rate=16000;channels=2", "\1\0\3\0\4\0\5\0\7\0", 10, mixed,
           2); /* half a frame too many */
    ck_assert_uint_eq(sparrow_audio_channels(audio), 2);
    /* no header is looked for: this is sound */
    ck_assert_int_eq(decode("audio/l16;rate=16000", "RIFF\0\0\0\0WAVE", 12, NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_count(audio), 6);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(l16_without_or_with_bad_parameters_says_which)
{
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    refuse("audio/l16", SPARROW_UNSUPPORTED_MEDIA, "needs a sampling rate");
    refuse("audio/l16;channels=1", SPARROW_UNSUPPORTED_MEDIA, "audio/l16;rate=16000");
    refuse("audio/l16;rate=x", SPARROW_UNSUPPORTED_MEDIA, "whole number");
    refuse("audio/l16;rate=0", SPARROW_BAD_AUDIO, "0 Hz; 4000 to 192000");
    refuse("audio/l16;rate=3999", SPARROW_BAD_AUDIO, "3999 Hz");
    refuse("audio/l16;rate=192001", SPARROW_BAD_AUDIO, "192001 Hz");
    refuse("audio/l16;rate=16000;channels=0", SPARROW_BAD_AUDIO, "0 channels; 1 to 8");
    refuse("audio/l16;rate=16000;channels=9", SPARROW_BAD_AUDIO, "9 channels");
    refuse("audio/l16;rate=16000;channels=999999999", SPARROW_BAD_AUDIO, "999999999 channels");
    refuse("audio/l16;rate=16000;channels=8", SPARROW_BAD_AUDIO, "no samples"); /* half a frame */
    refuse("audio/webm", SPARROW_UNSUPPORTED_MEDIA, "audio/webm is not handled");
    struct sparrow_error err;
    ck_assert_int_eq(decode("audio/l16;rate=16000", "", 0, &err), SPARROW_BAD_AUDIO);
    ck_assert_ptr_nonnull(strstr(err.text, "empty"));
    ck_assert_int_eq(decode("audio/l16;rate=16000", "x", 1, &err), SPARROW_BAD_AUDIO);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(g711_rates_default_to_8000)
{
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    uint8_t codes[800];
    memset(codes, 0x80, sizeof(codes)); /* mu-law +32124, A-law -5504 ^ ... whatever: a constant */
    ck_assert_int_eq(decode("audio/basic", codes, sizeof(codes), NULL), SPARROW_OK);
    ck_assert_str_eq(sparrow_audio_format(audio), "raw/mulaw");
    ck_assert_uint_eq(sparrow_audio_rate_hz(audio), 8000);
    ck_assert_uint_eq(sparrow_audio_count(audio), 1600);
    ck_assert_int_eq(decode("audio/basic;rate=16000", codes, sizeof(codes), NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_rate_hz(audio), 8000); /* RFC 2046 leaves no choice */
    ck_assert_int_eq(decode("audio/alaw", codes, sizeof(codes), NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_rate_hz(audio), 8000);
    ck_assert_str_eq(sparrow_audio_format(audio), "raw/alaw");
    const int16_t mu[] = {32124, -32124, 0, 0}, a[] = {-5504, 5504, 848, -848};
    expect("audio/mulaw;rate=16000", "\x80\x00\xff\x7f", 4, mu, 4);
    expect("audio/alaw;rate=16000", "\x00\x80\xff\x7f", 4, a, 4);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(basic_with_an_au_header_is_au)
{
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    struct clip c = {.n = 0};
    clip_id(&c, ".snd");
    clip_be32(&c, 24);
    clip_be32(&c, 8);
    clip_be32(&c, 3); /* 16 bits, big-endian */
    clip_be32(&c, 16000);
    clip_be32(&c, 1);
    clip_put(&c, "\x01\x02\xff\xfe\x80\x00\x00\x07", 8);
    const int16_t expected[] = {0x102, -2, INT16_MIN, 7};
    expect("audio/basic", c.bytes, c.n, expected, 4);
    ck_assert_str_eq(sparrow_audio_format(audio), "au/pcm16");
    expect(NULL, c.bytes, c.n, expected, 4);
    clip_done(&c);
    sparrow_audio_free(audio);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        l16_is_little_endian_unless_it_says_otherwise,
        l16_without_or_with_bad_parameters_says_which,
        g711_rates_default_to_8000,
        basic_with_an_au_header_is_au,
    };
    return RUN_TESTS("raw", tests);
}
