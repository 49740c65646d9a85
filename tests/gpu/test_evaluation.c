/* An evaluator on the CUDA backend, emulated: its figures are the CPU's, whatever is
 * kept on the device or brought to it, recorded or not, early or late; a model that is
 * dropped half-way leaves nothing behind; and a device that has too little memory, or
 * is lost, is told in one line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/evaluator.h"
#include "gpu/module.h"
#include "merge/layers_share.h"
#include "results/fixture.h"

enum { TASKS = 3, EXAMPLES = 21 };

static struct emulation emulation;
static struct store_recipe *recipe;
static struct store_routers routers;

static const double preferences[][TASKS] = {{0.2, 0.3, 0.5}, {1, 0, 0}};

static int set_up(void **state) {
    (void)state;
    char path[4200];
    struct store *store;
    struct error error;
    emulation = emulation_open();
    snprintf(path, sizeof path, "%s/real.db", folder());
    fixture_write_real(path, EXAMPLES);
    if (store_open(path, STORE_READ_ONLY, &store, &error) ||
        store_recipe(store, &recipe, &error) ||
        store_routers_get(store, 1, &routers, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    store_close(store);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    store_recipe_free(recipe);
    store_routers_clear(&routers);
    return 0;
}

static struct evaluator *open_with(const struct evaluator_options *options) {
    struct evaluator *e;
    struct error error;
    char note[256] = "";
    if (evaluator_open(recipe, folder(), options, &e, note, NULL, &error))
        fail_msg("%s", error.text);
    if (evaluator_use_routers(e, routers.blob, routers.size, &error))
        fail_msg("%s", error.text);
    return e;
}

static struct evaluator *open_on(const char *device, size_t batch) {
    return open_with(&(struct evaluator_options){.device = device,
                                                 .precision = PRECISION_F32,
                                                 .threads = 1,
                                                 .batch = batch,
                                                 .split = "test"});
}

struct figures {
    double value[TASKS], loss[TASKS];
    uint8_t correct[TASKS][EXAMPLES / 8 + 1];
    char hash[SHA256_HEX];
};

/* All steps of what was begun. */
static void finish(struct evaluator *e, struct figures *f) {
    struct running running[TASKS];
    struct store_evaluation evaluations[TASKS];
    struct error error;
    int result;
    while ((result = evaluator_step(e, running, &error)) == 0)
        ;
    if (result < 0)
        fail_msg("%s", error.text);
    memset(f, 0, sizeof *f);
    evaluator_results(e, evaluations);
    for (size_t t = 0; t < TASKS; t++) {
        assert_int_equal(evaluations[t].examples, EXAMPLES);
        assert_true(evaluations[t].complete);
        f->value[t] = evaluations[t].value;
        f->loss[t] = evaluations[t].loss;
        memcpy(f->correct[t], evaluations[t].correct, evaluations[t].correct_size);
    }
    assert_int_equal(evaluator_model_sha256(e, f->hash, NULL, &error), 0);
}

static void measure(struct evaluator *e, const double *preference, struct figures *f) {
    struct error error;
    if (evaluator_begin_preference(e, preference, &error))
        fail_msg("%s", error.text);
    finish(e, f);
}

/* f32 on both: sums in another order. The losses of these models are about 1 to 10;
 * 12 additions deep a sum of 64 products differs by some 1e-6 of it. */
static void assert_same(const struct figures *got, const struct figures *wanted) {
    for (size_t t = 0; t < TASKS; t++) {
        if (fabs(got->loss[t] - wanted->loss[t]) > 1e-5 * fabs(wanted->loss[t]))
            fail_msg("task %zu: loss %.9g, the CPU's %.9g", t, got->loss[t],
                     wanted->loss[t]);
        assert_true(got->value[t] == wanted->value[t]);
        assert_memory_equal(got->correct[t], wanted->correct[t],
                            sizeof got->correct[t]);
    }
}

