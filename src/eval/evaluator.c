#include "eval/evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/usage.h"
#include "data/dataset.h"
#include "eval/interval.h"
#include "eval/provenance.h"
#include "eval/sources.h"
#include "merge/method.h"
#include "model/saving.h"
#include "model/transformer.h"
#include "moe/pool.h"
#include "moe/routers.h"

/* The fixed order of the held-out examples: the same for every solution, file and
 * machine, so that partial means compare. */
enum { ORDER_SEED = 20240614 };

/* Device memory that stored inputs of the first block may take. */
enum { STEM_BYTES_MAX = 1 << 29 };

enum current {
    CURRENT_NONE,
    CURRENT_PREFERENCE,
    CURRENT_METHOD,
    CURRENT_SINGLE,
    CURRENT_DIRECTORY
};

struct held_out { /* of one task */
    struct dataset *data;
    uint32_t *order; /* [data->count] */
    uint8_t *bits;   /* a bit an example seen, in that order */
    uint64_t seen, correct;
    double loss;        /* sum */
    bool whole;         /* nothing was left out by a limit */
    real *stem;         /* (count, tokens, width) inputs of the first block, or NULL */
    uint64_t stem_rows; /* of them that are filled */
};

struct evaluator {
    struct backend *backend;
    struct pool *pool;
    json_t *sources;                   /* what was loaded, for pwemoe.json */
    const struct store_recipe *recipe; /* the caller's */
    char *directory;
    unsigned threads;
    const struct dataset **train; /* [tasks] for the methods that need it, or NULL */
    size_t tasks, batch;
    struct held_out *held_out; /* [tasks] */
    struct transformer *transformer;
    struct head_bank *heads;
    struct head_bank *own_heads; /* of CURRENT_DIRECTORY; NULL: the pool's */

    struct upscaling *plain; /* one row for the whole model */
    struct unloader *plain_unloader;
    struct upscaling *upscaling; /* of the current routers, or NULL */
    struct unloader *unloader;
    struct routers *routers;
    float *routing;    /* (modules + 1, tasks) of the current preference */
    char (*names)[48]; /* [modules] */

    double began, seconds; /* of making the current model */
    uint64_t peak_bytes;

    enum current current;
    size_t single;              /* CURRENT_SINGLE: whose weights are in place */
    struct merge_result merged; /* CURRENT_METHOD */
    real *weights;              /* (size) on the device */
    bool stem_fits, stem_stored;
    float stem_lambda; /* of the stored inputs */

    uint8_t *pixels; /* (batch, image) on the device */
    int32_t *labels, *predictions;
    float *loss;
    uint8_t *host_pixels;
    int32_t *host_labels, *host_predictions;
    float *host_loss;
};

/* --- opening ------------------------------------------------------------------- */

static int open_held_out(struct evaluator *e, const struct store_recipe *recipe,
                         const char *directory, const struct evaluator_options *options,
                         const struct work *work, struct error *error) {
    const char *split = options->split ? options->split : "test";
    for (size_t t = 0; t < e->tasks; t++) {
        struct held_out *h = &e->held_out[t];
        struct sources_data which = {.task = t,
                                     .split = split,
                                     .limit = options->limit,
                                     .threads = options->threads};
        work_report(work, "reading images", t, e->tasks);
        if (sources_dataset(recipe, directory, &which, &e->pool->preprocess, &h->data,
                            work, error))
            return -1;
        if (h->data->classes > e->pool->heads[t].classes)
            return error_set(
                error, "task %s: its %s images have %zu classes, its head has %zu",
                recipe->tasks[t].name, split, h->data->classes,
                e->pool->heads[t].classes);
        h->whole = options->limit == 0 || h->data->count < options->limit;
        h->order = array_new(h->data->count, sizeof *h->order);
        h->bits = array_new(h->data->count / 8 + 1, 1);
        if (!h->order || !h->bits)
            return error_memory(error);
        struct random random;
        random_seed(&random, ORDER_SEED, t);
        random_permutation(&random, h->data->count, h->order);
    }
    work_report(work, "reading images", e->tasks, e->tasks);
    return 0;
}

