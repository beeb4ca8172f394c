/* machine.c - which machine a measurement was made on, from /proc/cpuinfo.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* The value of the first line "KEY<blanks>: VALUE" of /proc/cpuinfo; the caller frees it. NULL:
 * none. */
static char *cpuinfo(const char *key)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char *line = NULL, *found = NULL;
    size_t room = 0, n = strlen(key);
    while (file && !found && getline(&line, &room, file) > 0) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, n) != 0 ||
            strspn(line + n, "\t ") != (size_t)(colon - line) - n)
            continue;
        char *value = colon + 1 + strspn(colon + 1, " ");
        value[strcspn(value, "\n")] = '\0';
        found = strdup(value);
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

void machine_cpu(char *ret_text, size_t size)
{
    struct utsname system;
    char *model = cpuinfo("model name");
    if (model)
        snprintf(ret_text, size, "%s", model);
    else
        snprintf(ret_text, size, "%s", uname(&system) == 0 ? system.machine : "unknown");
    free(model);
}

void machine_isa(char *ret_text, size_t size)
{
    static const char *const ours[] = {"avx2",       "avx512f",  "avx512bw", "avx512_vnni",
                                       "avx512vbmi", "avx_vnni", "asimd",    "asimddp",
                                       "i8mm",       "sve"};
    char *flags = cpuinfo("flags");
    if (!flags)
        flags = cpuinfo("Features");
    size_t used = 0;
    if (size)
        ret_text[0] = '\0';
    char *rest = flags;
    for (const char *flag; flags && (flag = strsep(&rest, " "));) {
        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
            size_t n = strlen(flag);
            if (strcmp(flag, ours[i]) != 0 || used + n + 2 > size)
                continue;
            used += (size_t)snprintf(ret_text + used, size - used, "%s%s", used ? " " : "", flag);
        }
    }
    free(flags);
}

size_t machine_cpus(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (size_t)count : 1;
}

void machine_pin(size_t index)
{
    cpu_set_t set, one;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return;
    for (size_t cpu = CPU_SETSIZE; cpu-- > 0;) {
        if (!CPU_ISSET(cpu, &set) || index-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof(one), &one);
        return;
    }
}
