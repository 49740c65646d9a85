/* Writing safetensors: the header is laid out whole from the descriptions, then one
 * tensor's bytes follow another's, in the order and form of the usual writers. */
#include <config.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/draft.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "checkpoint/dtype.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/write.h"

enum { LENGTH_BYTES = 8, HEADER_MAX = 100000000, CHUNK = 1 << 20 };

struct header_plan {
    size_t *order; /* indices of the tensors as they lie in the file */
    unsigned char *head;
    size_t head_size; /* of the length, the JSON and its padding */
    uint64_t data_size;
};

static int compare_sources(const void *left, const void *right, void *context) {
    const struct tensor_source *tensors = context;
    const struct tensor_source *a = &tensors[*(const size_t *)left],
                               *b = &tensors[*(const size_t *)right];
    const struct dtype_entry *x = dtype_entry_find(a->dtype_name),
                             *y = dtype_entry_find(b->dtype_name);
    if (x != y) /* falling alignment keeps every tensor aligned */
        return x > y ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int check_source(const struct tensor_source *tensor, struct error *error) {
    const struct dtype_entry *kind = dtype_entry_find(tensor->dtype_name);
    uint64_t count, bytes;
    if (!kind)
        return error_set(error, "%s: unknown dtype %s", tensor->name,
                         tensor->dtype_name);
    if (tensor->rank > TENSOR_RANK_MAX ||
        !dtype_measure(kind, tensor->rank, tensor->shape, &count, &bytes) ||
        bytes != tensor->bytes)
        return error_set(error, "%s: its shape and its %llu bytes do not agree",
                         tensor->name, (unsigned long long)tensor->bytes);
    if (strcmp(tensor->name, "__metadata__") == 0)
        return error_set(error, "a tensor cannot be named __metadata__");
    return 0;
}

/* Adds the entry of one tensor, whose data begin at begin, to header. */
static int add_entry(json_t *header, const struct tensor_source *tensor, uint64_t begin,
                     struct error *error) {
    if (json_object_get(header, tensor->name))
        return error_set(error, "two tensors have the name %s", tensor->name);
    json_t *shape = json_array(), *entry = json_object(), *offsets = json_array();
    int bad = !shape || !entry || !offsets;
    for (unsigned i = 0; i < tensor->rank; i++)
        bad |= json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    bad |= json_array_append_new(offsets, json_integer((json_int_t)begin));
    bad |= json_array_append_new(offsets,
                                 json_integer((json_int_t)(begin + tensor->bytes)));
    bad |= json_object_set_new(entry, "dtype", json_string(tensor->dtype_name));
    bad |= json_object_set_new(entry, "shape", shape);
    bad |= json_object_set_new(entry, "data_offsets", offsets);
    /* The checks before leave two reasons: memory, and a name that is no UTF-8. */
    if (json_object_set_new(header, tensor->name, entry) != 0 || bad)
        return error_set(
            error,
            "%s: cannot be put into a header (its name is not UTF-8, or out of memory)",
            tensor->name);
    return 0;
}

static json_t *build_header(const struct tensor_source *tensors, size_t count,
                            const char *const *metadata, struct header_plan *layout,
                            struct error *error) {
    json_t *header = json_object();
    if (!header) {
        error_memory(error);
        return NULL;
    }
    if (metadata && metadata[0]) {
        json_t *pairs = json_object();
        int bad = 0;
        for (size_t i = 0; metadata[i] && metadata[i + 1]; i += 2)
            bad |=
                json_object_set_new(pairs, metadata[i], json_string(metadata[i + 1]));
        if (json_object_set_new(header, "__metadata__", pairs) != 0 || bad) {
            error_set(error, "metadata that are not UTF-8, or out of memory");
            json_decref(header);
            return NULL;
        }
    }
    uint64_t reached = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tensor_source *tensor = &tensors[layout->order[i]];
        if (tensor->bytes > (uint64_t)INT64_MAX - reached) {
            error_set(error, "%s: the file would be too large", tensor->name);
            json_decref(header);
            return NULL;
        }
        if (add_entry(header, tensor, reached, error) != 0) {
            json_decref(header);
            return NULL;
        }
        reached += tensor->bytes;
    }
    layout->data_size = reached;
    return header;
}

static void layout_free(struct header_plan *layout) {
    free(layout->order);
    free(layout->head);
}

