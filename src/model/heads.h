/* From features to the classes of each task.
 *
 * A head is a matrix [classes, features] and perhaps a bias. For CLIP the features
 * are L2-normalised first and the matrix holds text embeddings times
 * exp(logit_scale); for ViT and GPT-2 it is the classifier that the expert brought.
 *
 * A head file is safetensors with `weight` [classes, features] and perhaps `bias`
 * [classes]. */
#ifndef PWEMOE_MODEL_HEADS_H
#define PWEMOE_MODEL_HEADS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "checkpoint/directory.h"
#include "checkpoint/safetensors.h"
#include "model/config.h"

struct head { /* on the host */
    size_t classes, features;
    float *weight; /* [classes, features], owned */
    float *bias;   /* [classes], owned; NULL: none */
};

/* The classifier of a model directory (`classifier.weight` and `classifier.bias`, or
 * `score.weight`, which has no bias). */
int head_from_directory(const struct model_directory *directory, size_t features,
                        struct head *head, struct error *error);
int head_from_file(const char *path, size_t features, struct head *head,
                   struct error *error);
/* `name`.weight and perhaps `name`.bias of an open file, which label names in errors.
 */
int head_from_safetensors(const struct safetensors *file, const char *name,
                          const char *label, size_t features, struct head *head,
                          struct error *error);
/* The bytes of a head file (freed with free()). */
int head_to_memory(const struct head *head, void **bytes, size_t *size,
                   struct error *error);
void head_clear(struct head *head);

/* Heads on a device, with what up to `images` rows of one task need. */
struct head_bank;

/* heads [tasks] are copied. */
int head_bank_new(struct backend *backend, const struct model_config *config,
                  const struct head *heads, size_t tasks, size_t images,
                  struct head_bank **bank, struct error *error);
void head_bank_free(struct head_bank *bank); /* NULL is fine */
/* Another head of the same size in the place of a task's; copied. */
void head_bank_put(struct head_bank *bank, size_t task, const struct head *head);

/* Logits of features [rows, D] by a task's head; they stay in the bank. labels i32
 * and loss f32 [rows] are on the device. With dfeatures, the gradient of
 * sum_i scale[i] loss[i] is written there ([rows, D]; scale on the device). */
void head_bank_loss(struct head_bank *bank, size_t task, const real *features,
                    size_t rows, const int32_t *labels, float *loss, const float *scale,
                    real *dfeatures);
/* The same with the divergence from wanted logits f32 [count, classes] on the device as
 * the loss: those of row index[i] for row i (backend.h: divergence). */
void head_bank_divergence(struct head_bank *bank, size_t task, const real *features,
                          size_t rows, const float *wanted, size_t count,
                          const int32_t *index, float *loss, const float *scale,
                          real *dfeatures);
/* The same with the entropy of the answers as the loss. */
void head_bank_entropy(struct head_bank *bank, size_t task, const real *features,
                       size_t rows, float *loss, const float *scale, real *dfeatures);
/* The predicted classes [rows] (device) of the last head_bank_loss. */
void head_bank_predict(struct head_bank *bank, int32_t *predictions);
/* The logits [rows, classes] f32 of the last head_bank_loss, on the device. */
const float *head_bank_logits(const struct head_bank *bank);
/* After head_bank_loss with dfeatures: the gradient of that head's own weight and
 * bias (may be NULL), overwritten. */
void head_bank_gradient(struct head_bank *bank, float *dweight, float *dbias);
/* Where a task's head lies on the device, so that it can be trained. */
real *head_bank_weight(struct head_bank *bank, size_t task);
real *head_bank_bias(struct head_bank *bank, size_t task); /* NULL: none */

#endif
