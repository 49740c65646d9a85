#include "data/tsv.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "data/folder.h"
#include "data/text_file.h"

static const char *const label_names[] = {"label", "gold_label", "quality",
                                          "is_duplicate", NULL};
/* The first that a file has both of (or the one) counts. */
static const char *const text_names[][2] = {{"sentence1", "sentence2"},
                                            {"question", "sentence"},
                                            {"question1", "question2"},
                                            {"premise", "hypothesis"},
                                            {"#1 string", "#2 string"},
                                            {"sentence", NULL},
                                            {"text", NULL}};

struct tsv_reader {
    const char *label;
    char *in, *end; /* the text; a zero byte stands at end */
    size_t line;    /* of the fields at hand, from 1 */
    size_t next;    /* the line at `in` */
    char *fields[TSV_COLUMNS_MAX];
    size_t count;                       /* of the fields */
    size_t columns;                     /* every line has */
    size_t first, second, label_column; /* second: SIZE_MAX where there is none */
};

void tsv_free(struct tsv *tsv) {
    free(tsv->examples);
    free(tsv->text);
    memset(tsv, 0, sizeof *tsv);
}

/* The fields of the next line that is not empty; false at the end of the text. */
static bool next_line(struct tsv_reader *r) {
    while (r->in < r->end) {
        char *begin = text_next_line(&r->in, r->end);
        r->line = r->next++;
        if (!*begin)
            continue;
        r->count = 0;
        for (char *at = begin; at; r->count++) {
            char *tab = strchr(at, '\t');
            if (tab)
                *tab++ = '\0';
            if (r->count < TSV_COLUMNS_MAX)
                r->fields[r->count] = at;
            at = tab;
        }
        return true;
    }
    return false;
}

