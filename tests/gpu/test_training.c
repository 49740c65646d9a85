/* Training on the CUDA backend, emulated: a step waits for the device once, with the
 * next batch sent before that; the numbers are those of batches that are sent within
 * their step; what was drawn ahead changes nothing that is saved; and a device that is
 * lost leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "gpu/module.h"
#include "support/finetuning.h"
#include "support/golden.h"
#include "train/router_training.h"

/* Passes over the examples end within a batch. */
enum { TASKS = 2, EXAMPLES = 5, BATCH = 2, STEPS = 4, LONGEST = 13 };

static struct emulation emulation;

/* --- what is called on the backend ---------------------------------------------- */

static struct backend sound;
static char calls[1 << 16];
static size_t call_count;
static int pinned;

static void note(char call) {
    if (call_count + 1 < sizeof calls)
        calls[call_count++] = call;
    calls[call_count] = '\0';
}

/* What makes the host wait is in capitals: on a device, allocating and releasing too.
 */
static int noted_allocate(struct backend *b, size_t bytes, void **memory,
                          struct error *error) {
    note('A');
    return sound.allocate(b, bytes, memory, error);
}

static void noted_release(struct backend *b, void *memory) {
    note('R');
    sound.release(b, memory);
}

static int noted_synchronise(struct backend *b, struct error *error) {
    note('S');
    return sound.synchronise(b, error);
}

static int noted_download(struct backend *b, void *host, const void *device,
                          size_t bytes, struct error *error) {
    note('S');
    return sound.download(b, host, device, bytes, error);
}

static int noted_download_real(struct backend *b, float *host, const real *device,
                               size_t count, struct error *error) {
    note('S');
    return sound.download_real(b, host, device, count, error);
}

static int noted_wait(struct backend *b, backend_ticket ticket, struct error *error) {
    note('W');
    return sound.wait(b, ticket, error);
}

static int noted_done(struct backend *b, backend_ticket ticket, bool *done,
                      struct error *error) {
    note('Q');
    return sound.done(b, ticket, done, error);
}

/* From memory that is not pinned: routing weights, never a batch. */
static void noted_upload(struct backend *b, void *device, const void *host,
                         size_t bytes) {
    note(bytes > 512 ? 'U' : 'u');
    sound.upload(b, device, host, bytes);
}

/* A batch, which has room for labels and more, or the scales of its rows. */
static backend_ticket noted_upload_early(struct backend *b, void *device,
                                         const void *host, size_t bytes) {
    note(bytes > 256 ? 'b' : 's');
    return sound.upload_early(b, device, host, bytes);
}

static backend_ticket noted_download_late(struct backend *b, void *host,
                                          const void *device, size_t bytes) {
    note('d');
    return sound.download_late(b, host, device, bytes);
}

static void noted_matmul(struct backend *b, const struct matmul *m) {
    note('m');
    sound.matmul(b, m);
}

static void noted_merge(struct backend *b, real *out, const real *base,
                        const real *vectors, size_t stride, size_t tasks,
                        const struct merge_segment *segments, size_t segment_count,
                        const float *weights) {
    note('g');
    sound.merge(b, out, base, vectors, stride, tasks, segments, segment_count, weights);
}

static void noted_adam(struct backend *b, float *parameters, real *compute,
                       const float *gradient, float *first, float *second, size_t count,
                       const struct adam *adam) {
    note('a');
    sound.adam(b, parameters, compute, gradient, first, second, count, adam);
}

static int noted_pin(struct backend *b, size_t bytes, void **memory,
                     struct error *error) {
    int result = sound.pin(b, bytes, memory, error);
    pinned += result == 0;
    return result;
}

static void noted_unpin(struct backend *b, void *memory) {
    pinned -= memory != NULL;
    sound.unpin(b, memory);
}

static void note_calls(struct backend *b) {
    sound = *b;
    pinned = 0;
    b->allocate = noted_allocate;
    b->release = noted_release;
    b->synchronise = noted_synchronise;
    b->download = noted_download;
    b->download_real = noted_download_real;
    b->wait = noted_wait;
    b->done = noted_done;
    b->upload = noted_upload;
    b->upload_early = noted_upload_early;
    b->download_late = noted_download_late;
    b->matmul = noted_matmul;
    b->adam = noted_adam;
    b->merge = noted_merge;
    b->pin = noted_pin;
    b->unpin = noted_unpin;
}

