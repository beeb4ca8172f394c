/* config.h - the configuration: one INI file, environment (SPARROWD_SECTION_KEY) and command line (--section.key=value), in rising order.
 * A config is immutable once loaded and reference-counted, so a reload swaps pointers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/sparrow.h"

enum config_type { CONFIG_STRING, CONFIG_BOOL, CONFIG_UINT, CONFIG_REAL };

/* The fields, named section_key: config->server_listen, config->audio_max_seconds, ... */
struct config {
#define CONFIG_FIELD_STRING(name) const char *name;
#define CONFIG_FIELD_BOOL(name) bool name;
#define CONFIG_FIELD_UINT(name) uint64_t name;
#define CONFIG_FIELD_REAL(name) double name;
#define CONFIG(section, key, type, def, min, max, unit, reload, sentence, paragraph) CONFIG_FIELD_##type(section##_##key)
#include "daemon/config.def"
#undef CONFIG
};

/* Defaults, then the file (NULL: none), then environment, then `overrides` ("section.key=value", NULL-terminated; may be NULL).
 * Reports every error it finds to `report` (may be NULL), one line each, file:line: text. Fails if there was any.
 * On success the caller holds one reference. */
int config_load(const char *file, const char *const *overrides, FILE *report, struct config **ret_config, struct sparrow_error *err);
struct config *config_ref(struct config *config);
void config_unref(struct config *config);

/* Keys whose value differs and which only a restart applies: one "section.key" per line into report. Returns how many. */
size_t config_restart_needed(const struct config *now, const struct config *next, FILE *report);

/* From the table: the commented example file, the man page's section (roff), the help text. */
void config_print_example(FILE *out);
void config_print_man(FILE *out);
void config_print_help(FILE *out);

#endif
