/* test_recognize.c - POST /v1/recognize and Connect against the real engine, model, intake and
 * schedule.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/sparrow/v1/recognizer.pb-c.h"
#include "tests/unit/api/house.h"

static struct house house;
static unsigned char *yes, *no;
static size_t yes_n, no_n;
static const char *const wav[] = {"Content-Type", "audio/wav", NULL};

static void setup(void)
{
    static const char *const overrides[] = {"server.max_body=2000000", "audio.max_clips=4",
                                            "schedule.max_wait=10", NULL};
    house_open(&house, overrides);
    yes = house_sample("yes", &yes_n);
    no = house_sample("no", &no_n);
}

static void teardown(void)
{
    house_close(&house);
    free(yes);
    free(no);
}

static unsigned post_wav(const char *target)
{
    return house_ask(&house, "POST", target, wav, yes, yes_n);
}

#define ck_answer(status_, want)                                                                   \
    do {                                                                                           \
        unsigned got_ = (status_);                                                                 \
        ck_assert_msg(got_ == (want), "%u, not %u: %.*s", got_, (unsigned)(want),                  \
                      (int)house.x.answer.len, house.x.answer.data);                               \
    } while (0)

START_TEST(body_wav_is_recognised_in_watsons_shape)
{
    ck_answer(post_wav("/v1/recognize"), 200);
    ck_assert_str_eq(house.x.content_type, "application/json");
    ck_assert_int_eq(json_integer_value(house_at(&house, "result_index")), 0);
    ck_assert_uint_eq(json_array_size(house_at(&house, "results")), 1);
    ck_assert(json_is_true(house_at(&house, "results.0.final")));
    ck_assert(json_is_null(house_at(&house, "results.0.clip")));
    ck_assert_uint_eq(json_array_size(house_at(&house, "results.0.alternatives")), 1);
    ck_assert_str_eq(house_text(&house, "results.0.alternatives.0.transcript"), "yes");
    double confidence = json_number_value(house_at(&house, "results.0.alternatives.0.confidence"));
    ck_assert(confidence > 0.2 && confidence <= 1);
    double start = json_number_value(house_at(&house, "results.0.alternatives.0.start_time"));
    double end = json_number_value(house_at(&house, "results.0.alternatives.0.end_time"));
    ck_assert(start >= 0 && start < end && end <= 1);
    ck_assert_ptr_null(house_at(&house, "results.0.keywords_result"));
    ck_assert_str_eq(house_text(&house, "model"), "commands");
    ck_assert_str_eq(house_text(&house, "request_id"), house_header(&house, "X-Request-ID"));
    static const char *const stages[] = {"receive", "decode",    "features",
                                         "queue",   "inference", "total"};
    for (size_t i = 0; i < 6; i++)
        ck_assert(json_is_integer(json_object_get(house_at(&house, "latency_us"), stages[i])));
    ck_assert(json_is_null(house_at(&house, "energy.joules")));
    ck_assert(json_is_null(house_at(&house, "energy.watts")));
    ck_assert(json_is_null(house_at(&house, "energy.window_s")));
    ck_assert_str_eq(house_text(&house, "energy.source"), "none");
    ck_assert_str_eq(house_text(&house, "replica.backend"), "cpu");
    ck_assert(json_is_integer(house_at(&house, "replica.id")));
}
END_TEST

START_TEST(top_all_sorts_and_adds_up_to_one)
{
    ck_answer(post_wav("/v1/recognize?top=all"), 200);
    size_t n = json_array_size(house_at(&house, "results.0.alternatives"));
    double sum = 0, last = 1;
    ck_assert_uint_eq(n, 12);
    for (size_t i = 0; i < n; i++) {
        const json_t *a = json_array_get(house_at(&house, "results.0.alternatives"), i);
        double c = json_number_value(json_object_get(a, "confidence"));
        ck_assert(c <= last);
        last = c;
        sum += c;
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(
                json_string_value(json_object_get(a, "transcript")),
                json_string_value(json_object_get(
                    json_array_get(house_at(&house, "results.0.alternatives"), k), "transcript")));
    }
    ck_assert(sum > 0.999 && sum < 1.001);
    ck_answer(post_wav("/v1/recognize?max_alternatives=3"), 200);
    ck_assert_uint_eq(json_array_size(house_at(&house, "results.0.alternatives")), 3);
    ck_answer(post_wav("/v1/recognize?top=99"), 200);
    ck_assert_uint_eq(json_array_size(house_at(&house, "results.0.alternatives")), 12);
}
END_TEST

START_TEST(keywords_are_told_over_the_threshold)
{
    ck_answer(post_wav("/v1/recognize?keywords=YES,no&keywords_threshold=0"), 200);
    ck_assert_str_eq(house_text(&house, "results.0.keywords_result.YES.0.normalized_text"), "yes");
    ck_assert_double_eq(
        json_number_value(house_at(&house, "results.0.keywords_result.YES.0.confidence")),
        json_number_value(house_at(&house, "results.0.alternatives.0.confidence")));
    ck_assert_uint_eq(json_array_size(house_at(&house, "results.0.keywords_result.no")), 1);
    ck_answer(post_wav("/v1/recognize?keywords=no"), 200);
    ck_assert(json_is_object(house_at(&house, "results.0.keywords_result")));
    ck_assert_uint_eq(json_object_size(house_at(&house, "results.0.keywords_result")), 0);
}
END_TEST

START_TEST(keyword_unknown_is_refused_with_the_labels)
{
    ck_answer(post_wav("/v1/recognize?keywords=yes,bicycle"), 400);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/bad-parameter");
    ck_assert_str_eq(house_text(&house, "parameter"), "keywords");
    ck_assert_uint_eq(json_array_size(house_at(&house, "labels")), 10);
    ck_assert_ptr_nonnull(strstr(house_text(&house, "detail"), "bicycle"));
    ck_assert_str_eq(house_text(&house, "request_id"), house_header(&house, "X-Request-ID"));
}
END_TEST

/* Raw samples: silence, yes, silence, no, silence; 4.5 s. */
static unsigned char *long_clip(size_t *ret_n)
{
    size_t pause = 24000, pcm = 32000, n = 3 * pause + 2 * pcm;
    unsigned char *out = calloc(1, n);
    ck_assert_ptr_nonnull(out);
    memcpy(out + pause, yes + 44, pcm);
    memcpy(out + 2 * pause + pcm, no + 44, pcm);
    *ret_n = n;
    return out;
}

