/* A LoRA adapter as the model that it makes of another one; of directory.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/adapter.h"
#include "checkpoint/directory.h"
#include "checkpoint/directory_state.h"

bool model_directory_is_adapted(const struct model_directory *directory) {
    return directory->adapter != NULL;
}

/* One name is the other with something and a dot before it. */
static bool is_end(const char *longer, const char *shorter) {
    size_t a = strlen(longer), b = strlen(shorter);
    return a > b + 1 && longer[a - b - 1] == '.' &&
           strcmp(longer + a - b, shorter) == 0;
}

/* The tensor that an entry changes, by its name or, where one of the two models was
 * saved with a prefix ("vit.") and the other without, by the only one that ends alike;
 * NULL where there is none. */
static const struct tensor *target_of(const struct model_directory *under,
                                      const char *name) {
    const struct tensor *found = model_directory_find(under, name);
    size_t alike = 0;
    for (size_t i = 0; !found && i < under->count && alike < 2; i++) {
        const char *other = under->tensors[i]->name;
        if (!is_end(other, name) && !is_end(name, other))
            continue;
        found = alike++ == 0 ? under->tensors[i] : NULL;
    }
    return alike > 1 ? NULL : found;
}

/* transformers 5 calls the modules of a ViT by other names than its files have, and
 * PEFT saves the modules': vit.layers.0.attention.q_proj for
 * vit.encoder.layer.0.attention.attention.query. The file's name for that (free()), or
 * NULL. */
static char *file_name_of(const char *name) {
    static const char *const parts[][2] = {
        {"attention.q_proj.", "attention.attention.query."},
        {"attention.k_proj.", "attention.attention.key."},
        {"attention.v_proj.", "attention.attention.value."},
        {"attention.o_proj.", "attention.output.dense."},
        {"mlp.fc1.", "intermediate.dense."},
        {"mlp.fc2.", "output.dense."},
        {"layernorm_", "layernorm_"}};
    static const char layers[] = "layers.";
    const char *at = strncmp(name, "vit.", 4) == 0 ? name + 4 : name;
    if (strncmp(at, layers, strlen(layers)) != 0)
        return NULL;
    const char *number = at + strlen(layers);
    size_t digits = strspn(number, "0123456789");
    const char *rest = number + digits + 1;
    for (size_t i = 0;
         digits && number[digits] == '.' && i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i][0]);
        if (strncmp(rest, parts[i][0], length) == 0)
            return text_format("%.*sencoder.layer.%.*s.%s%s", (int)(at - name), name,
                               (int)digits, number, parts[i][1], rest + length);
    }
    return NULL;
}

int model_directory_match(const struct model_directory *d, struct adapter *adapter,
                          struct error *error) {
    size_t count = adapter_count(adapter);
    const char **names = array_new(count, sizeof *names);
    if (!names)
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        const char *name = adapter_at(adapter, i)->name;
        const struct tensor *found = target_of(d, name);
        char *other = found ? NULL : file_name_of(name);
        if (other)
            found = target_of(d, other);
        free(other);
        names[i] = found ? found->name : NULL;
    }
    int result = adapter_rename(adapter, names, error);
    free(names);
    for (size_t i = 0; result == 0 && model_directory_has_turned(d) && i < count; i++)
        adapter_turn(adapter, i,
                     model_directory_is_turned(d, adapter_at(adapter, i)->name));
    return result;
}

static bool is_head(const char *name) {
    return strncmp(name, "classifier.", 11) == 0 || strncmp(name, "score.", 6) == 0;
}

/* theta_0 plus the product, as f32, into made. */
static int add_product(const struct adapter *adapter, const struct adapter_entry *entry,
                       const struct tensor *target, struct tensor *made,
                       struct error *error) {
    const char *where = adapter_path(adapter);
    size_t count = (size_t)target->count;
    float *left = NULL, *right = NULL;
    float *values = array_new(count, sizeof *values);
    float *product = array_new(count, sizeof *product);
    int result = values && product ? 0 : error_memory(error);
    if (result == 0)
        result = tensor_to_f32(target, where, values, error) ||
                         low_rank_read(&entry->product, where, &left, &right, error)
                     ? -1
                     : 0;
    if (result == 0) {
        low_rank_part(&entry->product, left, right, 0, count, product);
        for (size_t i = 0; i < count; i++)
            values[i] += product[i];
        *made = *target;
        made->dtype = DTYPE_F32;
        made->dtype_name = "F32";
        made->bytes = count * sizeof *values;
        made->data = values;
    }
    free(left);
    free(right);
    free(product);
    if (result)
        free(values);
    return result;
}

