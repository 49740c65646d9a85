/* Reading: the file is mapped, its header parsed and checked, and only then is
 * there a struct safetensors. */
#include "checkpoint/safetensors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapped.h"
#include "base/memory.h"
#include "checkpoint/dtype.h"

enum { LENGTH_BYTES = 8, HEADER_MAX = 100000000 };

struct safetensors {
    const unsigned char *bytes; /* the whole file */
    size_t size;
    bool mapped;
    char *label;
    json_t *header; /* owns the names */
    struct tensor *tensors;
    const struct tensor **by_name;
    size_t count;
};

static int compare_data(const void *left, const void *right) {
    const struct tensor *a = left, *b = right;
    if (a->data != b->data)
        return (uintptr_t)a->data < (uintptr_t)b->data ? -1 : 1;
    if (a->bytes != b->bytes) /* what is empty comes before what starts there too */
        return a->bytes < b->bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int compare_names(const void *left, const void *right) {
    const struct tensor *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static int compare_key(const void *key, const void *entry) {
    const struct tensor *const *tensor = entry;
    return strcmp(key, (*tensor)->name);
}

void tensors_sort(const struct tensor **tensors, size_t count) {
    qsort(tensors, count, sizeof *tensors, compare_names);
}

const struct tensor *tensors_find(const struct tensor *const *sorted, size_t count,
                                  const char *name) {
    const struct tensor *const *found =
        bsearch(name, sorted, count, sizeof *sorted, compare_key);
    return found ? *found : NULL;
}

/* A number that is an integer >= 0, into *out. */
static bool read_size(const json_t *value, uint64_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static int read_shape(const struct safetensors *file, const json_t *value,
                      struct tensor *tensor, struct error *error) {
    if (!json_is_array(value))
        return error_set(error, "%s: %s: shape is missing or not a list", file->label,
                         tensor->name);
    size_t rank = json_array_size(value);
    if (rank > TENSOR_RANK_MAX)
        return error_set(error, "%s: %s has %zu dimensions; at most %d are read",
                         file->label, tensor->name, rank, TENSOR_RANK_MAX);
    tensor->rank = (unsigned)rank;
    for (size_t i = 0; i < rank; i++)
        if (!read_size(json_array_get(value, i), &tensor->shape[i]))
            return error_set(error, "%s: %s: dimension %zu of its shape is not a size",
                             file->label, tensor->name, i);
    return 0;
}

/* An entry of the header into *tensor; data is `data_size` bytes. */
static int read_entry(const struct safetensors *file, const char *name,
                      const json_t *entry, const unsigned char *data,
                      uint64_t data_size, struct tensor *tensor, struct error *error) {
    tensor->name = name;
    if (!json_is_object(entry))
        return error_set(error, "%s: %s: its header entry is not an object",
                         file->label, name);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)entry, key, value) {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
            strcmp(key, "data_offsets") != 0)
            return error_set(error, "%s: %s: unknown field %s in its header entry",
                             file->label, name, key);
    }
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype)
        return error_set(error, "%s: %s: dtype is missing or not a string", file->label,
                         name);
    const struct dtype_entry *kind = dtype_entry_find(dtype);
    if (!kind)
        return error_set(error, "%s: %s: unknown dtype %s", file->label, name, dtype);
    tensor->dtype = kind->dtype;
    tensor->dtype_name = kind->name;
    if (read_shape(file, json_object_get(entry, "shape"), tensor, error) != 0)
        return -1;

    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t begin, end;
    if (json_array_size(offsets) != 2 ||
        !read_size(json_array_get(offsets, 0), &begin) ||
        !read_size(json_array_get(offsets, 1), &end))
        return error_set(error, "%s: %s: data_offsets is not a pair of sizes",
                         file->label, name);
    if (end < begin)
        return error_set(error, "%s: %s: its data end before they begin (%llu, %llu)",
                         file->label, name, (unsigned long long)begin,
                         (unsigned long long)end);
    if (end > data_size)
        return error_set(error,
                         "%s: %s: its data end at byte %llu of %llu; the file is cut "
                         "short or its header is wrong",
                         file->label, name, (unsigned long long)end,
                         (unsigned long long)data_size);
    char shape[128];
    if (!dtype_measure(kind, tensor->rank, tensor->shape, &tensor->count,
                       &tensor->bytes))
        return error_set(error, "%s: %s: a shape of %s %s has no size in bytes",
                         file->label, name, dtype,
                         tensor_shape_text(tensor, shape, sizeof shape));
    if (tensor->bytes != end - begin)
        return error_set(
            error, "%s: %s: %s of %s takes %llu bytes, its data are %llu", file->label,
            name, tensor_shape_text(tensor, shape, sizeof shape), dtype,
            (unsigned long long)tensor->bytes, (unsigned long long)(end - begin));
    tensor->data = data + begin;
    return 0;
}

static int check_metadata(const struct safetensors *file, const json_t *metadata,
                          struct error *error) {
    if (json_is_null(metadata)) /* as the reference takes it: there is none */
        return 0;
    if (!json_is_object(metadata))
        return error_set(error, "%s: __metadata__ is not an object", file->label);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metadata, key, value) {
        if (!json_is_string(value))
            return error_set(error, "%s: __metadata__: %s is not a string", file->label,
                             key);
    }
    return 0;
}

