/* Corrections of several vectors, and routers beside them: losses and gradients against
 * PyTorch autograd, merges by their definition, runs, bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "merge/closed_base.h"
#include "merge/method.h"
#include "moe/correction_bytes.h"
#include "support/golden.h"
#include "train/fixture.h"
#include "train/tensor_factors.h"

/* --- against autograd ------------------------------------------------------------- */

/* The tensors of make_corrections.py: for each its parameter in the layout. */
static const struct parameter **find_tensors(const struct fixture *f,
                                             const struct safetensors *golden,
                                             const char *kind) {
    const struct layout *l = f->pool->layout;
    const struct parameter **found = calloc(l->parameter_count, sizeof *found);
    char *list = text_format("%s", safetensors_metadata(golden, kind));
    size_t count = 0;
    assert_true(found && list);
    for (char *at = strtok(list, "\n"); at; at = strtok(NULL, "\n"), count++)
        for (size_t i = 0; i < l->parameter_count; i++)
            if (strcmp(l->parameters[i].name, at) == 0)
                found[count] = &l->parameters[i];
    assert_int_equal(count, l->parameter_count);
    for (size_t i = 0; i < count; i++)
        assert_non_null(found[i]);
    free(list);
    return found;
}

static double *golden_of(const struct safetensors *golden, const char *kind,
                         const char *form, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%s", kind, form, what);
    return golden_values(golden, name);
}

static void put_vectors(struct fixture *f, const struct parameter *const *tensors,
                        size_t vectors) {
    struct error error;
    const struct layout *l = f->pool->layout;
    float *values = calloc(vectors * l->size, sizeof *values);
    assert_non_null(values);
    for (size_t k = 0; k < vectors; k++)
        for (size_t i = 0; i < l->parameter_count; i++)
            for (size_t j = 0; j < tensors[i]->count; j++)
                values[k * l->size + tensors[i]->offset + j] =
                    (float)(0.02 * cos(3 * (double)j + (double)(i + k)));
    assert_int_equal(distillation_set_vector(f->distillation, values, &error), 0);
    free(values);
}

static void check_vectors(const struct fixture *f, const struct safetensors *golden,
                          const char *kind, const char *form,
                          const struct parameter *const *tensors, size_t vectors,
                          const float *gradient) {
    double *sums = golden_of(golden, kind, form, "gradient.sum");
    double *dots = golden_of(golden, kind, form, "gradient.dot");
    double *sizes = golden_of(golden, kind, form, "gradient.size"), largest = 0;
    size_t count = f->pool->layout->parameter_count;
    for (size_t i = 0; i < vectors * count; i++)
        largest = fmax(largest, sizes[i]);
    for (size_t at = 0; at < vectors * count; at++) {
        const struct parameter *p = tensors[at % count];
        const float *d = gradient + at / count * f->pool->layout->size + p->offset;
        double sum = 0, dot = 0, size = 0;
        for (size_t j = 0; j < p->count; j++) {
            sum += (double)d[j];
            dot += (double)d[j] * cos((double)j);
            size += fabs((double)d[j]);
        }
        double allowed = TOLERANCE * (sizes[at] + 1e-3 * largest);
        if (!(fabs(sum - sums[at]) <= allowed && fabs(dot - dots[at]) <= allowed &&
              fabs(size - sizes[at]) <= allowed))
            fail_msg("%s %s: vector %zu, %s: off by %.3g, %.3g, %.3g; %.3g allowed",
                     kind, form, at / count, p->name, fabs(sum - sums[at]),
                     fabs(dot - dots[at]), fabs(size - sizes[at]), allowed);
    }
    free(sums);
    free(dots);
    free(sizes);
}

/* The routers of make_corrections.py: number i, of the tensor that has it there. */
static void put_routers(struct fixture *f, const struct parameter *const *tensors) {
    const struct layout *l = f->pool->layout;
    struct routers *r = distillation_routers(f->distillation);
    size_t m = r->modules, n = r->tasks, h = 2 * n;
    assert_int_equal(m, l->parameter_count);
    float *parts[] = {r->parameters, r->parameters + m * h * n,
                      r->parameters + m * h * n + m * h,
                      r->parameters + m * h * n + m * h + m * n * h};
    for (size_t i = 0; i < m; i++) {
        size_t row = (size_t)(tensors[i] - l->parameters);
        double x = (double)i;
        for (size_t a = 0; a < h; a++) {
            parts[1][row * h + a] = (float)(0.1 * cos(2 * x + (double)a));
            for (size_t b = 0; b < n; b++) {
                parts[0][(row * h + a) * n + b] =
                    (float)(0.3 * cos(x + 5 * (double)a + 7 * (double)b));
                parts[2][(row * n + b) * h + a] =
                    (float)(0.1 * cos(3 * x + (double)b + 2 * (double)a));
            }
        }
        for (size_t b = 0; b < n; b++)
            parts[3][row * n + b] = (float)(0.05 * cos(x + (double)b + 1));
    }
}

