/* words.h - sixteen words at once as vector lanes: lane = word. A network is a list of stages, each
 * of which reads active values, sums up in registers and writes an active value; README.md draws
 * the forms.
 *
 * An active value of 16 words lies position by position (height, then width), and at each position
 * window by window:
 *   window 4        64 bytes: the word's four neighbouring channels, word by word; of an image,
 *                   whose positions have one channel, this position's and the next three's (zeros
 *                   behind the last)
 *   window 2        32 bytes, of an image whose sums are short: each word's pixel and the next one
 *   window 16, 32   128 bytes: each word's four winners, as 64 bytes of their channels in the
 *                   window, word by word, and 64 bytes of their values, 0 where nobody won
 * Window 16 holds two winners in each 8 channels; window 32 one in each 8, or two in each 16; the
 * first two of four are of the first half. On AVX2 a window of 32 lies in halves: each word's first
 * two channels, word by word, and each word's other two; then the values likewise.
 * Channels beyond the last one are windows' padding: their weights and values are 0.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_WORDS_H
#define SP_WORDS_H

#include "kernels/cpu/kernels.h"

#define SP_WORDS       16
#define SP_WORDS_GROUP 8 /* outputs that are summed up together */
/* Bytes of two pixels, of a quad, and of a window of winners (indices, then values). */
#define SP_WORDS_TWO    32
#define SP_WORDS_QUAD   64
#define SP_WORDS_WINDOW 128

struct sp_words_form {
    size_t positions, channels;
    size_t window;  /* 2, 4, 16 or 32 */
    size_t windows; /* of a position */
    bool image;
    bool halves; /* windows of 32: they lie in halves */
};

static inline size_t sp_words_window_bytes(size_t window)
{
    return window == 2 ? SP_WORDS_TWO : window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW;
}

static inline size_t sp_words_position_bytes(const struct sp_words_form *f)
{
    return f->windows * sp_words_window_bytes(f->window);
}

static inline size_t sp_words_bytes(const struct sp_words_form *f)
{
    return f->positions * sp_words_position_bytes(f);
}

/* Where winner i (or channel i of a quad) of a word is: in bytes from the channels, or values. */
static inline size_t sp_words_winner_at(const struct sp_words_form *f, size_t word, size_t i)
{
    return f->halves ? i / 2 * 2 * SP_WORDS + 2 * word + i % 2 : 4 * word + i;
}

/* One window under one tap that has weights for a group: where it lies, in bytes from the input of
 * the run that it belongs to; and its table, 8 outputs x window weights (of window 2: both, and
 * again), in bytes from the first.
 */
struct sp_words_step {
    uint32_t input, table;
};

/* Neighbouring taps of one convolution at one output position; taps in the padding are left out.
 * The taps of all convolutions that add to the same sums are numbered one after the other. */
struct sp_words_taps {
    int32_t input; /* of the convolution's first tap and window, in bytes of the scratch; may lie in
                      front of the value */
    uint16_t tap, count;
    uint16_t window;
};

/* The same steps in the order in which a group takes them at neighbouring positions that take the
 * same ones: what winners of windows of one size are computed from, where there are such lists.
 * Behind a pool they are for windows in halves alone, and there is one list for each chunk. */
struct sp_words_listed {
    int32_t input;     /* in bytes of the scratch, at the list's first position; behind a pool from
                          the run's input */
    uint32_t distance; /* which of the list's two */
    uint32_t table;
};

struct sp_words_list {
    uint32_t begin, end;         /* positions of one chunk */
    uint32_t first, pairs, last; /* its steps; up to `pairs` they come two by two whose products add
                                    up in s16 for all eight outputs, whatever wins */
    int32_t distance[2];         /* bytes from what a position reads to what the next one does */
};

#define SP_WORDS_CHUNK 16 /* positions that are computed for one group, then for the next */

enum sp_words_finish {
    SP_WORDS_WINNERS,    /* block winners, in the form that their block and number ask for */
    SP_WORDS_REQUANTISE, /* every channel, in quads */
    SP_WORDS_SUMS        /* s32 [channel][16] */
};

