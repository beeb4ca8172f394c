/* test_intake.c - bytes to words: where they are decoded, what is refused, deadlines and
 * cancellation in the pool.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/schedule/fixture.h"

#define LONG_S 20.0

START_TEST(submit_second_of_plain_audio_answers_before_it_returns)
{
    struct fixture f;
    struct outcome o;
    size_t size;
    fixture_open(&f, NULL);
    void *wav = fixture_wav(16000, 1, &size);
    ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, wav, size, false, &o, LONG_S)), 0);
    ck_assert_uint_eq(o.calls, 1);
    ck_assert_int_eq(o.status, 0);
    ck_assert_uint_eq(o.words, 1);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_DECODES, 0), 1);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_DECODES, 1), 0);
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(submit_resampled_audio_goes_to_the_pool)
{
    struct fixture f;
    struct outcome o;
    size_t size;
    fixture_open(&f, NULL);
    void *wav = fixture_wav(8000, 1, &size);
    ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, wav, size, false, &o, LONG_S)), 0);
    ck_assert_uint_eq(o.calls, 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    ck_assert_msg(o.status == 0, "%s", o.text);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_DECODES, 1), 1);
    fixture_close(&f);
    free(wav);
}
END_TEST

/* 12 s: 384 frames, words of 32 every 4: 89. Long, so in the pool; and longer than 10 s, so the
 * deadline grows. */
START_TEST(submit_long_audio_gives_words_every_125_ms)
{
    struct fixture f;
    struct outcome o;
    size_t size;
    fixture_open(&f, NULL);
    void *wav = fixture_wav(16000, 12, &size);
    ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, wav, size, false, &o, LONG_S)), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    ck_assert_msg(o.status == 0, "%s", o.text);
    ck_assert_uint_eq(o.words, 89);
    struct request *r = fixture_request(&f, wav, size, false, &o, LONG_S);
    r->hop_ms = 1000;
    ck_assert_int_eq(intake_submit(f.intake, r), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 2, LONG_S));
    ck_assert_uint_eq(o.words, 12);
    fixture_close(&f);
    free(wav);
}
END_TEST

/* Twenty seconds of audio, 153 words of 5 ms: longer than the deadline of half a second that is
 * ours, not longer than what it grows to. */
START_TEST(deadline_of_ours_grows_with_the_audio)
{
    struct fixture f;
    struct outcome o;
    size_t size;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.005", "schedule.max_wait=3", NULL});
    void *wav = fixture_wav(16000, 20, &size);
    struct request *r = fixture_request(&f, wav, size, false, &o, 0.5);
    r->timeout_given = true;
    ck_assert_int_eq(intake_submit(f.intake, r), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    ck_assert_int_eq(o.status, SPARROW_DEADLINE);
    ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, wav, size, false, &o, 0.5)), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 2, LONG_S));
    ck_assert_msg(o.status == 0, "%s", o.text);
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(submit_several_clips_names_the_one_that_failed)
{
    struct fixture f;
    struct outcome o;
    size_t size;
    fixture_open(&f, NULL);
    void *wav = fixture_wav(16000, 1, &size);
    struct request *r = request_new(f.pool, 3);
    memset(&o, 0, sizeof o);
    struct request *like = fixture_request(&f, wav, size, false, &o, LONG_S);
    r->models = model_set_ref(like->models);
    r->model = like->model;
    r->deadline_us = like->deadline_us;
    r->sink = like->sink;
    r->sink_arg = &o;
    for (unsigned i = 0; i < 3; i++) {
        r->clips[i].bytes = i == 1 ? "this is no audio at all, whatever it may claim to be" : wav;
        r->clips[i].size = i == 1 ? 50 : size;
    }
    request_free(like);
    ck_assert_int_eq(intake_submit(f.intake, r), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    ck_assert_int_eq(o.status, SPARROW_UNSUPPORTED_MEDIA);
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(submit_too_long_is_too_large)
{
    struct fixture f;
    struct outcome o;
    size_t size;
    fixture_open(&f, (const char *const[]){"audio.max_seconds=2", NULL});
    void *wav = fixture_wav(16000, 3, &size);
    ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, wav, size, false, &o, LONG_S)), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    ck_assert_int_eq(o.status, SPARROW_TOO_LARGE);
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(submit_features_of_a_wrong_size_or_range_is_a_bad_parameter)
{
    struct fixture f;
    struct outcome o;
    fixture_open(&f, NULL);
    size_t size = fixture_word_size(&f);
    uint8_t *word = malloc(size);
    memcpy(word, fixture_word(&f, 1), size);
    const size_t sizes[] = {0, 1, size - 1, size - 32, size + 1};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, fixture_word(&f, 0), sizes[i],
                                                                 true, &o, LONG_S)),
                         0);
        ck_assert_uint_eq(o.calls, 1);
        ck_assert_int_eq(o.status, SPARROW_BAD_PARAMETER);
    }
    struct sparrow_front_end front_end = {.size = sizeof front_end};
    struct model_set *set = models_current(f.models);
    ck_assert_int_eq(sparrow_model_front_end(model_set_find(set, NULL)->model, &front_end), 0);
    model_set_unref(set);
    if (front_end.max_value < 255) {
        word[size - 1] = (uint8_t)(front_end.max_value + 1);
        ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, word, size, true, &o, LONG_S)),
                         0);
        ck_assert_int_eq(o.status, SPARROW_BAD_PARAMETER);
    }
    word[size - 1] = (uint8_t)front_end.max_value;
    ck_assert_int_eq(intake_submit(f.intake, fixture_request(&f, word, size, true, &o, LONG_S)), 0);
    ck_assert_msg(o.status == 0, "%s", o.text);
    fixture_close(&f);
    free(word);
}
END_TEST

