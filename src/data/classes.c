#include "data/classes.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/names.h"

static void free_all(char **names, size_t count) {
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void classes_clear(struct classes *classes) {
    free_all(classes->names, classes->count);
    free_all(classes->keys, classes->count);
    free(classes->numbers);
    *classes = (struct classes){0};
}

/* --- matching ------------------------------------------------------------- */

struct class_entry {
    char *text; /* owned */
    size_t index;
};

struct lookup {
    struct class_entry *entries; /* sorted */
    size_t count;
};

/* Small letters, nothing of what stands between words. */
static void plain(char *text) {
    char *out = text;
    for (; *text; text++)
        if (!strchr(" \t_-", *text))
            *out++ = (char)tolower((unsigned char)*text);
    *out = '\0';
}

static int by_text(const void *a, const void *b) {
    const struct class_entry *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static void lookup_clear(struct lookup *lookup) {
    for (size_t i = 0; i < lookup->count; i++)
        free(lookup->entries[i].text);
    free(lookup->entries);
    *lookup = (struct lookup){0};
}

static int lookup_new(char *const *names, size_t count, bool loose,
                      struct lookup *lookup, struct error *error) {
    *lookup = (struct lookup){.entries = array_new(count, sizeof *lookup->entries)};
    for (size_t i = 0; lookup->entries && i < count; i++) {
        struct class_entry entry = {strdup(names[i] ? names[i] : ""), i};
        if (!entry.text) {
            lookup_clear(lookup);
            break;
        }
        if (loose)
            plain(entry.text);
        lookup->entries[lookup->count++] = entry;
    }
    if (!lookup->entries)
        return error_memory(error);
    qsort(lookup->entries, count, sizeof *lookup->entries, by_text);
    return 0;
}

/* SIZE_MAX where there is none, and where there are several. */
static size_t lookup_find(const struct lookup *lookup, char *text) {
    struct class_entry wanted = {text, 0};
    const struct class_entry *found =
        *text ? bsearch(&wanted, lookup->entries, lookup->count,
                        sizeof *lookup->entries, by_text)
              : NULL;
    if (!found)
        return SIZE_MAX;
    const struct class_entry *last = lookup->entries + lookup->count - 1;
    if ((found > lookup->entries && strcmp(found[-1].text, text) == 0) ||
        (found < last && strcmp(found[1].text, text) == 0))
        return SIZE_MAX;
    return found->index;
}

/* Those of the texts that have no place yet. */
static int match_rest(char *const *texts, size_t n, char *const *names, size_t count,
                      bool loose, size_t *place, size_t *found, struct error *error) {
    struct lookup lookup;
    *found = 0;
    if (lookup_new(names, count, loose, &lookup, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < n; i++) {
        if (place[i] != SIZE_MAX)
            continue;
        char *text = strdup(texts[i]);
        if (!text) {
            result = error_memory(error);
            break;
        }
        if (loose)
            plain(text);
        place[i] = lookup_find(&lookup, text);
        *found += place[i] != SIZE_MAX;
        free(text);
    }
    lookup_clear(&lookup);
    return result;
}

int names_match(char *const *texts, size_t n, char *const *names, size_t count,
                size_t *place, bool *loosely, struct error *error) {
    size_t as_written, nearly = 0;
    *loosely = false;
    for (size_t i = 0; i < n; i++)
        place[i] = SIZE_MAX;
    if (match_rest(texts, n, names, count, false, place, &as_written, error))
        return -1;
    if (as_written < n &&
        match_rest(texts, n, names, count, true, place, &nearly, error))
        return -1;
    *loosely = nearly > 0;
    return 0;
}

size_t class_number(const char *text) {
    size_t number = 0;
    if (!*text || strlen(text) > 9)
        return SIZE_MAX;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return SIZE_MAX;
        number = 10 * number + (size_t)(*text - '0');
    }
    return number;
}

bool class_numbers(char *const *texts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (class_number(texts[i]) == SIZE_MAX)
            return false;
    return n > 0;
}

size_t classes_of_number(const struct classes *classes, size_t number) {
    size_t most = classes->numbers ? classes->number_count : classes->count;
    if (number >= most)
        return SIZE_MAX;
    return classes->numbers ? classes->numbers[number] : number;
}

/* Labels that are all numbers: where none is a name, by their value; else those that
 * are left are the names of their value, as 7 is 007. */
static void place_numbers(const struct classes *classes, char *const *labels, size_t n,
                          bool by_name, size_t *place) {
    for (size_t i = 0; i < n; i++) {
        size_t number = class_number(labels[i]);
        if (!by_name)
            place[i] = classes_of_number(classes, number);
        for (size_t c = 0; by_name && place[i] == SIZE_MAX && c < classes->count; c++)
            if (class_number(classes->names[c]) == number)
                place[i] = c;
    }
}

int classes_place(const struct classes *classes, char *const *labels, size_t n,
                  size_t *place, bool *loosely, struct error *error) {
    bool by_name = false, own = false;
    size_t *keyed = array_new(n, sizeof *keyed);
    if (!keyed)
        return error_memory(error);
    int result =
        names_match(labels, n, classes->names, classes->count, place, loosely, error);
    if (result == 0 && classes->keys)
        result =
            names_match(labels, n, classes->keys, classes->count, keyed, &own, error);
    for (size_t i = 0; result == 0 && i < n; i++) {
        if (classes->keys && keyed[i] != SIZE_MAX)
            place[i] = keyed[i];
        by_name = by_name || place[i] != SIZE_MAX;
    }
    if (result == 0 && class_numbers(labels, n))
        place_numbers(classes, labels, n, by_name, place);
    free(keyed);
    return result;
}

char *classes_text(char *const *names, size_t count, char *out, size_t size) {
    size_t used = 0, i = 0;
    *out = '\0';
    for (; i < count; i++) {
        char shown[128];
        text_escape(shown, sizeof shown, names[i]);
        size_t length = strlen(shown);
        if (used + length + 40 > size)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", shown);
    }
    if (i < count)
        snprintf(out + used, size - used, ", ... (%zu)", count);
    return out;
}

/* --- files of names -------------------------------------------------------- */

int class_lines_read(const char *path, struct class_lines *lines, struct error *error) {
    *lines = (struct class_lines){0};
    if (class_names_read(path, &lines->names, &lines->count, error))
        return -1;
    lines->keys = array_new(lines->count, sizeof *lines->keys);
    int result = lines->keys ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < lines->count; i++) {
        char *tab = strchr(lines->names[i], '\t');
        if (!tab)
            continue;
        char *name = strdup(tab + 1 + strspn(tab + 1, " \t"));
        if (!name) {
            result = error_memory(error);
            break;
        }
        lines->keys[i] = lines->names[i];
        lines->names[i] = name;
        while (tab > lines->keys[i] && tab[-1] == ' ')
            tab--;
        *tab = '\0';
    }
    if (result)
        class_lines_clear(lines);
    return result;
}

void class_lines_clear(struct class_lines *lines) {
    free_all(lines->names, lines->count);
    free_all(lines->keys, lines->count);
    *lines = (struct class_lines){0};
}
