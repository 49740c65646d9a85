#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "data/image_formats.h"

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

/* Stray bytes between markers are what some cameras write; any other warning
 * means that part of the picture was made up by the decoder. */
static bool is_harmless(tjhandle decoder) {
    return tjGetErrorCode(decoder) == TJERR_WARNING &&
           strstr(tjGetErrorStr2(decoder), "extraneous bytes before marker");
}

/* Without the FAST flags TurboJPEG uses the exact integer DCT and smooth chroma
 * upsampling, libjpeg's defaults. A file of endless scans is refused. The first
 * warning ends the work, so that a short file which promises a large picture costs
 * nothing; after a harmless one it is done again without that. */
static int decompress(tjhandle decoder, const uint8_t *data, size_t size, uint8_t *out,
                      int width, int height, int format) {
    int status = tjDecompress2(decoder, data, size, out, width, 0, height, format,
                               TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING);
    if (status && is_harmless(decoder)) {
        status = tjDecompress2(decoder, data, size, out, width, 0, height, format,
                               TJFLAG_LIMITSCANS);
        if (status && is_harmless(decoder))
            status = 0;
    }
    return status;
}

static int jpeg_decode(tjhandle decoder, const uint8_t *data, size_t size,
                       struct image *image, struct error *error) {
    /* Left alone by TurboJPEG for a file that ends before its frame header. */
    int width = 0, height = 0, subsampling = -1, colours = -1;
    if (tjDecompressHeader3(decoder, data, size, &width, &height, &subsampling,
                            &colours) &&
        !is_harmless(decoder))
        return error_set(error, "the JPEG is damaged or of an unknown kind (%s)",
                         tjGetErrorStr2(decoder));
    if (width < 1 || height < 1)
        return error_set(error, "the JPEG says it is %d x %d pixels", width, height);
    if (image_allocate(image, (size_t)width, (size_t)height, error))
        return -1;
    bool four = colours == TJCS_CMYK || colours == TJCS_YCCK;
    size_t pixels = image->width * image->height;
    uint8_t *cmyk = NULL;
    if (four && !(cmyk = malloc(pixels * 4)))
        return error_memory(error);
    int status = decompress(decoder, data, size, four ? cmyk : image->rgb, width,
                            height, four ? TJPF_CMYK : TJPF_RGB);
    if (status)
        error_set(error, "the JPEG is damaged (%s)", tjGetErrorStr2(decoder));
    else if (four)
        cmyk_to_rgb(cmyk, image->rgb, pixels);
    free(cmyk);
    return status;
}

int image_decode_jpeg(const uint8_t *data, size_t size, struct image *image,
                      struct error *error) {
    tjhandle decoder = tjInitDecompress();
    if (!decoder)
        return error_memory(error);
    int status = jpeg_decode(decoder, data, size, image, error);
    tjDestroy(decoder);
    return status;
}
