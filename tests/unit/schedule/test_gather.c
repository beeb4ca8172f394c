/* test_gather.c - words that wait together go through the network together, with the scores, the
 * deadlines and the accounts that each would have had alone; a word that is alone goes alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/schedule/fixture.h"

#define LONG_S 20.0
#define BUSY   10000000u /* nanoseconds: more than a lane may compute in a turn */

static struct outcome outcomes[64];
static struct request *requests[64];

/* Slow machines: a batch is shorter where sixteen words would take too long. */
static void assume_quick(struct fixture *f)
{
    if (f->schedule->replica)
        atomic_store(&f->schedule->replica->service_ns, 1000);
}

static void submit_at(struct fixture *f, unsigned first, unsigned count, double timeout_s,
                      uint64_t turn_busy_ns)
{
    for (unsigned i = first; i < first + count; i++) {
        f->schedule->backlog.turn_busy_ns = turn_busy_ns;
        assume_quick(f);
        requests[i] = fixture_request(f, fixture_word(f, i), fixture_word_size(f), true,
                                      &outcomes[i], timeout_s);
        ck_assert_int_eq(intake_submit(f->intake, requests[i]), 0);
    }
}

/* However slow the machine is, the lane has done nothing yet in this turn. */
static void submit_from(struct fixture *f, unsigned first, unsigned count, double timeout_s)
{
    submit_at(f, first, count, timeout_s, 0);
}

/* The lane has done too much in this turn to compute another word. */
static void submit_late(struct fixture *f, unsigned first, unsigned count, double timeout_s)
{
    submit_at(f, first, count, timeout_s, BUSY);
}

static void check_scores(struct fixture *f, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        int32_t expected[64] = {0};
        fixture_expected(f, fixture_word(f, i), expected);
        ck_assert_msg(outcomes[i].status == 0 && outcomes[i].calls == 1,
                      "word %u: %d, %u calls: %s", i, outcomes[i].status, outcomes[i].calls,
                      outcomes[i].text);
        ck_assert_mem_eq(outcomes[i].scores, expected, fixture_labels(f) * sizeof *expected);
    }
}

static void check_batches(struct fixture *f, uint64_t one, uint64_t two, uint64_t four,
                          uint64_t eight, uint64_t sixteen)
{
    ck_assert_uint_eq(metrics_value(f->metrics, METRIC_BATCHES, BATCH_1), one);
    ck_assert_uint_eq(metrics_value(f->metrics, METRIC_BATCHES, BATCH_2), two);
    ck_assert_uint_eq(metrics_value(f->metrics, METRIC_BATCHES, BATCH_4), four);
    ck_assert_uint_eq(metrics_value(f->metrics, METRIC_BATCHES, BATCH_8), eight);
    ck_assert_uint_eq(metrics_value(f->metrics, METRIC_BATCHES, BATCH_16), sixteen);
}

static uint64_t several(const struct fixture *f)
{
    uint64_t calls = 0;
    for (unsigned label = BATCH_2; label <= BATCH_16; label++)
        calls += metrics_value(f->metrics, METRIC_BATCHES, label);
    return calls;
}

START_TEST(backlog_goes_in_batches)
{
    struct fixture f;
    fixture_open(&f, NULL);
    submit_late(&f, 0, 40, LONG_S);
    ck_assert_uint_eq(fixture_answers, 0);
    assume_quick(&f);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 40, LONG_S));
    check_scores(&f, 0, 40);
    for (unsigned i = 0; i < 40; i++)
        ck_assert_uint_eq(outcomes[i].order, i + 1);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_WORDS, 0), 40);
    ck_assert_uint_gt(several(&f), 0); /* two of sixteen and one of eight, unless a slice ended */
    fixture_close(&f);
}
END_TEST

START_TEST(backlog_with_batches_off_goes_word_by_word)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.batch=1", NULL});
    submit_late(&f, 0, 20, LONG_S);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 20, LONG_S));
    check_scores(&f, 0, 20);
    check_batches(&f, 20, 0, 0, 0, 0);
    fixture_close(&f);
}
END_TEST

/* As in a busy turn, whatever the kernels gain by it. */
static void make_turn_busy(struct fixture *f)
{
    f->schedule->gather.slice = true;
}

