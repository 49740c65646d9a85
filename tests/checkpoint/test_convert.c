/* F16, BF16 and F64 to and from f32: against arithmetic in f64, and against the
 * roundings of numpy and torch. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "support.h"

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct tensor tensor_of(enum dtype dtype, const void *data, size_t count) {
    return (struct tensor){.name = "weight",
                           .dtype = dtype,
                           .dtype_name = "F",
                           .rank = 1,
                           .shape = {count},
                           .count = count,
                           .bytes = count * dtype_size(dtype),
                           .data = data};
}

/* A finite F16 by its definition. */
static double f16_value(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void widens_every_f16(void **state) {
    (void)state;
    static uint16_t halves[65536];
    static float values[65536];
    size_t count = 0;
    for (unsigned half = 0; half < 65536; half++)
        if ((half & 0x7c00) != 0x7c00)
            halves[count++] = (uint16_t)half;
    struct tensor tensor = tensor_of(DTYPE_F16, halves, count);
    struct error error;
    assert_int_equal(tensor_to_f32(&tensor, "file", values, &error), 0);
    for (size_t i = 0; i < count; i++) {
        assert_true((double)values[i] == f16_value(halves[i]));
        assert_int_equal(!!signbit(values[i]), halves[i] >> 15);
    }
    /* and back again, to the same bits */
    static uint16_t again[65536];
    tensor_from_f32(DTYPE_F16, values, count, again);
    assert_memory_equal(again, halves, count * sizeof *halves);
}

static void widens_every_bf16(void **state) {
    (void)state;
    static uint16_t halves[65536], again[65536];
    static float values[65536];
    size_t count = 0;
    for (unsigned half = 0; half < 65536; half++)
        if ((half & 0x7f80) != 0x7f80)
            halves[count++] = (uint16_t)half;
    struct tensor tensor = tensor_of(DTYPE_BF16, halves, count);
    struct error error;
    assert_int_equal(tensor_to_f32(&tensor, "file", values, &error), 0);
    for (size_t i = 0; i < count; i++)
        assert_true(values[i] == float_of((uint32_t)halves[i] << 16));
    tensor_from_f32(DTYPE_BF16, values, count, again);
    assert_memory_equal(again, halves, count * sizeof *halves);
}

/* The rounded value is the nearest of it and its neighbours, the even one in a tie. */
static void rounds_to_the_nearest_f16(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 1, 0);
    for (int i = 0; i < 200000; i++) {
        /* magnitudes from a quarter of the least subnormal to the largest */
        float value = float_of(
            0x32800000u + (uint32_t)random_below(&random, 0x477fe000u - 0x32800000u));
        uint16_t half;
        tensor_from_f32(DTYPE_F16, &value, 1, &half);
        double off = fabs(f16_value(half) - (double)value);
        double above = fabs(f16_value((uint16_t)(half + 1)) - (double)value);
        double below = half ? fabs(f16_value((uint16_t)(half - 1)) - (double)value) : 1;
        assert_true(off <= above && off <= below);
        if (off == above || off == below)
            assert_int_equal(half & 1, 0);
    }
}

static void rounds_as_numpy_and_torch_do(void **state) {
    (void)state;
    json_error_t place;
    json_t *cases = json_load_file(golden("rounding.json"), 0, &place);
    assert_non_null(cases);
    const json_t *bits = json_object_get(cases, "f32"),
                 *f16 = json_object_get(cases, "f16"),
                 *bf16 = json_object_get(cases, "bf16");
    size_t count = json_array_size(bits);
    assert_true(count > 500);
    float *values = malloc(count * sizeof *values);
    uint16_t *halves = malloc(count * sizeof *halves);
    for (size_t i = 0; i < count; i++)
        values[i] = float_of((uint32_t)json_integer_value(json_array_get(bits, i)));
    tensor_from_f32(DTYPE_F16, values, count, halves);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(halves[i], json_integer_value(json_array_get(f16, i)));
    tensor_from_f32(DTYPE_BF16, values, count, halves);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(halves[i], json_integer_value(json_array_get(bf16, i)));
    free(values);
    free(halves);
    json_decref(cases);
}

static void keeps_nan_when_it_narrows(void **state) {
    (void)state;
    /* a NaN whose fraction lies in the bits that are cut off */
    float values[2] = {float_of(0x7f800001u), float_of(0xff800001u)};
    uint16_t halves[2];
    tensor_from_f32(DTYPE_F16, values, 2, halves);
    assert_int_equal(halves[0] & 0x7e00, 0x7e00);
    assert_int_equal(halves[1] & 0xfe00, 0xfe00);
    tensor_from_f32(DTYPE_BF16, values, 2, halves);
    assert_int_equal(halves[0] & 0x7fc0, 0x7fc0);
    assert_int_equal(halves[1] & 0xffc0, 0xffc0);
}

