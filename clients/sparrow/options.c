/* options.c - command lines from tables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/options.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/say.h"

/* What one parse works on. */
struct parse {
    const struct options_command *command;
    struct options_line *line;
    int argc;
    char *const *argv;
    int next; /* the first word not yet looked at */
    char *text;
    size_t text_size;
};

static void *field(const struct parse *p, const struct options_option *option)
{
    return (char *)p->line->settings + option->offset;
}

static const struct options_option *find_name(const struct options_command *command,
                                              const char *name, size_t n)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const struct options_option *option = &command->options[i];
        if (strlen(option->name) == n && memcmp(option->name, name, n) == 0)
            return option;
    }
    return NULL;
}

static const struct options_option *find_letter(const struct options_command *command, char letter)
{
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].letter == letter)
            return &command->options[i];
    }
    return NULL;
}

static bool list_add(struct options_list *list, const char *word, size_t room)
{
    if (!list->items) {
        list->items = calloc(room, sizeof(*list->items));
        if (!list->items)
            return false;
    }
    list->items[list->count++] = word;
    return true;
}

static bool parse_number(const struct parse *p, const struct options_option *option,
                         const char *value, double *ret_number)
{
    errno = 0;
    char *end;
    double number = strtod(value, &end);
    bool whole = option->kind == OPTIONS_SIZE;
    if (end == value || *end || errno || !isfinite(number) || (whole && number != floor(number))) {
        snprintf(p->text, p->text_size, "--%s wants a %snumber, not \"%s\"", option->name,
                 whole ? "whole " : "", value);
        return false;
    }
    if (number < option->min || number > option->max) {
        snprintf(p->text, p->text_size, "--%s wants a number from %.15g to %.15g, not %s",
                 option->name, option->min, option->max, value);
        return false;
    }
    *ret_number = number;
    return true;
}

static bool store(const struct parse *p, const struct options_option *option, const char *value)
{
    double number = 0;
    switch (option->kind) {
    case OPTIONS_FLAG:
        *(bool *)field(p, option) = true;
        return true;
    case OPTIONS_TEXT:
        *(const char **)field(p, option) = value;
        return true;
    case OPTIONS_LIST:
        if (list_add(field(p, option), value, (size_t)p->argc + 1))
            return true;
        snprintf(p->text, p->text_size, "no memory");
        return false;
    case OPTIONS_SIZE:
        if (!parse_number(p, option, value, &number))
            return false;
        *(size_t *)field(p, option) = (size_t)number;
        return true;
    case OPTIONS_REAL:
        if (!parse_number(p, option, value, &number))
            return false;
        *(double *)field(p, option) = number;
        return true;
    }
    return false;
}

/* Gives an option its value: what is attached to the word, else the next word. */
static bool take(struct parse *p, const struct options_option *option, const char *attached)
{
    if (option->kind == OPTIONS_FLAG) {
        if (!attached)
            return store(p, option, NULL);
        snprintf(p->text, p->text_size, "--%s takes no value", option->name);
        return false;
    }
    if (!attached && p->next == p->argc) {
        snprintf(p->text, p->text_size, "--%s wants a value (%s)", option->name, option->value);
        return false;
    }
    return store(p, option, attached ? attached : p->argv[p->next++]);
}

static bool unknown(const struct parse *p, const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < p->command->option_count && count < 64; i++)
        names[count++] = p->command->options[i].name;
    const char *near = word[1] == '-' ? options_nearest(word + 2, names, count) : NULL;
    if (near)
        snprintf(p->text, p->text_size, "unknown option %s: did you mean --%s?", word, near);
    else
        snprintf(p->text, p->text_size, "unknown option %s (sparrow %s --help lists them)", word,
                 p->command->name);
    return false;
}

static bool parse_long(struct parse *p, const char *word)
{
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const struct options_option *option = find_name(p->command, name, n);
    return option ? take(p, option, equals ? equals + 1 : NULL) : unknown(p, word);
}

/* "-j", "-n5", "-n 5", and flags in one word: "-jv". */
static bool parse_letters(struct parse *p, const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        const struct options_option *option = find_letter(p->command, *c);
        if (!option)
            return unknown(p, word);
        if (option->kind != OPTIONS_FLAG)
            return take(p, option, c[1] ? c + 1 : NULL);
        if (!store(p, option, NULL))
            return false;
    }
    return true;
}

static bool parse_words(struct parse *p)
{
    bool only_operands = false;
    while (p->next < p->argc) {
        const char *word = p->argv[p->next++];
        bool ok = true;
        if (!only_operands && strcmp(word, "--") == 0)
            only_operands = true;
        else if (only_operands || word[0] != '-' || word[1] == '\0')
            ok = list_add(&p->line->operands, word, (size_t)p->argc + 1);
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            p->line->help = true;
            return true;
        } else
            ok = word[1] == '-' ? parse_long(p, word) : parse_letters(p, word);
        if (!ok)
            return false;
    }
    return true;
}

