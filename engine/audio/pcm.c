/* pcm.c - uncompressed samples in their many codings, to s16, and channels to one.
 *
 * Each coding is one expression over a row of samples. The loops run over blocks of a fixed length
 * and then over the rest, because that is what GCC turns into vector code at -O2 (its cost model
 * refuses an unknown trip count). G.711 is a table: its exponent is a shift by a variable amount,
 * which vector units before AVX2 do not have.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/pcm.h"

#include <string.h>

#define BLOCK 16

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LE(x, bits) (x)
#define BE(x, bits) __builtin_bswap##bits(x)
#else
#define LE(x, bits) __builtin_bswap##bits(x)
#define BE(x, bits) (x)
#endif

/* Defines `static void name(in, n, out)`, which stores EXPRESSION of `p`, the address of each
 * sample. */
#define CONVERTER(name, width, expression)                                                         \
    static inline __attribute__((always_inline)) void name##_row(const uint8_t *restrict in,       \
                                                                 size_t n, int16_t *restrict out)  \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const uint8_t *p = in + i * (width);                                                   \
            out[i] = (expression);                                                                 \
        }                                                                                          \
    }                                                                                              \
    static void name(const uint8_t *restrict in, size_t n, int16_t *restrict out)                  \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + BLOCK <= n; i += BLOCK)                                                         \
            name##_row(in + i * (width), BLOCK, out + i);                                          \
        name##_row(in + i * (width), n - i, out + i);                                              \
    }

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

/* The upper half of a 32-bit sample, rounded; only the largest values can pass the limit. */
static inline int16_t round32(uint32_t bits)
{
    int32_t x = (int32_t)bits;
    int32_t half = (x >> 15) + 1; /* in [-65535, 65536] */
    int32_t y = half >> 1;
    return (int16_t)(y > INT16_MAX ? INT16_MAX : y);
}

/* Limits by comparing bits, not floats: a float comparison may trap, so GCC will not turn it into a
 * select. */
static inline int16_t round_float(float x)
{
    const uint32_t full_scale = 0x47000000; /* 32768.0f */
    const uint32_t infinity = 0x7f800000;
    const uint32_t half = 0x3f000000; /* 0.5f */
    float y = x * 32768.0f;
    uint32_t bits;
    memcpy(&bits, &y, sizeof(bits));
    uint32_t sign = bits & 0x80000000;
    uint32_t size = bits & 0x7fffffff;
    size = size > infinity ? 0 : size; /* NaN */
    size = size > full_scale ? full_scale : size;
    bits = size | sign;
    memcpy(&y, &bits, sizeof(y));
    uint32_t signed_half = half | sign;
    float nudge;
    memcpy(&nudge, &signed_half, sizeof(nudge));
    int32_t z = (int32_t)(y + nudge); /* in [-32768, 32768] */
    return (int16_t)(z > INT16_MAX ? INT16_MAX : z);
}

static inline int16_t round_double(double x)
{
    double y = x * 32768.0;
    y = y == y ? y : 0.0;
    y = y < -32768.0 ? -32768.0 : y;
    y = y > 32767.0 ? 32767.0 : y;
    return (int16_t)(int32_t)(y + (y < 0.0 ? -0.5 : 0.5));
}

static inline int16_t round_float_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return round_float(x);
}

static inline int16_t round_double_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return round_double(x);
}

static inline uint32_t bits24(uint8_t high, uint8_t middle, uint8_t low)
{
    return (uint32_t)high << 24 | (uint32_t)middle << 16 | (uint32_t)low << 8;
}

CONVERTER(from_u8, 1, (int16_t)((p[0] - 128) * 256))
CONVERTER(from_s16le, 2, (int16_t)LE(load16(p), 16))
CONVERTER(from_s16be, 2, (int16_t)BE(load16(p), 16))
CONVERTER(from_s24le, 3, round32(bits24(p[2], p[1], p[0])))
CONVERTER(from_s24be, 3, round32(bits24(p[0], p[1], p[2])))
CONVERTER(from_s32le, 4, round32(LE(load32(p), 32)))
CONVERTER(from_s32be, 4, round32(BE(load32(p), 32)))
CONVERTER(from_f32le, 4, round_float_bits(LE(load32(p), 32)))
CONVERTER(from_f32be, 4, round_float_bits(BE(load32(p), 32)))
CONVERTER(from_f64le, 8, round_double_bits(LE(load64(p), 64)))
CONVERTER(from_f64be, 8, round_double_bits(BE(load64(p), 64)))

/* ITU-T G.711 in 16 bits, for codes 0x00..0x7f; the other half has the opposite sign. Both tables
 * are printed by the formulas that tests/unit/audio/test_pcm.c holds them against. */
