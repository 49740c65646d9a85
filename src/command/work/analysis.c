#include "command/work/analysis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/sources.h"
#include "moe/correction_bytes.h"
#include "moe/routers.h"
#include "moe/surrogate.h"
#include "results/answerer.h"

/* --- routing -------------------------------------------------------------------- */

/* Which module a router steers, from the granularity alone (moe/upscaling.h): all
 * has the patch embedding, perhaps a norm before the blocks, four modules a block and
 * a norm behind them. */
static void name_module(enum granularity granularity, size_t modules, size_t index,
                        struct analysis_module *m) {
    static const enum module_kind inside[] = {MODULE_NORM1, MODULE_ATTENTION,
                                              MODULE_NORM2, MODULE_MLP};
    m->kind = MODULE_MLP;
    m->block = (long)index;
    if (granularity == UPSCALE_WHOLE || granularity == UPSCALE_TENSOR) {
        bool whole = granularity == UPSCALE_WHOLE;
        m->block = -1;
        snprintf(m->kind_name, sizeof m->kind_name, whole ? "model" : "tensor");
        if (whole)
            snprintf(m->name, sizeof m->name, "the whole model");
        else
            snprintf(m->name, sizeof m->name, "tensor %zu", index);
        return;
    }
    if (granularity == UPSCALE_ATTN_MLP) {
        m->kind = index % 2 ? MODULE_MLP : MODULE_ATTENTION;
        m->block = (long)(index / 2);
    } else if (granularity == UPSCALE_ALL) {
        size_t before = modules % 4 == 3 ? 2 : 1;
        m->block = -1;
        if (index < before) {
            m->kind = index == 0 ? MODULE_PATCH : MODULE_PRE_NORM;
        } else if (index + 1 == modules) {
            m->kind = MODULE_POST_NORM;
        } else {
            m->kind = inside[(index - before) % 4];
            m->block = (long)((index - before) / 4);
        }
    }
    snprintf(m->kind_name, sizeof m->kind_name, "%s", module_kind_name(m->kind));
    if (m->block >= 0)
        snprintf(m->name, sizeof m->name, "block %ld %s", m->block,
                 module_kind_name(m->kind));
    else
        snprintf(m->name, sizeof m->name, "%s", m->kind_name);
}

int routing_make(const struct store_routers *stored, size_t tasks, struct routing *out,
                 struct error *error) {
    struct routers *routers;
    memset(out, 0, sizeof *out);
    if (correction_is(stored->blob, stored->size))
        return error_set(error,
                         "run %lld trained a correction, which has no routers; choose "
                         "another run with --run or --method",
                         (long long)stored->run);
    if (surrogate_is(stored->blob, stored->size))
        return error_set(error,
                         "run %lld has a surrogate and no routers: --run or --method "
                         "name another run",
                         (long long)stored->run);
    if (routers_from_memory(stored->blob, stored->size, "routers", &routers, error))
        return -1;
    int result = 0;
    float *row = NULL;
    if (routers->tasks != tasks) {
        result = error_set(error, "the routers are for %zu tasks, the file has %zu",
                           routers->tasks, tasks);
        goto done;
    }
    out->tasks = tasks;
    out->modules = routers->modules;
    out->layers = routers->layers;
    out->parameters = routers_parameter_count(routers->layers, 1, tasks);
    out->module = array_new(out->modules, sizeof *out->module);
    out->weights = array_new(tasks * out->modules * tasks, sizeof *out->weights);
    out->equal = array_new(out->modules * tasks, sizeof *out->equal);
    row = array_new((out->modules + 1) * tasks, sizeof *row);
    if (!out->module || !out->weights || !out->equal || !row) {
        result = error_memory(error);
        goto done;
    }
    for (size_t m = 0; m < out->modules; m++)
        name_module(routers->granularity, out->modules, m, &out->module[m]);
    for (size_t t = 0; t < tasks; t++) {
        double preference[STORE_TASKS_MAX] = {0};
        preference[t] = 1;
        routers_forward(routers, preference, row);
        memcpy(out->weights + t * out->modules * tasks, row,
               out->modules * tasks * sizeof *row);
    }
    double equal[STORE_TASKS_MAX];
    for (size_t t = 0; t < tasks; t++)
        equal[t] = 1 / (double)tasks;
    routers_forward(routers, equal, row);
    memcpy(out->equal, row, out->modules * tasks * sizeof *row);
done:
    free(row);
    routers_free(routers);
    if (result)
        routing_clear(out);
    return result;
}

