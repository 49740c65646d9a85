/* A tokenizer's files from anyone, and a text. The input is, with zero bytes between,
 * tokenizer.json, vocab.json, merges.txt, tokenizer_config.json and the text; an empty
 * file is not there. Both families read them; what is opened gives tokens that it has.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "data/clip_tokenizer.h"
#include "data/gpt2_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 4, CONTEXT = 16 };

static void encode_gpt2(const char *text, size_t length) {
    struct gpt2_tokenizer *tokenizer;
    struct tokens tokens = {0};
    struct error error = {.text = ""};
    if (gpt2_tokenizer_open(fuzz_folder(), &tokenizer, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return;
    }
    size_t known = gpt2_tokenizer_vocabulary(tokenizer);
    if (gpt2_tokenizer_encode(tokenizer, text, length, &tokens, &error) == 0) {
        for (size_t i = 0; i < tokens.count; i++)
            require(tokens.ids[i] >= 0 && (size_t)tokens.ids[i] < known);
        gpt2_tokenizer_cut(tokenizer, &tokens, tokens.count, 5);
    }
    free(tokens.ids);
    gpt2_tokenizer_close(tokenizer);
}

static void encode_clip(const char *text) {
    struct clip_tokenizer *tokenizer;
    struct error error = {.text = ""};
    int32_t ids[CONTEXT];
    size_t count;
    if (clip_tokenizer_open(fuzz_folder(), &tokenizer, &error)) {
        require(*error.text && !strchr(error.text, '\n'));
        return;
    }
    if (clip_tokenizer_encode(tokenizer, text, CONTEXT, ids, &count, &error) == 0)
        require(count >= 2 && count <= CONTEXT && ids[count - 1] == ids[CONTEXT - 1]);
    clip_tokenizer_close(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[FILES] = {"tokenizer.json", "vocab.json",
                                             "merges.txt", "tokenizer_config.json"};
    static const char *paths[FILES];
    for (size_t i = 0; i < FILES; i++) {
        const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
        size_t length = zero ? (size_t)(zero - data) : size;
        if (!paths[i])
            paths[i] = fuzz_file(names[i]);
        if (length)
            fuzz_write(paths[i], data, length);
        else
            unlink(paths[i]);
        length += zero != NULL;
        data += length;
        size -= length;
    }
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    encode_gpt2(text, size);
    encode_clip(text);
    free(text);
    return 0;
}
