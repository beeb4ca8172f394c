/* default.c - the default front end, for those who need features before there is a network.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "config.h"
#include "engine/error.h"
#include "engine/model/loader.h"

/* 34 points equally spaced on the mel scale 2595 * log10(1 + f / 700) from 60 to 7600 Hz. */
static const float edges[] = {
    0x1.e00000p+5f,  0x1.d46838p+6f,  0x1.64fcd6p+7f,  0x1.e8ff3cp+7f,  0x1.3b765ep+8f,
    0x1.87c20ep+8f,  0x1.d9c93cp+8f,  0x1.18fd16p+9f,  0x1.4865b2p+9f,  0x1.7b5e2ep+9f,
    0x1.b22b0cp+9f,  0x1.ed15f6p+9f,  0x1.16370ep+10f, 0x1.384452p+10f, 0x1.5ce08cp+10f,
    0x1.843cf2p+10f, 0x1.ae8e6ep+10f, 0x1.dc0ddep+10f, 0x1.067c36p+11f, 0x1.20c7eep+11f,
    0x1.3d0d6cp+11f, 0x1.5b72b2p+11f, 0x1.7c209cp+11f, 0x1.9f4316p+11f, 0x1.c5095ap+11f,
    0x1.eda630p+11f, 0x1.0ca816p+12f, 0x1.242100p+12f, 0x1.3d5d64p+12f, 0x1.587f2ep+12f,
    0x1.75aad4p+12f, 0x1.95078cp+12f, 0x1.b6bf80p+12f, 0x1.db0000p+12f,
};

static const struct sp_front_end_params params = {
    .window = 512,
    .hop = 500,
    .frames = 32,
    .bands = sizeof(edges) / sizeof(edges[0]) - 2,
    .band_edges_hz = edges,
    .log_scale = 3.0f,
    .log_offset = -8.0f,
    .max_value = 127,
};

int sparrow_model_default_front_end(const struct sparrow_model_options *opt,
                                    struct sparrow_model **ret_model, struct sparrow_error *err)
{
    struct sparrow_error own;
    struct sparrow_model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "no memory for a front end");
    struct sp_loader loader = {.model = model, .layer = SP_OUTSIDE_LAYERS, .err = err ? err : &own};
    model->name = "front-end";
    model->version = PACKAGE_VERSION;
    model->description = model->licence = "";
    int status = sp_loader_choose_cpu(opt, &model->kernels, loader.err);
    if (status == 0)
        status = sp_loader_front_end(&loader, &params);
    if (status == 0)
        status = sp_plan_make(&loader);
    if (status < 0)
        sparrow_model_free(model);
    else
        *ret_model = model;
    return status;
}
