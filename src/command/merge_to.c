/* pwemoe merge-to: any models merged tensor by tensor, without data and results.db. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "command/command.h"
#include "command/work/mergekit.h"
#include "command/work/method_settings.h"
#include "pareto/simplex.h"
#include "tensorwise/merging.h"

/* In the order of enum vocabulary_mode. */
#define VOCABULARIES "same|union|intersection"

struct merge_to_options {
    const char *method, *pretrained, *scales, *settings, *preference, *dtype,
        *shard_size, *mergekit;
    struct option_texts experts, weights;
    bool partial, plan;
    unsigned vocabulary; /* enum vocabulary_mode */
};

static void offer_methods(FILE *out) {
    size_t count;
    const struct tensorwise_method *const *methods = tensorwise_methods(&count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? " " : "", methods[i]->head.name);
}

static void offer_settings(FILE *out) {
    size_t count;
    const struct tensorwise_method *const *methods = tensorwise_methods(&count);
    const struct merge_method *heads[32];
    for (size_t i = 0; i < count; i++)
        heads[i] = &methods[i]->head;
    settings_offer_of(heads, count, out);
}

static const struct option_spec options[] = {
    {.name = "method",
     .type = OPTION_TEXT,
     .value = "M",
     .offer = offer_methods,
     .help = "Which of the methods below",
     .offset = offsetof(struct merge_to_options, method)},
    {.name = "pretrained",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help =
         "The model that the experts were fine-tuned from; its other files are copied "
         "into OUT (average, slerp and karcher need none and copy the first expert's)",
     .offset = offsetof(struct merge_to_options, pretrained)},
    {.name = "expert",
     .type = OPTION_TEXTS,
     .value = "[NAME=]DIR",
     .help = "A fine-tuned model; give the option once for each (default NAME: the "
             "folder's)",
     .offset = offsetof(struct merge_to_options, experts)},
    {.name = "mergekit",
     .type = OPTION_TEXT,
     .value = "FILE",
     .help = "Read method, models, coefficients and dtype from a YAML configuration of "
             "mergekit instead of from these options",
     .offset = offsetof(struct merge_to_options, mergekit)},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "P=V[,...]",
     .offer = offer_settings,
     .help = "Parameters of the method",
     .offset = offsetof(struct merge_to_options, settings)},
    {.name = "scales",
     .type = OPTION_TEXT,
     .value = "NAME=X[,...]",
     .help = "The coefficient of each expert, or one number for all; scale is then 1 "
             "unless --set changes it",
     .offset = offsetof(struct merge_to_options, scales)},
    {.name = "weight",
     .type = OPTION_TEXTS,
     .value = "[NAME:]PATTERN=X",
     .help =
         "The coefficient in tensors whose name matches PATTERN (*, ? and {0..11}), or "
         "=X..Y from the first to the last of {0..11}; the last matching option wins",
     .offset = offsetof(struct merge_to_options, weights)},
    {.name = "preference",
     .type = OPTION_TEXT,
     .value = "R",
     .help =
         "A number for each expert, their sum 1, for methods that take a preference "
         "(default equal weights)",
     .offset = offsetof(struct merge_to_options, preference)},
    DTYPE_OPTION(struct merge_to_options, dtype),
    {.name = "shard-size",
     .type = OPTION_TEXT,
     .value = "SIZE",
     .initial = "5GB",
     .help = "Size of a file at most, for example 500MB or 5GB; 0 for one file",
     .offset = offsetof(struct merge_to_options, shard_size)},
    {.name = "partial",
     .type = OPTION_FLAG,
     .help =
         "Keep the pretrained model's tensors where not all models have the same one",
     .offset = offsetof(struct merge_to_options, partial)},
    {.name = "vocabulary",
     .type = OPTION_CHOICE,
     .value = "V",
     .choices = VOCABULARIES,
     .initial = "same",
     .help =
         "Where the models' tokenizers differ by added tokens, merge embeddings token "
         "by token: union, the pretrained model's tokens and those of every expert; "
         "intersection, those that all have. OUT gets the tokenizer that goes with "
         "them. same: differing is an error",
     .offset = offsetof(struct merge_to_options, vocabulary)},
    {.name = "plan",
     .type = OPTION_FLAG,
     .help = "Check everything and print what the merge needs, but write nothing",
     .offset = offsetof(struct merge_to_options, plan)},
    {0}};

