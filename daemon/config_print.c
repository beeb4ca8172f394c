/* config_print.c - the texts that are made from config.def: example file, man page, help,
 * docs/configuration.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <string.h>

/* Words of text in lines of at most `width` columns, each beginning with `prefix`. */
static void print_wrapped(FILE *out, const char *prefix, size_t width, const char *text)
{
    size_t column = 0;
    for (const char *p = text; *p != '\0';) {
        size_t n = strcspn(p, " ");
        if (column > 0 && column + 1 + n > width) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0) {
            fputs(prefix, out);
            column = strlen(prefix);
        } else {
            fputc(' ', out);
            column++;
        }
        fwrite(p, 1, n, out);
        column += n;
        p += n;
        p += strspn(p, " ");
    }
    if (column > 0)
        fputc('\n', out);
}

static bool begins_section(size_t i)
{
    return i == 0 || strcmp(config_keys[i].section, config_keys[i - 1].section) != 0;
}

/* "Whole number from 0 to 256 (threads). Applied by SIGHUP." */
static void print_kind(FILE *out, const struct config_key *k)
{
    const char *unit_open = k->unit[0] != '\0' ? " (" : "",
               *unit_close = k->unit[0] != '\0' ? ")" : "";
    switch (k->type) {
    case CONFIG_STRING:
        fprintf(out, "Text%s%s%s.", unit_open, k->unit, unit_close);
        break;
    case CONFIG_CHOICE:
        fprintf(out, "One of: %s.", k->unit);
        break;
    case CONFIG_BOOL:
        fputs("yes or no.", out);
        break;
    case CONFIG_UINT:
    case CONFIG_REAL:
        fprintf(out, "%s from %.10g to %.10g%s%s%s.",
                k->type == CONFIG_UINT ? "Whole number" : "Number", k->min, k->max, unit_open,
                k->unit, unit_close);
        break;
    }
    fputs(k->reload ? " Applied by SIGHUP." : " Applied by a restart.", out);
}

void config_print_value(const struct config *config, const struct config_key *k, FILE *out)
{
    const void *field = (const char *)config + k->offset;
    switch (k->type) {
    case CONFIG_STRING:
    case CONFIG_CHOICE:
        fputs(*(const char *const *)field, out);
        break;
    case CONFIG_BOOL:
        fputs(*(const bool *)field ? "yes" : "no", out);
        break;
    case CONFIG_UINT:
        fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
        break;
    case CONFIG_REAL:
        fprintf(out, "%.9f", *(const double *)field);
        break;
    }
}

void config_print_example(FILE *out)
{
    fputs("# sparrowd.conf - the configuration of sparrowd(8). Every key stands here with its "
          "default; take away the # to change it.\n"
          "# The environment (SPARROWD_SECTION_KEY=value) goes over this file, the command line "
          "(--section.key=value) over both.\n"
          "# `sparrowd --check --config FILE` lists every mistake in a file. Made from "
          "daemon/config.def.\n"
          "# SPDX-License-Identifier: Apache-2.0\n",
          out);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (begins_section(i))
            fprintf(out, "\n[%s]\n", k->section);
        fputc('\n', out);
        print_wrapped(out, "# ", 100, k->sentence);
        print_wrapped(out, "# ", 100, k->paragraph);
        fputs("# ", out);
        print_kind(out, k);
        fprintf(out, "\n#%s =%s%s\n", k->key, k->def[0] != '\0' ? " " : "", k->def);
    }
}

/* roff takes a dot or a quote at the start of a line and a backslash anywhere for its own, and a
 * plain - for a hyphen. */
static void print_roff(FILE *out, const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", out);
    for (; *s != '\0'; s++) {
        if (*s == '\\')
            fputs("\\e", out);
        else if (*s == '-')
            fputs("\\-", out);
        else
            fputc(*s, out);
    }
}

void config_print_man(FILE *out)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (begins_section(i))
            fprintf(out, ".SS [%s]\n", k->section);
        fprintf(out, ".TP\n.BR %s \" = ", k->key);
        print_roff(out, k->def);
        fputs("\"\n", out);
        print_roff(out, k->sentence);
        fputc('\n', out);
        if (k->paragraph[0] != '\0') {
            print_roff(out, k->paragraph);
            fputc('\n', out);
        }
        print_kind(out, k);
        fputc('\n', out);
    }
}

void config_print_help(FILE *out)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (begins_section(i))
            fputc('\n', out);
        fprintf(out, "  --%s.%s=%s\n", k->section, k->key, k->def);
        print_wrapped(out, "        ", 96, k->sentence);
    }
}

void config_print_markdown(FILE *out)
{
    fputs("# Configuration\n\n"
          "One INI file (`sparrowd --config FILE`; the service reads "
          "`/etc/sparrow/sparrowd.conf`), then the\n"
          "environment (`SPARROWD_SECTION_KEY=value`), then the command line "
          "(`--section.key=value`); the later one\n"
          "wins. Unknown sections and keys, keys set twice and values out of range are errors, all "
          "of them listed by\n"
          "`sparrowd --check` with file and line. A line that starts with `#` or `;` is a comment; "
          "`;` after a blank\n"
          "begins one too. Numbers are decimal, bytes may end in K, M or G (powers of 1024).\n",
          out);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (begins_section(i))
            fprintf(out, "\n## [%s]\n\n| key | default | what |\n| --- | --- | --- |\n",
                    k->section);
        fprintf(out, "| `%s` | %s%s%s | %s%s%s ", k->key, k->def[0] != '\0' ? "`" : "empty", k->def,
                k->def[0] != '\0' ? "`" : "", k->sentence, k->paragraph[0] != '\0' ? " " : "",
                k->paragraph);
        print_kind(out, k);
        fputs(" |\n", out);
    }
}