/* Sorted by their data, the tensors must follow one another to the end. */
static int check_tiling(const struct safetensors *file, const unsigned char *data,
                        uint64_t data_size, struct error *error) {
    uint64_t reached = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct tensor *tensor = &file->tensors[i];
        uint64_t begin = (uint64_t)((const unsigned char *)tensor->data - data);
        if (begin > reached)
            return error_set(error, "%s: %s: a hole of %llu bytes before its data",
                             file->label, tensor->name,
                             (unsigned long long)(begin - reached));
        if (begin < reached)
            return error_set(error, "%s: %s: its data overlap those of %s", file->label,
                             tensor->name, file->tensors[i - 1].name);
        reached = begin + tensor->bytes;
    }
    if (reached != data_size)
        return error_set(error, "%s: %llu bytes after the last tensor", file->label,
                         (unsigned long long)(data_size - reached));
    return 0;
}

static int parse(struct safetensors *file, struct error *error) {
    if (file->size < LENGTH_BYTES)
        return error_set(error, "%s: %zu bytes are too few for a safetensors file",
                         file->label, file->size);
    uint64_t length;
    memcpy(&length, file->bytes, sizeof length);
    if (length > HEADER_MAX)
        return error_set(error,
                         "%s: its header would be %llu bytes, the format allows "
                         "100000000; is this a safetensors file?",
                         file->label, (unsigned long long)length);
    if (length > file->size - LENGTH_BYTES)
        return error_set(error,
                         "%s: its header is %llu bytes, the file only %zu; it is cut "
                         "short or not a safetensors file",
                         file->label, (unsigned long long)length, file->size);
    const char *text = (const char *)file->bytes + LENGTH_BYTES;
    const unsigned char *data = file->bytes + LENGTH_BYTES + length;
    uint64_t data_size = file->size - LENGTH_BYTES - length;
    size_t blank = 0;
    while (blank < length && memchr(" \t\n\r", text[blank], 4))
        blank++;
    if (blank == length || text[blank] != '{')
        return error_set(error, "%s: its header does not begin with {", file->label);

    json_error_t place;
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &place);
    if (!file->header && json_error_code(&place) == json_error_duplicate_key)
        return error_set(error, "%s: a key occurs twice in its header: %s", file->label,
                         place.text);
    if (!file->header)
        return error_set(error, "%s: its header is not valid JSON: %s (byte %d)",
                         file->label, place.text, place.position);

    size_t keys = json_object_size(file->header);
    file->tensors = array_new(keys, sizeof *file->tensors);
    file->by_name = array_new(keys, sizeof *file->by_name);
    if (!file->tensors || !file->by_name)
        return error_memory(error);
    const char *key;
    json_t *value;
    json_object_foreach(file->header, key, value) {
        if (strcmp(key, "__metadata__") == 0) {
            if (check_metadata(file, value, error) != 0)
                return -1;
        } else if (read_entry(file, key, value, data, data_size,
                              &file->tensors[file->count++], error) != 0) {
            return -1;
        }
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_data);
    if (check_tiling(file, data, data_size, error) != 0)
        return -1;
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->tensors[i];
    tensors_sort(file->by_name, file->count);
    return 0;
}

int safetensors_open_memory(const void *bytes, size_t size, const char *label,
                            struct safetensors **result, struct error *error) {
    struct safetensors *file = array_new(1, sizeof *file);
    if (!file || !(file->label = strdup(label))) {
        free(file);
        return error_memory(error);
    }
    file->bytes = bytes;
    file->size = size;
    if (parse(file, error) != 0) {
        safetensors_close(file);
        return -1;
    }
    *result = file;
    return 0;
}

int safetensors_open(const char *path, struct safetensors **result,
                     struct error *error) {
    const void *bytes;
    size_t size;
    if (mapped_open(path, &bytes, &size, error) != 0)
        return -1;
    if (safetensors_open_memory(bytes, size, path, result, error) != 0) {
        mapped_close(bytes, size);
        return -1;
    }
    (*result)->mapped = true;
    return 0;
}

void safetensors_close(struct safetensors *file) {
    if (!file)
        return;
    if (file->mapped)
        mapped_close(file->bytes, file->size);
    json_decref(file->header);
    free(file->tensors);
    free(file->by_name);
    free(file->label);
    free(file);
}

size_t safetensors_count(const struct safetensors *file) {
    return file->count;
}

const struct tensor *safetensors_at(const struct safetensors *file, size_t index) {
    return &file->tensors[index];
}

const struct tensor *safetensors_find(const struct safetensors *file,
                                      const char *name) {
    return tensors_find(file->by_name, file->count, name);
}

const char *safetensors_metadata(const struct safetensors *file, const char *key) {
    return json_string_value(
        json_object_get(json_object_get(file->header, "__metadata__"), key));
}

bool safetensors_memory_is(const void *bytes, size_t size, const char *wanted) {
    struct safetensors *file;
    struct error error;
    if (safetensors_open_memory(bytes, size, "", &file, &error))
        return false;
    const char *found = safetensors_metadata(file, "kind");
    bool is = found && strcmp(found, wanted) == 0;
    safetensors_close(file);
    return is;
}

char *tensor_shape_text(const struct tensor *tensor, char *out, size_t size) {
    size_t used = 0;
    if (size == 0)
        return out;
    out[0] = '\0';
    for (unsigned i = 0; i <= tensor->rank && used < size; i++) {
        int more = i == tensor->rank
                       ? snprintf(out + used, size - used, i ? "]" : "[]")
                       : snprintf(out + used, size - used, "%s%llu", i ? ", " : "[",
                                  (unsigned long long)tensor->shape[i]);
        used += (size_t)more;
    }
    return out;
}
