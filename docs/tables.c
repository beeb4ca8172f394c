/* tables.c - prints what is made from the daemon's tables, for make (man pages) and for the test
 * that compares docs/ and conf/. Usage: tables example | man | configuration | metrics | errors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/metrics.h"
#include "daemon/status.h"

static const struct {
    const char *name;
    void (*print)(FILE *out);
} texts[] = {{"example", config_print_example},
             {"man", config_print_man},
             {"configuration", config_print_markdown},
             {"metrics", metrics_print_markdown},
             {"errors", status_print_markdown}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(argv[1], texts[i].name) == 0) {
            texts[i].print(stdout);
            return fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    }
    fputs("usage: tables example | man | configuration | metrics | errors\n", stderr);
    return 2;
}
