/* fuzz_tar.c - the tar reader on any bytes: its files lie inside them, sorted, and are found by
 * their names.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/tar.h"

static void require(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char why[128] = "";
    struct tar *tar = tar_parse(bytes, n, why, sizeof(why));
    if (!tar) {
        require(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
        return 0;
    }
    for (size_t i = 0; i < tar_count(tar); i++) {
        const struct tar_member *member = tar_at(tar, i);
        require(member->data >= bytes && member->count <= n &&
                (size_t)(member->data - bytes) <= n - member->count);
        require(i == 0 || strcmp(tar_at(tar, i - 1)->name, member->name) <= 0);
        const struct tar_member *found = tar_find(tar, member->name);
        require(found && strcmp(found->name, member->name) == 0);
    }
    tar_close(tar);
    return 0;
}
