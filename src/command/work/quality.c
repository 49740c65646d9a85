#include "command/work/quality.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pareto/indicators.h"
#include "results/front.h"

enum { COLUMNS_MAX = 32 };

struct quality {
    const struct invocation *invocation;
    const struct catalog *catalog;
    const struct approximation *approximation;
    struct oriented front; /* of all */
    double ideal[STORE_TASKS_MAX];
    struct output *output;
};

/* The row of these models; none where no figures of theirs are complete. */
static int add_series(struct quality *q, const char *name, const bool *take,
                      struct error *error) {
    json_t *row[COLUMNS_MAX] = {NULL};
    const struct work *work = q->invocation->work;
    struct oriented set;
    size_t table_count, n = 0;
    const struct indicator *table = indicators(&table_count);
    if (front_points(q->catalog, take, NULL, 0, &set, error))
        return -1;
    size_t count = set.count;
    int result = oriented_keep(&set, false, error);
    const struct indicator_input input = {.points = set.values,
                                          .count = set.count,
                                          .objectives = set.objectives,
                                          .reference = set.reference,
                                          .set = q->front.values,
                                          .set_count = q->front.count,
                                          .ideal = q->ideal,
                                          .approximation = q->approximation,
                                          .work = work};
    if (result == 0 && count) {
        row[n++] = output_text(name);
        row[n++] = json_integer((json_int_t)count);
        row[n++] = json_integer((json_int_t)set.count);
    }
    for (size_t i = 0; result == 0 && count && i < table_count; i++) {
        double value;
        result = indicator_measure(&table[i], &input, &value, error);
        row[n++] = result ? NULL : output_real(value);
    }
    if (result == 0 && count)
        output_row(q->output, row);
    for (size_t i = 0; result && i < n; i++)
        json_decref(row[i]);
    oriented_clear(&set);
    return result;
}

/* The front of all, and the best of each objective in it. */
static int find_front(struct quality *q, const bool *take, struct error *error) {
    if (front_points(q->catalog, take, NULL, 0, &q->front, error) ||
        oriented_keep(&q->front, true, error))
        return -1;
    for (size_t t = 0; t < q->front.objectives; t++) {
        q->ideal[t] = INFINITY;
        for (size_t i = 0; i < q->front.count; i++)
            q->ideal[t] =
                fmin(q->ideal[t], q->front.values[i * q->front.objectives + t]);
    }
    return 0;
}

static struct output *begin(const struct invocation *invocation, struct error *error) {
    struct output_column columns[COLUMNS_MAX] = {
        {"series", IN_ALL, 0}, {"points", IN_ALL, 0}, {"nondominated", IN_ALL, 0}};
    size_t count;
    const struct indicator *table = indicators(&count);
    for (size_t i = 0; i < count; i++)
        columns[3 + i] = (struct output_column){table[i].name, IN_ALL, -1};
    return output_new(invocation->common->format, false, columns, 3 + count, error);
}

int quality_print(const struct invocation *invocation, const struct catalog *catalog,
                  const bool *take, const struct approximation *how,
                  struct error *error) {
    struct quality q = {
        .invocation = invocation, .catalog = catalog, .approximation = how};
    bool *of_series = array_new(catalog->count, sizeof *of_series);
    int result = of_series ? find_front(&q, take, error) : error_memory(error);
    if (result == 0)
        result = (q.output = begin(invocation, error)) ? 0 : -1;
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++) {
        for (size_t i = 0; i < catalog->count; i++)
            of_series[i] = take[i] && catalog->solutions[i].series == s;
        result = add_series(&q, catalog->series[s].name, of_series, error);
    }
    if (result == 0)
        result = add_series(&q, "all of these", take, error);
    if (result == 0)
        result = output_end(q.output, error);
    else
        output_free(q.output);
    oriented_clear(&q.front);
    free(of_series);
    return result;
}
