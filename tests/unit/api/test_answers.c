/* test_answers.c - the writers of answers: every field, in the three forms, from results made by
 * hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/results.h"
#include "proto/sparrow/v1/recognizer.pb-c.h"

static struct sparrow_model *model;
static struct text text;
static struct results results;
static struct results_one ones[2];
static struct results_hit hits[3];
static struct params params;
static struct params_keyword keywords[2] = {{"Y\"es", 0}, {"no", 1}};
static const size_t labels[2] = {0, 1};
static const float confidence[2] = {0.98768f, 0.00004f};

static void setup(void)
{
    char path[4096];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/models/commands.sparrow", top ? top : ".");
    ck_assert_int_eq(sparrow_model_load(path, NULL, &model, NULL), 0);
    params_init(&params);
    params.keywords = keywords;
    params.keyword_count = 2;
    hits[0] = (struct results_hit){0, 0.75f, 0.25, 0.5};
    hits[1] = (struct results_hit){0, 0.875f, 1.25, 1.5};
    hits[2] = (struct results_hit){1, 0.625f, 2.25, 2.5};
    ones[0] = (struct results_one){.clip = "a \"clip\".wav",
                                   .start_s = 0.0625,
                                   .end_s = 1,
                                   .labels = labels,
                                   .confidence = confidence,
                                   .count = 2,
                                   .hits = hits,
                                   .hit_count = 3};
    ones[1] = (struct results_one){.labels = labels, .confidence = confidence, .count = 1};
    results = (struct results){.model = model,
                               .params = &params,
                               .request_id = "id-1",
                               .list = ones,
                               .count = 2,
                               .latency = {1, 2, 3, 4, 5, UINT64_C(9007199254740993)},
                               .energy = {.known = true,
                                          .joules = 0.00021,
                                          .watts = 14.25,
                                          .window_s = 1.5,
                                          .source = "rapl"},
                               .replica = 3,
                               .backend = "cpu",
                               .device = "cpu0"};
}

static void teardown(void)
{
    sparrow_model_free(model);
    text_done(&text);
}

static json_t *written(void)
{
    json_t *v = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(v != NULL, "%.*s", (int)text.len, text.data);
    return v;
}

/* By a path of names and numbers. */
static const json_t *at(const json_t *v, const char *path)
{
    while (v && *path) {
        char name[64];
        size_t n = strcspn(path, ".");
        ck_assert_uint_lt(n, sizeof name);
        memcpy(name, path, n);
        name[n] = '\0';
        v = json_is_array(v) ? json_array_get(v, strtoul(name, NULL, 10))
                             : json_object_get(v, name);
        path += n + (path[n] == '.');
    }
    return v;
}

#define ck_text(v, path, want) ck_assert_pstr_eq(json_string_value(at(v, path)), want)
#define ck_number(v, path, want)                                                                   \
    do {                                                                                           \
        ck_assert_msg(json_is_number(at(v, path)), "%s is no number", path);                       \
        ck_assert_double_eq_tol(json_number_value(at(v, path)), want, 1e-9);                       \
    } while (0)

START_TEST(watson_writes_every_field)
{
    watson_write(&text, &results);
    json_t *v = written();
    ck_text(v, "results.0.clip", "a \"clip\".wav");
    ck_assert(json_is_null(at(v, "results.1.clip")));
    ck_text(v, "results.0.alternatives.0.transcript", sparrow_model_label(model, 0));
    ck_number(v, "results.0.alternatives.0.confidence", 0.9877);
    ck_number(v, "results.0.alternatives.1.confidence", 0);
    ck_number(v, "results.0.alternatives.0.start_time", 0.063);
    ck_number(v, "results.0.alternatives.0.end_time", 1);
    ck_assert_uint_eq(json_array_size(at(v, "results.0.keywords_result.Y\"es")), 2);
    ck_text(v, "results.0.keywords_result.Y\"es.1.normalized_text", sparrow_model_label(model, 0));
    ck_number(v, "results.0.keywords_result.Y\"es.1.start_time", 1.25);
    ck_number(v, "results.0.keywords_result.no.0.confidence", 0.625);
    ck_assert_uint_eq(json_object_size(at(v, "results.1.keywords_result")), 0);
    ck_text(v, "request_id", "id-1");
    ck_number(v, "latency_us.receive", 1);
    ck_assert_int_eq(json_integer_value(at(v, "latency_us.total")), INT64_C(9007199254740993));
    ck_number(v, "energy.joules", 0.00021);
    ck_number(v, "energy.watts", 14.25);
    ck_number(v, "energy.window_s", 1.5);
    ck_text(v, "energy.source", "rapl");
    ck_number(v, "replica.id", 3);
    json_decref(v);
}
END_TEST

