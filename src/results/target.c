#define _GNU_SOURCE /* strcasestr */
#include "results/target.h"
#include "base/memory.h"
#include "results/row.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target_reader {
    const char *at;
    const struct catalog *catalog;
    struct target *target;
    struct error *error;
    size_t position; /* of the next figure without a name */
};

static void skip_blanks(struct target_reader *reader) {
    while (isspace((unsigned char)*reader->at))
        reader->at++;
}

/* Bytes of a word: up to a blank, a comma, or a sign of comparison. */
static size_t word_length(const char *at) {
    size_t length = 0;
    while (at[length] && !isspace((unsigned char)at[length]) &&
           !strchr(",<>=:", at[length]) && strncmp(at + length, "\u2265", 3) &&
           strncmp(at + length, "\u2264", 3))
        length++;
    return length;
}

/* Steps over these words where they stand here; a blank stands for any. */
static bool take(struct target_reader *reader, const char *words) {
    const char *at = reader->at;
    for (; *words; words++) {
        if (*words == ' ') {
            if (!isspace((unsigned char)*at))
                return false;
            while (isspace((unsigned char)*at))
                at++;
        } else if (tolower((unsigned char)*at++) != (unsigned char)*words) {
            return false;
        }
    }
    if (isalnum((unsigned char)*at) && isalpha((unsigned char)words[-1]))
        return false; /* a longer word */
    reader->at = at;
    skip_blanks(reader);
    return true;
}

/* A number that ends where a word does; a percent sign may follow. */
static bool take_number(struct target_reader *reader, double *number) {
    char *end;
    *number = strtod(reader->at, &end);
    if (end == reader->at || !isfinite(*number) || isalpha((unsigned char)*reader->at))
        return false;
    const char *after = end;
    while (*after == ' ')
        after++;
    if (*after == '%')
        end = (char *)after + 1;
    if (*end && !isspace((unsigned char)*end) && *end != ',')
        return false;
    reader->at = end;
    skip_blanks(reader);
    return true;
}

/* The task whose name stands here: the longest that does so whole, else the one that
 * begins with this word and is alone in that. -1: none, -2: several. *length: of it. */
static int find_task(const struct target_reader *reader, size_t *length) {
    const struct store_recipe *recipe = reader->catalog->recipe;
    size_t word = word_length(reader->at);
    int found = -1;
    *length = 0;
    for (size_t t = 0; t < recipe->task_count; t++) {
        size_t size = strlen(recipe->tasks[t].name);
        if (!strncasecmp(reader->at, recipe->tasks[t].name, size) && size > *length &&
            word_length(reader->at + size) == 0) {
            *length = size;
            found = (int)t;
        }
    }
    for (size_t t = 0; t < recipe->task_count && !*length && word; t++)
        if (!strncasecmp(reader->at, recipe->tasks[t].name, word))
            found = found == -1 ? (int)t : -2;
    if (!*length)
        *length = word;
    return found;
}

static int take_task(struct target_reader *reader, size_t *task) {
    char example[128];
    size_t length;
    int found = find_task(reader, &length);
    int shown = (int)(length < 60 ? length : 60);
    if (found == -2)
        return error_set(reader->error, "%.*s: more than one task begins with this",
                         shown, reader->at);
    if (found == -1)
        return error_set(
            reader->error, "%.*s: there is no such task; write figures like \"%s\"",
            shown, reader->at,
            target_example(reader->catalog->recipe, example, sizeof example));
    *task = (size_t)found;
    reader->at += length;
    skip_blanks(reader);
    return 0;
}

enum way { WAY_EITHER, WAY_LEAST, WAY_MOST };

/* What may stand between a name and its number; false where that is for the other way.
 */
static int take_way(struct target_reader *reader, size_t task) {
    static const struct {
        const char *word;
        enum way way;
    } words[] = {{"at least", WAY_LEAST}, {">=", WAY_LEAST},     {">", WAY_LEAST},
                 {"\u2265", WAY_LEAST},   {"at most", WAY_MOST}, {"<=", WAY_MOST},
                 {"<", WAY_MOST},         {"\u2264", WAY_MOST},  {"=", WAY_EITHER},
                 {":", WAY_EITHER}};
    const struct store_task *asked = &reader->catalog->recipe->tasks[task];
    bool more = asked->objective.maximise;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!take(reader, words[i].word))
            continue;
        if (words[i].way != (more ? WAY_MOST : WAY_LEAST))
            return 0;
        return error_set(reader->error, "%s: %s is better; write \"at %s\"",
                         asked->name, more ? "more" : "less", more ? "least" : "most");
    }
    return 0;
}

