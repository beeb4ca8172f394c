/* test_state.c - models, health, readiness, metrics, pages, and the rules of methods that hold for
 * every route.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/api/house.h"

static struct house house;

static void setup(void)
{
    house_open(&house, NULL);
}

static void teardown(void)
{
    house_close(&house);
}

static bool answer_has(const char *text)
{
    return memmem(house.x.answer.data, house.x.answer.len, text, strlen(text)) != NULL;
}

START_TEST(models_are_listed)
{
    ck_assert_uint_eq(house_get(&house, "/v1/models"), 200);
    ck_assert_str_eq(house_text(&house, "models.0.name"), "commands");
    ck_assert(json_is_true(house_at(&house, "models.0.default")));
    ck_assert_uint_eq(json_array_size(house_at(&house, "models.0.labels")), 12);
    ck_assert_uint_eq(strlen(house_text(&house, "models.0.digest")), strlen("sha256:") + 64);
    unsigned kinds[3] = {0};
    for (size_t i = 0; i < 12; i++) {
        const char *kind = json_string_value(
            json_object_get(json_array_get(house_at(&house, "models.0.labels"), i), "kind"));
        kinds[strcmp(kind, "keyword") == 0 ? 0 : strcmp(kind, "silence") == 0 ? 1 : 2]++;
    }
    ck_assert(kinds[0] == 10 && kinds[1] == 1 && kinds[2] == 1);
}
END_TEST

START_TEST(model_page_adds_its_layers_up)
{
    ck_assert_uint_eq(house_get(&house, "/v1/models/commands"), 200);
    const json_t *layers = house_at(&house, "layers");
    json_int_t stored = 0;
    ck_assert_uint_gt(json_array_size(layers), 1);
    for (size_t i = 0; i < json_array_size(layers); i++)
        stored += json_integer_value(json_object_get(json_array_get(layers, i), "weights_stored"));
    ck_assert_int_eq(json_integer_value(house_at(&house, "weights_stored")), stored);
    ck_assert(json_is_integer(house_at(&house, "front_end.frames")));
    ck_assert(json_is_array(house_at(&house, "figures")));
    ck_assert_str_ne(house_text(&house, "kernels"), "");
    ck_assert_uint_eq(house_get(&house, "/v1/models/c%6fmmands"), 200);
    ck_assert_uint_eq(house_get(&house, "/v1/models/nobody"), 404);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/unknown-model");
    ck_assert_uint_eq(house_get(&house, "/v1/models/%ff"), 400);
    ck_assert_uint_eq(house_get(&house, "/v1/models/a/b"), 404);
    ck_assert_uint_eq(house_get(&house, "/v1/models/"), 404);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/not-found");
}
END_TEST

START_TEST(health_shows_the_proof)
{
    ck_assert_uint_eq(house_get(&house, "/healthz"), 200);
    ck_assert_str_eq(house_text(&house, "status"), "ok");
    ck_assert_int_eq(json_integer_value(house_at(&house, "replicas.total")), 1);
    ck_assert_int_eq(json_integer_value(house_at(&house, "replicas.up")), 1);
    double age = json_number_value(house_at(&house, "selftest_age_s"));
    ck_assert(json_is_number(house_at(&house, "selftest_age_s")) && age >= 0 && age < 60);
    ck_assert_str_eq(house_text(&house, "list.0.backend"), "cpu");
    lifecycle_set_stuck(house.lifecycle, 1);
    ck_assert_uint_eq(house_get(&house, "/healthz"), 503);
    ck_assert_str_eq(house_text(&house, "status"), "failing");
    ck_assert_int_eq(json_integer_value(house_at(&house, "stuck_lanes")), 1);
    lifecycle_set_stuck(house.lifecycle, 0);
    ck_assert_uint_eq(house_get(&house, "/healthz"), 200);
}
END_TEST

START_TEST(ready_follows_the_lifecycle)
{
    ck_assert_uint_eq(house_get(&house, "/readyz"), 200);
    ck_assert(!house.x.close);
    lifecycle_set(house.lifecycle, LIFECYCLE_DRAINING);
    ck_assert_uint_eq(house_get(&house, "/readyz"), 503);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/draining");
    ck_assert_ptr_nonnull(house_header(&house, "Retry-After"));
    ck_assert(house.x.close);
    ck_assert_uint_eq(house_get(&house, "/healthz"), 200);
    ck_assert(house.x.close);
    lifecycle_set(house.lifecycle, LIFECYCLE_STARTING);
    ck_assert_uint_eq(house_get(&house, "/readyz"), 503);
    lifecycle_set(house.lifecycle, LIFECYCLE_READY);
}
END_TEST

START_TEST(metrics_format_follows_accept)
{
    ck_assert_uint_eq(house_get(&house, "/metrics"), 200);
    ck_assert_str_eq(house.x.content_type, "text/plain; version=0.0.4; charset=utf-8");
    ck_assert(answer_has("# TYPE sparrow_requests_total counter"));
    static const char *const prometheus[] = {
        "Accept",
        "application/openmetrics-text;version=1.0.0,application/"
        "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        NULL};
    ck_assert_uint_eq(house_ask(&house, "GET", "/metrics", prometheus, NULL, 0), 200);
    ck_assert_str_eq(house.x.content_type,
                     "application/openmetrics-text; version=1.0.0; charset=utf-8");
    ck_assert(answer_has("# EOF\n"));
    static const char *const browser[] = {"Accept", "text/html,*/*;q=0.8", NULL};
    ck_assert_uint_eq(house_ask(&house, "GET", "/metrics", browser, NULL, 0), 200);
    ck_assert_str_eq(house.x.content_type, "text/plain; version=0.0.4; charset=utf-8");
}
END_TEST

