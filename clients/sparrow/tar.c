/* tar.c - reads the files of an uncompressed tar archive in place.
 *
 * An archive is a row of 512-byte blocks: a header, then the data filled up to whole blocks; zero
 * blocks end it. A name that does not fit the header stands in an entry of its own before it: of
 * type 'L' (GNU), or as "path=" in one of type 'x' (pax).
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/sparrow/say.h"

#define BLOCK 512

struct tar {
    void *map; /* NULL when the bytes are the caller's */
    size_t map_size;
    struct tar_member *members;
    size_t count, room;
};

/* Where the fields of a header stand (POSIX.1-1988, "ustar"). */
enum { NAME = 0, NAME_SIZE = 100, SIZE = 124, SIZE_SIZE = 12, SUM = 148, SUM_SIZE = 8, TYPE = 156 };
enum { MAGIC = 257, PREFIX = 345, PREFIX_SIZE = 155 };

/* What one pass over the archive knows. */
struct walk {
    struct tar *tar;
    const uint8_t *data;
    size_t count, at;
    char *long_name; /* for the next member; owned */
    char *why;
    size_t why_size;
};

static bool complain(const struct walk *w, const char *what)
{
    snprintf(w->why, w->why_size, "%s at byte %zu", what, w->at);
    return false;
}

/* Octal digits, blanks around; or, with the first bit set, big-endian binary (GNU, for large
 * files). */
static bool read_number(const uint8_t *field, size_t size, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t i = 0;
    if (field[0] & 0x80) {
        for (i = 1; i < size; i++) {
            if (number >> 56)
                return false;
            number = number << 8 | field[i];
        }
        *ret_number = number;
        return true;
    }
    while (i < size && field[i] == ' ')
        i++;
    size_t digits = i;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        number = number << 3 | (uint64_t)(field[i] - '0');
    if (i == digits || (i < size && field[i] != ' ' && field[i] != '\0'))
        return false;
    *ret_number = number;
    return true;
}

/* The sum of all bytes of the header, with the field of the sum itself taken as blanks. */
static bool sum_is_right(const uint8_t *header)
{
    uint64_t said, sum = 0;
    if (!read_number(header + SUM, SUM_SIZE, &said))
        return false;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= SUM && i < SUM + SUM_SIZE ? ' ' : header[i];
    return sum == said;
}

static bool all_zero(const uint8_t *block)
{
    for (size_t i = 0; i < BLOCK; i++) {
        if (block[i])
            return false;
    }
    return true;
}

static char *header_name(const uint8_t *header)
{
    const char *name = (const char *)header + NAME, *prefix = (const char *)header + PREFIX;
    size_t n = strnlen(name, NAME_SIZE), m = 0;
    /* GNU headers ("ustar  ") use the prefix's place for other things. */
    if (memcmp(header + MAGIC, "ustar\0", 6) == 0)
        m = strnlen(prefix, PREFIX_SIZE);
    char *whole = malloc(m + 1 + n + 1);
    if (!whole)
        return NULL;
    memcpy(whole, prefix, m);
    if (m)
        whole[m++] = '/';
    memcpy(whole + m, name, n);
    whole[m + n] = '\0';
    return whole;
}

/* Finds "path=" among the records "LENGTH KEY=VALUE\n" of a pax header. NULL: none, or no memory.
 */
static char *pax_path(const uint8_t *data, size_t count)
{
    size_t at = 0;
    while (at < count) {
        size_t length = 0, i = at;
        for (; i < count && data[i] >= '0' && data[i] <= '9' && length < count; i++)
            length = length * 10 + (size_t)(data[i] - '0');
        if (i == at || i >= count || data[i] != ' ' || length > count - at || length < i - at + 2)
            return NULL;
        i++;
        if (at + length - i > 5 && memcmp(data + i, "path=", 5) == 0)
            return strndup((const char *)data + i + 5, at + length - 1 - (i + 5));
        at += length;
    }
    return NULL;
}

