/* From a store that grows to one catalog after the other. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/source_path.h"
#include "moe/routers.h"
#include "results/catalog.h"
#include "results/shared_rows.h"

/* Fewer solutions are read before anyone has seen that they were waited for. */
enum { OUTLINE_LEAST = 2000 };

struct catalog_source {
    struct store *store;
    const char *split;
    struct shared_rows shared;
    struct solution *known; /* [shared.count], as they were worked out last; or NULL */
    int64_t version;        /* before the last read */

    /* The training curve as far as it was read. */
    int64_t curve_run;    /* 0: of none */
    unsigned curve_steps; /* that the run had done before */
    struct store_curve_point *curve;
    size_t curve_count, curve_capacity;
};

/* The points of a run's curve that were saved since the last read of it, and those of
 * the last step at hand once more: a run saves its steps in their order. All of them
 * where the run is another one, or has gone back. */
static int read_curve(struct catalog_source *source, bool whole,
                      const struct store_run *run, struct error *error) {
    struct store_curve_point *points;
    size_t count, kept = source->curve_count, needed;
    if (whole || source->curve_run != run->id || run->steps_done < source->curve_steps)
        kept = 0;
    unsigned from = kept ? source->curve[kept - 1].step : 0;
    while (kept && source->curve[kept - 1].step == from)
        kept--;
    if (store_curve_since(source->store, run->id, from, &points, &count, error))
        return -1;
    if (!size_add(kept, count, &needed) ||
        array_reserve((void **)&source->curve, &source->curve_capacity, needed,
                      sizeof *source->curve)) {
        free(points);
        return error_memory(error);
    }
    if (count)
        memcpy(source->curve + kept, points, count * sizeof *points);
    free(points);
    source->curve_count = needed;
    source->curve_run = run->id;
    source->curve_steps = run->steps_done;
    return 0;
}

/* The curve of the newest run. */
static int take_curve(struct catalog_source *source, bool whole,
                      struct catalog *catalog, struct error *error) {
    const struct store_run *newest = NULL;
    for (size_t i = 0; i < catalog->run_count; i++)
        if (!newest || catalog->runs[i].id > newest->id)
            newest = &catalog->runs[i];
    if (!newest)
        return 0;
    if (read_curve(source, whole, newest, error))
        return -1;
    catalog->curve = array_new(source->curve_count, sizeof *catalog->curve);
    if (!catalog->curve)
        return error_memory(error);
    if (source->curve_count)
        memcpy(catalog->curve, source->curve,
               source->curve_count * sizeof *catalog->curve);
    catalog->curve_count = source->curve_count;
    catalog->curve_run = newest->id;
    return 0;
}

/* Runs, curves, bookmarks and log. */
static int read_rest(struct catalog_source *source, bool whole, struct catalog *catalog,
                     struct error *error) {
    enum { LINES = 500 };
    struct store *store = source->store;
    if (store_runs(store, &catalog->runs, &catalog->run_count, error))
        return -1;
    catalog->run_routers = array_new(catalog->run_count, sizeof *catalog->run_routers);
    catalog->run_networks = array_new(catalog->run_count, sizeof(struct routers *));
    if (!catalog->run_routers || !catalog->run_networks)
        return error_memory(error);
    for (size_t i = 0; i < catalog->run_count; i++) {
        struct store_routers routers = {0};
        struct routers *network;
        bool found = false;
        enum store_training trains = store_trains(catalog->runs[i].upscale);
        if (trains == STORE_TRAINS_MODEL)
            continue;
        if (trains != STORE_TRAINS_ROUTERS) {
            /* Nobody here needs a correction's bytes, which are as large as a model, or
             * a surrogate's. */
            if (store_routers_newest(store, catalog->runs[i].id, &routers, error))
                return -1;
            catalog->run_routers[i] = routers.id;
            continue;
        }
        if (store_routers_last(store, catalog->runs[i].id, &found, &routers, error))
            return -1;
        if (found) {
            catalog->run_routers[i] = routers.id;
            /* Routers that cannot be read are told of by what wants to use them. */
            if (routers_from_memory(routers.blob, routers.size, "", &network, NULL) ==
                0)
                catalog->run_networks[i] = network;
            store_routers_clear(&routers);
        }
    }
    if (take_curve(source, whole, catalog, error))
        return -1;
    if (store_bookmarks(store, &catalog->bookmarks, &catalog->bookmark_count, error))
        return -1;
    return store_log_lines(store, LINES, &catalog->lines, &catalog->line_count, error);
}

/* With version and recipe, or NULL. */
static struct catalog *catalog_new(struct store *store, struct error *error) {
    static atomic_uint_fast64_t serial;
    struct catalog *catalog = array_new(1, sizeof *catalog);
    if (!catalog) {
        error_memory(error);
        return NULL;
    }
    catalog->serial = ++serial;
    char *folder = store_folder(store_path(store));
    int failed = !folder ? error_memory(error)
                         : store_version(store, &catalog->version, error) ||
                               store_recipe(store, &catalog->recipe, error);
    if (!failed) {
        catalog->tasks = catalog->recipe->task_count;
        catalog->fits_heads = sources_have_examples(catalog->recipe, folder);
    }
    free(folder);
    if (!failed)
        return catalog;
    catalog_free(catalog);
    return NULL;
}

