/* Zero-shot heads (Radford et al. 2021, section 3.1.4): a class is the direction of
 * the text embeddings of its name put into templates. */
#ifndef PWEMOE_MODEL_ZERO_SHOT_H
#define PWEMOE_MODEL_ZERO_SHOT_H

#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/work.h"
#include "checkpoint/directory.h"
#include "model/heads.h"
#include "model/layout.h"

#define ZERO_SHOT_TEMPLATE "a photo of a {}."

/* Lines of a file of templates: text with one {} each, in which the class name is put.
 * path NULL: ZERO_SHOT_TEMPLATE alone. Errors name file and line. Freed with
 * class_names_release. */
int zero_shot_templates(const char *path, char ***templates, size_t *count,
                        struct error *error);

/* Whether zero-shot heads can be made from a model directory: it has a text tower and
 * a tokenizer. The error says what is missing and what to give instead. */
int zero_shot_check(const struct model_directory *directory, struct error *error);

struct zero_shot;

/* Reads the tokenizer of a directory, and its text tower, where layout is NULL; else
 * the tower is of that layout (MODEL_CLIP_TEXT), its weights given with each head.
 * backend, directory and layout must live as long as the object. */
int zero_shot_new(struct backend *backend, const struct model_directory *directory,
                  const struct layout *layout, struct zero_shot **zero_shot,
                  struct error *error);
void zero_shot_free(struct zero_shot *zero_shot); /* NULL is fine */

struct zero_shot_task {
    char **names; /* [classes], in the order of the labels */
    size_t classes;
    char **templates; /* [template_count] */
    size_t template_count;
};
void zero_shot_task_clear(struct zero_shot_task *task);

/* weights: the text tower's arena on the device; NULL: the directory's own. Row c of
 * head->weight = exp(logit_scale) times the normalised mean over templates of the
 * normalised text embeddings of class c's prompts; no bias. A prompt too long for the
 * text tower is cut, as transformers' tokenizer does. Progress counts prompts; where
 * work says stop it fails with the text "stopped". */
int zero_shot_head(struct zero_shot *zero_shot, const real *weights,
                   const struct zero_shot_task *task, struct head *head,
                   const struct work *work, struct error *error);

#endif
