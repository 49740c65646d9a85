/* What ranks share of a distillation: the experts' answers, each step's gradient, and
 * the state that they begin with. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "parallel/ranks.h"
#include "train/distillation_state.h"

/* Each rank has its own rows, the others' are 0. */
int distillation_share_answers(struct distillation *d, size_t task, int result,
                               struct error *error) {
    struct ranks *ranks = d->sharing.ranks;
    struct backend *b = d->pool->backend;
    struct answers *a = &d->answers[task];
    size_t classes = d->pool->heads[task].classes, first, end;
    float *table = NULL;
    if (!ranks)
        return result;
    sharing_range(ranks, a->rows, &first, &end);
    if (result == 0 && !(table = array_new(a->rows * classes, sizeof *table)))
        result = error_memory(error);
    if (result == 0)
        result = b->download(b, table + first * classes, a->logits + first * classes,
                             (end - first) * classes * sizeof *table, error);
    result = ranks_agree(ranks, result, error);
    if (result == 0)
        result = ranks_add_floats(ranks, table, a->rows * classes, error);
    if (result == 0) {
        b->upload(b, a->logits, table, a->rows * classes * sizeof *table);
        result = b->synchronise(b, error);
    }
    free(table);
    return ranks_agree(ranks, result, error);
}

/* --- a step's gradient ------------------------------------------------------------ */

/* Where ranks add up the gradient of the weights. */
static float *room_for(const struct distillation *d) {
    return d->gathered ? d->gathered : d->vector.room;
}

/* Of what is recorded nothing can be brought to the host before it is all done. */
void distillation_begin_sum(struct distillation *d) {
    const struct distillation_options *o = &d->options;
    d->travels = d->sharing.ranks && d->on_hosts && !o->fixed && !o->rank;
    if (!d->travels)
        return;
    d->brought = d->pool->layout->text_begin;
    d->result = 0;
    behind_begin(&d->behind, d->sharing.ranks, room_for(d), d->begins, d->pieces);
}

void distillation_passed(void *self, size_t offset) {
    struct distillation *d = self;
    struct backend *b = d->pool->backend;
    if (d->result == 0)
        d->result = b->download(b, room_for(d) + offset, d->slope + offset,
                                (d->brought - offset) * sizeof *d->slope, &d->why);
    d->brought = offset;
    behind_made(&d->behind, offset);
}

/* What comes after all ranks have said that they are fine: one that cannot hand over
 * its gradient then gives up, which ends them all. Of several vectors that of the
 * weights is whole on every rank. */
static int gather_slope(struct distillation *d, bool added, struct error *error) {
    struct ranks *ranks = d->sharing.ranks;
    struct backend *b = d->pool->backend;
    size_t bytes = d->pool->layout->text_begin * sizeof *d->gathered;
    if (!added && b->download(b, d->gathered, d->slope, bytes, error)) {
        ranks_give_up(ranks);
        return -1;
    }
    for (size_t i = 0; i < d->pieces; i++) {
        float *piece = d->gathered + d->begins[i];
        size_t count = d->begins[i + 1] - d->begins[i];
        if ((!added && ranks_add_parts(ranks, piece, count, error)) ||
            ranks_gather_parts(ranks, piece, count, error))
            return -1;
    }
    b->upload(b, d->slope, d->gathered, bytes);
    return 0;
}

int distillation_gather(struct distillation *d, int result, double *losses,
                        struct error *error) {
    struct backend *b = d->pool->backend;
    struct trained *list[DISTILLATION_LISTS];
    struct error unsaid;
    bool travels = d->travels;
    d->travels = false;
    if (travels && behind_end(&d->behind, result ? &unsaid : error))
        return -1;
    if (travels && result == 0 && d->result) {
        *error = d->why;
        result = -1;
    }
    if (result == 0)
        result = task_batch_collect(d->batch, losses, error);
    if (sharing_add(&d->sharing, result, NULL, 0, losses, error))
        return -1;
    if (d->options.fixed) /* what routers learn from travels by itself */
        return 0;
    if (d->gathered)
        return gather_slope(d, travels, error);
    distillation_list(d, list);
    if (!travels)
        return trained_reduce(b, list[0], error);
    trained_take(b, list[0]);
    return 0;
}

bool distillation_asked(const void *self) {
    return ((const struct distillation *)self)->sharing.asked;
}

int distillation_lend(void *self, struct error *error) {
    struct distillation *d = self;
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    return trained_lend(d->pool->backend, list, count, error);
}

/* --- the state -------------------------------------------------------------------- */

static int spread_held(struct distillation *d, struct ranks *ranks,
                       struct error *error) {
    bool first = ranks_rank(ranks) == 0;
    void *bytes = NULL;
    size_t count = 0;
    uint64_t size;
    int result = first ? held_back_save(&d->held, &bytes, &count, error) : 0;
    size = count;
    if (ranks_agree(ranks, result, error) ||
        ranks_broadcast(ranks, &size, sizeof size, error)) {
        free(bytes);
        return -1;
    }
    if (!first && !(bytes = malloc((size_t)size + 1)))
        result = error_memory(error);
    result = ranks_agree(ranks, result, error);
    if (result == 0)
        result = ranks_broadcast(ranks, bytes, (size_t)size, error);
    if (result == 0 && !first)
        result = held_back_resume(&d->held, bytes, (size_t)size, error);
    free(bytes);
    return result;
}

int distillation_spread(void *self, struct ranks *ranks, struct error *error) {
    struct distillation *d = self;
    struct trained *list[DISTILLATION_LISTS];
    size_t count = distillation_list(d, list);
    struct {
        struct random random;
        double learning_rate, ridge;
        uint64_t step;
    } state;
    memset(&state, 0, sizeof state); /* what lies between members, too, is sent */
    state.random = d->random;
    state.learning_rate = d->options.learning_rate;
    state.ridge = d->ridge;
    state.step = d->step;
    if (ranks_broadcast(ranks, &state, sizeof state, error) ||
        trained_spread(d->pool->backend, list, count, d->resumed, ranks, error))
        return -1;
    if (held_back_any(&d->held) && spread_held(d, ranks, error))
        return -1;
    if (d->ridge != state.ridge) /* rounding may choose another one */
        return error_set(error,
                         "the closed form's ridge is %g here and %g on rank 0: all "
                         "ranks have to be of one kind of machine",
                         d->ridge, state.ridge);
    d->random = state.random;
    d->options.learning_rate = state.learning_rate;
    d->step = (unsigned)state.step;
    for (size_t t = 0; t < d->pool->tasks; t++)
        task_batch_resume(d->batch, t, d->step * d->options.batch);
    return distillation_put(d, error);
}
