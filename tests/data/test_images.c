/* Decoding against Pillow's bytes (tests/golden/make_data.py), and pictures that
 * must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "base/sha256.h"
#include "data/image.h"
#include "files.h"

static void test_decode(void **state) {
    (void)state;
    char *expected = (char *)bytes_of(golden_path("expected.txt"), NULL);
    size_t cases = 0;
    for (char *line = strtok(expected, "\n"); line; line = strtok(NULL, "\n")) {
        char name[64], hash[SHA256_HEX], hex[SHA256_HEX];
        size_t width, height;
        if (sscanf(line, "decode %63s %zu %zu %64s", name, &width, &height, hash) != 4)
            continue;
        struct image image;
        struct error error;
        if (image_read(golden_path(name), &image, &error))
            fail_msg("%s", error.text);
        assert_int_equal(image.width, width);
        assert_int_equal(image.height, height);
        bytes_sha256(image.rgb, width * height * 3, hex);
        if (strcmp(hex, hash) != 0)
            fail_msg("%s: not Pillow's bytes", name);
        image_release(&image);
        cases++;
    }
    assert_int_equal(cases, 41);
    free(expected);
}

static void refuse(const void *data, size_t size, const char *because) {
    struct image image;
    struct error error = {.text = ""};
    /* A block of the exact size lets AddressSanitizer see a read too far. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    if (image_decode(copy, size, &image, &error) == 0)
        fail_msg("accepted what should be refused for: %s", because);
    assert_null(image.rgb);
    if (!strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
    free(copy);
}

static void test_cut_short(void **state) {
    static const char *const names[] = {"rgb.png",  "interlaced.png",      "420.jpg",
                                        "cmyk.jpg", "comment.ppm",         "plain.ppm",
                                        "raw.pgm",  "444-progressive.jpg", "deep.ppm"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        uint8_t *data = bytes_of(golden_path(names[i]), &size);
        for (size_t length = 0; length + 4 < size; length += 1 + size / 40)
            refuse(data, length, "");
        free(data);
    }
}

static void test_damaged(void **state) {
    size_t size;
    (void)state;
    uint8_t *data = bytes_of(golden_path("rgb.png"), &size);
    data[size / 2] ^= 0x10; /* in IDAT: its checksum tells */
    refuse(data, size, "the PNG is damaged");
    free(data);
    data = bytes_of(golden_path("420.jpg"), &size);
    for (size_t i = size * 3 / 4; i < size * 3 / 4 + 40; i++)
        data[i] = 0xff;
    refuse(data, size, "the JPEG is damaged");
    free(data);
}

/* Width and height of a good file made enormous: refused before memory is taken. */
static void test_bombs(void **state) {
    size_t size;
    (void)state;
    uint8_t *data = bytes_of(golden_path("420.jpg"), &size);
    uint8_t *frame = NULL;
    for (size_t i = 0; i + 8 < size && !frame; i++)
        if (data[i] == 0xff && data[i + 1] == 0xc0)
            frame = data + i;
    assert_non_null(frame);
    memset(frame + 5, 0x7f, 4); /* read at a half or less, were it there */
    refuse(data, size, "the JPEG is damaged");
    memset(frame + 5, 0x10, 4); /* 4112 x 4112 are allowed, but not there */
    refuse(data, size, "the JPEG is damaged");
    free(data);
    static const char ppm[] = "P6 8193 8192 255\n", thin[] = "P5 1000001 1 255\n",
                      long_number[] = "P6 99999999999999999999 1 255\n";
    refuse(ppm, sizeof ppm - 1, "more than 67 million");
    refuse(thin, sizeof thin - 1, "an edge can have at most 1000000");
    refuse(long_number, sizeof long_number - 1, "header is damaged");
}

static void test_pnm_headers(void **state) {
    static const struct {
        const char *text, *because;
    } cases[] = {
        {"P4 8 1\n\xff", "a P4 file"},
        {"P6 0 3 255\n", "empty"},
        {"P6 1 1 0\nabc", "header is damaged"},
        {"P6 1 1 65536\nabcdef", "header is damaged"},
        {"P6 1 x 255\nabc", "header is damaged"},
        {"P6 1 -1 255\nabc", "header is damaged"},
        {"P61 1 255\nabc", "header is damaged"},
        {"P6 # only a comment", "header is damaged"},
        {"P3 1 1 255\n1 2", "2 of 3 numbers"},
        {"P3 1 1 255\n1 2 256", "above its maximum"},
        {"P3 1 1 255\n1 2 x", "2 of 3 numbers"},
        {"P6 2 1 255\n12345", "5 of 6 bytes"},
        {"GIF89a", "not a PNG, JPEG, WebP, BMP or PPM"},
        {"", "not a PNG, JPEG, WebP, BMP or PPM"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].text, strlen(cases[i].text), cases[i].because);
}

