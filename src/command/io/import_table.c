#include "command/io/import_table.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "command/io/options.h"

enum role { ROLE_SKIP, ROLE_TASK, ROLE_NAME, ROLE_PREFERENCE, ROLE_PARAMETER };

struct column {
    enum role role;
    size_t index;    /* task, or component of the preference */
    const char *key; /* parameter */
};

struct table {
    const struct store_recipe *recipe;
    const struct csv *csv;
    const char *label;
    const struct import_options *options;
    struct column *columns;        /* [csv->columns] */
    size_t order[STORE_TASKS_MAX]; /* task of the i-th task column */
    size_t task_columns, preference_columns, name_columns;
    double factor; /* 100 for fractions */
};

/* --- columns ------------------------------------------------------------------ */

/* Letters and digits alone, in lower case; bytes of UTF-8 count as letters. */
static void plain_name(const char *name, char *out, size_t size) {
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)name; *p && used + 1 < size;
         p++)
        if (*p >= 0x80 || isalnum(*p))
            out[used++] = (char)(*p < 0x80 ? tolower(*p) : *p);
    out[used] = '\0';
}

static bool same_name(const char *a, const char *b) {
    char plain_a[256], plain_b[256];
    plain_name(a, plain_a, sizeof plain_a);
    plain_name(b, plain_b, sizeof plain_b);
    return *plain_a && strcmp(plain_a, plain_b) == 0;
}

/* The task of this name; exactly so before nearly so. */
static bool find_task(const struct store_recipe *recipe, const char *name,
                      size_t *task) {
    for (size_t t = 0; t < recipe->task_count; t++)
        if (strcmp(recipe->tasks[t].name, name) == 0)
            return *task = t, true;
    for (size_t t = 0; t < recipe->task_count; t++)
        if (same_name(recipe->tasks[t].name, name))
            return *task = t, true;
    return false;
}

/* "ray_3" or "preference_3": 3. */
static bool preference_index(const char *name, size_t *index) {
    char plain[64];
    plain_name(name, plain, sizeof plain);
    const char *digits = NULL;
    if (strncmp(plain, "ray", 3) == 0)
        digits = plain + 3;
    else if (strncmp(plain, "preference", 10) == 0)
        digits = plain + 10;
    uint64_t value;
    if (!digits || !options_unsigned(digits, &value) || value >= STORE_TASKS_MAX)
        return false;
    *index = (size_t)value;
    return true;
}

static int unknown_column(const struct table *table, size_t column,
                          struct error *error) {
    const char *name = table->csv->names[column];
    const char *names[STORE_TASKS_MAX];
    char all[512] = "";
    size_t used = 0;
    for (size_t t = 0; t < table->recipe->task_count; t++) {
        names[t] = table->recipe->tasks[t].name;
        int more =
            snprintf(all + used, sizeof all - used, "%s%s", t ? ", " : "", names[t]);
        if (more < 0 || (size_t)more >= sizeof all - used)
            break;
        used += (size_t)more;
    }
    const char *nearest = text_nearest(name, names, table->recipe->task_count);
    return error_set(error, "%s: column '%s' is not a task%s%s%s; the tasks are %s%s",
                     table->label, name, nearest ? ", did you mean '" : "",
                     nearest ? nearest : "", nearest ? "'?" : "", all,
                     nearest ? "" : "; --skip-unknown passes over other columns");
}

static int twice(const struct table *table, size_t column, struct error *error) {
    return error_set(error, "%s: column '%s' occurs twice", table->label,
                     table->csv->names[column]);
}

static int find_role(struct table *table, size_t i, struct error *error) {
    static const char *const names[] = {"method", "model", "name"};
    static const char *const passed[] = {"avg", "average", "mean", "ray_idx"};
    static const struct {
        const char *name, *key;
    } parameters[] = {{"step", "step"},   {"seed", "seed"},          {"alpha", "alpha"},
                      {"lr", "lr"},       {"scaling_coef", "scale"}, {"scale", "scale"},
                      {"lambda", "scale"}};
    const char *name = table->csv->names[i];
    struct column *column = &table->columns[i];
    if (find_task(table->recipe, name, &column->index)) {
        column->role = ROLE_TASK;
        for (size_t k = 0; k < table->task_columns; k++)
            if (table->order[k] == column->index)
                return twice(table, i, error);
        table->order[table->task_columns++] = column->index;
        return 0;
    }
    if (preference_index(name, &column->index)) {
        column->role = ROLE_PREFERENCE;
        table->preference_columns++;
        return 0;
    }
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (same_name(name, names[k])) {
            column->role = ROLE_NAME;
            return table->name_columns++ == 0
                       ? 0
                       : error_set(error,
                                   "%s: column '%s': there is a column of names "
                                   "before it; leave one out",
                                   table->label, name);
        }
    for (size_t k = 0; k < sizeof parameters / sizeof *parameters; k++)
        if (same_name(name, parameters[k].name)) {
            *column = (struct column){.role = ROLE_PARAMETER, .key = parameters[k].key};
            for (size_t other = 0; other < i; other++)
                if (table->columns[other].role == ROLE_PARAMETER &&
                    strcmp(table->columns[other].key, column->key) == 0)
                    return twice(table, i, error);
            return 0;
        }
    char plain[8];
    plain_name(name, plain, sizeof plain);
    column->role = ROLE_SKIP;
    if (*plain == '\0' || strncmp(plain, "unnamed", 7) == 0 ||
        table->options->skip_unknown)
        return 0;
    for (size_t k = 0; k < sizeof passed / sizeof *passed; k++)
        if (same_name(name, passed[k]))
            return 0;
    return unknown_column(table, i, error);
}

