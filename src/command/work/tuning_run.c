#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "command/work/tuning.h"
#include "pareto/simplex.h"

/* --- what is asked for -------------------------------------------------------- */

static int find_task(struct finetune_session *t, const char *wanted,
                     struct error *error) {
    struct training *g = &t->training;
    if (store_task_find(g->recipe, wanted, &g->first, error))
        return -1;
    t->task = g->recipe->tasks[g->first].name;
    g->tasks = 1;
    t->preference[0] = 1;
    return 0;
}

int tuning_choose_tasks(struct finetune_session *t, struct error *error) {
    struct training *g = &t->training;
    double *preference = t->preference;
    if (t->task)
        return find_task(t, t->task, error);
    if (g->tasks < 2)
        return error_set(error, "--method is for several tasks; there is one");
    for (size_t i = 0; i < g->tasks; i++)
        preference[i] = 1 / (double)g->tasks;
    if (t->asked_preference &&
        simplex_parse(t->asked_preference, g->tasks, preference, error))
        return error_prefix(error, "--preference");
    return 0;
}

/* --- a run that goes on ----------------------------------------------------------- */

static const char *stored_task(const json_t *parameters) {
    return json_string_value(json_object_get(parameters, "task"));
}

static bool is_wanted(void *self, const struct store_run *run) {
    const struct finetune_session *t = self;
    if (!store_run_is(run, t->method, ""))
        return false;
    if (!t->task)
        return true;
    json_t *object = json_loads(run->parameters, 0, NULL);
    const char *name = stored_task(object);
    bool same = name && strcmp(name, t->task) == 0;
    json_decref(object);
    return same;
}

static bool is_state_at(struct finetune_session *t, const struct store_run *run,
                        const char *wanted) {
    char *place = training_state_place(&t->training, run->id, NULL);
    bool same = place && strcmp(place, wanted) == 0;
    free(place);
    return same;
}

static bool is_saved_here(void *self, const struct store_run *run) {
    struct finetune_session *t = self;
    struct training *g = &t->training;
    char *here = path_stored(g->folder, g->state, NULL);
    bool same = here && is_wanted(self, run) && is_state_at(t, run, here);
    free(here);
    return same;
}

static bool is_saved_nowhere(void *self, const struct store_run *run) {
    return is_wanted(self, run) && is_state_at(self, run, "");
}

/* Several runs may wait, each with its own state. One that was killed between its first
 * state and the note of it has told no place. */
int tuning_find_by_state(struct finetune_session *t, struct error *error) {
    struct training *g = &t->training;
    bool found, there = path_exists(g->state);
    int reason = errno;
    if (training_find(g, there ? is_saved_here : is_wanted, t, &found, error) ||
        (there && !found && training_find(g, is_saved_nowhere, t, &found, error)))
        return -1;
    if (!found && there)
        return error_set(
            error,
            "%s: is not the state of an unfinished run of this kind in %s; "
            "start again without --resume",
            g->state, store_path(g->store));
    if (!found)
        return error_set(error,
                         "%s has no unfinished run of this kind; `pwemoe show "
                         "FILE routers` lists the runs",
                         store_path(g->store));
    if (!there)
        return error_set(error, "%s: %s; --out gives the directory that the run writes",
                         g->state, strerror(reason));
    return 0;
}

/* The directory that a run was to write: its state's name without the ending. */
static int out_of_run(struct finetune_session *t, struct error *error) {
    static const char ending[] = ".state";
    struct training *g = &t->training;
    char *place = training_state_place(g, g->run.id, error);
    if (!place)
        return -1;
    size_t length = strlen(place), extra = strlen(ending);
    int result = 0;
    if (length <= extra || strcmp(place + length - extra, ending) != 0) {
        result =
            error_set(error, "run %lld has saved nothing; start again without --resume",
                      (long long)g->run.id);
    } else {
        place[length - extra] = '\0';
        t->out = path_join(g->folder, place);
        if (!t->out)
            result = error_memory(error);
    }
    free(place);
    return result;
}

int tuning_find_by_number(struct finetune_session *t, struct error *error) {
    struct training *g = &t->training;
    bool found;
    if (training_find(g, is_wanted, t, &found, error))
        return -1;
    if (!found)
        return error_set(error,
                         "%s has no unfinished run %lld of a whole model; `pwemoe show "
                         "FILE routers` lists the runs",
                         store_path(g->store), (long long)t->training.options->run);
    t->method = g->run.method;
    json_t *object = json_loads(g->run.parameters, 0, NULL);
    const char *task = stored_task(object);
    bool one = store_method_role(t->method) == STORE_ROLE_EXPERTS;
    if (one && t->asked_preference) {
        json_decref(object);
        return error_set(error, "--preference needs --method ls, epo or stch");
    }
    int result =
        !one ? 0
        : !task
            ? error_set(error, "the stored run has no valid 'task'; start a new one")
            : find_task(t, task, error);
    json_decref(object);
    if (result || (!one && tuning_choose_tasks(t, error)))
        return -1;
    return t->asked_out ? 0 : out_of_run(t, error);
}

int tuning_stored_preference(struct finetune_session *t, const json_t *object,
                             struct error *error) {
    const json_t *list = json_object_get(object, "preference");
    size_t tasks = t->training.tasks;
    double *preference = t->preference, sum = 0;
    bool differs = false;
    if (tasks == 1)
        return 0;
    for (size_t i = 0; i < tasks; i++) {
        double stored = json_number_value(json_array_get(list, i));
        differs |= fabs(stored - preference[i]) > 1e-9;
        preference[i] = stored;
        sum += stored;
    }
    if (json_array_size(list) != tasks || !(sum > 0.999 && sum < 1.001))
        return error_set(error,
                         "the stored run has no valid preference; start a new one");
    if (differs && t->asked_preference)
        return error_set(error,
                         "--preference %s: the run has another, and goes on with "
                         "that; leave the option out, or begin a new run without "
                         "--resume",
                         t->asked_preference);
    return 0;
}
