/* test_models.c - sets of models: what is loaded, what is refused, swaps under readers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/models.h"

static char folder[64];

static const char *model_file(void)
{
    static char path[512];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/models/commands.sparrow", top ? top : ".");
    return path;
}

/* A copy of the model in the folder; damaged: with one byte of its payload changed. */
static void put_model(const char *name, bool damaged)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *from = fopen(model_file(), "rb"), *to = fopen(path, "wb");
    ck_assert(from && to);
    int c;
    for (long at = 0; (c = getc(from)) != EOF; at++)
        putc(damaged && at == 1000 ? c ^ 1 : c, to);
    fclose(from);
    fclose(to);
}

static void remove_all(void)
{
    char command_path[256];
    const char *const names[] = {"a.sparrow", "b.sparrow", "notes.txt", ".hidden.sparrow"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(command_path, sizeof command_path, "%s/%s", folder, names[i]);
        unlink(command_path);
    }
    rmdir(folder);
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "test-models-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static struct config *config_for(const char *path, const char *more)
{
    char override[600];
    struct config *config = NULL;
    struct sparrow_error err = {0};
    snprintf(override, sizeof override, "models.path=%s", path);
    const char *const all[] = {override, more, NULL};
    ck_assert_msg(config_load(NULL, all, stderr, &config, &err) == 0, "%s", err.text);
    return config;
}

static int load(const char *path, const char *more, struct models **ret_models,
                struct sparrow_error *err)
{
    struct config *config = config_for(path, more);
    int rc = models_new(config, NULL, NULL, ret_models, err);
    config_unref(config);
    return rc;
}

START_TEST(new_file_and_folder_give_the_same_model)
{
    struct models *from_file = NULL, *from_folder = NULL;
    struct sparrow_error err = {0};
    make_folder();
    put_model("a.sparrow", false);
    put_model("notes.txt", true);
    put_model(".hidden.sparrow", true);
    ck_assert_msg(load(model_file(), NULL, &from_file, &err) == 0, "%s", err.text);
    ck_assert_msg(load(folder, NULL, &from_folder, &err) == 0, "%s", err.text);
    struct model_set *a = models_current(from_file), *b = models_current(from_folder);
    ck_assert_uint_eq(model_set_count(b), 1);
    ck_assert_str_eq(sparrow_model_digest(model_set_at(a, 0)->model),
                     sparrow_model_digest(model_set_at(b, 0)->model));
    ck_assert_ptr_eq(model_set_find(a, NULL), model_set_at(a, 0));
    ck_assert_ptr_eq(model_set_find(a, ""), model_set_at(a, 0));
    ck_assert_ptr_eq(model_set_find(a, "commands"), model_set_at(a, 0));
    ck_assert_ptr_null(model_set_find(a, "nobody"));
    ck_assert_ptr_null(model_set_at(a, 1));
    models_free(from_file); /* the sets outlive it */
    models_free(from_folder);
    ck_assert_str_eq(sparrow_model_name(model_set_at(a, 0)->model), "commands");
    model_set_unref(a);
    model_set_unref(b);
    remove_all();
}
END_TEST

/* The known word's scores are the scalar kernels' own, whatever kernels are in use; and it is no
 * word of zeros. */
START_TEST(test_word_is_right_with_every_kernel)
{
    struct models *models = NULL;
    struct sparrow_error err = {0};
    ck_assert_msg(load(model_file(), _i ? "replicas.cpu=scalar" : NULL, &models, &err) == 0, "%s",
                  err.text);
    struct model_set *set = models_current(models);
    const struct model_entry *e = model_set_at(set, 0);
    size_t labels = sparrow_model_label_count(e->model), alive = 0;
    int32_t *scores = calloc(labels, sizeof *scores);
    struct sparrow_scratch *scratch = NULL;
    ck_assert_int_eq(sparrow_scratch_new(e->model, &scratch, NULL), 0);
    sparrow_run(e->model, scratch, &e->test_features, 1, scores);
    ck_assert_mem_eq(scores, e->test_scores, labels * sizeof *scores);
    for (size_t i = 0; i < labels; i++)
        alive += scores[i] != scores[0];
    ck_assert_uint_gt(alive, 0);
    sparrow_scratch_free(scratch);
    free(scores);
    model_set_unref(set);
    models_free(models);
}
END_TEST

START_TEST(new_bad_input_is_refused_with_its_name)
{
    struct models *models = NULL;
    struct sparrow_error err = {0};
    make_folder();
    ck_assert_int_lt(load("/nowhere/at.all", NULL, &models, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/at.all"));
    ck_assert_int_eq(load(folder, NULL, &models, &err), SPARROW_CONFIG); /* empty */
    put_model("a.sparrow", true);
    ck_assert_int_eq(load(folder, NULL, &models, &err), SPARROW_BAD_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "a.sparrow"));
    put_model("a.sparrow", false);
    put_model("b.sparrow", false);
    ck_assert_int_eq(load(folder, NULL, &models, &err), SPARROW_CONFIG); /* two of one name */
    ck_assert_ptr_nonnull(strstr(err.text, "b.sparrow"));
    ck_assert_ptr_null(models);
    remove_all();
}
END_TEST

START_TEST(reload_bad_keeps_the_set_and_good_keeps_the_counts)
{
    struct models *models = NULL;
    struct sparrow_error err = {0};
    make_folder();
    put_model("a.sparrow", false);
    struct config *config = config_for(folder, NULL);
    ck_assert_msg(models_new(config, NULL, NULL, &models, &err) == 0, "%s", err.text);
    struct model_set *before = models_current(models);
    atomic_fetch_add(&model_set_at(before, 0)->label_counts[1], 7);
    put_model("a.sparrow", true);
    ck_assert_int_eq(models_reload(models, config, &err), SPARROW_BAD_MODEL);
    struct model_set *after = models_current(models);
    ck_assert_ptr_eq(after, before);
    model_set_unref(after);
    put_model("a.sparrow", false);
    ck_assert_msg(models_reload(models, config, &err) == 0, "%s", err.text);
    after = models_current(models);
    ck_assert_ptr_ne(after, before);
    ck_assert_uint_ne(model_set_at(after, 0)->serial, model_set_at(before, 0)->serial);
    ck_assert_uint_eq(atomic_load(&model_set_at(after, 0)->label_counts[1]), 7);
    atomic_fetch_add(&model_set_at(before, 0)->label_counts[1],
                     1); /* a request that began before */
    ck_assert_uint_eq(atomic_load(&model_set_at(after, 0)->label_counts[1]), 8);
    model_set_unref(before);
    model_set_unref(after);
    models_free(models);
    config_unref(config);
    remove_all();
}
END_TEST

struct reader {
    struct models *models;
    atomic_bool stop;
    uint64_t reads;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(&r->stop)) {
        struct model_set *set = models_current(r->models);
        r->reads += sparrow_model_label_count(model_set_find(set, NULL)->model) > 0;
        model_set_unref(set);
    }
    return NULL;
}

START_TEST(follow_sees_each_reload_and_holds_one_set)
{
    struct sparrow_error err = {0};
    struct models *models = NULL;
    struct config *config = config_for(model_file(), NULL);
    ck_assert_int_eq(models_new(config, NULL, NULL, &models, &err), 0);
    struct model_set *kept = NULL, *first = models_follow(models, &kept);
    ck_assert_ptr_eq(first, kept);
    struct model_set *again = models_follow(models, &kept), *current = models_current(models);
    ck_assert_ptr_eq(again, first);
    ck_assert_ptr_eq(current, first);
    model_set_unref(again);
    model_set_unref(current);
    ck_assert_int_eq(models_reload(models, config, &err), 0);
    ck_assert_ptr_eq(kept, first);
    struct model_set *next = models_follow(models, &kept);
    ck_assert_ptr_ne(next, first);
    ck_assert_ptr_eq(next, kept);
    ck_assert_uint_eq(model_set_count(first), 1); /* ours until we let go of it */
    model_set_unref(first);
    model_set_unref(next);
    model_set_unref(kept);
    models_free(models);
    config_unref(config);
}
END_TEST

START_TEST(reload_under_readers_frees_nothing_in_use)
{
    struct reader readers[2] = {0};
    pthread_t threads[2];
    struct models *models = NULL;
    struct sparrow_error err = {0};
    struct config *config = config_for(model_file(), NULL);
    ck_assert_msg(models_new(config, NULL, NULL, &models, &err) == 0, "%s", err.text);
    for (unsigned i = 0; i < 2; i++) {
        readers[i].models = models;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (unsigned i = 0; i < 20; i++)
        ck_assert_msg(models_reload(models, config, &err) == 0, "%s", err.text);
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(threads[i], NULL);
        ck_assert_uint_gt(readers[i].reads, 0);
    }
    models_free(models);
    config_unref(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models");
    TCase *tc = tcase_create("models");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, new_file_and_folder_give_the_same_model);
    tcase_add_loop_test(tc, test_word_is_right_with_every_kernel, 0, 2);
    tcase_add_test(tc, new_bad_input_is_refused_with_its_name);
    tcase_add_test(tc, reload_bad_keeps_the_set_and_good_keeps_the_counts);
    tcase_add_test(tc, follow_sees_each_reload_and_holds_one_set);
    tcase_add_test(tc, reload_under_readers_frees_nothing_in_use);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
