/* Files for the tests of src/data: those of tests/golden/data, and a temporary
 * folder with what a test puts in it. A failure here fails the running test. */
#ifndef PWEMOE_TESTS_DATA_FILES_H
#define PWEMOE_TESTS_DATA_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

/* "$srcdir/tests/golden/data/NAME" in memory that the next call uses again. */
const char *golden_path(const char *name);

/* A whole file with a zero byte after it, freed with free(); *size may be NULL. */
uint8_t *bytes_of(const char *path, size_t *size);

void bytes_sha256(const void *data, size_t size, char hex[SHA256_HEX]);

/* A fresh folder; freed with folder_remove, which removes everything in it. */
char *folder_new(void);
void folder_remove(char *folder);

/* FOLDER/NAME in memory that the next call but three uses again. */
const char *path_in(const char *folder, const char *name);

/* Writes FOLDER/NAME, making the folders that NAME goes through. */
void file_write(const char *folder, const char *name, const void *data, size_t size);
void file_write_gzip(const char *folder, const char *name, const void *data,
                     size_t size);

#endif
