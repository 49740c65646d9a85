/* What lines and marks mean: to the right of what is drawn, or below it where the page
 * is narrow, in smaller type where that is what all entries want. */
#ifndef PWEMOE_PLOT_LEGEND_H
#define PWEMOE_PLOT_LEGEND_H

#include <stdbool.h>
#include <stddef.h>

#include "plot/chart.h"

struct legend_entry {
    const char *name;
    enum ink ink;
    enum mark mark;
    bool marks, line;
    size_t dash;
};

enum { LEGEND_COLUMNS = 6 };

struct legend {
    const struct legend_entry *entries;
    size_t count, shown, columns;
    bool below;
    double scale, sample; /* its size beside other text's; units before a name */
    double widths[LEGEND_COLUMNS]; /* of columns, on the page */
    double right; /* what it takes from the page's width, and from its height */
    double bottom;
};

/* How it will be laid out on the page; top: where what is drawn begins. More entries
 * than there is room for are counted in its last line. */
struct legend legend_plan(struct chart *chart, const struct legend_entry *entries,
                          size_t count, double top);
/* left: of what is drawn. */
void legend_draw(struct chart *chart, const struct legend *legend, double left,
                 double top);

#endif
