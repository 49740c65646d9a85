/* What the explorer keeps between two times that someone looks: what is selected, and
 * where one has been. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/sql.h"

/* --- the selection ------------------------------------------------------------ */

int store_selection(struct store *store, int64_t **ids, size_t *count,
                    struct error *error) {
    *ids = NULL;
    *count = 0;
    int there = sql_has_table(store, "selected", error);
    return there <= 0 ? there
                      : sql_each(store, error, "a selected solution", sql_read_id,
                                 sizeof **ids, NULL, ids, count,
                                 "SELECT solution FROM selected ORDER BY solution", "");
}

static int change(struct store *store, const char *sql, int64_t id,
                  struct error *error) {
    return sql_write(store, error, sql, "i", id);
}

static int order(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Only what differs is written; both ascend. What another process has deleted is left
 * out. */
static int replace(struct store *store, const int64_t *old, size_t olds,
                   const int64_t *new, size_t news, struct error *error) {
    size_t a = 0, b = 0;
    while (a < olds || b < news) {
        if (b == news || (a < olds && old[a] < new[b])) {
            if (change(store, "DELETE FROM selected WHERE solution = ?", old[a++],
                       error))
                return -1;
        } else if (a == olds || new[b] < old[a]) {
            if (change(store,
                       "INSERT OR IGNORE INTO selected (solution)"
                       " SELECT id FROM solution WHERE id = ?",
                       new[b++], error))
                return -1;
        } else {
            a++;
            b++;
        }
    }
    return 0;
}

int store_selection_put(struct store *store, const int64_t *ids, size_t count,
                        struct error *error) {
    int64_t *new = array_new(count, sizeof *new), *old = NULL;
    size_t olds = 0;
    if (!new)
        return error_memory(error);
    if (count)
        memcpy(new, ids, count * sizeof *new);
    qsort(new, count, sizeof *new, order);
    if (sql_write_begin(store, error)) {
        free(new);
        return -1;
    }
    int result = store_selection(store, &old, &olds, error) ||
                         replace(store, old, olds, new, count, error)
                     ? -1
                     : 0;
    free(new);
    free(old);
    return sql_write_end(store, result, error);
}

/* --- visits -------------------------------------------------------------------- */

struct visit {
    double preference[STORE_TASKS_MAX];
    bool here;
};

static void read_visit(struct sql_row *row, void *to) {
    struct visit *out = to;
    if (!sql_preference_into(row, 0, out->preference) && !row->failed)
        sql_row_corrupt(row, "a visit has no preference");
    out->here = sql_boolean(row, 1);
}

int store_visits(struct store *store, struct store_visits *visits,
                 struct error *error) {
    struct visit *rows = NULL;
    size_t count = 0;
    *visits = (struct store_visits){0};
    int there = sql_has_table(store, "visited", error);
    if (there <= 0)
        return there;
    if (sql_each(store, error, "a visit", read_visit, sizeof *rows, NULL, &rows, &count,
                 "SELECT preference, here FROM visited ORDER BY place", ""))
        return -1;
    visits->preferences = array_new(count * store->tasks, sizeof(double));
    if (!visits->preferences) {
        free(rows);
        return error_memory(error);
    }
    visits->count = count;
    visits->here = count ? count - 1 : 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(visits->preferences + i * store->tasks, rows[i].preference,
               store->tasks * sizeof(double));
        if (rows[i].here)
            visits->here = i;
    }
    free(rows);
    return 0;
}

static int put_visit(struct store *store, const double *preference, size_t place,
                     bool here, struct error *error) {
    unsigned char bytes[8 * STORE_TASKS_MAX];
    if (sql_preference_check(preference, store->tasks, error))
        return -1;
    sql_preference_pack(preference, store->tasks, bytes);
    return sql_write(
        store, error, "INSERT INTO visited (place, preference, here) VALUES (?, ?, ?)",
        "ixb", (int64_t)place + 1, (const void *)bytes, store->tasks * 8, here);
}

