/* Held-out examples of one task on the host: the data, the one order in which every
 * model sees them, and what the current model has made of those it has seen. */
#ifndef PWEMOE_EVAL_HELD_OUT_H
#define PWEMOE_EVAL_HELD_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "data/dataset.h"
#include "eval/running.h"

struct held_out {
    struct dataset *data;
    uint32_t *order; /* [data->count], the same for every model, file and machine */
    bool whole;      /* nothing was left out by a limit */
    /* Of the current model. */
    uint8_t *bits; /* one bit for each example seen, in that order: predicted right */
    uint64_t seen, correct;
    double loss; /* sum */
};

/* Where the examples come from; the data are opened by eval/sources.h and become the
 * held-out part's, also where this fails. task: its number, a seed of the order.
 * limit: as data were opened with, 0: none. */
int held_out_open(struct held_out *held_out, struct dataset *data, size_t task,
                  size_t limit, struct error *error);
void held_out_close(struct held_out *held_out);

/* Another model begins. */
void held_out_restart(struct held_out *held_out);
/* The next n examples in order are seen. */
void held_out_see(struct held_out *held_out, const int32_t *predictions,
                  const float *loss, size_t n);
/* Labels of examples first to first + n - 1 of the order. */
void held_out_labels(const struct held_out *held_out, size_t first, size_t n,
                     int32_t *labels);
/* Their pixels u8 [n, 3, size, size]. */
void held_out_pixels(const struct held_out *held_out, size_t first, size_t n,
                     uint8_t *pixels);

void held_out_describe(const struct held_out *held_out, struct running *running);

#endif
