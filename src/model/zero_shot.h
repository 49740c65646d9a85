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

#define ZERO_SHOT_TEMPLATE "a photo of a {}."

/* Lines of a file of templates: text with one {} each, in which the class name is put.
 * path NULL: ZERO_SHOT_TEMPLATE alone. Errors name file and line. Freed with
 * class_names_release. */
int zero_shot_templates(const char *path, char ***templates, size_t *count,
                        struct error *error);

/* Whether zero-shot heads can be made from a model directory: it has a text side and
 * a tokenizer. The error says what is missing and what to give instead. */
int zero_shot_check(const struct model_directory *directory, struct error *error);

struct zero_shot;

/* Reads the text side and the tokenizer; backend and directory must live as long as
 * the object. */
int zero_shot_new(struct backend *backend, const struct model_directory *directory,
                  struct zero_shot **zero_shot, struct error *error);
void zero_shot_free(struct zero_shot *zero_shot); /* NULL is fine */

struct zero_shot_task {
    char *const *names; /* [classes] */
    size_t classes;
    char *const *templates; /* [template_count] */
    size_t template_count;
};

/* Row c of head->weight = exp(logit_scale) times the normalised mean over templates of
 * the normalised text embeddings of class c's prompts; no bias. A prompt too long for
 * the text side is cut, as transformers' tokenizer does. Progress counts prompts; where
 * work says stop it fails with the text "stopped". */
int zero_shot_head(struct zero_shot *zero_shot, const struct zero_shot_task *task,
                   struct head *head, const struct work *work, struct error *error);

#endif
