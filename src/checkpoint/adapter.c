#include "checkpoint/adapter.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_text.h"
#include "base/memory.h"

static const char config_name[] = "adapter_config.json";
static const char tensors_name[] = "adapter_model.safetensors";

/* An entry of alpha_pattern: the alpha of modules whose names it matches. */
struct alpha {
    regex_t modules;
    double value;
};

struct adapter {
    char *path;
    json_t *config;
    struct alpha *alphas; /* in the order of the file */
    size_t alpha_count;
    struct safetensors *file;
    struct adapter_entry *entries;
    size_t count;
};

bool adapter_is(const char *path) {
    char name[PATH_MAX];
    return file_path_in(name, path, config_name) && access(name, F_OK) == 0;
}

/* --- the settings ----------------------------------------------------------------- */

/* Some ways to begin take something out of the model's own weights, which the product
 * then goes with: PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA. With these the model's weights
 * are left as they are. */
static bool keeps_weights(const json_t *start) {
    static const char *const known[] = {"gaussian", "eva", "orthogonal", "mica"};
    const char *name = json_string_value(start);
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return !start || json_is_null(start) || json_is_boolean(start);
}

static int check_config(const struct adapter *adapter, struct error *error) {
    const json_t *config = adapter->config;
    const json_t *start = json_object_get(config, "init_lora_weights");
    const char *type = json_string_value(json_object_get(config, "peft_type"));
    if (!type || strcmp(type, "LORA") != 0)
        return error_set(error, "%s/%s: peft_type is %s; only LORA is read",
                         adapter->path, config_name, type ? type : "missing");
    if (json_is_true(json_object_get(config, "use_dora")))
        return error_set(error,
                         "%s: is a DoRA adapter, which cannot be added to weights as a "
                         "LoRA adapter can; merge it into its model with PEFT first",
                         adapter->path);
    if (!keeps_weights(start))
        return error_set(error,
                         "%s/%s: init_lora_weights is %s, which changes the model's "
                         "own weights before training; merge the adapter into its "
                         "model with PEFT first",
                         adapter->path, config_name,
                         json_is_string(start) ? json_string_value(start) : "no name");
    if (json_array_size(json_object_get(config, "alora_invocation_tokens")))
        return error_set(error,
                         "%s/%s: alora_invocation_tokens: the adapter applies to a "
                         "part of each text only and cannot be added to weights",
                         adapter->path, config_name);
    if (json_array_size(json_object_get(config, "layer_replication")))
        return error_set(error, "%s/%s: layer_replication is not read", adapter->path,
                         config_name);
    if (!json_is_number(json_object_get(config, "lora_alpha")))
        return error_set(error, "%s/%s: lora_alpha is missing or not a number",
                         adapter->path, config_name);
    return 0;
}

/* Whether a pattern is one that POSIX and Python read alike, and harmless: the C
 * library's expressions take memory without bounds for repetitions in repetitions, and
 * end the process at deep brackets. */
static bool is_plain(const char *key) {
    enum { LONGEST = 1000, REPEATED = 8 };
    size_t repeated = 0;
    bool inside = false; /* of [...] */
    if (strlen(key) > LONGEST)
        return false;
    for (const char *c = key; *c; c++) {
        bool escaped = *c == '\\';
        c += escaped;
        if (escaped && (inside || !*c || (isalnum((unsigned char)*c) && *c != 'd')))
            return false;
        if (escaped)
            continue;
        inside = inside ? *c != ']' : *c == '[';
        repeated += *c == '+';
        if (*c == '{' || *c == '}' || repeated > REPEATED)
            return false;
    }
    return true;
}

/* A Python expression as one of POSIX: \d is the one class that patterns of layers use.
 * Freed with free(). */
static char *expression_of(const char *key) {
    static const char digit[] = "[0-9]";
    size_t length = strlen(key);
    char *text = array_new(length + 1, sizeof digit), *out = text;
    for (const char *c = key; text && *c; c++) {
        if (c[0] == '\\' && c[1] == 'd') {
            memcpy(out, digit, sizeof digit - 1);
            out += sizeof digit - 1;
            c++;
        } else {
            if (c[0] == '\\')
                *out++ = *c++;
            *out++ = *c;
        }
    }
    char *whole = text ? text_format("^(.*\\.)?(%s)$", text) : NULL;
    free(text);
    return whole;
}

static int add_alpha(struct adapter *adapter, const char *key, const json_t *value,
                     struct error *error) {
    struct alpha *alpha = &adapter->alphas[adapter->alpha_count];
    if (!json_is_number(value))
        return error_set(error, "%s/%s: alpha_pattern: %s is not given a number",
                         adapter->path, config_name, TEXT_CUT(key, 100));
    char *text = is_plain(key) ? expression_of(key) : NULL;
    if (!text && is_plain(key))
        return error_memory(error);
    int bad =
        text ? regcomp(&alpha->modules, text, REG_EXTENDED | REG_NOSUB) : REG_BADPAT;
    free(text);
    if (bad == REG_ESPACE)
        return error_memory(error);
    if (bad)
        return error_set(error, "%s/%s: alpha_pattern: %s is not understood",
                         adapter->path, config_name, TEXT_CUT(key, 100));
    alpha->value = json_number_value(value);
    adapter->alpha_count++;
    return 0;
}

