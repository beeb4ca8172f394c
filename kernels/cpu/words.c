/* words.c - what sixteen words in lanes need on every machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/words.h"

#include <string.h>

void sp_words_plain_quads(size_t positions, size_t bands, const uint8_t *const *features,
                          uint8_t *out)
{
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < bands; c += 4)
            for (size_t word = 0; word < SP_WORDS; word++, out += 4) {
                memset(out, 0, 4);
                memcpy(out, features[word] + p * bands + c, bands - c < 4 ? bands - c : 4);
            }
}

static void neighbours(size_t positions, size_t count, const uint8_t *const *features, uint8_t *out)
{
    for (size_t p = 0; p < positions; p++)
        for (size_t word = 0; word < SP_WORDS; word++)
            for (size_t i = 0; i < count; i++)
                *out++ = p + i < positions ? features[word][p + i] : 0;
}

void sp_words_plain_image(size_t positions, const uint8_t *const *features, uint8_t *out)
{
    neighbours(positions, 4, features, out);
}

void sp_words_plain_image_of_twos(size_t positions, const uint8_t *const *features, uint8_t *out)
{
    neighbours(positions, 2, features, out);
}

size_t sp_words_alive(const struct sp_words_form *f, const uint8_t *value, size_t word)
{
    size_t alive = 0, bytes = sp_words_window_bytes(f->window);
    if (f->window == 2)
        for (size_t p = 0; p < f->positions; p++)
            alive += value[p * bytes + 2 * word] != 0;
    for (size_t w = 0; f->window != 2 && w < f->positions * f->windows; w++)
        for (size_t i = 0; i < (f->image ? 1 : 4); i++)
            alive += value[(w + 1) * bytes - SP_WORDS_QUAD + sp_words_winner_at(f, word, i)] != 0;
    return alive;
}
