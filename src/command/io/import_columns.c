#include "command/io/import_columns.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "command/io/options.h"

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

static int unknown_column(const struct import_columns *table, size_t column,
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

static int twice(const struct import_columns *table, size_t column,
                 struct error *error) {
    return error_set(error, "%s: column '%s' occurs twice", table->label,
                     table->csv->names[column]);
}

static int find_role(struct import_columns *table, size_t i, struct error *error) {
    static const char *const names[] = {"method", "model", "name"};
    static const char *const passed[] = {"avg", "average", "mean", "ray_idx"};
    static const struct {
        const char *name, *key;
    } parameters[] = {{"step", "step"},   {"seed", "seed"},          {"alpha", "alpha"},
                      {"lr", "lr"},       {"scaling_coef", "scale"}, {"scale", "scale"},
                      {"lambda", "scale"}};
    const char *name = table->csv->names[i];
    struct import_column *column = &table->columns[i];
    if (find_task(table->recipe, name, &column->index)) {
        column->role = IMPORT_ROLE_TASK;
        for (size_t k = 0; k < table->task_columns; k++)
            if (table->order[k] == column->index)
                return twice(table, i, error);
        table->order[table->task_columns++] = column->index;
        return 0;
    }
    if (preference_index(name, &column->index)) {
        column->role = IMPORT_ROLE_PREFERENCE;
        table->preference_columns++;
        return 0;
    }
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (same_name(name, names[k])) {
            column->role = IMPORT_ROLE_NAME;
            return table->name_columns++ == 0
                       ? 0
                       : error_set(error,
                                   "%s: column '%s': there is a column of names "
                                   "before it; leave one out",
                                   table->label, name);
        }
    for (size_t k = 0; k < sizeof parameters / sizeof *parameters; k++)
        if (same_name(name, parameters[k].name)) {
            *column = (struct import_column){.role = IMPORT_ROLE_PARAMETER,
                                             .key = parameters[k].key};
            for (size_t other = 0; other < i; other++)
                if (table->columns[other].role == IMPORT_ROLE_PARAMETER &&
                    strcmp(table->columns[other].key, column->key) == 0)
                    return twice(table, i, error);
            return 0;
        }
    char plain[8];
    plain_name(name, plain, sizeof plain);
    column->role = IMPORT_ROLE_SKIP;
    if (*plain == '\0' || strncmp(plain, "unnamed", 7) == 0 ||
        table->options->skip_unknown)
        return 0;
    for (size_t k = 0; k < sizeof passed / sizeof *passed; k++)
        if (same_name(name, passed[k]))
            return 0;
    return unknown_column(table, i, error);
}

static int find_roles(struct import_columns *table, struct error *error) {
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
        if (table->columns[i].role == IMPORT_ROLE_PREFERENCE) {
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

bool import_is_empty(const char *field) {
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

const char *import_field(const struct import_columns *table, size_t row,
                         size_t column) {
    return table->csv->fields[row * table->csv->columns + column];
}

int import_number(const struct import_columns *table, size_t row, size_t column,
                  double *value, struct error *error) {
    const char *text = import_field(table, row, column);
    if (read_number(text, value))
        return 0;
    return error_set(error, "%s:%zu: %s is '%s', which is not a number", table->label,
                     table->csv->lines[row], table->csv->names[column],
                     TEXT_CUT(text, 60));
}

/* What the figures of one column, or of all, look like. */
struct figure_range {
    size_t small, large; /* above 0 and at most 1; above 1 */
    size_t row;          /* of the first that is above 1 */
};

static int look(const struct import_columns *table, size_t column,
                struct figure_range *figures, struct error *error) {
    *figures = (struct figure_range){0};
    for (size_t row = 0; row < table->csv->rows; row++) {
        double value;
        if (import_is_empty(import_field(table, row, column)))
            continue;
        if (import_number(table, row, column, &value, error))
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
static int find_unit(struct import_columns *table, struct error *error) {
    table->factor = table->options->unit == IMPORT_FRACTION ? 100 : 1;
    if (table->options->unit != IMPORT_AUTO)
        return 0;
    size_t large = 0, fractions = SIZE_MAX;
    for (size_t i = 0; i < table->csv->columns; i++) {
        struct figure_range figures;
        if (table->columns[i].role != IMPORT_ROLE_TASK)
            continue;
        if (look(table, i, &figures, error))
            return -1;
        large += figures.large;
        table->small += figures.small;
        if (figures.large && figures.small > figures.large)
            return error_set(error,
                             "%s:%zu: %s is %s, but most of this column are at most 1; "
                             "give --unit percent or --unit fraction",
                             table->label, table->csv->lines[figures.row],
                             table->csv->names[i], import_field(table, figures.row, i));
        if (figures.small && !figures.large)
            fractions = i;
    }
    if (large && fractions != SIZE_MAX)
        return error_set(error,
                         "%s: no figure of %s is above 1, but figures of other columns "
                         "are; give --unit percent or --unit fraction",
                         table->label, table->csv->names[fractions]);
    if (!large) {
        table->factor = 100;
        table->small = 0;
    }
    return 0;
}

int import_columns_find(struct import_columns *table, struct error *error) {
    return find_roles(table, error) || find_unit(table, error) ? -1 : 0;
}
