#include "moe/correction_bytes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include "moe/correction_heads.h"

static const char blob_kind[] = "pwemoe-correction";
static const char routers_name[] = "routers";
static const char heads_key[] = "heads"; /* of the metadata, where there are any */

/* What SQLite keeps in one place unless it was built otherwise; some for names. */
static const size_t blob_bytes_max = 1000000000 - 1000000;

static const char *const forms[] = {[CORRECTION_ONE] = "one",
                                    [CORRECTION_TASK] = "task",
                                    [CORRECTION_PAIR] = "pair",
                                    [CORRECTION_LINEAR] = "linear",
                                    [CORRECTION_WUDI] = "wudi"};

void correction_parts_clear(struct correction_parts *parts) {
    free(parts->vectors);
    routers_free(parts->routers);
    correction_heads_free(parts->heads, parts->tasks);
    *parts = (struct correction_parts){0};
}

bool correction_is(const void *bytes, size_t size) {
    return safetensors_memory_is(bytes, size, blob_kind);
}

int correction_fits(const struct layout *layout, size_t vectors, struct error *error) {
    size_t numbers = 0;
    for (size_t i = 0; i < layout->text_parameter; i++)
        numbers += layout->parameters[i].count;
    if (numbers <= blob_bytes_max / 2 / vectors)
        return 0;
    if (vectors > 1)
        return error_set(error,
                         "%zu vectors of %zu numbers are larger than results.db can "
                         "keep (%zu numbers at most); train one: --vectors one",
                         vectors, numbers, blob_bytes_max / 2);
    return error_set(error,
                     "a correction of %zu numbers is larger than results.db can keep "
                     "(%zu at most); train routers: --method ls",
                     numbers, blob_bytes_max / 2);
}

/* A tensor's name: of one vector alone the parameter's, else "2/" before it. Returns
 * out, or NULL where memory is out. */
static char *tensor_name(enum correction_form form, size_t k, const char *parameter) {
    return form == CORRECTION_ONE ? text_format("%s", parameter)
                                  : text_format("%zu/%s", k, parameter);
}

/* --- to bytes --------------------------------------------------------------------- */

struct source {
    const struct layout *layout;
    const float *vectors;
    size_t tensors;      /* of vectors; then come the heads' */
    const float **heads; /* [head_tensors] weights and biases */
    size_t head_tensors; /* then the routers */
    const void *routers;
    size_t routers_size;
    struct tensor_source *sources; /* of all of them */
    char **names;
};

/* Bytes of one that is there as it is to be. */
static size_t read_bytes(const void *from, uint64_t bytes, uint64_t offset, void *out,
                         size_t room) {
    uint64_t left = bytes - offset;
    size_t got = left < room ? (size_t)left : room;
    memcpy(out, (const char *)from + offset, got);
    return got;
}

static int read_tensor(void *self, size_t index, uint64_t offset, void *out,
                       size_t room, size_t *got, struct error *error) {
    (void)error;
    const struct source *source = self;
    const struct layout *l = source->layout;
    size_t after = source->tensors + source->head_tensors;
    if (index >= source->tensors) {
        const void *from =
            index < after ? source->heads[index - source->tensors] : source->routers;
        *got = read_bytes(from, source->sources[index].bytes, offset, out, room);
        return 0;
    }
    const struct parameter *p = &l->parameters[index % l->text_parameter];
    const float *vector = source->vectors + index / l->text_parameter * l->size;
    size_t first = (size_t)offset / 2, count = p->count - first;
    if (count > room / 2)
        count = room / 2;
    tensor_from_f32(DTYPE_BF16, vector + p->offset + first, count, out);
    *got = 2 * count;
    return 0;
}

static int name_vectors(struct source *source, enum correction_form form,
                        struct error *error) {
    const struct layout *l = source->layout;
    for (size_t i = 0; i < source->tensors; i++) {
        const struct parameter *p = &l->parameters[i % l->text_parameter];
        source->names[i] = tensor_name(form, i / l->text_parameter, p->name);
        if (!source->names[i])
            return error_memory(error);
        source->sources[i] = (struct tensor_source){.name = source->names[i],
                                                    .dtype_name = "BF16",
                                                    .rank = p->rank,
                                                    .bytes = 2 * p->count};
        memcpy(source->sources[i].shape, p->shape, sizeof p->shape);
    }
    return 0;
}

