/* clips.h - the features of clips, for programs that measure networks. What fails ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CLIPS_H
#define BENCH_CLIPS_H

#include "engine/model/model.h"

struct clips {
    uint8_t *bytes; /* frames x bands of each clip */
    size_t count;
    const uint8_t **rows; /* count + extra: after the last clip the first ones again */
};

/* The files that a pattern of glob(7) finds, as this model sees their first windows. */
void clips_read(const struct sparrow_model *model, const char *pattern, size_t extra,
                struct clips *ret_clips);

#endif
