/* config.c - reads the configuration from its four places; every value goes through one function,
 * set_value(). libinih splits the lines. It says neither which line a handler call belongs to nor
 * more than the first error, so the reader that feeds it counts lines and knows what each must have
 * been: a line that is neither empty, a comment nor a section, and did not come back as key and
 * value, is reported.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/status.h"

const struct config_key config_keys[] = {
#define CONFIG(section, key, type, def, min, max, unit, reload, sentence, paragraph)               \
    {#section,                                                                                     \
     #key,                                                                                         \
     CONFIG_##type,                                                                                \
     def,                                                                                          \
     min,                                                                                          \
     max,                                                                                          \
     unit,                                                                                         \
     reload,                                                                                       \
     sentence,                                                                                     \
     paragraph,                                                                                    \
     offsetof(struct config, section##_##key)},
#include "daemon/config.def"
#undef CONFIG
};
#define KEY_COUNT (sizeof(config_keys) / sizeof(config_keys[0]))
const size_t config_key_count = KEY_COUNT;

struct loaded {
    struct config config; /* first: a config is known by this address */
    atomic_uint refs;
    char *strings[KEY_COUNT]; /* what the fields point to; NULL: a constant */
};

/* One load: where we are, and what went wrong so far. */
struct load {
    struct loaded *loaded;
    FILE *report;
    struct sparrow_error *err;
    unsigned errors;

    /* the file */
    FILE *in;
    const char *file;
    unsigned line;              /* the one that was handed to libinih last */
    bool must_handle;           /* it has to come back as key and value */
    unsigned set_at[KEY_COUNT]; /* the line that set a key; 0: none */
};

extern char **environ;

/* ---- errors ---- */

static void fail(struct load *l, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct load *l, const char *where, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (l->report != NULL)
        fprintf(l->report, "%s: %s\n", where, text);
    if (l->errors++ == 0)
        status_fail(l->err, SPARROW_CONFIG, "%s: %s", where, text);
}

/* What may be printed of a name or value that somebody wrote: no controls, at most cap - 4 bytes.
 */
static const char *printable(const char *s, char *out, size_t cap)
{
    size_t n = 0;
    for (; s[n] != '\0' && n < cap - 4; n++)
        out[n] = (unsigned char)s[n] < 0x20 || s[n] == 0x7f ? '?' : s[n];
    memcpy(out + n, s[n] == '\0' ? "" : "...", s[n] == '\0' ? 1 : 4);
    return out;
}

/* Edits that turn a into b; a swap of neighbours counts once. Names longer than 63 bytes are far
 * from everything. */
static unsigned distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    unsigned rows[3][64];
    if (m > 63 || n > 63)
        return 64;
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[m % 3][n];
}

/* The key that somebody most likely meant: the same name in another section, or the nearest full
 * name. NULL: none is near. */
static const struct config_key *nearest(const char *section, const char *key)
{
    char full[80], other[80];
    const struct config_key *best = NULL;
    snprintf(full, sizeof(full), "%s.%s", section, key);
    unsigned limit = (unsigned)strlen(full) / 4 + 1, best_distance = limit + 1;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        snprintf(other, sizeof(other), "%s.%s", k->section, k->key);
        unsigned d = strcmp(k->key, key) == 0 ? 1 : distance(full, other);
        if (d < best_distance) {
            best = k;
            best_distance = d;
        }
    }
    return best;
}

static bool known_section(const char *section)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(config_keys[i].section, section) == 0)
            return true;
    }
    return false;
}

static void fail_unknown(struct load *l, const char *where, const char *section, const char *key)
{
    char a[64], b[64];
    const struct config_key *k = nearest(section, key);
    if (k != NULL)
        fail(l, where, "unknown key %s.%s; did you mean %s.%s?", printable(section, a, sizeof(a)),
             printable(key, b, sizeof(b)), k->section, k->key);
    else
        fail(l, where, "unknown key %s.%s", printable(section, a, sizeof(a)),
             printable(key, b, sizeof(b)));
}

/* ---- one value ---- */

static bool is_bytes(const struct config_key *k)
{
    return k->type == CONFIG_UINT && strcmp(k->unit, "bytes") == 0;
}

