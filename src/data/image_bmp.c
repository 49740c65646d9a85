/* Windows bitmaps: 1, 4, 8, 16, 24 and 32 bits a pixel, uncompressed, from the
 * BITMAPCOREHEADER to the BITMAPV5HEADER. Levels of less than 8 bits are stretched to
 * 255, cut to whole numbers, as Pillow does; alpha is dropped. Run lengths and the
 * JPEGs and PNGs that a bitmap may wrap are refused. */
#include <stdbool.h>
#include <string.h>

#include "data/image_formats.h"

struct bmp {
    const uint8_t *data;
    size_t size;
    size_t width, height, bits, pixels_at;
    bool top_down;
    uint32_t mask[3];       /* of 16 and 32 bits: red, green, blue */
    const uint8_t *palette; /* of 1, 4 and 8 bits */
    size_t colours, entry;  /* of the palette, and bytes of each */
};

static uint32_t little(const uint8_t *at, size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

static int damaged(struct error *error) {
    return error_set(error, "the BMP's header is damaged");
}

/* Header sizes: 12, or 40 and what later versions add. */
static int read_header(struct bmp *bmp, struct error *error) {
    enum { FILE_HEADER = 14, CORE = 12, INFO = 40, RGB = 0, FIELDS = 3, ALPHA = 6 };
    const uint8_t *info = bmp->data + FILE_HEADER;
    if (bmp->size < FILE_HEADER + CORE)
        return damaged(error);
    size_t length = little(info, 4);
    if (length > bmp->size - FILE_HEADER || (length != CORE && length < INFO))
        return damaged(error);
    bool core = length == CORE;
    uint32_t compression = RGB, used = 0;
    if (core) {
        bmp->width = little(info + 4, 2);
        bmp->height = little(info + 6, 2);
        bmp->bits = little(info + 10, 2);
    } else {
        int32_t height = (int32_t)little(info + 8, 4);
        bmp->width = little(info + 4, 4);
        bmp->top_down = height < 0;
        bmp->height = (size_t)(height < 0 ? -(int64_t)height : height);
        bmp->bits = little(info + 14, 2);
        compression = little(info + 16, 4);
        used = little(info + 32, 4);
    }
    size_t after = FILE_HEADER + length;
    bool fields = compression == FIELDS || compression == ALPHA;
    if (compression != RGB && !fields)
        return error_set(error, "a BMP with compression %u; convert it to PNG",
                         (unsigned)compression);
    if (bmp->bits <= 8) {
        bmp->entry = core ? 3 : 4;
        bmp->colours = used ? used : (size_t)1 << bmp->bits;
        if (bmp->colours > 256 || bmp->colours * bmp->entry > bmp->size - after)
            return damaged(error);
        bmp->palette = bmp->data + after;
    } else if (fields) {
        /* Behind the first 40 bytes, whether these are the header's own or not. */
        if (bmp->size < FILE_HEADER + INFO + 12)
            return damaged(error);
        for (size_t c = 0; c < 3; c++)
            bmp->mask[c] = little(info + INFO + 4 * c, 4);
    } else {
        static const uint32_t of16[3] = {0x7c00, 0x3e0, 0x1f},
                              of32[3] = {0xff0000, 0xff00, 0xff};
        memcpy(bmp->mask, bmp->bits == 16 ? of16 : of32, sizeof bmp->mask);
    }
    bmp->pixels_at = little(bmp->data + 10, 4);
    return 0;
}

static uint8_t level(uint32_t pixel, uint32_t mask) {
    if (!mask)
        return 0;
    unsigned shift = (unsigned)__builtin_ctz(mask);
    uint64_t most = mask >> shift, value = (pixel & mask) >> shift;
    return (uint8_t)(value * 255 / most);
}

static int read_row(const struct bmp *bmp, const uint8_t *row, uint8_t *rgb,
                    struct error *error) {
    for (size_t x = 0; x < bmp->width; x++, rgb += 3) {
        if (bmp->bits <= 8) {
            size_t bit = x * bmp->bits;
            unsigned shift = (unsigned)(8 - bmp->bits - bit % 8);
            size_t index = (row[bit / 8] >> shift) & ((1u << bmp->bits) - 1);
            if (index >= bmp->colours)
                return error_set(
                    error, "the BMP has a pixel of colour %zu, its palette has %zu",
                    index, bmp->colours);
            const uint8_t *colour = bmp->palette + index * bmp->entry;
            for (size_t c = 0; c < 3; c++)
                rgb[c] = colour[2 - c];
        } else if (bmp->bits == 24) {
            for (size_t c = 0; c < 3; c++)
                rgb[c] = row[3 * x + 2 - c];
        } else {
            size_t bytes = bmp->bits / 8;
            uint32_t pixel = little(row + bytes * x, bytes);
            for (size_t c = 0; c < 3; c++)
                rgb[c] = level(pixel, bmp->mask[c]);
        }
    }
    return 0;
}

int image_decode_bmp(const uint8_t *data, size_t size, struct image *image,
                     struct error *error) {
    struct bmp bmp = {.data = data, .size = size};
    if (read_header(&bmp, error))
        return -1;
    if (bmp.bits != 1 && bmp.bits != 4 && bmp.bits != 8 && bmp.bits != 16 &&
        bmp.bits != 24 && bmp.bits != 32)
        return error_set(error, "a BMP of %zu bits a pixel; convert it to PNG",
                         bmp.bits);
    if (image_allocate(image, bmp.width, bmp.height, error))
        return -1;
    size_t stride = (bmp.width * bmp.bits + 31) / 32 * 4; /* width is at most 10^6 */
    if (bmp.pixels_at > size || (size - bmp.pixels_at) / stride < bmp.height)
        return error_set(error, "the BMP is cut short");
    for (size_t y = 0; y < bmp.height; y++) {
        size_t from = bmp.top_down ? y : bmp.height - 1 - y;
        if (read_row(&bmp, data + bmp.pixels_at + from * stride,
                     image->rgb + y * bmp.width * 3, error))
            return -1;
    }
    return 0;
}
