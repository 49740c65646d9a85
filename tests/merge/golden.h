/* Reading tests/golden/NAME.txt: lines "case ..." and rows of numbers. */
#ifndef PWEMOE_TESTS_MERGE_GOLDEN_H
#define PWEMOE_TESTS_MERGE_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>

static FILE *golden_open(const char *name) {
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/%s", top ? top : ".", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* The next numbers; free(). */
static float *golden_floats(FILE *file, size_t count) {
    float *numbers = calloc(count ? count : 1, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%f", &numbers[i]), 1);
    return numbers;
}

#endif
