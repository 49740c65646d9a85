/* One tensor of all models as f32, any stretch of it at a time. */
#ifndef PWEMOE_TENSORWISE_VALUES_H
#define PWEMOE_TENSORWISE_VALUES_H

#include <stddef.h>

#include "base/error.h"
#include "tensorwise/models.h"

struct values {
    const struct models *models;
    const struct model_tensor *tensor;           /* one that is merged */
    size_t count;                                /* elements */
    float *left[MODELS_MAX], *right[MODELS_MAX]; /* factors of products */
};

/* Of a tensor that is merged. Reads the factors of products; values_close frees them,
 * also after a failure. */
int values_open(const struct models *models, const struct model_tensor *tensor,
                struct values *values, struct error *error);
void values_close(struct values *values);

/* Elements [from, from + count) of the base model's tensor. Fails on what is not
 * finite. By any number of threads at a time. */
int values_base(const struct values *values, size_t from, size_t count, float *out,
                struct error *error);
/* The same of an expert's task vector: its values less base, the base model's. */
int values_vector(const struct values *values, size_t expert, size_t from, size_t count,
                  const float *base, float *out, struct error *error);

/* A whole task vector, divided among threads. */
int values_whole_vector(const struct values *values, size_t expert, unsigned threads,
                        float *out, struct error *error);
/* Those of all experts, each[t] one after the other in fresh memory, which is returned:
 * NULL with error where there is none or a value cannot be read. */
float *values_whole_vectors(const struct values *values, unsigned threads,
                            const float **each, struct error *error);

/* Inner products <x_a, x_b> of the experts into gram [experts, experts]: of the task
 * vectors, or with `models` of the models themselves. In f64. */
int values_gram(const struct values *values, bool models, unsigned threads,
                double *gram, struct error *error);

#endif
