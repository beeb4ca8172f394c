/* immintrin.h - the intrinsics of kernels/cpu/avx512 and of the set avxvnni, in plain C: found in
 * place of the compiler's header, it makes those kernels run on any machine, slowly, so that their
 * logic is tested where there is no such instruction. Written from Intel's descriptions of the
 * operations, lane by lane; loads and stores that want alignment stop the program where they lack
 * it. Add what a kernel newly uses: a compiler names what is missing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EMULATED_IMMINTRIN_H
#define EMULATED_IMMINTRIN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Not inline: the kernels unroll their loops, and each call is a loop here. */
#ifdef __clang__
#define EMULATED static __attribute__((noinline, unused))
#else /* which makes vectors of loops at -O3 only */
#define EMULATED static __attribute__((noinline, unused, optimize("O3")))
#endif
#define EACH(i, n) for (size_t i = 0; i < (n); i++)

#define REGISTER(bytes)                                                                            \
    union {                                                                                        \
        _Alignas(bytes) int8_t s8[bytes];                                                          \
        uint8_t u8[bytes];                                                                         \
        int16_t s16[(bytes) / 2];                                                                  \
        uint16_t u16[(bytes) / 2];                                                                 \
        int32_t s32[(bytes) / 4];                                                                  \
        uint32_t u32[(bytes) / 4];                                                                 \
        int64_t s64[(bytes) / 8];                                                                  \
        uint64_t u64[(bytes) / 8];                                                                 \
        float f32[(bytes) / 4];                                                                    \
    }
typedef REGISTER(16) __m128i;
typedef REGISTER(32) __m256i;
typedef REGISTER(64) __m512i;
typedef REGISTER(64) __m512;
typedef __m128i __m128i_u __attribute__((aligned(1)));
typedef __m256i __m256i_u __attribute__((aligned(1)));
typedef __m512i __m512i_u __attribute__((aligned(1)));
typedef uint8_t __mmask8;
typedef uint16_t __mmask16;
typedef uint32_t __mmask32;
typedef uint64_t __mmask64;

EMULATED const void *emulated_aligned(const void *p, uintptr_t to)
{
    if ((uintptr_t)p % to != 0)
        abort();
    return p;
}

/* ---- one operation, for registers of 128, 256 and 512 bits ---- */

#define FOR_WIDTHS(MAKE, ...)                                                                      \
    MAKE(_mm, __m128i, 16, __VA_ARGS__)                                                            \
    MAKE(_mm256, __m256i, 32, __VA_ARGS__)                                                         \
    MAKE(_mm512, __m512i, 64, __VA_ARGS__)

/* r[i] from x = a[i] and y = b[i]; `field` of n bytes each. */
#define MAKE_BINARY(mm, m, bytes, op, field, n, expression)                                        \
    EMULATED m mm##_##op(m a, m b)                                                                 \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / (n))                                                                     \
        {                                                                                          \
            __auto_type x = a.field[i];                                                            \
            __auto_type y = b.field[i];                                                            \
            r.field[i] = (__typeof__(r.field[0]))(expression);                                     \
        }                                                                                          \
        return r;                                                                                  \
    }
#define BINARY(op, field, n, expression) FOR_WIDTHS(MAKE_BINARY, op, field, n, expression)

BINARY(add_epi8, u8, 1, x + y)
BINARY(add_epi16, u16, 2, x + y)
BINARY(add_epi32, u32, 4, x + y)
BINARY(add_epi64, u64, 8, x + y)
BINARY(sub_epi64, u64, 8, x - y)
BINARY(sub_epi8, u8, 1, x - y)
BINARY(sub_epi16, u16, 2, x - y)
BINARY(sub_epi32, u32, 4, x - y)
BINARY(max_epi16, s16, 2, x > y ? x : y)
BINARY(min_epi16, s16, 2, x < y ? x : y)
BINARY(max_epi32, s32, 4, x > y ? x : y)
BINARY(min_epi32, s32, 4, x < y ? x : y)
BINARY(max_epu8, u8, 1, x > y ? x : y)
BINARY(min_epu8, u8, 1, x < y ? x : y)
BINARY(min_epu16, u16, 2, x < y ? x : y)
BINARY(max_epu32, u32, 4, x > y ? x : y)
BINARY(min_epu32, u32, 4, x < y ? x : y)
BINARY(min_epu64, u64, 8, x < y ? x : y)
BINARY(mullo_epi16, u16, 2, (uint32_t)x *y)
BINARY(mullo_epi32, u32, 4, x *y)
BINARY(mul_epu32, u64, 8, (uint64_t)(uint32_t)x *(uint32_t)y)
BINARY(mulhrs_epi16, s16, 2, ((((int32_t)x * y) >> 14) + 1) >> 1)
BINARY(sllv_epi32, u32, 4, y > 31 ? 0 : x << y)
BINARY(srlv_epi32, u32, 4, y > 31 ? 0 : x >> y)
BINARY(srlv_epi64, u64, 8, y > 63 ? 0 : x >> y)

