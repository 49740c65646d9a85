/* What a person who drags a preference waits for: routers, merge, every task's
 * held-out images, figures on the host; as the explorer does it, through the
 * evaluator, over models and images in real file formats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../synthetic.h"
#include "base/memory.h"
#include "base/random.h"
#include "eval/forward.h"
#include "moe/routers.h"
#include "work.h"

static const double mib = 1024.0 * 1024.0;

/* The evaluator keeps the inputs of the first block up to so many bytes. */
enum { STORED_MOST = 1 << 29 };

struct drag {
    struct evaluator *evaluator;
    struct store_recipe *recipe;
    struct random random;
    size_t tasks;
    char *folder;
};

int drag_run(void *self, struct error *error) {
    struct drag *d = self;
    double preference[POOL_TASKS_MAX];
    struct running running[POOL_TASKS_MAX];
    random_dirichlet(&d->random, 1, d->tasks, preference);
    if (evaluator_begin_preference(d->evaluator, preference, error))
        return -1;
    int state;
    do
        state = evaluator_step(d->evaluator, running, error);
    while (state == 0);
    return state < 0 ? -1 : 0;
}

static int use_routers(struct bench *s, struct evaluator *e, struct error *error) {
    struct routers *routers;
    struct random random;
    void *bytes;
    size_t size;
    random_seed(&random, 5, 0);
    if (routers_new(UPSCALE_ATTN_MLP, 2, 2 * s->shape->config.layers, s->tasks, 0.3f,
                    &random, &routers, error))
        return -1;
    int result = routers_to_memory(routers, &bytes, &size, error);
    routers_free(routers);
    if (result)
        return -1;
    result = evaluator_use_routers(e, bytes, size, error);
    free(bytes);
    return result;
}

/* The inputs of the first block do not depend on the preference and are kept; what is
 * left is the merge and the blocks. */
static double drag_floor(const struct bench *s, double model_bytes, double images) {
    double operations = shape_forward_operations(&s->shape->config, false);
    return images * operations / s->product_rate +
           ((double)s->tasks + 2) * model_bytes / s->copy_rate;
}

static size_t drag_batch(const struct bench *s) {
    size_t all = s->tasks * s->images;
    size_t own =
        forward_default(&s->shape->config, strcmp(s->device, "cpu") != 0, true);
    return all < own ? all : own;
}

static int measure(struct bench *s, struct drag *d, size_t width, struct error *error) {
    struct bench_times times;
    struct layout *layout;
    double seconds;
    uint64_t peak;
    if (layout_new(&s->shape->config, NULL, &layout, error))
        return -1;
    double floor =
        drag_floor(s, (double)(layout->size * width), (double)(s->tasks * s->images));
    struct shape_use use = {.tasks = s->tasks,
                            .real = width,
                            .batch = s->batch,
                            .images = drag_batch(s),
                            .groups = 1};
    double memory = shape_memory_of(layout, &use).evaluation;
    double stored =
        (double)(s->tasks * s->images * model_config_tokens(&layout->config) *
                 layout->config.width * width);
    if (stored <= STORED_MOST)
        memory += stored;
    layout_free(layout);
    if (bench_measure(
            s,
            &(struct bench_what){
                .name = "drag", .run = drag_run, .self = d, .peer = "drag:attn+mlp"},
            &times, error) ||
        bench_add_time(s, "drag to complete vector, attn+mlp", &times, floor, error))
        return -1;
    char remark[256];
    evaluator_remark(d->evaluator, remark);
    if (*remark)
        return error_set(error, "%s", remark);
    evaluator_cost(d->evaluator, &seconds, &peak);
    /* It goes on without a device that is lost. */
    if (strncmp(s->device, "cuda", 4) == 0 &&
        strncmp(evaluator_device(d->evaluator), "cuda", 4) != 0)
        return error_set(error, "it was done by %s", evaluator_device(d->evaluator));
    /* On the CPU that is the whole process. */
    if (strncmp(evaluator_device(d->evaluator), "cpu", 3) == 0)
        memory = NAN;
    return bench_add_value(s, "memory of evaluating, attn+mlp", (double)peak / mib,
                           "MiB", memory / mib, error);
}

void drag_free(struct drag *d) {
    if (!d)
        return;
    evaluator_close(d->evaluator);
    synthetic_recipe_free(d->recipe);
    if (d->folder)
        synthetic_remove(d->folder);
    free(d->folder);
    free(d);
}

struct evaluator *drag_evaluator(struct drag *d) {
    return d->evaluator;
}

int drag_new(struct bench *s, struct drag **out, struct error *error) {
    struct drag *d = array_new(1, sizeof *d);
    struct evaluator_options options = {.device = s->device,
                                        .precision = s->precision,
                                        .threads = s->threads,
                                        .split = "test"};
    char note[256];
    char *folder = text_format("%s/pwemoe-bench-XXXXXX", s->scratch);
    if (!d || !folder) {
        free(folder);
        free(d);
        return error_memory(error);
    }
    d->tasks = s->tasks;
    random_seed(&d->random, 6, 0);
    if (!mkdtemp(folder)) {
        error_set(error, "%s: no folder can be made there; give --scratch", s->scratch);
        free(folder);
        free(d);
        return -1;
    }
    d->folder = folder;
    if (synthetic_write(folder, s->shape, s->tasks, s->images, &d->recipe, error) ||
        evaluator_open(d->recipe, folder, &options, &d->evaluator, note, NULL, error) ||
        use_routers(s, d->evaluator, error)) {
        drag_free(d);
        return error_prefix(error, "drag");
    }
    *out = d;
    return 0;
}

int bench_drag(struct bench *s, struct error *error) {
    struct drag *d;
    if (drag_new(s, &d, error))
        return -1;
    int result = measure(s, d, s->precision == PRECISION_F32 ? 4 : 2, error);
    drag_free(d);
    return result ? error_prefix(error, "drag") : 0;
}