/* One more of the heads: values [rows, columns], or [rows] where columns is 0. */
static int name_head(struct source *source, size_t task, const char *what,
                     const float *values, size_t rows, size_t columns,
                     struct error *error) {
    size_t at = source->tensors + source->head_tensors;
    source->names[at] = text_format("%s/%zu.%s", heads_key, task, what);
    if (!source->names[at])
        return error_memory(error);
    source->sources[at] = (struct tensor_source){
        .name = source->names[at],
        .dtype_name = "F32",
        .rank = columns ? 2 : 1,
        .shape = {rows, columns},
        .bytes = rows * (columns ? columns : 1) * sizeof *values};
    source->heads[source->head_tensors++] = values;
    return 0;
}

static int name_heads(struct source *source, const struct correction_parts *parts,
                      struct error *error) {
    for (size_t t = 0; parts->heads && t < parts->tasks; t++) {
        const struct head *h = &parts->heads[t];
        if (name_head(source, t, "weight", h->weight, h->classes, h->features, error) ||
            (h->bias && name_head(source, t, "bias", h->bias, h->classes, 0, error)))
            return -1;
    }
    return 0;
}

static int write_tensors(struct source *source, const struct correction_parts *parts,
                         size_t tasks, void **bytes, size_t *size,
                         struct error *error) {
    enum correction_form form = parts->form;
    char count[24], ridge[32];
    if (name_vectors(source, form, error) || name_heads(source, parts, error))
        return -1;
    size_t all = source->tensors + source->head_tensors;
    source->sources[all] = (struct tensor_source){.name = routers_name,
                                                  .dtype_name = "U8",
                                                  .rank = 1,
                                                  .shape = {source->routers_size},
                                                  .bytes = source->routers_size};
    snprintf(count, sizeof count, "%zu", tasks);
    snprintf(ridge, sizeof ridge, "%.17g", parts->ridge);
    /* One vector says no form, as it did before there were others. */
    const char *metadata[16] = {"format", "pt", "kind", blob_kind, "tasks", count};
    size_t at = 6;
    if (form != CORRECTION_ONE) {
        metadata[at++] = "form";
        metadata[at++] = forms[form];
    }
    if (form == CORRECTION_WUDI) {
        metadata[at++] = "ridge";
        metadata[at++] = ridge;
    }
    if (parts->heads) {
        metadata[at++] = heads_key;
        metadata[at++] = "changed";
    }
    return safetensors_write_memory(source->sources, all + (source->routers != NULL),
                                    metadata, read_tensor, source, bytes, size, error);
}

int correction_to_memory(const struct layout *layout, size_t tasks,
                         const struct correction_parts *parts, void **bytes,
                         size_t *size, struct error *error) {
    void *routers = NULL;
    struct source source = {.layout = layout,
                            .vectors = parts->vectors,
                            .tensors = correction_count(parts->form, tasks) *
                                       layout->text_parameter};
    size_t room = source.tensors + (parts->heads ? 2 * parts->tasks : 0) + 1;
    if (parts->routers &&
        routers_to_memory(parts->routers, &routers, &source.routers_size, error))
        return -1;
    source.routers = routers;
    source.sources = array_new(room, sizeof *source.sources);
    source.names = array_new(room, sizeof *source.names);
    source.heads = array_new(room, sizeof *source.heads);
    int result = source.sources && source.names && source.heads
                     ? write_tensors(&source, parts, tasks, bytes, size, error)
                     : error_memory(error);
    for (size_t i = 0; source.names && i < room; i++)
        free(source.names[i]);
    free(source.names);
    free(source.sources);
    free(source.heads);
    free(routers);
    return result;
}

/* --- and back --------------------------------------------------------------------- */

static int take_vector(const struct safetensors *file, const char *label,
                       const struct layout *l, enum correction_form form, size_t k,
                       float *vector, struct error *error) {
    for (size_t i = 0; i < l->text_parameter; i++) {
        const struct parameter *p = &l->parameters[i];
        char *name = tensor_name(form, k, p->name);
        if (!name)
            return error_memory(error);
        const struct tensor *tensor = safetensors_find(file, name);
        free(name);
        if (!tensor || tensor->rank != p->rank || tensor->count != p->count ||
            memcmp(tensor->shape, p->shape, p->rank * sizeof *p->shape) != 0)
            return error_set(error, "%s: %s is missing or not of the expected shape",
                             label, p->name);
        if (tensor_to_f32(tensor, label, vector + p->offset, error))
            return -1;
    }
    return 0;
}

