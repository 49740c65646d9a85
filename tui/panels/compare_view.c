#include <math.h>
#include <string.h>

#include "panels/views.h"

/* Where a figure of one side comes from. */
enum source { UNKNOWN, ESTIMATED, IN_PART, FINAL };

static enum source value_of(const struct explorer *explorer,
                            const struct compared *side, size_t task, double *value) {
    double values[STORE_TASKS_MAX];
    struct figure figure;
    *value = NAN;
    if (side->row != SIZE_MAX) {
        *value = catalog_value(explorer->catalog, side->row, task);
        if (isfinite(*value))
            return catalog_settled(explorer->catalog, side->row, task) ? FINAL
                                                                       : IN_PART;
    }
    if (explorer_is_here(explorer, side) && explorer_figure(explorer, task, &figure) &&
        !figure.estimated) {
        *value = figure.value;
        return IN_PART;
    }
    if (!side->has_preference ||
        !estimate_at(&explorer->samples, side->preference, values))
        return UNKNOWN;
    *value = values[task];
    return ESTIMATED;
}

/* "A is better" is said only where the same examples say so (McNemar, 5 %). */
static const char *verdict(const struct paired *paired, enum source least) {
    if (least == IN_PART)
        return "undecided, measured in part";
    if (least != FINAL)
        return "not measured";
    if (!paired->known)
        return "not paired";
    if (paired->p >= 0.05)
        return "undecided";
    return paired->only_a > paired->only_b ? "A is better" : "B is better";
}

static void draw_value(const struct view *view, int x, int y, double value,
                       enum source source) {
    static const enum ink inks[] = {INK_FAINT, INK_ESTIMATE, INK_NOW, INK_TEXT};
    if (isfinite(value))
        view_right(view, x, y, 9, inks[source], LOOK_PLAIN, "%s%.2f",
                   source == ESTIMATED ? "~"
                   : source == IN_PART ? ">"
                                       : "",
                   value);
}

int compare_view_draw(const struct view *view, const struct explorer *explorer,
                      int scroll) {
    const struct compared *a = &explorer->compared[0], *b = &explorer->compared[1];
    int name = view->width >= 70 ? 18 : 12, y = -scroll;
    int xa = name + 2, xb = xa + 11, xd = xb + 11, xv = xd + 10;
    view_printf(view, 1, y++, view->width - 1, INK_TEXT, LOOK_BOLD, "A  %s", a->name);
    view_printf(view, 1, y++, view->width - 1, INK_TEXT, LOOK_BOLD, "B  %s", b->name);
    y++;
    view_text(view, 1, y, name, INK_TITLE, LOOK_BOLD, "preference");
    view_right(view, xa, y, 9, INK_FAINT, LOOK_PLAIN, "A");
    view_right(view, xb, y, 9, INK_FAINT, LOOK_PLAIN, "B");
    view_right(view, xd, y++, 8, INK_FAINT, LOOK_PLAIN, "B - A");
    for (size_t t = 0; t < explorer->tasks; t++, y++) {
        view_text(view, 1, y, name, look_task(t), LOOK_PLAIN,
                  explorer_task_name(explorer, t));
        if (a->has_preference)
            view_right(view, xa, y, 9, INK_TEXT, LOOK_PLAIN, "%.3f", a->preference[t]);
        if (b->has_preference)
            view_right(view, xb, y, 9, INK_TEXT, LOOK_PLAIN, "%.3f", b->preference[t]);
        if (a->has_preference && b->has_preference)
            view_right(view, xd, y, 8, INK_TEXT, LOOK_PLAIN, "%+.3f",
                       b->preference[t] - a->preference[t]);
    }
    y++;
    view_text(view, 1, y, name, INK_TITLE, LOOK_BOLD, "objective");
    view_right(view, xa, y, 9, INK_FAINT, LOOK_PLAIN, "A");
    view_right(view, xb, y, 9, INK_FAINT, LOOK_PLAIN, "B");
    view_right(view, xd, y, 8, INK_FAINT, LOOK_PLAIN, "B - A");
    view_text(view, xv, y++, view->width - xv, INK_FAINT, LOOK_PLAIN,
              "on the same examples");
    for (size_t t = 0; t < explorer->tasks; t++, y++) {
        double va, vb;
        enum source sa = value_of(explorer, a, t, &va),
                    sb = value_of(explorer, b, t, &vb);
        enum source least = sa < sb ? sa : sb;
        view_text(view, 1, y, name, look_task(t), LOOK_PLAIN,
                  explorer_task_name(explorer, t));
        draw_value(view, xa, y, va, sa);
        draw_value(view, xb, y, vb, sb);
        if (isfinite(va + vb))
            view_right(view, xd, y, 8, INK_TEXT, LOOK_PLAIN, "%+.2f", vb - va);
        const struct paired *paired = &explorer->paired[t];
        int used = view_text(view, xv, y, view->width - xv, INK_TEXT, LOOK_PLAIN,
                             verdict(paired, least));
        if (paired->known && least == FINAL)
            view_printf(view, xv + used + 1, y, view->width - xv - used - 1, INK_FAINT,
                        LOOK_PLAIN, "(p %s%.3f; A only %llu, B %llu)",
                        paired->p < 0.001 ? "< " : "", fmax(paired->p, 0.001),
                        (unsigned long long)paired->only_a,
                        (unsigned long long)paired->only_b);
    }
    y++;
    view_text(
        view, 1, y++, view->width - 1, INK_FAINT, LOOK_PLAIN,
        "~ is an estimate, > measured so far. Paired figures: McNemar's test, 5 %.");
    return y + scroll;
}
