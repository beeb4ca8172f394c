/* source.c - labelled clips to measure on: a folder, a tar archive, or a manifest.
 *
 * All three become one list of pieces; only where a piece's bytes come from differs. The last
 * decoded file is kept, since a manifest cuts many pieces from one long noise.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/source.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/sparrow/clip.h"
#include "clients/sparrow/media.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/tar.h"

#define MAX_MANIFEST ((size_t)256 << 20)
#define UNITY_GAIN   65536
#define NO_ARCHIVE   SIZE_MAX
#define MAX_SECONDS  3600

struct piece {
    char *label, *place; /* place: a path, a member, or "-" */
    size_t archive;      /* index into archives, or NO_ARCHIVE */
    uint32_t start, samples, gain;
};

struct archive {
    char *name;
    struct tar *tar;
};

struct source {
    struct piece *pieces;
    size_t count, room;
    struct archive *archives;
    size_t archive_count;
    size_t word_samples;
    int16_t *word;
    struct clip clip;
    const struct piece *decoded; /* whose file is in clip; NULL: none */
};

static bool add(struct source *source, const struct piece *piece)
{
    if (source->count == source->room) {
        size_t room = source->room ? source->room * 2 : 256;
        struct piece *pieces = reallocarray(source->pieces, room, sizeof(*pieces));
        if (!pieces)
            return false;
        source->pieces = pieces;
        source->room = room;
    }
    if (!piece->label || !piece->place)
        return false;
    source->pieces[source->count++] = *piece;
    return true;
}

static bool add_file(struct source *source, char *label, char *place, size_t archive)
{
    struct piece piece = {label, place, archive, 0, (uint32_t)source->word_samples, UNITY_GAIN};
    if (add(source, &piece))
        return true;
    free(label);
    free(place);
    say_error("no memory");
    return false;
}

static bool is_audio(const char *name)
{
    const char *type = media_by_name(name);
    return name[0] != '.' && type && strcmp(type, "application/octet-stream") != 0;
}

/* ---- a folder ---- */

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_name[0] != '_';
}

static bool scan_word(struct source *source, const char *folder, const char *word)
{
    char path[PATH_MAX];
    struct dirent **files;
    int n = snprintf(path, sizeof(path), "%s/%s", folder, word);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        say_error("%s: the path is too long", folder);
        return false;
    }
    int count = scandir(path, &files, visible, alphasort);
    if (count < 0)
        return errno == ENOTDIR; /* a README beside the words */
    bool ok = true;
    for (int i = 0; i < count; i++) {
        char *place = NULL;
        if (ok && is_audio(files[i]->d_name)) {
            if (asprintf(&place, "%s/%s", path, files[i]->d_name) < 0)
                place = NULL;
            ok = add_file(source, strdup(word), place, NO_ARCHIVE);
        }
        free(files[i]);
    }
    free(files);
    return ok;
}

static bool scan_folder(struct source *source, const char *path)
{
    struct dirent **words;
    int count = scandir(path, &words, visible, alphasort);
    if (count < 0) {
        say_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool ok = true;
    for (int i = 0; i < count; i++) {
        ok = ok && scan_word(source, path, words[i]->d_name);
        free(words[i]);
    }
    free(words);
    return ok;
}

/* ---- tar archives ---- */

static bool add_archive(struct source *source, const char *name, const char *path)
{
    struct archive *archives =
        reallocarray(source->archives, source->archive_count + 1, sizeof(*archives));
    if (!archives) {
        say_error("no memory");
        return false;
    }
    source->archives = archives;
    struct archive archive = {.name = strdup(name), .tar = tar_open(path)};
    archives[source->archive_count++] = archive;
    return archive.name && archive.tar;
}

/* WORD/FILE, with any folders before WORD; a word that begins with '_' is noise, not a word. */
static bool scan_archive(struct source *source, const char *path)
{
    if (!add_archive(source, path, path))
        return false;
    const struct tar *tar = source->archives[0].tar;
    for (size_t i = 0; i < tar_count(tar); i++) {
        const char *name = tar_at(tar, i)->name, *slash = strrchr(name, '/');
        if (!slash || !is_audio(slash + 1))
            continue;
        const char *word = slash;
        while (word > name && word[-1] != '/')
            word--;
        if (name[0] == '_' || word[0] == '_')
            continue;
        if (!add_file(source, strndup(word, (size_t)(slash - word)), strdup(name), 0))
            return false;
    }
    return true;
}

/* ---- a manifest ---- */

static bool find_archive(struct source *source, const char *name, const char *data,
                         size_t *ret_archive)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < source->archive_count; i++) {
        if (strcmp(source->archives[i].name, name) == 0) {
            *ret_archive = i;
            return true;
        }
    }
    int n = snprintf(path, sizeof(path), "%s/%s", data, name);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        say_error("%s: the path is too long", data);
        return false;
    }
    if (access(path, R_OK) != 0) {
        say_error("%s: %s; --data names the folder of the manifest's archives", path,
                  strerror(errno));
        return false;
    }
    *ret_archive = source->archive_count;
    return add_archive(source, name, path);
}

