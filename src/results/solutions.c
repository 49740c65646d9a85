#include "results/solutions.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "results/row.h"

json_t *time_json(double time) {
    struct tm parts;
    char text[40];
    time_t seconds = (time_t)time;
    if (!(time > 0) || time > 1e11 || !gmtime_r(&seconds, &parts) ||
        !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        return json_null();
    return json_string(text);
}

/* --- columns, and the same in rows ---------------------------------------- */

enum { FIRST = 9, PER_TASK = 4, LAST = 20, STANDING = 10 };

/* Four columns for each task, the names being escaped and owned by the caller; false
 * where there is no memory. */
static bool task_columns(const struct store_recipe *recipe, char **names,
                         struct output_column *columns) {
    static const char *const ends[PER_TASK] = {"", "_low", "_high", "_examples"};
    for (size_t i = 0; i < PER_TASK * recipe->task_count; i++) {
        size_t k = i % PER_TASK;
        char *name = text_format("%s%s", recipe->tasks[i / PER_TASK].name, ends[k]);
        names[i] = name ? malloc(4 * strlen(name) + 1) : NULL;
        if (names[i])
            text_escape(names[i], 4 * strlen(name) + 1, name);
        free(name);
        if (!names[i])
            return false;
        columns[i] = (struct output_column){
            names[i], k == 0 ? IN_FLAT : IN_CSV,
            row_digits(&recipe->tasks[i / PER_TASK].objective, 0)};
    }
    return true;
}

struct output *solutions_begin(enum output_format format,
                               const struct store_recipe *recipe,
                               enum solution_columns which, struct error *error) {
    static const struct output_column first[FIRST] = {
        {"id", IN_ALL, 0},          {"kind", IN_ALL, 0},
        {"method", IN_ALL, 0},      {"upscale", IN_ALL, 0},
        {"step", IN_ALL, 0},        {"parameters", IN_ALL, -1},
        {"preference", IN_ALL, -1}, {"objectives", IN_JSON, 0},
        {"average", IN_ALL, 2}};
    static const struct output_column last[] = {{"state", IN_ALL, 0},
                                                {"label", IN_CSV | IN_JSON, 0},
                                                {"routers", IN_CSV | IN_JSON, 0},
                                                {"model_sha256", IN_CSV | IN_JSON, 0},
                                                {"created", IN_CSV | IN_JSON, 0},
                                                {"seconds", IN_CSV | IN_JSON, 6},
                                                {"peak_bytes", IN_CSV | IN_JSON, 0}};
    static const struct output_column more[STANDING] = {
        {"nondominated", IN_ALL, 0},
        {"within_noise", IN_ALL, 0},
        {"contribution", IN_ALL, -1},
        {"rank", IN_CSV | IN_JSON, 0},
        {"crowding", IN_CSV | IN_JSON, -1},
        {"pseudo_weights", IN_CSV | IN_JSON, -1},
        {"subset", IN_CSV | IN_JSON, 0},
        {"hypervolume", IN_CSV | IN_JSON, -1},
        {"reference", IN_CSV | IN_JSON, -1},
        {"hypervolume_within", IN_CSV | IN_JSON, -1}};
    enum { LASTS = sizeof last / sizeof *last };
    size_t of_tasks = PER_TASK * recipe->task_count, count = FIRST + of_tasks + LASTS;
    struct output_column *columns = array_new(count + STANDING, sizeof *columns);
    char **names = array_new(of_tasks, sizeof *names);
    struct output *output = NULL;
    if (columns && names && task_columns(recipe, names, columns + FIRST)) {
        memcpy(columns, first, sizeof first);
        columns[FIRST - 1].decimals = row_digits(&recipe->tasks[0].objective, 0);
        memcpy(columns + FIRST + of_tasks, last, sizeof last);
        for (size_t i = 0; which != SOLUTIONS_PLAIN && i < STANDING; i++) {
            columns[count] = more[i];
            if (which == SOLUTIONS_SUBSET && strcmp(more[i].name, "subset") == 0)
                columns[count].where = IN_ALL;
            count++;
        }
        output = output_new(format, false, columns, count, error);
    } else {
        error_memory(error);
    }
    for (size_t i = 0; names && i < of_tasks; i++)
        free(names[i]);
    free(names);
    free(columns);
    return output;
}

/* null where imported: nobody said how many, or how sure. */
static json_t *examples_json(const struct store_evaluation *e) {
    return e->examples ? json_integer((json_int_t)e->examples) : json_null();
}

static json_t *interval_json(const struct store_evaluation *e) {
    return e->imported ? json_null()
                       : json_pack("[o,o]", output_real(e->low), output_real(e->high));
}

static json_t *objectives_json(const struct store_recipe *recipe,
                               const struct store_row *row) {
    json_t *objectives = json_object();
    for (size_t t = 0; t < recipe->task_count; t++) {
        const struct store_evaluation *e = &row->evaluations[t];
        json_t *one = json_null();
        if (e->present)
            one = json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:o}", "value",
                            output_real(e->value), "interval", interval_json(e),
                            "examples", examples_json(e), "complete", e->complete,
                            "stale", e->stale, "fp8", e->fp8, "loss",
                            output_real(e->loss));
        json_t *name = output_text(recipe->tasks[t].name);
        json_object_set_new(objectives, json_string_value(name), one);
        json_decref(name);
    }
    return objectives;
}

