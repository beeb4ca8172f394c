/* emulated.c - the set "avx512" on any machine: its kernels, compiled with the intrinsics in
 * tests/support/emulated. A test that is linked with this file, and with --wrap for the two
 * functions that choose kernels, runs them in the place of the real ones.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/words.h"

void sp_front_end__emulated(const struct sp_front_end_tables *t, const int16_t *const *rows,
                            size_t frames, float *work, uint8_t *features);
void sp_conv_dense__emulated(const struct sp_conv_shape *shape, const int8_t *weights,
                             const int32_t *bias, const uint8_t *in, int32_t *out);
extern const struct sp_lanes_kernels sp_lanes__emulated;
extern const struct sp_words_kernels sp_words__emulated;
void sp_lanes_quads__emulated(const struct sp_lanes_form *f, size_t channels, const uint8_t *in,
                              bool split, uint8_t *quads);

/* Names that --wrap wants. */
bool __real_sp_kernels_select(const char *names, struct sp_kernels *ret_kernels);
bool __wrap_sp_kernels_select(const char *names, struct sp_kernels *ret_kernels);
const char *__real_sp_kernels_set(size_t i, bool *ret_here);
const char *__wrap_sp_kernels_set(size_t i, bool *ret_here);

bool __wrap_sp_kernels_select(const char *names, struct sp_kernels *ret_kernels)
{
    if (strcmp(names, "avx512") != 0 && strcmp(names, "native") != 0)
        return __real_sp_kernels_select(names, ret_kernels);
    if (!__real_sp_kernels_select("scalar", ret_kernels))
        return false;
    ret_kernels->name = "avx512";
    ret_kernels->front_end = sp_front_end__emulated;
    ret_kernels->conv_dense = sp_conv_dense__emulated;
    ret_kernels->lanes = &sp_lanes__emulated;
    ret_kernels->words = &sp_words__emulated;
    return true;
}

/* This machine has it now; where the build knows no such set it comes last. */
const char *__wrap_sp_kernels_set(size_t i, bool *ret_here)
{
    const char *name = __real_sp_kernels_set(i, ret_here);
    bool known = false, here;
    for (size_t j = 0; __real_sp_kernels_set(j, &here) != NULL; j++)
        known = known || strcmp(__real_sp_kernels_set(j, &here), "avx512") == 0;
    if (name == NULL && !known && i > 0 && __real_sp_kernels_set(i - 1, &here) != NULL)
        name = "avx512";
    if (name != NULL && strcmp(name, "avx512") == 0)
        *ret_here = true;
    return name;
}

/* What the real set borrows from AVX2. */
void sp_lanes_quads__emulated(const struct sp_lanes_form *f, size_t channels, const uint8_t *in,
                              bool split, uint8_t *quads)
{
    for (size_t p = 0; p < f->width; p++)
        for (size_t c = 0; c < f->quads * SP_LANES_QUAD; c++) {
            size_t at = sp_lanes_at(f, split, c / SP_LANES_QUAD, split && p % 2 != 0);
            size_t position = split ? p / 2 : p;
            quads[at + 4 * position + c % SP_LANES_QUAD] = c < channels ? in[p * channels + c] : 0;
        }
}
