/* pack.h - which layers the lanes of kernels/cpu/lanes.h can run, and their weights in that form.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_PACK_H
#define SP_PACK_H

#include "engine/model/model.h"

struct sp_loader;

/* Full matrices larger than this are not unfolded: they stay on the scalar kernels. */
#define SP_PACK_FULL_LIMIT ((uint64_t)4 << 20)

/* A convolution of plain values of at most max. */
bool sp_pack_can_stem(const struct sp_conv_params *c, uint32_t max);
/* A convolution of winners of this form. */
bool sp_pack_can_conv(const struct sp_conv_params *c, const struct sp_lanes_winners_shape *in);
/* Block winners of sums. */
bool sp_pack_can_winners(const struct sp_block_winners *b, const struct sp_value *in);

/* Packs what can be packed. Errors: SPARROW_NO_MEMORY. */
int sp_pack_stem(struct sp_loader *l, struct sp_conv_params *c);
int sp_pack_conv(struct sp_loader *l, struct sp_conv_params *c,
                 const struct sp_lanes_winners_shape *in, uint32_t max);

/* The full matrix, out x taps x in, in memory of the caller's. NULL: memory is short. */
int8_t *sp_pack_unfold(const struct sp_conv_params *c);

#endif
