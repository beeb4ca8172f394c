/* test_load.c - what loads, what does not, and what the refusal says.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/model/envelope.h"
#include "engine/sparrow.h"
#include "tests/unit/network/graph.h"
#include "tests/unit/suite.h"

/* Every operation and encoding once, small. */
static void small_graph(struct graph *g)
{
    graph_init(g, 5, 5, 4, 127);
    struct graph_conv stem = {.out = 16,
                              .kernel_width = 3,
                              .pad_left = 1,
                              .pad_right = 1,
                              .weights = {.encoding = GRAPH_DENSE, .bias = 9}};
    struct graph_conv next = {
        .out = 16,
        .kernel_width = 3,
        .pad_left = 1,
        .pad_right = 1,
        .weights = {
            .encoding = GRAPH_WINDOWS, .group = 8, .window = 16, .density = 0.6, .bias = 9}};
    uint32_t v = graph_block_winners(g, graph_conv(g, 0, &stem), 8, 2, 3, 127, true);
    v = graph_add(g, graph_conv(g, v, &next), graph_conv(g, v, &next), 2, 3);
    v = graph_k_winners(g, graph_requantise(g, v, 100, false), 4, true);
    v = graph_max_pool(g, graph_reshape(g, v, 5, 2, 8), 2, 1);
    v = graph_requantise(g, graph_mean_pool(g, v), 127, true);
    graph_linear(g, v, 3, (struct graph_weights){.encoding = GRAPH_INDEXED, .density = 0.5});
}

static int parse(const uint8_t *bytes, size_t n, struct sparrow_model **ret_model,
                 struct sparrow_error *err)
{
    return sparrow_model_parse(bytes, n, NULL, ret_model, err);
}

/* A model that loads has to run, whatever is in it. */
static void run_once(struct sparrow_model *model)
{
    struct sparrow_scratch *scratch = NULL;
    ck_assert_int_eq(sparrow_scratch_new(model, &scratch, NULL), 0);
    size_t n = sparrow_model_frames(model) * sparrow_model_bands(model);
    uint8_t *features = malloc(n);
    int32_t *scores = malloc(sparrow_model_label_count(model) * sizeof(*scores));
    float *density = malloc(sparrow_model_layer_count(model) * sizeof(*density));
    ck_assert(features != NULL && scores != NULL && density != NULL);
    struct sparrow_front_end fe = {.size = sizeof(fe)};
    ck_assert_int_eq(sparrow_model_front_end(model, &fe), 0);
    memset(features, (int)fe.max_value, n);
    const uint8_t *rows = features;
    sparrow_run(model, scratch, &rows, 1, scores);
    sparrow_scratch_density(scratch, density);
    free(features);
    free(scores);
    free(density);
    sparrow_scratch_free(scratch);
}

