/* What the reference implementation wrote is read as it is, and what we write is,
 * byte for byte, what it writes. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

static struct safetensors *open_golden(const char *name) {
    struct safetensors *file;
    struct error error;
    if (safetensors_open(golden(name), &file, &error) != 0)
        fail_msg("%s", error.text);
    return file;
}

/* An integer of any kind as the text that the JSON has. */
static void integer_text(const struct tensor *tensor, size_t element, char *out,
                         size_t room) {
    const unsigned char *data = tensor->data;
    size_t size = dtype_size(tensor->dtype);
    uint64_t value = 0;
    memcpy(&value, data + element * size, size);
    bool is_signed = tensor->dtype == DTYPE_I8 || tensor->dtype == DTYPE_I16 ||
                     tensor->dtype == DTYPE_I32 || tensor->dtype == DTYPE_I64;
    if (is_signed && size < 8 && value >> (8 * size - 1))
        value |= ~(uint64_t)0 << (8 * size);
    if (is_signed)
        snprintf(out, room, "%lld", (long long)value);
    else
        snprintf(out, room, "%llu", (unsigned long long)value);
}

static void check_values(const struct tensor *tensor, const json_t *values) {
    assert_int_equal(json_array_size(values), tensor->count);
    float *floats = calloc(tensor->count + 1, sizeof *floats);
    struct error error;
    bool is_float = tensor->dtype == DTYPE_F64 || tensor->dtype == DTYPE_F32 ||
                    tensor->dtype == DTYPE_F16 || tensor->dtype == DTYPE_BF16;
    if (is_float && tensor_to_f32(tensor, "golden", floats, &error) != 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < tensor->count; i++) {
        const json_t *value = json_array_get(values, i);
        if (is_float) {
            float wanted = (float)strtod(json_string_value(value), NULL);
            assert_true(floats[i] == wanted && signbit(floats[i]) == signbit(wanted));
        } else if (tensor->dtype == DTYPE_OTHER) {
            assert_int_equal(((const unsigned char *)tensor->data)[i],
                             json_integer_value(value));
        } else {
            char text[32];
            integer_text(tensor, i, text, sizeof text);
            assert_string_equal(text, json_string_value(value));
        }
    }
    free(floats);
}

static void reads_every_dtype(void **state) {
    (void)state;
    struct safetensors *file = open_golden("dtypes.safetensors");
    json_error_t place;
    json_t *described = json_load_file(golden("dtypes.json"), 0, &place);
    assert_non_null(described);
    assert_int_equal(safetensors_count(file), json_object_size(described));
    const char *name;
    json_t *wanted;
    json_object_foreach(described, name, wanted) {
        const struct tensor *tensor = safetensors_find(file, name);
        assert_non_null(tensor);
        assert_string_equal(tensor->name, name);
        assert_string_equal(tensor->dtype_name,
                            json_string_value(json_object_get(wanted, "dtype")));
        const json_t *shape = json_object_get(wanted, "shape");
        assert_int_equal(tensor->rank, json_array_size(shape));
        for (unsigned i = 0; i < tensor->rank; i++)
            assert_int_equal(tensor->shape[i],
                             json_integer_value(json_array_get(shape, i)));
        check_values(tensor, json_object_get(wanted, "values"));
    }
    assert_null(safetensors_find(file, "scala"));
    assert_null(safetensors_find(file, ""));
    assert_null(safetensors_find(file, "__metadata__"));
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    assert_null(safetensors_metadata(file, "other"));
    json_decref(described);
    safetensors_close(file);
    safetensors_close(NULL);
}

static void reads_what_the_reference_reads(void **state) {
    (void)state;
    static const char *const names[] = {"null.safetensors", "blank.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct safetensors *file = open_golden(names[i]);
        assert_int_equal(safetensors_count(file), 1);
        float values[2];
        struct error error;
        assert_int_equal(
            tensor_to_f32(safetensors_find(file, "a"), "a", values, &error), 0);
        assert_true(values[0] == 1.5f && values[1] == -2);
        assert_null(safetensors_metadata(file, "format"));
        safetensors_close(file);
    }
}

static void orders_tensors_by_their_data(void **state) {
    (void)state;
    struct safetensors *file = open_golden("dtypes.safetensors");
    for (size_t i = 1; i < safetensors_count(file); i++) {
        const struct tensor *before = safetensors_at(file, i - 1);
        assert_ptr_equal((const char *)before->data + before->bytes,
                         safetensors_at(file, i)->data);
    }
    safetensors_close(file);
}

static void does_without_metadata_and_tensors(void **state) {
    (void)state;
    struct safetensors *file = open_golden("plain.safetensors");
    assert_null(safetensors_metadata(file, "format"));
    assert_int_equal(safetensors_count(file), 2);
    safetensors_close(file);
    struct error error;
    static const char empty[] = "\2\0\0\0\0\0\0\0{}";
    assert_int_equal(
        safetensors_open_memory(empty, sizeof empty - 1, "empty", &file, &error), 0);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_find(file, "a"));
    safetensors_close(file);
}

