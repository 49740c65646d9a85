#include "train/finetuning.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/transformer.h"
#include "moe/pool.h"
#include "train/optimiser.h"
#include "train/task_batch.h"
#include "train/trained.h"

struct trained_head {
    size_t classes;
    bool has_bias;
    struct trained weight, bias;
};

struct finetuning {
    struct finetuning_options options;
    struct backend *backend;
    const struct layout *layout;
    size_t tasks, groups;
    double *preference, *losses, *gram, *mix;
    struct transformer *transformer;
    struct head_bank *heads;
    struct task_batch *batch;
    struct trained model;
    float *task_gradients; /* (tasks, size) where each task's is looked at, or NULL */
    /* batch->more: their inner products (tasks, tasks) where they are looked at. */
    struct trained_head *trained_heads; /* [tasks] */
    real *dfeatures;                    /* (tasks batch, D) */
    unsigned step;
};

int finetuning_new_head(const struct model_config *config, size_t classes,
                        uint64_t seed, struct head *head, struct error *error) {
    size_t features = model_config_features(config);
    bool has_bias = config->kind != MODEL_GPT2;
    *head = (struct head){.classes = classes, .features = features};
    size_t count;
    if (!size_multiply(classes, features, &count))
        return error_memory(error);
    head->weight = array_new(count, sizeof *head->weight);
    head->bias = has_bias ? array_new(classes, sizeof *head->bias) : NULL;
    if (!head->weight || (has_bias && !head->bias)) {
        head_clear(head);
        return error_memory(error);
    }
    struct random random;
    random_seed(&random, seed, 3);
    for (size_t i = 0; i < count; i++)
        head->weight[i] = (float)(0.02 * random_normal(&random));
    return 0;
}

/* --- making and freeing ----------------------------------------------------------- */

static int new_heads(struct finetuning *f, const struct head *heads,
                     struct error *error) {
    struct backend *b = f->backend;
    for (size_t t = 0; t < f->tasks; t++) {
        struct trained_head *h = &f->trained_heads[t];
        h->classes = heads[t].classes;
        h->has_bias = heads[t].bias != NULL;
        if (trained_new(b, &h->weight, heads[t].classes * heads[t].features,
                        head_bank_weight(f->heads, t), NULL, error) ||
            trained_put(b, &h->weight, heads[t].weight, error))
            return -1;
        if (h->has_bias && (trained_new(b, &h->bias, heads[t].classes,
                                        head_bank_bias(f->heads, t), NULL, error) ||
                            trained_put(b, &h->bias, heads[t].bias, error)))
            return -1;
    }
    return 0;
}

int finetuning_new(struct backend *b, const struct layout *layout,
                   const struct preprocess *preprocess, const float *weights,
                   const struct finetuning_task_set *set,
                   const struct finetuning_options *options, struct finetuning **out,
                   struct error *error) {
    size_t tasks = set->tasks, rows = tasks * options->batch;
    struct finetuning *f = array_new(1, sizeof *f);
    if (!f)
        return error_memory(error);
    f->options = *options;
    f->backend = b;
    f->layout = layout;
    f->tasks = tasks;
    f->groups = tasks > 1 && combine_per_task(options->method) ? tasks : 1;
    f->preference = array_new(tasks, sizeof *f->preference);
    f->losses = array_new(tasks, sizeof *f->losses);
    f->gram = array_new(tasks * tasks, sizeof *f->gram);
    f->mix = array_new(tasks, sizeof *f->mix);
    f->trained_heads = array_new(tasks, sizeof *f->trained_heads);
    if (!f->preference || !f->losses || !f->gram || !f->mix || !f->trained_heads) {
        error_memory(error);
        goto failed;
    }
    memcpy(f->preference, set->preference, tasks * sizeof *f->preference);
    size_t features = model_config_features(&layout->config);
    if (head_bank_new(b, &layout->config, set->heads, tasks, options->batch, &f->heads,
                      error) ||
        task_batch_new(b, layout, set->train, tasks, options->batch,
                       f->groups > 1 ? tasks * tasks : 0, options->seed, &f->batch,
                       error) ||
        task_batch_transformer(f->batch, preprocess, &f->transformer, error) ||
        trained_new(b, &f->model, layout->size, NULL, NULL, error) ||
        trained_put(b, &f->model, weights, error) ||
        b->allocate(b, rows * features * b->real_size, (void **)&f->dfeatures, error))
        goto failed;
    if (f->groups > 1 && b->allocate(b, tasks * layout->size * sizeof(float),
                                     (void **)&f->task_gradients, error))
        goto failed;
    if (options->train_heads && new_heads(f, set->heads, error))
        goto failed;
    *out = f;
    return 0;
failed:
    finetuning_free(f);
    return -1;
}

