/* Merging methods for any models: what each decides about one tensor. Data and forward
 * passes are none of them, so that the architecture need not be known. To add a method:
 * a `const struct tensorwise_method` and a row in method.c. */
#ifndef PWEMOE_TENSORWISE_METHOD_H
#define PWEMOE_TENSORWISE_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "merge/method.h"
#include "tensorwise/blend.h"
#include "tensorwise/models.h"
#include "tensorwise/values.h"

struct tensorwise_method;

struct tensor_input {
    const struct tensorwise_method *method;
    const json_t *parameters; /* each one is there and sound */
    const double *preference; /* [experts], where the method takes one */
    const struct values *values;
    const double *weights; /* [experts] of this tensor */
    unsigned threads;
    const struct work *work;
};

struct tensorwise_method {
    struct merge_method head; /* name, summary, parameters, takes_preference; no run */
    size_t least, most;       /* experts; most 0: any number */
    bool needs_pretrained;
    bool relative; /* of the weights only their shares count */
    bool unweighted;
    /* Decides; blend->weights, base and scale are 1 or the input's before. blend->made
     * is freed by the caller. */
    int (*decide)(const struct tensor_input *input, struct blend *blend,
                  struct error *error);
    /* Bytes that decide needs for such a tensor, made included; NULL: next to none. */
    uint64_t (*room)(const struct model_tensor *tensor, size_t experts);
};

/* The table, in the order in which help lists it; count may be NULL. */
const struct tensorwise_method *const *tensorwise_methods(size_t *count);
/* NULL with an error naming the nearest where there is none. */
const struct tensorwise_method *tensorwise_method_find(const char *name,
                                                       struct error *error);

/* The number, or the place of the word, of a parameter. */
double tensorwise_number(const struct tensor_input *input, const char *name);
int tensorwise_word(const struct tensor_input *input, const char *name);

/* A sequence of draws of an expert's and this tensor's own, by the seed, the expert's
 * place and the tensor's name. */
uint64_t tensorwise_sequence(const struct tensor_input *input, size_t expert);

#endif
