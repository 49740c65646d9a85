#include "state/selection.h"

#include <stdlib.h>

#include "base/memory.h"
#include "results/filter.h"

/* What was selected here is the file's once a catalog says so. Others may write it,
 * too: after some catalogs that say otherwise although ours is in the file, theirs
 * holds. */
enum { CATALOGS = 3 };

size_t selection_count(const struct explorer *explorer) {
    return explorer->catalog ? explorer->catalog->selected_count : 0;
}

bool selection_has(const struct explorer *explorer, size_t row) {
    const struct catalog *catalog = explorer->catalog;
    return catalog->selected && catalog->selected[row];
}

bool selection_outside(const struct explorer *explorer, size_t row) {
    return explorer->catalog->selected_count && !explorer->catalog->selected[row];
}

static void put(struct catalog *catalog, size_t row, bool on) {
    if (catalog->selected[row] == on)
        return;
    catalog->selected[row] = on;
    if (on)
        catalog->selected_count++;
    else
        catalog->selected_count--;
}

static void changed(struct explorer *explorer) {
    explorer->selection_serial++;
    explorer->selection_shown++;
    explorer->selection_ours = CATALOGS;
    if (explorer->table.filter && filter_asks_selection(explorer->table.filter))
        explorer->table.made = false;
}

/* Is this row in the table although the filter says otherwise, or the reverse? */
static bool is_misplaced(const struct explorer *explorer, size_t row) {
    const struct solution_table *table = &explorer->table;
    return row < table->places &&
           filter_matches(table->filter, explorer->catalog, row) !=
               (table->place[row] != SIZE_MAX);
}

void selection_toggle(struct explorer *explorer, size_t row) {
    if (!explorer->catalog->selected)
        return;
    bool made = explorer->table.made;
    put(explorer->catalog, row, !explorer->catalog->selected[row]);
    changed(explorer);
    /* One row: the others are where they were. */
    if (made && !explorer->table.made)
        explorer->table.made = !is_misplaced(explorer, row);
}

static void clear(struct explorer *explorer) {
    struct catalog *catalog = explorer->catalog;
    for (size_t i = 0; catalog->selected && i < catalog->count; i++)
        put(catalog, i, false);
}

static void forget_ranges(struct explorer *explorer) {
    for (size_t t = 0; t < STORE_TASKS_MAX; t++)
        explorer->brush[t] = range_empty();
}

void selection_clear(struct explorer *explorer) {
    clear(explorer);
    forget_ranges(explorer);
    changed(explorer);
}

void selection_set(struct explorer *explorer, const size_t *rows, size_t count,
                   bool besides) {
    if (!explorer->catalog->selected)
        return;
    if (!besides)
        clear(explorer);
    forget_ranges(explorer);
    for (size_t i = 0; i < count; i++)
        put(explorer->catalog, rows[i], true);
    changed(explorer);
}

static bool is_in(struct range range, double value) {
    return value >= range.low && value <= range.high;
}

void selection_box(struct explorer *explorer, size_t a, struct range x, size_t b,
                   struct range y, bool besides) {
    struct catalog *catalog = explorer->catalog;
    if (!catalog->selected)
        return;
    forget_ranges(explorer);
    for (size_t i = 0; i < catalog->count; i++) {
        bool inside = explorer_series_visible(explorer, catalog->solutions[i].series) &&
                      is_in(x, catalog_value(catalog, i, a)) &&
                      is_in(y, catalog_value(catalog, i, b));
        put(catalog, i, inside || (besides && catalog->selected[i]));
    }
    changed(explorer);
}

bool selection_has_range(const struct explorer *explorer, size_t objective) {
    return explorer->brush[objective].low <= explorer->brush[objective].high;
}

void selection_range(struct explorer *explorer, size_t objective, struct range range) {
    struct catalog *catalog = explorer->catalog;
    bool any = false;
    if (!catalog->selected)
        return;
    explorer->brush[objective] = range;
    for (size_t t = 0; t < explorer->tasks; t++)
        any = any || selection_has_range(explorer, t);
    for (size_t i = 0; i < catalog->count; i++) {
        bool inside =
            any && explorer_series_visible(explorer, catalog->solutions[i].series);
        for (size_t t = 0; t < explorer->tasks && inside; t++)
            inside = !selection_has_range(explorer, t) ||
                     is_in(explorer->brush[t], catalog_value(catalog, i, t));
        put(catalog, i, inside);
    }
    changed(explorer);
}

/* Both ascend by id. Calls put for each of the next catalog's rows that was ours;
 * true where it had exactly those. */
static bool take_over(struct catalog *catalog, const struct catalog *before,
                      bool write) {
    size_t row = 0, same = 0, ours = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        int64_t id = catalog->rows[i].solution.id;
        while (row < before->count && before->rows[row].solution.id < id)
            row++;
        bool on = row < before->count && before->rows[row].solution.id == id &&
                  before->selected[row];
        ours += on;
        same += on && catalog->selected[i];
        if (write)
            put(catalog, i, on);
    }
    return ours == same && (write || ours == catalog->selected_count);
}

void selection_carry(struct explorer *explorer, struct catalog *next) {
    const struct catalog *before = explorer->catalog;
    explorer->selection_shown++;
    if (!explorer->selection_ours || !before || !before->selected || !next->selected)
        return;
    if (take_over(next, before, false)) {
        explorer->selection_ours = 0;
        return;
    }
    if (explorer->selection_kept == explorer->selection_serial &&
        !--explorer->selection_ours)
        return;
    take_over(next, before, true);
}

int64_t *selection_ids(const struct explorer *explorer, size_t *count) {
    const struct catalog *catalog = explorer->catalog;
    int64_t *ids = array_new(catalog->selected_count, sizeof *ids);
    *count = 0;
    for (size_t i = 0; ids && catalog->selected && i < catalog->count; i++)
        if (catalog->selected[i])
            ids[(*count)++] = catalog->rows[i].solution.id;
    return ids;
}
