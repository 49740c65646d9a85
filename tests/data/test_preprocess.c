/* Resizing and whole image processors against Pillow's and transformers' results
 * (tests/golden/make_data.py), and configs that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "data/image.h"
#include "data/preprocess.h"
#include "data/resize.h"
#include "files.h"

static struct image load(const char *name) {
    struct image image;
    struct error error;
    if (image_read(golden_path(name), &image, &error))
        fail_msg("%s", error.text);
    return image;
}

/* The window of the whole, computed alone, must be the whole's. */
static void check_window(const struct image *image, size_t width, size_t height,
                         enum resample resample, const uint8_t *whole) {
    struct window window = {width / 3, height / 4, width - width / 3, height / 2};
    struct error error;
    window.height += window.height == 0;
    uint8_t *part = malloc(3 * window.width * window.height);
    assert_int_equal(resize_rgb(image->rgb, image->width, image->height, width, height,
                                resample, window, part, window.width,
                                window.width * window.height, &error),
                     0);
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < window.height; y++)
            assert_memory_equal(part + (c * window.height + y) * window.width,
                                whole + (c * height + window.top + y) * width +
                                    window.left,
                                window.width);
    free(part);
}

static void test_resize(void **state) {
    (void)state;
    char *expected = (char *)bytes_of(golden_path("expected.txt"), NULL);
    size_t cases = 0;
    for (char *line = strtok(expected, "\n"); line; line = strtok(NULL, "\n")) {
        char name[64], hash[SHA256_HEX], hex[SHA256_HEX];
        size_t width, height;
        unsigned resample;
        if (sscanf(line, "resize %63s %zu %zu %u %64s", name, &width, &height,
                   &resample, hash) != 5)
            continue;
        struct image image = load(name);
        struct error error;
        uint8_t *out = malloc(3 * width * height);
        if (resize_rgb(image.rgb, image.width, image.height, width, height, resample,
                       (struct window){0, 0, width, height}, out, width, width * height,
                       &error))
            fail_msg("%s", error.text);
        bytes_sha256(out, 3 * width * height, hex);
        if (strcmp(hex, hash) != 0)
            fail_msg("%s", line);
        check_window(&image, width, height, resample, out);
        free(out);
        image_release(&image);
        cases++;
    }
    assert_int_equal(cases, 84);
    free(expected);
}

static json_t *parse(const char *text) {
    json_error_t problem;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &problem);
    if (!json)
        fail_msg("%s: %s", text, problem.text);
    return json;
}

/* Reads CLIP, SIZE and the config that ends a line, and applies them to NAME. */
static uint8_t *process(const char *name, int clip, size_t size, const char *config,
                        struct preprocess *preprocess) {
    struct image image = load(name);
    struct error error;
    json_t *json = parse(config);
    if (preprocess_read(json, clip, size, preprocess, &error))
        fail_msg("%s: %s", config, error.text);
    uint8_t *out = malloc(3 * size * size);
    memset(out, 0xaa, 3 * size * size);
    if (preprocess_apply(preprocess, image.rgb, image.width, image.height, out, &error))
        fail_msg("%s: %s", config, error.text);
    json_decref(json);
    image_release(&image);
    return out;
}

static void test_process(void **state) {
    (void)state;
    char *expected = (char *)bytes_of(golden_path("expected.txt"), NULL);
    size_t cases = 0;
    for (char *line = strtok(expected, "\n"); line; line = strtok(NULL, "\n")) {
        char name[64], hash[SHA256_HEX], hex[SHA256_HEX];
        size_t size;
        int clip, config = 0;
        if (sscanf(line, "process %63s %d %zu %64s %n", name, &clip, &size, hash,
                   &config) != 4)
            continue;
        struct preprocess preprocess;
        uint8_t *out = process(name, clip, size, line + config, &preprocess);
        bytes_sha256(out, 3 * size * size, hex);
        if (strcmp(hex, hash) != 0)
            fail_msg("%s", line);
        free(out);
        cases++;
    }
    assert_int_equal(cases, 60);
    free(expected);
}

/* transformers works in f32 in two steps, rescale then normalise; we in one. Each
 * step rounds by 2^-24 of a value of at most max(1, |mean|) / std or of 255, so the
 * results are within a few units of 2^-24 times that: 1e-6 of the largest. The
 * golden values have seven decimals. */
static void test_values(void **state) {
    (void)state;
    char *expected = (char *)bytes_of(golden_path("expected.txt"), NULL);
    size_t cases = 0;
    for (char *line = strtok(expected, "\n"); line; line = strtok(NULL, "\n")) {
        char name[64];
        size_t size;
        int clip, config = 0;
        if (sscanf(line, "values %63s %d %zu %n", name, &clip, &size, &config) != 3)
            continue;
        struct preprocess preprocess;
        uint8_t *out = process(name, clip, size, line + config, &preprocess);
        json_t *values = parse(strtok(NULL, "\n"));
        double largest = 1;
        for (size_t i = 0; i < json_array_size(values); i++)
            largest = fmax(largest, fabs(json_number_value(json_array_get(values, i))));
        assert_int_equal(json_array_size(values), (3 * size * size + 100) / 101);
        for (size_t i = 0; i < json_array_size(values); i++) {
            size_t at = 101 * i, c = at / (size * size);
            double value = preprocess.scale[c] * (float)out[at] + preprocess.shift[c];
            double wanted = json_number_value(json_array_get(values, i));
            if (fabs(value - wanted) > 1e-6 * largest + 1e-7)
                fail_msg("%s: value %zu is %.8f, not %.8f", line, at, value, wanted);
        }
        json_decref(values);
        free(out);
        cases++;
    }
    assert_int_equal(cases, 60);
    free(expected);
}

