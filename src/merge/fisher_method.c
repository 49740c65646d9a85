/* Fisher merging as a method of the table (fisher.h has the arithmetic). A task's
 * diagonal is the mean over its examples of the expectation over labels of the squared
 * gradient of log p(label | example), both under the task's own expert. The labels of
 * one example run side by side, each with a gradient of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "merge/examples.h"
#include "merge/fisher.h"
#include "merge/streamed.h"

struct session {
    const struct merge_input *input;
    struct backend *backend;
    const struct layout *layout;
    struct examples *examples;
    struct head_bank *heads;
    struct random random;
    size_t labels;       /* of one example at most */
    size_t region_size;  /* elements of one label's region */
    float *region;       /* (labels, largest region) on the device */
    float *fisher;       /* (size) on the device */
    real *dfeatures;     /* (labels, D) */
    int32_t *chosen;     /* (labels) on the device */
    float *loss, *scale; /* (labels) on the device */
    size_t running;      /* labels of the example at hand */
    size_t used;         /* examples of the task at hand */
    float *logits;       /* host, of the head with the most classes */
    float *host_fisher, *numerator, *denominator; /* (size) */
};

/* --- the sink: each label's gradient squared ----------------------------------------
 */

static float *place_region(void *self, size_t offset, size_t count, size_t *stride) {
    struct session *s = self;
    (void)offset;
    (void)count;
    *stride = s->region_size;
    return s->region;
}

static void add_region(void *self, size_t offset, size_t count) {
    struct session *s = self;
    for (size_t i = 0; i < s->running; i++)
        s->backend->add_squares(s->backend, s->fisher + offset,
                                s->region + i * s->region_size, 1 / (float)s->used,
                                count);
}

/* --- labels --------------------------------------------------------------------------
 */

/* The labels of an example and the square roots of their weights: all of them by
 * their probability, or `labels` draws from it. */
