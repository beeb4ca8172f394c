/* test_schedule.c - words to replicas and back: right scores, balance, loss, deadlines,
 * cancellation, overload.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/schedule/fixture.h"

#define MANY   400u
#define LONG_S 20.0

static struct outcome outcomes[4096];

/* Submits `count` one-word requests of ready features; returns how many were taken. */
static unsigned submit(struct fixture *f, unsigned count, double timeout_s)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++) {
        struct request *r = fixture_request(f, fixture_word(f, i), fixture_word_size(f), true,
                                            &outcomes[i], timeout_s);
        int rc = intake_submit(f->intake, r);
        if (rc < 0) {
            ck_assert_int_eq(rc, SPARROW_BUSY);
            ck_assert_uint_gt(r->retry_ms, 0);
            outcomes[i].status = rc;
            request_free(r);
        }
        taken += rc == 0;
    }
    return taken;
}

static void check_scores(struct fixture *f, unsigned number)
{
    int32_t expected[64] = {0};
    fixture_expected(f, fixture_word(f, number), expected);
    ck_assert_int_eq(outcomes[number].status, 0);
    ck_assert_uint_eq(outcomes[number].calls, 1);
    ck_assert_mem_eq(outcomes[number].scores, expected, fixture_labels(f) * sizeof *expected);
}

static void check_all(struct fixture *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        check_scores(f, i);
}

START_TEST(submit_with_lane_replica_answers_before_it_returns)
{
    struct fixture f;
    fixture_open(&f, NULL);
    ck_assert_uint_eq(submit(&f, 1, LONG_S), 1);
    ck_assert_uint_eq(fixture_answers, 1);
    check_scores(&f, 0);
    struct replica_info info;
    replicas_info(f.replicas, 0, &info);
    ck_assert(info.on_lane && info.state == REPLICA_UP && info.selftest_us > 0);
    ck_assert_uint_eq(info.words, 1);
    ck_assert(replicas_healthy(f.replicas));
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_WORDS, 0), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(submit_with_workers_gives_the_same_scores)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=3", NULL});
    ck_assert_uint_eq(submit(&f, MANY, LONG_S), MANY);
    ck_assert(fixture_turn_until(&f, &fixture_answers, MANY, LONG_S));
    for (unsigned i = MANY - 64; i < MANY;
         i++) /* the features of those before have been overwritten */
        check_scores(&f, i);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_WORDS, 0), MANY);
    fixture_close(&f);
}
END_TEST

/* _i: workers. Words slow enough that all must help; then each id has worked. */
START_TEST(submit_with_many_workers_uses_every_one)
{
    static const char *const counts[] = {"replicas.workers=1", "replicas.workers=20",
                                         "replicas.workers=64"};
    static const unsigned numbers[] = {1, 20, 64};
    struct fixture f;
    fixture_open(
        &f, (const char *const[]){"replicas.lane=no", counts[_i], "test.word_cost=0.001", NULL});
    unsigned wanted = numbers[_i] * 8;
    ck_assert_uint_eq(submit(&f, wanted, LONG_S), wanted);
    ck_assert(fixture_turn_until(&f, &fixture_answers, wanted, LONG_S));
    for (unsigned id = 0; id < numbers[_i]; id++) {
        struct replica_info info;
        replicas_info(f.replicas, id, &info);
        ck_assert_msg(info.words > 0 && info.busy_ns > 0, "replica %u did nothing", id);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(submit_slow_words_with_both_kinds_leaves_the_lane_free)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.workers=4", "test.word_cost=0.05", NULL});
    ck_assert_uint_eq(submit(&f, 4, LONG_S), 4);
    ck_assert_uint_eq(fixture_answers, 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 4, LONG_S));
    check_all(&f, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_lt(outcomes[i].replica, 4);
    fixture_close(&f);
}
END_TEST

START_TEST(worker_that_dies_loses_nothing)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=3",
                                           "test.word_cost=0.0005", "test.fault=die:1:5", NULL});
    ck_assert_uint_eq(submit(&f, 60, LONG_S), 60);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 60, LONG_S));
    check_all(&f, 60);
    struct replica_info info;
    replicas_info(f.replicas, 1, &info);
    ck_assert_str_eq(replica_state_name(info.state), "dead");
    ck_assert_uint_gt(metrics_value(f.metrics, METRIC_JOBS_RETRIED, 0), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(worker_that_hangs_loses_nothing_and_comes_back)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=3",
                                           "test.word_cost=0.0005", "replicas.hang_timeout=0.2",
                                           "test.fault=hang:1:5:3", NULL});
    struct replica_info info;
    ck_assert_uint_eq(submit(&f, 60, LONG_S), 60);
    uint64_t silent_us = lane_clock_us() + 20000000;
    while (metrics_value(f.metrics, METRIC_JOBS_RETRIED, 0) == 0 && lane_clock_us() < silent_us)
        uv_run(lane_loop(f.lane), UV_RUN_ONCE);
    replicas_info(f.replicas, 1, &info);
    ck_assert_str_eq(replica_state_name(info.state), "hung");
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_JOBS_LATE, 0), 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 60, LONG_S));
    check_all(&f, 60);
    uint64_t end_us = lane_clock_us() + 10000000;
    while (info.state != REPLICA_UP && lane_clock_us() < end_us) {
        uv_run(lane_loop(f.lane), UV_RUN_ONCE);
        replicas_info(f.replicas, 1, &info);
    }
    ck_assert_int_eq(info.state, REPLICA_UP);
    fixture_turn(&f);
    ck_assert_uint_gt(metrics_value(f.metrics, METRIC_JOBS_LATE, 0), 0);
    ck_assert_uint_eq(submit(&f, 60, LONG_S), 60);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 120, LONG_S));
    check_all(&f, 60);
    fixture_close(&f);
}
END_TEST

