/* test_reload.c - models and configuration loaded again on a thread of their own, while others use
 * what is there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/loop/lane.h"
#include "daemon/reload.h"

#define READERS 3u
#define LONG_S  60u

struct fixture {
    uv_loop_t loop;
    char path[600], config_file[64];
    const char *overrides[2];
    struct models *models;
    struct log *log;
    struct reload *reload;
    unsigned good, bad; /* loaded() was called with and without a configuration */
    uint64_t max_wait_ms;
};

static void on_loaded(void *arg, struct config *config)
{
    struct fixture *f = arg;
    f->good += config != NULL;
    f->bad += config == NULL;
    if (!config)
        return;
    f->max_wait_ms = (uint64_t)(config->schedule_max_wait * 1000 + 0.5);
    config_unref(config);
}

/* Whole at any moment: another file, renamed. */
static void write_config(const struct fixture *f, const char *text)
{
    char path[80];
    snprintf(path, sizeof path, "%s.new", f->config_file);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rename(path, f->config_file), 0);
}

static void open_fixture(struct fixture *f)
{
    struct sparrow_error err = {0};
    struct config *config = NULL;
    const char *top = getenv("top_srcdir");
    memset(f, 0, sizeof *f);
    snprintf(f->path, sizeof f->path, "models.path=%s/models/commands.sparrow", top ? top : ".");
    f->overrides[0] = f->path;
    snprintf(f->config_file, sizeof f->config_file, "test-reload-XXXXXX");
    int fd = mkstemp(f->config_file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_config(f, "[schedule]\nmax_wait = 2\n");
    ck_assert_int_eq(uv_loop_init(&f->loop), 0);
    f->log = log_new();
    ck_assert_ptr_nonnull(f->log);
    ck_assert_msg(config_load(f->config_file, f->overrides, stderr, &config, &err) == 0, "%s",
                  err.text);
    ck_assert_msg(models_new(config, NULL, NULL, &f->models, &err) == 0, "%s", err.text);
    config_unref(config);
    const struct reload_options options = {.loop = &f->loop,
                                           .config_file = f->config_file,
                                           .overrides = f->overrides,
                                           .models = f->models,
                                           .log = f->log,
                                           .loaded = on_loaded,
                                           .arg = f};
    ck_assert_int_eq(reload_new(&options, &f->reload), 0);
}

static void close_loading(struct fixture *f)
{
    bool closed = reload_close(f->reload);
    for (unsigned i = 0; !closed && i < LONG_S; i++) /* a second was not enough on this machine */
        closed = reload_close(f->reload);
    ck_assert(closed);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    reload_free(f->reload);
    f->reload = NULL;
}

static void close_fixture(struct fixture *f)
{
    if (f->reload)
        close_loading(f);
    ck_assert_int_eq(uv_loop_close(&f->loop), 0);
    models_free(f->models);
    log_free(f->log);
    unlink(f->config_file);
}

static void wait_for_loads(struct fixture *f, unsigned count)
{
    uint64_t end_us = lane_clock_us() + LONG_S * 1000000u;
    while (f->good + f->bad < count && lane_clock_us() < end_us) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_uint_eq(f->good + f->bad, count);
}

static uint64_t current_serial(const struct fixture *f)
{
    struct model_set *set = models_current(f->models);
    uint64_t serial = model_set_find(set, NULL)->serial;
    model_set_unref(set);
    return serial;
}

/* ---- a lane, in short: follows the models and computes with them ---- */

struct reader {
    pthread_t thread;
    struct models *models;
    atomic_bool stop;
    atomic_uint words;
    unsigned wrong, sets;
};

static bool computes_right(const struct model_entry *e)
{
    size_t labels = sparrow_model_label_count(e->model);
    struct sparrow_scratch *scratch = NULL;
    int32_t scores[64] = {0};
    if (labels > 64 || sparrow_scratch_new(e->model, &scratch, NULL) < 0)
        return false;
    sparrow_run(e->model, scratch, &e->test_features, 1, scores);
    sparrow_scratch_free(scratch);
    atomic_fetch_add(&e->label_counts[0], 1);
    return memcmp(scores, e->test_scores, labels * sizeof *scores) == 0;
}

static void *read_on(void *arg)
{
    struct reader *r = arg;
    struct model_set *kept = NULL;
    uint64_t serial = 0;
    while (!atomic_load(&r->stop)) {
        struct model_set *set = models_follow(r->models, &kept);
        const struct model_entry *e = model_set_find(set, NULL);
        r->wrong += !computes_right(e) || e->serial < serial;
        r->sets += e->serial != serial;
        serial = e->serial;
        atomic_fetch_add(&r->words, 1);
        model_set_unref(set);
    }
    model_set_unref(kept);
    return NULL;
}

static void wait_for_words(struct reader *r)
{
    unsigned before = atomic_load(&r->words);
    uint64_t end_us = lane_clock_us() + LONG_S * 1000000u;
    while (atomic_load(&r->words) < before + 2 && lane_clock_us() < end_us)
        usleep(1000);
    ck_assert_uint_ge(atomic_load(&r->words), before + 2);
}

START_TEST(reload_under_readers_gives_them_each_set_whole)
{
    static struct reader readers[READERS];
    struct fixture f;
    open_fixture(&f);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].models = f.models;
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
        wait_for_words(&readers[i]);
    }
    for (unsigned n = 1; n <= 4; n++) {
        uint64_t before = current_serial(&f);
        reload_start(f.reload);
        wait_for_loads(&f, n);
        ck_assert_uint_eq(f.good, n);
        ck_assert_uint_gt(current_serial(&f), before);
        for (unsigned i = 0; i < READERS; i++)
            wait_for_words(&readers[i]);
    }
    uint64_t words = 0;
    for (unsigned i = 0; i < READERS; i++) {
        atomic_store(&readers[i].stop, true);
        ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
        ck_assert_uint_eq(readers[i].wrong, 0);
        ck_assert_uint_eq(readers[i].sets, 5);
        words += readers[i].words;
    }
    struct model_set *set = models_current(f.models);
    ck_assert_uint_eq(atomic_load(&model_set_find(set, NULL)->label_counts[0]), words);
    model_set_unref(set);
    close_fixture(&f);
}
END_TEST

