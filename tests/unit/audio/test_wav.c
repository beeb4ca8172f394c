/* test_wav.c - WAV headers as they come: right, careless, cut and hostile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/wav.h"

#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

enum { FRAMES = 64 };
static const uint8_t body[FRAMES * 2] = {1, 2, 3, 4};

static int open_wav(const struct clip *c, size_t n, struct sp_pcm *ret_pcm,
                    struct sparrow_error *err)
{
    uint8_t *exact = clip_exact(c, n);
    struct sp_media media = {.type = ""};
    struct sp_input in = {exact, n, &media};
    struct sp_pcm pcm = {.coding = NULL};
    int status = sp_wav_open(&in, &pcm, err);
    if (status == SPARROW_OK) {
        ck_assert(pcm.bytes >= exact && pcm.n <= n && pcm.bytes + pcm.n <= exact + n);
        *ret_pcm = pcm;
    }
    free(exact);
    return status;
}

/* Opens, expects 16-bit mono at 16 kHz with `bytes` bytes, and frees the clip. */
static void expect_bytes(struct clip *c, size_t bytes)
{
    struct sp_pcm pcm;
    struct sparrow_error err = {.text = ""};
    int status = open_wav(c, c->n, &pcm, &err);
    ck_assert_msg(status == SPARROW_OK, "%s", err.text);
    ck_assert_uint_eq(pcm.n, bytes);
    ck_assert_uint_eq(pcm.rate_hz, 16000);
    ck_assert_uint_eq(pcm.channels, 1);
    ck_assert_ptr_eq(pcm.coding, sp_pcm_coding(SP_PCM_S16LE));
    clip_done(c);
}

static void expect_refusal(struct clip *c, enum sparrow_status expected, const char *why)
{
    struct sp_pcm pcm;
    struct sparrow_error err = {.text = ""};
    int status = open_wav(c, c->n, &pcm, &err);
    ck_assert_msg(status == (int)expected, "%d, not %d: %s", status, expected, err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
    clip_done(c);
}

START_TEST(open_every_coding_is_recognised)
{
    static const struct {
        unsigned tag, bits;
        enum sp_pcm_coding_id id;
    } cases[] = {
        {1, 8, SP_PCM_U8},     {1, 16, SP_PCM_S16LE}, {1, 24, SP_PCM_S24LE}, {1, 32, SP_PCM_S32LE},
        {3, 32, SP_PCM_F32LE}, {3, 64, SP_PCM_F64LE}, {6, 8, SP_PCM_ALAW},   {7, 8, SP_PCM_MULAW},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned channels = 1; channels <= 8; channels++) {
            struct clip c = {.n = 0};
            clip_riff(&c);
            clip_fmt(&c, cases[i].tag, channels, 44100, cases[i].bits);
            clip_data(&c, FRAMES, body, FRAMES);
            struct sp_pcm pcm;
            ck_assert_int_eq(open_wav(&c, c.n, &pcm, NULL), SPARROW_OK);
            ck_assert_ptr_eq(pcm.coding, sp_pcm_coding(cases[i].id));
            ck_assert_uint_eq(pcm.channels, channels);
            ck_assert_uint_eq(pcm.rate_hz, 44100);
            ck_assert_uint_eq(pcm.n, FRAMES);
            clip_done(&c);
        }
    }
}
END_TEST

START_TEST(open_compressed_codings_are_left_to_others)
{
    static const unsigned tags[] = {0x02, 0x11, 0x31};
    for (size_t i = 0; i < 3; i++) {
        struct clip c = {.n = 0};
        clip_riff(&c);
        clip_fmt(&c, tags[i], 1, 16000, 4);
        clip_data(&c, FRAMES, body, FRAMES);
        struct sp_pcm pcm;
        ck_assert_int_eq(open_wav(&c, c.n, &pcm, NULL), SPARROW_OK);
        ck_assert_ptr_null(pcm.coding);
        clip_done(&c);
        clip_riff(&c); /* and not to make tables for this many channels */
        clip_fmt(&c, tags[i], 1024, 16000, 4);
        clip_data(&c, FRAMES, body, FRAMES);
        expect_refusal(&c, SPARROW_BAD_AUDIO, "1024 channels");
    }
}
END_TEST

