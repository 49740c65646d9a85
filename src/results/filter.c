#include "results/filter.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/row.h"

enum { DEPTH_MOST = 200, NODES_MOST = 1000, WORD_MOST = 256 };

enum field {
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
    /* Either a number or a text. */
    FIELD_PARAMETER
};

/* What may stand behind a task's name and a point. */
static const char *const parts[] = {"", "low", "high", "examples", "loss", "weight"};
enum { PARTS = sizeof parts / sizeof *parts };

static const char *const names[] = {
    [FIELD_AVERAGE] = "average", [FIELD_SCALE] = "scale",
    [FIELD_STEP] = "step",       [FIELD_ID] = "id",
    [FIELD_SECONDS] = "seconds", [FIELD_KIND] = "kind",
    [FIELD_METHOD] = "method",   [FIELD_UPSCALE] = "upscale",
    [FIELD_STATE] = "state",     [FIELD_SERIES] = "series",
    [FIELD_LABEL] = "label",     [FIELD_FRONT] = "front",
    [FIELD_KNEE] = "knee",       [FIELD_DOMINATED] = "dominated",
    [FIELD_STALE] = "stale",     [FIELD_MERGED] = "merged",
    [FIELD_ANSWERS] = "answers"};
enum { NAMES = sizeof names / sizeof *names };

struct name {
    enum field field;
    size_t task;
    char *parameter; /* of FIELD_PARAMETER */
};

static bool is_text(enum field field) {
    return field >= FIELD_KIND && field <= FIELD_LABEL;
}

static bool is_flag(enum field field) {
    return field >= FIELD_FRONT && field <= FIELD_ANSWERS;
}

enum operation { OR, AND, NOT, FLAG, EQUAL, UNEQUAL, LESS, AT_MOST, MORE, AT_LEAST };

/* A node comes after the nodes that it is about. */
struct node {
    enum operation operation;
    size_t left, right;      /* nodes of OR and AND; left of NOT */
    struct name name, other; /* of a flag and of comparisons; right of them */
    bool compares_names;
    double number;
    char *text; /* NULL: the number */
};

struct filter {
    struct node *nodes;
    size_t count, capacity;
};

/* --- reading ---------------------------------------------------------------------- */

enum token { END, WORD, QUOTED, SIGN, WRONG };

struct reader {
    const char *text, *at; /* at: behind the token at hand */
    const struct store_recipe *recipe;
    struct filter *filter;
    struct error *error;
    unsigned depth;

    enum token token;
    size_t begin;         /* of the token at hand */
    char word[WORD_MOST]; /* of WORD and QUOTED without the quotes, of SIGN */
};

/* An error about the byte `where`: its character's number, and what is wrong. */
static int refuse(struct reader *reader, size_t where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct reader *reader, size_t where, const char *format, ...) {
    char what[600];
    size_t character = 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < where; i++)
        character += ((unsigned char)reader->text[i] & 0xc0) != 0x80;
    reader->begin = where;
    reader->token = WRONG;
    return error_set(reader->error, "at character %zu: %s", character, what);
}

static bool is_word_byte(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
           (c && strchr("_.+-", c));
}

static int next_token(struct reader *reader) {
    static const char *const signs[] = {
        "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")"};
    const char *at = reader->at;
    size_t length = 0;
    while (isspace((unsigned char)*at))
        at++;
    reader->begin = (size_t)(at - reader->text);
    reader->token = !*at ? END : SIGN;
    if (*at == '"' || *at == '\'') {
        const char *end = strchr(at + 1, *at);
        if (!end)
            return refuse(reader, reader->begin, "the quote is not closed");
        reader->token = QUOTED;
        length = (size_t)(end - ++at);
        reader->at = end + 1;
    } else if (is_word_byte(*at)) {
        reader->token = WORD;
        while (is_word_byte(at[length]))
            length++;
        reader->at = at + length;
    } else if (*at) {
        for (size_t i = 0; i < sizeof signs / sizeof *signs && !length; i++)
            if (!strncmp(at, signs[i], strlen(signs[i])))
                length = strlen(signs[i]);
        if (!length)
            return refuse(reader, reader->begin,
                          "'%c' is no sign here; use && || ! == != < <= > >= ( )", *at);
        reader->at = at + length;
    }
    if (length >= sizeof reader->word)
        return refuse(reader, reader->begin, "a word of more than %d bytes",
                      WORD_MOST - 1);
    memcpy(reader->word, at, length);
    reader->word[length] = '\0';
    return 0;
}

