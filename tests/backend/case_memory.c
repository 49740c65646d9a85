/* Allocation, transfers, and the account of memory. */
#include <math.h>
#include <string.h>

#include "conformance.h"

static void allocate(struct conformance *c) {
    struct backend *b = c->backend;
    struct error error = {.text = ""};
    size_t before, now, peak, last_peak;
    b->memory_use(b, &before, &peak);
    static const size_t sizes[] = {1, 3, 255, 256, 4097, 20 << 20};
    void *memory[6];
    size_t sum = 0;
    for (size_t i = 0; i < 6; i++) {
        check_true(c, "allocate succeeds",
                   b->allocate(b, sizes[i], &memory[i], &error) == 0);
        check_true(c, "aligned to 256", (uintptr_t)memory[i] % 256 == 0);
        sum += sizes[i];
        unsigned char bytes[256];
        size_t some = sizes[i] < 256 ? sizes[i] : 256;
        b->download(b, bytes, (char *)memory[i] + sizes[i] - some, some, &error);
        for (size_t j = 0; j < some; j++)
            check_true(c, "zeroed", bytes[j] == 0);
    }
    b->memory_use(b, &now, &peak);
    check_true(c, "use counts what is held", now >= before + sum);
    check_true(c, "peak is no less", peak >= now);
    for (size_t i = 0; i < 6; i++)
        b->release(b, memory[i]);
    b->release(b, NULL);
    b->memory_use(b, &now, &last_peak);
    check_true(c, "use goes back", now == before);
    check_true(c, "the peak stays", last_peak == peak);
    b->memory_restart(b);
    b->memory_use(b, &now, &last_peak);
    check_true(c, "the peak begins again", now == before && last_peak == now);
    check_true(c, "the rest of the memory is known",
               !b->memory_left || b->memory_left(b) > 0);
    void *none;
    check_true(c, "too much is refused",
               b->allocate(b, SIZE_MAX - 64, &none, &error) == -1);
    check_true(c, "and that is kept", b->refused == SIZE_MAX - 64);
    check_true(c, "in one line", error.text[0] && !strchr(error.text, '\n'));
    check_true(c, "and harms nothing", b->synchronise(b, &error) == 0);
}

static void transfer(struct conformance *c) {
    struct backend *b = c->backend;
    /* The last is more than a backend converts at a time. */
    static const size_t sizes[] = {1, 3, 17, 257, 100003, (1 << 20) + 4099};
    for (size_t i = 0; i < 6; i++) {
        size_t n = sizes[i];
        struct tensor *from = tensor_random(c, ELEMENT_F32, n, 1);
        struct tensor *to = tensor_output(c, ELEMENT_F32, n);
        b->copy(b, to->data, from->data, n * 4);
        check(c, "copy", to, from->host, numbers(c, n));
        check_unchanged(c, "copy's source", from);
        b->zero(b, to->data, n * 4);
        check(c, "zero", to, numbers(c, n), numbers(c, n));
        double *values = numbers(c, n), *tolerance = numbers(c, n);
        for (size_t j = 0; j < n; j++) {
            values[j] = (double)(float)random_normal(&c->random);
            tolerance[j] =
                b->precision == PRECISION_F32 ? 0 : c->store * fabs(values[j]);
        }
        values[n / 2] = (double)NAN;
        struct tensor *reals = tensor_from(c, ELEMENT_REAL, n, values);
        check(c, "upload_real", reals, values, tolerance);
    }
    struct error error;
    check_true(c, "synchronise", b->synchronise(b, &error) == 0);
}

const struct conformance_case conformance_memory_cases[] = {
    {"allocate", allocate}, {"transfer", transfer}, {NULL, NULL}};
