/* WebP, by libwebp: lossy and lossless, alpha dropped. */
#include <webp/decode.h>

#include "data/image_formats.h"

int image_decode_webp(const uint8_t *data, size_t size, struct image *image,
                      struct error *error) {
    WebPBitstreamFeatures about;
    if (WebPGetFeatures(data, size, &about) != VP8_STATUS_OK)
        return error_set(error, "the WebP is damaged, or cut short");
    if (about.has_animation)
        return error_set(error,
                         "an animated WebP; keep one of its pictures and convert that");
    if (image_allocate(image, (size_t)about.width, (size_t)about.height, error))
        return -1;
    size_t room = image->width * image->height * 3;
    if (!WebPDecodeRGBInto(data, size, image->rgb, room, 3 * about.width))
        return error_set(error, "the WebP is damaged, or cut short");
    return 0;
}
