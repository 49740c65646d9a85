/* Merging tensor by tensor into a new model directory: what it will take, and doing it.
 * Sources are mapped and let go again, so that no more than a tensor of each is held;
 * each is read once, mostly from front to back. */
#ifndef PWEMOE_TENSORWISE_MERGING_H
#define PWEMOE_TENSORWISE_MERGING_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "merge/coefficients.h"
#include "tensorwise/method.h"
#include "tensorwise/models.h"

struct merging {
    const struct models *models;
    const struct tensorwise_method *method;
    const json_t *parameters;
    const struct coefficients *coefficients;
    const double *preference; /* [experts], where the method takes one */
    const enum dtype *dtype;  /* of every merged tensor; NULL: the base model's own */
    uint64_t shard_size;      /* bytes of tensors in a file, more only for a single
                                 larger tensor; 0: one file */
    unsigned threads;
    /* Of several files those that were whole are kept where the merge is ended before
     * its time, and the same merge goes on from them. How many it began with is put
     * here; NULL: nothing is kept. */
    size_t *kept;
};

struct merging_costs {
    uint64_t memory; /* at most, pages of mapped files included */
    uint64_t reads, writes;
    size_t files;
    size_t
        statistics; /* tensors that are averaged whatever the method (statistics.h) */
};

/* Fails where a number does not fit. */
int merging_costs(const struct merging *merging, struct merging_costs *costs,
                  struct error *error);

/* Into the new directory path, whole or not at all (checkpoint/folder.h): the tensors,
 * with an index where there are several files, and the base model's other files.
 * about: an object that becomes pwemoe.json. A stop gives the error "stopped; nothing
 * was written", or how many files are kept. progress counts bytes written. */
int merging_write(const struct merging *merging, const char *path, const json_t *about,
                  const struct work *work, struct error *error);

#endif
