#include "merge/ties.h"

#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    LANES = 4,
    PART = 1 << 16, /* elements that a thread takes at a time */
};

typedef int32_t bits_of_float __attribute__((may_alias));

static const char *const trim_names[] = {"whole", "tensor"};
static const char *const sum_names[] = {"mean", "sum"};

const char *ties_trim_name(enum ties_trim trim) {
    return trim_names[trim];
}

const char *ties_sum_name(enum ties_sum sum) {
    return sum_names[sum];
}

static int parse(const char *text, const char *const names[2]) {
    for (int i = 0; i < 2; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -1;
}

int ties_trim_parse(const char *text, enum ties_trim *trim, struct error *error) {
    int found = parse(text, trim_names);
    if (found < 0)
        return error_set(error, "trim \"%s\" is not one of whole, tensor", text);
    *trim = (enum ties_trim)found;
    return 0;
}

int ties_sum_parse(const char *text, enum ties_sum *sum, struct error *error) {
    int found = parse(text, sum_names);
    if (found < 0)
        return error_set(error, "\"%s\" is not one of mean, sum", text);
    *sum = (enum ties_sum)found;
    return 0;
}

/* Four numbers side by side: what every processor has; the compiler makes the
 * vector instructions of it that it may. */
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t lane_bits __attribute__((vector_size(4 * LANES)));
typedef lanes lanes_anywhere __attribute__((aligned(4), may_alias));

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
    float *rest; /* [tasks, LANES], the thread's own */
};

/* Signs of the sums of a part, and whether a sum of 0 was made of entries that are
 * not. */
struct signs {
    long positive, negative;
    bool cancelled;
};

struct lane_signs {
    lane_bits positive, negative, cancelled;
};

/* One merged entry a lane. x [tasks], stride apart; least [tasks] are thresholds, at
 * least 1, so that an entry of 0 is never kept. */
static inline lanes merge_lanes(const struct job *job, const float *x,
                                const lane_bits *least, struct lane_signs *signs) {
    const lane_bits magnitude = INT32_MAX - (lane_bits){0};
    lanes sum = {0};
    lane_bits some = {0};
    for (size_t t = 0; t < job->tasks; t++) {
        lane_bits bits =
            (lane_bits)(lanes) * (const lanes_anywhere *)(x + t * job->stride);
        lane_bits kept = (bits & magnitude) >= least[t];
        sum += (lanes)(bits & kept);
        some |= kept;
    }
    lane_bits positive = sum > 0, negative = sum < 0;
    signs->positive -= positive;
    signs->negative -= negative;
    signs->cancelled |= some & ~(positive | negative);
    lane_bits elected = job->zero_positive ? negative : ~positive;
    elected &= ~magnitude; /* the sign bit of the entries that count */
    lanes total = {0};
    lane_bits count = {0};
    for (size_t t = 0; t < job->tasks; t++) {
        lane_bits bits =
            (lane_bits)(lanes) * (const lanes_anywhere *)(x + t * job->stride);
        lane_bits agrees = ((bits & magnitude) >= least[t]) & ((bits ^ elected) >= 0);
        total += (lanes)(bits & agrees);
        count -= agrees;
    }
    if (!job->mean)
        return total;
    count += count == 0; /* -1 where nothing counts: 0 / -1 */
    return total / __builtin_convertvector(count, lanes);
}

/* The last entries, fewer than LANES, on copies filled up with 0, which is never kept.
 */
static void merge_rest(const struct job *job, size_t at, size_t count,
                       const lane_bits *least, struct lane_signs *signs) {
    struct job copy = *job;
    copy.vectors = job->rest;
    copy.stride = LANES;
    for (size_t t = 0; t < job->tasks; t++)
        for (size_t i = 0; i < LANES; i++)
            job->rest[t * LANES + i] =
                i < count ? job->vectors[t * job->stride + at + i] : 0;
    lanes out = merge_lanes(&copy, job->rest, least, signs);
    for (size_t i = 0; i < count; i++)
        job->merged[at + i] = out[i];
}

