/* PWEMOE_CUDA_TUNE: what is done otherwise than usual, to be compared on a card. */
#include <stdlib.h>
#include <string.h>

#include "cuda.h"

/* WORD=VALUE of one piece of the list; false: it is not known. */
static bool set(struct tuning *tuning, const char *word, size_t length) {
    const struct {
        const char *text;
        bool *what, value;
    } words[] = {
        {"recording=on", &tuning->recording, true},
        {"recording=off", &tuning->recording, false},
    };
    for (const auto &w : words)
        if (strlen(w.text) == length && memcmp(w.text, word, length) == 0) {
            *w.what = w.value;
            return true;
        }
    return false;
}

int cuda_tuning(struct tuning *tuning, struct error *error) {
    *tuning = {};
    tuning->recording = true;
    const char *at = getenv("PWEMOE_CUDA_TUNE");
    while (at && *at) {
        size_t length = strcspn(at, ",");
        if (length > 0 && !set(tuning, at, length))
            return cuda_error(error,
                              "PWEMOE_CUDA_TUNE: %.*s is not known; there is "
                              "recording=on|off",
                              (int)(length < 60 ? length : 60), at);
        at += length + (at[length] == ',');
    }
    return 0;
}
