/* layers.c - the checks of each layer: its inputs, its shape, what it can give.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/model/limits.h"
#include "engine/model/loader.h"
#include "engine/model/text.h"

static const char *const op_names[SP_OP_COUNT] = {
    [SP_OP_CONV] = "conv",
    [SP_OP_LINEAR] = "linear",
    [SP_OP_ADD] = "add",
    [SP_OP_MAX_POOL] = "max_pool",
    [SP_OP_MEAN_POOL] = "mean_pool",
    [SP_OP_REQUANTISE] = "requantise",
    [SP_OP_BLOCK_WINNERS] = "block_winners",
    [SP_OP_K_WINNERS] = "k_winners",
    [SP_OP_RESHAPE] = "reshape",
};

const char *sp_layers_op_name(enum sp_op op)
{
    return op_names[op];
}

static struct sp_layer *layer_of(struct sp_loader *l)
{
    return &l->model->layers[l->layer];
}

static const struct sp_value *input_of(struct sp_loader *l, size_t i)
{
    return &l->model->values[layer_of(l)->inputs[i]];
}

/* Gives the output its shape, after a look at its size. */
static int set_output(struct sp_loader *l, uint64_t height, uint64_t width, uint64_t channels)
{
    struct sp_value *v = &l->model->values[l->layer + 1];
    uint64_t elements;
    if (height == 0 || width == 0 || channels == 0 ||
        __builtin_mul_overflow(height, width, &elements) ||
        __builtin_mul_overflow(elements, channels, &elements) || elements > SP_LIMIT_ELEMENTS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "its value of %llu x %llu x %llu is empty or has more than %zu "
                              "elements",
                              (unsigned long long)height, (unsigned long long)width,
                              (unsigned long long)channels, SP_LIMIT_ELEMENTS);
    v->height = (size_t)height;
    v->width = (size_t)width;
    v->channels = (size_t)channels;
    v->elements = (size_t)elements;
    v->root = l->layer + 1;
    v->plain = v->lanes = v->split = SP_NOWHERE;
    return SPARROW_OK;
}

static void set_active(struct sp_loader *l, uint32_t max)
{
    struct sp_value *v = &l->model->values[l->layer + 1];
    v->active = true;
    v->max = max;
    v->lo = 0;
    v->hi = (int64_t)max;
}

static int set_sum(struct sp_loader *l, int64_t lo, int64_t hi)
{
    struct sp_value *v = &l->model->values[l->layer + 1];
    if (lo < INT32_MIN || hi > INT32_MAX)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "its sums can reach %lld or %lld and do not fit 32 bits",
                              (long long)lo, (long long)hi);
    v->active = false;
    v->lo = lo;
    v->hi = hi;
    return SPARROW_OK;
}

/* The only input, which has to be active (or a sum). NULL, with the error set, if it is not so. */
static const struct sp_value *one_input(struct sp_loader *l, bool active)
{
    if (layer_of(l)->input_count != 1) {
        sp_loader_fail(l, SPARROW_BAD_MODEL, "it has %zu inputs and needs one",
                       layer_of(l)->input_count);
        return NULL;
    }
    const struct sp_value *in = input_of(l, 0);
    if (in->active != active) {
        sp_loader_fail(l, SPARROW_BAD_MODEL, "its input is %s",
                       in->active ? "active where it needs sums"
                                  : "a sum where it needs active values");
        return NULL;
    }
    return in;
}

/* Weights, macs and work of a convolution whose shape is set; then its output. */
static int load_conv_weights(struct sp_loader *l, const Sparrow__Model__V1__Weights *from,
                             size_t n_bias, const int32_t *bias, uint32_t max)
{
    struct sp_layer *layer = layer_of(l);
    struct sp_conv_params *conv = &layer->conv;
    const struct sp_conv_shape *s = &conv->shape;
    int64_t lo, hi;
    int status = set_output(l, s->out_height, s->out_width, s->out_channels);
    if (status == 0)
        status = sp_weights_load(l, from, n_bias, bias, max, conv, &lo, &hi);
    if (status < 0)
        return status;
    /* full <= 2^16 outputs x 2^31 inputs, positions x outputs <= 2^20: no product overflows */
    uint64_t positions = (uint64_t)s->out_height * s->out_width;
    layer->weights = conv->weights.full;
    layer->stored = conv->weights.stored;
    layer->macs_dense = conv->weights.full * positions;
    layer->macs_stored = conv->weights.stored * positions;
    status = sp_loader_add_work(l, positions * (layer->stored + s->out_channels));
    if (status < 0)
        return status;
    return set_sum(l, lo, hi);
}

