/* The key that writes what is on the screen as a chart: the same solutions, the same
 * objectives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/actions.h"
#include "base/memory.h"
#include "state/space.h"

/* What a line of the dialog stands for. */
static int64_t encode(enum chart_writer_kind kind, size_t x, size_t y) {
    return (int64_t)(((size_t)kind * STORE_TASKS_MAX + x) * STORE_TASKS_MAX + y);
}

static enum chart_writer_kind decode(int64_t value, size_t *x, size_t *y) {
    *y = (size_t)value % STORE_TASKS_MAX;
    *x = (size_t)value / STORE_TASKS_MAX % STORE_TASKS_MAX;
    return (enum chart_writer_kind)((size_t)value / STORE_TASKS_MAX / STORE_TASKS_MAX);
}

static bool is_there(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

/* ---- the dialog --------------------------------------------------------------- */

static void propose(struct explorer *explorer) {
    static const char *const kinds[] = {"scatter", "parallel", "ternary", "scaling",
                                        "similarity"};
    struct dialog *dialog = &explorer->dialog;
    char name[128], path[256];
    size_t x, y;
    app_propose_name(explorer, name, sizeof name);
    const char *kind = kinds[decode(dialog->items[dialog->choice].value, &x, &y)];
    snprintf(path, sizeof path, "%s-%s.svg", name, kind);
    for (int i = 2; i < 1000 && is_there(path); i++)
        snprintf(path, sizeof path, "%s-%s-%d.svg", name, kind, i);
    dialog_text(dialog, path);
}

static void add_scatter(struct explorer *explorer, size_t x, size_t y) {
    char text[160];
    snprintf(text, sizeof text, "scatter, %s over %s",
             TEXT_CUT(explorer_task_name(explorer, y), 50),
             TEXT_CUT(explorer_task_name(explorer, x), 50));
    dialog_add(&explorer->dialog, encode(CHART_SCATTER, x, y), 0, INK_TEXT, false,
               text);
}

/* --- what is drawn --------------------------------------------------------------- */

/* The present point, where anything is known of it. */
static int add_now(const struct explorer *explorer, struct plot_points *points,
                   struct error *error) {
    double values[STORE_TASKS_MAX], low[STORE_TASKS_MAX], high[STORE_TASKS_MAX];
    bool any = false, estimated = false, complete = true;
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure figure;
        values[t] = low[t] = high[t] = NAN;
        if (!explorer_figure(explorer, t, &figure))
            continue;
        values[t] = figure.value;
        if (!figure.estimated && figure.low < figure.high) {
            low[t] = figure.low;
            high[t] = figure.high;
        }
        any = true;
        estimated = estimated || figure.estimated;
        complete = complete && figure.complete;
    }
    struct plot_series series = {.name = estimated  ? "here (estimated)"
                                         : complete ? "here (measured)"
                                                    : "here (measured in part)",
                                 .mark = estimated ? MARK_ESTIMATE : MARK_NOW,
                                 .ink = INK_NOW,
                                 .now = true};
    struct plot_figures figures = {.values = values, .low = low, .high = high};
    return any ? plot_points_add(points, &series, &figures, error) : 0;
}

/* Rows of the series that are switched on. */
static int add_rows(const struct explorer *explorer, struct plot_points *points,
                    struct error *error) {
    const struct catalog *catalog = explorer->catalog;
    bool *take = array_new(catalog->count, sizeof *take);
    bool *dimmed = array_new(catalog->count, sizeof *dimmed);
    int result = take && dimmed ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        take[i] = explorer_series_visible(explorer, solution->series);
        dimmed[i] = catalog_series(catalog, i)->answers
                        ? !solution->front
                        : solution->stale || !solution->whole;
    }
    if (result == 0)
        result = plot_solutions(points, catalog, take, dimmed, error);
    free(take);
    free(dimmed);
    return result;
}

static int gather_points(const struct explorer *explorer, struct plot_points *points,
                         struct error *error) {
    if (add_rows(explorer, points, error))
        return -1;
    int result = add_now(explorer, points, error);
    if (result == 0 && !points->cloud.count)
        result = error_set(error, "nothing that a chart can draw is shown");
    if (result)
        plot_points_clear(points);
    return result;
}

static int gather_shares(const struct explorer *explorer, struct chart_writer_job *job,
                         struct error *error) {
    const struct samples *samples = &explorer->samples;
    if (!samples->count)
        return error_set(error, "these routers have no measured points");
    if (plot_shares_begin(&job->shares, explorer->catalog, SIZE_MAX, samples->count,
                          error))
        return -1;
    for (size_t i = 0; i < samples->count; i++)
        plot_shares_add(&job->shares, samples->preferences + 3 * i,
                        samples->values + 3 * i, SIZE_MAX);
    return 0;
}

static int gather_lines(const struct explorer *explorer, struct chart_writer_job *job,
                        struct error *error) {
    const struct catalog *catalog = explorer->catalog;
    bool percent = store_objective_percent(&catalog->recipe->tasks[0].objective);
    int result = job->kind == CHART_SCALING
                     ? lines_data_scaling(catalog, NULL, &job->lines, error)
                     : lines_data_similarity(explorer->similarity, &job->lines, error);
    job->lines.grid.x_label =
        job->kind == CHART_SCALING ? "scaling coefficient" : "block";
    job->lines.grid.y_label = job->kind == CHART_SIMILARITY
                                  ? "cosine similarity of task vectors"
                              : percent ? "accuracy (%)"
                                        : "figure";
    return result;
}

