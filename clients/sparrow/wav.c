/* wav.c - samples as a WAV file in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/wav.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, RATE_HZ = 16000, MOST_SAMPLES = 1 << 27 };

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

bool wav_make(struct wav *wav, const int16_t *samples, size_t count)
{
    if (count > MOST_SAMPLES)
        return false;
    uint32_t bytes = (uint32_t)(count * 2);
    uint8_t *data = realloc(wav->data, HEADER + bytes);
    if (!data)
        return false;
    wav->data = data;
    wav->count = HEADER + bytes;
    memcpy(data, "RIFF", 4);
    put32(data + 4, HEADER - 8 + bytes);
    memcpy(data + 8, "WAVEfmt ", 8);
    put32(data + 16, 16);
    put16(data + 20, 1); /* PCM */
    put16(data + 22, 1);
    put32(data + 24, RATE_HZ);
    put32(data + 28, RATE_HZ * 2);
    put16(data + 32, 2);
    put16(data + 34, 16);
    memcpy(data + 36, "data", 4);
    put32(data + 40, bytes);
    for (size_t i = 0; i < count; i++)
        put16(data + HEADER + 2 * i, (uint16_t)samples[i]);
    return true;
}

void wav_done(struct wav *wav)
{
    free(wav->data);
    *wav = (struct wav){0};
}
