#include "command/work/contender.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "command/map.h"
#include "command/train.h"
#include "command/work/method_settings.h"

/* The choices of `train --method`. */
static const char *trained_methods(void) {
    const struct option_spec *spec = command_train.options;
    while (strcmp(spec->name, "method") != 0)
        spec++;
    return spec->choices;
}

void contenders_offer(FILE *out) {
    const char *trained = trained_methods();
    for (size_t i = 0; trained[i]; i++)
        fputc(trained[i] == '|' ? ' ' : trained[i], out);
    fprintf(out, " %s", command_map.name);
    size_t count;
    const struct merge_method *const *methods = merge_methods(&count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, " %s", methods[i]->name);
}

/* --- trained ---------------------------------------------------------------------- */

/* One more argument, formatted by the caller; taken. */
static int add_argument(struct contender *c, char *text, struct error *error) {
    char **more =
        text ? realloc(c->arguments, (c->argument_count + 1) * sizeof *more) : NULL;
    if (!more) {
        free(text);
        return error_memory(error);
    }
    c->arguments = more;
    c->arguments[c->argument_count++] = text;
    return 0;
}

/* The options of the command that trains (free()) from the contender's, behind `first`
 * ones. given: which rows were set. */
static void *command_options(const struct contender *c, const char *const *first,
                             size_t firsts, uint64_t *given, struct error *error) {
    const char *operand;
    size_t operands = 0, count = firsts + c->argument_count;
    const char **words = array_new(count, sizeof *words);
    void *values = calloc(1, c->command->options_size);
    struct option_group group = {c->command->options, values, ~0u, given};
    bool help = false;
    int result = words && values ? 0 : error_memory(error);
    if (result == 0) {
        for (size_t i = 0; i < count; i++)
            words[i] = i < firsts ? first[i] : c->arguments[i - firsts];
        result =
            options_parse(&group, 1, count, words, &operand, &operands, &help, error);
    }
    free(words);
    if (result == 0 && !help)
        return values;
    if (help)
        error_set(error, "there is no such setting");
    free(values);
    return NULL;
}

/* Does an earlier argument, without its dashes, set the same? */
static bool is_set(const struct contender *c, const char *piece) {
    size_t length = strcspn(piece, "=");
    for (size_t i = 0; i < c->argument_count; i++) {
        const char *other = c->arguments[i] + 2;
        if (strcspn(other, "=") == length && !strncmp(other, piece, length))
            return true;
    }
    return false;
}

static int parse_trained(struct contender *c, char *rest, const struct command *command,
                         struct error *error) {
    char *piece;
    uint64_t given = 0;
    c->command = command;
    c->seeded = c->answers = true;
    while ((piece = strsep(&rest, ":"))) {
        if (strncmp(piece, "resume", 6) == 0 || strncmp(piece, "run", 3) == 0 ||
            strncmp(piece, "seed", 4) == 0)
            return error_set(error, "%s: '%s' is not a setting of a method", c->name,
                             piece);
        if (is_set(c, piece))
            return error_set(error, "%s: '%s' sets the same a second time", c->name,
                             piece);
        if (add_argument(c, text_format("--%s", piece), error))
            return -1;
    }
    void *values = command_options(c, NULL, 0, &given, error);
    free(values);
    if (!values)
        error_prefix(error, "%s", c->name);
    return values ? 0 : -1;
}

/* Whether training looks at labels. */
static bool has_labels(const json_t *parameters) {
    const char *loss = json_string_value(json_object_get(parameters, "loss"));
    return !loss || strcmp(loss, "ce") == 0;
}

/* What was drawn, from the settings that the run has kept. */
static void count_drawn(const struct store_run *run, size_t tasks, uint64_t *images,
                        uint64_t *labels) {
    json_t *settings = json_loads(run->parameters, 0, NULL);
    double batch = json_number_value(json_object_get(settings, "batch"));
    *images = (uint64_t)((double)run->steps_done * batch) * tasks;
    *labels = has_labels(settings) ? *images : 0;
    json_decref(settings);
}

static int train(const struct contender *c, uint64_t seed, uint64_t steps,
                 struct invocation *invocation, struct store_run *run,
                 struct error *error) {
    char of_seed[40], of_steps[40];
    const char *const first[] = {of_seed, of_steps};
    snprintf(of_seed, sizeof of_seed, "--seed=%llu", (unsigned long long)seed);
    snprintf(of_steps, sizeof of_steps, "--steps=%llu", (unsigned long long)steps);
    void *values = command_options(c, first, 2, &invocation->given, error);
    if (!values)
        return -1;
    invocation->options = values;
    int result = train_take(invocation, run, error);
    free(values);
    return result;
}

static int fit(const struct contender *c, uint64_t seed, struct invocation *invocation,
               struct store_run *run, uint64_t *examples, struct error *error) {
    struct common common = *invocation->common;
    void *values = command_options(c, NULL, 0, &invocation->given, error);
    if (!values)
        return -1;
    common.seed = seed;
    invocation->common = &common;
    invocation->options = values;
    int result = map_take(invocation, run, examples, error);
    free(values);
    return result;
}