/* Every path of the description is served, every route is described, and the version is the
 * library's. */
START_TEST(openapi_agrees_with_the_routes)
{
    const char *name;
    json_t *item;
    ck_assert_uint_eq(house_get(&house, "/openapi.json"), 200);
    ck_assert_str_eq(house_text(&house, "openapi"), "3.1.0");
    ck_assert_str_eq(house_text(&house, "info.version"), sparrow_version());
    ck_assert_str_eq(sparrow_version(), PACKAGE_VERSION);
    json_t *paths = json_deep_copy(json_object_get(house.json, "paths"));
    ck_assert_uint_eq(json_object_size(paths), 10);
    json_object_foreach(paths, name, item)
    {
        const char *path = strcmp(name, "/v1/models/{name}") == 0 ? "/v1/models/commands" : name;
        bool post = json_object_get(item, "post") != NULL;
        unsigned status = house_get(&house, path);
        ck_assert_msg(status == (post ? 405 : 200), "%s gave %u", path, status);
        ck_assert_uint_eq(house_ask(&house, "OPTIONS", path, NULL, NULL, 0), 204);
        ck_assert_str_eq(house_header(&house, "Allow"),
                         post ? "POST, OPTIONS" : "GET, HEAD, OPTIONS");
        ck_assert_uint_eq(house.x.answer.len, 0);
        ck_assert_uint_eq(house_ask(&house, "DELETE", path, NULL, NULL, 0), 405);
        ck_assert_str_eq(house_header(&house, "Allow"),
                         post ? "POST, OPTIONS" : "GET, HEAD, OPTIONS");
        ck_assert_uint_eq(house_ask(&house, "HEAD", path, NULL, NULL, 0), post ? 405 : 200);
    }
    json_decref(paths);
}
END_TEST

/* Each "$ref" of the description leads somewhere. */
static void check_refs(const json_t *root, json_t *v)
{
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_array(v)) {
        json_array_foreach(v, i, item) check_refs(root, item);
    } else if (json_is_object(v)) {
        json_object_foreach(v, name, item)
        {
            if (strcmp(name, "$ref") == 0) {
                const char *path = json_string_value(item);
                ck_assert_msg(strncmp(path, "#/components/", 13) == 0, "%s", path);
                const json_t *at = json_object_get(root, "components");
                char kind[64];
                size_t n = strcspn(path + 13, "/");
                ck_assert_uint_lt(n, sizeof kind);
                memcpy(kind, path + 13, n);
                kind[n] = '\0';
                ck_assert_msg(json_object_get(json_object_get(at, kind), path + 14 + n) != NULL,
                              "%s leads nowhere", path);
            }
            check_refs(root, item);
        }
    }
}

START_TEST(openapi_references_lead_somewhere)
{
    ck_assert_uint_eq(house_get(&house, "/openapi.json"), 200);
    check_refs(house.json, house.json);
}
END_TEST

START_TEST(root_is_a_page_with_links)
{
    ck_assert_uint_eq(house_get(&house, "/"), 200);
    ck_assert_str_eq(house.x.content_type, "text/html; charset=utf-8");
    ck_assert(answer_has("href=\"/openapi.json\"") && answer_has("href=\"/v1/models\"") &&
              answer_has("href=\"/metrics\""));
}
END_TEST

START_TEST(method_nobody_knows_is_501)
{
    ck_assert_uint_eq(house_ask(&house, "BREW", "/", NULL, NULL, 0), 501);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/method-unknown");
    ck_assert_uint_eq(house_ask(&house, "get", "/", NULL, NULL, 0), 501);
}
END_TEST

START_TEST(refusal_of_the_codec_is_a_problem)
{
    house_let_go(&house);
    text_clear(&house.x.answer);
    house.x.header_count = 0;
    house.x.call = NULL;
    uint64_t malformed = metrics_value(house.metrics, METRIC_REFUSED, REFUSED_MALFORMED);
    uint64_t requests = metrics_value(house.metrics, METRIC_REQUESTS, OUTCOME_CLIENT_ERROR);
    api_refuse(house.api, &house.x, SPARROW_BAD_REQUEST, "two lengths");
    ck_assert_uint_eq(metrics_value(house.metrics, METRIC_REFUSED, REFUSED_MALFORMED),
                      malformed + 1);
    ck_assert_uint_eq(metrics_value(house.metrics, METRIC_REQUESTS, OUTCOME_CLIENT_ERROR),
                      requests);
    ck_assert_uint_eq(house.x.status, 400);
    ck_assert(house.x.close && answer_has("two lengths") &&
              answer_has("/problems/malformed-request"));
    ck_assert_ptr_nonnull(house_header(&house, "X-Request-ID"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tc = tcase_create("state");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, models_are_listed);
    tcase_add_test(tc, model_page_adds_its_layers_up);
    tcase_add_test(tc, health_shows_the_proof);
    tcase_add_test(tc, ready_follows_the_lifecycle);
    tcase_add_test(tc, metrics_format_follows_accept);
    tcase_add_test(tc, openapi_agrees_with_the_routes);
    tcase_add_test(tc, openapi_references_lead_somewhere);
    tcase_add_test(tc, root_is_a_page_with_links);
    tcase_add_test(tc, method_nobody_knows_is_501);
    tcase_add_test(tc, refusal_of_the_codec_is_a_problem);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner,
                            CK_NOFORK); /* the rooms have threads, which a fork would lose */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
