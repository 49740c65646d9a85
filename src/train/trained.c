#include "train/trained.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include "parallel/ranks.h"

int trained_new(struct backend *b, struct trained *t, size_t count, real *compute,
                struct error *error) {
    size_t bytes = count * sizeof(float);
    bool same = b->real_size == sizeof(float);
    *t = (struct trained){.count = count, .compute = compute, .owns_compute = !compute};
    if (t->owns_compute &&
        b->allocate(b, count * b->real_size, (void **)&t->compute, error))
        return -1;
    if (same)
        t->values = (float *)t->compute;
    else if (b->allocate(b, bytes, (void **)&t->values, error))
        return -1;
    return b->allocate(b, bytes, (void **)&t->gradient, error) ||
                   b->allocate(b, bytes, (void **)&t->first, error) ||
                   b->allocate(b, bytes, (void **)&t->second, error)
               ? -1
               : 0;
}

static bool one_array(const struct trained *t) {
    return (void *)t->values == (void *)t->compute;
}

void trained_free(struct backend *b, struct trained *t) {
    if (!one_array(t))
        b->release(b, t->values);
    if (t->owns_compute)
        b->release(b, t->compute);
    b->release(b, t->gradient);
    b->release(b, t->first);
    b->release(b, t->second);
    b->release(b, t->average);
}

int trained_put(struct backend *b, struct trained *t, const float *values,
                struct error *error) {
    b->upload(b, t->values, values, t->count * sizeof *values);
    if (!one_array(t))
        b->upload_real(b, t->compute, values, t->count);
    return b->synchronise(b, error);
}

int trained_keep_average(struct backend *b, struct trained *t, struct error *error) {
    return b->allocate(b, t->count * sizeof *t->average, (void **)&t->average, error);
}

void trained_average(struct backend *b, struct trained *t, double window) {
    float share = (float)(1 / window);
    b->add_scaled(b, t->average, t->average, -share, t->count);
    b->add_scaled(b, t->average, t->values, share, t->count);
}

int trained_show_average(struct backend *b, struct trained *t, float *values,
                         struct error *error) {
    size_t bytes = t->count * sizeof *values;
    float *average = array_new(t->count, sizeof *average);
    int result = average ? 0 : error_memory(error);
    if (result == 0 && (b->download(b, values, t->values, bytes, error) ||
                        b->download(b, average, t->average, bytes, error)))
        result = -1;
    if (result == 0)
        result = trained_put(b, t, average, error);
    free(average);
    return result;
}

void trained_step(struct backend *b, struct trained *t, double rate, double decay,
                  unsigned step) {
    struct adam adam = {.learning_rate = (float)rate,
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .weight_decay = (float)decay,
                        .step = step + 1};
    if (t->count)
        b->adam(b, t->values, one_array(t) ? NULL : t->compute, t->gradient, t->first,
                t->second, t->count, &adam);
}

/* values [count] of every rank become part's on rank 0. */
static int spread_part(struct backend *b, const float *part, float *values,
                       size_t count, struct ranks *ranks, struct error *error) {
    size_t bytes = count * sizeof *values;
    int result = ranks_rank(ranks) ? 0 : b->download(b, values, part, bytes, error);
    result = ranks_agree(ranks, result, error);
    return result ? result : ranks_broadcast(ranks, values, bytes, error);
}

int trained_spread(struct backend *b, struct trained *t, struct ranks *ranks,
                   struct error *error) {
    float *values = array_unset(t->count, sizeof *values);
    float *const parts[] = {t->first, t->second, t->average};
    int result = ranks_agree(ranks, values ? 0 : error_memory(error), error);
    for (size_t i = 0; i < 3 && result == 0; i++) {
        if (!parts[i])
            continue;
        result = spread_part(b, parts[i], values, t->count, ranks, error);
        if (result == 0 && ranks_rank(ranks))
            b->upload(b, parts[i], values, t->count * sizeof *values);
    }
    if (result == 0)
        result = spread_part(b, t->values, values, t->count, ranks, error);
    if (result == 0 && ranks_rank(ranks)) /* what the model reads, too */
        result = trained_put(b, t, values, error);
    free(values);
    return ranks_agree(ranks, result, error);
}