START_TEST(parse_tells_what_the_file_says)
{
    struct graph g;
    small_graph(&g);
    Sparrow__Model__V1__Card card = SPARROW__MODEL__V1__CARD__INIT;
    Sparrow__Model__V1__Figure figure = SPARROW__MODEL__V1__FIGURE__INIT, *figures = &figure;
    card.description = (char *)(uintptr_t) "two\nlines";
    card.licence = (char *)(uintptr_t) "Apache-2.0";
    figure.name = (char *)(uintptr_t) "accuracy";
    figure.value = 0.5;
    card.figures = &figures;
    card.n_figures = 1;
    g.model.card = &card;
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    struct sparrow_model *m = NULL;
    struct sparrow_error err;
    ck_assert_msg(parse(bytes, n, &m, &err) == 0, "%s", err.text);
    free(bytes);
    ck_assert_str_eq(sparrow_model_name(m), "graph");
    ck_assert_str_eq(sparrow_model_version(m), "1.0");
    ck_assert_str_eq(sparrow_model_description(m), "two\nlines");
    ck_assert_str_eq(sparrow_model_licence(m), "Apache-2.0");
    ck_assert_uint_eq(strlen(sparrow_model_digest(m)), 64);
    ck_assert_uint_eq(sparrow_model_label_count(m), 3);
    ck_assert_str_eq(sparrow_model_label(m, 2), "word2");
    ck_assert_int_eq(sparrow_model_label_kind(m, 2), SPARROW_KEYWORD);
    ck_assert_uint_eq(sparrow_model_frames(m) * sparrow_model_hop(m), 16000);
    struct sparrow_figure f = {.size = sizeof(f)};
    ck_assert_int_eq(sparrow_model_figure(m, 0, &f), 0);
    ck_assert_str_eq(f.name, "accuracy");
    ck_assert_int_eq(sparrow_model_figure(m, 1, &f), SPARROW_BAD_ARGUMENT);

    struct sparrow_layer_info info = {.size = sizeof(info)};
    ck_assert_int_eq(sparrow_model_layer(m, 0, &info), 0);
    ck_assert_str_eq(info.op, "conv");
    ck_assert_str_eq(info.name, "l1");
    ck_assert_uint_eq(info.width, 5);
    ck_assert_uint_eq(info.weights, 16 * 3 * 4);
    ck_assert_uint_eq(info.stored, 16 * 3 * 4);
    ck_assert_uint_eq(info.macs_dense, 5 * 16 * 3 * 4);
    ck_assert_int_eq(sparrow_model_layer(m, 2, &info), 0);
    ck_assert_uint_eq(info.weights, 16 * 3 * 16);
    ck_assert_uint_eq(info.stored, g.layers[2]->conv->weights->windows->values.len);
    ck_assert_int_eq(sparrow_model_layer(m, sparrow_model_layer_count(m), &info),
                     SPARROW_BAD_ARGUMENT);
    info.size = 8;
    ck_assert_int_eq(sparrow_model_layer(m, 0, &info), SPARROW_BAD_ARGUMENT);
    run_once(m);
    sparrow_model_free(m);
    graph_done(&g);
}
END_TEST

START_TEST(parse_cut_off_at_any_byte_is_bad_model)
{
    struct graph g;
    small_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *part = malloc(cut != 0 ? cut : 1); /* of its own, so that a byte too far is seen */
        ck_assert_ptr_nonnull(part);
        memcpy(part, bytes, cut);
        struct sparrow_model *m = NULL;
        struct sparrow_error err;
        ck_assert_int_eq(parse(part, cut, &m, &err), SPARROW_BAD_MODEL);
        if (cut > SP_ENVELOPE_BYTES) { /* an honest envelope around half a message */
            sp_envelope_write(part + SP_ENVELOPE_BYTES, cut - SP_ENVELOPE_BYTES, part);
            int status = parse(part, cut, &m, &err);
            if (status == 0) { /* what is missing may be the card */
                run_once(m);
                sparrow_model_free(m);
            } else {
                ck_assert_ptr_null(m);
            }
        }
        free(part);
    }
    free(bytes);
    graph_done(&g);
}
END_TEST

START_TEST(parse_any_flipped_bit_is_seen_by_the_digest)
{
    struct graph g;
    small_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct sparrow_model *m = NULL;
        ck_assert_int_lt(parse(bytes, n, &m, NULL), 0);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(bytes);
    graph_done(&g);
}
END_TEST

