/* The CUDA backend's source on the host: the conformance suite with the threads of each
 * block run from the first to the last, from the last to the first and in random orders
 * (a missing barrier shows in one of them), and what the backend says when a device is
 * missing or lost. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
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

static void assert_says(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    assert_null(strchr(text, '\n'));
}

static void conforms(enum precision precision, unsigned order) {
    struct backend *b = open_device(precision);
    emulation_order(order);
    size_t checks;
    size_t failures = conformance_run(b, NULL, stderr, &checks);
    b->destroy(b);
    assert_true(checks > 100000);
    assert_int_equal(failures, 0);
}

static void test_f32(void **state) {
    (void)state;
    conforms(PRECISION_F32, 0);
}

static void test_bf16_reversed(void **state) {
    (void)state;
    conforms(PRECISION_BF16, 1);
}

/* What is not in fp8 is done as in bf16, so that a few cases are enough; each product
 * in fp8 asks for room, whether its algorithms are tried or not. */
static void test_fp8(void **state) {
    (void)state;
    static const char *const cases[] = {"fp8 shapes", "fp8 outliers", "matmul outputs",
                                        "recording"};
    for (unsigned order = 0; order < 3; order++) {
        setenv("PWEMOE_CUDA_TUNE", order == 1 ? "algorithms=8" : "", 1);
        struct backend *b = open_device(PRECISION_FP8);
        unsetenv("PWEMOE_CUDA_TUNE");
        assert_int_equal(b->precision, PRECISION_BF16);
        emulation_order(order);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char line[256];
            assert_int_equal(conformance_run(b, cases[i], stderr, NULL), 0);
            backend_remark(b, line);
            if (i == 0) /* later cases have products that a plain loop does */
                assert_says(line, "were done in bf16");
        }
        for (size_t i = 0; order == 1 && i < conformance_fault_count; i++)
            if (strncmp(conformance_faults[i].victim, "fp8", 3) == 0 &&
                !conformance_fault_found(b, &conformance_faults[i]))
                fail_msg("%s is not found", conformance_faults[i].name);
        b->destroy(b);
    }
    /* A card of before has none. */
    struct backend *b;
    struct error error;
    emulation_devices(1, 99000, 8);
    assert_int_equal(pwemoe_backend_module()->open(0, PRECISION_FP8, &b, &error), -1);
    assert_says(error.text, "--precision fp8 needs 8.9; leave it out");
    assert_int_equal(pwemoe_backend_module()->open(0, PRECISION_BF16, &b, &error), 0);
    b->destroy(b);
    emulation_reset();
}

/* Without cuSOLVER systems are refused, once and again, and all else goes on. */
static void test_no_solver(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    void *x;
    char line[256];
    emulation_no_solver(true);
    assert_int_equal(b->allocate(b, 4096, &x, &error), 0);
    const struct solve one = {.n = 4,
                              .rows = 4,
                              .count = 1,
                              .systems = x,
                              .right = (float *)x + 64,
                              .failed = (int32_t *)x + 256};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(b->solve(b, &one, &error), -1);
        assert_says(error.text, "cuSOLVER is not found");
        assert_int_equal(b->synchronise(b, &error), 0);
    }
    backend_remark(b, line);
    assert_says(line, "closed forms are solved on the host");
    b->destroy(b);
    emulation_reset();
}

/* As late as a device may be: what is read or given away too early shows. */
static void test_late(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    emulation_late(true);
    assert_int_equal(conformance_run(b, NULL, stderr, NULL), 0);
    b->destroy(b);
    for (int i = 0; i < 2; i++) { /* transfers at once, before what they must not */
        b = open_device(i ? PRECISION_BF16 : PRECISION_F32);
        emulation_late(true);
        emulation_prompt(true);
        assert_int_equal(conformance_run(b, "busy", stderr, NULL), 0);
        assert_int_equal(conformance_run(b, "transfers", stderr, NULL), 0);
        b->destroy(b);
    }
}

/* What a card would not launch is refused here, too; and what the backend cannot fit
 * into a smaller card's shared memory it says before it tries. */