/* --- the state, a file ------------------------------------------------------------ */

enum { PARTS = 4, NAME_SIZE = 32, NUMBER = 24 };

/* All of a list keep an average, or none. */
static size_t parts_of(struct trained *const *list) {
    return list[0]->average ? PARTS : PARTS - 1;
}

/* Tensor `index` of the file: one of so many parts of an array of the list. */
static void tensor_name(char name[NAME_SIZE], size_t index, size_t in_all) {
    static const char *const parts[PARTS] = {"values", "first", "second", "average"};
    snprintf(name, NAME_SIZE, "%zu.%s", index / in_all, parts[index % in_all]);
}

static float *part_of(const struct trained *t, size_t part) {
    float *const parts[PARTS] = {t->values, t->first, t->second, t->average};
    return parts[part];
}

struct state_writer {
    struct backend *backend;
    struct trained *const *list;
    size_t arrays, parts; /* tensors of the list, after them the extra bytes; and of
                             one array */
    const struct training_state *state;
    float *part; /* one of them, downloaded when its first byte is asked for */
};

static int read_part(void *self, size_t index, uint64_t offset, void *out, size_t room,
                     size_t *got, struct error *error) {
    struct state_writer *w = self;
    if (index == w->arrays) {
        size_t left = w->state->extra_size - (size_t)offset;
        *got = left < room ? left : room;
        memcpy(out, (const char *)w->state->extra + offset, *got);
        return 0;
    }
    const struct trained *t = w->list[index / w->parts];
    size_t bytes = t->count * sizeof *w->part;
    if (offset == 0 && w->backend->download(w->backend, w->part,
                                            part_of(t, index % w->parts), bytes, error))
        return -1;
    *got = bytes - offset < room ? (size_t)(bytes - offset) : room;
    memcpy(out, (char *)w->part + offset, *got);
    return 0;
}

static float *room_for_largest(struct trained *const *list, size_t count) {
    size_t largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = list[i]->count > largest ? list[i]->count : largest;
    return array_new(largest, sizeof(float));
}

static const char extra_name[] = "extra";

static int write_state(struct state_writer *writer, const struct tensor_source *sources,
                       size_t count, const struct training_state *state,
                       const char *path, const char *note, struct error *error) {
    char step[NUMBER], drawn[NUMBER], random[4 * 16 + 4];
    const uint64_t *r = state->random.state;
    const char *metadata[11] = {"kind", state->kind, "step", step, "drawn", drawn};
    size_t at = 6;
    snprintf(step, sizeof step, "%u", state->step);
    snprintf(drawn, sizeof drawn, "%" PRIu64, state->step * state->batch);
    snprintf(random, sizeof random, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64,
             r[0], r[1], r[2], r[3]);
    if (state->has_random) {
        metadata[at++] = "random";
        metadata[at++] = random;
    }
    if (note) {
        metadata[at++] = "note";
        metadata[at++] = note;
    }
    return safetensors_write(path, sources, count, metadata, read_part, writer, error);
}

