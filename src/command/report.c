/* pwemoe report: a page of tables in the paper's layout, and charts. */
#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "command/command.h"
#include "command/work/report.h"
#include "pareto/approximate.h"
#include "pareto/pareto.h"
#include "results/front.h"

struct report_options {
    const char *out;
    unsigned split;
    double approximate;
};

static const struct option_spec options[] = {
    {.name = "out",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "The folder to make; it must not exist",
     .offset = offsetof(struct report_options, out)},
    SPLIT_OPTION("Figures on this split", struct report_options, split),
    APPROXIMATE_OPTION(struct report_options, approximate),
    {0}};

/* --- which rows ------------------------------------------------------------- */

/* Method and parameters but for the scaling coefficient as one text (free()); NULL
 * where memory is out. */
static char *sweep_name(const struct store_row *row) {
    json_t *object = json_loads(row->solution.parameters, 0, NULL);
    json_object_del(object, "scale");
    char *rest = json_text_dump(object, JSON_COMPACT | JSON_SORT_KEYS);
    char *name = rest ? text_format("%s %s %s", store_kind_name(row->solution.kind),
                                    row->solution.method, rest)
                      : NULL;
    free(rest);
    json_decref(object);
    return name;
}

struct named {
    char *name;
    size_t row;
};

static int by_name(const void *a, const void *b) {
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Names [count] of rows of sweeps, sorted by them here: the rows of one lie together.
 */
static void join_sweeps(struct report *r, struct named *names, size_t count) {
    if (count)
        qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0, first = 0; i < count; i++) {
        size_t row = names[i].row, before = i ? names[i - 1].row : row;
        if (i && strcmp(names[i].name, names[i - 1].name) == 0)
            r->next[before] = row;
        else
            first = row;
        r->sweep[row] = first;
    }
}

static int find_sweeps(struct report *r, struct error *error) {
    struct named *names = array_new(r->count, sizeof *names);
    size_t count = 0;
    int result = names ? 0 : error_memory(error);
    for (size_t i = 0; i < r->count && result == 0; i++) {
        r->sweep[i] = i;
        r->next[i] = SIZE_MAX;
        if (!report_is_sweep(r, i))
            continue;
        names[count] = (struct named){sweep_name(&r->rows[i]), i};
        if (!names[count++].name)
            result = error_memory(error);
    }
    if (result == 0)
        join_sweeps(r, names, count);
    for (size_t i = 0; i < count; i++)
        free(names[i].name);
    free(names);
    return result;
}

/* Of each run the last step that was measured: earlier ones are left to the list
 * of all. */
static void find_last(struct report *r) {
    for (size_t n = 0; n < r->run_count; n++) {
        unsigned step = 0;
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < r->count; i++) {
                if (r->rows[i].run != r->runs[n].id || !r->rows[i].whole)
                    continue;
                if (pass)
                    r->last[i] = r->rows[i].step == step;
                else if (r->rows[i].step > step)
                    step = r->rows[i].step;
            }
    }
}

void report_task_headers(const struct report *r) {
    for (size_t t = 0; t < r->recipe->task_count; t++)
        page_cell(r->page, "%s", r->recipe->tasks[t].name);
    page_cell(r->page, "Avg.");
}

/* --- fronts ----------------------------------------------------------------- */

/* A set of models: how many, how many of them no other of it dominates, its volume, and
 * how far it is from the front of all. Nothing where no row is complete. */
static int front_row(const struct report *r, const char *name, const bool *take,
                     const struct oriented *all, struct error *error) {
    struct oriented set;
    double volume = 0;
    if (front_points(r->catalog, take, NULL, 0, &set, error))
        return -1;
    size_t count = set.count;
    int result = oriented_keep(&set, false, error);
    if (result == 0 && count)
        result =
            oriented_volume(&set, &r->approximation, &volume, NULL, r->work, error);
    if (result == 0 && count) {
        page_cell(r->page, "%s", name);
        page_cell(r->page, "%zu", count);
        page_cell(r->page, "%zu", set.count);
        page_cell(r->page, "%.6g", volume);
        page_number(r->page,
                    pareto_igd_plus(set.values, set.count, all->values, all->count,
                                    all->objectives),
                    3);
    }
    oriented_clear(&set);
    return result;
}

