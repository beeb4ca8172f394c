/* test_lane.c - posting from many threads, order, stopping, heartbeat, load.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/loop/lane.h"

#define POSTERS  4u
#define MESSAGES 20000u

struct numbered {
    struct lane_message message;
    unsigned poster, number;
};

/* What the lane saw; written on the lane, read after lane_join. */
static struct {
    unsigned next[POSTERS], out_of_order, elsewhere, total;
    pthread_t thread;
} seen;

static void see(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    struct numbered *n = (struct numbered *)message;
    if (seen.total == 0)
        seen.thread = pthread_self();
    seen.elsewhere += !pthread_equal(seen.thread, pthread_self());
    seen.out_of_order += seen.next[n->poster] != n->number;
    seen.next[n->poster] = n->number + 1;
    seen.total++;
}

struct poster {
    struct lane *lane;
    struct numbered *messages;
    unsigned index;
};

static void *post_all(void *arg)
{
    struct poster *p = arg;
    for (unsigned i = 0; i < MESSAGES; i++) {
        p->messages[i] =
            (struct numbered){.message = {.run = see}, .poster = p->index, .number = i};
        lane_post(p->lane, &p->messages[i].message);
    }
    return NULL;
}

START_TEST(post_from_four_threads_all_run_in_order)
{
    struct lane *lane = NULL;
    ck_assert_int_eq(lane_new(3, NULL, NULL, &lane, NULL), 0);
    ck_assert_int_eq(lane_start(lane, NULL), 0);
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){lane, calloc(MESSAGES, sizeof(struct numbered)), i};
        ck_assert_ptr_nonnull(posters[i].messages);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    lane_stop(lane);
    lane_join(lane);
    ck_assert_uint_eq(seen.total, POSTERS * MESSAGES);
    ck_assert_uint_eq(seen.out_of_order, 0);
    ck_assert_uint_eq(seen.elsewhere, 0);
    ck_assert_uint_eq(lane_index(lane), 3);
    lane_free(lane);
    for (unsigned i = 0; i < POSTERS; i++)
        free(posters[i].messages);
}
END_TEST

struct chain {
    struct lane_message message;
    unsigned left, runs;
};

static void again(struct lane *lane, struct lane_message *message)
{
    struct chain *c = (struct chain *)message;
    c->runs++;
    if (c->left-- > 1)
        lane_post(lane, message);
}

START_TEST(post_again_from_the_message_itself_runs_each_time)
{
    struct lane *lane = NULL;
    struct chain chain = {.message = {.run = again}, .left = 1000};
    ck_assert_int_eq(lane_new(0, NULL, NULL, &lane, NULL), 0);
    lane_post(lane, &chain.message); /* before the start: waits for it */
    ck_assert_int_eq(lane_start(lane, NULL), 0);
    lane_stop(lane); /* what was posted before still runs */
    lane_join(lane);
    ck_assert_uint_eq(chain.runs, 1000);
    lane_free(lane);
}
END_TEST

struct guest {
    struct lane_message message;
    uv_timer_t timer;
    bool closed;
};

static void guest_closed(uv_handle_t *handle)
{
    ((struct guest *)handle->data)->closed = true;
}

static void guest_late(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, guest_closed);
}

static void guest_open(struct lane *lane, struct lane_message *message)
{
    struct guest *g = (struct guest *)((char *)message - offsetof(struct guest, message));
    uv_timer_init(lane_loop(lane), &g->timer);
    g->timer.data = g;
    uv_timer_start(&g->timer, guest_late, 150, 0);
}

START_TEST(stop_waits_for_the_last_handle)
{
    struct lane *lane = NULL;
    struct guest guest = {.message = {.run = guest_open}};
    ck_assert_int_eq(lane_new(0, NULL, NULL, &lane, NULL), 0);
    ck_assert_int_eq(lane_start(lane, NULL), 0);
    uint64_t begin = lane_clock_us();
    lane_post(lane, &guest.message);
    lane_stop(lane);
    lane_join(lane);
    ck_assert(guest.closed);
    ck_assert_uint_ge(lane_clock_us() - begin, 140000);
    lane_free(lane);
}
END_TEST

static void stall(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    (void)message;
    usleep(600000);
}

START_TEST(heartbeat_goes_on_and_stands_still_in_a_stall)
{
    struct lane *lane = NULL;
    struct lane_message message = {.run = stall};
    ck_assert_int_eq(lane_new(0, NULL, NULL, &lane, NULL), 0);
    ck_assert_int_eq(lane_start(lane, NULL), 0);
    uint64_t first = lane_heartbeat_us(lane);
    for (int i = 0; i < 100 && lane_heartbeat_us(lane) < first + 300000; i++)
        usleep(20000);
    ck_assert_uint_ge(lane_heartbeat_us(lane), first + 300000);
    lane_post(lane, &message);
    usleep(500000);
    ck_assert_uint_ge(lane_clock_us() - lane_heartbeat_us(lane), 350000);
    lane_stop(lane);
    lane_join(lane);
    lane_free(lane);
}
END_TEST

START_TEST(load_counts_connections_and_requests)
{
    struct lane *lane = NULL;
    ck_assert_int_eq(lane_new(0, NULL, NULL, &lane, NULL), 0);
    lane_load_add(lane, 2, 0);
    lane_load_add(lane, 1, 3);
    ck_assert_uint_eq(lane_connections(lane), 3);
    ck_assert_uint_eq(lane_load(lane), 3 + 16 * 3);
    lane_load_add(lane, -3, -3);
    ck_assert_uint_eq(lane_load(lane), 0);
    lane_free(lane); /* never started */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lane");
    TCase *cases = tcase_create("lane");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, post_from_four_threads_all_run_in_order);
    tcase_add_test(cases, post_again_from_the_message_itself_runs_each_time);
    tcase_add_test(cases, stop_waits_for_the_last_handle);
    tcase_add_test(cases, heartbeat_goes_on_and_stands_still_in_a_stall);
    tcase_add_test(cases, load_counts_connections_and_requests);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
