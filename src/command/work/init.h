/* What the parts of `pwemoe init` share: a recipe on its way into a new store, and all
 * that is found wrong with it, not only the first fault. */
#ifndef PWEMOE_COMMAND_WORK_INIT_H
#define PWEMOE_COMMAND_WORK_INIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "command/command.h"
#include "command/io/recipe.h"
#include "command/work/text_tower.h"
#include "data/preprocess.h"
#include "store/store.h"

struct layout;
struct model_directory;

struct init {
    const struct invocation *invocation;
    struct recipe *recipe;
    char *recipe_folder, *store_folder;
    struct model_directory *pretrained;
    struct layout *layout;
    struct text_tower text;       /* of CLIP */
    struct preprocess preprocess; /* of images, the pretrained model's */
    struct store_recipe *out;
    char **remarks; /* on models: what was assumed, what is not merged */
    size_t remark_count, remark_room;
    struct error last; /* of what is wrong: told by main */
    size_t faults;
};

/* Prints the fault before, if there was one, and keeps this one for main to print. */
void init_wrong(struct init *init, const char *text);

/* Keeps a line, "PATH: TEXT" or TEXT where path is NULL, to print once all is well. */
void init_remark(struct init *init, const char *path, const char *text);

/* A path of the recipe as one that can be opened from here, to be freed; `what` names
 * it in the error where nothing is there. */
int init_locate(const struct init *init, const char *path, const char *what,
                char **found, struct error *error);

/* The pretrained model, its layout and how its inputs are prepared, into init. */
int init_open_pretrained(struct init *init, struct error *error);

/* Compares a task's expert with the pretrained model. Where it fails with an empty
 * error, what is wrong went to init_wrong. */
int init_check_expert(struct init *init, const struct recipe_task *task,
                      struct error *error);

/* Whether commands measure the tasks (recipe.h), by their models then matched as
 * tensorwise/models.h tells, and a task's objective, whose metric is the command. */
bool init_is_commanded(const struct init *init);
int init_match_models(struct init *init, struct error *error);
int init_keep_command(const struct init *init, const struct recipe_task *task,
                      struct store_objective *objective, struct error *error);

#endif
