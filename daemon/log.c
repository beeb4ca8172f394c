/* log.c - builds a line in a buffer of its own on the stack and writes it with one write(2), so
 * lines of several threads never mix. The only lock guards the table of repeats, and only warnings
 * and errors take it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/text.h"
#include "engine/sparrow.h"

#define LINE_MAX_BYTES     4096 /* PIPE_BUF: a write of this size to a pipe is never split */
#define VALUE_MAX_BYTES    768
#define REPEATS_PER_SECOND 10
#define REPEAT_SLOTS       64

struct repeat {
    const char *event; /* a constant, as log.h asks */
    enum log_level level;
    uint64_t since_ms; /* when the present second began */
    unsigned said, suppressed;
};

struct log {
    _Atomic int level;
    _Atomic bool json;
    bool journal;         /* stderr is the journal: it has the time, and wants <N> */
    pthread_mutex_t lock; /* of repeats */
    struct repeat repeats[REPEAT_SLOTS];
    unsigned next_slot; /* the one to give away when all are in use */
};

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len, pairs;
};

/* systemd puts "device:inode" of the journal's socket into the environment; stderr may since have
 * gone elsewhere. */
static bool stderr_is_journal(void)
{
    const char *name = getenv("JOURNAL_STREAM");
    struct stat st;
    unsigned long long dev, ino;
    if (name == NULL || sscanf(name, "%llu:%llu", &dev, &ino) != 2 ||
        fstat(STDERR_FILENO, &st) != 0)
        return false;
    return (unsigned long long)st.st_dev == dev && (unsigned long long)st.st_ino == ino;
}

struct log *log_new(void)
{
    struct log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    if (pthread_mutex_init(&log->lock, NULL) != 0) {
        free(log);
        return NULL;
    }
    log->level = LOG_INFO;
    log->journal = stderr_is_journal();
    return log;
}

void log_free(struct log *log)
{
    if (log == NULL)
        return;
    for (size_t i = 0; i < REPEAT_SLOTS; i++)
        log->repeats[i].since_ms = 0; /* so that all of them count as over */
    log_flush(log);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

static const struct {
    const char *name;
    enum log_level level;
} levels[] = {
    {"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

static const char *level_name(enum log_level level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (levels[i].level == level)
            return levels[i].name;
    }
    return "error";
}

int log_set_level(struct log *log, const char *level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].name, level) == 0) {
            atomic_store_explicit(&log->level, levels[i].level, memory_order_relaxed);
            return 0;
        }
    }
    return SPARROW_CONFIG;
}

int log_set_format(struct log *log, const char *format)
{
    bool json = strcmp(format, "json") == 0;
    if (!json && strcmp(format, "logfmt") != 0)
        return SPARROW_CONFIG;
    atomic_store_explicit(&log->json, json, memory_order_relaxed);
    return 0;
}