static void assert_near(float value, double wanted) {
    if (fabs(value - wanted) > 1e-7 * fabs(wanted)) /* 2^-24 is 6e-8 */
        fail_msg("%g is not %g", value, wanted);
}

static void test_defaults(void **state) {
    struct preprocess p;
    struct error error;
    (void)state;
    assert_int_equal(preprocess_read(NULL, true, 224, &p, &error), 0);
    assert_true(p.shortest_edge && p.crop == 224 && p.width == 224 && p.size == 224);
    assert_int_equal(p.resample, RESAMPLE_BICUBIC);
    assert_near(p.scale[0], 1 / 255. / 0.26862954);
    assert_near(p.shift[2], -0.40821073 / 0.27577711);
    assert_int_equal(preprocess_read(NULL, false, 96, &p, &error), 0);
    assert_true(!p.shortest_edge && p.crop == 0 && p.height == 96 && p.size == 96);
    assert_int_equal(p.resample, RESAMPLE_BILINEAR);
    assert_near(p.scale[1], 2 / 255.);
    /* The config's own type decides, whatever the caller thinks. */
    json_t *json = parse("{\"image_processor_type\": \"ViTImageProcessor\", "
                         "\"size\": 48}");
    assert_int_equal(preprocess_read(json, true, 48, &p, &error), 0);
    assert_true(!p.shortest_edge && p.crop == 0);
    json_decref(json);
}

static void test_refused_configs(void **state) {
    static const struct {
        const char *config, *because;
    } cases[] = {
        {"[]", "not an object"},
        {"{\"crop_size\": 96}", "crop_size is 96, the model's image_size is 224"},
        {"{\"do_center_crop\": false, \"size\": {\"height\": 96, \"width\": 224}}",
         "size is 224 x 96, the model's image_size is 224"},
        {"{\"crop_size\": {\"height\": 224, \"width\": 200}}",
         "crop_size is 200 x 224"},
        {"{\"crop_size\": {\"height\": 224}}", "crop_size.width"},
        {"{\"crop_size\": [224, 200]}", "crop_size is 200 x 224"},
        {"{\"use_square_size\": true}", "use_square_size is not supported"},
        {"{\"size\": {\"longest_edge\": 224}}", "size must be a number"},
        {"{\"size\": {\"shortest_edge\": 224, \"longest_edge\": 300}}",
         "size must be a number"},
        {"{\"size\": \"224\"}", "size must be a number"},
        {"{\"size\": 0}", "size is not a number of pixels"},
        {"{\"size\": -224}", "size is not a number of pixels"},
        {"{\"size\": 9223372036854775807}", "size is not a number of pixels"},
        {"{\"resample\": 6}", "resample is not"},
        {"{\"resample\": \"bicubic\"}", "resample is not"},
        {"{\"do_resize\": 1}", "do_resize is neither true nor false"},
        {"{\"do_pad\": true}", "do_pad is true"},
        {"{\"image_std\": [1, 0, 1]}", "do not give finite values"},
        {"{\"image_mean\": [1, 1]}", "image_mean is not a list of three numbers"},
        {"{\"rescale_factor\": \"1/255\"}", "rescale_factor is not a number"},
        {"{\"image_processor_type\": \"ConvNextImageProcessor\"}",
         "ConvNextImageProcessor is not supported"},
        {"{\"image_processor_type\": 3}", "is not supported"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct preprocess p;
        struct error error = {.text = ""};
        json_t *json = parse(cases[i].config);
        assert_int_equal(preprocess_read(json, true, 224, &p, &error), -1);
        if (!strstr(error.text, cases[i].because))
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].because);
        json_decref(json);
    }
}

static void test_refused_pictures(void **state) {
    struct preprocess p;
    struct error error;
    uint8_t *out = malloc(3 * 16 * 16);
    uint8_t *line = calloc(3, 200000);
    (void)state;
    /* 16 x 200,000 times 16 pixels after the resize. */
    assert_int_equal(preprocess_read(NULL, true, 16, &p, &error), 0);
    assert_int_equal(preprocess_apply(&p, line, 200000, 1, out, &error), -1);
    assert_non_null(strstr(error.text, "cannot be made 3200000 x 16"));
    json_t *json = parse("{\"do_center_crop\": false, \"size\": 16}");
    assert_int_equal(preprocess_read(json, true, 16, &p, &error), 0);
    assert_int_equal(preprocess_apply(&p, line, 20, 10, out, &error), -1);
    assert_non_null(strstr(error.text, "makes the picture 32 x 16"));
    json_decref(json);
    free(line);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize),          cmocka_unit_test(test_process),
        cmocka_unit_test(test_values),          cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused_configs), cmocka_unit_test(test_refused_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
