#include "support/zeros.h"

#include <string.h>

static int read_zeros(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    (void)self;
    (void)index;
    (void)offset;
    (void)error;
    memset(out, 0, room);
    *got = room;
    return 0;
}

int zeros_write(const char *path, const struct tensor_source *sources, size_t count,
                struct error *error) {
    return safetensors_write(path, sources, count, NULL, read_zeros, NULL, error);
}
