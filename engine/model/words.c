/* words.c - finds the stages of a model: whatever ends in active values begins with active values,
 * and all sums between them stay in registers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/words.h"

#include "engine/model/limits.h"
#include "engine/model/loader.h"

static bool all_ones(const struct sp_add *add)
{
    for (size_t i = 0; i < add->inputs; i++)
        if (add->multipliers[i] != 1 || add->active[i])
            return false;
    return true;
}

/* False if the value is no plain sum of few layers over active values. */
static bool find_terms(const struct sparrow_model *m, size_t value, struct sp_words_terms *t)
{
    if (value == 0 || m->values[value].active)
        return false;
    const struct sp_layer *layer = &m->layers[value - 1];
    if (layer->op == SP_OP_ADD) {
        if (!all_ones(&layer->add))
            return false;
        for (size_t i = 0; i < layer->input_count; i++)
            if (!find_terms(m, layer->inputs[i], t))
                return false;
        return true;
    }
    bool known =
        layer->op == SP_OP_CONV || layer->op == SP_OP_LINEAR || layer->op == SP_OP_MEAN_POOL;
    if (!known || t->count == SP_WORDS_TERMS)
        return false;
    t->layers[t->count++] = value - 1;
    return true;
}

/* What the kernels can do: the bits that ranking drops have room for a channel. */
static bool can_rank(const struct sp_block_winners *b)
{
    bool known = (b->block == 8 && b->winners <= 2) || (b->block == 16 && b->winners == 2);
    return known && 1u << b->rank_shift >= b->block;
}

static size_t rounded_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static size_t take_room(struct sp_words_program *program, size_t bytes)
{
    size_t at = program->bytes;
    program->bytes += rounded_up(bytes, 64);
    return at;
}

/* The stage's end, and the form and place of what it writes. */
static int make_finish(struct sp_loader *l, struct sp_words_program *program, size_t value,
                       const struct sp_value *sum, struct sp_words_stage *stage)
{
    struct sparrow_model *m = l->model;
    const struct sp_value *v = &m->values[value];
    const struct sp_layer *layer = &m->layers[value - 1];
    if (stage->finish == SP_WORDS_SUMS) {
        stage->groups = rounded_up(v->channels, SP_WORDS_GROUP) / SP_WORDS_GROUP;
        stage->out = take_room(program, stage->groups * SP_WORDS_GROUP * 4 * SP_WORDS);
        return SPARROW_OK;
    }
    struct sp_words_form *form = &program->values[value].form;
    const struct sp_requantise *q = &layer->requantise;
    *form = (struct sp_words_form){.positions = v->height * v->width, .channels = v->channels};
    if (stage->finish == SP_WORDS_WINNERS) {
        const struct sp_block_winners *b = &layer->block_winners;
        q = &b->q;
        stage->block = b->block;
        stage->winners = b->winners;
        stage->rank_shift = b->rank_shift;
        form->window = 4 / b->winners * b->block;
        form->windows = rounded_up(v->channels, form->window) / form->window;
        form->halves = form->window == 32 && program->kernels->halves;
        stage->groups = form->windows * form->window / SP_WORDS_GROUP;
    } else {
        form->window = 4;
        stage->groups = rounded_up(v->channels, SP_WORDS_GROUP) / SP_WORDS_GROUP;
        form->windows = 2 * stage->groups;
    }
    stage->out = program->values[value].at = take_room(program, sp_words_bytes(form));
    return sp_words_scales(l, q, v->channels, sum->hi, stage);
}

static int make_bias(struct sp_loader *l, const struct sp_words_terms *terms,
                     struct sp_words_stage *stage)
{
    struct sparrow_model *m = l->model;
    int32_t *bias = sp_loader_alloc(l, stage->groups * SP_WORDS_GROUP, sizeof(*bias));
    if (bias == NULL)
        return SPARROW_NO_MEMORY;
    for (size_t i = 0; i < terms->count; i++) {
        const struct sp_layer *layer = &m->layers[terms->layers[i]];
        if (layer->op == SP_OP_MEAN_POOL)
            continue;
        for (size_t o = 0; o < layer->conv.shape.out_channels; o++)
            bias[o] = (int32_t)((uint32_t)bias[o] + (uint32_t)layer->conv.bias[o]);
    }
    stage->bias = bias;
    return SPARROW_OK;
}

