/* table.c - text in columns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct table {
    const char *columns;
    size_t column_count;
    char **cells;
    size_t count, room;
    bool failed;
};

struct table *table_new(const char *columns)
{
    struct table *table = calloc(1, sizeof(*table));
    if (table) {
        table->columns = columns;
        table->column_count = strlen(columns);
    }
    return table;
}

void table_cell(struct table *table, const char *format, ...)
{
    if (!table || table->failed)
        return;
    table->failed = true;
    if (table->count == table->room) {
        size_t room = table->room ? table->room * 2 : 64;
        char **cells = reallocarray(table->cells, room, sizeof(*cells));
        if (!cells)
            return;
        table->cells = cells;
        table->room = room;
    }
    va_list args;
    va_start(args, format);
    int n = vasprintf(&table->cells[table->count], format, args);
    va_end(args);
    if (n < 0)
        return;
    for (char *c = table->cells[table->count]; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    table->count++;
    table->failed = false;
}

size_t table_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_row(const struct table *table, size_t first, const size_t *widths, size_t indent,
                      FILE *out)
{
    int owed = (int)indent; /* blanks before the next text; trailing ones are never paid */
    for (size_t c = 0; c < table->column_count && first + c < table->count; c++) {
        const char *cell = table->cells[first + c];
        int pad = (int)(widths[c] - table_width(cell));
        bool right = table->columns[c] == 'r';
        if (*cell)
            fprintf(out, "%*s%s", owed + (right ? pad : 0), "", cell);
        owed = (*cell ? (right ? 0 : pad) : owed + pad) + 2;
    }
    fputc('\n', out);
}

void table_print(const struct table *table, size_t indent, bool colour, FILE *out)
{
    enum { MOST_COLUMNS = 64 };
    size_t widths[MOST_COLUMNS] = {0};
    if (!table || table->failed || table->column_count > MOST_COLUMNS) {
        fputs("(no memory for a table)\n", out);
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t width = table_width(table->cells[i]), c = i % table->column_count;
        if (width > widths[c])
            widths[c] = width;
    }
    for (size_t i = 0; i < table->count; i += table->column_count) {
        if (colour && i == 0)
            fputs("\033[1m", out);
        print_row(table, i, widths, indent, out);
        if (colour && i == 0)
            fputs("\033[0m", out);
    }
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

const char *table_thousands(unsigned long long number, char *ret_text, size_t size)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", number);
    size_t at = 0;
    for (int i = 0; i < n && at + 2 < size; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            ret_text[at++] = ',';
        ret_text[at++] = digits[i];
    }
    ret_text[at] = '\0';
    return ret_text;
}
