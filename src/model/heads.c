#include "model/heads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int head_from_tensors(const struct tensor *weight, const struct tensor *bias,
                             const char *where, size_t features, struct head *head,
                             struct error *error) {
    *head = (struct head){0};
    char shape[96];
    if (weight->rank != 2 || weight->shape[1] != features || weight->shape[0] < 1)
        return error_set(error, "%s: %s is %s; a head of this model is [classes, %zu]",
                         where, weight->name,
                         tensor_shape_text(weight, shape, sizeof shape), features);
    if (bias && (bias->rank != 1 || bias->shape[0] != weight->shape[0]))
        return error_set(error, "%s: %s is %s, %s has %llu classes", where, bias->name,
                         tensor_shape_text(bias, shape, sizeof shape), weight->name,
                         (unsigned long long)weight->shape[0]);
    head->classes = (size_t)weight->shape[0];
    head->features = features;
    head->weight = array_new((size_t)weight->count, sizeof *head->weight);
    head->bias = bias ? array_new(head->classes, sizeof *head->bias) : NULL;
    if (!head->weight || (bias && !head->bias)) {
        head_clear(head);
        return error_memory(error);
    }
    if (tensor_to_f32(weight, where, head->weight, error) ||
        (bias && tensor_to_f32(bias, where, head->bias, error))) {
        head_clear(head);
        return -1;
    }
    return 0;
}

int head_from_directory(const struct model_directory *directory, size_t features,
                        struct head *head, struct error *error) {
    const char *where = model_directory_path(directory);
    const struct tensor *weight = model_directory_find(directory, "classifier.weight");
    if (!weight)
        weight = model_directory_find(directory, "score.weight");
    if (!weight)
        return error_set(error,
                         "%s: has neither classifier.weight nor score.weight; name a "
                         "head file in the recipe (head: FILE.safetensors)",
                         where);
    return head_from_tensors(weight, model_directory_find(directory, "classifier.bias"),
                             where, features, head, error);
}

int head_from_safetensors(const struct safetensors *file, const char *name,
                          const char *label, size_t features, struct head *head,
                          struct error *error) {
    char text[96];
    snprintf(text, sizeof text, "%s.weight", TEXT_CUT(name, 80));
    const struct tensor *weight = safetensors_find(file, text);
    if (!weight)
        return error_set(error, "%s: has no %s", label, text);
    snprintf(text, sizeof text, "%s.bias", TEXT_CUT(name, 80));
    return head_from_tensors(weight, safetensors_find(file, text), label, features,
                             head, error);
}

int head_from_file(const char *path, size_t features, struct head *head,
                   struct error *error) {
    struct safetensors *file;
    if (safetensors_open(path, &file, error))
        return -1;
    const struct tensor *weight = safetensors_find(file, "weight");
    int result = weight ? head_from_tensors(weight, safetensors_find(file, "bias"),
                                            path, features, head, error)
                        : error_set(error,
                                    "%s: has no tensor named weight; a head is weight "
                                    "[classes, features] and perhaps bias [classes]",
                                    path);
    safetensors_close(file);
    return result;
}

static int read_head(void *self, size_t index, uint64_t offset, void *out, size_t room,
                     size_t *got, struct error *error) {
    (void)error;
    const struct head *head = self;
    const float *values = index == 0 ? head->weight : head->bias;
    size_t count = index == 0 ? head->classes * head->features : head->classes;
    size_t left = count * sizeof *values - (size_t)offset;
    *got = room < left ? room : left;
    memcpy(out, (const char *)values + offset, *got);
    return 0;
}

int head_to_memory(const struct head *head, void **bytes, size_t *size,
                   struct error *error) {
    struct tensor_source sources[] = {
        {.name = "weight",
         .dtype_name = "F32",
         .rank = 2,
         .shape = {head->classes, head->features},
         .bytes = head->classes * head->features * sizeof(float)},
        {.name = "bias",
         .dtype_name = "F32",
         .rank = 1,
         .shape = {head->classes},
         .bytes = head->classes * sizeof(float)}};
    const char *metadata[] = {"format", "pt", NULL};
    return safetensors_write_memory(sources, head->bias ? 2 : 1, metadata, read_head,
                                    (void *)head, bytes, size, error);
}

