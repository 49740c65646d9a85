#include "eval/metric_command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/json_text.h"
#include "base/memory.h"

enum { WORDS_MAX = 256 };

void metric_command_clear(struct metric_command *c) {
    metric_command_free_words(c->words);
    *c = (struct metric_command){0};
}

void metric_command_free_words(char **words) {
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* --- words ------------------------------------------------------------------------ */

/* Whether \ takes the meaning off what follows it: of anything; within "..." only of
 * what has one there. */
static bool escapes(const char *backslash, char quote) {
    return quote == 0 ||
           (quote == '"' && backslash[1] && strchr("\"\\$`", backslash[1]));
}

/* The word at *text into out, which has room for all of it; *text moves behind it. */
static int take_word(const char **text, char *out, struct error *error) {
    char quote = 0;
    for (; **text && (quote || !strchr(" \t\n", **text)); (*text)++) {
        char c = **text;
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? 0 : c;
        } else if (c == '\\' && escapes(*text, quote)) {
            if (!*++*text)
                return error_set(error, "measure: ends in \\");
            *out++ = **text;
        } else if (!quote && strchr("|&;<>()$`", c)) {
            return error_set(error,
                             "measure: %c has a meaning only in a shell, and no shell "
                             "is run; quote it, or write sh -c '...'",
                             c);
        } else {
            *out++ = c;
        }
    }
    *out = '\0';
    return quote ? error_set(error, "measure: the quote %c is not closed", quote) : 0;
}

int metric_command_split(const char *text, struct metric_command *c,
                         struct error *error) {
    *c = (struct metric_command){.repeat = 1};
    char *word = malloc(strlen(text) + 1);
    c->words = array_new(WORDS_MAX + 1, sizeof *c->words);
    int result = word && c->words ? 0 : error_memory(error);
    while (result == 0) {
        size_t blank = strspn(text, " \t\n");
        bool line = memchr(text, '\n', blank) != NULL;
        text += blank;
        if (!*text)
            break;
        if (line && c->count) {
            result = error_set(error, "measure: has more than one line, and no shell "
                                      "is run; write one command on one line");
            break;
        }
        result = c->count == WORDS_MAX
                     ? error_set(error, "measure: more than %d words", WORDS_MAX)
                     : take_word(&text, word, error);
        if (result == 0 && !(c->words[c->count++] = strdup(word)))
            result = error_memory(error);
    }
    free(word);
    if (result == 0 && (c->count == 0 || !*c->words[0]))
        result = error_set(error, "measure: there is no command");
    if (result)
        metric_command_clear(c);
    return result;
}

/* text with each {model} and {device} replaced; free(). */
static char *replace(const char *text, const char *model, const char *device) {
    size_t room = strlen(text) + 1, longest = strlen(model) + strlen(device);
    for (const char *at = text; (at = strchr(at, '{')); at++)
        room += longest;
    char *out = malloc(room), *to = out;
    while (out && *text) {
        const char *with = strncmp(text, "{model}", 7) == 0    ? model
                           : strncmp(text, "{device}", 8) == 0 ? device
                                                               : NULL;
        if (with) {
            size_t length = strlen(with);
            memcpy(to, with, length);
            to += length;
            text += with == model ? 7 : 8;
        } else {
            *to++ = *text++;
        }
    }
    if (out)
        *to = '\0';
    return out;
}

char **metric_command_words(const struct metric_command *c, const char *model,
                            const char *device) {
    char **words = array_new(c->count + 1, sizeof *words);
    for (size_t i = 0; words && i < c->count; i++)
        if (!(words[i] = replace(c->words[i], model, device))) {
            metric_command_free_words(words);
            return NULL;
        }
    return words;
}

bool metric_command_spent(const struct metric_command *c, double seconds, uint64_t runs,
                          char line[96]) {
    if (c->budget_seconds > 0 && seconds >= c->budget_seconds)
        snprintf(line, 96, "its budget of %g s is used up", c->budget_seconds);
    else if (c->budget_runs && runs + c->repeat > c->budget_runs)
        snprintf(line, 96, "its budget of %llu runs is used up",
                 (unsigned long long)c->budget_runs);
    else
        return false;
    return true;
}

/* --- in results.db ---------------------------------------------------------------- */

static bool put_budget(json_t *object, const struct metric_command *c) {
    json_t *budget =
        c->budget_seconds > 0 ? json_pack("{s:f}", "seconds", c->budget_seconds)
        : c->budget_runs      ? json_pack("{s:I}", "runs", (json_int_t)c->budget_runs)
                              : NULL;
    bool any = c->budget_seconds > 0 || c->budget_runs;
    return any && json_object_set_new(object, "budget", budget);
}