static bool in_kernel_limits(uint32_t a, uint32_t b, uint32_t least)
{
    return a >= least && a <= SP_LIMIT_KERNEL && b >= least && b <= SP_LIMIT_KERNEL;
}

/* Positions along one dimension; 0 where the kernel does not fit. */
static size_t conv_positions(size_t in, uint32_t before, uint32_t after, uint32_t kernel,
                             uint32_t stride)
{
    size_t padded = in + before + after;
    return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

static int check_channels(struct sp_loader *l, uint32_t out, uint64_t taps, uint64_t in)
{
    if (out < 1 || out > SP_LIMIT_CHANNELS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "out_channels is %u, 1 to %d are possible", out,
                              SP_LIMIT_CHANNELS);
    if (taps * in > INT32_MAX)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%llu inputs per output are too many",
                              (unsigned long long)(taps * in));
    return SPARROW_OK;
}

static int load_conv(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__Conv *f = from->conv;
    const struct sp_value *in = one_input(l, true);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    if (!in_kernel_limits(f->kernel_height, f->kernel_width, 1) ||
        !in_kernel_limits(f->stride_height, f->stride_width, 1) ||
        !in_kernel_limits(f->pad_top, f->pad_bottom, 0) ||
        !in_kernel_limits(f->pad_left, f->pad_right, 0))
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "kernel %u x %u, stride %u x %u, padding %u %u %u %u: kernels and "
                              "strides are 1 to %d, paddings 0 to %d",
                              f->kernel_height, f->kernel_width, f->stride_height, f->stride_width,
                              f->pad_top, f->pad_bottom, f->pad_left, f->pad_right, SP_LIMIT_KERNEL,
                              SP_LIMIT_KERNEL);
    int status = check_channels(l, f->out_channels, (uint64_t)f->kernel_height * f->kernel_width,
                                in->channels);
    if (status < 0)
        return status;
    layer_of(l)->op = SP_OP_CONV;
    layer_of(l)->conv.shape = (struct sp_conv_shape){
        .in_height = in->height,
        .in_width = in->width,
        .in_channels = in->channels,
        .out_height = conv_positions(in->height, f->pad_top, f->pad_bottom, f->kernel_height,
                                     f->stride_height),
        .out_width =
            conv_positions(in->width, f->pad_left, f->pad_right, f->kernel_width, f->stride_width),
        .out_channels = f->out_channels,
        .kernel_height = f->kernel_height,
        .kernel_width = f->kernel_width,
        .stride_height = f->stride_height,
        .stride_width = f->stride_width,
        .pad_top = f->pad_top,
        .pad_left = f->pad_left,
    };
    return load_conv_weights(l, f->weights, f->n_bias, f->bias, in->max);
}

static int load_linear(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__Linear *f = from->linear;
    const struct sp_value *in = one_input(l, true);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    int status = check_channels(l, f->out_channels, 1, in->elements);
    if (status < 0)
        return status;
    layer_of(l)->op = SP_OP_LINEAR;
    layer_of(l)->conv.shape = (struct sp_conv_shape){
        .in_height = 1,
        .in_width = 1,
        .in_channels = in->elements,
        .out_height = 1,
        .out_width = 1,
        .out_channels = f->out_channels,
        .kernel_height = 1,
        .kernel_width = 1,
        .stride_height = 1,
        .stride_width = 1,
    };
    return load_conv_weights(l, f->weights, f->n_bias, f->bias, in->max);
}

static int load_add(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__Add *f = from->add;
    struct sp_layer *layer = layer_of(l);
    size_t n = layer->input_count;
    if (f->n_multipliers != 0 && f->n_multipliers != n)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu multipliers for %zu inputs",
                              f->n_multipliers, n);
    uint32_t *multipliers = sp_loader_alloc(l, n, sizeof(*multipliers));
    bool *active = sp_loader_alloc(l, n, sizeof(*active));
    if (multipliers == NULL || active == NULL)
        return SPARROW_NO_MEMORY;
    const struct sp_value *first = input_of(l, 0);
    int64_t lo = 0, hi = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sp_value *in = input_of(l, i);
        if (in->height != first->height || in->width != first->width ||
            in->channels != first->channels)
            return sp_loader_fail(l, SPARROW_BAD_MODEL, "inputs 1 and %zu have different shapes",
                                  i + 1);
        multipliers[i] = f->n_multipliers != 0 ? f->multipliers[i] : 1;
        if (multipliers[i] < 1 || multipliers[i] > INT16_MAX)
            return sp_loader_fail(l, SPARROW_BAD_MODEL, "multiplier %u, 1 to %d are possible",
                                  multipliers[i], INT16_MAX);
        active[i] = in->active;
        /* A value's range need not reach 0, but a partial sum may begin there. */
        lo += (in->lo < 0 ? in->lo : 0) * multipliers[i];
        hi += (in->hi > 0 ? in->hi : 0) * multipliers[i];
    }
    layer->op = SP_OP_ADD;
    layer->add = (struct sp_add){.inputs = n, .multipliers = multipliers, .active = active};
    int status = set_output(l, first->height, first->width, first->channels);
    if (status == 0)
        status = sp_loader_add_work(l, first->elements * n);
    return status < 0 ? status : set_sum(l, lo, hi);
}

