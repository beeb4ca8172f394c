/* fault.c - reads test.fault.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/schedule/fault.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct item {
    char kind; /* 'd', 'h', 's' */
    unsigned long id;
    unsigned long long word;
    double seconds;
};

/* A number that begins with a digit; moves *at behind it. */
static bool number(const char **at, unsigned long long *ret_value)
{
    if (!isdigit((unsigned char)**at))
        return false;
    char *end = NULL;
    *ret_value = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

/* Reads one item and moves *at to its end (a comma or NUL). */
static bool read_item(const char **at, struct item *ret_item)
{
    static const char *const kinds[] = {"die:", "hang:", "stall:"};
    *at += strspn(*at, " ");
    struct item item = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !item.kind; i++)
        if (strncmp(*at, kinds[i], strlen(kinds[i])) == 0) {
            item.kind = kinds[i][0];
            *at += strlen(kinds[i]);
        }
    unsigned long long id = 0;
    if (!item.kind || !number(at, &id) || *(*at)++ != ':' || !number(at, &item.word) ||
        item.word == 0)
        return false;
    item.id = (unsigned long)id;
    if (item.kind == 'h' && **at == ':') {
        char *end = NULL;
        item.seconds = strtod(*at + 1, &end);
        if (end == *at + 1 || !(item.seconds > 0))
            return false;
        *at = end;
    }
    *at += strspn(*at, " ");
    *ret_item = item;
    return **at == ',' || **at == '\0';
}

bool fault_check(const char *list)
{
    struct item item;
    while (*list) {
        if (!read_item(&list, &item))
            return false;
        list += *list == ',';
    }
    return true;
}

struct replica_fault fault_of_replica(const char *list, unsigned id)
{
    struct item item;
    while (*list && read_item(&list, &item)) {
        if (item.kind != 's' && item.id == id)
            return (struct replica_fault){item.kind == 'd' ? REPLICA_FAULT_DIE : REPLICA_FAULT_HANG,
                                          item.word, item.seconds};
        list += *list == ',';
    }
    return (struct replica_fault){0};
}

uint64_t fault_of_lane(const char *list, unsigned lane)
{
    struct item item;
    while (*list && read_item(&list, &item)) {
        if (item.kind == 's' && item.id == lane)
            return item.word;
        list += *list == ',';
    }
    return 0;
}
