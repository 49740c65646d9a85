#include "model/block.h"
#include "model/transformer.h"
#include "model/transformer_state.h"

/* What every step needs.
 *
 * Gradients of parameters go beside the gradients of activations (backend.h: aside), so
 * that before one of the three buffers is written again those that read it are waited
 * for: the number of the last of them is kept. */
struct backward {
    struct transformer *t;
    const real *weights;
    const size_t *group_images;
    size_t groups;
    bool alike; /* the groups have the same number of images */
    struct gradient_sink *sink;
    bool beside;                                  /* gradients are to go so */
    unsigned stream_read, wide_read, narrow_read; /* 0: by none */
    unsigned last;                                /* of all that went beside */
};

static void aside(const struct backward *back) {
    if (back->beside)
        back->t->backend->aside(back->t->backend);
}

static unsigned back_again(struct backward *back) {
    if (back->beside)
        back->last = back->t->backend->back(back->t->backend);
    return back->last;
}

/* What is called from now on may write what those read. */
static void join(const struct backward *back, unsigned *read) {
    struct backend *b = back->t->backend;
    if (*read > 0)
        b->join(b, *read);
    *read = 0;
}

/* Groups of `count` rows each, after the first `first`; the gradients are `apart`
 * elements apart. */
struct row_groups {
    size_t first, count, groups, apart;
    size_t group; /* the first of them */
};

/* Adds up a region's gradient over the rows of each group of a run, into place; what is
 * the step's own. */
typedef void add_groups(const struct backward *back, const void *what, float *place,
                        const struct row_groups *run);

/* The gradient of a region of `size` elements, of all groups at once where they are
 * alike; an image has so many rows. False where it is not wanted. */
static bool each_group(const struct backward *back, size_t offset, size_t size,
                       size_t rows, add_groups *add, const void *what) {
    struct gradient_sink *sink = back->sink;
    size_t first = 0, stride = 0, at_once = back->alike ? back->groups : 1;
    float *place = sink->place(sink->self, offset, size, &stride);
    if (!place)
        return false;
    for (size_t g = 0; g < back->groups; g += at_once) {
        struct row_groups run = {first, back->group_images[g] * rows, at_once, stride,
                                 g};
        add(back, what, place + g * stride, &run);
        first += run.count;
    }
    if (sink->ready)
        sink->ready(sink->self, offset, size);
    return true;
}

struct weight_product { /* left^T right, (m, n), of (rows, m) and (rows, n) */
    const real *left, *right;
    size_t m, n;
    float *sums; /* of left's rows or right's, as in struct matmul; NULL: not here */
    bool sums_of_right;
    size_t sums_apart;
};

static void add_product(const struct backward *back, const void *what, float *place,
                        const struct row_groups *run) {
    const struct weight_product *p = what;
    struct backend *b = back->t->backend;
    b->matmul(b, &(struct matmul){.m = p->m,
                                  .n = p->n,
                                  .k = run->count,
                                  .a = backend_at(b, p->left, run->first * p->m),
                                  .lda = p->m,
                                  .transpose_a = true,
                                  .b = backend_at(b, p->right, run->first * p->n),
                                  .ldb = p->n,
                                  .c = place,
                                  .ldc = p->n,
                                  .c_is_f32 = true,
                                  .accumulate = back->sink->accumulate,
                                  .batch = run->groups,
                                  .a_apart = run->count * p->m,
                                  .b_apart = run->count * p->n,
                                  .c_apart = run->apart,
                                  .sums = p->sums ? p->sums + run->group * p->sums_apart
                                                  : NULL,
                                  .sums_of_b = p->sums_of_right,
                                  .sums_apart = p->sums_apart});
}

/* Zeros at `offset` of every group's gradient, which is not added to. */
static void put_zeros(const struct backward *back, float *place,
                      const struct row_groups *run, size_t offset, size_t count) {
    struct backend *b = back->t->backend;
    for (size_t g = 0; g < run->groups && !back->sink->accumulate && count > 0; g++)
        b->zero(b, place + g * run->apart + offset, count * sizeof *place);
}

struct sums { /* of the first columns of (rows, width); the region's rest is 0 */
    const real *dy;
    size_t columns, width, rest;
};

static void add_sums(const struct backward *back, const void *what, float *place,
                     const struct row_groups *run) {
    const struct sums *s = what;
    struct backend *b = back->t->backend;
    put_zeros(back, place, run, s->columns, s->rest);
    b->column_sums(b, place, run->apart, backend_at(b, s->dy, run->first * s->width),
                   run->groups, run->count, s->columns, s->width,
                   back->sink->accumulate);
}

