#include "moe/stored_dtype.h"

#include <stdlib.h>

#include "base/memory.h"

/* Elements one after the other with one dtype. */
struct dtype_stretch {
    size_t begin, count;
    enum rounding to;
};

struct stored_dtype {
    const struct pool *pool;
    struct dtype_stretch *runs;
    size_t count, capacity;
};

static int add(struct stored_dtype *stored, const struct parameter *parameter,
               enum rounding to, struct error *error) {
    struct dtype_stretch *last =
        stored->count ? &stored->runs[stored->count - 1] : NULL;
    /* What lies between two parameters is zero, and stays so. */
    if (last && last->to == to &&
        last->begin + last->count + LAYOUT_ALIGN > parameter->offset) {
        last->count = parameter->offset + parameter->count - last->begin;
        return 0;
    }
    if (array_reserve((void **)&stored->runs, &stored->capacity, stored->count + 1,
                      sizeof *stored->runs))
        return error_memory(error);
    stored->runs[stored->count++] =
        (struct dtype_stretch){parameter->offset, parameter->count, to};
    return 0;
}

int stored_dtype_new(const struct pool *pool, struct stored_dtype **out,
                     struct error *error) {
    struct stored_dtype *stored = array_new(1, sizeof *stored);
    *out = NULL;
    if (!stored)
        return error_memory(error);
    stored->pool = pool;
    for (size_t i = 0; i < pool->layout->parameter_count; i++) {
        const struct parameter *parameter = &pool->layout->parameters[i];
        const struct tensor *tensor =
            model_directory_find(pool->pretrained, parameter->name);
        if (!tensor || (tensor->dtype != DTYPE_BF16 && tensor->dtype != DTYPE_F16))
            continue;
        if (tensor->dtype == DTYPE_BF16 && pool->backend->precision == PRECISION_BF16)
            continue; /* reals are that already */
        if (add(stored, parameter,
                tensor->dtype == DTYPE_BF16 ? ROUNDING_BF16 : ROUNDING_F16, error)) {
            stored_dtype_free(stored);
            return -1;
        }
    }
    *out = stored;
    return 0;
}

void stored_dtype_free(struct stored_dtype *stored) {
    if (!stored)
        return;
    free(stored->runs);
    free(stored);
}

bool stored_dtype_rounds(const struct stored_dtype *stored) {
    return stored->count > 0;
}

void stored_dtype_round(const struct stored_dtype *stored, real *weights) {
    struct backend *b = stored->pool->backend;
    for (size_t i = 0; i < stored->count; i++) {
        const struct dtype_stretch *run = &stored->runs[i];
        b->round_values(b, backend_at(b, weights, run->begin), run->count, run->to);
    }
}