void head_clear(struct head *head) {
    free(head->weight);
    free(head->bias);
    *head = (struct head){0};
}

struct bank_head {
    size_t classes;
    real *weight, *bias;
};

struct head_bank {
    struct backend *backend;
    size_t features, tasks, rows, task;
    bool normalise;
    struct bank_head *heads;
    void *memory;      /* of the heads */
    void *scratch;     /* of what follows */
    const real *input; /* of the head: the features, normalised for CLIP */
    real *unit;        /* (images, D) normalised features */
    float *norms;      /* (images) */
    float *logits;     /* (images, classes) */
    real *dlogits;     /* (images, classes) */
    real *dunit;       /* (images, D) */
};

static size_t aligned(size_t bytes) {
    return (bytes + 255) / 256 * 256;
}

int head_bank_new(struct backend *b, const struct model_config *config,
                  const struct head *heads, size_t tasks, size_t images,
                  struct head_bank **out, struct error *error) {
    struct head_bank *bank = array_new(1, sizeof *bank);
    if (!bank)
        return error_memory(error);
    bank->backend = b;
    bank->features = model_config_features(config);
    bank->normalise = config->kind == MODEL_CLIP_VISION;
    bank->tasks = tasks;
    bank->heads = array_new(tasks, sizeof *bank->heads);
    if (!bank->heads) {
        head_bank_free(bank);
        return error_memory(error);
    }
    size_t bytes = 0, most = 1, d = bank->features, r = b->real_size;
    for (size_t t = 0; t < tasks; t++) {
        bytes += aligned(heads[t].classes * d * r) + aligned(heads[t].classes * r);
        if (heads[t].classes > most)
            most = heads[t].classes;
    }
    size_t row = aligned(images * d * r);
    size_t scratch = 2 * row + aligned(images * sizeof(float)) +
                     aligned(images * most * sizeof(float)) +
                     aligned(images * most * r);
    if (b->allocate(b, bytes, &bank->memory, error) ||
        b->allocate(b, scratch, &bank->scratch, error)) {
        head_bank_free(bank);
        return -1;
    }
    char *at = bank->memory;
    for (size_t t = 0; t < tasks; t++) {
        size_t classes = heads[t].classes;
        bank->heads[t].classes = classes;
        bank->heads[t].weight = (real *)at;
        b->upload_real(b, (real *)at, heads[t].weight, classes * d);
        at += aligned(classes * d * r);
        if (heads[t].bias) {
            bank->heads[t].bias = (real *)at;
            b->upload_real(b, (real *)at, heads[t].bias, classes);
        }
        at += aligned(classes * r);
    }
    at = bank->scratch;
    bank->unit = (real *)at;
    bank->dunit = (real *)(at += row);
    bank->norms = (float *)(at += row);
    bank->logits = (float *)(at += aligned(images * sizeof(float)));
    bank->dlogits = (real *)(at + aligned(images * most * sizeof(float)));
    *out = bank;
    return 0;
}

void head_bank_free(struct head_bank *bank) {
    if (!bank)
        return;
    bank->backend->release(bank->backend, bank->memory);
    bank->backend->release(bank->backend, bank->scratch);
    free(bank->heads);
    free(bank);
}

void head_bank_put(struct head_bank *bank, size_t task, const struct head *head) {
    struct backend *b = bank->backend;
    const struct bank_head *to = &bank->heads[task];
    b->upload_real(b, to->weight, head->weight, to->classes * bank->features);
    if (to->bias && head->bias)
        b->upload_real(b, to->bias, head->bias, to->classes);
}

