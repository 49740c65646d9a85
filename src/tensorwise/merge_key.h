/* What a merge is known by, so that one which was ended is gone on with and no other.
 * For this folder. */
#ifndef PWEMOE_TENSORWISE_MERGE_KEY_H
#define PWEMOE_TENSORWISE_MERGE_KEY_H

#include <jansson.h>

#include "base/error.h"
#include "base/sha256.h"
#include "tensorwise/models.h"
#include "tensorwise/shards.h"

/* Of what it makes (about, shards) and of which files. key: "" where those have changed
 * so lately that they may change again unseen. */
int merge_key(const struct models *models, const struct shards *shards,
              const json_t *about, char key[SHA256_HEX], struct error *error);

#endif
