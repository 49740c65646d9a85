#include "data/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/text_file.h"

/* A field is never longer than its text in the file, so one copy of the file is
 * room for all fields: `out` writes where `in` has already read. */
struct csv_reader {
    const char *label;
    char *in, *out, *end;
    size_t line;
    char separator;
    char **row; /* the fields of one record */
    size_t row_count, row_capacity;
};

void csv_free(struct csv *csv) {
    free(csv->names);
    free(csv->fields);
    free(csv->lines);
    free(csv->text);
    memset(csv, 0, sizeof *csv);
}

static bool at_line_end(const struct csv_reader *r) {
    return r->in == r->end || *r->in == '\n';
}

static void skip_line_end(struct csv_reader *r) {
    if (r->in < r->end)
        r->in++;
    r->line++;
}

static int add_field(struct csv_reader *r, char *field, struct error *error) {
    if (r->row_count == CSV_COLUMNS_MAX)
        return error_set(error, "%s:%zu: more than %d fields", r->label, r->line,
                         CSV_COLUMNS_MAX);
    if (array_reserve((void **)&r->row, &r->row_capacity, r->row_count + 1,
                      sizeof *r->row))
        return error_memory(error);
    r->row[r->row_count++] = field;
    return 0;
}

static int read_quoted(struct csv_reader *r, struct error *error) {
    size_t begin = r->line;
    r->in++;
    for (;;) {
        if (r->in == r->end)
            return error_set(error, "%s:%zu: a quoted field has no end", r->label,
                             begin);
        if (*r->in == '"') {
            r->in++;
            if (r->in == r->end || *r->in != '"')
                break;
        }
        r->line += *r->in == '\n';
        *r->out++ = *r->in++;
    }
    if (!at_line_end(r) && *r->in != r->separator)
        return error_set(error, "%s:%zu: text after the end of a quoted field",
                         r->label, r->line);
    return 0;
}

static int read_plain(struct csv_reader *r, struct error *error) {
    while (!at_line_end(r) && *r->in != r->separator) {
        if (*r->in == '"')
            return error_set(error,
                             "%s:%zu: a quote inside a field; put the whole field in "
                             "quotes and double those in it",
                             r->label, r->line);
        *r->out++ = *r->in++;
    }
    return 0;
}

/* One record into r->row. */
static int read_record(struct csv_reader *r, struct error *error) {
    r->row_count = 0;
    for (;;) {
        char *field = r->out;
        if (r->in < r->end && *r->in == '"' ? read_quoted(r, error)
                                            : read_plain(r, error))
            return -1;
        if (add_field(r, field, error))
            return -1;
        /* What ended the field is read before its terminator is written. */
        bool last = at_line_end(r);
        if (last)
            skip_line_end(r);
        else
            r->in++;
        *r->out++ = '\0';
        if (last)
            return 0;
    }
}

/* Empty lines and comments. */
static void skip_lines(struct csv_reader *r) {
    for (;;) {
        if (r->in < r->end && *r->in == '#')
            while (!at_line_end(r))
                r->in++;
        else if (r->in == r->end || !at_line_end(r))
            return;
        if (r->in == r->end)
            return;
        skip_line_end(r);
    }
}

static int add_record(const struct csv_reader *r, size_t line, struct csv *csv,
                      size_t *field_capacity, size_t *line_capacity,
                      struct error *error) {
    size_t used = csv->rows * csv->columns;
    if (!csv->names) {
        csv->columns = r->row_count;
        csv->names = array_new(csv->columns, sizeof *csv->names);
        if (!csv->names)
            return error_memory(error);
        memcpy(csv->names, r->row, csv->columns * sizeof *csv->names);
        return 0;
    }
    if (r->row_count != csv->columns)
        return error_set(error, "%s:%zu: %zu fields, the header has %zu", r->label,
                         line, r->row_count, csv->columns);
    if (array_reserve((void **)&csv->fields, field_capacity, used + csv->columns,
                      sizeof *csv->fields) ||
        array_reserve((void **)&csv->lines, line_capacity, csv->rows + 1,
                      sizeof *csv->lines))
        return error_memory(error);
    memcpy(csv->fields + used, r->row, csv->columns * sizeof *csv->fields);
    csv->lines[csv->rows++] = line;
    return 0;
}

/* Where the header has no comma: semicolons or tabs, as spreadsheets write them. */
static char find_separator(const struct csv_reader *r) {
    static const char known[] = ",;\t";
    size_t found[3] = {0};
    struct csv_reader at = *r;
    skip_lines(&at);
    bool quoted = false;
    for (; at.in < at.end && (quoted || *at.in != '\n'); at.in++) {
        const char *place = strchr(known, *at.in);
        quoted = quoted != (*at.in == '"');
        if (!quoted && place && *place)
            found[place - known]++;
    }
    if (found[0] == 0 && found[1] > 0)
        return ';';
    return found[0] == 0 && found[2] > 0 ? '\t' : ',';
}

static int parse(struct csv_reader *r, struct csv *csv, struct error *error) {
    size_t field_capacity = 0, line_capacity = 0;
    if (csv->separator == 0)
        csv->separator = find_separator(r);
    r->separator = csv->separator;
    for (;;) {
        skip_lines(r);
        if (r->in == r->end)
            break;
        size_t line = r->line;
        if (read_record(r, error) ||
            add_record(r, line, csv, &field_capacity, &line_capacity, error))
            return -1;
    }
    if (!csv->names)
        return error_set(error, "%s: has no line of column names", r->label);
    if (csv->rows == 0)
        return error_set(error, "%s: has no row below its column names", r->label);
    return 0;
}

/* Takes text, which has room for size + 1 bytes and no zero byte. */
static int parse_text(char *text, size_t size, const char *label, struct csv *csv,
                      struct error *error) {
    csv->text = text;
    struct csv_reader reader = {
        .label = label, .in = text, .out = text, .end = text + size, .line = 1};
    int result = parse(&reader, csv, error);
    free(reader.row);
    if (result)
        csv_free(csv);
    return result;
}

int csv_parse(const char *bytes, size_t size, const char *label, struct csv *csv,
              struct error *error) {
    char *text;
    memset(csv, 0, sizeof *csv);
    if (text_file_copy(bytes, &size, CSV_BYTES_MAX, label, &text, error))
        return -1;
    return parse_text(text, size, label, csv, error);
}

int csv_read(const char *path, struct csv *csv, struct error *error) {
    char *text;
    size_t size;
    memset(csv, 0, sizeof *csv);
    if (text_file_read(path, CSV_BYTES_MAX, &text, &size, error))
        return -1;
    return parse_text(text, size, path, csv, error);
}