static void check_routers(const struct fixture *f, const struct safetensors *golden,
                          const char *kind, const struct parameter *const *tensors) {
    const struct layout *l = f->pool->layout;
    const struct routers *r = distillation_routers(f->distillation);
    const float *slopes = distillation_routers_slopes(f->distillation);
    double *expected = golden_of(golden, kind, "routers", "slopes"), largest = 0;
    size_t m = r->modules, n = r->tasks, h = 2 * n;
    const size_t sizes[] = {h * n, h, n * h, n};
    size_t all = r->count / m;
    for (size_t i = 0; i < r->count; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < m; i++) {
        size_t row = (size_t)(tensors[i] - l->parameters), at = 0, before = 0;
        for (size_t part = 0; part < 4; part++) {
            for (size_t j = 0; j < sizes[part]; j++, at++) {
                double got = (double)slopes[before + row * sizes[part] + j];
                if (!(fabs(got - expected[i * all + at]) <= 1e-4 * largest))
                    fail_msg("%s %s: number %zu of its router has %.9g, not %.9g", kind,
                             tensors[i]->name, at, got, expected[i * all + at]);
            }
            before += m * sizes[part];
        }
    }
    free(expected);
}

static void check_form(const char *kind, const char *name, enum correction_form form,
                       bool routers) {
    struct fixture f;
    struct error error;
    struct distillation_options options = options_of(form, 10);
    double losses[TASKS];
    size_t vectors = correction_count(form, TASKS);
    if (routers)
        options.beside = UPSCALE_TENSOR;
    open_fixture(&f, kind, &options);
    struct safetensors *golden = golden_open("corrections.safetensors");
    struct safetensors *first = golden_open("distillation.safetensors");
    char preference_name[32];
    snprintf(preference_name, sizeof preference_name, "%s.preference", kind);
    double *preference = golden_values(first, preference_name);
    double *expected = golden_of(golden, kind, name, "losses");
    const struct parameter **tensors = find_tensors(&f, golden, kind);
    float *gradient = calloc(vectors * f.pool->layout->size, sizeof *gradient);
    assert_non_null(gradient);
    put_vectors(&f, tensors, vectors);
    if (routers)
        put_routers(&f, tensors);
    assert_int_equal(distillation_gradient(f.distillation, preference, EXAMPLES, losses,
                                           gradient, &error),
                     0);
    for (size_t t = 0; t < TASKS; t++)
        if (!(fabs(losses[t] - expected[t]) <= TOLERANCE * expected[t]))
            fail_msg("%s %s: loss %zu is %.9g, not %.9g", kind, name, t, losses[t],
                     expected[t]);
    if (routers)
        check_routers(&f, golden, kind, tensors);
    else
        check_vectors(&f, golden, kind, name, tensors, vectors, gradient);
    free(gradient);
    free(tensors);
    free(expected);
    free(preference);
    safetensors_close(first);
    safetensors_close(golden);
    close_fixture(&f);
}

static void test_autograd(void **state) {
    (void)state;
    static const char *const kinds[] = {"clip", "vit", "gpt2"};
    for (size_t i = 0; i < 3; i++) {
        check_form(kinds[i], "task", CORRECTION_TASK, false);
        check_form(kinds[i], "pair", CORRECTION_PAIR, false);
        check_form(kinds[i], "linear", CORRECTION_LINEAR, false);
        check_form(kinds[i], "routers", CORRECTION_TASK, true);
    }
}

/* A router for a linear layer has what those of its tensors have together: each
 * module's biases move the weights of all that is in it. */
