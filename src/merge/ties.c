#include "merge/ties.h"

#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/simd/kernels.h"
#include "base/memory.h"

enum {
    PART = 1 << 16,    /* elements that a thread takes at a time */
    GRAIN = PART / 64, /* elements that are done again for one sum of 0 */
};

typedef int32_t bits_of_float __attribute__((may_alias));

/* What is kept of one tensor of one task vector: magnitudes at or above `bits` before
 * element `cut`, above it from there on. */
struct trim {
    int32_t bits;
    size_t cut;
};

struct job {
    const float *vectors;
    size_t stride, tasks;
    const struct trim *trims; /* [tasks] of the tensor at hand */
    bool mean;
    bool zero_positive; /* the sign of a sum of 0 */
    float *merged;
    int32_t *least; /* [tasks], the thread's own */
};

/* Stretches end where a task's threshold changes. A magnitude of 0 is never kept: it
 * adds nothing, and has no sign. */
static struct ties_signs merge_stretches(const struct kernels *kernels,
                                         const struct job *job, size_t begin,
                                         size_t count) {
    struct ties_signs signs = {0, 0, false};
    size_t end = begin + count;
    for (size_t at = begin, stop; at < end; at = stop) {
        stop = end;
        for (size_t t = 0; t < job->tasks; t++) {
            const struct trim *trim = &job->trims[t];
            int32_t bits = trim->bits > 0 ? trim->bits : 1;
            if (at < trim->cut && trim->cut < stop)
                stop = trim->cut;
            if (at >= trim->cut && trim->bits > 0 && bits < INT32_MAX)
                bits++;
            job->least[t] = bits;
        }
        const struct ties_stretch stretch = {
            job->vectors + at, job->stride, job->tasks,         stop - at,
            job->least,        job->mean,   job->zero_positive, job->merged + at};
        struct ties_signs found = kernels->ties(&stretch);
        signs.positive += found.positive;
        signs.negative += found.negative;
        signs.cancelled |= found.cancelled;
    }
    return signs;
}

/* The element after the wanted-th one of that magnitude. */
static size_t cut_after(const float *vector, struct select_run tensor, uint32_t bits,
                        size_t wanted) {
    const bits_of_float *x = (const bits_of_float *)vector;
    size_t at = tensor.begin;
    for (; wanted > 0 && at < tensor.begin + tensor.count; at++)
        wanted -= (uint32_t)(x[at] & INT32_MAX) == bits;
    return at;
}

/* trims [tensors, tasks] */
static int trim_all(const float *vectors, size_t stride, size_t tasks,
                    const struct select_run *tensors, size_t tensor_count,
                    const struct ties *ties, struct trim *trims,
                    const struct work *work, struct error *error) {
    struct select *select = select_new(ties->threads);
    if (!select)
        return error_memory(error);
    bool whole = ties->trim == TIES_TRIM_WHOLE;
    size_t groups = whole ? 1 : tensor_count, size = whole ? tensor_count : 1;
    int result = 0;
    for (size_t g = 0; g < groups && result == 0; g++)
        for (size_t t = 0; t < tasks; t++) {
            size_t total = 0;
            for (size_t r = 0; r < size; r++)
                total += tensors[g + r].count;
            /* The product in f64 and its floor, as the two implementations do. */
            size_t kept = (size_t)((double)total * ties->keep);
            struct trim trim = {0, SIZE_MAX};
            if (!whole && kept == 0)
                kept = 1;
            if (kept < total) {
                const float *vector = vectors + t * stride;
                struct select_result found;
                size_t rank = whole ? total - kept : total - kept + 1;
                select_magnitude(select, vector, tensors + g, size, rank, &found);
                trim.bits = (int32_t)found.bits;
                size_t wanted = kept - (total - found.below - found.equal);
                if (!whole && wanted < found.equal)
                    trim.cut = cut_after(vector, tensors[g], found.bits, wanted);
            }
            for (size_t r = 0; r < size; r++)
                trims[(g + r) * tasks + t] = trim;
            work_report(work, "trimming", g * tasks + t + 1, groups * tasks);
            if (work_stopped(work)) {
                result = error_set(error, "stopped");
                break;
            }
        }
    select_free(select);
    return result;
}