static int find_roles(struct table *table, struct error *error) {
    for (size_t i = 0; i < table->csv->columns; i++)
        if (find_role(table, i, error))
            return -1;
    if (table->task_columns == 0)
        return error_set(error, "%s: no column is named as a task of %s", table->label,
                         table->recipe->name);
    /* ray_0 to ray_(n-1), each once, as many as there are task columns. */
    if (table->preference_columns == 0)
        return 0;
    bool seen[STORE_TASKS_MAX] = {false};
    for (size_t i = 0; i < table->csv->columns; i++)
        if (table->columns[i].role == ROLE_PREFERENCE) {
            if (seen[table->columns[i].index])
                return twice(table, i, error);
            seen[table->columns[i].index] = true;
        }
    bool whole = table->preference_columns == table->task_columns;
    for (size_t k = 0; k < table->preference_columns; k++)
        whole = whole && seen[k];
    if (!whole)
        return error_set(error,
                         "%s: %zu columns of a preference (ray_0, ray_1, ...) for %zu "
                         "columns of tasks; there must be one for each task, from 0",
                         table->label, table->preference_columns, table->task_columns);
    return 0;
}

/* --- numbers ------------------------------------------------------------------ */

static bool is_empty(const char *field) {
    return field[strspn(field, " \t")] == '\0';
}

/* A field without the blanks around it. */
static bool read_number(const char *field, double *value) {
    char text[64];
    field += strspn(field, " \t");
    size_t length = strlen(field);
    while (length && strchr(" \t", field[length - 1]))
        length--;
    if (length >= sizeof text)
        return false;
    memcpy(text, field, length);
    text[length] = '\0';
    return options_real(text, value);
}

static const char *field(const struct table *table, size_t row, size_t column) {
    return table->csv->fields[row * table->csv->columns + column];
}

static int number(const struct table *table, size_t row, size_t column, double *value,
                  struct error *error) {
    const char *text = field(table, row, column);
    if (read_number(text, value))
        return 0;
    return error_set(error, "%s:%zu: %s is '%.60s', which is not a number",
                     table->label, table->csv->lines[row], table->csv->names[column],
                     text);
}

/* What the figures of one column, or of all, look like. */
struct figures {
    size_t small, large; /* above 0 and at most 1; above 1 */
    size_t row;          /* of the first that is above 1 */
};

static int look(const struct table *table, size_t column, struct figures *figures,
                struct error *error) {
    *figures = (struct figures){0};
    for (size_t row = 0; row < table->csv->rows; row++) {
        double value;
        if (is_empty(field(table, row, column)))
            continue;
        if (number(table, row, column, &value, error))
            return -1;
        figures->small += value > 0 && value <= 1;
        if (value > 1 && figures->large++ == 0)
            figures->row = row;
    }
    return 0;
}

/* Fractions or percent, when no one said: percent as soon as a figure is above 1. Where
 * a column, or a whole column beside others, has mostly figures that look like the
 * other unit, nothing is guessed. */
