#include "command/work/runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/solutions.h"

struct output *runs_begin(const struct invocation *invocation, struct error *error) {
    static const struct output_column columns[] = {{"run", IN_ALL, 0},
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
                                                   {"peak_bytes", IN_CSV | IN_JSON, 0}};
    return output_new(invocation->common->format, false, columns,
                      sizeof columns / sizeof *columns, error);
}

/* 0 is not known. */
static json_t *known(uint64_t value) {
    return value ? json_integer((json_int_t)value) : NULL;
}

int runs_add(struct output *output, struct store *store, const struct store_run *run,
             struct error *error) {
    struct store_routers routers;
    bool found;
    if (store_routers_last(store, run->id, &found, &routers, error))
        return -1;
    output_row(output,
               (json_t *[]){json_integer(run->id), output_text(run->method),
                            *run->upscale ? output_text(run->upscale) : NULL,
                            output_object(run->parameters),
                            json_integer(run->steps_done), json_integer(run->steps),
                            output_real(run->seconds), json_boolean(run->complete),
                            found ? json_integer(routers.id) : NULL,
                            found ? json_integer((json_int_t)routers.size) : NULL,
                            time_json(run->started), known(run->trainable),
                            known(run->peak_bytes)});
    if (found)
        store_routers_clear(&routers);
    return 0;
}

int runs_print(const struct invocation *invocation, struct store *store,
               const struct store_run *run, struct error *error) {
    struct output *output = runs_begin(invocation, error);
    if (!output)
        return -1;
    if (runs_add(output, store, run, error)) {
        output_free(output);
        return -1;
    }
    return output_end(output, error);
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