START_TEST(open_unknown_codings_are_unsupported)
{
    static const unsigned cases[][2] = {{1, 12}, {1, 0},       {1, 17},    {1, 64}, {1, 256 + 16},
                                        {3, 16}, {3, 24},      {6, 16},    {7, 0},  {0x55, 16},
                                        {0, 16}, {0xffff, 16}, {0x161, 16}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clip c = {.n = 0};
        clip_riff(&c);
        clip_fmt(&c, cases[i][0], 1, 16000, cases[i][1]);
        clip_data(&c, FRAMES, body, FRAMES);
        expect_refusal(&c, SPARROW_UNSUPPORTED_MEDIA, "is not handled");
    }
}
END_TEST

START_TEST(open_24_bits_in_four_bytes_are_32_bits)
{
    struct clip c = {.n = 0};
    struct sp_pcm pcm;
    clip_riff(&c);
    clip_fmt(&c, 1, 2, 16000, 24);
    c.bytes[12 + 8 + 12] = 8; /* block align: 2 channels x 4 */
    clip_data(&c, FRAMES, body, FRAMES);
    ck_assert_int_eq(open_wav(&c, c.n, &pcm, NULL), SPARROW_OK);
    ck_assert_ptr_eq(pcm.coding, sp_pcm_coding(SP_PCM_S32LE));
    clip_done(&c);
}
END_TEST

static void put_extensible(struct clip *c, unsigned tag, unsigned bits, unsigned valid,
                           uint32_t size)
{
    static const uint8_t tail[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
    clip_riff(c);
    clip_fmt(c, 0xfffe, 1, 16000, bits);
    c->bytes[16] = (uint8_t)size;
    clip_le16(c, 22);
    clip_le16(c, valid);
    clip_le32(c, 4);
    clip_le16(c, tag);
    clip_put(c, tail, 14);
}

START_TEST(open_extensible_takes_its_tag_from_the_guid)
{
    struct clip c = {.n = 0};
    struct sp_pcm pcm;
    put_extensible(&c, 3, 32, 32, 40);
    clip_data(&c, FRAMES, body, FRAMES);
    ck_assert_int_eq(open_wav(&c, c.n, &pcm, NULL), SPARROW_OK);
    ck_assert_ptr_eq(pcm.coding, sp_pcm_coding(SP_PCM_F32LE));
    clip_done(&c);

    put_extensible(&c, 1, 16, 12, 40); /* fewer valid bits than the container has */
    clip_data(&c, sizeof(body), body, sizeof(body));
    expect_bytes(&c, sizeof(body));

    put_extensible(&c, 1, 16, 16, 40);
    c.bytes[c.n - 1] ^= 1; /* another family of GUIDs */
    clip_data(&c, FRAMES, body, FRAMES);
    expect_refusal(&c, SPARROW_UNSUPPORTED_MEDIA, "sub-format");

    put_extensible(&c, 1, 16, 16, 24); /* the chunk ends inside the GUID */
    clip_data(&c, FRAMES, body, FRAMES);
    expect_refusal(&c, SPARROW_BAD_AUDIO, "extensible");

    put_extensible(&c, 0xfffe, 16, 16, 40);
    clip_data(&c, FRAMES, body, FRAMES);
    expect_refusal(&c, SPARROW_UNSUPPORTED_MEDIA, "0xfffe");
}
END_TEST

static void put_simple(struct clip *c)
{
    clip_riff(c);
    clip_fmt(c, 1, 1, 16000, 16);
}

START_TEST(open_lying_data_sizes_give_what_is_there)
{
    static const uint32_t sizes[] = {0,          0xffffffff,       0x7fffffff,       0x80000000,
                                     0xfffffffe, 2 * sizeof(body), sizeof(body) + 1, sizeof(body)};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct clip c = {.n = 0};
        put_simple(&c);
        clip_data(&c, sizes[i], body, sizeof(body));
        expect_bytes(&c, sizeof(body));
    }
}
END_TEST

START_TEST(open_odd_data_length_is_kept_for_the_reader_to_cut)
{
    struct clip c = {.n = 0};
    put_simple(&c);
    clip_data(&c, sizeof(body) - 1, body, sizeof(body) - 1);
    expect_bytes(&c, sizeof(body) - 1);
}
END_TEST

START_TEST(open_trailing_chunks_are_left_out)
{
    struct clip c = {.n = 0};
    put_simple(&c);
    clip_data(&c, sizeof(body), body, sizeof(body));
    clip_id(&c, "LIST");
    clip_le32(&c, 0xffffffff);
    expect_bytes(&c, sizeof(body));
}
END_TEST

