/* libpwemoe (pwemoe.h): what the explorer's threads do, one call after another. */
#include "library/pwemoe.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/start.h"
#include "eval/data_watch.h"
#include "eval/evaluator.h"
#include "eval/keeping.h"
#include "results/answerer.h"
#include "results/catalog.h"
#include "store/store.h"

struct pwemoe {
    char *path, *folder, *device;
    struct pwemoe_options options;
    struct store *store;
    struct catalog_source *source;
    struct catalog *catalog;     /* what the file held when it was last read */
    struct store_recipe *recipe; /* the evaluator's */
    struct store_recipe *tasks;  /* the one of opening: what pwemoe_task gives out */
    struct evaluator *evaluator; /* NULL until it is needed */
    char answers[128];
    struct pwemoe_point *points; /* of pwemoe_front */
    atomic_bool stop;
    struct error error;
};

void pwemoe_start(char **argv, const int *signals) {
    start_process(argv, signals);
}

/* --- the file --------------------------------------------------------------------- */

static bool stopped(struct pwemoe *p) {
    if (p->options.stop && p->options.stop(p->options.self))
        atomic_store(&p->stop, true);
    return atomic_load(&p->stop);
}

/* Asked of loading and merging, which report while they work. */
static void on_progress(void *self, const char *what, size_t done, size_t total) {
    (void)what;
    (void)done;
    (void)total;
    stopped(self);
}

static struct work work_of(struct pwemoe *p) {
    return (struct work){&p->stop, on_progress, p};
}

/* What the file holds now; of what it held before, only what is new is read. */
static int read_file(struct pwemoe *p) {
    struct catalog *fresh;
    int64_t version;
    if (store_version(p->store, &version, &p->error))
        return -1;
    if (p->catalog && p->catalog->version == version)
        return 0;
    if (catalog_source_read(p->source, !p->catalog, &fresh, &p->error))
        return -1;
    catalog_free(p->catalog);
    p->catalog = fresh;
    catalog_source_settle(p->source);
    int64_t answerer = answerer_default(fresh);
    *p->answers = '\0';
    if (answerer)
        catalog_routers_text(fresh, answerer, p->answers, sizeof p->answers);
    return 0;
}

static int open_file(struct pwemoe *p) {
    struct work work = work_of(p);
    if (!p->path || !p->device)
        return error_memory(&p->error);
    if (store_open(p->path, STORE_READ_WRITE, &p->store, &p->error))
        return -1;
    p->folder = store_folder(p->path);
    p->source = catalog_source_new(p->store);
    if (!p->folder || !p->source)
        return error_memory(&p->error);
    /* Figures of data that have changed are stale before anyone asks for them. */
    return store_recipe(p->store, &p->tasks, &p->error) ||
                   data_watch(p->store, p->tasks, p->folder, "test", NULL, &work,
                              &p->error) ||
                   read_file(p)
               ? -1
               : 0;
}

int pwemoe_open(const char *path, const struct pwemoe_options *options,
                struct pwemoe **out) {
    struct pwemoe *p = calloc(1, sizeof *p);
    *out = p;
    if (!p)
        return -1;
    if (options)
        p->options = *options;
    p->path = strdup(path);
    p->device = strdup(p->options.device ? p->options.device : "auto");
    return open_file(p);
}

static void unload(struct pwemoe *p) {
    evaluator_close(p->evaluator);
    store_recipe_free(p->recipe);
    p->evaluator = NULL;
    p->recipe = NULL;
}

void pwemoe_close(struct pwemoe *p) {
    if (!p)
        return;
    unload(p);
    store_recipe_free(p->tasks);
    catalog_free(p->catalog);
    catalog_source_free(p->source);
    store_close(p->store);
    free(p->points);
    free(p->device);
    free(p->folder);
    free(p->path);
    free(p);
}

const char *pwemoe_error(const struct pwemoe *p) {
    return p ? p->error.text : "out of memory";
}

size_t pwemoe_tasks(const struct pwemoe *p) {
    return p->catalog ? p->catalog->tasks : 0;
}

struct pwemoe_task pwemoe_task(const struct pwemoe *p, size_t task) {
    const struct store_task *t = &p->tasks->tasks[task];
    return (struct pwemoe_task){t->name, t->objective.unit, t->objective.maximise};
}

const char *pwemoe_answers(const struct pwemoe *p) {
    return p->answers;
}

/* --- measuring -------------------------------------------------------------------- */

/* Whether the models in memory are those that the file now names. */
static bool is_current(const struct store_recipe *a, const struct store_recipe *b) {
    bool same = !strcmp(a->pretrained.sha256, b->pretrained.sha256);
    for (size_t t = 0; same && t < a->task_count; t++)
        same = !strcmp(a->tasks[t].expert.sha256, b->tasks[t].expert.sha256);
    return same;
}

/* An evaluator of the present models, the answerer its current one. */
static int load(struct pwemoe *p, int64_t answerer) {
    struct work work = work_of(p);
    char note[256] = "";
    if (p->evaluator && !is_current(p->recipe, p->catalog->recipe))
        unload(p);
    if (!p->evaluator) {
        struct evaluator_options how = {.device = p->device,
                                        .threads = p->options.threads,
                                        .split = "test",
                                        .store = p->store};
        if (store_recipe(p->store, &p->recipe, &p->error) ||
            evaluator_open(p->recipe, p->folder, &how, &p->evaluator, note, &work,
                           &p->error)) {
            unload(p);
            return -1;
        }
    }
    return catalog_is_closed(answerer)
               ? 0
               : keeping_use_routers(p->evaluator, p->store, answerer, NULL, &p->error);
}

