/* The tables of `pwemoe report` that a paper takes: figures of every method on every
 * task, with intervals, what is best by a paired test, and all in percent of the
 * experts'. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/report.h"
#include "eval/interval.h"
#include "results/by_series.h"
#include "results/oriented.h"
#include "results/row.h"

/* Below this a paired test tells two models apart. */
#define SIGNIFICANT 0.05

struct accuracy_entry { /* a line of the tables */
    size_t row;
    char *name;
    bool rival;     /* may be the best: experts and what was before are not merged */
    double *values; /* [tasks + 1], the average last; NaN: none */
    double *halves; /* [tasks + 1] half intervals; NaN: none */
    unsigned char *bits; /* right answers of all tasks, each from a whole byte on */
    uint64_t *examples;  /* [tasks] of these bits; 0: none */
    size_t size;
    enum page_emphasis *emphasis; /* [tasks + 1] */
};

struct table {
    const struct report *report;
    size_t tasks, count, capacity;
    struct accuracy_entry *entries;
    bool averages; /* mean something: all tasks have one unit */
    /* Of the first row of each sweep: the row that stands for it (SIZE_MAX: none of it
     * is whole), and how many are whole. [report->count] */
    size_t *stands, *points;
    struct by_series by;
};

/* Equal weights: -1; a unit preference: its task; any other: -2. */
static int corner(const struct report *r, const struct store_row *row) {
    size_t tasks = r->recipe->task_count;
    const double *p = row->solution.preference;
    bool equal = p != NULL;
    for (size_t t = 0; p && t < tasks; t++) {
        if (p[t] >= 1 - 1e-9)
            return (int)t;
        equal = equal && fabs(p[t] - 1 / (double)tasks) <= 1e-6;
    }
    return equal ? -1 : -2;
}

/* The best average of the sweep that begins with this row, the first of equal ones,
 * stands for it; others of it are passed over. */
static void find_best_of_sweep(struct table *t, size_t first) {
    const struct report *r = t->report;
    double least = 0;
    t->stands[first] = SIZE_MAX;
    for (size_t k = first; k != SIZE_MAX; k = r->next[k]) {
        double average = oriented_turn(&r->recipe->tasks[0].objective,
                                       row_average(&r->rows[k], r->recipe));
        if (!r->rows[k].whole || !isfinite(average))
            continue;
        if (t->points[first]++ == 0 || average < least) {
            t->stands[first] = k;
            least = average;
        }
    }
}

/* --- lines ------------------------------------------------------------------------ */

/* The line's text by its series, and where in it the row stands; *out NULL: it is left
 * out. -1: memory is out. */
static int name_row(const struct table *t, size_t i, char **out) {
    const struct report *r = t->report;
    const struct store_row *row = &r->rows[i];
    const struct store_run *run = report_run(r, i);
    const struct series *series = catalog_series(r->catalog, i);
    double scale = r->catalog->solutions[i].scale;
    size_t first = r->sweep[i], points = t->points[first];
    int at = corner(r, row);
    bool swept = report_is_sweep(r, i) && !series->answers && isfinite(scale);
    *out = NULL;
    if ((series->answers && at == -2) || (run && !r->last[i]) ||
        (swept && points && t->stands[first] != i))
        return 0;
    char *name = run ? series_run_name(run) : strdup(series->name);
    if (!name)
        return -1;
    if (swept && points > 1)
        *out = text_format("%s (scale %g, best of %zu)", name, scale, points);
    else if (swept)
        *out = text_format("%s (scale %g)", name, scale);
    else if (at == -2)
        *out = text_format("%s", name);
    else
        *out = text_format("%s, %s%s", name, at < 0 ? "equal weights" : "all for ",
                           at < 0 ? "" : r->recipe->tasks[at].name);
    free(name);
    return *out ? 0 : -1;
}

static void fill_values(const struct table *t, struct accuracy_entry *e) {
    const struct store_row *row = &t->report->rows[e->row];
    double squares = 0;
    for (size_t k = 0; k < t->tasks; k++) {
        const struct store_evaluation *v = &row->evaluations[k];
        bool known = v->present && !v->imported && v->low < v->high;
        e->values[k] = v->present ? v->value : (double)NAN;
        e->halves[k] = known ? (v->high - v->low) / 2 : (double)NAN;
        squares += e->halves[k] * e->halves[k];
    }
    e->values[t->tasks] = row_average(row, t->report->recipe);
    e->halves[t->tasks] = sqrt(squares) / (double)t->tasks;
}

/* Which examples it got right, where that was kept. */
static int load_bits(const struct table *t, const char *split, struct accuracy_entry *e,
                     struct error *error) {
    const struct report *r = t->report;
    for (size_t k = 0; k < t->tasks; k++) {
        bool found;
        void *bits;
        uint64_t examples;
        if (store_correct(r->store, r->rows[e->row].solution.id, k, split, &found,
                          &bits, &examples, error))
            return -1;
        if (!found)
            continue;
        size_t size = (size_t)((examples + 7) / 8);
        unsigned char *more = realloc(e->bits, e->size + size + 1);
        if (!more) {
            free(bits);
            return error_memory(error);
        }
        e->bits = more;
        memcpy(more + e->size, bits, size);
        if (examples % 8)
            more[e->size + size - 1] &= (unsigned char)((1U << examples % 8) - 1);
        free(bits);
        e->size += size;
        e->examples[k] = examples;
    }
    return 0;
}

