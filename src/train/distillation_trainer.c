/* The distillation as what the training loop drives (trainer.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/correction_bytes.h"
#include "train/distillation_state.h"

static const char state_kind[] = "pwemoe-distillation";

static int save_file(void *self, const char *path, const char *note,
                     struct error *error) {
    struct distillation *d = self;
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    struct training_state state = {.kind = state_kind,
                                   .step = d->step,
                                   .batch = d->options.batch,
                                   .random = d->random,
                                   .has_random = true};
    if (held_back_any(&d->held) &&
        held_back_save(&d->held, &state.extra, &state.extra_size, error))
        return -1;
    int result = trained_save(d->pool->backend, list, count, &state, path, note, error);
    free(state.extra);
    return result;
}

static int resume_file(void *self, const char *path, char **note, struct error *error) {
    struct distillation *d = self;
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    struct training_state state = {
        .kind = state_kind, .batch = d->options.batch, .has_random = true};
    if (trained_resume(d->pool->backend, list, count, (unsigned)d->options.steps,
                       &state, path, note, error))
        return -1;
    int result = held_back_any(&d->held)
                     ? held_back_resume(&d->held, state.extra, state.extra_size, error)
                     : 0;
    if (result == 0)
        result = distillation_put(d, error);
    free(state.extra);
    if (result) {
        free(*note);
        *note = NULL;
        return -1;
    }
    free(d->resumed);
    if (!(d->resumed = strdup(path))) {
        free(*note);
        *note = NULL;
        return error_memory(error);
    }
    d->step = state.step;
    d->random = state.random;
    for (size_t t = 0; t < d->pool->tasks; t++)
        task_batch_resume(d->batch, t, state.step * state.batch);
    return 0;
}

static unsigned step_count(const void *self) {
    return ((const struct distillation *)self)->step;
}

static uint64_t trainable(const void *self) {
    const struct distillation *d = self;
    const struct layout *l = d->pool->layout;
    uint64_t count = 0;
    for (size_t i = 0; i < l->text_parameter; i++)
        count += l->parameters[i].count;
    count *= d->options.fixed ? 0 : d->count;
    if (d->tensors)
        count = tensor_factors_numbers(d->tensors)->count;
    if (d->factors) /* without what lies between parameters, as there */
        count -= l->text_begin - factors_numbers(d->factors)->count;
    for (size_t t = 0; d->head_part.changes && t < d->pool->tasks; t++) {
        const struct head *h = &d->head_part.changes[t];
        count += (uint64_t)h->classes * (h->features + (h->bias != NULL));
    }
    return count + d->routers.numbers.count;
}

static bool finished(const void *self) {
    const struct distillation *d = self;
    return held_back_ends(&d->held, d->step);
}

static void remark(const void *self, char *text, size_t size) {
    static const char *const losses[] = {"bounded divergence from the experts' answers",
                                         "bounded cross-entropy", "bounded entropy"};
    const struct distillation *d = self;
    const struct held_back *h = &d->held;
    char what[160];
    *text = '\0';
    if (!h->result)
        return;
    snprintf(what, sizeof what, "%sof %zu held-back examples the %s at equal weights",
             finished(d) ? "stopped early: " : "", h->count, losses[d->options.loss]);
    if (!isfinite(h->least))
        snprintf(text, size, "%s was never finite; step %u is kept", what,
                 h->kept_step);
    else if (h->kept_step == h->least_step)
        snprintf(text, size, "%s was least after step %u (%.4g), which is kept", what,
                 h->least_step, h->least);
    else
        snprintf(
            text, size,
            "%s was least after step %u (%.4g); step %u (%.4g) is not worse beyond "
            "chance, and is kept",
            what, h->least_step, h->least, h->kept_step, h->kept);
}

int distillation_bytes(struct distillation *d, void **bytes, size_t *size,
                       struct error *error) {
    const struct layout *layout = d->pool->layout;
    struct correction_parts parts = {.form = d->options.form,
                                     .routers = correction_routers(d->correction),
                                     .ridge = d->ridge};
    parts.vectors = array_new(d->count * layout->size, sizeof *parts.vectors);
    int status = parts.vectors ? distillation_vector(d, parts.vectors, error)
                               : error_memory(error);
    if (status == 0)
        status = distillation_heads_part(d, &parts, error);
    if (status == 0)
        status =
            correction_to_memory(layout, d->pool->tasks, &parts, bytes, size, error);
    free(parts.vectors);
    return status;
}

/* Each would be as large as a model: there is one, at the end, of what is kept. */
static int result(void *self, void **bytes, size_t *size, struct error *error) {
    struct distillation *d = self;
    *bytes = NULL;
    *size = 0;
    if (d->step < d->options.steps && !finished(d))
        return 0;
    if (!d->held.result)
        return distillation_best_bytes(d, bytes, size, error);
    *bytes = malloc(d->held.result_size);
    if (!*bytes)
        return error_memory(error);
    memcpy(*bytes, d->held.result, d->held.result_size);
    *size = d->held.result_size;
    return 0;
}

static int step(void *self, double *losses, struct error *error) {
    return distillation_step(self, losses, error);
}

static void free_trainer(void *self) {
    distillation_free(self);
}

struct trainer distillation_trainer(struct distillation *d) {
    static const struct trainer_kind kind = {.doing = "training",
                                             .step_count = step_count,
                                             .trainable = trainable,
                                             .step = step,
                                             .finished = finished,
                                             .remark = remark,
                                             .save_file = save_file,
                                             .resume_file = resume_file,
                                             .spread = distillation_spread,
                                             .lend = distillation_lend,
                                             .asked = distillation_asked,
                                             .result = result,
                                             .free = free_trainer};
    return (struct trainer){&kind, d};
}
