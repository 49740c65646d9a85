/* Reading and writing safetensors files. Facts of the format: a u64 header
 * length, JSON, and data that tile the rest of the file. What is read is mapped,
 * checked whole before anything of it is used, and never changed.
 *
 * Ownership: a struct safetensors owns everything reached from it (names,
 * shapes, data) until safetensors_close. */
#ifndef PWEMOE_CHECKPOINT_SAFETENSORS_H
#define PWEMOE_CHECKPOINT_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "checkpoint/dtype.h"

enum { TENSOR_RANK_MAX = 8 };

struct tensor {
    const char *name;
    enum dtype dtype;
    const char *dtype_name; /* as in the file: "F32" */
    unsigned rank;
    uint64_t shape[TENSOR_RANK_MAX];
    uint64_t count; /* elements, 1 for a scalar */
    uint64_t bytes;
    const void *data; /* little endian, row major, perhaps unaligned */
};

struct safetensors;

/* Errors name the file and the tensor. */
int safetensors_open(const char *path, struct safetensors **file, struct error *error);
/* The same over memory that the caller keeps until close; label names it in
 * errors. */
int safetensors_open_memory(const void *bytes, size_t size, const char *label,
                            struct safetensors **file, struct error *error);
void safetensors_close(struct safetensors *file); /* NULL is fine */

size_t safetensors_count(const struct safetensors *file);
/* In the order of their data. */
const struct tensor *safetensors_at(const struct safetensors *file, size_t index);
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);
/* A list of tensors by their names: put into order, and searched then (NULL: no such
 * name). */
void tensors_sort(const struct tensor **tensors, size_t count);
const struct tensor *tensors_find(const struct tensor *const *sorted, size_t count,
                                  const char *name);
/* A value of __metadata__, or NULL. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);
/* Whether bytes are a safetensors file whose __metadata__ says "kind": wanted. */
bool safetensors_memory_is(const void *bytes, size_t size, const char *wanted);

/* "[3072, 768]" into out; returns out. */
char *tensor_shape_text(const struct tensor *tensor, char *out, size_t size);

/* count floats from F64, F32, F16 or BF16. Fails, naming the tensor and the
 * element, on another dtype and on NaN or infinity. where names the file. */
int tensor_to_f32(const struct tensor *tensor, const char *where, float *out,
                  struct error *error);
/* The same for count of its elements from `begin` on. */
int tensor_part_to_f32(const struct tensor *tensor, const char *where, size_t begin,
                       size_t count, float *out, struct error *error);
/* bytes of the given dtype from floats, rounded to nearest even. dtype is one of
 * F64, F32, F16, BF16. */
void tensor_from_f32(enum dtype dtype, const float *values, size_t count, void *out);
/* The same for weights that go into a file: fails, naming the tensor and the element,
 * counted from `begin`, where one is not finite, or not any more in that dtype. */
int tensor_round(const char *name, enum dtype dtype, const float *values, size_t begin,
                 size_t count, void *out, struct error *error);

/* Writing. What is to be written is described whole first; `write` then asks for
 * one tensor's bytes after another. */
struct tensor_source {
    const char *name;
    const char *dtype_name;
    unsigned rank;
    uint64_t shape[TENSOR_RANK_MAX];
    uint64_t bytes;
};
/* Gives at least 1 byte, at most `room`, of tensor `index` from `offset` on into
 * out and their number into *got. Returns 0 or -1. As long as it gives whole
 * elements, offset and room are multiples of the element's size. */
typedef int (*tensor_read)(void *self, size_t index, uint64_t offset, void *out,
                           size_t room, size_t *got, struct error *error);

/* metadata: key, value, ..., NULL; may be NULL. {"format":"pt"} is for the caller
 * to give. The file is written beside path and renamed when it is whole and on
 * disk, so that path is the old or the new file at every moment. */
int safetensors_write(const char *path, const struct tensor_source *tensors,
                      size_t count, const char *const *metadata, tensor_read read,
                      void *self, struct error *error);
/* The same into fresh memory, freed with free(): for blobs. */
int safetensors_write_memory(const struct tensor_source *tensors, size_t count,
                             const char *const *metadata, tensor_read read, void *self,
                             void **bytes, size_t *size, struct error *error);

#endif
