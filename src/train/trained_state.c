/* All of a training's numbers as a file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include "parallel/ranks.h"
#include "train/trained.h"

enum { NAME_SIZE = 32, NUMBER = 24 };
#define NOT_OF_SUCH "is not the state of such a run; start again without it"

/* All of a list keep an average, or none. */
static size_t parts_of(struct trained *const *list) {
    return list[0]->average ? TRAINED_PARTS : TRAINED_PARTS - 1;
}

/* Tensor `index` of the file: one of so many parts of an array of the list. */
static void tensor_name(char name[NAME_SIZE], size_t index, size_t in_all) {
    static const char *const parts[TRAINED_PARTS] = {"values", "first", "second",
                                                     "average"};
    snprintf(name, NAME_SIZE, "%zu.%s", index / in_all, parts[index % in_all]);
}

/* Where ranks share moments out, rank 0 says which tensor it writes next, and all
 * bring it together; a number past the last one says that there are no more. */
static struct ranks *lenders(struct trained *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (list[i]->ranks)
            return list[i]->ranks;
    return NULL;
}

int trained_lend(struct backend *b, struct trained *const *list, size_t count,
                 struct error *error) {
    struct ranks *ranks = lenders(list, count);
    size_t parts = parts_of(list);
    while (ranks) {
        uint64_t wanted;
        if (ranks_broadcast(ranks, &wanted, sizeof wanted, error))
            return -1;
        if (wanted >= count * parts)
            return 0;
        const struct trained *t = list[wanted / parts];
        if (trained_whole(b, t, wanted % parts, t->room, error))
            return -1;
    }
    return 0;
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
    size_t bytes = t->count * sizeof *w->part, part = index % w->parts;
    if (offset == 0) {
        uint64_t wanted = index;
        if (trained_part_shared(t, part) &&
            ranks_broadcast(t->ranks, &wanted, sizeof wanted, error))
            return -1;
        if (trained_whole(w->backend, t, part, w->part, error))
            return -1;
    }
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
    uint64_t no_more = UINT64_MAX;
    struct error unsaid;
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
    if (lenders(list, count) &&
        ranks_broadcast(lenders(list, count), &no_more, sizeof no_more,
                        result ? &unsaid : error))
        result = -1;
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

static int read_part_of(const struct safetensors *file, const char *path,
                        struct trained *const *list, size_t index, float *values,
                        struct error *error) {
    size_t parts = parts_of(list);
    char name[NAME_SIZE];
    tensor_name(name, index, parts);
    const struct tensor *tensor = safetensors_find(file, name);
    if (!tensor || tensor->dtype != DTYPE_F32 ||
        tensor->count != list[index / parts]->count)
        return error_set(error, "%s: %s does not have this run's size", path, name);
    return tensor_to_f32(tensor, path, values, error);
}

static int read_arrays(struct backend *b, const struct safetensors *file,
                       struct trained *const *list, size_t count, const char *path,
                       float *values, struct error *error) {
    size_t parts = parts_of(list);
    if (safetensors_count(file) !=
        count * parts + (safetensors_find(file, extra_name) != NULL))
        return error_set(error, "%s: " NOT_OF_SUCH, path);
    for (size_t i = 0; i < count * parts; i++)
        if (read_part_of(file, path, list, i, values, error) ||
            trained_set(b, list[i / parts], i % parts, values, error))
            return -1;
    return 0;
}

int trained_read(const char *path, struct trained *const *list, size_t index,
                 size_t part, float *values, struct error *error) {
    struct safetensors *file;
    if (safetensors_open(path, &file, error))
        return -1;
    int result =
        read_part_of(file, path, list, index * parts_of(list) + part, values, error);
    safetensors_close(file);
    return result;
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
        result = error_set(error, "%s: " NOT_OF_SUCH, path);
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