/* Gradient of weight (outputs, inputs) and bias (outputs) of y = x weight^T + bias,
 * from dy (rows, outputs) and x (rows, inputs), `rows` of them an image. bias may
 * be SIZE_MAX. The weight's is dy^T x, or x^T dy where weights are stored the other way
 * round. Returns its number among what goes beside. */
static unsigned linear_gradient(struct backward *back, const real *dy, const real *x,
                                size_t weight, size_t bias, size_t outputs,
                                size_t inputs, size_t rows) {
    struct backend *b = back->t->backend;
    struct gradient_sink *sink = back->sink;
    struct weight_product product = {.left = dy, .right = x, .m = outputs, .n = inputs};
    if (back->t->layout->config.conv1d)
        product = (struct weight_product){
            .left = x, .right = dy, .m = inputs, .n = outputs, .sums_of_right = true};
    bool together =
        sink->together && !sink->squares && !sink->product && bias != SIZE_MAX;
    aside(back);
    if (together)
        product.sums = sink->place(sink->self, bias, outputs, &product.sums_apart);
    if (sink->product)
        sink->product(sink->self,
                      &(struct gradient_product){.offset = weight,
                                                 .left = product.left,
                                                 .right = product.right,
                                                 .m = product.m,
                                                 .n = product.n,
                                                 .rows = rows,
                                                 .group_images = back->group_images,
                                                 .groups = back->groups});
    else if (sink->squares)
        b->add_squared_products(b, sink->squares + weight, product.left, product.right,
                                sink->squares_scale, back->groups, rows, product.m,
                                product.n);
    else if (!each_group(back, weight, outputs * inputs, rows, add_product, &product))
        product.sums = NULL;
    if (product.sums && sink->ready)
        sink->ready(sink->self, bias, outputs);
    if (bias != SIZE_MAX && !product.sums)
        each_group(back, bias, outputs, rows, add_sums,
                   &(struct sums){dy, outputs, outputs, 0});
    return back_again(back);
}

struct norm {
    const real *dy, *x;
    const float *mean, *rstd;
    size_t span, beta; /* gamma's and beta's region, and where beta begins in it */
};

static void add_norm(const struct backward *back, const void *what, float *place,
                     const struct row_groups *run) {
    const struct norm *n = what;
    struct backend *b = back->t->backend;
    size_t w = back->t->layout->config.width, first = run->first;
    put_zeros(back, place, run, w, n->span - 2 * w); /* the padding between the two */
    b->layer_norm_gradient(
        b, place, place + n->beta, run->apart, backend_at(b, n->dy, first * w),
        backend_at(b, n->x, first * w), n->mean + first, n->rstd + first, run->groups,
        run->count, w, back->sink->accumulate);
}

/* Gradient of a layer norm's gamma and beta, which lie side by side and are one
 * region. Returns its number among what goes beside. */
static unsigned norm_gradient(struct backward *back, const real *dy, const real *x,
                              const float *mean, const float *rstd, size_t gamma,
                              size_t beta, size_t rows) {
    size_t span = beta + back->t->layout->config.width - gamma;
    aside(back);
    each_group(back, gamma, span, rows, add_norm,
               &(struct norm){dy, x, mean, rstd, span, beta - gamma});
    return back_again(back);
}

/* dx (n, inputs) = dy (n, outputs) weight, weight (outputs, inputs) or stored the other
 * way round. */
static void linear_backward(const struct backward *back, real *dx, const real *dy,
                            size_t weight, size_t n, size_t outputs, size_t inputs) {
    struct backend *b = back->t->backend;
    bool conv1d = back->t->layout->config.conv1d;
    b->matmul(b, &(struct matmul){.m = n,
                                  .n = inputs,
                                  .k = outputs,
                                  .a = dy,
                                  .lda = outputs,
                                  .b = backend_at(b, back->weights, weight),
                                  .ldb = conv1d ? outputs : inputs,
                                  .transpose_b = conv1d,
                                  .c = dx,
                                  .ldc = inputs});
}

/* Through the block's second half. stream, the gradient of its output, becomes that of
 * what attention was added to; dmixed receives that of attention's output, mixed. All
 * of them have `rows` rows an example. Returns false where nothing further down is
 * wanted. */
