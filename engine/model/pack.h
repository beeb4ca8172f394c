/* pack.h - which layers the lanes of kernels/cpu/lanes.h can run, and their weights in that form.
 * A stage is a BlockWinners layer together with the convolutions whose sums it reads, alone or
 * through an Add: nobody else may read them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_PACK_H
#define SP_PACK_H

#include "engine/model/limits.h"
#include "engine/model/model.h"

struct sp_loader;

/* Full matrices larger than this are not unfolded: they stay on the plain kernels. */
#define SP_PACK_FULL_LIMIT ((uint64_t)4 << 20)

/* The layers of a stage. */
struct sp_stage_parts {
    size_t winners;               /* the BlockWinners layer */
    size_t conv[SP_LIMIT_INPUTS]; /* the convolutions, conv_count of them */
    size_t conv_count;
    size_t add; /* SP_NO_ADD: there is none */
};
#define SP_NO_ADD SIZE_MAX

/* stages.c: whether the BlockWinners layer `winners` and what leads to it are a stage. Its inputs
 * have to have lanes already; a stage of features may give them some. */
bool sp_stages_find(const struct sparrow_model *m, size_t winners,
                    struct sp_stage_parts *ret_parts);

/* Which form a convolution reads. */
static inline bool sp_stages_reads_split(const struct sp_conv_params *c)
{
    return c->shape.stride_width == 2;
}

/* pack.c: the stage's weights, for values that have their places. Errors: SPARROW_NO_MEMORY. */
int sp_pack_stage(struct sp_loader *l, const struct sp_stage_parts *parts,
                  struct sp_lanes_stage *ret_stage);

/* pack.c: the full matrix, out x taps x in, in memory of the caller's. NULL: memory is short. */
int8_t *sp_pack_unfold(const struct sp_conv_params *c);

#endif
