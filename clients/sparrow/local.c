/* local.c - recognises a clip in this process and answers in the words of the server.
 *
 * A clip longer than a word is cut into overlapping words; they share their feature rows. All of
 * them run, and the engine says which one answers for the clip. SPDX-License-Identifier: Apache-2.0
 */
#include "clients/sparrow/local.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/sparrow/clock.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/say.h"

#define BATCH        64
#define LOCAL_HOP_MS 125.0 /* as the server without hop_ms */

/* One clip's way: its rows of features, its words, and what each of them scored. */
struct words {
    const struct model *model;
    const int16_t *pcm;
    size_t samples, frames, hop_frames, count;
    uint8_t *features; /* frames x bands */
    uint64_t *loudness;
    float *confidences; /* count x labels */
    size_t best;
    uint64_t decode_ns, features_ns, network_ns;
};

static bool words_alloc(struct words *words)
{
    size_t labels = words->model->labels;
    words->features = malloc(words->frames * words->model->bands);
    words->loudness = calloc(sparrow_loudness_count(words->samples) + 1, sizeof(uint64_t));
    words->confidences = reallocarray(NULL, words->count, labels * sizeof(float));
    return words->features && words->loudness && words->confidences;
}

static void words_done(struct words *words)
{
    free(words->features);
    free(words->loudness);
    free(words->confidences);
}

static bool words_run(struct words *words)
{
    const struct model *model = words->model;
    const uint8_t *rows[BATCH];
    int32_t *scores = calloc(BATCH * model->labels, sizeof(*scores));
    if (!scores)
        return false;
    uint64_t begin = clock_now_ns();
    sparrow_features(model->engine, model->scratch, words->pcm, words->samples, words->features);
    uint64_t middle = clock_now_ns();
    sparrow_loudness(model->engine, words->pcm, words->samples, words->loudness);
    for (size_t first = 0; first < words->count; first += BATCH) {
        size_t n = words->count - first < BATCH ? words->count - first : BATCH;
        for (size_t i = 0; i < n; i++)
            rows[i] = words->features +
                      model->bands * sparrow_windows_start(model->engine, words->frames,
                                                           words->hop_frames, first + i);
        sparrow_run(model->engine, model->scratch, rows, n, scores);
        for (size_t i = 0; i < n; i++)
            sparrow_confidence(model->engine, scores + i * model->labels,
                               words->confidences + (first + i) * model->labels);
    }
    words->best = sparrow_windows_best(model->engine, words->confidences, words->count);
    words->network_ns = clock_now_ns() - middle;
    words->features_ns = middle - begin;
    free(scores);
    return true;
}

static void word_bounds(const struct words *words, size_t word, double *ret_start_s,
                        double *ret_end_s)
{
    size_t first = words->model->hop * sparrow_windows_start(words->model->engine, words->frames,
                                                             words->hop_frames, word);
    sparrow_word_bounds(words->loudness, words->samples, first, ret_start_s, ret_end_s);
}

/* The labels of a word, most confident first. */
static json_t *alternatives(const struct words *words, size_t word, size_t top)
{
    const struct model *model = words->model;
    const float *confidence = words->confidences + word * model->labels;
    bool *taken = calloc(model->labels, sizeof(*taken));
    json_t *list = json_array();
    double start_s = 0, end_s = 0;
    word_bounds(words, word, &start_s, &end_s);
    for (size_t n = 0; taken && n < top && n < model->labels; n++) {
        size_t best = model->labels;
        for (size_t i = 0; i < model->labels; i++) {
            if (!taken[i] && (best == model->labels || confidence[i] > confidence[best]))
                best = i;
        }
        taken[best] = true;
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f}", "transcript",
                                              sparrow_model_label(model->engine, best),
                                              "confidence", (double)confidence[best], "start_time",
                                              start_s, "end_time", end_s));
    }
    free(taken);
    return list;
}

static size_t find_label(const struct model *model, const char *name, size_t n)
{
    size_t label = 0;
    for (; label < model->labels; label++) {
        const char *text = sparrow_model_label(model->engine, label);
        if (strlen(text) == n && strncasecmp(text, name, n) == 0)
            break;
    }
    return label;
}

/* Where a keyword is heard in words [first, end): of words that overlap, the most confident one
 * tells. */
