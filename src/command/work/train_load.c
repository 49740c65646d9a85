/* What `pwemoe train` trains, made from models and data: of train_run.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "command/io/paths.h"
#include "command/work/train_run.h"
#include "eval/sources.h"
#include "parallel/ranks.h"
#include "train/adamerging.h"
#include "train/distillation.h"

/* A run keeps a correction's learning rate as so many digits. */
#define RATE_FORMAT "%.3g"

int train_name_state(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    t->state =
        text_format("%s.run%lld.state", store_path(t->store), (long long)t->run.id);
    return t->state ? 0 : error_memory(error);
}

/* A run that goes on has its state where the store says; one that was stopped before
 * its first save has none, and starts again. */
static int find_state(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    char *place = training_state_place(t, t->run.id, error);
    if (!place)
        return -1;
    bool saved = *place != '\0';
    t->state = saved ? path_join(t->folder, place) : NULL;
    free(place);
    if (!saved)
        return train_name_state(s, error);
    if (!t->state)
        return error_memory(error);
    if (path_exists(t->state))
        return 0;
    return error_set(error,
                     "run %lld was saved in %s, which does not exist; begin a new run "
                     "without --resume",
                     (long long)t->run.id, t->state);
}

/* Where the routers beside a correction are. */
static int parse_beside(const struct train_run *s, enum granularity *beside,
                        struct error *error) {
    char text[16];
    options_choice(TRAIN_BESIDES, s->o.beside, text, sizeof text);
    *beside = UPSCALE_NONE;
    return s->o.beside ? granularity_parse(text, beside, error) : 0;
}

static int load_correction(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    struct distillation *distillation;
    enum granularity beside;
    bool tensors = s->kind & TENSORS;
    double change;
    if (parse_beside(s, &beside, error))
        return -1;
    if (s->o.how.learning_rate == 0) {
        char rate[32];
        if (distillation_change(t->pool, &change, error))
            return -1;
        snprintf(rate, sizeof rate, RATE_FORMAT,
                 change * (s->o.rank ? DISTILLATION_RATE_OF_RANK : DISTILLATION_RATE));
        s->o.how.learning_rate = strtod(rate, NULL);
        if (!(s->o.how.learning_rate > 0))
            return error_set(error, "the experts are the pretrained model: there is "
                                    "nothing to merge");
    }
    const struct distillation_options how = {
        .loss = s->o.loss,
        .start = tensors ? DISTILLATION_BASE : s->o.start,
        .lambda = s->o.how.lambda,
        .alpha = s->o.how.alpha,
        .learning_rate = s->o.how.learning_rate,
        .steps = s->o.how.steps,
        .batch = s->o.how.batch,
        .held_back = s->o.held_back,
        .rank = s->o.rank,
        .form = tensors     ? CORRECTION_LINEAR
                : s->o.base ? CORRECTION_WUDI
                            : (enum correction_form)s->o.vectors,
        .fixed = s->kind & FIXED,
        .beside = beside,
        .layers = 2,
        .router_rate = s->o.router_rate,
        .heads = s->o.heads,
        .average = s->o.average,
        .seed = s->o.how.seed,
        .ranks = t->invocation->ranks};
    if ((t->run.id && find_state(s, error)) ||
        distillation_new(t->pool, (const struct dataset *const *)t->train, &how,
                         &distillation, t->invocation->work, error))
        return -1;
    return training_start(t, distillation_trainer(distillation), error);
}

static int load_adamerging(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    const struct router_training_options *o = &s->o.how;
    const struct adamerging_options how = {.upscale = o->upscale,
                                           .lambda = o->lambda,
                                           .learning_rate = o->learning_rate,
                                           .steps = o->steps,
                                           .batch = o->batch,
                                           .seed = o->seed};
    struct adamerging *adamerging;
    if (adamerging_new(t->pool, (const struct dataset *const *)t->train, &how,
                       &adamerging, error))
        return -1;
    return training_start(t, adamerging_trainer(adamerging), error);
}

static bool needs_labels(const struct train_run *s) {
    return s->kind & CORRECTION ? s->o.loss == DISTILLATION_CE
                                : !(s->kind & COEFFICIENTS);
}

/* Inner products of the whole gradient, which is f32, with factors take reals that are
 * f32 too. */
static int open_pool(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    bool whole = s->kind & COEFFICIENTS || (s->kind & CORRECTION && s->o.beside);
    bool narrow = t->backend->precision != PRECISION_F32;
    return (whole && narrow ? sources_pool : sources_pool_factors)(
        t->recipe, t->folder, t->backend, &t->pool, t->invocation->work, error);
}

int train_load(struct train_run *s, struct error *error) {
    struct training *t = &s->training;
    const struct work *work = t->invocation->work;
    bool parsed = s->kind & CORRECTION ||
                  ((s->kind & COEFFICIENTS ||
                    combine_parse(s->method, &s->o.how.method, error) == 0) &&
                   granularity_parse(s->upscale, &s->o.how.upscale, error) == 0);
    struct store *stamps = ranks_rank(t->invocation->ranks) ? NULL : t->store;
    if (!parsed || sources_check(stamps, t->recipe, t->folder, work, error) ||
        training_device(t, error) || open_pool(s, error) ||
        training_data(t, &t->pool->form, needs_labels(s), error))
        return -1;
    for (size_t i = 0; i < t->tasks; i++)
        if (t->train[i]->classes > t->pool->heads[i].classes)
            return error_set(error,
                             "task %s: its train data have %zu classes, its head has "
                             "%zu",
                             t->recipe->tasks[i].name, t->train[i]->classes,
                             t->pool->heads[i].classes);
    if (s->kind & CORRECTION)
        return load_correction(s, error);
    if (s->kind & COEFFICIENTS)
        return load_adamerging(s, error);
    struct router_training *routers;
    s->o.how.ranks = t->invocation->ranks;
    s->o.how.work = work;
    if (router_training_new(t->pool, (const struct dataset *const *)t->train, &s->o.how,
                            &routers, error))
        return -1;
    return training_start(t, router_training_trainer(routers), error);
}