static void test_granularities(void **state) {
    (void)state;
    static const char *const kinds[] = {"clip", "gpt2"};
    const double preference[TASKS] = {0.5, 0.375, 0.125};
    double losses[TASKS];
    for (size_t k = 0; k < 2; k++) {
        struct fixture f;
        struct error error;
        struct distillation_options options = options_of(CORRECTION_ONE, 10);
        options.beside = UPSCALE_TENSOR;
        options.start = DISTILLATION_WUDI;
        open_fixture(&f, kinds[k], &options);
        const struct layout *l = f.pool->layout;
        float *gradient = malloc(l->size * sizeof *gradient);
        double *fine = calloc(l->parameter_count * (TASKS + 1), sizeof *fine);
        assert_true(gradient && fine);
        for (int pass = 0; pass < 2; pass++) {
            assert_int_equal(distillation_gradient(f.distillation, preference, EXAMPLES,
                                                   losses, gradient, &error),
                             0);
            const struct routers *r = distillation_routers(f.distillation);
            const float *bias = distillation_routers_slopes(f.distillation) + r->count -
                                r->modules * r->tasks;
            struct upscaling *u;
            assert_int_equal(upscaling_new(l, r->granularity, &u, &error), 0);
            double *coarse = calloc(u->rows * r->tasks, sizeof *coarse), largest = 0;
            for (size_t i = 0; pass == 0 && i < r->modules; i++)
                for (size_t t = 0; t < r->tasks; t++)
                    fine[i * r->tasks + t] = (double)bias[i * r->tasks + t];
            for (size_t i = 0; pass == 1 && i < l->parameter_count; i++)
                for (size_t t = 0; t < r->tasks; t++)
                    coarse[upscaling_row(u, l->parameters[i].offset) * r->tasks + t] +=
                        fine[i * r->tasks + t];
            for (size_t i = 0; i < r->modules * r->tasks; i++)
                largest = fmax(largest, fabs(coarse[i]));
            for (size_t i = 0; pass == 1 && i < r->modules * r->tasks; i++)
                assert_true(fabs(coarse[i] - (double)bias[i]) <= 1e-5 * largest);
            if (pass == 1) /* four linear layers a block, two norms, and the rest */
                assert_true(largest > 0 && r->modules > 6 * l->config.layers);
            free(coarse);
            upscaling_free(u);
            distillation_free(f.distillation);
            options.beside = UPSCALE_LINEAR;
            begin(&f, &options);
        }
        free(fine);
        free(gradient);
        close_fixture(&f);
    }
}

/* --- tensors of low rank ---------------------------------------------------------- */

enum { RANK = 2 };

/* The first block's queries, keys and values, the layer that comes first. */
struct tensor_case {
    size_t offset, rows, columns;
    const float *left, *right, *core; /* A, B, G */
};

static struct tensor_case first_layer(const struct layout *l, const float *numbers) {
    struct tensor_case c = {.offset = l->blocks[0].qkv_weight,
                            .rows = 3 * l->config.width,
                            .columns = l->config.width};
    if (l->config.conv1d) {
        c.rows = l->config.width;
        c.columns = 3 * l->config.width;
    }
    c.left = numbers;
    c.right = c.left + c.rows * RANK;
    c.core = c.right + RANK * c.columns;
    return c;
}

