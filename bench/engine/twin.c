/* twin.c - runs the layers of a model on the kernels of rows.h.
 * Words lie in blocks: a block is one word, or 64 words side by side (TWIN_WORDS), where each input
 * is 64 bytes. Active values stand inside margins of zeros as wide as the paddings that are read;
 * an output position is then a row of bytes at an offset. Rows whose runs are no multiple of four
 * bytes (a first layer of one channel) are gathered first. A convolution in front of a max pool is
 * pooled row by row, so that its sums stay in the first cache.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/twin.h"

#include <stdlib.h>
#include <string.h>

#include "bench/engine/weights.h"

#define ROWS_MOST 1024 /* rows of one call of a kernel, unless one word alone has more */

/* What a layer reads and writes; sums of a position are `wide` apart. */
struct value {
    size_t height, width, channels, top, left, across, wide; /* across: positions of a padded row */
    size_t block;                                            /* elements from block to block */
    uint8_t *bytes;
    int32_t *sums;
    size_t root; /* the value whose memory this is; itself otherwise */
};

struct matrix {
    int8_t *full; /* out x taps x in */
    union {
        struct sp_rows_dense dense;
        struct sp_rows_blocks blocks;
        struct sp_rows_shuffled shuffled;
        struct sp_rows_lists lists;
    };
    size_t gathered;   /* bytes of a gathered row; 0: rows are read where they lie */
    uint32_t *offsets; /* of the output positions of a block; of `words` blocks' if not gathered */
};

struct twin {
    const struct sparrow_model *model;
    struct twin_options opt;
    size_t lanes;         /* words of a block */
    struct value *values; /* layer_count + 1 */
    struct matrix *matrices;
    uint32_t **multipliers, **shifts; /* per layer, one for each channel, where it requantises */
    uint8_t *gathered;
    int32_t *pooled; /* the sums of the rows under one row of a pool */
};

static const struct sp_requantise *requantisation(const struct sp_layer *layer)
{
    return layer->op == SP_OP_REQUANTISE      ? &layer->requantise
           : layer->op == SP_OP_BLOCK_WINNERS ? &layer->block_winners.q
                                              : NULL;
}

static bool has_weights(const struct sp_layer *layer)
{
    return layer->op == SP_OP_CONV || layer->op == SP_OP_LINEAR;
}

static bool is_alias(const struct sp_layer *layer)
{
    return layer->op == SP_OP_RESHAPE || layer->op == SP_OP_K_WINNERS || layer->op == SP_OP_ADD;
}

static size_t readers(const struct sparrow_model *m, size_t value)
{
    size_t count = 0;
    for (size_t l = 0; l < m->layer_count; l++)
        for (size_t i = 0; i < m->layers[l].input_count; i++)
            count += m->layers[l].inputs[i] == value;
    return count;
}

/* The pool that follows a convolution and alone reads it; NULL if there is none. */
static const struct sp_pool_shape *pool_after(const struct sparrow_model *m, size_t l)
{
    const struct sp_layer *next = &m->layers[l + 1];
    return l + 1 < m->layer_count && next->op == SP_OP_MAX_POOL && next->inputs[0] == l + 1 &&
                   readers(m, l + 1) == 1
               ? &next->pool
               : NULL;
}

static const char *refuse(const struct twin *t)
{
    const struct sparrow_model *m = t->model;
    for (size_t l = 0; l < m->layer_count; l++) {
        const struct sp_layer *layer = &m->layers[l];
        const struct sp_value *from = &m->values[layer->inputs[0]];
        if (layer->op == SP_OP_MAX_POOL && (l == 0 || pool_after(m, l - 1) == NULL))
            return "a max pool that does not follow a convolution";
        if (layer->op == SP_OP_ADD)
            for (size_t i = 0; i < layer->input_count; i++)
                if (layer->add.active[i] || layer->add.multipliers[i] != 1 ||
                    readers(m, layer->inputs[i]) != 1)
                    return "an Add of anything but two sums";
        if (layer->op == SP_OP_CONV &&
            layer->conv.shape.kernel_width * layer->conv.shape.in_channels % 4 != 0 &&
            layer->conv.shape.out_height * layer->conv.shape.out_width > ROWS_MOST)
            return "a value too large for rows that are gathered";
        if (has_weights(layer) && from->max > 127)
            return "inputs above 127";
        if (requantisation(layer) != NULL && from->channels % SP_ROWS_TILE != 0 &&
            from->height * from->width != 1)
            return "channels that are no multiple of 16";
    }
    return NULL;
}

