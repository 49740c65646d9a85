/* Fisher merging as a method of the table (fisher.h has the arithmetic). A task's
 * diagonal is the mean over its examples of the expectation over labels of the squared
 * gradient of log p(label | example), both under the task's own expert. The pairs of
 * an example and one of its labels run side by side, as many as memory allows, each
 * with a gradient of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "merge/examples.h"
#include "merge/fisher.h"
#include "merge/method.h"

enum { BATCH_MAX = 64 }; /* more would leave the caches */

/* What the activations of a batch may take, where a single example does not take more.
 */
static const size_t activation_bytes = (size_t)1 << 29;

struct fisher_session {
    const struct merge_input *input;
    struct backend *backend;
    const struct layout *layout;
    struct examples *examples;
    struct head_bank *heads;
    struct random random;
    size_t batch;        /* pairs side by side */
    size_t labels;       /* of one example at most */
    size_t region_size;  /* elements of one pair's region */
    float *region;       /* (batch, region_size) on the device */
    float *fisher;       /* (size) on the device */
    real *dfeatures;     /* (batch, D) */
    int32_t *chosen;     /* (batch) on the device */
    float *loss, *scale; /* (batch) on the device */
    size_t running;      /* pairs of the batch at hand */
    float share;         /* of an example of the task at hand: 1 / examples */
    float *logits;       /* (batch, classes) on the host */
    float *host_fisher;  /* (size), or NULL where the device's can be read */
    float *numerator, *denominator; /* (size) */
    float *vector; /* (size) of one task, where the pool keeps factors; or NULL */
};

/* --- the sink: each pair's gradient squared, but for the weights of linear layers - */

static float *place_region(void *self, size_t offset, size_t count, size_t *stride) {
    struct fisher_session *s = self;
    (void)offset;
    (void)count;
    *stride = s->region_size;
    return s->region;
}

static void add_region(void *self, size_t offset, size_t count) {
    struct fisher_session *s = self;
    for (size_t i = 0; i < s->running; i++)
        s->backend->add_squares(s->backend, s->fisher + offset,
                                s->region + i * s->region_size, s->share, count);
}

/* --- labels ----------------------------------------------------------------------- */

/* Label number `slot` of `each` of an example, and the square root of its weight: all
 * labels by their probability, or `each` draws from it. */