static bool at_sign(const struct reader *reader, const char *sign) {
    return reader->token == SIGN && !strcmp(reader->word, sign);
}

/* A new node's number, or SIZE_MAX. */
static size_t add_node(struct reader *reader, enum operation operation, size_t left,
                       size_t right) {
    struct filter *filter = reader->filter;
    if (filter->count == NODES_MOST) {
        refuse(reader, reader->begin, "more than %d comparisons and signs", NODES_MOST);
        return SIZE_MAX;
    }
    if (array_reserve((void **)&filter->nodes, &filter->capacity, filter->count + 1,
                      sizeof *filter->nodes)) {
        error_memory(reader->error);
        return SIZE_MAX;
    }
    filter->nodes[filter->count] =
        (struct node){.operation = operation, .left = left, .right = right};
    return filter->count++;
}

/* "digits", or "digits.low"; a task that is called so goes first. */
static bool find_figure(const struct store_recipe *recipe, const char *word,
                        struct name *name) {
    for (size_t part = 0; part < PARTS; part++)
        for (size_t t = 0; t < recipe->task_count; t++) {
            const char *task = recipe->tasks[t].name;
            size_t length = strlen(task);
            if (!strncmp(word, task, length) &&
                (part ? word[length] == '.' && !strcmp(word + length + 1, parts[part])
                      : !word[length])) {
                *name = (struct name){.field = (enum field)part, .task = t};
                return true;
            }
        }
    return false;
}

static int unknown_name(struct reader *reader) {
    const char *all[STORE_TASKS_MAX + NAMES];
    size_t count = 0;
    for (size_t t = 0; t < reader->recipe->task_count; t++)
        all[count++] = reader->recipe->tasks[t].name;
    for (size_t i = FIELD_AVERAGE; i < NAMES; i++)
        all[count++] = names[i];
    const char *nearest = text_nearest(reader->word, all, count);
    if (nearest)
        return refuse(reader, reader->begin,
                      "nothing is called '%s'; did you mean '%s'?", reader->word,
                      nearest);
    return refuse(
        reader, reader->begin,
        "nothing is called '%s'; use a task's name, average, scale, step, id, "
        "seconds, kind, method, upscale, state, series, label, front, knee, "
        "dominated, stale, merged, answers or parameters.NAME",
        reader->word);
}

/* The token at hand as a name; its parameter belongs to the name's node. */
static int read_name(struct reader *reader, struct name *name) {
    static const char prefix[] = "parameters.";
    *name = (struct name){.field = FIELD_VALUE};
    if (reader->token == WORD) {
        for (size_t i = FIELD_AVERAGE; i < NAMES; i++)
            if (!strcmp(reader->word, names[i])) {
                name->field = (enum field)i;
                return next_token(reader);
            }
        if (!strncmp(reader->word, prefix, sizeof prefix - 1) &&
            reader->word[sizeof prefix - 1]) {
            name->field = FIELD_PARAMETER;
            name->parameter = strdup(reader->word + sizeof prefix - 1);
            return name->parameter ? next_token(reader) : error_memory(reader->error);
        }
    } else if (reader->token != QUOTED) {
        return refuse(reader, reader->begin, "%s",
                      reader->token == END ? "a name is missing at the end"
                                           : "a name is missing here");
    }
    if (!find_figure(reader->recipe, reader->word, name))
        return unknown_name(reader);
    return next_token(reader);
}