/* Margins of a value: what the widest padding among its readers needs. */
static void measure_margins(const struct twin *t, size_t v, size_t *ret_below, size_t *ret_right)
{
    struct value *value = &t->values[v];
    *ret_below = *ret_right = 0;
    for (size_t l = 0; l < t->model->layer_count; l++) {
        const struct sp_layer *layer = &t->model->layers[l];
        if (layer->op != SP_OP_CONV || layer->inputs[0] != v)
            continue;
        const struct sp_conv_shape *s = &layer->conv.shape;
        size_t high = (s->out_height - 1) * s->stride_height + s->kernel_height;
        size_t wide = (s->out_width - 1) * s->stride_width + s->kernel_width;
        value->top = s->pad_top > value->top ? s->pad_top : value->top;
        value->left = s->pad_left > value->left ? s->pad_left : value->left;
        if (high > s->pad_top + value->height + *ret_below)
            *ret_below = high - s->pad_top - value->height;
        if (wide > s->pad_left + value->width + *ret_right)
            *ret_right = wide - s->pad_left - value->width;
    }
}

static void make_value(struct twin *t, size_t v)
{
    const struct sp_value *from = &t->model->values[v];
    struct value *value = &t->values[v];
    size_t below, right, blocks = t->opt.words / t->lanes;
    *value = (struct value){
        .height = from->height, .width = from->width, .channels = from->channels, .root = v};
    measure_margins(t, v, &below, &right);
    value->across = value->left + value->width + right;
    value->wide = t->lanes > 1 ? value->channels
                               : (value->channels + SP_ROWS_TILE - 1) / SP_ROWS_TILE * SP_ROWS_TILE;
    if (v > 0 && is_alias(&t->model->layers[v - 1])) {
        value->root = t->values[t->model->layers[v - 1].inputs[0]].root;
        value->bytes = t->values[value->root].bytes;
        value->sums = t->values[value->root].sums;
        value->block = t->values[value->root].block;
        return;
    }
    if (from->active) {
        value->block =
            ((value->top + value->height + below) * value->across * value->channels + 127) / 64 *
            64;
        value->bytes = weights_memory(blocks * value->block, t->lanes);
        return;
    }
    value->block = value->height * value->width * value->wide;
    if (v == 0 || !has_weights(&t->model->layers[v - 1]) || pool_after(t->model, v - 1) == NULL)
        value->sums = weights_memory(blocks * value->block * t->lanes, sizeof(int32_t));
}

/* Where the rows of the output positions begin, for as many blocks as a call may have. */
static uint32_t *row_offsets(const struct sp_conv_shape *s, const struct value *in, size_t blocks)
{
    size_t positions = s->out_height * s->out_width;
    uint32_t *offsets = weights_memory(positions * blocks, sizeof(*offsets));
    for (size_t r = 0; r < positions * blocks; r++) {
        size_t y = r % positions / s->out_width * s->stride_height + in->top - s->pad_top;
        size_t x = r % s->out_width * s->stride_width + in->left - s->pad_left;
        offsets[r] = (uint32_t)(r / positions * in->block + (y * in->across + x) * in->channels);
    }
    return offsets;
}

/* Words whose rows go into one call. */
static size_t blocks_together(const struct twin *t, size_t positions)
{
    size_t most = positions < ROWS_MOST ? ROWS_MOST / positions : 1, all = t->opt.words / t->lanes;
    return t->lanes > 1 ? 1 : most < all ? most : all;
}

/* full, with each row of n weights made up to `padded`. */
static int8_t *padded_rows(const int8_t *full, size_t outputs, size_t n, size_t padded)
{
    int8_t *rows = weights_memory(outputs, padded);
    for (size_t o = 0; o < outputs; o++)
        memcpy(rows + o * padded, full + o * n, n);
    return rows;
}

