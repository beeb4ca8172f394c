/* metrics.c - the table of metrics.def laid out in blocks, and the two text formats that show it.
 * A block is an array of 64-bit cells: one for each label value of a counter; for each label value
 * of a histogram one per bucket and one for the sum. Only its own thread writes it, so an increment
 * is a relaxed load and store, not a locked operation. Blocks and sources are only ever added, by
 * one thread at a time, and published with a release store: a scrape needs no lock.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

enum kind { COUNTER, HISTOGRAM, GAUGE };

static const struct {
    enum kind kind;
    const char *name, *labels, *help;
} table[METRIC_COUNT] = {
#define METRIC(id, kind, name, labels, help) [METRIC_##id] = {kind, name, labels, help},
#include "daemon/metrics.def"
#undef METRIC
};

/* 1-2.5-5 from 5 us to 1 s. The texts are those that Prometheus' own clients write, in both
 * formats, so that a series keeps its name when the format changes. */
static const struct {
    uint64_t us;
    const char *le;
} buckets[] = {{5, "5e-06"},     {10, "1e-05"},       {25, "2.5e-05"},  {50, "5e-05"},
               {100, "0.0001"},  {250, "0.00025"},    {500, "0.0005"},  {1000, "0.001"},
               {2500, "0.0025"}, {5000, "0.005"},     {10000, "0.01"},  {25000, "0.025"},
               {50000, "0.05"},  {100000, "0.1"},     {250000, "0.25"}, {500000, "0.5"},
               {1000000, "1.0"}, {UINT64_MAX, "+Inf"}};
#define BUCKETS         (sizeof(buckets) / sizeof(buckets[0]))
#define HISTOGRAM_CELLS (BUCKETS + 1) /* and the sum, in microseconds */

struct source {
    metrics_source_fn fn;
    void *arg;
    struct source *_Atomic next;
};

struct metrics_block {
    struct metrics_block *_Atomic next;
    const struct metrics *metrics;
    _Alignas(CACHE_LINE) _Atomic uint64_t cells[];
};

struct metrics {
    size_t cells;                  /* in a block */
    size_t first[METRIC_COUNT];    /* cell of its first label value */
    unsigned labels[METRIC_COUNT]; /* label values; 0 for a GAUGE */
    struct metrics_block *_Atomic blocks;
    struct source *_Atomic sources[METRIC_COUNT];
};

struct metrics_writer {
    struct text *out;
    const char *name;
};

static unsigned count_labels(const char *labels)
{
    unsigned n = 1;
    for (; *labels != '\0'; labels++)
        n += *labels == '|';
    return n;
}

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (table[i].kind == GAUGE)
            continue;
        m->first[i] = m->cells;
        m->labels[i] = count_labels(table[i].labels);
        m->cells += m->labels[i] * (table[i].kind == HISTOGRAM ? HISTOGRAM_CELLS : 1);
    }
    return m;
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    for (struct metrics_block *b = m->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        for (struct source *s = m->sources[i], *next; s != NULL; s = next) {
            next = s->next;
            free(s);
        }
    }
    free(m);
}

