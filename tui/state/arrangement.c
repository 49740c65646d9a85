#include "state/arrangement.h"

static int least(int a, int b) {
    return a < b ? a : b;
}

static int between(int low, int value, int high) {
    return value < low ? low : value > high ? high : value;
}

static void show(struct arrangement *arrangement, enum panel panel, struct rect rect) {
    arrangement->shown[panel] = true;
    arrangement->rect[panel] = rect;
}

/* Divides area, top to bottom, among the panels whose bits are set; those that
 * would be lower than six rows are left out from the end. */
static void stack(struct arrangement *arrangement, unsigned open, struct rect area) {
    enum { LOW = 6 };
    int count = 0;
    for (enum panel panel = PANEL_ROUTING; panel < PANEL_COUNT; panel++)
        count += (open >> panel & 1) != 0;
    count = least(count, area.height / LOW < 1 ? 1 : area.height / LOW);
    int y = area.y, left = count;
    for (enum panel panel = PANEL_ROUTING; panel < PANEL_COUNT && left; panel++) {
        if (!(open >> panel & 1))
            continue;
        int height = (area.y + area.height - y) / left;
        show(arrangement, panel, (struct rect){area.x, y, area.width, height});
        y += height;
        left--;
    }
}

/* Three tasks make three pairs, each a panel of its own. */
static bool three_pairs(const struct arrangement_wish *wish) {
    return wish->tasks == 3 && !wish->one_space;
}

static void place_scatters(struct arrangement *arrangement,
                           const struct arrangement_wish *wish, struct rect area) {
    bool placed = arrangement->shown[PANEL_LEGEND];
    enum { GUTTER = 2 };
    if (three_pairs(wish) && area.width >= 44 && area.height >= 12) {
        if (area.width >= 96 && area.height < 24) {
            int legend = area.height >= 16 ? 3 : 2;
            int width = (area.width - 2 * GUTTER) / 3, height = area.height - legend;
            for (int i = 0; i < 3; i++)
                show(arrangement, (enum panel)(PANEL_SCATTER + i),
                     (struct rect){area.x + i * (width + GUTTER), area.y, width,
                                   height});
            show(arrangement, PANEL_LEGEND,
                 (struct rect){area.x, area.y + height, area.width, legend});
            return;
        }
        int width = (area.width - GUTTER) / 2, right = area.width - GUTTER - width;
        int top = area.height / 2, bottom = area.height - top;
        int x = area.x + width + GUTTER, y = area.y + top;
        show(arrangement, PANEL_SCATTER, (struct rect){area.x, area.y, width, top});
        show(arrangement, PANEL_SCATTER_2, (struct rect){x, area.y, right, top});
        show(arrangement, PANEL_SCATTER_3, (struct rect){area.x, y, width, bottom});
        show(arrangement, PANEL_LEGEND, (struct rect){x, y, right, bottom});
        return;
    }
    if (placed) {
        show(arrangement, PANEL_SCATTER, area);
        return;
    }
    /* Side by side with the legend; many axes want the width more. */
    if (area.width >= 76 && (!wish->one_space || area.height < 24)) {
        int legend = 26;
        show(arrangement, PANEL_LEGEND,
             (struct rect){area.x + area.width - legend, area.y, legend, area.height});
        area.width -= legend + GUTTER;
    } else if (area.height >= (wish->one_space ? 14 : 11) && area.width >= 24) {
        int legend = area.height >= 16 ? 5 : area.height >= 13 ? 4 : 3;
        show(arrangement, PANEL_LEGEND,
             (struct rect){area.x, area.y + area.height - legend, area.width, legend});
        area.height -= legend;
    }
    show(arrangement, PANEL_SCATTER, area);
}

/* Which panel a small screen shows. */
static enum panel alone(const struct arrangement_wish *wish) {
    enum panel focus = wish->focus;
    if (!three_pairs(wish) && (focus == PANEL_SCATTER_2 || focus == PANEL_SCATTER_3))
        return PANEL_SCATTER;
    if (focus == PANEL_TITLE || focus == PANEL_STATUS || focus == PANEL_LEGEND ||
        focus >= PANEL_COUNT)
        return PANEL_SIMPLEX;
    return focus;
}

static void place_compact(struct arrangement *arrangement,
                          const struct arrangement_wish *wish, struct rect body) {
    int table = (int)least((int)wish->tasks, 8) + 2;
    enum panel panel = alone(wish);
    arrangement->compact = true;
    /* Scatters need some room to say anything; so does the simplex. */
    bool tiny = body.height < 7 || body.width < 30;
    if (tiny && panel == PANEL_SIMPLEX)
        panel = PANEL_OBJECTIVES;
    bool scatter = panel >= PANEL_SCATTER && panel <= PANEL_SCATTER_3;
    if (scatter)
        panel = PANEL_SCATTER;
    if ((panel == PANEL_SIMPLEX || scatter) && body.height - table >= 6) {
        show(arrangement, PANEL_OBJECTIVES,
             (struct rect){body.x, body.y + body.height - table, body.width, table});
        body.height -= table;
    }
    show(arrangement, panel, body);
}

/* At the lower edge: the figures here (heading, column names, one row for each task,
 * the mean, the price), and the table of solutions, which takes their place on a low
 * screen.
 */
static void place_tables(struct arrangement *arrangement,
                         const struct arrangement_wish *wish, struct rect *body) {
    enum { LOW = 30 };
    int rows = least((int)least((int)wish->tasks, 1000) + 4, body->height / 2);
    int table = !wish->table         ? 0
                : body->height < LOW ? body->height / 2
                                     : body->height / 3;
    if (table) {
        show(
            arrangement, PANEL_TABLE,
            (struct rect){body->x, body->y + body->height - table, body->width, table});
        body->height -= table;
    }
    if (table && body->height + table < LOW)
        return;
    show(arrangement, PANEL_OBJECTIVES,
         (struct rect){body->x, body->y + body->height - rows, body->width, rows});
    body->height -= rows;
}