static void make_matrix(struct twin *t, size_t l)
{
    const struct sp_conv_params *conv = &t->model->layers[l].conv;
    const struct sp_conv_shape *s = &conv->shape;
    const struct value *in = &t->values[t->model->layers[l].inputs[0]];
    struct matrix *m = &t->matrices[l];
    size_t run = s->kernel_width * s->in_channels, n = s->kernel_height * run;
    struct weights_row row = {s->kernel_height, run, in->across * in->channels};
    m->full = weights_full(conv);
    if (t->opt.zeros >= 0)
        weights_mask(m->full, s, t->opt.zeros, t->opt.form == TWIN_BLOCKS, 1 + l);
    if (t->lanes == 1 && run % 4 != 0) {
        m->gathered = (n + 3) / 4 * 4;
        row = (struct weights_row){1, m->gathered, m->gathered};
    }
    m->offsets = row_offsets(s, in, blocks_together(t, s->out_height * s->out_width));
    int8_t *rows = padded_rows(m->full, s->out_channels, n, row.segments * row.length);
    if (t->opt.form == TWIN_DENSE)
        weights_dense(rows, conv->bias, s->out_channels, &row, &m->dense);
    else if (t->opt.form == TWIN_BLOCKS)
        weights_blocks(rows, conv->bias, s->out_channels, &row, &m->blocks);
    else if (t->opt.form == TWIN_SHUFFLED)
        weights_shuffled(rows, conv->bias, s->out_channels, &row, t->opt.kernels, &m->shuffled);
    else
        weights_lists(rows, conv->bias, s->out_channels, &row, &m->lists);
    free(rows);
}

static void make_requantisation(struct twin *t, size_t l)
{
    const struct sp_requantise *q = requantisation(&t->model->layers[l]);
    const struct value *value = &t->values[l + 1];
    size_t n = (value->channels + SP_ROWS_TILE - 1) / SP_ROWS_TILE * SP_ROWS_TILE;
    t->multipliers[l] = weights_memory(n, sizeof(uint32_t));
    t->shifts[l] = weights_memory(n, sizeof(uint32_t));
    for (size_t c = 0; c < n; c++) {
        size_t from = c < value->channels ? c / q->share : 0;
        t->multipliers[l][c] = q->multipliers[from];
        t->shifts[l][c] = q->shifts[from];
    }
}

struct twin *twin_new(const struct sparrow_model *model, const struct twin_options *opt,
                      const char **ret_reason)
{
    struct twin *t = weights_memory(1, sizeof(*t));
    *t = (struct twin){.model = model, .opt = *opt};
    *ret_reason = refuse(t);
    if (*ret_reason != NULL) {
        free(t);
        return NULL;
    }
    t->lanes = opt->form == TWIN_WORDS ? SP_ROWS_WORDS : 1;
    t->values = weights_memory(model->layer_count + 1, sizeof(*t->values));
    t->matrices = weights_memory(model->layer_count, sizeof(*t->matrices));
    t->multipliers = weights_memory(model->layer_count, sizeof(*t->multipliers));
    t->shifts = weights_memory(model->layer_count, sizeof(*t->shifts));
    size_t gathered = 0, pooled = 0;
    for (size_t v = 0; v <= model->layer_count; v++)
        make_value(t, v);
    for (size_t l = 0; l < model->layer_count; l++) {
        if (requantisation(&model->layers[l]) != NULL)
            make_requantisation(t, l);
        if (!has_weights(&model->layers[l]))
            continue;
        make_matrix(t, l);
        const struct value *out = &t->values[l + 1];
        size_t positions = out->height * out->width;
        size_t rows = positions * blocks_together(t, positions);
        if (rows * t->matrices[l].gathered > gathered)
            gathered = rows * t->matrices[l].gathered;
        if (positions * out->wide * t->lanes > pooled && out->sums == NULL)
            pooled = positions * out->wide * t->lanes;
    }
    t->gathered = weights_memory(gathered + 64, 1);
    t->pooled = weights_memory(pooled + 64, sizeof(int32_t));
    return t;
}

void twin_free(struct twin *t)
{
    if (t == NULL)
        return;
    for (size_t l = 0; l < t->model->layer_count; l++) {
        struct matrix *m = &t->matrices[l];
        struct value *v = &t->values[l + 1];
        free(t->multipliers[l]);
        free(t->shifts[l]);
        if (v->root == l + 1) {
            free(v->bytes);
            free(v->sums);
        }
        if (m->full == NULL)
            continue;
        free(m->full);
        free(m->offsets);

        if (t->opt.form == TWIN_DENSE) {
            free((void *)m->dense.weights);
            free((void *)m->dense.bias);
        } else if (t->opt.form == TWIN_BLOCKS) {
            free((void *)m->blocks.first);
            free((void *)m->blocks.places);
            free((void *)m->blocks.weights);
            free((void *)m->blocks.bias);
        } else if (t->opt.form == TWIN_SHUFFLED) {
            free((void *)m->shuffled.first);
            free((void *)m->shuffled.places);
            free((void *)m->shuffled.indices);
            free((void *)m->shuffled.weights);
            free((void *)m->shuffled.bias);
        } else {
            free((void *)m->lists.first);
            free((void *)m->lists.places);
            free((void *)m->lists.weights);
            free((void *)m->lists.bias);
        }
    }
    free(t->values[0].bytes);
    free(t->values);
    free(t->matrices);
    free(t->multipliers);
    free(t->shifts);
    free(t->gathered);
    free(t->pooled);
    free(t);
}

