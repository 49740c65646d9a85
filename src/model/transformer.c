#include "model/transformer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/block.h"

struct transformer {
    struct backend *backend;
    const struct layout *layout;
    size_t capacity, images;
    size_t most, rows; /* of an example: R, at most and of the batch at hand */
    bool training;
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
    real *classes, *normed; /* (B, W) rows that are read, around the post norm */
    float *post_mean, *post_rstd;
    real *features; /* (B, D) */

    /* The way back. */
    real *dstream, *dwide, *dnarrow; /* (n, W), (n, max(F, 3W)), (n, W) */
    real *dclasses, *dnormed;        /* (B, W) */
};

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
                                .conv1d = m->conv1d};
}

/* The rows (B) that the post norm reads. */
static const int32_t *read_rows(const struct transformer *t) {
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

void transformer_embed(struct transformer *t, const real *weights,
                       const uint8_t *pixels, size_t images) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t patches = model_config_patches(m), w = m->width;
    size_t column = m->channels * m->patch_size * m->patch_size;
    t->images = images;
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
    b->embed_tokens(b, transformer_tokens(t), backend_at(b, weights, l->tokens),
                    backend_at(b, weights, l->position), batch->ids, batch->texts,
                    batch->tokens, l->config.width);
}

const real *transformer_run(struct transformer *t, const real *weights, size_t images) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t w = m->width;
    t->images = images;
    struct block_shape shape = shape_of(t, images);
    for (size_t i = 0; i < m->layers; i++)
        block_forward(b, &shape, &l->blocks[i], weights, &t->blocks[i],
                      i + 1 < m->layers ? t->blocks[i + 1].input : t->stream);
    b->gather_rows(b, t->classes, t->stream, read_rows(t), images, w);
    b->layer_norm(b, t->normed, t->post_mean, t->post_rstd, t->classes,
                  backend_at(b, weights, l->post_gamma),
                  backend_at(b, weights, l->post_beta), images, w, m->epsilon);
    if (m->projection)
        b->matmul(b, &(struct matmul){.m = images,
                                      .n = m->projection,
                                      .k = w,
                                      .a = t->normed,
                                      .lda = w,
                                      .b = backend_at(b, weights, l->projection),
                                      .ldb = w,
                                      .transpose_b = true,
                                      .c = t->features,
                                      .ldc = m->projection});
    return t->features;
}

/* The way back: what every step needs. */
struct way_back {
    struct transformer *t;
    const real *weights;
    const size_t *group_images;
    size_t groups;
    struct gradient_sink *sink;
};

/* Gradient of weight (outputs, inputs) and bias (outputs) of y = x weight^T + bias,
 * from dy (rows, outputs) and x (rows, inputs), `rows` of them an image. bias may
 * be SIZE_MAX. The weight's is dy^T x, or x^T dy where weights are stored the other way
 * round. */
static void linear_gradient(const struct way_back *way, const real *dy, const real *x,
                            size_t weight, size_t bias, size_t outputs, size_t inputs,
                            size_t rows) {
    struct backend *b = way->t->backend;
    struct gradient_sink *sink = way->sink;
    bool conv1d = way->t->layout->config.conv1d;
    const real *left = conv1d ? x : dy, *right = conv1d ? dy : x;
    size_t m = conv1d ? inputs : outputs, n = conv1d ? outputs : inputs;
    size_t stride = 0, first = 0;
    float *place = NULL;
    if (sink->squares)
        b->add_squared_products(b, sink->squares + weight, left, right,
                                sink->squares_scale, way->groups, rows, m, n);
    else
        place = sink->place(sink->self, weight, outputs * inputs, &stride);
    for (size_t g = 0; place && g < way->groups; g++) {
        size_t count = way->group_images[g] * rows;
        b->matmul(b, &(struct matmul){.m = m,
                                      .n = n,
                                      .k = count,
                                      .a = backend_at(b, left, first * m),
                                      .lda = m,
                                      .transpose_a = true,
                                      .b = backend_at(b, right, first * n),
                                      .ldb = n,
                                      .c = place + g * stride,
                                      .ldc = n,
                                      .c_is_f32 = true,
                                      .accumulate = sink->accumulate});
        first += count;
    }
    if (place)
        sink->ready(sink->self, weight, outputs * inputs);
    if (bias == SIZE_MAX)
        return;
    place = sink->place(sink->self, bias, outputs, &stride);
    first = 0;
    for (size_t g = 0; place && g < way->groups; g++) {
        size_t count = way->group_images[g] * rows;
        b->column_sums(b, place + g * stride, backend_at(b, dy, first * outputs), count,
                       outputs, outputs, sink->accumulate);
        first += count;
    }
    if (place)
        sink->ready(sink->self, bias, outputs);
}

