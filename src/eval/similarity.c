#include "eval/similarity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/sources.h"

struct vectors { /* of all experts, on the host */
    struct layout *layout;
    struct model_directory *pretrained;
    float *base;     /* (size) */
    float **vectors; /* [tasks] (size) */
};

static void vectors_clear(struct vectors *v, size_t tasks) {
    for (size_t t = 0; v->vectors && t < tasks; t++)
        free(v->vectors[t]);
    free(v->vectors);
    free(v->base);
    layout_free(v->layout);
    model_directory_close(v->pretrained);
}

static int load_base(struct vectors *v, const struct store_recipe *recipe,
                     const char *directory, struct error *error) {
    char *path = sources_path(directory, recipe->pretrained.path);
    if (!path)
        return error_memory(error);
    struct model_config config;
    int result = model_directory_open(path, &v->pretrained, error) ||
                 model_config_read(model_directory_config(v->pretrained),
                                   *recipe->model ? recipe->model : NULL, path, &config,
                                   error) ||
                 layout_new(&config, v->pretrained, &v->layout, error);
    free(path);
    if (result)
        return -1;
    v->base = array_new(v->layout->size, sizeof *v->base);
    v->vectors = array_new(recipe->task_count, sizeof *v->vectors);
    if (!v->base || !v->vectors)
        return error_memory(error);
    return layout_load(v->layout, v->pretrained, NULL, v->base, error);
}

static int load_vector(struct vectors *v, const struct store_recipe *recipe,
                       const char *directory, size_t task, struct error *error) {
    const char *name = recipe->tasks[task].expert.path;
    if (!*name)
        return error_set(error, "task %s has no expert yet", recipe->tasks[task].name);
    char *path = sources_path(directory, name);
    struct model_directory *expert = NULL;
    size_t size = v->layout->size;
    float *vector = v->vectors[task] = array_new(size, sizeof *vector);
    int result = path && vector
                     ? model_directory_open_expert(
                           path, model_directory_path(v->pretrained), &expert, error)
                     : error_memory(error);
    if (result == 0)
        result = layout_load(v->layout, expert, v->base, vector, error);
    model_directory_close(expert);
    free(path);
    for (size_t i = 0; result == 0 && i < size; i++)
        vector[i] -= v->base[i];
    return result;
}

/* Inner products of two vectors, added up over modules for the whole model. */
struct products {
    double ab, aa, bb;
};

static double cosine(const struct products *p) {
    return p->aa > 0 && p->bb > 0 ? p->ab / sqrt(p->aa) / sqrt(p->bb) : (double)NAN;
}

static void add_products(const float *a, const float *b, size_t count,
                         struct products *sum) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    sum->ab += ab;
    sum->aa += aa;
    sum->bb += bb;
}

static void describe_module(const struct layout *layout, size_t index,
                            struct module_place *m) {
    const struct module *module = &layout->modules[index];
    module_name(layout, index, m->name, sizeof m->name);
    m->kind = module->kind;
    m->block = module_in_block(module->kind) ? (long)module->block : -1;
    snprintf(m->kind_name, sizeof m->kind_name, "%s", module_kind_name(module->kind));
}

static void compare_pair(const struct vectors *v, struct similarity *s, size_t pair) {
    const float *a = v->vectors[s->pair[pair][0]], *b = v->vectors[s->pair[pair][1]];
    struct products whole = {0};
    for (size_t m = 0; m < s->modules; m++) {
        const struct module *module = &v->layout->modules[m];
        struct products here = {0};
        add_products(a + module->begin, b + module->begin, module->count, &here);
        s->cosine[m * s->pairs + pair] = cosine(&here);
        whole.ab += here.ab;
        whole.aa += here.aa;
        whole.bb += here.bb;
    }
    s->whole[pair] = cosine(&whole);
}

static int compare_all(struct vectors *v, struct similarity *s) {
    const struct layout *layout = v->layout;
    s->modules = layout->module_count;
    s->pairs = s->tasks * (s->tasks - 1) / 2;
    s->module = array_new(s->modules, sizeof *s->module);
    s->pair = array_new(s->pairs, sizeof *s->pair);
    s->cosine = array_new(s->modules * s->pairs, sizeof *s->cosine);
    s->whole = array_new(s->pairs, sizeof *s->whole);
    if (!s->module || !s->pair || !s->cosine || !s->whole)
        return -1;
    size_t k = 0;
    for (size_t a = 0; a < s->tasks; a++)
        for (size_t b = a + 1; b < s->tasks; b++, k++) {
            s->pair[k][0] = a;
            s->pair[k][1] = b;
        }
    for (size_t m = 0; m < s->modules; m++)
        describe_module(layout, m, &s->module[m]);
    for (size_t p = 0; p < s->pairs; p++)
        compare_pair(v, s, p);
    return 0;
}

int similarity_make(const struct store_recipe *recipe, const char *directory,
                    struct similarity *s, const struct work *work,
                    struct error *error) {
    memset(s, 0, sizeof *s);
    struct vectors v = {0};
    s->tasks = recipe->task_count;
    if (s->tasks < 2)
        return error_set(error,
                         "task vectors are compared in pairs; there is one task");
    int result = load_base(&v, recipe, directory, error);
    for (size_t t = 0; result == 0 && t < s->tasks; t++) {
        work_report(work, "reading models", t, s->tasks);
        result = work_stopped(work) ? error_set(error, "stopped")
                                    : load_vector(&v, recipe, directory, t, error);
    }
    if (result == 0 && compare_all(&v, s))
        result = error_memory(error);
    vectors_clear(&v, s->tasks);
    if (result)
        similarity_clear(s);
    return result;
}

void similarity_clear(struct similarity *s) {
    free(s->module);
    free(s->pair);
    free(s->cosine);
    free(s->whole);
    memset(s, 0, sizeof *s);
}
