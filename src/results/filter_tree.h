/* A filter as the tree that filter_parse makes of its text. */
#ifndef PWEMOE_RESULTS_FILTER_TREE_H
#define PWEMOE_RESULTS_FILTER_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct catalog;

enum filter_field {
    /* Numbers. Those of a task first. */
    FIELD_VALUE,
    FIELD_LOW,
    FIELD_HIGH,
    FIELD_EXAMPLES,
    FIELD_LOSS,
    FIELD_WEIGHT,
    FIELD_AVERAGE,
    FIELD_SCALE,
    FIELD_STEP,
    FIELD_ID,
    FIELD_SECONDS,
    /* Texts. */
    FIELD_KIND,
    FIELD_METHOD,
    FIELD_UPSCALE,
    FIELD_STATE,
    FIELD_SERIES,
    FIELD_LABEL,
    /* Flags. */
    FIELD_FRONT,
    FIELD_KNEE,
    FIELD_DOMINATED,
    FIELD_STALE,
    FIELD_MERGED,
    FIELD_ANSWERS,
    FIELD_SELECTED,
    /* Either a number or a text. */
    FIELD_PARAMETER
};

struct filter_name {
    enum filter_field field;
    size_t task;
    char *parameter; /* of FIELD_PARAMETER */
};

enum filter_operation {
    FILTER_OR,
    FILTER_AND,
    FILTER_NOT,
    FILTER_FLAG,
    FILTER_EQUAL,
    FILTER_UNEQUAL,
    FILTER_LESS,
    FILTER_AT_MOST,
    FILTER_MORE,
    FILTER_AT_LEAST
};

/* A node comes after the nodes that it is about. */
struct filter_node {
    enum filter_operation operation;
    size_t left, right; /* nodes of FILTER_OR and FILTER_AND; left of FILTER_NOT */
    struct filter_name name, other; /* of a flag and of comparisons; right of them */
    bool compares_names;
    double number;
    char *text; /* NULL: the number */
};

struct filter {
    struct filter_node *nodes;
    size_t count, capacity;
};

/* What a text is of the solution in this place of a catalog. */
const char *filter_text(enum filter_field field, const struct catalog *catalog,
                        size_t place);

#endif
