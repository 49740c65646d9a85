#include "command/work/mergekit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/yaml_tree.h"

/* What a method of mergekit is here. In `settings` %d stands for density, %D for what
 * it leaves, %g for gamma, %s for what normalize says ("mean" or "sum"). */
static const struct kind {
    const char *name, *method, *settings;
    bool weighted, scaled, normalised; /* weight; lambda; normalize unless it is said */
    bool may_normalise, drawn;         /* whether the other is read, too */
} kinds[] = {
    {"linear", "average", NULL, true, false, true, false, false},
    {"task_arithmetic", "task-arithmetic", "", true, true, false, false, false},
    {"ties", "ties", "trim=tensor,keep=%d,sum=%s", true, true, true, true, false},
    {"dare_linear", "dare", "drop=%D", true, true, false, false, true},
    {"dare_ties", "ties", "trim=dare,keep=%d,sum=%s", true, true, true, true, true},
    {"breadcrumbs", "breadcrumbs", "keep=%d,outliers=%g", true, true, false, false,
     false},
    {"breadcrumbs_ties", "breadcrumbs", "keep=%d,outliers=%g,sum=sum", true, true,
     false, false, false},
    {"slerp", "slerp", NULL, false, false, false, false, false},
    {"karcher", "karcher", NULL, false, false, false, false, false},
    {"model_stock", "model-stock", NULL, false, false, false, false, false}};

enum { KINDS = sizeof kinds / sizeof *kinds };

struct mergekit_reading {
    const char *path;
    const json_t *tree;
    const struct kind *kind;
    struct mergekit *out;
    double weights[MERGEKIT_MODELS_MAX], density, gamma;
    bool density_seen;
    struct error *error;
};

void mergekit_clear(struct mergekit *m) {
    free(m->method);
    free(m->pretrained);
    free(m->settings);
    free(m->scales);
    free(m->dtype);
    for (size_t i = 0; i < m->count; i++)
        free(m->experts[i]);
    *m = (struct mergekit){0};
}

static int refuse(const struct mergekit_reading *r, const char *what, const char *why) {
    return error_set(r->error, "%s: %s: %s", r->path, TEXT_CUT(what, 100), why);
}

/* Every key of an object, where there is one, is one of words ("|a|b|"). */
static int check_keys(const struct mergekit_reading *r, const json_t *object,
                      const char *words) {
    const char *key;
    json_t *value;
    if (object && !json_is_object(object) && !json_is_null(object))
        return refuse(r, "parameters", "is not a mapping");
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "|%s|", TEXT_CUT(key, 60));
        if (!strstr(words, wanted))
            return refuse(r, key, "is not read here");
    }
    return 0;
}

/* A number of the parameters of a model, else of all, else `otherwise`. */
static int take_number(const struct mergekit_reading *r, const json_t *own,
                       const char *name, double otherwise, double *out) {
    const json_t *value = json_object_get(own, name);
    if (!value)
        value = json_object_get(json_object_get(r->tree, "parameters"), name);
    *out = otherwise;
    if (!value)
        return 0;
    *out = json_number_value(value);
    return json_is_number(value) && isfinite(*out)
               ? 0
               : refuse(r, name,
                        "only a number is read; gradients and filters can be given to "
                        "--weight");
}

/* A model as a text, or as {model: {path: ..}} has it. */
static const char *path_of(const json_t *value) {
    if (json_is_object(value))
        value =
            json_object_get(value, json_object_get(value, "model") ? "model" : "path");
    if (json_is_object(value))
        value = json_object_get(value, "path");
    return json_string_value(value);
}

static const struct kind *find_kind(const struct mergekit_reading *r) {
    const char *names[KINDS];
    const char *method = json_string_value(json_object_get(r->tree, "merge_method"));
    for (size_t i = 0; i < KINDS; i++) {
        names[i] = kinds[i].name;
        if (method && strcmp(method, names[i]) == 0)
            return &kinds[i];
    }
    const char *near = method ? text_nearest(method, names, KINDS) : NULL;
    error_set(r->error, "%s: merge_method %s%s%s is not read here%s%s", r->path,
              method ? "'" : "is missing or", TEXT_CUT(method ? method : "", 60),
              method ? "'" : "", near ? "; did you mean " : "", near ? near : "");
    return NULL;
}

