#include "command/work/analysis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/correction_bytes.h"
#include "moe/routers.h"
#include "moe/surrogate.h"
#include "results/answerer.h"

/* Which module a router steers, from the granularity alone (moe/upscaling.h): all
 * has the patch embedding, perhaps a norm before the blocks, four modules a block and
 * a norm behind them. */
static void name_module(enum granularity granularity, size_t modules, size_t index,
                        struct module_place *m) {
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
