#include "panels/simplex_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/graph.h"
#include "panels/places.h"
#include "state/selection.h"
#include "state/space.h"

static void draw_now(const struct view *view, const struct explorer *explorer, double x,
                     double y) {
    const struct marks *marks = view->canvas->marks;
    bool estimate = explorer->figures < FIGURES_RUNNING;
    view_put(view, (int)lround(x), (int)lround(y),
             marks->mark[estimate ? MARK_ESTIMATE : MARK_NOW], INK_NOW, LOOK_BOLD);
}

/* Are the places known for this panel? If not they are made room for. */
static bool is_known(const struct view *view, const struct explorer *explorer,
                     const struct simplex_geometry *geometry,
                     struct stored_places *stored) {
    double corners[STORE_TASKS_MAX][2] = {{0}};
    for (size_t t = 0; t < geometry->tasks; t++) {
        corners[t][0] = geometry->x[t];
        corners[t][1] = geometry->y[t];
    }
    if (stored->catalog == explorer->catalog->serial &&
        stored->routers == explorer->routers && stored->width == view->width &&
        stored->height == view->height &&
        !memcmp(stored->corners, corners, sizeof corners))
        return true;
    memcpy(stored->corners, corners, sizeof corners);
    stored->catalog = explorer->catalog->serial;
    stored->routers = explorer->routers;
    stored->width = view->width;
    stored->height = view->height;
    return false;
}

/* Stored points of the present routers, the front above the rest; NULL: memory is out.
 * They are many, and a drag draws them often. */
static const size_t *find_stored(const struct view *view, struct explorer *explorer,
                                 const struct simplex_geometry *geometry) {
    const struct catalog *catalog = explorer->catalog;
    struct stored_places *stored = &explorer->stored;
    size_t cells = (size_t)view->width * (size_t)view->height;
    if (is_known(view, explorer, geometry, stored))
        return stored->rows;
    if (array_reserve((void **)&stored->rows, &stored->capacity, cells + 1,
                      sizeof *stored->rows)) {
        stored->catalog = 0;
        return NULL;
    }
    for (size_t i = 0; i < cells; i++)
        stored->rows[i] = SIZE_MAX;
    for (size_t i = 0; i < catalog->count && explorer->routers; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        double x, y;
        if (catalog_answerer(solution) != explorer->routers)
            continue;
        simplex_geometry_place(geometry, solution->preference, &x, &y);
        int column = (int)lround(x), row = (int)lround(y);
        if (column < 0 || row < 0 || column >= view->width || row >= view->height)
            continue;
        size_t *cell =
            &stored->rows[(size_t)row * (size_t)view->width + (size_t)column];
        if (*cell == SIZE_MAX || catalog->solutions[i].front ||
            !catalog->solutions[*cell].front)
            *cell = i;
    }
    return stored->rows;
}

static void draw_stored(const struct view *view, struct explorer *explorer,
                        const struct simplex_geometry *geometry) {
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = view->canvas->marks;
    const size_t *rows = find_stored(view, explorer, geometry);
    int cells = rows ? view->width * view->height : 0;
    for (int cell = 0; cell < cells; cell++) {
        size_t i = rows[cell];
        if (i == SIZE_MAX)
            continue;
        bool front = catalog->solutions[i].front;
        bool outside = selection_outside(explorer, i);
        view_put(view, cell % view->width, cell / view->width,
                 catalog->solutions[i].knee
                     ? marks->mark[MARK_KNEE]
                     : marks->mark[front && !outside ? MARK_FRONT : MARK_DOMINATED],
                 outside                      ? INK_DOMINATED
                 : front                      ? INK_FRONT
                 : selection_has(explorer, i) ? INK_TEXT
                                              : INK_DOMINATED,
                 selection_has(explorer, i) ? LOOK_BOLD : LOOK_PLAIN);
    }
    for (size_t i = 0; i < catalog->bookmark_count; i++) {
        double x, y;
        if (!catalog->bookmarks[i].preference)
            continue;
        simplex_geometry_place(geometry, catalog->bookmarks[i].preference, &x, &y);
        view_put(view, (int)lround(x), (int)lround(y), marks->mark[MARK_BOOKMARK],
                 INK_WARNING, LOOK_PLAIN);
    }
}

