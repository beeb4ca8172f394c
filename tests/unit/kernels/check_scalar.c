/* check_scalar.c - the truth itself, against tensors worked out by hand from ARITHMETIC.md.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/scalar/fused.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/suite.h"

static void same_s32(const int32_t *got, const int32_t *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(got[i] == want[i], "element %zu is %d, not %d", i, got[i], want[i]);
}

static void same_u8(const uint8_t *got, const uint8_t *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(got[i] == want[i], "element %zu is %u, not %u", i, got[i], want[i]);
}

/* 1 x 4 positions of 2 channels; 2 outputs, 3 taps, stride 2, one zero on each side. */
static const struct sp_conv_shape temporal = {
    .in_height = 1,
    .in_width = 4,
    .in_channels = 2,
    .out_height = 1,
    .out_width = 2,
    .out_channels = 2,
    .kernel_height = 1,
    .kernel_width = 3,
    .stride_height = 1,
    .stride_width = 2,
    .pad_left = 1,
};
static const uint8_t temporal_in[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const int32_t temporal_bias[] = {100, -1};
/* output 0: taps (1 0) (0 1) (-1 0); output 1: (0 0) (0 0) (0 2).
 * position 0: taps read 0 | (1 2) | (3 4): 100 + 2 - 3 = 99; -1 + 2 * 4 = 7
 * position 1: taps read (3 4) | (5 6) | (7 8): 100 + 3 + 6 - 7 = 102; -1 + 2 * 8 = 15 */
static const int32_t temporal_out[] = {99, 7, 102, 15};

START_TEST(conv_dense_by_hand)
{
    static const int8_t w[] = {1, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0, 2};
    int32_t out[4];
    sp_conv_dense__scalar(&temporal, w, temporal_bias, temporal_in, out);
    same_s32(out, temporal_out, 4);
}
END_TEST

START_TEST(conv_windows_by_hand)
{
    /* one group of both outputs, windows of one input */
    static const struct sp_place place[] = {{0, 0, 0}, {0, 1, 1}, {0, 2, 0}, {0, 2, 1}};
    static const int8_t values[] = {1, 0, 1, 0, -1, 0, 0, 2};
    struct sp_windows w = {.group = 2, .window = 1, .places = 4, .place = place, .values = values};
    int32_t out[4];
    sp_conv_windows__scalar(&temporal, &w, temporal_bias, temporal_in, out);
    same_s32(out, temporal_out, 4);
}
END_TEST

START_TEST(conv_indexed_by_hand)
{
    static const uint32_t counts[] = {3, 1}, positions[] = {0, 3, 4, 5};
    static const int8_t values[] = {1, 1, -1, 2};
    struct sp_indexed w = {.counts = counts, .positions = positions, .values = values};
    int32_t out[4];
    sp_conv_indexed__scalar(&temporal, &w, temporal_bias, temporal_in, out);
    same_s32(out, temporal_out, 4);
}
END_TEST

START_TEST(conv_flat_by_hand)
{
    /* 2 x 2 kernel over 2 x 3, one row of zeros above: output row 0 sees only the input's row 0 */
    static const struct sp_conv_shape s = {
        .in_height = 2,
        .in_width = 3,
        .in_channels = 1,
        .out_height = 2,
        .out_width = 2,
        .out_channels = 1,
        .kernel_height = 2,
        .kernel_width = 2,
        .stride_height = 1,
        .stride_width = 1,
        .pad_top = 1,
    };
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6};
    static const int8_t w[] = {1, 10, 100, -127};
    static const int32_t bias[] = {0};
    static const int32_t want[] = {
        100 * 1 - 127 * 2,
        100 * 2 - 127 * 3,
        1 + 10 * 2 + 100 * 4 - 127 * 5,
        2 + 10 * 3 + 100 * 5 - 127 * 6,
    };
    int32_t out[4];
    sp_conv_dense__scalar(&s, w, bias, in, out);
    same_s32(out, want, 4);
}
END_TEST

START_TEST(add_by_hand)
{
    static const int32_t a[] = {1, -2, 3};
    static const uint8_t b[] = {10, 20, 127};
    static const uint32_t multipliers[] = {3, 5};
    static const bool active[] = {false, true};
    static const int32_t want[] = {53, 94, 644};
    const void *in[] = {a, b};
    struct sp_add add = {.inputs = 2, .multipliers = multipliers, .active = active};
    int32_t out[3];
    sp_add__scalar(&add, in, 3, out);
    same_s32(out, want, 3);
}
END_TEST

START_TEST(max_pool_drops_partial_windows)
{
    /* 3 x 3 positions, pool 2 x 2: one output */
    static const struct sp_pool_shape s = {3, 1, 1, 1, 2, 2};
    static const uint8_t u8[] = {1, 7, 99, 3, 4, 99, 99, 99, 99};
    static const int32_t s32[] = {-5, -7, 99, -3, -4, 99, 99, 99, 99};
    uint8_t out8;
    int32_t out32;
    sp_max_pool_u8__scalar(&s, u8, &out8);
    sp_max_pool_s32__scalar(&s, s32, &out32);
    ck_assert_uint_eq(out8, 7);
    ck_assert_int_eq(out32, -3);
}
END_TEST

START_TEST(mean_pool_adds_positions)
{
    static const uint8_t in[] = {1, 2, 3, 4, 5, 255};
    static const int32_t want[] = {9, 261};
    int32_t out[2];
    sp_mean_pool__scalar(in, 3, 2, out);
    same_s32(out, want, 2);
}
END_TEST

