/* check_words.c - stages of sixteen words on vector kernels against the same stages written out in
 * plain C, and their ends against the scalar kernels: random runs, steps and tables, ties, values
 * at their limits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"
#include "engine/model/words.h"
#include "kernels/cpu/words.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/kernels/inputs.h"
#include "tests/unit/suite.h"

#define POSITIONS 40
#define CHANNELS  128

/* A stage and what it reads: one value of each window size that it uses. */
struct made {
    struct sparrow_model model; /* owns the stage's lists */
    struct sp_loader loader;
    struct sp_words_stage stage;
    struct sp_requantise q;
    struct sp_words_form in, out;
    size_t channels;
    uint8_t *scratch, *plain; /* plain: [word][position][channel] */
    size_t scratch_bytes;
    uint32_t max;
};

static void *room(struct made *m, size_t n, size_t size)
{
    void *p = sp_region_alloc(&m->model.region, n, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* Index and value of winner i (or channel i of a quad). */
static void read_winner(const struct sp_words_form *f, const uint8_t *window, size_t word, size_t i,
                        uint8_t *ret_channel, uint8_t *ret_value)
{
    size_t at = sp_words_winner_at(f, word, i);
    *ret_channel = f->window == 4 ? (uint8_t)i : window[at];
    *ret_value = window[at + (f->window == 4 ? 0 : SP_WORDS_QUAD)];
}

/* Random values of one window for all words, and the same in plain[word][...]. */
static void fill_window(uint64_t *r, const struct made *m, uint8_t *window, uint8_t *plain,
                        size_t word_bytes)
{
    uint32_t kind = guard_random(r, 5);
    for (size_t word = 0; word < SP_WORDS; word++)
        for (size_t i = 0; i < 4; i++) {
            size_t at = sp_words_winner_at(&m->in, word, i);
            uint8_t v = (uint8_t)(kind == 0 ? m->max : kind == 1 ? 0 : guard_random(r, m->max + 1));
            size_t channel = i;
            if (m->in.window == 16) /* two different ones of each 8 */
                channel = i / 2 * 8 + i % 2 * 4 + guard_random(r, 4);
            else if (m->in.window == 32)
                channel = i * 8 + guard_random(r, 8);
            if (m->in.window != 4)
                window[at] = (uint8_t)channel;
            window[at + (m->in.window == 4 ? 0 : SP_WORDS_QUAD)] = v;
            plain[word * word_bytes + channel] = v;
        }
}

static void make_input(uint64_t *r, struct made *m, const struct sp_words_kernels *k)
{
    static const size_t windows[] = {4, 16, 32};
    size_t window = windows[guard_random(r, 3)];
    m->in = (struct sp_words_form){
        .positions = 1 + guard_random(r, 8), .window = window, .windows = 1 + guard_random(r, 4)};
    m->in.halves = window == 32 && k->halves;
    m->in.channels = window * m->in.windows;
    m->max = guard_random(r, 3) != 0 ? 127 : 1 + guard_random(r, 127);
    m->scratch_bytes = sp_words_bytes(&m->in) + POSITIONS * CHANNELS * 16 * 4;
    m->scratch = guard_new(m->scratch_bytes);
    size_t word_bytes = m->in.positions * m->in.channels;
    m->plain = room(m, SP_WORDS * word_bytes, 1);
    for (size_t i = 0; i < m->in.positions * m->in.windows; i++)
        fill_window(r, m, m->scratch + i * (window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW),
                    m->plain + i * window, word_bytes);
}

/* One or two taps, which read what a position further on reads as long as there are such: so that
 * neighbouring positions take the same steps at two distances. */
static size_t make_row(const struct made *m, size_t position, size_t count,
                       struct sp_words_taps *taps)
{
    for (size_t i = 0; i < count; i++) {
        size_t tap = m->stage.all_taps - 1, reads = position / (1 + i);
        size_t back = tap - (reads < tap ? reads : tap);
        taps[i] =
            (struct sp_words_taps){.input = -(int32_t)(back * sp_words_position_bytes(&m->in)),
                                   .tap = (uint16_t)tap,
                                   .count = 1,
                                   .window = (uint16_t)m->in.window};
    }
    return count;
}

/* Runs of taps that begin at any position of the value; a tap is a position further on. */
static void make_taps(uint64_t *r, struct made *m)
{
    struct sp_words_stage *s = &m->stage;
    size_t n = s->positions * s->pool;
    s->all_taps = m->in.positions;
    uint32_t *runs = room(m, n + 1, sizeof(*runs));
    struct sp_words_taps *taps = room(m, 3 * n, sizeof(*taps));
    size_t count = 0, row = guard_random(r, 2) * (1 + guard_random(r, 2));
    for (size_t i = 0; i < n; i++) {
        runs[i] = (uint32_t)count;
        count += make_row(m, i, row, taps + count);
        for (uint32_t j = row != 0 ? 0 : guard_random(r, 4); j > 0; j--) {
            uint16_t tap = (uint16_t)guard_random(r, (uint32_t)s->all_taps);
            int32_t back = (int32_t)guard_random(r, 1u + tap);
            taps[count++] = (struct sp_words_taps){
                .input = -back * (int32_t)sp_words_position_bytes(&m->in),
                .tap = tap,
                .count = (uint16_t)(1 + guard_random(r, (uint32_t)(s->all_taps - tap))),
                .window = (uint16_t)m->in.window};
        }
    }
    runs[n] = (uint32_t)count;
    s->runs = runs;
    s->taps = taps;
}

/* Every position sees the whole kernel, somewhere. */
static void make_whole_taps(uint64_t *r, struct made *m)
{
    struct sp_words_stage *s = &m->stage;
    size_t n = s->positions * s->pool;
    s->whole = true;
    s->all_taps = 1 + guard_random(r, (uint32_t)m->in.positions);
    uint32_t *runs = room(m, n + 1, sizeof(*runs));
    struct sp_words_taps *taps = room(m, n, sizeof(*taps));
    for (size_t i = 0; i < n; i++) {
        uint32_t at = guard_random(r, (uint32_t)(m->in.positions - s->all_taps + 1));
        runs[i] = (uint32_t)i;
        taps[i] = (struct sp_words_taps){
            .input = (int32_t)(at * sp_words_position_bytes(&m->in)),
            .count = (uint16_t)s->all_taps,
            .window = (uint16_t)m->in.window,
        };
    }
    runs[n] = (uint32_t)n;
    s->runs = runs;
    s->taps = taps;
}

static int8_t random_weight(uint64_t *r, uint32_t kind)
{
    if (kind == 0)
        return guard_random(r, 2) != 0 ? 127 : -127;
    int32_t w = (int32_t)guard_random(r, 255) - 127;
    return (int8_t)(kind == 1 ? w / 16 : w);
}

static void make_steps(uint64_t *r, struct made *m)
{
    struct sp_words_stage *s = &m->stage;
    size_t most = s->groups * s->all_taps * m->in.windows, count = 0;
    size_t table_bytes = SP_WORDS_GROUP * m->in.window;
    uint32_t *first = room(m, s->groups * (s->all_taps + 1), sizeof(*first));
    struct sp_words_step *steps = room(m, most, sizeof(*steps));
    int8_t *tables = room(m, most, table_bytes);
    uint32_t kind = guard_random(r, 4), density = 1 + guard_random(r, 4);
    s->first = first;
    for (size_t g = 0; g < s->groups; g++) {
        for (size_t tap = 0; tap < s->all_taps; tap++) {
            *first++ = (uint32_t)count;
            for (size_t w = 0; w < m->in.windows; w++)
                if (guard_random(r, 4) < density) {
                    size_t bytes = m->in.window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW;
                    steps[count] = (struct sp_words_step){
                        (uint32_t)(tap * sp_words_position_bytes(&m->in) + w * bytes),
                        (uint32_t)(count * table_bytes)};
                    for (size_t i = 0; i < table_bytes; i++)
                        tables[count * table_bytes + i] = random_weight(r, kind);
                    count++;
                }
        }
        *first++ = (uint32_t)count;
    }
    s->steps = steps;
    s->tables = tables;
}

static void make_bias(uint64_t *r, struct made *m)
{
    int32_t *bias = room(m, m->channels + 32, sizeof(*bias));
    int32_t reach = guard_random(r, 2) != 0 ? 20 : 5000;
    for (size_t i = 0; i < m->channels; i++)
        bias[i] = (int32_t)guard_random(r, (uint32_t)(2 * reach + 1)) - reach;
    m->stage.bias = bias;
}

/* Scales of every width, and such that many results lie between 0 and max. */
static void make_scales(uint64_t *r, struct made *m)
{
    struct sp_words_stage *s = &m->stage;
    size_t share = s->finish == SP_WORDS_WINNERS ? s->block : 1, n = m->channels / share;
    uint32_t *multipliers = room(m, n, sizeof(*multipliers));
    uint8_t *shifts = room(m, n, 1);
    uint32_t kind = guard_random(r, 4);
    for (size_t i = 0; i < n; i++) {
        shifts[i] = (uint8_t)(kind == 0 ? 15 : kind == 1 ? 20 + guard_random(r, 3) : 30);
        uint32_t low = kind == 0 ? 128 : 1u << (shifts[i] - 12);
        multipliers[i] = low + guard_random(r, kind == 0 ? 32640 : 15 * low);
        if (kind == 3) {
            shifts[i] = (uint8_t)(1 + guard_random(r, 62));
            multipliers[i] = 1 + guard_random(r, 0x7fffffff);
        }
    }
    m->q = (struct sp_requantise){.multipliers = multipliers,
                                  .shifts = shifts,
                                  .share = share,
                                  .max_value = (uint8_t)(kind % 2 == 0 ? 127 : 31)};
    ck_assert_int_eq(sp_words_scales(&m->loader, &m->q, m->channels, INT32_MAX, s), 0);
}

static void make_stage(uint64_t *r, struct made *m, const struct sp_words_kernels *k)
{
    struct sp_words_stage *s = &m->stage;
    memset(m, 0, sizeof(*m));
    m->loader.model = &m->model;
    make_input(r, m, k);
    s->positions = 1 + guard_random(r, POSITIONS);
    s->pool = guard_random(r, 3) == 0 ? 1 + guard_random(r, 6) : 1;
    s->finish = (enum sp_words_finish)guard_random(r, 3);
    s->window = guard_random(r, 4) != 0 ? m->in.window : 0;
    s->out = sp_words_bytes(&m->in);
    m->out = (struct sp_words_form){.positions = s->positions, .window = 4};
    m->channels = 8 * (1 + guard_random(r, CHANNELS / 8));
    s->groups = m->channels / 8;
    m->out.windows = 2 * s->groups;
    if (s->finish == SP_WORDS_SUMS)
        s->positions = s->pool = 1;
    if (s->finish == SP_WORDS_WINNERS) {
        uint32_t kind = guard_random(r, 4);
        s->block = kind == 0 ? 16 : 8;
        s->winners = kind == 1 ? 1 : 2;
        s->rank_shift = (s->block == 16 ? 4 : 3) + guard_random(r, 3);
        m->channels = (m->channels + s->block - 1) / s->block * s->block;
        m->out.window = 4 / s->winners * s->block;
        m->out.windows = (m->channels + m->out.window - 1) / m->out.window;
        m->out.halves = m->out.window == 32 && k->halves;
        s->groups = m->out.windows * m->out.window / 8;
    }
    if (s->pool > 1 && guard_random(r, 2) != 0)
        make_whole_taps(r, m);
    else
        make_taps(r, m);
    make_steps(r, m);
    make_bias(r, m);
    if (s->finish != SP_WORDS_SUMS)
        make_scales(r, m);
    if (guard_random(r, 8) != 0)
        ck_assert_int_eq(sp_words_lists(&m->loader, k, m->max, s), 0);
}

/* ---- the same in plain C ---- */

static int32_t sum_of(const struct made *m, size_t word, size_t position, size_t output)
{
    const struct sp_words_stage *s = &m->stage;
    const uint32_t *first = s->first + output / 8 * (s->all_taps + 1);
    const uint8_t *plain = m->plain + word * m->in.positions * m->in.channels;
    size_t bytes = m->in.window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW;
    int32_t sum = s->bias[output];
    for (size_t i = s->runs[position]; i < s->runs[position + 1]; i++) {
        const struct sp_words_taps *t = &s->taps[i];
        for (size_t j = first[t->tap]; j < first[t->tap + t->count]; j++) {
            size_t window = (size_t)(t->input + (int32_t)s->steps[j].input) / bytes;
            const int8_t *w = s->tables + s->steps[j].table + output % 8 * m->in.window;
            for (size_t c = 0; c < m->in.window; c++)
                sum += w[c] * plain[window * m->in.window + c];
        }
    }
    return sum;
}

static int32_t pooled(const struct made *m, size_t word, size_t position, size_t output)
{
    int32_t best = INT32_MIN;
    for (size_t i = 0; i < m->stage.pool; i++) {
        int32_t sum = sum_of(m, word, position * m->stage.pool + i, output);
        best = sum > best ? sum : best;
    }
    return best;
}

static void expect_active(const struct made *m, const int32_t *sums, uint8_t *want)
{
    const struct sp_words_stage *s = &m->stage;
    struct sp_block_winners b = {
        .block = s->block, .winners = s->winners, .rank_shift = s->rank_shift, .q = m->q};
    if (s->finish == SP_WORDS_WINNERS)
        sp_block_winners__scalar(&b, sums, 1, m->channels, want);
    else
        sp_requantise__scalar(&m->q, sums, 1, m->channels, want);
}

static void check_active(const struct made *m, const struct sp_words_kernels *k, size_t word,
                         size_t position, const uint8_t *want, uint64_t seed)
{
    uint8_t got[CHANNELS + 32] = {0};
    size_t window = m->out.window, bytes = window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW;
    for (size_t w = 0; w < m->out.windows; w++)
        for (size_t i = 0; i < 4; i++) {
            const uint8_t *at = m->scratch + m->stage.out + (position * m->out.windows + w) * bytes;
            uint8_t channel, value;
            read_winner(&m->out, at, word, i, &channel, &value);
            inputs_expect(channel < window, "%s seed %llu: channel %u of %zu", k->name,
                          (unsigned long long)seed, channel, window);
            if (value != 0)
                got[w * window + channel] = value;
        }
    for (size_t c = 0; c < m->channels; c++)
        inputs_expect(got[c] == want[c],
                      "%s seed %llu word %zu position %zu channel %zu: %u, not %u", k->name,
                      (unsigned long long)seed, word, position, c, got[c], want[c]);
}

static void check_stage(const struct made *m, const struct sp_words_kernels *k, uint64_t seed)
{
    const struct sp_words_stage *s = &m->stage;
    k->stage(s, m->scratch);
    for (size_t word = 0; word < SP_WORDS; word++)
        for (size_t p = 0; p < s->positions; p++) {
            int32_t sums[CHANNELS + 32], got;
            uint8_t want[CHANNELS + 32];
            for (size_t o = 0; o < m->channels; o++)
                sums[o] = pooled(m, word, p, o);
            if (s->finish != SP_WORDS_SUMS) {
                expect_active(m, sums, want);
                check_active(m, k, word, p, want, seed);
                continue;
            }
            for (size_t o = 0; o < m->channels; o++) {
                memcpy(&got, m->scratch + s->out + (o * SP_WORDS + word) * 4, 4);
                inputs_expect(got == sums[o], "%s seed %llu word %zu output %zu: %d, not %d",
                              k->name, (unsigned long long)seed, word, o, got, sums[o]);
            }
        }
}

static void free_stage(struct made *m)
{
    guard_free(m->scratch, m->scratch_bytes);
    sp_region_done(&m->model.region);
}

/* How many lists there have been, of several positions, and pairs in them. */
struct seen {
    size_t lists, long_ones, pairs, pairs_of_32, behind_pools;
};

static void count_lists(const struct sp_words_stage *s, struct seen *seen)
{
    size_t chunks = (s->positions + SP_WORDS_CHUNK - 1) / SP_WORDS_CHUNK;
    for (size_t i = 0; s->lists != NULL && i < s->list_of[s->groups * chunks]; i++) {
        seen->lists++;
        seen->long_ones += s->lists[i].end > s->lists[i].begin + 1;
        seen->pairs += (s->lists[i].pairs - s->lists[i].first) / 2;
        seen->pairs_of_32 += s->window == 32 ? s->lists[i].pairs - s->lists[i].first : 0;
        seen->behind_pools += s->pool > 1;
    }
}

static void check_kernels(const char *names)
{
    struct sp_kernels kernels;
    struct seen seen = {0};
    if (!sp_kernels_select(names, &kernels) || kernels.words == NULL)
        return;
    for (uint64_t seed = 1; seed <= suite_rounds(400); seed++) {
        uint64_t r = seed;
        struct made m;
        make_stage(&r, &m, kernels.words);
        check_stage(&m, kernels.words, seed);
        count_lists(&m.stage, &seen);
        free_stage(&m);
    }
    ck_assert_uint_gt(seen.lists, 0);
    ck_assert_uint_gt(seen.long_ones, 0);
    ck_assert(!kernels.words->pairs || (seen.pairs > 0 && seen.pairs_of_32 > 0));
    ck_assert((seen.behind_pools > 0) == kernels.words->halves);
}

START_TEST(stages_of_avx512_are_plain_c)
{
    check_kernels("avx512");
}
END_TEST

START_TEST(stages_of_avx512vnni_are_plain_c)
{
    check_kernels("avx512vnni");
}
END_TEST

START_TEST(stages_of_avxvnni_are_plain_c)
{
    check_kernels("avxvnni");
}
END_TEST

START_TEST(stages_of_avx2_are_plain_c)
{
    check_kernels("avx2");
}
END_TEST

/* ---- features ---- */

/* Of sixteen words. */
static void new_rows(uint64_t *r, size_t n, uint8_t **rows)
{
    for (size_t w = 0; w < SP_WORDS; w++) {
        rows[w] = guard_new(n);
        for (size_t i = 0; i < n; i++)
            rows[w][i] = (uint8_t)guard_random(r, 256);
    }
}

static void free_rows(size_t n, uint8_t **rows)
{
    for (size_t w = 0; w < SP_WORDS; w++)
        guard_free(rows[w], n);
}

static void check_quads(const char *names)
{
    struct sp_kernels kernels;
    if (!sp_kernels_select(names, &kernels) || kernels.words == NULL)
        return;
    for (uint64_t seed = 1; seed <= suite_rounds(100); seed++) {
        uint64_t r = seed;
        size_t positions = 1 + guard_random(&r, 40), bands = 1 + guard_random(&r, 40);
        if (seed % 2 == 0)
            bands = 32;
        size_t n = positions * bands, quads = (bands + 3) / 4, bytes = positions * quads * 64;
        uint8_t *out = guard_new(bytes), *rows[SP_WORDS];
        new_rows(&r, n, rows);
        kernels.words->quads(positions, bands, (const uint8_t *const *)rows, out);
        for (size_t i = 0; i < positions * quads * SP_WORDS * 4; i++) {
            size_t quad = i / 64, word = i / 4 % 16, c = quad % quads * 4 + i % 4;
            uint8_t want = c < bands ? rows[word][quad / quads * bands + c] : 0, channel, got;
            read_winner(&(struct sp_words_form){.window = 4}, out + quad * 64, word, i % 4,
                        &channel, &got);
            inputs_expect(got == want, "%s seed %llu quad %zu word %zu: %u, not %u", names,
                          (unsigned long long)seed, quad, word, got, want);
        }
        guard_free(out, bytes);
        free_rows(n, rows);
    }
}

START_TEST(quads_are_words_side_by_side)
{
    check_quads("avx512");
    check_quads("avxvnni");
    check_quads("avx2");
}
END_TEST

/* window: how many neighbouring pixels of a word stand side by side. */
static void check_image(const char *names, size_t window)
{
    struct sp_kernels kernels;
    if (!sp_kernels_select(names, &kernels) || kernels.words == NULL)
        return;
    const struct sp_words_kernels *k = kernels.words;
    for (uint64_t seed = 1; seed <= suite_rounds(60); seed++) {
        uint64_t r = seed;
        size_t n = 1 + guard_random(&r, 300), position_bytes = SP_WORDS * window;
        if (seed % 2 == 0)
            n = position_bytes * (1 + guard_random(&r, (uint32_t)(64 / window)));
        uint8_t *out = guard_new(n * position_bytes), *rows[SP_WORDS];
        new_rows(&r, n, rows);
        (window == 2 ? k->image_of_twos : k->image)(n, (const uint8_t *const *)rows, out);
        for (size_t i = 0; i < n * position_bytes; i++) {
            size_t position = i / position_bytes, word = i / window % SP_WORDS;
            size_t at = position + i % window;
            uint8_t want = at < n ? rows[word][at] : 0;
            inputs_expect(out[i] == want, "%s seed %llu position %zu of %zu word %zu: %u, not %u",
                          names, (unsigned long long)seed, position, n, word, out[i], want);
        }
        guard_free(out, n * position_bytes);
        free_rows(n, rows);
    }
}

START_TEST(images_are_a_position_and_the_next_three)
{
    check_image("avx512", 4);
    check_image("avx2", 4);
}
END_TEST

START_TEST(images_of_twos_are_a_position_and_the_next)
{
    struct sp_kernels kernels;
    if (sp_kernels_select("avx2", &kernels) && kernels.words->image_of_twos != NULL)
        check_image("avx2", 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        stages_of_avx512_are_plain_c,
        stages_of_avx512vnni_are_plain_c,
        stages_of_avxvnni_are_plain_c,
        stages_of_avx2_are_plain_c,
        quads_are_words_side_by_side,
        images_are_a_position_and_the_next_three,
        images_of_twos_are_a_position_and_the_next,
    };
    return suite_run("kernels-words", tests, sizeof(tests) / sizeof(tests[0]));
}
