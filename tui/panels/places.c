#include "panels/places.h"

#include <math.h>

void places_pair(const struct explorer *explorer, const struct arrangement *arrangement,
                 enum panel panel, size_t *a, size_t *b) {
    static const size_t pairs[3][2] = {{0, 1}, {0, 2}, {1, 2}};
    bool three = panel != PANEL_SCATTER || arrangement->shown[PANEL_SCATTER_2];
    *a = three ? pairs[panel - PANEL_SCATTER][0] : explorer->pair_a;
    *b = three ? pairs[panel - PANEL_SCATTER][1] : explorer->pair_b;
}

size_t places_of(const struct view *view, struct explorer *explorer,
                 const struct arrangement *arrangement, enum panel panel, int column,
                 struct row_place *out) {
    size_t a, b;
    if (panel == PANEL_SIMPLEX)
        return simplex_view_places(view, explorer, out);
    if (panel < PANEL_SCATTER || panel > PANEL_SCATTER_3)
        return 0;
    if (explorer->space == SPACE_SOLID)
        return solid_view_places(view, explorer, out);
    if (explorer->space == SPACE_PARALLEL)
        return parallel_view_places(view, explorer, column, out);
    places_pair(explorer, arrangement, panel, &a, &b);
    return scatter_view_places(view, explorer, a, b, out);
}

/* A cell is about twice as high as wide. */
static const double high = 2;

const struct row_place *places_at(const struct row_place *places, size_t count,
                                  double x, double y, double reach) {
    const struct row_place *best = NULL;
    double least = high * reach + 1e-9;
    for (size_t i = 0; i < count; i++) {
        double distance = hypot(places[i].x - x, high * (places[i].y - y));
        /* Of several at one place the last, which is drawn over the others. */
        if (distance <= least) {
            least = distance;
            best = &places[i];
        }
    }
    return best;
}

const struct row_place *places_next(const struct row_place *places, size_t count,
                                    double x, double y, int dx, int dy) {
    const struct row_place *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double right = places[i].x - x, down = high * (places[i].y - y);
        double ahead = dx * right + dy * down;
        double aside = fabs(dx ? down : right);
        double cost = ahead + 2 * aside + (aside > ahead ? 1e6 : 0);
        if (ahead > 1e-6 && cost < least) {
            least = cost;
            best = &places[i];
        }
    }
    return best;
}
