#include "checkpoint/dtype.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "safetensors are little endian and are read as they lie");

static const struct dtype_entry entries[] = {
    {"BOOL", DTYPE_BOOL, 8},
    {"F4", DTYPE_OTHER, 4},
    {"F6_E2M3", DTYPE_OTHER, 6},
    {"F6_E3M2", DTYPE_OTHER, 6},
    {"U8", DTYPE_U8, 8},
    {"I8", DTYPE_I8, 8},
    {"F8_E5M2", DTYPE_OTHER, 8},
    {"F8_E4M3", DTYPE_OTHER, 8},
    {"F8_E8M0", DTYPE_OTHER, 8},
    {"F8_E4M3FNUZ", DTYPE_OTHER, 8},
    {"F8_E5M2FNUZ", DTYPE_OTHER, 8},
    {"I16", DTYPE_I16, 16},
    {"U16", DTYPE_U16, 16},
    {"F16", DTYPE_F16, 16},
    {"BF16", DTYPE_BF16, 16},
    {"I32", DTYPE_I32, 32},
    {"U32", DTYPE_U32, 32},
    {"F32", DTYPE_F32, 32},
    {"C64", DTYPE_OTHER, 64},
    {"F64", DTYPE_F64, 64},
    {"I64", DTYPE_I64, 64},
    {"U64", DTYPE_U64, 64},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

const struct dtype_entry *dtype_entry_find(const char *name) {
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

const struct dtype_entry *dtype_entry_of(enum dtype dtype) {
    for (size_t i = 0; i < ENTRIES; i++)
        if (entries[i].dtype == dtype)
            return &entries[i];
    return NULL;
}

bool dtype_measure(const struct dtype_entry *entry, unsigned rank,
                   const uint64_t *shape, uint64_t *count, uint64_t *bytes) {
    uint64_t product = 1, bits;
    for (unsigned i = 0; i < rank; i++)
        if (__builtin_mul_overflow(product, shape[i], &product))
            return false;
    if (__builtin_mul_overflow(product, (uint64_t)entry->bits, &bits) || bits % 8 != 0)
        return false;
    *count = product;
    *bytes = bits / 8;
    return true;
}

size_t dtype_size(enum dtype dtype) {
    const struct dtype_entry *entry =
        dtype == DTYPE_OTHER ? NULL : dtype_entry_of(dtype);
    return entry ? entry->bits / 8 : 0;
}
