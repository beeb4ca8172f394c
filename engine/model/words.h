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

struct sp_words_program {
    const struct sp_words_kernels *kernels;
    size_t stage_count;
    struct sp_words_stage *stages; /* the last one gives the scores */
    struct sp_words_value *values; /* layer_count + 1 */
    size_t bytes;                  /* of the scratch */
    size_t fewest;                 /* words in one call from which this beats one after another */
};

struct sp_loader;

/* Sets model->words if the kernels can run sixteen words of this model at once; leaves it NULL if
 * not. Errors: SPARROW_NO_MEMORY. */
int sp_words_make(struct sp_loader *l);

/* ---- words_pack.c ---- */

/* Convolutions that add to the same sums; linear layers and means are such, too. */
#define SP_WORDS_TERMS 4
struct sp_words_terms {
    size_t count;
    size_t layers[SP_WORDS_TERMS];
};

/* Fills the taps, steps and tables of a stage whose groups are set, for an output of height x width
 * positions behind a pool of pool_height x pool_width. *ret_fits: false if they have no such form.
 * Errors: SPARROW_NO_MEMORY. */
struct sp_words_place {
    size_t height, width, pool_height, pool_width;
};
int sp_words_pack(struct sp_loader *l, const struct sp_words_program *program,
                  const struct sp_words_terms *terms, const struct sp_words_place *place,
                  struct sp_words_stage *stage, bool *ret_fits);

/* ---- words_lists.c ---- */

/* Makes the lists of a stage that is complete otherwise, if it is one of winners and they are not
 * too long. max: the largest value of its inputs. Errors: SPARROW_NO_MEMORY. */
int sp_words_lists(struct sp_loader *l, const struct sp_words_kernels *kernels, uint32_t max,
                   struct sp_words_stage *stage);

/* ---- words_short.c ---- */

/* Whether a stage that reads windows of two can be summed up in 16 bits as kernels/cpu/words.h asks
 * for, whatever the pixels are, up to max. Then each group's steps, which are the stage's own, are
 * put in order, and seconds[group] is where its second part begins. All else of the stage is set.
 */
bool sp_words_short(const struct sp_words_stage *stage, uint32_t max, struct sp_words_step *steps,
                    uint32_t *seconds);

/* ---- words_scale.c ---- */

/* Fills width, scales and multipliers of a stage; its other members are set. share: channels of a
 * scale. */
int sp_words_scales(struct sp_loader *l, const struct sp_requantise *q, size_t channels, int64_t hi,
                    struct sp_words_stage *stage);

#endif