static void assert_identical(const struct figures *a, const struct figures *b) {
    assert_memory_equal(a->value, b->value, sizeof a->value);
    assert_memory_equal(a->loss, b->loss, sizeof a->loss);
    assert_memory_equal(a->correct, b->correct, sizeof a->correct);
    assert_string_equal(a->hash, b->hash);
}

static const struct figures *expected(size_t preference) {
    static struct figures known[2];
    if (known[0].loss[0] == 0) {
        struct evaluator *e = open_on("cpu", 0);
        for (size_t i = 0; i < 2; i++)
            measure(e, preferences[i], &known[i]);
        evaluator_close(e);
    }
    return &known[preference];
}

/* One preference twice: what is kept and recorded the first time serves the second,
 * to the same bits. */
static void check_device(size_t batch) {
    struct figures first, second;
    struct evaluator *e = open_on("cuda", batch);
    assert_non_null(strstr(evaluator_device(e), "Emulated"));
    measure(e, preferences[0], &first);
    assert_same(&first, expected(0));
    measure(e, preferences[1], &second);
    assert_same(&second, expected(1));
    measure(e, preferences[0], &second);
    assert_identical(&second, &first);
    evaluator_close(e);
    assert_int_equal(emulation.held(), 0);
}

static void test_equal_to_the_cpu(void **state) {
    (void)state;
    static const size_t batches[] = {0, 8, 62};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        emulation.reset();
        emulation.prompt(i % 2);
        check_device(batches[i]);
        assert_true(emulation.replays() > 0);
    }
}

/* Once all that is kept is there, a preference is one recording for each batch, the
 * model in the first one's; or one more, where it is made before. */
static void test_recorded_whole(void **state) {
    (void)state;
    struct figures figures, ahead[2];
    double seconds;
    uint64_t peak;
    static const char *const tunes[] = {"", "merge=before", "beside=off"};
    for (int form = 0; form < 3; form++) {
        int at_once = form > 0; /* made in parts only beside something */
        setenv("PWEMOE_CUDA_TUNE", tunes[form], 1);
        emulation.reset();
        struct evaluator *e = open_on("cuda", 16); /* 63 examples: 4 batches */
        for (int i = 0; i < 3; i++)
            measure(e, preferences[i % 2], &figures);
        for (int i = 0; i < 2; i++) {
            unsigned long before = emulation.replays();
            measure(e, preferences[i], &figures);
            assert_int_equal(emulation.replays() - before, at_once + 4);
            assert_same(&figures, expected((size_t)i));
            if (at_once)
                assert_identical(&figures, &ahead[i]);
            ahead[i] = figures;
            evaluator_cost(e, &seconds, &peak);
            assert_true(seconds > 0 && peak > 0);
        }
        evaluator_close(e);
    }
    unsetenv("PWEMOE_CUDA_TUNE");
}

/* A model of which no batch was queued is there for who asks, after one that was
 * recorded as after none; and other routers are not the ones that a recording names. */
static void test_made_without_batches(void **state) {
    (void)state;
    struct figures figures, wanted;
    struct error error;
    char hash[SHA256_HEX];
    double seconds;
    uint64_t peak;
    emulation.reset();
    struct evaluator *e = open_on("cuda", 16);
    measure(e, preferences[0], &wanted);
    for (int i = 0; i < 3; i++) {
        measure(e, preferences[1], &figures);
        assert_int_equal(evaluator_begin_preference(e, preferences[0], &error), 0);
        evaluator_cost(e, &seconds, &peak);
        assert_true(seconds == 0); /* not known yet */
        assert_int_equal(evaluator_model_sha256(e, hash, NULL, &error), 0);
        assert_string_equal(hash, wanted.hash);
        evaluator_cost(e, &seconds, &peak);
        assert_true(seconds > 0);
        finish(e, &figures);
        assert_identical(&figures, &wanted);
        assert_int_equal(evaluator_begin_preference(e, preferences[1], &error), 0);
        if (evaluator_use_routers(e, routers.blob, routers.size, &error))
            fail_msg("%s", error.text);
        measure(e, preferences[0], &figures);
        assert_identical(&figures, &wanted);
    }
    evaluator_close(e);
    assert_int_equal(emulation.held(), 0);
}

