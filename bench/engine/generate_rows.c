/* generate_rows.c - which steps of a stage meet at which positions, and which of them can be added
 * in 16 bits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/engine/generate.h"
#include "engine/model/pairs.h"

size_t generate_steps(const struct sp_words_stage *s)
{
    return s->first[s->groups * (s->all_taps + 1) - 1];
}

/* Where tap `tap` of position p reads, without its step's own offset; false: in the padding. */
static bool tap_at(const struct sp_words_stage *s, size_t p, size_t tap, long *ret_at)
{
    for (size_t i = s->runs[p]; i < s->runs[p + 1]; i++)
        if (tap >= s->taps[i].tap && tap < (size_t)s->taps[i].tap + s->taps[i].count) {
            *ret_at = s->taps[i].input;
            return true;
        }
    return false;
}

struct range {
    size_t first, last; /* positions */
    long base, stride;  /* reads at base + p * stride */
};

/* The positions at which a tap is read: neighbours, at places as far apart. */
static bool range_of(const struct sp_words_stage *s, size_t tap, struct range *ret)
{
    long at = 0;
    size_t p = 0, n = 0;
    while (p < s->positions && !tap_at(s, p, tap, &at))
        p++;
    if (p == s->positions)
        return false;
    *ret = (struct range){.first = p, .last = p, .base = at};
    for (long next; ++p < s->positions && tap_at(s, p, tap, &next); n++) {
        if (n == 0)
            ret->stride = next - at;
        if (next != at + ret->stride * (long)(n + 1)) {
            fputs("generate: positions are not as far apart\n", stderr);
            exit(1);
        }
        ret->last = p;
    }
    ret->base = at - (long)ret->first * ret->stride;
    return true;
}

size_t generate_rows(const struct sp_words_stage *s, size_t group, size_t p,
                     struct generate_row *ret_rows)
{
    const uint32_t *first = s->first + group * (s->all_taps + 1);
    size_t n = 0;
    for (size_t tap = 0; tap < s->all_taps; tap++) {
        struct range r;
        if (first[tap] == first[tap + 1] || !range_of(s, tap, &r) || p < r.first || p > r.last)
            continue;
        for (size_t i = first[tap]; i < first[tap + 1]; i++)
            ret_rows[n++] =
                (struct generate_row){i, r.base + (long)s->steps[i].input, r.stride, false};
    }
    return n;
}

/* Whether a group has steps under other taps at position p than at the one before. */
static bool differs(const struct sp_words_stage *s, size_t group, size_t p)
{
    const uint32_t *first = s->first + group * (s->all_taps + 1);
    for (size_t tap = 0; tap < s->all_taps; tap++) {
        struct range r;
        if (first[tap] != first[tap + 1] && range_of(s, tap, &r) &&
            (p == r.first || p == r.last + 1))
            return true;
    }
    return false;
}

size_t generate_rows_end(const struct sp_words_stage *s, size_t group, size_t p)
{
    do
        p++;
    while (p < s->positions && !differs(s, group, p));
    return p;
}

static struct sp_pairs_span span_of(const struct sp_words_stage *s, size_t step, int max)
{
    return sp_pairs_span_of(s->tables + s->steps[step].table, s->window, (uint32_t)max);
}

/* The outputs, a bit each, for which two steps' products add up in 16 bits. */
static unsigned outputs_that_fit(const struct sp_pairs_span *a, const struct sp_pairs_span *b)
{
    unsigned fits = 0;
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        fits |= (unsigned)sp_pairs_fit_output(a, b, o) << o;
    return fits;
}

size_t generate_partner(const struct sp_words_stage *s, const struct generate_row *rows, size_t i,
                        size_t n, int max, unsigned *ret_fits)
{
    struct sp_pairs_span own = span_of(s, rows[i].step, max);
    size_t found = i;
    *ret_fits = 0;
    for (size_t j = i + 1; j < n; j++) {
        if (rows[j].taken)
            continue;
        struct sp_pairs_span other = span_of(s, rows[j].step, max);
        unsigned fits = outputs_that_fit(&own, &other);
        if (__builtin_popcount(fits) > __builtin_popcount(*ret_fits)) {
            *ret_fits = fits;
            found = j;
        }
    }
    return found;
}
