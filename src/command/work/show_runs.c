/* The views of `pwemoe show` on runs, routers and task vectors, of show.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "command/work/analysis.h"
#include "command/work/runs.h"
#include "command/work/show.h"

/* Each module's router of one run. */
static int show_modules(const struct show_context *v, struct error *error) {
    static const struct output_column columns[] = {
        {"run", IN_ALL, 0},
        {"routers", IN_CSV | IN_JSON, 0},
        {"module", IN_ALL, 0},
        {"kind", IN_CSV | IN_JSON, 0},
        {"block", IN_CSV | IN_JSON, 0},
        {"layers", IN_ALL, 0},
        {"parameters", IN_ALL, 0},
        {"weights_at_equal_preference", IN_ALL, 4}};
    struct store_run run;
    struct store_routers routers;
    struct routing r;
    if (analysis_find_routers(v->store, v->options->run, NULL, ANALYSIS_ANY_MODULES,
                              &run, &routers, error))
        return -1;
    int result = routing_make(&routers, v->recipe->task_count, &r, error);
    int64_t id = run.id, blob = routers.id;
    store_routers_clear(&routers);
    store_run_clear(&run);
    if (result)
        return -1;
    struct output *output = output_new(v->invocation->common->format, false, columns,
                                       sizeof columns / sizeof *columns, error);
    for (size_t m = 0; output && m < r.modules; m++) {
        double weights[STORE_TASKS_MAX];
        for (size_t t = 0; t < r.tasks; t++)
            weights[t] = r.equal[m * r.tasks + t];
        output_row(output,
                   (json_t *[]){
                       json_integer(id), json_integer(blob),
                       output_text(r.module[m].name),
                       output_text(r.module[m].kind_name),
                       r.module[m].block >= 0 ? json_integer(r.module[m].block) : NULL,
                       json_integer(r.layers), json_integer((json_int_t)r.parameters),
                       output_reals(weights, r.tasks)});
    }
    routing_clear(&r);
    return output ? output_end(output, error) : -1;
}

int show_routers(const struct show_context *v, struct error *error) {
    if (v->options->run)
        return show_modules(v, error);
    struct store_run *runs;
    size_t count;
    if (store_runs(v->store, &runs, &count, error))
        return -1;
    struct output *output = runs_begin(v->invocation, error);
    int result = output ? 0 : -1;
    for (size_t i = 0; result == 0 && i < count; i++)
        if (store_run_is(&runs[i], v->options->method, NULL))
            result = runs_add(output, v->store, &runs[i], error);
    store_runs_free(runs, count);
    if (result) {
        output_free(output);
        return -1;
    }
    return output_end(output, error);
}

