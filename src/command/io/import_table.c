#include "command/io/import_table.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "command/io/import_columns.h"

/* --- rows --------------------------------------------------------------------- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the row is called; fresh memory, without the blanks around it. */
static char *row_name(const struct import_columns *table, size_t row) {
    const char *name = "";
    for (size_t i = 0; i < table->csv->columns; i++)
        if (table->columns[i].role == IMPORT_ROLE_NAME)
            name = import_field(table, row, i);
    name += strspn(name, " \t");
    size_t length = strlen(name);
    if (length == 0 && table->options->method) {
        name = table->options->method;
        length = strlen(name);
    } else if (length == 0) {
        name = base_name(table->options->source);
        const char *dot = strrchr(name, '.');
        length = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    }
    while (length && strchr(" \t", name[length - 1]))
        length--;
    return strndup(name, length);
}

static char *row_parameters(const struct import_columns *table, size_t row,
                            struct error *error) {
    char source[512];
    text_escape(source, sizeof source, base_name(table->options->source));
    json_t *object = json_object();
    int result = json_object_set_new(object, "source", json_string(source));
    for (size_t i = 0; i < table->csv->columns && result == 0; i++) {
        double value;
        if (table->columns[i].role != IMPORT_ROLE_PARAMETER ||
            import_is_empty(import_field(table, row, i)))
            continue;
        if (import_number(table, row, i, &value, error)) {
            json_decref(object);
            return NULL;
        }
        result = json_object_set_new(object, table->columns[i].key, json_real(value));
    }
    char *text = result ? NULL : json_text_dump(object, JSON_COMPACT);
    json_decref(object);
    if (!text)
        error_memory(error);
    return text;
}

/* preference [tasks]: 0 for tasks that the table does not have. Printed numbers do
 * not sum to 1 exactly; they are scaled to. */
static int row_preference(const struct import_columns *table, size_t row,
                          double *preference, struct error *error) {
    double sum = 0;
    memset(preference, 0, STORE_TASKS_MAX * sizeof *preference);
    for (size_t i = 0; i < table->csv->columns; i++) {
        double value;
        if (table->columns[i].role != IMPORT_ROLE_PREFERENCE)
            continue;
        if (import_number(table, row, i, &value, error))
            return -1;
        if (value < 0)
            return error_set(error, "%s:%zu: %s is %g; a preference is at least 0",
                             table->label, table->csv->lines[row], table->csv->names[i],
                             value);
        preference[table->order[table->columns[i].index]] = value;
        sum += value;
    }
    if (!(fabs(sum - 1) <= 1e-3))
        return error_set(error, "%s:%zu: the preference sums to %g; it must be 1",
                         table->label, table->csv->lines[row], sum);
    for (size_t t = 0; t < table->recipe->task_count; t++)
        preference[t] /= sum;
    return 0;
}

static int row_figures(const struct import_columns *table, size_t row,
                       struct store_evaluation *evaluations, size_t *count,
                       struct error *error) {
    *count = 0;
    for (size_t i = 0; i < table->csv->columns; i++) {
        double value;
        if (table->columns[i].role != IMPORT_ROLE_TASK ||
            import_is_empty(import_field(table, row, i)))
            continue;
        if (import_number(table, row, i, &value, error))
            return -1;
        value *= table->factor;
        if (!(value >= 0 && value <= 100))
            return error_set(error, "%s:%zu: %s is %s; it must be %s", table->label,
                             table->csv->lines[row], table->csv->names[i],
                             import_field(table, row, i),
                             table->factor == 100 ? "a fraction, 0 to 1,"
                                                  : "a percentage, 0 to 100,");
        evaluations[(*count)++] =
            (struct store_evaluation){.objective = table->columns[i].index,
                                      .split = (char *)(uintptr_t)table->options->split,
                                      .value = value,
                                      .low = value,
                                      .high = value,
                                      .complete = true,
                                      .imported = true,
                                      .loss = (double)NAN};
    }
    if (*count == 0)
        return error_set(error, "%s:%zu: no figure in this row", table->label,
                         table->csv->lines[row]);
    return 0;
}

static int put_row(struct store *store, const struct import_columns *table, size_t row,
                   struct import_result *result, struct error *error) {
    double preference[STORE_TASKS_MAX];
    struct store_evaluation evaluations[STORE_TASKS_MAX];
    size_t count;
    if (row_figures(table, row, evaluations, &count, error) ||
        (table->preference_columns && row_preference(table, row, preference, error)))
        return -1;
    struct store_solution solution = {.kind = STORE_KIND_IMPORT,
                                      .method = row_name(table, row),
                                      .parameters = row_parameters(table, row, error),
                                      .preference =
                                          table->preference_columns ? preference : NULL,
                                      .label = ""};
    int failed = -1;
    if (!solution.method)
        error_memory(error);
    else if (solution.parameters)
        failed =
            store_solution_put(store, &solution, error) ||
            store_evaluations_put(store, solution.id, NULL, evaluations, count, error);
    free(solution.method);
    free(solution.parameters);
    if (failed)
        return -1;
    result->ids[row] = solution.id;
    result->solutions++;
    result->figures += count;
    return 0;
}

struct id_row {
    int64_t id;
    size_t row;
};