size_t simplex_view_places(const struct view *view, const struct explorer *explorer,
                           struct row_place *out) {
    const struct catalog *catalog = explorer->catalog;
    struct simplex_geometry geometry =
        simplex_geometry_make(view->width, view->height, explorer->tasks,
                              explorer->slider, explorer->wish.polygon);
    size_t count = 0;
    if (geometry.shape == SHAPE_NONE || geometry.shape == SHAPE_SLIDERS)
        return 0;
    for (size_t i = 0; i < catalog->count && explorer->routers; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (catalog_answerer(solution) != explorer->routers)
            continue;
        out[count].row = i;
        simplex_geometry_place(&geometry, solution->preference, &out[count].x,
                               &out[count].y);
        count++;
    }
    return count;
}

static void draw_pointed(const struct view *view, const struct explorer *explorer,
                         const struct simplex_geometry *geometry) {
    const struct store_solution *solution =
        explorer->pointed == SIZE_MAX
            ? NULL
            : &explorer->catalog->rows[explorer->pointed].solution;
    double x, y;
    if (!solution || !solution->preference)
        return;
    simplex_geometry_place(geometry, solution->preference, &x, &y);
    view_look(view, (int)lround(x), (int)lround(y), 1, LOOK_REVERSE);
}

/* The way that one has come, from stop to stop. */
static void draw_trail(const struct view *view, const struct explorer *explorer,
                       const struct simplex_geometry *geometry) {
    enum { STOPS = 24 };
    const struct history *history = &explorer->history;
    size_t last = history->at < history->count ? history->at : 0;
    size_t first = last > STOPS ? last - STOPS : 0;
    struct raster raster;
    double x, y, to_x, to_y;
    if (!explorer->trail || !history->count || raster_begin(&raster, view))
        return;
    simplex_geometry_place(geometry, history->items[first], &x, &y);
    for (size_t i = first + 1; i <= last; i++, x = to_x, y = to_y) {
        simplex_geometry_place(geometry, history->items[i], &to_x, &to_y);
        raster_line(&raster, (int)((x + 0.5) * raster.dots_x),
                    (int)((y + 0.5) * raster.dots_y),
                    (int)((to_x + 0.5) * raster.dots_x),
                    (int)((to_y + 0.5) * raster.dots_y), 2, INK_NOW);
    }
    raster_end(&raster);
}

static void make_profile(struct explorer *explorer) {
    struct profile *profile = &explorer->profile;
    if (profile->catalog == explorer->catalog->serial &&
        profile->routers == explorer->routers)
        return;
    for (int i = 0; i <= PROFILE_STEPS; i++) {
        double r = (double)i / PROFILE_STEPS, *values = profile->values[i];
        if (!estimate_at(&explorer->samples, (double[]){1 - r, r}, values))
            values[0] = values[1] = NAN;
    }
    profile->catalog = explorer->catalog->serial;
    profile->routers = explorer->routers;
}

/* What each task reaches along the segment: stored points, joined. */
static void draw_profile(const struct view *view, struct explorer *explorer) {
    const struct samples *samples = &explorer->samples;
    const struct catalog *catalog = explorer->catalog;
    struct range y = range_empty();
    struct raster raster;
    for (size_t i = 0; i < samples->count * 2; i++)
        range_add(&y, samples->values[i]);
    for (size_t t = 0; t < 2; t++)
        range_add(&y, catalog->stl[t]);
    y = range_widen(y, 0.01 * space_scale(explorer, 0, y), 0.05);
    struct graph graph = graph_begin(view, (struct range){0, 1}, y);
    make_profile(explorer);
    if (graph.inside.width < 4 || graph.inside.height < 2 ||
        raster_begin(&raster, &graph.inside))
        return;
    for (size_t t = 0; t < 2; t++) {
        graph_line(&graph, &raster, 0, catalog->stl[t], 1, catalog->stl[t], 4,
                   look_task(t));
        /* The estimate passes through the stored points: walk over it. */
        for (int i = 1; i <= PROFILE_STEPS; i++)
            graph_line(&graph, &raster, (double)(i - 1) / PROFILE_STEPS,
                       explorer->profile.values[i - 1][t], (double)i / PROFILE_STEPS,
                       explorer->profile.values[i][t], 1, look_task(t));
    }
    raster_end(&raster);
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < samples->count; i++)
            graph_point(
                &graph, samples->preferences[i * 2 + 1], samples->values[i * 2 + t],
                view->canvas->marks->mark[MARK_FRONT], look_task(t), LOOK_PLAIN);
        struct figure figure;
        if (explorer_figure(explorer, t, &figure))
            graph_point(
                &graph, explorer->preference[1], figure.value,
                view->canvas->marks->mark[figure.estimated ? MARK_ESTIMATE : MARK_NOW],
                INK_NOW, LOOK_BOLD);
    }
}

