/* Picture files, and what decodes is resized too. */
#include <stdlib.h>

#include "data/image.h"
#include "data/preprocess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image image;
    struct error error;
    if (image_decode(data, size, &image, &error))
        return 0;
    struct preprocess preprocess;
    uint8_t out[3 * 8 * 8];
    if (preprocess_read(NULL, size % 2, 8, &preprocess, &error))
        abort();
    preprocess.resample = (enum resample)(size % 6);
    preprocess_apply(&preprocess, image.rgb, image.width, image.height, out, &error);
    image_release(&image);
    return 0;
}
