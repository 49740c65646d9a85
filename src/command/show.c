/* pwemoe show: what a results.db holds. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/work/quality.h"
#include "command/work/show.h"
#include "results/filter.h"
#include "results/front_set.h"
#include "results/row.h"
#include "results/solutions.h"

#define KINDS "pwemoe|merge|single|train|import"

static const struct option_spec options[] = {
    {.name = "all",
     .type = OPTION_FLAG,
     .help = "solutions: also those with partial, stale or no figures; front: also "
             "dominated ones; training: every run",
     .offset = offsetof(struct show_options, all)},
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .help = "Only solutions or runs of this method",
     .offset = offsetof(struct show_options, method)},
    {.name = "kind",
     .type = OPTION_CHOICE,
     .value = "K",
     .choices = KINDS,
     .help = "Only solutions of this kind: pwemoe, merge, single, train or import",
     .offset = offsetof(struct show_options, kind)},
    {.name = "where",
     .type = OPTION_TEXT,
     .value = "EXPR",
     .help = "solutions, front: only those of which this is true, as in "
             "'TASK >= 80 && method == ls || knee'",
     .offset = offsetof(struct show_options, where)},
    SPLIT_OPTION("Figures on this split", struct show_options, split),
    {.name = "run",
     .type = OPTION_UNSIGNED,
     .value = "ID",
     .minimum = 1,
     .maximum = 9007199254740992.0,
     .help = "training, routing: this run rather than the newest; routers: each "
             "module's router of this run",
     .offset = offsetof(struct show_options, run)},
    {.name = "last",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .minimum = 1,
     .maximum = 1000000000,
     .help = "log: only the newest N lines",
     .offset = offsetof(struct show_options, last)},
    {.name = "subset",
     .type = OPTION_UNSIGNED,
     .value = "K",
     .minimum = 1,
     .maximum = 1000000,
     .help = "front: choose K models one after another, each the one that adds most to "
             "the hypervolume",
     .offset = offsetof(struct show_options, subset)},
    APPROXIMATE_OPTION(struct show_options, approximate),
    {0}};

/* --- solutions and front -------------------------------------------------- */

/* What --method, --kind and --where leave: take [count]; free(). */
static bool *find_wanted(const struct show_context *v, const struct catalog *catalog,
                         struct error *error) {
    const struct show_options *o = v->options;
    bool *take = array_new(catalog->count, sizeof *take);
    if (!take) {
        error_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        take[i] = store_method_is(solution->method, o->method) &&
                  (!v->kind || v->kind == solution->kind) &&
                  (!v->filter || filter_matches(v->filter, catalog, i));
    }
    return take;
}

static int show_solutions(const struct show_context *v, struct error *error) {
    struct catalog *catalog;
    if (catalog_read_solutions(v->store, v->split, &catalog, error))
        return -1;
    bool *take = find_wanted(v, catalog, error);
    struct output *output = take ? solutions_begin(v->invocation->common->format,
                                                   v->recipe, SOLUTIONS_PLAIN, error)
                                 : NULL;
    for (size_t i = 0; output && i < catalog->count; i++)
        if (take[i] && (v->options->all || store_state_settled(catalog->rows[i].state)))
            solutions_add(output, v->recipe, &catalog->rows[i], NULL);
    free(take);
    catalog_free(catalog);
    return output ? output_end(output, error) : -1;
}

