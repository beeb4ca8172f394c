/* test_sniff.c - first bytes to containers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/sniff.h"

#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

static struct sp_sniff sniff(const void *bytes, size_t n)
{
    struct clip c = {(uint8_t *)bytes, n};
    uint8_t *exact = clip_exact(&c, n);
    struct sp_sniff s = sp_sniff(exact, n);
    free(exact);
    return s;
}

START_TEST(sniff_knows_each_container)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum sp_container container;
    } cases[] = {
        {"RIFF\0\0\0\0WAVE", 12, SP_CONTAINER_WAV},
        {"RIFX\0\0\0\0WAVE", 12, SP_CONTAINER_WAV},
        {"RF64\xff\xff\xff\xffWAVE", 12, SP_CONTAINER_WAV},
        {"RIFF\0\0\0\0WAV", 11, SP_CONTAINER_UNKNOWN},
        {"RIFF\0\0\0\0AVI ", 12, SP_CONTAINER_FOREIGN},
        {"RIFF\0\0\0\0WEBP", 12, SP_CONTAINER_UNKNOWN},
        {"fLaC", 4, SP_CONTAINER_FLAC},
        {"fLa", 3, SP_CONTAINER_UNKNOWN},
        {"OggS", 4, SP_CONTAINER_OGG},
        {"FORM\0\0\0\0AIFF", 12, SP_CONTAINER_AIFF},
        {"FORM\0\0\0\0AIFC", 12, SP_CONTAINER_AIFF},
        {"FORM\0\0\0\0ILBM", 12, SP_CONTAINER_UNKNOWN},
        {".snd", 4, SP_CONTAINER_AU},
        {"dns.", 4, SP_CONTAINER_AU},
        {"caff\0\1\0\0", 8, SP_CONTAINER_CAF},
        {"\0\0\0\x20"
         "ftypM4A ",
         12, SP_CONTAINER_FOREIGN},
        {"\x1a\x45\xdf\xa3", 4, SP_CONTAINER_FOREIGN},
        {"riff\x2e\x91\xcf\x11\xa5\xd6", 10, SP_CONTAINER_FOREIGN},
        {"\xff\xfb\x90\x64", 4, SP_CONTAINER_MPEG},
        {"\xff\xf3\x40\xc0", 4, SP_CONTAINER_MPEG},
        {"\xff\xe3\x40\xc0", 4, SP_CONTAINER_MPEG},    /* MPEG 2.5 */
        {"\xff\xeb\x40\xc0", 4, SP_CONTAINER_UNKNOWN}, /* version reserved */
        {"\xff\xfb\xf0\x64", 4, SP_CONTAINER_UNKNOWN}, /* bit rate reserved */
        {"\xff\xfb\x00\x64", 4, SP_CONTAINER_UNKNOWN}, /* free format */
        {"\xff\xfb\x9c\x64", 4, SP_CONTAINER_UNKNOWN}, /* rate reserved */
        {"\xff\xfb\x90\x66", 4, SP_CONTAINER_UNKNOWN}, /* emphasis reserved */
        {"\xff\xfb\x90", 3, SP_CONTAINER_UNKNOWN},
        {"\xff\xf1\x50\x80", 4, SP_CONTAINER_FOREIGN}, /* ADTS */
        {"\xff\xff\xff\xff", 4, SP_CONTAINER_UNKNOWN},
        {"\0\0\0\0\0\0\0\0\0\0\0\0", 12, SP_CONTAINER_UNKNOWN},
        {"", 0, SP_CONTAINER_UNKNOWN},
        {"I", 1, SP_CONTAINER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_sniff s = sniff(cases[i].bytes, cases[i].n);
        ck_assert_msg(s.container == cases[i].container, "case %zu: %s", i, s.name);
        ck_assert_ptr_nonnull(s.name);
        ck_assert_uint_eq(s.skip, 0);
    }
}
END_TEST

static void put_id3(struct clip *c, uint32_t size, unsigned flags, size_t bytes)
{
    static const uint8_t zeros[300];
    uint8_t header[10] = {'I',
                          'D',
                          '3',
                          4,
                          0,
                          (uint8_t)flags,
                          (uint8_t)(size >> 21 & 127),
                          (uint8_t)(size >> 14 & 127),
                          (uint8_t)(size >> 7 & 127),
                          (uint8_t)(size & 127)};
    clip_put(c, header, sizeof(header));
    clip_put(c, zeros, bytes);
}

START_TEST(sniff_looks_behind_id3_tags_and_padding)
{
    struct clip c = {.n = 0};
    put_id3(&c, 200, 0, 200);
    put_id3(&c, 20, 0x10, 30); /* with a footer */
    clip_put(&c, (uint8_t[5]){0}, 5);
    size_t skip = c.n;
    clip_put(&c, "fLaC", 4);
    struct sp_sniff s = sniff(c.bytes, c.n);
    ck_assert_int_eq(s.container, SP_CONTAINER_FLAC);
    ck_assert_uint_eq(s.skip, skip);
    clip_done(&c);
}
END_TEST

START_TEST(sniff_hostile_tags_stay_inside)
{
    for (size_t n = 0; n <= 40;
         n++) { /* a tag that announces far more than there is, cut anywhere */
        struct clip c = {.n = 0};
        put_id3(&c, 0x0fffffff, 0x10, 30);
        struct sp_sniff s = sniff(c.bytes, n);
        ck_assert_uint_le(s.skip, n);
        ck_assert_int_eq(s.container, SP_CONTAINER_UNKNOWN);
        clip_done(&c);
    }
    struct clip c = {.n = 0};
    for (int i = 0; i < 100; i++) /* tags without end: four are skipped */
        put_id3(&c, 0, 0, 0);
    clip_put(&c, "fLaC", 4);
    ck_assert_int_eq(sniff(c.bytes, c.n).container, SP_CONTAINER_UNKNOWN);
    clip_done(&c);
    put_id3(&c, 5, 0, 5);
    c.bytes[7] = 0x80; /* not a size */
    clip_put(&c, "fLaC", 4);
    ck_assert_int_eq(sniff(c.bytes, c.n).container, SP_CONTAINER_UNKNOWN);
    clip_done(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        sniff_knows_each_container,
        sniff_looks_behind_id3_tags_and_padding,
        sniff_hostile_tags_stay_inside,
    };
    return RUN_TESTS("sniff", tests);
}