const int8_t *twin_weights(const struct twin *t, size_t layer)
{
    return t->matrices[layer].full;
}

/* ---- running ---- */

/* Rows first .. first + rows of a word, side by side. Runs of up to 8 bytes are copied as 8: what
 * is too much is overwritten by the next run, or meets weights that are 0. */
static void gather(const struct twin *t, const struct matrix *m, const struct sp_conv_shape *s,
                   const uint8_t *in, const struct value *value, size_t first, size_t rows)
{
    size_t run = s->kernel_width * s->in_channels, stride = value->across * value->channels;
    bool short_runs = run <= 8 && (s->kernel_height - 1) * run + 8 <= m->gathered;
    uint8_t *to = t->gathered;
    for (size_t r = 0; r < rows; r++, to += m->gathered) {
        const uint8_t *from = in + m->offsets[first + r];
        if (short_runs)
            for (size_t y = 0; y < s->kernel_height; y++)
                memcpy(to + y * run, from + y * stride, 8);
        else
            for (size_t y = 0; y < s->kernel_height; y++)
                memcpy(to + y * run, from + y * stride, run);
    }
}

/* Sums of `rows` rows that begin at block `block`'s row `first`. */
static void run_rows(const struct twin *t, size_t l, size_t block, size_t first, size_t rows,
                     int32_t *out)
{
    const struct sp_layer *layer = &t->model->layers[l];
    const struct matrix *m = &t->matrices[l];
    const struct value *value = &t->values[layer->inputs[0]];
    const uint8_t *in = value->bytes + block * value->block;
    const uint32_t *offsets = m->offsets + first;
    uint32_t places[ROWS_MOST];
    if (m->gathered > 0) {
        size_t most = rows < ROWS_MOST ? rows : ROWS_MOST;
        gather(t, m, &layer->conv.shape, in, value, first, rows);
        for (size_t r = 0; r < most; r++)
            places[r] = (uint32_t)(r * m->gathered);
        in = t->gathered;
        offsets = places;
    }
    if (t->opt.form == TWIN_DENSE)
        t->opt.kernels->dense(&m->dense, in, offsets, rows, out);
    else if (t->opt.form == TWIN_BLOCKS)
        t->opt.kernels->blocks(&m->blocks, in, offsets, rows, out);
    else if (t->opt.form == TWIN_SHUFFLED)
        t->opt.kernels->shuffled(&m->shuffled, in, offsets, rows, out);
    else
        for (size_t r = 0; r < rows; r++)
            sp_rows_lists_one(&m->lists, in + offsets[r], out + r * t->values[l + 1].wide);
}

/* The rows under row y of a pool, of one block. */
static void run_pool_row(const struct twin *t, size_t l, const struct sp_pool_shape *pool,
                         size_t block, size_t y, int32_t *out)
{
    const struct value *conv = &t->values[l + 1];
    size_t n = conv->wide * t->lanes, first = y * pool->height * conv->width;
    if (t->lanes == 1) {
        run_rows(t, l, block, first, pool->height * conv->width, t->pooled);
    } else {
        const struct matrix *m = &t->matrices[l];
        const struct value *value = &t->values[t->model->layers[l].inputs[0]];
        for (size_t r = 0; r < pool->height * conv->width; r++)
            t->opt.kernels->words(
                &m->lists, value->bytes + (block * value->block + m->offsets[first + r]) * t->lanes,
                t->pooled + r * n);
    }
    for (size_t x = 0; x < pool->out_width; x++, out += n) {
        memcpy(out, t->pooled + x * pool->width * n, n * sizeof(*out));
        for (size_t i = 1; i < pool->height * pool->width; i++)
            t->opt.kernels->larger(
                out,
                t->pooled + (i / pool->width * conv->width + x * pool->width + i % pool->width) * n,
                n);
    }
}

