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
    float *base;     /* (size); NULL with factors */
    float **vectors; /* [tasks] (size), or with factors room for a module */
    /* Where all are LoRA adapters of products; or NULLs. */
    struct task_factors *factors;
    struct backend *backend;
};

static void vectors_clear(struct vectors *v, size_t tasks) {
    for (size_t t = 0; v->vectors && t < tasks; t++)
        free(v->vectors[t]);
    free(v->vectors);
    free(v->base);
    task_factors_free(v->factors);
    backend_close(v->backend);
    layout_free(v->layout);
    model_directory_close(v->pretrained);
}

/* The layout. */
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
    v->vectors = array_new(recipe->task_count, sizeof *v->vectors);
    return v->vectors ? 0 : error_memory(error);
}

/* Where the experts are such that factors will do. */
static int load_factors(struct vectors *v, const struct store_recipe *recipe,
                        const char *directory, struct error *error) {
    size_t tasks = recipe->task_count, largest = 1;
    char **paths = array_new(tasks, sizeof *paths);
    char note[256];
    bool lacking = false; /* without an expert: told when it is read */
    for (size_t t = 0; t < tasks; t++)
        lacking = lacking || !*recipe->tasks[t].expert.path;
    int result = paths ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < tasks; t++)
        if (!(paths[t] = sources_path(directory, recipe->tasks[t].expert.path)))
            result = error_memory(error);
    if (result == 0 && !lacking)
        result = backend_open("cpu", PRECISION_F32, 0, &v->backend, note, error) ||
                         task_factors_new(v->backend, v->layout, v->pretrained,
                                          (const char *const *)paths, tasks, false,
                                          &v->factors, error)
                     ? -1
                     : 0;
    for (size_t t = 0; paths && t < tasks; t++)
        free(paths[t]);
    free(paths);
    if (result || !v->factors)
        return result;
    for (size_t m = 0; m < v->layout->module_count; m++)
        if (v->layout->modules[m].count > largest)
            largest = v->layout->modules[m].count;
    for (size_t t = 0; t < tasks; t++)
        if (!(v->vectors[t] = array_new(largest, sizeof **v->vectors)))
            return error_memory(error);
    return 0;
}

static int load_weights(struct vectors *v, struct error *error) {
    v->base = array_new(v->layout->size, sizeof *v->base);
    return v->base ? layout_load(v->layout, v->pretrained, NULL, v->base, error)
                   : error_memory(error);
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

/* Of a module in every pair; whole [pairs] is added to. */
static void compare_module(const struct vectors *v, struct similarity *s, size_t m,
                           struct products *whole) {
    const struct module *module = &v->layout->modules[m];
    size_t begin = v->factors ? 0 : module->begin;
    double alone[POOL_TASKS_MAX] = {0};
    for (size_t t = 0; v->factors && t < s->tasks; t++) {
        alone[t] = 1;
        task_factors_sum(v->factors, alone, module->begin, module->count,
                         v->vectors[t]);
        alone[t] = 0;
    }
    for (size_t p = 0; p < s->pairs; p++) {
        const float *a = v->vectors[s->pair[p][0]], *b = v->vectors[s->pair[p][1]];
        struct products here = {0};
        add_products(a + begin, b + begin, module->count, &here);
        s->cosine[m * s->pairs + p] = cosine(&here);
        whole[p].ab += here.ab;
        whole[p].aa += here.aa;
        whole[p].bb += here.bb;
    }
}

static int compare_all(struct vectors *v, struct similarity *s) {
    const struct layout *layout = v->layout;
    s->modules = layout->module_count;
    s->pairs = s->tasks * (s->tasks - 1) / 2;
    s->module = array_new(s->modules, sizeof *s->module);
    s->pair = array_new(s->pairs, sizeof *s->pair);
    s->cosine = array_new(s->modules * s->pairs, sizeof *s->cosine);
    s->whole = array_new(s->pairs, sizeof *s->whole);
    struct products *whole = array_new(s->pairs, sizeof *whole);
    if (!s->module || !s->pair || !s->cosine || !s->whole || !whole) {
        free(whole);
        return -1;
    }
    size_t k = 0;
    for (size_t a = 0; a < s->tasks; a++)
        for (size_t b = a + 1; b < s->tasks; b++, k++) {
            s->pair[k][0] = a;
            s->pair[k][1] = b;
        }
    for (size_t m = 0; m < s->modules; m++) {
        describe_module(layout, m, &s->module[m]);
        compare_module(v, s, m, whole);
    }
    for (size_t p = 0; p < s->pairs; p++)
        s->whole[p] = cosine(&whole[p]);
    free(whole);
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
    int result = load_base(&v, recipe, directory, error) ||
                         load_factors(&v, recipe, directory, error) ||
                         (!v.factors && load_weights(&v, error))
                     ? -1
                     : 0;
    for (size_t t = 0; result == 0 && !v.factors && t < s->tasks; t++) {
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
