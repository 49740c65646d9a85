/* What fine-tuning changed as a LoRA adapter: of each matrix the product B A of a given
 * rank that is nearest to theta - theta_0 in the sum of squares, by its leading
 * singular vectors (Eckart and Young 1936), with the error that it makes. */
#ifndef PWEMOE_TENSORWISE_EXTRACTION_H
#define PWEMOE_TENSORWISE_EXTRACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "checkpoint/dtype.h"
#include "tensorwise/models.h"

struct extracted {
    const struct tensor *base; /* the pretrained model's */
    size_t rows, columns; /* of the change as a matrix: first dimension, the others;
                             turned round where the model's layers are ([inputs,
                             outputs] of GPT-2), and of an embedding */
    bool embedding;
    size_t rank;         /* no more than asked for, and than the matrix has */
    float *left, *right; /* B [rows, rank] and A [rank, columns]; owned */
    double norm, error;  /* of the change; of change - B A: Frobenius */
};

struct extraction {
    struct extracted *items; /* changed matrices, in the models' order; owned */
    size_t count;
    bool turned;
    size_t left_out;    /* changed tensors that are in none of these .. */
    const char *first;  /* .. the first of them, or NULL */
    double norm, error; /* Frobenius: of the whole change; of what the
                           adapter has not */
};

struct extraction_wish {
    size_t rank;
    const char *include;      /* a pattern (coefficients.h) of tensors; NULL: the
                                 matrices and kernels inside numbered layers */
    const char *const *whole; /* [whole_count] modules that are saved as they are */
    size_t whole_count;       /* at most 64 */
    unsigned threads;
};

/* models: one expert, of a pretrained model. Needs memory for the factors and for one
 * tensor some times over in f64. */
int extraction_run(const struct models *models, const struct extraction_wish *wish,
                   struct extraction *extraction, const struct work *work,
                   struct error *error);
void extraction_clear(struct extraction *extraction); /* also after a failure */

/* Which of the wish's whole modules a tensor is of, or SIZE_MAX. */
size_t extraction_whole(const struct extraction_wish *wish, const char *name);

/* The new folder path (checkpoint/folder.h) as PEFT reads it: adapter_config.json, of
 * the model called `base`, and adapter_model.safetensors with factors of that dtype. */
int extraction_write(const struct models *models, const struct extraction_wish *wish,
                     const struct extraction *extraction, enum dtype dtype,
                     const char *base, const char *path, struct error *error);

#endif
