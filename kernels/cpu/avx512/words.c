/* words.c - sixteen words at once, one in each 32-bit lane.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/words.h"

const struct sp_words_kernels sp_words__avx512 = {
    .name = "avx512",
};