START_TEST(requantise_rounds_halves_up_and_clamps)
{
    static const uint32_t multipliers[] = {1, 2147483647u};
    static const uint8_t shifts[] = {1, 62};
    struct sp_requantise q = {multipliers, shifts, 1, 100};
    /* channel 0 halves: 1 -> 0.5 -> 1; -1 -> -0.5 -> 0; 3 -> 1.5 -> 2; 300 -> 100
     * channel 1: about v / 2^31: 2^31 - 1 -> 1; -2^31 -> below 0 -> 0; 2^30 -> 0.49999.. -> 0; 2^30
     * + 1 -> 1 */
    static const int32_t in[] = {1, INT32_MAX, -1, INT32_MIN, 3, 1 << 30, 300, (1 << 30) + 1};
    static const uint8_t want[] = {1, 1, 0, 0, 2, 0, 100, 1};
    uint8_t out[8];
    sp_requantise__scalar(&q, in, 4, 2, out);
    same_u8(out, want, 8);
}
END_TEST

START_TEST(block_winners_rank_by_high_bits_ties_to_lowest)
{
    static const uint32_t multipliers[] = {1};
    static const uint8_t shifts[] = {1};
    struct sp_block_winners b = {
        .block = 4, .winners = 2, .rank_shift = 3, .q = {multipliers, shifts, 8, 127}};
    /* block 0: ranks 1 2 1 1: channel 1 first, then channel 0 although channel 3 is larger
     * block 1: all negative: they win, and are not alive */
    static const int32_t in[] = {10, 23, 14, 15, -1, -20, -3, -9};
    static const uint8_t want[] = {4, 8, 0, 0, 0, 0, 0, 0}; /* of the ranked sums 8 and 16 */
    uint8_t out[8];
    sp_block_winners__scalar(&b, in, 1, 8, out);
    same_u8(out, want, 8);
}
END_TEST

START_TEST(k_winners_ties_go_to_memory_order)
{
    static const uint8_t in[] = {5, 9, 5, 5, 0, 0, 0, 1};
    static const uint8_t local[] = {5, 9, 0, 0, 0, 0, 0, 1}, global[] = {5, 9, 5, 0, 0, 0, 0, 0};
    uint8_t out[8];
    sp_k_winners__scalar(2, in, 2, 4, out);
    same_u8(out, local, 8);
    sp_k_winners__scalar(3, in, 1, 8, out);
    same_u8(out, global, 8);
    sp_k_winners__scalar(8, in, 1, 8, out);
    same_u8(out, in, 8);
}
END_TEST

/* Returns whether rounding to double first would be wrong. */
static bool check_fused(float a, float b, float c)
{
    float got = sp_fused(a, b, c), want = fmaf(a, b, c);
    ck_assert_msg(memcmp(&got, &want, sizeof(got)) == 0, "fused(%a, %a, %a) is %a, not %a",
                  (double)a, (double)b, (double)c, (double)got, (double)want);
    return (float)((double)a * (double)b + (double)c) != want;
}

/* A random number of 24 bits, times 2^exponent. */
static float random_float(uint64_t *r, int exponent)
{
    float v = ldexpf(1.0f + (float)guard_random(r, 1u << 23) * 0x1p-23f, exponent);
    return guard_random(r, 2) ? v : -v;
}

START_TEST(fused_rounds_once)
{
    uint64_t r = 1;
    size_t twice = 0;
    for (size_t i = 0; i < 20000; i++) {
        float c = random_float(&r, (int)guard_random(&r, 40) - 20);
        check_fused(random_float(&r, 0), random_float(&r, (int)guard_random(&r, 40) - 20), c);
        check_fused(0, c, 0);
        check_fused(c, 1, -c);
        /* the product is half a unit of c's last place but for 2^-30 of it or less */
        float x = ldexpf(1, -15 - (int)guard_random(&r, 9)), half = ldexpf(1, ilogbf(c) - 24);
        twice += check_fused(1 + x, guard_random(&r, 2) ? half - half * x : half * x - half, c);
    }
    ck_assert_uint_gt(twice, 5000);
}
END_TEST

START_TEST(select_refuses_what_it_does_not_know)
{
    struct sp_kernels k;
    ck_assert(sp_kernels_select("scalar", &k));
    ck_assert_str_eq(k.name, "scalar");
    ck_assert_ptr_null(k.lanes);
    ck_assert(sp_kernels_select("native", &k));
    ck_assert(sp_kernels_select("scalar,native", &k));
    ck_assert(!sp_kernels_select("", &k));
    ck_assert(!sp_kernels_select("scala", &k));
    ck_assert(!sp_kernels_select("scalar,", &k));
    ck_assert(!sp_kernels_select("scalar,mmx", &k));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        conv_dense_by_hand,
        conv_windows_by_hand,
        conv_indexed_by_hand,
        conv_flat_by_hand,
        add_by_hand,
        max_pool_drops_partial_windows,
        mean_pool_adds_positions,
        requantise_rounds_halves_up_and_clamps,
        block_winners_rank_by_high_bits_ties_to_lowest,
        k_winners_ties_go_to_memory_order,
        fused_rounds_once,
        select_refuses_what_it_does_not_know,
    };
    return suite_run("kernels-scalar", tests, sizeof(tests) / sizeof(tests[0]));
}
