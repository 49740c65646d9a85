/* DELLA (Deep et al. 2024, arXiv 2406.11617): entries are dropped by chance, the
 * smaller of a row of the matrix with a higher probability, and what is kept is divided
 * by the probability that it is. */
#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "tensorwise/method.h"

enum { PART = 8192 };

/* A magnitude and its place in the row, in the order of magnitudes; of equal ones the
 * first is the smaller. */
static int compare_keys(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

struct drawing {
    double keep, epsilon;
    uint64_t sequence;
    size_t columns;
};

/* Rank r of n, from 0, stays with probability keep - epsilon + 2 epsilon r / (n - 1);
 * a row of one entry has the middle. */
static void draw_row(const struct drawing *d, size_t row, float *x, uint64_t *keys) {
    size_t n = d->columns;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        keys[i] = (uint64_t)(bits & INT32_MAX) << 32 | i;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t rank = 0; rank < n; rank++) {
        size_t i = (size_t)(uint32_t)keys[rank];
        double share = n > 1 ? (double)rank / (double)(n - 1) : 0.5;
        double stays = d->keep - d->epsilon + 2 * d->epsilon * share;
        double number = (double)(random_at(d->sequence, row * n + i) >> 11) * 0x1p-53;
        x[i] = number < stays ? (float)((double)x[i] / stays) : 0;
    }
}

/* Every row of a task vector in place. */
static int draw_rows(const struct tensor_input *input, const struct drawing *d,
                     float *vector, struct error *error) {
    size_t rows = d->columns ? input->values->count / d->columns : 0;
    uint64_t *keys = array_new(input->threads, d->columns * sizeof *keys);
    if (!keys)
        return error_memory(error);
#pragma omp parallel num_threads(input->threads)
    {
        uint64_t *own = keys;
#ifdef _OPENMP
        own += (size_t)omp_get_thread_num() * d->columns;
#endif
#pragma omp for schedule(static)
        for (size_t row = 0; row < rows; row++)
            draw_row(d, row, vector + row * d->columns, own);
    }
    free(keys);
    return 0;
}

/* The sum over the drawn vectors [experts, count], into the first of them. */
static void add_up(const struct tensor_input *input, struct blend *blend,
                   float *vectors) {
    size_t experts = input->values->models->count, count = input->values->count;
    struct blend parts = *blend;
    parts.base = 0;
    parts.scale = 1;
    parts.trim = BLEND_KEEP;
#pragma omp parallel for num_threads(input->threads) schedule(static)
    for (size_t from = 0; from < count; from += PART) {
        size_t some = count - from < PART ? count - from : PART;
        float sum[PART] = {0}, zero[PART] = {0};
        blend_block(&parts, experts, from, some, zero, vectors + from, count, sum);
        memcpy(vectors + from, zero, some * sizeof *zero);
    }
}

static int decide_della(const struct tensor_input *input, struct blend *blend,
                        struct error *error) {
    static const enum blend_sum sums[] = {BLEND_MEAN, BLEND_SUM, BLEND_ALL};
    const struct tensor *base = input->values->tensor->base;
    size_t experts = input->values->models->count, count = input->values->count;
    struct drawing d = {.keep = tensorwise_number(input, "keep"),
                        .epsilon = tensorwise_number(input, "epsilon")};
    d.columns = base->rank < 2 || base->shape[0] == 0 ? count : count / base->shape[0];
    if (d.keep - d.epsilon <= 0 || d.keep + d.epsilon > 1)
        return error_set(error,
                         "della: keep - epsilon must be above 0 and keep + epsilon at "
                         "most 1; keep is %g, epsilon %g",
                         d.keep, d.epsilon);
    float *vectors = array_new(experts, count * sizeof *vectors);
    int result = vectors ? 0 : error_memory(error);
    for (size_t t = 0; t < experts && result == 0; t++) {
        float *vector = vectors + t * count;
        d.sequence = tensorwise_sequence(input, t);
        if (values_whole_vector(input->values, t, input->threads, vector, error) ||
            draw_rows(input, &d, vector, error))
            result = -1;
        else if (work_stopped(input->work))
            result = error_set(error, "stopped; nothing was written");
    }
    blend->sum = sums[tensorwise_word(input, "sum")];
    if (result == 0)
        add_up(input, blend, vectors);
    blend->scale = tensorwise_number(input, "scale");
    blend->sum = BLEND_MADE;
    blend->made = vectors;
    return result;
}

static uint64_t room(const struct model_tensor *tensor, size_t experts) {
    uint64_t row = tensor->base->rank < 2 || tensor->base->shape[0] == 0
                       ? tensor->base->count
                       : tensor->base->count / tensor->base->shape[0];
    return experts * tensor->base->count * sizeof(float) + 64 * row;
}

static const struct merge_parameter parameters[] = {
    MERGE_SCALE,
    {.name = "keep",
     .initial = 0.5,
     .low = 0,
     .high = 1,
     .above_low = true,
     .help = "mean probability that an entry is kept"},
    {.name = "epsilon",
     .initial = 0.15,
     .low = 0,
     .high = 0.5,
     .help = "by how much it is less for the smallest entry of a row, more for the "
             "greatest"},
    {.name = "sum",
     .words = "mean|sum|all",
     .help = "of the entries that agree with the elected sign, or of all"},
    {MERGE_SEED, .help = "another seed, other entries"},
    {0}};

const struct tensorwise_method tensorwise_della = {
    .head = {.name = "della",
             .summary = "entries dropped by chance, the smaller of a row sooner, the "
                        "rest divided by the probability to stay (Deep et al. 2024)",
             .parameters = parameters},
    .least = 1,
    .needs_pretrained = true,
    .decide = decide_della,
    .room = room};
