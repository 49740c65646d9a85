/* The CUDA backend's source on the host: the conformance suite in f32 with the threads
 * of each block run from the first to the last, in bf16 from the last to the first (a
 * missing barrier shows in one of them), and what the backend says when a device is
 * missing or lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "backend/conformance.h"
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

static void conforms(enum precision precision, bool reversed) {
    struct backend *b = open_device(precision);
    emulation_reverse(reversed);
    size_t checks;
    size_t failures = conformance_run(b, NULL, stderr, &checks);
    b->destroy(b);
    assert_true(checks > 100000);
    assert_int_equal(failures, 0);
}

static void test_f32(void **state) {
    (void)state;
    conforms(PRECISION_F32, false);
}

static void test_bf16_reversed(void **state) {
    (void)state;
    conforms(PRECISION_BF16, true);
}

static void test_faults_are_found(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_BF16);
    for (size_t i = 0; i < conformance_fault_count; i++)
        if (!conformance_fault_found(b, &conformance_faults[i]))
            fail_msg("in bf16 the suite does not notice a fault in %s",
                     conformance_faults[i].name);
    b->destroy(b);
}

static void assert_says(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    assert_null(strchr(text, '\n'));
}

static void test_absence(void **state) {
    (void)state;
    const struct backend_module *module = pwemoe_backend_module();
    struct backend *b;
    struct error error;
    unsigned devices;
    char line[96];
    emulation_reset();
    assert_int_equal(module->api_version, BACKEND_API_VERSION);
    assert_int_equal(module->count(&devices, &error), 0);
    assert_int_equal(devices, 1);
    assert_int_equal(module->describe(0, line, &error), 0);
    assert_says(line, "Emulated GPU 0");
    assert_int_equal(module->describe(1, line, &error), -1);
    assert_int_equal(module->open(1, PRECISION_F32, &b, &error), -1);
    emulation_devices(0, 99000, 9);
    assert_int_equal(module->count(&devices, &error), 0);
    assert_int_equal(devices, 0);
    emulation_devices(1, 0, 9);
    assert_int_equal(module->count(&devices, &error), 0);
    assert_int_equal(devices, 0);
    emulation_devices(1, 11040, 9);
    assert_int_equal(module->count(&devices, &error), -1);
    assert_says(error.text, "driver is for CUDA 11.4 at most, this module for 12.0");
    emulation_devices(1, 99000, 7);
    assert_int_equal(module->open(0, PRECISION_BF16, &b, &error), -1);
    assert_says(error.text, "compute capability 7.0, 8.0 is needed");
}

static void test_out_of_memory(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    void *memory, *none;
    assert_int_equal(b->allocate(b, 1000, &memory, &error), 0);
    emulation_memory(0);
    assert_int_equal(b->allocate(b, 1000, &none, &error), -1);
    assert_says(error.text, "out of memory for 0 MiB");
    /* An allocation that fails harms nothing; scratch that fails ends it. */
    assert_int_equal(b->synchronise(b, &error), 0);
    b->column_sums(b, memory, memory, 1, 250, 250, false);
    assert_int_equal(b->synchronise(b, &error), -1);
    assert_says(error.text, "out of memory");
    emulation_memory((size_t)1 << 40);
    b->column_sums(b, memory, memory, 1, 250, 250, false);
    assert_int_equal(b->synchronise(b, &error), -1);
    assert_int_equal(b->allocate(b, 1000, &none, &error), -1);
    b->destroy(b);
    emulation_memory(0);
    assert_int_equal(pwemoe_backend_module()->open(0, PRECISION_F32, &b, &error), -1);
    assert_says(error.text, "out of memory");
}

/* A device lost at any launch: one error, at the next download, and destroy works. */
static void test_lost_device(void **state) {
    (void)state;
    for (unsigned long launches = 0; launches < 4; launches++) {
        struct backend *b = open_device(PRECISION_BF16);
        struct error error;
        void *memory;
        float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        assert_int_equal(b->allocate(b, 1024, &memory, &error), 0);
        emulation_lose_after(launches);
        b->upload_real(b, memory, values, 8);
        b->activation(b, backend_at(b, memory, 64), memory, 8, ACTIVATION_GELU);
        b->add(b, memory, backend_at(b, memory, 64), 8);
        b->zero(b, memory, 16);
        assert_int_equal(b->download_real(b, values, memory, 8, &error), -1);
        assert_says(error.text, "cuda:0: ");
        assert_says(error.text, "launch failure");
        assert_int_equal(b->synchronise(b, &error), -1);
        b->destroy(b);
        emulation_reset();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absence),       cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_lost_device),   cmocka_unit_test(test_f32),
        cmocka_unit_test(test_bf16_reversed), cmocka_unit_test(test_faults_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