static int load_max_pool(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__MaxPool *f = from->max_pool;
    const struct sp_value *in = one_input(l, input_of(l, 0)->active);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    if (f->height < 1 || f->height > in->height || f->width < 1 || f->width > in->width)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "a pool of %u x %u on a value of %zu x %zu",
                              f->height, f->width, in->height, in->width);
    struct sp_layer *layer = layer_of(l);
    layer->op = SP_OP_MAX_POOL;
    layer->pool = (struct sp_pool_shape){
        .in_width = in->width,
        .out_height = in->height / f->height,
        .out_width = in->width / f->width,
        .channels = in->channels,
        .height = f->height,
        .width = f->width,
    };
    int status = set_output(l, layer->pool.out_height, layer->pool.out_width, in->channels);
    if (status == 0)
        status = sp_loader_add_work(l, in->elements);
    if (status < 0)
        return status;
    if (!in->active)
        return set_sum(l, in->lo, in->hi);
    set_active(l, in->max);
    return SPARROW_OK;
}

static int load_mean_pool(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    (void)from;
    const struct sp_value *in = one_input(l, true);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    layer_of(l)->op = SP_OP_MEAN_POOL;
    int status = set_output(l, 1, 1, in->channels);
    if (status == 0)
        status = sp_loader_add_work(l, in->elements);
    if (status < 0)
        return status;
    return set_sum(l, 0, (int64_t)in->max * (int64_t)(in->height * in->width));
}

/* `scales`: how many multipliers there are if there is not just one. */
static int load_scales(struct sp_loader *l, const Sparrow__Model__V1__Requantise *f,
                       size_t channels, size_t scales, struct sp_requantise *ret_q)
{
    size_t n = f->n_multipliers;
    if ((n != 1 && n != scales) || f->n_shifts != n)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "%zu multipliers and %zu shifts, 1 or %zu of each are needed", n,
                              f->n_shifts, scales);
    if (f->max_value < 1 || f->max_value > 127)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "max_value %u, 1 to 127 are possible",
                              f->max_value);
    uint32_t *multipliers = sp_loader_alloc(l, n, sizeof(*multipliers));
    uint8_t *shifts = sp_loader_alloc(l, n, sizeof(*shifts));
    if (multipliers == NULL || shifts == NULL)
        return SPARROW_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (f->multipliers[i] < 1 || f->multipliers[i] > INT32_MAX || f->shifts[i] < 1 ||
            f->shifts[i] > 62)
            return sp_loader_fail(l, SPARROW_BAD_MODEL,
                                  "multiplier %u with shift %u: 1 to %d and 1 to 62 are possible",
                                  f->multipliers[i], f->shifts[i], INT32_MAX);
        multipliers[i] = f->multipliers[i];
        shifts[i] = (uint8_t)f->shifts[i];
    }
    *ret_q = (struct sp_requantise){
        .multipliers = multipliers,
        .shifts = shifts,
        .share = channels / n,
        .max_value = (uint8_t)f->max_value,
    };
    return SPARROW_OK;
}

static int load_requantise(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const struct sp_value *in = one_input(l, false);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    struct sp_layer *layer = layer_of(l);
    layer->op = SP_OP_REQUANTISE;
    int status = set_output(l, in->height, in->width, in->channels);
    if (status == 0)
        status = load_scales(l, from->requantise, in->channels, in->channels, &layer->requantise);
    if (status == 0)
        status = sp_loader_add_work(l, in->elements);
    if (status < 0)
        return status;
    set_active(l, layer->requantise.max_value);
    return SPARROW_OK;
}

