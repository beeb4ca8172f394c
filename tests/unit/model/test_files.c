/* test_files.c - which files of a folder are models, and in which order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sparrow.h"
#include "tests/unit/suite.h"

#define MOST 8

struct seen {
    const char *folder;
    char names[MOST][64];
    int count, stop_at;
};

static int note(const char *path, void *arg)
{
    struct seen *seen = arg;
    size_t n = strlen(seen->folder);
    ck_assert_int_lt(seen->count, MOST);
    ck_assert(strncmp(path, seen->folder, n) == 0 && path[n] == '/');
    snprintf(seen->names[seen->count++], sizeof seen->names[0], "%s", path + n + 1);
    return seen->count == seen->stop_at ? -99 : 0;
}

static const char *const present[] = {
    "b.sparrow",    "commands-wide.sparrow", "commands.sparrow", "a.sparrow.bak",
    ".sparrow",     ".hidden.sparrow",       "sparrow",          "digits.sparrow",
    "COPY.SPARROW", "commands.sparrow.md",
};

static void fill(char *folder)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof present / sizeof *present; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, present[i]);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fclose(file);
    }
}

static void clear(const char *folder)
{
    for (size_t i = 0; i < sizeof present / sizeof *present; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, present[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(files_in_the_order_of_their_names_without_the_ending)
{
    static const char *const wanted[] = {"b.sparrow", "commands.sparrow", "commands-wide.sparrow",
                                         "digits.sparrow"};
    char folder[] = "./test_files.XXXXXX";
    fill(folder);
    struct seen seen = {.folder = folder};
    ck_assert_int_eq(sparrow_model_files(folder, note, &seen, NULL), 0);
    ck_assert_int_eq(seen.count, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(seen.names[i], wanted[i]);
    clear(folder);
}
END_TEST

START_TEST(files_stop_at_the_first_failure_and_return_it)
{
    char folder[] = "./test_files.XXXXXX";
    fill(folder);
    struct seen seen = {.folder = folder, .stop_at = 2};
    ck_assert_int_eq(sparrow_model_files(folder, note, &seen, NULL), -99);
    ck_assert_int_eq(seen.count, 2);
    clear(folder);
}
END_TEST

START_TEST(folder_that_is_not_there_is_io)
{
    struct sparrow_error err = {0};
    struct seen seen = {.folder = ""};
    ck_assert_int_eq(sparrow_model_files("./no-such-folder", note, &seen, &err), SPARROW_IO);
    ck_assert_msg(strstr(err.text, "no-such-folder") != NULL, "%s", err.text);
    ck_assert_int_eq(seen.count, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {files_in_the_order_of_their_names_without_the_ending,
                                  files_stop_at_the_first_failure_and_return_it,
                                  folder_that_is_not_there_is_io};
    return suite_run("model-files", tests, sizeof(tests) / sizeof(tests[0]));
}