/* Texts of which only some can be are refused where they are none of these. */
static int check_text(struct reader *reader, enum field field) {
    const char *known[STORE_KINDS + STORE_STATES];
    size_t count = 0;
    for (unsigned i = STORE_KIND_NONE + 1; field == FIELD_KIND && i < STORE_KINDS; i++)
        known[count++] = store_kind_name((enum store_kind)i);
    for (unsigned i = 0; field == FIELD_STATE && i < STORE_STATES; i++)
        known[count++] = store_state_name((enum store_state)i);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(reader->word, known[i]))
            return 0;
    if (!count)
        return 0;
    char list[200] = "";
    for (size_t i = 0, used = 0; i < count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 known[i]);
    return refuse(reader, reader->begin, "no %s is called '%s'; it is one of %s",
                  names[field], reader->word, list);
}

static int read_number(struct reader *reader, double *number) {
    char *end;
    *number = strtod(reader->word, &end);
    return reader->token == WORD && end != reader->word && !*end && isfinite(*number)
               ? 0
               : -1;
}

/* What stands right of a comparison. */
static int read_value(struct reader *reader, size_t place) {
    struct node *node = &reader->filter->nodes[place];
    if (reader->token != WORD && reader->token != QUOTED)
        return refuse(reader, reader->begin, "%s",
                      reader->token == END ? "a value is missing at the end"
                                           : "a value is missing here");
    bool number = read_number(reader, &node->number) == 0;
    if (is_text(node->name.field) || (node->name.field == FIELD_PARAMETER && !number)) {
        if (node->operation != EQUAL && node->operation != UNEQUAL)
            return refuse(reader, reader->begin,
                          "texts are compared by == and != alone");
        if (check_text(reader, node->name.field))
            return -1;
        node->text = strdup(reader->word);
        return node->text ? next_token(reader) : error_memory(reader->error);
    }
    if (number)
        return next_token(reader);
    size_t begin = reader->begin;
    if (read_name(reader, &node->other))
        return -1;
    if (is_text(node->other.field) || is_flag(node->other.field))
        return refuse(reader, begin, "a number, or the name of one, is wanted here");
    node->compares_names = true;
    return 0;
}

static int read_or(struct reader *reader, size_t *node);

static int read_comparison(struct reader *reader, size_t *place) {
    static const struct {
        const char *sign;
        enum operation operation;
    } signs[] = {{"==", EQUAL},   {"!=", UNEQUAL}, {"<", LESS},
                 {"<=", AT_MOST}, {">", MORE},     {">=", AT_LEAST}};
    size_t begin = reader->begin;
    if ((*place = add_node(reader, FLAG, 0, 0)) == SIZE_MAX ||
        read_name(reader, &reader->filter->nodes[*place].name))
        return -1;
    struct node *node = &reader->filter->nodes[*place];
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (at_sign(reader, signs[i].sign))
            node->operation = signs[i].operation;
    bool flag = is_flag(node->name.field);
    if (node->operation == FLAG)
        return flag ? 0
                    : refuse(reader, begin, "compare this with something, as in %s",
                             is_text(node->name.field) ? "method == ls"
                                                       : "average >= 80");
    if (flag)
        return refuse(
            reader, reader->begin, "%s is true or false by itself; write %s or !%s",
            names[node->name.field], names[node->name.field], names[node->name.field]);
    return next_token(reader) || read_value(reader, *place) ? -1 : 0;
}