/* --- clauses ---------------------------------------------------------------------- */

static int read_bound(struct target_reader *reader) {
    char example[128];
    size_t task;
    double number;
    if (take_task(reader, &task) || take_way(reader, task))
        return -1;
    if (!take_number(reader, &number))
        return error_set(
            reader->error, "%s: which figure? write it like \"%s\"",
            reader->catalog->recipe->tasks[task].name,
            target_example(reader->catalog->recipe, example, sizeof example));
    reader->target->bounds[task] = number;
    return 0;
}

static int read_best(struct target_reader *reader, bool most) {
    size_t task;
    if (take_task(reader, &task))
        return -1;
    const struct store_task *asked = &reader->catalog->recipe->tasks[task];
    if (asked->objective.maximise != most)
        return error_set(reader->error, "%s: %s is better; write \"%s %s\"",
                         asked->name, most ? "less" : "more", most ? "min" : "max",
                         asked->name);
    reader->target->best[task] = true;
    return 0;
}

/* Figures without a name, in the order of the tasks; "2 more of cars" changes what is
 * asked of it already. */
static int read_number(struct target_reader *reader, double number) {
    struct target *target = reader->target;
    bool more = take(reader, "more of") || take(reader, "more");
    bool less = !more && (take(reader, "less of") || take(reader, "less"));
    size_t task = reader->position;
    if (more || less) {
        if (take_task(reader, &task))
            return -1;
        if (isnan(target->bounds[task]))
            return error_set(
                reader->error,
                "%s: more or less than what? write \"like\" and a solution "
                "before it",
                reader->catalog->recipe->tasks[task].name);
        target->bounds[task] += more ? number : -number;
        return 0;
    }
    if (task >= reader->catalog->tasks)
        return error_set(reader->error, "there are only %zu tasks",
                         reader->catalog->tasks);
    target->bounds[task] = number;
    reader->position++;
    return 0;
}

/* Are all words of a phrase in a row's name? */
static bool is_named(const struct catalog *catalog, size_t row, const char *phrase,
                     size_t length) {
    char name[256], word[128];
    catalog_row_text(catalog, row, name, sizeof name);
    for (size_t at = 0; at < length;) {
        size_t size = strcspn(phrase + at, " ");
        size = size > length - at ? length - at : size;
        snprintf(word, sizeof word, "%.*s", (int)size, phrase + at);
        const char *found = strcasestr(name, word);
        /* 0.4 is no part of 0.45. */
        while (found && size && isdigit((unsigned char)word[size - 1]) &&
               isdigit((unsigned char)found[size]))
            found = strcasestr(found + 1, word);
        if (!found)
            return false;
        for (at += size; at < length && phrase[at] == ' ';)
            at++;
    }
    return true;
}

static int find_row(struct target_reader *reader, const char *phrase, size_t length,
                    size_t *row) {
    const struct catalog *catalog = reader->catalog;
    size_t found = 0, shortest = SIZE_MAX;
    int shown = (int)(length < 80 ? length : 80);
    for (size_t i = 0; i < catalog->count; i++) {
        char name[256];
        bool meant = phrase[0] == '#'
                         ? catalog->rows[i].solution.id == atoll(phrase + 1)
                         : is_named(catalog, i, phrase, length);
        if (!meant || !catalog->solutions[i].whole)
            continue;
        size_t size = strlen(catalog_row_text(catalog, i, name, sizeof name));
        /* The name that has the least besides is the one that is meant. */
        if (size < shortest) {
            shortest = size;
            found = 0;
            *row = i;
        }
        found += size == shortest;
    }
    if (!found)
        return error_set(reader->error,
                         "like %.*s: no solution with complete figures has this name",
                         shown, phrase);
    if (found > 1)
        return error_set(
            reader->error,
            "like %.*s: %zu solutions have this name; give one by its id, as "
            "like #%lld",
            shown, phrase, found, (long long)catalog->rows[*row].solution.id);
    return 0;
}

