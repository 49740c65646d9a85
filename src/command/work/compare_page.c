/* The page that `pwemoe compare --out` writes: tables and pictures. */
#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "command/io/page.h"
#include "command/work/compare.h"
#include "plot/kinds.h"
#include "plot/lines_data.h"
#include "results/catalog.h"
#include "results/oriented.h"

enum { WIDTH = 960, HEIGHT = 640, PANELS_MAX = 9 };

/* How a contender looks: as the series of its models does, on the screen and in every
 * other chart. A later contender of the same series has the series' colour, a mark of
 * its own, and dashes. */
struct look {
    enum mark mark;
    enum ink ink;
    size_t dash;
};

struct page_writer {
    const struct compare *c;
    const struct compare_summary *summaries;
    size_t best;
    struct page *page;
    struct look *looks; /* of each contender */
};

static const char *task_name(const struct page_writer *w, size_t t) {
    return w->c->measure.recipe->tasks[t].name;
}

static bool is_taken(const struct page_writer *w, size_t count, enum mark mark) {
    for (size_t i = 0; i < count; i++)
        if (w->looks[i].mark == mark)
            return true;
    return false;
}

/* After those of the contenders before it. */
static struct look look_of(const struct page_writer *w, size_t contender,
                           const struct catalog *catalog) {
    const struct store_row *row = store_row_find(
        catalog->rows, catalog->count, w->summaries[contender].one->solutions[0]);
    struct look look = {.mark = MARK_OTHER, .ink = INK_TEXT};
    if (row) {
        const struct series *series =
            catalog_series(catalog, (size_t)(row - catalog->rows));
        look = (struct look){.mark = series->mark, .ink = series->ink};
    }
    for (size_t i = 0; i < contender; i++)
        look.dash += w->looks[i].ink == look.ink;
    for (size_t n = 0; is_taken(w, contender, look.mark) && n < SPARE_MARKS; n++)
        look.mark = (enum mark)(MARK_SPARE + n);
    return look;
}

static int choose_looks(struct page_writer *w, struct error *error) {
    const struct compare *c = w->c;
    struct catalog *catalog;
    if (catalog_read_solutions(c->measure.store, c->measure.split, &catalog, error))
        return -1;
    w->looks = array_new(c->contender_count, sizeof *w->looks);
    for (size_t i = 0; w->looks && i < c->contender_count; i++)
        w->looks[i] = look_of(w, i, catalog);
    catalog_free(catalog);
    return w->looks ? 0 : error_memory(error);
}

static void name_cell(const struct page_writer *w, size_t i) {
    page_mark(w->page, w->looks[i].mark, w->looks[i].ink);
    page_cell(w->page, "%s%s", w->c->contenders[i].name, i == w->best ? " (best)" : "");
}

/* --- tables ----------------------------------------------------------------------- */

static void interval_cell(struct page *page, double mean, double half, int decimals) {
    if (isfinite(mean) && isfinite(half))
        page_cell(page, "%s ± %s", TEXT_NUMBER(mean, decimals),
                  TEXT_NUMBER(half, decimals));
    else
        page_number(page, mean, decimals);
}

static void p_cell(struct page *page, double p) {
    if (isfinite(p) && p < 1e-4)
        page_cell(page, "< 0.0001");
    else
        page_number(page, p, 4);
}

static void criteria(const struct page_writer *w) {
    size_t count;
    const struct compare_column *columns = compare_columns(&count);
    page_heading(w->page, "Criteria");
    page_paragraph(
        w->page,
        "Mean over seeds and half the 95 %% interval by Student's t, where there is "
        "more "
        "than one. share: hypervolume of the models at each task's whole weight and at "
        "equal weights, up to the file's reference point, over that of the box whose "
        "corner is the experts' own figures; with edges: the middles of edges between "
        "two tasks too. centre: mean figure at equal weights, in percent of the "
        "experts' "
        "mean. own task: mean figure of each task where it has the whole weight, in "
        "percent of its expert's. monotone: Spearman's correlation of a task's figure "
        "with its weight over %zu points along an edge, the mean over all edges and "
        "both "
        "tasks, and the least. flat halves: halves of edges with less than a tenth of "
        "the edge's rise. calibration: the correlation over all points, the mean over "
        "tasks. IGD+: to what no model of this table dominates, in percentage points.",
        w->c->design.edge);
    page_table(w->page, count + 4, 1);
    page_cell(w->page, "Method");
    page_cell(w->page, "seeds");
    for (size_t i = 0; i < count; i++)
        page_cell(w->page, "%s", columns[i].header);
    page_cell(w->page, "p, seeds");
    page_cell(w->page, "p, examples");
    for (size_t i = 0; i < w->c->contender_count; i++) {
        name_cell(w, i);
        page_cell(w->page, "%zu", w->summaries[i].trials);
        for (size_t k = 0; k < count; k++) {
            double mean, half, times = columns[k].percent ? 100 : 1;
            compare_mean(w->c, &w->summaries[i], columns[k].offset, &mean, &half);
            interval_cell(w->page, times * mean, times * half, columns[k].decimals);
        }
        p_cell(w->page, w->summaries[i].p_seeds);
        p_cell(w->page, w->summaries[i].p_examples);
    }
    page_table_end(w->page);
    page_paragraph(
        w->page,
        "p, seeds: paired t test of the share with edges against the best method, seed "
        "by seed. p, examples: McNemar's exact test at equal weights against the best "
        "method, over the examples of all tasks, first seeds. Neither is corrected for "
        "the number of methods.");
}

