/* limits.h - how large a model may be. A file that asks for more does not load.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_LIMITS_H
#define SP_LIMITS_H

#define SP_LIMIT_FILE_BYTES    ((size_t)64 << 20)
#define SP_LIMIT_UNPACK_BYTES  ((size_t)64 << 20) /* what protobuf-c may allocate for one file */
#define SP_LIMIT_LAYERS        256
#define SP_LIMIT_INPUTS        16                /* of one Add */
#define SP_LIMIT_ELEMENTS      ((size_t)1 << 20) /* of one value */
#define SP_LIMIT_WEIGHTS       ((size_t)4 << 20) /* stored, of the whole model */
#define SP_LIMIT_CHANNELS      65536
#define SP_LIMIT_KERNEL        255 /* height, width, strides and paddings of a kernel */
#define SP_LIMIT_LABELS        1000
#define SP_LIMIT_FIGURES       1000
#define SP_LIMIT_NAME          63                  /* bytes of a name or a label */
#define SP_LIMIT_TEXT          16384               /* bytes of a text on the card */
#define SP_LIMIT_WORK          ((uint64_t)1 << 30) /* multiply-adds, or the like, of one word */
#define SP_LIMIT_SCRATCH_BYTES ((size_t)64 << 20)

#endif
