/* features.c - `sparrow features`: what the network hears, as bytes. Training reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/clip.h"
#include "clients/sparrow/commands.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"

/* Raw clips that are read and written at a time: 4 MB in, 128 kB out. */
#define BATCH 128

struct features_settings {
    const char *model, *cpu, *front_end, *out, *type;
    bool raw;
    double max_seconds;
};

static const struct options_option features_options[] = {
    COMMANDS_MODEL(struct features_settings),
    COMMANDS_CPU(struct features_settings),
    {.name = "front-end",
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct features_settings, front_end),
     .value = "default",
     .help = "use the default front end, without any model"},
    {.name = "raw",
     .letter = 'r',
     .kind = OPTIONS_FLAG,
     .offset = offsetof(struct features_settings, raw),
     .help = "the input is one-second clips one after the other, without headers: 16,000 "
             "samples each, signed 16 bit, little-endian; no FILE means standard input"},
    {.name = "out",
     .letter = 'o',
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct features_settings, out),
     .value = "FILE",
     .help = "write there instead of standard output",
     .complete = OPTIONS_FILE},
    {.name = "type",
     .letter = 't',
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct features_settings, type),
     .value = "TYPE",
     .help = "media type of the files, instead of judging by their names"},
    {.name = "max-seconds",
     .kind = OPTIONS_REAL,
     .offset = offsetof(struct features_settings, max_seconds),
     .value = "S",
     .fallback = "3600",
     .min = 1,
     .max = 86400,
     .help = "refuse longer audio"},
};

static bool write_rows(const uint8_t *rows, size_t count, FILE *out)
{
    if (fwrite(rows, 1, count, out) == count)
        return true;
    say_error("the features could not be written: %s", strerror(errno));
    return false;
}

/* Turns `clips` raw clips into features. */
static void compute(const struct model *model, int16_t *pcm, size_t clips, uint8_t *features)
{
    for (size_t i = 0; i < clips * model->word_samples; i++)
        pcm[i] = (int16_t)le16toh((uint16_t)pcm[i]);
    for (size_t i = 0; i < clips; i++)
        sparrow_features(model->engine, model->scratch, pcm + i * model->word_samples,
                         model->word_samples, features + i * model->word_bytes);
}

static bool raw_stream(const struct model *model, FILE *in, const char *name, FILE *out)
{
    size_t clip_bytes = model->word_samples * sizeof(int16_t);
    int16_t *pcm = calloc(BATCH, clip_bytes);
    uint8_t *features = calloc(BATCH, model->word_bytes);
    bool ok = pcm && features;
    size_t got = ok ? fread(pcm, 1, BATCH * clip_bytes, in) : 0;
    if (!ok)
        say_error("no memory");
    while (ok && got >= clip_bytes) {
        size_t clips = got / clip_bytes, rest = got % clip_bytes;
        compute(model, pcm, clips, features);
        ok = write_rows(features, clips * model->word_bytes, out);
        memmove(pcm, (char *)pcm + clips * clip_bytes, rest);
        got = rest + (ok ? fread((char *)pcm + rest, 1, BATCH * clip_bytes - rest, in) : 0);
    }
    if (ok && ferror(in)) {
        say_error("%s: %s", name, strerror(errno));
        ok = false;
    } else if (ok && got) {
        say_error("%s: the last clip has %zu bytes instead of %zu", name, got, clip_bytes);
        ok = false;
    }
    free(features);
    free(pcm);
    return ok;
}

static bool raw_file(const struct model *model, const char *path, FILE *out)
{
    if (strcmp(path, "-") == 0)
        return raw_stream(model, stdin, "standard input", out);
    FILE *in = fopen(path, "re");
    if (!in) {
        say_error("%s: %s", path, strerror(errno));
        return false;
    }
    setvbuf(in, NULL, _IONBF, 0); /* reads are large already */
    bool ok = raw_stream(model, in, path, out);
    fclose(in);
    return ok;
}

static bool audio_file(const struct model *model, struct clip *clip, const char *path,
                       const struct features_settings *settings, FILE *out)
{
    if (!clip_read(clip, path, settings->type) || !clip_decode(clip, path, settings->max_seconds))
        return false;
    size_t samples = sparrow_audio_count(clip->audio);
    size_t count = sparrow_features_frames(model->engine, samples) * model->bands;
    uint8_t *features = malloc(count);
    if (!features) {
        say_error("%s: no memory", path);
        return false;
    }
    sparrow_features(model->engine, model->scratch, sparrow_audio_samples(clip->audio), samples,
                     features);
    bool ok = write_rows(features, count, out);
    free(features);
    return ok;
}

static int run_files(const struct model *model, const struct features_settings *settings,
                     const struct options_list *files, FILE *out)
{
    static const char *const standard_input[] = {"-"};
    const char *const *items = files->count ? files->items : standard_input;
    size_t count = files->count ? files->count : 1;
    struct clip clip = {0};
    int code = SAY_FINE;
    for (size_t i = 0; i < count; i++) {
        bool ok = settings->raw ? raw_file(model, items[i], out)
                                : audio_file(model, &clip, items[i], settings, out);
        if (!ok)
            code = SAY_FAILED;
        if (ferror(out))
            break;
    }
    clip_done(&clip);
    return code;
}

static int run(const void *arg, const struct options_list *files)
{
    const struct features_settings *settings = arg;
    struct model model;
    if (!settings->raw && files->count == 0) {
        say_error("features wants FILE..., or --raw (sparrow features --help explains)");
        return SAY_USAGE;
    }
    if (!(settings->front_end ? model_open_front_end(settings->front_end, settings->cpu, &model)
                              : model_open(settings->model, settings->cpu, &model)))
        return SAY_MODEL;
    FILE *out = settings->out ? fopen(settings->out, "we") : stdout;
    int code = SAY_FAILED;
    if (!out) {
        say_error("%s: %s", settings->out, strerror(errno));
    } else {
        code = run_files(&model, settings, files, out);
        if (out != stdout && fclose(out) != 0) {
            say_error("%s: %s", settings->out, strerror(errno));
            code = SAY_FAILED;
        }
    }
    model_close(&model);
    return code;
}

const struct options_command features_command = {
    .name = "features",
    .operands = "FILE...",
    .max_operands = SIZE_MAX,
    .summary = "write the features of clips, as the network gets them",
    .details = "Writes the features of each clip: unsigned bytes, one row of bands for each "
               "frame, 32 rows of 32 for a word. A shorter clip is filled up with silence; a "
               "longer one gives more rows. Files follow one another without a gap.\n\n"
               "With --raw, headerless one-second clips are read as fast as they come:\n"
               "  sparrow features --raw --front-end default < clips.s16 > clips.u8",
    .options = features_options,
    .option_count = sizeof(features_options) / sizeof(features_options[0]),
    .settings_size = sizeof(struct features_settings),
    .run = run,
};
