/* metrics.h - counters and histograms per thread, summed at scrape time; gauges from sources.
 * Threads: a block is written by one thread (relaxed atomics), read by any. A scrape never stops a
 * lane. A GAUGE whose name ends in _total is exposed with TYPE counter.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/text.h"
#include "engine/sparrow.h"

enum metric {
#define METRIC(id, kind, name, labels, help) METRIC_##id,
#include "daemon/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Indices of fixed label values, in the order of metrics.def. */
enum metric_outcome {
    OUTCOME_OK,
    OUTCOME_REFUSED,
    OUTCOME_CLIENT_ERROR,
    OUTCOME_SERVER_ERROR,
    OUTCOME_CANCELLED
};
enum metric_stage {
    STAGE_RECEIVE,
    STAGE_DECODE,
    STAGE_FEATURES,
    STAGE_QUEUE,
    STAGE_INFERENCE,
    STAGE_TOTAL
};
enum metric_batch { BATCH_1, BATCH_2, BATCH_4, BATCH_8, BATCH_16 };
enum metric_refused {
    REFUSED_QUEUE_FULL,
    REFUSED_DRAINING,
    REFUSED_NO_REPLICA,
    REFUSED_DEADLINE,
    REFUSED_TOO_LARGE,
    REFUSED_UNSUPPORTED_MEDIA,
    REFUSED_UNDECODABLE,
    REFUSED_BAD_PARAMETER,
    REFUSED_MALFORMED,
    REFUSED_SLOW_CLIENT,
    REFUSED_CONNECTION_LIMIT,
    REFUSED_OTHER
};

struct metrics;       /* owned by main */
struct metrics_block; /* one per writing thread; owned by metrics */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
struct metrics_block *
metrics_block(struct metrics *m); /* a new block; call while starting up. NULL: no memory */

void metrics_count(struct metrics_block *b, enum metric m, unsigned label, uint64_t n);
void metrics_time(struct metrics_block *b, enum metric m, unsigned label, uint64_t us);
uint64_t metrics_value(const struct metrics *m, enum metric id,
                       unsigned label); /* a counter's sum, for tests and status lines */

/* A source writes gauge series at scrape time, on the scraping thread; it must not block. */
struct metrics_writer;
typedef void (*metrics_source_fn)(void *arg, struct metrics_writer *w);
/* While starting up, one thread at a time. SPARROW_NO_MEMORY. */
int metrics_add_source(struct metrics *m, enum metric id, metrics_source_fn fn, void *arg);
/* labels: "replica=\"3\",backend=\"cpu\"" (already escaped by metrics_label), or "". */
void metrics_gauge(struct metrics_writer *w, const char *labels, double value);
/* Escapes a label value into out (cap bytes), always NUL-terminated. */
void metrics_label(const char *value, char *out, size_t cap);

/* Exposition: text/plain 0.0.4, or OpenMetrics 1.0.0. */
void metrics_render(struct metrics *m, bool openmetrics, struct text *out);
void metrics_print_markdown(FILE *out);

#endif