struct part {
    size_t tensor, begin, count;
    uint64_t
        cancelled; /* a bit for each grain with a sum of 0 of entries that are not */
};

static struct part *parts_of(const struct select_run *tensors, size_t tensor_count,
                             size_t *count) {
    *count = 0;
    for (size_t r = 0; r < tensor_count; r++)
        *count += (tensors[r].count + PART - 1) / PART;
    struct part *parts = array_new(*count, sizeof *parts);
    for (size_t r = 0, p = 0; parts && r < tensor_count; r++)
        for (size_t done = 0; done < tensors[r].count; done += PART) {
            size_t left = tensors[r].count - done;
            parts[p++] =
                (struct part){r, tensors[r].begin + done, left < PART ? left : PART, 0};
        }
    return parts;
}

int ties_merge(const float *vectors, size_t stride, size_t tasks,
               const struct select_run *tensors, size_t tensor_count,
               const struct ties *ties, float *merged, const struct work *work,
               struct error *error) {
    if (!(ties->keep > 0 && ties->keep <= 1))
        return error_set(error, "keep is %g; give a share above 0, at most 1",
                         ties->keep);
    size_t cells, part_count;
    struct part *parts = parts_of(tensors, tensor_count, &part_count);
    struct trim *trims = size_multiply(tensor_count, tasks, &cells)
                             ? array_new(cells, sizeof *trims)
                             : NULL;
    int32_t *least = size_multiply(ties->threads, tasks, &cells)
                         ? array_new(cells, sizeof *least)
                         : NULL;
    const struct kernels *kernels = kernels_best();
    int result = -1;
    if (!parts || !trims || !least) {
        error_memory(error);
        goto out;
    }
    if (trim_all(vectors, stride, tasks, tensors, tensor_count, ties, trims, work,
                 error))
        goto out;
    bool whole = ties->trim == TIES_TRIM_WHOLE;
    /* The sign that sums of 0 get is known when all signs are; until then the grains
     * that have such sums of entries other than 0 are marked. */
    bool zero_positive = !whole;
    size_t positive = 0, negative = 0;
    for (int again = 0; again < 2; again++) {
#pragma omp parallel num_threads(ties->threads) reduction(+ : positive, negative)
        {
            size_t thread = 0;
#ifdef _OPENMP
            thread = (size_t)omp_get_thread_num();
#endif
#pragma omp for schedule(dynamic, 4)
            for (size_t p = 0; p < part_count; p++) {
                struct part *part = &parts[p];
                if (work_stopped(work))
                    continue;
                const struct job job = {vectors,
                                        stride,
                                        tasks,
                                        trims + part->tensor * tasks,
                                        ties->sum == TIES_MEAN,
                                        zero_positive,
                                        merged,
                                        least + thread * tasks};
                uint64_t wanted = again ? part->cancelled : UINT64_MAX;
                for (size_t g = 0; g * GRAIN < part->count; g++) {
                    size_t left = part->count - g * GRAIN;
                    if (!(wanted >> g & 1))
                        continue;
                    struct ties_signs signs =
                        merge_stretches(kernels, &job, part->begin + g * GRAIN,
                                        left < GRAIN ? left : GRAIN);
                    part->cancelled |= (uint64_t)signs.cancelled << g;
                    positive += again ? 0 : signs.positive;
                    negative += again ? 0 : signs.negative;
                }
            }
        }
        if (!whole || positive <= negative)
            break;
        zero_positive = true;
    }
    result = work_stopped(work) ? error_set(error, "stopped") : 0;
out:
    free(least);
    free(trims);
    free(parts);
    return result;
}
