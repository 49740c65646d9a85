#include "results/catalog.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/pareto.h"

/* The marks that methods go by. */
static const struct {
    const char *method;
    const char *name;
    enum mark mark;
    unsigned ink;
} methods[] = {
    {"pretrained", "pretrained", MARK_PRETRAINED, INK_SERIES + 5},
    {"stl", "STL, own experts", MARK_STL, INK_SERIES + 0},
    {"average", "simple average", MARK_AVERAGE, INK_SERIES + 2},
    {"task-arithmetic", "task arithmetic", MARK_ARITHMETIC, INK_SERIES + 1},
    {"ties", "TIES", MARK_TIES, INK_SERIES + 3},
    {"fisher", "Fisher merging", MARK_FISHER, INK_SERIES + 4},
    {"regmean", "RegMean", MARK_REGMEAN, INK_SERIES + 0},
};

/* Which series a row belongs to. */
static void describe(const struct store_row *row, struct series *series) {
    const struct store_solution *solution = &row->solution;
    *series = (struct series){.mark = MARK_OTHER, .ink = INK_SERIES + 5};
    if (solution->routers || solution->kind == STORE_KIND_PWEMOE) {
        series->routers = true;
        series->mark = MARK_FRONT;
        series->ink = INK_FRONT;
        snprintf(series->key, sizeof series->key, "routers %.30s %.30s",
                 solution->method, row->upscale);
        if (!strcmp(row->upscale, STORE_CORRECTION))
            snprintf(series->name, sizeof series->name, "correction %.30s",
                     solution->method);
        else
            snprintf(series->name, sizeof series->name, "routers %.30s %.30s",
                     solution->method, row->upscale);
        return;
    }
    snprintf(series->key, sizeof series->key, "%.30s %.50s",
             store_kind_name(solution->kind), solution->method);
    if (solution->kind == STORE_KIND_TRAIN) {
        series->mark = MARK_TRAINED;
        snprintf(series->name, sizeof series->name, "trained whole, %.50s",
                 solution->method);
        return;
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (!strcmp(solution->method, methods[i].method)) {
            series->mark = methods[i].mark;
            series->ink = (enum ink)methods[i].ink;
            series->several = store_method_role(solution->method) == STORE_ROLE_EXPERTS;
            snprintf(series->name, sizeof series->name, "%s", methods[i].name);
            return;
        }
    snprintf(series->name, sizeof series->name, "%.30s %.50s", solution->method,
             solution->kind == STORE_KIND_IMPORT ? "(imported)" : "");
}

static double scale_of(const char *parameters) {
    if (!parameters || !strstr(parameters, "\"scale\""))
        return NAN;
    json_t *object = json_loads(parameters, 0, NULL);
    json_t *scale = json_object_get(object, "scale");
    double value = json_is_number(scale) ? json_number_value(scale) : NAN;
    json_decref(object);
    return value;
}

static int order_series(const void *a, const void *b) {
    const struct series *x = a, *y = b;
    if (x->routers != y->routers)
        return x->routers ? -1 : 1;
    if (x->mark != y->mark)
        return x->mark < y->mark ? -1 : 1;
    return strcmp(x->key, y->key);
}

/* The number of the row's series, which is made where it is the first; SIZE_MAX when
 * memory is out. */
static size_t find_series(struct catalog *catalog, const struct store_row *row,
                          size_t *capacity) {
    struct series series;
    size_t found = 0;
    describe(row, &series);
    while (found < catalog->series_count &&
           strcmp(catalog->series[found].key, series.key))
        found++;
    if (found == catalog->series_count) {
        if (array_reserve((void **)&catalog->series, capacity, found + 1,
                          sizeof *catalog->series))
            return SIZE_MAX;
        catalog->series[catalog->series_count++] = series;
    }
    return found;
}

static bool same_series(const struct store_row *a, const struct store_row *b) {
    return a->solution.kind == b->solution.kind &&
           store_method_is(a->solution.method, b->solution.method) &&
           !strcmp(a->upscale, b->upscale) &&
           !a->solution.routers == !b->solution.routers;
}

static int make_series(struct catalog *catalog) {
    size_t capacity = 0, place = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        if (i == 0 || !same_series(&catalog->rows[i], &catalog->rows[i - 1]))
            place = find_series(catalog, &catalog->rows[i], &capacity);
        if (place == SIZE_MAX)
            return -1;
        catalog->solutions[i].series = place;
        catalog->series[place].count++;
    }
    size_t count = catalog->series_count, *moved = array_new(count, sizeof *moved);
    struct series *sorted = array_new(count, sizeof *sorted);
    if (!moved || !sorted) {
        free(moved);
        free(sorted);
        return -1;
    }
    if (count) {
        memcpy(sorted, catalog->series, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, order_series);
    }
    for (size_t old = 0; old < count; old++)
        while (strcmp(sorted[moved[old]].key, catalog->series[old].key))
            moved[old]++;
    for (size_t i = 0; i < catalog->count; i++)
        catalog->solutions[i].series = moved[catalog->solutions[i].series];
    free(catalog->series);
    catalog->series = sorted;
    free(moved);
    return 0;
}

