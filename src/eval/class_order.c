/* In which order the outputs of a task's model are its classes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/names.h"
#include "data/tsv.h"
#include "eval/class_reading.h"

static int take_names(struct classes *classes, char *const *names, size_t count,
                      struct error *error) {
    classes->names = class_names_copy(names, count);
    if (!classes->names)
        return error_memory(error);
    classes->count = count;
    return 0;
}

/* Two lines that are one class. */
static int check_lines(const struct reading *r, struct error *error) {
    const struct class_lines *lines = &r->lines;
    size_t *place = array_new(lines->count, sizeof *place);
    bool loosely;
    int result = place ? names_match(lines->names, lines->count, lines->names,
                                     lines->count, place, &loosely, error)
                       : error_memory(error);
    for (size_t i = 0; result == 0 && i < lines->count; i++) {
        if (place[i] == i)
            continue;
        size_t other = 0;
        while (other == i || strcmp(lines->names[other], lines->names[i]) != 0)
            if (++other == lines->count)
                break;
        if (other < lines->count)
            result = error_set(
                error,
                "%s:%zu: '%s' is also on line %zu; each class must have one line",
                r->lines_path, (i > other ? i : other) + 1, lines->names[i],
                (i > other ? other : i) + 1);
    }
    free(place);
    return result;
}

/* The first of all labels of both splits that no line names, or NULL. */
static const char *unnamed(const struct reading *r, struct error *error) {
    struct classes lines = {
        .count = r->lines.count, .names = r->lines.names, .keys = r->lines.keys};
    for (size_t i = 0; i < 2; i++) {
        const struct labels *split = &r->splits[i];
        size_t *place = array_new(split->names.count, sizeof *place);
        const char *found = NULL;
        bool loosely;
        if (!place || classes_place(&lines, split->names.at, split->names.count, place,
                                    &loosely, error)) {
            free(place);
            continue;
        }
        for (size_t k = 0; k < split->names.count && !found; k++)
            if (place[k] == SIZE_MAX)
                found = split->names.at[k];
        free(place);
        if (found)
            return found;
    }
    return NULL;
}

static const char *nearest_label(const struct reading *r, const char *word) {
    for (size_t i = 2; i-- > 0;) {
        const struct names *names = &r->splits[i].names;
        const char *near =
            text_nearest(word, (const char *const *)names->at, names->count);
        if (near)
            return near;
    }
    return NULL;
}

/* classnames decide the order: each line is an output, and some data's class. */
static int order_by_lines(struct reading *r, struct error *error) {
    const struct class_lines *lines = &r->lines;
    char known[LIST_BYTES];
    if (take_names(&r->classes, lines->names, lines->count, error))
        return -1;
    r->classes.keys = array_new(lines->count, sizeof *r->classes.keys);
    bool *used = array_new(lines->count, sizeof *used);
    if (!r->classes.keys || !used) {
        free(used);
        return error_memory(error);
    }
    int result = 0;
    bool named = false;
    for (size_t i = 0; i < lines->count; i++)
        if (lines->keys[i] && !(r->classes.keys[i] = strdup(lines->keys[i])))
            result = error_memory(error);
    for (size_t i = 0; result == 0 && i < 2; i++) {
        const struct names *names = &r->splits[i].names;
        size_t *place = array_new(names->count, sizeof *place);
        bool loosely;
        result = place ? classes_place(&r->classes, names->at, names->count, place,
                                       &loosely, error)
                       : error_memory(error);
        for (size_t k = 0; result == 0 && k < names->count; k++)
            if (place[k] != SIZE_MAX)
                used[place[k]] = true;
        free(place);
        named = named || (names->count && !r->splits[i].numbers);
    }
    for (size_t i = 0; result == 0 && named && i < lines->count; i++) {
        if (used[i])
            continue;
        const char *near = nearest_label(r, lines->names[i]);
        const char *rest = unnamed(r, error);
        if (rest || r->zero_shot || r->outputs != lines->count)
            result = error_set(
                error, "%s:%zu: '%s' is not a class of the data%s%s%s; those have %s",
                r->lines_path, i + 1, lines->names[i], near ? "; did you mean '" : "",
                near ? near : "", near ? "'?" : "",
                classes_text(r->splits[1].path ? r->splits[1].names.at
                                               : r->splits[0].names.at,
                             r->splits[1].path ? r->splits[1].names.count
                                               : r->splits[0].names.count,
                             known, sizeof known));
    }
    free(used);
    if (result == 0 && r->outputs && r->outputs != lines->count)
        result = error_set(error, "%s: %zu class names, the head of %s has %zu outputs",
                           r->lines_path, lines->count, r->head_path, r->outputs);
    return result;
}