struct metrics_block *metrics_block(struct metrics *m)
{
    size_t bytes = sizeof(struct metrics_block) + m->cells * sizeof(uint64_t);
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    struct metrics_block *b = aligned_alloc(CACHE_LINE, bytes);
    if (b == NULL)
        return NULL;
    memset(b, 0, bytes);
    b->metrics = m;
    atomic_store_explicit(&b->next, atomic_load_explicit(&m->blocks, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&m->blocks, b, memory_order_release);
    return b;
}

static void add_cell(struct metrics_block *b, size_t cell, uint64_t n)
{
    uint64_t old = atomic_load_explicit(&b->cells[cell], memory_order_relaxed);
    atomic_store_explicit(&b->cells[cell], old + n, memory_order_relaxed);
}

void metrics_count(struct metrics_block *b, enum metric m, unsigned label, uint64_t n)
{
    assert(m < METRIC_COUNT && table[m].kind == COUNTER && label < b->metrics->labels[m]);
    add_cell(b, b->metrics->first[m] + label, n);
}

void metrics_time(struct metrics_block *b, enum metric m, unsigned label, uint64_t us)
{
    assert(m < METRIC_COUNT && table[m].kind == HISTOGRAM && label < b->metrics->labels[m]);
    size_t first = b->metrics->first[m] + label * HISTOGRAM_CELLS, bucket = 0;
    while (us > buckets[bucket].us)
        bucket++;
    add_cell(b, first + bucket, 1);
    add_cell(b, first + BUCKETS, us);
}

static uint64_t sum_cells(const struct metrics *m, size_t cell)
{
    uint64_t sum = 0;
    for (const struct metrics_block *b = atomic_load_explicit(&m->blocks, memory_order_acquire);
         b != NULL; b = atomic_load_explicit(&b->next, memory_order_relaxed))
        sum += atomic_load_explicit(&b->cells[cell], memory_order_relaxed);
    return sum;
}

uint64_t metrics_value(const struct metrics *m, enum metric id, unsigned label)
{
    assert(id < METRIC_COUNT && table[id].kind == COUNTER && label < m->labels[id]);
    return sum_cells(m, m->first[id] + label);
}

int metrics_add_source(struct metrics *m, enum metric id, metrics_source_fn fn, void *arg)
{
    assert(id < METRIC_COUNT && table[id].kind == GAUGE);
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return SPARROW_NO_MEMORY;
    s->fn = fn;
    s->arg = arg;
    struct source *_Atomic *tail = &m->sources[id];
    for (struct source *at; (at = atomic_load_explicit(tail, memory_order_relaxed)) != NULL;)
        tail = &at->next;
    atomic_store_explicit(tail, s, memory_order_release);
    return 0;
}

/* Whole numbers as such, everything else with as many digits as it takes to read the same double
 * again. */
static void add_number(struct text *out, double value)
{
    char number[40];
    if (isnan(value)) {
        text_puts(out, "NaN");
    } else if (isinf(value)) {
        text_puts(out, value > 0 ? "+Inf" : "-Inf");
    } else {
        snprintf(number, sizeof(number), "%.15g", value);
        if (strtod(number, NULL) != value)
            snprintf(number, sizeof(number), "%.17g", value);
        text_puts(out, number);
    }
}

void metrics_gauge(struct metrics_writer *w, const char *labels, double value)
{
    text_puts(w->out, w->name);
    if (labels[0] != '\0')
        text_printf(w->out, "{%s}", labels);
    text_add(w->out, " ", 1);
    add_number(w->out, value);
    text_add(w->out, "\n", 1);
}

void metrics_label(const char *value, char *out, size_t cap)
{
    if (cap == 0)
        return;
    size_t used = 0, n = strlen(value);
    for (size_t i = 0; i < n;) {
        char piece[4];
        size_t len = text_utf8(value + i, n - i), step = len > 0 ? len : 1;
        if (len == 0)
            memcpy(piece, "\xef\xbf\xbd", len = 3);
        else if (value[i] == '\n' || value[i] == '"' || value[i] == '\\')
            memcpy(piece, (const char[]){'\\', value[i] == '\n' ? 'n' : value[i]}, len = 2);
        else
            memcpy(piece, value + i, len);
        if (len >= cap - used)
            break; /* cut between characters, never inside an escape */
        memcpy(out + used, piece, len);
        used += len;
        i += step;
    }
    out[used] = '\0';
}

/* The index-th of the values in "name=a|b|c". */
static void fixed_label(const char *labels, unsigned index, char *out, size_t cap)
{
    out[0] = '\0';
    const char *equals = strchr(labels, '=');
    if (equals == NULL)
        return;
    const char *value = equals + 1;
    for (; index > 0; index--)
        value = strchr(value, '|') + 1;
    snprintf(out, cap, "%.*s=\"%.*s\"", (int)(equals - labels), labels, (int)strcspn(value, "|"),
             value);
}

static void render_counter(const struct metrics *m, enum metric id, struct text *out)
{
    for (unsigned i = 0; i < m->labels[id]; i++) {
        char labels[96];
        fixed_label(table[id].labels, i, labels, sizeof(labels));
        text_puts(out, table[id].name);
        if (labels[0] != '\0')
            text_printf(out, "{%s}", labels);
        text_printf(out, " %llu\n", (unsigned long long)sum_cells(m, m->first[id] + i));
    }
}

/* Each cell is read once and _count is what the buckets add up to, so one answer never contradicts
 * itself. */
static void render_histogram(const struct metrics *m, enum metric id, struct text *out)
{
    for (unsigned i = 0; i < m->labels[id]; i++) {
        char labels[96];
        const char *name = table[id].name;
        size_t first = m->first[id] + i * HISTOGRAM_CELLS;
        uint64_t count = 0;
        fixed_label(table[id].labels, i, labels, sizeof(labels));
        for (size_t b = 0; b < BUCKETS; b++) {
            count += sum_cells(m, first + b);
            text_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, labels,
                        labels[0] != '\0' ? "," : "", buckets[b].le, (unsigned long long)count);
        }
        text_printf(out, labels[0] != '\0' ? "%s_sum{%s} " : "%s_sum%s ", name, labels);
        add_number(out, (double)sum_cells(m, first + BUCKETS) / 1e6);
        text_printf(out, labels[0] != '\0' ? "\n%s_count{%s} %llu\n" : "\n%s_count%s %llu\n", name,
                    labels, (unsigned long long)count);
    }
}

