/* log.h - one line per event to stderr, with a journald priority prefix (<6>) when stderr is the
 * journal.
 * Any thread. A line is written with one write(2) and is at most 4096 bytes, which a pipe keeps in
 * one piece; longer values are cut. Values are escaped; nothing a client sends is printed raw.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>

struct log; /* owned by main; reachable from every room that logs */
enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

struct log *log_new(void); /* info, logfmt */
void log_free(struct log *log);
int log_set_level(struct log *log, const char *level);   /* "error" ...; SPARROW_CONFIG */
int log_set_format(struct log *log, const char *format); /* "logfmt", "json" */

/* event: a constant phrase. Then pairs: key, value (both const char *), ended by NULL:
 * log_event(log, LOG_INFO, "listening", "address", a, NULL). Repeats of one event at warning or
 * above beyond 10 a second are counted and reported once a second ("suppressed"). */
void log_event(struct log *log, enum log_level level, const char *event, ...)
    __attribute__((sentinel));
/* Reports what was suppressed and not yet said; lifecycle calls it once a second. */
void log_flush(struct log *log);
bool log_wants(const struct log *log, enum log_level level);

#endif