/* Gradient of a layer norm's gamma and beta. The two are one region each. */
static void norm_gradient(const struct way_back *way, const real *dy, const real *x,
                          const float *mean, const float *rstd, size_t gamma,
                          size_t beta, size_t rows) {
    struct backend *b = way->t->backend;
    struct gradient_sink *sink = way->sink;
    size_t w = way->t->layout->config.width, stride = 0;
    /* gamma and beta lie side by side, so that both fit one region. */
    size_t span = beta + w - gamma, first = 0;
    float *place = sink->place(sink->self, gamma, span, &stride);
    if (!place)
        return;
    for (size_t g = 0; g < way->groups; g++) {
        size_t count = way->group_images[g] * rows;
        float *at = place + g * stride;
        if (!sink->accumulate && span > 2 * w) /* the padding between the two */
            b->zero(b, at + w, (span - 2 * w) * sizeof *at);
        b->layer_norm_gradient(b, at, at + (beta - gamma), backend_at(b, dy, first * w),
                               backend_at(b, x, first * w), mean + first, rstd + first,
                               count, w, sink->accumulate);
        first += count;
    }
    sink->ready(sink->self, gamma, span);
}

/* dx (n, inputs) = dy (n, outputs) weight, weight (outputs, inputs) or stored the other
 * way round. */
static void linear_backward(const struct way_back *way, real *dx, const real *dy,
                            size_t weight, size_t n, size_t outputs, size_t inputs) {
    struct backend *b = way->t->backend;
    bool conv1d = way->t->layout->config.conv1d;
    b->matmul(b, &(struct matmul){.m = n,
                                  .n = inputs,
                                  .k = outputs,
                                  .a = dy,
                                  .lda = outputs,
                                  .b = backend_at(b, way->weights, weight),
                                  .ldb = conv1d ? outputs : inputs,
                                  .transpose_b = conv1d,
                                  .c = dx,
                                  .ldc = inputs});
}

/* dstream is the gradient of the block's output and becomes that of its input.
 * Returns false where nothing further down is wanted. */
static bool block_backward(const struct way_back *way, size_t block) {
    struct transformer *t = way->t;
    struct backend *b = t->backend;
    const struct model_config *m = &t->layout->config;
    const struct block_offsets *o = &t->layout->blocks[block];
    const struct block_activations *a = &t->blocks[block];
    size_t rows = t->rows, n = t->images * rows, w = m->width;
    size_t f = m->mlp_width, lowest = way->sink->lowest;
    struct attention_shape shape = {.batch = t->images,
                                    .tokens = rows,
                                    .heads = m->heads,
                                    .head_width = w / m->heads,
                                    .causal = m->kind == MODEL_GPT2};

    linear_gradient(way, t->dstream, a->after, o->fc2_weight, o->fc2_bias, w, f, rows);
    linear_backward(way, t->dwide, t->dstream, o->fc2_weight, n, w, f);
    b->activation_backward(b, t->dwide, t->dwide, a->before, n * f, m->activation);
    linear_gradient(way, t->dwide, a->norm2, o->fc1_weight, o->fc1_bias, f, w, rows);
    if (lowest >= o->fc1_weight)
        return false;
    linear_backward(way, t->dnarrow, t->dwide, o->fc1_weight, n, f, w);
    norm_gradient(way, t->dnarrow, a->middle, a->mean2, a->rstd2, o->norm2_gamma,
                  o->norm2_beta, rows);
    if (lowest >= o->norm2_gamma)
        return false;
    b->layer_norm_backward(b, t->dstream, t->dnarrow, a->middle, a->mean2, a->rstd2,
                           backend_at(b, way->weights, o->norm2_gamma), n, w);

    linear_gradient(way, t->dstream, a->mixed, o->out_weight, o->out_bias, w, w, rows);
    linear_backward(way, t->dnarrow, t->dstream, o->out_weight, n, w, w);
    b->attention_backward(b, t->dwide, t->dnarrow, a->mixed, a->log_sums, a->qkv,
                          &shape);
    linear_gradient(way, t->dwide, a->norm1, o->qkv_weight,
                    m->qkv_bias ? o->qkv_bias : SIZE_MAX, 3 * w, w, rows);
    if (lowest >= o->qkv_weight)
        return false;
    linear_backward(way, t->dnarrow, t->dwide, o->qkv_weight, n, 3 * w, w);
    norm_gradient(way, t->dnarrow, a->input, a->mean1, a->rstd1, o->norm1_gamma,
                  o->norm1_beta, rows);
    if (lowest >= o->norm1_gamma)
        return false;
    b->layer_norm_backward(b, t->dstream, t->dnarrow, a->input, a->mean1, a->rstd1,
                           backend_at(b, way->weights, o->norm1_gamma), n, w);
    return true;
}

