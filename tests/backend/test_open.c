/* Devices by name, and the module loader against modules that are wrong. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"

static void use_modules(const char *variant) {
    char path[256];
    snprintf(path, sizeof path, "tests/backend/modules/%s", variant);
    setenv("PWEMOE_MODULE_DIR", path, 1);
}

static void assert_says(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    assert_null(strchr(text, '\n'));
}

/* cuda fails and says why; auto goes on with the CPU, and says why where there is
 * something that cannot be used. */
static void refused(const char *variant, const char *why, bool worth_a_note) {
    use_modules(variant);
    struct backend *b = NULL;
    struct error error = {.text = ""};
    char note[256];
    assert_int_equal(backend_open("cuda", PRECISION_F32, 1, &b, note, &error), -1);
    assert_says(error.text, why);
    assert_int_equal(backend_open("auto", PRECISION_F32, 1, &b, note, &error), 0);
    if (worth_a_note) {
        assert_says(note, why);
        assert_says(note, "the CPU is used");
    } else {
        assert_string_equal(note, "");
    }
    assert_says(b->name, "cpu (1 thread, ");
    backend_close(b);
}

static void test_missing(void **state) {
    (void)state;
    refused("none", "not ", false);
}

static void test_other_version(void **state) {
    (void)state;
    char has[32], needs[32];
    snprintf(has, sizeof has, "version %d,", BACKEND_API_VERSION + 98);
    snprintf(needs, sizeof needs, "needs %d;", BACKEND_API_VERSION);
    refused("version", has, true);
    refused("version", needs, true);
}

static void test_no_symbol(void **state) {
    (void)state;
    refused("symbol", "pwemoe_backend_module", true);
}

static void test_no_library(void **state) {
    (void)state;
    char folder[] = "/tmp/pwemoe-open-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pwemoe-cuda.so", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("not a library\n", file);
    fclose(file);
    setenv("PWEMOE_MODULE_DIR", folder, 1);
    struct backend *b;
    struct error error;
    assert_int_equal(backend_open("cuda:0", PRECISION_F32, 1, &b, NULL, &error), -1);
    assert_says(error.text, "cannot be loaded");
    unlink(path);
    rmdir(folder);
}

/* Without a driver nobody misses cuBLAS: no note at each start. */
static void test_no_cublas(void **state) {
    (void)state;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY);
    if (driver)
        dlclose(driver);
    refused("cublas", driver ? "cuBLAS is not found" : "no NVIDIA driver",
            driver != NULL);
}

static void test_no_device(void **state) {
    (void)state;
    refused("driver", "driver is too old", true);
    refused("empty", "NVIDIA", false);
}

static void test_devices(void **state) {
    (void)state;
    use_modules("devices");
    struct backend *b;
    struct error error;
    assert_int_equal(backend_open("cuda:1", PRECISION_F32, 1, &b, NULL, &error), -1);
    assert_string_equal(error.text, "cuda:1: out of memory; or use --device cpu");
    assert_int_equal(backend_open("cuda:2", PRECISION_F32, 1, &b, NULL, &error), -1);
    assert_says(error.text, "cuda:2: there are 2 CUDA devices");
}

static void test_names(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",        "gpu",     "CPU",   "cuda:", "cuda:-1",
        "cuda:1x", "cuda: 1", "cudaa", "cpu ",  "cuda:99999999999999999999"};
    struct backend *b;
    struct error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(backend_open(wrong[i], PRECISION_F32, 0, &b, NULL, &error),
                         -1);
        assert_says(error.text, "is not known");
    }
    assert_int_equal(backend_open("cpu", PRECISION_AUTO, 0, &b, NULL, &error), 0);
    assert_int_equal(b->precision, PRECISION_F32);
    backend_close(b);
    assert_int_equal(backend_open("cpu", PRECISION_BF16, 0, &b, NULL, &error), -1);
    assert_says(error.text, "f32 only");
    assert_int_equal(backend_open("cpu", PRECISION_FP8, 0, &b, NULL, &error), -1);
    assert_says(error.text, "f32 only");
    use_modules("none");
    assert_int_equal(backend_open("auto", PRECISION_FP8, 0, &b, NULL, &error), -1);
    assert_says(error.text, "f32 only");
    assert_int_equal(backend_open("auto", PRECISION_BF16, 0, &b, NULL, &error), -1);
    assert_says(error.text, "f32 only");
}

struct rows {
    size_t count;
    char text[512];
};

static void collect(void *self, const char *name, const char *state) {
    struct rows *rows = self;
    size_t used = strlen(rows->text);
    rows->count++;
    snprintf(rows->text + used, sizeof rows->text - used, "%s=%s;", name, state);
}

static void test_list(void **state) {
    (void)state;
    struct rows rows = {0, ""};
    struct error error;
    use_modules("none");
    assert_int_equal(backend_list(collect, &rows, &error), 0);
    assert_int_equal(rows.count, 2);
    assert_says(rows.text, "cpu=usable: cpu (");
    assert_says(rows.text, "cuda=not ");
    rows = (struct rows){0, ""};
    use_modules("devices");
    assert_int_equal(backend_list(collect, &rows, &error), 0);
    assert_int_equal(rows.count, 3);
    assert_says(rows.text, "cuda:0=usable: Fake GPU 0;");
    assert_says(rows.text, "cuda:1=usable: Fake GPU 1;");
}

/* An operation that cannot have its scratch memory fails once and stays so. */
static void test_failure_is_kept(void **state) {
    (void)state;
    struct backend *b;
    struct error error;
    assert_int_equal(backend_open("cpu", PRECISION_F32, 2, &b, NULL, &error), 0);
    void *memory;
    float value = 1;
    assert_int_equal(b->allocate(b, 256, &memory, &error), 0);
    struct attention_shape shape = {1, (size_t)1 << 50, 1, 64, false};
    b->attention(b, memory, memory, memory, &shape);
    assert_int_equal(b->synchronise(b, &error), -1);
    assert_says(error.text, "too large");
    b->upload(b, memory, &value, sizeof value);
    assert_int_equal(b->download(b, &value, memory, sizeof value, &error), -1);
    assert_says(error.text, "too large");
    b->release(b, memory);
    backend_close(b);
    backend_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),   cmocka_unit_test(test_other_version),
        cmocka_unit_test(test_no_symbol), cmocka_unit_test(test_no_library),
        cmocka_unit_test(test_no_cublas), cmocka_unit_test(test_no_device),
        cmocka_unit_test(test_devices),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_list),      cmocka_unit_test(test_failure_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