static int add_curve(const struct show_context *v, struct output *output,
                     const struct store_run *run, struct error *error) {
    struct store_curve_point *points;
    size_t count;
    if (store_curve(v->store, run->id, &points, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        output_row(output,
                   (json_t *[]){json_integer(run->id), output_text(run->method),
                                json_integer(points[i].step),
                                output_text(v->recipe->tasks[points[i].task].name),
                                output_real(points[i].loss)});
    free(points);
    return 0;
}

int show_training(const struct show_context *v, struct error *error) {
    static const struct output_column columns[] = {{"run", IN_ALL, 0},
                                                   {"method", IN_ALL, 0},
                                                   {"step", IN_ALL, 0},
                                                   {"task", IN_ALL, 0},
                                                   {"loss", IN_ALL, 4}};
    const struct show_options *o = v->options;
    struct store_run *runs;
    size_t count, newest = 0;
    bool found = false;
    if (store_runs(v->store, &runs, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if ((!o->run || runs[i].id == (int64_t)o->run) &&
            store_run_is(&runs[i], o->method, NULL)) {
            if (!found || runs[i].id > runs[newest].id)
                newest = i;
            found = true;
        }
    struct output *output = NULL;
    int result = -1;
    if (o->run && !found)
        error_set(error,
                  "there is no run %llu in %s; `pwemoe show FILE routers` lists "
                  "the runs",
                  (unsigned long long)o->run, store_path(v->store));
    else
        output = output_new(v->invocation->common->format, false, columns, 5, error);
    if (output)
        result = 0;
    for (size_t i = 0; result == 0 && found && i < count; i++) {
        bool taken =
            o->all && !o->run ? store_run_is(&runs[i], o->method, NULL) : i == newest;
        if (taken)
            result = add_curve(v, output, &runs[i], error);
    }
    store_runs_free(runs, count);
    if (result) {
        output_free(output);
        return -1;
    }
    return output_end(output, error);
}

int show_routing(const struct show_context *v, struct error *error) {
    static const struct output_column columns[] = {
        {"preference", IN_ALL, 0},     {"module", IN_ALL, 0},
        {"kind", IN_CSV | IN_JSON, 0}, {"block", IN_CSV | IN_JSON, 0},
        {"expert", IN_ALL, 0},         {"weight", IN_ALL, 4}};
    struct store_run run;
    struct store_routers routers;
    struct routing r;
    if (analysis_find_routers(v->store, v->options->run, v->options->method,
                              ANALYSIS_ANY_MODULES, &run, &routers, error))
        return -1;
    int result = routing_make(&routers, v->recipe->task_count, &r, error);
    store_routers_clear(&routers);
    store_run_clear(&run);
    if (result)
        return -1;
    struct output *output =
        output_new(v->invocation->common->format, false, columns, 6, error);
    for (size_t p = 0; output && p < r.tasks; p++)
        for (size_t m = 0; m < r.modules; m++)
            for (size_t t = 0; t < r.tasks; t++)
                output_row(
                    output,
                    (json_t *[]){
                        output_text(v->recipe->tasks[p].name),
                        output_text(r.module[m].name),
                        output_text(r.module[m].kind_name),
                        r.module[m].block >= 0 ? json_integer(r.module[m].block) : NULL,
                        output_text(v->recipe->tasks[t].name),
                        output_real(r.weights[(p * r.modules + m) * r.tasks + t])});
    routing_clear(&r);
    return output ? output_end(output, error) : -1;
}

/* One pair's row of a module, or of the whole model (NULL). */
static void add_cosine(struct output *output, const struct show_context *v,
                       const struct similarity *s, const struct module_place *module,
                       size_t pair, double cosine) {
    output_row(
        output,
        (json_t *[]){output_text(module ? module->name : "the whole model"),
                     output_text(module ? module->kind_name : "model"),
                     module && module->block >= 0 ? json_integer(module->block) : NULL,
                     output_text(v->recipe->tasks[s->pair[pair][0]].name),
                     output_text(v->recipe->tasks[s->pair[pair][1]].name),
                     output_real(cosine)});
}

int show_similarity(const struct show_context *v, struct error *error) {
    static const struct output_column columns[] = {{"module", IN_ALL, 0},
                                                   {"kind", IN_CSV | IN_JSON, 0},
                                                   {"block", IN_CSV | IN_JSON, 0},
                                                   {"a", IN_ALL, 0},
                                                   {"b", IN_ALL, 0},
                                                   {"cosine", IN_ALL, 4}};
    char *folder = store_folder(v->invocation->operands[0]);
    struct similarity s;
    int result =
        folder ? similarity_make(v->recipe, folder, &s, v->invocation->work, error)
               : error_memory(error);
    free(folder);
    if (result)
        return -1;
    struct output *output =
        output_new(v->invocation->common->format, false, columns, 6, error);
    for (size_t p = 0; output && p < s.pairs; p++)
        add_cosine(output, v, &s, NULL, p, s.whole[p]);
    for (size_t m = 0; output && m < s.modules; m++)
        for (size_t p = 0; p < s.pairs; p++)
            add_cosine(output, v, &s, &s.module[m], p, s.cosine[m * s.pairs + p]);
    similarity_clear(&s);
    return output ? output_end(output, error) : -1;
}
