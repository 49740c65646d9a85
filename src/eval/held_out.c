#include "eval/held_out.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "eval/interval.h"

/* The fixed order of the held-out examples: the same for every solution, file and
 * machine, so that partial means compare. */
enum { ORDER_SEED = 20240614 };

int held_out_open(struct held_out *h, struct dataset *data, size_t task, size_t limit,
                  struct error *error) {
    h->data = data;
    h->whole = limit == 0 || data->count < limit;
    h->order = array_new(data->count, sizeof *h->order);
    h->bits = array_new(data->count / 8 + 1, 1);
    if (!h->order || !h->bits)
        return error_memory(error);
    struct random random;
    random_seed(&random, ORDER_SEED, task);
    random_permutation(&random, data->count, h->order);
    return 0;
}

void held_out_close(struct held_out *h) {
    dataset_close(h->data);
    free(h->order);
    free(h->bits);
}

void held_out_restart(struct held_out *h) {
    h->seen = h->correct = 0;
    h->loss = 0;
    memset(h->bits, 0, h->data->count / 8 + 1);
}

void held_out_see(struct held_out *h, const int32_t *predictions, const float *loss,
                  size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t at = h->seen + i;
        bool right = predictions[i] == h->data->labels[h->order[at]];
        h->correct += right;
        h->loss += loss[i];
        if (right)
            h->bits[at / 8] |= (uint8_t)(1u << (at % 8));
    }
    h->seen += n;
}

void held_out_labels(const struct held_out *h, size_t first, size_t n,
                     int32_t *labels) {
    for (size_t i = 0; i < n; i++)
        labels[i] = h->data->labels[h->order[first + i]];
}

void held_out_pixels(const struct held_out *h, size_t first, size_t n,
                     uint8_t *pixels) {
    size_t image = 3 * h->data->size * h->data->size;
    for (size_t i = 0; i < n; i++)
        memcpy(pixels + i * image, h->data->pixels + h->order[first + i] * image,
               image);
}

void held_out_describe(const struct held_out *h, struct running *r) {
    *r = (struct running){.examples = h->seen,
                          .correct = h->correct,
                          .complete = h->seen == h->data->count};
    if (h->seen == 0) {
        r->high = 100;
        return;
    }
    r->value = 100 * (double)h->correct / (double)h->seen;
    r->loss = h->loss / (double)h->seen;
    interval_wilson(h->correct, h->seen, h->data->count, &r->low, &r->high);
    r->low *= 100;
    r->high *= 100;
}
