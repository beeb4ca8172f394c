/* weights.c - weights and biases: shapes, values, and how large a sum can become.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "engine/model/limits.h"
#include "engine/model/loader.h"

/* The sums of an output's positive and negative weights. */
struct reach {
    int64_t up, down;
};

static void reach_add(struct reach *r, int8_t weight)
{
    if (weight > 0)
        r->up += weight;
    else
        r->down += weight;
}

/* Copies the values after a look at each; n is what the shape asks for. */
static int copy_values(struct sp_loader *l, const ProtobufCBinaryData *values, uint64_t n,
                       const int8_t **ret_values)
{
    if (values->len != n)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu weights are stored where %llu are needed",
                              values->len, (unsigned long long)n);
    if (n > SP_LIMIT_WEIGHTS || l->stored > SP_LIMIT_WEIGHTS - n)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "more than %zu stored weights",
                              SP_LIMIT_WEIGHTS);
    if (n != 0 && memchr(values->data, 0x80, (size_t)n) != NULL)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "a weight is -128; -127 to 127 are possible");
    int8_t *copy = sp_loader_alloc(l, (size_t)n, 1);
    if (copy == NULL)
        return SPARROW_NO_MEMORY;
    if (n != 0)
        memcpy(copy, values->data, (size_t)n);
    l->stored += n;
    *ret_values = copy;
    return SPARROW_OK;
}

static int load_dense(struct sp_loader *l, const Sparrow__Model__V1__DenseWeights *from, size_t out,
                      size_t inputs, struct sp_weights *w, struct reach *reach)
{
    w->encoding = SP_DENSE;
    int status = copy_values(l, &from->values, (uint64_t)out * inputs, &w->dense);
    if (status < 0)
        return status;
    w->stored = from->values.len;
    for (size_t i = 0; i < from->values.len; i++)
        reach_add(&reach[i / inputs], w->dense[i]);
    return SPARROW_OK;
}

/* Places rise, so they are sorted by group, tap and window, and none stands twice. */
static int load_places(struct sp_loader *l, const Sparrow__Model__V1__WindowWeights *from,
                       size_t out, size_t taps, size_t in, struct sp_windows *windows)
{
    struct sp_place *place = sp_loader_alloc(l, from->n_places, sizeof(*place));
    if (place == NULL)
        return SPARROW_NO_MEMORY;
    size_t per_tap = in / from->window;
    for (size_t i = 0; i < from->n_places; i++) {
        uint32_t p = from->places[i];
        if (i > 0 && p <= from->places[i - 1])
            return sp_loader_fail(l, SPARROW_BAD_MODEL, "places do not rise at number %zu", i + 1);
        place[i].window = (uint32_t)(p % per_tap);
        place[i].tap = (uint32_t)(p / per_tap % taps);
        place[i].group = (uint32_t)(p / per_tap / taps);
        if (place[i].group >= out / from->group)
            return sp_loader_fail(l, SPARROW_BAD_MODEL, "place %u lies outside of the weights", p);
    }
    windows->group = from->group;
    windows->window = from->window;
    windows->places = from->n_places;
    windows->place = place;
    return SPARROW_OK;
}

static int load_windows(struct sp_loader *l, const Sparrow__Model__V1__WindowWeights *from,
                        const struct sp_conv_shape *s, struct sp_weights *w, struct reach *reach)
{
    size_t out = s->out_channels, taps = s->kernel_height * s->kernel_width, in = s->in_channels;
    if (from->group == 0 || out % from->group != 0)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "group %u does not divide %zu outputs",
                              from->group, out);
    if (from->window == 0 || in % from->window != 0)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "window %u does not divide %zu inputs",
                              from->window, in);
    size_t each = (size_t)from->group * from->window;
    if (from->n_places > SP_LIMIT_WEIGHTS || each > SP_LIMIT_WEIGHTS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "more than %zu stored weights",
                              SP_LIMIT_WEIGHTS);
    w->encoding = SP_WINDOWS;
    int status = copy_values(l, &from->values, (uint64_t)from->n_places * each, &w->windows.values);
    if (status < 0)
        return status;
    w->stored = from->values.len;
    status = load_places(l, from, out, taps, in, &w->windows);
    if (status < 0)
        return status;
    for (size_t i = 0; i < from->values.len; i++)
        reach_add(&reach[w->windows.place[i / each].group * from->group + i % from->group],
                  w->windows.values[i]);
    return SPARROW_OK;
}

