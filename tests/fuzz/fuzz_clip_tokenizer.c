/* Texts through CLIP's tokenizer with the small vocabulary of the tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/clip_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct clip_tokenizer *tokenizer;

static void close_tokenizer(void) {
    clip_tokenizer_close(tokenizer);
}

static void open_tokenizer(void) {
    char path[4096];
    struct error error;
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/tokenizer", source ? source : ".");
    if (clip_tokenizer_open(path, &tokenizer, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    atexit(close_tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { CONTEXT = 16 };
    int32_t ids[CONTEXT];
    size_t count;
    struct error error;
    if (!tokenizer)
        open_tokenizer();
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (clip_tokenizer_encode(tokenizer, text, CONTEXT, ids, &count, &error) == 0 &&
        (count < 2 || count > CONTEXT ||
         ids[CONTEXT - 1] != ids[count - 1] /* the end, and padding by it */))
        abort();
    free(text);
    return 0;
}
