/* A safetensors file from anyone. What is accepted can be read to its last byte,
 * found by name, and written again to a file that is accepted too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth) {
    if (!truth)
        abort();
}

static int read_tensor(void *self, size_t index, uint64_t offset, void *out,
                       size_t room, size_t *got, struct error *error) {
    (void)error;
    memcpy(out, (const char *)safetensors_at(self, index)->data + offset, room);
    *got = room;
    return 0;
}

static void write_again(struct safetensors *file) {
    size_t count = safetensors_count(file), size;
    struct tensor_source *sources = calloc(count + 1, sizeof *sources);
    for (size_t i = 0; sources && i < count; i++) {
        const struct tensor *tensor = safetensors_at(file, i);
        sources[i] = (struct tensor_source){.name = tensor->name,
                                            .dtype_name = tensor->dtype_name,
                                            .rank = tensor->rank,
                                            .bytes = tensor->bytes};
        memcpy(sources[i].shape, tensor->shape, sizeof tensor->shape);
    }
    void *bytes;
    struct error error;
    struct safetensors *again;
    require(safetensors_write_memory(sources, count, NULL, read_tensor, file, &bytes,
                                     &size, &error) == 0);
    require(safetensors_open_memory(bytes, size, "again", &again, &error) == 0);
    require(safetensors_count(again) == count);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *a = safetensors_at(file, i);
        const struct tensor *b = safetensors_find(again, a->name);
        require(b && a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0);
    }
    safetensors_close(again);
    free(bytes);
    free(sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct safetensors *file;
    struct error error;
    if (safetensors_open_memory(data, size, "input", &file, &error) != 0) {
        require(strncmp(error.text, "input: ", 7) == 0 && !strchr(error.text, '\n'));
        return 0;
    }
    safetensors_metadata(file, "format");
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *tensor = safetensors_at(file, i);
        char shape[16];
        require(safetensors_find(file, tensor->name) == tensor);
        tensor_shape_text(tensor, shape, sizeof shape);
        float *values = malloc((size_t)tensor->count * sizeof *values + 1);
        if (values)
            tensor_to_f32(tensor, "input", values, &error);
        free(values);
    }
    write_again(file);
    safetensors_close(file);
    return 0;
}
