/* RegMean as a method of the table (regmean.h has the arithmetic): the linear layers
 * of the blocks by regression on their inputs, everything else by the mean.
 *
 * The inner products of wide layers are large, so that a few blocks at a time are
 * gathered: all tasks' examples run once for each such part. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/examples.h"
#include "merge/layers.h"
#include "merge/method.h"
#include "merge/regmean.h"

enum {
    BATCH = 16,
    LAYERS = 4 /* of a block: queries-keys-values, output, fc1, fc2 */
};

/* What the blocks gathered at a time may take. */
static const size_t part_bytes = (size_t)1 << 30;

struct regmean_layer {
    size_t offset, inputs, outputs; /* of its weight in the arena */
    struct regmean *regmean;
    float *gram; /* (inputs, inputs) on the device */
};

struct regmean_session {
    const struct merge_input *input;
    struct backend *backend;
    const struct layout *layout;
    struct examples *examples;
    real *picked; /* (BATCH rows, widest inputs): rows that are no padding, of texts */
    size_t part;  /* blocks at a time */
    struct regmean_layer *layers; /* [part * LAYERS] */
    size_t rows;                  /* of inputs that were gathered of one task */
    float *host_gram, *vector;    /* of the largest layer */
    float *turned;                /* the same, the other way round (config.h: conv1d) */
    float *merged;                /* (size) */
};

static void layers_of(const struct regmean_session *s, size_t block,
                      struct regmean_layer layers[LAYERS]) {
    const struct model_config *c = &s->layout->config;
    const struct block_offsets *o = &s->layout->blocks[block];
    size_t w = c->width, f = c->mlp_width;
    layers[0] =
        (struct regmean_layer){.offset = o->qkv_weight, .inputs = w, .outputs = 3 * w};
    layers[1] =
        (struct regmean_layer){.offset = o->out_weight, .inputs = w, .outputs = w};
    layers[2] =
        (struct regmean_layer){.offset = o->fc1_weight, .inputs = w, .outputs = f};
    layers[3] =
        (struct regmean_layer){.offset = o->fc2_weight, .inputs = f, .outputs = w};
}

static size_t layer_bytes(const struct regmean_layer *l) {
    return 8 * l->inputs * (l->inputs + 2 * l->outputs) + 4 * l->inputs * l->inputs;
}

static int open_session(struct regmean_session *s, struct error *error) {
    struct regmean_layer layers[LAYERS];
    size_t block = 0, gram = 0, weight = 0, widest = 0;
    s->backend = s->input->pool->backend;
    s->layout = s->input->pool->layout;
    layers_of(s, 0, layers);
    for (int i = 0; i < LAYERS; i++) {
        const struct regmean_layer *l = &layers[i];
        block += layer_bytes(l);
        gram = l->inputs * l->inputs > gram ? l->inputs * l->inputs : gram;
        weight = l->inputs * l->outputs > weight ? l->inputs * l->outputs : weight;
        widest = l->inputs > widest ? l->inputs : widest;
    }
    s->part = part_bytes / block;
    if (s->part < 1)
        s->part = 1;
    if (s->part > s->layout->config.layers)
        s->part = s->layout->config.layers;
    s->layers = array_new(s->part * LAYERS, sizeof *s->layers);
    s->host_gram = array_new(gram, sizeof *s->host_gram);
    s->vector = array_new(weight, sizeof *s->vector);
    s->merged = array_new(s->layout->size, sizeof *s->merged);
    bool conv1d = s->layout->config.conv1d;
    if (conv1d)
        s->turned = array_new(weight, sizeof *s->turned);
    if (!s->layers || !s->host_gram || !s->vector || !s->merged ||
        (conv1d && !s->turned))
        return error_memory(error);
    if (examples_new(s->input, BATCH, &s->examples, error))
        return -1;
    transformer_all_rows(s->examples->transformer);
    if (!model_config_is_text(&s->layout->config))
        return 0;
    size_t rows = feed_rows_max(s->examples->feed), bytes;
    if (!size_multiply(rows * s->backend->real_size, widest, &bytes))
        return error_memory(error);
    return s->backend->allocate(s->backend, bytes, (void **)&s->picked, error);
}

static void close_layers(struct regmean_session *s) {
    for (size_t i = 0; s->layers && i < s->part * LAYERS; i++) {
        regmean_free(s->layers[i].regmean);
        s->backend->release(s->backend, s->layers[i].gram);
        s->layers[i] = (struct regmean_layer){0};
    }
}

static int open_layers(struct regmean_session *s, size_t first, size_t count,
                       struct error *error) {
    struct backend *b = s->backend;
    double ratio = merge_number(s->input, "ratio");
    for (size_t i = 0; i < count; i++) {
        layers_of(s, first + i, &s->layers[i * LAYERS]);
        for (size_t j = i * LAYERS; j < (i + 1) * LAYERS; j++) {
            struct regmean_layer *l = &s->layers[j];
            l->regmean = regmean_new(l->inputs, l->outputs, ratio, b->threads);
            if (!l->regmean)
                return error_memory(error);
            if (b->allocate(b, l->inputs * l->inputs * sizeof(float), (void **)&l->gram,
                            error))
                return -1;
        }
    }
    return 0;
}

/* gram += x^T x for one layer's inputs (rows, inputs), the rows that index picks where
 * there is one. */
static void add_inputs(struct regmean_session *s, const struct regmean_layer *l,
                       const real *x, const int32_t *index, size_t rows) {
    struct backend *b = s->backend;
    if (index) {
        b->gather_rows(b, s->picked, x, index, rows, l->inputs);
        x = s->picked;
    }
    b->matmul(b, &(struct matmul){.m = l->inputs,
                                  .n = l->inputs,
                                  .k = rows,
                                  .a = x,
                                  .lda = l->inputs,
                                  .transpose_a = true,
                                  .b = x,
                                  .ldb = l->inputs,
                                  .c = l->gram,
                                  .ldc = l->inputs,
                                  .c_is_f32 = true,
                                  .accumulate = true});
}

