/* Decoding picture files to RGB.
 *
 * PNG (libpng), JPEG (libjpeg-turbo), WebP (libwebp), BMP and PNM (P2, P3, P5, P6),
 * told apart by their first bytes, never by the file's name. The result is what
 * Pillow's Image.open(...).convert("RGB") gives: palettes and grey levels expanded,
 * alpha dropped, 16-bit channels cut to their high byte, no colour management, no EXIF
 * rotation. One difference is on purpose: 16-bit grey is scaled down to 8 bits
 * where Pillow clips every level above 255 to white. A JPEG of more than
 * IMAGE_MOST_PIXELS comes at a half, a quarter or an eighth of its edges, whichever is
 * the first to fit, by the decoder's own downscaling. */
#ifndef PWEMOE_DATA_IMAGE_H
#define PWEMOE_DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    /* Larger pictures (but JPEGs) and files are refused before they are read. */
    IMAGE_MOST_PIXELS = 64 << 20,
    IMAGE_LONGEST_EDGE = 1000000,
    IMAGE_MOST_BYTES = 512 << 20
};

struct image {
    size_t width, height; /* pixels, both at least 1 */
    uint8_t *rgb;         /* [height, width, 3], owned */
};

/* Fills *image, which the caller gives to image_release. On failure *image is
 * empty. The error does not name the file. A JPEG that is damaged or cut short is
 * refused; what is unusual and changes no pixel is not damage. */
int image_decode(const uint8_t *data, size_t size, struct image *image,
                 struct error *error);

/* The same from a file; the error names it. */
int image_read(const char *path, struct image *image, struct error *error);

void image_release(struct image *image); /* an empty one is fine */

#endif