/* r[i] from x = a[i] and an immediate. */
#define MAKE_SHIFT(mm, m, bytes, op, field, n, expression)                                         \
    EMULATED m mm##_##op(m a, unsigned count)                                                      \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / (n))                                                                     \
        {                                                                                          \
            __auto_type x = a.field[i];                                                            \
            r.field[i] = (__typeof__(r.field[0]))(expression);                                     \
        }                                                                                          \
        return r;                                                                                  \
    }
#define SHIFT(op, field, n, expression) FOR_WIDTHS(MAKE_SHIFT, op, field, n, expression)

SHIFT(slli_epi16, u16, 2, count > 15 ? 0 : (uint32_t)x << count)
SHIFT(slli_epi32, u32, 4, count > 31 ? 0 : x << count)
SHIFT(slli_epi64, u64, 8, count > 63 ? 0 : x << count)
SHIFT(srli_epi16, u16, 2, count > 15 ? 0 : x >> count)
SHIFT(srli_epi32, u32, 4, count > 31 ? 0 : x >> count)
SHIFT(srli_epi64, u64, 8, count > 63 ? 0 : x >> count)
SHIFT(srai_epi32, s32, 4, x >> (count > 31 ? 31 : count))

#define MAKE_SET1(mm, m, bytes, suffix, field, type, n)                                            \
    EMULATED m mm##_set1_##suffix(type x)                                                          \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / (n))                                                                     \
        r.field[i] = (__typeof__(r.field[0]))x;                                                    \
        return r;                                                                                  \
    }
FOR_WIDTHS(MAKE_SET1, epi8, s8, char, 1)
FOR_WIDTHS(MAKE_SET1, epi16, s16, short, 2)
FOR_WIDTHS(MAKE_SET1, epi32, s32, int, 4)
EMULATED __m128i _mm_set1_epi64x(long long x)
{
    __m128i r = {.s64 = {x, x}};
    return r;
}
EMULATED __m256i _mm256_set1_epi64x(long long x)
{
    __m256i r = {.s64 = {x, x, x, x}};
    return r;
}
EMULATED __m512i _mm512_set1_epi64(long long x)
{
    __m512i r;
    EACH(i, 8)
    r.s64[i] = x;
    return r;
}

/* ---- within each 128 bits ---- */

/* The low (or high) halves of a and b, element by element in turn. */
#define MAKE_UNPACK(mm, m, bytes, op, field, n, high)                                              \
    EMULATED m mm##_##op(m a, m b)                                                                 \
    {                                                                                              \
        m r;                                                                                       \
        const size_t per = 16 / (n), half = per / 2;                                               \
        EACH(lane, (bytes) / 16)                                                                   \
        EACH(i, half)                                                                              \
        {                                                                                          \
            size_t from = lane * per + (high)*half + i, to = lane * per + 2 * i;                   \
            r.field[to] = a.field[from];                                                           \
            r.field[to + 1] = b.field[from];                                                       \
        }                                                                                          \
        return r;                                                                                  \
    }