/* As a device is that has no transfers beside what runs: each batch goes up within its
 * step, and the numbers come down one after the other. */
static void without_transfers(struct backend *b) {
    b->pin = NULL;
    b->unpin = NULL;
    b->download_late = NULL;
    b->upload_early = NULL;
    b->follow = NULL;
    b->done = NULL;
    b->wait = NULL;
}

/* --- models and data -------------------------------------------------------------- */

/* Noise, images of `size` pixels an edge or, where that is 0, texts of 1 to LONGEST
 * tokens. */
static struct dataset *noise(size_t size, size_t vocabulary, size_t classes,
                             uint64_t seed) {
    struct dataset *d = array_new(1, sizeof *d);
    struct random random;
    random_seed(&random, seed, 5);
    d->count = EXAMPLES;
    d->classes = classes;
    d->size = size;
    d->labels = array_new(EXAMPLES, sizeof *d->labels);
    for (size_t i = 0; i < EXAMPLES; i++)
        d->labels[i] = (int32_t)random_below(&random, classes);
    if (size > 0) {
        d->pixels = array_new(EXAMPLES, 3 * size * size);
        for (size_t i = 0; i < EXAMPLES * 3 * size * size; i++)
            d->pixels[i] = (uint8_t)random_below(&random, 256);
        return d;
    }
    d->begin = array_new(EXAMPLES + 1, sizeof *d->begin);
    d->tokens = array_new(EXAMPLES * LONGEST, sizeof *d->tokens);
    for (size_t i = 0; i < EXAMPLES; i++)
        d->begin[i + 1] = d->begin[i] + 1 + random_below(&random, LONGEST);
    for (size_t i = 0; i < d->begin[EXAMPLES]; i++)
        d->tokens[i] = (int32_t)random_below(&random, vocabulary);
    return d;
}

struct fixture {
    struct backend *backend;
    struct pool *pool;
    struct dataset *train[TASKS], *other[TASKS];
};

static void open_fixture(struct fixture *f, const char *kind) {
    char text[256], pretrained[1100], experts[TASKS][1100], name[64];
    struct pool_task tasks[TASKS];
    struct error error;
    snprintf(name, sizeof name, "model/%s", kind);
    snprintf(pretrained, sizeof pretrained, "%s", golden_path(name));
    for (size_t t = 0; t < TASKS; t++) {
        snprintf(name, sizeof name, "model/%s-expert%zu", kind, t);
        snprintf(experts[t], sizeof experts[t], "%s", golden_path(name));
        tasks[t] = (struct pool_task){.name = "t", .expert = experts[t], .head = ""};
    }
    if (backend_open("cuda", PRECISION_F32, 1, &f->backend, text, &error) ||
        pool_open(f->backend, NULL, pretrained, tasks, TASKS, &f->pool, NULL, &error))
        fail_msg("%s", error.text);
    const struct model_config *m = &f->pool->layout->config;
    size_t size = model_config_is_text(m) ? 0 : m->image_size;
    for (size_t t = 0; t < TASKS; t++) {
        size_t classes = f->pool->heads[t].classes;
        f->train[t] = noise(size, m->vocabulary, classes, t);
        f->other[t] = noise(size, m->vocabulary, classes, TASKS + t);
    }
}

static void close_fixture(struct fixture *f) {
    for (size_t t = 0; t < TASKS; t++) {
        dataset_close(f->train[t]);
        dataset_close(f->other[t]);
    }
    pool_close(f->pool);
    backend_close(f->backend);
}

static struct router_training *new_routers(struct fixture *f, enum combine method) {
    struct router_training_options options =
        router_training_defaults(f->pool->layout->config.kind);
    struct router_training *t;
    struct error error;
    options.method = method;
    options.steps = STEPS;
    options.batch = BATCH;
    if (router_training_new(f->pool, (const struct dataset *const *)f->train, &options,
                            &t, &error))
        fail_msg("%s", error.text);
    return t;
}

