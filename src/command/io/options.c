#include "command/io/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { COLUMNS = 78, HELP_COLUMN = 28 };

static bool taken(const struct option_group *group, size_t row) {
    return row >= 32 || (group->mask >> row & 1);
}

bool options_unsigned(const char *text, uint64_t *value) {
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (errno)
        return false;
    *value = number;
    return true;
}

bool options_real(const char *text, double *value) {
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    char *end;
    double number = strtod(text, &end);
    if (*end || !isfinite(number))
        return false;
    *value = number;
    return true;
}

char *options_choice(const char *choices, unsigned index, char *out, size_t size) {
    const char *start = choices;
    while (index-- && (start = strchr(start, '|')))
        start++;
    snprintf(out, size, "%.*s", start ? (int)strcspn(start, "|") : 0,
             start ? start : "");
    return out;
}

int options_choice_index(const char *choices, const char *word, unsigned *index) {
    char name[64];
    for (unsigned i = 0; *options_choice(choices, i, name, sizeof name); i++)
        if (strcmp(name, word) == 0) {
            *index = i;
            return 0;
        }
    return -1;
}

/* "from 1 to 64", "at least 1", ... for an error and for help; "" without bounds. */
static void range_text(const struct option_spec *spec, char *out, size_t size) {
    *out = '\0';
    if (spec->minimum == 0 && spec->maximum == 0)
        return;
    if (spec->above_minimum)
        snprintf(out, size, "above %.16g and at most %.16g", spec->minimum,
                 spec->maximum);
    else
        snprintf(out, size, "from %.16g to %.16g", spec->minimum, spec->maximum);
}

bool options_in_range(const struct option_spec *spec, double value) {
    if (spec->minimum == 0 && spec->maximum == 0)
        return true;
    return value <= spec->maximum &&
           (spec->above_minimum ? value > spec->minimum : value >= spec->minimum);
}

int options_set(const struct option_spec *spec, void *values, const char *text,
                struct error *error) {
    char *member = (char *)values + spec->offset;
    char range[96];
    range_text(spec, range, sizeof range);
    switch (spec->type) {
    case OPTION_FLAG:
        *(bool *)(void *)member = true;
        return 0;
    case OPTION_UNSIGNED: {
        uint64_t number;
        if (!options_unsigned(text, &number) || !options_in_range(spec, (double)number))
            return error_set(error, "--%s '%s': give a whole number%s%s", spec->name,
                             text, *range ? " " : "", range);
        *(uint64_t *)(void *)member = number;
        return 0;
    }
    case OPTION_REAL: {
        double number;
        if (!options_real(text, &number) || !options_in_range(spec, number))
            return error_set(error, "--%s '%s': give a number%s%s", spec->name, text,
                             *range ? " " : "", range);
        *(double *)(void *)member = number;
        return 0;
    }
    case OPTION_CHOICE:
        if (options_choice_index(spec->choices, text, (unsigned *)(void *)member))
            return error_set(error, "--%s '%s': give one of %s", spec->name, text,
                             spec->choices);
        return 0;
    case OPTION_TEXT:
        if (!*text)
            return error_set(error, "--%s is empty", spec->name);
        *(const char **)(void *)member = text;
        return 0;
    case OPTION_TEXTS: {
        struct option_texts *texts = (struct option_texts *)(void *)member;
        if (!*text)
            return error_set(error, "--%s is empty", spec->name);
        if (texts->count == OPTION_TEXTS_MAX)
            return error_set(error, "--%s is given more than %d times", spec->name,
                             OPTION_TEXTS_MAX);
        texts->items[texts->count++] = text;
        return 0;
    }
    }
    return error_set(error, "--%s has no type", spec->name);
}

/* The row of that name, its group in *group. */
static const struct option_spec *find(const struct option_group *groups, size_t count,
                                      const char *name, size_t length,
                                      const struct option_group **group) {
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; groups[g].specs[i].name; i++) {
            const struct option_spec *spec = &groups[g].specs[i];
            if (taken(&groups[g], i) && strlen(spec->name) == length &&
                memcmp(spec->name, name, length) == 0) {
                *group = &groups[g];
                return spec;
            }
        }
    return NULL;
}

