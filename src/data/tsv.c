#include "data/tsv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "data/text_file.h"

static const char *const label_names[] = {"label", "gold_label", "quality",
                                          "is_duplicate", NULL};
/* The first that a file has both of (or the one) counts. */
static const char *const text_names[][2] = {{"sentence1", "sentence2"},
                                            {"question", "sentence"},
                                            {"question1", "question2"},
                                            {"premise", "hypothesis"},
                                            {"#1 string", "#2 string"},
                                            {"sentence", NULL},
                                            {"text", NULL}};

struct tsv_reader {
    const char *label;
    struct data_form form;
    bool json, quoted;
    char separator;
    char *in, *end; /* the text; a zero byte stands at end */
    size_t line;    /* of the fields at hand, from 1 */
    size_t next;    /* the line at `in` */
    char *fields[TSV_COLUMNS_MAX];
    size_t count;                       /* of the fields */
    size_t columns;                     /* every line has */
    size_t first, second, label_column; /* second: SIZE_MAX where there is none */
    char *keys[3];                      /* of JSON: the columns' names, owned */
};

void tsv_free(struct tsv *tsv) {
    free(tsv->examples);
    free(tsv->text);
    memset(tsv, 0, sizeof *tsv);
}

/* --- fields ------------------------------------------------------------------ */

static void add_field(struct tsv_reader *r, char *field) {
    if (r->count < TSV_COLUMNS_MAX)
        r->fields[r->count] = field;
    r->count++;
}

static void split_line(struct tsv_reader *r, char *begin) {
    for (char *at = begin; at;) {
        char *next = strchr(at, r->separator);
        if (next)
            *next++ = '\0';
        add_field(r, at);
        at = next;
    }
}

/* A field in quotes at r->in, its quotes taken off in place; r->in is then behind it.
 */
static int take_quoted(struct tsv_reader *r, struct error *error) {
    char *to = ++r->in;
    add_field(r, to);
    for (;;) {
        if (r->in == r->end)
            return error_set(error, "%s:%zu: a quote that is not closed", r->label,
                             r->line);
        if (*r->in == '"' && r->in[1] != '"')
            break;
        r->in += *r->in == '"'; /* the first of two */
        r->next += *r->in == '\n';
        *to++ = *r->in++;
    }
    r->in++;
    *to = '\0';
    if (r->in < r->end && *r->in != '\n' && *r->in != r->separator)
        return error_set(
            error,
            "%s:%zu: text after a closing quote; a quote in a quoted field "
            "is doubled (`quoting: none` in the recipe reads quotes as "
            "text)",
            r->label, r->line);
    return 0;
}

/* The fields of a line of CSV, which may go on over several. */
static int split_csv(struct tsv_reader *r, struct error *error) {
    for (;;) {
        if (*r->in == '"') {
            if (take_quoted(r, error))
                return -1;
        } else {
            add_field(r, r->in);
            while (r->in < r->end && *r->in != '\n' && *r->in != r->separator)
                r->in++;
        }
        char ending = r->in < r->end ? *r->in : '\n';
        if (r->in < r->end)
            *r->in++ = '\0';
        if (ending == '\n')
            return 0;
    }
}

/* --- JSON ---------------------------------------------------------------------- */

/* The value of one column as text into *to, which stands in the line that it came from:
 * JSON writes a text no shorter than it is. limit: the line's end. */
static int take_value(struct tsv_reader *r, const json_t *object, const char *key,
                      char **to, const char *limit, struct error *error) {
    const json_t *value = json_object_get(object, key);
    char digits[24] = "";
    const char *text = json_string_value(value);
    if (json_is_integer(value))
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        snprintf(digits, sizeof digits, "%s", json_is_true(value) ? "true" : "false");
    if (!text && !*digits)
        return error_set(error, "%s:%zu: \"%s\" %s", r->label, r->line, key,
                         value ? "is neither text nor a whole number" : "is missing");
    text = text ? text : digits;
    size_t length = strlen(text);
    if (length >= (size_t)(limit - *to))
        return error_set(error, "%s:%zu: \"%s\" is two columns at once", r->label,
                         r->line, key);
    memcpy(*to, text, length + 1);
    add_field(r, *to);
    *to += length + 1;
    return 0;
}