START_TEST(open_riff_sizes_and_block_aligns_are_not_believed)
{
    static const uint32_t riff[] = {0, 1, 0xffffffff};
    static const unsigned align[] = {0, 1, 3, 65535};
    for (size_t i = 0; i < 12; i++) {
        struct clip c = {.n = 0};
        put_simple(&c);
        memcpy(c.bytes + 4, &riff[i % 3], 4);
        c.bytes[32] = (uint8_t)align[i % 4];
        c.bytes[33] = (uint8_t)(align[i % 4] >> 8);
        clip_data(&c, sizeof(body), body, sizeof(body));
        expect_bytes(&c, sizeof(body));
    }
}
END_TEST

START_TEST(open_junk_in_front_with_or_without_pad)
{
    for (int odd = 0; odd < 2; odd++) {
        for (int padded = 0; padded < 2; padded++) {
            struct clip c = {.n = 0};
            clip_riff(&c);
            clip_id(&c, "JUNK");
            clip_le32(&c, 10);
            clip_put(&c, "0123456789", 10);
            clip_id(&c, "LIST");
            clip_le32(&c, odd ? 5 : 6);
            clip_put(&c, "INFOxx", odd ? 5 : 6);
            if (odd && padded)
                clip_put(&c, "", 1);
            struct clip fmt = {.n = 0};
            clip_fmt(&fmt, 1, 1, 16000, 16);
            clip_put(&c, fmt.bytes, fmt.n);
            clip_done(&fmt);
            clip_data(&c, sizeof(body), body, sizeof(body));
            expect_bytes(&c, sizeof(body));
        }
    }
}
END_TEST

START_TEST(open_hostile_chunks_are_refused)
{
    struct clip c = {.n = 0};
    clip_riff(&c);
    clip_data(&c, sizeof(body), body, sizeof(body));
    expect_refusal(&c, SPARROW_BAD_AUDIO, "no fmt chunk");

    clip_riff(&c);
    clip_id(&c, "LIST");
    clip_le32(&c, 0xfffffff0);
    clip_put(&c, body, sizeof(body));
    expect_refusal(&c, SPARROW_BAD_AUDIO, "4294967280 bytes");

    put_simple(&c);
    clip_fmt(&c, 1, 1, 16000, 16);
    clip_data(&c, sizeof(body), body, sizeof(body));
    expect_refusal(&c, SPARROW_BAD_AUDIO, "two fmt");

    clip_riff(&c);
    clip_id(&c, "fmt ");
    clip_le32(&c, 14);
    clip_put(&c, body, 14);
    clip_data(&c, sizeof(body), body, sizeof(body));
    expect_refusal(&c, SPARROW_BAD_AUDIO, "14 bytes");

    put_simple(&c);
    expect_refusal(&c, SPARROW_BAD_AUDIO, "ends before its data");

    clip_riff(&c);
    for (int i = 0; i < 2000; i++) {
        clip_id(&c, "JUNK");
        clip_le32(&c, 0);
    }
    expect_refusal(&c, SPARROW_BAD_AUDIO, "more than 1024 chunks");
}
END_TEST

START_TEST(open_rf64_takes_its_size_from_ds64)
{
    static const uint64_t sizes[] = {100, 0, UINT64_MAX, UINT64_C(1) << 63, UINT64_C(0x100000064)};
    static const size_t expected[] = {100, sizeof(body), sizeof(body), sizeof(body), sizeof(body)};
    for (size_t i = 0; i < 5; i++) {
        struct clip c = {.n = 0};
        clip_id(&c, "RF64");
        clip_le32(&c, 0xffffffff);
        clip_id(&c, "WAVE");
        clip_id(&c, "ds64");
        clip_le32(&c, 28);
        clip_le32(&c, 1);
        clip_le32(&c, 0);
        clip_le32(&c, (uint32_t)sizes[i]);
        clip_le32(&c, (uint32_t)(sizes[i] >> 32));
        clip_put(&c, body, 12);
        clip_fmt(&c, 1, 1, 16000, 16);
        clip_data(&c, 0xffffffff, body, sizeof(body));
        expect_bytes(&c, expected[i]);
    }
}
END_TEST