/* One entry into made; *target is what it takes the place of, or NULL. */
static int make_entry(const struct model_directory *d,
                      const struct adapter_entry *entry, const struct tensor **target,
                      struct tensor *made, struct error *error) {
    *target = model_directory_find(d->under, entry->name);
    if (entry->whole && (!*target || is_head(entry->name))) {
        *made = *entry->whole;
        made->name = entry->name;
        return *target || is_head(entry->name)
                   ? 0
                   : error_set(error,
                               "%s: has %s, which %s lacks: an adapter for another "
                               "model",
                               d->path, entry->name, d->under->path);
    }
    if (!*target)
        return error_set(error,
                         "%s: changes %s, which %s lacks: an adapter for another model",
                         d->path, entry->name, d->under->path);
    if (adapter_check(d->adapter, entry, *target, error))
        return -1;
    if (!entry->whole)
        return add_product(d->adapter, entry, *target, made, error);
    *made = *entry->whole;
    made->name = entry->name;
    return 0;
}

static void put(struct model_directory *d, const struct tensor *target,
                const struct tensor *made) {
    for (size_t i = 0; i < d->count; i++)
        if (d->tensors[i] == target) {
            d->tensors[i] = made;
            return;
        }
    d->tensors[d->count++] = made;
}

static int make_tensors(struct model_directory *d, struct error *error) {
    size_t entries = adapter_count(d->adapter);
    d->made = array_new(entries, sizeof *d->made);
    d->tensors = array_new(d->under->count + entries, sizeof *d->tensors);
    if (!d->made || !d->tensors)
        return error_memory(error);
    d->count = d->under->count;
    memcpy(d->tensors, d->under->tensors, d->count * sizeof *d->tensors);
    for (; d->made_count < entries; d->made_count++) {
        const struct tensor *target;
        struct tensor *made = &d->made[d->made_count];
        if (make_entry(d, adapter_at(d->adapter, d->made_count), &target, made, error))
            return -1;
        put(d, target, made);
    }
    return model_directory_order(d, error);
}

/* The pretrained model's classes are not those of a classifier of another size. */
static int make_config(struct model_directory *d, struct error *error) {
    const struct tensor *head = model_directory_find(d, "classifier.weight");
    if (!head)
        head = model_directory_find(d, "score.weight");
    d->config = json_deep_copy(d->under->config);
    if (!d->config)
        return error_memory(error);
    size_t names = json_object_size(json_object_get(d->config, "id2label"));
    if (!head || !head->rank || !names || head->shape[0] == names)
        return 0;
    json_object_del(d->config, "id2label");
    json_object_del(d->config, "label2id");
    json_object_del(d->config, "num_labels");
    return 0;
}

static int open_adapted(struct model_directory *d, const char *pretrained,
                        struct error *error) {
    if (model_directory_open(pretrained, &d->under, error) ||
        adapter_open(d->path, &d->adapter, error) ||
        model_directory_match(d->under, d->adapter, error) || make_tensors(d, error) ||
        make_config(d, error) || model_directory_read_preprocessor(d, error))
        return -1;
    if (!d->preprocessor) {
        d->preprocessor = json_incref(d->under->preprocessor);
        d->preprocessor_name = d->under->preprocessor_name;
    }
    d->stem = d->under->stem;
    return 0;
}

int model_directory_open_expert(const char *path, const char *pretrained,
                                struct model_directory **out, struct error *error) {
    if (!adapter_is(path))
        return model_directory_open(path, out, error);
    struct model_directory *d = model_directory_new(path);
    if (!d)
        return error_memory(error);
    if (open_adapted(d, pretrained, error)) {
        model_directory_close(d);
        return -1;
    }
    *out = d;
    return 0;
}
