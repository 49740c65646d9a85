/* How the files of a task's examples are read, where their names do not say it: what a
 * recipe has besides their paths. */
#ifndef PWEMOE_DATA_DATA_FORM_H
#define PWEMOE_DATA_DATA_FORM_H

#include <stdbool.h>

enum quoting {
    QUOTING_BY_NAME, /* QUOTING_CSV where a file's name ends in .csv, else none */
    QUOTING_NONE,    /* a quote is text */
    QUOTING_CSV      /* fields in double quotes, a quote in them doubled */
};

/* All zero, or a NULL pointer to one: as the files' names say. */
struct data_form {
    const char *text, *pair, *label; /* columns of a table by name; NULL: the usual */
    enum quoting quoting;
    bool unlabelled; /* any labels are passed over, and none need be there */
    bool nested;     /* class folders one folder deeper: GROUP/CLASS (folder.h) */
};

#endif