START_TEST(parse_flipped_bits_under_a_right_digest_never_crash)
{
    struct graph g;
    small_graph(&g);
    size_t n, loaded = 0, refused = 0;
    uint8_t *bytes = graph_pack(&g, &n);
    for (size_t bit = 8 * SP_ENVELOPE_BYTES; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sp_envelope_write(bytes + SP_ENVELOPE_BYTES, n - SP_ENVELOPE_BYTES, bytes);
        struct sparrow_model *m = NULL;
        struct sparrow_error err = {.text = ""};
        int status = parse(bytes, n, &m, &err);
        if (status == 0) {
            run_once(m);
            sparrow_model_free(m);
            loaded++;
        } else {
            ck_assert(status == SPARROW_BAD_MODEL || status == SPARROW_UNKNOWN_VERSION);
            ck_assert(err.text[0] != 0 && strchr(err.text, '\n') == NULL);
            refused++;
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_uint_gt(loaded, 100); /* most weights may be anything */
    ck_assert_uint_gt(refused, 100);
    free(bytes);
    graph_done(&g);
}
END_TEST

/* ---- one wrong thing each ---- */

/* Layers of small_graph() by what they are. */
enum {
    STEM = 0,
    WINNERS = 1,
    WINDOWED = 2,
    ADD = 4,
    REQUANTISE = 5,
    K_WINNERS = 6,
    RESHAPE = 7,
    MAX_POOL = 8,
    LINEAR = 11
};

#define CASES(X)                                                                                   \
    X(name_empty, "name", g->model.name[0] = 0)                                                    \
    X(name_with_slash, "name", g->model.name[0] = '/')                                             \
    X(version_missing, "version", g->model.version[0] = 0)                                         \
    X(version_with_newline, "version", g->model.version[0] = '\n')                                 \
    X(labels_too_few, "2 labels, but 3", g->model.n_labels = 2)                                    \
    X(label_twice, "labels 1 and 2", g->model.labels[1][4] = '0')                                  \
    X(label_control, "label", g->model.labels[1][0] = 27)                                          \
    X(label_not_utf8, "label", g->model.labels[1][0] = (char)0xff)                                 \
    X(label_kind_unknown, "kind 7", g->model.label_kinds[0] = 7)                                   \
    X(score_scale_zero, "score_scale", g->model.score_scale = 0)                                   \
    X(score_scale_nan, "score_scale", g->model.score_scale = NAN)                                  \
    X(front_end_missing, "no front end", g->model.front_end = NULL)                                \
    X(rate, "rate", g->front_end.rate_hz = 8000)                                                   \
    X(window_odd, "window 500", g->front_end.window = 500)                                         \
    X(hop, "5 frames of 500", g->front_end.hop = 500)                                              \
    X(edges_count, "band edges", g->front_end.n_band_edges_hz--)                                   \
    X(edges_fall, "band edge 2", g->front_end.band_edges_hz[2] = 1)                                \
    X(edge_nan, "band edge 0", g->front_end.band_edges_hz[0] = NAN)                                \
    X(band_without_bin, "holds no bin",                                                            \
      (g->front_end.band_edges_hz[0] = 1, g->front_end.band_edges_hz[1] = 2,                       \
       g->front_end.band_edges_hz[2] = 3))                                                         \
    X(features_max, "max_value", g->front_end.max_value = 256)                                     \
    X(no_layers, "no layers", g->model.n_layers = 0)                                               \
    X(scores_active, "last layer", g->model.n_layers = WINNERS + 1)                                \
    X(scores_count, "last layer", g->model.n_layers = STEM + 1)                                    \
    X(layer_empty, "no operation", g->layers[ADD]->op_case = 0)                                    \
    X(layer_name, "its name", g->layers[ADD]->name[0] = '\r')                                      \
    X(input_from_later, "reads value 5", g->layers[ADD]->inputs[0] = 5)                            \
    X(inputs_none, "0 inputs", g->layers[ADD]->n_inputs = 0)                                       \
    X(inputs_two, "2 inputs", g->layers[K_WINNERS]->n_inputs = 2)                                  \
    X(conv_of_sums, "sum where it needs active", g->layers[WINDOWED]->inputs[0] = 1)               \
    X(winners_of_active, "active where it needs sums", g->layers[REQUANTISE]->inputs[0] = 2)       \
    X(kernel_zero, "kernel", g->layers[STEM]->conv->kernel_width = 0)                              \
    X(kernel_wide, "kernel", g->layers[STEM]->conv->kernel_width = 4000000000u)                    \
    X(kernel_beyond, "is empty", g->layers[STEM]->conv->kernel_width = 8)                          \
    X(stride_zero, "stride", g->layers[STEM]->conv->stride_width = 0)                              \
    X(padding_huge, "padding", g->layers[STEM]->conv->pad_right = 4000000000u)                     \
    X(out_zero, "out_channels", g->layers[STEM]->conv->out_channels = 0)                           \
    X(out_huge, "out_channels", g->layers[STEM]->conv->out_channels = 4000000000u)                 \
    X(weights_missing, "no weights", g->layers[STEM]->conv->weights = NULL)                        \
    X(weights_unknown, "encoded", g->layers[STEM]->conv->weights->encoding_case = 0)               \
    X(weights_short, "weights are stored", g->layers[STEM]->conv->weights->dense->values.len--)    \
    X(weight_extreme, "-128", g->layers[STEM]->conv->weights->dense->values.data[3] = 0x80)        \
    X(bias_count, "biases", g->layers[STEM]->conv->n_bias--)                                       \
    X(bias_overflow, "does not fit", g->layers[STEM]->conv->bias[0] = INT32_MAX)                   \
    X(group_odd, "group 3", g->layers[WINDOWED]->conv->weights->windows->group = 3)                \
    X(group_zero, "group 0", g->layers[WINDOWED]->conv->weights->windows->group = 0)               \
    X(window_size_zero, "window 0", g->layers[WINDOWED]->conv->weights->windows->window = 0)       \
    X(place_twice, "do not rise",                                                                  \
      g->layers[WINDOWED]->conv->weights->windows->places[1] =                                     \
          g->layers[WINDOWED]->conv->weights->windows->places[0])                                  \
    X(place_outside, "outside",                                                                    \
      g->layers[WINDOWED]                                                                          \
          ->conv->weights->windows                                                                 \
          ->places[g->layers[WINDOWED]->conv->weights->windows->n_places - 1] = 6)                 \
    X(places_missing, "weights are stored",                                                        \
      g->layers[WINDOWED]->conv->weights->windows->n_places--)                                     \
    X(add_shapes, "different shapes", g->layers[ADD]->inputs[1] = 0)                               \
    X(add_multiplier, "multiplier 40000", g->layers[ADD]->add->multipliers[0] = 40000)             \
    X(add_multipliers, "multipliers for", g->layers[ADD]->add->n_multipliers = 1)                  \
    X(scale_zero, "multiplier 0", g->layers[REQUANTISE]->requantise->multipliers[0] = 0)           \
    X(scale_huge, "multiplier", g->layers[REQUANTISE]->requantise->multipliers[0] = 0x80000000u)   \
    X(shift_zero, "shift 0", g->layers[REQUANTISE]->requantise->shifts[0] = 0)                     \
    X(shift_huge, "shift 63", g->layers[REQUANTISE]->requantise->shifts[0] = 63)                   \
    X(shifts_missing, "shifts", g->layers[REQUANTISE]->requantise->n_shifts = 0)                   \
    X(max_128, "max_value 128", g->layers[REQUANTISE]->requantise->max_value = 128)                \
    X(block_odd, "blocks of 3", g->layers[WINNERS]->block_winners->block = 3)                      \
    X(block_zero, "blocks of 0", g->layers[WINNERS]->block_winners->block = 0)                     \
    X(winners_zero, "0 winners", g->layers[WINNERS]->block_winners->winners = 0)                   \
    X(winners_many, "9 winners", g->layers[WINNERS]->block_winners->winners = 9)                   \
    X(rank_shift, "rank_shift", g->layers[WINNERS]->block_winners->rank_shift = 8)                 \
    X(no_requantise, "without", g->layers[WINNERS]->block_winners->requantise = NULL)              \
    X(k_zero, "k is 0", g->layers[K_WINNERS]->k_winners->k = 0)                                    \
    X(k_many, "k is 17", g->layers[K_WINNERS]->k_winners->k = 17)                                  \
    X(reshape_size, "cannot become", g->layers[RESHAPE]->reshape->width = 3)                       \
    X(reshape_zero, "is empty", g->layers[RESHAPE]->reshape->width = 0)                            \
    X(reshape_overflow, "more than", g->layers[RESHAPE]->reshape->width = 4294967295u)             \
    X(pool_zero, "a pool", g->layers[MAX_POOL]->max_pool->height = 0)                              \
    X(pool_large, "a pool", g->layers[MAX_POOL]->max_pool->height = 6)                             \
    X(counts_huge, "gaps where",                                                                   \
      g->layers[LINEAR]->linear->weights->indexed->counts[0] = 4294967295u)                        \
    X(counts_missing, "counts of", g->layers[LINEAR]->linear->weights->indexed->n_counts--)        \
    X(gap_zero, "stands twice", g->layers[LINEAR]->linear->weights->indexed->gaps[1] = 0)          \
    X(gap_huge, "outside", g->layers[LINEAR]->linear->weights->indexed->gaps[0] = 4294967295u)

#define DEFINE(name, says, change)                                                                 \
    static void break_##name(struct graph *g)                                                      \
    {                                                                                              \
        change;                                                                                    \
    }
#define ROW(name, says, change) {#name, says, break_##name},
CASES(DEFINE)

static const struct {
    const char *name, *says;
    void (*damage)(struct graph *g);
} cases[] = {CASES(ROW)};

START_TEST(parse_one_wrong_number_is_refused_by_name)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct graph g;
        small_graph(&g);
        size_t n;
        free(graph_pack(&g, &n)); /* makes the labels */
        cases[i].damage(&g);
        uint8_t *bytes = graph_pack(&g, &n);
        struct sparrow_model *m = NULL;
        struct sparrow_error err = {.text = ""};
        int status = parse(bytes, n, &m, &err);
        ck_assert_msg(status == SPARROW_BAD_MODEL || status == SPARROW_UNKNOWN_VERSION,
                      "%s: status %d", cases[i].name, status);
        ck_assert_int_eq(err.status, status);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s: \"%s\" does not say \"%s\"",
                      cases[i].name, err.text, cases[i].says);
        ck_assert_ptr_null(m);
        free(bytes);
        graph_done(&g);
    }
}
END_TEST