/* D_t by its definition, and the gradients of A, B and G by theirs. */
static void check_tensors(const char *kind) {
    struct fixture f;
    struct error error;
    struct tensor_factors *factors;
    const double r[TASKS] = {0.5, 0.375, 0.125};
    open_pool(&f, kind);
    struct backend *b = f.backend;
    const struct layout *l = f.pool->layout;
    size_t whole = TASKS * l->size;
    float *start = calloc(whole, sizeof *start), *got = calloc(whole, sizeof *got);
    float *vectors = NULL, *slope = NULL;
    assert_true(start && got);
    for (size_t i = 0; i < whole; i++)
        start[i] = (float)sin((double)i);
    assert_int_equal(
        tensor_factors_new(b, l, TASKS, RANK, 5, start, NULL, &factors, &error) ||
            b->allocate(b, whole * sizeof *got, (void **)&vectors, &error) ||
            b->allocate(b, l->size * sizeof *got, (void **)&slope, &error),
        0);
    tensor_factors_put(factors, vectors); /* G is 0 at first */
    assert_int_equal(b->download(b, got, vectors, whole * sizeof *got, &error), 0);
    assert_memory_equal(got, start, whole * sizeof *got);
    struct trained *numbers = tensor_factors_numbers(factors);
    float *values = calloc(numbers->count, sizeof *values);
    float *gradient = calloc(numbers->count, sizeof *gradient);
    assert_true(values && gradient);
    for (size_t i = 0; i < numbers->count; i++)
        values[i] = (float)cos(2 * (double)i + 1);
    assert_int_equal(trained_put(b, numbers, values, &error), 0);
    tensor_factors_put(factors, vectors);
    assert_int_equal(b->download(b, got, vectors, whole * sizeof *got, &error), 0);
    b->upload(b, slope, start, l->size * sizeof *slope); /* any numbers */
    tensor_factors_gradient(factors, slope, r);
    assert_int_equal(b->download(b, gradient, numbers->gradient,
                                 numbers->count * sizeof *gradient, &error),
                     0);
    struct tensor_case c = first_layer(l, values), d = first_layer(l, gradient);
    double left[RANK * 1024] = {0}, right[RANK * 1024] = {0};
    double core[TASKS * RANK * RANK] = {0};
    assert_true(c.rows < 1024 && c.columns < 1024);
    for (size_t t = 0; t < TASKS; t++)
        for (size_t i = 0; i < c.rows; i++)
            for (size_t j = 0; j < c.columns; j++) {
                size_t at = c.offset + i * c.columns + j;
                double made = (double)start[t * l->size + at], s = (double)start[at];
                for (size_t p = 0; p < RANK; p++)
                    for (size_t q = 0; q < RANK; q++) {
                        double a = (double)c.left[i * RANK + p];
                        double g = (double)c.core[(t * RANK + p) * RANK + q];
                        double x = (double)c.right[q * c.columns + j];
                        made += a * g * x;
                        left[i * RANK + p] += r[t] * s * g * x;
                        right[q * c.columns + j] += r[t] * s * a * g;
                        core[(t * RANK + p) * RANK + q] += r[t] * s * a * x;
                    }
                assert_true(fabs((double)got[t * l->size + at] - made) < 1e-5);
            }
    for (size_t i = 0; i < c.rows * RANK; i++)
        assert_true(fabs((double)d.left[i] - left[i]) < 1e-4);
    for (size_t i = 0; i < RANK * c.columns; i++)
        assert_true(fabs((double)d.right[i] - right[i]) < 1e-4);
    for (size_t i = 0; i < TASKS * RANK * RANK; i++)
        assert_true(fabs((double)d.core[i] - core[i]) < 1e-3);
    b->release(b, vectors);
    b->release(b, slope);
    tensor_factors_free(factors);
    assert_int_equal(
        tensor_factors_new(b, l, TASKS, 4096, 5, start, NULL, &factors, &error), -1);
    assert_non_null(strstr(error.text, "no linear layer is wider"));
    free(start);
    free(got);
    free(values);
    free(gradient);
    close_fixture(&f);
}

/* What the experts answer is theirs, wherever the vectors start: without these the
 * whole weight on a task has that task's expert, and no loss. */
static void check_answers(void) {
    struct fixture f;
    struct error error;
    double losses[TASKS];
    struct distillation_options options = options_of(CORRECTION_LINEAR, 60);
    options.start = DISTILLATION_BASE;
    options.lambda = 0.3;
    options.rank = RANK;
    open_fixture(&f, "vit", &options);
    float *zeros = calloc(TASKS * f.pool->layout->size, sizeof *zeros);
    assert_non_null(zeros);
    assert_int_equal(distillation_gradient(f.distillation, (const double[]){0, 1, 0},
                                           EXAMPLES, losses, zeros, &error),
                     0);
    assert_true(losses[1] > 1e-3);
    memset(zeros, 0, TASKS * f.pool->layout->size * sizeof *zeros);
    assert_int_equal(distillation_set_vector(f.distillation, zeros, &error), 0);
    assert_int_equal(distillation_gradient(f.distillation, (const double[]){0, 1, 0},
                                           EXAMPLES, losses, zeros, &error),
                     0);
    assert_true(fabs(losses[1]) < 1e-5 && losses[0] > 1e-3);
    free(zeros);
    close_fixture(&f);
}

/* Training them lowers the losses, and goes on from a file to the same bytes; what is
 * not in a layer stays the base's. */
