#include "merge/coefficients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- patterns --------------------------------------------------------------------- */

/* "{a..b}" at pattern: its end, or NULL where it is none. */
static const char *read_range(const char *pattern, unsigned long *low,
                              unsigned long *high) {
    char *end;
    if (pattern[0] != '{' || pattern[1] < '0' || pattern[1] > '9')
        return NULL;
    *low = strtoul(pattern + 1, &end, 10);
    if (strncmp(end, "..", 2) != 0 || end[2] < '0' || end[2] > '9')
        return NULL;
    *high = strtoul(end + 2, &end, 10);
    return *end == '}' && *low <= *high ? end + 1 : NULL;
}

/* The part of a name from `name` on that the pattern covers must end at a dot or where
 * the name ends. Patterns are as short as a person types; steps bounds the stars. */
static bool match_here(const char *pattern, const char *name, double *share,
                       unsigned *steps) {
    unsigned long low, high;
    for (;; pattern++, name++) {
        const char *after;
        if (*steps == 0)
            return false;
        --*steps;
        if (!*pattern)
            return !*name || *name == '.';
        if (*pattern == '*') {
            for (const char *rest = name;; rest++) {
                if (match_here(pattern + 1, rest, share, steps))
                    return true;
                if (!*rest || *steps == 0)
                    return false;
            }
        }
        if ((after = read_range(pattern, &low, &high))) {
            char *end;
            if (*name < '0' || *name > '9')
                return false;
            unsigned long number = strtoul(name, &end, 10);
            if (number < low || number > high)
                return false;
            *share = high > low ? (double)(number - low) / (double)(high - low) : 0;
            pattern = after - 1;
            name = end - 1;
            continue;
        }
        if (!*name || (*pattern != '?' && *pattern != *name))
            return false;
    }
}

bool coefficients_match(const char *pattern, const char *name, double *share) {
    for (const char *at = name; at; at = strchr(at, '.')) {
        unsigned steps = 100000;
        *share = 0;
        at += at != name;
        if (match_here(pattern, at, share, &steps))
            return true;
    }
    return false;
}

/* --- what was typed --------------------------------------------------------------- */

static bool read_number(const char *text, size_t length, double *number) {
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strspn(copy, "0123456789+-.eE") != length)
        return false;
    *number = strtod(copy, &end);
    return !*end && isfinite(*number);
}

static size_t find_name(const char *const *names, size_t count, const char *name,
                        size_t length) {
    size_t t = 0;
    while (t < count &&
           (strlen(names[t]) != length || memcmp(names[t], name, length) != 0))
        t++;
    return t;
}

static int refuse_name(const char *option, const char *name, size_t length,
                       const char *const *names, size_t count, struct error *error) {
    char word[128];
    snprintf(word, sizeof word, "%.*s", (int)(length < 100 ? length : 100), name);
    const char *nearest = text_nearest(word, names, count);
    return error_set(error, "%s: there is no expert '%s'%s%s%s", option, word,
                     nearest ? "; did you mean " : "", nearest ? nearest : "",
                     nearest ? "?" : "");
}

static int parse_scales(const char *text, const char *const *names,
                        struct coefficients *c, struct error *error) {
    bool seen[COEFFICIENTS_MAX] = {false};
    double all;
    c->given = true;
    if (read_number(text, strlen(text), &all)) {
        for (size_t t = 0; t < c->count; t++)
            c->scales[t] = all;
        return 0;
    }
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, ","), name = strcspn(at, "=");
        if (name >= length)
            return error_set(error, "--scales '%s': give NAME=X[,...] or one number",
                             text);
        size_t t = find_name(names, c->count, at, name);
        if (t == c->count)
            return refuse_name("--scales", at, name, names, c->count, error);
        if (seen[t] || !read_number(at + name + 1, length - name - 1, &c->scales[t]))
            return error_set(error,
                             seen[t] ? "--scales '%s': %s is given twice"
                                     : "--scales '%s': the value of %s is not a number",
                             text, names[t]);
        seen[t] = true;
        at += length + (at[length] == ',');
    }
    for (size_t t = 0; t < c->count; t++)
        if (!seen[t])
            return error_set(error, "--scales '%s': %s is missing", text, names[t]);
    return 0;
}