#define UNPACK(bits, field, n)                                                                     \
    FOR_WIDTHS(MAKE_UNPACK, unpacklo_epi##bits, field, n, 0)                                       \
    FOR_WIDTHS(MAKE_UNPACK, unpackhi_epi##bits, field, n, 1)
UNPACK(8, u8, 1)
UNPACK(16, u16, 2)
UNPACK(32, u32, 4)
UNPACK(64, u64, 8)

/* Elements of n bytes of a, then of b, to half their width, as far as that reaches. */
#define MAKE_PACK(mm, m, bytes, op, from, to, n, low, high)                                        \
    EMULATED m mm##_##op(m a, m b)                                                                 \
    {                                                                                              \
        m r;                                                                                       \
        const size_t per = 16 / (n);                                                               \
        EACH(lane, (bytes) / 16)                                                                   \
        EACH(i, 2 * per)                                                                           \
        {                                                                                          \
            int32_t x = i < per ? a.from[lane * per + i] : b.from[lane * per + i - per];           \
            r.to[2 * lane * per + i] = (__typeof__(r.to[0]))(x < (low)    ? (low)                  \
                                                             : x > (high) ? (high)                 \
                                                                          : x);                    \
        }                                                                                          \
        return r;                                                                                  \
    }
FOR_WIDTHS(MAKE_PACK, packs_epi16, s16, s8, 2, -128, 127)
FOR_WIDTHS(MAKE_PACK, packus_epi16, s16, u8, 2, 0, 255)
FOR_WIDTHS(MAKE_PACK, packs_epi32, s32, s16, 4, -32768, 32767)
FOR_WIDTHS(MAKE_PACK, packus_epi32, s32, u16, 4, 0, 65535)

#define MAKE_SHUFFLES(mm, m, bytes, unused)                                                        \
    EMULATED m mm##_shuffle_epi8(m a, m b)                                                         \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, bytes)                                                                             \
        r.u8[i] = b.u8[i] & 0x80 ? 0 : a.u8[i / 16 * 16 + (b.u8[i] & 15)];                         \
        return r;                                                                                  \
    }                                                                                              \
    EMULATED m mm##_shuffle_epi32(m a, int imm)                                                    \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / 4)                                                                       \
        r.u32[i] = a.u32[i / 4 * 4 + (((unsigned)imm >> 2 * (i % 4)) & 3)];                        \
        return r;                                                                                  \
    }
FOR_WIDTHS(MAKE_SHUFFLES, 0)

/* ---- products ---- */

EMULATED int32_t emulated_s16(int32_t x)
{
    return x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x;
}

#define MAKE_PRODUCTS(mm, m, bytes, unused)                                                        \
    EMULATED m mm##_madd_epi16(m a, m b)                                                           \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / 4)                                                                       \
        r.u32[i] = (uint32_t)(a.s16[2 * i] * b.s16[2 * i]) +                                       \
                   (uint32_t)(a.s16[2 * i + 1] * b.s16[2 * i + 1]);                                \
        return r;                                                                                  \
    }                                                                                              \
    EMULATED m mm##_maddubs_epi16(m a, m b)                                                        \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / 2)                                                                       \
        r.s16[i] =                                                                                 \
            (int16_t)emulated_s16(a.u8[2 * i] * b.s8[2 * i] + a.u8[2 * i + 1] * b.s8[2 * i + 1]);  \
        return r;                                                                                  \
    }                                                                                              \
    EMULATED m mm##_dpbusd_epi32(m sum, m a, m b)                                                  \
    {                                                                                              \
        EACH(i, (bytes) / 4)                                                                       \
        EACH(j, 4)                                                                                 \
        sum.u32[i] += (uint32_t)(a.u8[4 * i + j] * b.s8[4 * i + j]);                               \
        return sum;                                                                                \
    }
FOR_WIDTHS(MAKE_PRODUCTS, 0)
#define _mm256_dpbusd_avx_epi32 _mm256_dpbusd_epi32

/* ---- memory, whole registers, halves and quarters ---- */

#define MAKE_MEMORY(mm, m, bytes, si)                                                              \
    EMULATED m mm##_loadu_##si(const void *p)                                                      \
    {                                                                                              \
        m r;                                                                                       \
        memcpy(&r, p, bytes);                                                                      \
        return r;                                                                                  \
    }                                                                                              \
    EMULATED m mm##_load_##si(const void *p)                                                       \
    {                                                                                              \
        return mm##_loadu_##si(emulated_aligned(p, bytes));                                        \
    }                                                                                              \
    EMULATED void mm##_storeu_##si(void *p, m a)                                                   \
    {                                                                                              \
        memcpy(p, &a, bytes);                                                                      \
    }                                                                                              \
    EMULATED void mm##_store_##si(void *p, m a)                                                    \
    {                                                                                              \
        emulated_aligned(p, bytes);                                                                \
        memcpy(p, &a, bytes);                                                                      \
    }                                                                                              \
    EMULATED m mm##_setzero_##si(void)                                                             \
    {                                                                                              \
        m r = {.u8 = {0}};                                                                         \
        return r;                                                                                  \
    }
