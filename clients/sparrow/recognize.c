/* recognize.c - `sparrow recognize`: which word a clip holds, found here or by a server.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clients/sparrow/clip.h"
#include "clients/sparrow/commands.h"
#include "clients/sparrow/http.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/local.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/show.h"

struct recognize_settings {
    const char *model, *cpu, *server, *ca, *type, *keywords;
    bool json;
    size_t top;
    double threshold, hop_ms, timeout_s, max_seconds;
};

#define AT(FIELD) offsetof(struct recognize_settings, FIELD)

static const struct options_option recognize_options[] = {
    COMMANDS_MODEL(struct recognize_settings),
    COMMANDS_CPU(struct recognize_settings),
    COMMANDS_SERVER(struct recognize_settings),
    {.name = "ca",
     .kind = OPTIONS_TEXT,
     .offset = AT(ca),
     .value = "FILE",
     .help = "with an https server: trust the certificates in this file",
     .complete = OPTIONS_FILE},
    {.name = "timeout",
     .kind = OPTIONS_REAL,
     .offset = AT(timeout_s),
     .value = "S",
     .fallback = "30",
     .min = 0.001,
     .max = 3600,
     .help = "give a server so many seconds for each clip"},
    {.name = "type",
     .letter = 't',
     .kind = OPTIONS_TEXT,
     .offset = AT(type),
     .value = "TYPE",
     .help = "media type of the clips, instead of judging by their names; a file without a "
             "header needs it: 'audio/l16;rate=16000;channels=1'"},
    {.name = "top",
     .letter = 'n',
     .kind = OPTIONS_SIZE,
     .offset = AT(top),
     .value = "N",
     .fallback = "1",
     .min = 1,
     .max = 65536,
     .help = "show the N most confident words"},
    {.name = "keywords",
     .letter = 'k',
     .kind = OPTIONS_TEXT,
     .offset = AT(keywords),
     .value = "LIST",
     .help = "look for these words in all of the clip, as yes,no"},
    {.name = "threshold",
     .kind = OPTIONS_REAL,
     .offset = AT(threshold),
     .value = "X",
     .fallback = "0.5",
     .min = 0,
     .max = 1,
     .help = "least confidence of a word that --keywords finds"},
    {.name = "hop-ms",
     .kind = OPTIONS_REAL,
     .offset = AT(hop_ms),
     .value = "MS",
     .min = 1,
     .max = 60000,
     .help = "tell the word of each second that begins every MS milliseconds, rounded to whole "
             "frames (default: only the best of the clip)"},
    {.name = "max-seconds",
     .kind = OPTIONS_REAL,
     .offset = AT(max_seconds),
     .value = "S",
     .fallback = "3600",
     .min = 1,
     .max = 86400,
     .help = "refuse longer audio (a server has a limit of its own)"},
    COMMANDS_JSON(struct recognize_settings),
};

/* Whoever recognises: either `http` or `model`. */
struct recogniser {
    const struct recognize_settings *settings;
    struct model model;
    struct http *http;
    char path[1000]; /* of the server's route, with its query */
};

static bool make_path(struct recogniser *r)
{
    const struct recognize_settings *s = r->settings;
    char top[24], hop[32], threshold[32];
    snprintf(top, sizeof(top), "%zu", s->top);
    snprintf(hop, sizeof(hop), "%.6g", s->hop_ms);
    snprintf(threshold, sizeof(threshold), "%.6g", s->threshold);
    snprintf(r->path, sizeof(r->path), "/v1/recognize");
    size_t size = sizeof(r->path);
    bool ok = http_query(r->http, r->path, size, "model", s->model) &&
              http_query(r->http, r->path, size, "top", top) &&
              (s->hop_ms <= 0 || http_query(r->http, r->path, size, "hop_ms", hop));
    if (ok && s->keywords)
        ok = http_query(r->http, r->path, size, "keywords", s->keywords) &&
             http_query(r->http, r->path, size, "keywords_threshold", threshold);
    if (!ok)
        say_error("--model or --keywords is too long");
    return ok;
}

static int open_recogniser(struct recogniser *r)
{
    const struct recognize_settings *s = r->settings;
    if (s->server) {
        r->http = http_new(s->server, s->ca, s->timeout_s);
        return r->http && make_path(r) ? SAY_FINE : SAY_USAGE;
    }
    if (!model_open(s->model, s->cpu, &r->model))
        return SAY_MODEL;
    return local_check_keywords(&r->model, s->keywords) ? SAY_FINE : SAY_USAGE;
}

static void close_recogniser(struct recogniser *r)
{
    if (r->model.engine)
        model_close(&r->model);
    http_free(r->http);
}

/* Recognises one clip. Returns an exit code; on SAY_FINE the caller owns *ret_reply. */
static int recognise(struct recogniser *r, struct clip *clip, const char *path, json_t **ret_reply)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (!clip_read(clip, path, r->settings->type))
        return SAY_FAILED;
    if (r->http) {
        enum http_outcome outcome = http_post(r->http, r->path, clip->media_type, clip->bytes.data,
                                              clip->bytes.count, name, ret_reply);
        return outcome == HTTP_FINE ? SAY_FINE : outcome == HTTP_REFUSED ? SAY_FAILED : SAY_SERVER;
    }
    struct local_options options = {.top = r->settings->top,
                                    .keywords = r->settings->keywords,
                                    .threshold = r->settings->threshold,
                                    .hop_ms = r->settings->hop_ms,
                                    .max_seconds = r->settings->max_seconds};
    *ret_reply = local_recognize(&r->model, clip, name, &options);
    return *ret_reply ? SAY_FINE : SAY_FAILED;
}

static int run(const void *arg, const struct options_list *files)
{
    struct recogniser r = {.settings = arg};
    int code = open_recogniser(&r);
    if (code != SAY_FINE) {
        close_recogniser(&r);
        return code;
    }
    struct clip clip = {0};
    struct show show = {.remote = r.http != NULL, .colour = say_colour()};
    for (size_t i = 0; i < files->count; i++)
        show_reserve(&show, files->items[i]);
    for (size_t i = 0; i < files->count && code != SAY_SERVER; i++) {
        json_t *reply = NULL;
        int one = recognise(&r, &clip, files->items[i], &reply);
        if (one != SAY_FINE)
            code = one;
        else if (r.settings->json)
            json_print(reply, JSON_COMPACT, stdout);
        else
            show_reply(&show, files->items[i], reply, stdout);
        json_decref(reply);
    }
    clip_done(&clip);
    close_recogniser(&r);
    return code;
}

const struct options_command recognize_command = {
    .name = "recognize",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "say which word each clip holds",
    .details = "Says which word each clip holds, one line per clip: the word, how sure the "
               "network is, where in the clip speech is, and what it took. FILE is WAV, FLAC, "
               "Ogg (Vorbis, Opus) or MP3, or headerless with --type; \"-\" is standard "
               "input.\n\n"
               "Without --server the network runs in this process. With it each clip is POSTed "
               "to /v1/recognize, and energy and replica are told too. --json prints the "
               "server's reply, or the same shape with null for what only a server knows, one "
               "line per clip.\n\n"
               "  sparrow recognize yes.wav no.flac\n"
               "  sparrow recognize --server http://127.0.0.1:8770 --top 3 yes.wav\n"
               "  arecord -f S16_LE -r 16000 -d 2 | sparrow recognize -",
    .options = recognize_options,
    .option_count = sizeof(recognize_options) / sizeof(recognize_options[0]),
    .settings_size = sizeof(struct recognize_settings),
    .run = run,
};
