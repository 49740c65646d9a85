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

/* Only what differs is written; both ascend. */
static int replace(struct store *store, const int64_t *old, size_t olds,
                   const int64_t *new, size_t news, struct error *error) {
    size_t a = 0, b = 0;
    while (a < olds || b < news) {
        if (b == news || (a < olds && old[a] < new[b])) {
            if (change(store, "DELETE FROM selected WHERE solution = ?", old[a++],
                       error))
                return -1;
        } else if (a == olds || new[b] < old[a]) {
            if (change(store, "INSERT OR IGNORE INTO selected (solution) VALUES (?)",
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

int store_visits_put(struct store *store, const struct store_visits *visits,
                     struct error *error) {
    if (sql_write_begin(store, error))
        return -1;
    int result = sql_execute(store, "DELETE FROM visited", error);
    for (size_t i = 0; result == 0 && i < visits->count; i++)
        result = put_visit(store, visits->preferences + i * store->tasks, i,
                           i == visits->here, error);
    return sql_write_end(store, result, error);
}

void store_visits_clear(struct store_visits *visits) {
    free(visits->preferences);
    *visits = (struct store_visits){0};
}
