#include "train/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/golden.h"

void open_pool(struct fixture *f, const char *kind) {
    *f = (struct fixture){0};
    golden_pool(kind, 2, &f->backend, &f->pool);
    for (size_t t = 0; t < TASKS; t++)
        f->data[t] = golden_task_examples(kind, f->pool, t, EXAMPLES + (t == 0));
}

struct distillation_options options_of(enum correction_form form, uint64_t steps) {
    return (struct distillation_options){.start = DISTILLATION_ZERO,
                                         .alpha = 1,
                                         .learning_rate = 1e-3,
                                         .steps = steps,
                                         .batch = EXAMPLES,
                                         .form = form,
                                         .layers = 2,
                                         .router_rate = 0.01,
                                         .seed = 5};
}

void begin(struct fixture *f, const struct distillation_options *options) {
    struct error error;
    if (distillation_new(f->pool, (const struct dataset *const *)f->data, options,
                         &f->distillation, NULL, &error))
        fail_msg("%s", error.text);
}

void open_fixture(struct fixture *f, const char *kind,
                  const struct distillation_options *options) {
    open_pool(f, kind);
    begin(f, options);
}

void make_many(struct fixture *f) {
    for (size_t t = 0; t < TASKS; t++)
        golden_multiply(f->data[t], MANY, t);
}

void open_many(struct fixture *f, const struct distillation_options *options) {
    open_pool(f, "vit");
    make_many(f);
    begin(f, options);
}

void close_fixture(struct fixture *f) {
    distillation_free(f->distillation);
    for (size_t t = 0; t < TASKS; t++)
        dataset_close(f->data[t]);
    pool_close(f->pool);
    backend_close(f->backend);
}

void run_steps(struct fixture *f, unsigned steps, double *first, double *last) {
    struct trainer trainer = distillation_trainer(f->distillation);
    struct error error;
    for (unsigned i = 0; i < steps; i++) {
        double losses[TASKS], sum = 0;
        if (trainer.kind->step(trainer.self, losses, &error))
            fail_msg("%s", error.text);
        for (size_t t = 0; t < TASKS; t++)
            sum += losses[t];
        if (i < 5 && first)
            *first += sum;
        if (i + 5 >= steps && last)
            *last += sum;
    }
}

static const char note[] = "a note";

void save_state(const struct fixture *f, char path[STATE_PATH]) {
    struct trainer trainer = distillation_trainer(f->distillation);
    struct error error;
    snprintf(path, STATE_PATH, "/tmp/pwemoe-distillation-XXXXXX");
    int handle = mkstemp(path);
    assert_true(handle >= 0);
    close(handle);
    if (trainer.kind->save_file(trainer.self, path, note, &error))
        fail_msg("%s", error.text);
}

static int resume(struct fixture *f, const struct distillation_options *options,
                  const char *path, char **told, struct error *error) {
    distillation_free(f->distillation);
    begin(f, options);
    struct trainer trainer = distillation_trainer(f->distillation);
    return trainer.kind->resume_file(trainer.self, path, told, error);
}

void go_on(struct fixture *f, const struct distillation_options *options,
           const char *path) {
    struct error error;
    char *told;
    if (resume(f, options, path, &told, &error))
        fail_msg("%s", error.text);
    assert_string_equal(told, note);
    free(told);
}

void refuse_to_go_on(struct fixture *f, const struct distillation_options *options,
                     const char *path) {
    struct error error;
    char *told;
    assert_int_equal(resume(f, options, path, &told, &error), -1);
    assert_null(told);
    assert_non_null(strstr(error.text, "is not the state of such a run"));
}

float *vectors_of(const struct fixture *f, enum correction_form form) {
    struct error error;
    float *vectors =
        calloc(correction_count(form, TASKS) * f->pool->layout->size, sizeof *vectors);
    assert_non_null(vectors);
    assert_int_equal(distillation_vector(f->distillation, vectors, &error), 0);
    return vectors;
}

void result_of(struct fixture *f, void **bytes, size_t *size) {
    struct trainer trainer = distillation_trainer(f->distillation);
    struct error error;
    if (trainer.kind->result(trainer.self, bytes, size, &error))
        fail_msg("%s", error.text);
    assert_non_null(*bytes);
}
