#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* jpeglib.h wants what is above before it. */
#include <jpeglib.h>

#include <jerror.h>

#include "base/memory.h"
#include "data/image_formats.h"

enum {
    SCANS_MAX = 500,      /* a file of endless scans is refused */
    MEMORY_MAX = 1 << 30, /* of a progressive file's coefficients */
    COARSEST = 8          /* the decoder halves edges three times at most */
};

struct jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    uint8_t *cmyk; /* one row of a four-channel picture */
    struct error *error;
};

static struct jpeg_reader *reader_of(j_common_ptr jpeg) {
    return (struct jpeg_reader *)jpeg->client_data;
}

static void jpeg_failed(j_common_ptr jpeg) {
    struct jpeg_reader *r = reader_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    r->manager.format_message(jpeg, text);
    error_set(r->error, "the JPEG is damaged or of an unknown kind (%s)", text);
    longjmp(r->failed, 1);
}

/* What is unusual and changes no pixel: stray bytes between markers, as some cameras
 * write them, a revision of JFIF or a colour transform of Adobe's that is not known,
 * the end of the spectrum given as 0 in a sequential scan, refinements in an odd order.
 * Any other warning means that part of the picture was made up by the decoder. */
static bool is_harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR ||
           code == JWRN_ADOBE_XFORM || code == JWRN_NOT_SEQUENTIAL ||
           code == JWRN_BOGUS_PROGRESSION;
}

static void jpeg_message(j_common_ptr jpeg, int level) {
    if (level < 0 && !is_harmless(jpeg->err->msg_code))
        jpeg_failed(jpeg);
}

static void jpeg_progress(j_common_ptr jpeg) {
    struct jpeg_reader *r = reader_of(jpeg);
    if (r->jpeg.input_scan_number > SCANS_MAX) {
        error_set(r->error, "the JPEG has more than %d scans", SCANS_MAX);
        longjmp(r->failed, 1);
    }
}

/* Four-channel JPEGs are taken in Adobe's polarity (inverted, as Photoshop and
 * Pillow have it) and turned to RGB without a colour profile, channel by channel:
 * (1 - K) (1 - C). With ink = 255 - byte, Pillow computes
 * (255 - K) - round(C (255 - K) / 255). */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t pixels) {
    for (size_t i = 0; i < pixels; i++) {
        unsigned light = cmyk[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            unsigned product = (255u - cmyk[4 * i + c]) * light + 128;
            unsigned taken = ((product >> 8) + product) >> 8;
            rgb[3 * i + c] = (uint8_t)(light - taken);
        }
    }
}

/* The least halving that brings the picture below what image_allocate allows. */
static unsigned scale_down(const struct jpeg_decompress_struct *jpeg) {
    unsigned by = 1;
    while (by < COARSEST && (uint64_t)((jpeg->image_width + by - 1) / by) *
                                    ((jpeg->image_height + by - 1) / by) >
                                IMAGE_MOST_PIXELS)
        by *= 2;
    return by;
}

/* Everything that may longjmp is called from here; what changes between setjmp and a
 * jump is in *r and *image, not in a local. The exact integer DCT and smooth chroma
 * upsampling are libjpeg's defaults. The first warning that is no harmless one ends the
 * work, so that a short file which promises a large picture costs little. */
static int jpeg_decode(struct jpeg_reader *r, const uint8_t *data, size_t size,
                       struct image *image, struct error *error) {
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    if (setjmp(r->failed))
        return -1;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &r->progress;
    jpeg->mem->max_memory_to_use = MEMORY_MAX;
    jpeg_mem_src(jpeg, data, size);
    jpeg_read_header(jpeg, TRUE);
    bool four =
        jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = four ? JCS_CMYK : JCS_RGB;
    jpeg->scale_num = 1;
    jpeg->scale_denom = scale_down(jpeg);
    jpeg_calc_output_dimensions(jpeg);
    if (image_allocate(image, jpeg->output_width, jpeg->output_height, error))
        return -1;
    if (four && !(r->cmyk = array_new(image->width, 4)))
        return error_memory(error);
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *row = image->rgb + jpeg->output_scanline * image->width * 3;
        JSAMPROW to = four ? r->cmyk : row;
        jpeg_read_scanlines(jpeg, &to, 1);
        if (four)
            cmyk_to_rgb(r->cmyk, row, image->width);
    }
    jpeg_finish_decompress(jpeg);
    return 0;
}

int image_decode_jpeg(const uint8_t *data, size_t size, struct image *image,
                      struct error *error) {
    struct jpeg_reader *r = array_new(1, sizeof *r);
    if (!r)
        return error_memory(error);
    r->error = error;
    r->jpeg.err = jpeg_std_error(&r->manager);
    r->jpeg.client_data = r;
    r->manager.error_exit = jpeg_failed;
    r->manager.emit_message = jpeg_message;
    r->progress.progress_monitor = jpeg_progress;
    int status = jpeg_decode(r, data, size, image, error);
    jpeg_destroy_decompress(&r->jpeg);
    free(r->cmyk);
    free(r);
    return status;
}
