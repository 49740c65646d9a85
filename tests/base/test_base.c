/* Text, sizes, errors, digests and random numbers against values known from
 * elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/usage.h"

static void sizes_do_not_wrap(void **state) {
    (void)state;
    size_t r = 7;
    assert_true(size_multiply(SIZE_MAX / 2, 2, &r));
    assert_int_equal(r, SIZE_MAX - 1);
    assert_false(size_multiply(SIZE_MAX / 2 + 1, 2, &r));
    assert_int_equal(r, SIZE_MAX - 1);
    assert_true(size_multiply(0, SIZE_MAX, &r));
    assert_int_equal(r, 0);
    assert_true(size_add(SIZE_MAX - 1, 1, &r));
    assert_false(size_add(SIZE_MAX, 1, &r));
    assert_null(array_new(SIZE_MAX / 8 + 1, 8));
    void *none = array_new(0, 8);
    assert_non_null(none);
    free(none);
}

static void arrays_grow_and_keep(void **state) {
    (void)state;
    uint32_t *array = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(
            array_reserve((void **)&array, &capacity, i + 1, sizeof *array), 0);
        assert_true(capacity >= i + 1);
        array[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(array[i], i);
    uint32_t *before = array;
    size_t held = capacity;
    assert_int_equal(
        array_reserve((void **)&array, &capacity, SIZE_MAX / 2, sizeof *array), -1);
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, held);
    free(array);
}

static void numbers_are_shortened(void **state) {
    (void)state;
    char json[] =
        "{\"a 0.29999999999999999\": [0.29999999999999999, 1.0, -0.10000000000000001, "
        "72.333333333333329, 12, 1.0000000000000001e-05], "
        "\"q\\\"0.29999999999999999\": 3}";
    text_shorten_numbers(json);
    assert_string_equal(json, "{\"a 0.29999999999999999\": [0.3, 1.0, -0.1, "
                              "72.33333333333333, 12, 1e-05], "
                              "\"q\\\"0.29999999999999999\": 3}");
}

static void floats_are_shortened(void **state) {
    (void)state;
    static const float values[] = {0.3f,   1.0f / 3, 1e-30f, 16777217.0f,
                                   -0.25f, 0,        3.4e38f};
    assert_true(text_shortest_float(0.3f) == 0.3);
    assert_true(text_shortest_float(1.0f / 3) == 0.33333334);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true((float)text_shortest_float(values[i]) == values[i]);
}

static void control_bytes_are_escaped(void **state) {
    (void)state;
    char out[64];
    assert_string_equal(text_escape(out, sizeof out, "plain"), "plain");
    assert_string_equal(text_escape(out, sizeof out, "\x1b[2J"), "\\x1B[2J");
    assert_string_equal(text_escape(out, sizeof out, "a\nb\x7f"), "a\\x0Ab\\x7F");
    /* Well-formed UTF-8 stays; C1 (U+009B is a control sequence introducer), overlong
     * forms, surrogates and cut sequences do not. */
    assert_string_equal(text_escape(out, sizeof out, "\xc3\xa9\xe2\x82\xac"),
                        "\xc3\xa9\xe2\x82\xac");
    assert_string_equal(text_escape(out, sizeof out, "\xc2\x9b"), "\\xC2\\x9B");
    assert_string_equal(text_escape(out, sizeof out, "\xc0\xaf"), "\\xC0\\xAF");
    /* U+FFFF, U+FDD0 and U+1FFFE are no characters; U+FFFD is one. */
    /* Of no width, or turning the direction of writing; letters beside them stay. */
    assert_string_equal(text_escape(out, sizeof out,
                                    "a\xe2\x80\xae"
                                    "b"),
                        "a\\xE2\\x80\\xAEb"); /* U+202E */
    assert_string_equal(text_escape(out, sizeof out, "\xe2\x80\x8b\xe2\x80\xa8"),
                        "\\xE2\\x80\\x8B\\xE2\\x80\\xA8"); /* U+200B, U+2028 */
    assert_string_equal(text_escape(out, sizeof out, "\xc2\xad\xf3\xa0\x81\x81"),
                        "\\xC2\\xAD\\xF3\\xA0\\x81\\x81"); /* U+00AD, U+E0041 */
    assert_string_equal(text_escape(out, sizeof out, "\xe2\x80\xa6\xd7\x90"),
                        "\xe2\x80\xa6\xd7\x90"); /* an ellipsis, alef */
    assert_string_equal(text_escape(out, sizeof out, "\xef\xbf\xbf"),
                        "\\xEF\\xBF\\xBF");
    assert_string_equal(text_escape(out, sizeof out, "\xef\xb7\x90"),
                        "\\xEF\\xB7\\x90");
    assert_string_equal(text_escape(out, sizeof out, "\xf0\x9f\xbf\xbe"),
                        "\\xF0\\x9F\\xBF\\xBE");
    assert_string_equal(text_escape(out, sizeof out, "\xef\xbf\xbd"), "\xef\xbf\xbd");
    assert_string_equal(text_escape(out, sizeof out, "\xed\xa0\x80"),
                        "\\xED\\xA0\\x80");
    assert_string_equal(text_escape(out, sizeof out, "x\xe2\x82"), "x\\xE2\\x82");
    /* Cut at a character, never inside one. */
    assert_string_equal(text_escape(out, 5, "abc\xc3\xa9"), "abc");
    assert_string_equal(text_escape(out, 6, "abc\xc3\xa9"), "abc\xc3\xa9");
    assert_string_equal(text_escape(out, 5, "a\x01"), "a");
}