/* A header of odd length, tensors in no order, a float at an odd address. */
static void reads_what_is_not_aligned(void **state) {
    (void)state;
    size_t size;
    unsigned char *bytes = safetensors_make(
        "{\"z\":{\"shape\":[2],\"data_offsets\":[1,9],\"dtype\":\"F32\"},"
        "\"y\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[0,1]}, "
        "\"x\":{\"dtype\":\"F16\",\"shape\":[4,0],\"data_offsets\":[9,9]}} \n\t ",
        9, &size);
    float numbers[2] = {1.5f, -2.25f}, read[2];
    memcpy(bytes + size - 8, numbers, 8);
    struct safetensors *file;
    struct error error;
    if (safetensors_open_memory(bytes, size, "odd", &file, &error) != 0)
        fail_msg("%s", error.text);
    assert_string_equal(safetensors_at(file, 0)->name, "y");
    assert_int_equal(tensor_to_f32(safetensors_find(file, "z"), "odd", read, &error),
                     0);
    assert_memory_equal(read, numbers, 8);
    assert_int_equal(safetensors_find(file, "y")->count, 1);
    assert_int_equal(safetensors_find(file, "x")->count, 0);
    assert_int_equal(tensor_to_f32(safetensors_find(file, "x"), "odd", read, &error),
                     0);
    safetensors_close(file);
    free(bytes);
}

/* The tensors of a file as sources, the last first: the order is the writer's. */
static struct tensor_source *sources_of(const struct safetensors *file, void ***data) {
    size_t count = safetensors_count(file);
    struct tensor_source *sources = calloc(count, sizeof *sources);
    *data = calloc(count, sizeof **data);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *tensor = safetensors_at(file, count - 1 - i);
        sources[i] = (struct tensor_source){.name = tensor->name,
                                            .dtype_name = tensor->dtype_name,
                                            .rank = tensor->rank,
                                            .bytes = tensor->bytes};
        memcpy(sources[i].shape, tensor->shape, sizeof tensor->shape);
        (*data)[i] = (void *)tensor->data;
    }
    return sources;
}

