#include "moe/task_factors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/adapter.h"

/* --- what adapters change ----------------------------------------------------------
 */

/* Of an entry that changes a parameter: whether it is a product that fits. */
static bool fits(const struct adapter_entry *entry, const struct parameter *p) {
    return !entry->whole && p->rank >= 2 && entry->product.rows == p->shape[0] &&
           entry->product.rows * entry->product.columns == p->count;
}

/* The greatest rank among all products; 0 where something else is changed. */
static size_t greatest_rank(const struct layout *l, struct adapter *const *adapters,
                            size_t tasks) {
    size_t most = 0;
    for (size_t i = 0; i < l->parameter_count; i++)
        for (size_t t = 0; t < tasks; t++) {
            const struct parameter *p = &l->parameters[i];
            const struct adapter_entry *entry = adapter_find(adapters[t], p->name);
            if (entry && !fits(entry, p))
                return 0;
            if (entry && entry->product.rank > most)
                most = entry->product.rank;
        }
    return most;
}

static void list_parts(struct task_factors *f, const struct layout *l,
                       struct adapter *const *adapters) {
    for (size_t i = 0; i < l->parameter_count; i++) {
        const struct parameter *p = &l->parameters[i];
        bool any = false;
        for (size_t t = 0; t < f->tasks; t++)
            any = any || adapter_find(adapters[t], p->name);
        if (any)
            f->parts[f->part_count++] =
                (struct factors_part){.offset = p->offset,
                                      .rows = (size_t)p->shape[0],
                                      .columns = p->count / (size_t)p->shape[0]};
    }
}

static bool is_aligned(const struct task_factors *f) {
    for (size_t i = 0; i < f->part_count; i++)
        if (f->rank * f->parts[i].columns % LAYOUT_ALIGN)
            return false;
    return true;
}

/* r from the greatest rank, so that each task's rows of right begin where a segment of
 * a merge may; and where the parts lie. */