/* The first line's keys are the fields of a line of names; those of the others are the
 * values of r->keys. */
static int split_json(struct tsv_reader *r, char *begin, bool names,
                      struct error *error) {
    json_error_t where;
    json_t *object = json_loadb(begin, strlen(begin), JSON_REJECT_DUPLICATES, &where);
    int status = 0;
    if (!json_is_object(object)) {
        status = error_set(error, "%s:%zu: %s", r->label, r->line,
                           object ? "not a JSON object" : where.text);
    } else if (names) {
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value) {
            char *copy = strdup(key);
            if (!copy || r->count == TSV_COLUMNS_MAX) {
                free(copy);
                status = copy ? error_set(error, "%s:%zu: more than %d keys", r->label,
                                          r->line, TSV_COLUMNS_MAX)
                              : error_memory(error);
                break;
            }
            add_field(r, copy);
        }
    } else {
        const char *limit = begin + strlen(begin) + 1;
        char *to = begin;
        for (size_t i = 0; status == 0 && i < 3; i++)
            if (r->keys[i])
                status = take_value(r, object, r->keys[i], &to, limit, error);
    }
    json_decref(object);
    return status;
}

/* --- lines --------------------------------------------------------------------- */

/* The fields of the next line that is not empty: 1, 0 at the end of the text, -1. */
static int next_line(struct tsv_reader *r, bool names, struct error *error) {
    while (r->in < r->end) {
        r->count = 0;
        r->line = r->next++;
        if (*r->in == '\n') {
            r->in++;
        } else if (r->quoted) {
            return split_csv(r, error) ? -1 : 1;
        } else {
            char *begin = text_next_line(&r->in, r->end);
            if (r->json)
                return split_json(r, begin, names, error) ? -1 : 1;
            split_line(r, begin);
            return 1;
        }
    }
    return 0;
}

static const char *separators(const struct tsv_reader *r) {
    return r->separator == '\t'  ? "tabs"
           : r->separator == ',' ? "commas"
                                 : "semicolons";
}

