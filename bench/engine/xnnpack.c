/* xnnpack.c - the dense twin on XNNPACK: signed 8-bit convolutions with a scale per channel,
 * through its operators, on the caller's thread. Beside kernels for AVX2 it is held to AVX2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <cpuinfo.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

#include "bench/engine/rival.h"
#include "bench/engine/stages.h"
#include "bench/engine/weights.h"

struct xnnpack {
    const struct sparrow_model *model;
    size_t words, count;
    struct stage *stages;
    xnn_operator_t *convs, *pools, *adds;
    int8_t **values; /* by value: bytes 0 .. 127, or scaled sums */
    int8_t **before; /* by stage: what a pool or an addition reads */
};

/* Scores leave as 8 bits too. */
#define SCORE_SCALE 0.005

static xnn_operator_t make_conv(const struct stage *s)
{
    const struct sp_conv_shape *c = &s->conv->shape;
    int8_t *full = weights_full(s->conv);
    float *scales = weights_memory(c->out_channels, sizeof(*scales));
    for (size_t o = 0; o < c->out_channels; o++)
        scales[o] = s->q == NULL ? (float)SCORE_SCALE : (float)stages_scale(s->q, o);
    bool clipped = s->q != NULL && s->later == 0 && s->added == 0;
    uint32_t below = (uint32_t)((c->out_height - 1) * c->stride_height + c->kernel_height -
                                c->in_height - c->pad_top);
    uint32_t right = (uint32_t)((c->out_width - 1) * c->stride_width + c->kernel_width >
                                        c->in_width + c->pad_left
                                    ? (c->out_width - 1) * c->stride_width + c->kernel_width -
                                          c->in_width - c->pad_left
                                    : 0);
    xnn_operator_t made = NULL;
    enum xnn_status status = xnn_create_convolution2d_nhwc_qc8(
        (uint32_t)c->pad_top, right, c->kernel_height == 1 ? 0 : below, (uint32_t)c->pad_left,
        (uint32_t)c->kernel_height, (uint32_t)c->kernel_width, (uint32_t)c->stride_height,
        (uint32_t)c->stride_width, 1, 1, 1, c->in_channels, c->out_channels, c->in_channels,
        c->out_channels, 0, 1.0f, scales, full, s->conv->bias, 0, 1.0f, clipped ? 0 : -128,
        clipped ? (int8_t)s->q->max_value : 127, 0, &made);
    free(full);
    free(scales);
    return status == xnn_status_success ? made : NULL;
}

static bool make_stage(struct xnnpack *x, size_t i)
{
    const struct stage *s = &x->stages[i];
    const struct sp_value *to = &x->model->values[s->out];
    x->values[s->out] = weights_memory(x->words, to->elements);
    if (s->conv == NULL)
        return true;
    const struct sp_conv_shape *c = &s->conv->shape;
    size_t sums = c->out_height * c->out_width * c->out_channels;
    bool direct = s->pool == NULL && s->added == 0;
    x->before[i] = direct ? x->values[s->out] : weights_memory(x->words, sums);
    x->convs[i] = make_conv(s);
    if (x->convs[i] == NULL || xnn_setup_convolution2d_nhwc_qc8(
                                   x->convs[i], x->words, c->in_height, c->in_width,
                                   x->values[s->in], x->before[i], NULL) != xnn_status_success)
        return false;
    if (s->pool != NULL)
        return xnn_create_max_pooling2d_nhwc_s8(0, 0, 0, 0, (uint32_t)s->pool->height,
                                                (uint32_t)s->pool->width, (uint32_t)s->pool->height,
                                                (uint32_t)s->pool->width, 1, 1, c->out_channels,
                                                c->out_channels, c->out_channels, 0, 127, 0,
                                                &x->pools[i]) == xnn_status_success &&
               xnn_setup_max_pooling2d_nhwc_s8(x->pools[i], x->words, c->out_height, c->out_width,
                                               x->before[i], x->values[s->out],
                                               NULL) == xnn_status_success;
    size_t shape[2] = {x->words, sums};
    if (s->added != 0)
        return xnn_create_add_nd_qs8(0, 1, 0, 1, 0, 1, 0, (int8_t)s->q->max_value, 0,
                                     &x->adds[i]) == xnn_status_success &&
               xnn_setup_add_nd_qs8(x->adds[i], 2, shape, 2, shape, x->before[i],
                                    x->values[s->added], x->values[s->out],
                                    NULL) == xnn_status_success;
    return true;
}