static void test_without_recordings(void **state) {
    (void)state;
    emulation.reset();
    emulation.no_graphs(true);
    check_device(20);
    assert_int_equal(emulation.replays(), 0);
}

/* Bytes that an evaluator of this batch has taken once it has kept what it can. */
static size_t needed(size_t batch) {
    struct figures figures;
    emulation.reset();
    struct evaluator *e = open_on("cuda", batch);
    measure(e, preferences[0], &figures);
    size_t bytes = emulation.held();
    evaluator_close(e);
    return bytes;
}

/* Less and less memory: first the inputs of the blocks are not kept, then the pixels
 * are brought for each batch. The figures never change. */
static void test_little_memory(void **state) {
    (void)state;
    enum { STEP = 8 << 10 };
    size_t memory = needed(8), last = memory, levels = 0;
    for (;; memory -= STEP) {
        struct evaluator_options options = {.device = "cuda",
                                            .precision = PRECISION_F32,
                                            .threads = 1,
                                            .batch = 8,
                                            .split = "test"};
        struct evaluator *e;
        struct error error;
        char note[256] = "";
        emulation.reset();
        emulation.memory_in_all(memory);
        if (evaluator_open(recipe, folder(), &options, &e, note, NULL, &error))
            break;
        struct figures figures;
        if (evaluator_use_routers(e, routers.blob, routers.size, &error) == 0 &&
            evaluator_begin_preference(e, preferences[levels % 2], &error) == 0 &&
            emulation.held() + STEP < last) {
            for (int times = 0; times < 3; times++) { /* then all is recorded */
                measure(e, preferences[levels % 2], &figures);
                assert_same(&figures, expected(levels % 2));
            }
            last = emulation.held();
            levels++;
        }
        evaluator_close(e);
    }
    assert_true(levels >= 2);
}

/* A new preference drops the one that runs, wherever it is. */
static void test_dropped(void **state) {
    (void)state;
    for (int prompt = 0; prompt < 2; prompt++) {
        emulation.reset();
        emulation.prompt(prompt);
        struct evaluator *e = open_on("cuda", 16);
        struct running running[TASKS];
        struct figures figures;
        struct error error;
        for (int steps = 0; steps < 3; steps++) {
            assert_int_equal(evaluator_begin_preference(e, preferences[1], &error), 0);
            for (int i = 0; i < steps; i++)
                assert_int_equal(evaluator_step(e, running, &error), 0);
            measure(e, preferences[0], &figures);
            assert_same(&figures, expected(0));
        }
        /* And closed in the midst of one. */
        assert_int_equal(evaluator_begin_preference(e, preferences[1], &error), 0);
        assert_int_equal(evaluator_step(e, running, &error), 0);
        evaluator_close(e);
    }
}

/* The same prefix of each task's examples as on the CPU, so that partial means
 * compare: after any step the bits seen are those of the whole evaluation. */
static void test_order(void **state) {
    (void)state;
    emulation.reset();
    struct evaluator *e = open_on("cuda", 10);
    struct running running[TASKS];
    struct store_evaluation now[TASKS];
    struct error error;
    int result;
    assert_int_equal(evaluator_begin_preference(e, preferences[0], &error), 0);
    do {
        result = evaluator_step(e, running, &error);
        assert_true(result >= 0);
        evaluator_results(e, now);
        double least = 1, greatest = 0;
        for (size_t t = 0; t < TASKS; t++) {
            const uint8_t *all = expected(0)->correct[t];
            for (size_t i = 0; i < now[t].examples; i++)
                assert_int_equal(((const uint8_t *)now[t].correct)[i / 8] >> i % 8 & 1,
                                 all[i / 8] >> i % 8 & 1);
            double part = (double)now[t].examples / EXAMPLES;
            least = part < least ? part : least;
            greatest = part > greatest ? part : greatest;
        }
        assert_true(greatest - least <= 10.0 / EXAMPLES + 1e-9);
    } while (result == 0);
    evaluator_close(e);
}