/* The stage that ends in a value: winners, requantised sums, or the scores. */
static int make_stage(struct sp_loader *l, struct sp_words_program *program, size_t value,
                      bool *ret_fits)
{
    struct sparrow_model *m = l->model;
    const struct sp_layer *layer = &m->layers[value - 1];
    struct sp_words_stage *stage = &program->stages[program->stage_count];
    struct sp_words_terms terms = {0};
    size_t sum = m->values[value].active ? layer->inputs[0] : value;
    const struct sp_pool_shape *pool = NULL;
    *ret_fits = false;
    stage->finish = !m->values[value].active        ? SP_WORDS_SUMS
                    : layer->op == SP_OP_REQUANTISE ? SP_WORDS_REQUANTISE
                                                    : SP_WORDS_WINNERS;
    if (sum != 0 && sum != value && m->layers[sum - 1].op == SP_OP_MAX_POOL) {
        pool = &m->layers[sum - 1].pool;
        sum = m->layers[sum - 1].inputs[0];
    }
    if (!find_terms(m, sum, &terms))
        return SPARROW_OK;
    if (stage->finish == SP_WORDS_WINNERS && !can_rank(&layer->block_winners))
        return SPARROW_OK;
    stage->positions = m->values[value].height * m->values[value].width;
    struct sp_words_place place = {
        .height = m->values[value].height,
        .width = m->values[value].width,
        .pool_height = pool != NULL ? pool->height : 1,
        .pool_width = pool != NULL ? pool->width : 1,
    };
    stage->pool = place.pool_height * place.pool_width;
    int status = make_finish(l, program, value, &m->values[sum], stage);
    if (status == 0)
        status = make_bias(l, &terms, stage);
    if (status == 0)
        status = sp_words_pack(l, program, &terms, &place, stage, ret_fits);
    program->stage_count++;
    return status;
}

/* Whether a value needs a stage of its own; *ret_known is false if no stage ends in it. */
static bool needs_stage(const struct sparrow_model *m, size_t value, bool *ret_known)
{
    const struct sp_layer *layer = &m->layers[value - 1];
    bool end = layer->op == SP_OP_BLOCK_WINNERS || layer->op == SP_OP_REQUANTISE;
    *ret_known = end || !m->values[value].active || layer->op == SP_OP_RESHAPE;
    return end || (value == m->layer_count && !m->values[value].active);
}

/* The features as an image, if a layer reads them so, or with their bands as channels. window: of
 * an image. */
static struct sp_words_form form_of_features(const struct sparrow_model *m, size_t window)
{
    const struct sp_value *features = &m->values[0];
    struct sp_words_form form = {
        .positions = features->height * features->width,
        .channels = features->channels,
        .window = 4,
        .windows = rounded_up(features->channels, 4) / 4,
    };
    for (size_t v = 1; v <= m->layer_count; v++)
        if (m->values[v].root == 0 && m->values[v].channels == 1)
            form = (struct sp_words_form){
                .positions = features->elements,
                .channels = 1,
                .window = window,
                .windows = 1,
                .image = true,
            };
    return form;
}

/* Sixteen words at once cost about what several cost on the vector kernels for one alone, and less
 * than one where its sparse weights have no kernels but the plain ones. */
static size_t fewest_words(const struct sparrow_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++) {
        const struct sp_layer *layer = &m->layers[i];
        bool sums = layer->op == SP_OP_CONV || layer->op == SP_OP_LINEAR;
        if (sums && layer->path == SP_PATH_PLAIN && layer->conv.weights.encoding != SP_DENSE)
            return 1;
    }
    return m->kernels.words->fewest;
}

/* Sets model->words, unless a stage does not fit. */
static int make_program(struct sp_loader *l, size_t image_window)
{
    struct sparrow_model *m = l->model;
    struct sp_words_program *program = sp_loader_alloc(l, 1, sizeof(*program));
    if (program == NULL)
        return SPARROW_NO_MEMORY;
    program->kernels = m->kernels.words;
    program->fewest = fewest_words(m);
    program->stages = sp_loader_alloc(l, m->layer_count, sizeof(*program->stages));
    program->values = sp_loader_alloc(l, m->layer_count + 1, sizeof(*program->values));
    if (program->stages == NULL || program->values == NULL)
        return SPARROW_NO_MEMORY;
    program->values[0].form = form_of_features(m, image_window);
    program->values[0].at = take_room(program, sp_words_bytes(&program->values[0].form));
    for (size_t v = 1; v <= m->layer_count; v++) {
        bool fits;
        if (needs_stage(m, v, &fits)) {
            int status = make_stage(l, program, v, &fits);
            if (status < 0)
                return status;
        }
        if (!fits || program->bytes > SP_LIMIT_SCRATCH_BYTES)
            return SPARROW_OK;
    }
    m->words = program;
    return SPARROW_OK;
}

int sp_words_make(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    int status = SPARROW_OK;
    if (m->kernels.words == NULL || m->layer_count == 0)
        return SPARROW_OK;
    if (m->kernels.words->image_of_twos != NULL && form_of_features(m, 2).image)
        status = make_program(l, 2);
    if (status == 0 && m->words == NULL)
        status = make_program(l, 4);
    return status;
}
