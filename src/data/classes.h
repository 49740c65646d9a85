/* The classes of a task in the order of its model's outputs, and how data name them.
 *
 * Names decide which class a label is: as written, then ignoring case, blanks, '_' and
 * '-'. Data that have numbers alone (idx files, tables and folders of whole numbers)
 * are matched by number, and only where none of their labels is a name here. */
#ifndef PWEMOE_DATA_CLASSES_H
#define PWEMOE_DATA_CLASSES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct classes {
    size_t count;
    char **names;    /* [count] what is shown and exported */
    char **keys;     /* [count] what data call them besides; NULL: nothing else */
    size_t *numbers; /* [number_count] the class of the data's number; NULL: itself */
    size_t number_count;
};
void classes_clear(struct classes *classes);

/* place[i] = which of names [count] text i is, SIZE_MAX where none. *loosely: not all
 * of them as written. Two names that are one but for case and the like match what is
 * written as they are, and nothing else. */
int names_match(char *const *texts, size_t n, char *const *names, size_t count,
                size_t *place, bool *loosely, struct error *error);

/* A whole number without a sign below 10^9, or SIZE_MAX. */
size_t class_number(const char *text);
/* Whether all of them are. */
bool class_numbers(char *const *texts, size_t n);

/* place[i] = the class that label i of n distinct ones is; SIZE_MAX where none. */
int classes_place(const struct classes *classes, char *const *labels, size_t n,
                  size_t *place, bool *loosely, struct error *error);
/* The class of the data's number k, SIZE_MAX where there is none. */
size_t classes_of_number(const struct classes *classes, size_t number);

/* "wolf, cat, owl (3)" of up to `size` bytes, cut at a name; returns out. */
char *classes_text(char *const *names, size_t count, char *out, size_t size);

/* A file of class names: a line is NAME, or KEY, a tab and NAME, where KEY is what the
 * data call the class. keys[i] is NULL for the former. */
struct class_lines {
    size_t count;
    char **names, **keys; /* line i + 1 */
};
int class_lines_read(const char *path, struct class_lines *lines, struct error *error);
void class_lines_clear(struct class_lines *lines);

#endif
