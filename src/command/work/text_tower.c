#include "command/work/text_tower.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/clip_text.h"
#include "model/extras.h"

int text_tower_begin(struct text_tower *tower, const char *towers,
                     const struct model_directory *pretrained,
                     struct model_config *config, struct error *error) {
    *tower = (struct text_tower){0};
    if (towers && config->kind != MODEL_CLIP_VISION)
        return error_set(error,
                         "the recipe's `towers: %s` is for CLIP models; leave it out",
                         towers);
    tower->vision_only = towers && strcmp(towers, "vision-only") == 0;
    if (tower->vision_only || config->kind != MODEL_CLIP_VISION ||
        !layout_has_text(pretrained))
        return 0;
    config->both_towers = clip_text_check(pretrained, &tower->cannot) == 0;
    return 0;
}

int text_tower_compare(struct text_tower *tower,
                       const struct model_directory *pretrained,
                       const struct model_directory *expert, const char *task,
                       struct error *error) {
    const char *first = extras_changed_text(pretrained, expert);
    if (!first || tower->vision_only)
        return 0;
    if (*tower->cannot.text)
        return error_set(error,
                         "%s: %s: fine-tuned, but the text tower cannot be merged: "
                         "%s; `towers: vision-only` in the recipe leaves it out",
                         model_directory_path(expert), first,
                         TEXT_CUT(tower->cannot.text, 400));
    size_t used = strlen(tower->names);
    snprintf(tower->names + used, sizeof tower->names - used, "%s'%s'",
             tower->changed ? ", " : "", TEXT_CUT(task, 60));
    tower->changed++;
    return 0;
}

bool text_tower_merged(const struct text_tower *tower) {
    return tower->changed > 0;
}

char *text_tower_remark(const struct text_tower *tower) {
    return text_format(
        "the text tower, fine-tuned for %s, is merged as the vision tower is, and "
        "zero-shot heads are made of each merged model's own; routers and corrections, "
        "which learn from images, leave it the experts' mean weighted by the "
        "preference (`towers: vision-only` in the recipe merges the vision tower "
        "alone)",
        tower->names);
}
