/* words.h - sixteen words at once as vector lanes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_WORDS_H
#define SP_WORDS_H

#include "kernels/cpu/kernels.h"

struct sp_words_kernels {
    const char *name; /* "avx512" */
};

extern const struct sp_words_kernels sp_words__avx512; /* only where the build is for x86-64 */

#endif
