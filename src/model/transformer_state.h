/* What the files of the transformer share. */
#ifndef PWEMOE_MODEL_TRANSFORMER_STATE_H
#define PWEMOE_MODEL_TRANSFORMER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "model/layout.h"
#include "model/transformer.h"

struct transformer {
    struct backend *backend;
    const struct layout *layout;
    size_t capacity, images;
    size_t most, rows; /* of an example: R, at most and of the batch at hand */
    bool training;
    bool all_rows; /* of the last block are wanted */
    bool fp8;      /* products of the blocks, where the backend was opened so */
    bool narrow;   /* in the last run they were not: its second half has B rows */
    const unsigned *ready; /* of the parts of weights that are made beside, or NULL */
    float scale[3], shift[3];
    void *memory; /* of everything below */

    real *columns;  /* (B patches, 3 P P) */
    real *embedded; /* (B patches, W) */
    real *sum;      /* (n, W) before the pre norm, where there is one */
    float *pre_mean, *pre_rstd;
    struct block_activations *blocks; /* [layers]; the same buffers when not training */
    real *stream;                     /* (n, W) output of the last block */
    int32_t *class_rows;              /* (B) of images: their first rows */
    struct text_batch text;           /* the caller's, of texts */
    real *mixed;            /* (B, W) the last block's, of the rows that are read */
    real *classes, *normed; /* (B, W) rows that are read, around the post norm */
    float *post_mean, *post_rstd;
    real *features; /* (B, D) */

    /* Backward. */
    real *dstream, *dwide, *dnarrow; /* (n, W), (n, max(F, 3W)), (n, W) */
    real *dclasses, *dnormed;        /* (B, W) */
};

/* The rows (B) of the stream that the post norm reads. */
const int32_t *transformer_read_rows(const struct transformer *transformer);

#endif
