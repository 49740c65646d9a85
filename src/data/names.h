/* Lists of names: of classes, of files, and the text files that have one a line. */
#ifndef PWEMOE_DATA_NAMES_H
#define PWEMOE_DATA_NAMES_H

#include <stddef.h>

#include "base/error.h"

/* A list that grows. {0} is an empty one. */
struct names {
    char **at; /* [count] */
    size_t count, capacity;
};

/* Takes name over, also when it fails; NULL is memory that is out. */
int names_add(struct names *names, char *name, struct error *error);
void names_release(struct names *names);

/* The lines of a text file without their ends and without white space around; empty
 * lines at the end do not count, an empty one before it is an error, so that lines[i]
 * is line i + 1. what is a line's content in errors ("class name"). Fresh memory: each
 * line, and the array. */
int text_lines_read(const char *path, const char *what, char ***lines, size_t *count,
                    struct error *error);
int class_names_read(const char *path, char ***names, size_t *count,
                     struct error *error);
void class_names_release(char **names, size_t count);
/* NULL when memory is out. */
char **class_names_copy(char *const *names, size_t count);

#endif
