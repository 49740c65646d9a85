/* PWEMOE_CUDA_TUNE: what is done otherwise than usual, to be compared on a card. A list
 * with commas, of
 *     recording=on|off
 *     beside=on|off  some operations of recordings beside the others
 *     merge=ahead|before  a merge in parts beside the forward pass (of a step, of a
 *                         drag's first batch), or all before it
 *     batches=on|off  products that are alike as one
 *     gather=on|off  the gradients of a module meet the task vectors at once
 *     sums=fused|apart  a bias's gradient comes out of its layer's product, or by a
 * pass rows=held|read  layer norms keep a row in registers, or read it in each pass
 *     products=fast|plain
 *     profile=all|marks  a profiler that is told to wait looks from mark 0 to mark 1
 *     algorithms=N  the fastest of cuBLAS's first N for each product is timed and taken
 *     algorithm=N   always the N-th, 0: its first */
#include <stdlib.h>
#include <string.h>

#include "cuda.h"

static bool set_word(struct tuning *tuning, const char *word, size_t length) {
    const struct {
        const char *text;
        bool *what;
        bool value;
    } words[] = {
        {"recording=on", &tuning->recording, true},
        {"recording=off", &tuning->recording, false},
        {"beside=on", &tuning->aside, true},
        {"beside=off", &tuning->aside, false},
        {"merge=ahead", &tuning->ahead, true},
        {"merge=before", &tuning->ahead, false},
        {"batches=on", &tuning->batches, true},
        {"batches=off", &tuning->batches, false},
        {"gather=on", &tuning->gathers, true},
        {"gather=off", &tuning->gathers, false},
        {"rows=held", &tuning->held, true},
        {"rows=read", &tuning->held, false},
        {"sums=fused", &tuning->sums, true},
        {"sums=apart", &tuning->sums, false},
        {"products=fast", &tuning->plain, false},
        {"products=plain", &tuning->plain, true},
        {"profile=all", &tuning->profile, false},
        {"profile=marks", &tuning->profile, true},
    };
    for (const auto &w : words)
        if (strlen(w.text) == length && memcmp(w.text, word, length) == 0) {
            *w.what = w.value;
            return true;
        }
    return false;
}

static bool set_number(struct tuning *tuning, const char *word, size_t length) {
    const struct {
        const char *text;
        unsigned *what, least;
    } numbers[] = {
        {"algorithms=", &tuning->algorithms, 1},
        {"algorithm=", &tuning->algorithm, 0},
    };
    for (const auto &n : numbers) {
        size_t name = strlen(n.text);
        char *end;
        if (length <= name || memcmp(n.text, word, name) != 0)
            continue;
        unsigned long value = strtoul(word + name, &end, 10);
        if (end != word + length || value < n.least || value > ALGORITHMS_MOST)
            return false;
        *n.what = (unsigned)value;
        return true;
    }
    return false;
}

int cuda_tuning(struct tuning *tuning, struct error *error) {
    *tuning = {};
    tuning->recording = tuning->aside = tuning->batches = tuning->ahead = true;
    tuning->gathers = tuning->held = tuning->sums = true;
    tuning->algorithms = 1;
    const char *at = getenv("PWEMOE_CUDA_TUNE");
    while (at && *at) {
        size_t length = strcspn(at, ",");
        if (length > 0 && !set_word(tuning, at, length) &&
            !set_number(tuning, at, length))
            return cuda_error(
                error,
                "PWEMOE_CUDA_TUNE: %.*s is not known; there are "
                "recording=on|off, beside=on|off, merge=ahead|before, batches=on|off, "
                "gather=on|off, sums=fused|apart, rows=held|read, "
                "products=fast|plain, profile=all|marks, algorithms=1..%d, "
                "algorithm=0..%d",
                (int)(length < 60 ? length : 60), at, ALGORITHMS_MOST, ALGORITHMS_MOST);
        at += length + (at[length] == ',');
    }
    return 0;
}