static size_t find_column(const struct tsv_reader *r, const char *name) {
    for (size_t i = 0; i < r->count; i++)
        if (strcasecmp(r->fields[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* The columns by the names in the line at hand. */
static int name_columns(struct tsv_reader *r, struct error *error) {
    for (size_t i = 0; i < sizeof text_names / sizeof *text_names; i++) {
        r->first = find_column(r, text_names[i][0]);
        r->second = text_names[i][1] ? find_column(r, text_names[i][1]) : SIZE_MAX;
        if (r->first != SIZE_MAX && (!text_names[i][1] || r->second != SIZE_MAX))
            return 0;
    }
    return error_set(
        error,
        "%s:%zu: names a column %s and none of texts: sentence, sentence1 "
        "and sentence2, question and sentence, question1 and question2, or "
        "premise and hypothesis",
        r->label, r->line, r->fields[r->label_column]);
}

/* What the columns are, by the first line, which is at hand. *named: it is no example.
 */
static int find_columns(struct tsv_reader *r, bool *named, struct error *error) {
    if (r->count > TSV_COLUMNS_MAX)
        return error_set(error, "%s:%zu: more than %d fields", r->label, r->line,
                         TSV_COLUMNS_MAX);
    r->columns = r->count;
    r->second = r->label_column = SIZE_MAX;
    for (size_t i = 0; label_names[i] && r->label_column == SIZE_MAX; i++)
        r->label_column = find_column(r, label_names[i]);
    *named = r->label_column != SIZE_MAX;
    if (*named)
        return name_columns(r, error);
    if (r->columns == 2) {
        r->first = 0;
        r->label_column = 1;
    } else if (r->columns == 4) {
        r->first = 3;
        r->label_column = 1;
    } else {
        return error_set(error,
                         "%s:%zu: %zu fields between tabs and no names of columns; a "
                         "first line with sentence (or sentence1 and sentence2) and "
                         "label is wanted",
                         r->label, r->line, r->columns);
    }
    return 0;
}

static int add_example(struct tsv_reader *r, struct tsv *tsv, size_t *capacity,
                       struct error *error) {
    if (r->count != r->columns)
        return error_set(error,
                         "%s:%zu: %zu fields between tabs, the first line has %zu",
                         r->label, r->line, r->count, r->columns);
    if (!*r->fields[r->label_column])
        return error_set(error, "%s:%zu: the label is empty", r->label, r->line);
    if (array_reserve((void **)&tsv->examples, capacity, tsv->count + 1,
                      sizeof *tsv->examples))
        return error_memory(error);
    tsv->examples[tsv->count++] = (struct tsv_example){
        .first = r->fields[r->first],
        .second = r->second == SIZE_MAX ? NULL : r->fields[r->second],
        .label = r->fields[r->label_column],
        .line = r->line};
    return 0;
}

static int parse(struct tsv_reader *r, struct tsv *tsv, struct error *error) {
    size_t capacity = 0;
    bool named = false;
    for (size_t lines = 0; next_line(r); lines++) {
        if (lines == 0 && find_columns(r, &named, error))
            return -1;
        if (!(lines == 0 && named) && add_example(r, tsv, &capacity, error))
            return -1;
    }
    if (tsv->count == 0)
        return error_set(error, "%s: there is no example in it", r->label);
    return 0;
}

/* Takes text, which has room for size + 1 bytes and no zero byte. */
static int parse_text(char *text, size_t size, const char *label, struct tsv *tsv,
                      struct error *error) {
    struct tsv_reader reader = {
        .label = label, .in = text, .end = text + size, .next = 1};
    text[size] = '\0';
    tsv->text = text;
    int result = parse(&reader, tsv, error);
    if (result)
        tsv_free(tsv);
    return result;
}

int tsv_parse(const char *bytes, size_t size, const char *label, struct tsv *tsv,
              struct error *error) {
    char *text;
    memset(tsv, 0, sizeof *tsv);
    if (text_file_copy(bytes, &size, TSV_BYTES_MAX, label, &text, error))
        return -1;
    return parse_text(text, size, label, tsv, error);
}

int tsv_read(const char *path, struct tsv *tsv, struct error *error) {
    char *text;
    size_t size;
    memset(tsv, 0, sizeof *tsv);
    if (text_file_read(path, TSV_BYTES_MAX, &text, &size, error))
        return -1;
    return parse_text(text, size, path, tsv, error);
}

/* --- labels ---------------------------------------------------------------- */

/* A whole number below TSV_CLASSES_MAX, or -1. */
static int32_t number_of(const char *label) {
    int32_t number = 0;
    for (const char *at = label; *at; at++) {
        if (*at < '0' || *at > '9')
            return -1;
        number = 10 * number + (*at - '0');
        if (number >= TSV_CLASSES_MAX)
            return -1;
    }
    return number;
}

/* Digits, with a sign and a fraction perhaps: what is no name. */
static bool looks_like_number(const char *label) {
    return label[strspn(label, "+-.0123456789")] == '\0';
}

/* The place of a name in the names, or -1. */
static int32_t place_of(char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int32_t)i;
    return -1;
}

static int by_given(const struct tsv *tsv, const char *path, char *const *given,
                    size_t count, int32_t *labels, struct error *error) {
    bool named = false;
    for (size_t i = 0; i < tsv->count; i++) {
        labels[i] = place_of(given, count, tsv->examples[i].label);
        named = named || labels[i] >= 0;
    }
    for (size_t i = 0; i < tsv->count; i++) {
        const struct tsv_example *e = &tsv->examples[i];
        if (!named)
            labels[i] = number_of(e->label);
        if (labels[i] < 0 || (size_t)labels[i] >= count)
            return error_set(error, "%s:%zu: the label '%s' is none of the %zu classes",
                             path, e->line, e->label, count);
    }
    return 0;
}

/* Labels that are numbers: 1 where all are, 0 where none looks like one, -1. */
static int by_number(const struct tsv *tsv, const char *path, int32_t *labels,
                     struct error *error) {
    size_t numbers = 0, like = 0;
    const struct tsv_example *odd = NULL;
    for (size_t i = 0; i < tsv->count; i++) {
        const struct tsv_example *e = &tsv->examples[i];
        labels[i] = number_of(e->label);
        numbers += labels[i] >= 0;
        like += looks_like_number(e->label);
        if (labels[i] < 0 && !odd)
            odd = e;
    }
    if (!odd)
        return 1;
    if (numbers == 0 && like == 0)
        return 0;
    while (numbers == 0 && !looks_like_number(odd->label))
        odd++;
    return error_set(
        error,
        "%s:%zu: the label '%s' is not a class; labels are all names, or all "
        "whole numbers from 0 to %d",
        path, odd->line, odd->label, TSV_CLASSES_MAX - 1);
}

static int add_name(char ***names, size_t *capacity, size_t *count, const char *name,
                    struct error *error) {
    if (array_reserve((void **)names, capacity, *count + 1, sizeof **names) ||
        !((*names)[*count] = strdup(name)))
        return error_memory(error);
    (*count)++;
    return 0;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Labels that are names, numbered in the order of their bytes. */
static int by_name(const struct tsv *tsv, const char *path, int32_t *labels,
                   char ***names, size_t *classes, struct error *error) {
    size_t capacity = 0;
    enum { NAMES_MAX = 1000 }; /* the wrong column has more */
    for (size_t i = 0; i < tsv->count; i++) {
        const char *label = tsv->examples[i].label;
        if (place_of(*names, *classes, label) >= 0)
            continue;
        if (*classes == NAMES_MAX)
            return error_set(error, "%s:%zu: more than %d labels that are names", path,
                             tsv->examples[i].line, NAMES_MAX);
        if (add_name(names, &capacity, classes, label, error))
            return -1;
    }
    qsort(*names, *classes, sizeof **names, compare);
    for (size_t i = 0; i < tsv->count; i++)
        labels[i] = place_of(*names, *classes, tsv->examples[i].label);
    return 0;
}

int tsv_labels(const struct tsv *tsv, const char *path, char *const *given,
               size_t given_count, int32_t **labels, char ***names, size_t *classes,
               struct error *error) {
    size_t capacity = 0;
    *names = NULL;
    *classes = 0;
    *labels = array_new(tsv->count, sizeof **labels);
    int status = *labels ? 0 : error_memory(error);
    if (status == 0 && given) {
        status = by_given(tsv, path, given, given_count, *labels, error);
        for (size_t i = 0; status == 0 && i < given_count; i++)
            status = add_name(names, &capacity, classes, given[i], error);
    } else if (status == 0) {
        int numbers = by_number(tsv, path, *labels, error);
        int32_t most = 0;
        for (size_t i = 0; i < tsv->count; i++)
            most = (*labels)[i] > most ? (*labels)[i] : most;
        status = numbers < 0 ? -1 : 0;
        if (numbers == 0)
            status = by_name(tsv, path, *labels, names, classes, error);
        for (int32_t i = 0; numbers == 1 && status == 0 && i <= most; i++) {
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            status = add_name(names, &capacity, classes, text, error);
        }
    }
    if (status == 0)
        return 0;
    free(*labels);
    class_names_release(*names, *classes);
    *labels = NULL;
    *names = NULL;
    *classes = 0;
    return -1;
}
