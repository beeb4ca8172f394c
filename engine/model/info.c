/* info.c - what a model says of itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/loader.h"

const char *sparrow_model_name(const struct sparrow_model *model)
{
    return model->name;
}

const char *sparrow_model_version(const struct sparrow_model *model)
{
    return model->version;
}

const char *sparrow_model_digest(const struct sparrow_model *model)
{
    return model->digest;
}

const char *sparrow_model_cpu(const struct sparrow_model *model)
{
    return model->kernels.name;
}

size_t sparrow_model_label_count(const struct sparrow_model *model)
{
    return model->label_count;
}

const char *sparrow_model_label(const struct sparrow_model *model, size_t label)
{
    return model->labels[label].text;
}

enum sparrow_label_kind sparrow_model_label_kind(const struct sparrow_model *model, size_t label)
{
    return model->labels[label].kind;
}

size_t sparrow_model_frames(const struct sparrow_model *model)
{
    return model->frames;
}

size_t sparrow_model_bands(const struct sparrow_model *model)
{
    return model->bands;
}

size_t sparrow_model_hop(const struct sparrow_model *model)
{
    return model->hop;
}

int sparrow_model_front_end(const struct sparrow_model *model, struct sparrow_front_end *front_end)
{
    if (front_end->size < sizeof(*front_end))
        return SPARROW_BAD_ARGUMENT;
    const struct sp_front_end_params *from = &model->front_end_params;
    size_t size = front_end->size;
    *front_end = (struct sparrow_front_end){
        .size = size,
        .rate_hz = SP_FRONT_END_RATE_HZ,
        .window = from->window,
        .hop = from->hop,
        .frames = from->frames,
        .bands = from->bands,
        .max_value = from->max_value,
        .band_edges_hz = from->band_edges_hz,
        .log_scale = from->log_scale,
        .log_offset = from->log_offset,
    };
    return SPARROW_OK;
}

size_t sparrow_model_layer_count(const struct sparrow_model *model)
{
    return model->layer_count;
}

int sparrow_model_layer(const struct sparrow_model *model, size_t layer,
                        struct sparrow_layer_info *info)
{
    if (layer >= model->layer_count || info->size < sizeof(*info))
        return SPARROW_BAD_ARGUMENT;
    const struct sp_layer *from = &model->layers[layer];
    const struct sp_value *value = &model->values[layer + 1];
    size_t size = info->size;
    *info = (struct sparrow_layer_info){
        .size = size,
        .name = from->name,
        .op = sp_layers_op_name(from->op),
        .height = value->height,
        .width = value->width,
        .channels = value->channels,
        .weights = from->weights,
        .stored = from->stored,
        .macs_dense = from->macs_dense,
        .macs_stored = from->macs_stored,
        .kernel = from->kernel,
    };
    return SPARROW_OK;
}

size_t sparrow_model_figure_count(const struct sparrow_model *model)
{
    return model->figure_count;
}

int sparrow_model_figure(const struct sparrow_model *model, size_t index,
                         struct sparrow_figure *figure)
{
    if (index >= model->figure_count || figure->size < sizeof(*figure))
        return SPARROW_BAD_ARGUMENT;
    size_t size = figure->size;
    *figure = model->figures[index];
    figure->size = size;
    return SPARROW_OK;
}

const char *sparrow_model_description(const struct sparrow_model *model)
{
    return model->description;
}

const char *sparrow_model_licence(const struct sparrow_model *model)
{
    return model->licence;
}