/* Features to logits. */
static void forward(struct head_bank *bank, size_t task, const real *features,
                    size_t rows) {
    struct backend *b = bank->backend;
    const struct bank_head *head = &bank->heads[task];
    size_t d = bank->features;
    bank->task = task;
    bank->rows = rows;
    bank->input = features;
    if (bank->normalise) {
        b->l2_normalise(b, bank->unit, bank->norms, features, rows, d);
        bank->input = bank->unit;
    }
    b->matmul(b, &(struct matmul){.m = rows,
                                  .n = head->classes,
                                  .k = d,
                                  .a = bank->input,
                                  .lda = d,
                                  .b = head->weight,
                                  .ldb = d,
                                  .transpose_b = true,
                                  .bias = head->bias,
                                  .c = bank->logits,
                                  .ldc = head->classes,
                                  .c_is_f32 = true});
}

/* The logits' gradient to that of the features. */
static void backward(struct head_bank *bank, real *dfeatures) {
    struct backend *b = bank->backend;
    const struct bank_head *head = &bank->heads[bank->task];
    size_t d = bank->features;
    b->matmul(b, &(struct matmul){.m = bank->rows,
                                  .n = d,
                                  .k = head->classes,
                                  .a = bank->dlogits,
                                  .lda = head->classes,
                                  .b = head->weight,
                                  .ldb = d,
                                  .c = bank->normalise ? bank->dunit : dfeatures,
                                  .ldc = d});
    if (bank->normalise)
        b->l2_normalise_backward(b, dfeatures, bank->dunit, bank->unit, bank->norms,
                                 bank->rows, d);
}

void head_bank_loss(struct head_bank *bank, size_t task, const real *features,
                    size_t rows, const int32_t *labels, float *loss, const float *scale,
                    real *dfeatures) {
    struct backend *b = bank->backend;
    forward(bank, task, features, rows);
    b->cross_entropy(b, loss, dfeatures ? bank->dlogits : NULL, bank->logits, labels,
                     scale, rows, bank->heads[task].classes);
    if (dfeatures)
        backward(bank, dfeatures);
}

void head_bank_divergence(struct head_bank *bank, size_t task, const real *features,
                          size_t rows, const float *wanted, size_t count,
                          const int32_t *index, float *loss, const float *scale,
                          real *dfeatures) {
    struct backend *b = bank->backend;
    forward(bank, task, features, rows);
    b->divergence(b, loss, dfeatures ? bank->dlogits : NULL, bank->logits, wanted,
                  count, index, scale, rows, bank->heads[task].classes);
    if (dfeatures)
        backward(bank, dfeatures);
}

void head_bank_entropy(struct head_bank *bank, size_t task, const real *features,
                       size_t rows, float *loss, const float *scale, real *dfeatures) {
    struct backend *b = bank->backend;
    forward(bank, task, features, rows);
    b->entropy(b, loss, dfeatures ? bank->dlogits : NULL, bank->logits, scale, rows,
               bank->heads[task].classes);
    if (dfeatures)
        backward(bank, dfeatures);
}

void head_bank_predict(struct head_bank *bank, int32_t *predictions) {
    bank->backend->argmax(bank->backend, predictions, bank->logits, bank->rows,
                          bank->heads[bank->task].classes);
}

const float *head_bank_logits(const struct head_bank *bank) {
    return bank->logits;
}

void head_bank_gradient(struct head_bank *bank, float *dweight, float *dbias) {
    struct backend *b = bank->backend;
    size_t classes = bank->heads[bank->task].classes, d = bank->features;
    b->matmul(b, &(struct matmul){.m = classes,
                                  .n = d,
                                  .k = bank->rows,
                                  .a = bank->dlogits,
                                  .lda = classes,
                                  .transpose_a = true,
                                  .b = bank->input,
                                  .ldb = d,
                                  .c = dweight,
                                  .ldc = d,
                                  .c_is_f32 = true,
                                  .sums = dbias});
}

real *head_bank_weight(struct head_bank *bank, size_t task) {
    return bank->heads[task].weight;
}

real *head_bank_bias(struct head_bank *bank, size_t task) {
    return bank->heads[task].bias;
}