static void run_words(const struct twin *t, size_t l, size_t block, int32_t *out)
{
    const struct value *value = &t->values[t->model->layers[l].inputs[0]];
    const struct matrix *m = &t->matrices[l];
    const struct value *to = &t->values[l + 1];
    for (size_t r = 0; r < to->height * to->width; r++)
        t->opt.kernels->words(&m->lists,
                              value->bytes + (block * value->block + m->offsets[r]) * t->lanes,
                              out + r * to->wide * t->lanes);
}

static void run_conv(const struct twin *t, size_t l, size_t blocks)
{
    const struct sp_pool_shape *pool = pool_after(t->model, l);
    const struct value *to = &t->values[pool == NULL ? l + 1 : l + 2];
    size_t positions = to->height * to->width, together = blocks_together(t, positions);
    for (size_t b = 0; b < blocks; b += together) {
        int32_t *out = to->sums + b * to->block * t->lanes;
        if (pool != NULL) {
            together = 1;
            for (size_t y = 0; y < pool->out_height; y++)
                run_pool_row(t, l, pool, b, y, out + y * pool->out_width * to->wide * t->lanes);
        } else if (t->lanes > 1) {
            run_words(t, l, b, out);
        } else {
            size_t count = blocks - b < together ? blocks - b : together;
            if (t->matrices[l].gathered > 0)
                together = count = 1;
            run_rows(t, l, b, 0, positions * count, out);
        }
    }
}

static void run_requantise(const struct twin *t, size_t l, size_t blocks)
{
    const struct sp_requantise *q = requantisation(&t->model->layers[l]);
    const struct value *from = &t->values[t->model->layers[l].inputs[0]];
    const struct value *to = &t->values[l + 1];
    for (size_t b = 0; b < blocks; b++)
        for (size_t p = 0; p < to->height * to->width; p++) {
            size_t at =
                ((to->top + p / to->width) * to->across + to->left + p % to->width) * to->channels;
            uint8_t *out = to->bytes + (b * to->block + at) * t->lanes;
            const int32_t *in = from->sums + (b * from->block + p * from->wide) * t->lanes;
            if (t->lanes == 1)
                t->opt.kernels->requantise(in, t->multipliers[l], t->shifts[l], 1, q->max_value,
                                           from->wide, out);
            else
                for (size_t c = 0; c < to->channels; c++)
                    t->opt.kernels->requantise(in + c * t->lanes, t->multipliers[l] + c,
                                               t->shifts[l] + c, 0, q->max_value, t->lanes,
                                               out + c * t->lanes);
        }
}

static void run_mean_pool(const struct twin *t, size_t l, size_t blocks)
{
    const struct value *from = &t->values[t->model->layers[l].inputs[0]];
    const struct value *to = &t->values[l + 1];
    size_t n = from->channels * t->lanes;
    for (size_t b = 0; b < blocks; b++) {
        int32_t *sums = to->sums + b * to->block * t->lanes;
        memset(sums, 0, n * sizeof(*sums));
        for (size_t p = 0; p < from->height * from->width; p++) {
            size_t at =
                ((from->top + p / from->width) * from->across + from->left + p % from->width) *
                from->channels;
            const uint8_t *in = from->bytes + (b * from->block + at) * t->lanes;
            for (size_t i = 0; i < n; i++)
                sums[i] += in[i];
        }
    }
}

static void run_add(const struct twin *t, size_t l, size_t blocks)
{
    const struct sp_layer *layer = &t->model->layers[l];
    const struct value *to = &t->values[l + 1];
    for (size_t i = 1; i < layer->input_count; i++)
        t->opt.kernels->add(to->sums, t->values[layer->inputs[i]].sums,
                            blocks * to->block * t->lanes);
}

static void take_features(const struct twin *t, const uint8_t *const *features, size_t words)
{
    const struct value *v = &t->values[0];
    size_t row = v->width * v->channels;
    for (size_t w = 0; w < words; w++)
        for (size_t y = 0; y < v->height; y++) {
            size_t at = ((v->top + y) * v->across + v->left) * v->channels;
            uint8_t *to = v->bytes + (w / t->lanes * v->block + at) * t->lanes + w % t->lanes;
            if (t->lanes == 1)
                memcpy(to, features[w] + y * row, row);
            else
                for (size_t i = 0; i < row; i++)
                    to[i * t->lanes] = features[w][y * row + i];
        }
}