static void render_gauge(const struct metrics *m, enum metric id, struct text *out)
{
    struct metrics_writer w = {out, table[id].name};
    for (struct source *s = atomic_load_explicit(&m->sources[id], memory_order_acquire); s != NULL;
         s = atomic_load_explicit(&s->next, memory_order_acquire))
        s->fn(s->arg, &w);
}

static bool ends_with(const char *s, size_t n, const char *end)
{
    size_t len = strlen(end);
    return n >= len && memcmp(s + n - len, end, len) == 0;
}

static const char *type_name(enum metric id)
{
    if (table[id].kind == HISTOGRAM)
        return "histogram";
    return ends_with(table[id].name, strlen(table[id].name), "_total") ? "counter" : "gauge";
}

/* OpenMetrics names a counter's family without _total and wants the unit, where the name has one.
 */
static void render_head(enum metric id, bool openmetrics, struct text *out)
{
    static const char *const units[] = {"seconds", "bytes", "joules", "watts"};
    const char *name = table[id].name;
    int n = (int)strlen(name);
    if (openmetrics && ends_with(name, (size_t)n, "_total"))
        n -= (int)strlen("_total");
    text_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, name, table[id].help, n, name,
                type_name(id));
    for (size_t i = 0; openmetrics && i < sizeof(units) / sizeof(units[0]); i++) {
        if (ends_with(name, (size_t)n, units[i]))
            text_printf(out, "# UNIT %.*s %s\n", n, name, units[i]);
    }
}

void metrics_render(struct metrics *m, bool openmetrics, struct text *out)
{
    for (enum metric id = 0; id < METRIC_COUNT; id++) {
        render_head(id, openmetrics, out);
        if (table[id].kind == COUNTER)
            render_counter(m, id, out);
        else if (table[id].kind == HISTOGRAM)
            render_histogram(m, id, out);
        else
            render_gauge(m, id, out);
    }
    if (openmetrics)
        text_puts(out, "# EOF\n");
}

void metrics_print_markdown(FILE *out)
{
    fputs("# Metrics\n\n"
          "`GET /metrics` answers in the Prometheus text format (0.0.4), or in OpenMetrics 1.0.0 "
          "when `Accept` asks for it. Counters and\n"
          "histograms show zeros from the start; a gauge shows the series that its source knows "
          "of, and none when the value is unknown.\n"
          "Histograms have the buckets 5 us, 10 us, 25 us, ... 1 s (1-2.5-5). Counters are kept "
          "per thread and summed when asked for.\n\n"
          "| name | type | labels | what |\n| --- | --- | --- | --- |\n",
          out);
    for (enum metric id = 0; id < METRIC_COUNT; id++) {
        fprintf(out, "| `%s` | %s | ", table[id].name, type_name(id));
        for (const char *p = table[id].labels; *p != '\0'; p++) {
            if (*p == '|')
                fputs(", ", out);
            else if (*p == '=')
                fputs(": ", out);
            else
                fputc(*p, out);
        }
        fprintf(out, " | %s |\n", table[id].help);
    }
}