static int allocate(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    const struct layout *l = e->pool->layout;
    size_t image = 3 * l->config.image_size * l->config.image_size;
    if (upscaling_new(l, UPSCALE_NONE, &e->plain, error) ||
        unloader_new(e->pool, e->plain, &e->plain_unloader, error) ||
        transformer_new(b, l, &e->pool->preprocess, e->batch, false, &e->transformer,
                        error) ||
        head_bank_new(b, &l->config, e->pool->heads, e->tasks, e->batch, &e->heads,
                      error) ||
        b->allocate(b, l->size * b->real_size, (void **)&e->weights, error) ||
        b->allocate(b, e->batch * image, (void **)&e->pixels, error) ||
        b->allocate(b, e->batch * sizeof(int32_t), (void **)&e->labels, error) ||
        b->allocate(b, e->batch * sizeof(int32_t), (void **)&e->predictions, error) ||
        b->allocate(b, e->batch * sizeof(float), (void **)&e->loss, error))
        return -1;
    e->host_pixels = array_new(e->batch, image);
    e->host_labels = array_new(e->batch, sizeof *e->host_labels);
    e->host_predictions = array_new(e->batch, sizeof *e->host_predictions);
    e->host_loss = array_new(e->batch, sizeof *e->host_loss);
    if (!e->host_pixels || !e->host_labels || !e->host_predictions || !e->host_loss)
        return error_memory(error);
    size_t images = 0;
    for (size_t t = 0; t < e->tasks; t++)
        images += e->held_out[t].data->count;
    size_t one = model_config_tokens(&l->config) * l->config.width * b->real_size;
    e->stem_fits = images <= STEM_BYTES_MAX / one;
    return 0;
}

int evaluator_open(const struct store_recipe *recipe, const char *directory,
                   const struct evaluator_options *options, struct evaluator **out,
                   char note[256], const struct work *work, struct error *error) {
    struct evaluator *e = array_new(1, sizeof *e);
    if (!e)
        return error_memory(error);
    e->tasks = recipe->task_count;
    e->batch = options->batch ? options->batch : 64;
    e->held_out = array_new(e->tasks, sizeof *e->held_out);
    if (!e->held_out) {
        evaluator_close(e);
        return error_memory(error);
    }
    if (sources_check(recipe, directory, work, error) ||
        backend_open(options->device, options->bf16 ? PRECISION_BF16 : PRECISION_F32,
                     options->threads, &e->backend, note, error) ||
        sources_pool(recipe, directory, e->backend, &e->pool, work, error) ||
        open_held_out(e, recipe, directory, options, work, error) ||
        allocate(e, error)) {
        evaluator_close(e);
        return -1;
    }
    e->recipe = recipe;
    e->threads = options->threads;
    e->directory = text_format("%s", directory);
    e->sources = provenance_sources(recipe);
    if (!e->sources || !e->directory) {
        evaluator_close(e);
        return error_memory(error);
    }
    *out = e;
    return 0;
}

void evaluator_close(struct evaluator *e) {
    if (!e)
        return;
    struct backend *b = e->backend;
    if (e->pool)
        merge_result_clear(e->pool, &e->merged);
    for (size_t t = 0; e->held_out && t < e->tasks; t++) {
        struct held_out *h = &e->held_out[t];
        if (b)
            b->release(b, h->stem);
        dataset_close(h->data);
        free(h->order);
        free(h->bits);
    }
    free(e->held_out);
    if (b) {
        b->release(b, e->weights);
        b->release(b, e->pixels);
        b->release(b, e->labels);
        b->release(b, e->predictions);
        b->release(b, e->loss);
    }
    free(e->host_pixels);
    free(e->host_labels);
    free(e->host_predictions);
    free(e->host_loss);
    free(e->routing);
    routers_free(e->routers);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    unloader_free(e->plain_unloader);
    upscaling_free(e->plain);
    head_bank_free(e->heads);
    head_bank_free(e->own_heads);
    transformer_free(e->transformer);
    pool_close(e->pool);
    if (b)
        backend_close(b);
    for (size_t t = 0; e->train && t < e->tasks; t++)
        dataset_close((struct dataset *)(uintptr_t)e->train[t]);
    free(e->train);
    free(e->directory);
    json_decref(e->sources);
    free(e->names);
    free(e);
}