int catalog_source_outline(struct catalog_source *source, struct catalog **result,
                           struct error *error) {
    size_t count;
    *result = NULL;
    if (store_solutions_count(source->store, &count, error))
        return -1;
    if (count < OUTLINE_LEAST)
        return 0;
    struct catalog *catalog = catalog_new(source->store, error);
    if (!catalog)
        return -1;
    catalog->reading = count;
    if (catalog_derive(catalog, NULL, error) ||
        read_rest(source, true, catalog, error)) {
        catalog_free(catalog);
        return -1;
    }
    *result = catalog;
    return 0;
}

/* The rows ascend by id as what is selected does. */
static int read_selection(struct store *store, struct catalog *catalog,
                          struct error *error) {
    int64_t *ids;
    size_t count, row = 0;
    if (store_selection(store, &ids, &count, error))
        return -1;
    catalog->selected = array_new(catalog->count, sizeof *catalog->selected);
    for (size_t i = 0; catalog->selected && i < count; i++) {
        while (row < catalog->count && catalog->rows[row].solution.id < ids[i])
            row++;
        if (row < catalog->count && catalog->rows[row].solution.id == ids[i]) {
            catalog->selected[row] = true;
            catalog->selected_count++;
        }
    }
    free(ids);
    return catalog->selected ? 0 : error_memory(error);
}

/* The rows at hand as the store has them now; what was worked out of them is kept
 * while they are the same. */
static int read_rows(struct catalog_source *source, bool whole, size_t tasks,
                     struct error *error) {
    bool changed;
    int result = shared_rows_read(&source->shared, source->store, source->split, tasks,
                                  whole, &changed, error);
    if (result)
        shared_rows_clear(&source->shared);
    if (result || changed) {
        free(source->known);
        source->known = NULL;
    }
    return result;
}

/* All but the rest. */
static int read_solutions(struct catalog_source *source, bool whole,
                          struct catalog **result, struct error *error) {
    struct catalog *catalog = catalog_new(source->store, error);
    if (!catalog)
        return -1;
    int failed = read_rows(source, whole, catalog->tasks, error);
    if (!failed && (failed = shared_rows_give(&source->shared, catalog)))
        error_memory(error);
    if (failed || catalog_derive(catalog, source->known, error) ||
        read_selection(source->store, catalog, error)) {
        catalog_free(catalog);
        return -1;
    }
    *result = catalog;
    return 0;
}

/* Without it the next catalog is worked out anew. */
static void keep_known(struct catalog_source *source, const struct catalog *catalog) {
    if (source->known)
        return;
    source->known = array_new(catalog->count, sizeof *source->known);
    if (source->known && catalog->count)
        memcpy(source->known, catalog->solutions,
               catalog->count * sizeof *source->known);
}

int catalog_source_read(struct catalog_source *source, bool whole,
                        struct catalog **result, struct error *error) {
    struct catalog *catalog;
    if (read_solutions(source, whole, &catalog, error))
        return -1;
    if (read_rest(source, whole, catalog, error)) {
        catalog_free(catalog);
        return -1;
    }
    keep_known(source, catalog);
    source->version = catalog->version;
    *result = catalog;
    return 0;
}

void catalog_source_settle(struct catalog_source *source) {
    int64_t version;
    if (source->shared.marked || !source->shared.batch_count)
        return;
    /* Nothing was written between the last read and the mark: it is theirs. */
    source->shared.marked = !store_mark(source->store, &source->shared.mark, NULL) &&
                            !store_version(source->store, &version, NULL) &&
                            version == source->version;
}

bool catalog_source_pieced(const struct catalog_source *source) {
    return source->shared.batch_count > 1;
}

struct catalog_source *catalog_source_new(struct store *store) {
    struct catalog_source *source = array_new(1, sizeof *source);
    if (source)
        *source = (struct catalog_source){.store = store, .split = "test"};
    return source;
}

void catalog_source_free(struct catalog_source *source) {
    if (!source)
        return;
    shared_rows_clear(&source->shared);
    free(source->known);
    free(source->curve);
    free(source);
}

int catalog_read(struct store *store, struct catalog **catalog, struct error *error) {
    struct catalog_source *source = catalog_source_new(store);
    if (!source)
        return error_memory(error);
    int result = catalog_source_read(source, true, catalog, error);
    catalog_source_free(source);
    return result;
}

int catalog_read_solutions(struct store *store, const char *split,
                           struct catalog **catalog, struct error *error) {
    struct catalog_source source = {.store = store, .split = split};
    int result = read_solutions(&source, true, catalog, error);
    shared_rows_clear(&source.shared);
    return result;
}

void catalog_free(struct catalog *catalog) {
    if (!catalog)
        return;
    store_recipe_free(catalog->recipe);
    if (catalog->batch_count > 1)
        free(catalog->rows);
    row_batches_drop(catalog->batches, catalog->batch_count);
    for (size_t i = 0; catalog->run_networks && i < catalog->run_count; i++)
        routers_free(catalog->run_networks[i]);
    free(catalog->run_networks);
    store_runs_free(catalog->runs, catalog->run_count);
    store_bookmarks_free(catalog->bookmarks, catalog->bookmark_count);
    store_log_lines_free(catalog->lines, catalog->line_count);
    free(catalog->run_routers);
    free(catalog->curve);
    free(catalog->selected);
    free(catalog->answers);
    free(catalog->solutions);
    free(catalog->values);
    free(catalog->series);
    free(catalog->besides);
    free(catalog->stl);
    free(catalog->pretrained);
    free(catalog->best);
    free(catalog->best_row);
    free(catalog);
}
