/* onednn.c - the dense twin on oneDNN: u8 x s8 convolutions with a scale per channel, clipping and
 * residual addition in the same primitive. One thread (OMP_NUM_THREADS=1 is the caller's to set);
 * the library chooses the layout of weights.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine/rival.h"
#include "bench/engine/stages.h"
#include "bench/engine/weights.h"

struct onednn {
    const struct sparrow_model *model;
    size_t words, count;
    struct stage *stages;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t *convs, *pools;
    dnnl_memory_t *weights, *bias, *before, *scratch;
    void **values;
    dnnl_memory_t *memories; /* of the values */
};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        dnnl_status_t status_ = (call);                                                            \
        if (status_ != dnnl_success) {                                                             \
            fprintf(stderr, "oneDNN: %s: %d\n", #call, (int)status_);                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Channels last; data is ours. */
static dnnl_memory_t plain(const struct onednn *x, size_t height, size_t width, size_t channels,
                           dnnl_data_type_t type, void **ret_data)
{
    dnnl_dims_t dims = {(dnnl_dim_t)x->words, (dnnl_dim_t)channels, (dnnl_dim_t)height,
                        (dnnl_dim_t)width};
    dnnl_memory_desc_t md;
    dnnl_memory_t memory;
    MUST(dnnl_memory_desc_init_by_tag(&md, 4, dims, type, dnnl_nhwc));
    *ret_data = weights_memory(x->words, height * width * channels * (type == dnnl_u8 ? 1 : 4));
    MUST(dnnl_memory_create(&memory, &md, x->engine, *ret_data));
    return memory;
}

static const dnnl_memory_desc_t *shape_of(dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *md;
    MUST(dnnl_memory_get_memory_desc(memory, &md));
    return md;
}

/* The weights in the library's own layout. */
static dnnl_memory_t make_weights(const struct onednn *x, const struct sp_conv_params *conv,
                                  const dnnl_memory_desc_t *want)
{
    const struct sp_conv_shape *c = &conv->shape;
    dnnl_dims_t dims = {(dnnl_dim_t)c->out_channels, (dnnl_dim_t)c->in_channels,
                        (dnnl_dim_t)c->kernel_height, (dnnl_dim_t)c->kernel_width};
    dnnl_memory_desc_t md;
    dnnl_memory_t from, to;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t reorder;
    int8_t *full = weights_full(conv);
    MUST(dnnl_memory_desc_init_by_tag(&md, 4, dims, dnnl_s8, dnnl_ohwi));
    MUST(dnnl_memory_create(&from, &md, x->engine, full));
    MUST(dnnl_memory_create(&to, want, x->engine, DNNL_MEMORY_ALLOCATE));
    MUST(dnnl_reorder_primitive_desc_create(&pd, &md, x->engine, want, x->engine, NULL));
    MUST(dnnl_primitive_create(&reorder, pd));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    MUST(dnnl_primitive_execute(reorder, x->stream, 2, args));
    MUST(dnnl_stream_wait(x->stream));
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_destroy(from);
    free(full);
    return to;
}

static dnnl_memory_t make_bias(const struct onednn *x, const struct sp_conv_params *conv)
{
    dnnl_dims_t dims = {(dnnl_dim_t)conv->shape.out_channels};
    dnnl_memory_desc_t md;
    dnnl_memory_t bias;
    void *data;
    MUST(dnnl_memory_desc_init_by_tag(&md, 1, dims, dnnl_s32, dnnl_a));
    MUST(dnnl_memory_create(&bias, &md, x->engine, DNNL_MEMORY_ALLOCATE));
    MUST(dnnl_memory_get_data_handle(bias, &data));
    memcpy(data, conv->bias, conv->shape.out_channels * sizeof(int32_t));
    return bias;
}

static dnnl_primitive_attr_t make_attributes(const struct onednn *x, const struct stage *s)
{
    dnnl_primitive_attr_t attr;
    dnnl_post_ops_t ops;
    MUST(dnnl_primitive_attr_create(&attr));
    MUST(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (s->q == NULL)
        return attr;
    size_t n = s->conv->shape.out_channels;
    float *scales = weights_memory(n, sizeof(*scales));
    for (size_t o = 0; o < n; o++)
        scales[o] = (float)stages_scale(s->q, o);
    MUST(dnnl_primitive_attr_set_output_scales(attr, (dnnl_dim_t)n, 1 << 1, scales));
    free(scales);
    if (s->later != 0)
        return attr;
    MUST(dnnl_post_ops_create(&ops));
    if (s->added != 0)
        MUST(dnnl_post_ops_append_binary(ops, dnnl_binary_add, shape_of(x->memories[s->added])));
    MUST(dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_clip, 0.0f, (float)s->q->max_value));
    MUST(dnnl_primitive_attr_set_post_ops(attr, ops));
    dnnl_post_ops_destroy(ops);
    return attr;
}

/* What a linear layer reads lies flat. */
static dnnl_memory_t source(struct onednn *x, const struct stage *s)
{
    const struct sp_conv_shape *c = &s->conv->shape;
    const dnnl_memory_desc_t *md = shape_of(x->memories[s->in]);
    if ((size_t)md->dims[1] == c->in_channels)
        return x->memories[s->in];
    dnnl_dims_t dims = {(dnnl_dim_t)x->words, (dnnl_dim_t)c->in_channels, (dnnl_dim_t)c->in_height,
                        (dnnl_dim_t)c->in_width};
    dnnl_memory_desc_t flat;
    MUST(dnnl_memory_desc_init_by_tag(&flat, 4, dims, dnnl_u8, dnnl_nhwc));
    dnnl_memory_destroy(x->memories[s->in]);
    MUST(dnnl_memory_create(&x->memories[s->in], &flat, x->engine, x->values[s->in]));
    return x->memories[s->in];
}

static void make_conv(struct onednn *x, size_t i)
{
    const struct stage *s = &x->stages[i];
    const struct sp_conv_shape *c = &s->conv->shape;
    dnnl_dims_t dims = {(dnnl_dim_t)c->out_channels, (dnnl_dim_t)c->in_channels,
                        (dnnl_dim_t)c->kernel_height, (dnnl_dim_t)c->kernel_width};
    dnnl_dims_t bias_dims = {(dnnl_dim_t)c->out_channels};
    dnnl_dims_t strides = {(dnnl_dim_t)c->stride_height, (dnnl_dim_t)c->stride_width};
    dnnl_dims_t before = {(dnnl_dim_t)c->pad_top, (dnnl_dim_t)c->pad_left};
    dnnl_dims_t after = {(dnnl_dim_t)((c->out_height - 1) * c->stride_height + c->kernel_height) -
                             (dnnl_dim_t)(c->in_height + c->pad_top),
                         (dnnl_dim_t)((c->out_width - 1) * c->stride_width + c->kernel_width) -
                             (dnnl_dim_t)(c->in_width + c->pad_left)};
    dnnl_memory_desc_t weights, bias;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_attr_t attr = make_attributes(x, s);
    MUST(dnnl_memory_desc_init_by_tag(&weights, 4, dims, dnnl_s8, dnnl_format_tag_any));
    MUST(dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_s32, dnnl_a));
    MUST(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct,
                                            shape_of(source(x, s)), &weights, &bias,
                                            shape_of(x->before[i]), strides, before, after));
    MUST(dnnl_primitive_desc_create(&pd, &desc, attr, x->engine, NULL));
    if (getenv("BENCH_VERBOSE") != NULL) {
        const char *name;
        MUST(dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name));
        fprintf(stderr, "oneDNN: %zu x %zu x %zu -> %zu: %s\n", c->out_height, c->out_width,
                c->in_channels, c->out_channels, name);
    }
    MUST(dnnl_primitive_create(&x->convs[i], pd));
    MUST(dnnl_memory_create(&x->scratch[i],
                            dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0),
                            x->engine, DNNL_MEMORY_ALLOCATE));
    x->weights[i] =
        make_weights(x, s->conv, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
    x->bias[i] = make_bias(x, s->conv);
    dnnl_primitive_attr_destroy(attr);
    dnnl_primitive_desc_destroy(pd);
}

