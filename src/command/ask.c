/* pwemoe ask: which preference reaches these figures, and does anything? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/work/answer.h"
#include "command/work/measure.h"
#include "pareto/simplex.h"
#include "results/estimate.h"
#include "results/row.h"

struct ask_options {
    bool measure;
    uint64_t tries;
    struct answer_options answer;
};

static const struct option_spec options[] = {
    {.name = "measure",
     .type = OPTION_FLAG,
     .help = "Make and measure the model that is found, and ask again with its "
             "figures, until the answer is measured",
     .offset = offsetof(struct ask_options, measure)},
    {.name = "tries",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "4",
     .minimum = 1,
     .maximum = 1000,
     .help = "With --measure: measure at most N models",
     .offset = offsetof(struct ask_options, tries)},
    ANSWER_OPTIONS(struct ask_options, answer, ""),
    {0}};

/* One question about one file. */
struct asking {
    const struct invocation *invocation;
    struct measure measure;
    struct answer answer;
    struct catalog *catalog;
    struct target target;
    struct target_answer found;
    int64_t solution; /* of what was found, where it was measured; or 0 */
};

static int read_anew(struct asking *asking, struct error *error) {
    catalog_free(asking->catalog);
    asking->catalog = NULL;
    return catalog_read(asking->measure.store, &asking->catalog, error);
}

/* The best for the target of all that is stored and of what lies between. */
static int look(struct asking *asking, struct error *error) {
    double centre[STORE_TASKS_MAX] = {0};
    struct store_solution at = answer_solution(&asking->answer, centre);
    int64_t answerer = at.routers ? at.routers : catalog_answerer(&at);
    struct samples samples;
    asking->found = (struct target_answer){0};
    asking->solution = 0;
    if (!answerer)
        return error_set(error,
                         "no figures of %s with these parameters can be looked up; "
                         "leave --set out, or name what was trained",
                         at.method);
    if (samples_make(&samples, asking->catalog, answerer))
        return error_memory(error);
    bool any = estimate_target(&samples, &asking->target, &asking->found);
    samples_free(&samples);
    /* Nothing to go by: one begins in the middle. */
    const struct ask_options *o = asking->invocation->options;
    if (!any && o->measure) {
        for (size_t t = 0; t < asking->catalog->tasks; t++)
            asking->found.preference[t] = 1.0 / (double)asking->catalog->tasks;
        return 0;
    }
    if (!any)
        return error_set(
            error,
            "nothing is measured yet to answer from; --measure starts measuring, "
            "`pwemoe front FILE` measures a grid of preferences");
    size_t row = catalog_find(asking->catalog, asking->found.preference, answerer);
    if (asking->found.stored && row != SIZE_MAX)
        asking->solution = asking->catalog->rows[row].solution.id;
    return 0;
}

/* 1: measured; 0: stopped; -1. */
static int measure_found(struct asking *asking, struct error *error) {
    struct measure *m = &asking->measure;
    struct store_solution solution =
        answer_solution(&asking->answer, asking->found.preference);
    int known = measure_known(m, &solution, error);
    if (known)
        return known;
    if ((!m->evaluator && measure_load(m, error)) ||
        measure_begin(m, &solution, error) || measure_take_known(m, error))
        return -1;
    return measure_finish(m, "ask", &solution, error);
}

/* Measures what is found and looks again, until what is found is measured. *usage:
 * what was asked cannot be understood. */
static int converse(struct asking *asking, bool *usage, struct error *error) {
    const struct ask_options *o = asking->invocation->options;
    if (read_anew(asking, error))
        return -1;
    if (target_parse(asking->invocation->operands[1], asking->catalog, &asking->target,
                     error)) {
        *usage = true;
        return -1;
    }
    if (look(asking, error))
        return -1;
    for (uint64_t i = 0; o->measure && i < o->tries && !asking->solution; i++) {
        int done = measure_found(asking, error);
        if (done < 0) {
            measure_explain(&asking->measure, error);
            return -1;
        }
        if (!done)
            return error_set(error, "stopped; what was measured is stored");
        if (read_anew(asking, error) || look(asking, error))
            return -1;
    }
    return 0;
}

