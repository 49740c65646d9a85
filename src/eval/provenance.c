#include "eval/provenance.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"

/* Names come from files: what is not UTF-8 is escaped, so that it can be JSON. */
static json_t *json_checkpoint(const struct store_checkpoint *checkpoint) {
    return json_pack("{s:o, s:I, s:s}", "path", json_text_string(checkpoint->path),
                     "size", (json_int_t)checkpoint->size, "sha256",
                     checkpoint->sha256);
}

json_t *provenance_sources(const struct store_recipe *recipe) {
    json_t *tasks = json_array(), *experts = json_array();
    bool failed = !tasks || !experts;
    for (size_t t = 0; !failed && t < recipe->task_count; t++)
        failed =
            json_array_append_new(tasks, json_text_string(recipe->tasks[t].name)) ||
            json_array_append_new(experts, json_checkpoint(&recipe->tasks[t].expert));
    if (failed) {
        json_decref(tasks);
        json_decref(experts);
        return NULL;
    }
    return json_pack("{s:i, s:o, s:o, s:o, s:o}", "format", 1, "name",
                     json_text_string(recipe->name), "tasks", tasks, "pretrained",
                     json_checkpoint(&recipe->pretrained), "experts", experts);
}

static json_t *json_preference(const double *preference, size_t tasks) {
    if (!preference)
        return json_null();
    json_t *array = json_array();
    for (size_t t = 0; array && t < tasks; t++)
        json_array_append_new(array, json_real(preference[t]));
    return array;
}

static json_t *json_figures(const struct provenance *p) {
    json_t *object = json_object();
    const json_t *names = json_object_get(p->sources, "tasks");
    for (size_t t = 0; object && t < p->pool->tasks; t++) {
        const struct store_evaluation *f = &p->figures[t];
        if (f->examples == 0)
            continue;
        const char *name = json_string_value(json_array_get(names, t));
        json_object_set_new(object, name,
                            json_pack("{s:f, s:f, s:f, s:I, s:b}", "value", f->value,
                                      "low", f->low, "high", f->high, "examples",
                                      (json_int_t)f->examples, "complete",
                                      (int)f->complete));
    }
    return object;
}

/* Of each tensor's row the numbers from `first` on. */
static json_t *json_weights(const struct provenance *p, size_t first, size_t count) {
    const struct layout *layout = p->pool->layout;
    json_t *object = json_object();
    for (size_t i = 0; object && i < layout->parameter_count; i++) {
        if (!p->weights[i])
            continue;
        json_t *row = json_array();
        for (size_t t = first; row && t < first + count; t++)
            json_array_append_new(row,
                                  json_real(text_shortest_float(p->weights[i][t])));
        json_object_set_new(object, layout->parameters[i].name, row);
    }
    return object;
}

static json_t *describe(const struct provenance *p) {
    const struct store_solution *s = p->solution;
    json_error_t where;
    json_t *object = json_copy((json_t *)p->sources);
    json_t *parameters = s->parameters && *s->parameters
                             ? json_loads(s->parameters, 0, &where)
                             : json_object();
    if (!object) {
        json_decref(parameters);
        return NULL;
    }
    json_object_set_new(object, "kind", json_string(store_kind_name(s->kind)));
    json_object_set_new(object, "method", json_text_string(s->method));
    json_object_set_new(object, "parameters", parameters);
    if (p->settled)
        json_object_set(object, "settled", (json_t *)(uintptr_t)p->settled);
    if (p->answered)
        json_object_set(object, "answered", (json_t *)(uintptr_t)p->answered);
    json_object_set_new(object, "preference",
                        json_preference(s->preference, p->pool->tasks));
    json_object_set_new(object, "model_sha256", json_string(p->sha256));
    if (p->dtype) {
        json_object_set_new(object, "dtype", json_string(p->dtype));
        json_object_set_new(object, "measured", json_boolean(p->measured));
    }
    json_object_set_new(object, "objectives", json_figures(p));
    size_t tasks = p->pool->tasks;
    json_object_set_new(object, "weights", json_weights(p, 0, tasks));
    if (p->corrections == 1 && !p->by_tensor)
        json_object_set_new(object, "correction_weight",
                            json_real(text_shortest_float(p->weights[0][tasks])));
    else if (p->corrections)
        json_object_set_new(object, "correction_weights",
                            json_weights(p, tasks, p->corrections));
    return object;
}

/* NAME made of harmless bytes only; true where that changed it. */
static bool harmless(char *name) {
    bool changed = false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name)) {
            *name = '_';
            changed = true;
        }
    return changed;
}

char *provenance_head_name(const struct store_recipe *recipe, size_t task) {
    char *name = strdup(recipe->tasks[task].name);
    bool shared = false, changed = name && harmless(name);
    for (size_t t = 0; name && changed && !shared && t < recipe->task_count; t++) {
        char *other = strdup(recipe->tasks[t].name);
        if (!other) {
            free(name);
            return NULL;
        }
        harmless(other);
        shared = t != task && strcmp(name, other) == 0;
        free(other);
    }
    /* No harmless name has a tilde: it cannot meet another one. */
    char *path = NULL;
    if (name)
        path = shared ? text_format("heads/%s~%zu.safetensors", name, task + 1)
                      : text_format("heads/%s.safetensors", name);
    free(name);
    return path;
}

int provenance_write(const struct provenance *p, struct provenance_files *out,
                     struct error *error) {
    *out = (struct provenance_files){0};
    out->files = array_new(p->pool->tasks + 1, sizeof *out->files);
    if (!out->files)
        return error_memory(error);
    for (size_t t = 0; t < p->pool->tasks; t++) {
        struct export_file file = {0};
        void *bytes = NULL;
        file.name = provenance_head_name(p->recipe, t);
        if (!file.name) {
            error_memory(error);
            goto failed;
        }
        if (head_to_memory(&p->heads[t], &bytes, &file.size, error)) {
            free((char *)file.name);
            goto failed;
        }
        file.bytes = bytes;
        out->files[out->count++] = file;
    }
    json_t *description = describe(p);
    char *text = description
                     ? json_text_dump(description, JSON_INDENT(2) | JSON_ENSURE_ASCII)
                     : NULL;
    json_decref(description);
    if (text)
        text_shorten_numbers(text);
    char *name = text_format("%s", "pwemoe.json");
    if (!text || !name) {
        free(text);
        free(name);
        error_memory(error);
        goto failed;
    }
    out->files[out->count++] =
        (struct export_file){.name = name, .bytes = text, .size = strlen(text)};
    return 0;
failed:
    provenance_files_clear(out);
    return -1;
}

void provenance_files_clear(struct provenance_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free((char *)files->files[i].name);
        free((void *)files->files[i].bytes);
    }
    free(files->files);
    *files = (struct provenance_files){0};
}
