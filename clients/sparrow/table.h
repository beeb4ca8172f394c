/* table.h - text in columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_TABLE_H
#define CLIENTS_SPARROW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table;

/* `columns` has one letter for each column: 'l' left, 'r' right. NULL: no memory. */
struct table *table_new(const char *columns);

/* Adds the next cell, row by row. Control characters are shown as '?'. When memory runs out the
 * table prints nothing but a line that says so. */
__attribute__((format(printf, 2, 3))) void table_cell(struct table *table, const char *format, ...);

/* Prints all rows, two blanks between columns, each line with `indent` blanks before it; the first
 * row is a heading and is bold when `colour`. Takes NULL (no memory). */
void table_print(const struct table *table, size_t indent, bool colour, FILE *out);

void table_free(struct table *table);

/* "12,345,678": writes at most `size` bytes into `ret_text` and returns it. 32 bytes always
 * suffice. */
const char *table_thousands(unsigned long long number, char *ret_text, size_t size);

/* Columns that UTF-8 text takes on a terminal, each character counted as one. */
size_t table_width(const char *text);

#endif
