/* PNG pictures by themselves, whatever their first bytes are: what decodes has all its
 * pixels. The checksums of an input's chunks are put right first, or libpng would look
 * at no chunk that was changed; those of inputs whose size is a multiple of eight are
 * left. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "changes.h"
#include "data/image_formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t number(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* After eight bytes: length, kind, data and the checksum of the last two. */
static void set_checksums(uint8_t *data, size_t size) {
    for (size_t at = 8; at < size && size - at >= 12;) {
        size_t length = number(data + at);
        if (length > size - at - 12)
            return;
        uint32_t sum = (uint32_t)crc32(0, data + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            data[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += length + 12;
    }
}

static void decode(const uint8_t *data, size_t size) {
    struct image image = {0};
    struct error error = {.text = ""};
    unsigned sum = 0;
    if (image_decode_png(data, size, &image, &error) == 0) {
        require(image.width > 0 && image.height > 0);
        for (size_t i = 0; i < 3 * image.width * image.height; i++)
            sum += image.rgb[i];
        require(sum <= 255 * 3 * image.width * image.height);
    } else {
        require(*error.text && !strchr(error.text, '\n'));
    }
    image_release(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1);
    require(copy != NULL);
    memcpy(copy, data, size);
    if (size % 8)
        set_checksums(copy, size);
    decode(copy, size);
    free(copy);
    return 0;
}
