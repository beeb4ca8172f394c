/* test_connect.c - the messages of sparrow.v1.Recognizer, in protobuf and in JSON, whole and
 * broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/connect.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/sparrow/v1/recognizer.pb-c.h"

static struct config config = {.audio_max_clips = 64};
static struct api api = {.config = &config};
static struct api_call call;
static uint8_t packed[4096];

static void fresh(void)
{
    struct arena arena = call.arena;
    arena_reset(&arena, 65536);
    call = (struct api_call){.api = &api, .arena = arena};
    params_init(&call.params);
}

static void setup(void)
{
    arena_init(&call.arena, 65536);
    fresh();
}

static void teardown(void)
{
    arena_done(&call.arena);
}

static int json(const char *text, bool batch)
{
    fresh();
    return connect_read_json(&call, text, strlen(text), batch);
}

START_TEST(json_every_field_by_either_name)
{
    const char *const forms[] = {
        "{\"clip\":{\"audio\":\"AAECAw==\",\"mediaType\":\"audio/wav\",\"name\":\"n\"},"
        "\"options\":{\"model\":\"m\",\"top\":3,\"keywords\":[\"a\",\"b\"],\"keywordsThreshold\":0."
        "25,\"hopMs\":125}}",
        "{\"clip\":{\"audio\":\"AAECAw\",\"media_type\":\"audio/"
        "wav\",\"name\":\"n\",\"later\":[{}]},"
        "\"options\":{\"model\":\"m\",\"top\":\"3\",\"keywords\":[\"a\",\"b\"],\"keywords_"
        "threshold\":\"2.5e-1\",\"hop_ms\":125.0,\"x\":1}}",
    };
    for (size_t i = 0; i < 2; i++) {
        ck_assert_msg(json(forms[i], false) == 0, "%s", call.problem.detail);
        ck_assert_uint_eq(call.clip_count, 1);
        ck_assert_uint_eq(call.clips[0].size, 4);
        ck_assert_mem_eq(call.clips[0].bytes, "\0\1\2\3", 4);
        ck_assert_str_eq(call.clips[0].media_type, "audio/wav");
        ck_assert_str_eq(call.clips[0].name, "n");
        ck_assert(!call.clips[0].is_features);
        ck_assert_str_eq(call.params.model, "m");
        ck_assert_uint_eq(call.params.top, 3);
        ck_assert_uint_eq(call.params.keyword_count, 2);
        ck_assert_double_eq(call.params.threshold, 0.25);
        ck_assert_uint_eq(call.params.hop_ms, 125);
    }
}
END_TEST

START_TEST(json_nulls_and_absence_are_defaults)
{
    ck_assert_int_eq(
        json("{\"clip\":{\"audio\":null,\"features\":\"AAA=\",\"name\":null},\"options\":null}",
             false),
        0);
    ck_assert(call.clips[0].is_features);
    ck_assert_ptr_null(call.clips[0].name);
    ck_assert_uint_eq(call.params.top, 1);
    ck_assert_double_eq(call.params.threshold, 0.5);
    ck_assert_int_eq(json("{}", false), 0);
    ck_assert_uint_eq(call.clip_count, 0);
    ck_assert_int_eq(
        json("{\"clips\":[{\"audio\":\"AA==\"},{\"audio\":\"AQ\",\"name\":\"b\"}]}", true), 0);
    ck_assert_uint_eq(call.clip_count, 2);
    ck_assert_str_eq(call.clips[1].name, "b");
}
END_TEST

static const struct {
    const char *text;
    bool batch;
    int status;
} broken[] = {
    {"", false, SPARROW_BAD_REQUEST},
    {"{", false, SPARROW_BAD_REQUEST},
    {"[]", false, SPARROW_BAD_REQUEST},
    {"{\"clip\":{},\"clip\":{}}", false, SPARROW_BAD_REQUEST},
    {"{\"clip\":{\"name\":\"\\u0000\"}}", false, SPARROW_BAD_REQUEST},
    {"{\"clip\":{\"name\":\"\xff\"}}", false, SPARROW_BAD_REQUEST},
    {"{} {}", false, SPARROW_BAD_REQUEST},
    {"{\"clip\":[]}", false, SPARROW_BAD_PARAMETER},
    {"{\"clips\":{}}", true, SPARROW_BAD_PARAMETER},
    {"{\"clips\":[null]}", true, SPARROW_BAD_PARAMETER},
    {"{\"clip\":{\"audio\":1}}", false, SPARROW_BAD_PARAMETER},
    {"{\"clip\":{\"audio\":\"A\"}}", false, SPARROW_BAD_PARAMETER},
    {"{\"clip\":{\"audio\":\"AA=\"}}", false, SPARROW_BAD_PARAMETER},
    {"{\"clip\":{\"audio\":\"A A=\"}}", false, SPARROW_BAD_PARAMETER},
    {"{\"clip\":{\"audio\":\"AA\",\"features\":\"AA\"}}", false, SPARROW_BAD_PARAMETER},
    {"{\"clip\":{\"mediaType\":[]}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":[]}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"top\":-1}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"top\":1.5}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"top\":4294967296}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"top\":\"many\"}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"hopMs\":60001}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"keywords\":\"a\"}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"keywords\":[1]}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"keywordsThreshold\":1.1}}", false, SPARROW_BAD_PARAMETER},
    {"{\"options\":{\"keywordsThreshold\":\"NaN\"}}", false, SPARROW_BAD_PARAMETER},
    {"[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]", false, SPARROW_TOO_LARGE},
};

START_TEST(json_broken_message_is_refused)
{
    ck_assert_msg(json(broken[_i].text, broken[_i].batch) == broken[_i].status, "%s gave %d: %s",
                  broken[_i].text, call.problem.status, call.problem.detail);
}
END_TEST

START_TEST(json_too_many_members_are_refused_before_they_are_built)
{
    size_t n = 140000;
    char *text = malloc(n);
    ck_assert_ptr_nonnull(text);
    memset(text, ',', n);
    for (size_t i = 0; i < n; i += 2)
        text[i] = '1';
    text[0] = '[';
    fresh();
    ck_assert_int_eq(connect_read_json(&call, text, n, false), SPARROW_TOO_LARGE);
    free(text);
}
END_TEST

START_TEST(base64_reads_both_alphabets)
{
    unsigned char out[16];
    size_t n = 99;
    ck_assert(connect_base64("-_-_", 4, out, &n));
    ck_assert_uint_eq(n, 3);
    ck_assert_mem_eq(out, "\xfb\xff\xbf", 3);
    ck_assert(connect_base64("+/+/", 4, out, &n));
    ck_assert_mem_eq(out, "\xfb\xff\xbf", 3);
    ck_assert(connect_base64("", 0, out, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert(connect_base64("Zm9vYg==", 8, out, &n));
    ck_assert_uint_eq(n, 4);
    ck_assert(connect_base64("Zm9vYmE", 7, out, &n));
    ck_assert_uint_eq(n, 5);
    ck_assert_mem_eq(out, "fooba", 5);
    ck_assert(!connect_base64("=", 1, out, &n));
    ck_assert(!connect_base64("Zm9v====", 8, out, &n));
    ck_assert(!connect_base64("Zm9\n", 4, out, &n));
}
END_TEST

static size_t pack_request(const char *name, const char *keyword)
{
    Sparrow__V1__RecognizeRequest m = SPARROW__V1__RECOGNIZE_REQUEST__INIT;
    Sparrow__V1__Clip clip;
    Sparrow__V1__Options options = SPARROW__V1__OPTIONS__INIT;
    char media_type[] = "audio/wav", model[] = "m", name_copy[64], keyword_copy[64],
         *keywords[] = {keyword_copy};
    uint8_t audio[] = {0, 1, 2, 3};
    ck_assert(strlen(name) < 64 && strlen(keyword) < 64);
    memcpy(name_copy, name, strlen(name) + 1);
    memcpy(keyword_copy, keyword, strlen(keyword) + 1);
    sparrow__v1__clip__init(&clip);
    clip.source_case = SPARROW__V1__CLIP__SOURCE_AUDIO;
    clip.audio = (ProtobufCBinaryData){sizeof audio, audio};
    clip.media_type = media_type;
    clip.name = name_copy;
    options.model = model;
    options.top = 2;
    options.n_keywords = 1;
    options.keywords = keywords;
    options.keywords_threshold = 0.75f;
    options.hop_ms = 250;
    m.clip = &clip;
    m.options = &options;
    ck_assert_uint_le(sparrow__v1__recognize_request__get_packed_size(&m), sizeof packed);
    return sparrow__v1__recognize_request__pack(&m, packed);
}

START_TEST(proto_every_field)
{
    fresh();
    ck_assert_int_eq(connect_read_proto(&call, packed, pack_request("n", "yes"), false), 0);
    ck_assert_uint_eq(call.clip_count, 1);
    ck_assert_uint_eq(call.clips[0].size, 4);
    ck_assert_mem_eq(call.clips[0].bytes, "\0\1\2\3", 4);
    ck_assert_str_eq(call.clips[0].name, "n");
    ck_assert_str_eq(call.params.model, "m");
    ck_assert_uint_eq(call.params.top, 2);
    ck_assert_str_eq(call.params.keywords[0].text, "yes");
    ck_assert_double_eq(call.params.threshold, 0.75);
    ck_assert_uint_eq(call.params.hop_ms, 250);
}
END_TEST

START_TEST(proto_cut_anywhere_never_crashes)
{
    size_t n = pack_request("name", "yes"), refused = 0;
    for (size_t i = 0; i < n; i++) {
        fresh();
        refused += connect_read_proto(&call, packed, i, false) != 0;
    }
    ck_assert_uint_gt(refused, n / 2);
}
END_TEST

START_TEST(proto_strings_must_be_utf8)
{
    fresh();
    ck_assert_int_eq(connect_read_proto(&call, packed, pack_request("\xff", "yes"), false),
                     SPARROW_BAD_REQUEST);
    fresh();
    ck_assert_int_eq(connect_read_proto(&call, packed, pack_request("n", "\xc0\x80"), false),
                     SPARROW_BAD_REQUEST);
}
END_TEST

/* Two bytes on the wire become dozens in memory: the budget stops that, not the machine's memory.
 */
