/* The models that are merged tensor by tensor: any checkpoints whose tensors have the
 * same names and shapes, whatever architecture they are of. Only headers are read here.
 * Ownership: everything reached from a struct models lives until models_close. */
#ifndef PWEMOE_TENSORWISE_MODELS_H
#define PWEMOE_TENSORWISE_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "checkpoint/adapter.h"
#include "checkpoint/directory.h"
#include "merge/coefficients.h"
#include "tensorwise/expert_tensor.h"
#include "tensorwise/vocabulary.h"

enum { MODELS_MAX = COEFFICIENTS_MAX };

/* One tensor that is written: the base model's, and what each expert has of that name.
 * Where it is not merged, the base model's bytes are copied. */
struct gathered;
struct model_tensor {
    const struct tensor *base;
    const struct expert_tensor *experts; /* [count of experts]; NULL: not merged */
    bool indexed;              /* it has a row for each token of a joined vocabulary */
    struct gathered *gathered; /* where base and experts' come from then; else NULL */
};

struct models {
    struct model_directory *base; /* the pretrained model, or the first expert */
    bool pretrained;              /* whether there is a pretrained model */
    size_t count;                 /* of experts */
    struct model_directory *experts[MODELS_MAX]; /* of each either a model .. */
    struct adapter *adapters[MODELS_MAX];        /* .. or a LoRA adapter */
    const char *names[MODELS_MAX];               /* the caller's */
    struct model_tensor *tensors; /* those of base, as safetensors_write orders them */
    size_t tensor_count;
    size_t
        kept; /* tensors that hold no weights and differ: the base model's are kept */
    size_t left; /* with `partial`: tensors that are the base model's alone, */
    size_t out;  /* and tensors of experts that are left out */
    const char *paths[MODELS_MAX]; /* of the experts' directories */
    struct vocabulary vocabulary;  /* rows 0: the models' own, which is one */
    struct expert_tensor *cells;   /* behind tensors[].experts */
};

struct models_wish {
    const char *pretrained; /* a directory, or NULL: the first expert is the base */
    const char *const *experts;
    const char *const *names;
    size_t count;
    bool partial; /* tensors that not all have in one shape stay the base model's */
    enum vocabulary_mode vocabulary;
};

/* A directory with adapter_config.json is an expert as PEFT saves it: the pretrained
 * model with products added; what it does not change is the pretrained model's.
 *
 * Opens all and matches their tensors by name. Fails, saying which and how many, on
 * tensors that some model lacks or has in another shape, unless `partial`; and on
 * dtypes that nothing is computed with. Embeddings of vocabularies of different sizes,
 * and tokenizers that give one token several numbers, are an error that names tokens,
 * where the directories have them, unless one vocabulary is to be made of them. */
int models_open(const struct models_wish *wish, struct models *models,
                struct error *error);
void models_close(struct models *models); /* also after a failure */

/* Whether a dtype holds weights: F64, F32, F16, BF16. */
bool models_is_weights(enum dtype dtype);

/* What the models' tensors are called, for coefficients_check; lives as long as they.
 */
struct tensor_names models_names(const struct models *models);

/* What an expert is called in errors: its directory. */
const char *models_path(const struct models *models, size_t expert);

/* Between the two a tensor's data, and the experts', are there: before, those whose
 * rows are brought into another order have none. */
int models_enter(const struct models *models, size_t index, struct error *error);
void models_leave(const struct models *models, size_t index);
/* Bytes that this takes. */
uint64_t models_room(const struct models *models, size_t index);

/* Goes through the stretches of files that a merged tensor is made from. */
void models_visit(const struct models *models, size_t index,
                  void (*visit)(void *self, const struct tensor *tensor), void *self);

/* Bytes that are read to merge all. */
uint64_t models_bytes(const struct models *models);

#endif
