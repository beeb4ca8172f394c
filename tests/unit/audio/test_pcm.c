/* test_pcm.c - each coding against its definition, each loop against its own single samples.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/pcm.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tests/unit/audio/run.h"

static int16_t one(enum sp_pcm_coding_id id, const void *bytes)
{
    int16_t out;
    sp_pcm_coding(id)->to_s16(bytes, 1, &out);
    return out;
}

static void reverse(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        uint8_t x = p[i];
        p[i] = p[n - 1 - i];
        p[n - 1 - i] = x;
    }
}

/* The value as `bytes` bytes of a little-endian integer. */
static void little(uint8_t *out, int64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

static int16_t integer(enum sp_pcm_coding_id id, int64_t value, bool big)
{
    uint8_t p[8];
    size_t n = sp_pcm_coding(id)->bytes;
    little(p, value, n);
    if (big)
        reverse(p, n);
    return one(id, p);
}

START_TEST(to_s16_every_value_in_every_width_is_exact)
{
    for (int x = INT16_MIN; x <= INT16_MAX; x++) {
        ck_assert_int_eq(integer(SP_PCM_S16LE, x, false), x);
        ck_assert_int_eq(integer(SP_PCM_S16BE, x, true), x);
        ck_assert_int_eq(integer(SP_PCM_S24LE, x * 256, false), x);
        ck_assert_int_eq(integer(SP_PCM_S24BE, x * 256, true), x);
        ck_assert_int_eq(integer(SP_PCM_S32LE, (int64_t)x * 65536, false), x);
        ck_assert_int_eq(integer(SP_PCM_S32BE, (int64_t)x * 65536, true), x);
    }
    for (int x = 0; x < 256; x++)
        ck_assert_int_eq(integer(SP_PCM_U8, x, false), (x - 128) * 256);
}
END_TEST

START_TEST(to_s16_wide_integers_round_and_saturate)
{
    static const struct {
        int64_t in;
        int out;
    } cases[] = {{0x7f, 0},          {0x80, 1},          {0x17f, 1},         {0x180, 2},
                 {-0x80, 0},         {-0x81, -1},        {-0x180, -1},       {-0x181, -2},
                 {0x7fff7f, 0x7fff}, {0x7fff80, 0x7fff}, {0x7fffff, 0x7fff}, {-0x800000, -0x8000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(integer(SP_PCM_S24LE, cases[i].in, false), cases[i].out);
        ck_assert_int_eq(integer(SP_PCM_S24BE, cases[i].in, true), cases[i].out);
        ck_assert_int_eq(integer(SP_PCM_S32LE, cases[i].in * 256, false), cases[i].out);
        ck_assert_int_eq(integer(SP_PCM_S32BE, cases[i].in * 256, true), cases[i].out);
    }
}
END_TEST

static void expect_float(double value, int expected)
{
    float f = (float)value;
    uint8_t p[8];
    memcpy(p, &f, 4);
    ck_assert_msg(one(SP_PCM_F32LE, p) == expected, "f32 %g: %d, not %d", value,
                  one(SP_PCM_F32LE, p), expected);
    reverse(p, 4);
    ck_assert_int_eq(one(SP_PCM_F32BE, p), expected);
    memcpy(p, &value, 8);
    ck_assert_msg(one(SP_PCM_F64LE, p) == expected, "f64 %g: %d, not %d", value,
                  one(SP_PCM_F64LE, p), expected);
    reverse(p, 8);
    ck_assert_int_eq(one(SP_PCM_F64BE, p), expected);
    int16_t out;
    sp_pcm_from_float(&f, 1, &out);
    ck_assert_int_eq(out, expected);
}

START_TEST(to_s16_floats_round_saturate_and_nan_is_silence)
{
    for (int x = INT16_MIN; x <= INT16_MAX; x += 7)
        expect_float(x / 32768.0, x);
    expect_float(1.0, 32767);
    expect_float(-1.0, -32768);
    expect_float(1.5, 32767);
    expect_float(-1.5, -32768);
    expect_float(3e38, 32767);
    expect_float(-3e38, -32768);
    expect_float(INFINITY, 32767);
    expect_float(-INFINITY, -32768);
    expect_float(NAN, 0);
    expect_float(-NAN, 0);
    expect_float(0.0, 0);
    expect_float(-0.0, 0);
    expect_float(1e-40, 0);
    expect_float(0.5 / 32768, 1);
    expect_float(-0.5 / 32768, -1);
    expect_float(0.49 / 32768, 0);
    expect_float(-1.49 / 32768, -1);
    expect_float(32767.5 / 32768, 32767);
}
END_TEST

/* ITU-T G.711 as arithmetic: sign, exponent, mantissa. */
static int mulaw(unsigned code)
{
    unsigned u = ~code & 0xff;
    int x = (int)(((u & 15) << 3) + 0x84) << (u >> 4 & 7);
    return u & 0x80 ? 0x84 - x : x - 0x84;
}

static int alaw(unsigned code)
{
    unsigned a = code ^ 0x55;
    int x = (int)(a & 15) << 4, exponent = (int)(a >> 4 & 7);
    x = exponent == 0 ? x + 8 : (x + 0x108) << (exponent - 1);
    return a & 0x80 ? x : -x;
}

START_TEST(to_s16_g711_is_the_formula)
{
    for (unsigned code = 0; code < 256; code++) {
        uint8_t byte = (uint8_t)code;
        ck_assert_int_eq(one(SP_PCM_MULAW, &byte), mulaw(code));
        ck_assert_int_eq(one(SP_PCM_ALAW, &byte), alaw(code));
    }
}
END_TEST

/* Blocks and rest, any alignment: as one sample at a time. */
START_TEST(to_s16_rows_of_any_length_equal_single_samples)
{
    uint8_t bytes[8 * 40 + 8];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    for (int id = 0; id < SP_PCM_CODING_COUNT; id++) {
        const struct sp_pcm_coding *coding = sp_pcm_coding((enum sp_pcm_coding_id)id);
        for (size_t n = 0; n <= 40; n++) {
            for (size_t shift = 0; shift < 4; shift++) {
                int16_t out[41] = {0};
                out[n] = 12345;
                coding->to_s16(bytes + shift, n, out);
                for (size_t i = 0; i < n; i++)
                    ck_assert_msg(
                        out[i] == one((enum sp_pcm_coding_id)id, bytes + shift + i * coding->bytes),
                        "%s: sample %zu of %zu", coding->name, i, n);
                ck_assert_int_eq(out[n], 12345);
            }
        }
    }
}
END_TEST

START_TEST(from_float_rows_of_any_length_equal_single_samples)
{
    float in[40];
    for (int i = 0; i < 40; i++)
        in[i] = (float)(i * i - 700) / 611.0f;
    for (size_t n = 0; n <= 40; n++) {
        int16_t out[41] = {0}, single;
        out[n] = 12345;
        sp_pcm_from_float(in, n, out);
        for (size_t i = 0; i < n; i++) {
            sp_pcm_from_float(&in[i], 1, &single);
            ck_assert_int_eq(out[i], single);
        }
        ck_assert_int_eq(out[n], 12345);
    }
}
END_TEST

START_TEST(mix_is_the_rounded_mean_in_place_too)
{
    enum { FRAMES = 500 };
    static int16_t in[FRAMES * 8], out[FRAMES];
    for (unsigned channels = 1; channels <= 8; channels++) {
        uint32_t seed = channels;
        for (size_t i = 0; i < FRAMES * channels; i++)
            in[i] = (int16_t)((seed = seed * 1664525 + 1013904223) >> 16);
        for (unsigned c = 0; c < channels; c++) {
            in[c] = INT16_MAX;
            in[channels + c] = INT16_MIN;
        }
        sp_pcm_mix(in, FRAMES, channels, out);
        for (size_t f = 0; f < FRAMES; f++) {
            double sum = 0;
            for (unsigned c = 0; c < channels; c++)
                sum += in[f * channels + c];
            ck_assert_int_eq(out[f], (int)floor(sum / channels + 0.5));
        }
        sp_pcm_mix(in, FRAMES, channels, in);
        ck_assert_mem_eq(in, out, sizeof(out));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        to_s16_every_value_in_every_width_is_exact,
        to_s16_wide_integers_round_and_saturate,
        to_s16_floats_round_saturate_and_nan_is_silence,
        to_s16_g711_is_the_formula,
        to_s16_rows_of_any_length_equal_single_samples,
        from_float_rows_of_any_length_equal_single_samples,
        mix_is_the_rounded_mean_in_place_too,
    };
    return RUN_TESTS("pcm", tests);
}