static int unknown(const struct option_group *groups, size_t count, const char *name,
                   size_t length, struct error *error) {
    const char *names[128];
    size_t known = 0;
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; groups[g].specs[i].name; i++)
            if (taken(&groups[g], i) && known < sizeof names / sizeof *names - 1)
                names[known++] = groups[g].specs[i].name;
    names[known++] = "help";
    char word[128];
    snprintf(word, sizeof word, "%.*s", (int)(length < 127 ? length : 127), name);
    const char *nearest = text_nearest(word, names, known);
    if (nearest)
        return error_set(error, "unknown option --%s; did you mean --%s?", word,
                         nearest);
    return error_set(error, "unknown option --%s; --help lists the options", word);
}

static int set_initial(const struct option_group *groups, size_t count,
                       struct error *error) {
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; groups[g].specs[i].name; i++) {
            const struct option_spec *spec = &groups[g].specs[i];
            if (spec->initial &&
                options_set(spec, groups[g].values, spec->initial, error))
                return -1;
        }
    return 0;
}

int options_parse(const struct option_group *groups, size_t group_count, size_t count,
                  const char *const *arguments, const char **operands,
                  size_t *operand_count, bool *help, struct error *error) {
    *operand_count = 0;
    *help = false;
    if (set_initial(groups, group_count, error))
        return -1;
    bool ended = false;
    for (size_t i = 0; i < count; i++) {
        const char *argument = arguments[i];
        if (ended || argument[0] != '-' || !argument[1]) {
            operands[(*operand_count)++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            ended = true;
            continue;
        }
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            *help = true;
            return 0;
        }
        if (argument[1] != '-')
            return error_set(
                error,
                "unknown option %s; options begin with two dashes, as --help does",
                argument);
        const char *name = argument + 2;
        size_t length = strcspn(name, "=");
        const struct option_group *group = NULL;
        const struct option_spec *spec =
            find(groups, group_count, name, length, &group);
        if (!spec)
            return unknown(groups, group_count, name, length, error);
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (spec->type == OPTION_FLAG) {
            if (value)
                return error_set(error, "--%s takes no value", spec->name);
        } else if (!value) {
            if (++i >= count)
                return error_set(error, "--%s needs a value: --%s %s", spec->name,
                                 spec->name, spec->value);
            value = arguments[i];
        }
        if (options_set(spec, group->values, value, error))
            return -1;
        if (group->given && spec - group->specs < 64)
            *group->given |= (uint64_t)1 << (spec - group->specs);
    }
    return 0;
}

/* How much of a text goes on one line of so many columns: a word, and of one that is
 * longer than the line (a list of choices) what ends with a comma or a bar. */
static size_t piece_of(const char *text, size_t room) {
    size_t word = strcspn(text, " \n"), cut = 0;
    for (size_t i = 0; word > room && i < room; i++)
        if (strchr(",|", text[i]))
            cut = i + 1;
    return cut ? cut : word;
}

void options_wrap(FILE *out, const char *text, size_t column, size_t indent) {
    bool first = true;
    while (*text) {
        size_t word = piece_of(text, COLUMNS - indent);
        if (!first && column + 1 + word > COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        if (!first) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, word, out);
        column += word;
        first = false;
        text += word;
        if (*text == '\n') { /* a line of its own */
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
            text++;
        } else if (*text == ' ') {
            text++;
        } else if (*text) { /* the rest of a word */
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
    }
    fputc('\n', out);
}

void options_help_entry(FILE *out, const char *left, const char *text) {
    int column = fprintf(out, "  %s", left);
    if (column + 2 > HELP_COLUMN) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - column, "");
    options_wrap(out, text, HELP_COLUMN, HELP_COLUMN);
}

void options_help(const struct option_group *groups, size_t group_count, FILE *out) {
    for (size_t g = 0; g < group_count; g++)
        for (size_t i = 0; groups[g].specs[i].name; i++) {
            const struct option_spec *spec = &groups[g].specs[i];
            if (!taken(&groups[g], i))
                continue;
            char left[80], text[512], range[96];
            snprintf(left, sizeof left, "--%s%s%s", spec->name, spec->value ? " " : "",
                     spec->value ? spec->value : "");
            range_text(spec, range, sizeof range);
            if (spec->maximum >= 1e6) /* a bound that only keeps nonsense out */
                *range = '\0';
            snprintf(text, sizeof text, "%s%s%s%s%s%s", spec->help, *range ? "; " : "",
                     range, spec->initial ? " (default " : "",
                     spec->initial ? spec->initial : "", spec->initial ? ")" : "");
            options_help_entry(out, left, text);
        }
    options_help_entry(out, "--help", "Print this text and exit");
}
