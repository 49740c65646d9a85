/* Batches of held-out examples on the CUDA backend, emulated: large ones while nothing
 * interrupts, after an interruption first some that a new preference need not wait long
 * for; what comes out does not depend on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "eval/forward.h"
#include "gpu/module.h"
#include "moe/pool.h"
#include "support/golden.h"

enum { EXAMPLES = 1300 };

static struct emulation emulation;
static struct backend *backend;
static struct pool *pool;
static struct held_out held_out;

static struct dataset *noise(size_t size, size_t classes) {
    struct dataset *d = array_new(1, sizeof *d);
    struct random random;
    random_seed(&random, 1, 5);
    d->count = EXAMPLES;
    d->classes = classes;
    d->size = size;
    d->labels = array_new(EXAMPLES, sizeof *d->labels);
    d->pixels = array_new(EXAMPLES, 3 * size * size);
    for (size_t i = 0; i < EXAMPLES; i++)
        d->labels[i] = (int32_t)random_below(&random, classes);
    for (size_t i = 0; i < EXAMPLES * 3 * size * size; i++)
        d->pixels[i] = (uint8_t)random_below(&random, 256);
    return d;
}

static int set_up(void **state) {
    (void)state;
    char pretrained[1100], expert[1100], note[256];
    struct error error;
    emulation = emulation_open();
    snprintf(pretrained, sizeof pretrained, "%s", golden_path("model/vit"));
    snprintf(expert, sizeof expert, "%s", golden_path("model/vit-expert0"));
    struct pool_task task = {.name = "t", .expert = expert, .head = ""};
    if (backend_open("cuda", PRECISION_F32, 1, &backend, note, &error) ||
        pool_open(backend, NULL, pretrained, &task, 1, &pool, NULL, &error) ||
        held_out_open(&held_out,
                      noise(pool->layout->config.image_size, pool->heads[0].classes), 0,
                      0, &error))
        fail_msg("%s", error.text);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    held_out_close(&held_out);
    pool_close(pool);
    backend_close(backend);
    return 0;
}

/* What came of one model: the sizes of its batches, and of each example. */
struct outcome {
    size_t sizes[64], count;
    int32_t predictions[EXAMPLES];
    float loss[EXAMPLES];
};

static void collect(struct forward *f, struct outcome *o) {
    struct forward_result r;
    struct error error;
    if (forward_collect(f, &r, &error))
        fail_msg("%s", error.text);
    assert_int_equal(r.count, 1);
    memcpy(o->predictions + r.parts->first, r.predictions,
           r.parts->count * sizeof *r.predictions);
    memcpy(o->loss + r.parts->first, r.loss, r.parts->count * sizeof *r.loss);
}

/* As far as so many examples are queued; begun in two steps, as evaluators do. */
static void run(struct forward *f, struct head_bank *heads, size_t examples,
                struct outcome *o) {
    struct error error;
    *o = (struct outcome){.count = 0};
    forward_begin(f, false, 0);
    forward_begin(f, false, 0);
    for (size_t first = 0; first < examples;) {
        size_t room = forward_room(f), left = EXAMPLES - first;
        struct part part = {0, first, left < room ? left : room};
        if (!forward_has_room(f))
            collect(f, o);
        if (forward_queue(f, pool->base, heads, &part, 1, &error))
            fail_msg("%s", error.text);
        o->sizes[o->count++] = part.count;
        first += part.count;
    }
    while (examples == EXAMPLES && forward_queued(f) > 0)
        collect(f, o);
}

/* Models by one object: a whole one, one that is interrupted, then two whole ones. */
enum { MODELS = 4 };

static void measure(size_t batch, int models, struct outcome *o) {
    struct forward *f;
    struct head_bank *heads;
    struct error error;
    if (forward_new(backend, pool->layout, &pool->form.preprocess, &held_out, 1, batch,
                    &f, &error) ||
        head_bank_new(backend, &pool->layout->config, pool->heads, 1,
                      forward_batch_size(f), &heads, &error))
        fail_msg("%s", error.text);
    forward_heads(f, heads);
    for (int i = 0; i < models; i++)
        run(f, heads, i == 1 ? 1 : EXAMPLES, &o[i]);
    forward_free(f);
    head_bank_free(heads);
}

static void test_interruptions(void **state) {
    (void)state;
    static struct outcome own[MODELS], alike;
    static const size_t wanted[MODELS][5] = {{512, 512, EXAMPLES - 1024},
                                             {512},
                                             {256, 256, 512, EXAMPLES - 1024},
                                             {512, 512, EXAMPLES - 1024}};
    measure(0, MODELS, own);
    measure(100, 1, &alike);
    assert_int_equal(alike.count, EXAMPLES / 100);
    for (int i = 0; i < MODELS; i++) {
        for (size_t j = 0; j <= own[i].count; j++)
            assert_int_equal(own[i].sizes[j], wanted[i][j]);
        if (i == 1)
            continue;
        assert_memory_equal(own[i].predictions, alike.predictions,
                            sizeof own[i].predictions);
        assert_memory_equal(own[i].loss, alike.loss, sizeof own[i].loss);
    }
}

/* Where 256 images fill a card already nothing is won, nor on the host. */
static void test_defaults(void **state) {
    (void)state;
    struct model_config config = pool->layout->config;
    assert_int_equal(forward_default(&config, false, true), 64);
    assert_int_equal(forward_default(&config, true, false), 256);
    assert_int_equal(forward_default(&config, true, true), 512);
    config.image_size = 224;
    config.patch_size = 16;
    assert_int_equal(forward_default(&config, true, true), 256);
    config.patch_size = 32;
    assert_int_equal(forward_default(&config, true, true), 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interruptions),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