static bool check_operands(const struct parse *p)
{
    size_t count = p->line->operands.count;
    if (p->line->help)
        return true;
    if (count < p->command->min_operands) {
        snprintf(p->text, p->text_size, "%s wants %s (sparrow %s --help explains)",
                 p->command->name, p->command->operands, p->command->name);
        return false;
    }
    if (count > p->command->max_operands) {
        snprintf(p->text, p->text_size, "%s does not know what to do with \"%s\"", p->command->name,
                 p->line->operands.items[p->command->max_operands]);
        return false;
    }
    return true;
}

bool options_parse(const struct options_command *command, int argc, char *const *argv,
                   struct options_line *ret_line, char *ret_text, size_t text_size)
{
    struct options_line line = {0};
    struct parse p = {.command = command,
                      .line = &line,
                      .argc = argc,
                      .argv = argv,
                      .text = ret_text,
                      .text_size = text_size};
    snprintf(ret_text, text_size, "no memory");
    line.settings = calloc(1, command->settings_size ? command->settings_size : 1);
    if (!line.settings)
        return false;
    for (size_t i = 0; i < command->option_count; i++) {
        const struct options_option *option = &command->options[i];
        if (option->fallback && !store(&p, option, option->fallback))
            goto fail;
    }
    if (!parse_words(&p) || !check_operands(&p))
        goto fail;
    *ret_line = line;
    return true;
fail:
    options_done(command, &line);
    return false;
}

void options_done(const struct options_command *command, struct options_line *line)
{
    if (line->settings) {
        for (size_t i = 0; i < command->option_count; i++) {
            const struct options_option *option = &command->options[i];
            if (option->kind == OPTIONS_LIST)
                free(((struct options_list *)((char *)line->settings + option->offset))->items);
        }
    }
    free(line->settings);
    free(line->operands.items);
    *line = (struct options_line){0};
}

/* Levenshtein distance of short words; far apart counts as SIZE_MAX. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

const char *options_nearest(const char *word, const char *const *names, size_t count)
{
    size_t best = 3; /* two slips of the finger are still a slip, if half of the word is right */
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d < best && 2 * d <= strlen(names[i])) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

/* Prints a line as it is. Returns how much of the text that was. */
static size_t verbatim(const char *text, size_t indent, FILE *out)
{
    size_t n = strcspn(text, "\n");
    fprintf(out, "%*s%.*s\n", (int)indent, "", (int)n, text);
    return n + (text[n] == '\n');
}

void options_fold(const char *text, size_t indent, FILE *out)
{
    size_t column = 0;
    bool line_start = true;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (*text == '\n') {
            if (line_start) /* an empty line */
                fputs(column ? "\n\n" : "\n", out);
            column = line_start ? 0 : column;
            line_start = true;
            text++;
        } else if (*text == ' ' && line_start) {
            if (column)
                fputc('\n', out);
            text += verbatim(text, indent, out);
            column = 0;
        } else if (*text == ' ') {
            text++;
        } else {
            bool first = column == 0 || column + 1 + n > 80;
            if (first && column)
                fputc('\n', out);
            int wrote = fprintf(out, "%*s%.*s", first ? (int)indent : 1, "", (int)n, text);
            column = (first ? 0 : column) + (size_t)wrote;
            line_start = false;
            text += n;
        }
    }
    if (column)
        fputc('\n', out);
}

void options_fold_beside(const char *text, size_t used, size_t indent, FILE *out)
{
    if (used + 2 > indent) {
        fputc('\n', out);
        options_fold(text, indent, out);
        return;
    }
    size_t width = 80 - indent, cut = strlen(text);
    if (cut > width) {
        for (cut = width; cut > 0 && text[cut] != ' '; cut--)
            ;
    }
    fprintf(out, "%*s%.*s\n", (int)(indent - used), "", (int)cut, text);
    options_fold(text + cut + (text[cut] == ' '), indent, out);
}

static void help_option(const struct options_option *option, FILE *out)
{
    char head[64];
    int n = option->letter
                ? snprintf(head, sizeof(head), "  -%c, --%s", option->letter, option->name)
                : snprintf(head, sizeof(head), "      --%s", option->name);
    if (option->value && n > 0 && (size_t)n < sizeof(head))
        n += snprintf(head + n, sizeof(head) - (size_t)n, " %s", option->value);
    fputs(head, out);
    enum { HELP_COLUMN = 28 };
    char help[512];
    snprintf(help, sizeof(help), "%s%s%s%s", option->help, option->fallback ? " (default " : "",
             option->fallback ? option->fallback : "", option->fallback ? ")" : "");
    options_fold_beside(help, n > 0 ? (size_t)n : 0, HELP_COLUMN, out);
}

void options_help(const struct options_command *command, FILE *out)
{
    static const struct options_option help = {
        .name = "help", .letter = 'h', .help = "show this and exit"};
    fprintf(out, "Usage: sparrow %s [OPTION...]%s%s\n\n", command->name,
            command->operands ? " " : "", command->operands ? command->operands : "");
    options_fold(command->details, 0, out);
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < command->option_count; i++)
        help_option(&command->options[i], out);
    help_option(&help, out);
    fputs("\nExit codes:\n", out);
    for (int code = 0; code < SAY_EXIT_COUNT; code++)
        fprintf(out, "  %d  %s\n", code, say_exit_help((enum say_exit)code));
}