static int put_visits(struct store *store, const struct store_visits *visits,
                      struct error *error) {
    int result = sql_execute(store, "DELETE FROM visited", error);
    for (size_t i = 0; result == 0 && i < visits->count; i++)
        result = put_visit(store, visits->preferences + i * store->tasks, i,
                           i == visits->here, error);
    return result;
}

void store_visits_clear(struct store_visits *visits) {
    free(visits->preferences);
    *visits = (struct store_visits){0};
}

/* --- visits of several explorers ----------------------------------------------- */

static const double *visit_at(const struct store *store,
                              const struct store_visits *visits, size_t i) {
    return visits->preferences + i * store->tasks;
}

static bool is_same(const struct store *store, const double *a, const double *b) {
    return memcmp(a, b, store->tasks * sizeof *a) == 0;
}

static bool has_visit(const struct store *store, const struct store_visits *visits,
                      const double *preference) {
    for (size_t i = 0; i < visits->count; i++)
        if (is_same(store, visit_at(store, visits, i), preference))
            return true;
    return false;
}

static int append_visits(const struct store *store, struct store_visits *visits,
                         const struct store_visits *from, size_t first, size_t end,
                         struct error *error) {
    if (first >= end)
        return 0;
    size_t size = store->tasks * sizeof(double);
    double *grown = array_new(visits->count + end - first, size);
    if (!grown)
        return error_memory(error);
    if (visits->count)
        memcpy(grown, visits->preferences, visits->count * size);
    memcpy(grown + visits->count * store->tasks, visit_at(store, from, first),
           (end - first) * size);
    free(visits->preferences);
    visits->preferences = grown;
    visits->count += end - first;
    return 0;
}

/* What is in the file now and was not, and is not this explorer's. */
static int find_others(struct store *store, const struct store_visits *visits,
                       struct store_visits_seen *seen, struct error *error) {
    struct store_visits now;
    int result = store_visits(store, &now, error);
    for (size_t i = 0; result == 0 && i < now.count; i++) {
        const double *preference = visit_at(store, &now, i);
        if (!has_visit(store, &seen->file, preference) &&
            !has_visit(store, visits, preference) &&
            !has_visit(store, &seen->others, preference))
            result = append_visits(store, &seen->others, &now, i, i + 1, error);
    }
    store_visits_clear(&now);
    return result;
}

/* What was there before, what others have added, what is new. */
static int join_visits(const struct store *store, const struct store_visits *visits,
                       size_t most, const struct store_visits_seen *seen,
                       struct store_visits *all, struct error *error) {
    size_t common = 0;
    while (common < visits->count && common < seen->file.count &&
           is_same(store, visit_at(store, visits, common),
                   visit_at(store, &seen->file, common)))
        common++;
    *all = (struct store_visits){0};
    if (append_visits(store, all, visits, 0, common, error) ||
        append_visits(store, all, &seen->others, 0, seen->others.count, error) ||
        append_visits(store, all, visits, common, visits->count, error))
        return -1;
    all->here = visits->here + (visits->here < common ? 0 : seen->others.count);
    size_t old = all->count > most ? all->count - most : 0;
    old = old < all->here ? old : all->here;
    all->count -= old;
    all->here -= old;
    if (old)
        memmove(all->preferences, visit_at(store, all, old),
                all->count * store->tasks * sizeof(double));
    return 0;
}

int store_visits_put(struct store *store, const struct store_visits *visits,
                     size_t most, struct store_visits_seen *seen, struct error *error) {
    struct store_visits all = {0};
    struct store_visits_seen nothing = {0};
    if (sql_write_begin(store, error))
        return -1;
    int result = seen ? find_others(store, visits, seen, error) : 0;
    if (result == 0)
        result = join_visits(store, visits, most, seen ? seen : &nothing, &all, error);
    if (result == 0)
        result = put_visits(store, &all, error);
    result = sql_write_end(store, result, error);
    if (result == 0 && seen) {
        store_visits_clear(&seen->file);
        seen->file = all;
    } else {
        store_visits_clear(&all);
    }
    return result;
}

void store_visits_seen_clear(struct store_visits_seen *seen) {
    store_visits_clear(&seen->file);
    store_visits_clear(&seen->others);
}