static void check_tensor_runs(void) {
    struct fixture f, parts;
    char path[STATE_PATH];
    double first = 0, last = 0;
    struct distillation_options options = options_of(CORRECTION_LINEAR, 60);
    options.start = DISTILLATION_BASE;
    options.lambda = 0.3;
    options.rank = RANK;
    options.learning_rate = 0.01;
    open_fixture(&f, "vit", &options);
    float *before = vectors_of(&f, CORRECTION_LINEAR);
    const float *tau = f.backend->host_view(f.backend, f.pool->vectors);
    size_t size = f.pool->layout->size;
    for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t t = 0; t < TASKS; t++)
            sum += (double)tau[t * size + i];
        assert_true(fabs((double)before[size + i] - 0.3 * sum + (double)tau[size + i]) <
                    1e-6);
    }
    run_steps(&f, 60, &first, &last);
    assert_true(last < 0.7 * first);
    float *after = vectors_of(&f, CORRECTION_LINEAR);
    size_t norm = f.pool->layout->blocks[0].norm1_gamma;
    size_t layer = f.pool->layout->blocks[0].qkv_weight;
    assert_true(after[norm] == before[norm] && after[layer] != before[layer]);
    open_fixture(&parts, "vit", &options);
    run_steps(&parts, 30, NULL, NULL);
    save_state(&parts, path);
    go_on(&parts, &options, path);
    run_steps(&parts, 30, NULL, NULL);
    float *gone_on = vectors_of(&parts, CORRECTION_LINEAR);
    assert_memory_equal(gone_on, after, TASKS * size * sizeof *after);
    unlink(path);
    free(before);
    free(after);
    free(gone_on);
    close_fixture(&f);
    close_fixture(&parts);
}

static void test_tensors(void **state) {
    (void)state;
    check_tensors("clip");
    check_tensors("gpt2");
    check_answers();
    check_tensor_runs();
}

/* --- runs ------------------------------------------------------------------------- */

static void test_losses_fall(void **state) {
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        struct fixture f;
        double first = 0, last = 0;
        struct distillation_options options = options_of(
            kind < 3 ? (enum correction_form)(kind + 1) : CORRECTION_ONE, 60);
        options.start = DISTILLATION_WUDI;
        options.learning_rate = 0;
        options.beside = kind > 2 ? UPSCALE_LINEAR : UPSCALE_NONE;
        options.fixed = kind == 4;
        open_fixture(&f, "vit", &options);
        float *before = vectors_of(&f, options.form);
        run_steps(&f, 60, &first, &last);
        float *after = vectors_of(&f, options.form);
        assert_true(last < (kind == 4 ? 0.9 : 0.6) * first);
        assert_int_equal(memcmp(before, after, f.pool->layout->size * sizeof *after) ==
                             0,
                         kind == 4);
        free(before);
        free(after);
        close_fixture(&f);
    }
}

/* In the middle a state goes to a file, and another object goes on from it to the same
 * result. */
static void test_goes_on(void **state) {
    (void)state;
    struct fixture whole, parts;
    char path[STATE_PATH];
    void *one, *two;
    size_t size, other;
    struct distillation_options options = options_of(CORRECTION_PAIR, 6);
    options.beside = UPSCALE_ALL;
    options.average = 0.5;
    open_fixture(&whole, "vit", &options);
    run_steps(&whole, 6, NULL, NULL);
    open_fixture(&parts, "vit", &options);
    run_steps(&parts, 4, NULL, NULL);
    save_state(&parts, path);
    go_on(&parts, &options, path);
    run_steps(&parts, 2, NULL, NULL);
    result_of(&parts, &two, &other);
    result_of(&whole, &one, &size);
    assert_int_equal(size, other);
    assert_memory_equal(one, two, size);
    unlink(path);
    /* Without the average it is another run's state. */
    options.average = 0;
    distillation_free(parts.distillation);
    begin(&parts, &options);
    save_state(&parts, path);
    options.average = 0.5;
    refuse_to_go_on(&parts, &options, path);
    unlink(path);
    free(one);
    free(two);
    close_fixture(&whole);
    close_fixture(&parts);
}