void twin_run(struct twin *t, const uint8_t *const *features, size_t words, int32_t *scores)
{
    const struct sparrow_model *m = t->model;
    const struct value *last = &t->values[m->layer_count];
    size_t blocks = (words + t->lanes - 1) / t->lanes;
    take_features(t, features, words);
    for (size_t l = 0; l < m->layer_count; l++) {
        const struct sp_layer *layer = &m->layers[l];
        if (has_weights(layer))
            run_conv(t, l, blocks);
        else if (requantisation(layer) != NULL)
            run_requantise(t, l, blocks);
        else if (layer->op == SP_OP_MEAN_POOL)
            run_mean_pool(t, l, blocks);
        else if (layer->op == SP_OP_ADD)
            run_add(t, l, blocks);
    }
    for (size_t w = 0; w < words; w++)
        for (size_t i = 0; i < m->label_count; i++)
            scores[w * m->label_count + i] =
                last->sums[(w / t->lanes * last->block + i) * t->lanes + w % t->lanes];
}

void twin_reference(const struct twin *t, const uint8_t *features, int32_t *scores)
{
    const struct sparrow_model *m = t->model;
    void **values = weights_memory(m->layer_count + 1, sizeof(*values));
    values[0] = (void *)features;
    for (size_t l = 0; l < m->layer_count; l++) {
        const struct sp_layer *layer = &m->layers[l];
        const struct sp_value *from = &m->values[layer->inputs[0]], *to = &m->values[l + 1];
        const void *in[2] = {values[layer->inputs[0]],
                             values[layer->inputs[layer->input_count > 1]]};
        values[l + 1] = weights_memory(to->elements, sizeof(int32_t));
        if (has_weights(layer))
            sp_conv_dense__scalar(&layer->conv.shape, t->matrices[l].full, layer->conv.bias, in[0],
                                  values[l + 1]);
        else if (requantisation(layer) != NULL)
            sp_requantise__scalar(requantisation(layer), in[0], from->height * from->width,
                                  from->channels, values[l + 1]);
        else if (layer->op == SP_OP_MEAN_POOL)
            sp_mean_pool__scalar(in[0], from->height * from->width, from->channels, values[l + 1]);
        else if (layer->op == SP_OP_MAX_POOL)
            sp_max_pool_s32__scalar(&layer->pool, in[0], values[l + 1]);
        else if (layer->op == SP_OP_ADD)
            sp_add__scalar(&layer->add, in, to->elements, values[l + 1]);
        else
            memcpy(values[l + 1], in[0], to->elements);
    }
    memcpy(scores, values[m->layer_count], m->label_count * sizeof(*scores));
    for (size_t l = 0; l < m->layer_count; l++)
        free(values[l + 1]);
    free(values);
}

void twin_count(const struct twin *t, struct twin_counts *ret_counts)
{
    *ret_counts = (struct twin_counts){0};
    for (size_t l = 0; l < t->model->layer_count; l++) {
        const struct sp_layer *layer = &t->model->layers[l];
        const struct matrix *m = &t->matrices[l];
        const struct sp_value *to = &t->model->values[l + 1];
        uint64_t outputs = to->channels, positions = to->height * to->width, stored, bytes;
        ret_counts->values += is_alias(layer) ? 0 : to->elements * (to->active ? 1 : 4);
        if (!has_weights(layer))
            continue;
        if (t->opt.form == TWIN_DENSE) {
            stored = m->dense.tiles * SP_ROWS_TILE * m->dense.segments * m->dense.quads * 4;
            bytes = stored;
        } else if (t->opt.form == TWIN_BLOCKS) {
            uint64_t count = m->blocks.first[m->blocks.groups];
            stored = count * 32;
            bytes = count * 36 + m->blocks.groups * 4;
        } else if (t->opt.form == TWIN_SHUFFLED) {
            uint64_t count = m->shuffled.first[m->shuffled.tiles];
            stored = count * m->shuffled.tile * 4;
            bytes = 2 * stored + count * 4 + m->shuffled.tiles * 4;
        } else {
            stored = m->lists.first[outputs];
            bytes = stored * 5 + outputs * 4;
        }
        ret_counts->macs += positions * stored;
        ret_counts->weights += bytes + outputs * 4;
    }
}