static int front_rows(const struct report *r, bool *take, const struct oriented *all,
                      struct error *error) {
    for (size_t i = 0; i < r->count; i++) {
        if (!report_is_sweep(r, i) || r->sweep[i] != i)
            continue;
        memset(take, 0, r->count * sizeof *take);
        for (size_t k = i; k != SIZE_MAX; k = r->next[k])
            take[k] = true;
        if (front_row(r, catalog_series(r->catalog, i)->name, take, all, error))
            return -1;
    }
    for (size_t n = 0; n < r->run_count; n++) {
        const struct store_run *run = &r->runs[n];
        for (size_t k = 0; k < r->count; k++)
            take[k] = r->rows[k].run == run->id && r->last[k];
        char *name = series_run_name(run);
        int result = name ? front_row(r, name, take, all, error) : error_memory(error);
        free(name);
        if (result)
            return -1;
    }
    return front_row(r, "all of these", NULL, all, error);
}

static int fronts(const struct report *r, bool *take, struct error *error) {
    size_t tasks = r->recipe->task_count;
    struct oriented all;
    if (front_points(r->catalog, NULL, NULL, 0, &all, error))
        return -1;
    if (oriented_keep(&all, true, error)) {
        oriented_clear(&all);
        return -1;
    }
    page_heading(r->page, "Fronts");
    char reference[1024] = "";
    size_t used = 0;
    for (size_t t = 0; t < tasks && used < sizeof reference - 32; t++)
        used +=
            (size_t)snprintf(reference + used, sizeof reference - used, "%s%g",
                             t ? ", " : "", r->recipe->tasks[t].objective.reference);
    char within[64] = "";
    double part = approximate_within(&r->approximation, SIZE_MAX, tasks);
    if (part > 0)
        snprintf(within, sizeof within, ", by sampling within %g %% of itself",
                 100 * part);
    page_paragraph(
        r->page,
        "Models merged and measured here, one set for each method: how many, how many "
        "of them no other of the set dominates, the hypervolume up to the "
        "reference point (%s)%s, and IGD+ to the front of all sets together (0: "
        "nothing of it is out of reach; in percentage points).",
        reference, within);
    page_table(r->page, 5, 1);
    page_table_csv(r->page, "fronts", false);
    static const char *const headers[] = {"Set", "points", "non-dominated",
                                          "hypervolume", "IGD+"};
    for (size_t i = 0; i < 5; i++)
        page_cell(r->page, "%s", headers[i]);
    int result = front_rows(r, take, &all, error);
    page_table_end(r->page);
    oriented_clear(&all);
    return result;
}

/* --- the rest --------------------------------------------------------------- */

static void everything(const struct report *r) {
    size_t tasks = r->recipe->task_count, left_out = 0;
    page_heading(r->page, "All models");
    page_paragraph(r->page, "Value and 95 %% interval; imported figures have none.");
    page_table(r->page, tasks + 6, 5);
    static const char *const headers[] = {"id", "kind", "method", "parameters",
                                          "preference"};
    for (size_t i = 0; i < 5; i++)
        page_cell(r->page, "%s", headers[i]);
    report_task_headers(r);
    for (size_t i = 0; i < r->count; i++) {
        const struct store_row *row = &r->rows[i];
        if (!store_state_settled(row->state)) {
            left_out++;
            continue;
        }
        page_cell(r->page, "%lld", (long long)row->solution.id);
        page_cell(r->page, "%s", store_kind_name(row->solution.kind));
        page_cell(r->page, "%s%s%s%s%s", row->solution.method,
                  *row->upscale ? ", " : "", row->upscale, *row->base ? " of " : "",
                  row->base);
        page_cell(r->page, "%s", row->solution.parameters);
        char preference[STORE_TASKS_MAX * 16] = "";
        size_t used = 0;
        for (size_t t = 0; row->solution.preference && t < tasks; t++)
            used +=
                (size_t)snprintf(preference + used, sizeof preference - used, "%s%.4g",
                                 t ? ", " : "", row->solution.preference[t]);
        page_cell(r->page, "%s", preference);
        for (size_t t = 0; t < tasks; t++) {
            const struct store_evaluation *e = &row->evaluations[t];
            if (!e->present)
                page_number(r->page, (double)NAN, 0);
            else if (e->imported)
                page_number(r->page, e->value, 2);
            else
                page_cell(r->page, "%s (%s to %s)", TEXT_NUMBER(e->value, 2),
                          TEXT_NUMBER(e->low, 1), TEXT_NUMBER(e->high, 1));
        }
        page_number(r->page, row_average(row, r->catalog->recipe), 2);
    }
    page_table_end(r->page);
    if (left_out)
        page_paragraph(r->page,
                       "%zu models with partial, stale or no figures are left out.",
                       left_out);
}

