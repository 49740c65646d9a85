#include <math.h>
#include <string.h>

#include "views.h"

static double value_of(const struct model *model, const struct compared *side,
                       size_t task, bool *estimated) {
    double values[STORE_TASKS_MAX];
    *estimated = false;
    if (side->row != SIZE_MAX) {
        double value = catalog_value(model->catalog, side->row, task);
        if (isfinite(value))
            return value;
    }
    *estimated = true;
    if (side->has_preference && estimate_at(&model->samples, side->preference, values))
        return values[task];
    return NAN;
}

/* "A is better" is said only where the same examples say so (McNemar, 5 %). */
static const char *verdict(const struct paired *paired, bool estimated) {
    if (estimated || !paired->known)
        return estimated ? "not measured" : "not paired";
    if (paired->p >= 0.05)
        return "undecided";
    return paired->only_a > paired->only_b ? "A is better" : "B is better";
}

int compare_view_draw(const struct view *view, const struct model *model, int scroll) {
    const struct compared *a = &model->compared[0], *b = &model->compared[1];
    int name = view->width >= 70 ? 18 : 12, y = -scroll;
    int xa = name + 2, xb = xa + 11, xd = xb + 11, xv = xd + 10;
    view_printf(view, 1, y++, view->width - 1, INK_TEXT, LOOK_BOLD, "A  %s", a->name);
    view_printf(view, 1, y++, view->width - 1, INK_TEXT, LOOK_BOLD, "B  %s", b->name);
    y++;
    view_text(view, 1, y, name, INK_TITLE, LOOK_BOLD, "preference");
    view_right(view, xa, y, 9, INK_FAINT, LOOK_PLAIN, "A");
    view_right(view, xb, y, 9, INK_FAINT, LOOK_PLAIN, "B");
    view_right(view, xd, y++, 8, INK_FAINT, LOOK_PLAIN, "B - A");
    for (size_t t = 0; t < model->tasks; t++, y++) {
        view_text(view, 1, y, name, palette_task(t), LOOK_PLAIN,
                  model_task_name(model, t));
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
    for (size_t t = 0; t < model->tasks; t++, y++) {
        bool ea, eb;
        double va = value_of(model, a, t, &ea), vb = value_of(model, b, t, &eb);
        view_text(view, 1, y, name, palette_task(t), LOOK_PLAIN,
                  model_task_name(model, t));
        if (isfinite(va))
            view_right(view, xa, y, 9, ea ? INK_ESTIMATE : INK_TEXT, LOOK_PLAIN,
                       ea ? "~%.2f" : "%.2f", va);
        if (isfinite(vb))
            view_right(view, xb, y, 9, eb ? INK_ESTIMATE : INK_TEXT, LOOK_PLAIN,
                       eb ? "~%.2f" : "%.2f", vb);
        if (isfinite(va + vb))
            view_right(view, xd, y, 8, INK_TEXT, LOOK_PLAIN, "%+.2f", vb - va);
        const struct paired *paired = &model->paired[t];
        int used = view_text(view, xv, y, view->width - xv, INK_TEXT, LOOK_PLAIN,
                             verdict(paired, ea || eb));
        if (paired->known && !ea && !eb)
            view_printf(view, xv + used + 1, y, view->width - xv - used - 1, INK_FAINT,
                        LOOK_PLAIN, "(p %.3f; only A %llu, only B %llu)", paired->p,
                        (unsigned long long)paired->only_a,
                        (unsigned long long)paired->only_b);
    }
    y++;
    view_text(view, 1, y++, view->width - 1, INK_FAINT, LOOK_PLAIN,
              "~ is an estimate. Paired figures: McNemar's exact test, 5 %.");
    return y + scroll;
}