static int parse_rule(const char *text, const char *const *names,
                      struct coefficients *c, struct error *error) {
    struct coefficient_rule *rule = &c->rules[c->rule_count];
    const char *value = strrchr(text, '='), *colon = strchr(text, ':');
    const char *pattern = colon && value && colon < value ? colon + 1 : text;
    const char *range = value ? strstr(value, "..") : NULL;
    *rule = (struct coefficient_rule){.text = text, .expert = COEFFICIENTS_MAX};
    if (!value || value == pattern)
        return error_set(error, "--weight '%s': give [NAME:]PATTERN=X or =X..Y", text);
    if (pattern != text) {
        size_t length = (size_t)(colon - text);
        rule->expert = find_name(names, c->count, text, length);
        if (rule->expert == c->count)
            return refuse_name("--weight", text, length, names, c->count, error);
    }
    size_t first = range ? (size_t)(range - value) - 1 : strlen(value + 1);
    bool sound = read_number(value + 1, first, &rule->from);
    rule->to = rule->from;
    if (sound && range)
        sound = read_number(range + 2, strlen(range + 2), &rule->to);
    if (!sound)
        return error_set(error, "--weight '%s': %s is neither a number nor X..Y", text,
                         value + 1);
    if (range && !memchr(pattern, '{', (size_t)(value - pattern)))
        return error_set(error,
                         "--weight '%s': X..Y needs a range of numbers in the pattern, "
                         "as layers.{0..11}",
                         text);
    rule->pattern = strndup(pattern, (size_t)(value - pattern));
    c->rule_count++;
    return rule->pattern ? 0 : error_memory(error);
}

int coefficients_parse(const char *scales, const char *const *rules, size_t rule_count,
                       const char *const *names, size_t count, struct coefficients *c,
                       struct error *error) {
    *c = (struct coefficients){.count = count};
    if (rule_count > RULES_MAX)
        return error_set(error, "--weight is given %zu times, at most %d are read",
                         rule_count, RULES_MAX);
    for (size_t t = 0; t < count; t++)
        c->scales[t] = 1;
    if (scales && parse_scales(scales, names, c, error))
        return -1;
    for (size_t i = 0; i < rule_count; i++)
        if (parse_rule(rules[i], names, c, error))
            return -1;
    return 0;
}

void coefficients_clear(struct coefficients *c) {
    for (size_t i = 0; i < c->rule_count; i++)
        free(c->rules[i].pattern);
    c->rule_count = 0;
}

void coefficients_of(const struct coefficients *c, const char *tensor,
                     double *weights) {
    for (size_t t = 0; t < c->count; t++)
        weights[t] = c->scales[t];
    for (size_t i = 0; i < c->rule_count; i++) {
        const struct coefficient_rule *rule = &c->rules[i];
        double share;
        if (!coefficients_match(rule->pattern, tensor, &share))
            continue;
        double value = rule->from + share * (rule->to - rule->from);
        for (size_t t = 0; t < c->count; t++)
            if (rule->expert == COEFFICIENTS_MAX || rule->expert == t)
                weights[t] = value;
    }
}

/* Coefficients that add up to 0, but for rounding, have no shares. */
static int check_shares(const struct coefficients *c, const char *tensor,
                        struct error *error) {
    double weights[COEFFICIENTS_MAX], sum = 0, size = 0;
    coefficients_of(c, tensor, weights);
    for (size_t t = 0; t < c->count; t++) {
        sum += weights[t];
        size += fabs(weights[t]);
    }
    return fabs(sum) > 1e-9 * size
               ? 0
               : error_set(error,
                           "%s: the experts' coefficients add up to 0, but the method "
                           "divides by their sum",
                           tensor);
}

/* Whether a rule holds for any of them. */
static bool holds(const struct coefficient_rule *rule,
                  const struct tensor_names *tensors) {
    double share;
    for (size_t k = 0; k < tensors->count; k++) {
        const char *name = tensors->at(tensors->self, k);
        if (name && coefficients_match(rule->pattern, name, &share))
            return true;
    }
    return false;
}

int coefficients_check(const struct coefficients *c, const struct tensor_names *tensors,
                       bool shares, struct error *error) {
    for (size_t k = 0; shares && k < tensors->count; k++) {
        const char *name = tensors->at(tensors->self, k);
        if (name && check_shares(c, name, error))
            return -1;
    }
    for (size_t i = 0; i < c->rule_count; i++)
        if (!holds(&c->rules[i], tensors))
            return error_set(error, "--weight '%s': no tensor matches",
                             c->rules[i].text);
    return 0;
}
