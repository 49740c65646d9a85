/* What the tests of checkpoints share: a folder of their own, files in it, and the
 * golden files. Failures end the test. */
#ifndef PWEMOE_TESTS_CHECKPOINT_SUPPORT_H
#define PWEMOE_TESTS_CHECKPOINT_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "checkpoint/safetensors.h"

/* cmocka setup and teardown: *state is the path of a fresh empty folder, which goes
 * with all in it. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* FOLDER/NAME, of which sixty-four can be in use at once; never freed. */
const char *in(const char *folder, const char *name);
/* The path of a golden file. */
const char *golden(const char *name);

void file_write(const char *path, const void *bytes, size_t size);
void text_write(const char *path, const char *text);
/* The file's bytes, freed with free(). */
unsigned char *bytes_of(const char *path, size_t *size);
/* How many entries a folder has, those that start with a dot as well. */
size_t entry_count(const char *folder);

/* A safetensors file of a header and data_size bytes of data (0, 1, 2, ...), in
 * fresh memory; the header's length is the text's. */
unsigned char *safetensors_make(const char *header, size_t data_size, size_t *size);

/* That message is one line, begins with where and holds fragment. */
void check_message(const char *message, const char *where, const char *fragment);

/* A tensor_read over an array of pointers, one a tensor. */
int read_arrays(void *arrays, size_t index, uint64_t offset, void *out, size_t room,
                size_t *got, struct error *error);

#endif
