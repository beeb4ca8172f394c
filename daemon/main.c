/* main.c - the command line of sparrowd.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/metrics.h"
#include "daemon/preflight.h"
#include "daemon/serve.h"
#include "daemon/status.h"

#define EXIT_USAGE 2

static const char usage[] =
    "Usage: sparrowd [--config FILE] [--section.key=value ...]\n"
    "Serves sparse speech models over HTTP.\n"
    "\n"
    "  --config FILE          read this configuration file; SIGHUP reads it again\n"
    "  --section.key=value    set one key (below); stronger than the file and than the environment "
    "SPARROWD_SECTION_KEY\n"
    "  --check                check the configuration, the addresses and the models, and leave\n"
    "  --port-file FILE       write the addresses it listens on there, one a line, once it serves\n"
    "  --ready-fd N           write them to this descriptor and close it\n"
    "  --print-config         print the configuration file with its defaults, each key explained\n"
    "  --print-man            print the man page's section on the configuration (roff)\n"
    "  --print-keys           print docs/configuration.md\n"
    "  --print-metrics        print docs/metrics.md\n"
    "  --print-errors         print docs/errors.md\n"
    "  --help, --version\n"
    "\n"
    "SIGHUP reloads configuration and models; SIGTERM drains and ends; a second SIGTERM ends at "
    "once.\n";

static void print_help(FILE *out)
{
    fputs(usage, out);
    config_print_help(out);
}

static void print_version(FILE *out)
{
    fprintf(out, "sparrowd %s\n", sparrow_version());
}

static const struct {
    const char *option;
    void (*print)(FILE *out);
} prints[] = {
    {"--help", print_help},
    {"--version", print_version},
    {"--print-config", config_print_example},
    {"--print-man", config_print_man},
    {"--print-keys", config_print_markdown},
    {"--print-metrics", metrics_print_markdown},
    {"--print-errors", status_print_markdown},
};

struct command {
    struct serve_options serve;
    const char **overrides; /* NULL-terminated */
    size_t override_count;
    bool check;
    void (*print)(FILE *out);
};

/* The value of an option as "--name value" or "--name=value"; moves *i on. NULL: argv[*i] is
 * another option, or has no value. */
static const char *value_of(const char *name, char **argv, int *i)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0)
        return NULL;
    if (argv[*i][n] == '=')
        return argv[*i] + n + 1;
    return argv[*i][n] == 0 && argv[*i + 1] ? argv[++*i] : NULL;
}

static int bad_usage(const char *what, const char *argument)
{
    fprintf(stderr, "sparrowd: %s: %s\nTry sparrowd --help.\n", what, argument);
    return EXIT_USAGE;
}

static int parse_number(const char *text, int *ret_number)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 0 || n > 1 << 20)
        return -1;
    *ret_number = (int)n;
    return 0;
}

/* One argument, or an option and its value. 0, or an exit status. */
static int parse_one(struct command *c, char **argv, int *i)
{
    const char *value, *argument = argv[*i];
    for (size_t p = 0; p < sizeof prints / sizeof *prints; p++)
        if (strcmp(argument, prints[p].option) == 0) {
            c->print = prints[p].print;
            return 0;
        }
    if (strcmp(argument, "--check") == 0) {
        c->check = true;
    } else if ((value = value_of("--config", argv, i))) {
        c->serve.config_file = value;
    } else if ((value = value_of("--port-file", argv, i))) {
        c->serve.port_file = value;
    } else if ((value = value_of("--ready-fd", argv, i))) {
        if (parse_number(value, &c->serve.ready_fd))
            return bad_usage("not a descriptor", value);
    } else if (strncmp(argument, "--", 2) == 0 && strchr(argument, '.') &&
               strchr(argument, '=') > strchr(argument, '.')) {
        c->overrides[c->override_count++] = argument + 2;
    } else {
        return bad_usage("unknown option, or one that needs a value", argument);
    }
    return 0;
}

static int run(struct command *c)
{
    if (c->print) {
        c->print(stdout);
        return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    struct sparrow_error err = {0};
    c->serve.overrides = c->overrides;
    if (config_load(c->serve.config_file, c->overrides, stderr, &c->serve.config, &err)) {
        if (err.status != SPARROW_CONFIG) /* those are listed already */
            fprintf(stderr, "sparrowd: %s\n", err.text);
        return EXIT_USAGE;
    }
    int status;
    if (!c->check) {
        status = serve_run(&c->serve);
    } else if (preflight(c->serve.config, stderr) == 0) {
        puts("configuration is fine");
        status = EXIT_SUCCESS;
    } else {
        status = EXIT_USAGE;
    }
    config_unref(c->serve.config);
    return status;
}

int main(int argc, char **argv)
{
    struct command c = {.serve.ready_fd = -1};
    int status = 0;
    c.overrides = calloc((size_t)argc + 1, sizeof *c.overrides);
    if (!c.overrides)
        return EXIT_FAILURE;
    for (int i = 1; i < argc && status == 0; i++)
        status = parse_one(&c, argv, &i);
    if (status == 0)
        status = run(&c);
    free(c.overrides);
    return status;
}