/* What "%.5s" would do to names. */
static void texts_are_cut_at_characters(void **state) {
    (void)state;
    char out[64];
    assert_string_equal(TEXT_CUT("plain", 5), "plain");
    assert_string_equal(TEXT_CUT("plainer", 5), "plain");
    assert_string_equal(TEXT_CUT("añb", 2), "a");
    assert_string_equal(TEXT_CUT("añb", 3), "añ");
    assert_string_equal(TEXT_CUT("日本", 5), "日");
    assert_string_equal(TEXT_CUT("日本", 6), "日本");
    assert_string_equal(TEXT_CUT("a\U0001F600", 4), "a");
    assert_string_equal(TEXT_CUT("日", 2), "");
    assert_string_equal(text_cut(out, 1, "ab"), "");
    /* Bytes that are no half of a character stay, for text_escape to show. */
    assert_string_equal(TEXT_CUT("ab\x80\x80zz", 4), "ab\x80\x80");
    assert_string_equal(TEXT_CUT("ab\xff", 4), "ab\xff");
    /* What was not cut is not touched. */
    assert_string_equal(TEXT_CUT("ab\xc3", 4), "ab\xc3");
    /* Every length of a text of characters of one to four bytes is text. */
    static const char mixed[] = "aé日\U0001F600zß本";
    for (size_t size = 1; size <= sizeof mixed; size++) {
        char escaped[128];
        text_cut(out, size, mixed);
        assert_memory_equal(out, mixed, strlen(out));
        assert_true(strlen(out) + 4 > size - 1);
        assert_string_equal(text_escape(escaped, sizeof escaped, out), out);
    }
}

/* A message longer than there is room for ends with a whole character, not with one
 * half of it written as \xC3. */
static void long_errors_end_with_a_character(void **state) {
    (void)state;
    char name[4000];
    struct error error;
    for (size_t before = 0; before < 2; before++) {
        memset(name, 'x', before);
        for (size_t i = before; i + 2 < sizeof name; i += 2)
            memcpy(name + i, "é", 3);
        error_set(&error, "%s", name);
        assert_null(strchr(error.text, '\\'));
        error_set(&error, "missing");
        error_prefix(&error, "%s", name);
        assert_null(strchr(error.text, '\\'));
        char escaped[4096];
        assert_string_equal(text_escape(escaped, sizeof escaped, error.text),
                            error.text);
    }
}

