/* Keys and clicks that point at stored solutions: the next in a direction, the one
 * under the pointer, and going there. */
#include <stdlib.h>

#include "app/actions.h"
#include "base/memory.h"
#include "panels/places.h"
#include "state/axes.h"
#include "terminal/keys.h"

/* Where the rows are in a panel; free(). NULL: none. */
static struct row_place *find_places(struct app *app, enum panel panel, int column,
                                     size_t *count) {
    struct explorer *explorer = &app->explorer;
    struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
    struct row_place *places = array_new(explorer->catalog->count, sizeof *places);
    *count = places
                 ? places_of(&view, explorer, &app->arrangement, panel, column, places)
                 : 0;
    if (!*count) {
        free(places);
        places = NULL;
    }
    return places;
}

size_t app_row_at(struct app *app, enum panel panel, int x, int y, double reach) {
    const struct rect *rect = &app->arrangement.rect[panel];
    size_t count, row = SIZE_MAX;
    struct row_place *places = find_places(app, panel, x - rect->x, &count);
    const struct row_place *place =
        places ? places_at(places, count, x - rect->x, y - rect->y, reach) : NULL;
    if (place)
        row = place->row;
    free(places);
    return row;
}

void app_point_at(struct app *app, enum panel panel, int x, int y) {
    struct explorer *explorer = &app->explorer;
    struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
    explorer_point(explorer, app_row_at(app, panel, x, y, 1.3));
    if (explorer->space == SPACE_PARALLEL)
        explorer->pointed_axis = parallel_view_axis(&view, explorer, x - view.x);
}

/* The place to step from: that of what is pointed at, where the panel shows it. */
static const struct row_place *find_pointed(const struct explorer *explorer,
                                            const struct row_place *places,
                                            size_t count) {
    for (size_t i = 0; i < count; i++)
        if (places[i].row == explorer->pointed)
            return &places[i];
    return NULL;
}

void app_step_point(struct app *app, int dx, int dy) {
    struct explorer *explorer = &app->explorer;
    enum panel panel = explorer->wish.focus;
    if (!app->arrangement.shown[panel])
        return;
    struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
    bool parallel = explorer->space == SPACE_PARALLEL;
    size_t count;
    int column = 0;
    if (parallel) {
        size_t axis = axes_beside(explorer, explorer->pointed_axis, dx);
        explorer->pointed_axis = axis;
        column = parallel_view_column(&view, explorer, axis);
        if (dx && explorer->pointed != SIZE_MAX)
            return; /* the same line, at another axis */
    }
    struct row_place *places = find_places(app, panel, column, &count);
    if (!places) {
        explorer_say(explorer, false, "there is nothing to point at here");
        return;
    }
    const struct row_place *from = find_pointed(explorer, places, count), *to;
    if (from)
        to = places_next(places, count, from->x, from->y, dx, dy);
    else
        to = places_at(places, count, parallel ? column : view.width / 2.0,
                       view.height / 2.0, 1e6);
    if (to)
        explorer_point(explorer, to->row);
    free(places);
}

/* --- going there --------------------------------------------------------------- */

bool app_go_to_pointed(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const struct store_solution *solution =
        &explorer->catalog->rows[explorer->pointed].solution;
    int64_t routers = catalog_answerer(solution);
    if (!routers) {
        explorer_say(explorer, false,
                     "this model has no preference to go to; c compares it, "
                     "pwemoe export --solution %lld writes it",
                     (long long)solution->id);
        return false;
    }
    if (routers != explorer->routers)
        explorer_use_routers(explorer, routers);
    explorer_go(explorer, solution->preference, false);
    return true;
}

static void go_there(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (explorer->pointed != SIZE_MAX)
        app_go_to_pointed(app);
    else
        explorer_say(explorer, false,
                     "point at a solution first: click on it, or press Tab and arrows");
}

/* clang-format off */
const struct action pointing_actions[] = {
    {{KEYS_ENTER}, "View", "Enter", "go to the solution pointed at", .run = go_there,
     .hint = {[HINTS_POINTING] = {2, "go there"}, [HINTS_TABLE] = {3, "go there"}}},
    {.run = NULL},
};
