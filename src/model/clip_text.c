#include "model/clip_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/block.h"
#include "model/layout.h"

static const char token_name[] = "text_model.embeddings.token_embedding.weight";

struct clip_text {
    struct backend *backend;
    const struct model_directory *directory;
    struct layout *layout;
    const struct tensor *embedding; /* [vocabulary, width], in the checkpoint */
    double scale;
    size_t capacity;
    real *weights;    /* (layout size) */
    float *positions; /* (context, width) on the host */
    float *tokens;    /* (capacity, context, width) on the host: the blocks' input */
    int32_t *ends;    /* (capacity) on the host: the rows that are read */
    void *memory;     /* of what follows, on the device */
    struct block_activations block;
    int32_t *end_rows;   /* (capacity) */
    real *last, *normed; /* (capacity, width) end rows around the final norm */
    float *mean, *rstd;
    real *features; /* (capacity, projection) */
};

/* --- the parts of a checkpoint --------------------------------------------- */

static int read_parts(const struct model_directory *directory,
                      struct model_config *config, const struct tensor **embedding,
                      double *scale, struct error *error) {
    const char *where = model_directory_path(directory);
    const struct tensor *scale_tensor = model_directory_find(directory, "logit_scale");
    float logarithm;
    *embedding = model_directory_find(directory, token_name);
    if (!*embedding)
        return error_set(error, "%s: %s is missing: it has no text side", where,
                         token_name);
    if (model_config_read_text(model_directory_config(directory), where, config, error))
        return -1;
    char shape[96];
    if ((*embedding)->rank != 2 || (*embedding)->shape[0] != config->vocabulary ||
        (*embedding)->shape[1] != config->width)
        return error_set(error, "%s: %s is %s, by config.json it is [%zu, %zu]", where,
                         token_name, tensor_shape_text(*embedding, shape, sizeof shape),
                         config->vocabulary, config->width);
    if (!dtype_size((*embedding)->dtype))
        return error_set(error, "%s: %s is of dtype %s, which holds no numbers", where,
                         token_name, (*embedding)->dtype_name);
    if (!scale_tensor || scale_tensor->count != 1)
        return error_set(error, "%s: logit_scale is %s", where,
                         scale_tensor ? "not one number" : "missing");
    if (tensor_to_f32(scale_tensor, where, &logarithm, error))
        return -1;
    enum { LARGEST_SCALE = 64 }; /* published models have 4.6 */
    if (fabsf(logarithm) > LARGEST_SCALE)
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
        error_set(first->error, "%s: text side: %s", first->where, line);
    first->made = true;
}

int clip_text_check(const struct model_directory *directory, struct error *error) {
    struct model_config config;
    const struct tensor *embedding;
    struct layout *layout;
    double scale;
    if (read_parts(directory, &config, &embedding, &scale, error) ||
        layout_new(&config, directory, &layout, error))
        return -1;
    struct first_complaint first = {.where = model_directory_path(directory),
                                    .error = error};
    layout_compare(layout, directory, complain, &first);
    layout_free(layout);
    if (!first.made && !model_directory_find(directory, "text_projection.weight"))
        complain(&first, "text_projection.weight is missing");
    return first.made ? -1 : 0;
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
    t->end_rows = carve(c, n, sizeof(int32_t));
    t->last = carve(c, n * m->width, r);
    t->normed = carve(c, n * m->width, r);
    t->mean = carve(c, n, sizeof(float));
    t->rstd = carve(c, n, sizeof(float));
    t->features = carve(c, n * m->projection, r);
}

static int load_weights(struct clip_text *t, struct error *error) {
    struct backend *b = t->backend;
    const struct model_config *m = &t->layout->config;
    size_t size = t->layout->size;
    float *arena = array_new(size, sizeof *arena);
    if (!arena)
        return error_memory(error);
    int result = layout_load(t->layout, t->directory, NULL, arena, error);
    if (result == 0)
        result = b->allocate(b, size * b->real_size, (void **)&t->weights, error);
    if (result == 0) {
        b->upload_real(b, t->weights, arena, size);
        memcpy(t->positions, arena + t->layout->position,
               m->context * m->width * sizeof *arena);
        result = b->synchronise(b, error);
    }
    free(arena);
    return result;
}

static int fill(struct clip_text *t, struct error *error) {
    struct backend *b = t->backend;
    struct model_config config;
    if (read_parts(t->directory, &config, &t->embedding, &t->scale, error) ||
        layout_new(&config, t->directory, &t->layout, error))
        return -1;
    size_t row = config.context * config.width, rows;
    if (!size_multiply(row, t->capacity, &rows))
        return error_memory(error);
    t->positions = array_new(row, sizeof *t->positions);
    t->tokens = array_new(rows, sizeof *t->tokens);
    t->ends = array_new(t->capacity, sizeof *t->ends);
    if (!t->positions || !t->tokens || !t->ends)
        return error_memory(error);
    struct carver carver = {0};
    carve_all(t, &carver);
    if (carver.overflow)
        return error_memory(error);
    if (b->allocate(b, carver.used, &t->memory, error))
        return error_prefix(error, "activations of %zu texts", t->capacity);
    carver = (struct carver){.memory = t->memory};
    carve_all(t, &carver);
    return load_weights(t, error);
}