static const int16_t mulaw_table[128] = {
    -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884, -20860,
    -19836, -18812, -17788, -16764, -15996, -15484, -14972, -14460, -13948, -13436, -12924, -12412,
    -11900, -11388, -10876, -10364, -9852,  -9340,  -8828,  -8316,  -7932,  -7676,  -7420,  -7164,
    -6908,  -6652,  -6396,  -6140,  -5884,  -5628,  -5372,  -5116,  -4860,  -4604,  -4348,  -4092,
    -3900,  -3772,  -3644,  -3516,  -3388,  -3260,  -3132,  -3004,  -2876,  -2748,  -2620,  -2492,
    -2364,  -2236,  -2108,  -1980,  -1884,  -1820,  -1756,  -1692,  -1628,  -1564,  -1500,  -1436,
    -1372,  -1308,  -1244,  -1180,  -1116,  -1052,  -988,   -924,   -876,   -844,   -812,   -780,
    -748,   -716,   -684,   -652,   -620,   -588,   -556,   -524,   -492,   -460,   -428,   -396,
    -372,   -356,   -340,   -324,   -308,   -292,   -276,   -260,   -244,   -228,   -212,   -196,
    -180,   -164,   -148,   -132,   -120,   -112,   -104,   -96,    -88,    -80,    -72,    -64,
    -56,    -48,    -40,    -32,    -24,    -16,    -8,     0,
};
static const int16_t alaw_table[128] = {
    -5504,  -5248,  -6016,  -5760,  -4480,  -4224,  -4992,  -4736,  -7552,  -7296,  -8064,  -7808,
    -6528,  -6272,  -7040,  -6784,  -2752,  -2624,  -3008,  -2880,  -2240,  -2112,  -2496,  -2368,
    -3776,  -3648,  -4032,  -3904,  -3264,  -3136,  -3520,  -3392,  -22016, -20992, -24064, -23040,
    -17920, -16896, -19968, -18944, -30208, -29184, -32256, -31232, -26112, -25088, -28160, -27136,
    -11008, -10496, -12032, -11520, -8960,  -8448,  -9984,  -9472,  -15104, -14592, -16128, -15616,
    -13056, -12544, -14080, -13568, -344,   -328,   -376,   -360,   -280,   -264,   -312,   -296,
    -472,   -456,   -504,   -488,   -408,   -392,   -440,   -424,   -88,    -72,    -120,   -104,
    -24,    -8,     -56,    -40,    -216,   -200,   -248,   -232,   -152,   -136,   -184,   -168,
    -1376,  -1312,  -1504,  -1440,  -1120,  -1056,  -1248,  -1184,  -1888,  -1824,  -2016,  -1952,
    -1632,  -1568,  -1760,  -1696,  -688,   -656,   -752,   -720,   -560,   -528,   -624,   -592,
    -944,   -912,   -1008,  -976,   -816,   -784,   -880,   -848,
};

static inline int16_t from_g711_code(const int16_t *table, uint8_t code)
{
    int16_t x = table[code & 0x7f];
    return (int16_t)(code & 0x80 ? -x : x);
}

CONVERTER(from_mulaw, 1, from_g711_code(mulaw_table, p[0]))
CONVERTER(from_alaw, 1, from_g711_code(alaw_table, p[0]))

static const struct sp_pcm_coding codings[SP_PCM_CODING_COUNT] = {
    [SP_PCM_U8] = {"pcm8", 1, from_u8},          [SP_PCM_S16LE] = {"pcm16", 2, from_s16le},
    [SP_PCM_S16BE] = {"pcm16", 2, from_s16be},   [SP_PCM_S24LE] = {"pcm24", 3, from_s24le},
    [SP_PCM_S24BE] = {"pcm24", 3, from_s24be},   [SP_PCM_S32LE] = {"pcm32", 4, from_s32le},
    [SP_PCM_S32BE] = {"pcm32", 4, from_s32be},   [SP_PCM_F32LE] = {"float32", 4, from_f32le},
    [SP_PCM_F32BE] = {"float32", 4, from_f32be}, [SP_PCM_F64LE] = {"float64", 8, from_f64le},
    [SP_PCM_F64BE] = {"float64", 8, from_f64be}, [SP_PCM_MULAW] = {"mulaw", 1, from_mulaw},
    [SP_PCM_ALAW] = {"alaw", 1, from_alaw},
};

const struct sp_pcm_coding *sp_pcm_coding(enum sp_pcm_coding_id id)
{
    return &codings[id];
}

void sp_pcm_from_float(const float *restrict in, size_t n, int16_t *restrict out)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t j = 0; j < BLOCK; j++)
            out[i + j] = round_float(in[i + j]);
    for (; i < n; i++)
        out[i] = round_float(in[i]);
}

/* In place this works because a frame is read before its mean is written, at or before where it
 * began. */
static void mix_stereo(const int16_t *in, size_t frames, int16_t *out)
{
    for (size_t i = 0; i < frames; i++)
        out[i] = (int16_t)((in[2 * i] + in[2 * i + 1] + 1) >> 1);
}

/* Floor of (sum + channels / 2) / channels, in whole numbers that cannot be negative. */
static int16_t mean(int32_t sum, int32_t channels)
{
    int32_t shifted = sum + 32768 * channels + channels / 2;
    return (int16_t)(shifted / channels - 32768);
}

void sp_pcm_mix(const int16_t *in, size_t frames, unsigned channels, int16_t *out)
{
    if (channels == 1) {
        if (out != in)
            memcpy(out, in, frames * sizeof(*out));
        return;
    }
    if (channels == 2) {
        mix_stereo(in, frames, out);
        return;
    }
    for (size_t i = 0; i < frames; i++) {
        int32_t sum = 0;
        for (unsigned c = 0; c < channels; c++)
            sum += in[i * channels + c];
        out[i] = mean(sum, (int32_t)channels);
    }
}