/* The mean over seeds of a task's figure at a point of the design. */
static double figure(const struct compare *c, const struct compare_summary *s,
                     size_t point, size_t task) {
    double sum = 0;
    for (size_t i = 0; i < s->trials; i++)
        sum += c->trials[s->first + i].values[point * c->design.tasks + task];
    return sum / (double)s->trials;
}

static void tasks(const struct page_writer *w) {
    const struct compare *c = w->c;
    size_t count = c->design.tasks;
    page_heading(w->page, "Tasks");
    page_paragraph(w->page,
                   "Mean over seeds: each task's figure where it has the whole weight, "
                   "and after the stroke at equal weights.");
    page_table(w->page, count + 1, 1);
    page_cell(w->page, "Method");
    for (size_t t = 0; t < count; t++)
        page_cell(w->page, "%s", task_name(w, t));
    page_cell(w->page, "experts");
    for (size_t t = 0; t < count; t++)
        page_number(w->page, c->experts[t], 1);
    for (size_t i = 0; i < c->contender_count; i++) {
        name_cell(w, i);
        for (size_t t = 0; t < count; t++)
            page_cell(w->page, "%.1f / %.1f", figure(c, &w->summaries[i], t, t),
                      figure(c, &w->summaries[i], design_centre(&c->design), t));
    }
    page_table_end(w->page);
}

static void costs(const struct page_writer *w) {
    static const char *const headers[] = {"Method",       "trainable numbers",
                                          "images drawn", "labels used",
                                          "seconds",      "peak memory (MiB)"};
    enum { COLUMNS = sizeof headers / sizeof *headers };
    page_heading(w->page, "Cost");
    page_paragraph(
        w->page, "Of one seed: what training drew, an image as often as it was drawn; "
                 "seconds of training, or of making one model where nothing is "
                 "trained. A dash: not known, or none.");
    page_table(w->page, COLUMNS, 1);
    for (size_t i = 0; i < COLUMNS; i++)
        page_cell(w->page, "%s", headers[i]);
    for (size_t i = 0; i < w->c->contender_count; i++) {
        const struct compare_trial *one = w->summaries[i].one;
        const double unknown = (double)NAN;
        name_cell(w, i);
        page_number(w->page, one->trainable ? (double)one->trainable : unknown, 0);
        page_number(w->page, (double)one->images, 0);
        page_number(w->page, (double)one->labels, 0);
        page_number(w->page, one->seconds > 0 ? one->seconds : unknown, 2);
        page_number(w->page,
                    one->peak_bytes ? (double)(one->peak_bytes >> 20) : unknown, 0);
    }
    page_table_end(w->page);
}

/* --- pictures --------------------------------------------------------------------- */

/* For each task its figure along the edges to it, the mean over edges and seeds. */
static void follow(const struct compare *c, const struct compare_summary *s,
                   size_t task, double *y) {
    const struct design *d = &c->design;
    for (size_t k = 0; k < d->edge; k++) {
        y[k] = 0;
        for (size_t other = 0; other < d->tasks; other++) {
            if (other == task)
                continue;
            size_t at = other < task ? design_on_edge(d, other, task, k)
                                     : design_on_edge(d, task, other, d->edge - 1 - k);
            y[k] += figure(c, s, at, task) / (double)(d->tasks - 1);
        }
    }
}