/* Each task by its own expert: weights change between the tasks of one evaluation. */
static void test_single_and_methods(void **state) {
    (void)state;
    static const char *const methods[] = {"stl", "pretrained", "average", "ties",
                                          "wudi"};
    emulation.reset();
    struct evaluator *cpu = open_on("cpu", 0), *device = open_on("cuda", 16);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct figures wanted, got;
        struct error error;
        if (evaluator_begin_method(cpu, methods[i], "{}", NULL, NULL, &error))
            fail_msg("%s", error.text);
        finish(cpu, &wanted);
        if (evaluator_begin_method(device, methods[i], "{}", NULL, NULL, &error))
            fail_msg("%s", error.text);
        finish(device, &got);
        assert_same(&got, &wanted);
    }
    evaluator_close(cpu);
    evaluator_close(device);
}

/* Of a closed form a device keeps what each task adds to each layer, from the second
 * preference on: the figures are the CPU's, of one ridge as of another, and nothing of
 * the model's size travels any more. */
static void test_closed_form(void **state) {
    (void)state;
    static const char *const parameters[] = {"{\"ridge\": 0.5, \"shrink\": 0}",
                                             "{\"ridge\": 2, \"shrink\": 0.3}"};
    struct figures wanted, got, again;
    struct error error;
    emulation.reset();
    struct evaluator *cpu = open_on("cpu", 0), *device = open_on("cuda", 16);
    size_t first = 0;
    for (size_t i = 0; i < 8; i++) {
        const double *preference = preferences[i % 2];
        const char *given = parameters[i / 4];
        if (evaluator_begin_method(cpu, "wudi", given, preference, NULL, &error))
            fail_msg("%s", error.text);
        finish(cpu, &wanted);
        if (evaluator_begin_method(device, "wudi", given, preference, NULL, &error))
            fail_msg("%s", error.text);
        size_t held = emulation.held();
        finish(device, &got);
        assert_same(&got, &wanted);
        if (i == 0)
            first = held;
        else /* each task's systems and right sides */
            assert_true(held > first + TASKS * 4 * 32 * 32 * sizeof(float));
        if (i == 2)
            again = got;
    }
    /* Kept for one ridge, made anew for another, and the same to the bit. */
    if (evaluator_begin_method(device, "wudi", parameters[0], preferences[0], NULL,
                               &error))
        fail_msg("%s", error.text);
    finish(device, &got);
    assert_identical(&got, &again);
    evaluator_close(cpu);
    evaluator_close(device);
    assert_int_equal(emulation.held(), 0);
}

/* Who makes every second group of layers on another device, as a rank does. */
struct sharing {
    struct evaluator *other;
    size_t groups;
};

static unsigned one_other(void *self) {
    (void)self;
    return 1;
}

static int share_layers(void *self, struct layers_groups *groups, struct error *error) {
    struct sharing *s = self;
    const struct merge_input *input = layers_group_input(groups);
    char *parameters = json_dumps(input->parameters, 0);
    int result = 0;
    for (size_t g = 0; result == 0 && g < layers_group_count(groups);
         g++, s->groups++) {
        size_t count, size;
        void *bytes = NULL;
        const size_t *indices = layers_group(groups, g, &count);
        if (g % 2)
            result = evaluator_make_layers(s->other, input->method->name, parameters,
                                           input->preference, indices, count, &bytes,
                                           &size, NULL, error) ||
                             layers_group_put(groups, g, bytes, size, error)
                         ? -1
                         : 0;
        else
            result = layers_group_make(groups, g, error);
        free(bytes);
    }
    free(parameters);
    return result;
}

/* Layers that another device makes, which copies no more of its task vectors than it
 * needs, are those of this one. */
