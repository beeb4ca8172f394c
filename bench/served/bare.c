/* bare.c - the least an HTTP server can be: libmicrohttpd on one libuv loop, a body in, an answer
 * out. What sparrowd is measured against.
 *   bare const PORT          reads the body, answers a constant
 *   bare engine PORT MODEL   reads the body, runs the same engine on it inline, answers the keyword
 * No limits, no deadlines, no metrics: a yardstick, not a server. Prints "ready" when it listens;
 * SIGTERM ends it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "engine/sparrow.h"

enum { MAX_BODY = 1 << 20 };

struct bare {
    uv_loop_t loop;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t again;
    uv_signal_t term;
    struct MHD_Daemon *mhd;
    struct sparrow_model *model; /* NULL: constant answers */
    struct sparrow_scratch *scratch;
    struct sparrow_audio *audio;
    uint8_t *features;
    size_t features_cap;
    int32_t *scores;
    float *confidence;
    struct body *spare; /* one body's memory is kept; more come and go with malloc */
};

struct body {
    size_t len;
    char bytes[MAX_BODY];
};

static void turn(struct bare *b);

static void on_poll(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    turn(p->data);
}

static void on_timer(uv_timer_t *t)
{
    turn(t->data);
}

static void on_idle(uv_idle_t *i)
{
    turn(i->data);
}

static void turn(struct bare *b)
{
    MHD_UNSIGNED_LONG_LONG ms;
    MHD_run(b->mhd);
    bool waits = MHD_get_timeout(b->mhd, &ms) == MHD_YES;
    if (waits && ms == 0)
        uv_idle_start(&b->again, on_idle);
    else
        uv_idle_stop(&b->again);
    if (waits && ms > 0)
        uv_timer_start(&b->timer, on_timer, ms, 0);
    else
        uv_timer_stop(&b->timer);
}

static int answer_keyword(struct bare *b, const struct body *body, char *text, size_t cap)
{
    struct sparrow_error err;
    if (sparrow_audio_decode(b->audio, body->bytes, body->len, NULL, &err) < 0)
        return snprintf(text, cap, "{\"error\":\"%s\"}\n", err.text);
    const int16_t *pcm = sparrow_audio_samples(b->audio);
    size_t samples = sparrow_audio_count(b->audio);
    size_t word = sparrow_model_frames(b->model) * sparrow_model_hop(b->model);
    if (samples > word)
        samples = word; /* the yardstick knows one second only */
    sparrow_features(b->model, b->scratch, pcm, samples, b->features);
    sparrow_run(b->model, b->scratch, (const uint8_t *const[]){b->features}, 1, b->scores);
    sparrow_confidence(b->model, b->scores, b->confidence);
    size_t best = 0;
    for (size_t i = 1; i < sparrow_model_label_count(b->model); i++)
        if (b->scores[i] > b->scores[best])
            best = i;
    return snprintf(text, cap, "{\"transcript\":\"%s\",\"confidence\":%.3f}\n",
                    sparrow_model_label(b->model, best), (double)b->confidence[best]);
}

static enum MHD_Result answer(struct bare *b, struct MHD_Connection *c, const struct body *body)
{
    char text[256];
    int n = b->model
                ? answer_keyword(b, body, text, sizeof text)
                : snprintf(text, sizeof text, "{\"transcript\":\"yes\",\"confidence\":0.999}\n");
    struct MHD_Response *r =
        MHD_create_response_from_buffer((size_t)n, text, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result ok = MHD_queue_response(c, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    struct bare *b = arg;
    struct body *body = *context;
    (void)url;
    (void)method;
    (void)version;
    if (!body) {
        body = b->spare ? b->spare : malloc(sizeof *body);
        b->spare = NULL;
        if (!body)
            return MHD_NO;
        body->len = 0;
        *context = body;
        return MHD_YES;
    }
    if (*size == 0)
        return answer(b, c, body);
    if (*size > MAX_BODY - body->len)
        return MHD_NO;
    memcpy(body->bytes + body->len, data, *size);
    body->len += *size;
    *size = 0;
    return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct bare *b = arg;
    (void)c;
    (void)why;
    if (b->spare)
        free(*context);
    else
        b->spare = *context;
    *context = NULL;
}

static void on_term(uv_signal_t *s, int number)
{
    (void)number;
    uv_stop(s->loop);
}

static int load(struct bare *b, const char *path)
{
    struct sparrow_error err;
    if (sparrow_model_load(path, NULL, &b->model, &err) < 0 ||
        sparrow_scratch_new(b->model, &b->scratch, &err) < 0 ||
        sparrow_audio_new(&b->audio, &err) < 0) {
        fprintf(stderr, "bare: %s\n", err.text);
        return -1;
    }
    b->features = malloc(sparrow_model_frames(b->model) * sparrow_model_bands(b->model));
    b->scores = malloc(sparrow_model_label_count(b->model) * sizeof *b->scores);
    b->confidence = malloc(sparrow_model_label_count(b->model) * sizeof *b->confidence);
    return b->features && b->scores && b->confidence ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct bare b;
    bool engine = argc == 4 && strcmp(argv[1], "engine") == 0;
    if (!engine && !(argc == 3 && strcmp(argv[1], "const") == 0)) {
        fputs("usage: bare const PORT | bare engine PORT MODEL\n", stderr);
        return 2;
    }
    if (engine && load(&b, argv[3]) < 0)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    b.mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, &b, MHD_OPTION_SOCK_ADDR,
                             &sa, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
                             MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_COMPLETED,
                             on_completed, &b, MHD_OPTION_END);
    if (!b.mhd) {
        perror("bare: listen");
        return 1;
    }
    uv_loop_init(&b.loop);
    uv_poll_init(&b.loop, &b.poll, MHD_get_daemon_info(b.mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_timer_init(&b.loop, &b.timer);
    uv_idle_init(&b.loop, &b.again);
    uv_signal_init(&b.loop, &b.term);
    b.poll.data = b.timer.data = b.again.data = &b;
    uv_signal_start(&b.term, on_term, SIGTERM);
    uv_poll_start(&b.poll, UV_READABLE, on_poll);
    turn(&b); /* the listening socket enters MHD's epoll set only in a run */
    puts("ready");
    fflush(stdout);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    MHD_stop_daemon(b.mhd);
    return 0;
}