size_t evaluator_tasks(const struct evaluator *e) {
    return e->tasks;
}

size_t evaluator_examples(const struct evaluator *e, size_t task) {
    return e->held_out[task].data->count;
}

const char *evaluator_device(const struct evaluator *e) {
    return e->backend->name;
}

/* --- routers --------------------------------------------------------------------- */

int evaluator_use_routers(struct evaluator *e, const void *blob, size_t size,
                          struct error *error) {
    struct routers *routers = NULL;
    struct upscaling *upscaling = NULL;
    struct unloader *unloader = NULL;
    float *routing = NULL;
    char(*names)[48] = NULL;
    if (routers_from_memory(blob, size, "routers", &routers, error))
        return -1;
    if (upscaling_new(e->pool->layout, routers->granularity, &upscaling, error))
        goto failed;
    if (routers->tasks != e->tasks || routers->modules != upscaling->modules) {
        error_set(error,
                  "routers for %zu tasks and %zu modules do not fit this pool of %zu "
                  "tasks and %zu modules",
                  routers->tasks, routers->modules, e->tasks, upscaling->modules);
        goto failed;
    }
    routing = array_new((routers->modules + 1) * e->tasks, sizeof *routing);
    names = array_new(routers->modules, sizeof *names);
    if (!routing || !names) {
        error_memory(error);
        goto failed;
    }
    for (size_t m = 0; m < routers->modules; m++)
        module_name(e->pool->layout, upscaling->module[m], names[m], sizeof names[m]);
    if (unloader_new(e->pool, upscaling, &unloader, error))
        goto failed;
    routers_free(e->routers);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    free(e->routing);
    free(e->names);
    e->names = names;
    e->routers = routers;
    e->upscaling = upscaling;
    e->unloader = unloader;
    e->routing = routing;
    if (e->current == CURRENT_PREFERENCE)
        e->current = CURRENT_NONE;
    return 0;
failed:
    free(routing);
    free(names);
    upscaling_free(upscaling);
    routers_free(routers);
    return -1;
}

size_t evaluator_modules(const struct evaluator *e) {
    return e->routers ? e->routers->modules : 0;
}

const char *evaluator_module_name(const struct evaluator *e, size_t module) {
    return e->names[module];
}

int evaluator_routing(const struct evaluator *e, const double *preference,
                      float *weights, struct error *error) {
    if (!e->routers)
        return error_set(error, "there are no routers; train some with pwemoe train");
    size_t modules = e->routers->modules;
    float *all = array_new((modules + 1) * e->tasks, sizeof *all);
    if (!all)
        return error_memory(error);
    routers_forward(e->routers, preference, all);
    memcpy(weights, all, modules * e->tasks * sizeof *weights);
    free(all);
    return 0;
}

/* --- beginning ------------------------------------------------------------------- */

static void restart(struct evaluator *e, enum current current) {
    e->current = current;
    e->seconds = 0;
    e->peak_bytes = 0;
    head_bank_free(e->own_heads);
    e->own_heads = NULL;
    for (size_t t = 0; t < e->tasks; t++) {
        struct held_out *h = &e->held_out[t];
        h->seen = h->correct = 0;
        h->loss = 0;
        memset(h->bits, 0, h->data->count / 8 + 1);
    }
}

/* Around the making of a model. */
static void make_begin(struct evaluator *e) {
    usage_restart();
    e->began = usage_clock();
}