static int load_block_winners(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__BlockWinners *f = from->block_winners;
    const struct sp_value *in = one_input(l, false);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    if (f->block < 1 || in->channels % f->block != 0 || f->winners < 1 || f->winners > f->block)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "%u winners in blocks of %u do not fit %zu channels", f->winners,
                              f->block, in->channels);
    if (f->rank_shift > 7)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "rank_shift %u, 0 to 7 are possible",
                              f->rank_shift);
    if (f->requantise == NULL)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "block winners without a requantisation");
    struct sp_layer *layer = layer_of(l);
    layer->op = SP_OP_BLOCK_WINNERS;
    layer->block_winners.block = f->block;
    layer->block_winners.winners = f->winners;
    layer->block_winners.rank_shift = f->rank_shift;
    int status = set_output(l, in->height, in->width, in->channels);
    if (status == 0)
        status = load_scales(l, f->requantise, in->channels, in->channels / f->block,
                             &layer->block_winners.q);
    if (status == 0)
        status = sp_loader_add_work(l, (uint64_t)in->elements * f->winners);
    if (status < 0)
        return status;
    set_active(l, layer->block_winners.q.max_value);
    return SPARROW_OK;
}

static int load_k_winners(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__KWinners *f = from->k_winners;
    const struct sp_value *in = one_input(l, true);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    struct sp_layer *layer = layer_of(l);
    layer->op = SP_OP_K_WINNERS;
    layer->k_winners.rows = f->local ? in->height * in->width : 1;
    layer->k_winners.n = in->elements / layer->k_winners.rows;
    layer->k_winners.k = f->k;
    if (f->k < 1 || f->k > layer->k_winners.n)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "k is %u, 1 to %zu are possible", f->k,
                              layer->k_winners.n);
    int status = set_output(l, in->height, in->width, in->channels);
    if (status == 0)
        status = sp_loader_add_work(l, 2 * in->elements + 256 * layer->k_winners.rows);
    if (status < 0)
        return status;
    set_active(l, in->max);
    return SPARROW_OK;
}

static int load_reshape(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    const Sparrow__Model__V1__Reshape *f = from->reshape;
    const struct sp_value *in = one_input(l, input_of(l, 0)->active);
    if (in == NULL)
        return SPARROW_BAD_MODEL;
    layer_of(l)->op = SP_OP_RESHAPE;
    int status = set_output(l, f->height, f->width, f->channels);
    if (status < 0)
        return status;
    struct sp_value *v = &l->model->values[l->layer + 1];
    if (v->elements != in->elements)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu elements cannot become %zu", in->elements,
                              v->elements);
    v->root = in->root;
    if (!in->active)
        return set_sum(l, in->lo, in->hi);
    set_active(l, in->max);
    return SPARROW_OK;
}

static int load_inputs(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    if (from->n_inputs < 1 || from->n_inputs > SP_LIMIT_INPUTS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu inputs, 1 to %d are possible",
                              from->n_inputs, SP_LIMIT_INPUTS);
    uint32_t *inputs = sp_loader_alloc(l, from->n_inputs, sizeof(*inputs));
    if (inputs == NULL)
        return SPARROW_NO_MEMORY;
    for (size_t i = 0; i < from->n_inputs; i++) {
        if (from->inputs[i] > l->layer)
            return sp_loader_fail(l, SPARROW_BAD_MODEL,
                                  "it reads value %u, which is not made before it",
                                  from->inputs[i]);
        inputs[i] = from->inputs[i];
    }
    layer_of(l)->inputs = inputs;
    layer_of(l)->input_count = from->n_inputs;
    return SPARROW_OK;
}

static int load_op(struct sp_loader *l, const Sparrow__Model__V1__Layer *from)
{
    switch (from->op_case) {
    case SPARROW__MODEL__V1__LAYER__OP_CONV:
        return load_conv(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_LINEAR:
        return load_linear(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_ADD:
        return load_add(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_MAX_POOL:
        return load_max_pool(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_MEAN_POOL:
        return load_mean_pool(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_REQUANTISE:
        return load_requantise(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_BLOCK_WINNERS:
        return load_block_winners(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_K_WINNERS:
        return load_k_winners(l, from);
    case SPARROW__MODEL__V1__LAYER__OP_RESHAPE:
        return load_reshape(l, from);
    case SPARROW__MODEL__V1__LAYER__OP__NOT_SET:
    default:
        return sp_loader_fail(l, SPARROW_UNKNOWN_VERSION,
                              "it has no operation, or one that this library does not know");
    }
}

int sp_layers_load(struct sp_loader *l)
{
    const Sparrow__Model__V1__Layer *from = l->file->layers[l->layer];
    if (!sp_text_is_printable(from->name, SP_LIMIT_NAME, false))
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "its name is longer than %d bytes or not printable UTF-8",
                              SP_LIMIT_NAME);
    struct sp_layer *layer = layer_of(l);
    layer->name = sp_region_text(&l->model->region, from->name, strlen(from->name));
    if (layer->name == NULL)
        return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory for its name");
    int status = load_inputs(l, from);
    return status < 0 ? status : load_op(l, from);
}