static struct finetuning *new_finetuning(struct fixture *f, enum combine method,
                                         size_t tasks) {
    static const double preference[] = {0.4, 0.6}, one = 1;
    struct finetuning_options options = finetuning_defaults();
    struct finetuning_task_set set = {.tasks = tasks,
                                      .train = (const struct dataset *const *)f->train,
                                      .heads = f->pool->heads,
                                      .preference = tasks == 1 ? &one : preference};
    size_t size = f->pool->layout->size;
    float *weights = array_new(size, sizeof *weights);
    struct finetuning *t;
    struct error error;
    options.method = method;
    options.learning_rate = 1e-3;
    options.steps = STEPS;
    options.batch = BATCH;
    if (f->backend->download_real(f->backend, weights, f->pool->base, size, &error) ||
        finetuning_new(f->backend, f->pool->layout, &f->pool->form.preprocess, weights,
                       &set, &options, &t, &error))
        fail_msg("%s", error.text);
    free(weights);
    return t;
}

static const char *const kinds[] = {"vit", "gpt2"};

/* --- waiting ---------------------------------------------------------------------- */

static size_t count_of(const char *which) {
    size_t count = 0;
    for (size_t i = 0; i < call_count; i++)
        count += strchr(which, calls[i]) != NULL;
    return count;
}

/* The calls of one step: its work, the numbers set off, the next batch sent, one wait.
 */
static void check_calls(const char *kind, unsigned step) {
    size_t batches = count_of("b"), wanted = step > 0 ? 1 : 2;
    const char *wait = strchr(calls, 'W'), *last = strrchr(calls, 'm');
    const char *sent = strrchr(calls, 'b'), *set_off = strrchr(calls, 'd');
    if (step + 1 == STEPS)
        wanted--;
    if (count_of("ARSWQU") != 1 || !wait || count_of("d") != 1)
        fail_msg("%s, step %u waits %zu times: %s", kind, step, count_of("ARSWQU"),
                 calls);
    if (batches != wanted)
        fail_msg("%s, step %u sends %zu batches: %s", kind, step, batches, calls);
    if (!last || set_off < last || wait < set_off)
        fail_msg("%s, step %u: the numbers do not come last: %s", kind, step, calls);
    if (step + 1 < STEPS && (sent < set_off || sent > wait))
        fail_msg("%s, step %u: the next batch is not sent while the device works: %s",
                 kind, step, calls);
}

static void test_one_wait_for_routers(void **state) {
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (int method = COMBINE_LS; method <= COMBINE_STCH; method++) {
            struct fixture f;
            struct error error;
            double losses[TASKS];
            emulation.reset();
            open_fixture(&f, kinds[k]);
            note_calls(f.backend);
            struct router_training *t = new_routers(&f, (enum combine)method);
            for (unsigned i = 0; i < STEPS; i++) {
                call_count = 0;
                assert_int_equal(
                    router_training_trainer(t).kind->step(t, losses, &error), 0);
                check_calls(kinds[k], i);
            }
            router_training_free(t);
            assert_int_equal(pinned, 0);
            close_fixture(&f);
        }
    }
}

/* The model is merged part by part: what lies before the blocks, each block, what lies
 * behind them; or at once where that is asked for. */
static void test_merged_in_parts(void **state) {
    (void)state;
    for (int at_once = 0; at_once < 2; at_once++) {
        struct fixture f;
        struct error error;
        double losses[TASKS];
        emulation.reset();
        setenv("PWEMOE_CUDA_TUNE", at_once ? "merge=before" : "", 1);
        open_fixture(&f, "vit");
        unsetenv("PWEMOE_CUDA_TUNE");
        note_calls(f.backend);
        struct router_training *t = new_routers(&f, COMBINE_LS);
        call_count = 0;
        assert_int_equal(router_training_trainer(t).kind->step(t, losses, &error), 0);
        assert_int_equal(count_of("g"),
                         at_once ? 1 : f.pool->layout->config.layers + 2);
        assert_true(strchr(calls, 'g') < strchr(calls, 'm'));
        router_training_free(t);
        close_fixture(&f);
    }
}

