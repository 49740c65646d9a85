/* Inputs that are lists of changes to a whole file, so that they hit behind the checks
 * of its first bytes. */
#ifndef PWEMOE_TESTS_FUZZ_CHANGES_H
#define PWEMOE_TESTS_FUZZ_CHANGES_H

#include <stddef.h>
#include <stdint.h>

/* A change is three bytes of offset (low first), a byte of length n, and n bytes that
 * are put there; n = 0 cuts the file at the offset. The changed copy of base, which is
 * not empty, in fresh memory of its exact size. */
uint8_t *changes_apply(const uint8_t *base, size_t base_size, const uint8_t *data,
                       size_t size, size_t *length);

/* A folder of the target's own, removed when the process ends with the files that were
 * named by folder_file; in memory where the system has such a place. */
const char *fuzz_folder(void);
/* The path of a file in it, for good. At most eight. */
const char *fuzz_file(const char *name);
/* In place: making a file anew costs more than all the rest. */
void fuzz_write(const char *path, const void *bytes, size_t size);

/* What must be so. */
void require(int truth);

#endif