static bool parse_bool(const char *s, bool *ret_value)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0) {
            *ret_value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* Digits, and a suffix where the key counts bytes. A number too large for 64 bits becomes the
 * largest: out of bounds in any case. */
static bool parse_uint(const struct config_key *k, const char *s, uint64_t *ret_value)
{
    static const char suffixes[] = "KMG";
    uint64_t value = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) {
            value = UINT64_MAX;
            p += strspn(p, "0123456789") - 1;
        }
    }
    if (p == s)
        return false;
    const char *suffix =
        *p != '\0' && is_bytes(k) ? strchr(suffixes, *p >= 'a' ? *p - 'a' + 'A' : *p) : NULL;
    if (suffix != NULL) {
        if (__builtin_mul_overflow(value, 1024ULL << (10 * (suffix - suffixes)), &value))
            value = UINT64_MAX;
        p++;
    }
    *ret_value = value;
    return *p == '\0';
}

/* strtod alone would also take hex, exponents, inf and nan. */
static bool parse_real(const char *s, double *ret_value)
{
    char *end;
    if (strspn(s, "0123456789.") != strlen(s) || strpbrk(s, "0123456789") == NULL)
        return false;
    *ret_value = strtod(s, &end);
    return *end == '\0';
}

static bool is_choice(const char *choices, const char *s)
{
    size_t n = strlen(s);
    for (const char *p = choices; n > 0 && *p != '\0'; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, s, n) == 0)
            return true;
        p += len;
    }
    return false;
}

static void fail_bounds(struct load *l, const char *where, const struct config_key *k,
                        const char *shown)
{
    fail(l, where, "%s.%s = %s: must be between %.10g and %.10g%s%s", k->section, k->key, shown,
         k->min, k->max, k->unit[0] != '\0' ? " " : "", k->unit);
}

static void set_number(struct load *l, const char *where, const struct config_key *k,
                       const char *value, const char *shown)
{
    char *base = (char *)&l->loaded->config;
    uint64_t u = 0;
    double r = 0;
    bool ok = k->type == CONFIG_UINT ? parse_uint(k, value, &u) : parse_real(value, &r);
    if (k->type == CONFIG_UINT)
        r = (double)u;
    if (!ok)
        fail(l, where, "%s.%s = %s: not a %s, between %.10g and %.10g%s%s", k->section, k->key,
             shown,
             k->type == CONFIG_REAL ? "decimal number"
             : is_bytes(k)          ? "whole number (K, M or G may follow)"
                                    : "whole number",
             k->min, k->max, k->unit[0] != '\0' ? " " : "", k->unit);
    else if (r < k->min || r > k->max)
        fail_bounds(l, where, k, shown);
    else if (k->type == CONFIG_UINT)
        memcpy(base + k->offset, &u, sizeof(u));
    else
        memcpy(base + k->offset, &r, sizeof(r));
}

static void set_string(struct load *l, const char *where, const struct config_key *k,
                       const char *value, const char *shown)
{
    if (k->type == CONFIG_CHOICE && !is_choice(k->unit, value)) {
        fail(l, where, "%s.%s = %s: must be one of: %s", k->section, k->key, shown, k->unit);
        return;
    }
    char *copy = strdup(value);
    if (copy == NULL) {
        fail(l, where, "no memory");
        return;
    }
    char **slot = &l->loaded->strings[k - config_keys];
    free(*slot);
    *slot = copy;
    memcpy((char *)&l->loaded->config + k->offset, &copy, sizeof(copy));
}

static void set_value(struct load *l, const char *where, const struct config_key *k,
                      const char *value)
{
    char shown[80];
    printable(value, shown, sizeof(shown));
    bool b;
    if (k->type == CONFIG_STRING || k->type == CONFIG_CHOICE)
        set_string(l, where, k, value, shown);
    else if (k->type != CONFIG_BOOL)
        set_number(l, where, k, value, shown);
    else if (parse_bool(value, &b))
        memcpy((char *)&l->loaded->config + k->offset, &b, sizeof(b));
    else
        fail(l, where, "%s.%s = %s: must be yes or no", k->section, k->key, shown);
}

const struct config_key *config_find(const char *section, const char *key)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].key, key) == 0)
            return &config_keys[i];
    }
    return NULL;
}

/* ---- the file ---- */