static int read_not(struct reader *reader, size_t *node) {
    if (++reader->depth > DEPTH_MOST)
        return refuse(reader, reader->begin,
                      "more than %d brackets and ! inside each "
                      "other",
                      DEPTH_MOST);
    int result;
    if (at_sign(reader, "!")) {
        size_t inner = 0;
        result = next_token(reader) || read_not(reader, &inner) ? -1 : 0;
        if (result == 0)
            result = (*node = add_node(reader, NOT, inner, 0)) == SIZE_MAX ? -1 : 0;
    } else if (at_sign(reader, "(")) {
        size_t begin = reader->begin;
        result = next_token(reader) || read_or(reader, node) ? -1 : 0;
        if (result == 0 && !at_sign(reader, ")"))
            result = reader->token == END
                         ? refuse(reader, begin, "this bracket is not closed")
                         : refuse(reader, reader->begin, "&&, || or ) is missing here");
        else if (result == 0)
            result = next_token(reader);
    } else {
        result = read_comparison(reader, node);
    }
    reader->depth--;
    return result;
}

/* Terms between one sign. */
static int read_chain(struct reader *reader, const char *sign, enum operation operation,
                      int (*read)(struct reader *, size_t *), size_t *node) {
    size_t right;
    if (read(reader, node))
        return -1;
    while (at_sign(reader, sign))
        if (next_token(reader) || read(reader, &right) ||
            (*node = add_node(reader, operation, *node, right)) == SIZE_MAX)
            return -1;
    return 0;
}

static int read_and(struct reader *reader, size_t *node) {
    return read_chain(reader, "&&", AND, read_not, node);
}

static int read_or(struct reader *reader, size_t *node) {
    return read_chain(reader, "||", OR, read_and, node);
}

int filter_parse(const char *text, const struct store_recipe *recipe,
                 struct filter **filter, size_t *at, struct error *error) {
    struct reader reader = {.text = text, .at = text, .recipe = recipe, .error = error};
    size_t root;
    reader.filter = array_new(1, sizeof *reader.filter);
    if (!reader.filter)
        return error_memory(error);
    int result = next_token(&reader) || read_or(&reader, &root) ? -1 : 0;
    if (result == 0 && reader.token != END)
        result = refuse(&reader, reader.begin, "&& or || is missing here");
    if (at)
        *at = reader.begin;
    if (result) {
        filter_free(reader.filter);
        return -1;
    }
    *filter = reader.filter; /* the root is the last of its nodes */
    return 0;
}

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

/* --- asking ----------------------------------------------------------------------- */

/* A figure of a task; NaN where it is not there. */
static double figure_of(const struct name *name, const struct store_row *row) {
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

static double number_of(const struct name *name, const struct catalog *catalog,
                        size_t place, const json_t *parameter) {
    const struct store_row *row = &catalog->rows[place];
    switch (name->field) {
    case FIELD_AVERAGE:
        return row_average(row, catalog->tasks);
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

static const char *text_of(enum field field, const struct catalog *catalog,
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

static bool flag_of(enum field field, const struct catalog *catalog, size_t place) {
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
    case FIELD_MERGED:
        return series->merged;
    default:
        return series->answers;
    }
}

static bool compare_numbers(enum operation operation, double a, double b) {
    switch (operation) {
    case EQUAL:
        return a == b;
    case UNEQUAL:
        return !isnan(a) && !isnan(b) && a != b;
    case LESS:
        return a < b;
    case AT_MOST:
        return a <= b;
    case MORE:
        return a > b;
    default:
        return a >= b;
    }
}

static bool compare(const struct node *node, const struct catalog *catalog,
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
                               : text_of(node->name.field, catalog, place);
        result = text && (strcmp(text, node->text) == 0) == (node->operation == EQUAL);
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
    const struct node *node = &filter->nodes[at];
    switch (node->operation) {
    case OR:
        return holds(filter, node->left, catalog, place) ||
               holds(filter, node->right, catalog, place);
    case AND:
        return holds(filter, node->left, catalog, place) &&
               holds(filter, node->right, catalog, place);
    case NOT:
        return !holds(filter, node->left, catalog, place);
    case FLAG:
        return flag_of(node->name.field, catalog, place);
    default:
        return compare(node, catalog, place);
    }
}

bool filter_matches(const struct filter *filter, const struct catalog *catalog,
                    size_t row) {
    return holds(filter, filter->count - 1, catalog, row);
}