/* One decoder, a queue of one: a minute of resampling keeps it busy; then one waits; then there is
 * no room. All are answered. */
START_TEST(pool_full_is_busy)
{
    struct fixture f;
    struct outcome o[40];
    size_t size;
    unsigned taken = 0, busy = 0;
    fixture_open(&f, (const char *const[]){"audio.decode_threads=1", "audio.decode_queue=1", NULL});
    void *wav = fixture_wav(44100, 50, &size);
    for (unsigned i = 0; i < 40; i++) {
        struct request *r = fixture_request(&f, wav, size, false, &o[i], 100);
        int rc = intake_submit(f.intake, r);
        if (rc < 0) {
            ck_assert_int_eq(rc, SPARROW_BUSY);
            ck_assert_uint_gt(r->retry_ms, 0);
            request_free(r);
            busy++;
        }
        taken += rc == 0;
    }
    ck_assert_uint_gt(busy, 30);
    ck_assert(fixture_turn_until(&f, &fixture_answers, taken, 100));
    for (unsigned i = 0; i < 40; i++)
        ck_assert(o[i].calls == 0 || o[i].status == 0);
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(cancel_in_the_pool_stops_the_decoder)
{
    struct fixture f;
    struct outcome o[3];
    struct request *r[3];
    size_t size;
    fixture_open(&f, (const char *const[]){"audio.decode_threads=1", NULL});
    void *wav = fixture_wav(44100, 50, &size);
    for (unsigned i = 0; i < 3; i++) {
        r[i] = fixture_request(&f, wav, size, false, &o[i], 100);
        ck_assert_int_eq(intake_submit(f.intake, r[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++)
        request_cancel(r[i]);
    ck_assert_uint_eq(fixture_answers, 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 3, LONG_S));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(o[i].calls, 1);
        ck_assert_int_eq(o[i].status, SPARROW_CANCELLED);
    }
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(deadline_in_the_pool_stops_the_decoder)
{
    struct fixture f;
    struct outcome o[3];
    size_t size;
    unsigned taken = 0;
    fixture_open(&f, (const char *const[]){"audio.decode_threads=1", NULL});
    void *wav = fixture_wav(44100, 50, &size);
    for (unsigned i = 0; i < 3; i++) {
        struct request *r = fixture_request(&f, wav, size, false, &o[i], 0.003);
        r->timeout_given = true;
        int rc = intake_submit(f.intake, r);
        if (rc < 0)
            request_free(r);
        taken += rc == 0;
    }
    ck_assert(fixture_turn_until(&f, &fixture_answers, taken, LONG_S));
    for (unsigned i = 0; i < 3; i++)
        ck_assert(o[i].calls == 0 || o[i].status == SPARROW_DEADLINE);
    ck_assert_uint_eq(o[0].calls, 1);
    fixture_close(&f);
    free(wav);
}
END_TEST

START_TEST(lane_serves_on_while_the_pool_works)
{
    struct fixture f;
    struct outcome slow, quick;
    size_t slow_size, size;
    fixture_open(&f, NULL);
    void *slow_wav = fixture_wav(44100, 50, &slow_size), *wav = fixture_wav(16000, 1, &size);
    ck_assert_int_eq(
        intake_submit(f.intake, fixture_request(&f, slow_wav, slow_size, false, &slow, 100)), 0);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(
            intake_submit(f.intake, fixture_request(&f, wav, size, false, &quick, LONG_S)), 0);
        ck_assert(fixture_turn_until(&f, &quick.calls, 1, LONG_S));
        ck_assert_int_eq(quick.status, 0);
    }
    ck_assert_uint_lt(quick.order, slow.calls ? slow.order : 11);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 11, 100));
    ck_assert_msg(slow.status == 0, "%s", slow.text);
    fixture_close(&f);
    free(wav);
    free(slow_wav);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intake");
    TCase *tc = tcase_create("intake");
    tcase_set_timeout(tc, 200);
    tcase_add_test(tc, submit_second_of_plain_audio_answers_before_it_returns);
    tcase_add_test(tc, submit_resampled_audio_goes_to_the_pool);
    tcase_add_test(tc, submit_long_audio_gives_words_every_125_ms);
    tcase_add_test(tc, deadline_of_ours_grows_with_the_audio);
    tcase_add_test(tc, submit_several_clips_names_the_one_that_failed);
    tcase_add_test(tc, submit_too_long_is_too_large);
    tcase_add_test(tc, submit_features_of_a_wrong_size_or_range_is_a_bad_parameter);
    tcase_add_test(tc, pool_full_is_busy);
    tcase_add_test(tc, cancel_in_the_pool_stops_the_decoder);
    tcase_add_test(tc, deadline_in_the_pool_stops_the_decoder);
    tcase_add_test(tc, lane_serves_on_while_the_pool_works);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
