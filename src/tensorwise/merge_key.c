#include <config.h>

#include "tensorwise/merge_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"

static void add_text(struct sha256 *hash, const char *text) {
    sha256_add(hash, text, strlen(text) + 1);
}

/* *known: its files can be relied on not to change unseen. */
static int add_model(struct sha256 *hash, const char *path, bool *known,
                     struct error *error) {
    char stamp[SHA256_HEX];
    unsigned long long size;
    if (model_directory_stamp(path, stamp, &size, error))
        return -1;
    *known = *known && *stamp;
    add_text(hash, path);
    add_text(hash, stamp);
    return 0;
}

static void add_output(struct sha256 *hash, const struct models *models,
                       const struct shards *shards) {
    sha256_add(hash, shards->first, (shards->count + 1) * sizeof *shards->first);
    for (size_t i = 0; i < models->tensor_count; i++) {
        const struct tensor_source *source = &shards->sources[i];
        char line[128];
        add_text(hash, source->name);
        snprintf(line, sizeof line, "%s %llu %d", source->dtype_name,
                 (unsigned long long)source->bytes, models->tensors[i].experts != NULL);
        add_text(hash, line);
    }
}

int merge_key(const struct models *models, const struct shards *shards,
              const json_t *about, char key[SHA256_HEX], struct error *error) {
    char *text = json_text_dump(about, JSON_SORT_KEYS | JSON_COMPACT);
    struct sha256 *hash = text ? sha256_new() : NULL;
    bool known = true;
    key[0] = '\0';
    if (!hash) {
        free(text);
        return error_memory(error);
    }
    add_text(hash, PACKAGE_VERSION);
    add_text(hash, text);
    add_output(hash, models, shards);
    int result = add_model(hash, model_directory_path(models->base), &known, error);
    for (size_t t = 0; result == 0 && t < models->count; t++)
        result = add_model(hash, models_path(models, t), &known, error);
    if (result == 0 && known)
        sha256_finish(hash, key);
    else
        sha256_free(hash);
    free(text);
    return result;
}
