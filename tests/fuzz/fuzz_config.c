/* fuzz_config.c - any bytes as a configuration file: it is taken with every value within its
 * bounds, or refused with a report that is fit for a terminal, and what is taken reads back as
 * itself. A campaign: clang -fsanitize=fuzzer,address -I. tests/fuzz/fuzz_config.c
 * daemon/{config,config_print,status}.c -linih
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"

static void require(int truth)
{
    if (!truth)
        abort();
}

/* config_load() wants a name; memory has one under /proc/self/fd. */
static int load_bytes(const void *bytes, size_t n, FILE *report, struct config **ret_config,
                      struct sparrow_error *err)
{
    char name[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    int status = config_load(name, NULL, report, ret_config, err);
    close(fd);
    return status;
}

static void check_bounds(const struct config *config)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        const void *field = (const char *)config + k->offset;
        double v = k->type == CONFIG_UINT   ? (double)*(const uint64_t *)field
                   : k->type == CONFIG_REAL ? *(const double *)field
                                            : k->min;
        require(v >= k->min && v <= k->max);
        if (k->type == CONFIG_STRING || k->type == CONFIG_CHOICE)
            require(*(const char *const *)field != NULL);
    }
}

static void print_all(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < config_key_count; i++) {
        fprintf(out, "[%s]\n%s = ", config_keys[i].section, config_keys[i].key);
        config_print_value(config, &config_keys[i], out);
        fputc('\n', out);
    }
}

/* Printed and read again: the same. Values that no line can hold (comments, the quotes of others)
 * are left to the unit tests. */
static void check_round_trip(const struct config *config)
{
    char *text, *again;
    size_t n, m;
    struct config *second;
    FILE *out = open_memstream(&text, &n);
    require(out != NULL);
    print_all(config, out);
    fclose(out);
    if (load_bytes(text, n, NULL, &second, NULL) == 0) {
        out = open_memstream(&again, &m);
        require(out != NULL);
        print_all(second, out);
        fclose(out);
        if (strchr(text, ';') == NULL)
            require(n == m && memcmp(text, again, n) == 0);
        free(again);
        config_unref(second);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct config *config = NULL;
    struct sparrow_error err = {.text = ""};
    char *report;
    size_t report_n;
    FILE *out = open_memstream(&report, &report_n);
    require(out != NULL);
    int status = load_bytes(bytes, n, out, &config, &err);
    fclose(out);
    if (status == 0) {
        require(report_n == 0);
        check_bounds(config);
        check_round_trip(config);
        config_unref(config);
    } else {
        require(status == SPARROW_CONFIG && err.status == SPARROW_CONFIG && err.text[0] != '\0');
        require(report_n > 0 && report[report_n - 1] == '\n');
        for (size_t i = 0; i < report_n; i++)
            require(report[i] == '\n' || ((unsigned char)report[i] >= 0x20 && report[i] != 0x7f));
    }
    free(report);
    return 0;
}