static void make_end(struct evaluator *e) {
    e->seconds = usage_clock() - e->began;
    e->peak_bytes = backend_peak(e->backend);
}

void evaluator_cost(const struct evaluator *e, double *seconds, uint64_t *peak_bytes) {
    *seconds = e->seconds;
    *peak_bytes = e->peak_bytes;
}

int evaluator_begin_preference(struct evaluator *e, const double *preference,
                               struct error *error) {
    if (!e->routers)
        return error_set(error, "there are no routers; train some with pwemoe train");
    restart(e, CURRENT_NONE);
    make_begin(e);
    routers_forward(e->routers, preference, e->routing);
    unloader_merge(e->unloader, e->routing, e->weights);
    const struct layout *l = e->pool->layout;
    e->stem_stored = e->stem_fits && e->upscaling->lowest >= l->blocks[0].norm1_gamma;
    if (e->stem_stored && e->stem_lambda != e->routers->lambda) {
        e->stem_lambda = e->routers->lambda;
        for (size_t t = 0; t < e->tasks; t++)
            e->held_out[t].stem_rows = 0;
    }
    if (e->backend->synchronise(e->backend, error))
        return -1;
    make_end(e);
    e->current = CURRENT_PREFERENCE;
    return 0;
}

/* theta_0 plus one task vector: the task's own expert. */
static void put_expert(struct evaluator *e, size_t task) {
    float weights[POOL_TASKS_MAX] = {0};
    weights[task] = 1;
    unloader_merge(e->plain_unloader, weights, e->weights);
    e->single = task;
}

/* The result of a method as plain weights. */
static int put_merged(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    const struct merge_result *m = &e->merged;
    struct merge_segment segment = {.count = e->pool->layout->size};
    struct merge_segment *segments = NULL;
    float *weights = NULL;
    int result = -1;
    if (b->allocate(b, sizeof segment, (void **)&segments, error) ||
        b->allocate(b, m->count * sizeof *weights, (void **)&weights, error))
        goto done;
    b->upload(b, segments, &segment, sizeof segment);
    b->upload(b, weights, m->weights, m->count * sizeof *weights);
    b->merge(b, e->weights, e->pool->base, m->vectors, m->stride, m->count, segments, 1,
             weights);
    result = b->synchronise(b, error);
done:
    b->release(b, segments);
    b->release(b, weights);
    return result;
}

/* Reads the training splits, once. */
static int load_train(struct evaluator *e, const struct work *work,
                      struct error *error) {
    if (e->train)
        return 0;
    const struct dataset **train = array_new(e->tasks, sizeof *train);
    if (!train)
        return error_memory(error);
    for (size_t t = 0; t < e->tasks; t++) {
        struct sources_data which = {
            .task = t, .split = "train", .threads = e->threads};
        struct dataset *data;
        if (sources_dataset(e->recipe, e->directory, &which, &e->pool->preprocess,
                            &data, work, error)) {
            while (t-- > 0)
                dataset_close((struct dataset *)(uintptr_t)train[t]);
            free(train);
            return -1;
        }
        train[t] = data;
    }
    e->train = train;
    return 0;
}

int evaluator_begin_method(struct evaluator *e, const char *method,
                           const char *parameters, const struct work *work,
                           struct error *error) {
    restart(e, CURRENT_NONE);
    e->stem_stored = false;
    merge_result_clear(e->pool, &e->merged);
    if (strcmp(method, "stl") == 0) {
        put_expert(e, 0);
        e->current = CURRENT_SINGLE;
        return e->backend->synchronise(e->backend, error);
    }
    const struct merge_method *found = merge_method_find(method, error);
    if (!found)
        return -1;
    json_error_t where;
    json_t *given = json_loads(parameters && *parameters ? parameters : "{}",
                               JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(given)) {
        json_decref(given);
        return error_set(error, "parameters of %s are no JSON object", method);
    }
    json_t *all = merge_parameters(found, given, error);
    json_decref(given);
    if (!all)
        return -1;
    int result = found->needs_data ? load_train(e, work, error) : 0;
    make_begin(e);
    if (result == 0) {
        struct merge_input input = {.method = found,
                                    .pool = e->pool,
                                    .parameters = all,
                                    .train = e->train,
                                    .work = work};
        result = merge_run(&input, &e->merged, error);
    }
    json_decref(all);
    if (result || put_merged(e, error))
        return -1;
    make_end(e);
    e->current = CURRENT_METHOD;
    return 0;
}

