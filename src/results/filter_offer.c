#include "results/filter_offer.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/filter.h"
#include "results/filter_tree.h"

enum { WORDS_MOST = 500 };

/* Can it stand in a name that has no quotes? */
static bool is_of_name(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || strchr("_.+-", c);
}

static bool is_bare(const char *word) {
    while (*word && is_of_name(*word))
        word++;
    return !*word;
}

/* Adds a word that begins as `start` does; in quotes where it needs them, or where one
 * has begun with them. */
static int add(struct filter_offer *offer, const char *start, size_t length, char quote,
               const char *word) {
    if (strncmp(word, start, length) || !*word || offer->count == WORDS_MOST)
        return 0;
    bool quoted = quote || !is_bare(word);
    char mark = quote ? quote : strchr(word, '"') ? '\'' : '"';
    if (quoted && strchr(word, mark))
        return 0; /* no quotes can hold it */
    char *made = quoted ? text_format("%c%s%c", mark, word, mark) : strdup(word);
    if (!made)
        return -1;
    for (size_t i = 0; i < offer->count; i++)
        if (!strcmp(offer->words[i], made)) {
            free(made);
            return 0;
        }
    offer->words[offer->count++] = made;
    return 0;
}

static int add_names(struct filter_offer *offer, const char *start, size_t length,
                     char quote, const struct catalog *catalog) {
    bool text;
    const char *name;
    for (size_t t = 0; t < catalog->tasks; t++) {
        const char *task = catalog->recipe->tasks[t].name;
        if (add(offer, start, length, quote, task))
            return -1;
        /* Its parts once the whole name stands there. */
        for (size_t i = 0; (name = filter_known_part(i)) && length >= strlen(task);
             i++) {
            char *part = text_format("%s.%s", task, name);
            int failed = part ? add(offer, start, length, quote, part) : -1;
            free(part);
            if (failed)
                return -1;
        }
    }
    for (size_t i = 0; !quote && (name = filter_known_name(i, &text)); i++)
        if (add(offer, start, length, quote, name))
            return -1;
    return quote ? 0 : add(offer, start, length, quote, "parameters.");
}

static int add_values(struct filter_offer *offer, const char *start, size_t length,
                      char quote, enum filter_field field,
                      const struct catalog *catalog) {
    const char *before = NULL;
    bool listed = true;
    if (field == FIELD_KIND) {
        for (unsigned i = STORE_KIND_NONE + 1; i < STORE_KINDS; i++)
            if (add(offer, start, length, quote, store_kind_name((enum store_kind)i)))
                return -1;
    } else if (field == FIELD_STATE) {
        for (unsigned i = 0; i < STORE_STATES; i++)
            if (add(offer, start, length, quote, store_state_name((enum store_state)i)))
                return -1;
    } else if (field == FIELD_SERIES) {
        for (size_t i = 0; i < catalog->series_count; i++)
            if (add(offer, start, length, quote, catalog->series[i].name))
                return -1;
    } else {
        listed = false;
    }
    for (size_t i = 0; !listed && i < catalog->count; i++) {
        const char *value = filter_text(field, catalog, i);
        /* Neighbours are mostly alike. */
        if ((!before || strcmp(value, before) != 0) &&
            add(offer, start, length, quote, value))
            return -1;
        before = value;
    }
    return 0;
}

/* Where the word begins that ends before `at`: behind its quote where one is open. */
static size_t find_word(const char *text, size_t at, char *quote) {
    size_t begin = 0;
    *quote = '\0';
    for (size_t i = 0; i < at; i++) {
        if (*quote) {
            if (text[i] == *quote) {
                *quote = '\0';
                begin = i + 1;
            }
        } else if (text[i] == '"' || text[i] == '\'') {
            *quote = text[i];
            begin = i + 1;
        } else if (isspace((unsigned char)text[i]) || strchr("&|=!<>()", text[i])) {
            begin = i + 1;
        }
    }
    return begin;
}

/* Whether the word before `begin` is compared with a text, and with which. */
static bool find_compared(const char *text, size_t begin, enum filter_field *field) {
    const char *known;
    bool is_text, found = false;
    size_t end = begin;
    while (end && isspace((unsigned char)text[end - 1]))
        end--;
    if (end < 2 || text[end - 1] != '=' || !strchr("=!", text[end - 2]))
        return false;
    end -= 2;
    while (end && isspace((unsigned char)text[end - 1]))
        end--;
    for (size_t i = 0; (known = filter_known_name(i, &is_text)); i++) {
        size_t length = strlen(known);
        /* "parameters.kind" has nothing of "kind". */
        if (is_text && end >= length && !strncmp(text + end - length, known, length) &&
            (end == length || !is_of_name(text[end - length - 1]))) {
            *field = (enum filter_field)(FIELD_AVERAGE + i);
            found = true;
        }
    }
    return found;
}

int filter_offer_make(const char *text, size_t at, const struct catalog *catalog,
                      struct filter_offer *offer) {
    char quote;
    enum filter_field field = FIELD_KIND;
    size_t begin = find_word(text, at, &quote);
    *offer = (struct filter_offer){.begin = begin - (quote != '\0')};
    offer->words = array_new(WORDS_MOST, sizeof *offer->words);
    bool compared = find_compared(text, offer->begin, &field);
    if (!offer->words ||
        (compared ? add_values(offer, text + begin, at - begin, quote, field, catalog)
                  : add_names(offer, text + begin, at - begin, quote, catalog)) ||
        !(offer->common = strdup(offer->count ? offer->words[0] : ""))) {
        filter_offer_free(offer);
        return -1;
    }
    for (size_t i = 1; i < offer->count; i++) {
        size_t same = 0;
        while (offer->common[same] && offer->common[same] == offer->words[i][same])
            same++;
        while (same && text_continues(offer->common[same]))
            same--; /* no half of a character */
        offer->common[same] = '\0';
    }
    return 0;
}

void filter_offer_free(struct filter_offer *offer) {
    for (size_t i = 0; i < offer->count; i++)
        free(offer->words[i]);
    free(offer->words);
    free(offer->common);
    *offer = (struct filter_offer){0};
}