static void choose_labels(struct session *s, const float *logits, size_t classes,
                          int32_t *labels, float *roots) {
    double most = logits[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
        most = logits[c] > most ? logits[c] : most;
    for (size_t c = 0; c < classes; c++)
        sum += exp(logits[c] - most);
    s->running = classes <= s->labels ? classes : s->labels;
    for (size_t i = 0; i < s->running; i++) {
        if (classes <= s->labels) {
            labels[i] = (int32_t)i;
            roots[i] = (float)sqrt(exp(logits[i] - most) / sum);
            continue;
        }
        double left = random_uniform(&s->random) * sum;
        size_t c = 0;
        while (c + 1 < classes && (left -= exp(logits[c] - most)) >= 0)
            c++;
        labels[i] = (int32_t)c;
        roots[i] = (float)sqrt(1 / (double)s->running);
    }
}

static int add_example(struct session *s, size_t task, size_t example,
                       struct error *error) {
    struct backend *b = s->backend;
    size_t classes = s->input->pool->heads[task].classes;
    int32_t labels[256] = {0};
    float roots[256];
    size_t each[256], most = classes <= s->labels ? classes : s->labels;
    for (size_t i = 0; i < most; i++)
        each[i] = 1;
    const real *features = examples_run(s->examples, example, 1, most);
    b->upload(b, s->chosen, labels, most * sizeof *labels);
    head_bank_loss(s->heads, task, features, most, s->chosen, s->loss, NULL, NULL);
    if (b->download(b, s->logits, head_bank_logits(s->heads), classes * sizeof(float),
                    error))
        return -1;
    choose_labels(s, s->logits, classes, labels, roots);
    b->upload(b, s->chosen, labels, most * sizeof *labels);
    b->upload(b, s->scale, roots, most * sizeof *roots);
    head_bank_loss(s->heads, task, features, most, s->chosen, s->loss, s->scale,
                   s->dfeatures);
    struct gradient_sink sink = {.self = s, .place = place_region, .ready = add_region};
    transformer_backward(s->examples->transformer, s->examples->weights, s->dfeatures,
                         each, most, &sink);
    return 0;
}

/* --- the whole -----------------------------------------------------------------------
 */

static int add_task(struct session *s, size_t task, const float *vectors,
                    struct error *error) {
    const struct merge_input *input = s->input;
    struct backend *b = s->backend;
    size_t size = s->layout->size;
    if (examples_begin(s->examples, task, (size_t)merge_number(input, "examples"),
                       error))
        return -1;
    s->used = s->examples->count;
    b->zero(b, s->fisher, size * sizeof(float));
    for (size_t i = 0; i < s->used; i++) {
        work_report(input->work, "Fisher information", task * s->used + i,
                    input->pool->tasks * s->used);
        if (work_stopped(input->work))
            return error_set(error, "stopped");
        if (add_example(s, task, i, error))
            return -1;
    }
    if (b->download(b, s->host_fisher, s->fisher, size * sizeof(float), error))
        return -1;
    fisher_join(s->numerator, s->denominator, s->host_fisher, vectors + task * size,
                size, merge_word(input, "normalise") == 0, merge_number(input, "floor"),
                b->threads);
    return 0;
}

static int open_session(struct session *s, struct error *error) {
    const struct merge_input *input = s->input;
    struct pool *pool = input->pool;
    struct backend *b = s->backend = pool->backend;
    size_t size = pool->layout->size, most = 1, classes = 1;
    s->layout = pool->layout;
    s->labels = (size_t)merge_number(input, "labels");
    random_seed(&s->random, 0, 4);
    for (size_t t = 0; t < pool->tasks; t++)
        classes = pool->heads[t].classes > classes ? pool->heads[t].classes : classes;
    most = classes < s->labels ? classes : s->labels;
    size_t largest = transformer_largest_region(pool->layout);
    s->region_size = (largest + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    size_t features = model_config_features(&pool->layout->config);
    s->logits = array_new(classes, sizeof *s->logits);
    s->host_fisher = array_new(size, sizeof *s->host_fisher);
    s->numerator = array_new(size, sizeof *s->numerator);
    s->denominator = array_new(size, sizeof *s->denominator);
    if (!s->logits || !s->host_fisher || !s->numerator || !s->denominator)
        return error_memory(error);
    return examples_new(input, most, &s->examples, error) ||
                   head_bank_new(b, &pool->layout->config, pool->heads, pool->tasks,
                                 most, &s->heads, error) ||
                   b->allocate(b, most * s->region_size * sizeof(float),
                               (void **)&s->region, error) ||
                   b->allocate(b, size * sizeof(float), (void **)&s->fisher, error) ||
                   b->allocate(b, most * features * b->real_size,
                               (void **)&s->dfeatures, error) ||
                   b->allocate(b, most * sizeof(int32_t), (void **)&s->chosen, error) ||
                   b->allocate(b, most * sizeof(float), (void **)&s->loss, error) ||
                   b->allocate(b, most * sizeof(float), (void **)&s->scale, error)
               ? -1
               : 0;
}

static void close_session(struct session *s) {
    struct backend *b = s->backend;
    void *device[] = {s->region, s->fisher, s->dfeatures, s->chosen, s->loss, s->scale};
    for (size_t i = 0; i < sizeof device / sizeof *device; i++)
        b->release(b, device[i]);
    head_bank_free(s->heads);
    examples_free(s->examples);
    free(s->logits);
    free(s->host_fisher);
    free(s->numerator);
    free(s->denominator);
}

static int run_fisher(const struct merge_input *input, struct merge_result *result,
                      struct error *error) {
    struct session s = {.input = input};
    const float *vectors = NULL;
    int status = open_session(&s, error);
    if (status == 0 && !(vectors = merge_host_vectors(input, error)))
        status = -1;
    for (size_t t = 0; status == 0 && t < input->pool->tasks; t++)
        status = add_task(&s, t, vectors, error);
    if (status == 0) {
        fisher_finish(s.numerator, s.denominator, s.layout->size, s.backend->threads);
        status = merge_own_vector(input, s.numerator, 1, result, error);
    }
    if (vectors)
        merge_host_free(input, vectors);
    close_session(&s);
    return status;
}

static const struct merge_parameter parameters[] = {
    {.name = "examples",
     .whole = true,
     .initial = 256,
     .low = 1,
     .high = 1e6,
     .help = "training examples of each task"},
    {.name = "labels",
     .whole = true,
     .initial = 16,
     .low = 1,
     .high = 256,
     .help = "labels of an example: all where there are no more, else so many drawn"},
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
