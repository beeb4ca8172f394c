/* fuzz_model.c - the model loader on any message, and the network on any model that loads.
 * The input is a payload: the envelope with its digest is put around it here, else no mutation
 * would get past it. An input that begins with the magic is tried as a whole file too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/envelope.h"
#include "engine/model/limits.h"
#include "engine/sparrow.h"
#include "tests/fuzz/fuzz.h"

#define WANT(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

/* What must hold for any model: it runs, all CPU paths give the same scores. */
static void run(const struct sparrow_model *model, int32_t *scores)
{
    struct sparrow_scratch *scratch = NULL;
    if (sparrow_scratch_new(model, &scratch, NULL) < 0)
        return;
    size_t frames = sparrow_model_frames(model), bands = sparrow_model_bands(model);
    static int16_t pcm[16000];
    for (size_t i = 0; i < 16000; i++)
        pcm[i] = (int16_t)(i * i * 7);
    uint8_t *features = malloc(frames * bands);
    float *densities = malloc(sparrow_model_layer_count(model) * sizeof(*densities));
    WANT(features != NULL && densities != NULL);
    sparrow_features(model, scratch, pcm, 16000, features);
    const uint8_t *rows[2] = {features, features};
    int32_t *both = malloc(2 * sparrow_model_label_count(model) * sizeof(*both));
    WANT(both != NULL);
    sparrow_run(model, scratch, rows, 2, both);
    size_t bytes = sparrow_model_label_count(model) * sizeof(*both);
    WANT(memcmp(both, both + sparrow_model_label_count(model), bytes) == 0);
    memcpy(scores, both, bytes);
    sparrow_scratch_density(scratch, densities);
    for (size_t i = 0; i < sparrow_model_layer_count(model); i++)
        WANT(densities[i] == -1.0f || (densities[i] >= 0 && densities[i] <= 1));
    free(both);
    free(densities);
    free(features);
    sparrow_scratch_free(scratch);
}

static void try_file(const uint8_t *file, size_t n)
{
    static int32_t scores[2][SP_LIMIT_LABELS];
    static const char *const cpus[] = {"scalar", "avx2", "native"}; /* the first is the truth */
    enum { COUNT = sizeof(cpus) / sizeof(cpus[0]) };
    struct sparrow_model *models[COUNT] = {NULL};
    for (size_t i = 0; i < COUNT; i++) {
        struct sparrow_model_options opt = {.size = sizeof(opt), .cpu = cpus[i]};
        struct sparrow_error err = {.text = ""};
        int status = sparrow_model_parse(file, n, &opt, &models[i], &err);
        WANT((status == 0) == (models[i] != NULL));
        WANT(status == 0 || err.text[0] != 0);
        bool lacks = i == 1 && status == SPARROW_BAD_ARGUMENT; /* the machine, this CPU */
        WANT(lacks || (models[0] == NULL) == (models[i] == NULL));
    }
    /* long computations are within the limits, but not worth a fuzzer's time */
    uint64_t macs = 0;
    for (size_t i = 0; models[0] != NULL && i < sparrow_model_layer_count(models[0]); i++) {
        struct sparrow_layer_info info = {.size = sizeof(info)};
        WANT(sparrow_model_layer(models[0], i, &info) == 0);
        macs += info.macs_stored;
    }
    for (size_t i = 0; i < COUNT && macs < 10000000; i++)
        if (models[i] != NULL) {
            run(models[i], scores[i != 0]);
            WANT(i == 0 ||
                 memcmp(scores[0], scores[1], sparrow_model_label_count(models[0]) * 4) == 0);
        }
    for (size_t i = 0; i < COUNT; i++)
        sparrow_model_free(models[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *file = calloc(n + SP_ENVELOPE_BYTES, 1);
    WANT(file != NULL);
    if (n != 0)
        memcpy(file + SP_ENVELOPE_BYTES, bytes, n);
    sp_envelope_write(file + SP_ENVELOPE_BYTES, n, file);
    try_file(file, n + SP_ENVELOPE_BYTES);
    free(file);
    if (n >= 8 && memcmp(bytes, "SPARROW\n", 8) == 0)
        try_file(bytes, n);
    return 0;
}