/* q(v) = (min(max(v, 0), limit) * multiplier + half) >> shift, at most max_value; limit is the
 * first sum that reaches it. Of each block of winners, or of each channel. */
struct sp_words_scale {
    int32_t limit;
    uint32_t multiplier;
    uint64_t half;
    uint32_t shift;
};

/* How much room a requantisation needs, for all scales of a stage. */
enum sp_words_width {
    SP_WORDS_MULHRS, /* shift is 15, the multiplier below 2^15, and what saturates s16 reaches
                        max_value */
    SP_WORDS_LOW,    /* limit * multiplier + half fits 32 bits; limit does not pass max_value */
    SP_WORDS_WIDE
};

struct sp_words_stage {
    size_t positions, groups; /* groups fill whole windows of the output */
    size_t pool;              /* the largest of so many neighbouring sums; 1: none */
    size_t window;            /* of all that is read; 0: they differ */
    size_t all_taps;          /* of all convolutions */
    bool whole;               /* behind a pool: all positions have one run each, of all taps */
    const uint32_t *runs;     /* [position][pool], and one more: where their taps begin */
    const struct sp_words_taps *taps;
    const uint32_t *first; /* [group][all_taps + 1]: steps in front of a tap; they rise */
    const struct sp_words_step *steps;
    const uint32_t *seconds; /* [group]: of windows of two, the second part's first step */
    const int8_t *tables;    /* aligned to 64 */
    const struct sp_words_list *lists; /* NULL: there are none, and steps are found by their taps */
    const uint32_t *list_of;           /* [group][chunk], and one more: where their lists begin */
    const struct sp_words_listed *listed;
    const int32_t *bias; /* groups * 8 */
    size_t out;          /* in the scratch */
    enum sp_words_finish finish;
    size_t block, winners;
    unsigned rank_shift; /* 1 << rank_shift >= block */
    uint8_t max_value;
    enum sp_words_width width;
    const struct sp_words_scale *scales;
    const int16_t *multipliers; /* of SP_WORDS_MULHRS: [window][winner: 4][4], each four times */
};

struct sp_words_kernels {
    const char *name; /* "avx512" */
    size_t fewest; /* words in one call from which sixteen lanes, if not full, beat one word after
                      another: measured */
    bool pairs;    /* the products of two neighbouring channels, or winners, have to fit s16; lists
                      may have pairs of steps */
    bool halves;   /* windows of 32 lie in halves */
    /* features: 16 rows of positions x bands bytes. */
    void (*quads)(size_t positions, size_t bands, const uint8_t *const *features, uint8_t *out);
    /* features: 16 rows of `positions` bytes, one channel each. */
    void (*image)(size_t positions, const uint8_t *const *features, uint8_t *out);
    /* The same in windows of two; NULL: no short sums. A stage that reads such windows is one of
     * SP_WORDS_WINNERS, one in 8, of SP_WORDS_MULHRS, whole, behind a pool of four; a group's bias
     * and the first part of its steps are added up in 16 bits, which no sum leaves on the way, then
     * each step of the second part, which has at least one, with saturation. What saturates in one
     * but the last is no more than 0 in the end, with and without. */
    void (*image_of_twos)(size_t positions, const uint8_t *const *features, uint8_t *out);
    /* scratch: aligned to 64, as all values in it are. */
    void (*stage)(const struct sp_words_stage *s, uint8_t *scratch);
};

/* Only where the build is for x86-64. */
extern const struct sp_words_kernels sp_words__avx2;
extern const struct sp_words_kernels sp_words__avxvnni;
extern const struct sp_words_kernels sp_words__avx512vnni;
extern const struct sp_words_kernels sp_words__avx512;

/* quads(), image() and image_of_twos() on every machine. */
void sp_words_plain_quads(size_t positions, size_t bands, const uint8_t *const *features,
                          uint8_t *out);
void sp_words_plain_image(size_t positions, const uint8_t *const *features, uint8_t *out);
void sp_words_plain_image_of_twos(size_t positions, const uint8_t *const *features, uint8_t *out);

/* Alive values of one word. */
size_t sp_words_alive(const struct sp_words_form *f, const uint8_t *value, size_t word);

#endif
