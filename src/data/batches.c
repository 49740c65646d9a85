#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/dataset.h"

int batches_begin(struct batches *batches, size_t count, uint64_t seed, uint64_t stream,
                  struct error *error) {
    *batches = (struct batches){.seed = seed, .stream = stream, .count = count};
    if (count == 0 || count > UINT32_MAX)
        return error_set(error, "batches of %zu examples; there can be 1 to %u", count,
                         UINT32_MAX);
    batches->order = array_new(count, sizeof *batches->order);
    return batches->order ? 0 : error_memory(error);
}

/* A pass's order depends on seed, stream and pass alone. */
static void shuffle(struct batches *batches, uint64_t pass) {
    struct random random;
    random_seed(&random, batches->seed, batches->stream);
    random_seed(&random, random_next(&random), pass);
    random_permutation(&random, batches->count, batches->order);
    batches->pass = pass + 1;
}

void batches_next(struct batches *batches, size_t n, uint32_t *indices) {
    for (size_t i = 0; i < n; i++) {
        uint64_t pass = batches->drawn / batches->count;
        if (batches->pass != pass + 1)
            shuffle(batches, pass);
        indices[i] = batches->order[batches->drawn % batches->count];
        batches->drawn++;
    }
}

void batches_end(struct batches *batches) {
    free(batches->order);
    batches->order = NULL;
}
