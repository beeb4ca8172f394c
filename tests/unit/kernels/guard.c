/* guard.c - memory that shows when a kernel reads or writes where it must not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kernels/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 0xa5

static size_t pages_for(size_t n, size_t page)
{
    return (n + 64 + page - 1) / page * page;
}

void *guard_new(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = pages_for(n, page);
    uint8_t *map =
        mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + bytes, page, PROT_NONE) != 0)
        abort();
    memset(map, CANARY, bytes - n);
    return map + bytes - n;
}

void guard_free(void *memory, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = pages_for(n, page);
    uint8_t *map = (uint8_t *)memory - (bytes - n);
    for (size_t i = 0; i < bytes - n; i++)
        if (map[i] != CANARY) {
            fprintf(stderr, "written %zu bytes before the start\n", bytes - n - i);
            abort();
        }
    munmap(map, bytes + page);
}

uint32_t guard_random(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}