static void test_limits(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    void *x;
    assert_true(emulation_launches(256, 65535, 48 * 1024, 0));
    assert_false(emulation_launches(256, 1, 48 * 1024 + 1, 0));
    assert_true(emulation_launches(256, 1, 227 * 1024, 227 * 1024));
    assert_false(emulation_launches(256, 1, 60 * 1024, 50 * 1024));
    assert_false(emulation_launches(256, 1, 60 * 1024, 228 * 1024));
    assert_false(emulation_launches(257, 1, 0, 0));
    assert_false(emulation_launches(256, 65536, 0, 0));
    assert_int_equal(b->allocate(b, 1 << 16, &x, &error), 0);
    float *log_sums = x;
    const struct attention_shape wide = {1, 2, 1, 256, false};
    b->attention_backward(b, x, x, x, log_sums, x, &wide);
    assert_int_equal(b->synchronise(b, &error), 0);
    b->destroy(b);
    b = open_device(PRECISION_F32);
    emulation_shared_limit(99 * 1024);
    b->destroy(b);
    assert_int_equal(pwemoe_backend_module()->open(0, PRECISION_F32, &b, &error), 0);
    assert_int_equal(b->allocate(b, 1 << 16, &x, &error), 0);
    const struct attention_shape narrow = {1, 2, 1, 240, false};
    b->attention_backward(b, x, x, x, x, x, &narrow);
    assert_int_equal(b->synchronise(b, &error), 0);
    b->attention_backward(b, x, x, x, x, x, &wide);
    assert_int_equal(b->synchronise(b, &error), -1);
    assert_says(error.text, "too large for the device");
    b->destroy(b);
}

/* The cases whose kernels have threads that wait for one another. */
static void test_random_orders(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned orders;
    } cases[] = {{"attention", 2},
                 {"attention backward", 2},
                 {"route", 8},
                 {"merge", 8},
                 {"route gradient", 8},
                 {"gram", 8},
                 {"column sums", 8},
                 {"layer norm", 2},
                 {"layer norm gradient", 4},
                 {"squared products", 2},
                 {"embedding gradient", 4}};
    for (unsigned i = 0; i < 8; i++) {
        struct backend *b = open_device(i % 2 ? PRECISION_BF16 : PRECISION_F32);
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++) {
            emulation_order(2 + i);
            if (i < cases[j].orders)
                assert_int_equal(conformance_run(b, cases[j].name, stderr, NULL), 0);
        }
        b->destroy(b);
    }
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
    assert_says(error.text, "out of memory for 1 MiB");
    /* An allocation that fails harms nothing; scratch that fails ends it. */
    assert_int_equal(b->synchronise(b, &error), 0);
    b->column_sums(b, memory, 0, memory, 1, 1, 250, 250, false);
    assert_int_equal(b->synchronise(b, &error), -1);
    assert_says(error.text, "out of memory");
    emulation_memory((size_t)1 << 40);
    b->column_sums(b, memory, 0, memory, 1, 1, 250, 250, false);
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

/* --- recordings ------------------------------------------------------------------ */

static void assert_failed(struct backend *b, const char *part) {
    struct error error;
    assert_int_equal(b->synchronise(b, &error), -1);
    assert_says(error.text, "cuda:0: ");
    assert_says(error.text, part);
    b->destroy(b);
    emulation_reset();
}

/* A recording that cannot be had is no failure, and what it would have kept was not
 * run. */
static void test_no_memory_for_recordings(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    struct recording *recording = NULL;
    void *memory;
    float value = 1;
    assert_int_equal(b->allocate(b, sizeof value, &memory, &error), 0);
    emulation_no_graphs(true);
    assert_int_equal(b->record_begin(b, &error), 0);
    b->add_scaled(b, memory, memory, 1, 1);
    assert_int_equal(b->record_end(b, &recording, &error), -1);
    assert_says(error.text, "out of memory for a recording");
    assert_null(recording);
    assert_int_equal(b->download(b, &value, memory, sizeof value, &error), 0);
    assert_true(value == 0);
    emulation_no_graphs(false);
    assert_int_equal(b->record_begin(b, &error), 0);
    b->add_scaled(b, memory, memory, 1, 1);
    assert_int_equal(b->record_end(b, &recording, &error), 0);
    b->recording_free(b, recording);
    b->destroy(b);
}

/* A device that refuses to record an operation has not failed: the operations run
 * unrecorded, and the reason is told. */
