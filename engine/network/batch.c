/* batch.c - up to sixteen words at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/network/batch.h"

#include "engine/model/words.h"

size_t sp_batch_words(const struct sparrow_model *model, size_t waiting)
{
    if (model->words == NULL || waiting < model->words->fewest)
        return 0;
    return waiting < SP_WORDS ? waiting : SP_WORDS;
}

size_t sparrow_model_batch(const struct sparrow_model *model)
{
    return model->words == NULL ? 0 : model->words->fewest;
}

void sp_batch_begin(const struct sparrow_model *model, const uint8_t *const *features,
                    uint8_t *bytes)
{
    const struct sp_words_program *p = model->words;
    const struct sp_words_form *form = &p->values[0].form;
    uint8_t *out = bytes + p->values[0].at;
    if (form->window == 2)
        p->kernels->image_of_twos(form->positions, features, out);
    else if (form->image)
        p->kernels->image(form->positions, features, out);
    else
        p->kernels->quads(model->frames, model->bands, features, out);
}

void sp_batch_end(const struct sparrow_model *model, const uint8_t *bytes, size_t words,
                  int32_t *scores)
{
    const struct sp_words_program *p = model->words;
    const int32_t *sums = (const void *)(bytes + p->stages[p->stage_count - 1].out);
    for (size_t word = 0; word < words; word++)
        for (size_t label = 0; label < model->label_count; label++)
            *scores++ = sums[label * SP_WORDS + word];
}

void sp_batch_run(const struct sparrow_model *model, uint8_t *scratch,
                  const uint8_t *const *features, size_t words, int32_t *scores)
{
    const struct sp_words_program *p = model->words;
    uint8_t *bytes = scratch + model->words_at;
    const uint8_t *rows[SP_WORDS];
    for (size_t i = 0; i < SP_WORDS; i++) /* lanes that are left over repeat the last word */
        rows[i] = features[i < words ? i : words - 1];
    sp_batch_begin(model, rows, bytes);
    for (size_t i = 0; i < p->stage_count; i++)
        p->kernels->stage(&p->stages[i], bytes);
    sp_batch_end(model, bytes, words, scores);
}

size_t sp_batch_alive(const struct sparrow_model *model, const uint8_t *scratch, size_t value,
                      size_t lane)
{
    const struct sp_words_program *p = model->words;
    const struct sp_words_value *v = &p->values[value];
    return sp_words_alive(&v->form, scratch + model->words_at + v->at, lane);
}
