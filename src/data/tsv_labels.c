/* The labels of a table as classes, of tsv.h. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/names.h"
#include "data/tsv.h"

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
