#include "state/solution_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"
#include "results/filter.h"
#include "results/row.h"
#include "state/space.h"

/* --- what each column says ------------------------------------------------------- */

enum standing { KNEE, FRONT, DOMINATED, BESIDE, PARTIAL, STALE, UNMEASURED };

static enum standing standing_of(const struct catalog *catalog, size_t row) {
    const struct solution *solution = &catalog->solutions[row];
    bool any = false;
    for (size_t t = 0; t < catalog->tasks; t++)
        any = any || isfinite(catalog_value(catalog, row, t));
    return !any                                   ? UNMEASURED
           : solution->stale                      ? STALE
           : !solution->whole                     ? PARTIAL
           : solution->knee                       ? KNEE
           : solution->front                      ? FRONT
           : catalog_series(catalog, row)->merged ? DOMINATED
                                                  : BESIDE;
}

/* NaN where a task has none, or figures of several units would go into it. */
static double mean_of(const struct catalog *catalog, size_t row) {
    return store_recipe_averages(catalog->recipe)
               ? space_value(catalog, row, catalog->tasks)
               : (double)NAN;
}

/* A number to sort by; NaN for what is not there, which stands last either way. */
static double key_of(const struct catalog *catalog, size_t row, size_t column) {
    const struct store_row *stored = &catalog->rows[row];
    switch (column) {
    case TABLE_ID:
        return (double)stored->solution.id;
    case TABLE_SOLUTION:
        return (double)catalog->solutions[row].series;
    case TABLE_MEAN:
        return mean_of(catalog, row);
    case TABLE_STANDING:
        return standing_of(catalog, row);
    case TABLE_PREFERENCE:
        return stored->solution.preference ? stored->solution.preference[0]
                                           : (double)NAN;
    case TABLE_SCALE:
        return catalog->solutions[row].scale;
    case TABLE_STEP:
        return stored->solution.routers ? (double)stored->step : (double)NAN;
    case TABLE_SECONDS:
        return stored->solution.seconds > 0 ? stored->solution.seconds : (double)NAN;
    default:
        return catalog_value(catalog, row, column - TABLE_TASK);
    }
}

char *solution_table_text(const struct explorer *explorer, size_t row, size_t column,
                          char *out, size_t size) {
    static const char *const standings[] = {
        [KNEE] = "knee",      [FRONT] = "front",     [DOMINATED] = "dominated",
        [BESIDE] = "beside",  [PARTIAL] = "partial", [STALE] = "stale",
        [UNMEASURED] = "none"};
    const struct catalog *catalog = explorer->catalog;
    const double *preference = catalog->rows[row].solution.preference;
    double key = key_of(catalog, row, column);
    out[0] = '\0';
    if (column == TABLE_SOLUTION)
        return catalog_row_text(catalog, row, out, size);
    if (column == TABLE_STANDING)
        snprintf(out, size, "%s", standings[standing_of(catalog, row)]);
    else if (column == TABLE_PREFERENCE && preference)
        return simplex_text(preference, catalog->tasks, out, size);
    else if (isnan(key))
        return out;
    else if (column == TABLE_ID || column == TABLE_STEP)
        snprintf(out, size, "%s", TEXT_NUMBER(key, 0));
    else if (column == TABLE_SCALE)
        snprintf(out, size, "%.3g", key);
    else if (column == TABLE_SECONDS)
        snprintf(out, size, "%s", TEXT_NUMBER(key, key < 10 ? 2 : 0));
    else {
        size_t task = column == TABLE_MEAN ? 0 : column - TABLE_TASK;
        int digits = row_digits(&catalog->recipe->tasks[task].objective, key);
        snprintf(out, size, "%s", TEXT_NUMBER(key, digits));
    }
    return out;
}

const char *solution_table_name(const struct explorer *explorer, size_t column) {
    static const char *const names[] = {
        [TABLE_ID] = "id",         [TABLE_SOLUTION] = "solution",
        [TABLE_MEAN] = "mean",     [TABLE_STANDING] = "standing",
        [TABLE_PREFERENCE] = "at", [TABLE_SCALE] = "scale",
        [TABLE_STEP] = "step",     [TABLE_SECONDS] = "seconds"};
    return column < TABLE_TASK ? names[column]
                               : explorer_task_name(explorer, column - TABLE_TASK);
}

size_t solution_table_columns(const struct explorer *explorer, size_t *out) {
    static const size_t first[] = {TABLE_ID, TABLE_SOLUTION},
                        last[] = {TABLE_MEAN,  TABLE_STANDING, TABLE_PREFERENCE,
                                  TABLE_SCALE, TABLE_STEP,     TABLE_SECONDS};
    const bool *off = explorer->table.off;
    size_t count = 0;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (!off[first[i]])
            out[count++] = first[i];
    for (size_t t = 0; t < explorer->tasks; t++)
        if (!off[TABLE_TASK + t])
            out[count++] = TABLE_TASK + t;
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        if (!off[last[i]])
            out[count++] = last[i];
    return count;
}

/* --- rows in their order --------------------------------------------------------- */

struct keyed {
    double key;
    size_t row;
};