/* A grey ramp from left to right as a JPEG (free()). */
static unsigned char *ramp(unsigned width, unsigned height, unsigned long *size) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    unsigned char *bytes = NULL, *row = malloc(width);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned x = 0; x < width; x++)
        row[x] = (unsigned char)(x * 256ull / width);
    while (jpeg.next_scanline < height)
        jpeg_write_scanlines(&jpeg, &row, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    return bytes;
}

/* A JPEG beyond the bound comes at half its edges, any other format is refused. */
static void test_large_jpeg(void **state) {
    (void)state;
    unsigned long size;
    unsigned char *bytes = ramp(9000, 7601, &size);
    struct image image;
    struct error error;
    if (image_decode(bytes, size, &image, &error))
        fail_msg("%s", error.text);
    assert_int_equal(image.width, 4500);
    assert_int_equal(image.height, 3801);
    for (size_t x = 0; x < image.width; x += 100) {
        int level = image.rgb[(1000 * image.width + x) * 3];
        /* A level is 35 pixels wide, and quality 75 moves it by one or two. */
        assert_true(abs(level - (int)(x * 256 / image.width)) <= 3);
    }
    image_release(&image);
    free(bytes);
}

static void bmp_number(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void test_bmp_headers(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = bytes_of(golden_path("16.bmp"), &size);
    static const struct {
        size_t at;
        uint32_t value;
        const char *because;
    } cases[] = {
        {14, 41 << 20, "header is damaged"},
        {14, 13, "header is damaged"},
        {10, 1 << 30, "cut short"},
        {18, 0, "is empty"},
        {18, 0xffffffff, "an edge can have"},
        {22, 0x80000000, "an edge can have"},
        {18, 4000, "cut short"},
        {28, 5, "5 bits a pixel"},
        {28, 16, "cut short"},
        {30, 1, "compression 1"},
        {46, 257, "header is damaged"},
        {46, 3, "colour"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t kept[4];
        memcpy(kept, data + cases[i].at, 4);
        bmp_number(data + cases[i].at, cases[i].value);
        refuse(data, size, cases[i].because);
        memcpy(data + cases[i].at, kept, 4);
    }
    for (size_t length = 0; length < size; length++)
        refuse(data, length, "");
    free(data);
    data = bytes_of(golden_path("lossy.webp"), &size);
    for (size_t length = 0; length < size; length += 7)
        refuse(data, length, "");
    free(data);
}

/* Bytes that some cameras leave between two markers are no damage. */
static void test_stray_bytes(void **state) {
    size_t size;
    (void)state;
    uint8_t *data = bytes_of(golden_path("420.jpg"), &size);
    uint8_t *stray = malloc(size + 2);
    memcpy(stray, data, size - 2);
    memcpy(stray + size - 2, "\x01\x02\xff\xd9", 4);
    struct image clean, image;
    struct error error;
    assert_int_equal(image_decode(data, size, &clean, &error), 0);
    if (image_decode(stray, size + 2, &image, &error))
        fail_msg("%s", error.text);
    assert_memory_equal(clean.rgb, image.rgb, clean.width * clean.height * 3);
    image_release(&clean);
    image_release(&image);
    free(stray);
    free(data);
}

static void test_files(void **state) {
    struct image image;
    struct error error;
    (void)state;
    assert_int_equal(image_read("/nonexistent/a.png", &image, &error), -1);
    assert_non_null(strstr(error.text, "/nonexistent/a.png: No such file"));
    assert_int_equal(image_read("/", &image, &error), -1);
    assert_non_null(strstr(error.text, "not a file"));
    assert_int_equal(image_read(golden_path("expected.txt"), &image, &error), -1);
    assert_non_null(
        strstr(error.text, "expected.txt: not a PNG, JPEG, WebP, BMP or PPM"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),      cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged),     cmocka_unit_test(test_large_jpeg),
        cmocka_unit_test(test_bmp_headers), cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_pnm_headers), cmocka_unit_test(test_stray_bytes),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
