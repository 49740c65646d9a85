/* tokenizer.json's model, and a text: the input is JSON up to a zero byte, the rest
 * is encoded with it. */
#include <stdlib.h>
#include <string.h>

#include "data/bpe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *zero = memchr(data, 0, size);
    size_t length = zero ? (size_t)(zero - data) : size;
    struct error error;
    struct bpe *bpe;
    json_t *model = json_loadb((const char *)data, length, 0, NULL);
    if (model &&
        bpe_new(json_object_get(model, "vocab"), json_object_get(model, "merges"),
                "</w>", 0, &bpe, &error) == 0) {
        struct tokens tokens = {0};
        if (zero)
            bpe_encode(bpe, (const char *)zero + 1, size - length - 1, &tokens, &error);
        if (tokens.count > size - length)
            abort();
        free(tokens.ids);
        bpe_free(bpe);
    }
    json_decref(model);
    return 0;
}
