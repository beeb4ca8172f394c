/* pcm.h - uncompressed samples in their many codings, to s16, and channels to one.
 * Pure functions on the caller's memory: they never allocate, never fail, and any thread may call
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_PCM_H
#define SP_AUDIO_PCM_H

#include <stddef.h>
#include <stdint.h>

/* n samples from `in` (any alignment) to `out`. Wider samples are rounded to the nearest, halves
 * upwards (floats: away from 0) and limited to s16; a NaN becomes 0. */
typedef void (*sp_pcm_fn)(const uint8_t *in, size_t n, int16_t *out);

struct sp_pcm_coding {
    const char *name; /* "pcm16", "mulaw", ... */
    size_t bytes;     /* of one sample */
    sp_pcm_fn to_s16;
};

enum sp_pcm_coding_id {
    SP_PCM_U8,
    SP_PCM_S16LE,
    SP_PCM_S16BE,
    SP_PCM_S24LE,
    SP_PCM_S24BE,
    SP_PCM_S32LE,
    SP_PCM_S32BE,
    SP_PCM_F32LE,
    SP_PCM_F32BE,
    SP_PCM_F64LE,
    SP_PCM_F64BE,
    SP_PCM_MULAW,
    SP_PCM_ALAW,
    SP_PCM_CODING_COUNT
};

const struct sp_pcm_coding *sp_pcm_coding(enum sp_pcm_coding_id id);

/* Interleaved samples that lie in the caller's memory: what a header says about them. */
struct sp_pcm {
    const struct sp_pcm_coding *coding; /* NULL: compressed, another decoder's business */
    unsigned rate_hz, channels;         /* as the header says: not checked yet */
    const uint8_t *bytes;
    size_t n; /* bytes; a last incomplete frame is left out by who reads them */
};

/* The channels of each frame to their mean, rounded to the nearest, halves upwards; out may be in.
 * channels is 1 or more. */
void sp_pcm_mix(const int16_t *in, size_t frames, unsigned channels, int16_t *out);

/* n floats, 1.0 = full scale, to s16 as above. */
void sp_pcm_from_float(const float *in, size_t n, int16_t *out);

#endif