void finetuning_free(struct finetuning *f) {
    if (!f)
        return;
    struct backend *b = f->backend;
    task_batch_free(f->batch);
    for (size_t t = 0; f->trained_heads && t < f->tasks; t++) {
        trained_free(b, &f->trained_heads[t].weight);
        trained_free(b, &f->trained_heads[t].bias);
    }
    free(f->trained_heads);
    trained_free(b, &f->model);
    b->release(b, f->dfeatures);
    b->release(b, f->task_gradients);
    head_bank_free(f->heads);
    transformer_free(f->transformer);
    free(f->preference);
    free(f->losses);
    free(f->gram);
    free(f->mix);
    free(f);
}

/* --- a step ----------------------------------------------------------------------- */

static float *place_gradient(void *self, size_t offset, size_t count, size_t *stride) {
    struct finetuning *f = self;
    (void)count;
    *stride = f->layout->size;
    return (f->groups > 1 ? f->task_gradients : f->model.gradient) + offset;
}

/* From the batch, on the device, to its losses and gradients there, and the inner
 * products of the tasks' gradients where they are kept apart. */
static void forward_backward(void *self) {
    struct finetuning *f = self;
    struct backend *b = f->backend;
    struct task_batch *batch = f->batch;
    size_t features = model_config_features(&f->layout->config);
    size_t n = batch->examples, whole = f->tasks * n, size = f->layout->size;
    size_t each[POOL_TASKS_MAX];
    for (size_t t = 0; t < f->tasks; t++)
        each[t] = n;
    task_batch_embed(batch, f->transformer, f->model.compute);
    const real *x = transformer_run(f->transformer, f->model.compute, whole);
    for (size_t t = 0; t < f->tasks; t++) {
        head_bank_loss(f->heads, t, backend_at(b, x, t * n * features), n,
                       batch->labels + t * n, batch->loss + t * n, batch->scale + t * n,
                       (real *)backend_at(b, f->dfeatures, t * n * features));
        struct trained_head *h = &f->trained_heads[t];
        if (f->options.train_heads)
            head_bank_gradient(f->heads, h->weight.gradient,
                               h->has_bias ? h->bias.gradient : NULL);
    }
    struct gradient_sink sink = {.self = f, .place = place_gradient, .together = true};
    transformer_backward(f->transformer, f->model.compute, f->dfeatures,
                         f->groups > 1 ? each : &whole, f->groups, &sink);
    if (f->groups > 1)
        b->gram(b, batch->more, f->task_gradients, size, f->tasks, size);
}

/* Forward and backward of the batch at hand, its tasks weighted so; the numbers set off
 * for the host. */
static void run_batch(struct finetuning *f, const double *weights) {
    task_batch_weigh(f->batch, weights);
    task_batch_run(f->batch, 0, forward_backward, f);
    task_batch_fetch(f->batch);
}

/* The tasks' gradients, kept apart, to one; the heads' scaled alike. */
static int mix_gradients(struct finetuning *f, struct error *error) {
    struct backend *b = f->backend;
    size_t tasks = f->tasks, size = f->layout->size;
    for (size_t i = 0; i < tasks * tasks; i++)
        f->gram[i] = f->batch->host_more[i];
    if (combine_weights(f->options.method, f->options.smoothing, f->gram, f->losses,
                        f->preference, tasks, f->mix, error))
        return -1;
    b->zero(b, f->model.gradient, size * sizeof(float));
    for (size_t t = 0; t < tasks; t++) {
        b->add_scaled(b, f->model.gradient, f->task_gradients + t * size,
                      (float)f->mix[t], size);
        struct trained_head *h = &f->trained_heads[t];
        struct trained *parts[] = {&h->weight, &h->bias};
        for (int i = 0; f->options.train_heads && i < 2; i++)
            if (parts[i]->count) /* x += (mix - 1) x */
                b->add_scaled(b, parts[i]->gradient, parts[i]->gradient,
                              (float)(f->mix[t] - 1), parts[i]->count);
    }
    return 0;
}

static void update(struct finetuning *f) {
    const struct finetuning_options *o = &f->options;
    struct backend *b = f->backend;
    unsigned steps = (unsigned)o->steps;
    double rate = optimiser_cosine(o->learning_rate, 0, steps / 20, f->step, steps);
    trained_step(b, &f->model, rate, o->weight_decay, f->step);
    rate *= o->head_rate;
    for (size_t t = 0; o->train_heads && t < f->tasks; t++) {
        trained_step(b, &f->trained_heads[t].weight, rate, o->weight_decay, f->step);
        trained_step(b, &f->trained_heads[t].bias, rate, 0, f->step);
    }
}

static unsigned step_count(const void *self) {
    return ((const struct finetuning *)self)->step;
}