MAKE_MEMORY(_mm, __m128i, 16, si128)
MAKE_MEMORY(_mm256, __m256i, 32, si256)
MAKE_MEMORY(_mm512, __m512i, 64, si512)

EMULATED void _mm_storel_epi64(void *p, __m128i a)
{
    memcpy(p, &a, 8);
}

#define MAKE_LOGIC(mm, m, bytes, si, op, expression)                                               \
    EMULATED m mm##_##op##_##si(m a, m b)                                                          \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, (bytes) / 8)                                                                       \
        {                                                                                          \
            uint64_t x = a.u64[i], y = b.u64[i];                                                   \
            r.u64[i] = expression;                                                                 \
        }                                                                                          \
        return r;                                                                                  \
    }
#define LOGIC(op, expression)                                                                      \
    MAKE_LOGIC(_mm, __m128i, 16, si128, op, expression)                                            \
    MAKE_LOGIC(_mm256, __m256i, 32, si256, op, expression)                                         \
    MAKE_LOGIC(_mm512, __m512i, 64, si512, op, expression)
LOGIC(and, x &y)
LOGIC(or, x | y)
LOGIC(xor, x ^ y)
LOGIC(andnot, ~x &y)

EMULATED __m512i _mm512_ternarylogic_epi32(__m512i a, __m512i b, __m512i c, int imm)
{
    __m512i r = _mm512_setzero_si512();
    EACH(i, 8)
    EACH(k, 8)
    if (((unsigned)imm >> k) & 1)
        r.u64[i] |= (k & 4 ? a.u64[i] : ~a.u64[i]) & (k & 2 ? b.u64[i] : ~b.u64[i]) &
                    (k & 1 ? c.u64[i] : ~c.u64[i]);
    return r;
}

/* From a register's first bytes, or its part of so many bytes, to another size; the rest may be
 * anything. */
#define CAST(name, to, from, bytes)                                                                \
    EMULATED to name(from a)                                                                       \
    {                                                                                              \
        to r;                                                                                      \
        memset(&r, 0xa5, sizeof(r));                                                               \
        memcpy(&r, &a, bytes);                                                                     \
        return r;                                                                                  \
    }
CAST(_mm256_castsi256_si128, __m128i, __m256i, 16)
CAST(_mm256_castsi128_si256, __m256i, __m128i, 16)
CAST(_mm512_castsi512_si128, __m128i, __m512i, 16)
CAST(_mm512_castsi512_si256, __m256i, __m512i, 32)
CAST(_mm512_castsi256_si512, __m512i, __m256i, 32)
CAST(_mm512_castsi128_si512, __m512i, __m128i, 16)
CAST(_mm512_castps_si512, __m512i, __m512, 64)
CAST(_mm512_castsi512_ps, __m512, __m512i, 64)

#define EXTRACT(name, to, from, bytes, parts)                                                      \
    EMULATED to name(from a, int part)                                                             \
    {                                                                                              \
        to r;                                                                                      \
        memcpy(&r, a.u8 + (bytes) * ((unsigned)part % (parts)), bytes);                            \
        return r;                                                                                  \
    }
EXTRACT(_mm256_extracti128_si256, __m128i, __m256i, 16, 2)
EXTRACT(_mm512_extracti32x4_epi32, __m128i, __m512i, 16, 4)
EXTRACT(_mm512_extracti64x4_epi64, __m256i, __m512i, 32, 2)

EMULATED long long _mm512_reduce_add_epi64(__m512i a)
{
    uint64_t sum = 0;
    EACH(i, 8) sum += a.u64[i];
    return (long long)sum;
}

#define INSERT(name, to, from, bytes, parts)                                                       \
    EMULATED to name(to a, from b, int part)                                                       \
    {                                                                                              \
        memcpy(a.u8 + (bytes) * ((unsigned)part % (parts)), &b, bytes);                            \
        return a;                                                                                  \
    }