static void nearest_name(void **state) {
    (void)state;
    const char *names[] = {"pretrained", "expert", "train", "test"};
    assert_string_equal(text_nearest("expret", names, 4), "expert");
    assert_string_equal(text_nearest("tran", names, 4), "train");
    assert_string_equal(text_nearest("pretraned", names, 4), "pretrained");
    assert_null(text_nearest("zzzzzz", names, 4));
    assert_null(text_nearest("anything", names, 0));
}

static void errors_are_one_safe_line(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(error_set(&error, "%s: broken", "a\nb"), -1);
    assert_string_equal(error.text, "a\\x0Ab: broken");
    assert_int_equal(error_prefix(&error, "file %d\t", 3), -1);
    assert_string_equal(error.text, "file 3\\x09: a\\x0Ab: broken");
    assert_int_equal(error_set(NULL, "nobody listens"), -1);
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error_set(&error, "%s", longer);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_prefix(&error, "%s", longer);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void sha256_of_known_text(void **state) {
    (void)state;
    static const char empty[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char abc[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char hex[SHA256_HEX];
    struct sha256 *hash = sha256_new();
    assert_non_null(hash);
    sha256_finish(hash, hex);
    assert_string_equal(hex, empty);
    hash = sha256_new();
    sha256_add(hash, "a", 1);
    sha256_add(hash, "bc", 2);
    sha256_finish(hash, hex);
    assert_string_equal(hex, abc);

    const char *folder = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/pwemoe-base-XXXXXX", folder ? folder : "/tmp");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "abc", 3), 3);
    close(file);
    unsigned long long size = 0;
    struct error error;
    assert_int_equal(sha256_file(path, hex, &size, NULL, &error), 0);
    assert_string_equal(hex, abc);
    assert_int_equal(size, 3);
    unlink(path);
    assert_int_equal(sha256_file(path, hex, &size, NULL, &error), -1);
    assert_non_null(strstr(error.text, path));
}

/* The authors' generator from state 1, 2, 3, 4; values as other implementations
 * publish them. */
static void xoshiro_known_values(void **state) {
    (void)state;
    static const uint64_t expected[] = {11520u,
                                        0u,
                                        1509978240u,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u};
    struct random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(random_next(&random) == expected[i]);
}

/* splitmix64 from state 1234567, as published; in any order. */
static void splitmix_known_values(void **state) {
    (void)state;
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                        9817491932198370423u, 4593380528125082431u,
                                        16408922859458223821u};
    for (size_t i = 5; i-- > 0;)
        assert_true(random_at(1234567, i) == expected[i]);
}

static void streams_differ_and_repeat(void **state) {
    (void)state;
    struct random a, b, c, d;
    random_seed(&a, 5, 0);
    random_seed(&b, 5, 0);
    random_seed(&c, 5, 1);
    random_seed(&d, 6, 0);
    uint64_t x = random_next(&a);
    assert_true(x == random_next(&b));
    assert_true(x != random_next(&c));
    assert_true(x != random_next(&d));
}

/* Means and variances within 6 standard errors of n = 20,000 draws: for a fixed
 * seed this holds or not once and for all. */
static void moments(void **state) {
    (void)state;
    enum { N = 20000 };
    struct random random;
    random_seed(&random, 11, 3);
    double uniform = 0, normal = 0, square = 0, fourth = 0, gamma = 0, small = 0;
    uint64_t counts[3] = {0, 0, 0};
    for (int i = 0; i < N; i++) {
        double u = random_uniform(&random);
        assert_true(u >= 0 && u < 1);
        uniform += u;
        double x = random_normal(&random);
        normal += x;
        square += x * x;
        fourth += x * x * x * x;
        gamma += random_gamma(&random, 2.5);
        small += random_gamma(&random, 0.3);
        uint64_t k = random_below(&random, 3);
        assert_true(k < 3);
        counts[k]++;
    }
    double n = N;
    assert_true(fabs(uniform / n - 0.5) < 6 * sqrt(1 / 12.0 / n));
    assert_true(fabs(normal / n) < 6 * sqrt(1 / n));
    assert_true(fabs(square / n - 1) < 6 * sqrt(2 / n));
    assert_true(fabs(fourth / n - 3) < 6 * sqrt(96 / n));
    assert_true(fabs(gamma / n - 2.5) < 6 * sqrt(2.5 / n));
    assert_true(fabs(small / n - 0.3) < 6 * sqrt(0.3 / n));
    for (int k = 0; k < 3; k++)
        assert_true(fabs((double)counts[k] / n - 1 / 3.0) < 6 * sqrt(2 / 9.0 / n));
}

static void dirichlet_is_on_the_simplex(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 1, 0);
    double mean[4] = {0, 0, 0, 0}, square = 0;
    enum { N = 5000 };
    for (int i = 0; i < N; i++) {
        double r[4], sum = 0;
        random_dirichlet(&random, 1, 4, r);
        for (int k = 0; k < 4; k++) {
            assert_true(r[k] >= 0);
            sum += r[k];
            mean[k] += r[k] / N;
        }
        square += r[0] * r[0] / N;
        assert_true(fabs(sum - 1) < 1e-12);
    }
    /* Dirichlet(1, 1, 1, 1): mean 1/4, variance 3/80. */
    for (int k = 0; k < 4; k++)
        assert_true(fabs(mean[k] - 0.25) < 6 * sqrt(3.0 / 80 / N));
    assert_true(fabs(square - 1.0 / 16 - 3.0 / 80) < 0.01);
    double r[3];
    random_dirichlet(&random, 1e-8, 3, r); /* every draw underflows: a vertex */
    assert_true(fabs(r[0] + r[1] + r[2] - 1) < 1e-12);
}

static void permutations_hold_every_index(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 2, 0);
    size_t first[5] = {0, 0, 0, 0, 0};
    for (int i = 0; i < 5000; i++) {
        uint32_t order[5];
        unsigned seen = 0;
        random_permutation(&random, 5, order);
        for (int k = 0; k < 5; k++)
            seen |= 1u << order[k];
        assert_int_equal(seen, 31);
        first[order[0]]++;
    }
    /* 1,000 each; the standard deviation is 28. */
    for (int k = 0; k < 5; k++)
        assert_true(first[k] > 830 && first[k] < 1170);
}