static void choose_label(struct fisher_session *s, const float *logits, size_t classes,
                         size_t slot, size_t each, int32_t *label, float *root) {
    double most = logits[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
        most = logits[c] > most ? logits[c] : most;
    for (size_t c = 0; c < classes; c++)
        sum += exp(logits[c] - most);
    if (each == classes) {
        *label = (int32_t)slot;
        *root = (float)sqrt(exp(logits[slot] - most) / sum);
        return;
    }
    double left = random_uniform(&s->random) * sum;
    size_t c = 0;
    while (c + 1 < classes && (left -= exp(logits[c] - most)) >= 0)
        c++;
    *label = (int32_t)c;
    *root = (float)sqrt(1 / (double)each);
}

/* Pairs [first, first + running) of the task, an example's `each` labels together. */
static int add_pairs(struct fisher_session *s, size_t task, size_t first, size_t each,
                     struct error *error) {
    struct backend *b = s->backend;
    size_t n = s->running, classes = s->input->pool->heads[task].classes;
    int32_t labels[BATCH_MAX] = {0};
    float roots[BATCH_MAX];
    size_t images[BATCH_MAX];
    const real *features = examples_run(s->examples, first, n, each);
    b->upload(b, s->chosen, labels, n * sizeof *labels);
    head_bank_loss(s->heads, task, features, n, s->chosen, s->loss, NULL, NULL);
    if (b->download(b, s->logits, head_bank_logits(s->heads),
                    n * classes * sizeof *s->logits, error))
        return -1;
    for (size_t i = 0; i < n; i++) {
        choose_label(s, s->logits + i * classes, classes, (first + i) % each, each,
                     &labels[i], &roots[i]);
        images[i] = 1;
    }
    b->upload(b, s->chosen, labels, n * sizeof *labels);
    b->upload(b, s->scale, roots, n * sizeof *roots);
    head_bank_loss(s->heads, task, features, n, s->chosen, s->loss, s->scale,
                   s->dfeatures);
    struct gradient_sink sink = {.self = s,
                                 .place = place_region,
                                 .ready = add_region,
                                 .squares = s->fisher,
                                 .squares_scale = s->share};
    transformer_backward(s->examples->transformer, s->examples->weights, s->dfeatures,
                         images, n, &sink);
    return 0;
}

/* --- the whole -------------------------------------------------------------------- */

/* The device's diagonal on the host; NULL with an error. */
static const float *host_fisher(struct fisher_session *s, struct error *error) {
    struct backend *b = s->backend;
    if (!s->host_fisher)
        return b->synchronise(b, error) ? NULL : s->fisher;
    return b->download(b, s->host_fisher, s->fisher,
                       s->layout->size * sizeof *s->fisher, error)
               ? NULL
               : s->host_fisher;
}

/* The task's vector: of all of them, or made into s->vector. */
static const float *vector_of(struct fisher_session *s, size_t task,
                              const float *vectors, struct error *error) {
    size_t size = s->layout->size;
    if (vectors)
        return vectors + task * size;
    return pool_vector(s->input->pool, task, 0, size, s->vector, error) ? NULL
                                                                        : s->vector;
}

/* vectors: [tasks, size]; NULL where the pool keeps factors. */
static int add_task(struct fisher_session *s, size_t task, const float *vectors,
                    struct error *error) {
    const struct merge_input *input = s->input;
    struct backend *b = s->backend;
    size_t size = s->layout->size, classes = input->pool->heads[task].classes;
    size_t each = classes <= s->labels ? classes : s->labels;
    if (examples_begin(s->examples, task, (size_t)merge_number(input, "examples"),
                       error))
        return -1;
    size_t pairs = s->examples->count * each;
    s->share = 1 / (float)s->examples->count;
    b->zero(b, s->fisher, size * sizeof(float));
    for (size_t at = 0; at < pairs; at += s->running) {
        work_report(input->work, "Fisher information", task * pairs + at,
                    input->pool->tasks * pairs);
        if (work_stopped(input->work))
            return error_set(error, "stopped");
        s->running = pairs - at < s->batch ? pairs - at : s->batch;
        if (add_pairs(s, task, at, each, error))
            return -1;
    }
    const float *fisher = host_fisher(s, error);
    const float *vector = fisher ? vector_of(s, task, vectors, error) : NULL;
    if (!vector)
        return -1;
    fisher_join(s->numerator, s->denominator, fisher, vector, size,
                merge_word(input, "normalise") == 0, merge_number(input, "floor"),
                b->threads);
    return 0;
}

static size_t batch_size(const struct model_config *c, size_t rows) {
    size_t example =
        c->layers * rows * (9 * c->width + 2 * c->mlp_width) * sizeof(float);
    size_t batch = activation_bytes / example;
    batch = batch < BATCH_MAX ? batch : BATCH_MAX;
    return batch > 1 ? batch : 1;
}

static int open_session(struct fisher_session *s, struct error *error) {
    const struct merge_input *input = s->input;
    struct pool *pool = input->pool;
    struct backend *b = s->backend = pool->backend;
    size_t size = pool->layout->size, classes = 1;
    s->layout = pool->layout;
    s->labels = (size_t)merge_number(input, "labels");
    s->batch = batch_size(&pool->layout->config,
                          feed_rows(&pool->layout->config, input->train, pool->tasks));
    random_seed(&s->random, 0, 4);
    for (size_t t = 0; t < pool->tasks; t++)
        classes = pool->heads[t].classes > classes ? pool->heads[t].classes : classes;
    size_t largest = transformer_largest_vector(pool->layout);
    s->region_size = (largest + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    size_t features = model_config_features(&pool->layout->config), batch = s->batch;
    s->logits = array_new(batch * classes, sizeof *s->logits);
    s->numerator = array_new(size, sizeof *s->numerator);
    s->denominator = array_new(size, sizeof *s->denominator);
    if (!b->host_view)
        s->host_fisher = array_new(size, sizeof *s->host_fisher);
    if (pool->factors)
        s->vector = array_new(size, sizeof *s->vector);
    if (!s->logits || !s->numerator || !s->denominator ||
        (!b->host_view && !s->host_fisher) || (pool->factors && !s->vector))
        return error_memory(error);
    return examples_new(input, batch, &s->examples, error) ||
                   head_bank_new(b, &pool->layout->config, pool->heads, pool->tasks,
                                 batch, &s->heads, error) ||
                   b->allocate(b, batch * s->region_size * sizeof(float),
                               (void **)&s->region, error) ||
                   b->allocate(b, size * sizeof(float), (void **)&s->fisher, error) ||
                   b->allocate(b, batch * features * b->real_size,
                               (void **)&s->dfeatures, error) ||
                   b->allocate(b, batch * sizeof(int32_t), (void **)&s->chosen,
                               error) ||
                   b->allocate(b, batch * sizeof(float), (void **)&s->loss, error) ||
                   b->allocate(b, batch * sizeof(float), (void **)&s->scale, error)
               ? -1
               : 0;
}

/* All but the numerator, which becomes the result. */
static void close_session(struct fisher_session *s) {
    struct backend *b = s->backend;
    void *device[] = {s->region, s->fisher, s->dfeatures, s->chosen, s->loss, s->scale};
    for (size_t i = 0; i < sizeof device / sizeof *device; i++)
        b->release(b, device[i]);
    head_bank_free(s->heads);
    examples_free(s->examples);
    free(s->logits);
    free(s->host_fisher);
    free(s->denominator);
    free(s->vector);
}

static int run_fisher(const struct merge_input *input, struct merge_result *result,
                      struct error *error) {
    struct fisher_session s = {.input = input};
    const float *vectors = NULL;
    int status = open_session(&s, error);
    if (status == 0 && !input->pool->factors &&
        !(vectors = merge_host_vectors(input, error)))
        status = -1;
    for (size_t t = 0; status == 0 && t < input->pool->tasks; t++)
        status = add_task(&s, t, vectors, error);
    if (vectors)
        merge_host_free(input, vectors);
    if (status == 0)
        fisher_finish(s.numerator, s.denominator, s.layout->size, s.backend->threads);
    close_session(&s);
    if (status == 0)
        status = merge_own_vector(input, s.numerator, 1, result, error);
    free(s.numerator);
    return status;
}

static const struct merge_parameter parameters[] = {
    MERGE_EXAMPLES,
    {.name = "labels",
     .whole = true,
     .initial = 16,
     .low = 1,
     .high = 256,
     .help = "labels of an example: all where there are no more, else as many as this "
             "drawn"},
    {.name = "floor",
     .initial = 1e-6,
     .low = 0,
     .high = 1,
     .above_low = true,
     .help = "what every diagonal entry is at least"},
    {.name = "normalise",
     .words = "yes|no",
     .help = "divide each task's diagonal by its norm"},
    {0}};

const struct merge_method merge_fisher = {
    .name = "fisher",
    .summary = "mean weighted by Fisher information (Matena & Raffel 2022)",
    .needs_data = true,
    .parameters = parameters,
    .run = run_fisher};