/* merged[at .. stop) for one threshold a task. */
static void merge_stretch(const struct job *job, size_t at, size_t stop,
                          const lane_bits *least, struct signs *signs) {
    struct lane_signs sides = {0};
    for (; at + LANES <= stop; at += LANES)
        *(lanes_anywhere *)(job->merged + at) =
            merge_lanes(job, job->vectors + at, least, &sides);
    if (at < stop)
        merge_rest(job, at, stop - at, least, &sides);
    for (size_t i = 0; i < LANES; i++) {
        signs->positive += sides.positive[i];
        signs->negative += sides.negative[i];
        signs->cancelled |= sides.cancelled[i] != 0;
    }
}

/* Stretches end where a task's threshold changes, and before their counts could
 * overflow. */
static struct signs merge_part(const struct job *job, size_t begin, size_t count,
                               lane_bits *least) {
    struct signs signs = {0};
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
            least[t] = bits - (lane_bits){0};
        }
        merge_stretch(job, at, stop, least, &signs);
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
    bool cancelled;
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
            parts[p++] = (struct part){r, tensors[r].begin + done,
                                       left < PART ? left : PART, false};
        }
    return parts;
}

struct thread_room {
    lane_bits *least; /* [tasks] */
    float *rest;      /* [tasks, LANES] */
};

static int thread_room_new(struct thread_room *room, size_t tasks) {
    size_t bytes;
    if (!size_multiply(tasks, sizeof *room->least, &bytes))
        return -1;
    room->least = aligned_alloc(sizeof *room->least, bytes ? bytes : sizeof(lanes));
    room->rest = array_new(tasks, LANES * sizeof *room->rest);
    return room->least && room->rest ? 0 : -1;
}

static void thread_rooms_free(struct thread_room *rooms, unsigned count) {
    for (unsigned i = 0; rooms && i < count; i++) {
        free(rooms[i].least);
        free(rooms[i].rest);
    }
    free(rooms);
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
    struct thread_room *threads = array_new(ties->threads, sizeof *threads);
    for (unsigned i = 0; threads && i < ties->threads; i++)
        if (thread_room_new(&threads[i], tasks)) {
            thread_rooms_free(threads, ties->threads);
            threads = NULL;
        }
    int result = -1;
    if (!parts || !trims || !threads) {
        error_memory(error);
        goto out;
    }
    if (trim_all(vectors, stride, tasks, tensors, tensor_count, ties, trims, work,
                 error))
        goto out;
    bool whole = ties->trim == TIES_TRIM_WHOLE;
    /* The sign that sums of 0 get is known when all signs are; until then the parts
     * that have such sums of entries other than 0 are marked. */
    bool zero_positive = !whole;
    long positive = 0, negative = 0;
    for (int again = 0; again < 2; again++) {
#pragma omp parallel num_threads(ties->threads) reduction(+ : positive, negative)
        {
            int thread = 0;
#ifdef _OPENMP
            thread = omp_get_thread_num();
#endif
#pragma omp for schedule(dynamic, 4)
            for (size_t p = 0; p < part_count; p++) {
                if ((again && !parts[p].cancelled) || work_stopped(work))
                    continue;
                struct job job = {vectors,
                                  stride,
                                  tasks,
                                  trims + parts[p].tensor * tasks,
                                  ties->sum == TIES_MEAN,
                                  zero_positive,
                                  merged,
                                  threads[thread].rest};
                struct signs signs = merge_part(&job, parts[p].begin, parts[p].count,
                                                threads[thread].least);
                parts[p].cancelled = signs.cancelled;
                positive += again ? 0 : signs.positive;
                negative += again ? 0 : signs.negative;
            }
        }
        if (!whole || positive <= negative)
            break;
        zero_positive = true;
    }
    result = work_stopped(work) ? error_set(error, "stopped") : 0;
out:
    thread_rooms_free(threads, ties->threads);
    free(trims);
    free(parts);
    return result;
}