static int read_like(struct target_reader *reader) {
    while (take(reader, "the") || take(reader, "baseline") || take(reader, "solution"))
        ;
    const char *phrase = reader->at, *end = phrase + strcspn(phrase, ",");
    for (const char *at = phrase; (at = strcasestr(at, " but ")) && at < end; at++)
        end = at;
    size_t length = (size_t)(end - phrase);
    while (length && isspace((unsigned char)phrase[length - 1]))
        length--;
    if (!length)
        return error_set(reader->error,
                         "like which solution? write it like \"like ties 0.4\"");
    if (find_row(reader, phrase, length, &reader->target->like))
        return -1;
    for (size_t t = 0; t < reader->catalog->tasks; t++)
        reader->target->bounds[t] =
            catalog_value(reader->catalog, reader->target->like, t);
    reader->at = end;
    skip_blanks(reader);
    return 0;
}

static int read_clause(struct target_reader *reader) {
    double number;
    if (take(reader, "then") || take(reader, "the best of the rest")) {
        if (!take(reader, "the best of the rest"))
            take(reader, "best of the rest");
        return 0;
    }
    if (take(reader, "and") || take(reader, "but"))
        return 0;
    if (take(reader, "like"))
        return read_like(reader);
    if (take(reader, "max") || take(reader, "most"))
        return read_best(reader, true);
    if (take(reader, "min"))
        return read_best(reader, false);
    /* A figure, or one of a task. */
    size_t length;
    if (find_task(reader, &length) == -1 && take_number(reader, &number))
        return read_number(reader, number);
    return read_bound(reader);
}

int target_parse(const char *text, const struct catalog *catalog, struct target *target,
                 struct error *error) {
    struct target_reader reader = {text, catalog, target, error, 0};
    char example[128];
    size_t commas = 0;
    bool any = false;
    *target = (struct target){.like = SIZE_MAX};
    for (size_t t = 0; t < catalog->tasks; t++)
        target->bounds[t] = NAN;
    for (skip_blanks(&reader); *reader.at; skip_blanks(&reader)) {
        if (*reader.at == ',') {
            reader.at++;
            commas++;
            reader.position = reader.position < commas ? commas : reader.position;
        } else if (read_clause(&reader)) {
            return -1;
        }
    }
    for (size_t t = 0; t < catalog->tasks; t++)
        any = any || !isnan(target->bounds[t]) || target->best[t];
    return any ? 0
               : error_set(error, "write what must be reached, for example \"%s\"",
                           target_example(catalog->recipe, example, sizeof example));
}

/* --- what is said of it ----------------------------------------------------------- */

char *target_example(const struct store_recipe *recipe, char *out, size_t size) {
    const struct store_objective *objective = &recipe->tasks[0].objective;
    snprintf(out, size, "%s %s%s", TEXT_CUT(recipe->tasks[0].name, 60),
             objective->maximise ? "" : "at most ",
             store_objective_percent(objective) ? "72" : "0.3");
    return out;
}

double target_short(const struct target *target, const struct store_recipe *recipe,
                    size_t t, double value) {
    double missing = recipe->tasks[t].objective.maximise ? target->bounds[t] - value
                                                         : value - target->bounds[t];
    return missing > 0 ? missing : 0;
}

bool target_text(const struct target *target, const struct store_recipe *recipe,
                 const double *values, char *out, size_t size) {
    bool met = true;
    size_t used = 0;
    out[0] = '\0';
    for (size_t t = 0; t < recipe->task_count && used < size; t++) {
        const struct store_objective *objective = &recipe->tasks[t].objective;
        bool less = !objective->maximise;
        double missing = target_short(target, recipe, t, values[t]);
        /* What is short is not rounded away. */
        int digits = row_digits(objective, values[t]);
        while (digits < 8 && missing > 0 && missing < 0.5 * pow(10, -digits))
            digits++;
        if (isnan(target->bounds[t]) && !target->best[t])
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s %s", used ? ", " : "",
                                 TEXT_CUT(recipe->tasks[t].name, 60),
                                 TEXT_NUMBER(values[t], digits));
        /* A bound that follows from others, as "like average", has digits for no one.
         */
        if (!isnan(target->bounds[t]) && used < size)
            used += (size_t)snprintf(out + used, size - used, " %s %.*g",
                                     missing <= 0 ? less ? "<=" : ">="
                                     : less       ? ">"
                                                  : "<",
                                     fabs(target->bounds[t]) < 1000 ? 5 : 6,
                                     target->bounds[t]);
        if (missing > 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, " (%s %s)",
                                     TEXT_NUMBER(missing, digits),
                                     less ? "too much" : "short");
        met = met && missing <= 0;
    }
    return met;
}
