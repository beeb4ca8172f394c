/* dispatch.c - which kernels this machine has and the caller allows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/words.h"

static const struct sp_kernels scalar = {
    .name = "scalar",
    .front_end = sp_front_end__scalar,
    .conv_dense = sp_conv_dense__scalar,
    .conv_windows = sp_conv_windows__scalar,
    .conv_indexed = sp_conv_indexed__scalar,
    .add = sp_add__scalar,
    .max_pool_u8 = sp_max_pool_u8__scalar,
    .max_pool_s32 = sp_max_pool_s32__scalar,
    .mean_pool = sp_mean_pool__scalar,
    .requantise = sp_requantise__scalar,
    .block_winners = sp_block_winners__scalar,
    .k_winners = sp_k_winners__scalar,
    .energies = sp_energies__scalar,
};

static bool machine_has_scalar(void)
{
    return true;
}

static void apply_nothing(struct sp_kernels *k)
{
    (void)k;
}

#ifdef __x86_64__
/* Processors with AVX2 have FMA too; an emulation or a hypervisor may hide it. */
static bool machine_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static void apply_avx2(struct sp_kernels *k)
{
    k->name = "avx2";
    k->front_end = sp_front_end__avx2;
    k->add = sp_add__avx2;
    k->conv_dense = sp_conv_dense__avx2;
    k->requantise = sp_requantise__avx2;
    k->energies = sp_energies__avx2;
    k->lanes = &sp_lanes__avx2;
    k->words = &sp_words__avx2;
}

/* Of Alder Lake, Sapphire Rapids, Zen 5 and later: a bit of leaf 7.1 that __builtin_cpu_supports()
 * does not know with every compiler. Its registers are AVX2's. */
static bool machine_has_avxvnni(void)
{
    unsigned a, b, c, d;
    return machine_has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 4) != 0;
}

static void apply_avxvnni(struct sp_kernels *k)
{
    apply_avx2(k);
    k->name = "avxvnni";
    k->lanes = &sp_lanes__avxvnni;
    k->words = &sp_words__avxvnni;
}

/* Of Cascade Lake and later. */
static bool machine_has_avx512vnni(void)
{
    return machine_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

/* A machine that has these has AVX2 as well. */
static void apply_avx512vnni(struct sp_kernels *k)
{
    apply_avx2(k);
    k->name = "avx512vnni";
    k->lanes = &sp_lanes__avx512vnni;
    k->words = &sp_words__avx512vnni;
    k->front_end = sp_front_end__avx512;
    k->conv_dense = sp_conv_dense__avx512;
    k->energies = sp_energies__avx512;
}

/* Of Ice Lake, Zen 4 and later. */
static bool machine_has_avx512(void)
{
    return machine_has_avx512vnni() && __builtin_cpu_supports("avx512vbmi");
}

static void apply_avx512(struct sp_kernels *k)
{
    apply_avx512vnni(k);
    k->name = "avx512";
    k->lanes = &sp_lanes__avx512;
    k->words = &sp_words__avx512;
}
#endif

#ifdef __aarch64__
/* All of its instructions belong to every 64-bit ARM. */
static bool machine_has_neon(void)
{
    return true;
}

static void apply_neon(struct sp_kernels *k)
{
    k->name = "neon";
    k->front_end = sp_front_end__neon;
    k->conv_dense = sp_conv_dense__neon;
    k->lanes = &sp_lanes__neon;
}

static bool machine_has_dotprod(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}

static void apply_dotprod(struct sp_kernels *k)
{
    apply_neon(k);
    k->name = "dotprod";
    k->lanes = &sp_lanes__dotprod;
}
#endif

/* From the slowest to the fastest: each set takes the places of the table that it is better at. */
static const struct {
    const char *name;
    bool (*machine_has)(void);
    void (*apply)(struct sp_kernels *k);
} sets[] = {
    {"scalar", machine_has_scalar, apply_nothing},
#ifdef __x86_64__
    {"avx2", machine_has_avx2, apply_avx2},
    {"avxvnni", machine_has_avxvnni, apply_avxvnni},
    {"avx512vnni", machine_has_avx512vnni, apply_avx512vnni},
    {"avx512", machine_has_avx512, apply_avx512},
#endif
#ifdef __aarch64__
    {"neon", machine_has_neon, apply_neon},
    {"dotprod", machine_has_dotprod, apply_dotprod},
#endif
};
#define SET_COUNT (sizeof(sets) / sizeof(sets[0]))

const char *sp_kernels_set(size_t i, bool *ret_here)
{
    if (i >= SET_COUNT)
        return NULL;
    *ret_here = sets[i].machine_has();
    return sets[i].name;
}

/* Marks the sets that a name of n characters allows; false if the machine has none such. */
static bool allow(const char *name, size_t n, bool *allowed)
{
    bool native = n == 6 && memcmp(name, "native", n) == 0, found = false;
    for (size_t i = 0; i < SET_COUNT; i++)
        if ((native || (n == strlen(sets[i].name) && memcmp(name, sets[i].name, n) == 0)) &&
            sets[i].machine_has())
            allowed[i] = found = true;
    return found;
}

bool sp_kernels_select(const char *names, struct sp_kernels *ret_kernels)
{
    bool allowed[SET_COUNT] = {false};
    for (const char *at = names;; at++) {
        size_t n = strcspn(at, ",");
        if (!allow(at, n, allowed))
            return false;
        at += n;
        if (*at == 0)
            break;
    }
    *ret_kernels = scalar;
    for (size_t i = 0; i < SET_COUNT; i++)
        if (allowed[i])
            sets[i].apply(ret_kernels);
    return true;
}
