/* scores.c - `sparrow scores`: features in, the network's integer scores out, to compare kernels
 * and other implementations bit by bit.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/sparrow/bytes.h"
#include "clients/sparrow/commands.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"

#define BATCH         64
#define MAX_FILE_SIZE ((size_t)4 << 30)

struct scores_settings {
    const char *model, *cpu;
};

static const struct options_option scores_options[] = {
    COMMANDS_MODEL(struct scores_settings),
    COMMANDS_CPU(struct scores_settings),
};

static void print_heading(const struct model *model)
{
    fputs("file\tword", stdout);
    for (size_t i = 0; i < model->labels; i++)
        printf("\t%s", sparrow_model_label(model->engine, i));
    putchar('\n');
}

static void print_words(const struct model *model, const uint8_t *features, size_t words,
                        const char *path, int32_t *scores)
{
    for (size_t first = 0; first < words; first += BATCH) {
        const uint8_t *rows[BATCH];
        size_t n = words - first < BATCH ? words - first : BATCH;
        for (size_t i = 0; i < n; i++)
            rows[i] = features + (first + i) * model->word_bytes;
        sparrow_run(model->engine, model->scratch, rows, n, scores);
        for (size_t i = 0; i < n; i++) {
            printf("%s\t%zu", path, first + i);
            for (size_t label = 0; label < model->labels; label++)
                printf("\t%" PRId32, scores[i * model->labels + label]);
            putchar('\n');
        }
    }
}

static int run(const void *arg, const struct options_list *files)
{
    const struct scores_settings *settings = arg;
    struct model model;
    struct bytes bytes = {0};
    if (!model_open(settings->model, settings->cpu, &model))
        return SAY_MODEL;
    int32_t *scores = calloc(BATCH * model.labels, sizeof(*scores));
    int code = scores ? SAY_FINE : SAY_FAILED;
    if (scores)
        print_heading(&model);
    else
        say_error("no memory");
    for (size_t i = 0; scores && i < files->count; i++) {
        if (!bytes_read(&bytes, files->items[i], MAX_FILE_SIZE)) {
            code = SAY_FAILED;
        } else if (bytes.count % model.word_bytes) {
            say_error("%s: %zu bytes are no whole words of %zu", files->items[i], bytes.count,
                      model.word_bytes);
            code = SAY_FAILED;
        } else {
            print_words(&model, bytes.data, bytes.count / model.word_bytes, files->items[i],
                        scores);
        }
    }
    free(scores);
    bytes_done(&bytes);
    model_close(&model);
    return code;
}

const struct options_command scores_command = {
    .name = "scores",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "print the integer scores of features",
    .details = "Reads features as `sparrow features` writes them (1,024 bytes a word) and prints "
               "one line per word: the file, the number of the word in it, and the score of each "
               "label, with tabs between. Every kernel and every machine prints the same "
               "integers.",
    .options = scores_options,
    .option_count = sizeof(scores_options) / sizeof(scores_options[0]),
    .settings_size = sizeof(struct scores_settings),
    .run = run,
};
