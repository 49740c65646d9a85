/* JPEG pictures by themselves, whatever their first bytes are: what decodes has all its
 * pixels. */
#include <string.h>

#include "changes.h"
#include "data/image_formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image image = {0};
    struct error error = {.text = ""};
    unsigned sum = 0;
    if (image_decode_jpeg(data, size, &image, &error) == 0) {
        require(image.width > 0 && image.height > 0);
        for (size_t i = 0; i < 3 * image.width * image.height; i++)
            sum += image.rgb[i];
        require(sum <= 255 * 3 * image.width * image.height);
    } else {
        require(*error.text && !strchr(error.text, '\n'));
    }
    image_release(&image);
    return 0;
}
