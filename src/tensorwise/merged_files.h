/* The files of a merged directory other than its tensors. For this folder. */
#ifndef PWEMOE_TENSORWISE_MERGED_FILES_H
#define PWEMOE_TENSORWISE_MERGED_FILES_H

#include <jansson.h>

#include "base/error.h"
#include "base/work.h"
#include "tensorwise/models.h"
#include "tensorwise/shards.h"

/* pwemoe.json from about, an index where there are several shards, config.json, the
 * tokenizer of a joined vocabulary, and copies of the base model's others into folder,
 * which errors call shown. dtype: of every merged tensor; NULL: the base model's. */
int merged_files_write(const struct models *models, const struct shards *shards,
                       const enum dtype *dtype, const json_t *about, const char *folder,
                       const char *shown, const struct work *work, struct error *error);

#endif