/* Equal weights are exactly 1 each. */
static double weight_of(const struct regmean_session *s, size_t task) {
    double tasks = (double)s->input->pool->tasks;
    double weight = s->input->preference[task] * tasks;
    return fabs(weight - 1) < 1e-12 ? 1 : weight;
}

static int gather(struct regmean_session *s, size_t task, size_t first, size_t count,
                  struct error *error) {
    struct backend *b = s->backend;
    struct examples *e = s->examples;
    if (examples_begin(e, task, (size_t)merge_number(s->input, "examples"), error))
        return -1;
    s->rows = 0;
    for (size_t j = 0; j < count * LAYERS; j++)
        b->zero(b, s->layers[j].gram,
                s->layers[j].inputs * s->layers[j].inputs * sizeof(float));
    for (size_t at = 0; at < e->count; at += BATCH) {
        size_t n = e->count - at < BATCH ? e->count - at : BATCH;
        if (work_stopped(s->input->work))
            return error_set(error, "stopped");
        examples_run(e, at, n, 1);
        size_t rows;
        const int32_t *index = feed_real_rows(e->feed, &rows);
        s->rows += rows;
        for (size_t i = 0; i < count; i++) {
            const struct block_activations *a =
                transformer_block(e->transformer, first + i);
            const struct regmean_layer *l = &s->layers[i * LAYERS];
            add_inputs(s, &l[0], a->norm1, index, rows);
            add_inputs(s, &l[1], a->mixed, index, rows);
            add_inputs(s, &l[2], a->norm2, index, rows);
            add_inputs(s, &l[3], a->after, index, rows);
        }
    }
    return b->synchronise(b, error);
}

/* to [columns, rows] = from [rows, columns] transposed. */
static void turn(float *to, const float *from, size_t rows, size_t columns) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

/* The gathered inner products of one task join the regression. */
static int join(struct regmean_session *s, size_t task, size_t count,
                struct error *error) {
    struct backend *b = s->backend;
    float rows = (float)s->rows;
    for (size_t j = 0; j < count * LAYERS; j++) {
        struct regmean_layer *l = &s->layers[j];
        size_t squared = l->inputs * l->inputs;
        if (b->download(b, s->host_gram, l->gram, squared * sizeof(float), error) ||
            pool_vector(s->input->pool, task, l->offset, l->inputs * l->outputs,
                        s->vector, error))
            return -1;
        for (size_t i = 0; i < squared; i++)
            s->host_gram[i] /= rows;
        if (s->turned)
            turn(s->turned, s->vector, l->inputs, l->outputs);
        if (regmean_join(l->regmean, s->host_gram, s->turned ? s->turned : s->vector,
                         weight_of(s, task), error))
            return -1;
    }
    return 0;
}

static int merge_part(struct regmean_session *s, size_t first, size_t count,
                      struct error *error) {
    size_t tasks = s->input->pool->tasks;
    if (open_layers(s, first, count, error))
        return -1;
    for (size_t t = 0; t < tasks; t++) {
        work_report(s->input->work, "RegMean", first * tasks + t * count,
                    s->layout->config.layers * tasks);
        if (gather(s, t, first, count, error) || join(s, t, count, error))
            return -1;
    }
    for (size_t j = 0; j < count * LAYERS; j++) {
        struct regmean_layer *l = &s->layers[j];
        float *merged = s->merged + l->offset;
        if (regmean_finish(l->regmean, s->turned ? s->turned : merged, error))
            return -1;
        if (s->turned)
            turn(merged, s->turned, l->outputs, l->inputs);
    }
    close_layers(s);
    return 0;
}

static int mean_of_vectors(struct regmean_session *s, struct error *error) {
    const struct pool *pool = s->input->pool;
    const float *vectors = NULL;
    if (!pool->factors && !(vectors = merge_host_vectors(s->input, error)))
        return -1;
    double weights[POOL_TASKS_MAX];
    for (size_t t = 0; t < pool->tasks; t++)
        weights[t] = weight_of(s, t);
    layers_mean(s->input, vectors, weights, 1 / (float)pool->tasks, s->merged);
    if (vectors)
        merge_host_free(s->input, vectors);
    return 0;
}

static int run_regmean(const struct merge_input *input, struct merge_result *result,
                       struct error *error) {
    struct regmean_session s = {.input = input};
    int status = open_session(&s, error);
    if (status == 0)
        status = mean_of_vectors(&s, error);
    size_t layers = s.layout->config.layers;
    for (size_t first = 0; status == 0 && first < layers; first += s.part)
        status = merge_part(&s, first,
                            layers - first < s.part ? layers - first : s.part, error);
    if (status == 0)
        status = merge_own_vector(input, s.merged, 1, result, error);
    close_layers(&s);
    s.backend->release(s.backend, s.picked);
    examples_free(s.examples);
    free(s.layers);
    free(s.host_gram);
    free(s.vector);
    free(s.turned);
    free(s.merged);
    return status;
}

static const struct merge_parameter parameters[] = {
    MERGE_EXAMPLES,
    {.name = "ratio",
     .initial = 0.95,
     .low = 0,
     .high = 1,
     .help = "what inner products off the diagonal are multiplied by"},
    {0}};

const struct merge_method merge_regmean = {
    .name = "regmean",
    .summary = "linear layers by regression on their inputs (Jin et al. 2023)",
    .needs_data = true,
    .takes_preference = true,
    .parameters = parameters,
    .run = run_regmean};