START_TEST(parse_unknown_format_version_is_named)
{
    struct graph g;
    small_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    struct sparrow_model *m = NULL;
    struct sparrow_error err;
    bytes[8] = 2;
    ck_assert_int_eq(parse(bytes, n, &m, &err), SPARROW_UNKNOWN_VERSION);
    ck_assert_ptr_nonnull(strstr(err.text, "version 2"));
    free(bytes);
    graph_done(&g);
}
END_TEST

/* A few bytes that ask for much: a convolution with more work than a word may take. */
START_TEST(parse_too_much_work_is_refused)
{
    struct graph g;
    graph_init(&g, 1, 1000, 8, 127);
    uint32_t v = 0;
    for (int i = 0; i < 6; i++) {
        struct graph_conv c = {
            .out = 512, .kernel_width = 1, .weights = {.encoding = GRAPH_DENSE, .limit = 2}};
        v = graph_requantise(&g, graph_conv(&g, v, &c), 10, false);
    }
    graph_mean_pool(&g, v);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    struct sparrow_model *m = NULL;
    struct sparrow_error err;
    ck_assert_int_eq(parse(bytes, n, &m, &err), SPARROW_BAD_MODEL);
    ck_assert_msg(strstr(err.text, "operations a word") != NULL, "%s", err.text);
    free(bytes);
    graph_done(&g);
}
END_TEST

