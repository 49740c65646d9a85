/* What trials of cuBLAS's algorithms found is kept for later runs in the user's cache,
 * on the emulated device: written once, read whole or not at all, for the same card,
 * driver and number of algorithms alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "command/run.h"
#include "gpu/module.h"

enum { DRIVER = 12000 }; /* the emulation's */

static struct emulation emulation;

/* Two shapes of products on a new backend; how often cuBLAS had to be asked. */
static unsigned long ask(const char *tune, int driver) {
    struct backend *b;
    struct error error;
    char note[256];
    void *x;
    emulation.reset();
    emulation.devices(1, driver, 9);
    setenv("PWEMOE_CUDA_TUNE", tune, 1);
    if (backend_open("cuda", PRECISION_BF16, 1, &b, note, &error) ||
        b->allocate(b, 1 << 16, &x, &error))
        fail_msg("%s", error.text);
    for (size_t m = 8; m <= 16; m += 8)
        for (int again = 0; again < 2; again++)
            b->matmul(b, &(struct matmul){.m = m,
                                          .n = 32,
                                          .k = 64,
                                          .a = x,
                                          .lda = 64,
                                          .b = x,
                                          .ldb = 32,
                                          .c = backend_at(b, x, 16384),
                                          .ldc = 32});
    assert_int_equal(b->synchronise(b, &error), 0);
    assert_int_equal(b->plain_products, 0);
    b->release(b, x);
    backend_close(b);
    return emulation.heuristics();
}

static size_t files(void) {
    struct ran ran =
        shell("ls -A '%s/cache/pwemoe' 2>&1 | grep -c 'algorithms$'", folder());
    size_t count = (size_t)atol(ran.out);
    ran_free(&ran);
    return count;
}

static void change(const char *command) {
    struct ran ran = shell("cd '%s/cache/pwemoe' && %s", folder(), command);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void test_kept(void **state) {
    (void)state;
    assert_int_equal(ask("", DRIVER), 2); /* cuBLAS's first: nothing to keep */
    assert_int_equal(emulation.products(0), 4);
    assert_int_equal(files(), 0);
    assert_int_equal(ask("algorithms=3", DRIVER), 2);
    assert_int_equal(files(), 1);
    assert_true(emulation.products(0) > 0 && emulation.products(2) > 0); /* trials */
    assert_int_equal(ask("algorithms=3", DRIVER), 0);
    assert_int_equal(emulation.products(1), 4); /* the fastest alone, without trials */
    assert_int_equal(emulation.products(0) + emulation.products(2), 0);
}

static void test_of_others(void **state) {
    (void)state;
    assert_int_equal(ask("algorithms=3", DRIVER), 0);
    assert_int_equal(ask("algorithms=3", DRIVER + 10), 2); /* another driver */
    assert_int_equal(files(), 2);
    assert_int_equal(ask("algorithms=2", DRIVER), 2);
    assert_int_equal(files(), 3);
    /* Under a name that says otherwise. */
    change(
        "for f in *-12010-*; do cp \"$f\" \"$(echo \"$f\" | sed s/-12010-/-12020-/)\"; "
        "done");
    assert_int_equal(ask("algorithms=3", DRIVER + 20), 2);
    assert_int_equal(ask("algorithm=2", DRIVER), 2); /* always that one */
    assert_int_equal(emulation.products(1), 4);
}

/* A file that is cut, or changed in one place, is as none; and so is a place where none
 * can be. */
static void test_damaged(void **state) {
    (void)state;
    change("rm -f *");
    assert_int_equal(ask("algorithms=3", DRIVER), 2);
    change("f=$(ls); head -c 300 \"$f\" >part && mv part \"$f\"");
    assert_int_equal(ask("algorithms=3", DRIVER), 2);
    assert_int_equal(ask("algorithms=3", DRIVER), 0); /* written anew */
    change("f=$(ls); printf X | dd of=\"$f\" bs=1 seek=320 conv=notrunc 2>/dev/null");
    assert_int_equal(ask("algorithms=3", DRIVER), 2);
    change("rm -f * && cd .. && rmdir pwemoe && touch pwemoe");
    assert_int_equal(ask("algorithms=3", DRIVER), 2);
    assert_int_equal(ask("algorithms=3", DRIVER), 2);
}

static int set_up(void **state) {
    (void)state;
    char cache[1100];
    struct ran ran = shell("mkdir '%s/cache'", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    snprintf(cache, sizeof cache, "%s/cache", folder());
    setenv("XDG_CACHE_HOME", cache, 1);
    emulation = emulation_open();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_of_others),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
