#include "tensorwise/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tensorwise/gathered.h"
#include "tensorwise/vocabulary.h"
#include "tensorwise/vocabulary_files.h"

bool models_is_weights(enum dtype dtype) {
    return dtype == DTYPE_F64 || dtype == DTYPE_F32 || dtype == DTYPE_F16 ||
           dtype == DTYPE_BF16;
}

static bool same_shape(const struct tensor *a, const struct tensor *b) {
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

/* What does not match, for one line: how many, and the first few. */
struct list {
    size_t count;
    char text[400];
};

static void list_add(struct list *list, const char *name) {
    size_t used = strlen(list->text);
    list->count++;
    if (list->count <= 3)
        snprintf(list->text + used, sizeof list->text - used, "%s%s", used ? ", " : "",
                 TEXT_CUT(name, 100));
    else if (list->count == 4)
        snprintf(list->text + used, sizeof list->text - used, ", ...");
}

static int refuse_names(const struct models *models, size_t expert,
                        const struct list *lacking, const struct list *further,
                        struct error *error) {
    const char *path = models_path(models, expert);
    const char *base = model_directory_path(models->base);
    bool lacks = lacking->count > 0;
    const struct list *list = lacks ? lacking : further;
    if (lacking->count == models->tensor_count)
        return error_set(error,
                         "%s: has none of the %zu tensors of %s (%s); its own are "
                         "named %s; it is another kind of model",
                         path, lacking->count, base, lacking->text, further->text);
    return error_set(error,
                     "%s: %s %zu tensor%s that %s %s (%s); with --partial the base "
                     "model's tensors are kept where not all models have them",
                     path, lacks ? "lacks" : "has", list->count,
                     list->count == 1 ? "" : "s", base, lacks ? "has" : "lacks",
                     list->text);
}

/* The names of one model against the base model's. */
static int match_names(struct models *models, size_t expert, bool partial,
                       struct error *error) {
    struct list lacking = {0}, further = {0};
    struct model_directory *own = models->experts[expert];
    for (size_t i = 0; i < models->tensor_count; i++) {
        const char *name = models->tensors[i].base->name;
        const struct tensor *found = model_directory_find(own, name);
        models->cells[i * models->count + expert].whole = found;
        if (!found)
            list_add(&lacking, name);
    }
    for (size_t i = 0; i < model_directory_count(own); i++) {
        const char *name = model_directory_at(own, i)->name;
        if (!model_directory_find(models->base, name))
            list_add(&further, name);
    }
    models->out += further.count;
    bool none = lacking.count == models->tensor_count;
    if ((lacking.count || further.count) && (!partial || none))
        return refuse_names(models, expert, &lacking, &further, error);
    return 0;
}

/* And of an adapter, which may change only what is there. */
static int match_adapter(struct models *models, size_t expert, bool partial,
                         struct error *error) {
    struct list further = {0};
    if (model_directory_match(models->base, models->adapters[expert], error))
        return -1;
    const struct adapter *adapter = models->adapters[expert];
    for (size_t i = 0; i < models->tensor_count; i++) {
        const struct tensor *base = models->tensors[i].base;
        struct expert_tensor *cell = &models->cells[i * models->count + expert];
        const struct adapter_entry *entry = adapter_find(adapter, base->name);
        if (!entry)
            continue;
        if (!models->tensors[i].indexed && adapter_check(adapter, entry, base, error))
            return -1;
        cell->whole = entry->whole;
        cell->product = entry->whole ? NULL : &entry->product;
    }
    for (size_t i = 0; i < adapter_count(adapter); i++)
        if (!model_directory_find(models->base, adapter_at(adapter, i)->name))
            list_add(&further, adapter_at(adapter, i)->name);
    models->out += further.count;
    if (!further.count || (partial && further.count < adapter_count(adapter)))
        return 0;
    return error_set(error,
                     "%s: changes %zu tensor%s that %s lacks (%s); it is an adapter "
                     "for another model, or its tensors have other names",
                     adapter_path(adapter), further.count,
                     further.count == 1 ? "" : "s", model_directory_path(models->base),
                     further.text);
}

static int refuse_shape(const struct models *models, const struct tensor *base,
                        size_t expert, const struct tensor *own, struct error *error) {
    char shape[128], other[128];
    struct error tokens = {.text = "with --partial such tensors stay as the latter's"};
    tensor_shape_text(own, shape, sizeof shape);
    tensor_shape_text(base, other, sizeof other);
    bool words =
        models->experts[expert] &&
        vocabulary_differs(base, own, models->base, models->experts[expert], &tokens);
    return error_set(error, "%s: %s is %s, in %s it is %s%s%s",
                     models_path(models, expert), base->name, shape,
                     model_directory_path(models->base), other, words ? ": " : "; ",
                     tokens.text);
}

/* What is no weight and the same in all is copied; what differs is the base model's. */
static void keep_others(struct models *models, struct model_tensor *tensor,
                        const struct expert_tensor *cells) {
    bool differs = false;
    for (size_t t = 0; t < models->count; t++)
        differs |= cells[t].whole && (cells[t].whole->bytes != tensor->base->bytes ||
                                      memcmp(cells[t].whole->data, tensor->base->data,
                                             (size_t)tensor->base->bytes) != 0);
    models->kept += differs;
}

static int refuse_dtypes(const struct models *models, const struct tensor *base,
                         size_t expert, const struct tensor *own, struct error *error) {
    return error_set(error,
                     "%s: %s is %s, in %s it is %s; only F64, F32, F16 and BF16 are "
                     "merged",
                     models_path(models, expert), base->name, own->dtype_name,
                     model_directory_path(models->base), base->dtype_name);
}

/* A product is added to numbers alone. */
static int refuse_product(const struct models *models, const struct tensor *base,
                          size_t expert, struct error *error) {
    return error_set(error,
                     "%s: changes %s, which in %s is %s; only F64, F32, F16 and BF16 "
                     "are merged",
                     models_path(models, expert), base->name,
                     model_directory_path(models->base), base->dtype_name);
}

/* What is merged is in the order of the joined vocabulary from here on. */
static int gather(struct models *models, struct model_tensor *tensor,
                  struct expert_tensor *cells, struct error *error) {
    if (gathered_new(&models->vocabulary, model_directory_path(models->base),
                     models->paths, tensor->base, cells, &tensor->gathered, error))
        return -1;
    struct gathered *g = tensor->gathered;
    tensor->base = &g->base;
    for (size_t t = 0; t < models->count; t++)
        if (cells[t].whole || cells[t].product)
            cells[t] = (struct expert_tensor){.whole = &g->experts[t].tensor};
    return 0;
}

static int match_tensor(struct models *models, size_t index, bool partial,
                        struct error *error) {
    struct model_tensor *tensor = &models->tensors[index];
    struct expert_tensor *cells = models->cells + index * models->count;
    bool whole = true, weights = models_is_weights(tensor->base->dtype);
    for (size_t t = 0; t < models->count; t++) {
        if (models->adapters[t] && !cells[t].whole)
            continue;
        if (cells[t].whole && !tensor->indexed &&
            !same_shape(tensor->base, cells[t].whole)) {
            if (!partial)
                return refuse_shape(models, tensor->base, t, cells[t].whole, error);
            whole = false;
        } else if (cells[t].whole) {
            weights &= models_is_weights(cells[t].whole->dtype);
        } else {
            whole = false;
        }
    }
    if (!whole && tensor->indexed)
        return error_set(
            error, "%s: not every model has this tensor, which --vocabulary needs",
            tensor->base->name);
    if (!whole) {
        models->left++;
        return 0;
    }
    if (weights) {
        tensor->experts = cells;
        return tensor->indexed ? gather(models, tensor, cells, error) : 0;
    }
    for (size_t t = 0; t < models->count; t++) {
        if (cells[t].product)
            return refuse_product(models, tensor->base, t, error);
        if (cells[t].whole && (cells[t].whole->dtype != tensor->base->dtype ||
                               tensor->base->dtype == DTYPE_OTHER))
            return refuse_dtypes(models, tensor->base, t, cells[t].whole, error);
    }
    keep_others(models, tensor, cells);
    return 0;
}

static int open_expert(const char *path, struct models *models, size_t expert,
                       struct error *error) {
    if (!adapter_is(path))
        return model_directory_open_any(path, &models->experts[expert], error);
    if (!models->pretrained)
        return error_set(error,
                         "%s: is an adapter; give the model it changes as "
                         "--pretrained",
                         path);
    return adapter_open(path, &models->adapters[expert], error);
}

static int open_all(const struct models_wish *wish, struct models *models,
                    struct error *error) {
    models->pretrained = wish->pretrained != NULL;
    if (wish->pretrained &&
        model_directory_open_any(wish->pretrained, &models->base, error))
        return -1;
    for (size_t t = 0; t < wish->count; t++) {
        if (open_expert(wish->experts[t], models, t, error))
            return -1;
        models->names[t] = wish->names[t];
        models->count++;
    }
    if (!wish->pretrained)
        models->base = models->experts[0];
    return 0;
}

/* As safetensors_write lays out a file, so that files are read from front to back. */
static int compare_order(const void *left, const void *right) {
    const struct tensor *a = ((const struct model_tensor *)left)->base;
    const struct tensor *b = ((const struct model_tensor *)right)->base;
    const struct dtype_entry *x = dtype_entry_find(a->dtype_name),
                             *y = dtype_entry_find(b->dtype_name);
    if (x != y)
        return x > y ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* That the tokenizer of the joined vocabulary can be written, before the tensors are.
 */
static int check_files(const struct models *models, struct error *error) {
    struct vocabulary_file files[VOCABULARY_FILES];
    size_t count;
    if (vocabulary_files(&models->vocabulary, model_directory_path(models->base),
                         models->paths, files, &count, error))
        return -1;
    vocabulary_files_release(files, count);
    return 0;
}

/* One vocabulary for all, or, where none is asked for, a look that it is one. */
static int match_vocabularies(const struct models_wish *wish, struct models *models,
                              struct error *error) {
    const char *path = model_directory_path(models->base);
    bool adapters[MODELS_MAX];
    const json_t *config = model_directory_config(models->base);
    json_t *tokens = vocabulary_tokens(path);
    uint64_t rows = 0;
    int result = 0;
    for (size_t i = 0; tokens && i < models->tensor_count; i++) {
        struct model_tensor *tensor = &models->tensors[i];
        if (!vocabulary_indexes(tensor->base, tokens, config) ||
            (rows && tensor->base->shape[0] != rows))
            continue;
        rows = tensor->base->shape[0];
        tensor->indexed = wish->vocabulary != VOCABULARY_SAME;
    }
    for (size_t t = 0; t < models->count; t++) {
        models->paths[t] = models_path(models, t);
        adapters[t] = models->adapters[t] != NULL;
        if (result == 0 && rows && wish->vocabulary == VOCABULARY_SAME)
            result = vocabulary_agree(tokens, path, models->paths[t], error);
    }
    if (wish->vocabulary != VOCABULARY_SAME)
        result =
            rows ? vocabulary_join(wish->vocabulary, path, (size_t)rows, models->paths,
                                   adapters, models->count, &models->vocabulary, error)
                 : error_set(error, "%s: %s, which --vocabulary is for", path,
                             tokens ? "no tensor has a row for each token"
                                    : "has no tokenizer.json and no vocab.json");
    json_decref(tokens);
    return result || !models->vocabulary.rows ? result : check_files(models, error);
}

int models_open(const struct models_wish *wish, struct models *models,
                struct error *error) {
    size_t cells;
    *models = (struct models){0};
    if (open_all(wish, models, error))
        return -1;
    models->tensor_count = model_directory_count(models->base);
    if (!size_multiply(models->tensor_count, models->count, &cells) ||
        !(models->cells = array_new(cells, sizeof *models->cells)) ||
        !(models->tensors = array_new(models->tensor_count, sizeof *models->tensors)))
        return error_memory(error);
    if (models->tensor_count == 0)
        return error_set(error, "%s: has no tensors",
                         model_directory_path(models->base));
    for (size_t i = 0; i < models->tensor_count; i++)
        models->tensors[i].base = model_directory_at(models->base, i);
    qsort(models->tensors, models->tensor_count, sizeof *models->tensors,
          compare_order);
    if (match_vocabularies(wish, models, error))
        return -1;
    for (size_t t = 0; t < models->count; t++)
        if (models->adapters[t] ? match_adapter(models, t, wish->partial, error)
                                : match_names(models, t, wish->partial, error))
            return -1;
    for (size_t i = 0; i < models->tensor_count; i++)
        if (match_tensor(models, i, wish->partial, error))
            return -1;
    return 0;
}

void models_close(struct models *models) {
    for (size_t i = 0; models->tensors && i < models->tensor_count; i++)
        gathered_free(models->tensors[i].gathered);
    vocabulary_release(&models->vocabulary);
    for (size_t t = 0; t < models->count; t++) {
        model_directory_close(models->experts[t]);
        adapter_close(models->adapters[t]);
    }
    if (models->pretrained)
        model_directory_close(models->base);
    free(models->tensors);
    free(models->cells);
    *models = (struct models){0};
}

static const char *name_at(const void *self, size_t index) {
    const struct models *models = self;
    const struct model_tensor *tensor = &models->tensors[index];
    return tensor->experts ? tensor->base->name : NULL;
}

struct tensor_names models_names(const struct models *models) {
    return (struct tensor_names){name_at, models, models->tensor_count};
}

const char *models_path(const struct models *models, size_t expert) {
    return models->adapters[expert] ? adapter_path(models->adapters[expert])
                                    : model_directory_path(models->experts[expert]);
}

int models_enter(const struct models *models, size_t index, struct error *error) {
    struct gathered *g = models->tensors[index].gathered;
    return g ? gathered_fill(g, error) : 0;
}

void models_leave(const struct models *models, size_t index) {
    if (models->tensors[index].gathered)
        gathered_empty(models->tensors[index].gathered);
}

uint64_t models_room(const struct models *models, size_t index) {
    const struct gathered *g = models->tensors[index].gathered;
    return g ? gathered_bytes(g) : 0;
}

void models_visit(const struct models *models, size_t index,
                  void (*visit)(void *self, const struct tensor *tensor), void *self) {
    const struct model_tensor *tensor = &models->tensors[index];
    const struct gathered *g = tensor->gathered;
    const struct tensor *base = g ? g->base_source : tensor->base;
    visit(self, base);
    for (size_t t = 0; tensor->experts && t < models->count; t++) {
        const struct expert_tensor *own =
            g ? &g->experts[t].source : &tensor->experts[t];
        if (own->whole && own->whole != base)
            visit(self, own->whole);
        if (own->product) {
            visit(self, own->product->a);
            visit(self, own->product->b);
        }
    }
}

static void add_bytes(void *self, const struct tensor *tensor) {
    *(uint64_t *)self += tensor->bytes;
}

uint64_t models_bytes(const struct models *models) {
    uint64_t sum = 0;
    for (size_t i = 0; i < models->tensor_count; i++)
        models_visit(models, i, add_bytes, &sum);
    return sum;
}