/* What was typed, taken apart. */
struct merge_to_wish {
    struct merge_to_options options; /* as typed, or as a file says */
    struct mergekit mergekit;
    const struct tensorwise_method *method;
    json_t *parameters;
    size_t count;
    char *names[MODELS_MAX];
    const char *paths[MODELS_MAX];
    double preference[MODELS_MAX];
    enum dtype dtype;
    uint64_t shard_size;
    struct coefficients coefficients;
};

static void wanted_clear(struct merge_to_wish *w) {
    for (size_t t = 0; t < w->count; t++)
        free(w->names[t]);
    json_decref(w->parameters);
    mergekit_clear(&w->mergekit);
    coefficients_clear(&w->coefficients);
}

/* --- the command line ------------------------------------------------------------- */

/* The folder's own name, without slashes behind it. */
static char *name_of(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    return strndup(path + begin, end - begin);
}

static int take_experts(const struct merge_to_options *o, struct merge_to_wish *w,
                        struct error *error) {
    for (size_t t = 0; t < o->experts.count; t++) {
        const char *text = o->experts.items[t], *equals = strchr(text, '=');
        const char *slash = strchr(text, '/');
        bool named = equals && equals != text && (!slash || equals < slash);
        w->paths[t] = named ? equals + 1 : text;
        w->names[t] = named ? strndup(text, (size_t)(equals - text)) : name_of(text);
        w->count++;
        if (!w->names[t])
            return error_memory(error);
        for (size_t k = 0; k < t; k++)
            if (strcmp(w->names[k], w->names[t]) == 0)
                return error_set(error,
                                 "--expert: two experts have the name %s; give each "
                                 "its own name, NAME=DIR",
                                 w->names[t]);
    }
    const struct tensorwise_method *m = w->method;
    if (w->count >= m->least && (!m->most || w->count <= m->most))
        return 0;
    return error_set(error, "%s merges %s%zu expert%s; --expert is given %zu times",
                     m->head.name, m->most ? "" : "at least ", m->least,
                     m->least == 1 ? "" : "s", w->count);
}

static int take_parameters(const struct merge_to_options *o, struct merge_to_wish *w,
                           struct error *error) {
    const struct merge_method *head = &w->method->head;
    json_t *settings = settings_parse(o->settings, NULL, error);
    if (!settings)
        return -1;
    bool scaled = o->scales && merge_parameter_find(head, "scale") &&
                  !json_object_get(settings, "scale");
    static const double one = 1;
    void *at = json_object_iter(settings);
    for (; at; at = json_object_iter_next(settings, at))
        if (!merge_parameter_find(head, json_object_iter_key(at))) {
            error_set(error, "%s has no parameter '%s'; --help lists them", head->name,
                      json_object_iter_key(at));
            json_decref(settings);
            return -1;
        }
    w->parameters = settings_of(head, settings, scaled ? &one : NULL, error);
    json_decref(settings);
    return w->parameters ? 0 : -1;
}

static int take_coefficients(const struct merge_to_options *o, struct merge_to_wish *w,
                             struct error *error) {
    if (w->method->unweighted && (o->scales || o->weights.count))
        return error_set(error, "%s takes no --scales and no --weight",
                         w->method->head.name);
    if (coefficients_parse(o->scales, o->weights.items, o->weights.count,
                           (const char *const *)w->names, w->count, &w->coefficients,
                           error))
        return -1;
    for (size_t t = 0; t < w->count; t++)
        w->preference[t] = 1 / (double)w->count;
    if (!o->preference)
        return 0;
    if (!w->method->head.takes_preference)
        return error_set(error, "%s takes no preference", w->method->head.name);
    return simplex_parse(o->preference, w->count, w->preference, error)
               ? error_prefix(error, "--preference")
               : 0;
}