/* The expert names its outputs; classnames, where given, must agree. */
static int order_by_head(struct reading *r, struct error *error) {
    const struct class_lines *lines = &r->lines;
    const struct names *head = &r->head;
    char ours[LIST_BYTES], theirs[LIST_BYTES];
    if (take_names(&r->classes, head->at, head->count, error))
        return -1;
    if (!r->lines_path)
        return 0;
    classes_text(lines->names, lines->count, ours, sizeof ours);
    classes_text(head->at, head->count, theirs, sizeof theirs);
    size_t *place = array_new(lines->count, sizeof *place),
           *keyed = array_new(lines->count, sizeof *keyed);
    r->classes.keys = array_new(head->count, sizeof *r->classes.keys);
    bool loosely, moved = false, named = false, keys = true;
    int result = place && keyed && r->classes.keys
                     ? names_match(lines->names, lines->count, head->at, head->count,
                                   place, &loosely, error)
                     : error_memory(error);
    for (size_t i = 0; result == 0 && i < lines->count; i++) {
        keys = keys && lines->keys[i];
        if (place[i] == SIZE_MAX && lines->keys[i])
            result = names_match(&lines->keys[i], 1, head->at, head->count, &place[i],
                                 &loosely, error);
        if (result == 0 && place[i] == SIZE_MAX) {
            const char *near = text_nearest(lines->names[i],
                                            (const char *const *)head->at, head->count);
            result = error_set(error,
                               "%s:%zu: '%s' is not a class of the expert's%s%s%s; the "
                               "lines are %s; id2label of %s has %s",
                               r->lines_path, i + 1, lines->names[i],
                               near ? ", did you mean '" : "", near ? near : "",
                               near ? "'?" : "", ours, r->head_path, theirs);
        }
        moved = moved || place[i] != i;
        if (result == 0 && !r->classes.keys[place[i]] &&
            !(r->classes.keys[place[i]] =
                  strdup(lines->keys[i] ? lines->keys[i] : lines->names[i])))
            result = error_memory(error);
    }
    for (size_t i = 0; i < 2; i++)
        named = named || (r->splits[i].names.count && !r->splits[i].numbers);
    if (result == 0 && (lines->count != head->count || (moved && named && !keys)))
        result = error_set(error,
                           "%s has the classes %s, id2label of %s has %s; leave "
                           "classnames out, or correct them",
                           r->lines_path, ours, r->head_path, theirs);
    if (result == 0 && moved && !named) {
        r->classes.numbers = place;
        r->classes.number_count = lines->count;
        place = NULL;
        reading_say(
            r,
            "labels are numbers, which %s names in another order than the expert "
            "does: they are matched by name",
            r->lines_path);
    }
    free(place);
    free(keyed);
    return result;
}

/* Labels of GLUE's tables in the order that GLUE numbers them in. */
static const char *const glue[][4] = {{"entailment", "neutral", "contradiction"},
                                      {"entailment", "not_entailment"},
                                      {"unacceptable", "acceptable"},
                                      {"negative", "positive"},
                                      {"not_equivalent", "equivalent"},
                                      {"not_duplicate", "duplicate"}};