static int add_entry(struct table *t, size_t row, char *name, const char *split,
                     struct error *error) {
    const struct report *r = t->report;
    if (array_reserve((void **)&t->entries, &t->capacity, t->count + 1,
                      sizeof *t->entries)) {
        free(name);
        return error_memory(error);
    }
    struct accuracy_entry *e = &t->entries[t->count++];
    *e = (struct accuracy_entry){
        .row = row,
        .name = name,
        .rival = r->rows[row].solution.kind != STORE_KIND_SINGLE,
        .values = array_new(t->tasks + 1, sizeof *e->values),
        .halves = array_new(t->tasks + 1, sizeof *e->halves),
        .examples = array_new(t->tasks, sizeof *e->examples),
        .emphasis = array_new(t->tasks + 1, sizeof *e->emphasis)};
    if (!e->values || !e->halves || !e->examples || !e->emphasis)
        return error_memory(error);
    fill_values(t, e);
    return e->rival ? load_bits(t, split, e, error) : 0;
}

/* What gather looks up of rows. */
static int index_rows(struct table *t, struct error *error) {
    const struct catalog *catalog = t->report->catalog;
    t->stands = array_new(catalog->count, sizeof *t->stands);
    t->points = array_new(catalog->count, sizeof *t->points);
    if (!t->stands || !t->points)
        return error_memory(error);
    for (size_t i = 0; i < catalog->count; i++)
        if (t->report->sweep[i] == i)
            find_best_of_sweep(t, i);
    return by_series_make(&t->by, catalog, NULL, error);
}

/* Kinds in this order, in each the series one after the other. */
static int gather(struct table *t, const char *split, struct error *error) {
    static const enum store_kind kinds[] = {STORE_KIND_SINGLE, STORE_KIND_TRAIN,
                                            STORE_KIND_MERGE, STORE_KIND_PWEMOE,
                                            STORE_KIND_IMPORT};
    const struct report *r = t->report;
    if (index_rows(t, error))
        return -1;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t n = 0; n < r->count; n++) {
            size_t i = t->by.rows[n];
            char *name;
            if (r->rows[i].solution.kind != kinds[k] ||
                !store_state_settled(r->rows[i].state))
                continue;
            if (name_row(t, i, &name))
                return error_memory(error);
            if (name && add_entry(t, i, name, split, error))
                return -1;
        }
    return 0;
}

/* --- what is best ----------------------------------------------------------------- */

static size_t bytes_of(uint64_t examples) {
    return (size_t)((examples + 7) / 8);
}

/* Does a paired test tell a from b in one task, or over the examples of all of them?
 * Where the answers were not kept, or not of the same examples, any difference does. */
static bool told_apart(const struct table *t, const struct accuracy_entry *a,
                       const struct accuracy_entry *b, size_t column) {
    uint64_t better[2], examples = 0;
    size_t begin = 0;
    for (size_t k = 0; k < t->tasks; k++) {
        bool counts = column == t->tasks || k == column;
        if (counts && (!a->examples[k] || a->examples[k] != b->examples[k]))
            return a->values[column] != b->values[column];
    }
    for (size_t k = 0; k < column && column < t->tasks; k++) {
        if (a->examples[k] != b->examples[k])
            return a->values[column] != b->values[column];
        begin += bytes_of(a->examples[k]);
    }
    examples = column < t->tasks ? a->examples[column] : 8 * (uint64_t)a->size;
    return interval_paired(a->bits + begin, b->bits + begin, examples, better) <
           SIGNIFICANT;
}

static bool is_better(const struct table *t, double a, double b, size_t column) {
    size_t task = column < t->tasks ? column : 0;
    const struct store_objective *o = &t->report->recipe->tasks[task].objective;
    return oriented_turn(o, a) < oriented_turn(o, b);
}

/* The best of those that have no emphasis yet; NULL: none has a value. */
static struct accuracy_entry *find_best(const struct table *t, size_t column) {
    struct accuracy_entry *best = NULL;
    for (size_t i = 0; i < t->count; i++) {
        struct accuracy_entry *e = &t->entries[i];
        if (e->rival && e->emphasis[column] == PAGE_PLAIN &&
            isfinite(e->values[column]) &&
            (!best || is_better(t, e->values[column], best->values[column], column)))
            best = e;
    }
    return best;
}