/* Heads of the directory at path, the pool's where it has none; a bank of them. */
static int use_directory_heads(struct evaluator *e, const char *path,
                               struct error *error) {
    size_t features = model_config_features(&e->pool->layout->config);
    struct head *found = array_new(e->tasks, sizeof *found); /* to be cleared */
    struct head *heads = array_new(e->tasks, sizeof *heads); /* what is used */
    bool any = false;
    int result = found && heads ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < e->tasks; t++) {
        heads[t] = e->pool->heads[t];
        char *name = provenance_head_name(e->recipe, t);
        char *file = name ? text_format("%s/%s", path, name) : NULL;
        free(name);
        if (!file) {
            result = error_memory(error);
        } else if (access(file, F_OK) == 0) {
            result = head_from_file(file, features, &found[t], error);
            if (result == 0 && found[t].classes < e->held_out[t].data->classes)
                result =
                    error_set(error, "%s has %zu classes, the task's images %zu", file,
                              found[t].classes, e->held_out[t].data->classes);
            heads[t] = found[t];
            any = true;
        }
        free(file);
    }
    if (result == 0 && any)
        result = head_bank_new(e->backend, &e->pool->layout->config, heads, e->tasks,
                               e->batch, &e->own_heads, error);
    for (size_t t = 0; found && t < e->tasks; t++)
        head_clear(&found[t]);
    free(found);
    free(heads);
    return result;
}

int evaluator_begin_directory(struct evaluator *e, const char *path,
                              struct error *error) {
    restart(e, CURRENT_NONE);
    e->stem_stored = false;
    struct model_directory *directory;
    if (model_directory_open(path, &directory, error))
        return -1;
    size_t size = e->pool->layout->size;
    float *weights = array_new(size, sizeof *weights);
    int result = weights ? layout_load(e->pool->layout, directory, NULL, weights, error)
                         : error_memory(error);
    model_directory_close(directory);
    if (result == 0) {
        e->backend->upload_real(e->backend, e->weights, weights, size);
        result = e->backend->synchronise(e->backend, error);
    }
    free(weights);
    if (result || use_directory_heads(e, path, error))
        return -1;
    e->current = CURRENT_DIRECTORY;
    return 0;
}

/* --- stepping -------------------------------------------------------------------- */

/* The task to evaluate next, or the number of tasks where all are complete. One
 * model for all: the one that is furthest behind; single models: one after
 * another, since each needs weights of its own. */
static size_t next_task(const struct evaluator *e) {
    size_t best = e->tasks;
    double least = 1;
    for (size_t t = 0; t < e->tasks; t++) {
        const struct held_out *h = &e->held_out[t];
        double part = (double)h->seen / (double)h->data->count;
        if (part < least) {
            best = t;
            least = part;
            if (e->current == CURRENT_SINGLE)
                break;
        }
    }
    return best;
}

/* The inputs of the first block for the next n examples: stored ones where the
 * part below the blocks does not depend on the preference. */