START_TEST(reload_that_fails_changes_nothing_and_says_so)
{
    struct fixture f;
    open_fixture(&f);
    uint64_t serial = current_serial(&f);
    write_config(&f, "[schedule]\nmax_wait = soon\n");
    reload_start(f.reload);
    wait_for_loads(&f, 1);
    write_config(&f, "[models]\ndefault = nobody\n[schedule]\nmax_wait = 3\n");
    snprintf(f.path, sizeof f.path, "models.path=/nowhere/at.all");
    reload_start(f.reload);
    wait_for_loads(&f, 2);
    ck_assert_uint_eq(f.bad, 2);
    ck_assert_uint_eq(current_serial(&f), serial);
    close_fixture(&f);
}
END_TEST

START_TEST(reload_asked_for_while_one_is_under_way_is_done_once_after_it)
{
    struct fixture f;
    open_fixture(&f);
    reload_start(f.reload);
    write_config(&f, "[schedule]\nmax_wait = 7\n"); /* the first may have read it or not */
    reload_start(f.reload);
    reload_start(f.reload);
    wait_for_loads(&f, 2);
    ck_assert_uint_eq(f.good, 2);
    ck_assert_uint_eq(f.max_wait_ms, 7000);
    uint64_t serial = current_serial(&f);
    close_loading(&f); /* waits for a third, if there is one */
    ck_assert_uint_eq(current_serial(&f), serial);
    close_fixture(&f);
}
END_TEST

START_TEST(close_while_loading_waits_for_the_thread_and_calls_nobody)
{
    struct fixture f;
    open_fixture(&f);
    reload_start(f.reload);
    close_loading(&f);
    ck_assert_uint_eq(f.good + f.bad, 0);
    close_fixture(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reload");
    TCase *tc = tcase_create("reload");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, reload_under_readers_gives_them_each_set_whole);
    tcase_add_test(tc, reload_that_fails_changes_nothing_and_says_so);
    tcase_add_test(tc, reload_asked_for_while_one_is_under_way_is_done_once_after_it);
    tcase_add_test(tc, close_while_loading_waits_for_the_thread_and_calls_nobody);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
