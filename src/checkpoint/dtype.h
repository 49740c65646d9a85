/* The dtypes of safetensors. What follows dtype_size is for the reader, the writer and
 * the export. */
#ifndef PWEMOE_CHECKPOINT_DTYPE_H
#define PWEMOE_CHECKPOINT_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_BOOL,
    DTYPE_U8,
    DTYPE_I8,
    DTYPE_I16,
    DTYPE_U16,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_I32,
    DTYPE_U32,
    DTYPE_F32,
    DTYPE_F64,
    DTYPE_I64,
    DTYPE_U64,
    DTYPE_OTHER /* a known narrow kind (F8_E4M3, ...): carried, not computed with */
};

size_t dtype_size(enum dtype dtype); /* 0 for DTYPE_OTHER */

/* All of them are in one array, in the order in which writers put tensors last to
 * first: a pointer that is greater is written earlier. */
struct dtype_entry {
    const char *name; /* "F32" */
    enum dtype dtype;
    unsigned bits; /* of one element */
};

/* NULL for a name that no version of the format has. */
const struct dtype_entry *dtype_entry_find(const char *name);
/* The entry of a dtype that is not DTYPE_OTHER. */
const struct dtype_entry *dtype_entry_of(enum dtype dtype);

/* Elements and bytes of a tensor. false where one of them does not fit, or where
 * elements narrower than a byte do not fill the last one. */
bool dtype_measure(const struct dtype_entry *entry, unsigned rank,
                   const uint64_t *shape, uint64_t *count, uint64_t *bytes);

#endif
