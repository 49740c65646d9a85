/* The pictures of `pwemoe report`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/analysis.h"
#include "command/work/plot_data.h"
#include "command/work/report.h"

/* Every pair of tasks has a picture up to so many tasks; beyond that all share one.
 * Charts of runs are of so many runs at most. */
enum { PAIRS_TASKS_MAX = 4, RUNS_MAX = 8, WIDTH = 960, HEIGHT = 600 };

static struct plot_page page_for(struct plot_png *png) {
    return (struct plot_page){.width = WIDTH, .height = HEIGHT, .png = png};
}

static int picture_of_run(const struct report *r, const char *name,
                          struct plot_png *png, const char *caption,
                          const struct store_run *run, struct error *error) {
    char *run_name = series_run_name(run);
    if (run_name)
        page_picture(r->page, name, png, "%s: %s.", caption, run_name);
    else
        free(png->data);
    free(run_name);
    return run_name ? 0 : error_memory(error);
}

/* --- points -------------------------------------------------------------------- */

static int scatters(const struct report *r, const struct plot_points *data,
                    struct error *error) {
    size_t tasks = r->recipe->task_count;
    for (size_t x = 0; x < tasks; x++)
        for (size_t y = x + 1; y < tasks; y++) {
            struct plot_png png = {0};
            struct plot_page page = page_for(&png);
            char name[64];
            if (plot_scatter(&page, &data->cloud, x, y, error))
                return -1;
            snprintf(name, sizeof name, "scatter-%zu-%zu", x + 1, y + 1);
            page_picture(r->page, name, &png,
                         "%s and %s; models that another merged model dominates are "
                         "small and pale.",
                         r->recipe->tasks[x].name, r->recipe->tasks[y].name);
        }
    return 0;
}

static int points(const struct report *r, struct error *error) {
    size_t tasks = r->recipe->task_count;
    bool any = false;
    for (size_t i = 0; i < r->count && !any; i++)
        any = store_state_settled(r->rows[i].state);
    if (tasks < 2 || !any)
        return 0;
    struct plot_points data;
    if (points_make(r->catalog, NULL, &data, error))
        return -1;
    int result = 0;
    if (tasks <= PAIRS_TASKS_MAX) {
        result = scatters(r, &data, error);
    } else {
        struct plot_png png = {0};
        struct plot_page page = page_for(&png);
        result = plot_parallel(&page, &data.cloud, error);
        if (result == 0)
            page_picture(r->page, "parallel", &png,
                         "Every task an axis, every model a line.");
    }
    plot_points_clear(&data);
    return result;
}

static int ternary(const struct report *r, const struct store_run *run, int64_t routers,
                   struct error *error) {
    bool any = false;
    for (size_t i = 0; i < r->count && !any; i++)
        any = r->rows[i].solution.routers == routers &&
              r->rows[i].solution.preference && r->rows[i].whole;
    if (r->recipe->task_count != 3 || !any)
        return 0;
    struct plot_shares data;
    if (shares_make(r->catalog, NULL, routers, SIZE_MAX, &data, error))
        return -1;
    struct plot_surface surface = plot_shares_surface(&data);
    struct plot_png png = {0};
    struct plot_page page = page_for(&png);
    char name[64];
    int result = plot_ternary(&page, &surface, error);
    plot_shares_clear(&data);
    snprintf(name, sizeof name, "ternary-run-%lld", (long long)run->id);
    return result ? -1
                  : picture_of_run(r, name, &png, "Figures over the preferences", run,
                                   error);
}

/* --- lines --------------------------------------------------------------------- */

/* Draws and clears data. */
static int draw_lines(struct lines_data *data, const char *x, const char *y,
                      struct plot_png *png, struct error *error) {
    struct plot_page page = page_for(png);
    data->grid.x_label = x;
    data->grid.y_label = y;
    int result = plot_lines(&page, &data->grid, error);
    lines_data_clear(data);
    return result;
}