START_TEST(long_audio_spots_both_words)
{
    static const char *const l16[] = {"Content-Type", "audio/l16;rate=16000", NULL};
    size_t n;
    unsigned char *clip = long_clip(&n);
    ck_answer(house_ask(&house, "POST", "/v1/recognize?keywords=yes,no&keywords_threshold=0.5", l16,
                        clip, n),
              200);
    ck_assert_uint_eq(json_array_size(house_at(&house, "results")), 1);
    double yes_at =
        json_number_value(house_at(&house, "results.0.keywords_result.yes.0.start_time"));
    double no_at = json_number_value(house_at(&house, "results.0.keywords_result.no.0.start_time"));
    ck_assert_msg(yes_at > 0.4 && yes_at < 2, "%g: %.*s", yes_at, (int)house.x.answer.len,
                  house.x.answer.data);
    ck_assert_msg(no_at > 2 && no_at < 4, "%g: %.*s", no_at, (int)house.x.answer.len,
                  house.x.answer.data);
    ck_answer(house_ask(&house, "POST", "/v1/recognize?hop_ms=250&top=2", l16, clip, n), 200);
    size_t windows = json_array_size(house_at(&house, "results"));
    ck_assert_uint_ge(windows, 13);
    double last = -1;
    for (size_t i = 0; i < windows; i++) {
        const json_t *a = json_array_get(
            json_object_get(json_array_get(house_at(&house, "results"), i), "alternatives"), 0);
        double start = json_number_value(json_object_get(a, "start_time")),
               end = json_number_value(json_object_get(a, "end_time"));
        ck_assert(start >= 0 && end <= 4.26 && end > start && end - start < 1.05 && end > last - 1);
        last = end;
    }
    free(clip);
}
END_TEST