START_TEST(all_workers_dead_answers_no_replica)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=2",
                                           "test.fault=die:0:5,die:1:5", NULL});
    unsigned taken = 0;
    bool refused = false;
    for (unsigned i = 0; i < MANY && !refused; i++) {
        struct request *r = fixture_request(&f, fixture_word(&f, i), fixture_word_size(&f), true,
                                            &outcomes[i], LONG_S);
        int rc = intake_submit(f.intake, r);
        if (rc < 0) {
            ck_assert_int_eq(rc, SPARROW_NO_REPLICA);
            ck_assert_uint_gt(r->retry_ms, 0);
            request_free(r);
            refused = true;
        }
        taken += rc == 0;
        ck_assert(fixture_turn_until(&f, &fixture_answers, taken, LONG_S));
    }
    ck_assert(refused);
    ck_assert(!replicas_healthy(f.replicas));
    ck_assert(outcomes[taken - 1].status == SPARROW_NO_REPLICA ||
              outcomes[taken - 1].status == SPARROW_BACKEND);
    ck_assert_int_eq(outcomes[0].status, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(workers_dead_with_lane_replica_computes_on_the_lane)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.workers=2", "test.word_cost=0.002",
                                           "test.fault=die:0:2,die:1:2", NULL});
    ck_assert_uint_eq(submit(&f, 40, LONG_S), 40);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 40, LONG_S));
    check_all(&f, 40);
    fixture_close(&f);
}
END_TEST

START_TEST(lane_replica_that_dies_hands_over_to_workers)
{
    struct fixture f; /* words are cheap: the lane computes them, until it cannot */
    fixture_open(&f, (const char *const[]){"replicas.workers=1", "test.fault=die:1:5", NULL});
    for (unsigned i = 0; i < 20; i++) {
        struct request *r = fixture_request(&f, fixture_word(&f, i), fixture_word_size(&f), true,
                                            &outcomes[i], LONG_S);
        ck_assert_int_eq(intake_submit(f.intake, r), 0);
        ck_assert(fixture_turn_until(&f, &fixture_answers, i + 1, LONG_S));
    }
    check_all(&f, 20);
    ck_assert_uint_eq(outcomes[19].replica, 0);
    ck_assert(replicas_healthy(f.replicas));
    fixture_close(&f);
}
END_TEST

START_TEST(replica_with_wrong_scores_is_dead_for_good)
{
    struct fixture f;
    fixture_open(&f, NULL);
    struct model_set *set = models_current(f.models);
    const struct model_entry *entry = model_set_find(set, NULL);
    int32_t *scores = (int32_t *)(uintptr_t)entry->test_scores;
    scores[0]++;
    ck_assert(!replica_selftest(f.schedule->replica, set, 1000000, NULL));
    scores[0]--;
    ck_assert_int_eq(replica_state(f.schedule->replica), REPLICA_DEAD);
    ck_assert(!replica_selftest(f.schedule->replica, set, 1000000, NULL));
    model_set_unref(set);
    struct request *r =
        fixture_request(&f, fixture_word(&f, 0), fixture_word_size(&f), true, &outcomes[0], LONG_S);
    ck_assert_int_eq(intake_submit(f.intake, r), SPARROW_NO_REPLICA);
    request_free(r);
    fixture_close(&f);
}
END_TEST

