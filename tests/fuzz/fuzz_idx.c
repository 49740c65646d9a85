/* idx files, packed or not, as images and as labels. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    struct error error;
    int file = memfd_create("idx", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct idx_images images;
    if (idx_images_open(path, &images, &error) == 0) {
        size_t area = images.width * images.height;
        uint8_t *grey = malloc(area);
        while (grey && images.read < images.count &&
               idx_images_next(&images, 1, grey, &error) == 0)
            continue;
        free(grey);
        idx_images_close(&images);
    }
    uint8_t *labels;
    size_t count;
    if (idx_labels_read(path, &labels, &count, &error) == 0)
        free(labels);
    close(file);
    return 0;
}