static size_t add_part(char *out, size_t at, const char *head, const void *bytes, size_t n)
{
    size_t len = strlen(head);
    memcpy(out + at, head, len);
    memcpy(out + at + len, bytes, n);
    return at + len + n;
}

START_TEST(form_of_clips_keeps_order_and_names)
{
    static const char *const form[] = {"Content-Type", "multipart/form-data; boundary=XX", NULL};
    static char body[100000];
    size_t n = add_part(
        body, 0,
        "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"n\303\266.wav\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n",
        no, no_n);
    n = add_part(body, n, "\r\n--XX\r\nContent-Disposition: form-data; name=\"top\"\r\n\r\n", "2",
                 1);
    n = add_part(body, n,
                 "\r\n--XX\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: "
                 "application/json\r\n\r\n",
                 "{}", 2);
    n = add_part(body, n,
                 "\r\n--XX\r\nContent-Disposition: form-data; name=\"second\"\r\nContent-Type: "
                 "audio/wav\r\n\r\n",
                 yes, yes_n);
    n = add_part(body, n, "\r\n--XX--\r\n", "", 0);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", form, body, n), 200);
    ck_assert_uint_eq(json_array_size(house_at(&house, "results")), 2);
    ck_assert_str_eq(house_text(&house, "results.0.clip"), "n\303\266.wav");
    ck_assert_str_eq(house_text(&house, "results.0.alternatives.0.transcript"), "no");
    ck_assert_str_eq(house_text(&house, "results.1.clip"), "second");
    ck_assert_str_eq(house_text(&house, "results.1.alternatives.0.transcript"), "yes");
    ck_assert_uint_eq(json_array_size(house_at(&house, "results.1.alternatives")), 2);
}
END_TEST

START_TEST(form_problems_name_the_clip)
{
    static const char *const form[] = {"Content-Type", "multipart/form-data; boundary=XX", NULL};
    static char body[300000];
    size_t n = add_part(
        body, 0,
        "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"good.wav\"\r\n\r\n", yes,
        yes_n);
    size_t good = n;
    n = add_part(body, n,
                 "\r\n--XX\r\nContent-Disposition: form-data; name=\"b\"; "
                 "filename=\"bad.wav\"\r\nContent-Type: audio/wav\r\n\r\n",
                 "RIFF", 4);
    n = add_part(body, n, "\r\n--XX--", "", 0);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", form, body, n), 422);
    ck_assert_str_eq(house_text(&house, "clip"), "bad.wav");
    n = add_part(body, good,
                 "\r\n--XX\r\nContent-Disposition: form-data; name=\"b\"; "
                 "filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n",
                 "hi", 2);
    n = add_part(body, n, "\r\n--XX--", "", 0);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", form, body, n), 415);
    ck_assert_str_eq(house_text(&house, "clip"), "x.txt");
    n = 0;
    for (unsigned i = 0; i < 5; i++)
        n = add_part(
            body, n,
            i ? "\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"g\"\r\n\r\n"
              : "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"g\"\r\n\r\n",
            yes, yes_n);
    n = add_part(body, n, "\r\n--XX--", "", 0);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", form, body, n), 413);
    ck_assert_int_eq(json_integer_value(house_at(&house, "limit")), 4);
    n = add_part(body, 0, "--XX\r\nContent-Disposition: form-data; name=\"top\"\r\n\r\n", "3", 1);
    n = add_part(body, n, "\r\n--XX--", "", 0);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", form, body, n), 400);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/malformed-request");
}
END_TEST