START_TEST(open_rifx_reads_everything_the_other_way_round)
{
    static const struct {
        unsigned tag, bits;
        enum sp_pcm_coding_id id;
    } cases[] = {{1, 8, SP_PCM_U8},     {1, 16, SP_PCM_S16BE}, {1, 24, SP_PCM_S24BE},
                 {1, 32, SP_PCM_S32BE}, {3, 32, SP_PCM_F32BE}, {3, 64, SP_PCM_F64BE},
                 {6, 8, SP_PCM_ALAW}};
    static const uint8_t guid[16] = {0,    0, 0, 1,    0, 0,    0,    0x10,
                                     0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
    for (size_t i = 0; i <= 7; i++) {
        bool extensible = i == 7;
        struct clip c = {.n = 0};
        struct sp_pcm pcm;
        clip_id(&c, "RIFX");
        clip_be32(&c, 0);
        clip_id(&c, "WAVE");
        clip_id(&c, "fmt ");
        clip_be32(&c, extensible ? 40 : 16);
        clip_be16(&c, extensible ? 0xfffe : cases[i].tag);
        clip_be16(&c, 3);
        clip_be32(&c, 22050);
        clip_be32(&c, 0);
        clip_be16(&c, 0);
        clip_be16(&c, extensible ? 16 : cases[i].bits);
        if (extensible) {
            clip_put(&c, body, 8);
            clip_put(&c, guid, 16);
        }
        clip_id(&c, "data");
        clip_be32(&c, 100);
        clip_put(&c, body, sizeof(body));
        ck_assert_int_eq(open_wav(&c, c.n, &pcm, NULL), SPARROW_OK);
        ck_assert_ptr_eq(pcm.coding, sp_pcm_coding(extensible ? SP_PCM_S16BE : cases[i].id));
        ck_assert_uint_eq(pcm.rate_hz, 22050);
        ck_assert_uint_eq(pcm.channels, 3);
        ck_assert_uint_eq(pcm.n, 100);
        clip_done(&c);
    }
}
END_TEST

/* Cut anywhere: a refusal before the samples, what is left of them after. Every byte set to all
 * ones or 0: no reading outside the block, which the address sanitizer watches. */
START_TEST(open_every_truncation_and_every_byte_wrong_stays_inside)
{
    struct clip c = {.n = 0};
    put_extensible(&c, 1, 16, 16, 40);
    clip_id(&c, "LIST");
    clip_le32(&c, 3);
    clip_put(&c, "abc", 4);
    clip_data(&c, sizeof(body), body, sizeof(body));
    size_t header = c.n - sizeof(body);
    struct sp_pcm pcm;
    for (size_t n = 0; n <= c.n; n++) {
        int status = open_wav(&c, n, &pcm, NULL);
        ck_assert_int_eq(status, n < header ? SPARROW_BAD_AUDIO : SPARROW_OK);
        if (n >= header)
            ck_assert_uint_eq(pcm.n, n - header);
    }
    unsigned refused = 0;
    for (size_t i = 12; i < header; i++) {
        uint8_t keep = c.bytes[i];
        for (unsigned k = 0; k < 3; k++) {
            c.bytes[i] = k == 0 ? 0xff : k == 1 ? 0 : (uint8_t)(keep ^ 1);
            int status = open_wav(&c, c.n, &pcm, NULL);
            ck_assert(status == SPARROW_OK || status == SPARROW_BAD_AUDIO ||
                      status == SPARROW_UNSUPPORTED_MEDIA);
            refused += status != SPARROW_OK;
        }
        c.bytes[i] = keep;
    }
    ck_assert_uint_gt(refused, 50);
    clip_done(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        open_every_coding_is_recognised,
        open_compressed_codings_are_left_to_others,
        open_unknown_codings_are_unsupported,
        open_24_bits_in_four_bytes_are_32_bits,
        open_extensible_takes_its_tag_from_the_guid,
        open_lying_data_sizes_give_what_is_there,
        open_odd_data_length_is_kept_for_the_reader_to_cut,
        open_trailing_chunks_are_left_out,
        open_riff_sizes_and_block_aligns_are_not_believed,
        open_junk_in_front_with_or_without_pad,
        open_hostile_chunks_are_refused,
        open_rf64_takes_its_size_from_ds64,
        open_rifx_reads_everything_the_other_way_round,
        open_every_truncation_and_every_byte_wrong_stays_inside,
    };
    return RUN_TESTS("wav", tests);
}