static bool rest_backward(struct backward *back, size_t block, real *stream,
                          real *dmixed, const real *mixed, size_t rows) {
    struct transformer *t = back->t;
    struct backend *b = t->backend;
    const struct model_config *m = &t->layout->config;
    const struct block_offsets *o = &t->layout->blocks[block];
    const struct block_activations *a = &t->blocks[block];
    size_t n = t->images * rows, w = m->width;
    size_t f = m->mlp_width, lowest = back->sink->lowest;

    back->stream_read =
        linear_gradient(back, stream, a->after, o->fc2_weight, o->fc2_bias, w, f, rows);
    join(back, &back->wide_read);
    linear_backward(back, t->dwide, stream, o->fc2_weight, n, w, f);
    b->activation_backward(b, t->dwide, t->dwide, a->before, n * f, m->activation);
    back->wide_read = linear_gradient(back, t->dwide, a->norm2, o->fc1_weight,
                                      o->fc1_bias, f, w, rows);
    if (lowest >= o->fc1_weight)
        return false;
    join(back, &back->narrow_read);
    linear_backward(back, dmixed, t->dwide, o->fc1_weight, n, f, w);
    back->narrow_read = norm_gradient(back, dmixed, a->middle, a->mean2, a->rstd2,
                                      o->norm2_gamma, o->norm2_beta, rows);
    if (lowest >= o->norm2_gamma)
        return false;
    join(back, &back->stream_read);
    b->layer_norm_backward(b, stream, dmixed, a->middle, a->mean2, a->rstd2,
                           backend_at(b, back->weights, o->norm2_gamma), n, w);
    back->stream_read =
        linear_gradient(back, stream, mixed, o->out_weight, o->out_bias, w, w, rows);
    join(back, &back->narrow_read);
    linear_backward(back, dmixed, stream, o->out_weight, n, w, w);
    return true;
}

/* to (n, W): the rows that are read from `from` (B, W), 0 elsewhere. */
static void spread(const struct transformer *t, real *to, const real *from) {
    struct backend *b = t->backend;
    size_t w = t->layout->config.width;
    b->zero(b, to, t->images * t->rows * w * b->real_size);
    b->scatter_rows(b, to, from, transformer_read_rows(t), t->images, w);
}

/* dstream is the gradient of the block's output and becomes that of its input; of the
 * last block, where it was narrow, dclasses is that of the rows that are read. Returns
 * false where nothing further down is wanted. */
static bool block_backward(struct backward *back, size_t block) {
    struct transformer *t = back->t;
    struct backend *b = t->backend;
    const struct model_config *m = &t->layout->config;
    const struct block_offsets *o = &t->layout->blocks[block];
    const struct block_activations *a = &t->blocks[block];
    size_t rows = t->rows, n = t->images * rows, w = m->width;
    size_t lowest = back->sink->lowest;
    struct attention_shape shape = {.batch = t->images,
                                    .tokens = rows,
                                    .heads = m->heads,
                                    .head_width = w / m->heads,
                                    .causal = m->kind == MODEL_GPT2};

    if (t->narrow && block + 1 == m->layers) {
        if (!rest_backward(back, block, t->dclasses, t->dnormed, t->mixed, 1))
            return false;
        spread(t, t->dstream, t->dclasses);
        spread(t, t->dnarrow, t->dnormed);
    } else if (!rest_backward(back, block, t->dstream, t->dnarrow, a->mixed, rows)) {
        return false;
    }
    join(back, &back->wide_read);
    b->attention_backward(b, t->dwide, t->dnarrow, a->mixed, a->log_sums, a->qkv,
                          &shape);
    back->wide_read =
        linear_gradient(back, t->dwide, a->norm1, o->qkv_weight,
                        m->qkv_bias ? o->qkv_bias : SIZE_MAX, 3 * w, w, rows);
    if (lowest >= o->qkv_weight)
        return false;
    linear_backward(back, t->dnarrow, t->dwide, o->qkv_weight, n, 3 * w, w);
    back->narrow_read = norm_gradient(back, t->dnarrow, a->input, a->mean1, a->rstd1,
                                      o->norm1_gamma, o->norm1_beta, rows);
    if (lowest >= o->norm1_gamma)
        return false;
    join(back, &back->stream_read);
    b->layer_norm_backward(b, t->dstream, t->dnarrow, a->input, a->mean1, a->rstd1,
                           backend_at(b, back->weights, o->norm1_gamma), n, w);
    return true;
}

/* Class vector and positions: sums over images of the gradient of their sum. */
static void embedding_gradient(const struct backward *back, const real *dtokens) {
    const struct layout *l = back->t->layout;
    size_t w = l->config.width, wide = w * model_config_tokens(&l->config);
    each_group(back, l->class_vector, w, 1, add_sums,
               &(struct sums){dtokens, w, wide, 0});
    each_group(back, l->position, wide, 1, add_sums,
               &(struct sums){dtokens, wide, wide, 0});
}

