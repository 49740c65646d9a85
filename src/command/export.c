/* pwemoe export: one merged model as a Hugging Face model directory. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/io/paths.h"
#include "command/work/choice.h"
#include "command/work/measure_list.h"
#include "command/work/share.h"
#include "parallel/ranks.h"

struct export_options {
    struct choice_options choice;
    const char *out, *head, *dtype;
};

static const struct option_spec options[] = {
    CHOICE_OPTIONS(struct export_options, choice),
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The directory to write: it must not exist, or be empty",
     .offset = offsetof(struct export_options, out)},
    {.name = "head",
     .type = OPTION_TEXT,
     .value = "TASK",
     .help = "Make this task's head the model's classifier (default: the pretrained "
             "model's)",
     .offset = offsetof(struct export_options, head)},
    DTYPE_OPTION(struct export_options, dtype),
    {0}};

/* The export says what the store knows of the model's figures. */
static int write_with_figures(struct measure *m, const struct store_solution *solution,
                              int head, const enum dtype *dtype, struct error *error) {
    const struct export_options *o = m->invocation->options;
    struct store_row *rows;
    size_t count;
    if (store_rows(m->store, m->split, &rows, &count, error))
        return -1;
    const struct store_row *row = store_row_find(rows, count, solution->id);
    int result =
        evaluator_export(m->evaluator, o->out, solution, row ? row->evaluations : NULL,
                         head, dtype, m->invocation->work, error);
    store_rows_free(rows, count);
    return result;
}

static int write_model(struct measure *m, const struct store_solution *solution,
                       int head, const enum dtype *dtype, struct error *error) {
    const struct export_options *o = m->invocation->options;
    char hex[SHA256_HEX];
    if (store_method_role(solution->method) == STORE_ROLE_EXPERTS)
        return error_set(error,
                         "solution %lld uses each task's own expert: there is no "
                         "single model to export",
                         (long long)solution->id);
    if (path_exists(o->out) && !path_empty_folder(o->out))
        return error_set(error, "%s exists already; remove it or choose another --out",
                         o->out);
    if (share_load(m, solution, error) || measure_begin(m, solution, error) ||
        evaluator_model_sha256(m->evaluator, hex, NULL, error))
        return -1;
    if (*solution->model_sha256 && strcmp(hex, solution->model_sha256) != 0)
        return error_set(error,
                         "the model made now is not the one that was measured as "
                         "solution %lld (sha256 %.12s, then %.12s); measure it again "
                         "here: pwemoe eval %s --solution %lld --again",
                         (long long)solution->id, hex, solution->model_sha256, m->path,
                         (long long)solution->id);
    if (write_with_figures(m, solution, head, dtype, error))
        return -1;
    if (dtype && !evaluator_keeps_values(m->evaluator, *dtype))
        command_note(
            m->invocation,
            "%s is written in %s, which rounds the model that was measured: it "
            "has no figures; `pwemoe eval %s --model %s` measures it",
            o->out, o->dtype, m->path, o->out);
    else
        command_note(m->invocation, "%s is written, sha256 %s", o->out, hex);
    if (solution->id)
        command_log(m->invocation, m->store, "export of solution %lld to %s",
                    (long long)solution->id, o->out);
    else
        command_log(m->invocation, m->store, "export of a preference to %s", o->out);
    return 0;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct export_options *o = invocation->options;
    /* The figures come from the store: no images are needed. */
    static const struct measure_options measure = {.limit = 1, .makes_only = true};
    if ((o->choice.preference != NULL) + (o->choice.solution != 0) != 1) {
        error_set(error, "give one of --preference R and --solution ID");
        return EXIT_USAGE;
    }
    if (!o->out) {
        error_set(error, "--out is missing; give the directory to write");
        return EXIT_USAGE;
    }
    static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    unsigned place = 0;
    if (o->dtype && options_choice_index("f32|f16|bf16", o->dtype, &place)) {
        error_set(error, "--dtype '%s': give one of f32|f16|bf16", o->dtype);
        return EXIT_USAGE;
    }
    const enum dtype *dtype = o->dtype ? &dtypes[place] : NULL;
    struct measure m;
    if (ranks_rank(invocation->ranks))
        return measure_serve(invocation, invocation->operands[0], &measure, error);
    if (measure_open(invocation, invocation->operands[0], &measure, &m, error))
        return EXIT_FAILED;
    share_begin(&m);
    struct store_solution solution;
    bool usage = false;
    enum exit_status status = EXIT_FAILED;
    size_t head = 0;
    if (o->head && store_task_find(m.recipe, o->head, &head, error)) {
        error_prefix(error, "--head");
        status = EXIT_USAGE;
    } else if (choice_find(&m, &o->choice, &solution, &usage, error)) {
        status = usage ? EXIT_USAGE : EXIT_FAILED;
    } else {
        if (write_model(&m, &solution, o->head ? (int)head : -1, dtype, error) == 0)
            status = EXIT_DONE;
        store_solution_clear(&solution);
    }
    measure_close(&m);
    return status;
}

const struct command command_export = {
    .name = "export",
    .usage = "FILE --preference R | --solution ID --out DIR [--head TASK] [--dtype T]",
    .summary = "Write a merged model as a Hugging Face model directory",
    .text = "Writes DIR completely or not at all: model.safetensors with the "
            "pretrained model's names, shapes and dtypes, its other files, and "
            "pwemoe.json, which says how the model was made. If the model was measured "
            "before, its hash must be that of the measured one.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_MODELS,
    .together = SERVE,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct export_options),
    .run = run,
};