/* Each pays its share: together they pay what the replica took, and none waits less than it did. */
START_TEST(batch_is_paid_for_in_shares)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"test.word_cost=0.00005", NULL});
    make_turn_busy(&f); /* no slice ends: all sixteen are together, however slow the machine is */
    submit_from(&f, 0, 16, LONG_S);
    ck_assert_uint_eq(fixture_answers, 16);
    check_scores(&f, 0, 16);
    check_batches(&f, 0, 0, 0, 0, 1);
    struct replica_info info;
    replicas_info(f.replicas, 0, &info);
    uint64_t paid_us = 0;
    for (unsigned i = 0; i < 16; i++) {
        const struct request_latency *l = &outcomes[i].latency;
        paid_us += l->inference_us;
        ck_assert_uint_ge(l->inference_us, 50);
        ck_assert_uint_eq(l->inference_us, outcomes[0].latency.inference_us);
        ck_assert_uint_ge(l->queue_us, 15 * 50); /* the others' shares */
        ck_assert_uint_le(l->queue_us + l->inference_us, l->total_us);
    }
    ck_assert_uint_le(paid_us, info.busy_ns / 1000);
    ck_assert_uint_gt(paid_us + 17, info.busy_ns / 1000);
    fixture_close(&f);
}
END_TEST

START_TEST(busy_turn_goes_in_batches_lonely_word_alone)
{
    struct fixture f;
    fixture_open(&f, NULL);
    struct model_set *set = models_current(f.models);
    size_t fewest = sparrow_model_batch(model_set_find(set, NULL)->model);
    model_set_unref(set);
    fixture_turn(&f);
    submit_from(&f, 0, 16, LONG_S); /* nobody knows yet that more will come: each at once */
    ck_assert_uint_eq(fixture_answers, 16);
    fixture_turn(&f);
    submit_from(&f, 16, 20, LONG_S);
    if (fewest > 0) { /* a full batch does not wait for the turn's end */
        ck_assert_uint_eq(fixture_answers, 16 + 16);
        ck_assert(requests[32]->soon);
    }
    fixture_turn(&f);
    ck_assert_uint_eq(fixture_answers, 36);
    check_scores(&f, 0, 36);
    if (fewest > 0)
        check_batches(&f, 16, 0, 1, 0, 1);
    else
        check_batches(&f, 36, 0, 0, 0, 0); /* these kernels gain nothing by it */
    fixture_turn(&f);
    fixture_turn(&f); /* the busy turns are over */
    submit_from(&f, 36, 1, LONG_S);
    ck_assert_uint_eq(fixture_answers, 37);
    check_scores(&f, 36, 1);
    fixture_close(&f);
}
END_TEST

START_TEST(cancelled_and_late_words_harm_no_others)
{
    struct fixture f;
    fixture_open(&f, NULL);
    make_turn_busy(&f);
    submit_from(&f, 0, 10, LONG_S);
    ck_assert_uint_eq(fixture_answers, 0);
    request_cancel(requests[0]);
    request_cancel(requests[4]);
    request_cancel(requests[9]);
    ck_assert_uint_eq(fixture_answers, 0); /* the caller has it in its hands */
    requests[5]->deadline_us = requests[8]->deadline_us = 1;
    ck_assert(fixture_turn_until(&f, &fixture_answers, 10, LONG_S));
    for (unsigned i = 0; i < 10; i++)
        if (i == 0 || i == 4 || i == 9)
            ck_assert_int_eq(outcomes[i].status, SPARROW_CANCELLED);
        else if (i == 5 || i == 8)
            ck_assert_int_eq(outcomes[i].status, SPARROW_DEADLINE);
        else
            check_scores(&f, i, 1);
    check_batches(&f, 0, 0, 1, 0, 0);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_WORDS, 0), 5);
    fixture_close(&f);
}
END_TEST

