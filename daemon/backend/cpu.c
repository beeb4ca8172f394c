/* cpu.c - replicas made of a CPU core and the engine: the words run on the thread that calls, a
 * lane's or a worker's. Also carries out what tests ask for: words that take at least so long, a
 * death or a hang at the n-th word.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/backend/cpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/scratches.h"

struct cpu {
    struct scratches scratches;
    struct replica_setup setup;
    uint64_t words;
};

static int cpu_open(const struct replica_setup *setup, void **ret_state, struct sparrow_error *err)
{
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu) {
        if (err) {
            err->status = SPARROW_NO_MEMORY;
            snprintf(err->text, sizeof err->text, "no memory for replica %u", setup->id);
        }
        return SPARROW_NO_MEMORY;
    }
    scratches_init(&cpu->scratches);
    cpu->setup = *setup;
    *ret_state = cpu;
    return 0;
}

static struct timespec after(const struct timespec *from, double seconds)
{
    double ns = (double)from->tv_nsec + seconds * 1e9;
    time_t whole = (time_t)(ns / 1e9);
    return (struct timespec){.tv_sec = from->tv_sec + whole,
                             .tv_nsec = (long)(ns - (double)whole * 1e9)};
}

static void sleep_until(const struct timespec *end)
{
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, end, NULL) == EINTR)
        ;
}

static int act_on_fault(struct cpu *cpu)
{
    struct replica_fault fault = cpu->setup.fault;
    cpu->setup.fault.kind = REPLICA_FAULT_NONE;
    if (fault.kind == REPLICA_FAULT_DIE)
        return SPARROW_BACKEND;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    do {
        now = after(&now, fault.seconds > 0 ? fault.seconds : 3600);
        sleep_until(&now);
    } while (fault.seconds <= 0);
    return 0;
}

static int cpu_run(void *state, const struct model_entry *entry, const uint8_t *const *features,
                   size_t words, int32_t *scores)
{
    struct cpu *cpu = state;
    struct sparrow_scratch *scratch = scratches_get(&cpu->scratches, entry);
    if (!scratch)
        return SPARROW_NO_MEMORY;
    struct timespec began = {0};
    if (cpu->setup.word_cost_s > 0)
        clock_gettime(CLOCK_MONOTONIC, &began);
    cpu->words += words;
    if (cpu->setup.fault.kind != REPLICA_FAULT_NONE && cpu->words >= cpu->setup.fault.at_word) {
        int rc = act_on_fault(cpu);
        if (rc < 0)
            return rc;
    }
    sparrow_run(entry->model, scratch, features, words, scores);
    if (cpu->setup.word_cost_s > 0) {
        struct timespec end = after(&began, cpu->setup.word_cost_s * (double)words);
        sleep_until(&end);
    }
    return 0;
}

static void cpu_keep(void *state, const struct model_set *set)
{
    struct cpu *cpu = state;
    scratches_keep(&cpu->scratches, set);
}

static void cpu_close(void *state)
{
    struct cpu *cpu = state;
    if (!cpu)
        return;
    scratches_done(&cpu->scratches);
    free(cpu);
}

const struct replica_backend *cpu_backend(void)
{
    static const struct replica_backend backend = {
        .name = "cpu",
        .device = "cpu0",
        .open = cpu_open,
        .run = cpu_run,
        .keep = cpu_keep,
        .close = cpu_close,
    };
    return &backend;
}
