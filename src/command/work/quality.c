#include "command/work/quality.h"

#include <math.h>

#include "pareto/indicators.h"
#include "results/by_series.h"
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

/* The row of these points, whose front is left of them; none where there are none. */
static int add_set(struct quality *q, const char *name, struct oriented *set,
                   struct error *error) {
    json_t *row[COLUMNS_MAX] = {NULL};
    const struct work *work = q->invocation->work;
    size_t table_count, n = 0, count = set->count;
    const struct indicator *table = indicators(&table_count);
    int result = oriented_keep(set, false, error);
    const struct indicator_input input = {.points = set->values,
                                          .count = set->count,
                                          .objectives = set->objectives,
                                          .reference = set->reference,
                                          .set = q->front.values,
                                          .set_count = q->front.count,
                                          .ideal = q->ideal,
                                          .approximation = q->approximation,
                                          .work = work};
    if (result == 0 && count) {
        row[n++] = output_text(name);
        row[n++] = json_integer((json_int_t)count);
        row[n++] = json_integer((json_int_t)set->count);
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
    return result;
}

static int add_series(struct quality *q, const struct by_series *by, size_t series,
                      struct error *error) {
    struct oriented set;
    size_t begin = by->begins[series];
    if (front_points_of(q->catalog, by->rows + begin, by->begins[series + 1] - begin,
                        &set, error))
        return -1;
    int result = add_set(q, q->catalog->series[series].name, &set, error);
    oriented_clear(&set);
    return result;
}

static int add_all(struct quality *q, const bool *take, struct error *error) {
    struct oriented set;
    if (front_points(q->catalog, take, NULL, 0, &set, error))
        return -1;
    int result = add_set(q, "all of these", &set, error);
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
    struct by_series by = {0};
    int result =
        by_series_make(&by, catalog, take, error) || find_front(&q, take, error) ? -1
                                                                                 : 0;
    if (result == 0)
        result = (q.output = begin(invocation, error)) ? 0 : -1;
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++)
        result = add_series(&q, &by, s, error);
    if (result == 0)
        result = add_all(&q, take, error);
    if (result == 0)
        result = output_end(q.output, error);
    else
        output_free(q.output);
    oriented_clear(&q.front);
    by_series_clear(&by);
    return result;
}
