/* TIES from whole task vectors; of ties.h. */
#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "merge/ties_run.h"

enum {
    PART = 1 << 16,    /* elements that a thread takes at a time */
    GRAIN = PART / 64, /* elements that are done again for one sum of 0 */
};

typedef int32_t bits_of_float __attribute__((may_alias));

struct ties_job {
    const struct ties *ties;
    const float *vectors; /* (tasks, stride), from element `origin` on */
    size_t stride, tasks, origin;
    size_t tensor, tensor_begin;      /* the tensor at hand */
    const struct ties_trimmed *trims; /* [tasks] of it */
    const float *weights;             /* [tasks] of it, or NULL */
    bool zero_positive;               /* the sign of a sum of 0 */
    float *merged;
    int32_t *least; /* [tasks], the thread's own */
    float *drawn;   /* (tasks, GRAIN) of DARE and of weights, the thread's own */
};

void ties_draw(uint64_t sequence, double keep, size_t from, size_t count,
               const float *x, float *kept) {
    const uint64_t bound = (uint64_t)llround(keep * 0x1p32);
    const float factor = (float)(1 / keep);
    size_t i = 0;
    while (i < count) {
        uint64_t draw = random_at(sequence, (from + i) / 2);
        for (size_t half = (from + i) % 2; half < 2 && i < count; half++, i++)
            kept[i] = (draw >> 32 * half & UINT32_MAX) < bound ? x[i] * factor : 0;
    }
}

/* A grain of every task vector after DARE, into drawn: by a sequence of the task's and
 * the tensor's own. */
static void draw_grain(const struct ties_job *job, size_t begin, size_t count) {
    for (size_t t = 0; t < job->tasks; t++) {
        struct random of_task;
        random_seed(&of_task, job->ties->seed, t);
        ties_draw(random_at(of_task.state[0], job->tensor), job->ties->keep,
                  begin - job->tensor_begin, count,
                  job->vectors + t * job->stride + (begin - job->origin),
                  job->drawn + t * GRAIN);
    }
}

/* What is kept of a stretch times the weights, into place; a product of 0 is nothing
 * that is kept. */
static void weigh(const struct ties_job *job, const struct ties_stretch *stretch,
                  float *place) {
    for (size_t t = 0; t < job->tasks; t++) {
        const float *x = stretch->vectors + t * stretch->stride;
        for (size_t i = 0; i < stretch->count; i++) {
            int32_t magnitude = ((const bits_of_float *)x)[i] & INT32_MAX;
            place[t * GRAIN + i] =
                magnitude >= job->least[t] ? job->weights[t] * x[i] : 0;
        }
        job->least[t] = 1;
    }
}

/* As the kernels, without an election. */
static struct ties_signs add_up(const struct ties_stretch *stretch) {
    for (size_t i = 0; i < stretch->count; i++) {
        float sum = 0;
        for (size_t t = 0; t < stretch->tasks; t++) {
            const float *x = stretch->vectors + t * stretch->stride + i;
            int32_t magnitude = *(const bits_of_float *)x & INT32_MAX;
            sum += magnitude >= stretch->least[t] ? *x : 0;
        }
        stretch->merged[i] = sum;
    }
    return (struct ties_signs){0, 0, false};
}

/* At most GRAIN elements. Stretches end where a task's threshold changes. A magnitude
 * of 0 is never kept: it adds nothing, and has no sign. */