/* Class vector and positions: sums over images of the gradient of their sum. */
static void embedding_gradient(const struct way_back *way, const real *dtokens) {
    struct transformer *t = way->t;
    struct backend *b = t->backend;
    struct gradient_sink *sink = way->sink;
    const struct layout *l = t->layout;
    size_t w = l->config.width, wide = w * model_config_tokens(&l->config);
    const size_t offsets[] = {l->class_vector, l->position}, counts[] = {w, wide};
    for (int i = 0; i < 2; i++) {
        size_t stride = 0, first = 0;
        float *place = sink->place(sink->self, offsets[i], counts[i], &stride);
        if (!place)
            continue;
        for (size_t g = 0; g < way->groups; g++) {
            b->column_sums(b, place + g * stride, backend_at(b, dtokens, first * wide),
                           way->group_images[g], counts[i], wide, sink->accumulate);
            first += way->group_images[g];
        }
        sink->ready(sink->self, offsets[i], counts[i]);
    }
}

static void stem_backward(const struct way_back *way) {
    struct transformer *t = way->t;
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t patches = model_config_patches(m), w = m->width;
    size_t n = t->images * (patches + 1);
    real *dtokens = t->dstream;
    if (m->pre_norm) {
        norm_gradient(way, t->dstream, t->sum, t->pre_mean, t->pre_rstd, l->pre_gamma,
                      l->pre_beta, patches + 1);
        b->zero(b, t->dnarrow, n * w * b->real_size);
        b->layer_norm_backward(b, t->dnarrow, t->dstream, t->sum, t->pre_mean,
                               t->pre_rstd, backend_at(b, way->weights, l->pre_gamma),
                               n, w);
        dtokens = t->dnarrow;
    }
    b->assemble_tokens_backward(b, t->dwide, dtokens, t->images, patches, w);
    linear_gradient(way, t->dwide, t->columns, l->patch_weight,
                    m->patch_bias ? l->patch_bias : SIZE_MAX, w,
                    m->channels * m->patch_size * m->patch_size, patches);
    embedding_gradient(way, dtokens);
}

/* Positions: sums over texts, 0 past the longest. Tokens: each row to its token. */
static void text_backward(const struct way_back *way) {
    struct transformer *t = way->t;
    struct backend *b = t->backend;
    struct gradient_sink *sink = way->sink;
    const struct layout *l = t->layout;
    size_t w = l->config.width, wide = w * t->rows, stride = 0, first = 0;
    size_t positions = w * l->config.context, table = w * l->config.vocabulary;
    float *place = sink->place(sink->self, l->position, positions, &stride);
    for (size_t g = 0; place && g < way->groups; g++) {
        if (!sink->accumulate)
            b->zero(b, place + g * stride, positions * sizeof *place);
        b->column_sums(b, place + g * stride, backend_at(b, t->dstream, first * wide),
                       way->group_images[g], wide, wide, sink->accumulate);
        first += way->group_images[g];
    }
    if (place)
        sink->ready(sink->self, l->position, positions);
    if (sink->squares) {
        b->embedding_gradient(b, sink->squares + l->tokens, t->dstream, t->text.ids,
                              way->groups, t->rows, w, true, sink->squares_scale);
        return;
    }
    place = sink->place(sink->self, l->tokens, table, &stride);
    first = 0;
    for (size_t g = 0; place && g < way->groups; g++) {
        if (!sink->accumulate)
            b->zero(b, place + g * stride, table * sizeof *place);
        b->embedding_gradient(b, place + g * stride,
                              backend_at(b, t->dstream, first * wide),
                              t->text.ids + first * t->rows, 1,
                              way->group_images[g] * t->rows, w, false, 1);
        first += way->group_images[g];
    }
    if (place)
        sink->ready(sink->self, l->tokens, table);
}

void transformer_backward(struct transformer *t, const real *weights,
                          const real *dfeatures, const size_t *group_images,
                          size_t groups, struct gradient_sink *sink) {
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t w = m->width, n = t->images * t->rows;
    struct way_back way = {.t = t,
                           .weights = weights,
                           .group_images = group_images,
                           .groups = groups,
                           .sink = sink};

    const real *dnormed = dfeatures;
    if (m->projection) {
        linear_gradient(&way, dfeatures, t->normed, l->projection, SIZE_MAX,
                        m->projection, w, 1);
        linear_backward(&way, t->dnormed, dfeatures, l->projection, t->images,
                        m->projection, w);
        dnormed = t->dnormed;
    }
    norm_gradient(&way, dnormed, t->classes, t->post_mean, t->post_rstd, l->post_gamma,
                  l->post_beta, 1);
    b->zero(b, t->dclasses, t->images * w * b->real_size);
    b->layer_norm_backward(b, t->dclasses, dnormed, t->classes, t->post_mean,
                           t->post_rstd, backend_at(b, weights, l->post_gamma),
                           t->images, w);
    b->zero(b, t->dstream, n * w * b->real_size);
    b->scatter_rows(b, t->dstream, t->dclasses, read_rows(t), t->images, w);
    for (size_t i = m->layers; i-- > 0;)
        if (!block_backward(&way, i))
            return;
    if (sink->lowest >= l->blocks[0].norm1_gamma)
        return;
    if (m->kind == MODEL_GPT2)
        text_backward(&way);
    else
        stem_backward(&way);
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
