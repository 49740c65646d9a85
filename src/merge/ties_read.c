/* TIES from one tensor of every task vector at a time; of ties.h. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "merge/ties_run.h"

/* Of all tensors together, from one task vector after the other. */
static int trim_whole(struct ties_run *run, const struct ties_source *source,
                      struct select *select, struct error *error) {
    const struct select_run *last = &run->tensors[run->tensor_count - 1];
    float *vector = array_new(last->begin + last->count, sizeof *vector);
    int result = vector ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < run->tasks; t++) {
        for (size_t r = 0; result == 0 && r < run->tensor_count; r++)
            result = source->read(source->self, t, run->tensors[r].begin,
                                  run->tensors[r].count, vector + run->tensors[r].begin,
                                  error);
        if (result)
            break;
        struct ties_trimmed trim =
            ties_trim_of(select, vector, run->tensors, run->tensor_count, run->ties);
        for (size_t r = 0; r < run->tensor_count; r++)
            run->trims[r * run->tasks + t] = trim;
    }
    free(vector);
    return result;
}

/* Of one, which lies at the beginning of vectors [tasks, its count]. */
static void trim_tensor(struct ties_run *run, size_t tensor, struct select *select,
                        const float *vectors) {
    size_t count = run->tensors[tensor].count;
    const struct select_run alone = {.begin = 0, .count = count};
    for (size_t t = 0; t < run->tasks; t++) {
        struct ties_trimmed trim =
            ties_trim_of(select, vectors + t * count, &alone, 1, run->ties);
        if (trim.cut != SIZE_MAX)
            trim.cut += run->tensors[tensor].begin;
        run->trims[tensor * run->tasks + t] = trim;
    }
}

static bool any_cancelled(const struct ties_run *run, size_t first, size_t end) {
    while (first < end && !run->parts[first].cancelled)
        first++;
    return first < end;
}

/* Every tensor, or (again) those with marked grains. vectors: for the largest one of
 * every task. */
static int merge_read(struct ties_run *run, const struct ties_source *source,
                      struct select *select, float *vectors, bool again,
                      struct ties_signs *signs, struct error *error) {
    bool whole = run->ties->trim == TIES_TRIM_WHOLE;
    size_t first = 0, end;
    for (size_t r = 0; r < run->tensor_count; r++, first = end) {
        const struct select_run *tensor = &run->tensors[r];
        for (end = first; end < run->part_count && run->parts[end].tensor == r;)
            end++;
        if (again && !any_cancelled(run, first, end))
            continue;
        for (size_t t = 0; t < run->tasks; t++)
            if (source->read(source->self, t, tensor->begin, tensor->count,
                             vectors + t * tensor->count, error))
                return -1;
        if (run->ties->trim == TIES_TRIM_TENSOR)
            trim_tensor(run, r, select, vectors);
        run->vectors = vectors;
        run->stride = tensor->count;
        run->origin = tensor->begin;
        ties_merge_parts(run, first, end, again, again || !whole, signs);
        work_report(run->work, "trimming", r + 1, run->tensor_count);
        if (work_stopped(run->work))
            return error_set(error, "stopped");
    }
    return 0;
}

int ties_merge_read(const struct ties_source *source, size_t tasks,
                    const struct select_run *tensors, size_t tensor_count,
                    const struct ties *ties, float *merged, const struct work *work,
                    struct error *error) {
    struct ties_signs signs = {0, 0, false}, more = {0, 0, false};
    struct ties_run run;
    struct select *select = select_new(ties->threads, SIZE_MAX);
    size_t largest = 1;
    for (size_t r = 0; r < tensor_count; r++)
        largest = tensors[r].count > largest ? tensors[r].count : largest;
    float *vectors = array_new(largest, tasks * sizeof *vectors);
    int result =
        ties_open_run(&run, tasks, tensors, tensor_count, ties, merged, work, error);
    if (result == 0 && (!select || !vectors))
        result = error_memory(error);
    if (result == 0 && ties->trim == TIES_TRIM_WHOLE)
        result = trim_whole(&run, source, select, error);
    if (result == 0)
        result = merge_read(&run, source, select, vectors, false, &signs, error);
    if (result == 0 && ties->trim == TIES_TRIM_WHOLE && signs.positive > signs.negative)
        result = merge_read(&run, source, select, vectors, true, &more, error);
    ties_close_run(&run);
    free(vectors);
    select_free(select);
    return result;
}
