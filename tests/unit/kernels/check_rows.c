/* check_rows.c - the kernels that the engine is compared with: every set against scalar, bit for
 * bit, with a page that cannot be touched behind the last input; and whole networks of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "bench/engine/twin.h"
#include "bench/engine/weights.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/kernels/inputs.h"
#include "tests/unit/suite.h"

#define MOST 3

static size_t sets(const struct sp_rows_kernels *ret_sets[MOST])
{
    size_t count = 0;
    ret_sets[count++] = &sp_rows__scalar;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        ret_sets[count++] = &sp_rows__avx2;
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        ret_sets[count++] = &sp_rows__avx512;
#endif
    return count;
}

/* All zeros, all of the largest, or random. */
static int32_t some(uint64_t *r, uint32_t kind, int32_t low, int32_t high)
{
    return kind == 0   ? high
           : kind == 1 ? low
                       : low + (int32_t)guard_random(r, (uint32_t)(high - low) + 1);
}

/* A random matrix of `outputs` rows and the inputs of a few positions that overlap as a
 * convolution's do. */
struct product {
    size_t outputs, rows, bytes;
    struct weights_row row;
    int8_t *full;
    int32_t *bias, *want, *got;
    uint32_t offsets[40];
    uint8_t *in;
};

static void product_new(uint64_t *r, struct product *p)
{
    *p = (struct product){
        .outputs = 1 + guard_random(r, 150),
        .rows = 1 + guard_random(r, 40),
        .row = {1 + guard_random(r, 3), 4 * (1 + guard_random(r, 20)), 0},
    };
    p->row.stride = p->row.length + guard_random(r, 9);
    size_t n = p->row.segments * p->row.length, wide = (p->outputs + 15) / 16 * 16;
    uint32_t kind = guard_random(r, 4), zeros = guard_random(r, 100);
    p->full = weights_memory(p->outputs, n);
    for (size_t i = 0; i < p->outputs * n; i++)
        if (guard_random(r, 100) >= zeros)
            p->full[i] = (int8_t)some(r, kind, -127, 127);
    p->bias = weights_memory(p->outputs, sizeof(int32_t));
    for (size_t i = 0; i < p->outputs; i++)
        p->bias[i] = some(r, 2, -100000, 100000);
    for (size_t i = 0; i < p->rows; i++)
        p->offsets[i] = (uint32_t)(i * (1 + guard_random(r, 5)));
    p->bytes = p->row.length + (p->row.segments - 1) * p->row.stride;
    uint32_t last = 0;
    for (size_t i = 0; i < p->rows; i++)
        last = p->offsets[i] > last ? p->offsets[i] : last;
    p->bytes += last;
    p->in = guard_new(p->bytes);
    kind = guard_random(r, 4);
    for (size_t i = 0; i < p->bytes; i++)
        p->in[i] = (uint8_t)some(r, kind, 0, 127);
    p->want = weights_memory(p->rows * wide, sizeof(int32_t));
    p->got = weights_memory(p->rows * wide, sizeof(int32_t));
}

static void product_free(struct product *p)
{
    guard_free(p->in, p->bytes);
    free(p->full);
    free(p->bias);
    free(p->want);
    free(p->got);
}

/* What the sums are, by the definition. */
static void product_expect(struct product *p)
{
    size_t wide = (p->outputs + 15) / 16 * 16, n = p->row.segments * p->row.length;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t o = 0; o < p->outputs; o++) {
            int32_t sum = p->bias[o];
            for (size_t i = 0; i < n; i++)
                sum += p->full[o * n + i] *
                       p->in[p->offsets[r] + i / p->row.length * p->row.stride + i % p->row.length];
            p->want[r * wide + o] = sum;
        }
}

