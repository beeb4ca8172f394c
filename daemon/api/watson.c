/* watson.c - the reply of /v1/recognize: IBM Watson's shape, our own fields after it. Unknown is
 * null.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/put.h"
#include "daemon/api/results.h"

static void watson_times(struct text *t, double start_s, double end_s)
{
    text_puts(t, ",\"start_time\":");
    put_fixed(t, start_s, 3);
    text_puts(t, ",\"end_time\":");
    put_fixed(t, end_s, 3);
}

static void watson_alternatives(struct text *t, const struct results *r,
                                const struct results_one *one)
{
    text_puts(t, ",\"alternatives\":[");
    for (size_t i = 0; i < one->count; i++) {
        text_puts(t, i ? ",{\"transcript\":" : "{\"transcript\":");
        put_string(t, sparrow_model_label(r->model, one->labels[i]));
        text_puts(t, ",\"confidence\":");
        put_fixed(t, (double)one->confidence[i], 4);
        watson_times(t, one->start_s, one->end_s);
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

static void watson_keywords(struct text *t, const struct results *r, const struct results_one *one)
{
    text_puts(t, ",\"keywords_result\":{");
    for (size_t i = 0; i < one->hit_count; i++) {
        const struct results_hit *hit = &one->hits[i];
        const struct params_keyword *keyword = &r->params->keywords[hit->keyword];
        if (i && one->hits[i - 1].keyword == hit->keyword) {
            text_puts(t, ",{");
        } else {
            text_puts(t, i ? "]," : "");
            put_string(t, keyword->text);
            text_puts(t, ":[{");
        }
        text_puts(t, "\"normalized_text\":");
        put_string(t, sparrow_model_label(r->model, keyword->label));
        watson_times(t, hit->start_s, hit->end_s);
        text_puts(t, ",\"confidence\":");
        put_fixed(t, (double)hit->confidence, 4);
        text_puts(t, "}");
    }
    text_puts(t, one->hit_count ? "]}" : "}");
}

static void watson_latency(struct text *t, const struct request_latency *l)
{
    text_puts(t, ",\"latency_us\":{\"receive\":");
    put_uint(t, l->receive_us);
    text_puts(t, ",\"decode\":");
    put_uint(t, l->decode_us);
    text_puts(t, ",\"features\":");
    put_uint(t, l->features_us);
    text_puts(t, ",\"queue\":");
    put_uint(t, l->queue_us);
    text_puts(t, ",\"inference\":");
    put_uint(t, l->inference_us);
    text_puts(t, ",\"total\":");
    put_uint(t, l->total_us);
    text_puts(t, "}");
}

static void watson_energy(struct text *t, const struct energy_share *e)
{
    if (e->known) {
        text_puts(t, ",\"energy\":{\"joules\":");
        put_real(t, e->joules);
        text_puts(t, ",\"watts\":");
        put_real(t, e->watts);
        text_puts(t, ",\"source\":");
        put_string(t, e->source);
        text_puts(t, ",\"window_s\":");
        put_real(t, e->window_s);
        text_puts(t, "}");
    } else {
        text_puts(t, ",\"energy\":{\"joules\":null,\"watts\":null,\"source\":");
        put_string(t, e->source);
        text_puts(t, ",\"window_s\":null}");
    }
}

void watson_write(struct text *t, const struct results *r)
{
    text_puts(t, "{\"result_index\":0,\"results\":[");
    for (size_t i = 0; i < r->count; i++) {
        text_puts(t, i ? ",{\"final\":true,\"clip\":" : "{\"final\":true,\"clip\":");
        put_string(t, r->list[i].clip);
        watson_alternatives(t, r, &r->list[i]);
        if (r->params->keyword_count)
            watson_keywords(t, r, &r->list[i]);
        text_puts(t, "}");
    }
    text_puts(t, "],\"model\":");
    put_string(t, sparrow_model_name(r->model));
    text_puts(t, ",\"request_id\":");
    put_string(t, r->request_id);
    watson_latency(t, &r->latency);
    watson_energy(t, &r->energy);
    text_puts(t, ",\"replica\":{\"id\":");
    put_uint(t, r->replica);
    text_puts(t, ",\"backend\":");
    put_string(t, r->backend);
    text_puts(t, ",\"device\":");
    put_string(t, r->device);
    text_puts(t, "}}\n");
}
