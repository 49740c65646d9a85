/* Long options, described by a table: the same table parses the command line,
 * prints --help, and is what the manual page is tested against.
 *
 * `--name value` and `--name=value` mean the same; a flag takes no value. `--`
 * ends the options; everything else is an operand, wherever it stands. */
#ifndef PWEMOE_COMMAND_IO_OPTIONS_H
#define PWEMOE_COMMAND_IO_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum option_type {
    OPTION_FLAG,     /* bool */
    OPTION_UNSIGNED, /* uint64_t, minimum .. maximum */
    OPTION_REAL,     /* double, finite, minimum .. maximum */
    OPTION_CHOICE,   /* unsigned: the position in choices */
    OPTION_TEXT,     /* const char *, points into argv; not empty */
    OPTION_TEXTS     /* struct option_texts: the option may be given several times */
};

enum { OPTION_TEXTS_MAX = 64 };
struct option_texts {
    const char *items[OPTION_TEXTS_MAX]; /* in the order of the command line */
    size_t count;
};

struct option_spec {
    const char *name; /* without the dashes; NULL ends a table */
    enum option_type type;
    const char *value;        /* how help calls the value: "M"; NULL for flags */
    const char *help;         /* one sentence without its full stop */
    const char *initial;      /* as it would be typed; NULL: zero, or NULL */
    const char *choices;      /* OPTION_CHOICE: "table|csv|json"; OPTION_TEXT: what
                                 completion offers */
    void (*offer)(FILE *out); /* prints such words, between blanks, from a table */
    double minimum, maximum;  /* both 0: no bounds */
    bool above_minimum;       /* OPTION_REAL: the minimum itself is refused */
    size_t offset;            /* of the member in the structure of values */
    /* Settings (settings.h): the kinds of run that keep the value as a parameter, a bit
     * each (0: no setting); under which name (NULL: the option's, with _ for -); and
     * the value, as it would be typed, of runs that do not tell it (NULL: all do). */
    unsigned kept;
    const char *key, *untold;
};

/* The row that chooses a split: what it says of it, and the member, an unsigned, 0 for
 * test. */
#define SPLIT_OPTION(says, owner, member)                                              \
    {                                                                                  \
        .name = "split", .type = OPTION_CHOICE, .value = "S", .choices = "test|train", \
        .initial = "test", .help = says ": test or train",                             \
        .offset = offsetof(owner, member)                                              \
    }

/* One table with the structure it fills. */
struct option_group {
    const struct option_spec *specs;
    void *values;
    unsigned mask;   /* bit i: the table's row i is taken; ~0u for all (also rows
                        past 31) */
    uint64_t *given; /* bit i: row i stood among the arguments (of the first 64 rows);
                        may be NULL */
};

/* Sets every value to its initial one, then reads the arguments. operands (room
 * for count) receives those that are no options, in order. *help is set, and
 * reading ends, at --help. Returns 0 or -1 with a line that names the option and,
 * for an unknown one, the nearest known. */
int options_parse(const struct option_group *groups, size_t group_count, size_t count,
                  const char *const *arguments, const char **operands,
                  size_t *operand_count, bool *help, struct error *error);

/* Sets one value from its text, as options_parse does. */
int options_set(const struct option_spec *spec, void *values, const char *text,
                struct error *error);
/* Whether a number is within the row's bounds. */
bool options_in_range(const struct option_spec *spec, double value);

/* The tables as lines of help, wrapped at 78 columns. */
void options_help(const struct option_group *groups, size_t group_count, FILE *out);

/* One entry of help: "  left", then text from a column on, wrapped at 78 columns. */
void options_help_entry(FILE *out, const char *left, const char *text);

/* The name at `index` of "a|b|c" into out; returns out, "" past the last. */
char *options_choice(const char *choices, unsigned index, char *out, size_t size);
/* The position of a name among them, or -1. */
int options_choice_index(const char *choices, const char *word, unsigned *index);

/* `text` wrapped at 78 columns with every line but the first indented. `column`
 * is where the first line starts. Ends with a newline. */
void options_wrap(FILE *out, const char *text, size_t column, size_t indent);

/* Strict numbers of a command line, whole texts only: digits; a finite decimal.
 * false where text is none or does not fit. */
bool options_unsigned(const char *text, uint64_t *value);
bool options_real(const char *text, double *value);

#endif
