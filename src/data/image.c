#include "data/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/image_formats.h"

int image_allocate(struct image *image, size_t width, size_t height,
                   struct error *error) {
    size_t pixels;
    if (width == 0 || height == 0)
        return error_set(error, "the picture is empty, %zu x %zu pixels", width,
                         height);
    if (width > IMAGE_LONGEST_EDGE || height > IMAGE_LONGEST_EDGE)
        return error_set(error,
                         "the picture is %zu x %zu pixels, but an edge can have at "
                         "most %d; make it smaller",
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
        status = error_set(
            error, "not a PNG, JPEG, WebP, BMP or PPM picture; remove or convert it");
    if (status)
        image_release(image);
    return status;
}

int image_read(const char *path, struct image *image, struct error *error) {
    *image = (struct image){0};
    char *data;
    size_t size;
    if (file_read(path, IMAGE_MOST_BYTES, &data, &size, error))
        return -1;
    int status = image_decode((const uint8_t *)data, size, image, error);
    free(data);
    return status ? error_prefix(error, "%s", path) : 0;
}