/* Over all steps it is the mean of what they left, which training goes on without. */
static void test_average(void **state) {
    (void)state;
    enum { STEPS = 8 };
    struct fixture f;
    struct error error;
    struct correction_parts parts;
    void *bytes;
    size_t size;
    struct distillation_options options = options_of(CORRECTION_ONE, STEPS);
    options.average = 1;
    options.learning_rate = 0.01;
    open_fixture(&f, "vit", &options);
    size_t count = f.pool->layout->size;
    double *mean = calloc(count, sizeof *mean), distance = 0, largest = 0;
    assert_non_null(mean);
    float *last = NULL;
    for (unsigned i = 0; i < STEPS; i++) {
        run_steps(&f, 1, NULL, NULL);
        free(last);
        last = vectors_of(&f, CORRECTION_ONE);
        for (size_t j = 0; j < count; j++)
            mean[j] += (double)last[j] / STEPS;
    }
    struct trainer trainer = distillation_trainer(f.distillation);
    assert_int_equal(trainer.kind->result(trainer.self, &bytes, &size, &error), 0);
    assert_int_equal(
        correction_from_memory(bytes, size, "D", f.pool->layout, TASKS, &parts, &error),
        0);
    for (size_t j = 0; j < count; j++)
        largest = fmax(largest, fabs(mean[j]));
    for (size_t j = 0; j < count; j++) { /* to BF16's eight bits */
        assert_true(fabs((double)parts.vectors[j] - mean[j]) <=
                    fabs(mean[j]) / 256 + 1e-6 * largest);
        distance = fmax(distance, fabs((double)last[j] - mean[j]));
    }
    assert_true(distance > 0.1 * largest);
    float *now = vectors_of(&f, CORRECTION_ONE);
    assert_memory_equal(now, last, count * sizeof *now);
    free(now);
    free(last);
    free(mean);
    free(bytes);
    correction_parts_clear(&parts);
    close_fixture(&f);
}

/* --- what a correction is --------------------------------------------------------- */

static void test_weights(void **state) {
    (void)state;
    const double r[TASKS] = {0.5, 0.375, 0.125};
    double g = correction_weight(r, TASKS), all[TASKS + TASKS];
    for (int form = CORRECTION_ONE; form <= CORRECTION_WUDI; form++) {
        double sum = 0, alone[TASKS + TASKS];
        size_t count = correction_count((enum correction_form)form, TASKS);
        correction_weights((enum correction_form)form, r, TASKS, all);
        correction_weights((enum correction_form)form, (const double[]){0, 1, 0}, TASKS,
                           alone);
        assert_memory_equal(all, r, sizeof r);
        for (size_t k = 0; k < count; k++) {
            sum += all[TASKS + k];
            assert_true(form == CORRECTION_LINEAR || alone[TASKS + k] == 0);
        }
        assert_true(fabs(sum - (form == CORRECTION_LINEAR ? 1 : g)) < 1e-12);
    }
    correction_weights(CORRECTION_PAIR, r, TASKS, all);
    assert_true(fabs(all[TASKS] - 2 * 0.5 * 0.375 * 1.5) < 1e-12);
    assert_true(fabs(all[TASKS + 2] - 2 * 0.375 * 0.125 * 1.5) < 1e-12);
    assert_int_equal(correction_count(CORRECTION_PAIR, 5), 10);
}