static void writes_what_the_reference_writes(void **state) {
    static const char *const metadata[] = {"format", "pt", NULL};
    static const struct {
        const char *name;
        const char *const *metadata;
    } cases[] = {{"dtypes.safetensors", metadata}, {"plain.safetensors", NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct safetensors *file = open_golden(cases[i].name);
        void **data, *made;
        struct tensor_source *sources = sources_of(file, &data);
        size_t count = safetensors_count(file), wanted_size, made_size;
        unsigned char *wanted = bytes_of(golden(cases[i].name), &wanted_size);
        struct error error;
        assert_int_equal(safetensors_write_memory(sources, count, cases[i].metadata,
                                                  read_arrays, data, &made, &made_size,
                                                  &error),
                         0);
        assert_int_equal(made_size, wanted_size);
        assert_memory_equal(made, wanted, wanted_size);
        free(made);
        const char *path = in(*state, cases[i].name);
        assert_int_equal(safetensors_write(path, sources, count, cases[i].metadata,
                                           read_arrays, data, &error),
                         0);
        unsigned char *written = bytes_of(path, &made_size);
        assert_int_equal(made_size, wanted_size);
        assert_memory_equal(written, wanted, wanted_size);
        free(written);
        free(wanted);
        free(sources);
        free(data);
        safetensors_close(file);
    }
    assert_int_equal(entry_count(*state), 2);
}

/* Gives a few bytes at a time of a tensor whose byte k is k mod 251. */
static int read_pieces(void *self, size_t index, uint64_t offset, void *out,
                       size_t room, size_t *got, struct error *error) {
    (void)self, (void)index, (void)error;
    *got = room < 4099 ? room : 4099;
    for (size_t i = 0; i < *got; i++)
        ((unsigned char *)out)[i] = (unsigned char)((offset + i) % 251);
    return 0;
}

/* More than one chunk, in pieces that do not divide it. */
static void writes_large_tensors_in_pieces(void **state) {
    enum { BYTES = 3 * 1000 * 1000 };
    struct tensor_source sources[2] = {{"b", "U8", 1, {BYTES}, BYTES},
                                       {"a", "U8", 2, {3, 5}, 15}};
    const char *path = in(*state, "large.safetensors");
    struct error error;
    if (safetensors_write(path, sources, 2, NULL, read_pieces, NULL, &error) != 0)
        fail_msg("%s", error.text);
    struct safetensors *file;
    assert_int_equal(safetensors_open(path, &file, &error), 0);
    for (size_t i = 0; i < 2; i++) {
        const struct tensor *tensor = safetensors_find(file, sources[i].name);
        for (size_t k = 0; k < tensor->bytes; k++)
            assert_int_equal(((const unsigned char *)tensor->data)[k], k % 251);
    }
    safetensors_close(file);
}

/* Writing over a file that is still mapped leaves the mapping as it was. */
static void replaces_a_file_that_is_in_use(void **state) {
    float before[2] = {1, 2}, after[3] = {3, 4, 5};
    void *data[1] = {before};
    struct tensor_source source = {"w", "F32", 1, {2}, 8};
    const char *path = in(*state, "routers.safetensors");
    struct error error;
    struct safetensors *first, *second;
    assert_int_equal(
        safetensors_write(path, &source, 1, NULL, read_arrays, data, &error), 0);
    assert_int_equal(safetensors_open(path, &first, &error), 0);
    data[0] = after;
    source.shape[0] = 3;
    source.bytes = 12;
    assert_int_equal(
        safetensors_write(path, &source, 1, NULL, read_arrays, data, &error), 0);
    assert_int_equal(safetensors_open(path, &second, &error), 0);
    assert_memory_equal(safetensors_at(first, 0)->data, before, 8);
    assert_memory_equal(safetensors_at(second, 0)->data, after, 12);
    safetensors_close(first);
    safetensors_close(second);
    assert_int_equal(entry_count(*state), 1);
}

static int read_fails(void *self, size_t index, uint64_t offset, void *out, size_t room,
                      size_t *got, struct error *error) {
    (void)self, (void)index, (void)out, (void)room;
    if (offset > 0)
        return error_set(error, "the source broke");
    *got = 1;
    return 0;
}

static int read_ends(void *self, size_t index, uint64_t offset, void *out, size_t room,
                     size_t *got, struct error *error) {
    (void)self, (void)index, (void)out, (void)room, (void)error;
    *got = offset == 0;
    return 0;
}

static void leaves_the_old_file_when_it_fails(void **state) {
    const char *path = in(*state, "routers.safetensors");
    struct tensor_source source = {"w", "F32", 1, {2}, 8};
    struct error error;
    text_write(path, "old");
    assert_int_equal(
        safetensors_write(path, &source, 1, NULL, read_fails, NULL, &error), -1);
    assert_string_equal(error.text, "the source broke");
    assert_int_equal(safetensors_write(path, &source, 1, NULL, read_ends, NULL, &error),
                     -1);
    check_message(error.text, "w: ", "its bytes end at 1 of 8");
    size_t size;
    unsigned char *bytes = bytes_of(path, &size);
    assert_string_equal((char *)bytes, "old");
    free(bytes);
    assert_int_equal(entry_count(*state), 1);
    path = in(*state, "missing/routers.safetensors");
    assert_int_equal(
        safetensors_write(path, &source, 1, NULL, read_pieces, NULL, &error), -1);
    check_message(error.text, path, "cannot be written: No such file");
}

static void refuses_to_write_nonsense(void **state) {
    static const char *const bad_metadata[] = {"\xff", "x", NULL};
    static const struct {
        struct tensor_source sources[2];
        const char *const *metadata;
        const char *fragment;
    } cases[] = {
        {{{"a", "F32", 0, {0}, 4}, {"a", "F16", 0, {0}, 2}},
         NULL,
         "two tensors have the name a"},
        {{{"a", "F33", 0, {0}, 4}, {"b", "F16", 0, {0}, 2}}, NULL, "unknown dtype F33"},
        {{{"a", "F32", 1, {2}, 4}, {"b", "F16", 0, {0}, 2}}, NULL, "do not agree"},
        {{{"a", "F32", 2, {1ull << 62, 8}, 0}, {"b", "F16", 0, {0}, 2}},
         NULL,
         "do not agree"},
        {{{"a", "F32", 9, {0}, 0}, {"b", "F16", 0, {0}, 2}}, NULL, "do not agree"},
        {{{"__metadata__", "F32", 0, {0}, 4}, {"b", "F16", 0, {0}, 2}},
         NULL,
         "cannot be named"},
        {{{"\xff", "F32", 0, {0}, 4}, {"b", "F16", 0, {0}, 2}}, NULL, "not UTF-8"},
        {{{"a", "F32", 0, {0}, 4}, {"b", "F16", 0, {0}, 2}}, bad_metadata, "not UTF-8"},
    };
    const char *path = in(*state, "out.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        void *bytes;
        size_t size;
        assert_int_equal(safetensors_write(path, cases[i].sources, 2, cases[i].metadata,
                                           read_pieces, NULL, &error),
                         -1);
        check_message(error.text, path, cases[i].fragment);
        assert_int_equal(safetensors_write_memory(cases[i].sources, 2,
                                                  cases[i].metadata, read_pieces, NULL,
                                                  &bytes, &size, &error),
                         -1);
        check_message(error.text, "", cases[i].fragment);
    }
    assert_int_equal(entry_count(*state), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_dtype),
        cmocka_unit_test(reads_what_the_reference_reads),
        cmocka_unit_test(orders_tensors_by_their_data),
        cmocka_unit_test(does_without_metadata_and_tensors),
        cmocka_unit_test(reads_what_is_not_aligned),
        cmocka_unit_test_setup_teardown(writes_what_the_reference_writes, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(writes_large_tensors_in_pieces, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(replaces_a_file_that_is_in_use, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(leaves_the_old_file_when_it_fails, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(refuses_to_write_nonsense, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
