/* Heads that learn with a correction: their gradients against PyTorch autograd, runs
 * that go on to the same bits, the bytes that keep them, and heads at a preference. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "moe/correction_bytes.h"
#include "moe/correction_heads.h"
#include "support/golden.h"
#include "train/fixture.h"

static struct distillation_options options_for(enum correction_form form,
                                               uint64_t steps) {
    struct distillation_options options = options_of(form, steps);
    options.heads = DISTILLATION_HEADS_TRAINED;
    return options;
}

/* --- against autograd ------------------------------------------------------------- */

/* The D and the heads of make_corrections.py. */
static void put_golden(struct fixture *f, const struct safetensors *golden,
                       const char *kind) {
    struct error error;
    const struct layout *l = f->pool->layout;
    char names[8192], *at;
    float *vector = calloc(l->size, sizeof *vector);
    struct head changes[TASKS];
    assert_non_null(vector);
    assert_true(snprintf(names, sizeof names, "%s",
                         safetensors_metadata(golden, kind)) < (int)sizeof names);
    at = strtok(names, "\n");
    for (size_t i = 0; at; at = strtok(NULL, "\n"), i++)
        for (size_t p = 0; p < l->parameter_count; p++)
            if (strcmp(l->parameters[p].name, at) == 0)
                for (size_t j = 0; j < l->parameters[p].count; j++)
                    vector[l->parameters[p].offset + j] =
                        (float)(0.02 * cos(3 * (double)j + (double)i));
    assert_int_equal(distillation_set_vector(f->distillation, vector, &error), 0);
    free(vector);
    for (size_t t = 0; t < TASKS; t++) {
        const struct head *own = &f->pool->heads[t];
        struct head *h = &changes[t];
        *h = (struct head){.classes = own->classes, .features = own->features};
        h->weight = malloc(h->classes * h->features * sizeof *h->weight);
        h->bias = malloc(h->classes * sizeof *h->bias);
        assert_true(h->weight && h->bias);
        for (size_t c = 0; c < h->classes; c++) {
            for (size_t j = 0; j < h->features; j++)
                h->weight[c * h->features + j] =
                    (float)(0.05 * cos((double)t + (double)c + 2 * (double)j));
            h->bias[c] = (float)(0.05 * cos((double)t + 3 * (double)c));
        }
    }
    assert_int_equal(distillation_set_heads(f->distillation, changes, &error), 0);
    for (size_t t = 0; t < TASKS; t++)
        head_clear(&changes[t]);
}

static void check_numbers(const char *kind, size_t task, const char *what,
                          const float *got, const double **expected, size_t count,
                          double largest) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (*expected)[i]) <= TOLERANCE * largest))
            fail_msg("%s task %zu: %s %zu has the gradient %.9g, not %.9g", kind, task,
                     what, i, (double)got[i], (*expected)[i]);
    *expected += count;
}

static void check_kind(const char *kind) {
    struct fixture f;
    struct error error;
    struct distillation_options options = options_for(CORRECTION_ONE, 10);
    char name[64];
    double losses[TASKS], largest = 0;
    open_fixture(&f, kind, &options);
    struct safetensors *golden = golden_open("corrections.safetensors");
    struct safetensors *first = golden_open("distillation.safetensors");
    snprintf(name, sizeof name, "%s.preference", kind);
    double *preference = golden_values(first, name);
    snprintf(name, sizeof name, "%s.heads.losses", kind);
    double *expected = golden_values(golden, name);
    snprintf(name, sizeof name, "%s.heads.slopes", kind);
    double *slopes = golden_values(golden, name);
    float *gradient = malloc(f.pool->layout->size * sizeof *gradient);
    assert_non_null(gradient);
    put_golden(&f, golden, kind);
    assert_int_equal(distillation_gradient(f.distillation, preference, EXAMPLES, losses,
                                           gradient, &error),
                     0);
    for (size_t t = 0; t < TASKS; t++)
        if (!(fabs(losses[t] - expected[t]) <= TOLERANCE * expected[t]))
            fail_msg("%s: loss %zu is %.9g, not %.9g", kind, t, losses[t], expected[t]);
    const struct head *got = distillation_heads_slopes(f.distillation, &error);
    assert_non_null(got);
    size_t count = 0;
    for (size_t t = 0; t < TASKS; t++)
        count += got[t].classes * (got[t].features + (got[t].bias != NULL));
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(slopes[i]));
    assert_true(largest > 1e-3);
    const double *at = slopes;
    for (size_t t = 0; t < TASKS; t++) {
        check_numbers(kind, t, "weight", got[t].weight, &at,
                      got[t].classes * got[t].features, largest);
        assert_int_equal(got[t].bias != NULL, strcmp(kind, "vit") == 0);
        if (got[t].bias)
            check_numbers(kind, t, "bias", got[t].bias, &at, got[t].classes, largest);
    }
    free(gradient);
    free(slopes);
    free(expected);
    free(preference);
    safetensors_close(first);
    safetensors_close(golden);
    close_fixture(&f);
}

