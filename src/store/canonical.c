/* JSON objects in one form, so that equal parameters are equal text: keys sorted
 * by their bytes, no spaces, whole numbers without a point, others with the fewest
 * digits that read back the same. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "store/sql.h"

struct json_output {
    char *text;
    size_t used, capacity;
};

enum { DEPTH_MAX = 32 };

static int put(struct json_output *output, const char *text) {
    size_t length = strlen(text);
    if (array_reserve((void **)&output->text, &output->capacity,
                      output->used + length + 1, 1))
        return -1;
    memcpy(output->text + output->used, text, length + 1);
    output->used += length;
    return 0;
}

static int put_leaf(struct json_output *output, const json_t *value) {
    char *text = json_text_dump(value, JSON_ENCODE_ANY);
    int result = text ? put(output, text) : -1;
    free(text);
    return result;
}

/* As jansson writes an exponent: 1e-5, 1e20. */
static int put_real(struct json_output *output, double value) {
    char text[TEXT_REAL], *exponent;
    if (fabs(value) <= 9007199254740992.0 && value == rint(value)) {
        snprintf(text, sizeof text, "%lld", (long long)value);
        return put(output, text);
    }
    text_real(text, value);
    exponent = strchr(text, 'e');
    if (!exponent)
        return put(output, text);
    const char *digits = exponent + 2 + strspn(exponent + 2, "0");
    size_t sign = exponent[1] == '-';
    memmove(exponent + 1 + sign, digits, strlen(digits) + 1);
    return put(output, text);
}

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int put_value(struct json_output *output, json_t *value, int depth);

static int put_object(struct json_output *output, json_t *object, int depth) {
    size_t count = 0;
    const char **keys = array_new(json_object_size(object), sizeof *keys);
    if (!keys)
        return -1;
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
        keys[count++] = json_object_iter_key(i);
    qsort(keys, count, sizeof *keys, compare);
    int result = put(output, "{");
    for (size_t i = 0; i < count && result == 0; i++) {
        json_t *key = json_string(keys[i]);
        if (!key || (i && put(output, ",")) || put_leaf(output, key) ||
            put(output, ":") ||
            put_value(output, json_object_get(object, keys[i]), depth + 1))
            result = -1;
        json_decref(key);
    }
    free(keys);
    return result ? -1 : put(output, "}");
}

static int put_value(struct json_output *output, json_t *value, int depth) {
    if (depth > DEPTH_MAX)
        return -1;
    if (json_is_object(value))
        return put_object(output, value, depth);
    if (json_is_array(value)) {
        if (put(output, "["))
            return -1;
        for (size_t i = 0; i < json_array_size(value); i++)
            if ((i && put(output, ",")) ||
                put_value(output, json_array_get(value, i), depth + 1))
                return -1;
        return put(output, "]");
    }
    if (json_is_real(value))
        return put_real(output, json_real_value(value));
    return put_leaf(output, value);
}

static bool too_deep(json_t *value, int depth) {
    if (depth > DEPTH_MAX)
        return true;
    size_t i;
    json_t *child;
    const char *key;
    if (json_is_object(value)) {
        json_object_foreach(value, key,
                            child) if (too_deep(child, depth + 1)) return true;
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, child) if (too_deep(child, depth + 1)) return true;
    }
    return false;
}

char *sql_canonical_json(const char *text, const char *what, struct error *error) {
    json_error_t where;
    json_t *object =
        json_loads(text && *text ? text : "{}", JSON_REJECT_DUPLICATES, &where);
    if (!object || !json_is_object(object) || too_deep(object, 0)) {
        if (!object)
            error_set(error, "%s: not a JSON object (%s)", what, where.text);
        else if (!json_is_object(object))
            error_set(error, "%s: a JSON object is expected", what);
        else
            error_set(error, "%s: nested more than %d deep", what, DEPTH_MAX);
        json_decref(object);
        return NULL;
    }
    struct json_output output = {0};
    if (put_value(&output, object, 0)) {
        error_memory(error);
        free(output.text);
        output.text = NULL;
    }
    json_decref(object);
    return output.text;
}
