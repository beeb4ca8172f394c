/* peak.c - the least time of many short samples, as everywhere here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/peak.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine/measure.h"
#include "bench/engine/weights.h"

#ifdef __x86_64__
#include <immintrin.h>

/* 64-bit imul: 3 cycles on every core this runs on. */
static void chain(const void *memory, size_t n)
{
    uint64_t x = (uint64_t)(uintptr_t)memory | 1;
    for (size_t i = 0; i < n; i += 8)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
                         : "+r"(x));
}

#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

/* n instructions, in twelve chains. */
__attribute__((target("avx512f,avx512vnni"))) static void macs_avx512(const void *memory, size_t n)
{
    __m512i v = _mm512_loadu_si512(memory), sums[12];
    for (size_t i = 0; i < 12; i++)
        sums[i] = v;
    for (size_t i = 0; i < n; i += 12) {
#define STEP(k) __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(sums[k]) : "v"(v));
        TWELVE(STEP)
#undef STEP
    }
    __asm__ volatile("" : : "v"(sums[0]), "v"(sums[5]));
}

__attribute__((target("avx2"))) static void macs_avx2(const void *memory, size_t n)
{
    __m256i v = _mm256_loadu_si256(memory), ones = _mm256_set1_epi16(1), sums[12];
    for (size_t i = 0; i < 12; i++)
        sums[i] = v;
    for (size_t i = 0; i < n; i += 12) {
#define STEP(k)                                                                                    \
    {                                                                                              \
        __m256i pairs;                                                                             \
        __asm__ volatile("vpmaddubsw %2, %2, %1\n\tvpmaddwd %3, %1, %1\n\tvpaddd %1, %0, %0"       \
                         : "+x"(sums[k]), "=&x"(pairs)                                             \
                         : "x"(v), "x"(ones));                                                     \
    }
        TWELVE(STEP)
#undef STEP
    }
    __asm__ volatile("" : : "x"(sums[0]), "x"(sums[5]));
}

/* n bytes, a multiple of 256. */
__attribute__((target("avx2"))) static void sweep(const void *memory, size_t n)
{
    const uint8_t *p = memory;
    for (size_t i = 0; i < n; i += 256)
        __asm__ volatile("vmovdqa (%0), %%ymm0\n\tvmovdqa 32(%0), %%ymm1\n\t"
                         "vmovdqa 64(%0), %%ymm2\n\tvmovdqa 96(%0), %%ymm3\n\t"
                         "vmovdqa 128(%0), %%ymm4\n\tvmovdqa 160(%0), %%ymm5\n\t"
                         "vmovdqa 192(%0), %%ymm6\n\tvmovdqa 224(%0), %%ymm7"
                         :
                         : "r"(p + i)
                         : "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7");
}

__attribute__((target("avx2"))) static void sweep_l1(const void *memory, size_t n)
{
    for (size_t i = 0; i < n; i += 16384)
        sweep(memory, 16384);
}

/* Least ns of one call. */
static double least(void (*call)(const void *, size_t), const void *memory, size_t n,
                    size_t samples)
{
    double found = 1e18;
    for (size_t i = 0; i < samples; i++) {
        double before = measure_now_ns();
        call(memory, n);
        double took = measure_now_ns() - before;
        found = took < found ? took : found;
    }
    return found;
}

void peak_measure(const char *isa, struct peak *ret_peak)
{
    const size_t ram = (size_t)128 << 20;
    void *memory = weights_memory(ram, 1);
    *ret_peak = (struct peak){0};
    ret_peak->ghz = 3.0 * 40000 / least(chain, memory, 40000, 500);
    if (strcmp(isa, "avx512") == 0)
        ret_peak->macs_per_ns = 64.0 * 48000 / least(macs_avx512, memory, 48000, 500);
    else if (strcmp(isa, "avx2") == 0)
        ret_peak->macs_per_ns = 32.0 * 48000 / least(macs_avx2, memory, 48000, 500);
    ret_peak->l1_per_ns = 1048576 / least(sweep_l1, memory, 1048576, 500);
    ret_peak->l2_per_ns = 262144 / least(sweep, memory, 262144, 2000);
    ret_peak->ram_per_ns = (double)ram / least(sweep, memory, ram, 3);
    free(memory);
}
#else
void peak_measure(const char *isa, struct peak *ret_peak)
{
    (void)isa;
    *ret_peak = (struct peak){0};
}
#endif