/* It may read behind the last row: here the inputs are a copy with room behind them. */
static void check_shuffled(const struct product *p, const struct sp_rows_kernels *k, uint64_t seed)
{
    struct sp_rows_shuffled m;
    uint8_t *in = weights_memory(p->bytes + 64, 1);
    size_t bytes = p->rows * ((p->outputs + 15) / 16 * 16) * sizeof(int32_t);
    memcpy(in, p->in, p->bytes);
    memset(in + p->bytes, 0xff, 64);
    weights_shuffled(p->full, p->bias, p->outputs, &p->row, k, &m);
    memset(p->got, 0x55, bytes);
    k->shuffled(&m, in, p->offsets, p->rows, p->got);
    inputs_same(p->got, p->want, bytes, "shuffled", seed);
    free(in);
    free((void *)m.first);
    free((void *)m.places);
    free((void *)m.indices);
    free((void *)m.weights);
    free((void *)m.bias);
}

START_TEST(products_are_exact_in_every_form)
{
    const struct sp_rows_kernels *set[MOST];
    size_t count = sets(set);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t r = seed;
        struct product p;
        struct sp_rows_dense dense;
        struct sp_rows_blocks blocks;
        struct sp_rows_lists lists;
        product_new(&r, &p);
        product_expect(&p);
        size_t wide = (p.outputs + 15) / 16 * 16, bytes = p.rows * wide * sizeof(int32_t);
        weights_dense(p.full, p.bias, p.outputs, &p.row, &dense);
        weights_blocks(p.full, p.bias, p.outputs, &p.row, &blocks);
        weights_lists(p.full, p.bias, p.outputs, &p.row, &lists);
        for (size_t i = 0; i < count; i++) {
            set[i]->dense(&dense, p.in, p.offsets, p.rows, p.got);
            inputs_same(p.got, p.want, bytes, "dense", seed);
            memset(p.got, 0x55, bytes);
            set[i]->blocks(&blocks, p.in, p.offsets, p.rows, p.got);
            inputs_same(p.got, p.want, bytes, "blocks", seed);
            check_shuffled(&p, set[i], seed);
        }
        for (size_t row = 0; row < p.rows; row++) {
            sp_rows_lists_one(&lists, p.in + p.offsets[row], p.got);
            inputs_same(p.got, p.want + row * wide, p.outputs * sizeof(int32_t), "lists", seed);
        }
        free((void *)dense.weights);
        free((void *)dense.bias);
        free((void *)blocks.first);
        free((void *)blocks.places);
        free((void *)blocks.weights);
        free((void *)blocks.bias);
        free((void *)lists.first);
        free((void *)lists.places);
        free((void *)lists.weights);
        free((void *)lists.bias);
        product_free(&p);
    }
}
END_TEST

START_TEST(elementwise_kernels_are_scalar)
{
    const struct sp_rows_kernels *set[MOST];
    size_t count = sets(set);
    enum { N = 64 };
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t r = seed;
        int32_t in[N], quarter[N], a[N], b[N];
        uint32_t multipliers[N], shifts[N];
        uint8_t want[N], got[N], max = (uint8_t)(1 + guard_random(&r, 127));
        size_t step = guard_random(&r, 2);
        for (size_t i = 0; i < N; i++) {
            in[i] = (int32_t)guard_random(&r, 0xffffffff) >> guard_random(&r, 32);
            quarter[i] = in[i] / 4;
            multipliers[i] = 1 + (guard_random(&r, 0x7fffffff) >> guard_random(&r, 31));
            shifts[i] = 1 + guard_random(&r, 62);
        }
        sp_rows__scalar.requantise(in, multipliers, shifts, step, max, N, want);
        for (size_t k = 1; k < count; k++) {
            set[k]->requantise(in, multipliers, shifts, step, max, N, got);
            inputs_same(got, want, N, "requantise", seed);
            for (size_t i = 0; i < N; i++)
                a[i] = b[i] = (int32_t)(multipliers[i] >> 2);
            sp_rows__scalar.larger(a, quarter, N);
            set[k]->larger(b, quarter, N);
            inputs_same(b, a, sizeof(a), "larger", seed);
            sp_rows__scalar.add(a, quarter, N);
            set[k]->add(b, quarter, N);
            inputs_same(b, a, sizeof(a), "add", seed);
        }
    }
}
END_TEST

