/* pwemoe eval: measure one model. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/choice.h"
#include "command/command.h"
#include "command/measure.h"
#include "command/solutions.h"

struct eval_options {
    struct choice_options choice;
    bool again;
    struct measure_options measure;
};

static const struct option_spec options[] = {
    CHOICE_OPTIONS(struct eval_options, choice),
    {.name = "again",
     .type = OPTION_FLAG,
     .help = "Measure even what is stored with complete figures",
     .offset = offsetof(struct eval_options, again)},
    MEASURE_OPTIONS(struct eval_options, measure),
    {0}};

static int is_known(struct measure *m, const struct store_solution *solution,
                    bool *known, struct error *error) {
    struct store_row *rows;
    size_t count;
    if (store_rows(m->store, m->split, &rows, &count, error))
        return -1;
    *known = measure_known(m, rows, count, solution);
    store_rows_free(rows, count);
    return 0;
}

static enum exit_status measure_one(struct measure *m, struct store_solution *solution,
                                    struct error *error) {
    const struct eval_options *o = m->invocation->options;
    bool known = false;
    if (!o->again && is_known(m, solution, &known, error))
        return EXIT_FAILED;
    int result = 1;
    if (known) {
        command_note(m->invocation, "solution %lld was measured before",
                     (long long)m->ids[0]);
    } else {
        result = measure_load(m, error) || measure_begin(m, solution, error)
                     ? -1
                     : measure_finish(m, "eval", solution, error);
        if (result == 1 &&
            store_log(m->store, error, "eval: solution %lld", (long long)solution->id))
            result = -1;
    }
    if (result < 0)
        return EXIT_FAILED;
    if (result == 0) {
        error_set(error, "stopped; nothing was stored");
        return EXIT_FAILED;
    }
    return measure_report(m, false, "", error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct eval_options *o = invocation->options;
    if ((o->choice.preference != NULL) + (o->choice.solution != 0) != 1) {
        error_set(error, "give one of --preference R and --solution ID");
        return EXIT_USAGE;
    }
    struct measure m;
    if (measure_open(invocation, invocation->operands[0], &o->measure, &m, error))
        return EXIT_FAILED;
    struct store_solution solution;
    bool usage;
    enum exit_status status;
    if (choice_find(&m, &o->choice, &solution, &usage, error)) {
        status = usage ? EXIT_USAGE : EXIT_FAILED;
    } else {
        status = measure_one(&m, &solution, error);
        store_solution_clear(&solution);
    }
    measure_close(&m);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .usage = "FILE --preference R | --solution ID",
    .summary = "Measure one model on every task",
    .text = "Makes the model and measures it on the held-out data of every task. The "
            "figures are stored; what is stored with complete figures is shown without "
            "measuring again, unless --again is given.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_QUIET | TAKES_FORMAT | TAKES_DEVICE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct eval_options),
    .run = run,
};