static void draw_segment(const struct view *view, struct explorer *explorer,
                         const struct simplex_geometry *geometry) {
    const struct marks *marks = view->canvas->marks;
    int left = (int)geometry->x[0], right = (int)geometry->x[1];
    int row = (int)geometry->y[0];
    double x, y;
    if (row > 5) {
        struct view above = view_inside(view, 0, 1, view->width, row - 1);
        draw_profile(&above, explorer);
    }
    view_fill(view, left, row, right - left + 1, marks->track, INK_FRAME, LOOK_PLAIN);
    view_put(view, left, row, marks->tick_left, INK_FRAME, LOOK_PLAIN);
    view_put(view, right, row, marks->tick_right, INK_FRAME, LOOK_PLAIN);
    draw_stored(view, explorer, geometry);
    simplex_geometry_place(geometry, explorer->preference, &x, &y);
    draw_now(view, explorer, x, y);
    draw_pointed(view, explorer, geometry);
    if (row + 1 >= view->height)
        return;
    int half = (right - left) / 2;
    view_printf(view, left, row + 1, half, look_task(0), LOOK_BOLD, "%.3f %s",
                explorer->preference[0], explorer_task_name(explorer, 0));
    view_right(view, right - half + 1, row + 1, half, look_task(1), LOOK_BOLD,
               "%s %.3f", explorer_task_name(explorer, 1), explorer->preference[1]);
}

/* The edges between the corners, which are the tasks. */
static void draw_outline(const struct view *view,
                         const struct simplex_geometry *geometry, size_t corners) {
    struct raster raster;
    if (raster_begin(&raster, view) == 0) {
        for (size_t t = 0; t < corners; t++) {
            size_t n = (t + 1) % corners;
            raster_line(&raster, (int)((geometry->x[t] + 0.5) * raster.dots_x),
                        (int)((geometry->y[t] + 0.5) * raster.dots_y),
                        (int)((geometry->x[n] + 0.5) * raster.dots_x),
                        (int)((geometry->y[n] + 0.5) * raster.dots_y), 1, INK_FRAME);
        }
        raster_end(&raster);
    }
}

static void draw_triangle(const struct view *view, struct explorer *explorer,
                          const struct simplex_geometry *geometry) {
    draw_outline(view, geometry, 3);
    draw_trail(view, explorer, geometry);
    draw_stored(view, explorer, geometry);
    double x, y;
    simplex_geometry_place(geometry, explorer->preference, &x, &y);
    draw_now(view, explorer, x, y);
    draw_pointed(view, explorer, geometry);
    char text[160];
    for (size_t t = 0; t < 3; t++) {
        snprintf(text, sizeof text, "%.3f %s", explorer->preference[t],
                 explorer_task_name(explorer, t));
        int row = t == 0 ? (int)geometry->y[0] - 1 : (int)geometry->y[1] + 1;
        int room = t == 0 ? view->width - 2 : view->width / 2 - 1;
        int columns = text_columns(view->canvas->marks, text);
        if (columns > room)
            columns = room;
        int column = t == 0   ? (view->width - columns) / 2
                     : t == 1 ? (int)geometry->x[1]
                              : (int)geometry->x[2] - columns + 1;
        /* Under a narrow triangle the names of the base spread outwards. */
        if (t == 1 && column + columns > view->width / 2 - 1)
            column = view->width / 2 - 1 - columns;
        if (t == 2 && column < view->width / 2 + 1)
            column = view->width / 2 + 1;
        if (t == 2 && column + columns > view->width)
            column = view->width - columns;
        view_text(view, column < 0 ? 0 : column, row, columns, look_task(t), LOOK_BOLD,
                  text);
    }
}

/* A corner's share and name: beside it, above the topmost, below the lowest. */
static void draw_corner(const struct view *view, const struct explorer *explorer,
                        const struct simplex_geometry *geometry, size_t t,
                        bool *taken) {
    double middle = (view->width - 1) / 2.0;
    int x = (int)lround(geometry->x[t]), y = (int)lround(geometry->y[t]);
    bool beside = fabs(geometry->x[t] - middle) > 1, left = geometry->x[t] < middle;
    char text[160];
    int from, room = !beside ? view->width - 2 : left ? x - 1 : view->width - x - 2;
    snprintf(text, sizeof text, "%.*f %s%s", view->width >= 53 ? 3 : 2,
             explorer->preference[t], explorer->locked[t] ? "locked " : "",
             explorer_task_name(explorer, t));
    int columns = text_columns(view->canvas->marks, text);
    columns = columns > room ? room : columns;
    if (beside)
        from = left ? x - 1 - columns : x + 2;
    else
        from = (view->width - columns) / 2;
    if (!beside)
        y += geometry->y[t] < view->height / 2.0 ? -1 : 1;
    if (y < 1 || y >= view->height)
        return;
    /* Where corners lie close, only one of them has its name in a row. */
    bool *row = &taken[2 * y + (beside && !left)];
    if (*row)
        return;
    *row = true;
    view_text(view, from, y, columns, look_task(t),
              t == explorer->slider ? LOOK_BOLD | LOOK_UNDERLINE : LOOK_BOLD, text);
}

