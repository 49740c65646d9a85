#include "command/io/settings.h"

#include "base/json_text.h"
#include <stdlib.h>
#include <string.h>

enum { KEY = 64 };

/* The name among a run's parameters. */
static const char *key_of(const struct option_spec *spec, char key[KEY]) {
    if (spec->key)
        return spec->key;
    snprintf(key, KEY, "%s", spec->name);
    for (char *at = key; *at; at++)
        if (*at == '-')
            *at = '_';
    return key;
}

/* NULL without memory; a text that was not given is null. */
static json_t *value_of(const struct option_spec *spec, const void *values) {
    const void *member = (const char *)values + spec->offset;
    char name[64];
    const char *text;
    switch (spec->type) {
    case OPTION_FLAG:
        return json_boolean(*(const bool *)member);
    case OPTION_UNSIGNED:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case OPTION_REAL:
        return json_real(*(const double *)member);
    case OPTION_CHOICE:
        return json_string(options_choice(spec->choices, *(const unsigned *)member,
                                          name, sizeof name));
    case OPTION_TEXT:
        text = *(const char *const *)member;
        return text ? json_string(text) : json_null();
    case OPTION_TEXTS: /* no setting */
        break;
    }
    return NULL;
}

/* False where the value is none of such a row. A text points into the object. */
static bool take(const struct option_spec *spec, void *values, const json_t *value) {
    void *member = (char *)values + spec->offset;
    double number = json_number_value(value);
    switch (spec->type) {
    case OPTION_FLAG:
        *(bool *)member = json_is_true(value);
        return json_is_boolean(value);
    case OPTION_UNSIGNED:
        /* Whole numbers may be stored as reals. */
        if (!json_is_number(value) || !(number >= 0 && number <= 9007199254740992.0) ||
            !options_in_range(spec, number))
            return false;
        *(uint64_t *)member = (uint64_t)number;
        return true;
    case OPTION_REAL:
        *(double *)member = number;
        return json_is_number(value) && options_in_range(spec, number);
    case OPTION_CHOICE:
        return json_is_string(value) &&
               options_choice_index(spec->choices, json_string_value(value), member) ==
                   0;
    case OPTION_TEXT:
        *(const char **)member = json_string_value(value);
        return json_is_string(value) || json_is_null(value);
    case OPTION_TEXTS:
        break;
    }
    return false;
}

int settings_write(const struct option_spec *specs, const void *values, unsigned kind,
                   json_t *object, struct error *error) {
    char key[KEY];
    for (const struct option_spec *spec = specs; spec->name; spec++)
        if ((spec->kept & kind) &&
            json_object_set_new(object, key_of(spec, key), value_of(spec, values)))
            return error_memory(error);
    return 0;
}

int settings_read(const struct option_spec *specs, void *values, unsigned kind,
                  const json_t *object, struct error *error) {
    char key[KEY];
    for (const struct option_spec *spec = specs; spec->name; spec++) {
        if (!(spec->kept & kind))
            continue;
        const json_t *value = json_object_get(object, key_of(spec, key));
        if (!value && spec->untold) {
            if (options_set(spec, values, spec->untold, error))
                return -1;
        } else if (!take(spec, values, value)) {
            return error_set(error, "the stored run has no valid '%s'; start a new one",
                             key_of(spec, key));
        }
    }
    return 0;
}

int settings_belong(const struct option_spec *specs, uint64_t given, unsigned kind,
                    const char *what, struct error *error) {
    for (size_t i = 0; i < 64 && specs[i].name; i++)
        if ((given >> i & 1) && specs[i].kept && !(specs[i].kept & kind))
            return error_set(error, "--%s cannot be used with %s; leave it out",
                             specs[i].name, what);
    return 0;
}

int settings_agree(const struct option_spec *specs, const void *values, uint64_t given,
                   unsigned kind, const json_t *object, struct error *error) {
    char key[KEY];
    for (size_t i = 0; i < 64 && specs[i].name; i++) {
        if (!(given >> i & 1) || !(specs[i].kept & kind))
            continue;
        json_t *typed = value_of(&specs[i], values);
        const json_t *stored = json_object_get(object, key_of(&specs[i], key));
        bool same = json_is_number(typed) && json_is_number(stored)
                        ? json_number_value(typed) == json_number_value(stored)
                        : json_equal(typed, stored);
        if (typed && (!stored || same)) {
            json_decref(typed);
            continue;
        }
        char *one = json_text_dump(typed, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        char *two = json_text_dump(stored, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        if (one && two)
            error_set(error,
                      "--%s %s: the run has %s, and goes on with that; leave the "
                      "option out, or begin a new run without --resume",
                      specs[i].name, one, two);
        else
            error_memory(error);
        json_decref(typed);
        free(one);
        free(two);
        return -1;
    }
    return 0;
}