static struct sparrow_model *load(const char *name)
{
    char path[512];
    const char *top = getenv("top_srcdir");
    struct sparrow_model *model = NULL;
    struct sparrow_error err;
    snprintf(path, sizeof(path), "%s/models/%s", top ? top : ".", name);
    ck_assert_msg(sparrow_model_load(path, NULL, &model, &err) == 0, "%s: %s", path, err.text);
    return model;
}

/* `words` words of random features through a twin, against plain loops over all weights. own:
 * scores of the third word with the model's own weights, and whether they are there; NULL for
 * others. */
static void check_twin(const struct sparrow_model *m, const struct twin_options *opt, size_t words,
                       int32_t *own)
{
    const char *reason;
    struct twin *t = twin_new(m, opt, &reason);
    ck_assert_msg(t != NULL, "%s", reason);
    size_t n = m->frames * m->bands, labels = m->label_count;
    uint8_t *features = weights_memory(words, n);
    const uint8_t **rows = weights_memory(words, sizeof(*rows));
    int32_t *got = weights_memory(words * labels, sizeof(*got));
    int32_t *want = weights_memory(labels, sizeof(*want));
    uint64_t r = 7;
    for (size_t i = 0; i < words * n; i++)
        features[i] = (uint8_t)guard_random(&r, 128);
    for (size_t w = 0; w < words; w++)
        rows[w] = features + w * n;
    for (size_t again = 0; again < 2; again++)
        twin_run(t, rows, words, got);
    /* The plain loops are slow: the last word, and for the model's own weights, which all forms
     * share, the third word once and for all. */
    if (own != NULL && own[labels] == 0) {
        twin_reference(t, rows[2], own);
        own[labels] = 1;
    }
    if (own != NULL)
        inputs_same(got + 2 * labels, own, labels * sizeof(*want), opt->kernels->name, 2);
    else {
        twin_reference(t, rows[words - 1], want);
        inputs_same(got + (words - 1) * labels, want, labels * sizeof(*want), opt->kernels->name,
                    words - 1);
    }
    free(features);
    free(rows);
    free(got);
    free(want);
    twin_free(t);
}

static void check_twins(const char *name)
{
    const struct sp_rows_kernels *set[MOST];
    size_t count = sets(set);
    struct sparrow_model *m = load(name);
    int32_t *own = weights_memory(m->label_count + 1, sizeof(*own));
    for (size_t k = 1; k < count; k++) {
        check_twin(m, &(struct twin_options){TWIN_DENSE, set[k], -1, 5}, 5, own);
        check_twin(m, &(struct twin_options){TWIN_BLOCKS, set[k], -1, 3}, 3, own);
        check_twin(m, &(struct twin_options){TWIN_BLOCKS, set[k], 0.9, 2}, 2, NULL);
        check_twin(m, &(struct twin_options){TWIN_SHUFFLED, set[k], -1, 3}, 3, own);
        check_twin(m, &(struct twin_options){TWIN_SHUFFLED, set[k], 0.8, 2}, 2, NULL);
        check_twin(m, &(struct twin_options){TWIN_WORDS, set[k], 0.95, 128}, 70, NULL);
        check_twin(m, &(struct twin_options){TWIN_WORDS, set[k], -1, 64}, 3, own);
    }
    check_twin(m, &(struct twin_options){TWIN_ONE, &sp_rows__scalar, 0.9, 1}, 1, NULL);
    free(own);
    sparrow_model_free(m);
}

START_TEST(twins_of_a_temporal_network_are_exact)
{
    check_twins("commands.sparrow");
}
END_TEST

START_TEST(twins_of_the_published_shape_are_exact)
{
    check_twins("published.sparrow");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {products_are_exact_in_every_form, elementwise_kernels_are_scalar,
                                  twins_of_a_temporal_network_are_exact,
                                  twins_of_the_published_shape_are_exact};
    return suite_run("rows", tests, sizeof(tests) / sizeof(tests[0]));
}