static int load_indexed(struct sp_loader *l, const Sparrow__Model__V1__IndexedWeights *from,
                        size_t out, size_t inputs, struct sp_weights *w, struct reach *reach)
{
    if (from->n_counts != out)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu counts of weights for %zu outputs",
                              from->n_counts, out);
    uint64_t total = 0;
    for (size_t o = 0; o < out; o++)
        total += from->counts[o];
    if (total != from->n_gaps)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu gaps where the counts say %llu",
                              from->n_gaps, (unsigned long long)total);
    w->encoding = SP_INDEXED;
    int status = copy_values(l, &from->values, total, &w->indexed.values);
    if (status < 0)
        return status;
    w->stored = total;
    uint32_t *counts = sp_loader_alloc(l, out, sizeof(*counts));
    uint32_t *positions = sp_loader_alloc(l, (size_t)total, sizeof(*positions));
    if (counts == NULL || positions == NULL)
        return SPARROW_NO_MEMORY;
    size_t i = 0;
    for (size_t o = 0; o < out; o++) {
        counts[o] = from->counts[o];
        uint64_t position = 0;
        for (size_t j = 0; j < counts[o]; j++, i++) {
            position += from->gaps[i];
            if ((j > 0 && from->gaps[i] == 0) || position >= inputs)
                return sp_loader_fail(l, SPARROW_BAD_MODEL,
                                      "weight %zu of output %zu stands twice, or outside of %zu "
                                      "inputs",
                                      j + 1, o, inputs);
            positions[i] = (uint32_t)position;
            reach_add(&reach[o], w->indexed.values[i]);
        }
    }
    w->indexed.counts = counts;
    w->indexed.positions = positions;
    return SPARROW_OK;
}

static int load_bias(struct sp_loader *l, size_t bias_count, const int32_t *bias, size_t out,
                     const int32_t **ret_bias)
{
    if (bias_count != 0 && bias_count != out)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu biases for %zu outputs", bias_count, out);
    int32_t *copy = sp_loader_alloc(l, out, sizeof(*copy));
    if (copy == NULL)
        return SPARROW_NO_MEMORY;
    if (bias_count != 0)
        memcpy(copy, bias, out * sizeof(*copy));
    *ret_bias = copy;
    return SPARROW_OK;
}

/* ARITHMETIC.md section 3: partial sums in any order of addition, the bias at either end, stay
 * within s32. */
static int bound(struct sp_loader *l, const struct sp_conv_params *conv, const struct reach *reach,
                 uint32_t max, int64_t *ret_lo, int64_t *ret_hi)
{
    int64_t lo = INT64_MAX, hi = INT64_MIN;
    for (size_t o = 0; o < conv->shape.out_channels; o++) {
        int64_t bias = conv->bias[o], up = reach[o].up * max, down = reach[o].down * max;
        if (up + (bias > 0 ? bias : 0) > INT32_MAX || down + (bias < 0 ? bias : 0) < INT32_MIN)
            return sp_loader_fail(l, SPARROW_BAD_MODEL,
                                  "output %zu can reach %lld or %lld: its sum does not fit 32 bits",
                                  o, (long long)(down + bias), (long long)(up + bias));
        hi = bias + up > hi ? bias + up : hi;
        lo = bias + down < lo ? bias + down : lo;
    }
    *ret_lo = lo;
    *ret_hi = hi;
    return SPARROW_OK;
}

static int load_encoding(struct sp_loader *l, const Sparrow__Model__V1__Weights *from,
                         struct sp_conv_params *conv, struct reach *reach)
{
    const struct sp_conv_shape *s = &conv->shape;
    size_t out = s->out_channels, inputs = s->kernel_height * s->kernel_width * s->in_channels;
    conv->weights.full = (uint64_t)out * inputs;
    switch (from->encoding_case) {
    case SPARROW__MODEL__V1__WEIGHTS__ENCODING_DENSE:
        return load_dense(l, from->dense, out, inputs, &conv->weights, reach);
    case SPARROW__MODEL__V1__WEIGHTS__ENCODING_WINDOWS:
        return load_windows(l, from->windows, s, &conv->weights, reach);
    case SPARROW__MODEL__V1__WEIGHTS__ENCODING_INDEXED:
        return load_indexed(l, from->indexed, out, inputs, &conv->weights, reach);
    case SPARROW__MODEL__V1__WEIGHTS__ENCODING__NOT_SET:
    default:
        return sp_loader_fail(
            l, SPARROW_UNKNOWN_VERSION,
            "weights are missing, or encoded in a way this library does not know");
    }
}

int sp_weights_load(struct sp_loader *l, const Sparrow__Model__V1__Weights *from, size_t bias_count,
                    const int32_t *bias, uint32_t max, struct sp_conv_params *ret_conv,
                    int64_t *ret_lo, int64_t *ret_hi)
{
    size_t out = ret_conv->shape.out_channels;
    if (from == NULL)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "there are no weights");
    int status = load_bias(l, bias_count, bias, out, &ret_conv->bias);
    if (status < 0)
        return status;
    struct reach *reach = calloc(out, sizeof(*reach));
    if (reach == NULL)
        return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory for bounds");
    status = load_encoding(l, from, ret_conv, reach);
    if (status == 0)
        status = bound(l, ret_conv, reach, max, ret_lo, ret_hi);
    free(reach);
    return status;
}
