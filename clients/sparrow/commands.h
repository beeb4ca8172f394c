/* commands.h - the subcommands: each is one table in the file of its name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_COMMANDS_H
#define CLIENTS_SPARROW_COMMANDS_H

#include "clients/sparrow/options.h"

extern const struct options_command recognize_command;
extern const struct options_command features_command;
extern const struct options_command scores_command;
extern const struct options_command info_command;
extern const struct options_command eval_command;
extern const struct options_command load_command;
extern const struct options_command bench_command;
extern const struct options_command models_command;

/* All of them, in the order in which help shows them; ends with NULL. Stands in main.c. */
extern const struct options_command *const commands_all[];

/* The sets of kernels, slower ones first: SEP between them, LAST in front of the last. With strings
 * it is one string. */
#define COMMANDS_CPUS(SEP, LAST)                                                                   \
    "scalar" SEP "avx2" SEP "avxvnni" SEP "avx512vnni" SEP "avx512" SEP "neon" LAST "dotprod"

/* The options that many tables share. SETTINGS is the struct that has the fields named below. */
#define COMMANDS_MODEL(SETTINGS)                                                                   \
    {                                                                                              \
        .name = "model", .letter = 'm', .kind = OPTIONS_TEXT, .offset = offsetof(SETTINGS, model), \
        .value = "MODEL", .fallback = "commands",                                                  \
        .help =                                                                                    \
            "a model file, or the name of a model in $SPARROW_MODELS, ./models or the installed "  \
            "models",                                                                              \
        .complete = OPTIONS_FILE                                                                   \
    }
#define COMMANDS_CPU(SETTINGS)                                                                     \
    {                                                                                              \
        .name = "cpu", .kind = OPTIONS_TEXT, .offset = offsetof(SETTINGS, cpu), .value = "LIST",   \
        .help = "which kernels may run: " COMMANDS_CPUS(                                           \
            ", ", ", ") " or native, or a comma list (default $SPARROW_CPU, else native)",         \
        .complete = OPTIONS_CPU                                                                    \
    }
#define COMMANDS_JSON(SETTINGS)                                                                    \
    {                                                                                              \
        .name = "json", .letter = 'j', .kind = OPTIONS_FLAG, .offset = offsetof(SETTINGS, json),   \
        .help = "print JSON"                                                                       \
    }
#define COMMANDS_SERVER(SETTINGS)                                                                  \
    {                                                                                              \
        .name = "server", .letter = 's', .kind = OPTIONS_TEXT,                                     \
        .offset = offsetof(SETTINGS, server), .value = "URL",                                      \
        .help = "let this server do it, as http://127.0.0.1:8770"                                  \
    }

#endif