static void test_layers_elsewhere(void **state) {
    (void)state;
    static const char *const methods[] = {"wudi", "tsv-m"};
    emulation.reset();
    for (size_t i = 0; i < 2; i++) {
        struct sharing sharing = {.other = open_on("cuda", 16)};
        struct merge_share share = {
            .others = one_other, .run = share_layers, .self = &sharing};
        struct evaluator *alone = open_on("cuda", 16);
        struct evaluator *shared =
            open_with(&(struct evaluator_options){.device = "cuda",
                                                  .precision = PRECISION_F32,
                                                  .threads = 1,
                                                  .batch = 16,
                                                  .split = "test",
                                                  .share = &share});
        struct figures wanted, got;
        struct error error;
        const char *given = i ? "{}" : "{\"ridge\": 0.5}";
        const double *preference = i ? NULL : preferences[0];
        if (evaluator_begin_method(alone, methods[i], given, preference, NULL, &error))
            fail_msg("%s", error.text);
        finish(alone, &wanted);
        if (evaluator_begin_method(shared, methods[i], given, preference, NULL, &error))
            fail_msg("%s", error.text);
        finish(shared, &got);
        assert_identical(&got, &wanted);
        assert_true(sharing.groups > 1);
        evaluator_close(shared);
        evaluator_close(alone);
        evaluator_close(sharing.other);
    }
    assert_int_equal(emulation.held(), 0);
}

/* The peak is that of the model at hand, not of the one before. */
static void test_peak(void **state) {
    (void)state;
    emulation.reset();
    struct evaluator *e = open_on("cuda", 64);
    struct error error;
    double seconds;
    uint64_t before, ties, after;
    assert_int_equal(evaluator_begin_method(e, "average", "{}", NULL, NULL, &error), 0);
    evaluator_cost(e, &seconds, &before);
    assert_int_equal(evaluator_begin_method(e, "ties", "{}", NULL, NULL, &error), 0);
    evaluator_cost(e, &seconds, &ties);
    assert_int_equal(evaluator_begin_method(e, "average", "{}", NULL, NULL, &error), 0);
    evaluator_cost(e, &seconds, &after);
    assert_true(before > 0 && ties > before);
    assert_true(after == before);
    evaluator_close(e);
}

/* Lost at any moment: one line, and nothing left behind. */
static void test_lost(void **state) {
    (void)state;
    static const unsigned long moments[] = {0, 1, 2, 7, 30, 55, 80, 120};
    size_t failed = 0;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        emulation.reset();
        struct evaluator *e = open_on("cuda", 20);
        struct running running[TASKS];
        struct error error = {.text = ""};
        assert_false(evaluator_lost(e));
        emulation.lose_after(moments[i]);
        int result = evaluator_begin_preference(e, preferences[0], &error);
        while (result == 0)
            result = evaluator_step(e, running, &error);
        if (result < 0) {
            failed++;
            assert_non_null(strstr(error.text, "cuda:0: "));
            assert_null(strchr(error.text, '\n'));
            assert_true(evaluator_lost(e));
            assert_int_equal(evaluator_begin_preference(e, preferences[0], &error), -1);
        }
        evaluator_close(e);
    }
    emulation.reset();
    assert_true(failed >= 6);
}

/* Too little memory for the models: one line with what to do; "auto" goes on with the
 * CPU and says so. */
static void test_no_memory(void **state) {
    (void)state;
    size_t refused = 0, all = needed(8);
    /* 32 MiB of it are cuBLAS's. */
    for (size_t i = 0; i < 5; i++) {
        size_t memory = ((size_t)32 << 20) + i * (all - ((size_t)32 << 20)) / 6;
        struct evaluator_options options = {.device = "cuda",
                                            .precision = PRECISION_F32,
                                            .threads = 1,
                                            .batch = 8,
                                            .split = "test"};
        struct evaluator *e;
        struct error error;
        char note[256] = "";
        emulation.reset();
        emulation.memory_in_all(memory);
        if (evaluator_open(recipe, folder(), &options, &e, note, NULL, &error) == 0) {
            evaluator_close(e);
            continue;
        }
        refused++;
        assert_non_null(strstr(error.text, "out of memory"));
        assert_non_null(strstr(error.text, "--device cpu"));
        assert_null(strchr(error.text, '\n'));
        options.device = "auto";
        if (evaluator_open(recipe, folder(), &options, &e, note, NULL, &error))
            fail_msg("%s", error.text);
        assert_non_null(strstr(note, "out of memory"));
        assert_non_null(strstr(note, "the CPU is used"));
        assert_non_null(strstr(evaluator_device(e), "cpu"));
        evaluator_close(e);
    }
    emulation.reset();
    assert_true(refused >= 2);
}

