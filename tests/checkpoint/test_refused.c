/* Files that are refused, and what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support.h"

/* F32 of [2] at bytes 0 to 8, which most cases put beside what they try. */
#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define ENTRY(dtype, shape, begin, end) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static const struct {
    const char *header;
    size_t data_size;
    const char *fragment;
} headers[] = {
    /* data that do not tile the file */
    {"{" A "}", 7, "a: its data end at byte 8 of 7; the file is cut short"},
    {"{" A "}", 0, "a: its data end at byte 8 of 0"},
    {"{" A "}", 9, "1 bytes after the last tensor"},
    {"{}", 1, "1 bytes after the last tensor"},
    {"{" A ",\"b\":" ENTRY("F32", "[1]", "9", "13") "}", 13, "b: a hole of 1 bytes"},
    {"{\"b\":" ENTRY("F32", "[1]", "4", "8") "}", 8, "b: a hole of 4 bytes"},
    {"{" A ",\"b\":" ENTRY("F32", "[1]", "4", "8") "}", 8,
     "b: its data overlap those of a"},
    {"{" A ",\"b\":" ENTRY("F32", "[2]", "0", "8") "}", 8,
     "b: its data overlap those of a"},
    {"{" A ",\"b\":" ENTRY("F32", "[0]", "4", "4") "}", 8,
     "b: its data overlap those of a"},
    {"{\"b\":" ENTRY("F32", "[1]", "8", "4") "}", 8,
     "b: its data end before they begin"},
    /* sizes */
    {"{\"b\":" ENTRY("F32", "[3]", "0", "8") "}", 8,
     "b: [3] of F32 takes 12 bytes, its data are 8"},
    {"{\"b\":" ENTRY("F64", "[]", "0", "4") "}", 4,
     "b: [] of F64 takes 8 bytes, its data are 4"},
    {"{\"b\":" ENTRY("F32", "[2,9223372036854775807]", "0", "8") "}", 8,
     "b: a shape of F32 [2, 9223372036854775807] has no size"},
    {"{\"b\":" ENTRY("F32", "[4294967296,4294967296]", "0", "0") "}", 0, "has no size"},
    /* 2^62 elements: the number of bytes is what does not fit */
    {"{\"b\":" ENTRY("F32", "[4611686018427387904]", "0", "0") "}", 0, "has no size"},
    /* 2^61: the bytes are fine, the bits are not */
    {"{\"b\":" ENTRY("U8", "[2305843009213693952]", "0", "0") "}", 0, "has no size"},
    {"{\"b\":" ENTRY("F32", "[2,18446744073709551614]", "0", "8") "}", 8,
     "not valid JSON: too big integer"},
    {"{\"b\":" ENTRY("F32", "[9223372036854775808]", "0", "8") "}", 8,
     "not valid JSON: too big integer"},
    {"{\"b\":" ENTRY("F32", "[2]", "0", "9223372036854775807") "}", 8,
     "b: its data end at byte 9223372036854775807 of 8"},
    {"{\"b\":" ENTRY("F32", "[2]", "0", "9223372036854775808") "}", 8,
     "not valid JSON: too big integer"},
    {"{\"b\":" ENTRY("F32", "[-2]", "0", "8") "}", 8, "b: dimension 0 of its shape"},
    {"{\"b\":" ENTRY("F32", "[1,2.0]", "0", "8") "}", 8, "b: dimension 1 of its shape"},
    {"{\"b\":" ENTRY("F32", "[\"2\"]", "0", "8") "}", 8, "b: dimension 0 of its shape"},
    {"{\"b\":" ENTRY("F32", "[2]", "-1", "7") "}", 8, "b: data_offsets is not a pair"},
    {"{\"b\":" ENTRY("F32", "[2]", "0.0", "8") "}", 8, "b: data_offsets is not a pair"},
    {"{\"b\":" ENTRY("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8") "}", 8,
     "b has 9 dimensions; at most 8"},
    {"{\"b\":" ENTRY("F4", "[3]", "0", "1") "}", 1, "b: a shape of F4 [3] has no size"},
    /* dtypes */
    {"{\"b\":" ENTRY("F31", "[2]", "0", "8") "}", 8, "b: unknown dtype F31"},
    {"{\"b\":" ENTRY("f32", "[2]", "0", "8") "}", 8, "b: unknown dtype f32"},
    {"{\"b\":" ENTRY("", "[2]", "0", "8") "}", 8, "b: unknown dtype"},
    /* entries */
    {"{" A "," A "}", 8, "a key occurs twice in its header: duplicate object key near"},
    {"{" A ",\"\\u0061\":" ENTRY("F32", "[0]", "8", "8") "}", 8, "occurs twice"},
    {"{\"b\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],"
     "\"data_offsets\":[0,8]}}",
     8, "occurs twice"},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8,
     "b: unknown field x"},
    {"{\"b\":[\"F32\",[2],[0,8]]}", 8, "b: its header entry is not an object"},
    {"{\"b\":null}", 0, "b: its header entry is not an object"},
    {"{\"b\":{}}", 0, "b: dtype is missing"},
    {"{\"b\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "b: dtype is missing or not a string"},
    {"{\"b\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "b: shape is missing"},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8,
     "b: shape is missing or not a list"},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "b: data_offsets is not a pair"},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4,8]}}", 8,
     "b: data_offsets is not a pair"},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8,
     "b: data_offsets is not a pair"},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{}}}", 8,
     "b: data_offsets is not a pair"},
    {"{\"__metadata__\":{\"format\":1}}", 0, "__metadata__: format is not a string"},
    {"{\"__metadata__\":\"pt\"}", 0, "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "occurs twice"},
    /* the JSON itself */
    {"", 0, "does not begin with {"},
    {" \n", 0, "does not begin with {"},
    {"\v{}", 0, "does not begin with {"},
    {"[]", 0, "does not begin with {"},
    {"{", 0, "not valid JSON"},
    {"{" A, 8, "not valid JSON"},
    {"{" A "}x", 8, "not valid JSON: end of file expected near 'x'"},
    {"{" A "}{}", 8, "not valid JSON"},
    {"{" A ",}", 8, "not valid JSON"},
    {"{'b':1}", 0, "not valid JSON"},
    {"{\"\xff\":1}", 0, "not valid JSON: unable to decode byte 0xff"},
    {"{\"b\\u0000c\":1}", 0, "not valid JSON"},
    {"{\"b\":NaN}", 0, "not valid JSON"},
    /* a name that would steer a terminal is shown harmless */
    {"{\"b\\u001b[2J\":1}", 0, "b\\x1B[2J: its header entry is not an object"},
};

