/* json.c - small helps around jansson.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/json.h"

#include <math.h>

#include "clients/sparrow/say.h"

bool json_print(const json_t *root, size_t flags, FILE *out)
{
    if (!root) {
        say_error("no memory");
        return false;
    }
    if (json_dumpf(root, out, flags | JSON_REAL_PRECISION(9)) < 0) {
        say_error("the output could not be written");
        return false;
    }
    fputc('\n', out);
    return true;
}

const char *json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

double json_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

json_t *json_real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}