START_TEST(watson_unknown_is_null_and_unasked_is_absent)
{
    results.energy = (struct energy_share){.source = "none"};
    results.backend = results.device = NULL;
    params.keyword_count = 0;
    watson_write(&text, &results);
    json_t *v = written();
    ck_assert(json_is_null(at(v, "energy.joules")) && json_is_null(at(v, "energy.watts")) &&
              json_is_null(at(v, "energy.window_s")));
    ck_assert(json_is_null(at(v, "replica.backend")));
    ck_text(v, "energy.source", "none");
    ck_assert_ptr_null(at(v, "results.0.keywords_result"));
    json_decref(v);
}
END_TEST

START_TEST(connect_json_follows_the_mapping)
{
    connect_write_json(&text, &results);
    json_t *v = written();
    ck_text(v, "results.0.clip", "a \"clip\".wav");
    ck_text(v, "results.1.clip", "");
    ck_number(v, "results.0.alternatives.0.confidence", 0.98768);
    ck_number(v, "results.0.alternatives.0.startTime", 0.0625);
    ck_assert_uint_eq(json_array_size(at(v, "results.0.keywords")), 3);
    ck_text(v, "results.0.keywords.2.normalizedText", sparrow_model_label(model, 1));
    ck_text(v, "latency.totalUs", "9007199254740993");
    ck_assert(json_is_true(at(v, "energy.known")));
    ck_number(v, "energy.windowS", 1.5);
    ck_number(v, "replica.id", 3);
    json_decref(v);
}
END_TEST

START_TEST(connect_proto_says_the_same)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(connect_write_proto(&text, &results, &arena), 0);
    Sparrow__V1__RecognizeResponse *m =
        sparrow__v1__recognize_response__unpack(NULL, text.len, (const uint8_t *)text.data);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->n_results, 2);
    ck_assert_str_eq(m->results[0]->clip, "a \"clip\".wav");
    ck_assert_uint_eq(m->results[0]->n_alternatives, 2);
    ck_assert(m->results[0]->alternatives[0]->confidence == 0.98768f &&
              m->results[0]->alternatives[0]->start_time == 0.0625);
    ck_assert_uint_eq(m->results[0]->n_keywords, 3);
    ck_assert(m->results[0]->keywords[1]->start_time == 1.25);
    ck_assert_uint_eq(m->results[1]->n_keywords, 0);
    ck_assert(m->latency->total_us == UINT64_C(9007199254740993) && m->latency->queue_us == 4);
    ck_assert(m->energy->known && m->energy->joules == 0.00021 && m->energy->watts == 14.25 &&
              m->energy->window_s == 1.5);
    ck_assert_str_eq(m->energy->source, "rapl");
    ck_assert_uint_eq(m->replica->id, 3);
    sparrow__v1__recognize_response__free_unpacked(m, NULL);
    arena_reset(&arena, 64); /* too little: said, not written */
    text_clear(&text);
    ck_assert_int_eq(connect_write_proto(&text, &results, &arena), SPARROW_TOO_LARGE);
    ck_assert_uint_eq(text.len, 0);
    arena_done(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *tc = tcase_create("answers");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, watson_writes_every_field);
    tcase_add_test(tc, watson_unknown_is_null_and_unasked_is_absent);
    tcase_add_test(tc, connect_json_follows_the_mapping);
    tcase_add_test(tc, connect_proto_says_the_same);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
