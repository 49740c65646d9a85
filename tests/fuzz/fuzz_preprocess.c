/* preprocessor_config.json, and a picture through whatever is accepted. */
#include "data/preprocess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t rgb[3 * 5 * 9];
    static uint8_t out[3 * 24 * 24];
    struct preprocess preprocess;
    struct error error;
    json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    if (json && preprocess_read(json, size % 2, 24, &preprocess, &error) == 0)
        preprocess_apply(&preprocess, rgb, 5, 9, out, &error);
    json_decref(json);
    return 0;
}
