/* completion.c - completion for bash, made from the option tables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/completion.h"

#include "clients/sparrow/commands.h"

/* A case pattern for the options whose values are completed in one way: "--model|-m|--out". Returns
 * how many. */
static size_t print_pattern(const struct options_command *command, enum options_complete complete,
                            FILE *out)
{
    size_t count = 0;
    for (size_t i = 0; i < command->option_count; i++) {
        const struct options_option *option = &command->options[i];
        if (option->complete != complete || option->kind == OPTIONS_FLAG)
            continue;
        fprintf(out, "%s--%s", count++ ? "|" : "        ", option->name);
        if (option->letter)
            fprintf(out, "|-%c", option->letter);
    }
    return count;
}

static void print_values(const struct options_command *command, FILE *out)
{
    static const struct {
        enum options_complete complete;
        const char *action;
    } actions[] = {
        {OPTIONS_FILE, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); compopt -o filenames"},
        {OPTIONS_FOLDER, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); compopt -o filenames"},
        {OPTIONS_CPU,
         "mapfile -t COMPREPLY < <(compgen -W 'native " COMMANDS_CPUS(" ", " ") "' -- \"$cur\")"},
        {OPTIONS_ANY, "COMPREPLY=()"},
    };
    fputs("        case $prev in\n", out);
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (print_pattern(command, actions[i].complete, out))
            fprintf(out, ")\n            %s\n            return ;;\n", actions[i].action);
    }
    fputs("        esac\n", out);
}

void completion_print(const struct options_command *const *commands, FILE *out)
{
    fputs("# bash completion for sparrow, made from its option tables by `sparrow --completion`\n"
          "# SPDX-License-Identifier: Apache-2.0\n"
          "_sparrow() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local command=${COMP_WORDS[1]} words=\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '--help --version --man --completion",
          out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, " %s", commands[i]->name);
    fputs("' -- \"$cur\")\n        return\n    fi\n    case $command in\n", out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "    %s)\n        words='--help", commands[i]->name);
        for (size_t j = 0; j < commands[i]->option_count; j++)
            fprintf(out, " --%s", commands[i]->options[j].name);
        fputs("'\n", out);
        print_values(commands[i], out);
        fputs("        ;;\n", out);
    }
    fputs("    esac\n"
          "    if [[ $cur == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "        compopt -o filenames\n"
          "    fi\n"
          "}\n"
          "complete -F _sparrow sparrow\n",
          out);
}