static int embed(struct evaluator *e, struct held_out *h, size_t n,
                 struct error *error) {
    struct backend *b = e->backend;
    const struct model_config *config = &e->pool->layout->config;
    size_t one = model_config_tokens(config) * config->width;
    real *tokens = transformer_tokens(e->transformer);
    size_t image = 3 * h->data->size * h->data->size;
    if (e->stem_stored && !h->stem &&
        b->allocate(b, h->data->count * one * b->real_size, (void **)&h->stem, error))
        return -1;
    if (e->stem_stored && h->stem_rows >= h->seen + n) {
        b->copy(b, tokens, backend_at(b, h->stem, h->seen * one),
                n * one * b->real_size);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(e->host_pixels + i * image,
               h->data->pixels + h->order[h->seen + i] * image, image);
    b->upload(b, e->pixels, e->host_pixels, n * image);
    transformer_embed(e->transformer, e->weights, e->pixels, n);
    if (e->stem_stored && h->stem_rows == h->seen) {
        b->copy(b, backend_at(b, h->stem, h->seen * one), tokens,
                n * one * b->real_size);
        h->stem_rows += n;
    }
    return 0;
}

static int evaluate_batch(struct evaluator *e, size_t task, struct error *error) {
    struct backend *b = e->backend;
    struct held_out *h = &e->held_out[task];
    size_t left = h->data->count - h->seen, n = left < e->batch ? left : e->batch;
    for (size_t i = 0; i < n; i++)
        e->host_labels[i] = h->data->labels[h->order[h->seen + i]];
    b->upload(b, e->labels, e->host_labels, n * sizeof *e->host_labels);
    if (embed(e, h, n, error))
        return -1;
    const real *features = transformer_run(e->transformer, e->weights, n);
    struct head_bank *heads = e->own_heads ? e->own_heads : e->heads;
    head_bank_loss(heads, task, features, n, e->labels, e->loss, NULL, NULL);
    head_bank_predict(heads, e->predictions);
    if (b->download(b, e->host_predictions, e->predictions, n * sizeof(int32_t),
                    error) ||
        b->download(b, e->host_loss, e->loss, n * sizeof(float), error))
        return -1;
    for (size_t i = 0; i < n; i++) {
        bool right = e->host_predictions[i] == e->host_labels[i];
        h->correct += right;
        h->loss += e->host_loss[i];
        if (right)
            h->bits[(h->seen + i) / 8] |= (uint8_t)(1u << ((h->seen + i) % 8));
    }
    h->seen += n;
    return 0;
}

static void describe(const struct held_out *h, struct running *r) {
    *r = (struct running){.examples = h->seen,
                          .correct = h->correct,
                          .complete = h->seen == h->data->count};
    if (h->seen == 0) {
        r->high = 100;
        return;
    }
    r->value = 100 * (double)h->correct / (double)h->seen;
    r->loss = h->loss / (double)h->seen;
    interval_wilson(h->correct, h->seen, h->data->count, &r->low, &r->high);
    r->low *= 100;
    r->high *= 100;
}

int evaluator_step(struct evaluator *e, struct running *running, struct error *error) {
    if (e->current == CURRENT_NONE)
        return error_set(error, "no evaluation was begun");
    size_t task = next_task(e);
    if (task < e->tasks) {
        if (e->current == CURRENT_SINGLE && e->single != task)
            put_expert(e, task);
        if (evaluate_batch(e, task, error)) {
            e->current = CURRENT_NONE;
            return -1;
        }
    }
    bool complete = true;
    for (size_t t = 0; t < e->tasks; t++) {
        describe(&e->held_out[t], &running[t]);
        complete = complete && running[t].complete;
    }
    return complete;
}

/* --- results ---------------------------------------------------------------------- */

void evaluator_results(const struct evaluator *e,
                       struct store_evaluation *evaluations) {
    for (size_t t = 0; t < e->tasks; t++) {
        const struct held_out *h = &e->held_out[t];
        struct running r;
        describe(h, &r);
        struct store_evaluation *v = &evaluations[t];
        *v = (struct store_evaluation){
            .objective = t, .value = r.value, .examples = h->seen, .loss = r.loss};
        v->complete = r.complete && h->whole;
        if (h->seen) /* as a sample of all such images, not of this split */
            interval_wilson(h->correct, h->seen, 0, &v->low, &v->high);
        v->low *= 100;
        v->high *= 100;
        if (h->whole) {
            v->correct = h->bits;
            v->correct_size = (size_t)(h->seen + 7) / 8;
        }
    }
}

/* The current model's weights on the host (freed with free()). */
static float *download_weights(struct evaluator *e, struct error *error) {
    struct backend *b = e->backend;
    size_t size = e->pool->layout->size;
    if (e->current == CURRENT_NONE || e->current == CURRENT_SINGLE) {
        error_set(error, e->current == CURRENT_NONE
                             ? "no model was made"
                             : "the single-task experts are no one model");
        return NULL;
    }
    float *weights = array_new(size, sizeof *weights);
    if (!weights) {
        error_memory(error);
        return NULL;
    }
    if (b->download_real(b, weights, e->weights, size, error)) {
        free(weights);
        return NULL;
    }
    return weights;
}

int evaluator_model_sha256(struct evaluator *e, char hex[SHA256_HEX],
                           struct error *error) {
    if (e->current == CURRENT_SINGLE) { /* several models have no one hash */
        hex[0] = '\0';
        return 0;
    }
    float *weights = download_weights(e, error);
    if (!weights)
        return -1;
    int result = saving_hash(e->pool->layout, e->pool->pretrained, weights, hex, error);
    free(weights);
    return result;
}

/* The T numbers that multiplied each task vector in the parameter at an offset;
 * NULL where the method is no such sum. */
static const float *weights_at(const struct evaluator *e, size_t offset) {
    if (e->current == CURRENT_PREFERENCE)
        return e->routing + upscaling_row(e->upscaling, offset) * e->tasks;
    if (e->current == CURRENT_METHOD && e->merged.vectors == e->pool->vectors)
        return e->merged.weights;
    return NULL;
}

int evaluator_export(struct evaluator *e, const char *path,
                     const struct store_solution *solution,
                     const struct store_evaluation *figures, int head,
                     const struct work *work, struct error *error) {
    const struct layout *l = e->pool->layout;
    if (e->current == CURRENT_DIRECTORY)
        return error_set(error, "the model is a directory already; copy that");
    if (head >= 0 && l->config.kind == MODEL_CLIP_VISION)
        return error_set(error,
                         "a CLIP model has no classifier for a task's head; leave "
                         "--head out: the heads are in %s/heads",
                         path);
    float *weights = download_weights(e, error);
    if (!weights)
        return -1;
    int result = -1;
    struct store_evaluation *own = array_new(e->tasks, sizeof *own);
    const float **rows = array_new(l->parameter_count, sizeof *rows);
    struct provenance_files files = {0};
    char hash[SHA256_HEX];
    if (!own || !rows) {
        error_memory(error);
        goto done;
    }
    if (saving_hash(l, e->pool->pretrained, weights, hash, error))
        goto done;
    if (*solution->model_sha256 && strcmp(solution->model_sha256, hash) != 0) {
        error_set(
            error,
            "%s: the model made now is not the one that was measured (its tensors "
            "differ); evaluate it again with this device and precision",
            path);
        goto done;
    }
    evaluator_results(e, own);
    for (size_t i = 0; i < l->parameter_count; i++)
        rows[i] = weights_at(e, l->parameters[i].offset);
    struct provenance what = {.recipe = e->recipe,
                              .sources = e->sources,
                              .pool = e->pool,
                              .solution = solution,
                              .sha256 = hash,
                              .figures = figures ? figures : own,
                              .weights = rows};
    if (provenance_write(&what, &files, error))
        goto done;
    struct saving saving = {.layout = l,
                            .pretrained = e->pool->pretrained,
                            .weights = weights,
                            .files = files.files,
                            .file_count = files.count};
    if (head >= 0 && (size_t)head < e->tasks) {
        saving.head = &e->pool->heads[head];
        const struct dataset *data = e->held_out[head].data;
        saving.labels =
            data->classes == saving.head->classes ? data->class_names : NULL;
    }
    result = saving_write(path, &saving, work, error);
done:
    provenance_files_clear(&files);
    free(own);
    free(rows);
    free(weights);
    return result;
}
