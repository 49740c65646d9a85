#include "data/draw.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"

static int by_index(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int draw_examples(const int32_t *labels, size_t count, size_t classes, size_t limit,
                  uint32_t **kept, struct error *error) {
    uint32_t *shuffled = array_new(count, sizeof *shuffled);
    uint32_t *row = array_new(count, sizeof *row);
    size_t *begin = array_new(classes + 1, sizeof *begin);
    if (!shuffled || !row || !begin) {
        free(shuffled);
        free(row);
        free(begin);
        return error_memory(error);
    }
    struct random random;
    random_seed(&random, 0, 0);
    random_permutation(&random, count, shuffled);
    for (size_t i = 0; i < count; i++)
        begin[labels[i] + 1]++;
    for (size_t c = 0; c < classes; c++)
        begin[c + 1] += begin[c];
    for (size_t i = 0; i < count; i++)
        row[begin[labels[shuffled[i]]]++] = shuffled[i];
    for (size_t i = 0; i < limit; i++)
        row[i] = row[(size_t)((unsigned __int128)i * count / limit)];
    qsort(row, limit, sizeof *row, by_index);
    free(shuffled);
    free(begin);
    *kept = row;
    return 0;
}