/* A sum that is off by rounding alone is made 1; anything else is refused. */
static int check_preference(struct pwemoe *p, const double *given, double *preference) {
    size_t tasks = p->catalog->tasks;
    double sum = 0;
    for (size_t t = 0; t < tasks; t++) {
        if (!(given[t] >= 0 && given[t] <= 1 + 1e-6))
            return error_set(&p->error, "preference: %g for %s is not between 0 and 1",
                             given[t], p->catalog->recipe->tasks[t].name);
        sum += given[t];
    }
    if (fabs(sum - 1) > 1e-6)
        return error_set(&p->error, "preference: its numbers add up to %g, not 1", sum);
    for (size_t t = 0; t < tasks; t++)
        preference[t] = given[t] / sum;
    return 0;
}

static int finish(struct pwemoe *p, int64_t answerer, double *preference,
                  struct pwemoe_figure *figures, int64_t *id) {
    size_t tasks = p->catalog->tasks;
    struct running running[STORE_TASKS_MAX];
    int step = 0;
    while (step == 0) {
        if (stopped(p))
            return error_set(&p->error, "stopped");
        step = evaluator_step(p->evaluator, running, &p->error);
    }
    if (step < 0)
        return -1;
    const struct store_run *run = catalog_run_of(p->catalog, answerer);
    struct store_solution solution =
        answerer_solution(answerer, run ? run->method : "", preference);
    if (keeping_figures(p->evaluator, p->store, true, &solution, &p->error))
        return -1;
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    evaluator_results(p->evaluator, evaluations);
    for (size_t t = 0; t < tasks; t++)
        figures[t] =
            (struct pwemoe_figure){evaluations[t].value, evaluations[t].low,
                                   evaluations[t].high, evaluations[t].examples};
    *id = solution.id;
    return 0;
}

/* The row that the file has of this, complete and of the present models, or SIZE_MAX.
 */
static size_t known_row(const struct pwemoe *p, const double *preference,
                        int64_t answerer) {
    size_t row = catalog_find(p->catalog, preference, answerer);
    bool known = row != SIZE_MAX && solution_holds(&p->catalog->solutions[row], false);
    return known ? row : SIZE_MAX;
}

/* What answers, and the preference as it is stored. */
static int begin(struct pwemoe *p, const double *given, double *preference,
                 int64_t *answerer) {
    if (!p->catalog)
        return error_set(&p->error, "%s is not open", p->path ? p->path : "the file");
    atomic_store(&p->stop, false);
    if (read_file(p) || check_preference(p, given, preference))
        return -1;
    *answerer = answerer_default(p->catalog);
    if (*answerer)
        return 0;
    return error_set(&p->error, "%s has one task: there is nothing to prefer", p->path);
}

int pwemoe_measure(struct pwemoe *p, const double *given, struct pwemoe_figure *figures,
                   int64_t *solution) {
    double preference[STORE_TASKS_MAX];
    int64_t answerer, id;
    if (begin(p, given, preference, &answerer))
        return -1;
    size_t row = known_row(p, preference, answerer);
    if (row != SIZE_MAX) {
        const struct store_row *r = &p->catalog->rows[row];
        for (size_t t = 0; t < p->catalog->tasks; t++)
            figures[t] = (struct pwemoe_figure){
                r->evaluations[t].value, r->evaluations[t].low, r->evaluations[t].high,
                r->evaluations[t].examples};
        id = r->solution.id;
    } else {
        struct work work = work_of(p);
        if (load(p, answerer) ||
            answerer_begin(p->evaluator, answerer, preference, &work, &p->error) ||
            finish(p, answerer, preference, figures, &id))
            return -1;
    }
    if (solution)
        *solution = id;
    return 0;
}

int pwemoe_export(struct pwemoe *p, const double *given, const char *directory) {
    double preference[STORE_TASKS_MAX];
    struct pwemoe_figure figures[STORE_TASKS_MAX];
    int64_t answerer, id;
    /* An export says what it scored. */
    if (pwemoe_measure(p, given, figures, &id) ||
        begin(p, given, preference, &answerer))
        return -1;
    struct work work = work_of(p);
    size_t row = known_row(p, preference, answerer);
    if (row == SIZE_MAX)
        return error_set(&p->error, "solution %lld has changed meanwhile",
                         (long long)id);
    if (load(p, answerer) ||
        answerer_begin(p->evaluator, answerer, preference, &work, &p->error))
        return -1;
    return evaluator_export(p->evaluator, directory, &p->catalog->rows[row].solution,
                            p->catalog->rows[row].evaluations, -1, NULL, &work,
                            &p->error);
}

/* --- the front -------------------------------------------------------------------- */

int pwemoe_front(struct pwemoe *p, const struct pwemoe_point **points, size_t *count) {
    if (!p->catalog)
        return error_set(&p->error, "%s is not open", p->path ? p->path : "the file");
    if (read_file(p))
        return -1;
    const struct catalog *catalog = p->catalog;
    free(p->points);
    p->points = array_new(catalog->count ? catalog->count : 1, sizeof *p->points);
    if (!p->points)
        return error_memory(&p->error);
    *count = 0;
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->solutions[i].front) {
            const struct store_solution *solution = &catalog->rows[i].solution;
            p->points[(*count)++] = (struct pwemoe_point){
                solution->id, solution->preference,
                catalog->values + i * catalog->tasks, solution->method};
        }
    *points = p->points;
    return 0;
}