static int print(const struct asking *asking, struct error *error) {
    const struct store_recipe *recipe = asking->catalog->recipe;
    int digits = 0;
    for (size_t t = 0; t < recipe->task_count; t++) {
        int own = row_digits(&recipe->tasks[t].objective, 0);
        digits = own > digits ? own : digits;
    }
    const struct output_column columns[] = {
        {"task", IN_ALL, 0},          {"wanted", IN_ALL, -1},
        {"figure", IN_ALL, digits},   {"short", IN_ALL, digits},
        {"met", IN_ALL, 0},           {"measured", IN_ALL, 0},
        {"weight", IN_ALL, 3},        {"solution", IN_CSV | IN_JSON, 0},
        {"best", IN_CSV | IN_JSON, 0}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct output *output =
        output_new(asking->invocation->common->format, false, columns, COLUMNS, error);
    if (!output)
        return -1;
    for (size_t t = 0; t < recipe->task_count; t++) {
        double bound = asking->target.bounds[t], value = asking->found.values[t];
        double missing = target_short(&asking->target, recipe, t, value);
        output_row(
            output,
            (json_t *[]){output_text(recipe->tasks[t].name), output_real(bound),
                         output_real(value), isnan(bound) ? NULL : output_real(missing),
                         isnan(bound) ? NULL : json_boolean(missing <= 0),
                         json_boolean(asking->solution != 0),
                         output_real(asking->found.preference[t]),
                         asking->solution ? json_integer(asking->solution) : NULL,
                         json_boolean(asking->target.best[t])});
    }
    return output_end(output, error);
}

/* What that means, and how to go on. */
static void tell(const struct asking *asking) {
    const struct invocation *invocation = asking->invocation;
    char figures[1024], preference[1024];
    bool met = target_text(&asking->target, asking->catalog->recipe,
                           asking->found.values, figures, sizeof figures);
    simplex_text(asking->found.preference, asking->catalog->tasks, preference,
                 sizeof preference);
    command_note(invocation, "%s%s: %s", met ? "reached" : "not reached; the nearest",
                 asking->solution ? ", measured" : " by estimate", figures);
    const struct ask_options *o = invocation->options;
    if (asking->solution)
        command_note(invocation, "solution %lld, at %s", (long long)asking->solution,
                     preference);
    else if (o->measure)
        command_note(
            invocation,
            "at %s; after --tries %llu it is not measured yet, a larger N goes "
            "on",
            preference, (unsigned long long)o->tries);
    else
        command_note(invocation, "at %s; --measure measures it", preference);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    static const struct measure_options whole = {0};
    const struct ask_options *o = invocation->options;
    struct asking asking = {.invocation = invocation};
    bool usage = false;
    if (measure_open(invocation, invocation->operands[0], &whole, &asking.measure,
                     error))
        return EXIT_FAILED;
    enum exit_status status = EXIT_FAILED;
    if (answer_find(&asking.measure, &o->answer, &asking.answer, &usage, error)) {
        status = usage ? EXIT_USAGE : EXIT_FAILED;
    } else {
        if (converse(&asking, &usage, error) == 0 && print(&asking, error) == 0) {
            tell(&asking);
            status = asking.found.met ? EXIT_DONE : EXIT_UNMET;
        } else if (usage) {
            status = EXIT_USAGE;
        }
        answer_clear(&asking.answer);
    }
    catalog_free(asking.catalog);
    measure_close(&asking.measure);
    return status;
}

const struct command command_ask = {
    .name = "ask",
    .usage = "FILE \"FIGURES\"",
    .summary = "Find the preference that reaches these figures",
    .text = "FIGURES are what the tasks must reach, as in \"digits>=83 letters 72 max "
            "surfaces\", \"72, , 60\" or \"like ties 0.4 but 2 more of cars\". Prints "
            "the figures of the preference that reaches them with the best mean of the "
            "other tasks (or of those after max or min), or else of the nearest one, "
            "from stored figures and estimates between them; --measure measures it. "
            "The exit status is 0 if every figure is reached and 3 if one is not.",
    .operands_min = 2,
    .operands_max = 2,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_MODELS,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct ask_options),
    .run = run,
};
