#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/filter.h"
#include "results/filter_tree.h"

enum { DEPTH_MOST = 200, NODES_MOST = 1000, WORD_MOST = 256 };

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
    [FIELD_ANSWERS] = "answers", [FIELD_SELECTED] = "selected"};
enum { NAMES = sizeof names / sizeof *names };

static bool is_text(enum filter_field field) {
    return field >= FIELD_KIND && field <= FIELD_LABEL;
}

static bool is_flag(enum filter_field field) {
    return field >= FIELD_FRONT && field <= FIELD_SELECTED;
}

const char *filter_known_name(size_t index, bool *text) {
    enum filter_field field = (enum filter_field)(FIELD_AVERAGE + index);
    if (index >= NAMES - FIELD_AVERAGE)
        return NULL;
    *text = is_text(field);
    return names[field];
}

const char *filter_known_part(size_t index) {
    return index + 1 < PARTS ? parts[index + 1] : NULL;
}

enum token { END, WORD, QUOTED, SIGN, WRONG };

struct filter_reader {
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
static int refuse(struct filter_reader *reader, size_t where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct filter_reader *reader, size_t where, const char *format, ...) {
    char what[600];
    size_t character = 1;
    va_list arguments;
    va_start(arguments, format);
    text_print(what, sizeof what, format, arguments);
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

static int next_token(struct filter_reader *reader) {
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
                          "'%c' is not an operator; use && || ! == != < <= > >= ( )",
                          *at);
        reader->at = at + length;
    }
    if (length >= sizeof reader->word)
        return refuse(reader, reader->begin, "a word of more than %d bytes",
                      WORD_MOST - 1);
    memcpy(reader->word, at, length);
    reader->word[length] = '\0';
    return 0;
}

static bool at_sign(const struct filter_reader *reader, const char *sign) {
    return reader->token == SIGN && !strcmp(reader->word, sign);
}

/* A new node's number, or SIZE_MAX. */
static size_t add_node(struct filter_reader *reader, enum filter_operation operation,
                       size_t left, size_t right) {
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
        (struct filter_node){.operation = operation, .left = left, .right = right};
    return filter->count++;
}

/* "digits", or "digits.low"; a task of that name goes first. */
static bool find_figure(const struct store_recipe *recipe, const char *word,
                        struct filter_name *name) {
    for (size_t part = 0; part < PARTS; part++)
        for (size_t t = 0; t < recipe->task_count; t++) {
            const char *task = recipe->tasks[t].name;
            size_t length = strlen(task);
            if (!strncmp(word, task, length) &&
                (part ? word[length] == '.' && !strcmp(word + length + 1, parts[part])
                      : !word[length])) {
                *name =
                    (struct filter_name){.field = (enum filter_field)part, .task = t};
                return true;
            }
        }
    return false;
}

static int unknown_name(struct filter_reader *reader) {
    const char *all[STORE_TASKS_MAX + NAMES];
    size_t count = 0;
    for (size_t t = 0; t < reader->recipe->task_count; t++)
        all[count++] = reader->recipe->tasks[t].name;
    for (size_t i = FIELD_AVERAGE; i < NAMES; i++)
        all[count++] = names[i];
    const char *nearest = text_nearest(reader->word, all, count);
    if (nearest)
        return refuse(reader, reader->begin, "unknown name '%s'; did you mean '%s'?",
                      reader->word, nearest);
    return refuse(reader, reader->begin,
                  "unknown name '%s'; use a task's name, average, scale, step, id, "
                  "seconds, kind, method, upscale, state, series, label, front, knee, "
                  "dominated, stale, merged, answers, selected or parameters.NAME",
                  reader->word);
}