void routing_clear(struct routing *routing) {
    free(routing->module);
    free(routing->weights);
    free(routing->equal);
    memset(routing, 0, sizeof *routing);
}

const char ANALYSIS_ANY_MODULES[] = "";

static bool is_wanted(const struct store_run *run, const char *method,
                      const char *upscale) {
    if (upscale == ANALYSIS_ANY_MODULES)
        return store_run_is(run, method, NULL) &&
               store_trains(run->upscale) == STORE_TRAINS_ROUTERS;
    return store_run_is(run, method, upscale);
}

/* Why there is none. */
static int no_routers(struct store *store, uint64_t wanted, const char *method,
                      const char *upscale, struct error *error) {
    const char *path = store_path(store);
    if (wanted)
        return error_set(error,
                         "%s has no routers of a run %llu; `pwemoe show FILE "
                         "routers` lists the runs",
                         path, (unsigned long long)wanted);
    if (method || (upscale && upscale != ANALYSIS_ANY_MODULES))
        return error_set(error,
                         "%s has no routers trained that way; `pwemoe show FILE "
                         "routers` lists the runs",
                         path);
    return error_set(error, "%s has no trained routers; run `pwemoe train` first",
                     path);
}

/* Of the runs that are asked for the one that answers; SIZE_MAX: none. */
static int choose_run(struct store *store, uint64_t wanted, const char *method,
                      const char *upscale, const struct store_run *runs, size_t count,
                      size_t *index, struct error *error) {
    int64_t *saved = array_new(count, sizeof *saved);
    int result = saved ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct store_routers newest;
        if (wanted ? runs[i].id != (int64_t)wanted
                   : !is_wanted(&runs[i], method, upscale))
            continue;
        result = store_routers_newest(store, runs[i].id, &newest, error);
        saved[i] = newest.id;
    }
    if (result == 0)
        *index = answerer_run(runs, saved, count);
    free(saved);
    return result;
}

int analysis_find_routers(struct store *store, uint64_t wanted, const char *method,
                          const char *upscale, struct store_run *found,
                          struct store_routers *routers, struct error *error) {
    struct store_run *runs;
    size_t count, index = SIZE_MAX;
    bool there = false;
    if (store_runs(store, &runs, &count, error))
        return -1;
    int result = choose_run(store, wanted, method, upscale, runs, count, &index, error);
    if (result == 0 && index != SIZE_MAX)
        result = store_routers_last(store, runs[index].id, &there, routers, error);
    if (result == 0 && !there)
        result = no_routers(store, wanted, method, upscale, error);
    if (result == 0) {
        *found = runs[index]; /* its strings move out of the array */
        memset(&runs[index], 0, sizeof runs[index]);
    }
    store_runs_free(runs, count);
    return result;
}

/* --- similarity ------------------------------------------------------------------- */

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

static double cosine(const float *a, const float *b, size_t count) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (double)NAN;
}

static void describe_module(const struct layout *layout, size_t index,
                            struct analysis_module *m) {
    const struct module *module = &layout->modules[index];
    module_name(layout, index, m->name, sizeof m->name);
    m->kind = module->kind;
    m->block = module_in_block(module->kind) ? (long)module->block : -1;
    snprintf(m->kind_name, sizeof m->kind_name, "%s", module_kind_name(module->kind));
}

static int compare_all(struct vectors *v, struct similarity *s) {
    const struct layout *layout = v->layout;
    s->modules = layout->module_count;
    s->pairs = s->tasks * (s->tasks - 1) / 2;
    s->module = array_new(s->modules, sizeof *s->module);
    s->pair = array_new(s->pairs, sizeof *s->pair);
    s->cosine = array_new(s->modules * s->pairs, sizeof *s->cosine);
    if (!s->module || !s->pair || !s->cosine)
        return -1;
    size_t k = 0;
    for (size_t a = 0; a < s->tasks; a++)
        for (size_t b = a + 1; b < s->tasks; b++, k++) {
            s->pair[k][0] = a;
            s->pair[k][1] = b;
        }
    for (size_t m = 0; m < s->modules; m++) {
        const struct module *module = &layout->modules[m];
        describe_module(layout, m, &s->module[m]);
        for (size_t p = 0; p < s->pairs; p++)
            s->cosine[m * s->pairs + p] =
                cosine(v->vectors[s->pair[p][0]] + module->begin,
                       v->vectors[s->pair[p][1]] + module->begin, module->count);
    }
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
    memset(s, 0, sizeof *s);
}