START_TEST(proto_swarm_of_small_fields_is_refused)
{
    static uint8_t swarm[64000];
    for (size_t i = 0; i < sizeof swarm; i += 2) {
        swarm[i] = 0x0a; /* clips, of length 0 */
        swarm[i + 1] = 0;
    }
    fresh();
    call.arena.budget = 4 * sizeof swarm + 65536;
    ck_assert_int_eq(connect_read_proto(&call, swarm, sizeof swarm, true), SPARROW_BAD_REQUEST);
}
END_TEST

START_TEST(clips_beyond_the_limit_are_refused)
{
    char text[2048] = "{\"clips\":[";
    for (unsigned i = 0; i < 65; i++)
        strncat(text, i ? ",{\"audio\":\"AA\"}" : "{\"audio\":\"AA\"}",
                sizeof text - strlen(text) - 1);
    strncat(text, "]}", sizeof text - strlen(text) - 1);
    ck_assert_int_eq(json(text, true), SPARROW_TOO_LARGE);
    ck_assert_uint_eq(call.problem.limit, 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connect");
    TCase *tc = tcase_create("connect");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, json_every_field_by_either_name);
    tcase_add_test(tc, json_nulls_and_absence_are_defaults);
    tcase_add_loop_test(tc, json_broken_message_is_refused, 0,
                        (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(tc, json_too_many_members_are_refused_before_they_are_built);
    tcase_add_test(tc, base64_reads_both_alphabets);
    tcase_add_test(tc, proto_every_field);
    tcase_add_test(tc, proto_cut_anywhere_never_crashes);
    tcase_add_test(tc, proto_strings_must_be_utf8);
    tcase_add_test(tc, proto_swarm_of_small_fields_is_refused);
    tcase_add_test(tc, clips_beyond_the_limit_are_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
