/* energies.c - how loud slices of a clip are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

void sp_energies__scalar(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t sum = 0;
        for (size_t j = 0; j < slice; j += 2, pcm += 2)
            sum += (uint32_t)(pcm[0] * pcm[0]) + (uint32_t)(pcm[1] * pcm[1]);
        energy[i] = sum;
    }
}