static void sources(const struct report *r) {
    page_heading(r->page, "Models and data");
    page_paragraph(r->page, "Pretrained: %s, %s, sha256 %s.", r->recipe->model,
                   r->recipe->pretrained.path, r->recipe->pretrained.sha256);
    page_table(r->page, 4, 4);
    static const char *const headers[] = {"task", "expert", "sha256", "held-out data"};
    for (size_t i = 0; i < 4; i++)
        page_cell(r->page, "%s", headers[i]);
    for (size_t t = 0; t < r->recipe->task_count; t++) {
        const struct store_task *task = &r->recipe->tasks[t];
        page_cell(r->page, "%s", task->name);
        page_cell(r->page, "%s", task->expert.path);
        page_cell(r->page, "%s", task->expert.sha256);
        page_cell(r->page, "%s", task->test_path);
    }
    page_table_end(r->page);
}

static int load(struct report *r, const char *split, struct error *error) {
    if (catalog_read_solutions(r->store, split, &r->catalog, error) ||
        store_runs(r->store, &r->runs, &r->run_count, error))
        return -1;
    r->recipe = r->catalog->recipe;
    r->rows = r->catalog->rows;
    r->count = r->catalog->count;
    r->last = array_new(r->count, sizeof *r->last);
    r->sweep = array_new(r->count, sizeof *r->sweep);
    r->next = array_new(r->count, sizeof *r->next);
    if (!r->last || !r->sweep || !r->next)
        return error_memory(error);
    find_last(r);
    return find_sweeps(r, error);
}

static int make(struct report *r, const char *out, const char *split,
                struct error *error) {
    if (load(r, split, error))
        return -1;
    bool *take = array_new(r->count, sizeof *take);
    r->page = page_new(*r->recipe->name ? r->recipe->name : "pwemoe");
    int result = take && r->page ? 0 : error_memory(error);
    if (result == 0) {
        char date[40] = "";
        time_t now = time(NULL);
        struct tm parts;
        if (gmtime_r(&now, &parts))
            strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
        page_paragraph(r->page, "From %s, %s split, by pwemoe %s on %s.",
                       store_path(r->store), split, PACKAGE_VERSION, date);
        result = report_accuracies(r, split, error) || fronts(r, take, error) ||
                         report_costs(r, error) || report_charts(r, error)
                     ? -1
                     : 0;
    }
    if (result == 0) {
        everything(r);
        sources(r);
        result = page_end(r->page, out, error);
        r->page = NULL;
    }
    free(take);
    return result;
}

static enum exit_status run(const struct invocation *invocation, struct error *error) {
    const struct report_options *o = invocation->options;
    if (!o->out) {
        error_set(error, "--out is missing; give the folder to make");
        return EXIT_USAGE;
    }
    struct report report = {.approximation = {o->approximate, invocation->common->seed},
                            .work = invocation->work};
    if (store_open(invocation->operands[0], STORE_READ_ONLY, &report.store, error))
        return EXIT_FAILED;
    int failed = make(&report, o->out, o->split == 0 ? "test" : "train", error);
    page_free(report.page);
    free(report.last);
    free(report.sweep);
    free(report.next);
    store_runs_free(report.runs, report.run_count);
    catalog_free(report.catalog);
    store_close(report.store);
    if (failed)
        return EXIT_FAILED;
    command_note(invocation, "%s: report.md, report.html, report.tex and tables as CSV",
                 o->out);
    return EXIT_DONE;
}

const struct command command_report = {
    .name = "report",
    .usage = "FILE --out DIR [--split S] [--approximate EPSILON]",
    .summary = "Write a page of tables and charts, in Markdown and HTML",
    .text =
        "Writes DIR/report.md and DIR/report.html (no scripts, nothing loaded from "
        "elsewhere), and its tables as DIR/report.tex (for the package booktabs) and "
        "as CSV, with what FILE holds: figures of every method on every task in the "
        "layout of the paper's tables, with half intervals, the best by a paired test "
        "bold and the next underlined, and in percent of the experts' own; for each "
        "method's set of models the number of points and of those that no other "
        "dominates, the hypervolume and IGD+ to the front of all sets; trainable "
        "parameters, seconds and peak memory of each run and method; charts, as PNG "
        "files beside the Markdown and inside the HTML; all models with intervals; "
        "models and data. DIR is written whole or not at all.",
    .operands_min = 1,
    .operands_max = 1,
    .common = TAKES_USUAL | TAKES_SEED,
    .options = options,
    .options_size = sizeof(struct report_options),
    .run = run,
};