INSERT(_mm256_inserti128_si256, __m256i, __m128i, 16, 2)
INSERT(_mm512_inserti32x4, __m512i, __m128i, 16, 4)
INSERT(_mm512_inserti64x4, __m512i, __m256i, 32, 2)

EMULATED __m256i _mm256_broadcastsi128_si256(__m128i a)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), a, 1);
}

/* A half each: 0 and 1 of a, 2 and 3 of b, 8 and more is 0. */
EMULATED __m256i _mm256_permute2x128_si256(__m256i a, __m256i b, int imm)
{
    __m256i r = {.u8 = {0}};
    EACH(i, 2)
    {
        unsigned from = ((unsigned)imm >> 4 * i) & 15;
        if (from < 8)
            memcpy(r.u8 + 16 * i, (from & 2 ? b.u8 : a.u8) + 16 * (from & 1), 16);
    }
    return r;
}

EMULATED __m512i _mm512_broadcast_i64x4(__m256i a)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), a, 1);
}

EMULATED __m512i _mm512_broadcast_i32x4(__m128i a)
{
    return _mm512_broadcast_i64x4(_mm256_broadcastsi128_si256(a));
}

EMULATED __m512i _mm512_shuffle_i32x4(__m512i a, __m512i b, int imm)
{
    __m512i r;
    EACH(i, 4)
    memcpy(r.u8 + 16 * i, (i < 2 ? a.u8 : b.u8) + 16 * (((unsigned)imm >> 2 * i) & 3), 16);
    return r;
}

EMULATED __m512i _mm512_shuffle_i64x2(__m512i a, __m512i b, int imm)
{
    return _mm512_shuffle_i32x4(a, b, imm);
}

/* ---- anywhere in a register ---- */

#define PERMUTE(name, m, field, count)                                                             \
    EMULATED m name(m index, m a)                                                                  \
    {                                                                                              \
        m r;                                                                                       \
        EACH(i, count)                                                                             \
        r.field[i] = a.field[index.field[i] % (count)];                                            \
        return r;                                                                                  \
    }
PERMUTE(_mm256_permutexvar_epi32, __m256i, u32, 8)
PERMUTE(_mm512_permutexvar_epi8, __m512i, u8, 64)
PERMUTE(_mm512_permutexvar_epi16, __m512i, u16, 32)
PERMUTE(_mm512_permutexvar_epi32, __m512i, u32, 16)
PERMUTE(_mm512_permutexvar_epi64, __m512i, u64, 8)

EMULATED __m256i _mm256_permutevar8x32_epi32(__m256i a, __m256i index)
{
    return _mm256_permutexvar_epi32(index, a);
}

#define PERMUTE2(name, field, count)                                                               \
    EMULATED __m512i name(__m512i a, __m512i index, __m512i b)                                     \
    {                                                                                              \
        __m512i r;                                                                                 \
        EACH(i, count)                                                                             \
        {                                                                                          \
            size_t from = index.field[i] % (2 * (count));                                          \
            r.field[i] = from < (count) ? a.field[from] : b.field[from - (count)];                 \
        }                                                                                          \
        return r;                                                                                  \
    }
PERMUTE2(_mm512_permutex2var_epi8, u8, 64)
PERMUTE2(_mm512_permutex2var_epi16, u16, 32)
PERMUTE2(_mm512_permutex2var_epi32, u32, 16)

/* Of each 128 bits the elements of b where a bit is 1. */
EMULATED __m256i _mm256_blend_epi16(__m256i a, __m256i b, int imm)
{
    EACH(i, 16)
    if (((unsigned)imm >> i % 8) & 1)
        a.u16[i] = b.u16[i];
    return a;
}

/* Of b where the mask is 1. */
EMULATED __m512i _mm512_mask_blend_epi16(__mmask32 k, __m512i a, __m512i b)
{
    EACH(i, 32)
    if ((k >> i) & 1)
        a.u16[i] = b.u16[i];
    return a;
}

EMULATED __m256i _mm256_cmpeq_epi8(__m256i a, __m256i b)
{
    EACH(i, 32)
    a.s8[i] = a.u8[i] == b.u8[i] ? -1 : 0;
    return a;
}

