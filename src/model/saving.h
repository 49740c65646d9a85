/* A model with new weights as a model directory, and its hash. */
#ifndef PWEMOE_MODEL_SAVING_H
#define PWEMOE_MODEL_SAVING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/work.h"
#include "checkpoint/directory.h"
#include "checkpoint/export.h"
#include "model/heads.h"
#include "model/layout.h"

/* What is written besides the pretrained directory's own files. */
struct saving {
    const struct layout *layout;
    const struct model_directory *pretrained;
    const float *weights;    /* (layout size), on the host */
    const struct head *head; /* becomes the model's classifier; NULL: as it is */
    char *const *labels;     /* [head->classes] id2label of config.json; may be NULL */
    const struct export_file *files; /* further files */
    size_t file_count;
    const enum dtype *dtype; /* of all weights, or NULL: as the pretrained model's */
};

/* Writes the directory at path whole or not at all (export.h). */
int saving_write(const char *path, const struct saving *saving, const struct work *work,
                 struct error *error);

/* SHA-256 over the layout's parameters, in its order, as saving_write writes them:
 * rounded to the pretrained tensor's dtype, or to *dtype where that is not NULL. What
 * was scored is known by it. Where work says stop it fails with the text "stopped". */
int saving_hash(const struct layout *layout, const struct model_directory *pretrained,
                const enum dtype *dtype, const float *weights, char hex[SHA256_HEX],
                const struct work *work, struct error *error);

/* Whether weights that are rounded to the pretrained model's dtypes are the same values
 * in that one: it is wide enough. */
bool saving_keeps_values(const struct layout *layout,
                         const struct model_directory *pretrained, enum dtype dtype);

#endif
