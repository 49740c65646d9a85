#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/block.h"
#include "model/features.h"
#include "model/transformer.h"
#include "model/transformer_state.h"

/* The shape of a block over so many images. */
static struct block_shape shape_of(const struct transformer *t, size_t images) {
    const struct model_config *m = &t->layout->config;
    return (struct block_shape){.batch = images,
                                .tokens = t->rows,
                                .width = m->width,
                                .heads = m->heads,
                                .mlp_width = m->mlp_width,
                                .epsilon = m->epsilon,
                                .activation = m->activation,
                                .causal = m->kind == MODEL_GPT2,
                                .conv1d = m->conv1d,
                                .fp8 = t->fp8};
}

/* The rows (B) that the post norm reads. */
const int32_t *transformer_read_rows(const struct transformer *t) {
    return t->layout->config.kind == MODEL_GPT2 ? t->text.read : t->class_rows;
}

static void carve_all(struct transformer *t, struct carver *c) {
    const struct model_config *m = &t->layout->config;
    size_t r = t->backend->real_size, b = t->capacity, w = m->width;
    size_t n = b * t->most;
    if (m->kind != MODEL_GPT2) {
        size_t patches = b * model_config_patches(m);
        t->columns = carve(c, patches * m->channels * m->patch_size * m->patch_size, r);
        t->embedded = carve(c, patches * w, r);
    }
    if (m->pre_norm) {
        t->sum = carve(c, n * w, r);
        t->pre_mean = carve(c, n, sizeof(float));
        t->pre_rstd = carve(c, n, sizeof(float));
    }
    struct block_shape shape = shape_of(t, b);
    for (size_t i = 0; i < m->layers; i++) {
        if (t->training || i == 0)
            block_carve(c, t->backend, &shape, t->training, &t->blocks[i]);
        else
            t->blocks[i] = t->blocks[0];
    }
    t->stream = t->training ? carve(c, n * w, r) : t->blocks[0].input;
    t->class_rows = carve(c, b, sizeof(int32_t));
    t->mixed = carve(c, b * w, r);
    t->classes = carve(c, b * w, r);
    t->normed = carve(c, b * w, r);
    t->post_mean = carve(c, b, sizeof(float));
    t->post_rstd = carve(c, b, sizeof(float));
    t->features = m->projection ? carve(c, b * m->projection, r) : t->normed;
    if (t->training) {
        size_t wide = m->mlp_width > 3 * w ? m->mlp_width : 3 * w;
        t->dstream = carve(c, n * w, r);
        t->dwide = carve(c, n * wide, r);
        t->dnarrow = carve(c, n * w, r);
        t->dclasses = carve(c, b * w, r);
        t->dnormed = carve(c, b * w, r);
    }
}

/* Room for `examples` of `tokens` rows. */
static int make(struct backend *backend, const struct layout *layout, size_t examples,
                size_t tokens, bool training, struct transformer **transformer,
                struct error *error) {
    struct transformer *t = array_new(1, sizeof *t);
    int32_t *rows = array_new(examples, sizeof *rows);
    struct carver carver = {0};
    if (!t || !rows)
        goto memory;
    t->backend = backend;
    t->layout = layout;
    t->capacity = examples;
    t->most = t->rows = tokens;
    t->training = training;
    t->blocks = array_new(layout->config.layers, sizeof *t->blocks);
    if (!t->blocks)
        goto memory;
    carve_all(t, &carver);
    if (carver.overflow)
        goto memory;
    if (backend->allocate(backend, carver.used, &t->memory, error)) {
        error_prefix(error, "activations of %zu %s (use a smaller batch)", examples,
                     model_config_is_text(&layout->config) ? "texts" : "images");
        goto failed;
    }
    carver = (struct carver){.memory = t->memory};
    carve_all(t, &carver);
    for (size_t i = 0; i < examples; i++)
        rows[i] = (int32_t)(i * tokens);
    backend->upload(backend, t->class_rows, rows, examples * sizeof *rows);
    free(rows);
    *transformer = t;
    return 0;
memory:
    error_memory(error);
failed:
    free(rows);
    transformer_free(t);
    return -1;
}

int transformer_new(struct backend *backend, const struct layout *layout,
                    const struct preprocess *preprocess, size_t images, bool training,
                    struct transformer **transformer, struct error *error) {
    if (make(backend, layout, images, model_config_tokens(&layout->config), training,
             transformer, error))
        return -1;
    struct transformer *t = *transformer;
    memcpy(t->scale, preprocess->scale, sizeof t->scale);
    memcpy(t->shift, preprocess->shift, sizeof t->shift);
    return 0;
}

int transformer_new_text(struct backend *backend, const struct layout *layout,
                         size_t texts, size_t tokens, bool training,
                         struct transformer **transformer, struct error *error) {
    return make(backend, layout, texts, tokens, training, transformer, error);
}

void transformer_free(struct transformer *t) {
    if (!t)
        return;
    if (t->memory)
        t->backend->release(t->backend, t->memory);
    free(t->blocks);
    free(t);
}

const struct block_activations *transformer_block(const struct transformer *t,
                                                  size_t block) {
    return &t->blocks[block];
}