static void where_line(const struct load *l, char *out, size_t cap)
{
    snprintf(out, cap, "%s:%u", l->file, l->line);
}

/* The handler has not seen the line that was handed over last, and should have. */
static void check_handled(struct load *l)
{
    char where[320];
    if (!l->must_handle)
        return;
    l->must_handle = false;
    where_line(l, where, sizeof(where));
    fail(l, where, "neither [section] nor key = value");
}

/* Reads one physical line without its end into out (cap >= 2). False at the end of the file. */
static bool read_line(struct load *l, char *out, size_t cap)
{
    size_t n = 0;
    bool too_long = false, nul = false;
    int c;
    while ((c = getc(l->in)) != EOF && c != '\n') {
        nul = nul || c == '\0';
        if (n < cap - 1)
            out[n++] = (char)c;
        else
            too_long = true;
    }
    if (c == EOF && n == 0)
        return false;
    out[n] = '\0';
    l->line++;
    if (too_long || nul) {
        char where[320];
        where_line(l, where, sizeof(where));
        if (nul)
            fail(l, where, "a NUL byte");
        else
            fail(l, where, "the line is longer than %zu bytes", cap - 1);
        out[0] = '\0';
    }
    return true;
}

static void check_section(struct load *l, const char *line)
{
    char where[320], name[64], shown[64];
    where_line(l, where, sizeof(where));
    size_t n = strcspn(line + 1, "]");
    if (line[1 + n] == '\0') {
        fail(l, where, "the section's name does not end with ]");
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), line + 1);
    if (known_section(name))
        return;
    const char *best = NULL;
    unsigned best_distance = 3;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        unsigned d = distance(name, config_keys[i].section);
        if (d < best_distance) {
            best = config_keys[i].section;
            best_distance = d;
        }
    }
    fail(l, where, "unknown section [%s]%s%s%s", printable(name, shown, sizeof(shown)),
         best != NULL ? "; did you mean [" : "", best != NULL ? best : "",
         best != NULL ? "]?" : "");
}

/* libinih's fgets. Blanks at the front go away, so that its continuation lines (an indented line
 * belongs to the key above) cannot happen by accident. It wants the end of a line in the buffer,
 * hence num - 1. */
