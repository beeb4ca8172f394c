/* fuzz.h - what each fuzz target provides, to libFuzzer or to replay.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feeds one input to the parser under test and checks what must hold whatever the bytes are
 * (abort() when it does not). Keeps nothing between calls. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
