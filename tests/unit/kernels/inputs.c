/* inputs.c - what kernels are tried with: random bytes, and those that break things.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kernels/inputs.h"

#include <check.h>
#include <stdlib.h>

#include "tests/unit/kernels/guard.h"

/* One element between low and high, of a fill of this kind. */
static int64_t element(uint64_t *random, uint32_t kind, size_t i, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)(high - low) + 1;
    int64_t any = low + (int64_t)((((uint64_t)guard_random(random, 1u << 31) << 31) |
                                   guard_random(random, 1u << 31)) %
                                  width);
    switch (kind) {
    case 0:
        return high;
    case 1:
        return low;
    case 2:
        return 0;
    case 3:
        return i % 2 == 0 ? low : high;
    case 4: /* ties */
        return any % 3 < low ? low : any % 3;
    case 5: /* few are not zero */
        return guard_random(random, 8) == 0 ? any : 0;
    default:
        return any;
    }
}

void inputs_u8(uint64_t *random, uint8_t *p, size_t n, uint32_t max)
{
    uint32_t kind = guard_random(random, 10);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)element(random, kind, i, 0, max);
}

void inputs_s8(uint64_t *random, int8_t *p, size_t n, uint32_t limit)
{
    uint32_t kind = guard_random(random, 10);
    for (size_t i = 0; i < n; i++)
        p[i] = (int8_t)element(random, kind, i, -(int64_t)limit, limit);
}

void inputs_s32(uint64_t *random, int32_t *p, size_t n, int32_t limit)
{
    uint32_t kind = guard_random(random, 10);
    for (size_t i = 0; i < n; i++)
        p[i] = (int32_t)element(random, kind, i, limit == 0 ? INT32_MIN : -limit,
                                limit == 0 ? INT32_MAX : limit);
}

void inputs_pcm(uint64_t *random, int16_t *p, size_t n)
{
    uint32_t kind = guard_random(random, 8);
    for (size_t i = 0; i < n; i++)
        switch (kind) {
        case 0:
            p[i] = i / 16 % 2 != 0 ? INT16_MAX : INT16_MIN;
            break;
        case 1:
            p[i] = i == n / 2 ? INT16_MAX : 0;
            break;
        default: /* the kinds of all others, quiet or loud */
            p[i] = (int16_t)element(random, kind, i, kind == 7 ? -8 : INT16_MIN,
                                    kind == 7 ? 8 : INT16_MAX);
        }
}

void inputs_same(const void *got, const void *want, size_t n, const char *what, uint64_t seed)
{
    const uint8_t *g = got, *w = want;
    for (size_t i = 0; i < n; i++)
        inputs_expect(g[i] == w[i], "%s seed %llu: byte %zu of %zu is %02x, not %02x", what,
                      (unsigned long long)seed, i, n, g[i], w[i]);
}