int contender_train(const struct contender *c, uint64_t seed, uint64_t steps,
                    const struct invocation *invocation, size_t tasks,
                    struct store_run *run, uint64_t *images, uint64_t *labels,
                    struct error *error) {
    struct invocation own = {.command = c->command,
                             .operands = invocation->operands,
                             .operand_count = 1,
                             .common = invocation->common,
                             .work = invocation->work};
    if (c->command == &command_map) {
        int result = fit(c, seed, &own, run, images, error);
        *labels = *images; /* figures are of labels */
        return result;
    }
    int result = train(c, seed, steps, &own, run, error);
    if (result == 1)
        count_drawn(run, tasks, images, labels);
    return result;
}

/* --- merged ----------------------------------------------------------------------- */

static int parse_merged(struct contender *c, const char *name, char *rest,
                        struct error *error) {
    if (!(c->method = merge_method_find(name, error)))
        return -1;
    for (char *at = rest; at && *at; at++)
        if (*at == ':')
            *at = ',';
    c->settings = settings_parse(rest, NULL, error);
    if (!c->settings)
        return -1;
    const char *setting;
    json_t *value;
    json_object_foreach(c->settings, setting, value) if (
        !merge_parameter_find(
            c->method, setting)) return error_set(error,
                                                  "%s has no parameter '%s'; `pwemoe "
                                                  "merge --help` lists them",
                                                  name, setting);
    char *parameters = contender_parameters(c, 0, error);
    if (!parameters)
        return -1;
    json_t *all = json_loads(parameters, 0, NULL);
    c->seeded = json_object_get(all, "seed") && !json_object_get(c->settings, "seed");
    c->answers = c->method->takes_preference;
    json_decref(all);
    free(parameters);
    return 0;
}

char *contender_parameters(const struct contender *c, uint64_t seed,
                           struct error *error) {
    char number[24];
    json_t *settings = json_deep_copy(c->settings);
    snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    if (c->seeded)
        json_object_set_new(settings, "seed", json_string(number));
    json_t *all = settings ? settings_of(c->method, settings, NULL, error) : NULL;
    char *text = all ? json_text_dump(all, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    if (!settings || (all && !text))
        error_memory(error);
    json_decref(settings);
    json_decref(all);
    return text;
}

/* Nothing between two colons or after the last. */
static bool lacks_setting(const char *settings) {
    return !*settings || *settings == ':' || strstr(settings, "::") ||
           settings[strlen(settings) - 1] == ':';
}

/* --- all of them ------------------------------------------------------------------ */

static int parse_one(struct contender *c, const char *item, struct error *error) {
    unsigned index;
    char *copy = strdup(item), *rest = copy;
    c->name = strdup(item);
    if (!copy || !c->name) {
        free(copy);
        return error_memory(error);
    }
    const char *name = strsep(&rest, ":");
    int result;
    if (rest && lacks_setting(rest))
        result = error_set(error, "%s: a setting is missing beside a colon", item);
    else if (store_method_role(name) == STORE_ROLE_EXPERTS)
        result = error_set(error,
                           "%s is what all methods are compared with; leave it "
                           "out",
                           name);
    else if (strcmp(name, command_map.name) == 0)
        result = parse_trained(c, rest, &command_map, error);
    else if (options_choice_index(trained_methods(), name, &index))
        result = parse_merged(c, name, rest, error);
    else if ((result = add_argument(c, text_format("--method=%s", name), error)) == 0)
        result = parse_trained(c, rest, &command_train, error);
    free(copy);
    return result;
}

int contenders_parse(const char *text, struct contender **out, size_t *count,
                     struct error *error) {
    size_t capacity = 0;
    char *copy = strdup(text), *rest = copy, *item;
    int result = copy ? 0 : error_memory(error);
    *out = NULL;
    *count = 0;
    while (result == 0 && (item = strsep(&rest, ","))) {
        item += strspn(item, " ");
        if (array_reserve((void **)out, &capacity, *count + 1, sizeof **out)) {
            result = error_memory(error);
            break;
        }
        (*out)[*count] = (struct contender){0};
        result = parse_one(&(*out)[(*count)++], item, error);
        for (size_t k = 0; result == 0 && k + 1 < *count; k++)
            if (strcmp((*out)[k].name, (*out)[*count - 1].name) == 0)
                result = error_set(error, "'%s' is given twice", item);
    }
    free(copy);
    if (result) {
        contenders_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return result;
}

void contenders_free(struct contender *contenders, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct contender *c = &contenders[i];
        for (size_t k = 0; k < c->argument_count; k++)
            free(c->arguments[k]);
        free(c->arguments);
        json_decref(c->settings);
        free(c->name);
    }
    free(contenders);
}
