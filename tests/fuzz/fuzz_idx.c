/* idx files, packed or not, as images and as labels. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "changes.h"
#include "data/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Instead of zlib's: the reader's buffer would be larger than any input. In a small one
 * what is read has seams, and no input waits for pages to be cleared. */
int gzbuffer(gzFile file, unsigned size) {
    (void)size;
    return ((__typeof__(&gzbuffer))dlsym(RTLD_NEXT, "gzbuffer"))(file, 64);
}

static void read_images(const char *path) {
    struct error error = {.text = ""};
    struct idx_images images;
    if (idx_images_open(path, &images, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return;
    }
    uint8_t *grey = malloc(images.width * images.height);
    while (grey && images.read < images.count &&
           idx_images_next(&images, 1, grey, &error) == 0)
        continue;
    free(grey);
    idx_images_close(&images);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int file = -1;
    char path[64];
    struct error error = {.text = ""};
    uint8_t *labels;
    size_t count;
    if (file < 0)
        file = memfd_create("idx", MFD_CLOEXEC);
    require(file >= 0 && (size == 0 || pwrite(file, data, size, 0) == (ssize_t)size) &&
            ftruncate(file, (off_t)size) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    read_images(path);
    if (idx_labels_read(path, &labels, &count, &error) == 0)
        free(labels);
    else
        require(*error.text && !strchr(error.text, '\n'));
    return 0;
}