/* What it shows, after what the file is called. */
static void title_chart(const struct explorer *explorer, struct chart_writer_job *job) {
    char text[64];
    const char *name = explorer->catalog->recipe->name;
    const char *dash = *name ? ": " : "";
    if (job->kind == CHART_SCATTER)
        snprintf(job->title, sizeof job->title, "%s%s%s and %s", TEXT_CUT(name, 120),
                 dash, TEXT_CUT(explorer_task_name(explorer, job->x), 60),
                 TEXT_CUT(explorer_task_name(explorer, job->y), 60));
    else if (job->kind == CHART_PARALLEL)
        snprintf(job->title, sizeof job->title, "%s%sall %zu objectives",
                 TEXT_CUT(name, 120), dash, explorer->tasks);
    else if (job->kind == CHART_SCALING || job->kind == CHART_SIMILARITY)
        snprintf(job->title, sizeof job->title, "%s%s%s", TEXT_CUT(name, 120), dash,
                 job->kind == CHART_SCALING ? "figures by scaling coefficient"
                                            : "how alike the task vectors are");
    else
        snprintf(job->title, sizeof job->title, "%s%s%s", TEXT_CUT(name, 120), dash,
                 catalog_routers_text(explorer->catalog, explorer->routers, text,
                                      sizeof text));
}

static void begin_chart(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct chart_writer_job job = {0};
    struct error error = {.text = ""};
    app_expand_home(app);
    job.kind = decode(dialog->items[dialog->choice].value, &job.x, &job.y);
    snprintf(job.path, sizeof job.path, "%s", dialog->text);
    title_chart(explorer, &job);
    int result;
    if (!dialog->text[0])
        result = error_set(&error, "type a path");
    else if (is_there(dialog->text))
        result = error_set(&error, "this path exists and is not overwritten; "
                                   "choose another name");
    else if (job.kind == CHART_TERNARY)
        result = gather_shares(explorer, &job, &error);
    else if (job.kind == CHART_SCALING || job.kind == CHART_SIMILARITY)
        result = gather_lines(explorer, &job, &error);
    else
        result = gather_points(explorer, &job.points, &error);
    if (result == 0)
        result = chart_writer_begin(&app->chart_writer, app->mailbox, &job, &error);
    snprintf(dialog->error, sizeof dialog->error, "%s", TEXT_CUT(error.text, 500));
    if (result == 0) {
        dialog->error[0] = '\0';
        dialog->state = WRITE_BUSY;
    }
}

static void choose_another(struct app *app) {
    if (!app->explorer.dialog.edited)
        propose(&app->explorer);
}

const struct question chart_question = {
    .kind = DIALOG_WRITE,
    .title = "Chart",
    .prompt = "a new file that ends in .png, .svg or .pdf",
    .choice_name = "chart",
    .busy = "drawing",
    .accept = begin_chart,
    .chosen = choose_another};

static void ask_chart(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    if (explorer->tasks < 2) {
        explorer_say(explorer, false, "a chart needs two objectives");
        return;
    }
    dialog_open(dialog, &chart_question);
    if (explorer->space == SPACE_SOLID) {
        add_scatter(explorer, explorer->triple[0], explorer->triple[1]);
        add_scatter(explorer, explorer->triple[0], explorer->triple[2]);
        add_scatter(explorer, explorer->triple[1], explorer->triple[2]);
    } else if (explorer->tasks == 3) {
        add_scatter(explorer, 0, 1);
        add_scatter(explorer, 0, 2);
        add_scatter(explorer, 1, 2);
    } else {
        add_scatter(explorer, explorer->pair_a, explorer->pair_b);
    }
    dialog_add(dialog, encode(CHART_PARALLEL, 0, 0), 0, INK_TEXT, false,
               "parallel coordinates");
    if (explorer->tasks == 3)
        dialog_add(dialog, encode(CHART_TERNARY, 0, 0), 0, INK_TEXT, false,
                   "ternary, means over the preferences of these routers");
    dialog_add(dialog, encode(CHART_SCALING, 0, 0), 0, INK_TEXT, false,
               "figures by scaling coefficient");
    if (explorer->similarity)
        dialog_add(dialog, encode(CHART_SIMILARITY, 0, 0), 0, INK_TEXT, false,
                   "similarity of task vectors by depth");
    /* What is looked at comes first. */
    enum panel focus = explorer->wish.focus;
    enum chart_writer_kind first = focus == PANEL_SCALING      ? CHART_SCALING
                                   : focus == PANEL_SIMILARITY ? CHART_SIMILARITY
                                   : explorer->space == SPACE_PARALLEL ? CHART_PARALLEL
                                                                       : CHART_SCATTER;
    dialog->choice = 0;
    for (size_t i = 0; i < dialog->count; i++)
        if (dialog->items[i].value == encode(first, 0, 0))
            dialog->choice = (int)i;
    propose(explorer);
}

/* clang-format off */
const struct action chart_actions[] = {
    {{'P'}, "Models", "P", "write what is shown as a chart: PNG, SVG or PDF", .run = ask_chart, .waits = true},
    {.run = NULL},
};
