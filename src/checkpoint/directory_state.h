/* What an open model directory is, for the files that open one: directory.c, adapted.c.
 */
#ifndef PWEMOE_CHECKPOINT_DIRECTORY_STATE_H
#define PWEMOE_CHECKPOINT_DIRECTORY_STATE_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

struct adapter;
struct safetensors;
struct tensor;

struct model_directory {
    char *path;
    json_t *config, *preprocessor;
    const char *preprocessor_name, *stem;
    struct safetensors **shards;
    size_t shard_count;
    const struct tensor **tensors; /* shard by shard, in the order of their data */
    const struct tensor **by_name;
    size_t count;
    /* Of an adapter as a model: what it changes, itself, and the tensors [made_count]
     * that came of it, those of products with data of their own; or NULLs. */
    struct model_directory *under;
    struct adapter *adapter;
    struct tensor *made;
    size_t made_count;
};

/* An empty one at path, without slashes behind it; NULL without memory. */
struct model_directory *model_directory_new(const char *path);
/* preprocessor, of the folder. */
int model_directory_read_preprocessor(struct model_directory *directory,
                                      struct error *error);
/* by_name, of tensors. */
int model_directory_order(struct model_directory *directory, struct error *error);

#endif
