#include "moe/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/routers.h"

/* Reads the pretrained model: its layout, constants and weights. */
static int open_pretrained(struct pool *pool, const char *model, const char *path,
                           float **weights, struct error *error) {
    struct model_config config;
    if (model_directory_open(path, &pool->pretrained, error) ||
        model_config_read(model_directory_config(pool->pretrained), model, path,
                          &config, error) ||
        layout_new(&config, pool->pretrained, &pool->layout, error) ||
        example_form_read(pool->pretrained, &config, &pool->form, error))
        return -1;
    *weights = array_new(pool->layout->size, sizeof **weights);
    if (!*weights)
        return error_memory(error);
    return layout_load(pool->layout, pool->pretrained, NULL, *weights, error);
}

static int read_head(struct pool *pool, size_t index, const struct pool_task *task,
                     const struct model_directory *expert, struct error *error) {
    struct head *head = &pool->heads[index];
    size_t features = model_config_features(&pool->layout->config);
    if (pool_head_follows(pool, index))
        return 0; /* made once the expert is on the device */
    if (!task->made)
        return *task->head ? head_from_file(task->head, features, head, error)
                           : head_from_directory(expert, features, head, error);
    if (task->made->features != features)
        return error_set(error, "its head reads %zu features, the model has %zu",
                         task->made->features, features);
    *head = *task->made;
    *task->made = (struct head){0};
    return 0;
}

/* Reads one expert into vector (scratch of the layout's size) as a task vector; NULL:
 * its head alone. */
static int read_expert(struct pool *pool, size_t index, const struct pool_task *task,
                       const float *base, float *vector, struct error *error) {
    struct model_directory *expert;
    if (model_directory_open_expert(
            task->expert, model_directory_path(pool->pretrained), &expert, error))
        return error_prefix(error, "task %s", task->name);
    int result = vector ? layout_load(pool->layout, expert, base, vector, error)
                        : layout_check_config(pool->layout, expert, error);
    if (result == 0)
        result = read_head(pool, index, task, expert, error);
    model_directory_close(expert);
    if (result)
        return error_prefix(error, "task %s", task->name);
    for (size_t i = 0; vector && i < pool->layout->size; i++)
        vector[i] -= base[i];
    return 0;
}

/* --- heads that follow the text tower --------------------------------------------- */

bool pool_head_follows(const struct pool *pool, size_t task) {
    return pool->text && pool->prompts[task].classes > 0;
}

int pool_head(struct pool *pool, const real *weights, size_t task, struct head *head,
              struct error *error) {
    const real *text = backend_at(pool->backend, weights, pool->layout->text_begin);
    return zero_shot_head(pool->text, text, &pool->prompts[task], head, NULL, error);
}

int pool_put_head(struct pool *pool, const real *weights, size_t task,
                  struct head_bank *bank, struct error *error) {
    struct head head;
    if (!pool_head_follows(pool, task))
        return 0;
    if (pool_head(pool, weights, task, &head, error))
        return -1;
    head_bank_put(bank, task, &head);
    head_clear(&head);
    return 0;
}

int pool_put_heads(struct pool *pool, const real *weights, struct head_bank *bank,
                   struct error *error) {
    for (size_t t = 0; t < pool->tasks; t++)
        if (pool_put_head(pool, weights, t, bank, error))
            return -1;
    return 0;
}

static int take_prompts(struct pool *pool, const struct pool_task *tasks,
                        struct error *error) {
    size_t given = 0;
    for (size_t t = 0; t < pool->tasks; t++)
        given += tasks[t].prompts != NULL;
    if (!given)
        return 0;
    if (!pool->layout->text)
        return error_set(error, "prompts for a model whose text tower is not merged");
    pool->prompts = array_new(pool->tasks, sizeof *pool->prompts);
    if (!pool->prompts)
        return error_memory(error);
    if (zero_shot_new(pool->backend, pool->pretrained, pool->layout->text, &pool->text,
                      error))
        return -1;
    for (size_t t = 0; t < pool->tasks; t++) {
        if (!tasks[t].prompts)
            continue;
        pool->prompts[t] = *tasks[t].prompts;
        *tasks[t].prompts = (struct zero_shot_task){0};
    }
    return 0;
}