static void converts_f64_and_f32(void **state) {
    (void)state;
    double doubles[3] = {1.0 / 3, -1 - 0x1p-24, 0x1p-149};
    float values[3], again[3];
    struct tensor tensor = tensor_of(DTYPE_F64, doubles, 3);
    struct error error;
    assert_int_equal(tensor_to_f32(&tensor, "file", values, &error), 0);
    assert_true(values[0] == 1.0f / 3);
    assert_true(values[1] == -1); /* a tie, to even */
    assert_true(values[2] == 0x1p-149f);
    double wide[3];
    tensor_from_f32(DTYPE_F64, values, 3, wide);
    assert_true(wide[0] == (double)(1.0f / 3) && wide[1] == -1 && wide[2] == 0x1p-149);
    tensor = tensor_of(DTYPE_F32, values, 3);
    assert_int_equal(tensor_to_f32(&tensor, "file", again, &error), 0);
    assert_memory_equal(again, values, sizeof values);
}

/* One bad value in each place of a block must be found, whatever the dtype. */
static void refuses_what_is_not_finite(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    static unsigned char data[8 * COUNT];
    static float values[COUNT];
    static const struct {
        enum dtype dtype;
        unsigned char bad[8];
        const char *fragment;
    } cases[] = {
        {DTYPE_F32, {0, 0, 0xc0, 0x7f}, "is NaN"},
        {DTYPE_F32, {0, 0, 0x80, 0xff}, "is infinite"},
        {DTYPE_F16, {0x01, 0x7c}, "is NaN"},
        {DTYPE_F16, {0x00, 0xfc}, "is infinite"},
        {DTYPE_BF16, {0x81, 0x7f}, "is NaN"},
        {DTYPE_BF16, {0x80, 0x7f}, "is infinite"},
        {DTYPE_F64, {1, 0, 0, 0, 0, 0, 0xf0, 0x7f}, "is NaN"},
        {DTYPE_F64, {0, 0, 0, 0, 0, 0, 0xf0, 0xff}, "is infinite"},
        /* 2^128, finite in 64 bits only */
        {DTYPE_F64, {0, 0, 0, 0, 0, 0, 0xf0, 0x47}, "too large for 32 bits"},
    };
    static const size_t places[] = {0, 1, 4095, 4096, COUNT - 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
            size_t size = dtype_size(cases[i].dtype);
            memset(data, 0, sizeof data);
            memcpy(data + places[j] * size, cases[i].bad, size);
            struct tensor tensor = tensor_of(cases[i].dtype, data, COUNT);
            struct error error;
            char where[64];
            snprintf(where, sizeof where, "file: weight: element %zu of [5000]",
                     places[j]);
            assert_int_equal(tensor_to_f32(&tensor, "file", values, &error), -1);
            check_message(error.text, where, cases[i].fragment);
        }
}

static void refuses_integers(void **state) {
    (void)state;
    int64_t ids[2] = {0, 1};
    float values[2];
    struct tensor tensor = tensor_of(DTYPE_I64, ids, 2);
    tensor.dtype_name = "I64";
    struct error error;
    assert_int_equal(tensor_to_f32(&tensor, "file", values, &error), -1);
    check_message(error.text, "file: weight is I64", "BF16");
}

static void knows_sizes(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8, 0};
    for (size_t i = 0; i <= DTYPE_OTHER; i++)
        assert_int_equal(dtype_size((enum dtype)i), sizes[i]);
}

static void writes_shapes(void **state) {
    (void)state;
    char text[32];
    struct tensor tensor = {.rank = 0};
    assert_string_equal(tensor_shape_text(&tensor, text, sizeof text), "[]");
    tensor = (struct tensor){.rank = 2, .shape = {3072, 768}};
    assert_string_equal(tensor_shape_text(&tensor, text, sizeof text), "[3072, 768]");
    assert_string_equal(tensor_shape_text(&tensor, text, 6), "[3072");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widens_every_f16),
        cmocka_unit_test(widens_every_bf16),
        cmocka_unit_test(rounds_to_the_nearest_f16),
        cmocka_unit_test(rounds_as_numpy_and_torch_do),
        cmocka_unit_test(keeps_nan_when_it_narrows),
        cmocka_unit_test(converts_f64_and_f32),
        cmocka_unit_test(refuses_what_is_not_finite),
        cmocka_unit_test(refuses_integers),
        cmocka_unit_test(knows_sizes),
        cmocka_unit_test(writes_shapes),
    };
    return cmocka_run_group_tests_name("conversion", tests, NULL, NULL);
}