static void make_pool(struct onednn *x, size_t i)
{
    const struct sp_pool_shape *p = x->stages[i].pool;
    dnnl_dims_t window = {(dnnl_dim_t)p->height, (dnnl_dim_t)p->width}, none = {0, 0};
    dnnl_pooling_desc_t desc;
    dnnl_primitive_desc_t pd;
    MUST(dnnl_pooling_forward_desc_init(
        &desc, dnnl_forward_inference, dnnl_pooling_max, shape_of(x->before[i]),
        shape_of(x->memories[x->stages[i].out]), window, window, none, none));
    MUST(dnnl_primitive_desc_create(&pd, &desc, NULL, x->engine, NULL));
    MUST(dnnl_primitive_create(&x->pools[i], pd));
    dnnl_primitive_desc_destroy(pd);
}

static void make_stage(struct onednn *x, size_t i)
{
    const struct stage *s = &x->stages[i];
    const struct sp_value *to = &x->model->values[s->out];
    dnnl_data_type_t type = s->q == NULL ? dnnl_s32 : s->later != 0 ? dnnl_f32 : dnnl_u8;
    void *data;
    x->memories[s->out] = plain(x, to->height, to->width, to->channels, type, &x->values[s->out]);
    if (s->conv == NULL)
        return;
    const struct sp_conv_shape *c = &s->conv->shape;
    x->before[i] = s->pool == NULL
                       ? x->memories[s->out]
                       : plain(x, c->out_height, c->out_width, c->out_channels, dnnl_u8, &data);
    make_conv(x, i);
    if (s->pool != NULL)
        make_pool(x, i);
}