/* Each expert's head by its own text tower. */
static int make_heads(struct pool *pool, const struct pool_task *tasks,
                      struct error *error) {
    struct backend *b = pool->backend;
    size_t size = pool->layout->size;
    struct merge_segment whole = {.count = size}, *segment = NULL;
    const float one = 1;
    real *expert = NULL;
    float *weight = NULL;
    if (!pool->text)
        return 0;
    int result = b->allocate(b, sizeof whole, (void **)&segment, error) ||
                         b->allocate(b, sizeof one, (void **)&weight, error) ||
                         b->allocate(b, size * b->real_size, (void **)&expert, error)
                     ? -1
                     : 0;
    if (result == 0) {
        b->upload(b, segment, &whole, sizeof whole);
        b->upload(b, weight, &one, sizeof one);
    }
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        if (!pool_head_follows(pool, t))
            continue;
        b->merge(b, expert, pool->base, backend_at(b, pool->vectors, t * size), size, 1,
                 segment, 1, weight);
        result = pool_head(pool, expert, t, &pool->heads[t], error);
        if (result)
            error_prefix(error, "task %s", tasks[t].name);
    }
    b->release(b, segment);
    b->release(b, weight);
    b->release(b, expert);
    return result;
}

/* --- opening ---------------------------------------------------------------------- */

static int take_names(struct pool *pool, const struct pool_task *tasks,
                      struct error *error) {
    pool->names = array_new(pool->tasks, sizeof *pool->names);
    for (size_t t = 0; pool->names && t < pool->tasks; t++)
        if (!(pool->names[t] = strdup(tasks[t].name)))
            return error_memory(error);
    return pool->names ? 0 : error_memory(error);
}

/* Which form the vectors are to have. */
enum vectors_form { FORM_DENSE, FORM_FEWER, FORM_FACTORS };

/* Room for the models, and the pretrained one there. */
static int place_base(struct pool *pool, const struct pool_task *tasks,
                      enum vectors_form form, const float *base, struct error *error) {
    struct backend *b = pool->backend;
    const char *experts[POOL_TASKS_MAX];
    size_t size = pool->layout->size, bytes;
    for (size_t t = 0; t < pool->tasks; t++)
        experts[t] = tasks[t].expert;
    if (!size_multiply(size * b->real_size, pool->tasks, &bytes))
        return error_memory(error);
    if (b->allocate(b, size * b->real_size, (void **)&pool->base, error) ||
        (form != FORM_DENSE &&
         task_factors_new(b, pool->layout, pool->pretrained, experts, pool->tasks,
                          form == FORM_FACTORS, &pool->factors, error)) ||
        (!pool->factors &&
         backend_allocate_kept(b, bytes, (void **)&pool->vectors, error)))
        return error_prefix(error, "%zu task vectors", pool->tasks);
    b->upload_real(b, pool->base, base, size);
    return 0;
}

static int read_experts(struct pool *pool, const struct pool_task *tasks,
                        const float *base, const struct work *work,
                        struct error *error) {
    struct backend *b = pool->backend;
    size_t size = pool->layout->size;
    float *vector = pool->factors ? NULL : array_new(size, sizeof *vector);
    int result = vector || pool->factors ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < pool->tasks; t++) {
        work_report(work, "reading models", t, pool->tasks);
        result = work_stopped(work)
                     ? error_set(error, "stopped")
                     : read_expert(pool, t, &tasks[t], base, vector, error);
        if (result == 0 && vector)
            b->upload_real(b, backend_at(b, pool->vectors, t * size), vector, size);
    }
    free(vector);
    if (result == 0)
        work_report(work, "reading models", pool->tasks, pool->tasks);
    return result;
}

