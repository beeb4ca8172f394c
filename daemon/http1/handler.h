/* handler.h - one request of libmicrohttpd's to one exchange of api's and back: MHD's three
 * callbacks about a request.
 * Threads: the lane's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP1_HANDLER_H
#define DAEMON_HTTP1_HANDLER_H

#include <microhttpd.h>
#include <stdbool.h>

#include "daemon/api/exchange.h"
#include "daemon/http1/connections.h"

struct handler_exchange;

struct handler { /* one per lane, inside struct http1 */
    struct lane *lane;
    struct api *api;
    void (*kick)(
        void *arg); /* there are exchanges to resume: call handler_resume() soon, then MHD_run() */
    void *kick_arg;
    bool draining;                  /* every answer closes its connection */
    struct handler_exchange *spare; /* free list, with the memory of bodies and answers */
    struct text
        body; /* memory of the body that was read last: the next one finds it in the caches */
    struct handler_exchange *ready, **ready_tail; /* answered, let on or given up while suspended */
    struct handler_exchange *held_first,
        *held_last; /* before their bodies are read, oldest first */
};

void handler_init(struct handler *h, struct lane *lane, struct api *api, void (*kick)(void *arg),
                  void *kick_arg);
void handler_done(struct handler *h);

/* MHD_OPTION_URI_LOG_CALLBACK (cls: the handler): the request line is here. Returns the request's
 * context. */
void *handler_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
/* MHD_AccessHandlerCallback (cls: the handler) */
enum MHD_Result handler_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **context);
/* MHD_OPTION_NOTIFY_COMPLETED (cls: the handler) */
void handler_completed(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode why);

/* The client of a suspended exchange is gone: as connections_init() wants it (arg: the handler). */
void handler_gone(void *arg, void *exchange);
/* Lets on what is held and may be read now: before each turn. */
void handler_let_on(struct handler *h);
/* Resumes what became ready. True if anything did: MHD_run() must follow. */
bool handler_resume(struct handler *h);
/* Gives up every suspended exchange, so that libmicrohttpd can be stopped. */
void handler_give_up(struct handler *h, struct connections *all);

#endif
