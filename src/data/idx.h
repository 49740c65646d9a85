/* The idx files of MNIST and its kin: big-endian header (two zero bytes, element
 * type 8 for u8, number of dimensions, then u32 sizes), then u8 elements. gzip or
 * not is seen from the content. The sizes in the header decide how much is read;
 * a file that has less or more is refused, and so is a header that promises more
 * than the file's bytes can hold (deflate packs at most 1032 to 1). */
#ifndef PWEMOE_DATA_IDX_H
#define PWEMOE_DATA_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Images, read in their order. */
struct idx_images {
    size_t count, height, width; /* height and width at least 1 */
    size_t read;                 /* images given out so far */
    void *file;
};

/* Errors name the file. */
int idx_images_open(const char *path, struct idx_images *images, struct error *error);
/* The next n images, u8 [n, height, width]; n is at most what is left. The last
 * read fails if the file goes on behind it. The error does not name the file. */
int idx_images_next(struct idx_images *images, size_t n, uint8_t *grey,
                    struct error *error);
void idx_images_close(struct idx_images *images);

/* All labels of a file, u8 [*count] in fresh memory. Errors name the file. */
int idx_labels_read(const char *path, uint8_t **labels, size_t *count,
                    struct error *error);

/* The labels file beside an images file: "images" becomes "labels" and "idx3"
 * becomes "idx1" in the file's name; where there is no such file, with .gz added
 * or taken away. Fresh memory; NULL with error set. */
char *idx_labels_path(const char *images, struct error *error);

#endif