static int open_pool(struct backend *b, const char *model, const char *pretrained,
                     const struct pool_task *tasks, size_t task_count,
                     enum vectors_form form, struct pool **out, const struct work *work,
                     struct error *error) {
    if (task_count < 1 || task_count > POOL_TASKS_MAX)
        return error_set(error, "%zu tasks; 1 to %d can be merged", task_count,
                         POOL_TASKS_MAX);
    struct pool *pool = array_new(1, sizeof *pool);
    float *base = NULL;
    if (!pool)
        return error_memory(error);
    pool->backend = b;
    pool->tasks = task_count;
    pool->heads = array_new(task_count, sizeof *pool->heads);
    int result = pool->heads ? 0 : error_memory(error);
    if (result == 0)
        result = take_names(pool, tasks, error) ||
                         open_pretrained(pool, model, pretrained, &base, error) ||
                         take_prompts(pool, tasks, error) ||
                         place_base(pool, tasks, form, base, error) ||
                         read_experts(pool, tasks, base, work, error) ||
                         b->synchronise(b, error) || make_heads(pool, tasks, error)
                     ? -1
                     : 0;
    free(base);
    if (result)
        pool_close(pool);
    else
        *out = pool;
    return result;
}

int pool_open(struct backend *b, const char *model, const char *pretrained,
              const struct pool_task *tasks, size_t task_count, struct pool **out,
              const struct work *work, struct error *error) {
    return open_pool(b, model, pretrained, tasks, task_count, FORM_DENSE, out, work,
                     error);
}

int pool_open_factors(struct backend *b, const char *model, const char *pretrained,
                      const struct pool_task *tasks, size_t task_count, bool always,
                      struct pool **out, const struct work *work, struct error *error) {
    return open_pool(b, model, pretrained, tasks, task_count,
                     always ? FORM_FACTORS : FORM_FEWER, out, work, error);
}

void pool_close(struct pool *pool) {
    if (!pool)
        return;
    struct backend *b = pool->backend;
    b->release(b, pool->base);
    b->release(b, pool->vectors);
    if (pool->factors)
        b->release(b, pool->more);
    task_factors_free(pool->factors);
    for (size_t t = 0; pool->heads && t < pool->tasks; t++)
        head_clear(&pool->heads[t]);
    free(pool->heads);
    for (size_t t = 0; pool->names && t < pool->tasks; t++)
        free(pool->names[t]);
    free(pool->names);
    for (size_t t = 0; pool->prompts && t < pool->tasks; t++)
        zero_shot_task_clear(&pool->prompts[t]);
    free(pool->prompts);
    zero_shot_free(pool->text);
    example_form_clear(&pool->form);
    layout_free(pool->layout);
    model_directory_close(pool->pretrained);
    free(pool);
}

int pool_make_room(struct pool *pool, size_t count, struct error *error) {
    struct backend *b = pool->backend;
    size_t bytes, more, behind = pool->factors ? 0 : pool->tasks;
    real *vectors;
    if (pool->room >= count)
        return 0;
    if (!size_multiply(pool->layout->size * b->real_size, behind, &bytes) ||
        !size_multiply(pool->layout->size * b->real_size, behind + count, &more))
        return error_memory(error);
    if (backend_allocate_kept(b, more, (void **)&vectors, error))
        return error_prefix(error, "%zu vector%s beside %zu task vectors", count,
                            count == 1 ? "" : "s", pool->tasks);
    if (bytes)
        b->copy(b, vectors, pool->vectors, bytes);
    if (b->synchronise(b, error)) {
        b->release(b, vectors);
        return -1;
    }
    b->release(b, pool->factors ? pool->more : pool->vectors);
    if (!pool->factors)
        pool->vectors = vectors;
    pool->more = backend_at(b, vectors, behind * pool->layout->size);
    pool->room = count;
    return 0;
}

int pool_vector(const struct pool *pool, size_t task, size_t begin, size_t count,
                float *out, struct error *error) {
    struct backend *b = pool->backend;
    double alone[POOL_TASKS_MAX] = {0};
    if (!pool->factors)
        return b->download_real(
            b, out, backend_at(b, pool->vectors, task * pool->layout->size + begin),
            count, error);
    alone[task] = 1;
    task_factors_sum(pool->factors, alone, begin, count, out);
    return 0;
}