static int take_output(const struct merge_to_options *o, struct merge_to_wish *w,
                       struct error *error) {
    static const struct {
        const char *name;
        double bytes;
    } units[] = {{"", 1},         {"B", 1},       {"KB", 1e3},     {"MB", 1e6},
                 {"GB", 1e9},     {"TB", 1e12},   {"KiB", 0x1p10}, {"MiB", 0x1p20},
                 {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    unsigned place;
    if (o->dtype) {
        if (options_choice_index("f32|f16|bf16", o->dtype, &place))
            return error_set(error, "--dtype '%s': give one of f32|f16|bf16", o->dtype);
        w->dtype = dtypes[place];
    }
    char number[32];
    size_t length = strspn(o->shard_size, "0123456789.");
    double value;
    snprintf(number, sizeof number, "%.*s", (int)length, o->shard_size);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(o->shard_size + length, units[i].name) == 0 &&
            length < sizeof number && options_real(number, &value) &&
            value * units[i].bytes < 0x1p62) {
            w->shard_size = (uint64_t)(value * units[i].bytes);
            return 0;
        }
    return error_set(error, "--shard-size '%s': give bytes, as 500MB or 5GB",
                     o->shard_size);
}

/* What a file of mergekit says, as if it had been typed. */
static int take_mergekit(const struct invocation *invocation, struct merge_to_wish *w,
                         struct error *error) {
    static const char *const others[] = {"method", "pretrained", "expert",
                                         "set",    "scales",     "preference"};
    struct merge_to_options *o = &w->options;
    struct mergekit *m = &w->mergekit;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (command_given(invocation, others[i]))
            return error_set(error,
                             "--%s cannot be used with --mergekit: the file sets it",
                             others[i]);
    if (mergekit_read(o->mergekit, m, error))
        return -1;
    o->method = m->method;
    o->pretrained = m->pretrained;
    o->settings = m->settings;
    o->scales = m->scales;
    if (m->unite)
        o->vocabulary = VOCABULARY_UNION;
    if (!o->dtype)
        o->dtype = m->dtype;
    for (size_t i = 0; i < m->count; i++)
        o->experts.items[o->experts.count++] = m->experts[i];
    if (m->drawn)
        command_note(invocation, "%s draws at random: other entries than mergekit's",
                     m->method);
    return 0;
}

static int take_all(const struct invocation *invocation, struct merge_to_wish *w,
                    struct error *error) {
    *w = (struct merge_to_wish){
        .options = *(const struct merge_to_options *)invocation->options};
    const struct merge_to_options *o = &w->options;
    if (o->mergekit && take_mergekit(invocation, w, error))
        return -1;
    if (!o->method)
        return error_set(error, "--method is missing; --help lists the methods");
    if (!(w->method = tensorwise_method_find(o->method, error)))
        return -1;
    if (w->method->needs_pretrained && !o->pretrained)
        return error_set(error, "%s needs --pretrained", o->method);
    if (take_experts(o, w, error) || take_parameters(o, w, error) ||
        take_coefficients(o, w, error) || take_output(o, w, error))
        return -1;
    return 0;
}

/* --- what is said ----------------------------------------------------------------- */

static const char *size_text(uint64_t bytes, char out[24]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.5 && unit < 5; unit++)
        value /= 1000;
    snprintf(out, 24, value < 9.95 && unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

static void say_plan(const struct invocation *invocation, const struct models *models,
                     const struct merging_costs *costs) {
    char memory[24], reads[24], writes[24], files[32] = "";
    if (costs->files > 1)
        snprintf(files, sizeof files, " in %zu files", costs->files);
    command_note(invocation, "needs %s of memory; reads %s, writes %s%s",
                 size_text(costs->memory, memory), size_text(costs->reads, reads),
                 size_text(costs->writes, writes), files);
    if (models->left || models->out)
        command_note(invocation,
                     "tensors that are not in every model: %zu, which stay as they are "
                     "in %s; tensors of experts left out: %zu",
                     models->left, model_directory_path(models->base), models->out);
    if (models->vocabulary.rows)
        command_note(invocation,
                     "tokens: %zu of %s, %zu added, %zu left out; embeddings have %zu "
                     "rows",
                     models->vocabulary.kept, model_directory_path(models->base),
                     json_array_size(models->vocabulary.added), models->vocabulary.lost,
                     models->vocabulary.rows);
    if (costs->statistics)
        command_note(invocation,
                     "running statistics of normalisation layers: %zu tensors, which "
                     "are averaged; they fit the merged model better when they are "
                     "measured anew",
                     costs->statistics);
    if (models->kept)
        command_note(
            invocation,
            "whole numbers that differ between models: %zu tensors, which stay as "
            "they are in %s",
            models->kept, model_directory_path(models->base));
}

static json_t *about(const struct merge_to_wish *w) {
    const struct merge_to_options *o = &w->options;
    json_t *experts = json_array(), *weights = json_array();
    for (size_t t = 0; t < w->count; t++)
        json_array_append_new(
            experts, json_pack("{s:o, s:o, s:f}", "name", json_text_string(w->names[t]),
                               "path", json_text_string(w->paths[t]), "coefficient",
                               w->coefficients.scales[t]));
    for (size_t i = 0; i < o->weights.count; i++)
        json_array_append_new(weights, json_text_string(o->weights.items[i]));
    json_t *pretrained = o->pretrained ? json_text_string(o->pretrained) : json_null();
    json_t *object = json_pack("{s:i, s:s, s:s, s:O, s:o, s:o, s:o}", "format", 1,
                               "kind", "merge-to", "method", w->method->head.name,
                               "parameters", w->parameters, "pretrained", pretrained,
                               "experts", experts, "weights", weights);
    if (object && o->vocabulary != VOCABULARY_SAME) {
        char name[16];
        options_choice(VOCABULARIES, o->vocabulary, name, sizeof name);
        json_object_set_new(object, "vocabulary", json_string(name));
    }
    if (object && w->method->head.takes_preference) {
        json_t *preference = json_array();
        for (size_t t = 0; t < w->count; t++)
            json_array_append_new(preference, json_real(w->preference[t]));
        json_object_set_new(object, "preference", preference);
    }
    return object;
}

/* --- doing it --------------------------------------------------------------------- */

static enum exit_status merge(const struct invocation *invocation,
                              struct merge_to_wish *w, struct models *models,
                              struct error *error) {
    const struct merge_to_options *o = &w->options;
    const char *out = invocation->operands[0];
    struct merging_costs costs;
    size_t kept = 0;
    const struct merging merging = {
        .kept = &kept,
        .models = models,
        .method = w->method,
        .parameters = w->parameters,
        .coefficients = &w->coefficients,
        .preference = w->preference,
        .dtype = o->dtype ? &w->dtype : NULL,
        .shard_size = w->shard_size,
        .threads = cpu_threads((unsigned)invocation->common->threads)};
    const struct tensor_names names = models_names(models);
    if (coefficients_check(&w->coefficients, &names, w->method->relative, error))
        return EXIT_USAGE;
    if (merging_costs(&merging, &costs, error))
        return EXIT_FAILED;
    say_plan(invocation, models, &costs);
    if (o->plan)
        return EXIT_DONE;
    json_t *object = about(w);
    int result = object ? merging_write(&merging, out, object, invocation->work, error)
                        : error_memory(error);
    json_decref(object);
    if (kept)
        command_note(invocation,
                     "%zu of %zu files were there from before and not written again",
                     kept, costs.files);
    return result ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    struct merge_to_wish w;
    struct models models = {0};
    enum exit_status status = EXIT_USAGE;
    if (take_all(invocation, &w, error) == 0) {
        const struct models_wish wish = {.pretrained = w.options.pretrained,
                                         .experts = w.paths,
                                         .names = (const char *const *)w.names,
                                         .count = w.count,
                                         .partial = w.options.partial,
                                         .vocabulary = w.options.vocabulary};
        status = models_open(&wish, &models, error)
                     ? EXIT_FAILED
                     : merge(invocation, &w, &models, error);
        models_close(&models);
    }
    wanted_clear(&w);
    return status;
}

static void help_methods(FILE *out) {
    size_t count;
    const struct tensorwise_method *const *methods = tensorwise_methods(&count);
    fputs("\nMethods, and what --set tells them:\n", out);
    for (size_t i = 0; i < count; i++)
        settings_help(&methods[i]->head, out);
}

const struct command command_merge_to = {
    .name = "merge-to",
    .usage = "OUT --method M --pretrained DIR --expert [NAME=]DIR ...",
    .summary = "Merge any models with the same tensors into a directory",
    .text =
        "Merges models of any architecture tensor by tensor into the new model "
        "directory OUT, from their safetensors files alone: no data, no results.db. "
        "Tensors are matched by name and shape. The memory that the merge needs and "
        "the bytes that it reads and writes are printed before it starts; memory holds "
        "at most one tensor of each model at a time. OUT appears whole or not at all. "
        "If it has several files and the command is interrupted, the files that are "
        "complete are kept beside OUT, and the same command continues.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_THREADS,
    .stops = true,
    .options = options,
    .options_size = sizeof(struct merge_to_options),
    .more_help = help_methods,
    .run = run,
};
