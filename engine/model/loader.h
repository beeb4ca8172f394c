/* loader.h - what the parts of the loader share while one file is being checked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_LOADER_H
#define SP_LOADER_H

#include "engine/model/model.h"
#include "proto/model.pb-c.h"

#define SP_OUTSIDE_LAYERS SIZE_MAX

struct sp_loader {
    struct sparrow_model *model;           /* what is being built */
    const Sparrow__Model__V1__Model *file; /* NULL: there is none, only a front end */
    size_t layer;                          /* the one in hand, or SP_OUTSIDE_LAYERS */
    uint64_t stored, work;                 /* weights and work of the layers so far */
    struct sparrow_error *err;             /* not NULL */
};

/* Fails with "layer N (its name): ...", or without the prefix outside of layers; returns status. */
int sp_loader_fail(struct sp_loader *l, enum sparrow_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* count x size bytes of the model's own; NULL, with the error set, when memory is short. */
void *sp_loader_alloc(struct sp_loader *l, size_t count, size_t size);

/* Adds to the work of a word; fails beyond SP_LIMIT_WORK. */
int sp_loader_add_work(struct sp_loader *l, uint64_t work);

/* The kernels that the options, the environment and the machine leave. Errors:
 * SPARROW_BAD_ARGUMENT. */
int sp_loader_choose_cpu(const struct sparrow_model_options *opt, struct sp_kernels *ret_kernels,
                         struct sparrow_error *err);

/* Makes the front end, the value of its features, and room for the file's layers. */
int sp_loader_front_end(struct sp_loader *l, const struct sp_front_end_params *params);

/* layers.c: checks layer l->layer and fills model->layers[] and model->values[] for it. */
int sp_layers_load(struct sp_loader *l);

/* "conv", "linear", ... */
const char *sp_layers_op_name(enum sp_op op);

/* weights.c: checks and copies the weights and bias of a convolution whose shape is set, and bounds
 * its sums for inputs from 0 to max: *ret_lo <= every sum, and every partial sum in any order fits
 * s32. */
int sp_weights_load(struct sp_loader *l, const Sparrow__Model__V1__Weights *from, size_t bias_count,
                    const int32_t *bias, uint32_t max, struct sp_conv_params *ret_conv,
                    int64_t *ret_lo, int64_t *ret_hi);

/* plan.c: chooses for each layer how it runs, packs weights, and gives each value its place in the
 * scratch. */
int sp_plan_make(struct sp_loader *l);

#endif
