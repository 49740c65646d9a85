/* Tasks that commands measure, on their way into a new store: models of any
 * architecture, matched tensor by tensor. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "command/io/options.h"
#include "command/io/paths.h"
#include "command/work/init.h"
#include "eval/metric_command.h"
#include "tensorwise/models.h"

bool init_is_commanded(const struct init *s) {
    return s->recipe->tasks[0].measure != NULL;
}

int init_match_models(struct init *s, struct error *error) {
    size_t count = s->recipe->task_count;
    char *pretrained = NULL, **experts = array_new(count, sizeof *experts);
    const char **names = array_new(count, sizeof *names);
    struct models models = {0};
    int result = experts && names ? 0 : error_memory(error);
    if (result == 0)
        result = init_locate(s, s->recipe->pretrained, "the pretrained model",
                             &pretrained, error);
    for (size_t t = 0; t < count && result == 0; t++) {
        const struct recipe_task *task = &s->recipe->tasks[t];
        names[t] = task->name;
        result = task->expert
                     ? init_locate(s, task->expert, "the expert", &experts[t], error)
                     : error_set(error, "there is no expert, and finetune cannot train "
                                        "one of a model that a command measures");
        if (result)
            error_prefix(error, "task '%s'", task->name);
    }
    const struct models_wish wish = {.pretrained = pretrained,
                                     .experts = (const char *const *)experts,
                                     .names = names,
                                     .count = count};
    if (result == 0) {
        result = models_open(&wish, &models, error);
        models_close(&models);
    }
    for (size_t t = 0; experts && t < count; t++)
        free(experts[t]);
    free(experts);
    free(names);
    free(pretrained);
    return result;
}

/* A program beside the recipe, as the store's folder has it, where commands run. */
static int place_program(const struct init *s, char **word, struct error *error) {
    if (!strchr(*word, '/'))
        return 0;
    char *found, *kept = NULL;
    if (init_locate(s, *word, "the command", &found, error))
        return -1;
    if (access(found, X_OK) != 0)
        error_set(error, "%s: cannot be executed; chmod +x it", found);
    else if ((kept = path_stored_program(s->store_folder, found, error)) &&
             *kept != '/' && strncmp(kept, "./", 2) != 0) {
        char *here = text_format("./%s", kept);
        free(kept);
        if (!(kept = here))
            error_memory(error);
    }
    free(found);
    if (!kept)
        return -1;
    free(*word);
    *word = kept;
    return 0;
}

/* "600", "600 s" or "40 runs". */
static int read_budget(const char *text, struct metric_command *command,
                       struct error *error) {
    char number[64];
    size_t length = strcspn(text, " ");
    const char *unit = text + length + strspn(text + length, " ");
    bool runs = strcmp(unit, "runs") == 0;
    bool sound = length < sizeof number && (runs || !*unit || strcmp(unit, "s") == 0);
    if (sound) {
        snprintf(number, sizeof number, "%.*s", (int)length, text);
        sound =
            runs ? options_unsigned(number, &command->budget_runs) &&
                       command->budget_runs >= 1 && command->budget_runs <= 1000000000
                 : options_real(number, &command->budget_seconds) &&
                       command->budget_seconds > 0 && command->budget_seconds <= 1e9;
    }
    if (!sound)
        return error_set(error,
                         "budget is '%s'; give seconds, above 0, or runs of the "
                         "command, as in '40 runs'",
                         text);
    if (runs && command->budget_runs < command->repeat)
        return error_set(error, "budget is '%s', and a figure takes repeat: %u of them",
                         text, command->repeat);
    return 0;
}

static int read_numbers(const struct recipe_task *task, struct metric_command *command,
                        struct error *error) {
    uint64_t repeat = 1;
    if (task->timeout && (!options_real(task->timeout, &command->timeout) ||
                          command->timeout <= 0 || command->timeout > 1e9))
        return error_set(error, "timeout is '%s'; give seconds, above 0",
                         task->timeout);
    if (task->repeat &&
        (!options_unsigned(task->repeat, &repeat) || repeat < 1 || repeat > 1000))
        return error_set(error, "repeat is '%s'; give a whole number from 1 to 1000",
                         task->repeat);
    command->repeat = (unsigned)repeat;
    return task->budget ? read_budget(task->budget, command, error) : 0;
}

int init_keep_command(const struct init *s, const struct recipe_task *task,
                      struct store_objective *objective, struct error *error) {
    struct metric_command command;
    if (metric_command_split(task->measure, &command, error))
        return -1;
    int result = read_numbers(task, &command, error) ||
                         place_program(s, &command.words[0], error)
                     ? -1
                     : 0;
    if (result == 0) {
        free(objective->metric);
        free(objective->unit);
        objective->metric = metric_command_text(&command);
        objective->unit = strdup(task->unit ? task->unit : "");
        objective->maximise = !recipe_minimises(task);
        if (!objective->metric || !objective->unit)
            result = error_memory(error);
    }
    metric_command_clear(&command);
    return result;
}
