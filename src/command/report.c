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
#include "results/row.h"

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

const struct store_run *report_run(const struct report *r, size_t row) {
    size_t low = 0, high = r->run_count;
    int64_t id = r->rows[row].run;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->runs[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->run_count && r->runs[low].id == id ? &r->runs[low] : NULL;
}

/* Of each run the last step that was measured: earlier ones are left to the list
 * of all. */
static int find_last(struct report *r, struct error *error) {
    unsigned *steps = array_new(r->run_count, sizeof *steps);
    if (!steps)
        return error_memory(error);
    for (size_t i = 0; i < r->count; i++) {
        const struct store_run *run = report_run(r, i);
        if (run && r->rows[i].whole && r->rows[i].step > steps[run - r->runs])
            steps[run - r->runs] = r->rows[i].step;
    }
    for (size_t n = 0; n < r->run_count; n++)
        r->run_first[n] = SIZE_MAX;
    for (size_t i = r->count; i-- > 0;) {
        const struct store_run *run = report_run(r, i);
        if (!run || !r->rows[i].whole || r->rows[i].step != steps[run - r->runs])
            continue;
        r->last[i] = true;
        r->run_next[i] = r->run_first[run - r->runs];
        r->run_first[run - r->runs] = i;
    }
    free(steps);
    return 0;
}

void report_task_headers(const struct report *r) {
    for (size_t t = 0; t < r->recipe->task_count; t++)
        page_cell(r->page, "%s", r->recipe->tasks[t].name);
    page_cell(r->page, "Avg.");
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
            int digits = row_digits(&r->catalog->recipe->tasks[t].objective, e->value);
            if (!e->present)
                page_number(r->page, (double)NAN, 0);
            else if (e->imported)
                page_number(r->page, e->value, digits);
            else
                page_cell(r->page, "%s (%s to %s)", TEXT_NUMBER(e->value, digits),
                          TEXT_NUMBER(e->low, digits - 1),
                          TEXT_NUMBER(e->high, digits - 1));
        }
        double average = row_average(row, r->catalog->recipe);
        page_number(r->page, average,
                    row_digits(&r->catalog->recipe->tasks[0].objective, average));
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
    r->run_first = array_new(r->run_count, sizeof *r->run_first);
    r->run_next = array_new(r->count, sizeof *r->run_next);
    if (!r->last || !r->sweep || !r->next || !r->run_first || !r->run_next)
        return error_memory(error);
    return find_last(r, error) || find_sweeps(r, error) ? -1 : 0;
}

static int make(struct report *r, const char *out, const char *split,
                struct error *error) {
    if (load(r, split, error))
        return -1;
    r->page = page_new(*r->recipe->name ? r->recipe->name : "pwemoe");
    int result = r->page ? 0 : error_memory(error);
    if (result == 0) {
        char date[40] = "";
        time_t now = time(NULL);
        struct tm parts;
        if (gmtime_r(&now, &parts))
            strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
        page_paragraph(r->page, "From %s, %s split, by pwemoe %s on %s.",
                       store_path(r->store), split, PACKAGE_VERSION, date);
        result = report_accuracies(r, split, error) || report_fronts(r, error) ||
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
    free(report.run_first);
    free(report.run_next);
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