/* Bold: the best and what is not told from it. Underlined: the best of the others. */
static void emphasise(struct table *t, size_t column) {
    const struct accuracy_entry *best = find_best(t, column);
    for (size_t i = 0; best && i < t->count; i++) {
        struct accuracy_entry *e = &t->entries[i];
        if (e->rival && isfinite(e->values[column]) &&
            (e == best || !told_apart(t, best, e, column)))
            e->emphasis[column] = PAGE_BOLD;
    }
    const struct accuracy_entry *second = find_best(t, column);
    for (size_t i = 0; second && i < t->count; i++) {
        struct accuracy_entry *e = &t->entries[i];
        if (e->rival && e->emphasis[column] == PAGE_PLAIN &&
            e->values[column] == second->values[column])
            e->emphasis[column] = PAGE_UNDERLINED;
    }
}

/* --- tables ----------------------------------------------------------------------- */

static void begin_table(const struct table *t, const char *file, bool halves) {
    const struct report *r = t->report;
    page_table(r->page, t->tasks + 2, 1);
    page_table_csv(r->page, file, halves);
    page_cell(r->page, "Method");
    report_task_headers(r);
}

static const struct series *series_of(const struct table *t, size_t i) {
    return catalog_series(t->report->catalog, t->entries[i].row);
}

/* Is there more than one line of its series? */
static bool is_one_of_several(const struct table *t, size_t i) {
    return (i && series_of(t, i - 1) == series_of(t, i)) ||
           (i + 1 < t->count && series_of(t, i + 1) == series_of(t, i));
}

/* Several lines of a series are a group; between single ones there is no gap. */
static void begin_row(const struct table *t, size_t i) {
    const struct report *r = t->report;
    const struct accuracy_entry *e = &t->entries[i];
    const struct series *series = series_of(t, i);
    if (i && series_of(t, i - 1) != series &&
        (is_one_of_several(t, i) || is_one_of_several(t, i - 1)))
        page_group(r->page);
    page_mark(r->page, series->mark, series->ink);
    page_cell(r->page, "%s", e->name);
}

static void figures(const struct table *t) {
    begin_table(t, "accuracy", true);
    for (size_t i = 0; i < t->count; i++) {
        const struct accuracy_entry *e = &t->entries[i];
        begin_row(t, i);
        for (size_t k = 0; k <= t->tasks; k++) {
            page_emphasise(t->report->page, e->emphasis[k]);
            /* Of the mean as of the first task: all are alike then. */
            const struct store_objective *objective =
                &t->report->recipe->tasks[k < t->tasks ? k : 0].objective;
            page_interval(t->report->page, e->values[k], e->halves[k],
                          row_digits(objective, e->values[k]) - 1);
        }
    }
    page_table_end(t->report->page);
}

/* Of the experts' own figures, which have to be there and to grow with quality. */
static void normalised(const struct table *t) {
    const struct report *r = t->report;
    const double *stl = r->catalog->stl;
    for (size_t k = 0; k < t->tasks; k++)
        if (!(stl[k] > 0) || !isfinite(stl[k]) ||
            !r->recipe->tasks[k].objective.maximise)
            return;
    page_paragraph(r->page, "The same in percent of the experts' own figures (STL), "
                            "the average that of these percentages.");
    begin_table(t, "normalised", false);
    for (size_t i = 0; i < t->count; i++) {
        const struct accuracy_entry *e = &t->entries[i];
        double sum = 0;
        begin_row(t, i);
        for (size_t k = 0; k < t->tasks; k++) {
            double share = 100 * e->values[k] / stl[k];
            sum += share;
            page_emphasise(r->page, e->emphasis[k]);
            page_number(r->page, share, 1);
        }
        page_number(r->page, sum / (double)t->tasks, 1);
    }
    page_table_end(r->page);
}

static void table_clear(struct table *t) {
    for (size_t i = 0; i < t->count; i++) {
        struct accuracy_entry *e = &t->entries[i];
        free(e->name);
        free(e->values);
        free(e->halves);
        free(e->bits);
        free(e->examples);
        free(e->emphasis);
    }
    free(t->entries);
    free(t->stands);
    free(t->points);
    by_series_clear(&t->by);
}

int report_accuracies(const struct report *r, const char *split, struct error *error) {
    struct table t = {.report = r,
                      .tasks = r->recipe->task_count,
                      .averages = store_recipe_averages(r->recipe)};
    int result = gather(&t, split, error);
    for (size_t k = 0; result == 0 && k <= t.tasks; k++)
        emphasise(&t, k);
    if (result == 0) {
        page_heading(r->page, "Accuracy");
        page_paragraph(
            r->page,
            "On held-out data, in the units of the tasks, with half the 95 %% "
            "interval. "
            "Of a sweep over scaling coefficients the one with the best average stands "
            "here, chosen on the same data; of trained routers those of the last step, "
            "at equal weights and with all weight on one task, as far as these were "
            "evaluated. Bold: the best of a column, and what McNemar's exact test on "
            "the same examples does not tell from it (p >= 0.05; for the average over "
            "the examples of all tasks); underlined: the best of the others. Experts "
            "and the pretrained model do not compete. The mark before a name is that "
            "of the charts.");
        figures(&t);
        normalised(&t);
    }
    table_clear(&t);
    return result;
}
