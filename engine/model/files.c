/* files.c - which files of a folder are models, and in which order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"

#define ENDING ".sparrow"

static size_t stem_length(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name), ending = strlen(ENDING);
    return n > ending && strcmp(entry->d_name + n - ending, ENDING) == 0 ? n - ending : 0;
}

static int is_model(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && stem_length(entry) > 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    size_t n = stem_length(*a), m = stem_length(*b);
    int order = memcmp((*a)->d_name, (*b)->d_name, n < m ? n : m);
    return order != 0 ? order : (n > m) - (n < m);
}

static char *join(const char *folder, const char *name)
{
    size_t n = strlen(folder), m = strlen(name);
    char *path = malloc(n + m + 2);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, n);
    path[n] = '/';
    memcpy(path + n + 1, name, m + 1);
    return path;
}

int sparrow_model_files(const char *folder, int (*each)(const char *path, void *arg), void *arg,
                        struct sparrow_error *err)
{
    struct dirent **list = NULL;
    int count = scandir(folder, &list, is_model, by_name);
    if (count < 0)
        return errno == ENOMEM
                   ? sp_error_set(err, SPARROW_NO_MEMORY, "%.100s: no memory", folder)
                   : sp_error_set(err, SPARROW_IO, "%.100s: %s", folder, strerror(errno));
    int rc = 0;
    for (int i = 0; i < count; i++) {
        char *path = rc == 0 ? join(folder, list[i]->d_name) : NULL;
        if (path != NULL)
            rc = each(path, arg);
        else if (rc == 0)
            rc = sp_error_set(err, SPARROW_NO_MEMORY, "%.100s: no memory", folder);
        free(path);
        free(list[i]);
    }
    free(list);
    return rc;
}