static const struct {
    const char *target, *headers[5];
    unsigned status;
    const char *type, *header, *value; /* a header that the answer must have */
} early[] = {
    {"/v1/recognize?top=0", {"Content-Type", "audio/wav"}, 400, "bad-parameter", NULL, NULL},
    {"/v1/recognize?keywords_threshold=2",
     {"Content-Type", "audio/wav"},
     400,
     "bad-parameter",
     NULL,
     NULL},
    {"/v1/recognize",
     {"Content-Type", "audio/wav", "X-Request-Timeout-Ms", "soon"},
     400,
     "bad-parameter",
     NULL,
     NULL},
    {"/v1/recognize?model=other", {"Content-Type", "audio/wav"}, 404, "unknown-model", NULL, NULL},
    {"/v1/recogniz", {"Content-Type", "audio/wav"}, 404, "not-found", NULL, NULL},
    {"/v1/recognize/", {"Content-Type", "audio/wav"}, 404, "not-found", NULL, NULL},
    {"//v1/recognize", {"Content-Type", "audio/wav"}, 404, "not-found", NULL, NULL},
    {"/v1/../v1/recognize", {"Content-Type", "audio/wav"}, 404, "not-found", NULL, NULL},
    {"/v1/recognize",
     {"Content-Type", "audio/wav", "Accept", "text/html"},
     406,
     "not-acceptable",
     NULL,
     NULL},
    {"/v1/recognize",
     {"Content-Type", "audio/wav", "Transfer-Encoding", "none"},
     411,
     "length-required",
     NULL,
     NULL},
    {"/v1/recognize", {"Content-Type", "video/mp4"}, 415, "unsupported-media-type", "Accept", NULL},
    {"/v1/recognize", {"Content-Type", "audio/l16"}, 415, "unsupported-media-type", "Accept", NULL},
    {"/v1/recognize",
     {"Content-Type", "application/x-www-form-urlencoded"},
     415,
     "unsupported-media-type",
     "Accept",
     NULL},
    {"/v1/recognize",
     {"Content-Type", "audio/wav", "Content-Encoding", "gzip"},
     415,
     "unsupported-media-type",
     "Accept-Encoding",
     "identity"},
    {"/healthz", {NULL}, 405, "method-not-allowed", "Allow", "GET, HEAD, OPTIONS"},
};

START_TEST(head_refusals_come_before_the_body)
{
    ck_assert(!house_head(&house, "POST", early[_i].target, early[_i].headers, yes_n));
    house_end(&house);
    char type[64];
    snprintf(type, sizeof type, "/problems/%s", early[_i].type);
    ck_answer(house.x.status, early[_i].status);
    ck_assert_str_eq(house.x.content_type, "application/problem+json");
    ck_assert_str_eq(house_text(&house, "type"), type);
    ck_assert_int_eq(json_integer_value(house_at(&house, "status")), early[_i].status);
    ck_assert_str_ne(house_text(&house, "title"), "");
    ck_assert_str_ne(house_text(&house, "detail"), "");
    ck_assert_str_eq(house_text(&house, "request_id"), house_header(&house, "X-Request-ID"));
    if (early[_i].header)
        ck_assert_ptr_nonnull(house_header(&house, early[_i].header));
    if (early[_i].value)
        ck_assert_str_eq(house_header(&house, early[_i].header), early[_i].value);
}
END_TEST

/* Whoever sends chunks hears the refusal after them, while there are not too many. */
START_TEST(head_refusal_waits_for_a_chunked_body)
{
    static const char *const chunked[] = {"Content-Type", "video/mp4", "Transfer-Encoding",
                                          "chunked", NULL};
    static const char *const careful[] = {
        "Content-Type", "video/mp4", "Transfer-Encoding", "chunked", "Expect",
        "100-continue", NULL};
    ck_answer(house_ask(&house, "POST", "/v1/recognize", chunked, yes, yes_n), 415);
    ck_assert(!house.x.close);
    unsigned char *big = calloc(1, 100000);
    ck_assert_ptr_nonnull(big);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", chunked, big, 100000), 415);
    ck_assert(house.x.close);
    ck_assert_ptr_null(house_at(&house, "limit"));
    ck_answer(house_ask(&house, "POST", "/nothing", chunked, big, 1000), 404);
    free(big);
    ck_assert(!house_head(&house, "POST", "/v1/recognize", careful, 0));
    house_end(&house);
    ck_answer(house.x.status, 415);
}
END_TEST