/* W(r) of what a training left, by its definition; bytes and back give the same. */
static void check_merge(enum correction_form form, enum granularity beside) {
    struct fixture f;
    struct error error;
    void *bytes;
    size_t size;
    struct correction_parts parts;
    struct correction *correction;
    struct distillation_options options = options_of(form, 3);
    options.beside = beside;
    options.learning_rate = 0.01;
    open_fixture(&f, "vit", &options);
    run_steps(&f, 3, NULL, NULL);
    struct trainer trainer = distillation_trainer(f.distillation);
    assert_int_equal(trainer.kind->result(trainer.self, &bytes, &size, &error), 0);
    struct backend *b = f.backend;
    const struct layout *l = f.pool->layout;
    assert_int_equal(correction_from_memory(bytes, size, "D", l, 2, &parts, &error),
                     -1);
    assert_null(parts.vectors);
    if (correction_from_memory(bytes, size, "D", l, TASKS, &parts, &error))
        fail_msg("%s", error.text);
    size_t count = correction_count(form, TASKS), all = TASKS + count;
    assert_true(parts.form == form && !parts.routers == (beside == UPSCALE_NONE));
    float *vectors = vectors_of(&f, form);
    for (size_t i = 0; i < count * l->size; i++)
        assert_true(fabs((double)(parts.vectors[i] - vectors[i])) <=
                    fabs((double)vectors[i]) / 256);
    distillation_free(f.distillation);
    f.distillation = NULL;
    assert_int_equal(correction_new(f.pool, form, &correction, &error), 0);
    b->upload_real(b, correction_vector(correction), parts.vectors, count * l->size);
    struct routers *routers = parts.routers;
    if (routers) {
        assert_int_equal(correction_use_routers(correction, routers, &error), 0);
        parts.routers = NULL;
    }
    real *out;
    float *merged = malloc(l->size * sizeof *merged);
    float *made = calloc((l->parameter_count + 1) * all, sizeof *made);
    assert_true(merged && made);
    assert_int_equal(b->allocate(b, l->size * sizeof *merged, (void **)&out, &error),
                     0);
    const double preferences[2][TASKS] = {{0, 1, 0}, {0.5, 0.375, 0.125}};
    const float *base = b->host_view(b, f.pool->base);
    const float *tau = b->host_view(b, f.pool->vectors);
    double moved = 0;
    for (size_t which = 0; which < 2; which++) {
        double weights[2 * TASKS], g = correction_weight(preferences[which], TASKS);
        correction_weights(form, preferences[which], TASKS, weights);
        correction_merge(correction, preferences[which], out);
        assert_int_equal(b->download_real(b, merged, out, l->size, &error), 0);
        if (routers)
            routers_forward(routers, weights, made);
        for (size_t p = 0; p < l->parameter_count; p++) {
            const struct parameter *parameter = &l->parameters[p];
            for (size_t j = 0; j < parameter->count; j++) {
                size_t i = parameter->offset + j;
                double wanted = (double)base[i];
                for (size_t k = 0; k < all; k++)
                    wanted += (weights[k] + g * (double)made[p * all + k]) *
                              (double)tau[k * l->size + i];
                assert_true(fabs((double)merged[i] - wanted) < 1e-5);
                if (which == 0 && form != CORRECTION_LINEAR)
                    assert_true(merged[i] == base[i] + tau[l->size + i]);
            }
            const float *row = correction_row(correction, parameter->offset);
            for (size_t k = 0; k < all; k++) {
                double change = g * (double)made[p * all + k];
                assert_true(fabs((double)row[k] - weights[k] - change) < 1e-6);
                moved = fmax(moved, fabs(change));
            }
        }
    }
    assert_true(!routers || moved > 1e-4);
    b->release(b, out);
    correction_free(correction);
    correction_parts_clear(&parts);
    free(vectors);
    free(merged);
    free(made);
    free(bytes);
    close_fixture(&f);
}

static void test_merge(void **state) {
    (void)state;
    check_merge(CORRECTION_TASK, UPSCALE_NONE);
    check_merge(CORRECTION_PAIR, UPSCALE_NONE);
    check_merge(CORRECTION_LINEAR, UPSCALE_NONE);
    check_merge(CORRECTION_ONE, UPSCALE_TENSOR);
    check_merge(CORRECTION_TASK, UPSCALE_TENSOR);
}

/* The closed form at a preference, by the method of the table, and g(r) D. */
static void check_on_closed(const struct fixture *f, const struct correction *c,
                            const float *merged, const double *r, double ridge) {
    struct backend *b = f->backend;
    struct error error;
    struct merge_result closed;
    const struct layout *l = f->pool->layout;
    json_t *parameters = json_pack("{s:f, s:f}", "ridge", ridge, "shrink", 0.0);
    struct merge_input input = {.method = merge_method_find("wudi", &error),
                                .pool = f->pool,
                                .parameters = parameters,
                                .preference = r};
    assert_non_null(parameters);
    assert_int_equal(merge_run(&input, &closed, &error), 0);
    const float *base = b->host_view(b, f->pool->base);
    const float *tau = b->host_view(b, f->pool->vectors);
    const float *vector = b->host_view(b, correction_vector(c));
    const float *form = b->host_view(b, closed.vectors);
    double g = correction_weight(r, TASKS), moved = 0, apart = 0;
    for (size_t p = 0; p < l->parameter_count; p++)
        for (size_t j = 0; j < l->parameters[p].count; j++) {
            size_t i = l->parameters[p].offset + j;
            double added = g * (double)vector[i], mean = 0;
            for (size_t t = 0; t < TASKS; t++)
                mean += r[t] * (double)tau[t * l->size + i];
            assert_true(fabs((double)merged[i] - (double)(base[i] + form[i]) - added) <
                        1e-5);
            moved = fmax(moved, fabs(added));
            apart = fmax(apart, fabs((double)form[i] - mean));
        }
    assert_true(moved > 1e-3 && apart > 1e-3);
    merge_result_clear(f->pool, &closed);
    json_decref(parameters);
}