static void place_parts(struct task_factors *f, size_t rank, size_t *left,
                        size_t *right) {
    f->rank = (rank + 7) / 8 * 8;
    while (!is_aligned(f))
        f->rank += 8;
    *left = *right = 0;
    for (size_t i = 0; i < f->part_count; i++) {
        struct factors_part *p = &f->parts[i];
        p->left = *left;
        p->right = *right;
        *left += (f->tasks * f->rank * p->rows + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN *
                 LAYOUT_ALIGN;
        *right += f->tasks * f->rank * p->columns;
    }
}

/* --- reading ---------------------------------------------------------------------- */

/* One task's factors of one part into the host's arrays. */
static int put_factors(const struct task_factors *f, const struct factors_part *p,
                       size_t task, const struct adapter *adapter,
                       const struct low_rank *product, float *left, float *right,
                       struct error *error) {
    size_t wide = f->tasks * f->rank, first = task * f->rank;
    float *a, *b;
    if (low_rank_read(product, adapter_path(adapter), &a, &b, error))
        return -1;
    for (size_t row = 0; row < p->rows; row++)
        memcpy(left + p->left + row * wide + first, a + row * product->rank,
               product->rank * sizeof *left);
    memcpy(right + p->right + first * p->columns, b,
           product->rank * p->columns * sizeof *right);
    free(a);
    free(b);
    return 0;
}

static int read_factors(const struct task_factors *f, const struct layout *l,
                        struct adapter *const *adapters, float *left, float *right,
                        struct error *error) {
    const struct factors_part *p = f->parts;
    for (size_t i = 0; i < l->parameter_count && p < f->parts + f->part_count; i++) {
        if (l->parameters[i].offset != p->offset)
            continue;
        for (size_t t = 0; t < f->tasks; t++) {
            const struct adapter_entry *entry =
                adapter_find(adapters[t], l->parameters[i].name);
            if (entry &&
                put_factors(f, p, t, adapters[t], &entry->product, left, right, error))
                return -1;
        }
        p++;
    }
    return 0;
}

static int place(struct task_factors *f, const struct layout *l,
                 struct adapter *const *adapters, size_t left_size, size_t right_size,
                 struct error *error) {
    struct backend *b = f->backend;
    float *left = array_new(left_size, sizeof *left);
    float *right = array_new(right_size, sizeof *right);
    size_t thin = left_size * b->real_size, wide = right_size * b->real_size;
    int result = left && right ? 0 : error_memory(error);
    if (result == 0)
        result = b->allocate(b, thin, (void **)&f->left, error) ||
                         b->allocate(b, wide, (void **)&f->right, error) ||
                         b->allocate(b, wide, (void **)&f->scaled, error) ||
                         b->allocate(b, wide, (void **)&f->none, error) ||
                         read_factors(f, l, adapters, left, right, error)
                     ? -1
                     : 0;
    if (result == 0) {
        b->upload_real(b, f->left, left, left_size);
        b->upload_real(b, f->right, right, right_size);
        result = b->synchronise(b, error);
    }
    if (result == 0 && !b->host_view) {
        f->host_left = f->owned_left = left;
        f->host_right = f->owned_right = right;
        return 0;
    }
    free(left);
    free(right);
    if (result == 0) {
        f->host_left = b->host_view(b, f->left);
        f->host_right = b->host_view(b, f->right);
    }
    return result;
}

static int make(const struct task_factors *wanted, const struct layout *l,
                struct adapter *const *adapters, bool always, struct task_factors **out,
                struct error *error) {
    size_t left, right, rank = greatest_rank(l, adapters, wanted->tasks);
    if (rank == 0)
        return 0;
    struct task_factors *f = array_new(1, sizeof *f);
    if (!f)
        return error_memory(error);
    *f = *wanted;
    f->parts = array_new(l->parameter_count, sizeof *f->parts);
    int result = f->parts ? 0 : error_memory(error);
    bool suits = false;
    if (result == 0) {
        list_parts(f, l, adapters);
        place_parts(f, rank, &left, &right);
        suits = always || 2 * (left + 3 * right) <= f->tasks * l->size;
        if (suits)
            result = place(f, l, adapters, left, right, error);
    }
    if (result || !suits)
        task_factors_free(f);
    else
        *out = f;
    return result;
}

int task_factors_new(struct backend *b, const struct layout *l,
                     const struct model_directory *pretrained,
                     const char *const *experts, size_t tasks, bool always,
                     struct task_factors **out, struct error *error) {
    struct task_factors wanted = {.backend = b, .tasks = tasks};
    struct adapter **adapters = array_new(tasks, sizeof *adapters);
    *out = NULL;
    if (!adapters)
        return error_memory(error);
    bool all = !l->text;
    for (size_t t = 0; t < tasks && all;
         t++) /* who reads the expert says what is wrong */
        all = adapter_is(experts[t]) &&
              !adapter_open(experts[t], &adapters[t], error) &&
              !model_directory_match(pretrained, adapters[t], error);
    int result = all ? make(&wanted, l, adapters, always, out, error) : 0;
    for (size_t t = 0; t < tasks; t++)
        adapter_close(adapters[t]);
    free(adapters);
    return result;
}

void task_factors_free(struct task_factors *f) {
    if (!f)
        return;
    real *arrays[] = {f->left, f->right, f->scaled, f->none};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        f->backend->release(f->backend, arrays[i]);
    free(f->owned_left);
    free(f->owned_right);
    free(f->parts);
    free(f);
}

/* --- on the host ------------------------------------------------------------------ */

/* out (rows, columns) of a part. */
static void sum_part(const struct task_factors *f, const struct factors_part *p,
                     const double *weights, float *out) {
    size_t wide = f->tasks * f->rank;
#pragma omp parallel for num_threads(f->backend->threads) schedule(static)
    for (size_t row = 0; row < p->rows; row++) {
        const float *left = f->host_left + p->left + row * wide;
        float *to = out + row * p->columns;
        memset(to, 0, p->columns * sizeof *to);
        for (size_t k = 0; k < wide; k++) {
            const float factor = (float)(weights[k / f->rank] * (double)left[k]);
            const float *right = f->host_right + p->right + k * p->columns;
            if (factor == 0)
                continue;
#pragma omp simd
            for (size_t i = 0; i < p->columns; i++)
                to[i] += factor * right[i];
        }
    }
}

void task_factors_sum(const struct task_factors *f, const double *weights, size_t begin,
                      size_t count, float *out) {
    memset(out, 0, count * sizeof *out);
    for (size_t i = 0; i < f->part_count; i++)
        if (f->parts[i].offset >= begin && f->parts[i].offset < begin + count)
            sum_part(f, &f->parts[i], weights, out + (f->parts[i].offset - begin));
}

/* --- merging ---------------------------------------------------------------------- */

struct merge_segment *task_factors_segments(const struct task_factors *f,
                                            const struct upscaling *upscaling,
                                            size_t *count, struct error *error) {
    struct merge_segment *made = array_new(f->part_count * f->tasks, sizeof *made);
    *count = 0;
    if (!made)
        error_memory(error);
    for (size_t i = 0; made && i < f->part_count; i++) {
        const struct factors_part *p = &f->parts[i];
        size_t row = upscaling ? upscaling_row(upscaling, p->offset) : 0;
        size_t each = f->rank * p->columns;
        for (size_t t = 0; t < f->tasks; t++)
            made[(*count)++] =
                (struct merge_segment){.begin = p->right + t * each,
                                       .count = each,
                                       .row = (uint32_t)(row * f->tasks + t)};
    }
    return made;
}

static void copy(const struct task_factors *f, const real *base, real *out, size_t from,
                 size_t end) {
    struct backend *b = f->backend;
    if (end > from && base != out)
        b->copy(b, backend_at(b, out, from), backend_at(b, base, from),
                (end - from) * b->real_size);
}

void task_factors_merge(const struct task_factors *f, const struct layout *l,
                        const struct merge_segment *segments, size_t segment_count,
                        const float *weights, const real *base, real *out) {
    struct backend *b = f->backend;
    size_t wide = f->tasks * f->rank, done = 0;
    b->merge(b, f->scaled, f->none, f->right, 0, 1, segments, segment_count, weights);
    for (size_t i = 0; i < f->part_count; i++) {
        const struct factors_part *p = &f->parts[i];
        copy(f, base, out, done, p->offset);
        done = p->offset + p->rows * p->columns;
        b->matmul(b, &(struct matmul){.m = p->rows,
                                      .n = p->columns,
                                      .k = wide,
                                      .a = backend_at(b, f->left, p->left),
                                      .lda = wide,
                                      .b = backend_at(b, f->scaled, p->right),
                                      .ldb = p->columns,
                                      .c = backend_at(b, out, p->offset),
                                      .ldc = p->columns,
                                      .accumulate = true,
                                      .added = backend_at(b, base, p->offset)});
    }
    copy(f, base, out, done, l->size);
}
