#include "data/idx.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/image.h"

enum { DEFLATE_MOST = 1032, MOST_DIMENSIONS = 3 };

static int read_bytes(gzFile file, void *to, size_t bytes, struct error *error) {
    for (size_t done = 0; done < bytes;) {
        size_t left = bytes - done;
        unsigned want = left > INT_MAX / 2 ? INT_MAX / 2 : (unsigned)left;
        int got = gzread(file, (char *)to + done, want);
        if (got > 0) {
            done += (size_t)got;
            continue;
        }
        int code;
        const char *message = gzerror(file, &code);
        if (code == Z_ERRNO)
            message = strerror(errno);
        if (got < 0 || (code != Z_OK && code != Z_BUF_ERROR))
            return error_set(error, "the file is damaged (%s)", message);
        return error_set(error, "the file is cut short: its header says more");
    }
    return 0;
}

static int expect_end(gzFile file, struct error *error) {
    char byte;
    int got = gzread(file, &byte, 1), code;
    if (got > 0)
        return error_set(error, "the file is longer than its header says");
    const char *message = gzerror(file, &code);
    if (got < 0 || code != Z_OK)
        return error_set(error, "the file is damaged (%s)", message);
    return 0;
}

static size_t big_endian(const uint8_t *p) {
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* Reads the header, whose number of dimensions must be as given, and checks that
 * the file, stored bytes long, can hold what it promises. */
static int read_header(gzFile file, size_t stored, size_t dimensions, size_t *sizes,
                       struct error *error) {
    uint8_t header[4 + 4 * MOST_DIMENSIONS];
    if (read_bytes(file, header, 4, error))
        return -1;
    if (header[0] || header[1] || header[2] != 8 || header[3] != dimensions)
        return error_set(
            error,
            "not an idx file of u8 with %zu dimensions: it begins %02x %02x "
            "%02x %02x",
            dimensions, header[0], header[1], header[2], header[3]);
    if (read_bytes(file, header + 4, 4 * dimensions, error))
        return -1;
    size_t bytes = 1, most = stored;
    if (!gzdirect(file) && !size_multiply(stored, DEFLATE_MOST, &most))
        most = SIZE_MAX;
    for (size_t i = 0; i < dimensions; i++) {
        sizes[i] = big_endian(header + 4 + 4 * i);
        if (sizes[i] == 0)
            return error_set(error, "the header gives a size of 0");
        if (!size_multiply(bytes, sizes[i], &bytes) || bytes > most)
            return error_set(error, "the header says more than the file can hold");
    }
    return 0;
}

static int open_file(const char *path, size_t dimensions, gzFile *file, size_t *sizes,
                     struct error *error) {
    *file = NULL;
    uint64_t stored;
    int descriptor = file_open(path, UINT64_MAX, &stored, error);
    if (descriptor < 0)
        return -1;
    *file = gzdopen(descriptor, "rb");
    if (!*file) {
        close(descriptor);
        return error_memory(error);
    }
    gzbuffer(*file, 128 << 10);
    if (read_header(*file, (size_t)stored, dimensions, sizes, error)) {
        gzclose(*file);
        *file = NULL;
        return error_prefix(error, "%s", path);
    }
    return 0;
}

int idx_images_open(const char *path, struct idx_images *images, struct error *error) {
    size_t sizes[3];
    gzFile file;
    *images = (struct idx_images){0};
    if (open_file(path, 3, &file, sizes, error))
        return -1;
    *images = (struct idx_images){sizes[0], sizes[1], sizes[2], 0, file};
    if (sizes[1] > IMAGE_LONGEST_EDGE || sizes[2] > IMAGE_LONGEST_EDGE ||
        sizes[1] * sizes[2] > IMAGE_MOST_PIXELS) {
        idx_images_close(images);
        return error_set(error, "%s: images of %zu x %zu pixels are too large", path,
                         sizes[2], sizes[1]);
    }
    return 0;
}

int idx_images_next(struct idx_images *images, size_t n, uint8_t *grey,
                    struct error *error) {
    if (n > images->count - images->read)
        return error_set(error, "the file has no more images");
    size_t bytes;
    if (!size_multiply(n, images->height * images->width, &bytes))
        return error_memory(error);
    if (read_bytes(images->file, grey, bytes, error))
        return -1;
    images->read += n;
    return images->read == images->count ? expect_end(images->file, error) : 0;
}

void idx_images_close(struct idx_images *images) {
    if (images->file)
        gzclose(images->file);
    images->file = NULL;
}

int idx_labels_read(const char *path, uint8_t **labels, size_t *count,
                    struct error *error) {
    gzFile file;
    *labels = NULL;
    if (open_file(path, 1, &file, count, error))
        return -1;
    int status = 0;
    *labels = array_new(*count, 1);
    if (!*labels)
        status = error_memory(error);
    else if (read_bytes(file, *labels, *count, error) || expect_end(file, error))
        status = error_prefix(error, "%s", path);
    gzclose(file);
    if (status) {
        free(*labels);
        *labels = NULL;
    }
    return status;
}

static bool is_there(const char *path) {
    struct stat about;
    return stat(path, &about) == 0;
}

char *idx_labels_path(const char *images, struct error *error) {
    char *path = text_format("%s", images);
    if (!path) {
        error_memory(error);
        return NULL;
    }
    char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *word = strstr(name, "images"), *kind = strstr(name, "idx3");
    if (!word || !kind) {
        error_set(error,
                  "%s: the labels file beside it cannot be found, because the name "
                  "does not have both \"images\" and \"idx3\"; name it as MNIST's are",
                  images);
        free(path);
        return NULL;
    }
    memcpy(word, "labels", 6);
    memcpy(kind, "idx1", 4);
    size_t length = strlen(path);
    bool packed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    char *other = packed ? text_format("%.*s", (int)(length - 3), path)
                         : text_format("%s.gz", path);
    if (!other) {
        error_memory(error);
        free(path);
        return NULL;
    }
    if (is_there(path) || !is_there(other)) {
        free(other);
        return path;
    }
    free(path);
    return other;
}