static int scaling(const struct report *r, struct error *error) {
    bool any = false;
    for (size_t i = 0; i < r->count && !any; i++)
        any = report_is_sweep(r, i) && isfinite(r->catalog->solutions[i].scale) &&
              r->rows[i].whole;
    if (!any)
        return 0;
    struct lines_data data;
    struct plot_png png = {0};
    bool percent = store_objective_percent(&r->recipe->tasks[0].objective);
    if (lines_data_scaling(r->catalog, NULL, &data, error) ||
        draw_lines(&data, "scaling coefficient", percent ? "accuracy (%)" : "figure",
                   &png, error))
        return -1;
    page_picture(r->page, "scaling", &png,
                 percent ? "Accuracy along the scaling coefficient."
                         : "Figures along the scaling coefficient.");
    return 0;
}

static int routing(const struct report *r, const struct store_run *run,
                   const struct store_routers *routers, struct error *error) {
    struct routing weights;
    struct lines_data data;
    struct plot_png png = {0};
    if (routing_make(routers, r->recipe->task_count, &weights, error))
        return -1;
    int result = lines_data_routing(r->recipe, &weights, &data, error);
    routing_clear(&weights);
    if (result || draw_lines(&data, "block", "routing weight", &png, error))
        return -1;
    char name[64];
    snprintf(name, sizeof name, "routing-run-%lld", (long long)run->id);
    return picture_of_run(r, name, &png,
                          "Routing weights by depth at each task's unit preference",
                          run, error);
}

static int training(const struct report *r, const struct store_run *run,
                    struct error *error) {
    struct store_curve_point *curve;
    struct lines_data data;
    struct plot_png png = {0};
    size_t count;
    if (store_curve(r->store, run->id, &curve, &count, error))
        return -1;
    free(curve);
    if (count == 0)
        return 0;
    char *title; /* the report has its own */
    if (lines_data_training(r->store, r->recipe, (uint64_t)run->id, NULL, &data, &title,
                            error))
        return -1;
    free(title);
    if (draw_lines(&data, "step", "training loss", &png, error))
        return -1;
    char name[64];
    snprintf(name, sizeof name, "training-run-%lld", (long long)run->id);
    return picture_of_run(r, name, &png, "Training loss", run, error);
}

/* --- all of them --------------------------------------------------------------- */

/* A later run of the same method and granularity stands for this one, and an expert's
 * own training is left to `pwemoe plot`. */
static bool is_wanted(const struct store_run *run, const struct store_run **drawn,
                      size_t count) {
    if (store_method_role(run->method) == STORE_ROLE_EXPERTS)
        return false;
    for (size_t k = 0; k < count; k++)
        if (store_run_is(run, drawn[k]->method, drawn[k]->upscale))
            return false;
    return true;
}

static int run_charts(const struct report *r, const struct store_run *run,
                      struct error *error) {
    struct store_routers routers;
    if (store_routers_newest(r->store, run->id, &routers, error) ||
        (routers.id && ternary(r, run, routers.id, error)))
        return -1;
    /* Of the others the bytes, as many as a model has, are not read. */
    if (routers.id && store_trains(run->upscale) == STORE_TRAINS_ROUTERS) {
        if (store_routers_get(r->store, routers.id, &routers, error))
            return -1;
        int failed = routing(r, run, &routers, error);
        store_routers_clear(&routers);
        if (failed)
            return -1;
    }
    return training(r, run, error);
}

int report_charts(const struct report *r, struct error *error) {
    page_heading(r->page, "Charts");
    if (points(r, error) || scaling(r, error))
        return -1;
    const struct store_run *drawn[RUNS_MAX];
    size_t count = 0;
    for (size_t n = r->run_count; n-- > 0 && count < RUNS_MAX;) {
        if (!is_wanted(&r->runs[n], drawn, count))
            continue;
        if (run_charts(r, &r->runs[n], error))
            return -1;
        drawn[count++] = &r->runs[n];
    }
    return 0;
}
