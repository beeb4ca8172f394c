/* audio.c - the audio object: collects what decoders put, as 16 kHz mono.
 *
 * Memory follows what was really decoded, never what a header announces: a slice comes in, the
 * buffer grows by doubling, and the count of frames stops the clip at its limit. Channels are mixed
 * before resampling, which halves the work.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/audio.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/error.h"

#define FIRST_CAPACITY SP_AUDIO_RATE_HZ
#define RESAMPLE_ROOM  1024 /* the least room worth a call of the resampler */

int sparrow_audio_new(struct sparrow_audio **ret_audio, struct sparrow_error *err)
{
    struct sparrow_audio *audio = calloc(1, sizeof(*audio));
    if (audio == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for an audio object.");
    *ret_audio = audio;
    return SPARROW_OK;
}

void sparrow_audio_free(struct sparrow_audio *audio)
{
    if (audio == NULL)
        return;
    sp_resample_done(&audio->resample);
    free(audio->work);
    free(audio->samples);
    free(audio);
}

const int16_t *sparrow_audio_samples(const struct sparrow_audio *audio)
{
    return audio->borrowed != NULL ? audio->borrowed : audio->samples;
}

size_t sparrow_audio_count(const struct sparrow_audio *audio)
{
    return audio->count;
}

const char *sparrow_audio_format(const struct sparrow_audio *audio)
{
    return audio->format;
}

unsigned sparrow_audio_rate_hz(const struct sparrow_audio *audio)
{
    return audio->rate_hz;
}

unsigned sparrow_audio_channels(const struct sparrow_audio *audio)
{
    return audio->channels;
}

struct sp_audio_work *sp_audio_work(struct sparrow_audio *audio)
{
    if (audio->work == NULL)
        audio->work = malloc(sizeof(*audio->work));
    return audio->work;
}

static int no_memory(struct sparrow_error *err)
{
    return sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for the decoded samples.");
}

/* Room for `more` samples behind count. What is asked for is bounded by the clip's limit, not by
 * its header. */
static int reserve(struct sparrow_audio *audio, size_t more, struct sparrow_error *err)
{
    size_t needed, bytes;
    if (__builtin_add_overflow(audio->count, more, &needed))
        return no_memory(err);
    if (needed <= audio->capacity)
        return SPARROW_OK;
    size_t capacity = audio->capacity > 0 ? audio->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        if (__builtin_mul_overflow(capacity, 2, &capacity))
            return no_memory(err);
    if (__builtin_mul_overflow(capacity, sizeof(*audio->samples), &bytes))
        return no_memory(err);
    int16_t *samples = realloc(audio->samples, bytes);
    if (samples == NULL)
        return no_memory(err);
    audio->samples = samples;
    audio->capacity = capacity;
    return SPARROW_OK;
}

int sp_audio_too_long(const struct sparrow_audio *audio, struct sparrow_error *err)
{
    return sp_error_set(err, SPARROW_TOO_LARGE, "The clip is longer than the %g seconds allowed.",
                        audio->max_seconds);
}

int sp_audio_check(unsigned rate_hz, unsigned channels, struct sparrow_error *err)
{
    if (rate_hz < SP_AUDIO_MIN_RATE_HZ || rate_hz > SP_AUDIO_MAX_RATE_HZ)
        return sp_error_set(err, SPARROW_BAD_AUDIO,
                            "The sampling rate is %u Hz; %d to %d are allowed.", rate_hz,
                            SP_AUDIO_MIN_RATE_HZ, SP_AUDIO_MAX_RATE_HZ);
    if (channels < 1 || channels > SP_AUDIO_MAX_CHANNELS)
        return sp_error_set(err, SPARROW_BAD_AUDIO,
                            "The clip has %u channels; 1 to %d are allowed.", channels,
                            SP_AUDIO_MAX_CHANNELS);
    return SPARROW_OK;
}

int sp_audio_poll(const struct sparrow_audio *audio, struct sparrow_error *err)
{
    if (audio->interrupt != NULL && audio->interrupt(audio->interrupt_arg) != 0)
        return sp_error_set(err, SPARROW_CANCELLED, "Decoding was interrupted.");
    return SPARROW_OK;
}

int sp_audio_begin(struct sparrow_audio *audio, const char *container, const char *coding,
                   unsigned rate_hz, unsigned channels, struct sparrow_error *err)
{
    int status = sp_audio_check(rate_hz, channels, err);
    if (status != SPARROW_OK)
        return status;
    snprintf(audio->format, sizeof(audio->format), "%s%s%s", container, coding != NULL ? "/" : "",
             coding != NULL ? coding : "");
    audio->rate_hz = rate_hz;
    audio->channels = channels;
    audio->frames = 0;
    audio->max_frames = (uint64_t)(audio->max_seconds * rate_hz);
    if (rate_hz == SP_AUDIO_RATE_HZ)
        return SPARROW_OK;
    return sp_resample_start(&audio->resample, rate_hz, err);
}

/* Counts a slice and asks the caller whether to go on. */
static int account(struct sparrow_audio *audio, size_t frames, struct sparrow_error *err)
{
    audio->frames += frames; /* at most max_frames + a slice: cannot wrap */
    if (audio->frames > audio->max_frames)
        return sp_audio_too_long(audio, err);
    return sp_audio_poll(audio, err);
}

/* in == NULL: flush. */
static int resample(struct sparrow_audio *audio, const int16_t *in, size_t n,
                    struct sparrow_error *err)
{
    size_t given;
    do {
        size_t taken;
        int status = reserve(audio, RESAMPLE_ROOM, err);
        if (status == SPARROW_OK)
            status = sp_resample_run(&audio->resample, in, n, audio->samples + audio->count,
                                     audio->capacity - audio->count, &taken, &given, err);
        if (status != SPARROW_OK)
            return status;
        audio->count += given;
        if (in != NULL) {
            in += taken;
            n -= taken;
        }
    } while (in != NULL ? n > 0 : given > 0);
    return SPARROW_OK;
}

int sp_audio_put(struct sparrow_audio *audio, int16_t *samples, size_t frames,
                 struct sparrow_error *err)
{
    int status = account(audio, frames, err);
    if (status != SPARROW_OK)
        return status;
    if (audio->rate_hz != SP_AUDIO_RATE_HZ) {
        sp_pcm_mix(samples, frames, audio->channels, samples);
        return resample(audio, samples, frames, err);
    }
    status = reserve(audio, frames, err);
    if (status != SPARROW_OK)
        return status;
    sp_pcm_mix(samples, frames, audio->channels, audio->samples + audio->count);
    audio->count += frames;
    return SPARROW_OK;
}

/* Samples of ours already, where a int16_t may stand. */
static bool is_native(const struct sp_pcm *pcm)
{
    enum sp_pcm_coding_id native =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? SP_PCM_S16LE : SP_PCM_S16BE;
    return pcm->coding == sp_pcm_coding(native) && (uintptr_t)pcm->bytes % _Alignof(int16_t) == 0;
}

/* Mono at 16 kHz: no pass at all. */
static int put_nowhere(struct sparrow_audio *audio, const struct sp_pcm *pcm, size_t frames,
                       struct sparrow_error *err)
{
    audio->borrowed = (const int16_t *)(const void *)pcm->bytes;
    audio->count = frames;
    return account(audio, frames, err);
}

/* Mono at 16 kHz: one pass, no buffer between. */
static int put_direct(struct sparrow_audio *audio, const struct sp_pcm *pcm, size_t frames,
                      struct sparrow_error *err)
{
    const size_t slice = 8 * SP_AUDIO_SLICE_FRAMES;
    int status = reserve(audio, frames, err);
    for (size_t at = 0; status == SPARROW_OK && at < frames; at += slice) {
        size_t n = frames - at < slice ? frames - at : slice;
        pcm->coding->to_s16(pcm->bytes + at * pcm->coding->bytes, n, audio->samples + audio->count);
        audio->count += n;
        status = account(audio, n, err);
    }
    return status;
}

static int put_slices(struct sparrow_audio *audio, const struct sp_pcm *pcm, size_t frames,
                      struct sparrow_error *err)
{
    struct sp_audio_work *work = sp_audio_work(audio);
    if (work == NULL)
        return no_memory(err);
    int status = SPARROW_OK;
    size_t frame_bytes = pcm->coding->bytes * pcm->channels;
    for (size_t at = 0; status == SPARROW_OK && at < frames; at += SP_AUDIO_SLICE_FRAMES) {
        size_t n = frames - at < SP_AUDIO_SLICE_FRAMES ? frames - at : SP_AUDIO_SLICE_FRAMES;
        pcm->coding->to_s16(pcm->bytes + at * frame_bytes, n * pcm->channels, work->samples);
        status = sp_audio_put(audio, work->samples, n, err);
    }
    return status;
}

int sp_audio_put_pcm(struct sparrow_audio *audio, const char *container, const struct sp_pcm *pcm,
                     struct sparrow_error *err)
{
    int status =
        sp_audio_begin(audio, container, pcm->coding->name, pcm->rate_hz, pcm->channels, err);
    if (status != SPARROW_OK)
        return status;
    size_t frames = pcm->n / (pcm->coding->bytes * pcm->channels);
    if (frames > audio->max_frames) /* these frames are here: no need to convert them first */
        return sp_audio_too_long(audio, err);
    bool ours = pcm->channels == 1 && pcm->rate_hz == SP_AUDIO_RATE_HZ;
    if (ours && audio->borrow && is_native(pcm))
        return put_nowhere(audio, pcm, frames, err);
    if (ours)
        return put_direct(audio, pcm, frames, err);
    return put_slices(audio, pcm, frames, err);
}

int sp_audio_end(struct sparrow_audio *audio, struct sparrow_error *err)
{
    if (audio->frames > 0 && audio->rate_hz != SP_AUDIO_RATE_HZ) {
        int status = resample(audio, NULL, 0, err);
        if (status != SPARROW_OK)
            return status;
    }
    if (audio->count == 0)
        return sp_error_set(err, SPARROW_BAD_AUDIO, "The clip has no samples.");
    return SPARROW_OK;
}
