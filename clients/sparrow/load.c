/* load.c - `sparrow load`: puts load on a server and tells how it bore it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clients/sparrow/clip.h"
#include "clients/sparrow/commands.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/table.h"
#include "clients/sparrow/target.h"
#include "clients/sparrow/traffic.h"

struct load_settings {
    const char *model, *server, *rate, *type;
    struct options_list clips;
    bool json, poisson;
    size_t connections;
    double duration_s, warmup_s, timeout_s;
};

#define AT(FIELD) offsetof(struct load_settings, FIELD)

static const struct options_option load_options[] = {
    {.name = "server",
     .letter = 's',
     .kind = OPTIONS_TEXT,
     .offset = AT(server),
     .value = "URL",
     .fallback = "http://127.0.0.1:8770",
     .help = "the server"},
    {.name = "clip",
     .letter = 'c',
     .kind = OPTIONS_LIST,
     .offset = AT(clips),
     .value = "FILE",
     .help = "send this clip (also as operand); several take turns",
     .complete = OPTIONS_FILE},
    {.name = "rate",
     .letter = 'r',
     .kind = OPTIONS_TEXT,
     .offset = AT(rate),
     .value = "N",
     .fallback = "100",
     .help = "send N requests a second whatever the answers do (open loop); \"max\": each "
             "connection sends as soon as it has its answer (closed loop)"},
    {.name = "poisson",
     .kind = OPTIONS_FLAG,
     .offset = AT(poisson),
     .help = "send at random moments, as many independent users do, instead of evenly"},
    {.name = "connections",
     .kind = OPTIONS_SIZE,
     .offset = AT(connections),
     .value = "N",
     .fallback = "16",
     .min = 1,
     .max = 60000,
     .help = "use at most N connections, kept alive"},
    {.name = "duration",
     .letter = 'd',
     .kind = OPTIONS_REAL,
     .offset = AT(duration_s),
     .value = "S",
     .fallback = "10",
     .min = 0.01,
     .max = 1e6,
     .help = "seconds that are counted"},
    {.name = "warmup",
     .kind = OPTIONS_REAL,
     .offset = AT(warmup_s),
     .value = "S",
     .fallback = "1",
     .min = 0,
     .max = 1e5,
     .help = "seconds before them that are not"},
    {.name = "timeout",
     .kind = OPTIONS_REAL,
     .offset = AT(timeout_s),
     .value = "S",
     .fallback = "5",
     .min = 0.001,
     .max = 3600,
     .help = "give up a request that waits so long for a free connection, or then for its answer"},
    {.name = "model",
     .letter = 'm',
     .kind = OPTIONS_TEXT,
     .offset = AT(model),
     .value = "NAME",
     .help = "ask for this model of the server's"},
    {.name = "type",
     .letter = 't',
     .kind = OPTIONS_TEXT,
     .offset = AT(type),
     .value = "TYPE",
     .help = "media type of the clips, instead of judging by their names"},
    COMMANDS_JSON(struct load_settings),
};

static const double shares[] = {0.5, 0.9, 0.99, 0.999};
static const char *const share_names[] = {"p50", "p90", "p99", "p99.9"};
enum { SHARES = sizeof(shares) / sizeof(shares[0]) };

enum { WORD_SIZE = 64 };

struct load {
    const struct load_settings *settings;
    double rate; /* 0: closed loop */
    struct target target;
    struct traffic_request *requests;
    char (*words)[WORD_SIZE]; /* what was heard first in each clip; "": nothing yet */
    size_t request_count;
    struct traffic_result result;
};

/* ---- the requests ---- */

/* A model's name goes into the URL as it is, so it must be one. */
static bool is_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static bool make_request(const struct load *load, const struct clip *clip,
                         struct traffic_request *ret_request)
{
    char head[2048];
    const char *model = load->settings->model;
    int n = snprintf(
        head, sizeof(head),
        "POST %s/v1/recognize%s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sparrow/" PACKAGE_VERSION
        "\r\nAccept: application/json\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
        load->target.prefix, model ? "?model=" : "", model ? model : "", load->target.authority,
        clip->media_type, clip->bytes.count);
    if (n < 0 || (size_t)n >= sizeof(head) || strpbrk(clip->media_type, "\r\n")) {
        say_error("\"%.60s\" is no media type", clip->media_type);
        return false;
    }
    char *bytes = malloc((size_t)n + clip->bytes.count);
    if (!bytes) {
        say_error("no memory");
        return false;
    }
    memcpy(bytes, head, (size_t)n);
    if (clip->bytes.count)
        memcpy(bytes + n, clip->bytes.data, clip->bytes.count);
    *ret_request = (struct traffic_request){bytes, (size_t)n + clip->bytes.count};
    return true;
}

