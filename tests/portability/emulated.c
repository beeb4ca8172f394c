/* emulated.c - the sets avx512, avx512vnni and avxvnni on any machine: their kernels, compiled with
 * the intrinsics in tests/support/emulated. A test that is linked with this file, and with --wrap
 * for the two functions that choose kernels, runs them in the place of the real ones.
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
void sp_energies__emulated(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy);
extern const struct sp_lanes_kernels sp_lanes__emulated, sp_lanes__emulated_vnni,
    sp_lanes__emulated_avx512vnni;
extern const struct sp_words_kernels sp_words__emulated, sp_words__emulated_vnni,
    sp_words__emulated_avx512vnni;
void sp_lanes_quads__emulated(const struct sp_lanes_form *f, size_t channels, const uint8_t *in,
                              bool split, uint8_t *quads);

/* Names that --wrap wants. */
bool __real_sp_kernels_select(const char *names, struct sp_kernels *ret_kernels);
bool __wrap_sp_kernels_select(const char *names, struct sp_kernels *ret_kernels);
const char *__wrap_sp_kernels_set(size_t i, bool *ret_here);

/* Scalar, and what is emulated: whatever else the machine has is tested elsewhere. */
static const char *const sets[] = {"scalar", "avxvnni", "avx512vnni", "avx512"};
#define SET_COUNT (sizeof(sets) / sizeof(sets[0]))

const char *__wrap_sp_kernels_set(size_t i, bool *ret_here)
{
    *ret_here = true;
    return i < SET_COUNT ? sets[i] : NULL;
}

bool __wrap_sp_kernels_select(const char *names, struct sp_kernels *ret_kernels)
{
    struct sp_kernels k;
    if (!__real_sp_kernels_select("scalar", &k))
        return false;
    if (strcmp(names, "avxvnni") == 0) {
        k.name = "avxvnni";
        k.lanes = &sp_lanes__emulated_vnni;
        k.words = &sp_words__emulated_vnni;
    } else if (strcmp(names, "avx512vnni") == 0) {
        k.name = "avx512vnni"; /* its other kernels are those of avx512 */
        k.lanes = &sp_lanes__emulated_avx512vnni;
        k.words = &sp_words__emulated_avx512vnni;
    } else if (strcmp(names, "avx512") == 0 || strcmp(names, "native") == 0) {
        k.name = "avx512";
        k.front_end = sp_front_end__emulated;
        k.conv_dense = sp_conv_dense__emulated;
        k.energies = sp_energies__emulated;
        k.lanes = &sp_lanes__emulated;
        k.words = &sp_words__emulated;
    } else if (strcmp(names, "scalar") != 0) {
        return false;
    }
    *ret_kernels = k;
    return true;
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
