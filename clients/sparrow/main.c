/* main.c - finds the subcommand and runs it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "clients/sparrow/commands.h"
#include "clients/sparrow/completion.h"
#include "clients/sparrow/man.h"
#include "clients/sparrow/say.h"
#include "engine/sparrow.h"

const struct options_command *const commands_all[] = {
    &recognize_command, &models_command,   &info_command,   &eval_command, &load_command,
    &bench_command,     &features_command, &scores_command, NULL,
};

static void help(FILE *out)
{
    fputs("Usage: sparrow COMMAND [OPTION...] [FILE...]\n\n", out);
    options_fold(man_summary(), 0, out);
    fputs("\nCommands:\n", out);
    for (size_t i = 0; commands_all[i]; i++)
        fprintf(out, "  %-11s %s\n", commands_all[i]->name, commands_all[i]->summary);
    fputs(
        "\n`sparrow COMMAND --help` explains one; `sparrow --version` tells the version;\n"
        "`sparrow --man` and `sparrow --completion` print the man page and the bash completion.\n",
        out);
}

static const struct options_command *find(const char *name)
{
    const char *names[32];
    size_t count = 0;
    for (; count < 32 && commands_all[count]; count++) {
        names[count] = commands_all[count]->name;
        if (strcmp(name, names[count]) == 0)
            return commands_all[count];
    }
    const char *near = options_nearest(name, names, count);
    if (near)
        say_error("there is no command \"%s\": did you mean \"%s\"?", name, near);
    else
        say_error("there is no command \"%s\" (sparrow --help lists them)", name);
    return NULL;
}

static int run(const struct options_command *command, int argc, char *const *argv)
{
    struct options_line line;
    char text[300];
    if (!options_parse(command, argc, argv, &line, text, sizeof(text))) {
        say_error("%s", text);
        return SAY_USAGE;
    }
    int code = SAY_FINE;
    if (line.help)
        options_help(command, stdout);
    else
        code = command->run(line.settings, &line.operands);
    options_done(command, &line);
    return code;
}

/* Output that did not reach its file is a failure, even when the disk filled only at the end. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    say_error("the output could not be written");
    return code == SAY_FINE ? SAY_FAILED : code;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (!*word) {
        help(stderr);
        return SAY_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        (strcmp(word, "help") == 0 && argc == 2)) {
        help(stdout);
        return finish(SAY_FINE);
    }
    if (strcmp(word, "--version") == 0) {
        printf("sparrow %s (libsparrow %s)\n", PACKAGE_VERSION, sparrow_version());
        return finish(SAY_FINE);
    }
    if (strcmp(word, "--man") == 0) {
        man_print(commands_all, stdout);
        return finish(SAY_FINE);
    }
    if (strcmp(word, "--completion") == 0) {
        completion_print(commands_all, stdout);
        return finish(SAY_FINE);
    }
    bool helping = strcmp(word, "help") == 0;
    const struct options_command *command = find(helping ? argv[2] : word);
    if (!command)
        return SAY_USAGE;
    if (helping) {
        options_help(command, stdout);
        return finish(SAY_FINE);
    }
    return finish(run(command, argc - 2, argv + 2));
}
