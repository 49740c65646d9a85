#include "data/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/image_formats.h"

int image_allocate(struct image *image, size_t width, size_t height,
                   struct error *error) {
    size_t pixels;
    if (width == 0 || height == 0)
        return error_set(error, "the picture is empty, %zu x %zu pixels", width,
                         height);
    if (width > IMAGE_LONGEST_EDGE || height > IMAGE_LONGEST_EDGE)
        return error_set(
            error,
            "the picture is %zu x %zu pixels, and an edge may have %d; make "
            "it smaller",
            width, height, IMAGE_LONGEST_EDGE);
    if (!size_multiply(width, height, &pixels) || pixels > IMAGE_MOST_PIXELS)
        return error_set(
            error,
            "the picture is %zu x %zu pixels, more than %d million; make it "
            "smaller",
            width, height, IMAGE_MOST_PIXELS / 1000000);
    image->rgb = malloc(pixels * 3);
    if (!image->rgb)
        return error_memory(error);
    image->width = width;
    image->height = height;
    return 0;
}

void image_release(struct image *image) {
    free(image->rgb);
    *image = (struct image){0};
}

int image_decode(const uint8_t *data, size_t size, struct image *image,
                 struct error *error) {
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    *image = (struct image){0};
    int status;
    if (size >= sizeof png && memcmp(data, png, sizeof png) == 0)
        status = image_decode_png(data, size, image, error);
    else if (size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff)
        status = image_decode_jpeg(data, size, image, error);
    else if (size >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7')
        status = image_decode_pnm(data, size, image, error);
    else if (size >= 12 && memcmp(data, "RIFF", 4) == 0 &&
             memcmp(data + 8, "WEBP", 4) == 0)
        status = image_decode_webp(data, size, image, error);
    else if (size >= 2 && data[0] == 'B' && data[1] == 'M')
        status = image_decode_bmp(data, size, image, error);
    else
        status = error_set(error, "no PNG, JPEG, WebP, BMP or PPM picture; take it out "
                                  "or convert it");
    if (status)
        image_release(image);
    return status;
}

static int read_all(int file, uint8_t *data, size_t size, struct error *error) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(file, data + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, "%s", strerror(errno));
        if (got == 0)
            return error_set(error, "the file became shorter while it was read");
        done += (size_t)got;
    }
    return 0;
}

static int read_open(int file, struct image *image, struct error *error) {
    struct stat about;
    if (fstat(file, &about))
        return error_set(error, "%s", strerror(errno));
    if (!S_ISREG(about.st_mode))
        return error_set(error, "not a file; only picture files belong here");
    if (about.st_size > IMAGE_MOST_BYTES)
        return error_set(error,
                         "the file has more than %d MiB; make the picture smaller",
                         IMAGE_MOST_BYTES >> 20);
    size_t size = (size_t)about.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (!data)
        return error_memory(error);
    int status = read_all(file, data, size, error);
    if (status == 0)
        status = image_decode(data, size, image, error);
    free(data);
    return status;
}

int image_read(const char *path, struct image *image, struct error *error) {
    *image = (struct image){0};
    /* O_NONBLOCK: opening a pipe that someone put here must not wait. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    int status = read_open(file, image, error);
    close(file);
    return status ? error_prefix(error, "%s", path) : 0;
}