/* --- models ----------------------------------------------------------------------- */

static int add_model(struct mergekit_reading *r, const json_t *entry) {
    struct mergekit *out = r->out;
    const json_t *own = json_object_get(entry, "parameters");
    const char *path = path_of(json_object_get(entry, "model"));
    double density, gamma;
    if (!path)
        return refuse(r, "models", "an entry has no model");
    if (check_keys(r, entry, "|model|parameters|") ||
        check_keys(r, own, "|weight|density|gamma|epsilon|"))
        return -1;
    if (out->pretrained && strcmp(path, out->pretrained) == 0 &&
        strcmp(r->kind->name, "slerp") != 0)
        return 0; /* mergekit's way to list the base model as well */
    if (out->count == MERGEKIT_MODELS_MAX)
        return refuse(r, "models", "are too many");
    if (take_number(r, own, "weight", 1, &r->weights[out->count]) ||
        take_number(r, own, "density", 1, &density) ||
        take_number(r, own, "gamma", 0.01, &gamma))
        return -1;
    if (r->density_seen && (density != r->density || gamma != r->gamma))
        return refuse(r, path, "another density or gamma than the models before");
    r->density = density;
    r->gamma = gamma;
    r->density_seen = true;
    out->experts[out->count] = text_format("%zu=%s", out->count + 1, path);
    return out->experts[out->count++] ? 0 : error_memory(r->error);
}

/* SLERP goes from the base model to the other one. */
static int arrange_slerp(struct mergekit_reading *r) {
    struct mergekit *out = r->out;
    double t;
    if (take_number(r, NULL, "t", NAN, &t))
        return -1;
    if (isnan(t) || out->count != 2 || !out->pretrained)
        return refuse(r, "slerp", "needs base_model, two models and t");
    bool first = strcmp(out->experts[0] + 2, out->pretrained) == 0;
    if (!first && strcmp(out->experts[1] + 2, out->pretrained) != 0)
        return refuse(r, "base_model", "is neither of the two models");
    r->weights[0] = first ? 1 - t : t;
    r->weights[1] = first ? t : 1 - t;
    free(out->pretrained);
    out->pretrained = NULL;
    return 0;
}

static int take_models(struct mergekit_reading *r) {
    const json_t *models = json_object_get(r->tree, "models"), *entry;
    const json_t *base = json_object_get(r->tree, "base_model");
    const char *path = path_of(base);
    size_t i;
    if (!json_is_array(models))
        return refuse(r, "models",
                      "is missing or not a list (slices are not read: --weight has "
                      "patterns by layer)");
    if (base && !path)
        return refuse(r, "base_model", "is not a path");
    if (path && !(r->out->pretrained = strdup(path)))
        return error_memory(r->error);
    json_array_foreach(models, i, entry) {
        if (add_model(r, entry))
            return -1;
    }
    return strcmp(r->kind->name, "slerp") == 0 ? arrange_slerp(r) : 0;
}

/* --- words ------------------------------------------------------------------------ */

static char *joined_weights(const struct mergekit_reading *r) {
    char *text = strdup("");
    for (size_t i = 0; text && i < r->out->count; i++) {
        char *more =
            text_format("%s%s%zu=%.17g", text, i ? "," : "", i + 1, r->weights[i]);
        free(text);
        text = more;
    }
    return text;
}