static void test_one_wait_for_finetuning(void **state) {
    (void)state;
    static const enum combine methods[] = {COMBINE_LS, COMBINE_LS, COMBINE_EPO};
    for (size_t k = 0; k < 2; k++) {
        for (size_t m = 0; m < 3; m++) {
            struct fixture f;
            struct error error;
            double losses[TASKS];
            emulation.reset();
            open_fixture(&f, kinds[k]);
            note_calls(f.backend);
            struct finetuning *t = new_finetuning(&f, methods[m], m == 0 ? 1 : TASKS);
            for (unsigned i = 0; i < STEPS; i++) {
                call_count = 0;
                assert_int_equal(finetuning_trainer(t).kind->step(t, losses, &error),
                                 0);
                check_calls(kinds[k], i);
                /* One gradient: the update, too, is under way before the wait. */
                bool before = strchr(calls, 'a') < strchr(calls, 'W');
                assert_true(count_of("a") > 0 && before == (methods[m] == COMBINE_LS));
            }
            finetuning_free(t);
            assert_int_equal(pinned, 0);
            close_fixture(&f);
        }
    }
}

/* --- numbers ---------------------------------------------------------------------- */

/* How the transfers go. */
enum way { WITHIN_THE_STEP, LATE, PROMPT };

struct curve {
    double losses[STEPS][TASKS];
    float *values; /* the routers, or the weights */
    size_t count;
};

static void take(struct curve *c, const float *values, size_t count) {
    c->count = count;
    c->values = array_new(count, sizeof *values);
    memcpy(c->values, values, count * sizeof *values);
}

/* Within the step nothing is recorded either: what a replay does is held against it. */
static void begin_way(struct fixture *f, const char *kind, enum way way) {
    emulation.reset();
    emulation.prompt(way == PROMPT);
    setenv("PWEMOE_CUDA_TUNE", way == WITHIN_THE_STEP ? "recording=off" : "", 1);
    open_fixture(f, kind);
    unsetenv("PWEMOE_CUDA_TUNE");
    if (way == WITHIN_THE_STEP)
        without_transfers(f->backend);
}

/* Each of the two feeds was recorded and replayed; texts are not. */
static void end_way(struct fixture *f, enum way way) {
    bool text = model_config_is_text(&f->pool->layout->config);
    assert_true((emulation.replays() >= 2) == (way != WITHIN_THE_STEP && !text));
    close_fixture(f);
    assert_int_equal(emulation.held(), 0);
}

static struct curve routers_curve(const char *kind, enum combine method, enum way way) {
    struct curve curve = {0};
    struct fixture f;
    struct error error;
    begin_way(&f, kind, way);
    struct router_training *t = new_routers(&f, method);
    for (size_t i = 0; i < STEPS; i++)
        if (router_training_trainer(t).kind->step(t, curve.losses[i], &error))
            fail_msg("%s", error.text);
    const struct routers *r = router_training_routers(t);
    take(&curve, r->parameters, r->count);
    router_training_free(t);
    end_way(&f, way);
    return curve;
}

static struct curve finetuning_curve(const char *kind, enum combine method,
                                     enum way way) {
    struct curve curve = {0};
    struct fixture f;
    struct error error;
    begin_way(&f, kind, way);
    struct finetuning *t = new_finetuning(&f, method, TASKS);
    for (size_t i = 0; i < STEPS; i++)
        if (finetuning_trainer(t).kind->step(t, curve.losses[i], &error))
            fail_msg("%s", error.text);
    curve.count = f.pool->layout->size;
    curve.values = array_new(curve.count, sizeof *curve.values);
    assert_int_equal(finetuning_weights(t, curve.values, &error), 0);
    finetuning_free(t);
    end_way(&f, way);
    return curve;
}

static void check_ways(struct curve (*run)(const char *, enum combine, enum way),
                       const char *kind, enum combine method) {
    struct curve wanted = run(kind, method, WITHIN_THE_STEP);
    assert_true(wanted.losses[0][0] > 0);
    for (int way = LATE; way <= PROMPT; way++) {
        struct curve got = run(kind, method, (enum way)way);
        assert_memory_equal(got.losses, wanted.losses, sizeof got.losses);
        assert_int_equal(got.count, wanted.count);
        assert_memory_equal(got.values, wanted.values, got.count * sizeof *got.values);
        free(got.values);
    }
    free(wanted.values);
}

