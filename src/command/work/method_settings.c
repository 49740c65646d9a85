#include "command/work/method_settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/options.h"
#include "store/store.h"
#include "train/combine.h"

static int add_text(json_t *object, const char *name, const char *value,
                    struct error *error) {
    return json_object_set_new(object, name, json_string(value)) ? error_memory(error)
                                                                 : 0;
}

/* item: NAME=VALUE of these settings, taken apart. */
static int add_setting(json_t *object, char *item, const char *settings,
                       struct error *error) {
    char *value = strchr(item, '=');
    if (!value || value == item || !value[1])
        return error_set(error,
                         "--set '%s': give NAME=VALUE, several with commas between",
                         settings);
    *value++ = '\0';
    if (json_object_get(object, item))
        return error_set(error, "--set '%s': %s is given twice", settings, item);
    return add_text(object, item, value, error);
}

json_t *settings_parse(const char *settings, const char *keep, struct error *error) {
    json_t *object = json_object();
    char *copy = text_format("%s", settings ? settings : ""), *rest = copy, *item;
    int result = object && copy ? 0 : error_memory(error);
    while (result == 0 && *copy && (item = strsep(&rest, ",")))
        result = add_setting(object, item, settings, error);
    if (result == 0 && keep && json_object_get(object, "keep"))
        result = error_set(error, "give only one of --keep and --set keep");
    else if (result == 0 && keep)
        result = add_text(object, "keep", keep, error);
    free(copy);
    if (result == 0)
        return object;
    json_decref(object);
    return NULL;
}

json_t *settings_of(const struct merge_method *method, const json_t *settings,
                    const double *scale, struct error *error) {
    json_t *given = json_object(), *all = NULL;
    int failed = 0;
    void *at = json_object_iter((json_t *)(uintptr_t)settings);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)settings, at)) {
        const char *name = json_object_iter_key(at);
        const char *text = json_string_value(json_object_iter_value(at));
        const struct merge_parameter *p = merge_parameter_find(method, name);
        double number;
        if (!p)
            continue;
        if (p->words || !options_real(text, &number))
            failed |= json_object_set_new(given, name, json_string(text));
        else if (p->whole && number >= -1e15 && number <= 1e15 &&
                 floor(number) == number)
            failed |=
                json_object_set_new(given, name, json_integer((json_int_t)number));
        else
            failed |= json_object_set_new(given, name, json_real(number));
    }
    if (scale)
        failed |= json_object_set_new(given, "scale", json_real(*scale));
    if (failed)
        error_memory(error);
    else
        all = merge_parameters(method, given, error);
    json_decref(given);
    return all;
}

/* --- completion ------------------------------------------------------------------- */

void settings_offer_methods(FILE *out) {
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    fputs(store_role_name(STORE_ROLE_EXPERTS), out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, " %s", methods[i]->name);
}

void settings_offer_answers(FILE *out) {
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    char name[32];
    for (unsigned i = 0; *options_choice(COMBINE_ALL_NAMES, i, name, sizeof name); i++)
        fprintf(out, "%s%s", i ? " " : "", name);
    for (size_t i = 0; i < count; i++)
        if (methods[i]->takes_preference)
            fprintf(out, " %s", methods[i]->name);
}

/* Whether an earlier method has a parameter of that name and words. */
static bool is_offered(const struct merge_method *const *methods, size_t count,
                       const struct merge_parameter *parameter) {
    for (size_t i = 0; i < count; i++) {
        const struct merge_parameter *p =
            merge_parameter_find(methods[i], parameter->name);
        if (p && !p->words == !parameter->words)
            return true;
    }
    return false;
}

/* A blank before all but the first. */
static void offer(FILE *out, const struct merge_parameter *p, bool *first) {
    char word[32];
    if (!p->words)
        fprintf(out, "%s%s=", *first ? "" : " ", p->name);
    for (unsigned w = 0; p->words && *options_choice(p->words, w, word, sizeof word);
         w++)
        fprintf(out, "%s%s=%s", *first && w == 0 ? "" : " ", p->name, word);
    *first = false;
}

void settings_offer_of(const struct merge_method *const *methods, size_t count,
                       FILE *out) {
    bool first = true;
    for (size_t i = 0; i < count; i++)
        for (const struct merge_parameter *p = methods[i]->parameters; p && p->name;
             p++)
            if (!p->rules && !is_offered(methods, i, p))
                offer(out, p, &first);
}

void settings_offer(FILE *out) {
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    bool first = false;
    settings_offer_of(methods, count, out);
    for (const struct merge_parameter *p = merge_common_parameters(); p->name; p++)
        offer(out, p, &first);
}

/* --- help ------------------------------------------------------------------------- */

void settings_help_parameters(const struct merge_parameter *list, FILE *out) {
    char text[512], left[80];
    for (const struct merge_parameter *p = list; p && p->name; p++) {
        if (p->rules)
            continue; /* an option of its own */
        snprintf(left, sizeof left, "  %s=%s", p->name, p->words ? p->words : "X");
        merge_parameter_text(p, text, sizeof text);
        size_t length = strlen(text);
        if (p->with)
            snprintf(text + length, sizeof text - length, "; with %s", p->with);
        options_help_entry(out, left, text);
    }
}

void settings_help(const struct merge_method *method, FILE *out) {
    char text[512];
    snprintf(text, sizeof text, "%s%s%s", method->summary,
             method->needs_data ? "; looks at training data" : "",
             method->takes_preference ? "; takes --preference" : "");
    options_help_entry(out, method->name, text);
    settings_help_parameters(method->parameters, out);
}