START_TEST(size_limits_are_413)
{
    ck_assert(!house_head(&house, "POST", "/v1/recognize", wav, 2000001));
    house_end(&house);
    ck_answer(house.x.status, 413);
    ck_assert_int_eq(json_integer_value(house_at(&house, "limit")), 2000000);
    static const char *const chunked[] = {"Content-Type", "audio/l16;rate=16000",
                                          "Transfer-Encoding", "chunked", NULL};
    unsigned char *big = calloc(1, 2000001);
    ck_assert_ptr_nonnull(big);
    ck_assert(house_head(&house, "POST", "/v1/recognize", chunked, 0));
    house_body(&house, big, 2000001);
    house_end(&house);
    ck_answer(house.x.status, 413);
    ck_assert(house.x.close);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", chunked, big, 1999999 & ~1),
              413); /* 62 s of a minute */
    free(big);
}
END_TEST

START_TEST(audio_that_is_none_is_422_or_415)
{
    ck_answer(house_ask(&house, "POST", "/v1/recognize", wav, "RIFF____WAVE", 12), 422);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/undecodable-audio");
    ck_answer(house_ask(&house, "POST", "/v1/recognize", wav, "", 0), 422);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", NULL, "what is this?", 13), 415);
    ck_assert_ptr_nonnull(house_header(&house, "Accept"));
}
END_TEST

