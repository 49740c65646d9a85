/* pwemoe compare: methods on one pool, with equal numbers of steps, in one table. */
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/work/compare.h"
#include "command/work/measure_list.h"
#include "parallel/ranks.h"

static const struct option_spec options[] = {
    {.name = "methods",
     .type = OPTION_TEXT,
     .value = "M[:P=V...][,...]",
     .initial = "distil,ls:upscale=all,wudi,regmean,task-arithmetic,average",
     .offer = contenders_offer,
     .help =
         "What is compared, with settings: trained methods with the options of "
         "`pwemoe train`, for example ls:upscale=all, merging methods with those of "
         "`pwemoe merge --set`, for example ties:scale=0.5:keep=0.1, and map with "
         "those of `pwemoe map`, for example map:base=wudi:evaluations=53",
     .offset = offsetof(struct compare_options, methods)},
    {.name = "seeds",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "3",
     .minimum = 1,
     .maximum = COMPARE_SEEDS_MAX,
     .help = "Use seeds 0 to N - 1 for everything that is drawn at random",
     .offset = offsetof(struct compare_options, seeds)},
    {.name = "budget",
     .type = OPTION_UNSIGNED,
     .value = "STEPS",
     .initial = "1200",
     .minimum = 1,
     .maximum = 10000000,
     .help = "Gradient steps of each trained method, unless it has its own steps=N",
     .offset = offsetof(struct compare_options, budget)},
    {.name = "edge-points",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "11",
     .minimum = 3,
     .maximum = COMPARE_EDGE_MAX,
     .help = "Preferences along each edge between two tasks, including its ends; an "
             "odd number",
     .offset = offsetof(struct compare_options, edge)},
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "Write tables and pictures into this folder too; it must not exist",
     .offset = offsetof(struct compare_options, out)},
    {0}};

static int tell(const struct compare *c, struct error *error) {
    struct compare_summary *summaries;
    size_t best;
    if (compare_summarise(c, &summaries, &best, error))
        return -1;
    int result = c->options->out ? compare_page(c, summaries, best, error) : 0;
    if (result == 0)
        result = compare_print(c, summaries, best, error);
    free(summaries);
    return result;
}

static int compare(struct compare *c, struct error *error) {
    if (c->measure.recipe->task_count < 2)
        return error_set(error, "comparing needs at least two tasks; %s has one",
                         c->measure.path);
    int result = compare_run(c, error);
    if (c->measure.done)
        command_log(c->invocation, c->measure.store,
                    "compare: %s, %zu models measured%s", c->options->methods,
                    c->measure.done, result == 1 ? "" : ", not finished");
    if (result == 0)
        return error_set(error, "stopped; what was trained and measured is kept, and "
                                "the same command goes on");
    return result < 0 ? -1 : tell(c, error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    static const struct measure_options all = {0};
    struct compare c = {.invocation = invocation, .options = invocation->options};
    enum exit_status status = EXIT_FAILED;
    if (c.options->edge % 2 == 0) {
        error_set(error,
                  "--edge-points %llu: give an odd number, so that the middle of "
                  "an edge is among them",
                  (unsigned long long)c.options->edge);
        return EXIT_USAGE;
    }
    if (contenders_parse(c.options->methods, &c.contenders, &c.contender_count, error))
        return EXIT_USAGE;
    if (ranks_rank(invocation->ranks))
        status = measure_serve(invocation, invocation->operands[0], &all, error);
    else if (measure_open(invocation, invocation->operands[0], &all, &c.measure,
                          error) == 0 &&
             compare(&c, error) == 0)
        status = EXIT_DONE;
    compare_clear(&c);
    return status;
}

const struct command command_compare = {
    .name = "compare",
    .usage = "FILE [--methods M,...] [--seeds N] [--budget STEPS] [--out DIR]",
    .summary = "Compare methods: train and measure each alike, one table",
    .text = "Trains the methods that need training, every seed with the same number of "
            "steps, and measures each method with the whole weight on each task, at "
            "equal weights and along the edges between every two tasks. What FILE "
            "holds already is used as it is, so that Ctrl-C loses nothing: the same "
            "command continues. The table has a row for each method: the hypervolume "
            "as a share of the box of the experts' figures, the mean at equal weights, "
            "what a preference changes, the cost, and tests against the best.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_MODELS,
    .together = SERVE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct compare_options),
    .run = run,
};