static size_t find_column(const struct tsv_reader *r, const char *name) {
    for (size_t i = 0; i < r->count && i < TSV_COLUMNS_MAX; i++)
        if (strcasecmp(r->fields[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* The column that the recipe names, with its case, then without. */
static int named_column(const struct tsv_reader *r, const char *name, size_t *column,
                        struct error *error) {
    for (size_t i = 0; i < r->count && i < TSV_COLUMNS_MAX; i++)
        if (strcmp(r->fields[i], name) == 0) {
            *column = i;
            return 0;
        }
    *column = find_column(r, name);
    if (*column != SIZE_MAX)
        return 0;
    char known[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < r->count && i < TSV_COLUMNS_MAX && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 i ? ", " : "", TEXT_CUT(r->fields[i], 40));
    return error_set(error, "%s:%zu: no column '%s'; the columns are %s", r->label,
                     r->line, name, known);
}

/* The columns by the names in the line at hand. */
static int name_columns(struct tsv_reader *r, struct error *error) {
    const char *beside =
        r->label_column == SIZE_MAX ? "nothing" : r->fields[r->label_column];
    if (r->form.text)
        return named_column(r, r->form.text, &r->first, error) ||
                       (r->form.pair &&
                        named_column(r, r->form.pair, &r->second, error))
                   ? -1
                   : 0;
    for (size_t i = 0; i < sizeof text_names / sizeof *text_names; i++) {
        r->first = find_column(r, text_names[i][0]);
        r->second = text_names[i][1] ? find_column(r, text_names[i][1]) : SIZE_MAX;
        if (r->first != SIZE_MAX && (!text_names[i][1] || r->second != SIZE_MAX))
            return 0;
    }
    return error_set(
        error,
        "%s:%zu: names a column %s but no column of texts: sentence, sentence1 and "
        "sentence2, question and sentence, question1 and question2, or premise and "
        "hypothesis; `text: COLUMN` in the recipe names another",
        r->label, r->line, beside);
}

/* The same where no column has labels: names of columns, or one text a line. */
static int find_texts(struct tsv_reader *r, bool *named, struct error *error) {
    struct error unnamed;
    *named = r->json || r->form.text;
    if (*named)
        return name_columns(r, error);
    *named = name_columns(r, &unnamed) == 0;
    if (*named)
        return 0;
    r->second = SIZE_MAX;
    r->first = 0;
    if (r->columns == 1)
        return 0;
    return error_set(error,
                     "%s:%zu: %zu fields between %s, none a label, and no names of "
                     "columns; without labels a line is one text, or the first names "
                     "the columns of texts",
                     r->label, r->line, r->columns, separators(r));
}

/* What the columns are, by the first line, which is at hand. *named: it is no example.
 */
static int find_columns(struct tsv_reader *r, bool *named, struct error *error) {
    if (r->count > TSV_COLUMNS_MAX)
        return error_set(error, "%s:%zu: more than %d fields", r->label, r->line,
                         TSV_COLUMNS_MAX);
    r->columns = r->count;
    r->second = r->label_column = SIZE_MAX;
    if (r->form.label) {
        if (named_column(r, r->form.label, &r->label_column, error) &&
            !r->form.unlabelled)
            return -1;
    } else {
        for (size_t i = 0; label_names[i] && r->label_column == SIZE_MAX; i++)
            r->label_column = find_column(r, label_names[i]);
    }
    *named = r->label_column != SIZE_MAX;
    if (*named)
        return name_columns(r, error);
    if (r->form.unlabelled)
        return find_texts(r, named, error);
    if (r->json || r->form.text)
        return error_set(error,
                         "%s:%zu: no column label, gold_label, Quality or "
                         "is_duplicate; `label: COLUMN` in the recipe names another",
                         r->label, r->line);
    if (r->columns == 2) {
        r->first = 0;
        r->label_column = 1;
    } else if (r->columns == 4) {
        r->first = 3;
        r->label_column = 1;
    } else {
        return error_set(
            error,
            "%s:%zu: %zu fields between %s and no names of columns; the first line "
            "must name the columns sentence (or sentence1 and sentence2) and label",
            r->label, r->line, r->columns, separators(r));
    }
    return 0;
}

/* Whether a field that is read as it stands is one in quotes, those within doubled. */
static bool looks_quoted(const char *field) {
    size_t length = strlen(field);
    if (length < 2 || field[0] != '"' || field[length - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < length; i++)
        if (field[i] == '"' && (i + 2 >= length || field[++i] != '"'))
            return false;
    return true;
}

static int add_example(struct tsv_reader *r, struct tsv *tsv, size_t *capacity,
                       struct error *error) {
    if (r->count != r->columns)
        return error_set(error, "%s:%zu: %zu fields between %s, the first line has %zu",
                         r->label, r->line, r->count, separators(r), r->columns);
    const char *label = r->label_column == SIZE_MAX ? "" : r->fields[r->label_column];
    if (!*label && !r->form.unlabelled)
        return error_set(error, "%s:%zu: the label is empty", r->label, r->line);
    if (array_reserve((void **)&tsv->examples, capacity, tsv->count + 1,
                      sizeof *tsv->examples))
        return error_memory(error);
    const char *first = r->fields[r->first],
               *second = r->second == SIZE_MAX ? NULL : r->fields[r->second];
    tsv->in_quotes += !r->quoted && !r->json &&
                      (looks_quoted(first) || (second && looks_quoted(second)));
    tsv->examples[tsv->count++] = (struct tsv_example){
        .first = first, .second = second, .label = label, .line = r->line};
    return 0;
}

/* The first object's keys decide; the text is then read from its beginning. */
static int find_keys(struct tsv_reader *r, struct error *error) {
    char *begin = r->in;
    bool named;
    int status = next_line(r, true, error);
    if (status > 0)
        status = find_columns(r, &named, error) ? -1 : 1;
    for (size_t i = 0; i < r->count && i < TSV_COLUMNS_MAX; i++) {
        char **kept = status < 1             ? NULL
                      : i == r->label_column ? &r->keys[2]
                      : i == r->first        ? &r->keys[0]
                      : i == r->second       ? &r->keys[1]
                                             : NULL;
        if (kept)
            *kept = r->fields[i];
        else
            free(r->fields[i]);
    }
    if (status < 1)
        return status;
    r->columns = (size_t)1 + (r->keys[1] != NULL) + (r->keys[2] != NULL);
    r->first = 0;
    r->second = r->keys[1] ? 1 : SIZE_MAX;
    r->label_column = r->keys[2] ? r->columns - 1 : SIZE_MAX;
    char *end = memchr(begin, '\0', (size_t)(r->in - begin));
    if (end) /* the line's end, which next_line took */
        *end = '\n';
    r->in = begin;
    r->next = 1;
    return 1;
}

static int parse(struct tsv_reader *r, struct tsv *tsv, struct error *error) {
    size_t capacity = 0;
    bool named = false;
    int status = r->json ? find_keys(r, error) : 1;
    for (size_t lines = 0; status > 0; lines++) {
        status = next_line(r, false, error);
        if (status < 1)
            break;
        if (lines == 0 && !r->json && find_columns(r, &named, error))
            return -1;
        if (!(lines == 0 && named) && add_example(r, tsv, &capacity, error))
            return -1;
    }
    if (status == 0 && tsv->count == 0)
        return error_set(error, "%s: has no examples", r->label);
    return status;
}

/* --- files ---------------------------------------------------------------------- */

static bool has_ending(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

/* The first of these that the first line has, outside of quotes. */
static char find_separator(const char *text, const char *candidates) {
    for (const char *c = candidates; *c; c++) {
        bool quoted = false;
        for (const char *at = text; *at && (quoted || *at != '\n'); at++) {
            quoted ^= *at == '"';
            if (!quoted && *at == *c)
                return *c;
        }
    }
    return candidates[0];
}

/* Takes text, which has room for size + 1 bytes and no zero byte. */
static int parse_text(char *text, size_t size, const char *label,
                      const struct data_form *form, struct tsv *tsv,
                      struct error *error) {
    bool csv = has_ending(label, ".csv");
    struct tsv_reader reader = {.label = label,
                                .json = has_ending(label, ".jsonl") ||
                                        has_ending(label, ".ndjson"),
                                .separator = '\t',
                                .in = text,
                                .end = text + size,
                                .next = 1};
    if (form)
        reader.form = *form;
    text[size] = '\0';
    reader.quoted = !reader.json && (reader.form.quoting == QUOTING_CSV ||
                                     (reader.form.quoting == QUOTING_BY_NAME && csv));
    if (csv || reader.quoted)
        reader.separator = find_separator(text, csv ? ",;\t" : "\t,;");
    tsv->text = text;
    int result = parse(&reader, tsv, error);
    for (size_t i = 0; i < 3; i++)
        free(reader.keys[i]);
    if (result)
        tsv_free(tsv);
    return result;
}

int tsv_parse(const char *bytes, size_t size, const char *label,
              const struct data_form *form, struct tsv *tsv, struct error *error) {
    char *text;
    memset(tsv, 0, sizeof *tsv);
    if (text_file_copy(bytes, &size, TSV_BYTES_MAX, label, &text, error))
        return -1;
    return parse_text(text, size, label, form, tsv, error);
}

int tsv_read(const char *path, const struct data_form *form, struct tsv *tsv,
             struct error *error) {
    char *text;
    size_t size;
    memset(tsv, 0, sizeof *tsv);
    if (text_file_read(path, TSV_BYTES_MAX, &text, &size, error))
        return -1;
    return parse_text(text, size, path, form, tsv, error);
}
