/* connect_out.c - RecognizeResponse to bytes, in both codecs. RecognizeBatchResponse has the same
 * fields with the same numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <string.h>

#include "daemon/api/put.h"
#include "daemon/api/results.h"
#include "proto/sparrow/v1/recognizer.pb-c.h"

/* ---- JSON: proto3's mapping; 64-bit integers are strings ---- */

static void connect_json_heard(struct text *t, const char *name, const char *word, float confidence,
                               double start_s, double end_s)
{
    text_puts(t, name);
    put_string(t, word);
    text_puts(t, ",\"confidence\":");
    put_fixed(t, (double)confidence, 6);
    text_puts(t, ",\"startTime\":");
    put_fixed(t, start_s, 6);
    text_puts(t, ",\"endTime\":");
    put_fixed(t, end_s, 6);
    text_puts(t, "}");
}

static void connect_json_result(struct text *t, const struct results *r,
                                const struct results_one *one)
{
    text_puts(t, "{\"clip\":");
    put_string(t, one->clip ? one->clip : "");
    text_puts(t, ",\"alternatives\":[");
    for (size_t i = 0; i < one->count; i++)
        connect_json_heard(t, i ? ",{\"transcript\":" : "{\"transcript\":",
                           sparrow_model_label(r->model, one->labels[i]), one->confidence[i],
                           one->start_s, one->end_s);
    text_puts(t, "],\"keywords\":[");
    for (size_t i = 0; i < one->hit_count; i++) {
        const struct results_hit *h = &one->hits[i];
        connect_json_heard(t, i ? ",{\"normalizedText\":" : "{\"normalizedText\":",
                           sparrow_model_label(r->model, r->params->keywords[h->keyword].label),
                           h->confidence, h->start_s, h->end_s);
    }
    text_puts(t, "]}");
}

static void connect_json_us(struct text *t, const char *name, uint64_t us)
{
    text_puts(t, name);
    put_uint(t, us);
    text_puts(t, "\"");
}

static void connect_json_energy(struct text *t, const struct energy_share *e)
{
    text_puts(t, ",\"energy\":{\"known\":");
    put_bool(t, e->known);
    if (e->known) {
        text_puts(t, ",\"joules\":");
        put_real(t, e->joules);
        text_puts(t, ",\"watts\":");
        put_real(t, e->watts);
        text_puts(t, ",\"windowS\":");
        put_real(t, e->window_s);
    }
    text_puts(t, ",\"source\":");
    put_string(t, e->source);
    text_puts(t, "}");
}

void connect_write_json(struct text *t, const struct results *r)
{
    text_puts(t, "{\"results\":[");
    for (size_t i = 0; i < r->count; i++) {
        text_puts(t, i ? "," : "");
        connect_json_result(t, r, &r->list[i]);
    }
    text_puts(t, "],\"model\":");
    put_string(t, sparrow_model_name(r->model));
    text_puts(t, ",\"requestId\":");
    put_string(t, r->request_id);
    connect_json_us(t, ",\"latency\":{\"receiveUs\":\"", r->latency.receive_us);
    connect_json_us(t, ",\"decodeUs\":\"", r->latency.decode_us);
    connect_json_us(t, ",\"featuresUs\":\"", r->latency.features_us);
    connect_json_us(t, ",\"queueUs\":\"", r->latency.queue_us);
    connect_json_us(t, ",\"inferenceUs\":\"", r->latency.inference_us);
    connect_json_us(t, ",\"totalUs\":\"", r->latency.total_us);
    text_puts(t, "}");
    connect_json_energy(t, &r->energy);
    text_puts(t, ",\"replica\":{\"id\":");
    put_uint(t, r->replica);
    text_puts(t, ",\"backend\":");
    put_string(t, r->backend ? r->backend : "");
    text_puts(t, ",\"device\":");
    put_string(t, r->device ? r->device : "");
    text_puts(t, "}}");
}

/* ---- protobuf: the message is laid out in the arena, then packed ---- */

/* protobuf-c takes char * for strings that it only reads. */
static char *connect_text(const char *s)
{
    union {
        const char *in;
        char *out;
    } u = {.in = s ? s : ""};
    return u.out;
}

