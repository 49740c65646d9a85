/* The demo's front through the evaluator, on the device and on the CPU; and an export
 * of what the device made. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compare.h"
#include "eval/evaluator.h"

/* Percent points by which a task's accuracy may differ in bf16 or fp8, ties or not:
 * what a difference would cost a user. */
static const double points_bf16 = 2, points_fp8 = 4;

static int open_evaluator(const struct comparison *c, bool tested,
                          struct evaluator **evaluator, struct error *error) {
    struct evaluator_options options = {.device = tested ? c->device : "cpu",
                                        .precision =
                                            tested ? c->precision : PRECISION_F32,
                                        .threads = tested ? c->threads : c->against,
                                        .limit = c->limit,
                                        .split = "test"};
    char note[256];
    return evaluator_open(c->recipe, c->folder, &options, evaluator, note, NULL, error);
}

/* Runs the evaluation that was begun to its end. */
static int finish(struct evaluator *e, struct running *running, struct error *error) {
    int state;
    do
        state = evaluator_step(e, running, error);
    while (state == 0);
    return state < 0 ? -1 : 0;
}

static int measure(struct evaluator *e, const double *preference,
                   struct running *running, struct error *error) {
    return evaluator_begin_preference(e, preference, error) || finish(e, running, error)
               ? -1
               : 0;
}

/* Figures of one model by both, task by task. */
static void compare_figures(struct comparison *c, const char *what, unsigned index,
                            const struct running *cpu, const struct running *tested) {
    const struct compare_ties *found = &compare_ties[index];
    double loss = 0, points = 0;
    bool good = true;
    size_t count = 0;
    for (size_t t = 0; t < c->tasks; t++) {
        size_t a = cpu[t].correct, b = tested[t].correct;
        size_t differ = a > b ? a - b : b - a;
        count += differ;
        good = good && cpu[t].examples == tested[t].examples && tested[t].complete &&
               differ <= found->ties[t];
        loss = fmax(loss, fabs(cpu[t].loss - tested[t].loss));
        points = fmax(points, fabs(cpu[t].value - tested[t].value));
    }
    double most = c->precision == PRECISION_FP8 ? points_fp8 : points_bf16;
    if (c->precision != PRECISION_F32)
        good = good && points <= fmax(most, 100.0 / (double)cpu[0].examples);
    compare_verdict(
        c, good,
        "%s at preference %u: %.2f percent points at most (%zu examples differ)", what,
        index, points, count);
    compare_verdict(c, loss <= found->loss,
                    "%s at preference %u: losses differ by %.3g at most, %.3g is "
                    "allowed",
                    what, index, loss, found->loss);
}

/* The model that the device has made now, exported and read by the CPU: it is the one
 * that was measured, and scores the same. */
static int compare_export(struct comparison *c, struct evaluator *tested,
                          struct evaluator *cpu, const double *preference,
                          unsigned index, struct error *error) {
    char base[512], hash[SHA256_HEX], again[SHA256_HEX];
    struct running running[POOL_TASKS_MAX], read[POOL_TASKS_MAX];
    struct store_evaluation figures[POOL_TASKS_MAX];
    const char *temporary = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/pwemoe-compare-XXXXXX",
             temporary ? temporary : "/tmp");
    if (!mkdtemp(base))
        return error_set(error, "%s: no folder can be made", base);
    char *path = text_format("%s/model", base);
    struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                      .method = (char *)"ls",
                                      .parameters = (char *)"{}",
                                      .label = (char *)"",
                                      .preference = (double *)(uintptr_t)preference};
    int result = -1;
    if (!path) {
        error_memory(error);
        goto done;
    }
    if (measure(tested, preference, running, error) ||
        evaluator_model_sha256(tested, hash, NULL, error))
        goto done;
    evaluator_results(tested, figures);
    memcpy(solution.model_sha256, hash, sizeof hash);
    if (evaluator_export(tested, path, &solution, figures, -1, NULL, NULL, error) ||
        evaluator_begin_directory(cpu, path, error) || finish(cpu, read, error) ||
        evaluator_model_sha256(cpu, again, NULL, error))
        goto done;
    compare_verdict(c, strcmp(hash, again) == 0,
                    "export: the tensors written are those that were measured");
    compare_figures(c, "exported model on the CPU", index, read, running);
    result = 0;
done:
    free(path);
    /* Only what export writes lies there. */
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    if (system(command) != 0)
        fprintf(stderr, "%s is left over\n", base);
    return result;
}

int compare_front(struct comparison *c, struct error *error) {
    struct evaluator *cpu = NULL, *tested = NULL;
    double preference[POOL_TASKS_MAX];
    struct running a[POOL_TASKS_MAX], b[POOL_TASKS_MAX];
    int result = -1;
    if (open_evaluator(c, false, &cpu, error) ||
        open_evaluator(c, true, &tested, error) ||
        evaluator_use_routers(cpu, c->routers.blob, c->routers.size, error) ||
        evaluator_use_routers(tested, c->routers.blob, c->routers.size, error))
        goto done;
    /* Twice: what the first time kept (inputs of the first block, recordings) serves
     * the second. */
    for (unsigned i = 0; i < 2 * c->preferences; i++) {
        unsigned index = i % c->preferences;
        compare_preference(c, index, preference);
        if (measure(cpu, preference, a, error) || measure(tested, preference, b, error))
            goto done;
        compare_figures(c, i < c->preferences ? "front" : "front again", index, a, b);
    }
    compare_preference(c, 0, preference);
    result = compare_export(c, tested, cpu, preference, 0, error);
    if (result == 0 && strncmp(c->device, "cuda", 4) == 0)
        compare_verdict(c, strncmp(evaluator_device(tested), "cuda", 4) == 0,
                        "all that was done by %s", evaluator_device(tested));
done:
    evaluator_close(cpu);
    evaluator_close(tested);
    return result;
}
