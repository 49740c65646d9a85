/* pwemoe extract-lora: what fine-tuning changed, as a LoRA adapter of a chosen rank. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu.h"
#include "base/memory.h"
#include "command/command.h"
#include "tensorwise/extraction.h"

struct extract_options {
    const char *pretrained, *expert, *include;
    struct option_texts whole;
    uint64_t rank;
    unsigned dtype; /* of DTYPES */
};

#define DTYPES "f32|f16|bf16"

static const struct option_spec options[] = {
    {.name = "pretrained",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The model that the adapter is to change",
     .offset = offsetof(struct extract_options, pretrained)},
    {.name = "expert",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The model that it is to make: fine-tuned or merged",
     .offset = offsetof(struct extract_options, expert)},
    {.name = "rank",
     .type = OPTION_UNSIGNED,
     .value = "R",
     .initial = "16",
     .minimum = 1,
     .maximum = 65536,
     .help = "Of every product",
     .offset = offsetof(struct extract_options, rank)},
    {.name = "include",
     .type = OPTION_TEXT,
     .value = "PATTERN",
     .help = "The tensors that get a product, by a pattern as of merge-to --weight "
             "(default the matrices and kernels inside numbered layers)",
     .offset = offsetof(struct extract_options, include)},
    {.name = "whole",
     .type = OPTION_TEXTS,
     .value = "MODULE",
     .help = "A module that is saved as it is, as classifier (PEFT's modules_to_save); "
             "once for each",
     .offset = offsetof(struct extract_options, whole)},
    {.name = "dtype",
     .type = OPTION_CHOICE,
     .value = "T",
     .choices = DTYPES,
     .initial = "f32",
     .help = "Of the factors",
     .offset = offsetof(struct extract_options, dtype)},
    {0}};

static int print(const struct invocation *invocation, const struct extraction *e,
                 struct error *error) {
    static const struct output_column columns[] = {
        {"tensor", IN_ALL, 0}, {"rows", IN_ALL, 0},  {"columns", IN_ALL, 0},
        {"rank", IN_ALL, 0},   {"norm", IN_ALL, -1}, {"error", IN_ALL, -1}};
    struct output *output =
        output_new(invocation->common->format, false, columns, 6, error);
    if (!output)
        return -1;
    for (size_t i = 0; i < e->count; i++) {
        const struct extracted *x = &e->items[i];
        output_row(output,
                   (json_t *[]){output_text(x->base->name),
                                json_integer((json_int_t)x->rows),
                                json_integer((json_int_t)x->columns),
                                json_integer((json_int_t)x->rank), output_real(x->norm),
                                output_real(x->error / x->norm)});
    }
    return output_end(output, error);
}

static void say(const struct invocation *invocation, const struct models *models,
                const struct extraction *e) {
    command_note(invocation,
                 "%zu products; without them is %.2g of the change (by its "
                 "root sum of squares)",
                 e->count, e->error / e->norm);
    if (e->left_out)
        command_note(invocation,
                     "%zu changed tensor%s left out (%s): no matrices in numbered "
                     "layers; --include and --whole take more",
                     e->left_out, e->left_out == 1 ? " is" : "s are", e->first);
    if (models->left || models->out)
        command_note(
            invocation,
            "%zu tensors that not both have in one shape are left out; --whole "
            "takes them",
            models->left + models->out);
}

static int extract(const struct invocation *invocation, const struct models *models,
                   struct error *error) {
    static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    const struct extract_options *o = invocation->options;
    const struct extraction_wish wish = {
        .rank = (size_t)o->rank,
        .include = o->include,
        .whole = o->whole.items,
        .whole_count = o->whole.count,
        .threads = cpu_threads((unsigned)invocation->common->threads)};
    struct extraction extraction;
    int result = extraction_run(models, &wish, &extraction, invocation->work, error);
    if (result == 0)
        result = extraction_write(models, &wish, &extraction, dtypes[o->dtype],
                                  o->pretrained, invocation->operands[0], error);
    if (result == 0) {
        say(invocation, models, &extraction);
        result = print(invocation, &extraction, error);
    }
    extraction_clear(&extraction);
    return result;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct extract_options *o = invocation->options;
    static const char *const names[] = {"expert"};
    if (!o->pretrained || !o->expert) {
        error_set(error, "give both --pretrained and --expert");
        return EXIT_USAGE;
    }
    const struct models_wish wish = {.pretrained = o->pretrained,
                                     .experts = &o->expert,
                                     .names = names,
                                     .count = 1,
                                     .partial = true};
    struct models models;
    int result = models_open(&wish, &models, error);
    if (result == 0)
        result = extract(invocation, &models, error);
    models_close(&models);
    return result ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_extract_lora = {
    .name = "extract-lora",
    .usage = "OUT --pretrained DIR --expert DIR [--rank R]",
    .summary = "Extract what fine-tuning changed as a LoRA adapter",
    .text = "Writes the folder OUT in PEFT's format: for each matrix the product of "
            "rank R that is nearest to what the expert has changed, by singular "
            "vectors. Prints a row for each, with the share of its change that is lost "
            "(error), and the share that is lost of all changes.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_FORMAT | TAKES_THREADS,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct extract_options),
    .run = run,
};
