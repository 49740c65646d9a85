/* preference FILE R...: the model of a results.db at a preference, measured: one weight
 * for each task, which add up to 1. Then where it stands beside the front of the file.
 *
 *     cc preference.c -o preference $(pkg-config --cflags --libs pwemoe)
 *     ./preference results.db 0.5 0.3 0.2 */
#include <pwemoe.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(struct pwemoe *pwemoe) {
    fprintf(stderr, "preference: %s\n", pwemoe_error(pwemoe));
    pwemoe_close(pwemoe);
    return 1;
}

/* 1 where the point is at least as good on every task. */
static int covers(const struct pwemoe *pwemoe, const double *point,
                  const struct pwemoe_figure *figures) {
    for (size_t t = 0; t < pwemoe_tasks(pwemoe); t++) {
        double ahead = point[t] - figures[t].value;
        if (pwemoe_task(pwemoe, t).maximise ? ahead < 0 : ahead > 0)
            return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    struct pwemoe *pwemoe;
    double preference[64];
    struct pwemoe_figure figures[64];
    const struct pwemoe_point *points;
    size_t count, better = 0;
    int64_t solution;
    if (argc < 3) {
        fprintf(stderr, "usage: preference FILE R...\n");
        return 2;
    }
    if (pwemoe_open(argv[1], NULL, &pwemoe))
        return failed(pwemoe);
    size_t tasks = pwemoe_tasks(pwemoe);
    if ((size_t)argc != tasks + 2) {
        fprintf(stderr, "preference: %s has %zu tasks\n", argv[1], tasks);
        pwemoe_close(pwemoe);
        return 2;
    }
    for (size_t t = 0; t < tasks; t++)
        preference[t] = strtod(argv[t + 2], NULL);
    if (pwemoe_measure(pwemoe, preference, figures, &solution) ||
        pwemoe_front(pwemoe, &points, &count))
        return failed(pwemoe);
    printf("solution %lld by %s\n", (long long)solution, pwemoe_answers(pwemoe));
    for (size_t t = 0; t < tasks; t++) {
        struct pwemoe_task task = pwemoe_task(pwemoe, t);
        printf("%-16s %6.2f %s  (%.2f to %.2f, %llu examples)\n", task.name,
               figures[t].value, task.unit, figures[t].low, figures[t].high,
               (unsigned long long)figures[t].examples);
    }
    for (size_t i = 0; i < count; i++)
        if (points[i].solution != solution)
            better += (size_t)covers(pwemoe, points[i].values, figures);
    printf("%zu models on the front, %zu of them at least as good on every task\n",
           count, better);
    pwemoe_close(pwemoe);
    return 0;
}
