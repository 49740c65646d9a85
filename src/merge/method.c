#include "merge/method.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The table: ROW(name) for each `const struct merge_method merge_name`, which a file of
 * its own defines. */
#define METHOD_TABLE     \
    ROW(pretrained)      \
    ROW(average)         \
    ROW(task_arithmetic) \
    ROW(ties)            \
    ROW(dare)            \
    ROW(fisher)          \
    ROW(regmean)         \
    ROW(wudi)            \
    ROW(tsv_m)           \
    ROW(iso_c)           \
    ROW(iso_cts)

#define ROW(name) extern const struct merge_method merge_##name;
METHOD_TABLE
#undef ROW
#define ROW(name) &merge_##name,
static const struct merge_method *const methods[] = {METHOD_TABLE};
#undef ROW

enum { METHODS = sizeof methods / sizeof *methods };

const struct merge_method *const *merge_methods(size_t *count) {
    if (count)
        *count = METHODS;
    return methods;
}

const struct merge_method *merge_method_find(const char *name, struct error *error) {
    const char *names[METHODS];
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i]->name, name) == 0)
            return methods[i];
        names[i] = methods[i]->name;
    }
    const char *nearest = text_nearest(name, names, METHODS);
    if (nearest)
        error_set(error, "merging method \"%s\" is not known; did you mean %s?", name,
                  nearest);
    else
        error_set(error, "merging method \"%s\" is not known; see pwemoe merge --help",
                  name);
    return NULL;
}

/* --- parameters ------------------------------------------------------------------- */

static const struct merge_parameter common_parameters[] = {
    {.name = "heads",
     .words = "own|fitted|shared",
     .help = "fitted: each task's head by a ridge regression from the merged model's "
             "features of up to 400 training examples to its expert's, without labels; "
             "shared: by one map for all tasks, weighed by the preference"},
    {0}};

const struct merge_parameter *merge_common_parameters(void) {
    return common_parameters;
}

const struct merge_method merge_trained = {.name = "what was trained"};

bool merge_heads_fitted(const json_t *parameters) {
    const char *word = json_string_value(json_object_get(parameters, "heads"));
    return word && (strcmp(word, "fitted") == 0 || strcmp(word, "shared") == 0);
}

bool merge_heads_shared(const json_t *parameters) {
    const char *word = json_string_value(json_object_get(parameters, "heads"));
    return word && strcmp(word, "shared") == 0;
}