static bool connect_alternatives(const struct results *r, const struct results_one *one,
                                 struct arena *arena, Sparrow__V1__Result *result)
{
    Sparrow__V1__Alternative *list = arena_array(arena, one->count, sizeof *list);
    result->alternatives = arena_array(arena, one->count, sizeof *result->alternatives);
    if (!list || !result->alternatives)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        sparrow__v1__alternative__init(&list[i]);
        list[i].transcript = connect_text(sparrow_model_label(r->model, one->labels[i]));
        list[i].confidence = one->confidence[i];
        list[i].start_time = one->start_s;
        list[i].end_time = one->end_s;
        result->alternatives[i] = &list[i];
    }
    result->n_alternatives = one->count;
    return true;
}

static bool connect_hits(const struct results *r, const struct results_one *one,
                         struct arena *arena, Sparrow__V1__Result *result)
{
    Sparrow__V1__KeywordHit *list = arena_array(arena, one->hit_count, sizeof *list);
    result->keywords = arena_array(arena, one->hit_count, sizeof *result->keywords);
    if (!list || !result->keywords)
        return false;
    for (size_t i = 0; i < one->hit_count; i++) {
        const struct results_hit *h = &one->hits[i];
        sparrow__v1__keyword_hit__init(&list[i]);
        list[i].normalized_text =
            connect_text(sparrow_model_label(r->model, r->params->keywords[h->keyword].label));
        list[i].confidence = h->confidence;
        list[i].start_time = h->start_s;
        list[i].end_time = h->end_s;
        result->keywords[i] = &list[i];
    }
    result->n_keywords = one->hit_count;
    return true;
}

static bool connect_results(const struct results *r, struct arena *arena,
                            Sparrow__V1__RecognizeResponse *message)
{
    Sparrow__V1__Result *list = arena_array(arena, r->count, sizeof *list);
    message->results = arena_array(arena, r->count, sizeof *message->results);
    if (!list || !message->results)
        return false;
    for (size_t i = 0; i < r->count; i++) {
        sparrow__v1__result__init(&list[i]);
        list[i].clip = connect_text(r->list[i].clip);
        if (!connect_alternatives(r, &r->list[i], arena, &list[i]) ||
            !connect_hits(r, &r->list[i], arena, &list[i]))
            return false;
        message->results[i] = &list[i];
    }
    message->n_results = r->count;
    return true;
}

int connect_write_proto(struct text *t, const struct results *r, struct arena *arena)
{
    Sparrow__V1__RecognizeResponse message = SPARROW__V1__RECOGNIZE_RESPONSE__INIT;
    Sparrow__V1__Latency latency = SPARROW__V1__LATENCY__INIT;
    Sparrow__V1__Energy energy = SPARROW__V1__ENERGY__INIT;
    Sparrow__V1__Replica replica = SPARROW__V1__REPLICA__INIT;
    if (!connect_results(r, arena, &message))
        return SPARROW_TOO_LARGE;
    message.model = connect_text(sparrow_model_name(r->model));
    message.request_id = connect_text(r->request_id);
    latency.receive_us = r->latency.receive_us;
    latency.decode_us = r->latency.decode_us;
    latency.features_us = r->latency.features_us;
    latency.queue_us = r->latency.queue_us;
    latency.inference_us = r->latency.inference_us;
    latency.total_us = r->latency.total_us;
    message.latency = &latency;
    energy.known = r->energy.known;
    energy.joules = r->energy.known ? r->energy.joules : 0; /* 0 is "absent" in proto3 */
    energy.watts = r->energy.known ? r->energy.watts : 0;
    energy.window_s = r->energy.known ? r->energy.window_s : 0;
    energy.source = connect_text(r->energy.source);
    message.energy = &energy;
    replica.id = r->replica;
    replica.backend = connect_text(r->backend);
    replica.device = connect_text(r->device);
    message.replica = &replica;
    size_t n = sparrow__v1__recognize_response__get_packed_size(&message);
    uint8_t *bytes = arena_alloc(arena, n);
    if (!bytes)
        return SPARROW_TOO_LARGE;
    text_add(t, bytes, sparrow__v1__recognize_response__pack(&message, bytes));
    return 0;
}