static int by_id(const void *a, const void *b) {
    const struct id_row *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Two rows that are one solution: the second would replace the first unseen. */
static int check_distinct(const struct import_columns *table, const int64_t *ids,
                          struct error *error) {
    size_t count = table->csv->rows;
    struct id_row *sorted = array_new(count, sizeof *sorted);
    if (!sorted)
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct id_row){ids[i], i};
    qsort(sorted, count, sizeof *sorted, by_id);
    int result = 0;
    for (size_t i = 1; i < count && result == 0; i++)
        if (sorted[i].id == sorted[i - 1].id)
            result = error_set(error,
                               "%s:%zu: the same method, preference and parameters as "
                               "on line %zu",
                               table->label, table->csv->lines[sorted[i].row],
                               table->csv->lines[sorted[i - 1].row]);
    free(sorted);
    return result;
}

/* What makes the row a solution of its own, as text; NULL: *error says why. */
static char *row_key(const struct import_columns *table, size_t row,
                     struct error *error) {
    double preference[STORE_TASKS_MAX];
    struct store_evaluation figures[STORE_TASKS_MAX];
    size_t count;
    if (row_figures(table, row, figures, &count, error)) /* told before a likeness */
        return NULL;
    char *name = row_name(table, row), *parameters = row_parameters(table, row, error);
    char *key = NULL;
    if (!name)
        error_memory(error);
    if (name && parameters && !(key = text_format("%s %s", name, parameters)))
        error_memory(error);
    if (key && table->preference_columns &&
        row_preference(table, row, preference, error)) {
        free(key);
        key = NULL;
    }
    for (size_t t = 0;
         key && table->preference_columns && t < table->recipe->task_count; t++) {
        char *longer = text_format("%s %.12g", key, preference[t]);
        free(key);
        if (!(key = longer))
            error_memory(error);
    }
    free(name);
    free(parameters);
    return key;
}

/* Keys of rows by their hash, with room to spare. */
struct seen_keys {
    char **keys;  /* [size], owned; NULL where there is none */
    size_t *rows; /* [size] */
    size_t size;  /* a power of two */
};

static void seen_clear(struct seen_keys *seen) {
    for (size_t i = 0; seen->keys && i < seen->size; i++)
        free(seen->keys[i]);
    free(seen->keys);
    free(seen->rows);
}

static int seen_make(struct seen_keys *seen, size_t rows, struct error *error) {
    seen->size = 16;
    while (seen->size / 2 < rows)
        seen->size *= 2;
    seen->keys = array_new(seen->size, sizeof *seen->keys);
    seen->rows = array_new(seen->size, sizeof *seen->rows);
    return seen->keys && seen->rows ? 0 : error_memory(error);
}

/* The place of this key, which may be empty (FNV-1a). */
static size_t seen_find(const struct seen_keys *seen, const char *key) {
    uint64_t hash = 14695981039346656037u;
    for (const unsigned char *p = (const unsigned char *)key; *p; p++)
        hash = (hash ^ *p) * 1099511628211u;
    size_t at = (size_t)hash & (seen->size - 1);
    while (seen->keys[at] && strcmp(seen->keys[at], key) != 0)
        at = (at + 1) & (seen->size - 1);
    return at;
}

/* Rows that are written alike are found before anything is stored, the first of them at
 * once. */
static int check_keys(const struct import_columns *table, struct error *error) {
    struct seen_keys seen = {0};
    int result = seen_make(&seen, table->csv->rows, error);
    for (size_t row = 0; result == 0 && row < table->csv->rows; row++) {
        char *key = row_key(table, row, error);
        size_t at = key ? seen_find(&seen, key) : 0;
        if (!key) {
            result = -1;
        } else if (!seen.keys[at]) {
            seen.keys[at] = key;
            seen.rows[at] = row;
        } else {
            result = error_set(error,
                               "%s:%zu: the same method, preference and parameters as "
                               "on line %zu",
                               table->label, table->csv->lines[row],
                               table->csv->lines[seen.rows[at]]);
            free(key);
        }
    }
    seen_clear(&seen);
    return result;
}

static int put_rows(struct store *store, const struct import_columns *table,
                    struct import_result *result, struct error *error) {
    result->ids = array_new(table->csv->rows, sizeof *result->ids);
    if (!result->ids)
        return error_memory(error);
    size_t before, after;
    if (check_keys(table, error) || store_begin(store, error))
        return -1;
    int failed = store_solutions_count(store, &before, error);
    for (size_t row = 0; row < table->csv->rows && !failed; row++)
        failed = put_row(store, table, row, result, error);
    if (!failed)
        failed = check_distinct(table, result->ids, error) ||
                 store_solutions_count(store, &after, error);
    if (!failed)
        result->added = after - before;
    if (!failed)
        failed = store_log(store, error, "import %s: %zu solutions, %zu figures",
                           base_name(table->options->source), result->solutions,
                           result->figures);
    if (failed) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

int import_table(struct store *store, const struct store_recipe *recipe,
                 const struct csv *csv, const char *label,
                 const struct import_options *options, struct import_result *result,
                 struct error *error) {
    memset(result, 0, sizeof *result);
    struct import_columns table = {
        .recipe = recipe, .csv = csv, .label = label, .options = options};
    table.columns = array_new(csv->columns, sizeof *table.columns);
    if (!table.columns)
        return error_memory(error);
    int failed =
        import_columns_find(&table, error) || put_rows(store, &table, result, error);
    free(table.columns);
    result->fractions = table.factor == 100;
    result->small = table.small;
    if (failed) {
        free(result->ids);
        memset(result, 0, sizeof *result);
        return -1;
    }
    return 0;
}