static bool make_requests(struct load *load, const struct options_list *operands)
{
    const struct options_list *lists[] = {&load->settings->clips, operands};
    size_t count = lists[0]->count + lists[1]->count;
    struct clip clip = {0};
    load->requests = calloc(count, sizeof(*load->requests));
    load->words = calloc(count, sizeof(*load->words));
    bool ok = load->requests && load->words;
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; ok && i < lists[l]->count; i++) {
            ok = clip_read(&clip, lists[l]->items[i], load->settings->type) &&
                 make_request(load, &clip, &load->requests[load->request_count]);
            load->request_count += ok;
        }
    }
    clip_done(&clip);
    return ok;
}

static bool parse_rate(const char *text, double *ret_rate)
{
    char *end;
    if (strcmp(text, "max") == 0) {
        *ret_rate = 0;
        return true;
    }
    double rate = strtod(text, &end);
    if (end == text || *end || !(rate >= 0.01) || !(rate <= 1e6)) {
        say_error("--rate wants a number from 0.01 to 1000000, or \"max\", not \"%s\"", text);
        return false;
    }
    *ret_rate = rate;
    return true;
}

static int open_load(struct load *load, const struct options_list *operands)
{
    const struct load_settings *s = load->settings;
    char text[300];
    if (s->clips.count + operands->count == 0) {
        say_error("load wants a clip to send (--clip FILE)");
        return SAY_USAGE;
    }
    if (s->model && !is_name(s->model)) {
        say_error("\"%s\" is no name of a model", s->model);
        return SAY_USAGE;
    }
    if (!parse_rate(s->rate, &load->rate))
        return SAY_USAGE;
    if (!target_parse(s->server, &load->target, text, sizeof(text))) {
        say_error("%s", text);
        return SAY_USAGE;
    }
    if (!target_resolve(&load->target, text, sizeof(text))) {
        say_error("%s", text);
        return SAY_SERVER;
    }
    return make_requests(load, operands) ? SAY_FINE : SAY_FAILED;
}

/* ---- the answers ---- */

/* Whether a server heard the same word in a clip as the first time: under load too, an answer must
 * be that of its own clip. An answer without a word is wrong. */
static bool same_word(void *arg, size_t request, const char *body, size_t count)
{
    static const char key[] = "\"transcript\":\"";
    struct load *load = arg;
    char *known = load->words[request];
    const char *word = memmem(body, count, key, sizeof(key) - 1);
    if (!word)
        return false;
    word += sizeof(key) - 1;
    const char *end = memchr(word, '"', count - (size_t)(word - body));
    size_t n = end ? (size_t)(end - word) : 0;
    if (n == 0 || n >= WORD_SIZE)
        return false;
    if (!*known)
        memcpy(known, word, n); /* the rest of it is zero */
    return strlen(known) == n && memcmp(known, word, n) == 0;
}

/* Asks the system for as many descriptors as there are connections. */
static void raise_limit(size_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= connections + 64)
        return;
    limit.rlim_cur = connections + 64 < limit.rlim_max ? connections + 64 : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- the report ---- */

static void cell_ns(struct table *table, double ns)
{
    if (isnan(ns))
        table_cell(table, "-");
    else if (ns < 999.5e3)
        table_cell(table, "%.3g us", ns / 1e3);
    else if (ns < 999.5e6)
        table_cell(table, "%.3g ms", ns / 1e6);
    else
        table_cell(table, "%.3g s", ns / 1e9);
}

static double mean_ns(const struct histogram *histogram)
{
    return histogram->count ? histogram->sum / (double)histogram->count : (double)NAN;
}

static void row_latency(struct table *table, const char *name, const struct histogram *histogram)
{
    table_cell(table, "%s", name);
    for (size_t i = 0; i < SHARES; i++)
        cell_ns(table,
                histogram->count ? (double)histogram_quantile(histogram, shares[i]) : (double)NAN);
    cell_ns(table, histogram->count ? (double)histogram->max : (double)NAN);
    cell_ns(table, mean_ns(histogram));
}