START_TEST(parse_options_are_checked)
{
    struct graph g;
    small_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    struct sparrow_model *m = NULL;
    struct sparrow_error err;
    struct sparrow_model_options opt = {.size = 0, .cpu = "scalar"};
    ck_assert_int_eq(sparrow_model_parse(bytes, n, &opt, &m, &err), SPARROW_BAD_ARGUMENT);
    opt.size = sizeof(opt);
    opt.cpu = "z80";
    ck_assert_int_eq(sparrow_model_parse(bytes, n, &opt, &m, &err), SPARROW_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.text, "z80"));
    setenv("SPARROW_CPU", "6502", 1);
    ck_assert_int_eq(sparrow_model_parse(bytes, n, NULL, &m, &err), SPARROW_BAD_ARGUMENT);
    setenv("SPARROW_CPU", "scalar", 1);
    ck_assert_int_eq(sparrow_model_parse(bytes, n, NULL, &m, &err), 0);
    ck_assert_str_eq(sparrow_model_cpu(m), "scalar");
    unsetenv("SPARROW_CPU");
    sparrow_model_free(m);
    free(bytes);
    graph_done(&g);
}
END_TEST

START_TEST(load_reads_files_and_only_files)
{
    char dir[] = "test_load.XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct graph g;
    small_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    snprintf(path, sizeof(path), "%s/model", dir);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    fclose(file);
    struct sparrow_model *m = NULL;
    struct sparrow_error err;
    ck_assert_msg(sparrow_model_load(path, NULL, &m, &err) == 0, "%s", err.text);
    sparrow_model_free(m);
    m = NULL;
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(sparrow_model_load(path, NULL, &m, &err), SPARROW_BAD_MODEL);
    ck_assert_int_eq(truncate(path, (64 << 20) + 1), 0);
    ck_assert_int_eq(sparrow_model_load(path, NULL, &m, &err), SPARROW_BAD_MODEL);
    unlink(path);
    ck_assert_int_eq(sparrow_model_load(path, NULL, &m, &err), SPARROW_IO);
    ck_assert_int_eq(sparrow_model_load(dir, NULL, &m, &err), SPARROW_IO);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(sparrow_model_load(path, NULL, &m, &err), SPARROW_IO);
    unlink(path);
    rmdir(dir);
    free(bytes);
    graph_done(&g);
}
END_TEST