START_TEST(identities_are_given_back)
{
    static const char *const ids[] = {"Content-Type",
                                      "audio/wav",
                                      "X-Request-ID",
                                      "my-id.1",
                                      "traceparent",
                                      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                      NULL};
    ck_answer(house_ask(&house, "POST", "/v1/recognize", ids, yes, yes_n), 200);
    ck_assert_str_eq(house_header(&house, "X-Request-ID"), "my-id.1");
    ck_assert_str_eq(house_text(&house, "request_id"), "my-id.1");
    ck_assert_ptr_eq(
        strstr(house_header(&house, "traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        house_header(&house, "traceparent"));
    static const char *const evil[] = {"Content-Type", "audio/wav", "X-Request-ID",
                                       "a\r\nSet-Cookie: b", NULL};
    ck_answer(house_ask(&house, "POST", "/v1/recognize", evil, yes, yes_n), 200);
    ck_assert_uint_eq(strlen(house_header(&house, "X-Request-ID")), 32);
    ck_assert_ptr_null(house_header(&house, "traceparent"));
}
END_TEST

START_TEST(client_gone_while_decoding_leaves_nothing)
{
    static const char *const resampled[] = {"Content-Type", "audio/l16;rate=44100", NULL};
    unsigned char *noise = malloc(1500000);
    ck_assert_ptr_nonnull(noise);
    for (size_t i = 0; i < 1500000; i++)
        noise[i] = (unsigned char)(i * 2654435761u >> 13);
    uint64_t before = metrics_value(house.metrics, METRIC_REQUESTS, OUTCOME_CANCELLED);
    for (unsigned how = 0; how < 2; how++) {
        ck_assert(house_head(&house, "POST", "/v1/recognize", resampled, 1500000));
        house_body(&house, noise, 1500000);
        ck_assert_msg(house.later, "resampling belongs into the decode pool");
        if (how == 0)
            api_gone(house.api, &house.x);
        api_release(house.api, &house.x);
        ck_assert_ptr_null(house.x.call);
        ck_assert_ptr_null(house.x.body.data); /* the call keeps it: the pool reads it */
        uint64_t end = lane_clock_us() + 10000000;
        while (api_running(house.api) && lane_clock_us() < end)
            house_turn(&house);
        ck_assert_uint_eq(api_running(house.api), 0);
        ck_assert(!house.done);
    }
    ck_assert_uint_eq(metrics_value(house.metrics, METRIC_REQUESTS, OUTCOME_CANCELLED), before + 2);
    free(noise);
    ck_answer(post_wav("/v1/recognize"), 200);
}
END_TEST

START_TEST(deadline_that_cannot_be_met_is_504)
{
    static const char *const slow[] = {"Content-Type", "audio/l16;rate=44100",
                                       "X-Request-Timeout-Ms", "1", NULL};
    unsigned char *noise = calloc(1, 1999998);
    ck_assert_ptr_nonnull(noise);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", slow, noise, 1999998), 504);
    ck_assert_str_eq(house_text(&house, "type"), "/problems/deadline-exceeded");
    free(noise);
}
END_TEST

START_TEST(outcomes_are_counted)
{
    struct metrics *m = house.metrics;
    uint64_t ok = metrics_value(m, METRIC_REQUESTS, OUTCOME_OK),
             bad = metrics_value(m, METRIC_REQUESTS, OUTCOME_CLIENT_ERROR);
    uint64_t clips = metrics_value(m, METRIC_CLIPS, 0),
             refused = metrics_value(m, METRIC_REFUSED, REFUSED_UNDECODABLE);
    struct model_set *set = models_current(house.models);
    const struct model_entry *model = model_set_find(set, NULL);
    size_t label = 0;
    while (strcmp(sparrow_model_label(model->model, label), "yes") != 0)
        label++;
    uint64_t heard = model->label_counts[label];
    ck_answer(post_wav("/v1/recognize"), 200);
    ck_answer(house_ask(&house, "POST", "/v1/recognize", wav, "RIFF____WAVE", 12), 422);
    ck_answer(house_get(&house, "/nothing"), 404);
    ck_assert_uint_eq(metrics_value(m, METRIC_REQUESTS, OUTCOME_OK), ok + 1);
    ck_assert_uint_eq(metrics_value(m, METRIC_REQUESTS, OUTCOME_CLIENT_ERROR), bad + 1);
    ck_assert_uint_eq(metrics_value(m, METRIC_CLIPS, 0), clips + 2);
    ck_assert_uint_eq(metrics_value(m, METRIC_REFUSED, REFUSED_UNDECODABLE), refused + 1);
    ck_assert_uint_eq(model->label_counts[label], heard + 1);
    model_set_unref(set);
}
END_TEST

/* ---- Connect ---- */

#define SERVICE "/sparrow.v1.Recognizer/"
static const char *const json_codec[] = {"Content-Type", "application/json",
                                         "Connect-Protocol-Version", "1", NULL};
static const char *const proto_codec[] = {"Content-Type", "application/proto", "Connect-Timeout-Ms",
                                          "5000", NULL};

static size_t base64(char *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = 0;
    for (size_t i = 0; i + 2 < n; i += 3) {
        unsigned v = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
        for (unsigned k = 0; k < 4; k++)
            out[len++] = digits[v >> (18 - 6 * k) & 63];
    }
    return len; /* of whole triples: what is left over is not needed here */
}

START_TEST(connect_json_recognises)
{
    static char body[64000] = "{\"clip\":{\"name\":\"one\",\"audio\":\"";
    size_t n = strlen(body);
    n += base64(body + n, yes, yes_n);
    n += (size_t)snprintf(body + n, sizeof body - n,
                          "\"},\"options\":{\"top\":2,\"keywords\":[\"yes\"]}}");
    ck_answer(house_ask(&house, "POST", SERVICE "Recognize", json_codec, body, n), 200);
    ck_assert_str_eq(house.x.content_type, "application/json");
    ck_assert_str_eq(house_text(&house, "results.0.clip"), "one");
    ck_assert_str_eq(house_text(&house, "results.0.alternatives.0.transcript"), "yes");
    ck_assert_uint_eq(json_array_size(house_at(&house, "results.0.alternatives")), 2);
    ck_assert_str_eq(house_text(&house, "results.0.keywords.0.normalizedText"), "yes");
    ck_assert_str_eq(house_text(&house, "model"), "commands");
    ck_assert(json_is_string(house_at(&house, "latency.totalUs")));
    ck_assert(json_is_false(house_at(&house, "energy.known")));
    ck_assert_ptr_null(house_at(&house, "energy.joules"));
    ck_assert_str_eq(house_text(&house, "replica.backend"), "cpu");
}
END_TEST

static Sparrow__V1__RecognizeBatchResponse *ask_batch(Sparrow__V1__RecognizeBatchRequest *request,
                                                      unsigned want)
{
    size_t n = sparrow__v1__recognize_batch_request__get_packed_size(request);
    uint8_t *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    sparrow__v1__recognize_batch_request__pack(request, bytes);
    ck_answer(house_ask(&house, "POST", SERVICE "RecognizeBatch", proto_codec, bytes, n), want);
    free(bytes);
    if (want != 200)
        return NULL;
    ck_assert_str_eq(house.x.content_type, "application/proto");
    Sparrow__V1__RecognizeBatchResponse *answer = sparrow__v1__recognize_batch_response__unpack(
        NULL, house.x.answer.len, (const uint8_t *)house.x.answer.data);
    ck_assert_ptr_nonnull(answer);
    return answer;
}

/* The same second twice, as a file and as ready features: the answers must agree. */
START_TEST(connect_proto_batch_of_audio_and_features_agree)
{
    struct model_set *set = models_current(house.models);
    const struct sparrow_model *model = model_set_find(set, NULL)->model;
    struct sparrow_scratch *scratch;
    uint8_t features[32 * 32];
    ck_assert_uint_eq(sparrow_model_frames(model) * sparrow_model_bands(model), sizeof features);
    ck_assert_int_eq(sparrow_scratch_new(model, &scratch, NULL), 0);
    int16_t *pcm = malloc(32000);
    ck_assert_ptr_nonnull(pcm);
    memcpy(pcm, no + 44, 32000);
    sparrow_features(model, scratch, pcm, 16000, features);
    Sparrow__V1__Clip a, b, *clips[] = {&a, &b};
    Sparrow__V1__RecognizeBatchRequest request = SPARROW__V1__RECOGNIZE_BATCH_REQUEST__INIT;
    char name[] = "features";
    sparrow__v1__clip__init(&a);
    sparrow__v1__clip__init(&b);
    a.source_case = SPARROW__V1__CLIP__SOURCE_AUDIO;
    a.audio = (ProtobufCBinaryData){no_n, no};
    b.source_case = SPARROW__V1__CLIP__SOURCE_FEATURES;
    b.features = (ProtobufCBinaryData){sizeof features, features};
    b.name = name;
    request.n_clips = 2;
    request.clips = clips;
    Sparrow__V1__RecognizeBatchResponse *answer = ask_batch(&request, 200);
    ck_assert_uint_eq(answer->n_results, 2);
    ck_assert_str_eq(answer->results[0]->clip, "");
    ck_assert_str_eq(answer->results[1]->clip, "features");
    ck_assert_str_eq(answer->results[0]->alternatives[0]->transcript, "no");
    ck_assert_str_eq(answer->results[1]->alternatives[0]->transcript, "no");
    ck_assert(answer->results[0]->alternatives[0]->confidence ==
              answer->results[1]->alternatives[0]->confidence);
    ck_assert_str_eq(answer->model, "commands");
    ck_assert_str_eq(answer->request_id, house_header(&house, "X-Request-ID"));
    ck_assert(answer->latency->total_us > 0 && answer->energy && !answer->energy->known &&
              answer->energy->joules == 0);
    sparrow__v1__recognize_batch_response__free_unpacked(answer, NULL);
    features[7] = 255; /* more than the front end ever writes */
    ask_batch(&request, 400);
    features[7] = 0;
    b.features.len = sizeof features - 1;
    ask_batch(&request, 400);
    b.features.len = 31 * 32;
    ask_batch(&request, 400);
    request.n_clips = 0;
    ask_batch(&request, 400);
    ck_assert_str_eq(house_text(&house, "code"), "invalid_argument");
    free(pcm);
    sparrow_scratch_free(scratch);
    model_set_unref(set);
}
END_TEST

static const struct {
    const char *method, *target, *headers[5];
    const char *body;
    unsigned status;
    const char *code, *header;
} connect_errors[] = {
    {"POST",
     SERVICE "Nothing",
     {"Content-Type", "application/json"},
     "{}",
     404,
     "unimplemented",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/grpc"},
     "",
     415,
     "invalid_argument",
     "Accept-Post"},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/connect+proto"},
     "",
     415,
     "invalid_argument",
     "Accept-Post"},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json", "Connect-Protocol-Version", "2"},
     "{}",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json", "Connect-Timeout-Ms", "12345678901"},
     "{}",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json", "Connect-Timeout-Ms", "-1"},
     "{}",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json", "Content-Encoding", "gzip"},
     "{}",
     501,
     "unimplemented",
     "Accept-Encoding"},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json"},
     "",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json"},
     "{}",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/proto"},
     "\xff\xff",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json"},
     "{\"clip\":{\"audio\":\"UklGRg==\",\"mediaType\":\"audio/wav\"}}",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json"},
     "{\"clip\":{\"audio\":\"AAAA\",\"mediaType\":\"video/mp4\"}}",
     400,
     "invalid_argument",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json"},
     "{\"clip\":{\"audio\":\"AAAA\"},\"options\":{\"model\":\"other\"}}",
     404,
     "not_found",
     NULL},
    {"POST",
     SERVICE "Recognize",
     {"Content-Type", "application/json"},
     "{\"clip\":{\"audio\":\"AAAA\"},\"options\":{\"keywords\":[\"bicycle\"]}}",
     400,
     "invalid_argument",
     NULL},
};