static void test_autograd(void **state) {
    (void)state;
    check_kind("clip");
    check_kind("vit");
    check_kind("gpt2");
}

/* --- runs ------------------------------------------------------------------------- */

/* The changes that a run leaves, for correction_parts_clear. */
static struct correction_parts parts_of(struct fixture *f) {
    struct correction_parts parts;
    struct error error;
    void *bytes;
    size_t size;
    result_of(f, &bytes, &size);
    if (correction_from_memory(bytes, size, "D", f->pool->layout, TASKS, &parts,
                               &error))
        fail_msg("%s", error.text);
    free(bytes);
    return parts;
}

/* How far the numbers of all changes lie from 0, at most. */
static double extent(const struct head *changes) {
    double most = 0;
    for (size_t t = 0; t < TASKS; t++) {
        for (size_t i = 0; i < changes[t].classes * changes[t].features; i++)
            most = fmax(most, fabs((double)changes[t].weight[i]));
        for (size_t i = 0; changes[t].bias && i < changes[t].classes; i++)
            most = fmax(most, fabs((double)changes[t].bias[i]));
    }
    return most;
}

/* Of every kind and form heads move, by about a step of Adam each time, and are part of
 * what counts as trained; where they are to stay the tasks' own there are none. */
static void test_moves(void **state) {
    (void)state;
    static const struct {
        const char *kind;
        enum correction_form form;
        uint64_t rank;
    } cases[] = {{"vit", CORRECTION_ONE, 0},  {"clip", CORRECTION_TASK, 0},
                 {"gpt2", CORRECTION_ONE, 2}, {"gpt2", CORRECTION_PAIR, 0},
                 {"vit", CORRECTION_WUDI, 0}, {"vit", CORRECTION_LINEAR, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        uint64_t trained[2], numbers = 0;
        bool learn = cases[i].form != CORRECTION_LINEAR;
        for (unsigned heads = 0; heads < 2; heads++) {
            struct distillation_options options = options_for(cases[i].form, 4);
            options.rank = cases[i].rank;
            options.heads = heads;
            options.start = learn ? DISTILLATION_ZERO : DISTILLATION_BASE;
            options.lambda = 0.3;
            open_fixture(&f, cases[i].kind, &options);
            run_steps(&f, 4, NULL, NULL);
            struct trainer trainer = distillation_trainer(f.distillation);
            trained[heads] = trainer.kind->trainable(trainer.self);
            struct correction_parts parts = parts_of(&f);
            assert_int_equal(parts.heads != NULL, heads && learn);
            double size = 0;
            for (size_t t = 0; parts.heads && t < TASKS; t++) {
                const struct head *own = &f.pool->heads[t], *h = &parts.heads[t];
                assert_int_equal(h->bias != NULL, own->bias != NULL);
                numbers += own->classes * (own->features + (own->bias != NULL));
                for (size_t j = 0; j < own->classes * own->features; j++)
                    size = fmax(size, fabs((double)own->weight[j]));
            }
            if (parts.heads)
                assert_true(extent(parts.heads) > 0 &&
                            extent(parts.heads) <
                                4.01 * DISTILLATION_RATE_OF_HEADS * size);
            correction_parts_clear(&parts);
            close_fixture(&f);
        }
        assert_int_equal(trained[1] - trained[0], numbers);
    }
}

/* Going on from a file comes to the same bits, with an average and what is held back,
 * too. */
static void test_goes_on(void **state) {
    (void)state;
    struct fixture whole, parts;
    char path[STATE_PATH];
    void *one, *two;
    size_t size, other;
    struct distillation_options options = options_for(CORRECTION_ONE, 24);
    options.average = 0.2;
    options.held_back = 4;
    open_many(&whole, &options);
    run_steps(&whole, 24, NULL, NULL);
    open_many(&parts, &options);
    run_steps(&parts, 11, NULL, NULL);
    save_state(&parts, path);
    go_on(&parts, &options, path);
    run_steps(&parts, 13, NULL, NULL);
    result_of(&whole, &one, &size);
    result_of(&parts, &two, &other);
    assert_int_equal(size, other);
    assert_memory_equal(one, two, size);
    free(one);
    free(two);
    /* A run without such heads has another state. */
    options.heads = DISTILLATION_HEADS_OWN;
    refuse_to_go_on(&parts, &options, path);
    unlink(path);
    close_fixture(&whole);
    close_fixture(&parts);
}

/* --- what is kept ----------------------------------------------------------------- */

/* Heads at g are own + g change. */
static void test_at(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    struct distillation_options options = options_for(CORRECTION_ONE, 3);
    open_fixture(&f, "vit", &options);
    run_steps(&f, 3, NULL, NULL);
    struct correction_parts parts = parts_of(&f);
    const struct head *own = f.pool->heads;
    const double at[] = {0, 0.5, 1};
    for (size_t i = 0; i < 3; i++) {
        struct head *heads =
            correction_heads_at(own, parts.heads, TASKS, at[i], &error);
        assert_non_null(heads);
        for (size_t t = 0; t < TASKS; t++) {
            size_t weights = own[t].classes * own[t].features;
            for (size_t j = 0; j < weights; j++)
                assert_true(heads[t].weight[j] ==
                            (float)((double)own[t].weight[j] +
                                    at[i] * (double)parts.heads[t].weight[j]));
            for (size_t j = 0; j < own[t].classes; j++)
                assert_true(heads[t].bias[j] ==
                            (float)((double)own[t].bias[j] +
                                    at[i] * (double)parts.heads[t].bias[j]));
        }
        correction_heads_free(heads, TASKS);
    }
    assert_int_equal(correction_heads_fit(parts.heads, own, TASKS, &error), 0);
    parts.heads[1].classes--;
    assert_int_equal(correction_heads_fit(parts.heads, own, TASKS, &error), -1);
    assert_non_null(strstr(error.text, "head 2 is of"));
    parts.heads[1].classes++;
    correction_parts_clear(&parts);
    close_fixture(&f);
}

static void test_lacking(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    struct correction_parts lacking;
    void *bytes;
    size_t size;
    struct distillation_options options = options_for(CORRECTION_ONE, 3);
    open_fixture(&f, "vit", &options);
    run_steps(&f, 3, NULL, NULL);
    result_of(&f, &bytes, &size);
    char *name =
        strstr((char *)bytes + 8, "\"heads/2.weight\""); /* in its first line */
    assert_non_null(name);
    name[7] = '3';
    assert_int_equal(correction_from_memory(bytes, size, "D", f.pool->layout, TASKS,
                                            &lacking, &error),
                     -1);
    assert_string_equal(error.text, "D: has no heads/2.weight");
    free(bytes);
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_autograd), cmocka_unit_test(test_moves),
        cmocka_unit_test(test_goes_on),  cmocka_unit_test(test_at),
        cmocka_unit_test(test_lacking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
