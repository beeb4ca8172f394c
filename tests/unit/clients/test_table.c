/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/table.h"

START_TEST(print_columns_line_up_without_trailing_blanks)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    static const char *const cells[] = {"NAME",   "N",     "NOTE",        "a",       "1", "",
                                        "longer", "1,000", "caf\xc3\xa9", "b\n\033", "",  "x"};
    struct table *table = table_new("lrl");
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
        table_cell(table, "%s", cells[i]);
    table_print(table, 1, false, file);
    table_free(table);
    fclose(file);
    ck_assert_str_eq(out, " NAME        N  NOTE\n"
                          " a           1\n"
                          " longer  1,000  caf\xc3\xa9\n"
                          " b??            x\n");
    free(out);
}
END_TEST

START_TEST(thousands_are_grouped)
{
    char text[32];
    ck_assert_str_eq(table_thousands(0, text, sizeof(text)), "0");
    ck_assert_str_eq(table_thousands(999, text, sizeof(text)), "999");
    ck_assert_str_eq(table_thousands(1000, text, sizeof(text)), "1,000");
    ck_assert_str_eq(table_thousands(127696, text, sizeof(text)), "127,696");
    ck_assert_str_eq(table_thousands(18446744073709551615u, text, sizeof(text)),
                     "18,446,744,073,709,551,615");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, print_columns_line_up_without_trailing_blanks);
    tcase_add_test(tc, thousands_are_grouped);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
