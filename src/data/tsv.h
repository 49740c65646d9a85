/* Labelled texts and pairs of texts, as the tables of GLUE have them: one line for each
 * example, its fields between tabs. Fields are not quoted: a quote mark is text. Of a
 * file whose name ends in .csv, or by data_form.h, they are: RFC 4180, where a field
 * may have lines; the separator is what the first line has, comma before semicolon and
 * tab in a .csv, tab first elsewhere. Of a file whose name ends in .jsonl or .ndjson
 * each line is a JSON object, its keys the columns, its labels texts, whole numbers or
 * truth values.
 *
 * The first line names the columns where one of its fields is label, gold_label,
 * Quality or is_duplicate (capitals or not). The texts are then the columns sentence1
 * and sentence2, question and sentence, question1 and question2, premise and
 * hypothesis, or #1 String and #2 String, in that order; else sentence or text alone.
 * data_form.h may name columns of its own. Where it says that there are no labels, no
 * column of them need be there, and a file without names of columns has one, the text.
 * A file without names of columns has two, the sentence and its label, or CoLA's four,
 * of which the second is the label and the last the sentence.
 *
 * Line ends and byte order marks as in text_file.h; empty lines are passed over. The
 * file is anyone's: sizes are bounded, every line has as many fields as the first. */
#ifndef PWEMOE_DATA_TSV_H
#define PWEMOE_DATA_TSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/classes.h"
#include "data/data_form.h"

enum {
    TSV_BYTES_MAX = 1 << 30,
    TSV_COLUMNS_MAX = 256,
    TSV_CLASSES_MAX = 10000,
};

struct tsv_example {
    const char *first, *second, *label; /* second: NULL where the texts are not pairs */
    size_t line;                        /* from 1 */
};

struct tsv {
    size_t count;
    size_t in_quotes; /* rows read literally that look like fields in double quotes */
    struct tsv_example *examples; /* [count] */
    char *text;                   /* what they point into */
};

/* form may be NULL. Errors begin with the path, or PATH:LINE. Freed by tsv_free. */
int tsv_read(const char *path, const struct data_form *form, struct tsv *tsv,
             struct error *error);
/* The same of bytes in memory; label stands for the path. */
int tsv_parse(const char *bytes, size_t size, const char *label,
              const struct data_form *form, struct tsv *tsv, struct error *error);
void tsv_free(struct tsv *tsv);

/* The distinct labels in the order of their bytes (class_names_release). path is for
 * errors here and below. */
int tsv_label_names(const struct tsv *tsv, const char *path, char ***names,
                    size_t *count, struct error *error);

/* The labels as numbers [count] in fresh memory, as the given classes have it. given
 * NULL: the table's own classes go to *own (classes_clear): where every label is a
 * whole number, 0 to the greatest; else the labels are names, in the order of their
 * bytes. */
int tsv_labels(const struct tsv *tsv, const char *path, const struct classes *given,
               int32_t **labels, struct classes *own, struct error *error);

#endif
