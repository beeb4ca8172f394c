/* words.h - a model as a list of stages that run sixteen words at once (kernels/cpu/words.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_MODEL_WORDS_H
#define SP_MODEL_WORDS_H

#include "engine/model/model.h"
#include "kernels/cpu/words.h"

/* Sixteen words' bytes of an active value. */
struct sp_words_value {
    struct sp_words_form form; /* window 0: the value is in no form of its own */
    size_t at;                 /* in the scratch, from where the words' part begins */
};

struct sp_words_run {
    struct sp_words_stage stage;
    size_t in[SP_WORDS_PARTS]; /* in the scratch, as values are */
    size_t out;
};

struct sp_words_program {
    const struct sp_words_kernels *kernels;
    size_t stage_count;
    struct sp_words_run *stages;   /* the last one gives the scores */
    struct sp_words_value *values; /* layer_count + 1 */
    size_t bytes;                  /* of the scratch */
};

struct sp_loader;

/* Sets model->words if the kernels can run sixteen words of this model at once; leaves it NULL if
 * not. Errors: SPARROW_NO_MEMORY. */
int sp_words_make(struct sp_loader *l);

/* ---- words_pack.c ---- */

/* What the layer gives to each output of a stage, as a part that reads value `in`. The part's spots
 * are for positions of height x width, in windows of pool_height x pool_width; false if it has no
 * such form. Errors: SPARROW_NO_MEMORY. */
struct sp_words_place {
    size_t layer;
    size_t height, width, pool_height, pool_width; /* of the stage's output; of its pool */
    size_t groups;
};
int sp_words_pack(struct sp_loader *l, struct sp_words_program *program,
                  const struct sp_words_place *place, struct sp_words_part *part, bool *ret_fits);

/* ---- words_scale.c ---- */

/* Fills width, scales and multipliers of a stage; its other members are set. share: channels of a
 * scale. */
int sp_words_scales(struct sp_loader *l, const struct sp_requantise *q, size_t channels, int64_t hi,
                    struct sp_words_stage *stage);

#endif