int trained_save(struct backend *b, struct trained *const *list, size_t count,
                 const struct training_state *state, const char *path, const char *note,
                 struct error *error) {
    size_t parts = parts_of(list), tensors = count * parts;
    struct tensor_source *sources = array_new(tensors + 1, sizeof *sources);
    char(*names)[NAME_SIZE] = array_new(tensors, sizeof *names);
    struct state_writer writer = {b,     list,  tensors,
                                  parts, state, room_for_largest(list, count)};
    int result = -1;
    if (!sources || !names || !writer.part) {
        error_memory(error);
        goto done;
    }
    for (size_t i = 0; i < tensors; i++) {
        size_t n = list[i / parts]->count;
        tensor_name(names[i], i, parts);
        sources[i] = (struct tensor_source){.name = names[i],
                                            .dtype_name = "F32",
                                            .rank = 1,
                                            .shape = {n},
                                            .bytes = n * sizeof(float)};
    }
    if (state->extra)
        sources[tensors++] = (struct tensor_source){.name = extra_name,
                                                    .dtype_name = "U8",
                                                    .rank = 1,
                                                    .shape = {state->extra_size},
                                                    .bytes = state->extra_size};
    result = write_state(&writer, sources, tensors, state, path, note, error);
done:
    free(sources);
    free(names);
    free(writer.part);
    return result;
}

static bool read_numbers(const struct safetensors *file, unsigned steps,
                         struct training_state *state) {
    const char *kind = safetensors_metadata(file, "kind");
    const char *step = safetensors_metadata(file, "step");
    const char *drawn = safetensors_metadata(file, "drawn");
    const char *random = safetensors_metadata(file, "random");
    uint64_t *r = state->random.state, examples;
    return kind && strcmp(kind, state->kind) == 0 && step && drawn &&
           sscanf(step, "%u", &state->step) == 1 && state->step <= steps &&
           sscanf(drawn, "%" SCNu64, &examples) == 1 &&
           examples == state->step * state->batch &&
           (!state->has_random ||
            (random &&
             sscanf(random, "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, r, r + 1,
                    r + 2, r + 3) == 4 &&
             random_usable(&state->random)));
}

static int read_arrays(struct backend *b, const struct safetensors *file,
                       struct trained *const *list, size_t count, const char *path,
                       float *part, struct error *error) {
    size_t parts = parts_of(list);
    for (size_t i = 0; i < count * parts; i++) {
        char name[NAME_SIZE];
        tensor_name(name, i, parts);
        struct trained *t = list[i / parts];
        const struct tensor *tensor = safetensors_find(file, name);
        if (!tensor || tensor->dtype != DTYPE_F32 || tensor->count != t->count)
            return error_set(error, "%s: %s does not have this run's size", path, name);
        if (tensor_to_f32(tensor, path, part, error))
            return -1;
        if (i % parts == 0) {
            if (trained_put(b, t, part, error))
                return -1;
            continue;
        }
        b->upload(b, part_of(t, i % parts), part, t->count * sizeof *part);
        if (b->synchronise(b, error))
            return -1;
    }
    return 0;
}

static int read_extra(const struct safetensors *file, struct training_state *state,
                      struct error *error) {
    const struct tensor *tensor = safetensors_find(file, extra_name);
    if (!tensor)
        return 0;
    state->extra = malloc((size_t)tensor->bytes + 1);
    if (!state->extra)
        return error_memory(error);
    memcpy(state->extra, tensor->data, (size_t)tensor->bytes);
    state->extra_size = (size_t)tensor->bytes;
    return 0;
}

int trained_resume(struct backend *b, struct trained *const *list, size_t count,
                   unsigned steps, struct training_state *state, const char *path,
                   char **note, struct error *error) {
    struct safetensors *file;
    if (note)
        *note = NULL;
    state->extra = NULL;
    state->extra_size = 0;
    if (safetensors_open(path, &file, error))
        return -1;
    float *part = room_for_largest(list, count);
    const char *kept = safetensors_metadata(file, "note");
    int result = part ? 0 : error_memory(error);
    if (result == 0 && !read_numbers(file, steps, state))
        result = error_set(
            error, "%s: is not the state of such a run; start again without it", path);
    if (result == 0)
        result = read_arrays(b, file, list, count, path, part, error);
    if (result == 0 && note && kept && !(*note = strdup(kept)))
        result = error_memory(error);
    if (result == 0)
        result = read_extra(file, state, error);
    if (result && note) {
        free(*note);
        *note = NULL;
    }
    free(part);
    safetensors_close(file);
    return result;
}