char *metric_command_text(const struct metric_command *c) {
    json_t *words = json_array(), *object = json_object();
    bool lost = !words || !object;
    for (size_t i = 0; i < c->count && !lost; i++)
        lost = json_array_append_new(words, json_string(c->words[i])) != 0;
    if (!lost)
        lost = json_object_set(object, "command", words) ||
               (c->timeout > 0 &&
                json_object_set_new(object, "timeout", json_real(c->timeout))) ||
               (c->repeat > 1 &&
                json_object_set_new(object, "repeat", json_integer(c->repeat))) ||
               put_budget(object, c);
    char *text = lost ? NULL : json_text_dump(object, JSON_COMPACT);
    if (text)
        text_shorten_numbers(text);
    json_decref(words);
    json_decref(object);
    return text;
}

static int read_budget(const json_t *budget, struct metric_command *c) {
    const json_t *seconds = json_object_get(budget, "seconds");
    const json_t *runs = json_object_get(budget, "runs");
    if (json_object_size(budget) != 1)
        return -1;
    if (seconds) {
        c->budget_seconds = json_number_value(seconds);
        return c->budget_seconds > 0 && c->budget_seconds <= 1e9 ? 0 : -1;
    }
    json_int_t count = json_integer_value(runs);
    if (count < c->repeat || count > 1000000000)
        return -1;
    c->budget_runs = (uint64_t)count;
    return 0;
}

static int read_object(const json_t *object, struct metric_command *c) {
    const json_t *words = json_object_get(object, "command");
    const json_t *timeout = json_object_get(object, "timeout");
    const json_t *repeat = json_object_get(object, "repeat");
    c->count = json_array_size(words);
    c->timeout = json_number_value(timeout);
    c->repeat = 1;
    if (c->count == 0 || c->count > WORDS_MAX ||
        (timeout && !json_is_number(timeout)) ||
        !(c->timeout >= 0 && c->timeout <= 1e9))
        return -1;
    if (repeat) {
        json_int_t times = json_integer_value(repeat);
        if (times < 1 || times > 1000)
            return -1;
        c->repeat = (unsigned)times;
    }
    const json_t *budget = json_object_get(object, "budget");
    if (budget && read_budget(budget, c))
        return -1;
    size_t count = c->count;
    c->words = array_new(count + 1, sizeof *c->words);
    for (size_t i = 0; c->words && i < count; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        if (!word || (i == 0 && !*word) || !(c->words[i] = strdup(word)))
            return -1;
    }
    return c->words ? 0 : -1;
}

int metric_command_read(const char *metric, struct metric_command *c,
                        struct error *error) {
    json_t *object = json_loads(metric, JSON_REJECT_DUPLICATES, NULL);
    *c = (struct metric_command){0};
    int result = json_is_object(object) ? read_object(object, c) : -1;
    json_decref(object);
    if (result == 0)
        return 0;
    metric_command_clear(c);
    return error_set(error, "its metric is not a command that can be run");
}

/* --- what is printed -------------------------------------------------------------- */

static int refuse(const char *output, const char *why, struct error *error) {
    return error_set(
        error,
        "%s: '%s'%s; it must be one number, or one JSON object with the key value", why,
        TEXT_CUT(output, 60), strlen(output) > 60 ? "..." : "");
}

static int read_json(const char *output, struct metric_figure *figure,
                     struct error *error) {
    json_error_t place;
    json_t *object = json_loads(output, JSON_REJECT_DUPLICATES, &place);
    const json_t *value = json_object_get(object, "value");
    const json_t *spread = json_object_get(object, "error");
    const json_t *n = json_object_get(object, "n");
    int result = 0;
    if (!object)
        result = refuse(output, "printed something that is not JSON", error);
    else if (!json_is_number(value))
        result = refuse(output, "printed an object without a number as value", error);
    else if (spread && !json_is_null(spread) &&
             !(json_is_number(spread) && json_number_value(spread) >= 0))
        result = refuse(output, "printed an error that is not a number of at least 0",
                        error);
    else if (n && !json_is_null(n) && !(json_integer_value(n) >= 1))
        result = refuse(output, "printed an n that is not a whole number of at least 1",
                        error);
    else
        *figure = (struct metric_figure){
            json_number_value(value), json_number_value(spread),
            json_integer_value(n) >= 1 ? (uint64_t)json_integer_value(n) : 1};
    json_decref(object);
    return result;
}

int metric_figure_read(const char *output, size_t size, struct metric_figure *figure,
                       struct error *error) {
    if (size > CHILD_OUTPUT)
        return error_set(error, "printed more than %d bytes", CHILD_OUTPUT);
    if (strlen(output) != size)
        return error_set(error, "printed a zero byte");
    output += strspn(output, " \t\r\n");
    if (!*output)
        return error_set(error, "printed nothing; it must be one number, or one JSON "
                                "object with the key value");
    if (*output == '{')
        return read_json(output, figure, error);
    char *end;
    double value = strtod(output, &end);
    if (end == output || end[strspn(end, " \t\r\n")])
        return refuse(output, "printed something other than one number", error);
    if (!isfinite(value))
        return refuse(output, "printed a number that is not finite", error);
    *figure = (struct metric_figure){value, 0, 1};
    return 0;
}