static bool add(struct walk *w, char *name, const uint8_t *data, size_t count)
{
    struct tar *tar = w->tar;
    while (strncmp(name, "./", 2) == 0)
        memmove(name, name + 2, strlen(name + 2) + 1);
    if (tar->count == tar->room) {
        size_t room = tar->room ? tar->room * 2 : 256;
        struct tar_member *members = reallocarray(tar->members, room, sizeof(*members));
        if (!members) {
            free(name);
            return complain(w, "no memory");
        }
        tar->members = members;
        tar->room = room;
    }
    tar->members[tar->count++] = (struct tar_member){name, data, count};
    return true;
}

/* Takes the entry whose header begins at w->at. */
static bool take_entry(struct walk *w, const uint8_t *header)
{
    uint64_t size;
    if (!sum_is_right(header) || !read_number(header + SIZE, SIZE_SIZE, &size))
        return complain(w, "no tar header");
    if (size > w->count - w->at - BLOCK)
        return complain(w, "the archive ends inside the file that begins");
    const uint8_t *data = header + BLOCK;
    char type = (char)header[TYPE];
    if (type == 'L' || type == 'x') {
        free(w->long_name);
        w->long_name =
            type == 'L' ? strndup((const char *)data, (size_t)size) : pax_path(data, (size_t)size);
    } else {
        char *name = w->long_name ? w->long_name : header_name(header);
        w->long_name = NULL;
        if (!name)
            return complain(w, "no memory");
        if (type != '0' && type != '\0')
            free(name); /* a folder, a link, a device: not ours */
        else if (!add(w, name, data, (size_t)size))
            return false;
    }
    /* The last file's filling may be missing: then this goes past the end, and the walk stops. */
    size_t blocks = (size_t)size / BLOCK + (size % BLOCK != 0);
    w->at += BLOCK + blocks * BLOCK;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct tar_member *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    /* Of the same name the later one is to be found: it sorts first, and tar_find() takes the
     * first. */
    return order ? order : x->data > y->data ? -1 : x->data < y->data;
}

struct tar *tar_parse(const uint8_t *data, size_t count, char *why, size_t why_size)
{
    struct walk w = {.data = data, .count = count, .why = why, .why_size = why_size};
    bool ok = true;
    w.tar = calloc(1, sizeof(*w.tar));
    if (!w.tar) {
        snprintf(why, why_size, "no memory");
        return NULL;
    }
    if (count < BLOCK)
        ok = complain(&w, "no tar header");
    while (ok && w.at < count && count - w.at >= BLOCK && !all_zero(data + w.at))
        ok = take_entry(&w, data + w.at);
    free(w.long_name);
    if (!ok) {
        tar_close(w.tar);
        return NULL;
    }
    if (w.tar->count)
        qsort(w.tar->members, w.tar->count, sizeof(*w.tar->members), by_name);
    return w.tar;
}

struct tar *tar_open(const char *path)
{
    struct stat st;
    struct tar *tar = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        say_error("%s: %s", path, strerror(errno));
    } else if (st.st_size <= 0) {
        say_error("%s: no tar archive: it is empty", path);
    } else {
        size_t size = (size_t)st.st_size;
        char why[128];
        void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            say_error("%s: %s", path, strerror(errno));
        } else if (!(tar = tar_parse(map, size, why, sizeof(why)))) {
            say_error("%s: no tar archive: %s", path, why);
            munmap(map, size);
        } else {
            tar->map = map;
            tar->map_size = size;
        }
    }
    if (fd >= 0)
        close(fd);
    return tar;
}

void tar_close(struct tar *tar)
{
    if (!tar)
        return;
    for (size_t i = 0; i < tar->count; i++)
        free((char *)(uintptr_t)tar->members[i].name);
    free(tar->members);
    if (tar->map)
        munmap(tar->map, tar->map_size);
    free(tar);
}

size_t tar_count(const struct tar *tar)
{
    return tar->count;
}

const struct tar_member *tar_at(const struct tar *tar, size_t index)
{
    return &tar->members[index];
}

const struct tar_member *tar_find(const struct tar *tar, const char *name)
{
    size_t low = 0, high = tar->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(tar->members[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tar->count && strcmp(tar->members[low].name, name) == 0 ? &tar->members[low]
                                                                         : NULL;
}