static int edges_picture(const struct page_writer *w, struct error *error) {
    const struct compare *c = w->c;
    size_t n = c->design.edge, lines = c->contender_count;
    size_t count = c->design.tasks < PANELS_MAX ? c->design.tasks : PANELS_MAX;
    double *x = array_new(n, sizeof *x);
    double *y = array_new(count * lines * n, sizeof *y);
    struct plot_line *all = array_new(count * lines, sizeof *all);
    struct plot_panel panels[PANELS_MAX];
    struct plot_png png = {0};
    struct plot_page page = {.width = WIDTH, .height = HEIGHT, .png = &png};
    int result = x && y && all ? 0 : error_memory(error);
    for (size_t k = 0; result == 0 && k < n; k++)
        x[k] = (double)k / (double)(n - 1);
    for (size_t t = 0; result == 0 && t < count; t++) {
        panels[t] = (struct plot_panel){
            .title = task_name(w, t), .lines = all + t * lines, .count = lines};
        for (size_t i = 0; i < lines; i++) {
            double *own = y + (t * lines + i) * n;
            follow(c, &w->summaries[i], t, own);
            all[t * lines + i] = (struct plot_line){.name = c->contenders[i].name,
                                                    .ink = w->looks[i].ink,
                                                    .mark = w->looks[i].mark,
                                                    .dash = w->looks[i].dash,
                                                    .marks = c->contenders[i].answers,
                                                    .count = n,
                                                    .x = x,
                                                    .y = own};
        }
    }
    if (result == 0)
        result = plot_lines(&page,
                            &(struct plot_grid){.x_label = "weight of the task",
                                                .y_label = "figure",
                                                .panels = panels,
                                                .panel_count = count},
                            error);
    if (result == 0)
        page_picture(
            w->page, "edges", &png,
            "Each task's figure as its weight grows along the edges to it, the "
            "mean over edges and seeds.");
    free(x);
    free(y);
    free(all);
    return result;
}

/* The points of all seeds of one contender. */
static int add_surfaces(const struct page_writer *w, size_t i, struct lines_data *data,
                        struct error *error) {
    const struct compare *c = w->c;
    const struct compare_summary *s = &w->summaries[i];
    size_t each = c->design.count, total = each * s->trials;
    double sign[2], *points = array_new(2 * total, sizeof *points);
    size_t *set_of = array_new(total, sizeof *set_of);
    int result = points && set_of ? 0 : error_memory(error);
    for (size_t t = 0; t < 2; t++)
        sign[t] = oriented_turn(&c->measure.recipe->tasks[t].objective, 1);
    for (size_t p = 0; result == 0 && p < total; p++) {
        const double *value = c->trials[s->first + p / each].values + p % each * 2;
        set_of[p] = p / each;
        points[2 * p] = sign[0] * value[0];
        points[2 * p + 1] = sign[1] * value[1];
    }
    struct plot_line style = {.ink = w->looks[i].ink,
                              .mark = w->looks[i].mark,
                              .dash = w->looks[i].dash,
                              .marks = true};
    if (result == 0)
        result = lines_data_band(data, points, set_of, total, s->trials, sign, style,
                                 c->contenders[i].name, error);
    free(points);
    free(set_of);
    return result;
}

static int surfaces_picture(const struct page_writer *w, struct error *error) {
    struct lines_data data;
    struct plot_png png = {0};
    struct plot_page page = {.width = WIDTH, .height = HEIGHT, .png = &png};
    int result = lines_data_begin(&data, 1) ? error_memory(error) : 0;
    for (size_t i = 0; result == 0 && i < w->c->contender_count; i++)
        result = add_surfaces(w, i, &data, error);
    data.grid.x_label = task_name(w, 0);
    data.grid.y_label = task_name(w, 1);
    if (result == 0)
        result = plot_lines(&page, &data.grid, error);
    lines_data_clear(&data);
    if (result == 0)
        page_picture(w->page, "attainment", &png,
                     "Attainment surfaces: what half of a method's seeds attain, and "
                     "pale the band from what all to what the best do.");
    return result;
}

/* --- the page --------------------------------------------------------------------- */

static void heading(const struct page_writer *w) {
    const struct compare *c = w->c;
    char date[40] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
    page_paragraph(w->page,
                   "From %s, %s split, by pwemoe %s on %s. What is trained has %llu "
                   "steps and seeds from 0 on.",
                   store_path(c->measure.store), c->measure.split, PACKAGE_VERSION,
                   date, (unsigned long long)c->options->budget);
}

int compare_page(const struct compare *c, const struct compare_summary *summaries,
                 size_t best, struct error *error) {
    const char *name = c->measure.recipe->name;
    struct page_writer w = {.c = c, .summaries = summaries, .best = best};
    if (choose_looks(&w, error))
        return -1;
    w.page = page_new(*name ? name : "pwemoe");
    int result = w.page ? 0 : error_memory(error);
    if (result == 0) {
        heading(&w);
        criteria(&w);
        tasks(&w);
        costs(&w);
        page_heading(w.page, "Pictures");
        result = edges_picture(&w, error) ||
                         (c->design.tasks == 2 && surfaces_picture(&w, error))
                     ? -1
                     : 0;
    }
    if (result == 0)
        result = page_end(w.page, c->options->out, error);
    else
        page_free(w.page);
    free(w.looks);
    return result;
}