static int take_routers(const struct tensor *tensor, const char *label, size_t expected,
                        struct routers **routers, struct error *error) {
    if (tensor->rank != 1 || tensor->bytes != tensor->count)
        return error_set(error, "%s: its routers are not bytes", label);
    if (routers_from_memory(tensor->data, (size_t)tensor->bytes, label, routers, error))
        return -1;
    if ((*routers)->tasks == expected)
        return 0;
    return error_set(error, "%s: its routers are of %zu numbers, not %zu", label,
                     (*routers)->tasks, expected);
}

static int take_form(const struct safetensors *file, const char *label,
                     enum correction_form *form, struct error *error) {
    const char *text = safetensors_metadata(file, "form");
    *form = CORRECTION_ONE;
    for (size_t i = 0; text && i < sizeof forms / sizeof *forms; i++)
        if (strcmp(text, forms[i]) == 0) {
            *form = (enum correction_form)i;
            return 0;
        }
    return text ? error_set(error, "%s: is of a form that is not known", label) : 0;
}

static int take_ridge(const struct safetensors *file, const char *label,
                      struct correction_parts *parts, struct error *error) {
    const char *text = safetensors_metadata(file, "ridge");
    char *end = NULL;
    if (parts->form != CORRECTION_WUDI)
        return 0;
    parts->ridge = text ? strtod(text, &end) : 0;
    if (text && *end == '\0' && parts->ridge > 0 && isfinite(parts->ridge))
        return 0;
    return error_set(error, "%s: the ridge of its closed form is no number above 0",
                     label);
}

/* And how many tensors they are. */
static int take_heads(const struct safetensors *file, const char *label,
                      const struct layout *l, size_t tasks,
                      struct correction_parts *parts, size_t *tensors,
                      struct error *error) {
    *tensors = 0;
    if (!safetensors_metadata(file, heads_key))
        return 0;
    parts->heads = array_new(tasks, sizeof *parts->heads);
    parts->tasks = tasks;
    if (!parts->heads)
        return error_memory(error);
    for (size_t t = 0; t < tasks; t++) {
        char name[40];
        snprintf(name, sizeof name, "%s/%zu", heads_key, t);
        if (head_from_safetensors(file, name, label, model_config_features(&l->config),
                                  &parts->heads[t], error))
            return -1;
        *tensors += parts->heads[t].bias ? 2 : 1;
    }
    return 0;
}

static int take(const struct safetensors *file, const char *label,
                const struct layout *l, size_t tasks, struct correction_parts *parts,
                struct error *error) {
    char expected[24];
    snprintf(expected, sizeof expected, "%zu", tasks);
    const char *given = safetensors_metadata(file, "tasks");
    if (!given || strcmp(given, expected) != 0)
        return error_set(error, "%s: is for %s tasks; the pool has %zu", label,
                         given ? given : "no", tasks);
    if (take_form(file, label, &parts->form, error) ||
        take_ridge(file, label, parts, error))
        return -1;
    size_t count = correction_count(parts->form, tasks), numbers, of_heads;
    const struct tensor *routers = safetensors_find(file, routers_name);
    if (take_heads(file, label, l, tasks, parts, &of_heads, error))
        return -1;
    size_t tensors = count * l->text_parameter + of_heads + (routers != NULL);
    if (safetensors_count(file) != tensors)
        return error_set(error, "%s: has %zu tensors; the model has %zu", label,
                         safetensors_count(file), tensors);
    if (!size_multiply(count, l->size, &numbers) ||
        !(parts->vectors = array_new(numbers, sizeof *parts->vectors)))
        return error_memory(error);
    for (size_t k = 0; k < count; k++)
        if (take_vector(file, label, l, parts->form, k, parts->vectors + k * l->size,
                        error))
            return -1;
    return routers ? take_routers(routers, label, tasks + count, &parts->routers, error)
                   : 0;
}

int correction_from_memory(const void *bytes, size_t size, const char *label,
                           const struct layout *layout, size_t tasks,
                           struct correction_parts *parts, struct error *error) {
    struct safetensors *file;
    *parts = (struct correction_parts){0};
    if (safetensors_open_memory(bytes, size, label, &file, error))
        return -1;
    int result = take(file, label, layout, tasks, parts, error);
    safetensors_close(file);
    if (result)
        correction_parts_clear(parts);
    return result;
}