static int find_unit(struct table *table, struct error *error) {
    table->factor = table->options->unit == IMPORT_FRACTION ? 100 : 1;
    if (table->options->unit != IMPORT_AUTO)
        return 0;
    size_t large = 0, fractions = SIZE_MAX;
    for (size_t i = 0; i < table->csv->columns; i++) {
        struct figures figures;
        if (table->columns[i].role != ROLE_TASK)
            continue;
        if (look(table, i, &figures, error))
            return -1;
        large += figures.large;
        if (figures.large && figures.small > figures.large)
            return error_set(error,
                             "%s:%zu: %s is %s, but most of this column are at most 1; "
                             "give --unit percent or --unit fraction",
                             table->label, table->csv->lines[figures.row],
                             table->csv->names[i], field(table, figures.row, i));
        if (figures.small && !figures.large)
            fractions = i;
    }
    if (large && fractions != SIZE_MAX)
        return error_set(error,
                         "%s: no figure of %s is above 1, but figures of other columns "
                         "are; give --unit percent or --unit fraction",
                         table->label, table->csv->names[fractions]);
    if (!large)
        table->factor = 100;
    return 0;
}

/* --- rows --------------------------------------------------------------------- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the row is called; fresh memory, without the blanks around it. */
static char *row_name(const struct table *table, size_t row) {
    const char *name = "";
    for (size_t i = 0; i < table->csv->columns; i++)
        if (table->columns[i].role == ROLE_NAME)
            name = field(table, row, i);
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

static char *row_parameters(const struct table *table, size_t row,
                            struct error *error) {
    char source[512];
    text_escape(source, sizeof source, base_name(table->options->source));
    json_t *object = json_object();
    int result = json_object_set_new(object, "source", json_string(source));
    for (size_t i = 0; i < table->csv->columns && result == 0; i++) {
        double value;
        if (table->columns[i].role != ROLE_PARAMETER || is_empty(field(table, row, i)))
            continue;
        if (number(table, row, i, &value, error)) {
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
static int row_preference(const struct table *table, size_t row, double *preference,
                          struct error *error) {
    double sum = 0;
    memset(preference, 0, STORE_TASKS_MAX * sizeof *preference);
    for (size_t i = 0; i < table->csv->columns; i++) {
        double value;
        if (table->columns[i].role != ROLE_PREFERENCE)
            continue;
        if (number(table, row, i, &value, error))
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

static int row_figures(const struct table *table, size_t row,
                       struct store_evaluation *evaluations, size_t *count,
                       struct error *error) {
    *count = 0;
    for (size_t i = 0; i < table->csv->columns; i++) {
        double value;
        if (table->columns[i].role != ROLE_TASK || is_empty(field(table, row, i)))
            continue;
        if (number(table, row, i, &value, error))
            return -1;
        value *= table->factor;
        if (!(value >= 0 && value <= 100))
            return error_set(error, "%s:%zu: %s is %s; it must be %s", table->label,
                             table->csv->lines[row], table->csv->names[i],
                             field(table, row, i),
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

static int put_row(struct store *store, const struct table *table, size_t row,
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
static int check_distinct(const struct table *table, const int64_t *ids,
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

struct row_key {
    char *text; /* owned */
    size_t row;
};

static int by_key(const void *a, const void *b) {
    const struct row_key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

/* What makes the row a solution of its own, as text; NULL: *error says why. */
static char *row_key(const struct table *table, size_t row, struct error *error) {
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

/* Rows that are written alike are found before anything is stored. */
static int check_keys(const struct table *table, struct error *error) {
    size_t count = table->csv->rows, made = 0;
    struct row_key *keys = array_new(count, sizeof *keys);
    if (!keys)
        return error_memory(error);
    int result = 0;
    for (; result == 0 && made < count; made++) {
        keys[made] = (struct row_key){row_key(table, made, error), made};
        if (!keys[made].text)
            result = -1;
    }
    if (result == 0)
        qsort(keys, count, sizeof *keys, by_key);
    size_t first = SIZE_MAX, before = 0;
    for (size_t i = 1; result == 0 && i < count; i++)
        if (strcmp(keys[i].text, keys[i - 1].text) == 0 && keys[i].row < first) {
            first = keys[i].row;
            before = keys[i - 1].row;
        }
    if (first != SIZE_MAX)
        result = error_set(error,
                           "%s:%zu: the same method, preference and parameters as on "
                           "line %zu",
                           table->label, table->csv->lines[first],
                           table->csv->lines[before]);
    for (size_t i = 0; i < made; i++)
        free(keys[i].text);
    free(keys);
    return result;
}

static int put_rows(struct store *store, const struct table *table,
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
    struct table table = {
        .recipe = recipe, .csv = csv, .label = label, .options = options};
    table.columns = array_new(csv->columns, sizeof *table.columns);
    if (!table.columns)
        return error_memory(error);
    int failed = find_roles(&table, error) || find_unit(&table, error) ||
                 put_rows(store, &table, result, error);
    free(table.columns);
    result->fractions = table.factor == 100;
    if (failed) {
        free(result->ids);
        memset(result, 0, sizeof *result);
        return -1;
    }
    return 0;
}