static void test_refused_recordings(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    struct recording *recording = NULL;
    void *memory;
    float value = 1;
    assert_int_equal(b->allocate(b, sizeof value, &memory, &error), 0);
    b->upload(b, memory, &value, sizeof value);
    assert_string_equal(b->remark, "");
    emulation_spoil_captures(1);
    assert_int_equal(b->record_begin(b, &error), 0);
    b->add_scaled(b, memory, memory, 1, 1);
    b->add_scaled(b, memory, memory, 1, 1);
    assert_int_equal(b->record_end(b, &recording, &error), -1);
    assert_null(recording);
    assert_says(error.text, "nothing is recorded: cuda:0: add_scaled_kernel: operation "
                            "not permitted when stream is capturing");
    assert_string_equal(b->remark, error.text);
    b->add_scaled(b, memory, memory, 1, 1);
    assert_int_equal(b->download(b, &value, memory, sizeof value, &error), 0);
    assert_true(value == 2);
    assert_int_equal(b->record_begin(b, &error), 0);
    b->add_scaled(b, memory, memory, 1, 1);
    assert_int_equal(b->record_end(b, &recording, &error), 0);
    b->replay(b, recording);
    assert_int_equal(b->download(b, &value, memory, sizeof value, &error), 0);
    assert_true(value == 4);
    b->recording_free(b, recording);
    /* A device that is lost meanwhile has failed. */
    emulation_spoil_captures(1);
    assert_int_equal(b->record_begin(b, &error), 0);
    b->add_scaled(b, memory, memory, 1, 1);
    emulation_lose_after(0);
    assert_int_equal(b->record_end(b, &recording, &error), -1);
    b->zero(b, memory, 4);
    assert_int_equal(b->synchronise(b, &error), -1);
    b->destroy(b);
    emulation_reset();
}

static void test_tuning(void **state) {
    (void)state;
    struct backend *b;
    struct error error;
    setenv("PWEMOE_CUDA_TUNE", "recording=off", 1);
    b = open_device(PRECISION_F32);
    assert_null(b->record_begin);
    assert_null(b->replay);
    b->destroy(b);
    setenv("PWEMOE_CUDA_TUNE", "recording=on,", 1);
    b = open_device(PRECISION_F32);
    assert_non_null(b->record_begin);
    b->destroy(b);
    static const char *const wrong[] = {
        "recordings=off", "algorithms=0", "algorithms=9",
        "algorithm=",     "algorithm=2x", "products=other"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("PWEMOE_CUDA_TUNE", wrong[i], 1);
        assert_int_equal(pwemoe_backend_module()->open(0, PRECISION_F32, &b, &error),
                         -1);
        assert_says(error.text, wrong[i]);
        assert_says(error.text, "is not known");
    }
    /* Whatever is chosen among, the values are right; what is timed is not counted
     * twice. */
    static const char *const right[] = {"algorithms=3", "algorithm=2,recording=on",
                                        "products=plain"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        setenv("PWEMOE_CUDA_TUNE", right[i], 1);
        b = open_device(i % 2 ? PRECISION_BF16 : PRECISION_F32);
        static const char *const cases[] = {"matmul shapes", "matmul epilogues",
                                            "matmul outputs", "recording"};
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++) {
            size_t checks;
            assert_int_equal(conformance_run(b, cases[j], stderr, &checks), 0);
            assert_true(checks > 0);
        }
        assert_int_equal(b->plain_products == 0, i % 2 == 0);
        b->destroy(b);
    }
    unsetenv("PWEMOE_CUDA_TUNE");
}

static void test_marks(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    void *x;
    assert_int_equal(b->allocate(b, 4096, &x, &error), 0);
    b->mark(b, 0);
    for (int i = 0; i < 5; i++)
        b->add_scaled(b, x, x, 1, 8);
    b->mark(b, BACKEND_MARKS - 1);
    assert_int_equal(b->synchronise(b, &error), 0);
    assert_true(b->between(b, 0, BACKEND_MARKS - 1) > 4e-6);
    assert_true(b->between(b, 0, BACKEND_MARKS - 1) < 6e-6);
    assert_true(isnan(b->between(b, 0, 7)));
    assert_true(isnan(b->between(b, BACKEND_MARKS, 0)));
    /* Of a recording: of its last replay, and of what is beside. */
    struct recording *recording;
    assert_int_equal(b->record_begin(b, &error), 0);
    b->mark(b, 0);
    b->add_scaled(b, x, x, 1, 8);
    b->aside(b);
    b->add_scaled(b, x, x, 1, 8);
    b->mark(b, BACKEND_MARKS - 1);
    b->join(b, b->back(b));
    assert_int_equal(b->record_end(b, &recording, &error), 0);
    for (int i = 0; i < 2; i++) {
        b->replay(b, recording);
        assert_int_equal(b->synchronise(b, &error), 0);
        assert_true(b->between(b, 0, BACKEND_MARKS - 1) > 1e-6);
        assert_true(b->between(b, 0, BACKEND_MARKS - 1) < 6e-6);
        b->mark(b, 1);
        assert_int_equal(b->synchronise(b, &error), 0);
        assert_true(b->between(b, BACKEND_MARKS - 1, 1) < 3e-6);
    }
    b->recording_free(b, recording);
    b->destroy(b);
}

