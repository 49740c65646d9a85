/* Golden files of tests/golden/ as arrays, and comparison with them. Part of cmocka
 * tests: whatever goes wrong here fails the running test. */
#ifndef PWEMOE_TESTS_SUPPORT_GOLDEN_H
#define PWEMOE_TESTS_SUPPORT_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#include "checkpoint/safetensors.h"
#include "data/dataset.h"
#include "moe/pool.h"

/* tests/golden/NAME below srcdir; valid until the next call but three. */
const char *golden_path(const char *name);

struct safetensors *golden_open(const char *name);
const struct tensor *golden_tensor(const struct safetensors *file, const char *name);
/* F32 or F64 values as doubles; free(). */
double *golden_values(const struct safetensors *file, const char *name);
/* I32 values; free(). */
int32_t *golden_labels(const struct safetensors *file, const char *name);

/* Examples first to first + count - 1 of a file as a dataset without names, its labels
 * 0: of "pixelsSUFFIX" U8 [.., 3, S, S], or of "idsSUFFIX" I32 [.., L] with
 * "lengthsSUFFIX" I32 [..]. dataset_close. */
struct dataset *golden_examples(const struct safetensors *file, const char *suffix,
                                size_t first, size_t count);

/* The pretrained model and three experts of "clip", "vit" or "gpt2" in golden/model, on
 * the CPU in f32; pool_close and backend_close. */
void golden_pool(const char *kind, unsigned threads, struct backend **backend,
                 struct pool **pool);
/* count examples of a task in methods-KIND.safetensors (make_methods.py), from the
 * first on, as many classes as the task's head has; dataset_close. */
struct dataset *golden_task_examples(const char *kind, const struct pool *pool,
                                     size_t task, size_t count);
/* Makes them `count`: again and again, all a little different, of two classes. Images
 * only. */
void golden_multiply(struct dataset *data, size_t count, size_t task);

/* |got - expected| <= relative * max |expected| over count values: an error of the
 * array as a whole, since single elements may be near zero by cancellation. */
void golden_close(const char *what, const float *got, const double *expected,
                  size_t count, double relative);

#endif