bool log_wants(const struct log *log, enum log_level level)
{
    return log != NULL && (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/* One byte always stays free for the newline; what does not fit is left out whole. */
static bool add(struct line *line, const char *bytes, size_t n)
{
    if (n > sizeof(line->bytes) - 1 - line->len)
        return false;
    memcpy(line->bytes + line->len, bytes, n);
    line->len += n;
    return true;
}

static bool add_string(struct line *line, const char *s)
{
    return add(line, s, strlen(s));
}

/* One character, escaped as JSON has it: valid in JSON, and what logfmt readers expect within
 * quotes. Bytes that are not UTF-8 become U+FFFD. C1 controls and line separators go the same way
 * as controls: terminals obey some of them. */
static bool add_character(struct line *line, const char *s, size_t len)
{
    unsigned char c = (unsigned char)s[0];
    char escape[8];
    if (len == 0)
        return add(line, "\xef\xbf\xbd", 3);
    if (c == '"' || c == '\\')
        return add(line, (const char[]){'\\', s[0]}, 2);
    if (c == '\n' || c == '\r' || c == '\t')
        return add(line, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", 2);
    if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0)) {
        snprintf(escape, sizeof(escape), "\\u%04x", len == 2 ? (unsigned char)s[1] : c);
        return add(line, escape, 6);
    }
    return add(line, s, len);
}

/* The value within quotes, cut after VALUE_MAX_BYTES; as a whole or not at all. */
static bool add_quoted(struct line *line, const char *value)
{
    size_t mark = line->len, n = strnlen(value, VALUE_MAX_BYTES + 1), i = 0;
    bool fits = add(line, "\"", 1);
    while (fits && i < n && i < VALUE_MAX_BYTES) {
        size_t len = text_utf8(value + i, n - i);
        fits = add_character(line, value + i, len);
        i += len > 0 ? len : 1;
    }
    if (fits && i < n)
        fits = add_string(line, "...");
    fits = fits && add(line, "\"", 1);
    if (!fits)
        line->len = mark;
    return fits;
}

/* logfmt leaves a value bare if it has nothing that a reader could take for the end of it. */
static bool is_plain(const char *value)
{
    size_t n = strnlen(value, VALUE_MAX_BYTES + 1);
    if (n == 0 || n > VALUE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

/* One pair, as a whole or not at all: a line that was cut is still well-formed. */
static void add_pair(struct line *line, bool json, const char *key, const char *value)
{
    size_t mark = line->len;
    bool fits = line->pairs == 0 || add(line, json ? "," : " ", 1);
    if (json)
        fits = fits && add_quoted(line, key) && add(line, ":", 1) && add_quoted(line, value);
    else
        fits = fits && add_string(line, key) && add(line, "=", 1) &&
               (is_plain(value) ? add_string(line, value) : add_quoted(line, value));
    if (!fits || (json && line->len + 1 >= sizeof(line->bytes))) /* the brace wants a place too */
        line->len = mark;
    else
        line->pairs++;
}

static void add_time(struct line *line, bool json)
{
    struct timespec now;
    struct tm tm;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof(text) - n, ".%03ldZ", now.tv_nsec / 1000000);
    add_pair(line, json, "time", text);
}

static void begin_line(const struct log *log, struct line *line, bool json, enum log_level level,
                       const char *event)
{
    line->len = line->pairs = 0;
    if (log->journal)
        add(line, (const char[]){'<', (char)('0' + (int)level), '>'}, 3);
    if (json)
        add(line, "{", 1);
    if (!log->journal)
        add_time(line, json);
    add_pair(line, json, "level", level_name(level));
    add_pair(line, json, "event", event);
}

/* A reader that has gone away (EPIPE, EIO) or a full non-blocking pipe loses the line: there is
 * nowhere to say so. */
static void end_line(struct line *line, bool json)
{
    if (json)
        add(line, "}", 1);
    line->bytes[line->len++] = '\n';
    ssize_t n;
    do {
        n = write(STDERR_FILENO, line->bytes, line->len);
    } while (n < 0 && errno == EINTR);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say_suppressed(const struct log *log, const struct repeat *r)
{
    bool json = atomic_load_explicit(&log->json, memory_order_relaxed);
    char number[16];
    struct line line;
    snprintf(number, sizeof(number), "%u", r->suppressed);
    begin_line(log, &line, json, r->level, r->event);
    add_pair(&line, json, "suppressed", number);
    end_line(&line, json);
}

/* Takes out what a slot has to say if its second is over. With the lock held; the writing is done
 * without it. */
static bool take_over(struct repeat *r, uint64_t now, struct repeat *ret_old)
{
    if (r->event == NULL || now - r->since_ms < 1000)
        return false;
    *ret_old = *r;
    r->since_ms = now;
    r->said = r->suppressed = 0;
    return ret_old->suppressed > 0;
}

void log_flush(struct log *log)
{
    uint64_t now = now_ms();
    for (size_t i = 0; i < REPEAT_SLOTS; i++) {
        struct repeat old;
        pthread_mutex_lock(&log->lock);
        bool say = take_over(&log->repeats[i], now, &old);
        pthread_mutex_unlock(&log->lock);
        if (say)
            say_suppressed(log, &old);
    }
}

static struct repeat *find_slot(struct log *log, enum log_level level, const char *event)
{
    for (size_t i = 0; i < REPEAT_SLOTS; i++) {
        struct repeat *r = &log->repeats[i];
        if (r->event == NULL ||
            (r->level == level && (r->event == event || strcmp(r->event, event) == 0)))
            return r;
    }
    return &log->repeats[log->next_slot++ % REPEAT_SLOTS];
}

/* False if this event has been said often enough for this second. */
static bool may_say(struct log *log, enum log_level level, const char *event)
{
    struct repeat old = {0};
    uint64_t now = now_ms();
    pthread_mutex_lock(&log->lock);
    struct repeat *r = find_slot(log, level, event);
    bool same = r->event != NULL && r->level == level && strcmp(r->event, event) == 0;
    if (!same) {
        old = *r; /* given away: what it still had to say is said now */
        *r = (struct repeat){event, level, now, 0, 0};
    } else {
        take_over(r, now, &old);
    }
    bool say = r->said < REPEATS_PER_SECOND;
    if (say)
        r->said++;
    else
        r->suppressed++;
    pthread_mutex_unlock(&log->lock);
    if (old.suppressed > 0)
        say_suppressed(log, &old);
    return say;
}

void log_event(struct log *log, enum log_level level, const char *event, ...)
{
    if (!log_wants(log, level) || (level <= LOG_WARNING && !may_say(log, level, event)))
        return;
    bool json = atomic_load_explicit(&log->json, memory_order_relaxed);
    struct line line;
    begin_line(log, &line, json, level, event);
    va_list args;
    va_start(args, event);
    for (const char *key; (key = va_arg(args, const char *)) != NULL;) {
        const char *value = va_arg(args, const char *);
        add_pair(&line, json, key, value != NULL ? value : "null");
    }
    va_end(args);
    end_line(&line, json);
}