static void stem_backward(struct backward *back) {
    struct transformer *t = back->t;
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t patches = model_config_patches(m), w = m->width;
    size_t n = t->images * (patches + 1);
    real *dtokens = t->dstream;
    if (m->pre_norm) {
        norm_gradient(back, t->dstream, t->sum, t->pre_mean, t->pre_rstd, l->pre_gamma,
                      l->pre_beta, patches + 1);
        b->zero(b, t->dnarrow, n * w * b->real_size);
        b->layer_norm_backward(b, t->dnarrow, t->dstream, t->sum, t->pre_mean,
                               t->pre_rstd, backend_at(b, back->weights, l->pre_gamma),
                               n, w);
        dtokens = t->dnarrow;
    }
    b->assemble_tokens_backward(b, t->dwide, dtokens, t->images, patches, w);
    linear_gradient(back, t->dwide, t->columns, l->patch_weight,
                    m->patch_bias ? l->patch_bias : SIZE_MAX, w,
                    m->channels * m->patch_size * m->patch_size, patches);
    embedding_gradient(back, dtokens);
}

static void add_tokens(const struct backward *back, const void *what, float *place,
                       const struct row_groups *run) {
    const struct transformer *t = back->t;
    struct backend *b = t->backend;
    const size_t *table = what, w = t->layout->config.width;
    put_zeros(back, place, run, 0, *table);
    for (size_t g = 0; g < run->groups; g++) {
        size_t first = run->first + g * run->count;
        b->embedding_gradient(b, place + g * run->apart,
                              backend_at(b, t->dstream, first * w), t->text.ids + first,
                              1, run->count, w, false, 1);
    }
}

/* Positions: sums over texts, 0 past the longest. Tokens: each row to its token. */
static void text_backward(const struct backward *back) {
    struct transformer *t = back->t;
    struct backend *b = t->backend;
    struct gradient_sink *sink = back->sink;
    const struct layout *l = t->layout;
    size_t w = l->config.width, wide = w * t->rows;
    size_t positions = w * l->config.context, table = w * l->config.vocabulary;
    each_group(back, l->position, positions, 1, add_sums,
               &(struct sums){t->dstream, wide, wide, positions - wide});
    if (sink->squares)
        b->embedding_gradient(b, sink->squares + l->tokens, t->dstream, t->text.ids,
                              back->groups, t->rows, w, true, sink->squares_scale);
    else
        each_group(back, l->tokens, table, t->rows, add_tokens, &table);
}

static void passed(const struct backward *back, size_t offset) {
    if (back->sink->passed)
        back->sink->passed(back->sink->self, offset);
}

/* From the features down to where nothing further is wanted. */
static void features_backward(struct backward *back, const real *dfeatures) {
    struct transformer *t = back->t;
    struct backend *b = t->backend;
    const struct layout *l = t->layout;
    const struct model_config *m = &l->config;
    size_t w = m->width;
    const real *dnormed = dfeatures;
    if (m->projection) {
        linear_gradient(back, dfeatures, t->normed, l->projection, SIZE_MAX,
                        m->projection, w, 1);
        linear_backward(back, t->dnormed, dfeatures, l->projection, t->images,
                        m->projection, w);
        dnormed = t->dnormed;
    }
    back->narrow_read = norm_gradient(back, dnormed, t->classes, t->post_mean,
                                      t->post_rstd, l->post_gamma, l->post_beta, 1);
    b->zero(b, t->dclasses, t->images * w * b->real_size);
    b->layer_norm_backward(b, t->dclasses, dnormed, t->classes, t->post_mean,
                           t->post_rstd, backend_at(b, back->weights, l->post_gamma),
                           t->images, w);
    if (!t->narrow)
        spread(t, t->dstream, t->dclasses);
    for (size_t i = m->layers; i-- > 0;) {
        if (!block_backward(back, i))
            return;
        passed(back, l->blocks[i].norm1_gamma);
    }
    if (back->sink->lowest >= l->blocks[0].norm1_gamma)
        return;
    join(back, &back->last);
    back->beside = false;
    if (m->kind == MODEL_GPT2)
        text_backward(back);
    else
        stem_backward(back);
}

void transformer_backward(struct transformer *t, const real *weights,
                          const real *dfeatures, const size_t *group_images,
                          size_t groups, struct gradient_sink *sink) {
    struct backward back = {.t = t,
                            .weights = weights,
                            .group_images = group_images,
                            .groups = groups,
                            .alike = true,
                            .sink = sink,
                            .beside = t->backend->aside != NULL};
    for (size_t g = 1; g < groups; g++)
        back.alike = back.alike && group_images[g] == group_images[0];
    features_backward(&back, dfeatures);
    join(&back, &back.last);
    passed(&back, 0);
}