static void test_same_numbers(void **state) {
    (void)state;
    check_ways(routers_curve, "vit", COMBINE_LS);
    check_ways(routers_curve, "vit", COMBINE_EPO);
    check_ways(routers_curve, "gpt2", COMBINE_EPO);
    check_ways(finetuning_curve, "vit", COMBINE_EPO);
    check_ways(finetuning_curve, "gpt2", COMBINE_LS);
}

/* --- what is saved ---------------------------------------------------------------- */

struct saved {
    void *bytes;
    size_t size;
};

static struct saved save(struct router_training *t) {
    struct saved s;
    struct error error;
    assert_int_equal(
        router_training_trainer(t).kind->save(t, &s.bytes, &s.size, &error), 0);
    return s;
}

static void steps(struct router_training *t, unsigned count) {
    double losses[TASKS];
    struct error error;
    for (unsigned i = 0; i < count; i++)
        if (router_training_trainer(t).kind->step(t, losses, &error))
            fail_msg("%s", error.text);
}

/* Resumed in a new object, and in one that has drawn another batch ahead; with other
 * examples looked at between two steps. */
static void test_resume(void **state) {
    (void)state;
    static const double preference[] = {0.5, 0.5};
    for (size_t k = 0; k < 2; k++) {
        struct fixture f;
        struct error error;
        emulation.reset();
        open_fixture(&f, kinds[k]);
        struct router_training *t = new_routers(&f, COMBINE_LS);
        steps(t, 2);
        struct saved middle = save(t);
        steps(t, STEPS - 2);
        struct saved wanted = save(t);
        for (int again = 0; again < 2; again++) {
            if (again == 0) {
                router_training_free(t);
                t = new_routers(&f, COMBINE_LS);
                steps(t, 1);
            }
            assert_int_equal(router_training_trainer(t).kind->resume(
                                 t, middle.bytes, middle.size, &error),
                             0);
            size_t count = router_training_routers(t)->count;
            float *gradients = array_new(count, sizeof *gradients);
            for (int i = 0; i < STEPS - 2; i++) {
                double losses[TASKS];
                if (router_training_gradients(t, preference,
                                              (const struct dataset *const *)f.other,
                                              BATCH - 1, 1, losses, gradients, &error))
                    fail_msg("%s", error.text);
                steps(t, 1);
            }
            free(gradients);
            struct saved got = save(t);
            assert_int_equal(got.size, wanted.size);
            assert_memory_equal(got.bytes, wanted.bytes, got.size);
            free(got.bytes);
        }
        free(middle.bytes);
        free(wanted.bytes);
        router_training_free(t);
        close_fixture(&f);
    }
}

/* Lost at any moment of a step: what can be saved is the last whole step's, and all
 * pinned memory is given back. */
static void test_lost(void **state) {
    (void)state;
    size_t failed = 0;
    for (unsigned long moment = 0; moment < 400; moment += 45) {
        struct fixture f;
        struct error error = {.text = ""};
        double losses[TASKS];
        emulation.reset();
        open_fixture(&f, "vit");
        note_calls(f.backend);
        struct router_training *t = new_routers(&f, COMBINE_EPO);
        assert_true(pinned > 0);
        steps(t, 1);
        emulation.lose_after(moment);
        for (int i = 1; i < STEPS; i++) {
            struct saved before = save(t);
            int result = router_training_trainer(t).kind->step(t, losses, &error);
            struct saved after = save(t);
            if (result) {
                failed++;
                assert_non_null(strstr(error.text, "cuda:0: "));
                assert_int_equal(router_training_trainer(t).kind->step_count(t), i);
                assert_memory_equal(before.bytes, after.bytes, before.size);
                i = STEPS;
            }
            free(before.bytes);
            free(after.bytes);
        }
        router_training_free(t);
        assert_int_equal(pinned, 0);
        close_fixture(&f);
        assert_int_equal(emulation.held(), 0);
    }
    emulation.reset();
    assert_true(failed > 4);
}

static int set_up(void **state) {
    (void)state;
    emulation = emulation_open();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_wait_for_routers),
        cmocka_unit_test(test_one_wait_for_finetuning),
        cmocka_unit_test(test_merged_in_parts),
        cmocka_unit_test(test_same_numbers),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