/* bf16: the figures of f32 within what 8 bits of mantissa leave of them. */
static void test_bf16(void **state) {
    (void)state;
    emulation.reset();
    struct figures figures;
    struct evaluator *e = open_with(&(struct evaluator_options){
        .device = "cuda", .precision = PRECISION_BF16, .batch = 20, .split = "test"});
    measure(e, preferences[0], &figures);
    for (size_t t = 0; t < TASKS; t++)
        assert_true(fabs(figures.loss[t] - expected(0)->loss[t]) <
                    0.02 * expected(0)->loss[t]);
    evaluator_close(e);
    /* What is taken unasked. */
    struct figures same;
    e = open_with(&(struct evaluator_options){
        .device = "cuda", .precision = PRECISION_AUTO, .batch = 20, .split = "test"});
    measure(e, preferences[0], &same);
    assert_memory_equal(same.loss, figures.loss, sizeof same.loss);
    assert_string_equal(same.hash, figures.hash);
    evaluator_close(e);
}

/* Products in fp8: near bf16's figures and not the same, of the same model to the bit;
 * the same to the bit in each run with the same batches; and told with the figures. */
static void test_fp8(void **state) {
    (void)state;
    emulation.reset();
    struct figures figures, again, bf16;
    struct store_evaluation evaluations[TASKS];
    struct evaluator_options options = {
        .device = "cuda", .precision = PRECISION_FP8, .batch = 21, .split = "test"};
    struct evaluator *e = open_with(&options);
    measure(e, preferences[0], &figures);
    measure(e, preferences[1], &again);
    measure(e, preferences[0], &again); /* recorded */
    assert_identical(&figures, &again);
    evaluator_results(e, evaluations);
    for (size_t t = 0; t < TASKS; t++)
        assert_true(evaluations[t].fp8);
    evaluator_close(e);
    options.precision = PRECISION_BF16;
    e = open_with(&options);
    measure(e, preferences[0], &bf16);
    evaluator_results(e, evaluations);
    assert_false(evaluations[0].fp8);
    evaluator_close(e);
    assert_string_equal(bf16.hash, figures.hash);
    for (size_t t = 0; t < TASKS; t++) {
        assert_true(figures.loss[t] != bf16.loss[t]);
        if (fabs(figures.loss[t] - expected(0)->loss[t]) > 0.1 * expected(0)->loss[t])
            fail_msg("loss %g, the CPU's %g", figures.loss[t], expected(0)->loss[t]);
    }
    /* A card of before has none, and no other device takes its place. */
    struct error error;
    char note[256];
    emulation.devices(1, 99000, 8);
    options.precision = PRECISION_FP8;
    for (int i = 0; i < 2; i++) {
        options.device = i ? "auto" : "cuda";
        assert_int_equal(
            evaluator_open(recipe, folder(), &options, &e, note, NULL, &error), -1);
        assert_non_null(strstr(error.text, "needs 8.9; leave it out"));
        assert_null(strstr(error.text, "--device cpu"));
    }
    emulation.reset();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_to_the_cpu),
        cmocka_unit_test(test_recorded_whole),
        cmocka_unit_test(test_made_without_batches),
        cmocka_unit_test(test_without_recordings),
        cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_single_and_methods),
        cmocka_unit_test(test_closed_form),
        cmocka_unit_test(test_layers_elsewhere),
        cmocka_unit_test(test_peak),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_fp8),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