static void draw_polygon(const struct view *view, struct explorer *explorer,
                         const struct simplex_geometry *geometry) {
    const struct marks *marks = view->canvas->marks;
    size_t count = geometry->tasks;
    double x, y;
    draw_outline(view, geometry, count);
    draw_trail(view, explorer, geometry);
    draw_stored(view, explorer, geometry);
    for (size_t t = 0; t < count; t++)
        view_put(view, (int)lround(geometry->x[t]), (int)lround(geometry->y[t]),
                 marks->on, look_task(t), LOOK_PLAIN);
    bool *taken = array_new(2 * (size_t)view->height, sizeof *taken);
    /* The greatest shares first: their names are worth the room. */
    for (int pass = 0; taken && pass < 2; pass++)
        for (size_t t = 0; t < count; t++)
            if ((explorer->preference[t] >= 1.0 / (double)count ||
                 t == explorer->slider) == (pass == 0))
                draw_corner(view, explorer, geometry, t, taken);
    free(taken);
    simplex_geometry_place(geometry, explorer->preference, &x, &y);
    draw_now(view, explorer, x, y);
    draw_pointed(view, explorer, geometry);
}

static void draw_sliders(const struct view *view, const struct explorer *explorer,
                         const struct simplex_geometry *geometry) {
    const struct marks *marks = view->canvas->marks;
    if (geometry->rows < (int)explorer->tasks)
        view_right(view, view->width - 11, 0, 10, INK_FAINT, LOOK_PLAIN, " %d more ",
                   (int)explorer->tasks - geometry->rows);
    for (int row = 0; row < geometry->rows; row++) {
        size_t t = (size_t)(geometry->first + row);
        int y = geometry->top + row;
        bool chosen = t == explorer->slider;
        double share = explorer->preference[t];
        view_put(view, 0, y, chosen ? marks->chosen : L' ', INK_NOW, LOOK_BOLD);
        view_text(view, 2, y, geometry->name_width, look_task(t),
                  chosen ? LOOK_BOLD : LOOK_PLAIN, explorer_task_name(explorer, t));
        int at = (int)lround(share * (geometry->track_width - 1));
        view_fill(view, geometry->track_x, y, geometry->track_width, marks->track,
                  INK_FRAME, LOOK_PLAIN);
        view_fill(view, geometry->track_x, y, at, marks->utf8 ? L'━' : L'=',
                  look_task(t), LOOK_PLAIN);
        view_put(view, geometry->track_x + at, y, marks->handle,
                 chosen ? INK_NOW : look_task(t), LOOK_BOLD);
        view_printf(view, geometry->track_x + geometry->track_width + 1, y, 5, INK_TEXT,
                    chosen ? LOOK_BOLD : LOOK_PLAIN, "%.3f", share);
        if (explorer->locked[t])
            view_put(view, geometry->track_x + geometry->track_width + 7, y,
                     marks->lock, INK_WARNING, LOOK_BOLD);
    }
}

void simplex_view_draw(const struct view *view, struct explorer *explorer,
                       bool focused) {
    struct simplex_geometry geometry =
        simplex_geometry_make(view->width, view->height, explorer->tasks,
                              explorer->slider, explorer->wish.polygon);
    view_heading(view, "Preference", focused);
    switch (geometry.shape) {
    case SHAPE_NONE:
        for (size_t t = 0; t < explorer->tasks && (int)t + 1 < view->height; t++)
            view_printf(view, 0, (int)t + 1, view->width, look_task(t), LOOK_PLAIN,
                        "%.3f %s", explorer->preference[t],
                        explorer_task_name(explorer, t));
        break;
    case SHAPE_SEGMENT:
        draw_segment(view, explorer, &geometry);
        break;
    case SHAPE_TRIANGLE:
        draw_triangle(view, explorer, &geometry);
        break;
    case SHAPE_POLYGON:
        draw_polygon(view, explorer, &geometry);
        break;
    case SHAPE_SLIDERS:
        draw_sliders(view, explorer, &geometry);
        break;
    }
}