real *transformer_tokens(struct transformer *t) {
    return t->blocks[0].input;
}

void transformer_follow(struct transformer *t, const unsigned *ready) {
    t->ready = ready;
}

/* Part 0 lies before the blocks. */
static void await(struct transformer *t, size_t part) {
    if (t->ready && t->ready[part] > 0)
        t->backend->join(t->backend, t->ready[part]);
}

void transformer_embed(struct transformer *t, const real *weights,
                       const uint8_t *pixels, size_t images) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t patches = model_config_patches(m), w = m->width;
    size_t column = m->channels * m->patch_size * m->patch_size;
    t->images = images;
    await(t, 0);
    b->patches(b, t->columns, pixels, images, m->channels, m->image_size, m->patch_size,
               t->scale, t->shift);
    b->matmul(b, &(struct matmul){.m = images * patches,
                                  .n = w,
                                  .k = column,
                                  .a = t->columns,
                                  .lda = column,
                                  .b = backend_at(b, weights, l->patch_weight),
                                  .ldb = column,
                                  .transpose_b = true,
                                  .bias = m->patch_bias
                                              ? backend_at(b, weights, l->patch_bias)
                                              : NULL,
                                  .c = t->embedded,
                                  .ldc = w});
    real *tokens = transformer_tokens(t);
    b->assemble_tokens(b, m->pre_norm ? t->sum : tokens, t->embedded,
                       backend_at(b, weights, l->class_vector),
                       backend_at(b, weights, l->position), images, patches, w);
    if (m->pre_norm)
        b->layer_norm(b, tokens, t->pre_mean, t->pre_rstd, t->sum,
                      backend_at(b, weights, l->pre_gamma),
                      backend_at(b, weights, l->pre_beta), images * (patches + 1), w,
                      m->epsilon);
}

void transformer_embed_text(struct transformer *t, const real *weights,
                            const struct text_batch *batch) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    t->text = *batch;
    t->images = batch->texts;
    t->rows = batch->tokens;
    await(t, 0);
    b->embed_tokens(b, transformer_tokens(t), backend_at(b, weights, l->tokens),
                    backend_at(b, weights, l->position), batch->ids, batch->texts,
                    batch->tokens, l->config.width);
}

void transformer_all_rows(struct transformer *t) {
    t->all_rows = true;
}

void transformer_in_fp8(struct transformer *t) {
    t->fp8 = true;
}

/* The head reads one row an example: of the last block's output, of its MLP and of
 * attention's output product no other is computed. Its keys and values are of all rows.
 */
static void last_block(struct transformer *t, const real *weights,
                       const struct block_shape *shape) {
    struct backend *b = t->backend;
    size_t last = t->layout->config.layers - 1, w = shape->width;
    const int32_t *read = transformer_read_rows(t);
    struct block_activations a = t->blocks[last];
    struct block_shape one = *shape;
    one.tokens = 1;
    await(t, 1 + last);
    if (!t->training)
        a.middle = t->classes; /* else it is the input, whose rows go there */
    block_attention(b, shape, &t->layout->blocks[last], weights, &a);
    b->gather_rows(b, t->mixed, a.mixed, read, shape->batch, w);
    b->gather_rows(b, a.middle, a.input, read, shape->batch, w);
    block_rest(b, &one, &t->layout->blocks[last], weights, &a, a.middle, t->mixed,
               t->classes);
}

const real *transformer_run(struct transformer *t, const real *weights, size_t images) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t w = m->width;
    t->images = images;
    struct block_shape shape = shape_of(t, images);
    t->narrow = !t->all_rows;
    for (size_t i = 0; i + t->narrow < m->layers; i++) {
        await(t, 1 + i);
        block_forward(b, &shape, &l->blocks[i], weights, &t->blocks[i],
                      i + 1 < m->layers ? t->blocks[i + 1].input : t->stream);
    }
    if (t->narrow)
        last_block(t, weights, &shape);
    else
        b->gather_rows(b, t->classes, t->stream, transformer_read_rows(t), images, w);
    await(t, 1 + m->layers);
    features_forward(b, l, weights, t->classes, images,
                     &(struct features){t->normed, t->post_mean, t->post_rstd,
                                        .projected = t->features});
    return t->features;
}

static size_t greatest(const size_t *sizes, size_t count) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = sizes[i] > most ? sizes[i] : most;
    return most;
}

size_t transformer_largest_vector(const struct layout *layout) {
    const struct model_config *m = &layout->config;
    size_t w = m->width;
    const size_t regions[] = {w * model_config_tokens(m), 3 * w, m->mlp_width,
                              2 * w + LAYOUT_ALIGN};
    return greatest(regions, sizeof regions / sizeof *regions);
}

size_t transformer_largest_region(const struct layout *layout) {
    const struct model_config *m = &layout->config;
    size_t w = m->width;
    const size_t regions[] = {w * m->mlp_width, 3 * w * w,
                              w * m->channels * m->patch_size * m->patch_size,
                              w * m->projection, transformer_largest_vector(layout)};
    return greatest(regions, sizeof regions / sizeof *regions);
}