static struct ties_signs merge_grain(const struct kernels *kernels,
                                     const struct ties_job *job, size_t begin,
                                     size_t count) {
    struct ties_signs signs = {0, 0, false};
    const float *vectors = job->vectors + (begin - job->origin);
    size_t stride = job->stride, end = begin + count;
    if (job->ties->trim == TIES_TRIM_DARE) {
        draw_grain(job, begin, count);
        vectors = job->drawn;
        stride = GRAIN;
    }
    for (size_t at = begin, stop; at < end; at = stop) {
        stop = end;
        for (size_t t = 0; t < job->tasks; t++) {
            const struct ties_trimmed *trim = &job->trims[t];
            int32_t bits = trim->bits > 0 ? trim->bits : 1;
            if (at < trim->cut && trim->cut < stop)
                stop = trim->cut;
            if (at >= trim->cut && trim->bits > 0 && bits < INT32_MAX)
                bits++;
            job->least[t] = bits;
        }
        struct ties_stretch stretch = {vectors + (at - begin),
                                       stride,
                                       job->tasks,
                                       stop - at,
                                       job->least,
                                       job->ties->sum == TIES_MEAN,
                                       job->zero_positive,
                                       job->merged + at};
        if (job->weights) {
            weigh(job, &stretch, job->drawn + (at - begin));
            stretch.vectors = job->drawn + (at - begin);
            stretch.stride = GRAIN;
        }
        struct ties_signs found =
            job->ties->sum == TIES_ALL ? add_up(&stretch) : kernels->ties(&stretch);
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

struct ties_trimmed ties_trim_of(struct select *select, const float *vector,
                                 const struct select_run *tensors, size_t count,
                                 const struct ties *ties) {
    bool whole = ties->trim == TIES_TRIM_WHOLE;
    struct ties_trimmed trim = {0, SIZE_MAX};
    size_t total = 0;
    for (size_t r = 0; r < count; r++)
        total += tensors[r].count;
    /* The product in f64 and its floor, as the two implementations do. */
    size_t kept = (size_t)((double)total * ties->keep);
    if (!whole && kept == 0)
        kept = 1;
    if (kept >= total)
        return trim;
    struct select_result found;
    size_t rank = whole ? total - kept : total - kept + 1;
    select_magnitude(select, vector, tensors, count, rank, &found);
    trim.bits = (int32_t)found.bits;
    size_t wanted = kept - (total - found.below - found.equal);
    if (!whole && wanted < found.equal)
        trim.cut = cut_after(vector, tensors[0], found.bits, wanted);
    return trim;
}

/* trims [tensors, tasks] */
static int trim_all(const float *vectors, size_t stride, size_t tasks,
                    const struct select_run *tensors, size_t tensor_count,
                    const struct ties *ties, struct ties_trimmed *trims,
                    const struct work *work, struct error *error) {
    struct select *select = select_new(ties->threads, SIZE_MAX);
    if (!select)
        return error_memory(error);
    bool whole = ties->trim == TIES_TRIM_WHOLE;
    size_t groups = whole ? 1 : tensor_count, size = whole ? tensor_count : 1;
    int result = 0;
    for (size_t g = 0; g < groups && result == 0; g++)
        for (size_t t = 0; t < tasks; t++) {
            struct ties_trimmed trim =
                ties_trim_of(select, vectors + t * stride, tensors + g, size, ties);
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

static struct ties_chunk *parts_of(const struct select_run *tensors,
                                   size_t tensor_count, size_t *count) {
    *count = 0;
    for (size_t r = 0; r < tensor_count; r++)
        *count += (tensors[r].count + PART - 1) / PART;
    struct ties_chunk *parts = array_new(*count, sizeof *parts);
    for (size_t r = 0, p = 0; parts && r < tensor_count; r++)
        for (size_t done = 0; done < tensors[r].count; done += PART) {
            size_t left = tensors[r].count - done;
            parts[p++] = (struct ties_chunk){r, tensors[r].begin + done,
                                             left < PART ? left : PART, 0};
        }
    return parts;
}

static struct ties_signs merge_part(const struct ties_run *run, size_t thread,
                                    struct ties_chunk *part, uint64_t grains,
                                    bool zero_positive) {
    const size_t tasks = run->tasks;
    const bool apart = run->ties->trim == TIES_TRIM_DARE || run->ties->weights;
    const float *weights = run->ties->weights;
    const struct ties_job job = {
        .ties = run->ties,
        .vectors = run->vectors,
        .stride = run->stride,
        .tasks = tasks,
        .origin = run->origin,
        .tensor = part->tensor,
        .tensor_begin = run->tensors[part->tensor].begin,
        .trims = run->trims + part->tensor * tasks,
        .weights = weights ? weights + part->tensor * tasks : NULL,
        .zero_positive = zero_positive,
        .merged = run->merged,
        .least = run->least + thread * tasks,
        .drawn = run->drawn + (apart ? thread * tasks * GRAIN : 0)};
    const struct kernels *kernels = kernels_best();
    struct ties_signs all = {0, 0, false};
    for (size_t g = 0; g * GRAIN < part->count; g++) {
        size_t left = part->count - g * GRAIN;
        if (!(grains >> g & 1))
            continue;
        struct ties_signs signs = merge_grain(kernels, &job, part->begin + g * GRAIN,
                                              left < GRAIN ? left : GRAIN);
        part->cancelled |= (uint64_t)signs.cancelled << g;
        all.positive += signs.positive;
        all.negative += signs.negative;
    }
    return all;
}

void ties_merge_parts(const struct ties_run *run, size_t first, size_t end, bool again,
                      bool zero_positive, struct ties_signs *signs) {
    size_t positive = 0, negative = 0;
#pragma omp parallel num_threads(run->ties->threads) reduction(+ : positive, negative)
    {
        size_t thread = 0;
#ifdef _OPENMP
        thread = (size_t)omp_get_thread_num();
#endif
#pragma omp for schedule(dynamic, 4)
        for (size_t p = first; p < end; p++) {
            struct ties_chunk *part = &run->parts[p];
            if (work_stopped(run->work))
                continue;
            struct ties_signs found = merge_part(
                run, thread, part, again ? part->cancelled : UINT64_MAX, zero_positive);
            positive += found.positive;
            negative += found.negative;
        }
    }
    signs->positive += positive;
    signs->negative += negative;
}

void ties_close_run(struct ties_run *run) {
    free(run->drawn);
    free(run->least);
    free(run->trims);
    free(run->parts);
}

int ties_open_run(struct ties_run *run, size_t tasks, const struct select_run *tensors,
                  size_t tensor_count, const struct ties *ties, float *merged,
                  const struct work *work, struct error *error) {
    *run = (struct ties_run){.ties = ties,
                             .tasks = tasks,
                             .tensors = tensors,
                             .tensor_count = tensor_count,
                             .merged = merged,
                             .work = work};
    if (!(ties->keep > 0 && ties->keep <= 1))
        return error_set(error, "keep is %g; give a share above 0, at most 1",
                         ties->keep);
    bool apart = ties->trim == TIES_TRIM_DARE || ties->weights;
    size_t cells = 0; /* -flto does not see that it is set */
    run->parts = parts_of(tensors, tensor_count, &run->part_count);
    if (size_multiply(tensor_count, tasks, &cells))
        run->trims = array_new(cells, sizeof *run->trims);
    if (size_multiply(ties->threads, tasks, &cells))
        run->least = array_new(cells, sizeof *run->least);
    if (run->least && size_multiply(cells, GRAIN, &cells))
        run->drawn = array_new(apart ? cells : 1, sizeof *run->drawn);
    return run->parts && run->trims && run->least && run->drawn ? 0
                                                                : error_memory(error);
}

int ties_merge(const float *vectors, size_t stride, size_t tasks,
               const struct select_run *tensors, size_t tensor_count,
               const struct ties *ties, float *merged, const struct work *work,
               struct error *error) {
    const bool whole = ties->trim == TIES_TRIM_WHOLE;
    struct ties_signs signs = {0, 0, false}, again = {0, 0, false};
    struct ties_run run;
    int result =
        ties_open_run(&run, tasks, tensors, tensor_count, ties, merged, work, error);
    run.vectors = vectors;
    run.stride = stride;
    if (result == 0 && ties->trim != TIES_TRIM_DARE)
        result = trim_all(vectors, stride, tasks, tensors, tensor_count, ties,
                          run.trims, work, error);
    /* The sign that sums of 0 get is known when all signs are; until then the grains
     * that have such sums of entries other than 0 are marked. */
    if (result == 0)
        ties_merge_parts(&run, 0, run.part_count, false, !whole, &signs);
    if (result == 0 && whole && signs.positive > signs.negative)
        ties_merge_parts(&run, 0, run.part_count, true, true, &again);
    if (result == 0 && work_stopped(work))
        result = error_set(error, "stopped");
    ties_close_run(&run);
    return result;
}
