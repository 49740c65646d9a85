/* The decoders behind image_decode, each in its own file. They take the whole
 * file in memory, allocate image->rgb by image_allocate, and on failure leave
 * release to their caller. */
#ifndef PWEMOE_DATA_IMAGE_FORMATS_H
#define PWEMOE_DATA_IMAGE_FORMATS_H

#include "data/image.h"

/* Checks the size against IMAGE_MOST_PIXELS and allocates rgb. */
int image_allocate(struct image *image, size_t width, size_t height,
                   struct error *error);

int image_decode_png(const uint8_t *data, size_t size, struct image *image,
                     struct error *error);
int image_decode_jpeg(const uint8_t *data, size_t size, struct image *image,
                      struct error *error);
int image_decode_webp(const uint8_t *data, size_t size, struct image *image,
                      struct error *error);
int image_decode_bmp(const uint8_t *data, size_t size, struct image *image,
                     struct error *error);
int image_decode_pnm(const uint8_t *data, size_t size, struct image *image,
                     struct error *error);

#endif