/* The pattern with its numbers, and scale where the method has one. */
static char *filled_settings(const struct mergekit_reading *r, bool normalised,
                             double scale) {
    char *text = strdup("");
    for (const char *c = r->kind->settings; text && *c; c++) {
        char piece[64] = {*c};
        if (*c == '%' && *++c == 's')
            snprintf(piece, sizeof piece, "%s", normalised ? "mean" : "sum");
        else if (piece[0] == '%')
            snprintf(piece, sizeof piece, "%.17g",
                     *c == 'd'   ? r->density
                     : *c == 'D' ? 1 - r->density
                                 : r->gamma);
        char *more = text_format("%s%s", text, piece);
        free(text);
        text = more;
    }
    char *whole =
        text ? text_format("%s%sscale=%.17g", text, *text ? "," : "", scale) : NULL;
    free(text);
    return whole;
}

static int take_flag(const struct mergekit_reading *r, const char *name, bool otherwise,
                     bool *out) {
    const json_t *value = json_object_get(json_object_get(r->tree, "parameters"), name);
    *out = value ? json_is_true(value) : otherwise;
    return !value || json_is_boolean(value) ? 0
                                            : refuse(r, name, "is not true or false");
}

static int take_words(struct mergekit_reading *r) {
    const struct kind *k = r->kind;
    bool normalised, rescale;
    double scale;
    if (take_flag(r, "normalize", k->normalised, &normalised) ||
        take_flag(r, "rescale", true, &rescale) ||
        take_number(r, NULL, "lambda", 1, &scale))
        return -1;
    if (normalised != k->normalised && !k->may_normalise)
        return refuse(r, "normalize", "only the method's own default is read");
    if (!rescale)
        return refuse(r, "rescale", "what is kept is always divided by the density");
    if (!k->scaled && scale != 1)
        return refuse(r, "lambda", "the method has none");
    r->out->method = strdup(k->method);
    bool slerp = strcmp(k->name, "slerp") == 0;
    if (k->weighted || slerp)
        r->out->scales = joined_weights(r);
    if (k->settings)
        r->out->settings = filled_settings(r, normalised, scale);
    return r->out->method && (!k->settings || r->out->settings) &&
                   ((!k->weighted && !slerp) || r->out->scales)
               ? 0
               : error_memory(r->error);
}

static int take_dtype(struct mergekit_reading *r) {
    static const char *const names[][2] = {
        {"float32", "f32"}, {"float16", "f16"}, {"bfloat16", "bf16"}};
    const json_t *value = json_object_get(r->tree, "out_dtype");
    if (!value)
        value = json_object_get(r->tree, "dtype");
    if (!value || json_is_null(value))
        return 0;
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < 3; i++)
        if (strcmp(text, names[i][0]) == 0) {
            r->out->dtype = strdup(names[i][1]);
            return r->out->dtype ? 0 : error_memory(r->error);
        }
    return refuse(r, "dtype", "is none of float32, float16, bfloat16");
}

int mergekit_read(const char *path, struct mergekit *out, struct error *error) {
    *out = (struct mergekit){0};
    json_t *tree = yaml_tree_read(path, error);
    struct mergekit_reading r = {
        .path = path, .tree = tree, .out = out, .error = error};
    if (!tree)
        return -1;
    const char *source = json_string_value(json_object_get(tree, "tokenizer_source"));
    int result = 0;
    if (!json_is_object(tree))
        result = refuse(&r, "it", "is not a mapping");
    else if (!(r.kind = find_kind(&r)))
        result = -1;
    else if (source && strcmp(source, "base") != 0 && strcmp(source, "union") != 0)
        result = refuse(&r, "tokenizer_source", "only base and union are read");
    else
        result =
            check_keys(&r, tree,
                       "|merge_method|base_model|models|parameters|dtype|out_dtype|"
                       "tokenizer_source|name|") ||
                    check_keys(&r, json_object_get(tree, "parameters"),
                               "|weight|density|gamma|normalize|int8_mask|lambda|t|"
                               "rescale|") ||
                    take_models(&r) || take_words(&r) || take_dtype(&r)
                ? -1
                : 0;
    out->unite = source && strcmp(source, "union") == 0;
    if (result == 0)
        out->drawn = r.kind->drawn;
    json_decref(tree);
    return result;
}