void solutions_add(struct output *output, const struct store_recipe *recipe,
                   const struct store_row *row,
                   const struct solution_standing *standing) {
    const struct store_solution *s = &row->solution;
    json_t *values[FIRST + PER_TASK * STORE_TASKS_MAX + LAST];
    size_t n = 0, tasks = recipe->task_count;
    values[n++] = json_integer(s->id);
    values[n++] = json_string(store_kind_name(s->kind));
    values[n++] = output_text(s->method);
    values[n++] = *row->upscale ? output_text(row->upscale) : NULL;
    values[n++] = s->routers ? json_integer(row->step) : NULL;
    values[n++] = output_object(s->parameters);
    values[n++] = output_reals(s->preference, tasks);
    values[n++] = objectives_json(recipe, row);
    values[n++] = output_real(row_average(row, recipe));
    for (size_t t = 0; t < tasks; t++) {
        const struct store_evaluation *e = &row->evaluations[t];
        values[n++] = e->present ? output_real(e->value) : NULL;
        values[n++] = e->present && !e->imported ? output_real(e->low) : NULL;
        values[n++] = e->present && !e->imported ? output_real(e->high) : NULL;
        values[n++] = e->present ? examples_json(e) : NULL;
    }
    values[n++] = json_string(store_state_name(row->state));
    values[n++] = output_text(s->label);
    values[n++] = s->routers ? json_integer(s->routers) : NULL;
    values[n++] = *s->model_sha256 ? output_text(s->model_sha256) : NULL;
    values[n++] = time_json(s->created);
    values[n++] = s->seconds > 0 ? output_real(s->seconds) : NULL;
    values[n++] = s->peak_bytes ? json_integer((json_int_t)s->peak_bytes) : NULL;
    if (standing) {
        values[n++] = json_boolean(standing->nondominated);
        values[n++] =
            standing->within_noise < 0 ? NULL : json_boolean(standing->within_noise);
        values[n++] = output_real(standing->contribution);
        values[n++] = json_integer((json_int_t)standing->rank);
        values[n++] = output_real(standing->crowding);
        values[n++] =
            standing->rank == 1 ? output_reals(standing->weights, tasks) : NULL;
        values[n++] =
            standing->place ? json_integer((json_int_t)standing->place) : NULL;
        values[n++] = output_real(standing->hypervolume);
        values[n++] = output_reals(standing->reference, tasks);
        values[n++] = output_real(standing->within);
    }
    output_row(output, values);
}

int solutions_print(enum output_format format, struct store *store,
                    const struct store_recipe *recipe, const char *split,
                    const int64_t *ids, size_t count, struct error *error) {
    struct store_row *rows = NULL;
    size_t row_count = 0;
    if (store_rows(store, split, &rows, &row_count, error))
        return -1;
    struct output *output = solutions_begin(format, recipe, SOLUTIONS_PLAIN, error);
    for (size_t i = 0; output && i < count; i++) {
        const struct store_row *row = store_row_find(rows, row_count, ids[i]);
        if (row)
            solutions_add(output, recipe, row, NULL);
    }
    store_rows_free(rows, row_count);
    return output ? output_end(output, error) : -1;
}
