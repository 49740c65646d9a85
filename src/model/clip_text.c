#include "model/clip_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/block.h"
#include "model/features.h"

static const char token_name[] = "text_model.embeddings.token_embedding.weight";

struct clip_text {
    struct backend *backend;
    const struct layout *layout;
    const char *where;
    size_t capacity;
    int32_t *ids; /* (capacity, context) on the host: as many of each as are computed */
    int32_t *ends; /* (capacity) on the host: the rows that are read */
    void *memory;  /* of what follows, on the device */
    struct block_activations block;
    int32_t *device_ids; /* (capacity, context) */
    int32_t *end_rows;   /* (capacity) */
    real *last, *normed; /* (capacity, width) end rows around the final norm */
    float *mean, *rstd;
    real *features; /* (capacity, projection) */
};

/* --- a checkpoint's tower ---------------------------------------------------- */

static int make_layout(const struct model_directory *directory, struct layout **layout,
                       struct error *error) {
    const char *where = model_directory_path(directory);
    struct model_config config;
    if (!model_directory_find(directory, token_name))
        return error_set(error, "%s: %s is missing: it has no text tower", where,
                         token_name);
    return model_config_read_text(model_directory_config(directory), where, &config,
                                  error) ||
                   layout_new(&config, directory, layout, error)
               ? -1
               : 0;
}

static int scale_of(float logarithm, const char *where, double *scale,
                    struct error *error) {
    enum { LARGEST_SCALE = 64 }; /* published models have 4.6 */
    if (!(fabsf(logarithm) <= LARGEST_SCALE))
        return error_set(error, "%s: logit_scale is %g, over %d", where,
                         (double)logarithm, (int)LARGEST_SCALE);
    *scale = exp((double)logarithm);
    return 0;
}

struct first_complaint {
    const char *where;
    struct error *error;
    bool made;
};

static void complain(void *self, const char *line) {
    struct first_complaint *first = self;
    if (!first->made)
        error_set(first->error, "%s: text tower: %s", first->where, line);
    first->made = true;
}

int clip_text_check(const struct model_directory *directory, struct error *error) {
    const char *where = model_directory_path(directory);
    struct layout *layout;
    float logarithm;
    double scale;
    if (make_layout(directory, &layout, error))
        return -1;
    struct first_complaint first = {.where = where, .error = error};
    layout_compare(layout, directory, complain, &first);
    layout_free(layout);
    if (!first.made && !model_directory_find(directory, "text_projection.weight"))
        complain(&first, "text_projection.weight is missing");
    if (first.made)
        return -1;
    const struct tensor *tensor = model_directory_find(directory, "logit_scale");
    return tensor_to_f32(tensor, where, &logarithm, error) ||
                   scale_of(logarithm, where, &scale, error)
               ? -1
               : 0;
}

int clip_text_load(struct backend *b, const struct model_directory *directory,
                   struct layout **layout, real **weights, struct error *error) {
    *layout = NULL;
    *weights = NULL;
    if (make_layout(directory, layout, error))
        return -1;
    size_t size = (*layout)->size;
    float *arena = array_new(size, sizeof *arena);
    int result = arena ? layout_load(*layout, directory, NULL, arena, error)
                       : error_memory(error);
    if (result == 0)
        result = b->allocate(b, size * b->real_size, (void **)weights, error);
    if (result == 0) {
        b->upload_real(b, *weights, arena, size);
        result = b->synchronise(b, error);
    }
    free(arena);
    if (result == 0)
        return 0;
    b->release(b, *weights);
    layout_free(*layout);
    *layout = NULL;
    *weights = NULL;
    return -1;
}

/* --- opening ---------------------------------------------------------------- */

static struct block_shape shape_of(const struct clip_text *t, size_t texts,
                                   size_t tokens) {
    const struct model_config *m = &t->layout->config;
    return (struct block_shape){.batch = texts,
                                .tokens = tokens,
                                .width = m->width,
                                .heads = m->heads,
                                .mlp_width = m->mlp_width,
                                .epsilon = m->epsilon,
                                .activation = m->activation,
                                .causal = true};
}

static void carve_all(struct clip_text *t, struct carver *c) {
    const struct model_config *m = &t->layout->config;
    size_t r = t->backend->real_size, n = t->capacity;
    struct block_shape shape = shape_of(t, n, m->context);
    block_carve(c, t->backend, &shape, false, &t->block);
    t->device_ids = carve(c, n * m->context, sizeof(int32_t));
    t->end_rows = carve(c, n, sizeof(int32_t));
    t->last = carve(c, n * m->width, r);
    t->normed = carve(c, n * m->width, r);
    t->mean = carve(c, n, sizeof(float));
    t->rstd = carve(c, n, sizeof(float));
    t->features = carve(c, n * m->projection, r);
}

