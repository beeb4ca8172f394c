/* clips.c - bytes to samples to features.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/decode/clips.h"

#define RATE_HZ 16000u
#define HOP_US  125000u /* between words of longer audio, unless the client names it */

/* Whole frames between words, at least one. */
static size_t hop_frames(const struct request *request)
{
    uint64_t frame = sparrow_model_hop(request->model->model); /* samples */
    uint64_t samples = request->hop_ms ? (uint64_t)request->hop_ms * RATE_HZ / 1000u
                                       : (uint64_t)HOP_US * RATE_HZ / 1000000u;
    uint64_t frames = (samples + frame / 2) / frame;
    return frames > 0 ? (size_t)frames : 1;
}

bool clips_reserve(struct request *request)
{
    for (size_t i = 0; i < request->clip_count; i++)
        if (!request->clips[i].is_features && !request_store(request, i))
            return false;
    return true;
}

static int interrupted(void *arg)
{
    const struct request_private *p = arg;
    return atomic_load_explicit(&p->stop, memory_order_relaxed) ||
           lane_clock_us() > p->decode_limit_us;
}

/* Ready features are somebody else's: their size and their range are checked, since the kernels
 * rely on both. */
static int take_features(struct request *request, struct request_clip *clip)
{
    const struct sparrow_model *model = request->model->model;
    size_t bands = sparrow_model_bands(model), frames = sparrow_model_frames(model);
    if (clip->size % bands != 0 || clip->size / bands < frames)
        return request_fail(request, SPARROW_BAD_PARAMETER,
                            "features: %zu bytes are not at least %zu rows of %zu", clip->size,
                            frames, bands);
    double seconds = (double)(clip->size / bands) * (double)sparrow_model_hop(model) / RATE_HZ;
    if (seconds > request->private->max_seconds + 1) {
        request->limit_s = request->private->max_seconds;
        return request_fail(request, SPARROW_TOO_LARGE, "features: longer than %.6g seconds",
                            request->private->max_seconds);
    }
    struct sparrow_front_end front_end = {.size = sizeof front_end};
    const uint8_t *bytes = clip->bytes;
    if (sparrow_model_front_end(model, &front_end) == 0)
        for (size_t i = 0; i < clip->size; i++)
            if (bytes[i] > front_end.max_value)
                return request_fail(request, SPARROW_BAD_PARAMETER,
                                    "features: byte %zu is %u, the model's largest is %u", i,
                                    bytes[i], front_end.max_value);
    clip->features = bytes;
    clip->frames = clip->size / bands;
    return 0;
}

static int decode_audio(struct request *request, struct request_clip *clip,
                        struct request_store *store, struct sparrow_scratch *scratch)
{
    struct request_private *p = request->private;
    const struct sparrow_model *model = request->model->model;
    struct sparrow_audio_options options = {
        .size = sizeof options,
        .media_type = clip->media_type,
        .max_seconds = p->max_seconds,
        .interrupt = interrupted,
        .interrupt_arg = p,
        .borrow = true, /* the samples are not looked at after this function */
    };
    struct sparrow_error err = {0};
    uint64_t began = lane_clock_ns();
    int rc = sparrow_audio_decode(store->audio, clip->bytes, clip->size, &options, &err);
    uint64_t decoded = lane_clock_ns();
    p->decode_ns += decoded - began;
    if (rc == SPARROW_TOO_LARGE)
        request->limit_s = p->max_seconds;
    if (rc < 0)
        return request_fail(request, rc, "%s", err.text);
    p->decoded_clips++;
    size_t samples = sparrow_audio_count(store->audio), bytes;
    clip->samples = samples;
    clip->frames = sparrow_features_frames(model, samples);
    if (__builtin_mul_overflow(clip->frames, sparrow_model_bands(model), &bytes) ||
        !request_store_reserve(store, sparrow_loudness_count(samples), bytes))
        return request_fail(request, SPARROW_NO_MEMORY, "no memory for features");
    const int16_t *pcm = sparrow_audio_samples(store->audio);
    sparrow_loudness(model, pcm, samples, store->loudness);
    sparrow_features(model, scratch, pcm, samples, store->features);
    clip->loudness = store->loudness;
    clip->features = store->features;
    p->features_ns += lane_clock_ns() - decoded;
    return 0;
}

static int count_words(struct request *request)
{
    const struct sparrow_model *model = request->model->model;
    size_t hop = hop_frames(request), words = 0;
    for (size_t i = 0; i < request->clip_count; i++) {
        struct request_clip *clip = &request->clips[i];
        clip->hop_frames = hop;
        clip->first_word = words;
        clip->words = sparrow_windows_count(model, clip->frames, hop);
        if (__builtin_add_overflow(words, clip->words, &words))
            return request_fail(request, SPARROW_TOO_LARGE, "too many words in one request");
    }
    request->words = words;
    return request_reserve_scores(request, words, sparrow_model_label_count(model));
}

int clips_decode(struct request *request, struct scratches *scratches)
{
    struct request_private *p = request->private;
    struct sparrow_scratch *scratch = scratches_get(scratches, request->model);
    if (!scratch)
        return request_fail(request, SPARROW_NO_MEMORY, "no memory for features");
    for (size_t i = 0; i < request->clip_count; i++) {
        struct request_clip *clip = &request->clips[i];
        int rc = clip->is_features ? take_features(request, clip)
                                   : decode_audio(request, clip, p->stores[i], scratch);
        if (rc < 0) {
            request->failed_clip = i;
            return rc;
        }
    }
    return count_words(request);
}

size_t clips_estimate(const struct request *request)
{
    const struct sparrow_model *model = request->model->model;
    size_t words = 0;
    for (size_t i = 0; i < request->clip_count; i++) {
        const struct request_clip *clip = &request->clips[i];
        size_t frames = clip->is_features ? clip->size / sparrow_model_bands(model)
                                          : clip->size / sizeof(int16_t) / sparrow_model_hop(model);
        if (frames <= sparrow_model_frames(model) + 1)
            words++; /* a header's worth more than a second is a second */
        else
            words += sparrow_windows_count(model, frames, hop_frames(request));
    }
    return words;
}

bool clips_are_cheap(const struct request *request, double lane_seconds, double max_seconds)
{
    for (size_t i = 0; i < request->clip_count; i++) {
        const struct request_clip *clip = &request->clips[i];
        struct sparrow_audio_options options = {
            .size = sizeof options, .media_type = clip->media_type, .max_seconds = max_seconds};
        if (!clip->is_features &&
            !sparrow_audio_is_cheap(clip->bytes, clip->size, &options, lane_seconds))
            return false;
    }
    return true;
}

double clips_seconds(const struct request *request)
{
    double seconds = 0;
    for (size_t i = 0; i < request->clip_count; i++)
        seconds += (double)request->clips[i].frames *
                   (double)sparrow_model_hop(request->model->model) / RATE_HZ;
    return seconds;
}