static void print_latency(const struct load *load)
{
    struct table *table = table_new("lrrrrrr");
    table_cell(table, "LATENCY OF GOOD ANSWERS");
    for (size_t i = 0; i < SHARES; i++)
        table_cell(table, "%s", share_names[i]);
    table_cell(table, "max");
    table_cell(table, "mean");
    if (load->rate > 0)
        row_latency(table, "from when it was due", &load->result.latency);
    row_latency(table, "from when it was sent", &load->result.service);
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

static void row_count(struct table *table, const char *name, uint64_t count, double seconds)
{
    char text[32];
    table_cell(table, "%s", name);
    table_cell(table, "%s", table_thousands(count, text, sizeof(text)));
    double rate = seconds > 0 ? (double)count / seconds : 0.0;
    if (rate < 1e3)
        table_cell(table, "%.1f", rate);
    else
        table_cell(table, "%s", table_thousands((uint64_t)(rate + 0.5), text, sizeof(text)));
}

static void print_counts(const struct load *load)
{
    const struct traffic_result *r = &load->result;
    struct table *table = table_new("lrr");
    table_cell(table, "REQUESTS");
    table_cell(table, "COUNT");
    table_cell(table, "PER SECOND");
    row_count(table, "due", r->due, r->due_seconds);
    row_count(table, "answered", r->answered, r->seconds);
    for (unsigned status = 0; status < 600; status++) {
        char name[32];
        snprintf(name, sizeof(name), "  HTTP %u", status);
        if (r->statuses[status])
            row_count(table, name, r->statuses[status], r->seconds);
    }
    if (r->wrong)
        row_count(table, "  of 2xx, wrong word", r->wrong, r->seconds);
    for (int error = 0; error < TRAFFIC_ERROR_COUNT; error++) {
        if (r->errors[error])
            row_count(table, traffic_error_text((enum traffic_error)error), r->errors[error],
                      r->seconds);
    }
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

static void print_result(const struct load *load)
{
    const struct load_settings *s = load->settings;
    const struct traffic_result *r = &load->result;
    printf("server   %s%s\n", s->server, r->interrupted ? " (interrupted)" : "");
    if (load->rate > 0)
        printf("load     open loop, %g requests a second (%s)", load->rate,
               s->poisson ? "Poisson" : "even");
    else
        printf("load     closed loop");
    printf(", %zu connection%s, %g s after %g s of warm-up, %zu clip%s\n", s->connections,
           s->connections == 1 ? "" : "s", s->duration_s, s->warmup_s, load->request_count,
           load->request_count == 1 ? "" : "s");
    printf("goodput  %.1f clips/s; %.2f MB/s sent, %.2f MB/s received\n\n",
           r->seconds > 0 ? (double)r->good / r->seconds : 0.0,
           r->seconds > 0 ? (double)r->bytes_sent / r->seconds / 1e6 : 0.0,
           r->seconds > 0 ? (double)r->bytes_received / r->seconds / 1e6 : 0.0);
    print_counts(load);
    putchar('\n');
    print_latency(load);
}

static json_t *json_latency(const struct histogram *histogram)
{
    json_t *object = json_object();
    for (size_t i = 0; i < SHARES; i++)
        json_object_set_new(object, share_names[i],
                            histogram->count
                                ? json_real((double)histogram_quantile(histogram, shares[i]) / 1e3)
                                : json_null());
    json_object_set_new(object, "max",
                        histogram->count ? json_real((double)histogram->max / 1e3) : json_null());
    json_object_set_new(object, "mean", json_real_or_null(mean_ns(histogram) / 1e3));
    return object;
}

static json_t *json_result(const struct load *load)
{
    const struct load_settings *s = load->settings;
    const struct traffic_result *r = &load->result;
    json_t *statuses = json_object(), *errors = json_object();
    for (unsigned status = 0; status < 600; status++) {
        char name[8];
        snprintf(name, sizeof(name), "%u", status);
        if (r->statuses[status])
            json_object_set_new(statuses, name, json_integer((json_int_t)r->statuses[status]));
    }
    for (int error = 0; error < TRAFFIC_ERROR_COUNT; error++)
        json_object_set_new(errors, traffic_error_name((enum traffic_error)error),
                            json_integer((json_int_t)r->errors[error]));
    json_t *counts = json_pack(
        "{s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I}", "due", (json_int_t)r->due, "answered",
        (json_int_t)r->answered, "good", (json_int_t)r->good, "wrong", (json_int_t)r->wrong,
        "statuses", statuses, "errors", errors, "bytes_sent", (json_int_t)r->bytes_sent,
        "bytes_received", (json_int_t)r->bytes_received, "connects", (json_int_t)r->connects);
    json_t *root =
        json_pack("{s:s, s:o, s:b, s:I, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:b}", "server",
                  s->server, "rate", load->rate > 0 ? json_real(load->rate) : json_null(),
                  "poisson", s->poisson, "connections", (json_int_t)s->connections, "warmup_s",
                  s->warmup_s, "duration_s", s->duration_s, "timeout_s", s->timeout_s, "seconds",
                  r->seconds, "goodput", r->seconds > 0 ? (double)r->good / r->seconds : 0.0,
                  "latency_us", json_latency(&r->latency), "service_us", json_latency(&r->service),
                  "interrupted", r->interrupted);
    if (root)
        json_object_update(root, counts);
    json_decref(counts);
    return root;
}

static int report(const struct load *load)
{
    if (load->settings->json) {
        json_t *root = json_result(load);
        bool ok = json_print(root, JSON_INDENT(2), stdout);
        json_decref(root);
        if (!ok)
            return SAY_FAILED;
    } else {
        print_result(load);
    }
    if (load->result.answered == 0) {
        say_error("%s: no request was answered", load->settings->server);
        return SAY_SERVER;
    }
    if (load->result.good == 0) {
        say_error("%s: no answer was good", load->settings->server);
        return SAY_FAILED;
    }
    return SAY_FINE;
}

static int run(const void *arg, const struct options_list *operands)
{
    char text[300];
    struct load *load = calloc(1, sizeof(*load));
    if (!load) {
        say_error("no memory");
        return SAY_FAILED;
    }
    load->settings = arg;
    int code = open_load(load, operands);
    if (code == SAY_FINE) {
        struct traffic_options options = {.address = (const struct sockaddr *)&load->target.address,
                                          .requests = load->requests,
                                          .request_count = load->request_count,
                                          .connections = load->settings->connections,
                                          .rate = load->rate,
                                          .poisson = load->settings->poisson,
                                          .warmup_s = load->settings->warmup_s,
                                          .duration_s = load->settings->duration_s,
                                          .timeout_s = load->settings->timeout_s,
                                          .check = same_word,
                                          .check_arg = load};
        raise_limit(options.connections);
        if (traffic_run(&options, &load->result, text, sizeof(text))) {
            code = report(load);
        } else {
            say_error("%s", text);
            code = SAY_FAILED;
        }
    }
    for (size_t i = 0; i < load->request_count; i++)
        free((char *)(uintptr_t)load->requests[i].bytes);
    free(load->requests);
    free(load->words);
    free(load);
    return code;
}

const struct options_command load_command = {
    .name = "load",
    .operands = "[FILE...]",
    .max_operands = SIZE_MAX,
    .summary = "put load on a server and measure its latency",
    .details = "POSTs clips to /v1/recognize of a server (plain HTTP/1.1, connections kept "
               "alive) and tells how many were answered, how, and after how long.\n\n"
               "With a rate the load is an open loop: when a request is due does not depend on "
               "any answer, and its latency counts from that moment, so a server that stalls is "
               "charged with everything that its users would have sent meanwhile. What finds no "
               "free connection waits for one, and its time runs. With --rate max each "
               "connection sends its next request when it has its answer: that finds the most "
               "that a server can bear, but its latencies say little.\n\n"
               "An answer is good if it is 2xx and hears the same word in its clip as the first "
               "answer did. Percentiles come from a histogram with three significant digits, "
               "over good answers. The exit code is 0 if any answer was good.\n\n"
               "  sparrow load --rate 500 --connections 32 --duration 30 yes.wav no.wav",
    .options = load_options,
    .option_count = sizeof(load_options) / sizeof(load_options[0]),
    .settings_size = sizeof(struct load_settings),
    .run = run,
};
