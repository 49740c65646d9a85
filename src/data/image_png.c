#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "data/image_formats.h"

struct png_source {
    const uint8_t *data;
    size_t left;
    struct error *error;
};

static void png_take(png_structp png, png_bytep out, size_t count) {
    struct png_source *source = png_get_io_ptr(png);
    if (count > source->left)
        png_error(png, "the file is cut short");
    memcpy(out, source->data, count);
    source->data += count;
    source->left -= count;
}

static void png_failed(png_structp png, png_const_charp message) {
    struct png_source *source = png_get_error_ptr(png);
    error_set(source->error, "the PNG is damaged (%s)", message);
    png_longjmp(png, 1);
}

static void png_warned(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* Everything that may longjmp is called from here. No local of this function
 * changes between setjmp and a jump, so none needs to be volatile. */
static int png_decode(png_structp png, png_infop info, png_bytep **rows,
                      struct image *image, struct error *error) {
    if (setjmp(png_jmpbuf(png)))
        return -1;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    /* Text, colour profiles and unknown chunks are of no use here; a small bound
     * keeps them from taking memory. */
    png_set_chunk_malloc_max(png, 8 << 20);
    png_set_chunk_cache_max(png, 128);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(png, info);
    if (image_allocate(image, png_get_image_width(png, info),
                       png_get_image_height(png, info), error))
        return -1;
    png_set_strip_16(png);
    png_set_expand(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != image->width * 3)
        return error_set(error, "the PNG has a pixel format that is not known here");
    *rows = malloc(image->height * sizeof **rows);
    if (!*rows)
        return error_memory(error);
    for (size_t y = 0; y < image->height; y++)
        (*rows)[y] = image->rgb + y * image->width * 3;
    png_read_image(png, *rows);
    png_read_end(png, NULL);
    return 0;
}

int image_decode_png(const uint8_t *data, size_t size, struct image *image,
                     struct error *error) {
    struct png_source source = {data, size, error};
    png_bytep *rows = NULL;
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, png_failed, png_warned);
    if (!png)
        return error_memory(error);
    png_infop info = png_create_info_struct(png);
    int status;
    if (info) {
        png_set_read_fn(png, &source, png_take);
        status = png_decode(png, info, &rows, image, error);
    } else {
        status = error_memory(error);
    }
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    return status;
}