/* a value turned so that less is better */
static double turned(const struct catalog *catalog, size_t objective, double value) {
    return catalog->recipe->tasks[objective].objective.maximise ? -value : value;
}

/* The knee: the point of the front farthest from the plane through its best
 * points of each objective, objectives scaled to [0, 1] over the front (Das 1999,
 * normal-boundary intersection). Over that scale the plane is sum = constant. */
static void mark_knee(struct catalog *catalog) {
    size_t tasks = catalog->tasks, members = 0, knee = SIZE_MAX;
    double low[STORE_TASKS_MAX], high[STORE_TASKS_MAX], best = 0, worst = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        if (!catalog->solutions[i].front)
            continue;
        for (size_t t = 0; t < tasks; t++) {
            double value = turned(catalog, t, catalog_value(catalog, i, t));
            if (!members || value < low[t])
                low[t] = value;
            if (!members || value > high[t])
                high[t] = value;
        }
        members++;
    }
    if (members < 3)
        return;
    for (size_t i = 0; i < catalog->count; i++) {
        if (!catalog->solutions[i].front)
            continue;
        double sum = 0;
        for (size_t t = 0; t < tasks; t++)
            if (high[t] > low[t])
                sum += (turned(catalog, t, catalog_value(catalog, i, t)) - low[t]) /
                       (high[t] - low[t]);
        if (knee == SIZE_MAX || sum < best) {
            best = sum;
            knee = i;
        }
        if (sum > worst)
            worst = sum;
    }
    /* A straight front bends nowhere. */
    if (knee != SIZE_MAX && worst - best > 0.05)
        catalog->solutions[knee].knee = true;
}

static int mark_front(struct catalog *catalog, struct error *error) {
    size_t tasks = catalog->tasks, count = 0;
    size_t *rows = array_new(catalog->count, sizeof *rows);
    double *points = array_new(catalog->count, tasks * sizeof *points);
    bool *keep = array_new(catalog->count, sizeof *keep);
    int result = -1;
    if (!rows || !points || !keep) {
        error_memory(error);
        goto done;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        struct solution *solution = &catalog->solutions[i];
        if (!solution->whole || solution->stale ||
            !store_kind_merged(catalog->rows[i].solution.kind))
            continue;
        for (size_t t = 0; t < tasks; t++)
            points[count * tasks + t] =
                turned(catalog, t, catalog_value(catalog, i, t));
        rows[count++] = i;
    }
    if (count && pareto_filter(points, count, tasks, false, keep, error) < 0)
        goto done;
    for (size_t i = 0; i < count; i++)
        catalog->solutions[rows[i]].front = keep[i];
    mark_knee(catalog);
    result = 0;
done:
    free(rows);
    free(points);
    free(keep);
    return result;
}

