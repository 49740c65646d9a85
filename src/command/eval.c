/* pwemoe eval: measure one model. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/directory.h"
#include "command/command.h"
#include "command/work/choice.h"
#include "command/work/measure_list.h"
#include "command/work/share.h"
#include "parallel/ranks.h"
#include "results/solutions.h"

struct eval_options {
    struct choice_options choice;
    const char *model;
    bool again;
    struct measure_options measure;
};

static const struct option_spec options[] = {
    CHOICE_OPTIONS(struct eval_options, choice),
    {.name = "model",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "A model directory of the recipe's shape; its own heads in heads/ are "
             "used if it has them, otherwise the tasks' own",
     .offset = offsetof(struct eval_options, model)},
    {.name = "again",
     .type = OPTION_FLAG,
     .help = "Measure again even if complete figures are stored",
     .offset = offsetof(struct eval_options, again)},
    MEASURE_OPTIONS(struct eval_options, measure),
    {0}};

/* A directory is known by what its files hold. */
static int describe_directory(const struct invocation *invocation, const char *path,
                              struct store_solution *solution, struct error *error) {
    struct fingerprint fingerprint;
    memset(solution, 0, sizeof *solution);
    if (model_directory_fingerprint(path, &fingerprint, invocation->work, error))
        return -1;
    solution->kind = STORE_KIND_TRAIN;
    solution->method = strdup("model");
    solution->parameters = text_format("{\"sha256\":\"%s\"}", fingerprint.sha256);
    solution->label = strdup(path);
    if (solution->method && solution->parameters && solution->label)
        return 0;
    store_solution_clear(solution);
    return error_memory(error);
}

static int begin(struct measure *m, const struct store_solution *solution,
                 struct error *error) {
    const struct eval_options *o = m->invocation->options;
    if (share_load(m, solution, error))
        return -1;
    if (o->model)
        return evaluator_begin_directory(m->evaluator, o->model, error);
    return measure_begin(m, solution, error);
}

static enum exit_status measure_one(struct measure *m, struct store_solution *solution,
                                    struct error *error) {
    const struct eval_options *o = m->invocation->options;
    int known = o->again ? 0 : measure_known(m, solution, error), result = known;
    if (known > 0) {
        command_note(m->invocation, "solution %lld was measured before",
                     (long long)m->ids[0]);
    } else if (known == 0) {
        result =
            begin(m, solution, error) ? -1 : measure_finish(m, "eval", solution, error);
        if (result == 1)
            command_log(m->invocation, m->store, "eval: solution %lld",
                        (long long)solution->id);
    }
    if (result < 0) {
        measure_explain(m, error);
        return EXIT_FAILED;
    }
    if (result == 0) {
        error_set(error, "stopped; nothing was stored");
        return EXIT_FAILED;
    }
    return measure_report(m, false, "", error);
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct eval_options *o = invocation->options;
    if ((o->choice.preference != NULL) + (o->choice.solution != 0) +
            (o->model != NULL) !=
        1) {
        error_set(error, "give one of --preference R, --solution ID and --model DIR");
        return EXIT_USAGE;
    }
    struct measure m;
    if (ranks_rank(invocation->ranks))
        return measure_serve(invocation, invocation->operands[0], &o->measure, error);
    if (measure_open(invocation, invocation->operands[0], &o->measure, &m, error))
        return EXIT_FAILED;
    share_begin(&m);
    struct store_solution solution;
    bool usage = false;
    enum exit_status status;
    if (o->model ? describe_directory(invocation, o->model, &solution, error)
                 : choice_find(&m, &o->choice, &solution, &usage, error)) {
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
    .usage = "FILE --preference R | --solution ID | --model DIR",
    .summary = "Measure one model on every task",
    .text = "Makes the model and measures it on the held-out data of every task. The "
            "figures are stored. A model with complete stored figures is not measured "
            "again unless --again is given.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_MODELS,
    .together = SERVE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct eval_options),
    .run = run,
};
