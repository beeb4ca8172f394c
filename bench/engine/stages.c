/* stages.c - follows each convolution to the next active value.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/stages.h"

#include <stdlib.h>
#include <string.h>

#include "bench/engine/weights.h"

/* The value itself, or what it is another view of; winners among active values are left out. */
static size_t root(const struct sparrow_model *m, size_t value)
{
    while (value > 0 &&
           (m->layers[value - 1].op == SP_OP_RESHAPE || m->layers[value - 1].op == SP_OP_K_WINNERS))
        value = m->layers[value - 1].inputs[0];
    return value;
}

/* The layer that reads a value, if it is the only one; layer_count if there is none. */
static size_t reader(const struct sparrow_model *m, size_t value)
{
    size_t found = m->layer_count;
    for (size_t l = 0; l < m->layer_count; l++)
        for (size_t i = 0; i < m->layers[l].input_count; i++)
            if (m->layers[l].inputs[i] == value)
                found = l;
    return found;
}

static const struct sp_requantise *requantisation(const struct sp_layer *layer)
{
    return layer->op == SP_OP_REQUANTISE      ? &layer->requantise
           : layer->op == SP_OP_BLOCK_WINNERS ? &layer->block_winners.q
                                              : NULL;
}

/* From the sums that layer l writes to the active value that they become. */
static const char *follow(const struct sparrow_model *m, size_t l, struct stage *s)
{
    size_t value = l + 1;
    for (size_t next; (next = reader(m, value)) < m->layer_count; value = next + 1) {
        const struct sp_layer *layer = &m->layers[next];
        s->q = requantisation(layer);
        if (s->q != NULL) {
            s->out = next + 1;
            return NULL;
        }
        if (layer->op == SP_OP_MAX_POOL && s->later == 0 && s->added == 0)
            s->pool = &layer->pool;
        else if (layer->op == SP_OP_ADD && layer->input_count == 2 && s->pool == NULL)
            *(layer->inputs[0] + layer->inputs[1] - value > value ? &s->later : &s->added) =
                layer->inputs[0] + layer->inputs[1] - value;
        else
            return "a layer between sums that is neither pool nor Add of two";
    }
    s->out = value;
    return NULL;
}

const char *stages_make(const struct sparrow_model *m, struct stage **ret_stages, size_t *ret_count)
{
    struct stage *stages = weights_memory(m->layer_count, sizeof(*stages));
    size_t count = 0;
    for (size_t l = 0; l < m->layer_count; l++) {
        const struct sp_layer *layer = &m->layers[l];
        bool conv = layer->op == SP_OP_CONV || layer->op == SP_OP_LINEAR;
        if (!conv && layer->op != SP_OP_MEAN_POOL)
            continue;
        struct stage *s = &stages[count++];
        s->conv = conv ? &layer->conv : NULL;
        s->in = root(m, layer->inputs[0]);
        const char *reason = follow(m, l, s);
        if (reason != NULL) {
            free(stages);
            return reason;
        }
        if (s->later != 0)
            s->out = l + 1;
    }
    *ret_stages = stages;
    *ret_count = count;
    return NULL;
}

double stages_scale(const struct sp_requantise *q, size_t c)
{
    return (double)q->multipliers[c / q->share] / (double)((uint64_t)1 << q->shifts[c / q->share]);
}

void stages_mean(const struct sparrow_model *m, const struct stage *s, size_t words,
                 const uint8_t *in, uint8_t *out)
{
    const struct sp_value *from = &m->values[s->in];
    size_t positions = from->height * from->width, n = from->channels;
    int32_t sums[1024];
    for (size_t w = 0; w < words; w++, out += n) {
        memset(sums, 0, n * sizeof(*sums));
        for (size_t p = 0; p < positions; p++, in += n)
            for (size_t c = 0; c < n; c++)
                sums[c] += in[c];
        for (size_t c = 0; c < n; c++)
            out[c] = sp_requantise_one(sums[c], s->q->multipliers[c / s->q->share],
                                       s->q->shifts[c / s->q->share], s->q->max_value);
    }
}
