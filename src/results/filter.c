#include "results/filter.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/filter_tree.h"
#include "results/row.h"

void filter_free(struct filter *filter) {
    if (!filter)
        return;
    for (size_t i = 0; i < filter->count; i++) {
        free(filter->nodes[i].text);
        free(filter->nodes[i].name.parameter);
        free(filter->nodes[i].other.parameter);
    }
    free(filter->nodes);
    free(filter);
}

/* A figure of a task; NaN where it is not there. */
static double figure_of(const struct filter_name *name, const struct store_row *row) {
    const struct store_evaluation *evaluation = &row->evaluations[name->task];
    if (name->field == FIELD_WEIGHT)
        return row->solution.preference ? row->solution.preference[name->task]
                                        : (double)NAN;
    if (!evaluation->present)
        return (double)NAN;
    switch (name->field) {
    case FIELD_LOW:
        return evaluation->imported ? (double)NAN : evaluation->low;
    case FIELD_HIGH:
        return evaluation->imported ? (double)NAN : evaluation->high;
    case FIELD_EXAMPLES:
        return evaluation->examples ? (double)evaluation->examples : (double)NAN;
    case FIELD_LOSS:
        return evaluation->loss;
    default:
        return evaluation->value;
    }
}

static double number_of(const struct filter_name *name, const struct catalog *catalog,
                        size_t place, const json_t *parameter) {
    const struct store_row *row = &catalog->rows[place];
    switch (name->field) {
    case FIELD_AVERAGE:
        return row_average(row, catalog->recipe);
    case FIELD_SCALE:
        return catalog->solutions[place].scale;
    case FIELD_STEP:
        return row->solution.routers ? (double)row->step : (double)NAN;
    case FIELD_ID:
        return (double)row->solution.id;
    case FIELD_SECONDS:
        return row->solution.seconds > 0 ? row->solution.seconds : (double)NAN;
    case FIELD_PARAMETER:
        return json_is_number(parameter) ? json_number_value(parameter) : (double)NAN;
    default:
        return figure_of(name, row);
    }
}

const char *filter_text(enum filter_field field, const struct catalog *catalog,
                        size_t place) {
    const struct store_row *row = &catalog->rows[place];
    switch (field) {
    case FIELD_KIND:
        return store_kind_name(row->solution.kind);
    case FIELD_METHOD:
        return row->solution.method;
    case FIELD_UPSCALE:
        return row->upscale;
    case FIELD_STATE:
        return store_state_name(row->state);
    case FIELD_SERIES:
        return catalog_series(catalog, place)->name;
    default:
        return row->solution.label;
    }
}

static bool flag_of(enum filter_field field, const struct catalog *catalog,
                    size_t place) {
    const struct solution *solution = &catalog->solutions[place];
    const struct series *series = catalog_series(catalog, place);
    switch (field) {
    case FIELD_FRONT:
        return solution->front;
    case FIELD_KNEE:
        return solution->knee;
    case FIELD_DOMINATED:
        return series->merged && solution->whole && !solution->stale &&
               !solution->front;
    case FIELD_STALE:
        return solution->stale;
    case FIELD_SELECTED:
        return catalog->selected && catalog->selected[place];
    case FIELD_MERGED:
        return series->merged;
    default:
        return series->answers;
    }
}

static bool compare_numbers(enum filter_operation operation, double a, double b) {
    switch (operation) {
    case FILTER_EQUAL:
        return a == b;
    case FILTER_UNEQUAL:
        return !isnan(a) && !isnan(b) && a != b;
    case FILTER_LESS:
        return a < b;
    case FILTER_AT_MOST:
        return a <= b;
    case FILTER_MORE:
        return a > b;
    default:
        return a >= b;
    }
}

static bool compare(const struct filter_node *node, const struct catalog *catalog,
                    size_t place) {
    json_t *parameters = NULL;
    bool result;
    if (node->name.parameter || node->other.parameter)
        parameters = json_loads(catalog->rows[place].solution.parameters, 0, NULL);
    const json_t *left = json_object_get(parameters, node->name.parameter);
    const json_t *right = json_object_get(parameters, node->other.parameter);
    if (node->text) {
        const char *text = node->name.parameter
                               ? json_string_value(left)
                               : filter_text(node->name.field, catalog, place);
        result = text &&
                 (strcmp(text, node->text) == 0) == (node->operation == FILTER_EQUAL);
    } else {
        double value = node->compares_names
                           ? number_of(&node->other, catalog, place, right)
                           : node->number;
        result = compare_numbers(node->operation,
                                 number_of(&node->name, catalog, place, left), value);
    }
    json_decref(parameters);
    return result;
}

static bool holds(const struct filter *filter, size_t at, const struct catalog *catalog,
                  size_t place) {
    const struct filter_node *node = &filter->nodes[at];
    switch (node->operation) {
    case FILTER_OR:
        return holds(filter, node->left, catalog, place) ||
               holds(filter, node->right, catalog, place);
    case FILTER_AND:
        return holds(filter, node->left, catalog, place) &&
               holds(filter, node->right, catalog, place);
    case FILTER_NOT:
        return !holds(filter, node->left, catalog, place);
    case FILTER_FLAG:
        return flag_of(node->name.field, catalog, place);
    default:
        return compare(node, catalog, place);
    }
}

bool filter_matches(const struct filter *filter, const struct catalog *catalog,
                    size_t row) {
    return holds(filter, filter->count - 1, catalog, row);
}

bool filter_asks_selection(const struct filter *filter) {
    for (size_t i = 0; i < filter->count; i++)
        if (filter->nodes[i].operation == FILTER_FLAG &&
            filter->nodes[i].name.field == FIELD_SELECTED)
            return true;
    return false;
}