static void refuses_headers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        size_t size;
        unsigned char *bytes =
            safetensors_make(headers[i].header, headers[i].data_size, &size);
        struct safetensors *file;
        struct error error;
        if (safetensors_open_memory(bytes, size, "bad.safetensors", &file, &error) == 0)
            fail_msg("accepted: %s", headers[i].header);
        check_message(error.text, "bad.safetensors: ", headers[i].fragment);
        free(bytes);
    }
}

/* The length before the header. */
static void refuses_lengths(void **state) {
    static const struct {
        uint64_t length;
        size_t size; /* of the file */
        const char *fragment;
    } cases[] = {
        {0, 8, "does not begin with {"},
        {3, 10, "its header is 3 bytes, the file only 10"},
        {100000000, 64, "its header is 100000000 bytes, the file only 64"},
        {100000001, 64, "would be 100000001 bytes, the format allows 100000000"},
        {(uint64_t)1 << 63, 64, "would be 9223372036854775808 bytes"},
        {UINT64_MAX, 64, "would be 18446744073709551615 bytes"},
        {UINT64_MAX - 7, 64, "would be 18446744073709551608 bytes"},
        {2, 7, "7 bytes are too few"},
        {2, 1, "1 bytes are too few"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in(*state, "bad.safetensors");
        unsigned char bytes[64] = "........{}";
        memcpy(bytes, &cases[i].length, 8);
        file_write(path, bytes, cases[i].size);
        struct safetensors *file;
        struct error error;
        assert_int_equal(safetensors_open(path, &file, &error), -1);
        check_message(error.text, path, cases[i].fragment);
    }
}

/* Every prefix of a good file is refused. */
static void refuses_every_truncation(void **state) {
    (void)state;
    size_t size;
    unsigned char *bytes = bytes_of(golden("dtypes.safetensors"), &size);
    struct safetensors *file;
    struct error error;
    for (size_t kept = 0; kept < size; kept++) {
        unsigned char *part = malloc(kept ? kept : 1);
        memcpy(part, bytes, kept);
        assert_int_equal(safetensors_open_memory(part, kept, "cut", &file, &error), -1);
        check_message(error.text, "cut: ", "");
        free(part);
    }
    assert_int_equal(safetensors_open_memory(bytes, size, "whole", &file, &error), 0);
    safetensors_close(file);
    free(bytes);
}

static void refuses_what_is_no_file(void **state) {
    struct safetensors *file;
    struct error error;
    const char *missing = in(*state, "missing"), *empty = in(*state, "empty"),
               *pipe = in(*state, "pipe"), *folder = *state;
    text_write(empty, "");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(safetensors_open(missing, &file, &error), -1);
    check_message(error.text, missing, "No such file");
    assert_int_equal(safetensors_open(empty, &file, &error), -1);
    check_message(error.text, empty, "is empty");
    assert_int_equal(safetensors_open(pipe, &file, &error), -1);
    check_message(error.text, pipe, "not a file");
    assert_int_equal(safetensors_open(folder, &file, &error), -1);
    check_message(error.text, folder, "not a file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_headers),
        cmocka_unit_test_setup_teardown(refuses_lengths, folder_setup, folder_teardown),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests_name("refused safetensors", tests, NULL, NULL);
}