EMULATED __m256i _mm256_cmpgt_epi32(__m256i a, __m256i b)
{
    EACH(i, 8)
    a.s32[i] = a.s32[i] > b.s32[i] ? -1 : 0;
    return a;
}

EMULATED __mmask64 _mm512_cmpeq_epi8_mask(__m512i a, __m512i b)
{
    __mmask64 r = 0;
    EACH(i, 64)
    r |= (uint64_t)(a.u8[i] == b.u8[i]) << i;
    return r;
}

#define MASKZ(name, m, mask, field, count)                                                         \
    EMULATED m name(mask k, m a)                                                                   \
    {                                                                                              \
        EACH(i, count)                                                                             \
        if (((uint64_t)k >> i & 1) == 0)                                                           \
            a.field[i] = 0;                                                                        \
        return a;                                                                                  \
    }
MASKZ(_mm_maskz_mov_epi32, __m128i, __mmask8, u32, 4)
MASKZ(_mm256_maskz_mov_epi32, __m256i, __mmask8, u32, 8)
MASKZ(_mm512_maskz_mov_epi32, __m512i, __mmask16, u32, 16)
MASKZ(_mm512_maskz_mov_epi8, __m512i, __mmask64, u8, 64)

/* What the mask leaves out is not touched. */
#define MASKED_MEMORY(mm, m, bits, mask, field, type, count)                                       \
    EMULATED m mm##_maskz_loadu_epi##bits(mask k, const void *p)                                   \
    {                                                                                              \
        m r = {.u8 = {0}};                                                                         \
        EACH(i, count)                                                                             \
        if ((uint64_t)k >> i & 1)                                                                  \
            memcpy(&r.field[i], (const type *)p + i, sizeof(type));                                \
        return r;                                                                                  \
    }                                                                                              \
    EMULATED void mm##_mask_storeu_epi##bits(void *p, mask k, m a)                                 \
    {                                                                                              \
        EACH(i, count)                                                                             \
        if ((uint64_t)k >> i & 1)                                                                  \
            memcpy((type *)p + i, &a.field[i], sizeof(type));                                      \
    }
MASKED_MEMORY(_mm, __m128i, 8, __mmask16, u8, uint8_t, 16)
MASKED_MEMORY(_mm, __m128i, 32, __mmask8, u32, uint32_t, 4)
MASKED_MEMORY(_mm256, __m256i, 8, __mmask32, u8, uint8_t, 32)
MASKED_MEMORY(_mm256, __m256i, 32, __mmask8, u32, uint32_t, 8)
MASKED_MEMORY(_mm512, __m512i, 8, __mmask64, u8, uint8_t, 64)
MASKED_MEMORY(_mm512, __m512i, 32, __mmask16, u32, uint32_t, 16)

EMULATED __m128i _mm512_cvtepi32_epi8(__m512i a)
{
    __m128i r;
    EACH(i, 16)
    r.u8[i] = (uint8_t)a.u32[i];
    return r;
}

EMULATED __m512i _mm512_cvtepi8_epi32(__m128i a)
{
    __m512i r;
    EACH(i, 16)
    r.s32[i] = a.s8[i];
    return r;
}

EMULATED __m512i _mm512_cvtepi16_epi32(__m256i a)
{
    __m512i r;
    EACH(i, 16)
    r.s32[i] = a.s16[i];
    return r;
}

#define _mm_setr_epi8(...)     ((__m128i){.s8 = {__VA_ARGS__}})
#define _mm_setr_epi32(...)    ((__m128i){.s32 = {__VA_ARGS__}})
#define _mm256_setr_epi8(...)  ((__m256i){.s8 = {__VA_ARGS__}})
#define _mm256_setr_epi32(...) ((__m256i){.s32 = {__VA_ARGS__}})
#define _mm512_setr_epi32(...) ((__m512i){.s32 = {__VA_ARGS__}})
#define _mm512_setr_epi64(...) ((__m512i){.s64 = {__VA_ARGS__}})

/* ---- float ---- */

EMULATED __m512 _mm512_load_ps(const void *p)
{
    return _mm512_castsi512_ps(_mm512_load_si512(p));
}