START_TEST(deadline_passes_while_a_worker_is_silent)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=1",
                                           "replicas.hang_timeout=30", "test.fault=hang:0:2:0.8",
                                           NULL});
    uint64_t began_us = lane_clock_us();
    ck_assert_uint_eq(submit(&f, 3, 0.15), 3);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 3, LONG_S));
    uint64_t took_us = lane_clock_us() - began_us;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(outcomes[i].status, SPARROW_DEADLINE);
    ck_assert_uint_ge(took_us, 150000);
    ck_assert_uint_lt(took_us, 600000);
    ck_assert_uint_eq(submit(&f, 1, LONG_S), 1); /* the silent one comes back in time for this */
    ck_assert(fixture_turn_until(&f, &fixture_answers, 4, LONG_S));
    check_scores(&f, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(deadline_that_cannot_be_met_is_answered_at_once)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.05", NULL});
    uint64_t began_us = lane_clock_us();
    ck_assert_uint_eq(submit(&f, 1, 0.02), 1);
    ck_assert_uint_eq(fixture_answers, 1);
    ck_assert_int_eq(outcomes[0].status, SPARROW_DEADLINE);
    ck_assert_uint_lt(lane_clock_us() - began_us, 40000);
    fixture_close(&f);
}
END_TEST

/* On a busy machine a word may take very long now and then, and that must not be the first thing
 * that is learned: whoever is refused because of it teaches nothing better. */
static void check_slow_start(const char *const *overrides)
{
    struct fixture f;
    fixture_open(&f, overrides);
    ck_assert_uint_eq(submit(&f, 1, 0.25), 1);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    ck_assert_msg(outcomes[0].status == 0, "%s", outcomes[0].text);
    check_scores(&f, 0);
    fixture_close(&f);
}

START_TEST(replica_slow_at_its_first_word_refuses_nobody)
{
    check_slow_start((const char *const[]){"test.fault=hang:0:1:0.5", NULL});
    check_slow_start((const char *const[]){"replicas.lane=no", "replicas.workers=1",
                                           "test.fault=hang:0:1:0.5", NULL});
}
END_TEST

/* Words were slow for a while, and the mean remembers it: the first that is quick says that words
 * can be quick. */
static void check_slow_while(const char *const *overrides)
{
    struct fixture f;
    fixture_open(&f, overrides);
    struct replica *r =
        f.schedule->replica ? f.schedule->replica : worker_replica(replicas_worker(f.replicas, 0));
    ck_assert_uint_eq(submit(&f, 1, LONG_S), 1);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    atomic_store(&r->service_ns, 500000000);
    atomic_store(&r->quick_ns, 500000000);
    ck_assert_uint_eq(submit(&f, 1, 0.25), 1);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 2, LONG_S));
    ck_assert_int_eq(outcomes[0].status, SPARROW_DEADLINE);
    ck_assert_uint_eq(submit(&f, 1, LONG_S), 1);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 3, LONG_S));
    ck_assert_uint_eq(submit(&f, 1, 0.25), 1);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 4, LONG_S));
    ck_assert_msg(outcomes[0].status == 0, "%s", outcomes[0].text);
    fixture_close(&f);
}

START_TEST(replica_slow_for_a_while_is_quick_again_at_the_first_quick_word)
{
    check_slow_while(NULL);
    check_slow_while((const char *const[]){"replicas.lane=no", "replicas.workers=1", NULL});
}
END_TEST

/* A word costs more than a lane may spend in one turn: the first is computed at once, the others
 * wait, and all are answered in order. */
START_TEST(lane_behind_puts_off_and_keeps_the_order)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.006", NULL});
    ck_assert_uint_eq(submit(&f, 10, LONG_S), 10);
    ck_assert_uint_eq(fixture_answers, 1);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 10, LONG_S));
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(outcomes[i].order, i + 1);
    check_all(&f, 10);
    ck_assert_uint_ge(outcomes[9].latency.queue_us, 9 * 6000 - 6000);
    fixture_close(&f);
}
END_TEST