static int print_front(const struct show_context *v, const struct catalog *catalog,
                       const struct front_set *set, struct error *error) {
    const double *reference = set->points.own_reference;
    struct output *output = solutions_begin(
        v->invocation->common->format, v->recipe,
        v->options->subset ? SOLUTIONS_SUBSET : SOLUTIONS_STANDING, error);
    if (!output)
        return -1;
    for (size_t i = 0; i < set->points.count; i++) {
        struct solution_standing standing = {.nondominated = set->nondominated[i],
                                             .within_noise = set->within_noise[i],
                                             .contribution = set->contribution[i],
                                             .hypervolume = set->hypervolume,
                                             .within = set->within,
                                             .reference = reference,
                                             .rank = set->rank[i],
                                             .place = set->place[i],
                                             .crowding = set->crowding[i],
                                             .weights = set->weights +
                                                        i * v->recipe->task_count};
        if (set->nondominated[i] || v->options->all)
            solutions_add(output, v->recipe, &catalog->rows[set->points.rows[i]],
                          &standing);
    }
    if (output_end(output, error))
        return -1;
    if (set->points.count == 0)
        command_note(v->invocation,
                     "no merged model has complete figures on the %s "
                     "split; pwemoe front or merge without --limit "
                     "makes them",
                     v->split);
    size_t fp8 = front_in_fp8(catalog, &set->points);
    if (fp8 > 0 && fp8 < set->points.count)
        command_note(v->invocation,
                     "%zu of %zu models are measured in fp8, the others are not: this "
                     "front compares two precisions; measuring those again without "
                     "--precision fp8 makes it one",
                     fp8, set->points.count);
    if (v->invocation->common->format != OUTPUT_TABLE)
        return 0;
    printf("\n%zu of %zu not dominated; hypervolume %.6g", set->front,
           set->points.count, set->hypervolume);
    if (set->within > 0)
        printf(" (within %g %%)", 100 * set->within);
    printf(" from reference (");
    for (size_t t = 0; t < v->recipe->task_count; t++)
        printf("%s%.6g", t ? ", " : "", reference[t]);
    puts(")");
    return output_flush(error);
}

static int show_front(const struct show_context *v, struct error *error) {
    struct catalog *catalog;
    if (catalog_read_solutions(v->store, v->split, &catalog, error))
        return -1;
    bool *take = find_wanted(v, catalog, error);
    int result = take ? 0 : -1;
    /* What is shown unasked: the merged models measured here. */
    for (size_t i = 0; take && i < catalog->count; i++)
        take[i] = take[i] && (v->options->kind || catalog_series(catalog, i)->merged);
    struct front_set set;
    const struct approximation how = {v->options->approximate,
                                      v->invocation->common->seed};
    if (result == 0)
        result = front_set_make(&set, catalog, take, v->store, v->split,
                                (size_t)v->options->subset, &how, v->invocation->work,
                                error);
    if (result == 0) {
        result = print_front(v, catalog, &set, error);
        front_set_clear(&set);
    }
    free(take);
    catalog_free(catalog);
    return result;
}

static int show_indicators(const struct show_context *v, struct error *error) {
    struct catalog *catalog;
    if (catalog_read_solutions(v->store, v->split, &catalog, error))
        return -1;
    bool *take = find_wanted(v, catalog, error);
    for (size_t i = 0; take && i < catalog->count; i++)
        take[i] = take[i] && (v->options->kind || catalog_series(catalog, i)->merged);
    const struct approximation how = {v->options->approximate,
                                      v->invocation->common->seed};
    int result = take ? quality_print(v->invocation, catalog, take, &how, error) : -1;
    free(take);
    catalog_free(catalog);
    return result;
}

/* --- objectives ----------------------------------------------------------- */

static json_t *path_json(const char *path) {
    return path && *path ? output_text(path) : json_null();
}

static int show_objectives(const struct show_context *v, struct error *error) {
    static const struct output_column columns[] = {
        {"task", IN_ALL, 0},
        {"objective", IN_CSV | IN_JSON, 0},
        {"metric", IN_ALL, 0},
        {"unit", IN_ALL, 0},
        {"direction", IN_ALL, 0},
        {"reference", IN_ALL, -1},
        {"train", IN_ALL, 0},
        {"test", IN_ALL, 0},
        {"expert", IN_ALL, 0},
        {"head", IN_ALL, 0},
        {"expert_bytes", IN_CSV | IN_JSON, 0},
        {"expert_sha256", IN_CSV | IN_JSON, 0},
    };
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct output *output =
        output_new(v->invocation->common->format, false, columns, COLUMNS, error);
    if (!output)
        return -1;
    for (size_t t = 0; t < v->recipe->task_count; t++) {
        const struct store_task *task = &v->recipe->tasks[t];
        bool expert = *task->expert.path != '\0';
        output_row(
            output,
            (json_t *[]){
                output_text(task->name), output_text(task->objective.name),
                output_text(task->objective.metric), output_text(task->objective.unit),
                json_string(task->objective.maximise ? "max" : "min"),
                output_real(task->objective.reference), path_json(task->train_path),
                path_json(task->test_path), path_json(task->expert.path),
                *task->head ? output_text(task->head) : json_string("expert"),
                expert ? json_integer((json_int_t)task->expert.size) : NULL,
                expert ? output_text(task->expert.sha256) : NULL});
    }
    return output_end(output, error);
}

