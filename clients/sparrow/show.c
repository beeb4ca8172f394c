/* show.c - replies as lines for people.
 *
 * Lines come as the replies come, so the widths are fixed before: the clips' names are known, and
 * everything else has a usual width that a strange value may pass without harm.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/show.h"

#include <math.h>
#include <string.h>

#include "clients/sparrow/json.h"
#include "clients/sparrow/table.h"

enum { WIDEST_CLIP = 48, WORD_WIDTH = 12 };

/* A word from the outside, without what would steer a terminal. */
static void clean(const char *text, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%s", text && *text ? text : "-");
    for (char *c = ret_text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

void show_reserve(struct show *show, const char *name)
{
    size_t width = table_width(name);
    if (width > WIDEST_CLIP)
        width = WIDEST_CLIP;
    if ((int)width > show->clip_width)
        show->clip_width = (int)width;
}

/* A text in a column: left-aligned, cut at the front when too wide (the end of a path tells more).
 */
static void put(const char *text, int width, FILE *out)
{
    char cleaned[1024];
    clean(text, cleaned, sizeof(cleaned));
    const char *from = cleaned;
    size_t chars = table_width(cleaned);
    for (; chars > (size_t)width && width > 1; chars--) {
        do
            from++;
        while (((unsigned char)*from & 0xc0) == 0x80);
    }
    fprintf(out, "%s%*s", from, (int)((size_t)width > chars ? (size_t)width - chars : 0), "");
}

/* Microseconds as a person reads them, seven columns: "171 us", "1.71 ms", "2.10 s". */
static void put_us(double us, FILE *out)
{
    if (isnan(us))
        fprintf(out, "  %8s", "-");
    else if (us < 999.5)
        fprintf(out, "  %5.0f us", us);
    else if (us < 999.5e3)
        fprintf(out, "  %5.*f ms", us < 9.995e3 ? 2 : us < 99.95e3 ? 1 : 0, us / 1e3);
    else
        fprintf(out, "  %5.2f s ", us / 1e6);
}

static void put_energy(const json_t *energy, FILE *out)
{
    double joules = json_number(energy, "joules");
    const char *source = json_text(energy, "source");
    char text[64], cleaned[32];
    clean(source, cleaned, sizeof(cleaned));
    if (isnan(joules))
        snprintf(text, sizeof(text), "-");
    else if (joules < 1e-3)
        snprintf(text, sizeof(text), "%.3g uJ (%s)", joules * 1e6, cleaned);
    else
        snprintf(text, sizeof(text), "%.3g mJ (%s)", joules * 1e3, cleaned);
    fputs("  ", out);
    put(text, 16, out);
}

static void put_replica(const json_t *replica, FILE *out)
{
    double id = json_number(replica, "id");
    const char *backend = json_text(replica, "backend"), *device = json_text(replica, "device");
    char text[128] = "-";
    if (!isnan(id))
        snprintf(text, sizeof(text), "%.0f on %s", id, device ? device : backend ? backend : "-");
    fputs("  ", out);
    put(text, 0, out);
}

static void heading(struct show *show, FILE *out)
{
    show->heading_shown = true;
    if (show->clip_width < 4)
        show->clip_width = 4;
    fprintf(out, "%s%-*s  %-*s  %6s  %-11s", show->colour ? "\033[1m" : "", show->clip_width,
            "CLIP", WORD_WIDTH, "WORD", "SURE", "SPEECH");
    fprintf(out, "  %8s  %8s", "DECODE", "FEATURES");
    if (show->remote)
        fprintf(out, "  %8s", "QUEUE");
    fprintf(out, "  %8s  %8s", "NETWORK", "TOTAL");
    if (show->remote)
        fprintf(out, "  %-16s  %s", "ENERGY", "REPLICA");
    fprintf(out, "%s\n", show->colour ? "\033[0m" : "");
}

/* Word, confidence and where the speech is: the middle of a line, without blanks at its end. */
static void put_heard(const char *word, const json_t *heard, bool colour, FILE *out)
{
    double confidence = json_number(heard, "confidence");
    double start_s = json_number(heard, "start_time"), end_s = json_number(heard, "end_time");
    fputs(colour ? "  \033[32m" : "  ", out);
    put(word, WORD_WIDTH, out);
    fputs(colour ? "\033[0m" : "", out);
    if (isnan(confidence))
        fprintf(out, "  %6s", "-");
    else
        fprintf(out, "  %5.1f%%", 100 * confidence);
    if (isnan(start_s) || isnan(end_s))
        fprintf(out, "  %11s", "-");
    else
        fprintf(out, "  %4.2f-%4.2f s", start_s, end_s);
}

static void line(struct show *show, const char *name, size_t index, const json_t *reply, FILE *out)
{
    const json_t *result = json_array_get(json_object_get(reply, "results"), index);
    const json_t *best = json_array_get(json_object_get(result, "alternatives"), 0);
    const json_t *latency = json_object_get(reply, "latency_us");
    if (*name)
        put(name, show->clip_width, out);
    else
        fprintf(out, "%*s", show->clip_width, "");
    put_heard(json_text(best, "transcript"), best, show->colour, out);
    if (index > 0) { /* the reply's latency stands with its first result */
        fputc('\n', out);
        return;
    }
    put_us(json_number(latency, "decode"), out);
    put_us(json_number(latency, "features"), out);
    if (show->remote)
        put_us(json_number(latency, "queue"), out);
    put_us(json_number(latency, "inference"), out);
    put_us(json_number(latency, "total"), out);
    if (show->remote) {
        put_energy(json_object_get(reply, "energy"), out);
        put_replica(json_object_get(reply, "replica"), out);
    }
    fputc('\n', out);
}

/* The alternatives after the first, and each hearing of a keyword, under the clip's line. */
static void more(const struct show *show, const json_t *result, FILE *out)
{
    size_t i;
    const json_t *heard;
    json_t *list;
    const char *keyword;
    json_array_foreach(json_object_get(result, "alternatives"), i, heard)
    {
        if (i == 0)
            continue;
        put("  or", show->clip_width, out);
        put_heard(json_text(heard, "transcript"), heard, false, out);
        fputc('\n', out);
    }
    json_t *found = json_object_get(result, "keywords_result");
    json_object_foreach(found, keyword, list)
    {
        json_array_foreach(list, i, heard)
        {
            put("  heard", show->clip_width, out);
            put_heard(keyword, heard, show->colour, out);
            fputc('\n', out);
        }
    }
}

void show_reply(struct show *show, const char *name, const json_t *reply, FILE *out)
{
    const json_t *results = json_object_get(reply, "results"), *result;
    size_t i;
    if (!show->heading_shown)
        heading(show, out);
    json_array_foreach(results, i, result)
    {
        line(show, i == 0 ? name : "", i, reply, out);
        more(show, result, out);
    }
    fflush(out);
}
