/* guard.h - memory that shows when a kernel reads or writes where it must not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GUARD_H
#define GUARD_H

#include <stddef.h>
#include <stdint.h>

/* n zeroed bytes of which the last is the last before a page that cannot be touched. The start is
 * aligned as n is: make n a multiple of what the kernel needs. In front of it stand canaries. */
void *guard_new(size_t n);

/* Aborts if something was written into the canaries. */
void guard_free(void *memory, size_t n);

/* A small generator; the same seed gives the same bytes everywhere. */
uint32_t guard_random(uint64_t *state, uint32_t below);

#endif
