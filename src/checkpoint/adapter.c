#include "checkpoint/adapter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "checkpoint/adapter_config.h"

static const char tensors_name[] = "adapter_model.safetensors";

struct adapter {
    char *path;
    struct adapter_config *config;
    struct safetensors *file;
    struct adapter_entry *entries;
    size_t count;
};

bool adapter_is(const char *path) {
    char name[PATH_MAX];
    return file_path_in(name, path, ADAPTER_CONFIG_NAME) && access(name, F_OK) == 0;
}

static bool ends_with(const char *text, const char *ending, size_t *before) {
    size_t length = strlen(text), tail = strlen(ending);
    *before = length - tail;
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

static const char *without_start(const char *name) {
    static const char start[] = "base_model.model.";
    return strncmp(name, start, strlen(start)) == 0 ? name + strlen(start) : name;
}

static size_t product_of(const struct tensor *tensor, unsigned from) {
    size_t product = 1;
    for (unsigned i = from; i < tensor->rank; i++)
        product *= (size_t)tensor->shape[i];
    return product;
}

static int refuse(const struct adapter *adapter, const struct tensor *tensor,
                  const char *why, struct error *error) {
    return error_set(error, "%s/%s: %s: %s", adapter->path, tensors_name, tensor->name,
                     why);
}

/* A with its B, which is called other instead of own. */
static int add_product(struct adapter *adapter, const struct tensor *a, size_t before,
                       const char *other, bool embedding, struct error *error) {
    struct adapter_entry *entry = &adapter->entries[adapter->count];
    char *name = text_format("%.*s%s", (int)before, a->name, other);
    if (!name)
        return error_memory(error);
    const struct tensor *b = safetensors_find(adapter->file, name);
    free(name);
    if (!b)
        return refuse(adapter, a, "its other factor is missing", error);
    if (a->rank < 2 || b->rank < 2 || a->shape[0] == 0 || a->count == 0 ||
        b->count == 0 || b->shape[1] != a->shape[0] || product_of(b, 2) != 1)
        return refuse(adapter, a, "the shapes of its two factors do not agree", error);
    char *module = text_format("%.*s", (int)before, a->name);
    if (!module)
        return error_memory(error);
    double alpha = adapter_config_alpha(adapter->config, without_start(module));
    char *saved = text_format("%s.base_layer.weight", module);
    entry->name = saved ? text_format("%s.weight", without_start(module)) : NULL;
    entry->before = saved ? safetensors_find(adapter->file, saved) : NULL;
    free(module);
    free(saved);
    if (!entry->name)
        return error_memory(error);
    double rank = (double)a->shape[0];
    bool rooted = adapter_config_says(adapter->config, "use_rslora");
    size_t outputs = (size_t)b->shape[0], inputs = product_of(a, 1);
    entry->product = (struct low_rank){
        .a = a,
        .b = b,
        .scale = alpha / (rooted ? sqrt(rank) : rank),
        .turned = embedding || adapter_config_says(adapter->config, "fan_in_fan_out"),
        .embedding = embedding,
        .rank = (size_t)a->shape[0]};
    bool turned = entry->product.turned;
    entry->product.rows = turned ? inputs : outputs;
    entry->product.columns = turned ? outputs : inputs;
    adapter->count++;
    return 0;
}

static int add_tensor(struct adapter *adapter, const struct tensor *tensor,
                      struct error *error) {
    size_t before;
    const char *name = tensor->name;
    if (ends_with(name, ".lora_A.weight", &before))
        return add_product(adapter, tensor, before, ".lora_B.weight", false, error);
    if (ends_with(name, ".lora_embedding_A", &before))
        return add_product(adapter, tensor, before, ".lora_embedding_B", true, error);
    if (ends_with(name, ".lora_B.weight", &before) ||
        ends_with(name, ".lora_embedding_B", &before)) {
        char *other = text_format("%.*s%s", (int)before, name,
                                  strstr(name, ".lora_B.") ? ".lora_A.weight"
                                                           : ".lora_embedding_A");
        bool there = other && safetensors_find(adapter->file, other);
        free(other);
        return there ? 0
                     : refuse(adapter, tensor, "its other factor is missing", error);
    }
    if (ends_with(name, ".base_layer.weight", &before))
        return 0; /* found by add_product */
    if (strstr(name, "lora_"))
        return refuse(adapter, tensor, "no part of a plain LoRA adapter", error);
    struct adapter_entry *entry = &adapter->entries[adapter->count];
    entry->name = strdup(without_start(name));
    entry->whole = tensor;
    if (!entry->name)
        return error_memory(error);
    adapter->count++;
    return 0;
}

static int compare_entries(const void *left, const void *right) {
    const struct adapter_entry *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static int compare_key(const void *key, const void *entry) {
    return strcmp(key, ((const struct adapter_entry *)entry)->name);
}

/* Entries in the order of their names, each once. */
static int order(struct adapter *adapter, struct error *error) {
    qsort(adapter->entries, adapter->count, sizeof *adapter->entries, compare_entries);
    for (size_t i = 1; i < adapter->count; i++)
        if (strcmp(adapter->entries[i - 1].name, adapter->entries[i].name) == 0)
            return error_set(error, "%s/%s: %s is changed twice", adapter->path,
                             tensors_name, adapter->entries[i].name);
    return 0;
}

static int open_all(struct adapter *adapter, struct error *error) {
    char *path = text_format("%s/%s", adapter->path, tensors_name);
    if (!path)
        return error_memory(error);
    int result = adapter_config_open(adapter->path, &adapter->config, error) ||
                         safetensors_open(path, &adapter->file, error)
                     ? -1
                     : 0;
    free(path);
    if (result)
        return -1;
    size_t count = safetensors_count(adapter->file);
    adapter->entries = array_new(count, sizeof *adapter->entries);
    if (!adapter->entries)
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        if (add_tensor(adapter, safetensors_at(adapter->file, i), error))
            return -1;
    if (adapter->count == 0)
        return error_set(error, "%s/%s: changes nothing", adapter->path, tensors_name);
    return order(adapter, error);
}

int adapter_open(const char *path, struct adapter **result, struct error *error) {
    struct adapter *adapter = array_new(1, sizeof *adapter);
    if (!adapter || !(adapter->path = strdup(path))) {
        free(adapter);
        return error_memory(error);
    }
    if (open_all(adapter, error)) {
        adapter_close(adapter);
        return -1;
    }
    *result = adapter;
    return 0;
}

void adapter_close(struct adapter *adapter) {
    if (!adapter)
        return;
    for (size_t i = 0; i < adapter->count; i++)
        free(adapter->entries[i].name);
    free(adapter->entries);
    safetensors_close(adapter->file);
    adapter_config_close(adapter->config);
    free(adapter->path);
    free(adapter);
}

const char *adapter_path(const struct adapter *adapter) {
    return adapter->path;
}

size_t adapter_count(const struct adapter *adapter) {
    return adapter->count;
}

const struct adapter_entry *adapter_at(const struct adapter *adapter, size_t index) {
    return &adapter->entries[index];
}

const struct adapter_entry *adapter_find(const struct adapter *adapter,
                                         const char *name) {
    return bsearch(name, adapter->entries, adapter->count, sizeof *adapter->entries,
                   compare_key);
}

int adapter_rename(struct adapter *adapter, const char *const *names,
                   struct error *error) {
    for (size_t i = 0; i < adapter->count; i++) {
        char *name = names[i] ? strdup(names[i]) : NULL;
        if (names[i] && !name)
            return error_memory(error);
        if (!name)
            continue;
        free(adapter->entries[i].name);
        adapter->entries[i].name = name;
    }
    return order(adapter, error);
}

void adapter_turn(struct adapter *adapter, size_t index, bool turned) {
    struct low_rank *product = &adapter->entries[index].product;
    size_t rows = product->rows;
    if (adapter->entries[index].whole || product->embedding ||
        product->turned == turned)
        return;
    product->turned = turned;
    product->rows = product->columns;
    product->columns = rows;
}

int adapter_check(const struct adapter *adapter, const struct adapter_entry *entry,
                  const struct tensor *tensor, struct error *error) {
    char shape[128], own[128];
    const struct low_rank *product = &entry->product;
    tensor_shape_text(tensor, shape, sizeof shape);
    if (entry->whole) {
        bool same = entry->whole->rank == tensor->rank &&
                    memcmp(entry->whole->shape, tensor->shape,
                           tensor->rank * sizeof *tensor->shape) == 0;
        tensor_shape_text(entry->whole, own, sizeof own);
        return same ? 0
                    : error_set(error,
                                "%s: %s is %s, in the model %s: an adapter for "
                                "another model",
                                adapter->path, entry->name, own, shape);
    }
    if (entry->before &&
        (entry->before->dtype != tensor->dtype ||
         entry->before->bytes != tensor->bytes ||
         memcmp(entry->before->data, tensor->data, (size_t)tensor->bytes) != 0))
        return error_set(error,
                         "%s: %s was trained on other values than the model has: an "
                         "adapter for another model",
                         adapter->path, entry->name);
    size_t rows = tensor->rank ? (size_t)tensor->shape[0] : 1;
    size_t columns = rows ? (size_t)tensor->count / rows : 0;
    if (tensor->rank >= 2 && product->rows == rows && product->columns == columns)
        return 0;
    return error_set(error,
                     "%s: %s is changed by [%zu, %zu], in the model it is %s: an "
                     "adapter for another model",
                     adapter->path, entry->name, product->rows, product->columns,
                     shape);
}
