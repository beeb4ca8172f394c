/* wav.h - samples as a WAV file in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_WAV_H
#define CLIENTS_SPARROW_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty one; wav_done() takes it. */
struct wav {
    uint8_t *data;
    size_t count;
};

/* Makes a 16 kHz mono 16-bit WAV file of the samples, replacing what was there. At most 2^27
 * samples. False: no memory. */
bool wav_make(struct wav *wav, const int16_t *samples, size_t count);
void wav_done(struct wav *wav);

#endif
