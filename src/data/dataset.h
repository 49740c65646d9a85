/* Labelled examples of one task and one split, ready for a model: images, preprocessed
 * once, or texts, as tokens.
 *
 * Sources of images: a folder with one folder a class (folder.h), or an idx images file
 * (u8, gzip or not), its labels in the file beside it whose name has "labels" and
 * "idx1" where this has "images" and "idx3". Of texts: a table (tsv.h).
 *
 * Ownership: the dataset owns pixels, tokens, labels and class names until
 * dataset_close. Images are decoded, made RGB, resized and cropped as the
 * model's image processor does, and kept as u8 [count, 3, size, size]; scaling to
 * floats is the model's first step (preprocess.h has its constants). A pair of texts is
 * the tokens of the first and then those of the second, nothing between them; `longest`
 * tokens are kept (gpt2_tokenizer_cut). */
#ifndef PWEMOE_DATA_DATASET_H
#define PWEMOE_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "data/classes.h"
#include "data/data_form.h"
#include "data/gpt2_tokenizer.h"
#include "data/preprocess.h"

struct dataset {
    size_t count;       /* examples */
    size_t classes;     /* labels are 0 .. classes-1, whether or not one is drawn */
    size_t size;        /* of images: pixels an edge; 0: texts */
    uint8_t *pixels;    /* of images: [count, 3, size, size] */
    int32_t *tokens;    /* of texts: of all examples, one after another */
    size_t *begin;      /* of texts: [count + 1] where each one's tokens begin */
    int32_t *labels;    /* [count] */
    char **class_names; /* [classes]; those of dataset_options, else the data's own:
                           numbers "0", "1", ... where there are no names */
    char *
        *example_names; /* [count], file names below the folder; NULL for the others */
};

struct dataset_options {
    const struct preprocess *preprocess;    /* of images */
    const struct gpt2_tokenizer *tokenizer; /* of texts; NULL: images */
    size_t longest;                         /* of texts: tokens that are kept */
    /* What the labels are (classes.h), and what they are numbered by; NULL: class
     * folders and labels that are names in the order of their bytes, other labels by
     * number. */
    const struct classes *classes;
    const struct data_form *form; /* how the files are read, or NULL */
    /* At most this many examples; 0: all. They are drawn by a fixed shuffle, each class
     * in proportion, and kept in the list's order. */
    size_t limit;
    unsigned threads; /* 0: one for each core */
};

/* Errors name the file. An empty class folder, a file that is not an image, counts that
 * differ: each is an error. Progress is "reading images" or "reading texts". Where work
 * says stop it fails with the text "stopped". */
int dataset_open(const char *path, const struct dataset_options *options,
                 struct dataset **dataset, const struct work *work,
                 struct error *error);
void dataset_close(struct dataset *dataset); /* NULL is fine */

/* Endless shuffled batches of a training split. The order is a function of seed
 * and of how many examples were drawn, so that a run can go on where it was. */
struct batches {
    uint64_t seed;
    uint64_t stream; /* the task's number */
    uint64_t drawn;  /* examples so far: all the state there is */
    uint32_t *order; /* of the current pass, owned */
    size_t count;
    uint64_t pass; /* that `order` belongs to, plus 1; 0: none yet */
};

int batches_begin(struct batches *batches, size_t count, uint64_t seed, uint64_t stream,
                  struct error *error);
/* The next n example indices, crossing into the next shuffled pass as needed. */
void batches_next(struct batches *batches, size_t n, uint32_t *indices);
void batches_end(struct batches *batches);

#endif
