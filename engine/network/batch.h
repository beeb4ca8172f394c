/* batch.h - up to sixteen words at once, where the model has such a way (engine/model/words.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_BATCH_H
#define SP_BATCH_H

#include "engine/model/model.h"

#define SP_BATCH_ALONE SIZE_MAX

/* How many of so many waiting words run at once next; 0: one after the other is quicker, or the
 * only way. */
size_t sp_batch_words(const struct sparrow_model *model, size_t waiting);

/* scratch: all of a replica's. Scores as sparrow_run() has them; 1 <= words <= 16. */
void sp_batch_run(const struct sparrow_model *model, uint8_t *scratch,
                  const uint8_t *const *features, size_t words, int32_t *scores);

/* What sp_batch_run() does in front of the stages and behind the last one, for who runs them by
 * other means. bytes: the words' part of the scratch, from model->words_at on; features: 16 rows.
 */
void sp_batch_begin(const struct sparrow_model *model, const uint8_t *const *features,
                    uint8_t *bytes);
void sp_batch_end(const struct sparrow_model *model, const uint8_t *bytes, size_t words,
                  int32_t *scores);

/* Alive elements of an active value after the last batch, of word `lane` of it. */
size_t sp_batch_alive(const struct sparrow_model *model, const uint8_t *scratch, size_t value,
                      size_t lane);

#endif
