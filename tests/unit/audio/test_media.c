/* test_media.c - media types, good and bad.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/media.h"

#include <string.h>

#include "tests/unit/audio/run.h"

START_TEST(parse_good_types_gives_their_parts)
{
    static const struct {
        const char *text, *type;
        bool has_rate, has_channels, big;
        unsigned rate_hz, channels;
    } cases[] = {
        {"audio/wav", "audio/wav", 0, 0, 0, 0, 0},
        {"Audio/WAV", "audio/wav", 0, 0, 0, 0, 0},
        {" audio/wav\t", "audio/wav", 0, 0, 0, 0, 0},
        {"audio/l16;rate=16000", "audio/l16", 1, 0, 0, 16000, 0},
        {"audio/l16; rate=16000 ;\tchannels=2", "audio/l16", 1, 1, 0, 16000, 2},
        {"audio/L16;RATE=8000;Endianness=Big-Endian", "audio/l16", 1, 0, 1, 8000, 0},
        {"audio/l16;endianness=little-endian;rate=8000", "audio/l16", 1, 0, 0, 8000, 0},
        {"audio/l16;rate=\"44100\"", "audio/l16", 1, 0, 0, 44100, 0},
        {"audio/l16;rate=\"4\\4100\"", "audio/l16", 1, 0, 0, 44100, 0},
        {"audio/l16;;rate=1;", "audio/l16", 1, 0, 0, 1, 0},
        {"audio/l16;rate=999999999;channels=0", "audio/l16", 1, 1, 0, 999999999, 0},
        {"audio/l16;rate=000000001", "audio/l16", 1, 0, 0, 1, 0},
        {"audio/ogg;codecs=opus", "audio/ogg", 0, 0, 0, 0, 0},
        {"audio/ogg; codecs=\"vorbis, \\\"x\\\"; rate=1\"", "audio/ogg", 0, 0, 0, 0, 0},
        {"audio/vnd.wave;codec=1", "audio/vnd.wave", 0, 0, 0, 0, 0},
        {"a/b;c=d;e=f;g=h;i=j;k=l;m=n;o=p;q=r", "a/b", 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_media media;
        struct sparrow_error err = {.text = ""};
        int status = sp_media_parse(cases[i].text, &media, &err);
        ck_assert_msg(status == SPARROW_OK, "%s: %s", cases[i].text, err.text);
        ck_assert_str_eq(media.type, cases[i].type);
        ck_assert_int_eq(media.has_rate, cases[i].has_rate);
        ck_assert_int_eq(media.has_channels, cases[i].has_channels);
        ck_assert_int_eq(media.big_endian, cases[i].big);
        ck_assert_uint_eq(media.rate_hz, cases[i].rate_hz);
        ck_assert_uint_eq(media.channels, cases[i].channels);
    }
}
END_TEST

static void refuse(const char *text, const char *why)
{
    struct sp_media media;
    memset(&media, 0x5a, sizeof(media));
    struct sparrow_error err = {.text = ""};
    int status = sp_media_parse(text, &media, &err);
    ck_assert_msg(status == SPARROW_UNSUPPORTED_MEDIA, "\"%s\": %d", text, status);
    ck_assert_int_eq(err.status, SPARROW_UNSUPPORTED_MEDIA);
    ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\": %s", text, err.text);
    ck_assert_int_eq(media.type[0], 0x5a); /* untouched on failure */
}

START_TEST(parse_bad_types_are_refused)
{
    static const char *const malformed[] = {
        "",
        " ",
        "audio",
        "audio/",
        "/wav",
        "audio /wav",
        "audio/ wav",
        "audio/wav wav",
        "audio/wav,audio/flac",
        "audio/wav;rate",
        "audio/wav;=1",
        "audio/wav;rate =1",
        "audio/wav;rate= 1",
        "audio/wav;a=\"b",
        "audio/wav;a=\"b\\",
        "audio/wav;a=\"b\"c",
        "audio/wav;a=\"\x01\"",
        "audio/wav;a=\"\x7f\"",
        "audio/w\xc3\xa4v",
        "audio/wav\r\n",
        "audio/wav;a=b\n",
        "audio/(wav)",
        "audio//wav",
        "*/*;q",
        "a-type-name-of-forty-eight-letters-and-then-some/wav",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        refuse(malformed[i], "malformed");
    refuse("audio/l16;rate=", "malformed");
    refuse("audio/l16;rate=\"\"", "whole number");
    refuse("audio/l16;rate=-1", "whole number");
    refuse("audio/l16;rate=+1", "whole number");
    refuse("audio/l16;rate=16k", "whole number");
    refuse("audio/l16;rate=0x10", "whole number");
    refuse("audio/l16;rate=1000000000", "whole number");
    refuse("audio/l16;rate=4294983296", "whole number");
    refuse("audio/l16;rate=16000000000000000000000000000000000000", "whole number");
    refuse("audio/l16;channels=two", "channels must be");
    refuse("audio/l16;rate=1;rate=1", "rate twice");
    refuse("audio/l16;channels=1;channels=2", "channels twice");
    refuse("audio/l16;endianness=big-endian;endianness=big-endian", "endianness twice");
    refuse("audio/l16;endianness=big", "little-endian or big-endian");
    refuse("a/b;c=d;e=f;g=h;i=j;k=l;m=n;o=p;q=r;s=t", "8 parameters");
    char text[SP_MEDIA_MAX_BYTES + 2];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "audio/wav;a=", 12);
    refuse(text, "256 bytes");
}
END_TEST

START_TEST(parse_a_text_of_the_longest_length_is_read)
{
    char text[SP_MEDIA_MAX_BYTES + 1];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "audio/wav;a=", 12);
    struct sp_media media;
    ck_assert_int_eq(sp_media_parse(text, &media, NULL), SPARROW_OK);
    ck_assert_str_eq(media.type, "audio/wav");
}
END_TEST

START_TEST(parse_a_type_too_long_for_any_is_cut_not_confused)
{
    struct sp_media media;
    struct sparrow_error err;
    ck_assert_int_eq(
        sp_media_parse("audio/a-name-that-is-longer-than-any-registered-media-type", &media, &err),
        SPARROW_OK);
    ck_assert_uint_eq(strlen(media.type), SP_MEDIA_TYPE_BYTES - 1);
}
END_TEST

START_TEST(accepts_knows_types_and_not_others)
{
    static const char *const good[] = {
        "audio/wav",
        "audio/x-wav",
        "audio/wave",
        "audio/vnd.wave",
        "audio/flac",
        "audio/x-flac",
        "audio/ogg",
        "audio/ogg;codecs=opus",
        "audio/opus",
        "audio/mpeg",
        "audio/mp3",
        "audio/l16",
        "audio/L16;rate=8000",
        "audio/basic",
        "audio/mulaw",
        "audio/alaw;rate=8000",
        "audio/aiff",
        "audio/x-aiff",
        "application/octet-stream",
        "AUDIO/WAV",
    };
    static const char *const bad[] = {
        "",           "audio/webm", "audio/mp4", "video/mp4",        "text/plain",
        "audio/wavx", "audio/*",    "*/*",       "application/json", "audio"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(sparrow_audio_accepts(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!sparrow_audio_accepts(bad[i]), "%s", bad[i]);
    ck_assert(sparrow_audio_accepts(NULL));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        parse_good_types_gives_their_parts,
        parse_bad_types_are_refused,
        parse_a_text_of_the_longest_length_is_read,
        parse_a_type_too_long_for_any_is_cut_not_confused,
        accepts_knows_types_and_not_others,
    };
    return RUN_TESTS("media", tests);
}
