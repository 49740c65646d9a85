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

/* Digits, with a sign and a fraction perhaps: what is no name. */
static bool looks_like_number(const char *label) {
    return label[strspn(label, "+-.0123456789")] == '\0';
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether one is a name and another a number, which no classes are called. */
static int check_kinds(const struct tsv *tsv, const char *path, struct error *error) {
    const struct tsv_example *name = NULL, *like = NULL, *odd = NULL;
    for (size_t i = 0; i < tsv->count; i++) {
        const struct tsv_example *e = &tsv->examples[i];
        bool number = class_number(e->label) < TSV_CLASSES_MAX;
        if (!looks_like_number(e->label))
            name = name ? name : e;
        else
            like = like ? like : e;
        if (!number && looks_like_number(e->label))
            odd = odd ? odd : e;
    }
    if (!odd && like && name)
        odd = name;
    if (!odd)
        return 0;
    return error_set(
        error,
        "%s:%zu: the label '%s' is not a class; labels are all names, or all "
        "whole numbers from 0 to %d",
        path, odd->line, odd->label, TSV_CLASSES_MAX - 1);
}

int tsv_label_names(const struct tsv *tsv, const char *path, char ***names,
                    size_t *count, struct error *error) {
    enum { NAMES_MAX = 1000 }; /* the wrong column has more */
    *names = NULL;
    *count = 0;
    char **all = array_new(tsv->count, sizeof *all);
    if (!all)
        return error_memory(error);
    for (size_t i = 0; i < tsv->count; i++)
        all[i] = (char *)(uintptr_t)tsv->examples[i].label;
    qsort(all, tsv->count, sizeof *all, compare);
    size_t used = 0;
    for (size_t i = 0; i < tsv->count; i++)
        if (used == 0 || strcmp(all[used - 1], all[i]) != 0)
            all[used++] = all[i];
    bool numbers = class_numbers(all, used);
    int status = 0;
    if (used > (numbers ? TSV_CLASSES_MAX : NAMES_MAX))
        status = error_set(error,
                           "%s: %zu labels, of which %d may be names; is it the "
                           "right column?",
                           path, used, NAMES_MAX);
    if (status == 0 && !(*names = class_names_copy(all, used)))
        status = error_memory(error);
    *count = status == 0 ? used : 0;
    free(all);
    return status;
}

/* labels[i] by the place of each distinct label. */
static void spread(const struct tsv *tsv, char **names, size_t count,
                   const size_t *place, int32_t *labels) {
    for (size_t i = 0; i < tsv->count; i++) {
        char *label = (char *)(uintptr_t)tsv->examples[i].label;
        char **found = bsearch(&label, names, count, sizeof *names, compare);
        labels[i] = (int32_t)place[found - names];
    }
}

/* Where the given classes do not know a label: on which line. */
static int refuse(const struct tsv *tsv, const char *path, const char *label,
                  const struct classes *classes, struct error *error) {
    size_t i = 0;
    while (strcmp(tsv->examples[i].label, label) != 0)
        i++;
    char known[400];
    return error_set(error, "%s:%zu: the label '%s' is none of the %zu classes: %s",
                     path, tsv->examples[i].line, label, classes->count,
                     classes_text(classes->names, classes->count, known, sizeof known));
}

/* What classes the table has by itself; names are its distinct labels, sorted. */
static int own_classes(char *const *names, size_t count, struct classes *classes,
                       struct error *error) {
    bool numbers = class_numbers(names, count);
    size_t most = 0;
    for (size_t i = 0; numbers && i < count; i++)
        if (class_number(names[i]) > most)
            most = class_number(names[i]);
    *classes = (struct classes){0};
    if (!numbers) {
        classes->names = class_names_copy(names, count);
        classes->count = classes->names ? count : 0;
        return classes->names ? 0 : error_memory(error);
    }
    classes->names = array_new(most + 1, sizeof *classes->names);
    if (!classes->names)
        return error_memory(error);
    for (; classes->count <= most; classes->count++)
        if (!(classes->names[classes->count] = text_format("%zu", classes->count))) {
            classes_clear(classes);
            return error_memory(error);
        }
    return 0;
}

int tsv_labels(const struct tsv *tsv, const char *path, const struct classes *given,
               int32_t **labels, struct classes *own, struct error *error) {
    char **names;
    size_t count;
    *labels = NULL;
    *own = (struct classes){0};
    if ((!given && check_kinds(tsv, path, error)) ||
        tsv_label_names(tsv, path, &names, &count, error))
        return -1;
    size_t *place = array_new(count, sizeof *place);
    *labels = array_new(tsv->count, sizeof **labels);
    bool loosely;
    int status = place && *labels ? 0 : error_memory(error);
    if (status == 0 && !given)
        status = own_classes(names, count, own, error);
    const struct classes *classes = given ? given : own;
    if (status == 0)
        status = classes_place(classes, names, count, place, &loosely, error);
    for (size_t i = 0; status == 0 && i < count; i++)
        if (place[i] == SIZE_MAX)
            status = refuse(tsv, path, names[i], classes, error);
    if (status == 0)
        spread(tsv, names, count, place, *labels);
    free(place);
    class_names_release(names, count);
    if (status == 0)
        return 0;
    free(*labels);
    *labels = NULL;
    classes_clear(own);
    return -1;
}