static json_t *hearings(const struct words *words, size_t first, size_t end, size_t label,
                        double threshold)
{
    const struct model *model = words->model;
    json_t *list = json_array();
    size_t last_frame = 0;
    double last = 0;
    for (size_t i = first; i < end; i++) {
        double confidence = (double)words->confidences[i * model->labels + label], start_s = 0,
               end_s = 0;
        size_t frame = sparrow_windows_start(model->engine, words->frames, words->hop_frames, i);
        size_t count = json_array_size(list);
        if (confidence < threshold)
            continue;
        if (count && frame < last_frame + model->frames) {
            if (confidence <= last)
                continue;
            json_array_remove(list, count - 1);
        }
        word_bounds(words, i, &start_s, &end_s);
        json_array_append_new(list,
                              json_pack("{s:s, s:f, s:f, s:f}", "normalized_text",
                                        sparrow_model_label(model->engine, label), "start_time",
                                        start_s, "end_time", end_s, "confidence", confidence));
        last_frame = frame;
        last = confidence;
    }
    return list;
}

static json_t *keywords_result(const struct words *words, size_t first, size_t end,
                               const struct local_options *options)
{
    json_t *found = json_object();
    for (const char *at = options->keywords; at && *at;) {
        size_t n = strcspn(at, ",");
        size_t label = find_label(words->model, at, n);
        char *name = strndup(at, n);
        if (name && label < words->model->labels) {
            json_t *list = hearings(words, first, end, label, options->threshold);
            if (json_array_size(list))
                json_object_set(found, name, list);
            json_decref(list);
        }
        free(name);
        at += n + (at[n] == ',');
    }
    return found;
}

bool local_check_keywords(const struct model *model, const char *keywords)
{
    for (const char *name = keywords; name && *name;) {
        size_t n = strcspn(name, ",");
        if (find_label(model, name, n) == model->labels) {
            say_error("the model %s has no keyword \"%.*s\"", sparrow_model_name(model->engine),
                      (int)n, name);
            return false;
        }
        name += n + (name[n] == ',');
    }
    return true;
}

/* One result: its alternatives are those of one word, its keywords are looked for in words [first,
 * end). */
static json_t *result(const struct words *words, const char *name, size_t word, size_t first,
                      size_t end, const struct local_options *options)
{
    json_t *object = json_pack("{s:b, s:s, s:o}", "final", 1, "clip", name, "alternatives",
                               alternatives(words, word, options->top));
    if (options->keywords && object)
        json_object_set_new(object, "keywords_result", keywords_result(words, first, end, options));
    return object;
}

static json_t *results(const struct words *words, const char *name,
                       const struct local_options *options)
{
    json_t *list = json_array();
    if (options->hop_ms <= 0) {
        json_array_append_new(list, result(words, name, words->best, 0, words->count, options));
        return list;
    }
    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(list, result(words, name, i, i, i + 1, options));
    return list;
}

static json_t *reply(const struct words *words, const char *name,
                     const struct local_options *options)
{
    double decode_us = (double)words->decode_ns / 1e3,
           features_us = (double)words->features_ns / 1e3,
           network_us = (double)words->network_ns / 1e3;
    json_t *latency = json_pack("{s:n, s:f, s:f, s:n, s:f, s:f}", "receive", "decode", decode_us,
                                "features", features_us, "queue", "inference", network_us, "total",
                                decode_us + features_us + network_us);
    json_t *energy =
        json_pack("{s:n, s:n, s:s, s:n}", "joules", "watts", "source", "none", "window_s");
    return json_pack("{s:i, s:o, s:s, s:n, s:o, s:o, s:n}", "result_index", 0, "results",
                     results(words, name, options), "model",
                     sparrow_model_name(words->model->engine), "request_id", "latency_us", latency,
                     "energy", energy, "replica");
}

json_t *local_recognize(const struct model *model, struct clip *clip, const char *name,
                        const struct local_options *options)
{
    struct words words = {.model = model};
    uint64_t begin = clock_now_ns();
    if (!clip_decode(clip, name, options->max_seconds))
        return NULL;
    words.decode_ns = clock_now_ns() - begin;
    words.pcm = sparrow_audio_samples(clip->audio);
    words.samples = sparrow_audio_count(clip->audio);
    words.frames = sparrow_features_frames(model->engine, words.samples);
    double hop_ms = options->hop_ms > 0 ? options->hop_ms : LOCAL_HOP_MS;
    double hop_frames = round(hop_ms * 16.0 / (double)model->hop);
    words.hop_frames = hop_frames < 1 ? 1 : (size_t)hop_frames;
    words.count = sparrow_windows_count(model->engine, words.frames, words.hop_frames);
    json_t *root = NULL;
    if (words_alloc(&words) && words_run(&words))
        root = reply(&words, name, options);
    if (!root)
        say_error("%s: no memory", name);
    words_done(&words);
    return root;
}