START_TEST(lane_overloaded_refuses_at_once_what_it_cannot_answer_in_time)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.006", NULL});
    uint64_t began_us = lane_clock_us();
    unsigned taken = submit(&f, 1000, 0.5); /* 6 seconds of work */
    uint64_t took_us = lane_clock_us() - began_us;
    double slower = fmax(1, schedule_service_us(f.schedule) / 6000); /* the word that it measured */
    ck_assert_msg(taken * slower >= 20, "%u taken, words are %.2f times as slow", taken, slower);
    ck_assert_uint_le(taken, 90 + took_us / 6000);
    ck_assert_int_eq(outcomes[999].status, SPARROW_BUSY);
    ck_assert(fixture_turn_until(&f, &fixture_answers, taken, LONG_S));
    unsigned good = 0, late = 0;
    for (unsigned i = 0; i < 1000; i++) {
        good += outcomes[i].calls == 1 && outcomes[i].status == 0;
        late += outcomes[i].calls == 1 && outcomes[i].status == SPARROW_DEADLINE;
    }
    ck_assert_uint_eq(good + late, taken);
    if (took_us < 100000) /* a slow machine has used the deadline up before the lane could turn */
        ck_assert_uint_ge(good * 10, taken * 9);
    fixture_close(&f);
}
END_TEST

/* Room for newcomers, then refusals for a sixteenth of the time, then nothing until either comes
 * back. */
START_TEST(lane_behind_holds_back_what_it_has_neither_room_nor_time_for)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.006", NULL});
    unsigned let_on = 0, refused = 0;
    uint64_t now_us = lane_clock_us();
    while (let_on < 1000 && schedule_may_read(f.schedule))
        let_on++;
    ck_assert_uint_gt(let_on, 20); /* a second of deadline, three quarters of it for a burst */
    ck_assert_uint_lt(let_on, 1000);
    fixture_turn(&f); /* none of them came: the room is free again */
    ck_assert(schedule_may_read(f.schedule));

    unsigned taken = submit(&f, 60, LONG_S); /* 0.36 s */
    ck_assert_uint_eq(taken, 60);
    while (f.schedule->pace.turn_us == 0 || f.schedule->backlog.since_us + 120000 > lane_clock_us())
        fixture_turn(&f); /* until the backlog stands */
    enum schedule_held next;
    while ((next = schedule_next_held(f.schedule, lane_clock_us())) == SCHEDULE_REFUSE_OLDEST)
        refused++;
    bool behind = admission_backlog_us(f.schedule) > 260000;
    if (behind) { /* a slow machine may have worked it off */
        ck_assert_int_eq(next, SCHEDULE_NONE);
        ck_assert_uint_lt(refused, 1000);
        ck_assert(!schedule_may_read(f.schedule));
        ck_assert_int_eq(schedule_next_held(f.schedule, now_us - 600000), SCHEDULE_REFUSE_OLDEST);
        ck_assert_uint_ge(schedule_retry_ms(f.schedule), 200);
    }
    ck_assert(fixture_turn_until(&f, &fixture_answers, taken, LONG_S));
    fixture_turn(&f);
    ck_assert_int_eq(schedule_next_held(f.schedule, lane_clock_us()), SCHEDULE_ADMIT_NEWEST);
    fixture_close(&f);
}
END_TEST

START_TEST(queue_full_is_busy)
{
    struct fixture f;
    fixture_open(&f,
                 (const char *const[]){"replicas.lane=no", "replicas.workers=1",
                                       "schedule.queue_words=10", "test.word_cost=0.002", NULL});
    unsigned taken = submit(&f, 100, LONG_S);
    ck_assert_uint_ge(taken, 10);
    ck_assert_uint_le(taken, 10 + 33);
    ck_assert_int_eq(outcomes[99].status, SPARROW_BUSY);
    ck_assert(fixture_turn_until(&f, &fixture_answers, taken, LONG_S));
    fixture_close(&f);
}
END_TEST