START_TEST(default_front_end_has_no_layers_and_runs_nothing)
{
    struct sparrow_model *m = NULL;
    struct sparrow_scratch *scratch = NULL;
    ck_assert_int_eq(sparrow_model_default_front_end(NULL, &m, NULL), 0);
    ck_assert_int_eq(sparrow_scratch_new(m, &scratch, NULL), 0);
    ck_assert_uint_eq(sparrow_model_layer_count(m), 0);
    ck_assert_uint_eq(sparrow_model_label_count(m), 0);
    struct sparrow_front_end fe = {.size = sizeof(fe)};
    ck_assert_int_eq(sparrow_model_front_end(m, &fe), 0);
    ck_assert(fe.rate_hz == 16000 && fe.window == 512 && fe.hop == 500 && fe.max_value == 127);
    for (size_t i = 0; i < fe.bands + 2u; i++) {
        double mel = 2595 * log10(1 + (double)fe.band_edges_hz[i] / 700);
        double lo = 2595 * log10(1 + 60.0 / 700), hi = 2595 * log10(1 + 7600.0 / 700);
        ck_assert(fabs(mel - (lo + (hi - lo) * (double)i / (double)(fe.bands + 1))) < 0.001);
    }
    int32_t score = 77;
    const uint8_t none[1] = {0}, *rows = none;
    sparrow_run(m, scratch, &rows, 1, &score);
    ck_assert_int_eq(score, 77);
    int16_t pcm[100] = {0};
    uint8_t features[32 * 32];
    memset(features, 0xee, sizeof(features));
    ck_assert_uint_eq(sparrow_features_frames(m, 100), 32);
    sparrow_features(m, scratch, pcm, 100, features);
    for (size_t i = 0; i < sizeof(features); i++)
        ck_assert_uint_eq(features[i], 0);
    sparrow_scratch_free(scratch);
    sparrow_model_free(m);
}
END_TEST

START_TEST(status_names_are_all_there)
{
    for (int i = 0; i < SPARROW_STATUS_COUNT; i++) {
        ck_assert_int_ne(sparrow_status_name((enum sparrow_status) - i)[0], 0);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(sparrow_status_name((enum sparrow_status) - i),
                             sparrow_status_name((enum sparrow_status) - j));
    }
    ck_assert_str_eq(sparrow_status_name(SPARROW_BAD_AUDIO), "bad-audio");
    ck_assert_str_eq(sparrow_status_name(SPARROW_INTERNAL), "internal");
    ck_assert_str_eq(sparrow_status_name((enum sparrow_status) - SPARROW_STATUS_COUNT), "unknown");
    ck_assert_str_eq(sparrow_status_name((enum sparrow_status)1), "unknown");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        parse_tells_what_the_file_says,
        parse_cut_off_at_any_byte_is_bad_model,
        parse_any_flipped_bit_is_seen_by_the_digest,
        parse_flipped_bits_under_a_right_digest_never_crash,
        parse_one_wrong_number_is_refused_by_name,
        parse_unknown_format_version_is_named,
        parse_too_much_work_is_refused,
        parse_options_are_checked,
        load_reads_files_and_only_files,
        default_front_end_has_no_layers_and_runs_nothing,
        status_names_are_all_there,
    };
    return suite_run("model-load", tests, sizeof(tests) / sizeof(tests[0]));
}
