#include "command/work/choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"

/* id, hash and time of the stored solution that this one is, if there is one. */
static int complete_from_store(struct measure *measure, struct store_solution *solution,
                               struct error *error) {
    struct store_solution stored;
    bool found = false;
    int64_t id;
    if (store_solution_find(measure->store, solution, &id, error) ||
        (id && store_solution_get(measure->store, id, &found, &stored, error)))
        return -1;
    if (!found)
        return 0;
    solution->id = id;
    solution->created = stored.created;
    memcpy(solution->model_sha256, stored.model_sha256, sizeof stored.model_sha256);
    store_solution_clear(&stored);
    return 0;
}

static int choose_preference(struct measure *measure,
                             const struct choice_options *options,
                             struct store_solution *solution, bool *usage,
                             struct error *error) {
    size_t tasks = measure->recipe->task_count;
    double preference[STORE_TASKS_MAX];
    if (simplex_parse(options->preference, tasks, preference, error)) {
        *usage = true;
        return error_prefix(error, "--preference");
    }
    struct answer answer;
    if (answer_find(measure, &options->answer, &answer, usage, error))
        return -1;
    struct store_solution at = answer_solution(&answer, preference);
    solution->kind = at.kind;
    solution->method = strdup(at.method);
    solution->parameters = strdup(at.parameters);
    solution->label = strdup("");
    solution->preference = array_new(tasks, sizeof *solution->preference);
    solution->routers = at.routers;
    answer_clear(&answer);
    if (!solution->method || !solution->parameters || !solution->label ||
        !solution->preference)
        return error_memory(error);
    memcpy(solution->preference, preference, tasks * sizeof *preference);
    return complete_from_store(measure, solution, error);
}

int choice_find(struct measure *measure, const struct choice_options *options,
                struct store_solution *solution, bool *usage, struct error *error) {
    memset(solution, 0, sizeof *solution);
    *usage = false;
    if (options->preference) {
        int result = choose_preference(measure, options, solution, usage, error);
        if (result)
            store_solution_clear(solution);
        return result;
    }
    bool found;
    if (store_solution_get(measure->store, (int64_t)options->solution, &found, solution,
                           error))
        return -1;
    if (found)
        return 0;
    return error_set(error,
                     "%s has no solution %llu; `pwemoe show FILE solutions --all` "
                     "lists them",
                     store_path(measure->store), (unsigned long long)options->solution);
}
