/* replay.c - runs a fuzz target over files that are at hand: the part of fuzzing that every test
 * run repeats.
 *
 * `replay PATH...` takes files and directories (in order of name, not recursive). Without arguments
 * it takes the corpus $top_srcdir/tests/fuzz/corpus/FUZZ_CORPUS that the target was compiled with.
 * Each input lies in a block of exactly its size, so that the address sanitizer sees the first byte
 * read too far. An empty corpus is a failure. The name is printed before the input runs: after a
 * crash the last line names it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_HUNT /* libFuzzer brings its own main: tests/fuzz/hunt */

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef FUZZ_CORPUS
#define FUZZ_CORPUS ""
#endif

/* Inputs run, or -1. */
static int replay_file(const char *path, size_t size)
{
    printf("%s\n", path);
    fflush(stdout);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    /* malloc(0) may be NULL; a block of one byte read from its end is as exact */
    uint8_t *block = malloc(size > 0 ? size : 1);
    int result = -1;
    if (block == NULL || fread(block, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        goto done;
    }
    LLVMFuzzerTestOneInput(size > 0 ? block : block + 1, size);
    result = 1;
done:
    free(block);
    fclose(file);
    return result;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_path(const char *path);

static int replay_directory(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, not_hidden, alphasort);
    if (count < 0) {
        perror(path);
        return -1;
    }
    int sum = 0;
    for (int i = 0; i < count; i++) {
        char name[4096];
        int length = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        int result = length > 0 && (size_t)length < sizeof(name) ? replay_path(name) : -1;
        sum = sum < 0 || result < 0 ? -1 : sum + result;
        free(entries[i]);
    }
    free(entries);
    return sum;
}

static int replay_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        perror(path);
        return -1;
    }
    if (S_ISDIR(status.st_mode))
        return replay_directory(path);
    return replay_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
    int sum = 0;
    if (argc < 2) {
        const char *top = getenv("top_srcdir");
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
                              top != NULL ? top : ".", FUZZ_CORPUS);
        if (length < 0 || (size_t)length >= sizeof(path))
            return EXIT_FAILURE;
        sum = replay_path(path);
    }
    for (int i = 1; i < argc && sum >= 0; i++) {
        int result = replay_path(argv[i]);
        sum = result < 0 ? -1 : sum + result;
    }
    if (sum <= 0) {
        fprintf(stderr, "no input, or one that cannot be read\n");
        return EXIT_FAILURE;
    }
    printf("%d inputs\n", sum);
    return EXIT_SUCCESS;
}

#endif