static int layout_make(const struct tensor_source *tensors, size_t count,
                       const char *const *metadata, struct header_plan *layout,
                       struct error *error) {
    *layout = (struct header_plan){.order = array_new(count, sizeof *layout->order)};
    if (!layout->order)
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        if (check_source(&tensors[i], error) != 0)
            return -1;
        layout->order[i] = i;
    }
    qsort_r(layout->order, count, sizeof *layout->order, compare_sources,
            (void *)tensors);
    json_t *header = build_header(tensors, count, metadata, layout, error);
    if (!header)
        return -1;
    char *text = json_text_dump(header, JSON_COMPACT);
    json_decref(header);
    if (!text)
        return error_memory(error);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    int result = -1;
    if (padded > HEADER_MAX) {
        error_set(error, "the header would be %zu bytes, the format allows 100000000",
                  padded);
    } else if (!(layout->head = malloc(LENGTH_BYTES + padded))) {
        error_memory(error);
    } else {
        uint64_t stored = padded;
        memcpy(layout->head, &stored, LENGTH_BYTES);
        memcpy(layout->head + LENGTH_BYTES, text, length);
        memset(layout->head + LENGTH_BYTES + length, ' ', padded - length);
        layout->head_size = LENGTH_BYTES + padded;
        result = 0;
    }
    free(text);
    return result;
}

/* Asks for at most room bytes of a tensor from offset on; a reader that gives none
 * or too many is refused, or it would be asked for ever. */
static int ask(tensor_read read, void *self, const struct tensor_source *tensor,
               size_t index, uint64_t offset, void *out, size_t room, size_t *got,
               struct error *error) {
    if (tensor->bytes - offset < room)
        room = (size_t)(tensor->bytes - offset);
    *got = 0;
    if (read(self, index, offset, out, room, got, error) != 0)
        return -1;
    if (*got == 0 || *got > room)
        return error_set(error, "%s: its bytes end at %llu of %llu", tensor->name,
                         (unsigned long long)offset, (unsigned long long)tensor->bytes);
    return 0;
}

/* The bytes of all tensors, in the order of the layout, into the draft. */
static int write_data(struct draft *draft, const struct tensor_source *tensors,
                      size_t count, const struct header_plan *layout, tensor_read read,
                      void *self, struct error *error) {
    unsigned char *chunk = malloc(CHUNK);
    size_t filled = 0;
    int result = chunk ? 0 : error_memory(error);
    for (size_t i = 0; i < count && result == 0; i++) {
        size_t index = layout->order[i], got;
        for (uint64_t offset = 0; offset < tensors[index].bytes && result == 0;
             offset += got) {
            result = ask(read, self, &tensors[index], index, offset, chunk + filled,
                         CHUNK - filled, &got, error);
            if (result != 0)
                break;
            filled += got;
            if (filled == CHUNK) {
                result = draft_write(draft, chunk, filled, error);
                filled = 0;
            }
        }
    }
    if (result == 0)
        result = draft_write(draft, chunk, filled, error);
    free(chunk);
    return result;
}

int safetensors_write_as(const char *path, const char *shown,
                         const struct tensor_source *tensors, size_t count,
                         const char *const *metadata, tensor_read read, void *self,
                         struct error *error) {
    struct header_plan layout;
    struct draft *draft = NULL;
    int result = layout_make(tensors, count, metadata, &layout, error);
    if (result != 0)
        error_prefix(error, "%s", shown);
    if (result == 0)
        result = draft_open(path, shown, &draft, error);
    if (result == 0)
        result = draft_reserve(draft, layout.head_size + layout.data_size, error);
    if (result == 0)
        result = draft_write(draft, layout.head, layout.head_size, error);
    if (result == 0)
        result = write_data(draft, tensors, count, &layout, read, self, error);
    if (result == 0)
        result = draft_commit(draft, error);
    else
        draft_discard(draft);
    layout_free(&layout);
    return result;
}

int safetensors_write(const char *path, const struct tensor_source *tensors,
                      size_t count, const char *const *metadata, tensor_read read,
                      void *self, struct error *error) {
    return safetensors_write_as(path, path, tensors, count, metadata, read, self,
                                error);
}

int safetensors_write_memory(const struct tensor_source *tensors, size_t count,
                             const char *const *metadata, tensor_read read, void *self,
                             void **bytes, size_t *size, struct error *error) {
    struct header_plan layout;
    unsigned char *whole = NULL;
    size_t total = 0;
    int result = layout_make(tensors, count, metadata, &layout, error);
    if (result == 0 &&
        (layout.data_size > SIZE_MAX - layout.head_size ||
         !(whole = malloc(total = layout.head_size + (size_t)layout.data_size))))
        result = error_memory(error);
    size_t filled = layout.head_size;
    if (result == 0)
        memcpy(whole, layout.head, layout.head_size);
    for (size_t i = 0; i < count && result == 0; i++) {
        size_t index = layout.order[i];
        for (uint64_t offset = 0; offset < tensors[index].bytes && result == 0;) {
            size_t got;
            result = ask(read, self, &tensors[index], index, offset, whole + filled,
                         total - filled, &got, error);
            filled += result == 0 ? got : 0;
            offset += result == 0 ? got : 0;
        }
    }
    layout_free(&layout);
    if (result != 0) {
        free(whole);
        return -1;
    }
    *bytes = whole;
    *size = total;
    return 0;
}