START_TEST(cancel_waiting_words_answers_later_and_once)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=1",
                                           "test.word_cost=0.01", NULL});
    struct request *requests[20];
    for (unsigned i = 0; i < 20; i++) {
        requests[i] = fixture_request(&f, fixture_word(&f, i), fixture_word_size(&f), true,
                                      &outcomes[i], LONG_S);
        ck_assert_int_eq(intake_submit(f.intake, requests[i]), 0);
    }
    uint64_t began_us = lane_clock_us();
    unsigned before = fixture_answers;
    for (unsigned i = 0; i < 20; i++)
        request_cancel(requests[i]);
    request_cancel(requests[19]);
    ck_assert_uint_eq(fixture_answers, before);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 20, LONG_S));
    ck_assert_uint_lt(lane_clock_us() - began_us, 100000);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(outcomes[i].calls, 1);
        ck_assert_int_eq(outcomes[i].status, SPARROW_CANCELLED);
    }
    ck_assert_uint_eq(submit(&f, 1, LONG_S),
                      1); /* what was sent is still with the worker; its answers hurt nobody */
    ck_assert(fixture_turn_until(&f, &fixture_answers, 21, LONG_S));
    check_scores(&f, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(cancel_in_the_backlog_answers_cancelled)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.006", NULL});
    struct request *requests[3];
    for (unsigned i = 0; i < 3; i++) {
        requests[i] = fixture_request(&f, fixture_word(&f, i), fixture_word_size(&f), true,
                                      &outcomes[i], LONG_S);
        ck_assert_int_eq(intake_submit(f.intake, requests[i]), 0);
    }
    request_cancel(requests[1]);
    ck_assert_uint_eq(outcomes[1].calls, 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 3, LONG_S));
    ck_assert_int_eq(outcomes[0].status, 0);
    ck_assert_int_eq(outcomes[1].status, SPARROW_CANCELLED);
    ck_assert_int_eq(outcomes[2].status, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(drain_refuses_new_requests_and_answers_old_ones)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=1",
                                           "test.word_cost=0.005", NULL});
    ck_assert_uint_eq(submit(&f, 5, LONG_S), 5);
    schedule_drain(f.schedule);
    struct outcome refused;
    struct request *r =
        fixture_request(&f, fixture_word(&f, 6), fixture_word_size(&f), true, &refused, LONG_S);
    ck_assert_int_eq(intake_submit(f.intake, r), SPARROW_DRAINING);
    request_free(r);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 5, LONG_S));
    check_all(&f, 5);
    fixture_close(&f);
}
END_TEST

START_TEST(submit_with_features_ready_needs_no_intake)
{
    struct fixture f;
    fixture_open(&f, NULL);
    struct request *r = fixture_request(&f, NULL, 0, true, &outcomes[0], LONG_S);
    r->clips[0].features = fixture_word(&f, 0);
    r->clips[0].frames = sparrow_model_frames(r->model->model);
    r->clips[0].hop_frames = 4;
    r->clips[0].words = r->words = 1;
    ck_assert_int_eq(schedule_submit(f.schedule, r), 0);
    check_scores(&f, 0);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tc = tcase_create("schedule");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, submit_with_lane_replica_answers_before_it_returns);
    tcase_add_test(tc, submit_with_workers_gives_the_same_scores);
    tcase_add_loop_test(tc, submit_with_many_workers_uses_every_one, 0, 3);
    tcase_add_test(tc, submit_slow_words_with_both_kinds_leaves_the_lane_free);
    tcase_add_test(tc, worker_that_dies_loses_nothing);
    tcase_add_test(tc, worker_that_hangs_loses_nothing_and_comes_back);
    tcase_add_test(tc, all_workers_dead_answers_no_replica);
    tcase_add_test(tc, workers_dead_with_lane_replica_computes_on_the_lane);
    tcase_add_test(tc, lane_replica_that_dies_hands_over_to_workers);
    tcase_add_test(tc, replica_with_wrong_scores_is_dead_for_good);
    tcase_add_test(tc, deadline_passes_while_a_worker_is_silent);
    tcase_add_test(tc, deadline_that_cannot_be_met_is_answered_at_once);
    tcase_add_test(tc, replica_slow_at_its_first_word_refuses_nobody);
    tcase_add_test(tc, replica_slow_for_a_while_is_quick_again_at_the_first_quick_word);
    tcase_add_test(tc, lane_behind_puts_off_and_keeps_the_order);
    tcase_add_test(tc, lane_overloaded_refuses_at_once_what_it_cannot_answer_in_time);
    tcase_add_test(tc, lane_behind_holds_back_what_it_has_neither_room_nor_time_for);
    tcase_add_test(tc, queue_full_is_busy);
    tcase_add_test(tc, cancel_waiting_words_answers_later_and_once);
    tcase_add_test(tc, cancel_in_the_backlog_answers_cancelled);
    tcase_add_test(tc, drain_refuses_new_requests_and_answers_old_ones);
    tcase_add_test(tc, submit_with_features_ready_needs_no_intake);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
