/* An objective that a command measures: what it is in results.db, and what its output
 * means. Kept as the objective's metric, a JSON object
 *
 *     {"command": ["./score.sh", "{model}"], "timeout": 60, "repeat": 3,
 *      "budget": {"runs": 40}}
 *
 * of which command is the program and its arguments; {model} in a word stands for the
 * model's directory, {device} for the device that was asked for. The last three may be
 * lacking; a budget is of runs or of {"seconds": 600}. */
#ifndef PWEMOE_EVAL_METRIC_COMMAND_H
#define PWEMOE_EVAL_METRIC_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

/* What the recipe's model is called where commands measure all tasks: any that has
 * tensors. */
#define MODEL_ANY "any"

struct metric_command {
    char **words; /* NULL at the end */
    size_t count;
    double timeout;  /* seconds; 0: none */
    unsigned repeat; /* runs; the figure is their mean */
    /* What all its runs may take as long as models are measured one after the other (an
     * evaluator's life); 0: any number. No more than one is set. */
    double budget_seconds;
    uint64_t budget_runs;
};

/* Whether another model may be measured after so much. line, where it may not: "its
 * budget of 40 runs is used up". */
bool metric_command_spent(const struct metric_command *command, double seconds,
                          uint64_t runs, char line[96]);

/* Takes a text of a recipe apart as a shell does words, with '...', "..." and \, and
 * nothing else of a shell. Every word is for itself. */
int metric_command_split(const char *text, struct metric_command *command,
                         struct error *error);
/* The metric, to be freed. NULL when memory is out. */
char *metric_command_text(const struct metric_command *command);
/* And back, checked: a file may come from anywhere. */
int metric_command_read(const char *metric, struct metric_command *command,
                        struct error *error);
void metric_command_clear(struct metric_command *command);

/* The words for a model and a device, NULL at the end; each and the array are freed by
 * metric_command_free_words. NULL when memory is out. */
char **metric_command_words(const struct metric_command *command, const char *model,
                            const char *device);
void metric_command_free_words(char **words);

/* One figure. */
struct metric_figure {
    double value;
    double error; /* standard error; 0: not known */
    uint64_t n;   /* examples; at least 1 */
};
/* What was printed: one number and nothing else, or one JSON object with value, and
 * error and n where known. */
int metric_figure_read(const char *output, size_t size, struct metric_figure *figure,
                       struct error *error);

/* Whether commands measure the tasks of a recipe. */
static inline bool metric_is_command(const struct store_recipe *recipe) {
    return recipe->model[0] == 'a' && recipe->model[1] == 'n' &&
           recipe->model[2] == 'y' && recipe->model[3] == '\0';
}

#endif
