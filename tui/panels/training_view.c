#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "panels/graph.h"
#include "panels/views.h"

/* One task's loss: the mean of the steps that fall on each column, joined. */
static void draw_task(const struct graph *graph, struct raster *raster,
                      const struct catalog *catalog, size_t task) {
    int columns = raster_width(raster), bins = columns / 2 < 1 ? 1 : columns / 2;
    double *sum = array_new((size_t)bins, sizeof *sum);
    size_t *count = array_new((size_t)bins, sizeof *count);
    if (!sum || !count)
        goto done;
    double width = graph->x.high - graph->x.low;
    for (size_t i = 0; i < catalog->curve_count; i++) {
        const struct store_curve_point *point = &catalog->curve[i];
        if (point->task != task || !isfinite(point->loss))
            continue;
        int bin = (int)((point->step - graph->x.low) / width * bins);
        bin = bin < 0 ? 0 : bin >= bins ? bins - 1 : bin;
        sum[bin] += point->loss;
        count[bin]++;
    }
    double last_x = NAN, last_y = NAN;
    for (int bin = 0; bin < bins; bin++) {
        if (!count[bin])
            continue;
        double x = graph->x.low + (bin + 0.5) / bins * width;
        double y = sum[bin] / (double)count[bin];
        if (isnan(last_x))
            last_x = x, last_y = y;
        graph_line(graph, raster, last_x, last_y, x, y, 1, look_task(task));
        last_x = x;
        last_y = y;
    }
done:
    free(sum);
    free(count);
}

/* As much as there is room for: how far it is, then what is trained. */
static void make_title(const struct view *view, const struct store_run *run, char *out,
                       size_t size) {
    enum { RULE = 4 }; /* what a heading has beside its text */
    char name[48];
    snprintf(name, sizeof name, "%s %s", TEXT_CUT(run->method, 20),
             TEXT_CUT(run->upscale, 20));
    snprintf(out, size, "Training loss: %s, step %u of %u", name, run->steps_done,
             run->steps);
    if (text_columns(view->canvas->marks, out) + RULE > view->width)
        snprintf(out, size, "Loss: %s, %u of %u", name, run->steps_done, run->steps);
    if (text_columns(view->canvas->marks, out) + RULE > view->width)
        snprintf(out, size, "Loss: step %u of %u", run->steps_done, run->steps);
}

void training_view_draw(const struct view *view, const struct explorer *explorer,
                        bool focused) {
    const struct catalog *catalog = explorer->catalog;
    struct range x = range_empty(), y = range_empty();
    char title[128] = "Training";
    const struct store_run *run = catalog_curve_run(catalog);
    if (run)
        make_title(view, run, title, sizeof title);
    view_heading(view, title, focused);
    for (size_t i = 0; i < catalog->curve_count; i++) {
        range_add(&x, catalog->curve[i].step);
        range_add(&y, catalog->curve[i].loss);
    }
    if (x.low >= x.high) {
        view_note(view, INK_FAINT,
                  catalog->curve_count
                      ? "one point so far"
                      : "no training curve is stored; run pwemoe train");
        return;
    }
    y.low = fmin(y.low, 0);
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    struct graph graph =
        graph_begin(&below, x, range_widen(y, y.high > y.low ? 0 : 1, 0));
    struct raster raster;
    if (graph.inside.width < 3 || graph.inside.height < 2 ||
        raster_begin(&raster, &graph.inside))
        return;
    for (size_t t = 0; t < catalog->tasks; t++)
        draw_task(&graph, &raster, catalog, t);
    raster_end(&raster);
}