/* The token at hand as a name; its parameter belongs to the name's node. */
static int read_name(struct filter_reader *reader, struct filter_name *name) {
    static const char prefix[] = "parameters.";
    *name = (struct filter_name){.field = FIELD_VALUE};
    if (reader->token == WORD) {
        for (size_t i = FIELD_AVERAGE; i < NAMES; i++)
            if (!strcmp(reader->word, names[i])) {
                name->field = (enum filter_field)i;
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
static int check_text(struct filter_reader *reader, enum filter_field field) {
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
    return refuse(reader, reader->begin, "there is no %s '%s'; it is one of %s",
                  names[field], reader->word, list);
}

static int read_number(struct filter_reader *reader, double *number) {
    char *end;
    *number = strtod(reader->word, &end);
    return reader->token == WORD && end != reader->word && !*end && isfinite(*number)
               ? 0
               : -1;
}

/* What stands right of a comparison. */
static int read_value(struct filter_reader *reader, size_t place) {
    struct filter_node *node = &reader->filter->nodes[place];
    if (reader->token != WORD && reader->token != QUOTED)
        return refuse(reader, reader->begin, "%s",
                      reader->token == END ? "a value is missing at the end"
                                           : "a value is missing here");
    bool number = read_number(reader, &node->number) == 0;
    if (is_text(node->name.field) || (node->name.field == FIELD_PARAMETER && !number)) {
        if (node->operation != FILTER_EQUAL && node->operation != FILTER_UNEQUAL)
            return refuse(reader, reader->begin,
                          "texts can only be compared by == and !=");
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
        return refuse(reader, begin, "a number, or the name of one, is expected here");
    node->compares_names = true;
    return 0;
}

static int read_or(struct filter_reader *reader, size_t *node);

static int read_comparison(struct filter_reader *reader, size_t *place) {
    static const struct {
        const char *sign;
        enum filter_operation operation;
    } signs[] = {{"==", FILTER_EQUAL}, {"!=", FILTER_UNEQUAL},
                 {"<", FILTER_LESS},   {"<=", FILTER_AT_MOST},
                 {">", FILTER_MORE},   {">=", FILTER_AT_LEAST}};
    size_t begin = reader->begin;
    if ((*place = add_node(reader, FILTER_FLAG, 0, 0)) == SIZE_MAX ||
        read_name(reader, &reader->filter->nodes[*place].name))
        return -1;
    struct filter_node *node = &reader->filter->nodes[*place];
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (at_sign(reader, signs[i].sign))
            node->operation = signs[i].operation;
    bool flag = is_flag(node->name.field);
    if (node->operation == FILTER_FLAG)
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

static int read_not(struct filter_reader *reader, size_t *node) {
    if (++reader->depth > DEPTH_MOST)
        return refuse(reader, reader->begin,
                      "brackets and ! are nested more than %d deep", DEPTH_MOST);
    int result;
    if (at_sign(reader, "!")) {
        size_t inner = 0;
        result = next_token(reader) || read_not(reader, &inner) ? -1 : 0;
        if (result == 0)
            result =
                (*node = add_node(reader, FILTER_NOT, inner, 0)) == SIZE_MAX ? -1 : 0;
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
static int read_chain(struct filter_reader *reader, const char *sign,
                      enum filter_operation operation,
                      int (*read)(struct filter_reader *, size_t *), size_t *node) {
    size_t right;
    if (read(reader, node))
        return -1;
    while (at_sign(reader, sign))
        if (next_token(reader) || read(reader, &right) ||
            (*node = add_node(reader, operation, *node, right)) == SIZE_MAX)
            return -1;
    return 0;
}

static int read_and(struct filter_reader *reader, size_t *node) {
    return read_chain(reader, "&&", FILTER_AND, read_not, node);
}

static int read_or(struct filter_reader *reader, size_t *node) {
    return read_chain(reader, "||", FILTER_OR, read_and, node);
}

int filter_parse(const char *text, const struct store_recipe *recipe,
                 struct filter **filter, size_t *at, struct error *error) {
    struct filter_reader reader = {
        .text = text, .at = text, .recipe = recipe, .error = error};
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