static bool read_u32(const char *text, uint32_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end || errno || text[0] == '-' || number > INT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

enum { LABEL, ARCHIVE, MEMBER, START, SAMPLES, GAIN, COLUMNS };

static bool add_row(struct source *source, char *line, const char *data, const char *path,
                    size_t number)
{
    char *columns[COLUMNS] = {0}, *rest = line;
    size_t count = 0;
    struct piece piece = {.archive = NO_ARCHIVE};
    while (count < COLUMNS && rest)
        columns[count++] = strsep(&rest, "\t");
    if (count < COLUMNS || rest || !read_u32(columns[START], &piece.start) ||
        !read_u32(columns[SAMPLES], &piece.samples) || !read_u32(columns[GAIN], &piece.gain)) {
        say_error("%s: line %zu: not label, archive, member, start, samples, gain", path, number);
        return false;
    }
    if (piece.samples > source->word_samples) {
        say_error("%s: line %zu: %" PRIu32 " samples are more than a word's %zu", path, number,
                  piece.samples, source->word_samples);
        return false;
    }
    if (strcmp(columns[ARCHIVE], "-") != 0 &&
        !find_archive(source, columns[ARCHIVE], data, &piece.archive))
        return false;
    piece.label = strdup(columns[LABEL]);
    piece.place = strdup(piece.archive == NO_ARCHIVE ? "-" : columns[MEMBER]);
    if (add(source, &piece))
        return true;
    free(piece.label);
    free(piece.place);
    say_error("no memory");
    return false;
}

static bool scan_manifest(struct source *source, const char *path, const char *data)
{
    struct bytes text = {0};
    bool ok = bytes_read(&text, path, MAX_MANIFEST) && bytes_reserve(&text, text.count + 1);
    char *rest = (char *)text.data;
    if (ok) {
        text.data[text.count] = '\0';
        const char *heading = strsep(&rest, "\n");
        if (strcmp(heading, "label\tarchive\tmember\tstart\tsamples\tgain") != 0) {
            say_error(
                "%s: neither a folder, nor a tar archive, nor a manifest (its first line is not "
                "\"label archive member start samples gain\" with tabs)",
                path);
            ok = false;
        }
    }
    for (size_t number = 2; ok && rest && *rest; number++) {
        char *line = strsep(&rest, "\n");
        if (*line)
            ok = add_row(source, line, data, path, number);
    }
    bytes_done(&text);
    return ok;
}

/* ---- all of them ---- */

static bool has_end(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

struct source *source_open(const char *path, const char *data, size_t word_samples)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        say_error("%s: %s", path, strerror(errno));
        return NULL;
    }
    struct source *source = calloc(1, sizeof(*source));
    int16_t *word = calloc(word_samples, sizeof(*word));
    if (!source || !word) {
        say_error("no memory");
        free(source);
        free(word);
        return NULL;
    }
    source->word = word;
    source->word_samples = word_samples;
    bool ok = S_ISDIR(st.st_mode)     ? scan_folder(source, path)
              : has_end(path, ".tar") ? scan_archive(source, path)
                                      : scan_manifest(source, path, data);
    if (ok && source->count == 0)
        say_error("%s: no clips in it (wanted: WORD/FILE.wav)", path);
    if (!ok || source->count == 0) {
        source_close(source);
        return NULL;
    }
    return source;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    for (size_t i = 0; i < source->count; i++) {
        free(source->pieces[i].label);
        free(source->pieces[i].place);
    }
    for (size_t i = 0; i < source->archive_count; i++) {
        free(source->archives[i].name);
        tar_close(source->archives[i].tar);
    }
    free(source->pieces);
    free(source->archives);
    free(source->word);
    clip_done(&source->clip);
    free(source);
}

size_t source_count(const struct source *source)
{
    return source->count;
}

const char *source_label(const struct source *source, size_t index)
{
    return source->pieces[index].label;
}

/* Brings a piece's file, decoded, into source->clip. */
static bool fetch(struct source *source, const struct piece *piece)
{
    const struct piece *before = source->decoded;
    if (before && before->archive == piece->archive && strcmp(before->place, piece->place) == 0)
        return true;
    source->decoded = NULL;
    struct clip *clip = &source->clip;
    if (piece->archive == NO_ARCHIVE) {
        if (!clip_read(clip, piece->place, NULL))
            return false;
    } else {
        const struct archive *archive = &source->archives[piece->archive];
        const struct tar_member *member = tar_find(archive->tar, piece->place);
        if (!member) {
            say_error("%s: no file %s in it", archive->name, piece->place);
            return false;
        }
        if (!bytes_reserve(&clip->bytes, member->count + 1)) {
            say_error("no memory");
            return false;
        }
        memcpy(clip->bytes.data, member->data, member->count);
        clip->bytes.count = member->count;
        clip->media_type = media_by_name(piece->place);
    }
    if (!clip_decode(clip, piece->place, MAX_SECONDS))
        return false;
    source->decoded = piece;
    return true;
}

/* Cuts the piece out of the decoded file; what is missing stays zero. */
static void cut(struct source *source, const struct piece *piece)
{
    size_t have = sparrow_audio_count(source->clip.audio);
    const int16_t *samples = sparrow_audio_samples(source->clip.audio);
    size_t n = piece->start < have ? have - piece->start : 0;
    if (n > piece->samples)
        n = piece->samples;
    for (size_t i = 0; i < n; i++) {
        int64_t scaled = ((int64_t)samples[piece->start + i] * piece->gain + 32768) >> 16;
        source->word[i] = (int16_t)(scaled > INT16_MAX   ? INT16_MAX
                                    : scaled < INT16_MIN ? INT16_MIN
                                                         : scaled);
    }
}

bool source_read(struct source *source, size_t index, struct source_clip *ret_clip)
{
    const struct piece *piece = &source->pieces[index];
    bool silence = piece->archive == NO_ARCHIVE && strcmp(piece->place, "-") == 0;
    memset(source->word, 0, source->word_samples * sizeof(*source->word));
    if (!silence) {
        if (!fetch(source, piece))
            return false;
        cut(source, piece);
    }
    *ret_clip = (struct source_clip){piece->label, piece->place, source->word};
    return true;
}