static void usage_counts_bytes(void **state) {
    (void)state;
    enum { BYTES = 64 << 20 };
    double before = usage_clock();
    volatile unsigned char *memory = malloc(BYTES);
    assert_non_null((void *)(uintptr_t)memory);
    for (size_t i = 0; i < BYTES; i += 1024)
        memory[i] = 1;
    uint64_t peak = usage_peak();
    assert_true(peak >= BYTES && peak < (uint64_t)1 << 46);
    free((void *)(uintptr_t)memory);
    usage_restart(); /* not every kernel heeds it */
    /* AddressSanitizer notes what is free in an eighth of its size. */
    assert_true(usage_peak() > 0 && usage_peak() <= peak + BYTES / 4);
    assert_true(usage_clock() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_do_not_wrap),
        cmocka_unit_test(arrays_grow_and_keep),
        cmocka_unit_test(numbers_are_shortened),
        cmocka_unit_test(floats_are_shortened),
        cmocka_unit_test(control_bytes_are_escaped),
        cmocka_unit_test(texts_are_cut_at_characters),
        cmocka_unit_test(long_errors_end_with_a_character),
        cmocka_unit_test(nearest_name),
        cmocka_unit_test(errors_are_one_safe_line),
        cmocka_unit_test(sha256_of_known_text),
        cmocka_unit_test(xoshiro_known_values),
        cmocka_unit_test(splitmix_known_values),
        cmocka_unit_test(streams_differ_and_repeat),
        cmocka_unit_test(moments),
        cmocka_unit_test(dirichlet_is_on_the_simplex),
        cmocka_unit_test(permutations_hold_every_index),
        cmocka_unit_test(usage_counts_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
