/* inputs.h - what kernels are tried with: random bytes, and those that break things.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INPUTS_H
#define INPUTS_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

/* ck_assert_msg() for what is asked a million times: that one writes to a pipe each time. */
#define inputs_expect(right, ...)                                                                  \
    do {                                                                                           \
        if (!(right))                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

/* Each fill is drawn: all at one end, zeros, the two ends in turn, few values that tie, or random.
 */
void inputs_u8(uint64_t *random, uint8_t *p, size_t n, uint32_t max);
void inputs_s8(uint64_t *random, int8_t *p, size_t n, uint32_t limit);
/* Within -limit .. limit; 0: all of s32. */
void inputs_s32(uint64_t *random, int32_t *p, size_t n, int32_t limit);
/* Silence, clicks, square waves at full scale, noise. */
void inputs_pcm(uint64_t *random, int16_t *p, size_t n);

/* Fails the test, with the first byte that differs, unless both hold the same. */
void inputs_same(const void *got, const void *want, size_t n, const char *what, uint64_t seed);

#endif
