#include "tensorwise/values.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK = 4096 }; /* elements that a thread takes at a time */

int values_open(const struct models *models, const struct model_tensor *tensor,
                struct values *v, struct error *error) {
    *v = (struct values){models, tensor, (size_t)tensor->base->count, {0}, {0}};
    for (size_t t = 0; t < models->count; t++) {
        const struct low_rank *product = tensor->experts[t].product;
        if (product && low_rank_read(product, models_path(models, t), &v->left[t],
                                     &v->right[t], error))
            return -1;
    }
    return 0;
}

void values_close(struct values *v) {
    for (size_t t = 0; t < MODELS_MAX; t++) {
        free(v->left[t]);
        free(v->right[t]);
    }
    *v = (struct values){0};
}

int values_base(const struct values *v, size_t from, size_t count, float *out,
                struct error *error) {
    return tensor_part_to_f32(v->tensor->base, model_directory_path(v->models->base),
                              from, count, out, error);
}

int values_vector(const struct values *v, size_t expert, size_t from, size_t count,
                  const float *base, float *out, struct error *error) {
    const struct expert_tensor *own = &v->tensor->experts[expert];
    if (own->product) {
        low_rank_part(own->product, v->left[expert], v->right[expert], from, count,
                      out);
        return 0;
    }
    if (!own->whole) {
        memset(out, 0, count * sizeof *out);
        return 0;
    }
    if (tensor_part_to_f32(own->whole, models_path(v->models, expert), from, count, out,
                           error))
        return -1;
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        out[i] -= base[i];
    return 0;
}

static int values_model(const struct values *v, size_t expert, size_t from,
                        size_t count, const float *base, float *out,
                        struct error *error) {
    const struct expert_tensor *own = &v->tensor->experts[expert];
    if (own->whole)
        return tensor_part_to_f32(own->whole, models_path(v->models, expert), from,
                                  count, out, error);
    if (values_vector(v, expert, from, count, base, out, error))
        return -1;
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        out[i] += base[i];
    return 0;
}

int values_whole_vector(const struct values *v, size_t expert, unsigned threads,
                        float *out, struct error *error) {
    int result = 0;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t from = 0; from < v->count; from += BLOCK) {
        float base[BLOCK];
        struct error own;
        size_t count = v->count - from < BLOCK ? v->count - from : BLOCK;
        if (values_base(v, from, count, base, &own) == 0 &&
            values_vector(v, expert, from, count, base, out + from, &own) == 0)
            continue;
#pragma omp critical
        {
            *error = own;
            result = -1;
        }
    }
    return result;
}

float *values_whole_vectors(const struct values *v, unsigned threads,
                            const float **each, struct error *error) {
    size_t experts = v->models->count;
    float *vectors = array_unset(experts, v->count * sizeof *vectors);
    if (!vectors)
        error_memory(error);
    for (size_t t = 0; vectors && t < experts; t++) {
        each[t] = vectors + t * v->count;
        if (values_whole_vector(v, t, threads, vectors + t * v->count, error)) {
            free(vectors);
            vectors = NULL;
        }
    }
    return vectors;
}

/* Adds the products of a block; vectors [experts, BLOCK]. */
static void add_products(const float *vectors, size_t experts, size_t count,
                         double *sums) {
    for (size_t a = 0; a < experts; a++)
        for (size_t b = 0; b <= a; b++) {
            const float *x = vectors + a * BLOCK, *y = vectors + b * BLOCK;
            double sum = 0;
#pragma omp simd reduction(+ : sum)
            for (size_t i = 0; i < count; i++)
                sum += (double)x[i] * (double)y[i];
            sums[a * experts + b] += sum;
        }
}

/* Blocks go to threads in turn and are added up in their order, so that the sums do not
 * depend on threads. */
int values_gram(const struct values *v, bool models, unsigned threads, double *gram,
                struct error *error) {
    enum { ROUND = 64 };
    size_t experts = v->models->count, cells = experts * experts;
    size_t blocks = (v->count + BLOCK - 1) / BLOCK;
    double *sums = array_new(ROUND * cells, sizeof *sums);
    float *room = array_new(threads, experts * BLOCK * sizeof *room);
    int result = sums && room ? 0 : error_memory(error);
    memset(gram, 0, cells * sizeof *gram);
    for (size_t done = 0; done < blocks && result == 0; done += ROUND) {
        size_t some = blocks - done < ROUND ? blocks - done : ROUND;
        memset(sums, 0, ROUND * cells * sizeof *sums);
#pragma omp parallel num_threads(threads)
        {
            float base[BLOCK], *vectors = room;
#ifdef _OPENMP
            vectors += (size_t)omp_get_thread_num() * experts * BLOCK;
#endif
#pragma omp for schedule(static)
            for (size_t i = 0; i < some; i++) {
                struct error own;
                size_t from = (done + i) * BLOCK;
                size_t count = v->count - from < BLOCK ? v->count - from : BLOCK;
                int status = values_base(v, from, count, base, &own);
                for (size_t t = 0; t < experts && status == 0; t++) {
                    float *x = vectors + t * BLOCK;
                    status = models ? values_model(v, t, from, count, base, x, &own)
                                    : values_vector(v, t, from, count, base, x, &own);
                }
                if (status == 0)
                    add_products(vectors, experts, count, sums + i * cells);
                if (status) {
#pragma omp critical
                    {
                        *error = own;
                        result = -1;
                    }
                }
            }
        }
        for (size_t i = 0; i < some; i++)
            for (size_t c = 0; c < cells; c++)
                gram[c] += sums[i * cells + c];
    }
    for (size_t a = 0; a < experts; a++)
        for (size_t b = a + 1; b < experts; b++)
            gram[a * experts + b] = gram[b * experts + a];
    free(sums);
    free(room);
    return result;
}
