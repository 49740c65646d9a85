#include "results/catalog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Two preferences are the same where no weight differs by more. */
#define SAME 1e-9

static bool same_preference(const double *a, const double *b, size_t tasks) {
    for (size_t t = 0; t < tasks; t++)
        if (fabs(a[t] - b[t]) > SAME)
            return false;
    return true;
}

int64_t catalog_answerer(const struct store_solution *solution) {
    if (!solution->preference)
        return 0;
    if (solution->routers) /* with each task's own head */
        return strcmp(solution->parameters, "{}") ? 0 : solution->routers;
    if (solution->kind != STORE_KIND_MERGE ||
        store_method_role(solution->method) != STORE_ROLE_CLOSED_FORM)
        return 0;
    for (int64_t closed = CATALOG_CLOSED_FORM; closed >= CATALOG_CLOSED_FITTED;
         closed--)
        if (strcmp(solution->parameters, catalog_parameters(closed)) == 0)
            return closed;
    return 0;
}

const char *catalog_parameters(int64_t answerer) {
    return answerer == CATALOG_CLOSED_FORM ? "{\"ridge\":0,\"shrink\":0.3}"
           : answerer == CATALOG_CLOSED_FITTED
               ? "{\"heads\":\"fitted\",\"ridge\":0,\"shrink\":0.3}"
               : "{}";
}

/* Weights of powers of a number that no fraction is a multiple of, so that points of a
 * grid seldom have the same sum; the powers are below 1, so that preferences which are
 * the same differ by less than tasks * SAME. */
static double key_of(const double *preference, size_t tasks) {
    double power = 1, sum = 0;
    for (size_t t = 0; t < tasks; t++, power *= 0.7548776662466927)
        sum += power * preference[t];
    return sum;
}

static int by_answer(const void *a, const void *b) {
    const struct catalog_answer *p = a, *q = b;
    if (p->answerer != q->answerer)
        return p->answerer < q->answerer ? -1 : 1;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

int catalog_index(struct catalog *catalog) {
    struct catalog_answer *answers = array_new(catalog->count, sizeof *answers);
    size_t count = 0;
    if (!answers)
        return -1;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        int64_t answerer = catalog_answerer(solution);
        if (answerer)
            answers[count++] = (struct catalog_answer){
                answerer, key_of(solution->preference, catalog->tasks), i};
    }
    if (count)
        qsort(answers, count, sizeof *answers, by_answer);
    free(catalog->answers);
    catalog->answers = answers;
    catalog->answer_count = count;
    return 0;
}

/* The first of answers that is not before this answerer and key. */
static size_t first_answer(const struct catalog *catalog, int64_t answerer,
                           double key) {
    size_t low = 0, high = catalog->answer_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct catalog_answer *a = &catalog->answers[middle];
        if (a->answerer < answerer || (a->answerer == answerer && a->key < key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t catalog_find(const struct catalog *catalog, const double *preference,
                    int64_t routers) {
    double key = key_of(preference, catalog->tasks);
    double near = SAME * (double)(catalog->tasks + 1);
    size_t found = SIZE_MAX;
    if (!routers)
        return SIZE_MAX;
    for (size_t i = first_answer(catalog, routers, key - near);
         i < catalog->answer_count && catalog->answers[i].answerer == routers &&
         catalog->answers[i].key <= key + near;
         i++) {
        size_t row = catalog->answers[i].row;
        if ((found == SIZE_MAX || row > found) &&
            same_preference(catalog->rows[row].solution.preference, preference,
                            catalog->tasks))
            found = row;
    }
    return found;
}

size_t catalog_nearest(const struct catalog *catalog, const double *preference,
                       int64_t routers, bool front_only) {
    size_t nearest = SIZE_MAX;
    double best = INFINITY;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (!routers || catalog_answerer(solution) != routers ||
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

const struct store_run *catalog_curve_run(const struct catalog *catalog) {
    for (size_t i = 0; i < catalog->run_count; i++)
        if (catalog->runs[i].id == catalog->curve_run)
            return &catalog->runs[i];
    return NULL;
}

bool catalog_any_trained(const struct catalog *catalog) {
    for (size_t i = 0; i < catalog->run_count; i++)
        if (catalog->run_routers[i])
            return true;
    return false;
}

char *catalog_routers_text(const struct catalog *catalog, int64_t routers, char *out,
                           size_t size) {
    const struct store_run *run = catalog_run_of(catalog, routers);
    if (catalog_is_closed(routers))
        snprintf(out, size, "%sclosed form %s%s",
                 catalog_any_trained(catalog) ? "" : "none trained, ",
                 store_role_name(STORE_ROLE_CLOSED_FORM),
                 routers == CATALOG_CLOSED_FITTED ? ", heads fitted" : "");
    else if (!run)
        snprintf(out, size, "%s",
                 routers ? "routers of an earlier step" : "no routers");
    else if (run->complete)
        snprintf(out, size, "%s %s, %u steps", run->method, run->upscale, run->steps);
    else
        snprintf(out, size, "%s %s, step %u of %u", run->method, run->upscale,
                 run->steps_done, run->steps);
    return out;
}

/* Is no other solution of its series there? */
static bool is_alone(const struct catalog *catalog, size_t row) {
    for (size_t b = 0; b < catalog->beside_count; b++)
        if (catalog->besides[b] != row &&
            catalog->solutions[catalog->besides[b]].series ==
                catalog->solutions[row].series)
            return false;
    return true;
}

char *catalog_row_text(const struct catalog *catalog, size_t row, char *out,
                       size_t size) {
    const struct store_solution *solution = &catalog->rows[row].solution;
    const struct solution *known = &catalog->solutions[row];
    const char *name = catalog_series(catalog, row)->name;
    bool labelled = solution->label && solution->label[0];
    /* The label of what was trained is its folder; a model from elsewhere has no other
     * name. */
    bool trained = solution->kind == STORE_KIND_TRAIN &&
                   !store_method_is(solution->method, "model");
    if (trained && labelled && !is_alone(catalog, row))
        snprintf(out, size, "%s (%s)", name, solution->label);
    else if (labelled && !trained)
        snprintf(out, size, "%s", solution->label);
    else if (!isnan(known->scale))
        snprintf(out, size, "%s %.2g", name, known->scale);
    else
        snprintf(out, size, "%s", name);
    return out;
}
