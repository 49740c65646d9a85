/* Resizing by Pillow's antialiased filters, to the same bytes as Pillow 13. (Older
 * ones have the two passes in the other order for pictures that lose much more of
 * their height than of their width; a level can differ there.) */
#ifndef PWEMOE_DATA_RESIZE_H
#define PWEMOE_DATA_RESIZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Pillow's numbers, which the configs use. */
enum resample {
    RESAMPLE_NEAREST = 0,
    RESAMPLE_LANCZOS = 1,
    RESAMPLE_BILINEAR = 2,
    RESAMPLE_BICUBIC = 3,
    RESAMPLE_BOX = 4,
    RESAMPLE_HAMMING = 5
};

/* A part of the resized picture, inside it and at least one pixel. */
struct window {
    size_t left, top, width, height;
};

/* Resizes rgb u8 [height, width, 3] to to_height x to_width pixels and writes the
 * window of it to out, planar u8 [3, window.height, window.width], whose rows lie
 * row_stride bytes apart and whose planes plane_stride. Fails where memory is
 * out, and where an edge is 0 or above IMAGE_LONGEST_EDGE. */
int resize_rgb(const uint8_t *rgb, size_t width, size_t height, size_t to_width,
               size_t to_height, enum resample resample, struct window window,
               uint8_t *out, size_t row_stride, size_t plane_stride,
               struct error *error);

#endif