static int by_key(const struct keyed *x, const struct keyed *y, bool descending) {
    if (isnan(x->key) != isnan(y->key))
        return isnan(x->key) ? 1 : -1;
    if (x->key != y->key && !isnan(x->key))
        return (x->key < y->key) == descending ? 1 : -1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int ascending(const void *a, const void *b) {
    return by_key(a, b, false);
}

static int descending(const void *a, const void *b) {
    return by_key(a, b, true);
}

static int make_rows(struct explorer *explorer, bool *visible, struct keyed *keyed) {
    const struct catalog *catalog = explorer->catalog;
    struct solution_table *table = &explorer->table;
    table->count = 0;
    if (!visible || !keyed ||
        array_reserve((void **)&table->rows, &table->capacity, catalog->count + 1,
                      sizeof *table->rows) ||
        array_reserve((void **)&table->place, &table->places, catalog->count + 1,
                      sizeof *table->place))
        return -1;
    for (size_t i = 0; i < catalog->count; i++) {
        table->place[i] = SIZE_MAX;
        if (visible[catalog->solutions[i].series] &&
            (!table->filter || filter_matches(table->filter, catalog, i)))
            keyed[table->count++] = (struct keyed){key_of(catalog, i, table->sort), i};
    }
    qsort(keyed, table->count, sizeof *keyed,
          table->descending ? descending : ascending);
    for (size_t i = 0; i < table->count; i++) {
        table->rows[i] = keyed[i].row;
        table->place[keyed[i].row] = i;
    }
    return 0;
}

/* What is pointed at is seen once another is, or the order changes. */
static void follow(struct explorer *explorer, bool anew, int height) {
    struct solution_table *table = &explorer->table;
    size_t rows = height > 0 ? (size_t)height : 0, row = explorer->pointed;
    if (row != SIZE_MAX && table->place[row] != SIZE_MAX &&
        (anew || table->followed != explorer->pointed_solution ||
         table->height != height)) {
        size_t at = table->place[row];
        if (at < table->top)
            table->top = at;
        else if (rows && at >= table->top + rows)
            table->top = at - rows + 1;
    }
    table->followed = row == SIZE_MAX ? 0 : explorer->pointed_solution;
    table->height = height;
    if (table->top + rows > table->count)
        table->top = table->count > rows ? table->count - rows : 0;
}

int solution_table_update(struct explorer *explorer, int height) {
    struct solution_table *table = &explorer->table;
    bool anew = !table->made || table->catalog != explorer->catalog->serial ||
                table->hidden != explorer->hidden_serial;
    if (anew) {
        bool *visible = explorer_visible(explorer);
        struct keyed *keyed = array_new(explorer->catalog->count, sizeof *keyed);
        int failed = make_rows(explorer, visible, keyed);
        free(visible);
        free(keyed);
        if (failed) {
            table->count = 0;
            table->made = false;
            return -1;
        }
        table->made = true;
        table->catalog = explorer->catalog->serial;
        table->hidden = explorer->hidden_serial;
    }
    follow(explorer, anew, height);
    return 0;
}

/* --- what keys do ---------------------------------------------------------------- */

void solution_table_sort(struct explorer *explorer, size_t column) {
    struct solution_table *table = &explorer->table;
    table->descending = column == table->sort ? !table->descending
                                              : explorer_wants_most(explorer, column);
    table->sort = column;
    table->made = false;
    if (explorer->pointed == SIZE_MAX)
        table->top = 0;
}

void solution_table_sort_beside(struct explorer *explorer, int way) {
    size_t columns[TABLE_COLUMNS_MOST], at = 0;
    size_t count = solution_table_columns(explorer, columns);
    while (at < count && columns[at] != explorer->table.sort)
        at++;
    if (at == count)
        at = way < 0 ? count : SIZE_MAX;
    at += (size_t)way;
    if (at < count)
        solution_table_sort(explorer, columns[at]);
}

void solution_table_step(struct explorer *explorer, long by) {
    struct solution_table *table = &explorer->table;
    if (solution_table_update(explorer, table->height) || !table->count)
        return;
    size_t row = explorer->pointed, at = table->top;
    long last = (long)table->count - 1;
    if (row != SIZE_MAX && table->place[row] != SIZE_MAX) {
        long to = (long)table->place[row];
        to = by > last - to ? last : by < -to ? 0 : to + by;
        at = (size_t)to;
    } else if (by > last || by < -last) {
        at = by < 0 ? 0 : (size_t)last;
    }
    explorer_point(explorer, table->rows[at]);
}

void solution_table_scroll(struct explorer *explorer, long by) {
    struct solution_table *table = &explorer->table;
    long most = (long)table->count - table->height, to = (long)table->top + by;
    table->top = to < 0 || most < 0 ? 0 : to > most ? (size_t)most : (size_t)to;
}

int solution_table_filter(struct explorer *explorer, const char *expression, size_t *at,
                          struct error *error) {
    struct solution_table *table = &explorer->table;
    struct filter *filter = NULL;
    if (expression[strspn(expression, " \t")] &&
        filter_parse(expression, explorer->catalog->recipe, &filter, at, error))
        return -1;
    filter_free(table->filter);
    table->filter = filter;
    snprintf(table->expression, sizeof table->expression, "%s",
             filter ? expression : "");
    table->made = false;
    return 0;
}
