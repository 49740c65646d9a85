#include "checkpoint/export_tensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/dtype.h"
#include "checkpoint/write.h"

/* Where the bytes of one written tensor come from: values where there are some,
 * else the pretrained model's own bytes. */
struct origin {
    const struct tensor *pretrained;
    const struct export_tensor *given;
    enum dtype dtype;
};

struct tensor_export {
    const struct work *work;
    const enum dtype *wanted;             /* export_plan.h: dtype */
    const char *where;                    /* the pretrained model */
    const struct export_tensor **by_name; /* the plan's, sorted */
    struct tensor_source *sources;
    struct origin *origins;
    size_t count;
    uint64_t done, total;
};

static int compare_given(const void *left, const void *right) {
    const struct export_tensor *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static int compare_key(const void *key, const void *entry) {
    const struct export_tensor *const *tensor = entry;
    return strcmp(key, (*tensor)->name);
}

static int sort_given(struct tensor_export *export, const struct export_plan *plan,
                      struct error *error) {
    export->by_name = array_new(plan->tensor_count, sizeof *export->by_name);
    if (!export->by_name)
        return error_memory(error);
    for (size_t i = 0; i < plan->tensor_count; i++)
        export->by_name[i] = &plan->tensors[i];
    qsort(export->by_name, plan->tensor_count, sizeof *export->by_name, compare_given);
    for (size_t i = 1; i < plan->tensor_count; i++)
        if (strcmp(export->by_name[i - 1]->name, export->by_name[i]->name) == 0)
            return error_set(error, "%s: given twice", export->by_name[i]->name);
    return 0;
}

static bool holds_numbers(enum dtype dtype) {
    return dtype == DTYPE_F64 || dtype == DTYPE_F32 || dtype == DTYPE_F16 ||
           dtype == DTYPE_BF16;
}

/* Adds one tensor; either of its origins may be NULL, not both. */
static int add(struct tensor_export *export, const struct tensor *pretrained,
               const struct export_tensor *given, struct error *error) {
    struct tensor_source *source = &export->sources[export->count];
    struct origin *origin = &export->origins[export->count];
    *origin =
        (struct origin){pretrained, given, pretrained ? pretrained->dtype : DTYPE_F32};
    source->name = pretrained ? pretrained->name : given->name;
    source->dtype_name = pretrained ? pretrained->dtype_name : "F32";
    if (export->wanted && holds_numbers(origin->dtype)) {
        origin->dtype = *export->wanted;
        source->dtype_name = dtype_entry_of(origin->dtype)->name;
    }
    source->rank = given ? given->rank : pretrained->rank;
    if (source->rank > TENSOR_RANK_MAX)
        return error_set(error, "%s: more than %d dimensions", source->name,
                         TENSOR_RANK_MAX);
    memcpy(source->shape, given ? given->shape : pretrained->shape,
           sizeof source->shape);
    uint64_t count;
    const struct dtype_entry *entry = dtype_entry_find(source->dtype_name);
    if (!dtype_measure(entry, source->rank, source->shape, &count, &source->bytes))
        return error_set(error, "%s: its shape has no size in bytes", source->name);
    if (given && !holds_numbers(origin->dtype))
        return error_set(
            error,
            "%s is %s in the pretrained model; weights cannot be rounded to that",
            source->name, source->dtype_name);
    export->total += source->bytes;
    export->count++;
    return 0;
}

static int describe(struct tensor_export *export, const struct export_plan *plan,
                    struct error *error) {
    size_t kept = model_directory_count(plan->pretrained);
    export->sources = array_new(kept + plan->tensor_count, sizeof *export->sources);
    export->origins = array_new(kept + plan->tensor_count, sizeof *export->origins);
    if (!export->sources || !export->origins)
        return error_memory(error);
    for (size_t i = 0; i < kept; i++) {
        const struct tensor *tensor = model_directory_at(plan->pretrained, i);
        const struct export_tensor **given =
            bsearch(tensor->name, export->by_name, plan->tensor_count,
                    sizeof *export->by_name, compare_key);
        if (add(export, tensor, given ? *given : NULL, error) != 0)
            return -1;
    }
    for (size_t i = 0; i < plan->tensor_count; i++)
        if (!model_directory_find(plan->pretrained, plan->tensors[i].name) &&
            add(export, NULL, &plan->tensors[i], error) != 0)
            return -1;
    return 0;
}

/* `count` elements of the pretrained model's in another dtype. */
static int convert(const struct tensor_export *export, const struct origin *origin,
                   size_t from, size_t count, void *out, struct error *error) {
    enum { CHUNK = 4096 };
    float values[CHUNK];
    size_t size = dtype_size(origin->dtype);
    for (size_t at = 0; at < count; at += CHUNK) {
        size_t n = count - at < CHUNK ? count - at : CHUNK;
        if (tensor_part_to_f32(origin->pretrained, export->where, from + at, n, values,
                               error) ||
            tensor_round(origin->pretrained->name, origin->dtype, values, from + at, n,
                         (char *)out + at * size, error))
            return -1;
    }
    return 0;
}

static int read_bytes(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    struct tensor_export *export = self;
    const struct origin *origin = &export->origins[index];
    if (work_stopped(export->work))
        return error_set(error, "stopped; nothing was written");
    if (origin->given || origin->dtype != origin->pretrained->dtype) {
        size_t size = dtype_size(origin->dtype), count = room / size;
        size_t from = (size_t)offset / size;
        if (!origin->given && convert(export, origin, from, count, out, error) != 0)
            return -1;
        if (origin->given &&
            tensor_round(export->sources[index].name, origin->dtype,
                         origin->given->values + from, from, count, out, error) != 0)
            return -1;
        *got = count * size;
    } else {
        memcpy(out, (const unsigned char *)origin->pretrained->data + offset, room);
        *got = room;
    }
    export->done += *got;
    work_report(export->work, "export", (size_t) export->done, (size_t) export->total);
    return 0;
}

int export_tensors_write(const char *path, const char *shown,
                         const struct export_plan *plan, const struct work *work,
                         struct error *error) {
    static const char *const metadata[] = {"format", "pt", NULL};
    struct tensor_export export = {.work = work,
                                   .wanted = plan->dtype,
                                   .where = model_directory_path(plan->pretrained)};
    int result = sort_given(&export, plan, error);
    if (result == 0)
        result = describe(&export, plan, error);
    if (result == 0)
        result = safetensors_write_as(path, shown, export.sources, export.count,
                                      metadata, read_bytes, &export, error);
    free(export.by_name);
    free(export.sources);
    free(export.origins);
    return result;
}