static int read_alphas(struct adapter *adapter, struct error *error) {
    json_t *patterns = json_object_get(adapter->config, "alpha_pattern"), *value;
    const char *key;
    adapter->alphas = array_new(json_object_size(patterns), sizeof *adapter->alphas);
    if (!adapter->alphas)
        return error_memory(error);
    json_object_foreach(patterns, key, value) {
        if (add_alpha(adapter, key, value, error))
            return -1;
    }
    return 0;
}

/* PEFT's alpha of a module: the first entry of alpha_pattern that matches the end of
 * its name, or lora_alpha. */
static double alpha_of(const struct adapter *adapter, const char *module) {
    for (size_t i = 0; i < adapter->alpha_count; i++)
        if (regexec(&adapter->alphas[i].modules, module, 0, NULL, 0) == 0)
            return adapter->alphas[i].value;
    return json_number_value(json_object_get(adapter->config, "lora_alpha"));
}

/* --- the tensors ------------------------------------------------------------------ */

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
    double alpha = alpha_of(adapter, without_start(module));
    char *saved = text_format("%s.base_layer.weight", module);
    entry->name = saved ? text_format("%s.weight", without_start(module)) : NULL;
    entry->before = saved ? safetensors_find(adapter->file, saved) : NULL;
    free(module);
    free(saved);
    if (!entry->name)
        return error_memory(error);
    double rank = (double)a->shape[0];
    bool rooted = json_is_true(json_object_get(adapter->config, "use_rslora"));
    size_t outputs = (size_t)b->shape[0], inputs = product_of(a, 1);
    entry->product = (struct low_rank){
        .a = a,
        .b = b,
        .scale = alpha / (rooted ? sqrt(rank) : rank),
        .turned = embedding ||
                  json_is_true(json_object_get(adapter->config, "fan_in_fan_out")),
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
    int result =
        json_object_read(adapter->path, config_name, 0, &adapter->config, error) ||
                check_config(adapter, error) || read_alphas(adapter, error) ||
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
    for (size_t i = 0; i < adapter->alpha_count; i++)
        regfree(&adapter->alphas[i].modules);
    free(adapter->alphas);
    safetensors_close(adapter->file);
    json_decref(adapter->config);
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

/* --- products --------------------------------------------------------------------- */

/* out [columns, rows] = x [rows, columns] turned. */
static void turn(const float *x, size_t rows, size_t columns, float *out) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            out[j * rows + i] = x[i * columns + j];
}

int low_rank_read(const struct low_rank *p, const char *where, float **left,
                  float **right, struct error *error) {
    size_t a_count = (size_t)p->a->count, b_count = (size_t)p->b->count;
    float *a = array_new(a_count, sizeof *a), *b = array_new(b_count, sizeof *b);
    *left = array_new(p->turned ? a_count : b_count, sizeof **left);
    *right = array_new(p->turned ? b_count : a_count, sizeof **right);
    int result = a && b && *left && *right ? 0 : error_memory(error);
    if (result == 0)
        result =
            tensor_to_f32(p->a, where, a, error) || tensor_to_f32(p->b, where, b, error)
                ? -1
                : 0;
    if (result == 0 && p->turned) { /* (B A)' = A' B' */
        turn(a, p->rank, p->rows, *left);
        turn(b, p->columns, p->rank, *right);
    } else if (result == 0) {
        memcpy(*left, b, b_count * sizeof *b);
        memcpy(*right, a, a_count * sizeof *a);
    }
    for (size_t i = 0; result == 0 && i < p->rows * p->rank; i++)
        (*left)[i] = (float)(p->scale * (double)(*left)[i]);
    free(a);
    free(b);
    if (result == 0)
        return 0;
    free(*left);
    free(*right);
    *left = *right = NULL;
    return -1;
}

void low_rank_part(const struct low_rank *p, const float *left, const float *right,
                   size_t from, size_t count, float *out) {
    while (count > 0) {
        size_t row = from / p->columns, column = from % p->columns;
        size_t some = p->columns - column < count ? p->columns - column : count;
        memset(out, 0, some * sizeof *out);
        for (size_t k = 0; k < p->rank; k++) {
            const float factor = left[row * p->rank + k];
            const float *x = right + k * p->columns + column;
#pragma omp simd
            for (size_t i = 0; i < some; i++)
                out[i] += factor * x[i];
        }
        out += some;
        from += some;
        count -= some;
    }
}
