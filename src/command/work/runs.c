#include "command/work/runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/solutions.h"

enum { COLUMNS = 13, FIGURES = 5 };

static struct output *begin(const struct invocation *invocation, size_t count,
                            struct error *error) {
    static const struct output_column columns[COLUMNS + FIGURES] = {
        {"run", IN_ALL, 0},
        {"method", IN_ALL, 0},
        {"upscale", IN_ALL, 0},
        {"parameters", IN_ALL, -1},
        {"steps_done", IN_ALL, 0},
        {"steps", IN_ALL, 0},
        {"seconds", IN_ALL, 1},
        {"complete", IN_ALL, 0},
        {"routers", IN_ALL, 0},
        {"bytes", IN_CSV | IN_JSON, 0},
        {"started", IN_ALL, 0},
        {"trainable", IN_CSV | IN_JSON, 0},
        {"peak_bytes", IN_CSV | IN_JSON, 0},
        /* struct run_figure */
        {"task", IN_CSV | IN_JSON, 0},
        {"accuracy", IN_ALL, 2},
        {"low", IN_CSV | IN_JSON, 2},
        {"high", IN_CSV | IN_JSON, 2},
        {"examples", IN_ALL, 0}};
    return output_new(invocation->common->format, false, columns, count, error);
}

struct output *runs_begin(const struct invocation *invocation, struct error *error) {
    return begin(invocation, COLUMNS, error);
}

/* 0 is not known. */
static json_t *known(uint64_t value) {
    return value ? json_integer((json_int_t)value) : NULL;
}

static int add(struct output *output, struct store *store, const struct store_run *run,
               const struct run_figure *figure, struct error *error) {
    struct store_routers routers;
    bool measured = figure && figure->examples;
    if (store_routers_newest(store, run->id, &routers, error))
        return -1;
    bool found = routers.id != 0;
    output_row(output,
               (json_t * [COLUMNS + FIGURES]){
                   json_integer(run->id), output_text(run->method),
                   *run->upscale ? output_text(run->upscale) : NULL,
                   output_object(run->parameters), json_integer(run->steps_done),
                   json_integer(run->steps), output_real(run->seconds),
                   json_boolean(run->complete), found ? json_integer(routers.id) : NULL,
                   found ? json_integer((json_int_t)routers.size) : NULL,
                   time_json(run->started), known(run->trainable),
                   known(run->peak_bytes), figure ? output_text(figure->task) : NULL,
                   measured ? output_real(figure->value) : NULL,
                   measured ? output_real(figure->low) : NULL,
                   measured ? output_real(figure->high) : NULL,
                   measured ? known(figure->examples) : NULL});
    return 0;
}

int runs_add(struct output *output, struct store *store, const struct store_run *run,
             struct error *error) {
    return add(output, store, run, NULL, error);
}

int runs_print(const struct invocation *invocation, struct store *store,
               const struct store_run *run, const struct run_figure *figure,
               struct error *error) {
    struct output *output =
        begin(invocation, figure ? COLUMNS + FIGURES : COLUMNS, error);
    if (output && add(output, store, run, figure, error) == 0) {
        if (output_end(output, error) == 0)
            return 0;
    } else {
        output_free(output);
    }
    return error_prefix(error, "run %lld is kept, but not shown", (long long)run->id);
}

int runs_take(struct store *store, bool (*wanted)(void *self, const struct store_run *),
              void *self, struct store_run *run, bool *found, struct error *error) {
    struct store_run *runs;
    size_t count, newest = SIZE_MAX;
    if (store_runs(store, &runs, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (wanted(self, &runs[i]))
            newest = i;
    *found = newest != SIZE_MAX;
    if (*found) {
        *run = runs[newest]; /* its strings move out of the array */
        memset(&runs[newest], 0, sizeof runs[newest]);
    }
    store_runs_free(runs, count);
    return 0;
}
