/* How the CUDA backend has its products done by cuBLASLt, on the host: what it asks
 * for, what it does itself, and what it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/module.h"
#include "gpu/settings.h"

const struct backend_module *pwemoe_backend_module(void);

static struct backend *open_device(enum precision precision) {
    struct backend *b;
    struct error error;
    emulation_reset();
    if (pwemoe_backend_module()->open(0, precision, &b, &error) != 0)
        fail_msg("%s", error.text);
    return b;
}

/* Products that no algorithm is found for are counted, and the first is named. */
static void test_plain_products(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_BF16);
    struct error error;
    void *x;
    assert_int_equal(b->allocate(b, 4096, &x, &error), 0);
    struct matmul p = {
        .m = 4, .n = 6, .k = 8, .a = x, .lda = 8, .b = x, .ldb = 6, .c = x, .ldc = 6};
    b->matmul(b, &p);
    assert_int_equal(b->plain_products, 0);
    p.lda = 9; /* the emulation has none for odd strides in bf16 */
    b->matmul(b, &p);
    p.m = 5;
    b->matmul(b, &p);
    assert_int_equal(b->plain_products, 2);
    assert_string_equal(b->plain_product, "[4, 8] x [8, 6]");
    b->destroy(b);
}

/* A bias's gradient comes out of its layer's product, one launch for two and more, or
 * by a pass of its own that is counted; the values are the same. */
static void test_sums(void **state) {
    (void)state;
    static const struct {
        const char *tune;
        size_t m, separate;
        bool more;
    } cases[] = {{"", 16, 0, false}, {"", 12, 1, true}, {"sums=apart", 16, 0, true}};
    enum { ROWS = 40, N = 24 };
    float values[ROWS * N], found[N];
    struct error error;
    for (size_t i = 0; i < ROWS * N; i++)
        values[i] = (float)(i % 7);
    for (size_t i = 0; i < 3; i++) {
        setenv("PWEMOE_CUDA_TUNE", cases[i].tune, 1);
        struct backend *b = open_device(PRECISION_BF16);
        unsetenv("PWEMOE_CUDA_TUNE");
        void *x, *c, *sums;
        assert_int_equal(b->allocate(b, sizeof values, &x, &error), 0);
        assert_int_equal(b->allocate(b, sizeof values, &c, &error), 0);
        assert_int_equal(b->allocate(b, sizeof found, &sums, &error), 0);
        b->upload_real(b, x, values, ROWS * N);
        assert_int_equal(b->synchronise(b, &error), 0);
        unsigned long before = emulation_calls();
        b->matmul(b, &(struct matmul){.m = cases[i].m,
                                      .n = N,
                                      .k = ROWS,
                                      .a = x,
                                      .lda = cases[i].m,
                                      .transpose_a = true,
                                      .b = x,
                                      .ldb = N,
                                      .c = c,
                                      .ldc = N,
                                      .c_is_f32 = true,
                                      .sums = sums,
                                      .sums_of_b = true});
        assert_int_equal(emulation_calls() - before > 1, cases[i].more);
        assert_int_equal(b->download(b, found, sums, sizeof found, &error), 0);
        assert_int_equal(b->separate_sums, cases[i].separate);
        for (size_t j = 0; j < N; j++) {
            float sum = 0;
            for (size_t r = 0; r < ROWS; r++)
                sum += values[r * N + j];
            assert_true(found[j] == sum);
        }
        b->destroy(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_products),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
