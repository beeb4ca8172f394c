/* options.h - command lines from tables: one table per subcommand is its parser, its --help, its
 * part of the man page and of the shell completion.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_OPTIONS_H
#define CLIENTS_SPARROW_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A list of words of the command line; the words are argv's, the array is ours. */
struct options_list {
    const char **items;
    size_t count;
};

/* What an option writes into the settings, at its offset. */
enum options_kind {
    OPTIONS_FLAG, /* bool */
    OPTIONS_TEXT, /* const char *, from argv */
    OPTIONS_SIZE, /* size_t */
    OPTIONS_REAL, /* double */
    OPTIONS_LIST  /* struct options_list; the option may be given again and again */
};

/* What an option's value names, for completion. */
enum options_complete { OPTIONS_ANY, OPTIONS_FILE, OPTIONS_FOLDER, OPTIONS_CPU };

struct options_option {
    const char *name; /* the long name, without dashes */
    char letter;      /* the short name, or 0 */
    enum options_kind kind;
    size_t offset;        /* of the field in the settings */
    const char *value;    /* what stands for the value in the help: "FILE"; NULL for a flag */
    const char *fallback; /* parsed as if given first; NULL: the field stays zero */
    double min, max;      /* OPTIONS_SIZE and OPTIONS_REAL: both allowed */
    const char *help;     /* one sentence without full stop */
    enum options_complete complete;
};

struct options_command {
    const char *name;     /* "recognize" */
    const char *operands; /* "FILE...", or NULL */
    size_t min_operands, max_operands;
    const char *summary; /* one line, no full stop */
    const char *details; /* paragraphs for --help and the man page, separated by empty lines */
    const struct options_option *options;
    size_t option_count;
    size_t settings_size;
    int (*run)(const void *settings,
               const struct options_list *operands); /* returns an exit code */
};

/* What a parsed command line is; options_done() frees it. */
struct options_line {
    void *settings; /* settings_size bytes: the command's struct */
    struct options_list operands;
    bool help; /* --help or -h was there; nothing else was checked */
};

/* Parses the words after the subcommand's name. On failure `ret_text` (text_size bytes) says what
 * is wrong, in one sentence, and false comes back; *ret_line needs no options_done() then. */
bool options_parse(const struct options_command *command, int argc, char *const *argv,
                   struct options_line *ret_line, char *ret_text, size_t text_size);
void options_done(const struct options_command *command, struct options_line *line);

/* Prints what `sparrow COMMAND --help` shows. */
void options_help(const struct options_command *command, FILE *out);

/* The entry of `names` (count of them) nearest to a mistyped word, or NULL if none is near. */
const char *options_nearest(const char *word, const char *const *names, size_t count);

/* Prints text folded at 80 columns, each line indented; empty lines separate paragraphs, a line
 * that begins with a blank is printed as it is. */
void options_fold(const char *text, size_t indent, FILE *out);

/* The same beside what stands in the line already, `used` columns of it: the first line follows at
 * column `indent` (below it if there is no room), the others stand under it. */
void options_fold_beside(const char *text, size_t used, size_t indent, FILE *out);

#endif