static int step(void *self, double *losses, struct error *error) {
    struct finetuning *f = self;
    double ones[POOL_TASKS_MAX];
    for (size_t t = 0; t < f->tasks; t++)
        ones[t] = 1;
    task_batch_next(f->batch);
    run_batch(f, f->groups > 1 ? ones : f->preference);
    /* One gradient is all that the update needs, which then runs while the host waits
     * for the losses and goes on to the next step. */
    if (f->groups == 1)
        update(f);
    if (f->step + 1 < f->options.steps)
        task_batch_ahead(f->batch);
    if (task_batch_collect(f->batch, f->losses, error) ||
        (f->groups > 1 && mix_gradients(f, error)))
        return -1;
    if (f->groups > 1)
        update(f);
    f->step++;
    task_batch_done(f->batch);
    memcpy(losses, f->losses, f->tasks * sizeof *losses);
    return 0;
}

int finetuning_gradient(struct finetuning *f, const struct dataset *data, size_t n,
                        double *loss, float *gradient, struct error *error) {
    struct backend *b = f->backend;
    if (f->tasks != 1 || n > f->options.batch)
        return error_set(error, "a batch that is larger than planned");
    double one = 1;
    task_batch_given(f->batch, &data, n);
    run_batch(f, &one);
    if (task_batch_collect(f->batch, loss, error))
        return -1;
    return b->download(b, gradient, f->model.gradient,
                       f->layout->size * sizeof *gradient, error);
}

/* --- results and state
 * ------------------------------------------------------------------ */

int finetuning_weights(struct finetuning *f, float *weights, struct error *error) {
    return f->backend->download(f->backend, weights, f->model.values,
                                f->layout->size * sizeof *weights, error);
}

int finetuning_head(struct finetuning *f, size_t task, struct head *head,
                    struct error *error) {
    struct backend *b = f->backend;
    struct trained_head *h = &f->trained_heads[task];
    size_t features = model_config_features(&f->layout->config);
    *head = (struct head){.classes = h->classes, .features = features};
    head->weight = array_new(h->weight.count, sizeof *head->weight);
    head->bias = h->has_bias ? array_new(h->classes, sizeof *head->bias) : NULL;
    if (!head->weight || (h->has_bias && !head->bias)) {
        head_clear(head);
        return error_memory(error);
    }
    if (b->download(b, head->weight, h->weight.values, h->weight.count * sizeof(float),
                    error) ||
        (h->has_bias && b->download(b, head->bias, h->bias.values,
                                    h->classes * sizeof(float), error))) {
        head_clear(head);
        return -1;
    }
    return 0;
}

enum { TRAINED_MOST = 1 + 2 * POOL_TASKS_MAX };

/* Everything trained, in the order of the state file. */
static size_t list_trained(struct finetuning *f, struct trained **list) {
    size_t count = 0;
    list[count++] = &f->model;
    for (size_t t = 0; f->options.train_heads && t < f->tasks; t++) {
        list[count++] = &f->trained_heads[t].weight;
        if (f->trained_heads[t].has_bias)
            list[count++] = &f->trained_heads[t].bias;
    }
    return count;
}

static const char state_kind[] = "pwemoe-finetuning";

static int save_file(void *self, const char *path, const char *note,
                     struct error *error) {
    struct finetuning *f = self;
    struct trained *list[TRAINED_MOST];
    struct training_state state = {
        .kind = state_kind, .step = f->step, .batch = f->options.batch};
    return trained_save(f->backend, list, list_trained(f, list), &state, path, note,
                        error);
}

static int resume_file(void *self, const char *path, char **note, struct error *error) {
    struct finetuning *f = self;
    struct trained *list[TRAINED_MOST];
    struct training_state state = {.kind = state_kind, .batch = f->options.batch};
    if (trained_resume(f->backend, list, list_trained(f, list),
                       (unsigned)f->options.steps, &state, path, note, error))
        return -1;
    f->step = state.step;
    for (size_t t = 0; t < f->tasks; t++)
        task_batch_resume(f->batch, t, state.step * state.batch);
    return 0;
}

/* --- as a trainer ----------------------------------------------------------------- */

static uint64_t trainable(const void *self) {
    const struct finetuning *f = self;
    uint64_t count = 0;
    for (size_t i = 0; i < f->layout->parameter_count; i++)
        count += f->layout->parameters[i].count;
    for (size_t t = 0; f->options.train_heads && t < f->tasks; t++)
        count += f->trained_heads[t].weight.count + f->trained_heads[t].bias.count;
    return count;
}

static void free_trainer(void *self) {
    finetuning_free(self);
}

struct trainer finetuning_trainer(struct finetuning *f) {
    static const struct trainer_kind kind = {.doing = "fine-tuning",
                                             .step_count = step_count,
                                             .trainable = trainable,
                                             .step = step,
                                             .save_file = save_file,
                                             .resume_file = resume_file,
                                             .free = free_trainer};
    return (struct trainer){&kind, f};
}