/* --- log ------------------------------------------------------------------ */

static int show_log(const struct show_context *v, struct error *error) {
    static const struct output_column columns[] = {{"time", IN_ALL, 0},
                                                   {"text", IN_ALL, 0}};
    struct store_log_line *lines;
    size_t count;
    size_t newest = v->options->last ? (size_t)v->options->last : 1000000000;
    if (store_log_lines(v->store, newest, &lines, &count, error))
        return -1;
    struct output *output =
        output_new(v->invocation->common->format, false, columns, 2, error);
    for (size_t i = 0; output && i < count; i++)
        output_row(output,
                   (json_t *[]){time_json(lines[i].time), output_text(lines[i].text)});
    store_log_lines_free(lines, count);
    return output ? output_end(output, error) : -1;
}

/* --- the command ---------------------------------------------------------- */

static const struct {
    const char *name;
    int (*show)(const struct show_context *, struct error *);
} views[] = {
    {"solutions", show_solutions},
    {"front", show_front},
    {"indicators", show_indicators},
    {"objectives", show_objectives},
    {"routers", show_routers},
    {"training", show_training},
    {"routing", show_routing},
    {"similarity", show_similarity},
    {"log", show_log},
};
enum { VIEWS = sizeof views / sizeof *views };

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const char *names[VIEWS], *wanted = invocation->operands[1];
    size_t view = VIEWS;
    for (size_t i = 0; i < VIEWS; i++) {
        names[i] = views[i].name;
        if (strcmp(wanted, names[i]) == 0)
            view = i;
    }
    if (view == VIEWS) {
        const char *nearest = text_nearest(wanted, names, VIEWS);
        error_set(error, "unknown view '%s'; %s%s%s", wanted,
                  nearest ? "did you mean '" : "the views are ",
                  nearest ? nearest
                          : "solutions, front, indicators, objectives, routers, "
                            "training, routing, similarity and log",
                  nearest ? "'?" : "");
        return EXIT_USAGE;
    }
    struct show_context v = {.invocation = invocation, .options = invocation->options};
    v.split = v.options->split == 0 ? "test" : "train";
    char kind[16];
    if (command_given(invocation, "kind"))
        v.kind =
            store_kind_find(options_choice(KINDS, v.options->kind, kind, sizeof kind));
    if (store_open(invocation->operands[0], STORE_READ_ONLY, &v.store, error))
        return EXIT_FAILED;
    enum exit_status status = EXIT_FAILED;
    const char *where = v.options->where;
    if (store_recipe(v.store, &v.recipe, error) == 0) {
        if (where && filter_parse(where, v.recipe, &v.filter, NULL, error)) {
            error_prefix(error, "--where");
            status = EXIT_USAGE;
        } else if (views[view].show(&v, error) == 0) {
            status = EXIT_DONE;
        }
    }
    filter_free(v.filter);
    store_recipe_free(v.recipe);
    store_close(v.store);
    return status;
}

const struct command command_show = {
    .name = "show",
    .usage =
        "FILE "
        "solutions|front|indicators|objectives|routers|training|routing|similarity|"
        "log",
    .summary = "Print what a results.db holds, as rows",
    .text =
        "solutions: every model that was made, with its figures.\n"
        "front: the nondominated merged models that were measured here, with the "
        "hypervolume up to the stored reference point, exact unless --approximate "
        "allows "
        "sampling for more than four tasks; within_noise marks those for "
        "which a paired test on the same examples is undecided.\n"
        "indicators: the indicators of each series of models, up to the stored "
        "reference point and compared with the front of all of them; `pwemoe "
        "indicators --help` explains each.\n"
        "objectives: tasks, metrics, directions, reference point, data and experts.\n"
        "routers: the training runs; with --run the routers of one, module by module.\n"
        "training: the loss of each task along the newest run.\n"
        "routing: the routing weights of the newest routers at each task's unit "
        "preference.\n"
        "similarity: cosine similarities of the task vectors, module by module; reads "
        "the models.\n"
        "log: what was done with the file, and when.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_SEED,
    .options = options,
    .options_size = sizeof(struct show_options),
    .run = run,
};