START_TEST(all_cancelled_computes_nothing)
{
    struct fixture f;
    fixture_open(&f, NULL);
    make_turn_busy(&f);
    submit_from(&f, 0, 3, LONG_S);
    for (unsigned i = 0; i < 3; i++)
        request_cancel(requests[i]);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 3, LONG_S));
    check_batches(&f, 0, 0, 0, 0, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(lane_replica_that_dies_with_a_batch_hands_it_to_workers)
{
    struct fixture f; /* the lane's replica has the id 1 */
    fixture_open(&f, (const char *const[]){"replicas.workers=1", "test.fault=die:1:5", NULL});
    make_turn_busy(&f);
    submit_from(&f, 0, 10, LONG_S);
    ck_assert_uint_eq(fixture_answers, 0);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 10, LONG_S));
    check_scores(&f, 0, 10);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(outcomes[i].replica, 0);
    ck_assert_uint_eq(metrics_value(f.metrics, METRIC_JOBS_RETRIED, 0), 10);
    fixture_close(&f);
}
END_TEST

/* Two loads of one file are two models: their words do not mix, though their scores would agree. */
START_TEST(words_of_different_models_never_mix)
{
    struct fixture f;
    fixture_open(&f, NULL);
    make_turn_busy(&f);
    submit_from(&f, 0, 3, LONG_S);
    ck_assert_int_eq(models_reload(f.models, f.config, NULL), 0);
    submit_from(&f, 3, 2, LONG_S);
    ck_assert_uint_eq(fixture_answers, 3);
    fixture_turn(&f);
    ck_assert_uint_eq(fixture_answers, 5);
    check_scores(&f, 0, 5);
    check_batches(&f, 0, 2, 0, 0, 0);
    fixture_close(&f);
}
END_TEST

/* A worker that is busy with a word (it hangs for a while) finds all that came meanwhile. */
START_TEST(worker_takes_what_waits_for_it_together)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=1",
                                           "test.fault=hang:0:3:0.3", NULL});
    submit_from(&f, 0, 1, LONG_S);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    check_batches(&f, 1, 0, 0, 0, 0);
    atomic_store(&worker_replica(replicas_worker(f.replicas, 0))->service_ns, 1000);
    submit_from(&f, 1, 60, LONG_S);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 61, LONG_S));
    check_scores(&f, 0, 61);
    ck_assert_uint_gt(several(&f), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(workers_with_batches_off_take_word_by_word)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=2",
                                           "replicas.batch=1", NULL});
    submit_from(&f, 0, 60, LONG_S);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 60, LONG_S));
    check_scores(&f, 0, 60);
    check_batches(&f, 60, 0, 0, 0, 0);
    fixture_close(&f);
}
END_TEST

/* Few words, idle workers: one each, though one worker could take all together. */
START_TEST(few_words_are_spread_over_idle_workers)
{
    struct fixture f;
    fixture_open(&f, (const char *const[]){"replicas.lane=no", "replicas.workers=4",
                                           "test.word_cost=0.2", NULL});
    submit_from(&f, 0, 1, LONG_S);
    ck_assert(fixture_turn_until(&f, &fixture_answers, 1, LONG_S));
    for (unsigned round = 0; round < 2; round++) {
        submit_from(&f, 1, 4, LONG_S);
        ck_assert(fixture_turn_until(&f, &fixture_answers, 1 + 4 * (round + 1), LONG_S));
        for (unsigned i = 1; i < 5; i++)
            for (unsigned k = 1; k < i; k++)
                ck_assert_uint_ne(outcomes[i].replica, outcomes[k].replica);
    }
    check_batches(&f, 9, 0, 0, 0, 0);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gather");
    TCase *tc = tcase_create("gather");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, backlog_goes_in_batches);
    tcase_add_test(tc, backlog_with_batches_off_goes_word_by_word);
    tcase_add_test(tc, batch_is_paid_for_in_shares);
    tcase_add_test(tc, busy_turn_goes_in_batches_lonely_word_alone);
    tcase_add_test(tc, cancelled_and_late_words_harm_no_others);
    tcase_add_test(tc, all_cancelled_computes_nothing);
    tcase_add_test(tc, lane_replica_that_dies_with_a_batch_hands_it_to_workers);
    tcase_add_test(tc, words_of_different_models_never_mix);
    tcase_add_test(tc, worker_takes_what_waits_for_it_together);
    tcase_add_test(tc, workers_with_batches_off_take_word_by_word);
    tcase_add_test(tc, few_words_are_spread_over_idle_workers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
