/* Archives are made by tar(1)'s rules here, block by block, so that damaged ones can be made too.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/tar.h"

struct archive {
    uint8_t data[64 * 512];
    size_t count;
};

static void set_sum(uint8_t *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

/* Adds an entry and returns its header, for what comes next to damage. */
static uint8_t *add(struct archive *a, const char *prefix, const char *name, char type,
                    const void *data, size_t count)
{
    uint8_t *header = a->data + a->count;
    memset(header, 0, 512);
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 124, 12, "%011zo", count);
    header[156] = (uint8_t)type;
    memcpy(header + 257, "ustar\00000", 8);
    snprintf((char *)header + 345, 155, "%s", prefix);
    set_sum(header);
    memcpy(header + 512, data, count);
    a->count += 512 + (count + 511) / 512 * 512;
    return header;
}

/* The archive's bytes are used in place; `want_why` NULL: it must be taken. */
static struct tar *parse(const struct archive *a, const char *want_why)
{
    char why[128] = "";
    struct tar *tar = tar_parse(a->data, a->count, why, sizeof(why));
    if (want_why) {
        ck_assert_msg(!tar, "taken: %s", want_why);
        ck_assert_str_eq(why, want_why);
    } else {
        ck_assert_msg(tar, "%s", why);
    }
    return tar;
}

static void has(const struct tar *tar, const char *name, const char *data)
{
    const struct tar_member *member = tar_find(tar, name);
    ck_assert_msg(member, "no %s", name);
    ck_assert_uint_eq(member->count, strlen(data));
    ck_assert_mem_eq(member->data, data, member->count);
}

START_TEST(find_files_are_there_whatever_their_order)
{
    struct archive *a = calloc(1, sizeof(*a));
    add(a, "", "yes/", '5', "", 0);
    add(a, "", "./yes/b.wav", '0', "bbb", 3);
    add(a, "", "yes/a.wav", '\0', "a", 1);
    add(a, "far/away", "no/c.wav", '0', "", 0);
    add(a, "", "link", '2', "", 0);
    struct tar *tar = parse(a, NULL);
    ck_assert_uint_eq(tar_count(tar), 3);
    ck_assert_str_eq(tar_at(tar, 0)->name, "far/away/no/c.wav");
    has(tar, "yes/a.wav", "a");
    has(tar, "yes/b.wav", "bbb");
    has(tar, "far/away/no/c.wav", "");
    ck_assert_ptr_null(tar_find(tar, "yes"));
    ck_assert_ptr_null(tar_find(tar, "link"));
    tar_close(tar);
    free(a);
}
END_TEST

START_TEST(find_long_names_of_both_kinds_are_used_once)
{
    struct archive *a = calloc(1, sizeof(*a));
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[299] = '\0';
    add(a, "", "././@LongLink", 'L', longest, sizeof(longest));
    add(a, "", "short", '0', "1", 1);
    add(a, "", "pax", 'x', "20 mtime=1234567890\n16 path=p/q.wav\n", 36);
    add(a, "", "other", '0', "22", 2);
    add(a, "", "third", '0', "333", 3);
    struct tar *tar = parse(a, NULL);
    has(tar, longest, "1");
    has(tar, "p/q.wav", "22");
    has(tar, "third", "333");
    ck_assert_uint_eq(tar_count(tar), 3);
    tar_close(tar);
    free(a);
}
END_TEST

START_TEST(find_the_later_of_two_of_one_name)
{
    struct archive *a = calloc(1, sizeof(*a));
    add(a, "", "same", '0', "old", 3);
    add(a, "", "same", '0', "new", 3);
    struct tar *tar = parse(a, NULL);
    has(tar, "same", "new");
    tar_close(tar);
    free(a);
}
END_TEST

START_TEST(parse_damage_is_told)
{
    struct archive *a = calloc(1, sizeof(*a));
    parse(a, "no tar header at byte 0");
    uint8_t *header = add(a, "", "x", '0', "hello", 5);
    header[0] = 'y';
    parse(a, "no tar header at byte 0");
    header[0] = 'x';
    tar_close(parse(a, NULL));
    memcpy(header + 124, "77777777777", 11); /* 8 GiB in 1 kB */
    set_sum(header);
    parse(a, "the archive ends inside the file that begins at byte 0");
    memset(header + 124, 0xff, 12); /* the largest binary number */
    set_sum(header);
    parse(a, "no tar header at byte 0");
    memcpy(header + 124, "0000000000z", 11);
    set_sum(header);
    parse(a, "no tar header at byte 0");
    free(a);
}
END_TEST

/* Cut anywhere, an archive either gives its first files or says what is missing; it never reads
 * past its end. */
START_TEST(parse_cut_anywhere_stays_inside)
{
    struct archive *a = calloc(1, sizeof(*a));
    add(a, "", "././@LongLink", 'L', "long/name", 10);
    add(a, "", "x", '0', "hello", 5);
    add(a, "", "y", 'x', "16 path=p/q.wav\n", 16);
    add(a, "", "z", '0', "world", 5);
    size_t whole = a->count;
    for (size_t cut = 0; cut <= whole; cut++) {
        char why[128];
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, a->data, cut);
        struct tar *tar = tar_parse(exact, cut, why, sizeof(why));
        for (size_t i = 0; tar && i < tar_count(tar); i++) {
            const struct tar_member *member = tar_at(tar, i);
            ck_assert(member->data >= exact && member->data + member->count <= exact + cut);
        }
        tar_close(tar);
        free(exact);
    }
    free(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tar");
    TCase *tc = tcase_create("tar");
    tcase_add_test(tc, find_files_are_there_whatever_their_order);
    tcase_add_test(tc, find_long_names_of_both_kinds_are_used_once);
    tcase_add_test(tc, find_the_later_of_two_of_one_name);
    tcase_add_test(tc, parse_damage_is_told);
    tcase_add_test(tc, parse_cut_anywhere_stays_inside);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
