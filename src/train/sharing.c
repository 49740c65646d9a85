#include "train/sharing.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "parallel/ranks.h"

void sharing_range(const struct ranks *ranks, size_t count, size_t *first,
                   size_t *end) {
    unsigned rank = ranks_rank(ranks), size = ranks_size(ranks);
    *first = count * rank / size;
    *end = count * (rank + 1) / size;
}

int sharing_part(const struct ranks *ranks, size_t batch, size_t *first, size_t *count,
                 struct error *error) {
    unsigned size = ranks_size(ranks);
    size_t end;
    sharing_range(ranks, batch, first, &end);
    *count = end - *first;
    if (size <= batch)
        return 0;
    return error_set(error,
                     "a step has %zu examples of each task, which %u ranks cannot "
                     "share: start fewer, or give a larger --batch",
                     batch, size);
}

int sharing_open(struct sharing *s, size_t count, size_t tasks, struct error *error) {
    s->count = count;
    s->tasks = tasks;
    s->sums = s->ranks ? array_new(count + tasks + 2, sizeof *s->sums) : NULL;
    return s->ranks && !s->sums ? error_memory(error) : 0;
}

void sharing_close(struct sharing *s) {
    free(s->sums);
}

int sharing_add(struct sharing *s, int result, const float *values, size_t count,
                double *losses, struct error *error) {
    double *lost = s->sums + count, *ends = lost + s->tasks; /* failed, asked */
    struct error unsaid;
    for (size_t i = 0; i < count; i++)
        s->sums[i] = result ? 0 : (double)values[i];
    for (size_t i = 0; i < s->tasks; i++)
        lost[i] = result ? 0 : losses[i];
    ends[0] = result != 0;
    ends[1] = work_stopped(s->work);
    if (ranks_add_doubles(s->ranks, s->sums, count + s->tasks + 2,
                          result ? &unsaid : error))
        return -1;
    if (ends[0] > 0)
        return ranks_agree(s->ranks, result, error);
    s->asked = ends[1] > 0;
    memcpy(losses, lost, s->tasks * sizeof *losses);
    return 0;
}