int clip_text_new(struct backend *backend, const struct model_directory *directory,
                  size_t texts, struct clip_text **text, struct error *error) {
    struct clip_text *t = array_new(1, sizeof *t);
    if (!t)
        return error_memory(error);
    t->backend = backend;
    t->directory = directory;
    t->capacity = texts;
    if (fill(t, error)) {
        clip_text_free(t);
        return -1;
    }
    *text = t;
    return 0;
}

void clip_text_free(struct clip_text *t) {
    if (!t)
        return;
    t->backend->release(t->backend, t->weights);
    t->backend->release(t->backend, t->memory);
    layout_free(t->layout);
    free(t->positions);
    free(t->tokens);
    free(t->ends);
    free(t);
}

const struct model_config *clip_text_config(const struct clip_text *text) {
    return &text->layout->config;
}

double clip_text_scale(const struct clip_text *text) {
    return text->scale;
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
                             "the tokenizer makes the token %d, the text side's "
                             "vocabulary has %zu",
                             ids[i], m->vocabulary);
        if (m->end == MODEL_LEGACY_END ? *end == SIZE_MAX || ids[i] > ids[*end]
                                       : *end == SIZE_MAX && ids[i] == m->end)
            *end = i;
    }
    if (*end == SIZE_MAX)
        return error_set(error,
                         "the tokenizer ends a text by another token than %d, which is "
                         "eos_token_id of config.json's text_config",
                         m->end);
    return 0;
}

/* out [width] = the token's embedding plus the position's. */
static int embed_token(const struct clip_text *t, int32_t id, size_t position,
                       float *out, struct error *error) {
    size_t width = t->layout->config.width,
           row = width * dtype_size(t->embedding->dtype);
    struct tensor one = *t->embedding;
    one.rank = 1;
    one.shape[0] = one.count = width;
    one.bytes = row;
    one.data = (const char *)t->embedding->data + (size_t)id * row;
    if (tensor_to_f32(&one, model_directory_path(t->directory), out, error))
        return -1;
    for (size_t i = 0; i < width; i++)
        out[i] += t->positions[position * width + i];
    return 0;
}

/* Fills ends and tokens; *rows: positions of each text that are computed. What comes
 * after the last row that is read cannot change it: attention is causal. */
static int gather(struct clip_text *t, const int32_t *ids, size_t count, size_t *rows,
                  struct error *error) {
    const struct model_config *m = &t->layout->config;
    *rows = 1;
    for (size_t i = 0; i < count; i++) {
        size_t end;
        if (find_end(m, ids + i * m->context, &end, error))
            return error_prefix(error, "%s", model_directory_path(t->directory));
        t->ends[i] = (int32_t)end;
        if (end + 1 > *rows)
            *rows = end + 1;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < *rows; j++)
            if (embed_token(t, ids[i * m->context + j], j,
                            t->tokens + (i * *rows + j) * m->width, error))
                return -1;
        t->ends[i] += (int32_t)(i * *rows);
    }
    return 0;
}

int clip_text_embed(struct clip_text *t, const int32_t *ids, size_t count,
                    float *embeddings, struct error *error) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t rows, w = m->width;
    if (gather(t, ids, count, &rows, error))
        return -1;
    b->upload_real(b, t->block.input, t->tokens, count * rows * w);
    b->upload(b, t->end_rows, t->ends, count * sizeof *t->ends);
    struct block_shape shape = shape_of(t, count, rows);
    for (size_t i = 0; i < m->layers; i++)
        block_forward(b, &shape, &l->blocks[i], t->weights, &t->block, t->block.input);
    b->gather_rows(b, t->last, t->block.input, t->end_rows, count, w);
    b->layer_norm(b, t->normed, t->mean, t->rstd, t->last,
                  backend_at(b, t->weights, l->post_gamma),
                  backend_at(b, t->weights, l->post_beta), count, w, m->epsilon);
    b->matmul(b, &(struct matmul){.m = count,
                                  .n = m->projection,
                                  .k = w,
                                  .a = t->normed,
                                  .lda = w,
                                  .b = backend_at(b, t->weights, l->projection),
                                  .ldb = w,
                                  .transpose_b = true,
                                  .c = t->features,
                                  .ldc = m->projection});
    return b->download_real(b, embeddings, t->features, count * m->projection, error);
}