static int order_as_glue(struct reading *r, const struct names *names, bool *done,
                         struct error *error) {
    *done = false;
    for (size_t row = 0; row < sizeof glue / sizeof *glue; row++) {
        size_t place[4], count = 0;
        bool loosely, all = true;
        while (glue[row][count])
            count++;
        if (count != names->count)
            continue;
        if (names_match(names->at, count, (char *const *)(uintptr_t)glue[row], count,
                        place, &loosely, error))
            return -1;
        for (size_t i = 0; i < count; i++)
            all = all && place[i] != SIZE_MAX;
        if (!all)
            continue;
        *done = true;
        if (take_names(&r->classes, (char *const *)(uintptr_t)glue[row], count, error))
            return -1;
        return 0;
    }
    return 0;
}

/* Numbers by their value, called as the data write them. */
static int order_by_number(struct reading *r, size_t most, struct error *error) {
    size_t count = r->outputs > most ? r->outputs : most + 1;
    struct classes *classes = &r->classes;
    classes->names = array_new(count, sizeof *classes->names);
    if (!classes->names)
        return error_memory(error);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < r->splits[i].names.count; k++) {
            char **name = &classes->names[class_number(r->splits[i].names.at[k])];
            if (!*name && !(*name = strdup(r->splits[i].names.at[k])))
                return error_memory(error);
        }
    for (; classes->count < count; classes->count++)
        if (!classes->names[classes->count] &&
            !(classes->names[classes->count] = text_format("%zu", classes->count)))
            return error_memory(error);
    return 0;
}

/* Neither the expert nor the recipe names the outputs. */
static int order_by_data(struct reading *r, struct error *error) {
    const struct labels *train = &r->splits[0], *test = &r->splits[1];
    const struct labels *longer =
        !test->path || (train->path && train->names.count >= test->names.count) ? train
                                                                                : test;
    const struct names *names = &longer->names;
    size_t most = train->most > test->most ? train->most : test->most;
    char list[LIST_BYTES];
    bool numbers = (!train->path || train->numbers) && (!test->path || test->numbers),
         done = false;
    /* Folders from 1 to 102, say, are names as good as any. */
    if (numbers &&
        (!longer->folders || most < (r->outputs ? r->outputs : names->count))) {
        if (r->outputs && most >= r->outputs)
            return error_set(error, "%s: label %zu, the head of %s has %zu outputs",
                             longer->path, most, r->head_path, r->outputs);
        if (most >= TSV_CLASSES_MAX)
            return error_set(error,
                             "%s: label %zu; classes are numbers from 0 to %d (is it "
                             "the right column?)",
                             most == test->most && test->path ? test->path
                                                              : train->path,
                             most, TSV_CLASSES_MAX - 1);
        if (r->head_path && longer->folders)
            reading_say(r, "the expert does not name its classes: folder number k is "
                           "taken as its output k");
        return order_by_number(r, most, error);
    }
    if (r->outputs && names->count != r->outputs)
        return error_set(
            error,
            "%s has the classes %s, and the head of %s has %zu outputs without names; "
            "give classnames: FILE, one line for each output",
            longer->path, classes_text(names->at, names->count, list, sizeof list),
            r->head_path, r->outputs);
    if (!longer->folders && order_as_glue(r, names, &done, error))
        return -1;
    if (!done && take_names(&r->classes, names->at, names->count, error))
        return -1;
    if (r->head_path)
        reading_say(
            r,
            "the expert names no classes: its outputs are taken to be, in %s order, %s",
            done ? "GLUE's" : "the data's (by bytes)",
            classes_text(r->classes.names, r->classes.count, list, sizeof list));
    return 0;
}

int reading_order(struct reading *r, struct error *error) {
    if (r->lines_path && check_lines(r, error))
        return -1;
    if (r->head.count)
        return order_by_head(r, error);
    return r->lines_path ? order_by_lines(r, error) : order_by_data(r, error);
}