const struct merge_parameter *merge_parameter_find(const struct merge_method *method,
                                                   const char *name) {
    for (const struct merge_parameter *p = method->parameters; p && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    bool common = method->run || method == &merge_trained;
    for (const struct merge_parameter *p = common_parameters; common && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

/* The place of a word in "a|b|c", or -1. */
static int word_place(const char *words, const char *word) {
    size_t length = strlen(word);
    for (int place = 0; words; place++) {
        size_t n = strcspn(words, "|");
        if (n == length && strncmp(words, word, n) == 0)
            return place;
        words = words[n] ? words + n + 1 : NULL;
    }
    return -1;
}

static int check_value(const struct merge_method *method,
                       const struct merge_parameter *p, const json_t *value,
                       struct error *error) {
    if (p->rules) {
        bool texts = json_array_size(value) > 0;
        for (size_t i = 0; i < json_array_size(value); i++)
            texts = texts && json_is_string(json_array_get(value, i));
        return texts ? 0
                     : error_set(error, "%s: %s is given with --weight", method->name,
                                 p->name);
    }
    if (p->words) {
        const char *word = json_string_value(value);
        if (word && word_place(p->words, word) >= 0)
            return 0;
        return error_set(error, "%s: %s must be one of %s", method->name, p->name,
                         p->words);
    }
    if (p->each && json_array_size(value) > 0) {
        struct merge_parameter one = *p;
        one.each = false;
        for (size_t i = 0; i < json_array_size(value); i++)
            if (check_value(method, &one, json_array_get(value, i), error))
                return -1;
        return 0;
    }
    double number = json_number_value(value);
    bool sound = json_is_number(value) && isfinite(number) && number <= p->high &&
                 (p->above_low ? number > p->low : number >= p->low) &&
                 (!p->whole || floor(number) == number);
    if (sound)
        return 0;
    return error_set(error, "%s: %s must be a%s number %s %.16g and at most %.16g",
                     method->name, p->name, p->whole ? " whole" : "",
                     p->above_low ? "above" : "of at least", p->low, p->high);
}

static json_t *initial_value(const struct merge_parameter *p) {
    if (p->words)
        return json_stringn(p->words, strcspn(p->words, "|"));
    if (p->whole)
        return json_integer((json_int_t)p->initial);
    return json_real(p->initial);
}

static bool applies(const struct merge_parameter *p, const json_t *all) {
    char name[32];
    if (!p->with)
        return true;
    size_t length = strcspn(p->with, "=");
    snprintf(name, sizeof name, "%.*s", (int)length, p->with);
    const char *word = json_string_value(json_object_get(all, name));
    return word && strcmp(word, p->with + length + 1) == 0;
}

json_t *merge_parameters(const struct merge_method *method, const json_t *given,
                         struct error *error) {
    json_t *all = json_object();
    if (!all) {
        error_memory(error);
        return NULL;
    }
    void *at = given ? json_object_iter((json_t *)given) : NULL;
    for (; at; at = json_object_iter_next((json_t *)given, at)) {
        const char *name = json_object_iter_key(at);
        const struct merge_parameter *p = merge_parameter_find(method, name);
        if (!p) {
            error_set(error, "%s has no parameter \"%s\"", method->name, name);
            goto failed;
        }
        if (check_value(method, p, json_object_iter_value(at), error))
            goto failed;
        json_object_set(all, name, json_object_iter_value(at));
    }
    for (const struct merge_parameter *p = method->parameters; p && p->name; p++) {
        bool has = json_object_get(all, p->name) != NULL;
        if (!applies(p, all)) {
            if (!has)
                continue;
            error_set(error, "%s: %s can only be set with %s", method->name, p->name,
                      p->with);
            goto failed;
        }
        if (!has && !p->rules && json_object_set_new(all, p->name, initial_value(p))) {
            error_memory(error);
            goto failed;
        }
    }
    if (!merge_heads_fitted(all))
        json_object_del(all, "heads");
    return all;
failed:
    json_decref(all);
    return NULL;
}

char *merge_parameter_text(const struct merge_parameter *p, char *out, size_t size) {
    if (p->rules)
        snprintf(out, size, "%s", p->help);
    else if (p->words)
        snprintf(out, size, "%s (default %.*s)", p->help, (int)strcspn(p->words, "|"),
                 p->words);
    else
        snprintf(out, size, "%s; a%s number %s %.16g and at most %.16g (default %.16g)",
                 p->help, p->whole ? " whole" : "",
                 p->above_low ? "above" : "of at least", p->low, p->high, p->initial);
    return out;
}

double merge_number(const struct merge_input *input, const char *name) {
    return json_number_value(json_object_get(input->parameters, name));
}

int merge_word(const struct merge_input *input, const char *name) {
    return word_place(merge_parameter_find(input->method, name)->words,
                      json_string_value(json_object_get(input->parameters, name)));
}

/* --- results ---------------------------------------------------------------------- */

json_t *merge_settle(const struct merge_input *input, struct error *error) {
    json_t *settled = json_deep_copy(input->parameters);
    if (!settled) {
        error_memory(error);
        return NULL;
    }
    if (input->method->settle && input->method->settle(input, settled, error)) {
        json_decref(settled);
        return NULL;
    }
    return settled;
}

void merge_kept_clear(struct merge_kept *kept) {
    if (kept->free)
        kept->free(kept->state);
    *kept = (struct merge_kept){0};
}

int merge_run(const struct merge_input *input, struct merge_result *result,
              struct error *error) {
    double equal[POOL_TASKS_MAX];
    struct merge_input complete = *input;
    *result = (struct merge_result){0};
    if (input->preference && !input->method->takes_preference)
        return error_set(error, "%s takes no preference", input->method->name);
    if (input->method->needs_data && !input->train)
        return error_set(error,
                         "%s needs training data of every task; name it in the "
                         "recipe (train: ...)",
                         input->method->name);
    if (!input->preference && input->method->takes_preference) {
        for (size_t t = 0; t < input->pool->tasks; t++)
            equal[t] = 1 / (double)input->pool->tasks;
        complete.preference = equal;
    }
    json_t *settled = NULL;
    if (input->method->settle) {
        settled = merge_settle(&complete, error);
        if (!settled)
            return -1;
        complete.parameters = settled;
    }
    int status = input->method->run(&complete, result, error);
    if (status)
        merge_result_clear(input->pool, result);
    json_decref(settled);
    return status;
}

void merge_result_clear(struct pool *pool, struct merge_result *result) {
    free(result->weights);
    pool->backend->release(pool->backend, result->owned);
    *result = (struct merge_result){0};
}

static int fill_weights(struct merge_result *result, size_t count, float weight,
                        struct error *error) {
    result->count = count;
    result->weights = array_new(count, sizeof *result->weights);
    if (!result->weights)
        return error_memory(error);
    for (size_t t = 0; t < count; t++)
        result->weights[t] = weight;
    return 0;
}

int merge_uniform(const struct merge_input *input, float weight,
                  struct merge_result *result, struct error *error) {
    result->vectors = input->pool->vectors;
    result->stride = input->pool->layout->size;
    return fill_weights(result, input->pool->tasks, weight, error);
}

int merge_own_vector(const struct merge_input *input, const float *vector, float weight,
                     struct merge_result *result, struct error *error) {
    struct backend *b = input->pool->backend;
    size_t size = input->pool->layout->size;
    if (b->allocate(b, size * b->real_size, (void **)&result->owned, error))
        return -1;
    b->upload_real(b, result->owned, vector, size);
    result->vectors = result->owned;
    result->stride = size;
    return fill_weights(result, 1, weight, error) || b->synchronise(b, error) ? -1 : 0;
}

int merge_own_made(const struct merge_input *input, real *vector,
                   struct merge_result *result, struct error *error) {
    struct backend *b = input->pool->backend;
    result->owned = vector;
    result->vectors = result->owned;
    result->stride = input->pool->layout->size;
    return fill_weights(result, 1, 1, error) || b->synchronise(b, error) ? -1 : 0;
}

const float *merge_host_vectors(const struct merge_input *input, struct error *error) {
    struct pool *pool = input->pool;
    struct backend *b = pool->backend;
    size_t count;
    if (b->synchronise(b, error))
        return NULL;
    if (b->host_view)
        return b->host_view(b, pool->vectors);
    float *copy = size_multiply(pool->layout->size, pool->tasks, &count)
                      ? array_new(count, sizeof *copy)
                      : NULL;
    if (!copy) {
        error_memory(error);
        return NULL;
    }
    if (b->download_real(b, copy, pool->vectors, count, error)) {
        free(copy);
        return NULL;
    }
    return copy;
}

void merge_host_free(const struct merge_input *input, const float *vectors) {
    if (!input->pool->backend->host_view)
        free((void *)(uintptr_t)vectors);
}