static void xnnpack_free(void *self)
{
    struct xnnpack *x = self;
    for (size_t i = 0; i < x->count; i++) {
        xnn_delete_operator(x->convs[i]);
        xnn_delete_operator(x->pools[i]);
        xnn_delete_operator(x->adds[i]);
        if (x->before[i] != x->values[x->stages[i].out])
            free(x->before[i]);
    }
    for (size_t v = 0; v <= x->model->layer_count; v++)
        free(x->values[v]);
    free(x->stages);
    free(x->convs);
    free(x->pools);
    free(x->adds);
    free(x->values);
    free(x->before);
    free(x);
}

#ifdef __x86_64__
/* The library takes what cpuinfo found when it is initialised and offers no switch; without AVX512F
 * it takes no other part of AVX-512 either. All threads write the same. */
static void hold_to(const char *kernels)
{
    if (strcmp(kernels, "avx2") == 0 && cpuinfo_initialize())
        __atomic_store_n(&cpuinfo_isa.avx512f, false, __ATOMIC_RELAXED);
}
#else
static void hold_to(const char *kernels)
{
    (void)kernels;
}
#endif

static void *xnnpack_make(const struct sparrow_model *model, const struct rival_options *opt,
                          const char **ret_reason)
{
    struct xnnpack *x = weights_memory(1, sizeof(*x));
    *x = (struct xnnpack){.model = model, .words = opt->words};
    hold_to(opt->kernels->name);
    *ret_reason = xnn_initialize(NULL) != xnn_status_success
                      ? "XNNPACK does not start"
                      : stages_make(model, &x->stages, &x->count);
    x->convs = weights_memory(x->count, sizeof(xnn_operator_t));
    x->pools = weights_memory(x->count, sizeof(xnn_operator_t));
    x->adds = weights_memory(x->count, sizeof(xnn_operator_t));
    x->before = weights_memory(x->count, sizeof(*x->before));
    x->values = weights_memory(model->layer_count + 1, sizeof(*x->values));
    x->values[0] = weights_memory(opt->words, model->frames * model->bands);
    for (size_t i = 0; i < x->count && *ret_reason == NULL; i++)
        if (!make_stage(x, i))
            *ret_reason = "XNNPACK refuses a layer";
    if (*ret_reason == NULL)
        return x;
    xnnpack_free(x);
    return NULL;
}

static void xnnpack_run(void *self, const uint8_t *const *features, int32_t *scores)
{
    struct xnnpack *x = self;
    const struct sparrow_model *m = x->model;
    size_t n = m->frames * m->bands, last = x->stages[x->count - 1].out;
    for (size_t w = 0; w < x->words; w++)
        memcpy(x->values[0] + w * n, features[w], n);
    for (size_t i = 0; i < x->count; i++) {
        const struct stage *s = &x->stages[i];
        if (s->conv == NULL)
            stages_mean(m, s, x->words, (const uint8_t *)x->values[s->in],
                        (uint8_t *)x->values[s->out]);
        else
            xnn_run_operator(x->convs[i], NULL);
        if (s->pool != NULL)
            xnn_run_operator(x->pools[i], NULL);
        if (s->added != 0)
            xnn_run_operator(x->adds[i], NULL);
    }
    for (size_t i = 0; i < x->words * m->label_count; i++)
        scores[i] = x->values[last][i];
}

static void xnnpack_count(const void *self, struct twin_counts *ret_counts)
{
    (void)self;
    *ret_counts = (struct twin_counts){0};
}

const struct rival rival_xnnpack = {.name = "xnnpack",
                                    .make = xnnpack_make,
                                    .run = xnnpack_run,
                                    .count = xnnpack_count,
                                    .free = xnnpack_free};
