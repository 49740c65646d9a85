/* Tables of texts from someone else: examples, labels and tokens are as tsv.h and
 * gpt2_tokenizer.h promise. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/gpt2_tokenizer.h"
#include "data/tsv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gpt2_tokenizer *tokenizer;

static void close_tokenizer(void) {
    gpt2_tokenizer_close(tokenizer);
}

static void open_tokenizer(void) {
    char path[4096];
    struct error error;
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/gpt2/base", source ? source : ".");
    if (gpt2_tokenizer_open(path, &tokenizer, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    atexit(close_tokenizer);
}

static void check_tokens(const char *text) {
    struct tokens tokens = {0};
    struct error error;
    size_t length = strlen(text);
    if (gpt2_tokenizer_encode(tokenizer, text, length, &tokens, &error) == 0) {
        if (tokens.count > length || (length && tokens.count == 0))
            abort();
        for (size_t i = 0; i < tokens.count; i++)
            if (tokens.ids[i] < 0 ||
                (size_t)tokens.ids[i] >= gpt2_tokenizer_vocabulary(tokenizer))
                abort();
    }
    free(tokens.ids);
}

static void check_labels(const struct tsv *tsv) {
    struct error error = {.text = ""};
    int32_t *labels;
    struct classes own;
    if (tsv_labels(tsv, "fuzz", NULL, &labels, &own, &error)) {
        if (!*error.text)
            abort();
        return;
    }
    for (size_t i = 0; i < tsv->count; i++)
        if (labels[i] < 0 || (size_t)labels[i] >= own.count || !*own.names[labels[i]])
            abort();
    free(labels);
    classes_clear(&own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tsv tsv;
    struct error error = {.text = ""};
    if (!tokenizer)
        open_tokenizer();
    if (tsv_parse((const char *)data, size, "fuzz", NULL, &tsv, &error)) {
        if (!*error.text)
            abort();
        return 0;
    }
    if (tsv.count == 0)
        abort();
    for (size_t i = 0; i < tsv.count; i++) {
        const struct tsv_example *e = &tsv.examples[i];
        if (!*e->label || !e->second != !tsv.examples[0].second ||
            (i > 0 && e->line <= e[-1].line))
            abort();
        check_tokens(e->first);
        if (e->second)
            check_tokens(e->second);
    }
    check_labels(&tsv);
    tsv_free(&tsv);
    return 0;
}