static void check_expert(const struct fixture *f, const float *merged, size_t task) {
    const struct layout *l = f->pool->layout;
    struct backend *b = f->backend;
    const float *base = b->host_view(b, f->pool->base);
    const float *tau =
        (const float *)b->host_view(b, f->pool->vectors) + task * l->size;
    for (size_t p = 0; p < l->parameter_count; p++)
        for (size_t j = 0; j < l->parameters[p].count; j++) {
            size_t i = l->parameters[p].offset + j;
            assert_true(merged[i] == base[i] + tau[i]);
        }
}

/* Three steps on the closed form; what they left, as bytes. */
static void train_on_closed(struct fixture *f, void **bytes, size_t *size) {
    struct error error;
    struct distillation_options options = options_of(CORRECTION_WUDI, 3);
    options.learning_rate = 0.01;
    open_fixture(f, "vit", &options);
    run_steps(f, 3, NULL, NULL);
    struct trainer trainer = distillation_trainer(f->distillation);
    assert_int_equal(trainer.kind->result(trainer.self, bytes, size, &error), 0);
    distillation_free(f->distillation);
    f->distillation = NULL;
}

/* Where the base is the closed form: its models are by their definition, the whole
 * weight on one task is that expert to the bit, and bytes keep the ridge, which has to
 * be one. */
static void test_closed_base(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    struct correction_parts parts;
    struct correction *correction;
    struct closed_base *closed;
    void *bytes;
    size_t size;
    real *out;
    train_on_closed(&f, &bytes, &size);
    struct backend *b = f.backend;
    const struct layout *l = f.pool->layout;
    if (correction_from_memory(bytes, size, "D", l, TASKS, &parts, &error))
        fail_msg("%s", error.text);
    assert_true(parts.form == CORRECTION_WUDI && parts.ridge > 0);
    assert_int_equal(correction_new(f.pool, parts.form, &correction, &error), 0);
    b->upload_real(b, correction_vector(correction), parts.vectors, l->size);
    assert_int_equal(closed_base_new(f.pool, parts.ridge, NULL, &closed, &error), 0);
    float *merged = malloc(l->size * sizeof *merged);
    assert_non_null(merged);
    assert_int_equal(b->allocate(b, l->size * sizeof *merged, (void **)&out, &error),
                     0);
    const double alone[TASKS] = {0, 1, 0}, r[TASKS] = {0.5, 0.375, 0.125};
    for (size_t which = 0; which < 3; which++) { /* the expert leaves nothing behind */
        const double *at = which == 1 ? alone : r;
        assert_int_equal(closed_base_merge(closed, correction, at, out, &error), 0);
        assert_int_equal(b->download_real(b, merged, out, l->size, &error), 0);
        if (at == r)
            check_on_closed(&f, correction, merged, r, parts.ridge);
        else
            check_expert(&f, merged, 1);
    }
    correction_parts_clear(&parts);
    char *ridge = strstr((char *)bytes + 8, "\"ridge\":\""); /* in its first line */
    assert_non_null(ridge);
    ridge[9] = '-';
    assert_int_equal(correction_from_memory(bytes, size, "D", l, TASKS, &parts, &error),
                     -1);
    assert_non_null(strstr(error.text, "ridge"));
    b->release(b, out);
    closed_base_free(closed);
    correction_free(correction);
    free(merged);
    free(bytes);
    close_fixture(&f);
}

/* What does not fit: a rank of several vectors, and more vectors than a merge takes. */
static void test_refused(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    struct distillation_options options = options_of(CORRECTION_PAIR, 3);
    options.rank = 2;
    open_pool(&f, "vit");
    assert_int_equal(distillation_new(f.pool, (const struct dataset *const *)f.data,
                                      &options, &f.distillation, NULL, &error),
                     -1);
    assert_non_null(strstr(error.text, "--rank is of one vector"));
    f.distillation = NULL;
    size_t tasks = f.pool->tasks;
    struct correction *correction;
    f.pool->tasks = 11; /* 55 pairs: two more than there is room for */
    assert_int_equal(correction_new(f.pool, CORRECTION_PAIR, &correction, &error), -1);
    assert_non_null(strstr(error.text, "more than there is room for"));
    f.pool->tasks = tasks;
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_autograd),    cmocka_unit_test(test_granularities),
        cmocka_unit_test(test_losses_fall), cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_tensors),     cmocka_unit_test(test_average),
        cmocka_unit_test(test_weights),     cmocka_unit_test(test_merge),
        cmocka_unit_test(test_closed_base), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
