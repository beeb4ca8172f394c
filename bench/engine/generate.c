/* generate.c - writes a model's stages as C in which everything is a constant: generate MODEL CPU
 * FORM. What computes is the source of the kernels, which the generated file includes, so the
 * arithmetic is the same; FORM says how much is left to look up:
 *   words:kernel, one:kernel   everything: the kernels as they are, from this compiler
 *   words:tables, one:tables   the kernels' own loops, over lists whose every entry is known
 *   words:segments    a group's steps in a row, in a loop over positions that read the same taps
 *   words:pairs       the same; AVX2 adds products of two steps in 16 bits, for each output whose
 *                     weights prove that this is exact
 *   one:rows          every set of blocks for itself, all its steps in a row
 * It exports `compiled`, functions of the scratch in the order of the stages (NULL: none of its
 * own), or `compiled_stage`, the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "bench/engine/generate.h"

void generate_numbers(const char *type, const char *name, size_t stage, const void *from,
                      size_t count, int bytes)
{
    bool lists = strcmp(type, "uint32_t") == 0;
    printf("%s _Alignas(64) %s %s_%zu[] = {", lists ? "static const" : "DATA", type, name, stage);
    for (size_t i = 0; i < count; i++) {
        int32_t v = 0;
        if (bytes == 1)
            v = ((const int8_t *)from)[i];
        else if (bytes == 2)
            v = ((const int16_t *)from)[i];
        else
            memcpy(&v, (const char *)from + 4 * i, sizeof(v));
        printf("%s%ld,", i % 24 == 0 ? "\n    " : " ", (long)v);
    }
    puts("\n};");
}

int main(int argc, char **argv)
{
    struct sparrow_model *model;
    struct sparrow_error err;
    if (argc != 4) {
        fputs("usage: generate MODEL CPU words:kernel|tables|segments|pairs or "
              "one:kernel|tables|rows\n",
              stderr);
        return 2;
    }
    struct sparrow_model_options options = {.size = sizeof(options), .cpu = argv[2]};
    if (sparrow_model_load(argv[1], &options, &model, &err) != 0) {
        fprintf(stderr, "generate: %s\n", err.text);
        return 1;
    }
    const char *form = strchr(argv[3], ':');
    form = form == NULL ? "kernel" : form + 1;
    printf("/* %s %s for %s, digest %s. Generated. */\n", argv[3], argv[2], model->name,
           model->digest);
    bool one = argv[3][0] == 'o';
    size_t count = one ? generate_one(model, form) : generate_words(model, form);
    if (strcmp(form, "kernel") != 0) {
        puts("EXPORT void (*const compiled[])(uint8_t *) = {");
        for (size_t i = 0; i < count; i++)
            printf("    run_%zu,\n", i);
        puts("};");
    }
    printf("EXPORT const size_t compiled_count = %zu;\nEXPORT const char compiled_digest[] = "
           "\"%s\";\n",
           count, model->digest);
    sparrow_model_free(model);
    if (count == 0)
        fputs("generate: these kernels do not run this model\n", stderr);
    return count == 0;
}