static bool better(const struct catalog *catalog, size_t t, double a, double b) {
    return isnan(b) || turned(catalog, t, a) < turned(catalog, t, b);
}

static void find_baselines(struct catalog *catalog) {
    for (size_t t = 0; t < catalog->tasks; t++) {
        catalog->stl[t] = catalog->pretrained[t] = catalog->best[t] = NAN;
        catalog->best_row[t] = SIZE_MAX;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (catalog->solutions[i].stale ||
            catalog->series[catalog->solutions[i].series].routers)
            continue;
        for (size_t t = 0; t < catalog->tasks; t++) {
            double value = catalog_value(catalog, i, t);
            if (isnan(value) || !catalog_settled(catalog, i, t))
                continue;
            enum store_role role = store_method_role(solution->method);
            if (role == STORE_ROLE_EXPERTS) {
                catalog->stl[t] = value;
            } else if (role == STORE_ROLE_PRETRAINED) {
                catalog->pretrained[t] = value;
            } else if (solution->kind == STORE_KIND_MERGE &&
                       better(catalog, t, value, catalog->best[t])) {
                catalog->best[t] = value;
                catalog->best_row[t] = i;
            }
        }
    }
}

static void take_values(struct catalog *catalog, size_t row) {
    const struct store_row *from = &catalog->rows[row];
    struct solution *solution = &catalog->solutions[row];
    double *values = catalog->values + row * catalog->tasks;
    solution->whole = true;
    for (size_t t = 0; t < catalog->tasks; t++) {
        const struct store_evaluation *evaluation = &from->evaluations[t];
        bool known = evaluation->present && isfinite(evaluation->value);
        values[t] = known ? evaluation->value : NAN;
        solution->whole =
            solution->whole && known && (evaluation->complete || evaluation->imported);
        solution->stale = solution->stale || (known && evaluation->stale);
    }
}

int catalog_derive(struct catalog *catalog, const struct solution *known,
                   struct error *error) {
    size_t count = catalog->count, tasks = catalog->tasks, cells;
    catalog->solutions = array_new(count, sizeof *catalog->solutions);
    if (size_multiply(count, tasks, &cells))
        catalog->values = array_new(cells, sizeof *catalog->values);
    catalog->stl = array_new(tasks, sizeof *catalog->stl);
    catalog->pretrained = array_new(tasks, sizeof *catalog->pretrained);
    catalog->best = array_new(tasks, sizeof *catalog->best);
    catalog->best_row = array_new(tasks, sizeof *catalog->best_row);
    if (!catalog->solutions || !catalog->values || !catalog->stl ||
        !catalog->pretrained || !catalog->best || !catalog->best_row ||
        make_series(catalog))
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        struct solution *solution = &catalog->solutions[i];
        solution->scale = scale_of(catalog->rows[i].solution.parameters);
        take_values(catalog, i);
        if (known) {
            solution->front = known[i].front;
            solution->knee = known[i].knee;
        }
    }
    if (!known && mark_front(catalog, error))
        return -1;
    find_baselines(catalog);
    return 0;
}

static bool same_preference(const double *a, const double *b, size_t tasks) {
    for (size_t t = 0; t < tasks; t++)
        if (fabs(a[t] - b[t]) > 1e-9)
            return false;
    return true;
}

size_t catalog_find(const struct catalog *catalog, const double *preference,
                    int64_t routers) {
    for (size_t i = catalog->count; i-- > 0;) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (solution->routers == routers && solution->preference &&
            same_preference(solution->preference, preference, catalog->tasks))
            return i;
    }
    return SIZE_MAX;
}

size_t catalog_nearest(const struct catalog *catalog, const double *preference,
                       int64_t routers, bool front_only) {
    size_t nearest = SIZE_MAX;
    double best = INFINITY;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (solution->routers != routers || !solution->preference ||
            !catalog->solutions[i].whole || catalog->solutions[i].stale ||
            (front_only && !catalog->solutions[i].front))
            continue;
        double distance = 0;
        for (size_t t = 0; t < catalog->tasks; t++) {
            double d = solution->preference[t] - preference[t];
            distance += d * d;
        }
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    return nearest;
}

