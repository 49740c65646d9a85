/* Tensors of a model directory that no layout has: what becomes of each, so that none
 * is passed over in silence. */
#ifndef PWEMOE_MODEL_EXTRAS_H
#define PWEMOE_MODEL_EXTRAS_H

#include "base/error.h"
#include "checkpoint/directory.h"
#include "model/layout.h"

/* One sentence, the directory not named in it. */
typedef void extras_remark(void *self, const char *text);

/* Of the pretrained model: further tensors are copied into exports as they are, which a
 * remark says; an lm_head that is the token embedding again follows it (extras_tied).
 * Of it and of experts a remark tells where config.json names a narrower dtype than the
 * weights have, to which transformers 5 rounds them. */
void extras_of_pretrained(const struct layout *layout,
                          const struct model_directory *pretrained,
                          extras_remark *remark, void *self);

/* Of an expert: adapters that were not merged (LoRA and its kin) are refused. Tensors
 * that the pretrained model has too are compared with its: where values differ, so that
 * fine-tuning changed what is not merged here (a pooler; CLIP's text tower where the
 * layout is of the vision tower alone), a remark names the first. So it does with
 * tensors that the pretrained model lacks. Heads, attention masks and position numbers
 * are expected and not spoken of. */
int extras_of_expert(const struct layout *layout,
                     const struct model_directory *pretrained,
                     const struct model_directory *expert, extras_remark *remark,
                     void *self, struct error *error);

/* The first tensor of an expert's CLIP text tower (logit_scale is one of it) that has
 * other values than the pretrained model's, or NULL: there is none. */
const char *extras_changed_text(const struct model_directory *pretrained,
                                const struct model_directory *expert);

/* GPT-2's lm_head.weight where the pretrained model has one that equals its token
 * embedding, element by element; NULL: it has none, or another. */
const struct tensor *extras_tied(const struct layout *layout,
                                 const struct model_directory *pretrained);

#endif