static char *reader(char *out, int num, void *stream)
{
    struct load *l = stream;
    check_handled(l);
    if (num < 3 || !read_line(l, out, (size_t)num - 1))
        return NULL;
    size_t skip = l->line == 1 && strncmp(out, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    skip += strspn(out + skip, " \t\r\v\f");
    size_t n = strlen(out + skip);
    memmove(out, out + skip, n + 1);
    if (out[0] == '[')
        check_section(l, out);
    l->must_handle = out[0] != '\0' && strchr(";#[", out[0]) == NULL;
    out[n] = '\n';
    out[n + 1] = '\0';
    return out;
}

static int handler(void *user, const char *section, const char *name, const char *value)
{
    struct load *l = user;
    char where[320];
    where_line(l, where, sizeof(where));
    if (!l->must_handle)
        return 1;
    l->must_handle = false;
    const struct config_key *k = config_find(section, name);
    if (k == NULL) {
        if (section[0] == '\0')
            fail(l, where, "a key before the first [section]");
        else if (known_section(section)) /* else it was said at the section's own line */
            fail_unknown(l, where, section, name);
        return 1;
    }
    unsigned *set_at = &l->set_at[k - config_keys];
    if (*set_at != 0)
        fail(l, where, "%s.%s is set twice, first in line %u", k->section, k->key, *set_at);
    else
        set_value(l, where, k, value);
    *set_at = l->line;
    return 1;
}

static void load_file(struct load *l, const char *file)
{
    l->file = file;
    l->in = fopen(file, "re");
    if (l->in == NULL) {
        fail(l, file, "%s", strerror(errno));
        return;
    }
    if (ini_parse_stream(reader, l, handler, l) == -2)
        fail(l, file, "no memory");
    check_handled(l);
    if (ferror(l->in))
        fail(l, file, "%s", strerror(errno)); /* a folder, for one */
    fclose(l->in);
}

/* ---- environment and command line ---- */

/* "SPARROWD_SERVER_MAX_BODY" -> "server", "max_body": the first word is the section, as no
 * section's name has an underscore. */
static bool split_variable(const char *name, size_t n, char *section, char *key, size_t cap)
{
    static const char prefix[] = "SPARROWD_";
    size_t skip = sizeof(prefix) - 1;
    if (n <= skip || strncmp(name, prefix, skip) != 0 || n - skip >= cap)
        return false;
    for (size_t i = skip; i <= n; i++)
        section[i - skip] =
            i == n ? '\0'
                   : (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    char *underscore = strchr(section, '_');
    if (underscore == NULL)
        return false;
    *underscore = '\0';
    memcpy(key, underscore + 1, strlen(underscore + 1) + 1);
    return true;
}

static void load_environment(struct load *l)
{
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        char section[64], key[64], where[128];
        const char *equals = strchr(*e, '=');
        if (equals == NULL ||
            !split_variable(*e, (size_t)(equals - *e), section, key, sizeof(section)))
            continue;
        snprintf(where, sizeof(where), "environment %.*s", (int)(equals - *e), *e);
        const struct config_key *k = config_find(section, key);
        if (k != NULL)
            set_value(l, where, k, equals + 1);
        else if (known_section(section) || nearest(section, key) != NULL)
            fail_unknown(l, where, section, key);
    }
}

static void load_override(struct load *l, const char *override)
{
    char section[64] = "", key[64] = "";
    static const char where[] = "command line";
    char shown[80];
    const char *equals = strchr(override, '='), *dot = strchr(override, '.');
    if (equals == NULL || dot == NULL || dot > equals ||
        (size_t)(dot - override) >= sizeof(section) || (size_t)(equals - dot) > sizeof(key)) {
        fail(l, where, "%s: not section.key=value", printable(override, shown, sizeof(shown)));
        return;
    }
    snprintf(section, sizeof(section), "%.*s", (int)(dot - override), override);
    snprintf(key, sizeof(key), "%.*s", (int)(equals - dot - 1), dot + 1);
    const struct config_key *k = config_find(section, key);
    if (k == NULL)
        fail_unknown(l, where, section, key);
    else
        set_value(l, where, k, equals + 1);
}

/* ---- the whole ---- */

int config_load(const char *file, const char *const *overrides, FILE *report,
                struct config **ret_config, struct sparrow_error *err)
{
    struct load l = {.report = report, .err = err};
    l.loaded = calloc(1, sizeof(*l.loaded));
    if (l.loaded == NULL)
        return status_fail(err, SPARROW_NO_MEMORY, "no memory for the configuration");
    atomic_init(&l.loaded->refs, 1);
    for (size_t i = 0; i < KEY_COUNT; i++)
        set_value(&l, "default", &config_keys[i], config_keys[i].def);
    if (file != NULL)
        load_file(&l, file);
    load_environment(&l);
    for (size_t i = 0; overrides != NULL && overrides[i] != NULL; i++)
        load_override(&l, overrides[i]);
    if (l.errors > 0) {
        config_unref(&l.loaded->config);
        return SPARROW_CONFIG;
    }
    *ret_config = &l.loaded->config;
    return 0;
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&((struct loaded *)config)->refs, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config)
{
    struct loaded *loaded = (struct loaded *)config;
    if (loaded == NULL || atomic_fetch_sub_explicit(&loaded->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < KEY_COUNT; i++)
        free(loaded->strings[i]);
    free(loaded);
}

/* True if both hold the same value; padding is never looked at. */
static bool same_value(const struct config *a, const struct config *b, const struct config_key *k)
{
    const char *pa = (const char *)a + k->offset, *pb = (const char *)b + k->offset;
    if (k->type == CONFIG_STRING || k->type == CONFIG_CHOICE) {
        const char *sa, *sb;
        memcpy(&sa, pa, sizeof(sa));
        memcpy(&sb, pb, sizeof(sb));
        return strcmp(sa, sb) == 0;
    }
    return memcmp(pa, pb, k->type == CONFIG_BOOL ? sizeof(bool) : sizeof(uint64_t)) == 0;
}

size_t config_restart_needed(const struct config *now, const struct config *next, FILE *report)
{
    size_t n = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        if (k->reload || same_value(now, next, k))
            continue;
        n++;
        if (report != NULL)
            fprintf(report, "%s.%s\n", k->section, k->key);
    }
    return n;
}