const struct store_run *catalog_run_of(const struct catalog *catalog, int64_t routers) {
    for (size_t i = 0; i < catalog->run_count; i++)
        if (catalog->run_routers[i] == routers && routers)
            return &catalog->runs[i];
    return NULL;
}

const struct routers *catalog_network_of(const struct catalog *catalog,
                                         int64_t routers) {
    for (size_t i = 0; i < catalog->run_count; i++)
        if (catalog->run_routers[i] == routers && routers)
            return catalog->run_networks[i];
    return NULL;
}

int64_t catalog_default_routers(const struct catalog *catalog) {
    int64_t complete = 0, any = 0, complete_run = 0, any_run = 0;
    for (size_t i = 0; i < catalog->run_count; i++) {
        if (!catalog->run_routers[i])
            continue;
        if (catalog->runs[i].complete && catalog->runs[i].id > complete_run) {
            complete_run = catalog->runs[i].id;
            complete = catalog->run_routers[i];
        }
        if (catalog->runs[i].id > any_run) {
            any_run = catalog->runs[i].id;
            any = catalog->run_routers[i];
        }
    }
    return complete ? complete : any;
}

char *catalog_routers_text(const struct catalog *catalog, int64_t routers, char *out,
                           size_t size) {
    const struct store_run *run = catalog_run_of(catalog, routers);
    if (!run)
        snprintf(out, size, "%s",
                 routers ? "routers of an earlier step" : "no routers");
    else if (run->complete)
        snprintf(out, size, "%s %s, %u steps", run->method, run->upscale, run->steps);
    else
        snprintf(out, size, "%s %s, step %u of %u", run->method, run->upscale,
                 run->steps_done, run->steps);
    return out;
}

char *catalog_row_text(const struct catalog *catalog, size_t row, char *out,
                       size_t size) {
    const struct store_solution *solution = &catalog->rows[row].solution;
    const struct solution *known = &catalog->solutions[row];
    const char *name = catalog->series[known->series].name;
    if (solution->label && solution->label[0])
        snprintf(out, size, "%s", solution->label);
    else if (!isnan(known->scale))
        snprintf(out, size, "%s %.2g", name, known->scale);
    else
        snprintf(out, size, "%s", name);
    return out;
}

/* Sorting by column a (turned, rising), then b. */
struct pair_point {
    double a, b;
    size_t row;
};

static int order_pair(const void *x, const void *y) {
    const struct pair_point *p = x, *q = y;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return p->b < q->b ? -1 : p->b > q->b;
}

size_t catalog_pair_front(const struct catalog *catalog, const bool *visible, size_t a,
                          size_t b, size_t *out) {
    struct pair_point *points = array_new(catalog->count, sizeof *points);
    size_t count = 0, kept = 0;
    bool ours = false;
    if (!points)
        return 0;
    for (size_t s = 0; s < catalog->series_count; s++)
        ours = ours || (visible[s] && catalog->series[s].routers);
    for (size_t i = 0; i < catalog->count; i++) {
        const struct series *series = &catalog->series[catalog->solutions[i].series];
        double x = catalog_value(catalog, i, a), y = catalog_value(catalog, i, b);
        if (!visible[catalog->solutions[i].series] || series->several ||
            (ours && !series->routers) || catalog->solutions[i].stale || isnan(x) ||
            isnan(y) || !catalog_settled(catalog, i, a) ||
            !catalog_settled(catalog, i, b))
            continue;
        points[count++] =
            (struct pair_point){turned(catalog, a, x), turned(catalog, b, y), i};
    }
    if (count)
        qsort(points, count, sizeof *points, order_pair);
    double best = INFINITY;
    for (size_t i = 0; i < count; i++)
        if (points[i].b < best) {
            best = points[i].b;
            out[kept++] = points[i].row;
        }
    free(points);
    return kept;
}
