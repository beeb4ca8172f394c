/* clock.c - the monotonic clock.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/clock.h"

#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