static void *onednn_make(const struct sparrow_model *model, const struct rival_options *opt,
                         const char **ret_reason)
{
    struct onednn *x = weights_memory(1, sizeof(*x));
    *x = (struct onednn){.model = model, .words = opt->words};
    *ret_reason = stages_make(model, &x->stages, &x->count);
    if (*ret_reason != NULL) {
        free(x);
        return NULL;
    }
    MUST(dnnl_engine_create(&x->engine, dnnl_cpu, 0));
    MUST(dnnl_stream_create(&x->stream, x->engine, dnnl_stream_default_flags));
    x->convs = weights_memory(x->count, sizeof(dnnl_primitive_t));
    x->pools = weights_memory(x->count, sizeof(dnnl_primitive_t));
    x->weights = weights_memory(x->count, sizeof(dnnl_memory_t));
    x->bias = weights_memory(x->count, sizeof(dnnl_memory_t));
    x->before = weights_memory(x->count, sizeof(dnnl_memory_t));
    x->scratch = weights_memory(x->count, sizeof(dnnl_memory_t));
    x->values = weights_memory(model->layer_count + 1, sizeof(void *));
    x->memories = weights_memory(model->layer_count + 1, sizeof(dnnl_memory_t));
    const struct sp_conv_shape *first = &x->stages[0].conv->shape;
    x->memories[0] =
        plain(x, first->in_height, first->in_width, first->in_channels, dnnl_u8, &x->values[0]);
    for (size_t i = 0; i < x->count; i++)
        make_stage(x, i);
    return x;
}

static void onednn_run(void *self, const uint8_t *const *features, int32_t *scores)
{
    struct onednn *x = self;
    const struct sparrow_model *m = x->model;
    size_t n = m->frames * m->bands, last = x->stages[x->count - 1].out;
    for (size_t w = 0; w < x->words; w++)
        memcpy((uint8_t *)x->values[0] + w * n, features[w], n);
    for (size_t i = 0; i < x->count; i++) {
        const struct stage *s = &x->stages[i];
        if (s->conv == NULL) {
            stages_mean(m, s, x->words, x->values[s->in], x->values[s->out]);
            continue;
        }
        dnnl_exec_arg_t args[] = {
            {DNNL_ARG_SRC, x->memories[s->in]},
            {DNNL_ARG_WEIGHTS, x->weights[i]},
            {DNNL_ARG_BIAS, x->bias[i]},
            {DNNL_ARG_DST, x->before[i]},
            {DNNL_ARG_SCRATCHPAD, x->scratch[i]},
            {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, x->memories[s->added]}};
        MUST(dnnl_primitive_execute(x->convs[i], x->stream, s->added != 0 ? 6 : 5, args));
        dnnl_exec_arg_t pool[] = {{DNNL_ARG_SRC, x->before[i]},
                                  {DNNL_ARG_DST, x->memories[s->out]}};
        if (s->pool != NULL)
            MUST(dnnl_primitive_execute(x->pools[i], x->stream, 2, pool));
    }
    MUST(dnnl_stream_wait(x->stream));
    memcpy(scores, x->values[last], x->words * m->label_count * sizeof(*scores));
}

static void onednn_count(const void *self, struct twin_counts *ret_counts)
{
    (void)self;
    *ret_counts = (struct twin_counts){0};
}

/* Memory that is ours and the library's; the engine and its stream go last. */
static void onednn_free(void *self)
{
    struct onednn *x = self;
    for (size_t i = 0; i < x->count; i++) {
        dnnl_primitive_destroy(x->convs[i]);
        dnnl_primitive_destroy(x->pools[i]);
        dnnl_memory_destroy(x->weights[i]);
        dnnl_memory_destroy(x->bias[i]);
        dnnl_memory_destroy(x->scratch[i]);
        void *data = NULL;
        if (x->before[i] != NULL && x->before[i] != x->memories[x->stages[i].out]) {
            dnnl_memory_get_data_handle(x->before[i], &data);
            dnnl_memory_destroy(x->before[i]);
            free(data);
        }
    }
    for (size_t v = 0; v <= x->model->layer_count; v++) {
        dnnl_memory_destroy(x->memories[v]);
        free(x->values[v]);
    }
    dnnl_stream_destroy(x->stream);
    dnnl_engine_destroy(x->engine);
    free(x->stages);
    free(x->convs);
    free(x->pools);
    free(x->weights);
    free(x->bias);
    free(x->before);
    free(x->scratch);
    free(x->values);
    free(x->memories);
    free(x);
}

const struct rival rival_onednn = {.name = "onednn",
                                   .make = onednn_make,
                                   .run = onednn_run,
                                   .count = onednn_count,
                                   .free = onednn_free};
