/* config.h - the configuration: one INI file, environment (SPARROWD_SECTION_KEY) and command line
 * (--section.key=value), in rising order. A config is immutable once loaded and reference-counted,
 * so a reload swaps pointers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/sparrow.h"

enum config_type { CONFIG_STRING, CONFIG_CHOICE, CONFIG_BOOL, CONFIG_UINT, CONFIG_REAL };

/* The fields, named section_key: config->server_listen, config->audio_max_seconds, ... */
struct config {
#define CONFIG_FIELD_STRING(name) const char *name;
#define CONFIG_FIELD_CHOICE(name) const char *name;
#define CONFIG_FIELD_BOOL(name)   bool name;
#define CONFIG_FIELD_UINT(name)   uint64_t name;
#define CONFIG_FIELD_REAL(name)   double name;
#define CONFIG(section, key, type, def, min, max, unit, reload, sentence, paragraph)               \
    CONFIG_FIELD_##type(section##_##key)
#include "daemon/config.def"
#undef CONFIG
};

/* One row of config.def. */
struct config_key {
    const char *section, *key;
    enum config_type type;
    const char *def;
    double min, max;
    const char *unit;
    bool reload;
    const char *sentence, *paragraph;
    size_t offset; /* of the field in struct config */
};
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* Defaults, then the file (NULL: none), then environment, then `overrides` ("section.key=value",
 * NULL-terminated; may be NULL). Reports every error it finds to `report` (may be NULL), one line
 * each, file:line: text. Fails if there was any; err has the first. Numbers are decimal; bytes may
 * end in K, M or G (powers of 1024); a BOOL is yes/no, true/false, on/off or 1/0.
 * Of the environment, SPARROWD_* names are taken whose next word is a section, or which look like a
 * slip of the pen; a Kubernetes service named sparrowd puts SPARROWD_SERVICE_HOST and the like
 * there, which mean nothing to us.
 * On success the caller holds one reference. */
int config_load(const char *file, const char *const *overrides, FILE *report,
                struct config **ret_config, struct sparrow_error *err);
struct config *config_ref(struct config *config);
void config_unref(struct config *config);

/* Keys whose value differs and which only a restart applies: one "section.key" per line into
 * report. Returns how many. */
size_t config_restart_needed(const struct config *now, const struct config *next, FILE *report);

/* The value as the file would have it, for messages and tests. */
void config_print_value(const struct config *config, const struct config_key *key, FILE *out);
/* The row of section.key, or NULL. */
const struct config_key *config_find(const char *section, const char *key);

/* From the table (daemon/config_print.c): the commented example file, the man page's section
 * (roff), the help text, docs/configuration.md. */
void config_print_example(FILE *out);
void config_print_man(FILE *out);
void config_print_help(FILE *out);
void config_print_markdown(FILE *out);

#endif
