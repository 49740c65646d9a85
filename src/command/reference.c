/* pwemoe reference: the hypervolume's reference point, shown and changed. */
#include <stdlib.h>

#include "command/command.h"
#include "command/io/point_file.h"
#include "results/solutions.h"
#include "store/store.h"

struct reference_options {
    const char *set;
};

static const struct option_spec options[] = {
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "R",
     .help = "The new reference point: a number for each task, or one for all",
     .offset = offsetof(struct reference_options, set)},
    {0}};

/* usage is set where the command line is at fault. */
static int change(const struct invocation *invocation, struct store *store,
                  const struct store_recipe *recipe, bool *usage, struct error *error) {
    const struct reference_options *o = invocation->options;
    double *numbers, reference[STORE_TASKS_MAX];
    size_t count, tasks = recipe->task_count;
    *usage = true;
    if (points_vector(o->set, "--set", &numbers, &count, error))
        return -1;
    for (size_t t = 0; t < tasks && (count == 1 || count == tasks); t++)
        reference[t] = numbers[count == 1 ? 0 : t];
    free(numbers);
    if (count != 1 && count != tasks)
        return error_set(error, "--set has %zu numbers, %s has %zu tasks", count,
                         store_path(store), tasks);
    *usage = false;
    if (store_set_reference(store, reference, error))
        return -1;
    command_log(invocation, store, "reference point set to %s", o->set);
    return 0;
}

static int print(const struct invocation *invocation, struct store *store,
                 const struct store_recipe *recipe, struct error *error) {
    static const struct output_column columns[] = {{"since", IN_ALL, 0},
                                                   {"reference", IN_ALL, -1}};
    struct store_reference *references;
    size_t count;
    if (store_references(store, &references, &count, error))
        return -1;
    struct output *output = output_new((enum output_format)invocation->common->format,
                                       false, columns, 2, error);
    for (size_t i = 0; output && i < count; i++)
        output_row(output, (json_t *[]){
                               time_json(references[i].since),
                               output_reals(references[i].values, recipe->task_count)});
    store_references_free(references, count);
    return output ? output_end(output, error) : -1;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct reference_options *o = invocation->options;
    enum exit_status status = EXIT_FAILED;
    struct store_recipe *recipe;
    struct store *store;
    bool usage = false;
    if (store_open(invocation->operands[0], o->set ? STORE_READ_WRITE : STORE_READ_ONLY,
                   &store, error))
        return EXIT_FAILED;
    if (store_recipe(store, &recipe, error) == 0) {
        if (o->set && change(invocation, store, recipe, &usage, error))
            status = usage ? EXIT_USAGE : EXIT_FAILED;
        else if (print(invocation, store, recipe, error) == 0)
            status = EXIT_DONE;
        store_recipe_free(recipe);
    }
    store_close(store);
    return status;
}

const struct command command_reference = {
    .name = "reference",
    .usage = "FILE [--set R]",
    .summary = "Show or change the reference point of the hypervolume",
    .text = "Prints the reference points that FILE has had, in the order of the tasks "
            "and in their units, the current one last. With --set another one is used "
            "from then on by `show`, `report`, `compare` and the explorer; figures do "
            "not change.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT,
    .options = options,
    .options_size = sizeof(struct reference_options),
    .run = run,
};