START_TEST(connect_refusals_have_their_code)
{
    ck_answer(house_ask(&house, connect_errors[_i].method, connect_errors[_i].target,
                        connect_errors[_i].headers, connect_errors[_i].body,
                        strlen(connect_errors[_i].body)),
              connect_errors[_i].status);
    ck_assert_str_eq(house.x.content_type, "application/json");
    ck_assert_str_eq(house_text(&house, "code"), connect_errors[_i].code);
    ck_assert_str_ne(house_text(&house, "message"), "");
    if (connect_errors[_i].header)
        ck_assert_ptr_nonnull(house_header(&house, connect_errors[_i].header));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recognize");
    TCase *tc = tcase_create("recognize");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, body_wav_is_recognised_in_watsons_shape);
    tcase_add_test(tc, top_all_sorts_and_adds_up_to_one);
    tcase_add_test(tc, keywords_are_told_over_the_threshold);
    tcase_add_test(tc, keyword_unknown_is_refused_with_the_labels);
    tcase_add_test(tc, long_audio_spots_both_words);
    tcase_add_test(tc, form_of_clips_keeps_order_and_names);
    tcase_add_test(tc, form_problems_name_the_clip);
    tcase_add_loop_test(tc, head_refusals_come_before_the_body, 0,
                        (int)(sizeof early / sizeof early[0]));
    tcase_add_test(tc, head_refusal_waits_for_a_chunked_body);
    tcase_add_test(tc, size_limits_are_413);
    tcase_add_test(tc, audio_that_is_none_is_422_or_415);
    tcase_add_test(tc, identities_are_given_back);
    tcase_add_test(tc, client_gone_while_decoding_leaves_nothing);
    tcase_add_test(tc, deadline_that_cannot_be_met_is_504);
    tcase_add_test(tc, outcomes_are_counted);
    tcase_add_test(tc, connect_json_recognises);
    tcase_add_test(tc, connect_proto_batch_of_audio_and_features_agree);
    tcase_add_loop_test(tc, connect_refusals_have_their_code, 0,
                        (int)(sizeof connect_errors / sizeof connect_errors[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner,
                            CK_NOFORK); /* the rooms have threads, which a fork would lose */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