/* The column of the simplex, at the left edge: how wide it is, and how high the simplex
 * itself where others share the column with it. */
struct simplex_column {
    int width, high;
    bool sliders; /* a row for each task, not a figure */
};

static struct simplex_column simplex_column(const struct arrangement_wish *wish,
                                            const struct rect *body) {
    struct simplex_column column = {.sliders = wish->tasks != 2 && wish->tasks != 3 &&
                                               !wish->polygon};
    /* A triangle wants about twice as many columns as rows. */
    if (wish->tasks <= 3)
        column.width = between(28, body->height * 2 + 4, body->width * 2 / 5);
    else if (wish->polygon)
        column.width = between(32, body->width / 2, 64);
    else
        column.width = between(30, body->width * 2 / 5, 64);
    if (wish->tasks == 2)
        column.high = column.width;
    else if (wish->tasks <= 3 || wish->polygon)
        column.high = column.width / 2 + 3;
    else
        column.high = (int)least((int)wish->tasks, 1000) + 2;
    return column;
}

/* The open panel that goes below the simplex where that leaves rows over, training
 * before all others; PANEL_COUNT: none. */
static enum panel below_simplex(const struct arrangement *arrangement, unsigned open,
                                int rows) {
    enum panel below = PANEL_COUNT;
    if (arrangement->wide && rows >= 8)
        for (enum panel panel = PANEL_COUNT; panel-- > PANEL_ROUTING;)
            if (open >> panel & 1 && (below == PANEL_COUNT || panel == PANEL_TRAINING))
                below = panel;
    return below;
}

/* The simplex, and what is below it: a panel, which is then no longer among the open
 * ones, or the legend where few sliders leave it room. Returns the column's width. */
static int place_simplex(struct arrangement *arrangement,
                         const struct arrangement_wish *wish, const struct rect *body,
                         unsigned *open) {
    struct simplex_column column = simplex_column(wish, body);
    int rows = body->height - column.high;
    struct rect rest = {body->x, body->y + column.high, column.width, rows};
    enum panel below = below_simplex(arrangement, *open, rows);
    if (below != PANEL_COUNT) {
        show(arrangement, below, rest);
        *open &= ~(1u << below);
    } else if (column.sliders && !arrangement->wide && rows >= 4 &&
               wish->instead < PANEL_ROUTING) {
        show(arrangement, PANEL_LEGEND, rest);
    } else {
        column.high = body->height;
    }
    show(arrangement, PANEL_SIMPLEX,
         (struct rect){body->x, body->y, column.width, column.high});
    return column.width;
}

/* Everything at once: open panels in a column at the right edge of a wide screen, the
 * tables below, and the simplex beside the scatters. */
static void place_all(struct arrangement *arrangement,
                      const struct arrangement_wish *wish, struct rect whole) {
    enum { GUTTER = 2 };
    unsigned open = wish->open;
    struct rect body = whole;
    arrangement->wide = wish->width >= ARRANGEMENT_WIDE;
    int column = arrangement->wide && open ? between(36, wish->width / 4, 60) : 0;
    if (column)
        body.width -= column + GUTTER;
    place_tables(arrangement, wish, &body);
    int simplex = place_simplex(arrangement, wish, &body, &open);
    if (column && !open)
        body.width = whole.width;
    else if (column)
        stack(arrangement, open,
              (struct rect){whole.x + whole.width - column, whole.y, column,
                            whole.height});
    struct rect area = {body.x + simplex + GUTTER, body.y,
                        body.width - simplex - GUTTER, body.height};
    if (!arrangement->wide && wish->instead >= PANEL_ROUTING &&
        wish->instead < PANEL_COUNT)
        show(arrangement, wish->instead, area);
    else
        place_scatters(arrangement, wish, area);
}

struct arrangement arrangement_make(const struct arrangement_wish *wish) {
    struct arrangement arrangement = {0};
    int width = wish->width, height = wish->height;
    if (width < 1 || height < 1) {
        arrangement.too_small = true;
        return arrangement;
    }
    if (width < ARRANGEMENT_LEAST_WIDTH || height < ARRANGEMENT_LEAST_HEIGHT) {
        arrangement.too_small = true;
        show(&arrangement, PANEL_STATUS, (struct rect){0, 0, width, 1});
        return arrangement;
    }
    struct rect body = {0, 0, width, height - 1};
    show(&arrangement, PANEL_STATUS, (struct rect){0, height - 1, width, 1});
    if (height >= 8) {
        show(&arrangement, PANEL_TITLE, (struct rect){0, 0, width, 1});
        body.y = 1;
        body.height--;
    }
    enum { SEVERAL = 18 };
    if (height >= SEVERAL && wish->below <= body.height - SEVERAL / 2)
        body.height -= wish->below;
    if (wish->zoom)
        show(&arrangement, alone(wish), body);
    else if (width < 64 || height < SEVERAL)
        place_compact(&arrangement, wish, body);
    else
        place_all(&arrangement, wish, body);
    return arrangement;
}

enum panel arrangement_panel_at(const struct arrangement *arrangement, int x, int y) {
    for (enum panel panel = PANEL_TITLE; panel < PANEL_COUNT; panel++) {
        const struct rect *rect = &arrangement->rect[panel];
        if (arrangement->shown[panel] && x >= rect->x && x < rect->x + rect->width &&
            y >= rect->y && y < rect->y + rect->height)
            return panel;
    }
    return PANEL_COUNT;
}
