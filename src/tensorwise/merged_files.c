#include "tensorwise/merged_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "checkpoint/export_files.h"
#include "tensorwise/vocabulary_files.h"

/* config.json says of which dtype the weights are, under one of two names, and how many
 * rows embeddings have. *config is NULL where there is nothing to change. */
static int make_config(const struct models *models, const enum dtype *dtype,
                       json_t **config) {
    const json_t *own = model_directory_config(models->base);
    size_t rows = models->vocabulary.rows;
    bool changes = own && (dtype || rows);
    *config = changes ? json_deep_copy(own) : NULL;
    if (*config && dtype)
        export_set_dtype(*config, *dtype);
    if (*config && rows)
        vocabulary_set_size(*config, rows);
    return changes && !*config ? -1 : 0;
}

/* The files beside the tensors, as text. */
struct texts {
    struct export_file files[2 + VOCABULARY_FILES];
    size_t count;
};

/* Takes text over; NULL is memory that is out. */
static int texts_add(struct texts *texts, const char *name, char *text,
                     struct error *error) {
    if (!text)
        return error_memory(error);
    texts->files[texts->count++] = (struct export_file){name, text, strlen(text)};
    return 0;
}

static void texts_release(struct texts *texts) {
    for (size_t i = 0; i < texts->count; i++)
        free((void *)(uintptr_t)texts->files[i].bytes);
}

static char *json_lines(const json_t *value) {
    char *json = json_text_dump(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (json)
        text_shorten_numbers(json);
    char *text = json ? text_format("%s\n", json) : NULL;
    free(json);
    return text;
}

static int add_vocabulary(const struct models *models, struct texts *texts,
                          struct error *error) {
    struct vocabulary_file files[VOCABULARY_FILES];
    size_t count;
    if (!models->vocabulary.rows)
        return 0;
    if (vocabulary_files(&models->vocabulary, model_directory_path(models->base),
                         models->paths, files, &count, error))
        return -1;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = texts_add(texts, files[i].name, json_lines(files[i].content), error);
    vocabulary_files_release(files, count);
    return result;
}

int merged_files_write(const struct models *models, const struct shards *shards,
                       const enum dtype *dtype, const json_t *about, const char *folder,
                       const char *shown, const struct work *work,
                       struct error *error) {
    struct texts texts = {.count = 0};
    char index_name[64];
    json_t *config = NULL;
    snprintf(index_name, sizeof index_name, "%s.safetensors.index.json",
             model_directory_stem(models->base));
    int result = make_config(models, dtype, &config) ? error_memory(error) : 0;
    if (result == 0)
        result = texts_add(&texts, "pwemoe.json", json_lines(about), error);
    if (result == 0 && shards->count > 1)
        result = texts_add(&texts, index_name, shards_index(shards), error);
    if (result == 0)
        result = add_vocabulary(models, &texts, error);
    const struct export_plan plan = {.pretrained = models->base,
                                     .files = texts.files,
                                     .file_count = texts.count,
                                     .config = config};
    if (result == 0)
        result = export_files_write(folder, shown, &plan, work, error);
    json_decref(config);
    texts_release(&texts);
    return result;
}
