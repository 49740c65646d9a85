/* Whether CLIP's text tower is merged beside its vision tower: what the recipe says and
 * whether an expert has another one than the pretrained model. */
#ifndef PWEMOE_COMMAND_WORK_TEXT_TOWER_H
#define PWEMOE_COMMAND_WORK_TEXT_TOWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "checkpoint/directory.h"
#include "model/config.h"

struct text_tower {
    bool vision_only;    /* the recipe says so */
    struct error cannot; /* why the pretrained model's cannot be merged, or "" */
    size_t changed;      /* experts with another one */
    char names[200];     /* of their tasks: "'cars', 'pets'" */
};

/* towers: of the recipe, may be NULL. Sets config->both_towers where the pretrained
 * model has a text tower that can be merged. */
int text_tower_begin(struct text_tower *tower, const char *towers,
                     const struct model_directory *pretrained,
                     struct model_config *config, struct error *error);
/* Compares a task's expert; refused where its tower is another one and cannot be
 * merged. */
int text_tower_compare(struct text_tower *tower,
                       const struct model_directory *pretrained,
                       const struct model_directory *expert, const char *task,
                       struct error *error);
/* Whether both towers are to be merged, once every expert was compared. */
bool text_tower_merged(const struct text_tower *tower);
/* What init says then: fresh memory, or NULL. */
char *text_tower_remark(const struct text_tower *tower);

#endif