/* What cannot be recorded ends the recording with one line that says what it was. */
static void test_what_cannot_be_recorded(void **state) {
    (void)state;
    static const char *const what[] = {"an upload",
                                       "a download",
                                       "an allocation",
                                       "a release",
                                       "waiting for the device",
                                       "working space that has to grow",
                                       "a recording",
                                       "waiting for a transfer"};
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        struct backend *b = open_device(PRECISION_F32);
        struct error error;
        struct recording *recording = NULL;
        void *memory, *more;
        float value = 1, *pinned;
        assert_int_equal(b->allocate(b, 4096, &memory, &error), 0);
        assert_int_equal(b->pin(b, 256, (void **)&pinned, &error), 0);
        backend_ticket ticket = b->download_late(b, pinned, memory, 4);
        assert_int_equal(b->record_begin(b, &error), 0);
        switch (i) {
        case 0:
            b->upload(b, memory, &value, sizeof value);
            break;
        case 1:
            assert_int_equal(b->download(b, &value, memory, 4, &error), -1);
            break;
        case 2:
            assert_int_equal(b->allocate(b, 16, &more, &error), -1);
            break;
        case 3:
            b->release(b, memory);
            break;
        case 4:
            assert_int_equal(b->synchronise(b, &error), -1);
            break;
        case 5:
            b->column_sums(b, memory, 0, memory, 1, 1, 250, 250, false);
            break;
        case 6:
            assert_int_equal(b->record_begin(b, &error), -1);
            break;
        default:
            assert_int_equal(b->wait(b, ticket, &error), -1);
        }
        b->zero(b, memory, 16);
        assert_int_equal(b->record_end(b, &recording, &error), -1);
        assert_null(recording);
        assert_says(error.text, what[i]);
        assert_says(error.text, "cannot be recorded");
        b->unpin(b, pinned);
        assert_failed(b, what[i]);
    }
}

/* Lost while a recording is replayed, at any of its operations; and destroyed in the
 * midst of one that was never ended. */
static void test_lost_in_replay(void **state) {
    (void)state;
    for (unsigned long operations = 0; operations < 4; operations++) {
        struct backend *b = open_device(PRECISION_F32);
        struct error error;
        struct recording *recording = NULL;
        void *memory;
        assert_int_equal(b->allocate(b, 1024, &memory, &error), 0);
        assert_int_equal(b->record_begin(b, &error), 0);
        for (int i = 0; i < 4; i++)
            b->add_scaled(b, memory, memory, 1, 8);
        assert_int_equal(b->record_end(b, &recording, &error), 0);
        emulation_lose_after(operations);
        b->replay(b, recording);
        assert_int_equal(b->synchronise(b, &error), -1);
        b->replay(b, recording);
        b->recording_free(b, recording);
        assert_true(backend_lost(b));
        assert_failed(b, "launch failure");
    }
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    assert_int_equal(b->record_begin(b, &error), 0);
    b->destroy(b);
}

/* --- transfers beside what runs --------------------------------------------------- */

/* The emulation does them as late as CUDA may: what does not wait sees the bytes of
 * before. Were it otherwise, the suite's cases would say nothing. */
static void test_late_is_late(void **state) {
    (void)state;
    struct backend *b = open_device(PRECISION_F32);
    struct error error;
    float *pinned, value;
    void *memory;
    assert_int_equal(b->pin(b, 8, (void **)&pinned, &error), 0);
    assert_int_equal(b->allocate(b, 4, &memory, &error), 0);
    pinned[0] = 3;
    backend_ticket up = b->upload_early(b, memory, pinned, 4);
    assert_int_equal(b->download(b, &value, memory, 4, &error), 0);
    assert_true(value == 0);
    b->follow(b, up);
    assert_int_equal(b->download(b, &value, memory, 4, &error), 0);
    assert_true(value == 3);
    backend_ticket down = b->download_late(b, pinned + 1, memory, 4);
    assert_true(pinned[1] == 0);
    bool done = true;
    assert_int_equal(b->done(b, down, &done, &error), 0);
    assert_false(done);
    assert_int_equal(b->wait(b, down, &error), 0);
    assert_true(pinned[1] == 3);
    emulation_lose_after(0);
    down = b->download_late(b, pinned, memory, 4);
    assert_int_equal(b->wait(b, down, &error), -1);
    assert_says(error.text, "launch failure");
    b->unpin(b, pinned);
    b->destroy(b);
    emulation_reset();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absence),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_lost_device),
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refused_recordings),
        cmocka_unit_test(test_tuning),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_no_memory_for_recordings),
        cmocka_unit_test(test_what_cannot_be_recorded),
        cmocka_unit_test(test_lost_in_replay),
        cmocka_unit_test(test_late_is_late),
        cmocka_unit_test(test_bf16_reversed),
        cmocka_unit_test(test_fp8),
        cmocka_unit_test(test_no_solver),
        cmocka_unit_test(test_random_orders),
        cmocka_unit_test(test_faults_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