EMULATED __m512 _mm512_loadu_ps(const void *p)
{
    return _mm512_castsi512_ps(_mm512_loadu_si512(p));
}

EMULATED void _mm512_store_ps(void *p, __m512 a)
{
    _mm512_store_si512(p, _mm512_castps_si512(a));
}

EMULATED void _mm512_storeu_ps(void *p, __m512 a)
{
    _mm512_storeu_si512(p, _mm512_castps_si512(a));
}

EMULATED __m512 _mm512_set1_ps(float x)
{
    __m512 r;
    EACH(i, 16)
    r.f32[i] = x;
    return r;
}

EMULATED __m512 _mm512_setzero_ps(void)
{
    return _mm512_set1_ps(0);
}

#define FLOAT(op, expression)                                                                      \
    EMULATED __m512 _mm512_##op##_ps(__m512 a, __m512 b)                                           \
    {                                                                                              \
        __m512 r;                                                                                  \
        EACH(i, 16)                                                                                \
        {                                                                                          \
            float x = a.f32[i], y = b.f32[i];                                                      \
            r.f32[i] = expression;                                                                 \
        }                                                                                          \
        return r;                                                                                  \
    }
FLOAT(add, x + y)
FLOAT(sub, x - y)
FLOAT(mul, x *y)
FLOAT(max, x > y ? x : y)
FLOAT(min, x < y ? x : y)

/* Rounded once. */
#define FUSED(op, expression)                                                                      \
    EMULATED __m512 _mm512_##op##_ps(__m512 a, __m512 b, __m512 c)                                 \
    {                                                                                              \
        __m512 r;                                                                                  \
        EACH(i, 16)                                                                                \
        {                                                                                          \
            float x = a.f32[i], y = b.f32[i], z = c.f32[i];                                        \
            r.f32[i] = expression;                                                                 \
        }                                                                                          \
        return r;                                                                                  \
    }
FUSED(fmadd, fmaf(x, y, z))
FUSED(fmsub, fmaf(x, y, -z))
FUSED(fnmadd, fmaf(-x, y, z))
FUSED(fnmsub, fmaf(-x, y, -z))

EMULATED __m512 _mm512_cvtepi32_ps(__m512i a)
{
    __m512 r;
    EACH(i, 16)
    r.f32[i] = (float)a.s32[i];
    return r;
}

EMULATED __m512i _mm512_cvttps_epi32(__m512 a)
{
    __m512i r;
    EACH(i, 16)
    {
        float x = a.f32[i];
        r.s32[i] = x >= -0x1p31f && x < 0x1p31f ? (int32_t)x : INT32_MIN;
    }
    return r;
}

/* The exponent of |x| as a whole number; of 0 it is minus infinity. */
EMULATED __m512 _mm512_getexp_ps(__m512 a)
{
    __m512 r;
    EACH(i, 16)
    r.f32[i] = logbf(a.f32[i]);
    return r;
}

typedef enum { _MM_MANT_NORM_1_2 } _MM_MANTISSA_NORM_ENUM;
typedef enum { _MM_MANT_SIGN_src, _MM_MANT_SIGN_zero } _MM_MANTISSA_SIGN_ENUM;

/* The mantissa in 1 .. 2; of 0 and of infinity it is 1. */
EMULATED __m512 _mm512_getmant_ps(__m512 a, _MM_MANTISSA_NORM_ENUM norm,
                                  _MM_MANTISSA_SIGN_ENUM sign)
{
    __m512 r;
    (void)norm;
    EACH(i, 16)
    {
        int exponent;
        float x = fabsf(a.f32[i]);
        x = isnan(x) ? x : x > 0 && !isinf(x) ? 2 * frexpf(x, &exponent) : 1;
        r.f32[i] = sign == _MM_MANT_SIGN_zero ? x : copysignf(x, a.f32[i]);
    }
    return r;
}

/* Kernels use empty asm statements to hold compilers off an optimisation; their operands would have
 * to be vector registers. One that is not empty cannot be emulated: it stops the program. */
#define __asm__(...)                                                                               \
    do {                                                                                           \
        if (strncmp(#__VA_ARGS__, "\"\"", 2) != 0)                                                 \
            abort();                                                                               \
    } while (0)

#endif