static int allocate(struct clip_text *t, struct error *error) {
    struct backend *b = t->backend;
    size_t ids;
    if (!size_multiply(t->layout->config.context, t->capacity, &ids))
        return error_memory(error);
    t->ids = array_new(ids, sizeof *t->ids);
    t->ends = array_new(t->capacity, sizeof *t->ends);
    struct carver carver = {0};
    carve_all(t, &carver);
    if (!t->ids || !t->ends || carver.overflow)
        return error_memory(error);
    if (b->allocate(b, carver.used, &t->memory, error))
        return error_prefix(error, "activations of %zu texts", t->capacity);
    carver = (struct carver){.memory = t->memory};
    carve_all(t, &carver);
    return 0;
}

int clip_text_new(struct backend *backend, const struct layout *layout,
                  const char *where, size_t texts, struct clip_text **text,
                  struct error *error) {
    struct clip_text *t = array_new(1, sizeof *t);
    if (!t)
        return error_memory(error);
    t->backend = backend;
    t->layout = layout;
    t->where = where;
    t->capacity = texts;
    if (allocate(t, error)) {
        clip_text_free(t);
        return -1;
    }
    *text = t;
    return 0;
}

void clip_text_free(struct clip_text *t) {
    if (!t)
        return;
    t->backend->release(t->backend, t->memory);
    free(t->ids);
    free(t->ends);
    free(t);
}

const struct model_config *clip_text_config(const struct clip_text *text) {
    return &text->layout->config;
}

int clip_text_scale(const struct clip_text *t, const real *weights, double *scale,
                    struct error *error) {
    float logarithm;
    const real *at = backend_at(t->backend, weights, t->layout->scale);
    return t->backend->download_real(t->backend, &logarithm, at, 1, error) ||
                   scale_of(logarithm, t->where, scale, error)
               ? -1
               : 0;
}

/* --- forward ---------------------------------------------------------------- */

/* The position that is read of ids [context], as transformers' CLIPTextTransformer
 * finds it. */
static int find_end(const struct model_config *m, const int32_t *ids, size_t *end,
                    struct error *error) {
    *end = SIZE_MAX;
    for (size_t i = 0; i < m->context; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= m->vocabulary)
            return error_set(error,
                             "the tokenizer gives the token %d, but the text tower's "
                             "vocabulary has %zu",
                             ids[i], m->vocabulary);
        if (m->end == MODEL_LEGACY_END ? *end == SIZE_MAX || ids[i] > ids[*end]
                                       : *end == SIZE_MAX && ids[i] == m->end)
            *end = i;
    }
    if (*end == SIZE_MAX)
        return error_set(
            error,
            "the tokenizer ends texts with another token than %d, which is "
            "eos_token_id of config.json's text_config",
            m->end);
    return 0;
}

/* Fills ends and ids; *rows: positions of each text that are computed. What comes
 * after the last row that is read cannot change it: attention is causal. */
static int gather(struct clip_text *t, const int32_t *ids, size_t count, size_t *rows,
                  struct error *error) {
    const struct model_config *m = &t->layout->config;
    *rows = 1;
    for (size_t i = 0; i < count; i++) {
        size_t end;
        if (find_end(m, ids + i * m->context, &end, error))
            return error_prefix(error, "%s", t->where);
        t->ends[i] = (int32_t)end;
        if (end + 1 > *rows)
            *rows = end + 1;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(t->ids + i * *rows, ids + i * m->context, *rows * sizeof *ids);
        t->ends[i] += (int32_t)(i * *rows);
    }
    return 0;
}

int clip_text_embed(struct clip_text *t, const real *weights, const int32_t *ids,
                    size_t count, float *embeddings, struct error *error) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t rows, w = m->width;
    if (gather(t, ids, count, &rows, error))
        return -1;
    b->upload(b, t->device_ids, t->ids, count * rows * sizeof *t->ids);
    b->upload(b, t->end_rows, t->ends, count * sizeof *t->ends);
    b->embed_tokens(b, t->block.input, backend_at(b, weights, l->tokens),
                    backend_at(b, weights, l->position), t->device_ids, count, rows, w);
    struct block_shape shape = shape_of(t, count, rows);
    for (size_t i = 0; i < m->layers; i++)
        block_forward(b, &shape, &l->blocks[i], weights, &t->block, t->block.input);
    b->gather_rows(b, t->last, t->block.input, t->end_rows, count, w);
    features_forward(
        b, l, weights, t->last, count,
        &(struct features){t->normed, t->mean, t->rstd, .projected = t->features});
    return b->download_real(b, embeddings, t->features, count * m->projection, error);
}
