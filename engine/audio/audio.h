/* audio.h - the audio object from inside: where decoders put what they decode.
 * One decoder at a time: begin, then put for each slice, then end. A failing call leaves the object
 * to be emptied by its caller (sparrow_audio_decode does). One thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_AUDIO_H
#define SP_AUDIO_AUDIO_H

#include "engine/audio/pcm.h"
#include "engine/audio/resample.h"
#include "engine/sparrow.h"

#define SP_AUDIO_RATE_HZ      16000 /* of what comes out */
#define SP_AUDIO_MIN_RATE_HZ  4000
#define SP_AUDIO_MAX_RATE_HZ  192000
#define SP_AUDIO_MAX_CHANNELS 8
#define SP_AUDIO_MAX_SECONDS  86400 /* the longest that a caller may allow */
#define SP_AUDIO_SLICE_FRAMES 2048  /* at most, in one put */

/* One slice of any clip we take. */
struct sp_audio_work {
    int16_t samples[SP_AUDIO_SLICE_FRAMES * SP_AUDIO_MAX_CHANNELS];
    float floats[SP_AUDIO_SLICE_FRAMES * SP_AUDIO_MAX_CHANNELS];
};

struct sparrow_audio {
    int16_t *samples; /* 16 kHz mono */
    size_t count, capacity;
    const int16_t *borrowed; /* NULL, or where the samples lie in the caller's bytes */
    struct sp_resample resample;
    struct sp_audio_work *work; /* NULL until a clip needs it */

    /* the clip in hand */
    char format[24];
    unsigned rate_hz, channels;
    uint64_t frames, max_frames; /* of the source: so far, allowed */
    double max_seconds;
    bool borrow;
    int (*interrupt)(void *arg); /* may be NULL */
    void *interrupt_arg;
};

/* Whether a source is one we take. Errors: SPARROW_BAD_AUDIO: rate or channels out of range. */
int sp_audio_check(unsigned rate_hz, unsigned channels, struct sparrow_error *err);

/* Asks the caller whether to go on: for work that puts nothing. Errors: SPARROW_CANCELLED. */
int sp_audio_poll(const struct sparrow_audio *audio, struct sparrow_error *err);

/* Says what comes: format is "container" or "container/coding".
 * Errors: SPARROW_BAD_AUDIO (rate or channels out of range), SPARROW_NO_MEMORY. */
int sp_audio_begin(struct sparrow_audio *audio, const char *container, const char *coding,
                   unsigned rate_hz, unsigned channels, struct sparrow_error *err);

/* The slice buffer, made when it is first asked for. NULL: out of memory. Belongs to the object. */
struct sp_audio_work *sp_audio_work(struct sparrow_audio *audio);

/* Takes frames x channels interleaved samples (at most a slice; they are overwritten: mixed in
 * place).
 * Errors: SPARROW_TOO_LARGE (the clip is longer than allowed), SPARROW_CANCELLED,
 * SPARROW_NO_MEMORY. */
int sp_audio_put(struct sparrow_audio *audio, int16_t *samples, size_t frames,
                 struct sparrow_error *err);

/* begin, put and nothing else for samples that lie in memory. Mono at 16 kHz is converted straight
 * into the result.
 * Errors: those of begin and put. */
int sp_audio_put_pcm(struct sparrow_audio *audio, const char *container, const struct sp_pcm *pcm,
                     struct sparrow_error *err);

/* The clip has ended: flushes the resampler. Errors: SPARROW_BAD_AUDIO (no samples),
 * SPARROW_NO_MEMORY. */
int sp_audio_end(struct sparrow_audio *audio, struct sparrow_error *err);

/* The failure of a clip that is longer than allowed, in the one wording there is. */
int sp_audio_too_long(const struct sparrow_audio *audio, struct sparrow_error *err);

#endif
