#include "command/work/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/message.h"
#include "parallel/handout.h"
#include "parallel/ranks.h"

/* The groups of one model on their way. */
struct shared_model {
    struct measure *measure;
    struct layers_groups *groups;
    char *parameters; /* as JSON */
    bool *made;       /* [groups] */
    char said[256];   /* of ranks that have ended */
    struct handout_jobs jobs;
};

static unsigned others(void *self) {
    const struct measure *m = self;
    return m->handout ? 0 : ranks_size(m->invocation->ranks) - 1;
}

static int pack(void *self, size_t job, void **bytes, size_t *size,
                struct error *error) {
    struct shared_model *s = self;
    const struct merge_input *input = layers_group_input(s->groups);
    struct message_layers layers = {.method = (char *)(uintptr_t)input->method->name,
                                    .parameters = s->parameters,
                                    .preference =
                                        (double *)(uintptr_t)input->preference};
    layers.indices = (size_t *)(uintptr_t)layers_group(s->groups, job, &layers.count);
    return message_layers(&layers, input->pool->tasks, bytes, size, error);
}

static int keep(void *self, size_t job, const void *bytes, size_t size,
                struct error *error) {
    struct shared_model *s = self;
    if (layers_group_put(s->groups, job, bytes, size, error))
        return -1;
    s->made[job] = true;
    size_t count;
    layers_group(s->groups, job, &count);
    s->measure->layers_elsewhere += count;
    return 0;
}

/* Said when the thread that finds it has ended: stderr is the other's. What the rank
 * had is made here. */
static void tell(void *self, const char *line) {
    struct shared_model *s = self;
    size_t length = strlen(s->said);
    snprintf(s->said + length, sizeof s->said - length, "%s%.*s", length ? "; " : "",
             (int)strcspn(line, ";"), line);
}

static int make_here(struct shared_model *s, size_t group, struct error *error) {
    if (layers_group_make(s->groups, group, error))
        return -1;
    s->made[group] = true;
    size_t count;
    layers_group(s->groups, group, &count);
    s->measure->layers_here += count;
    return 0;
}

/* By all ranks, then what a rank that has ended had, by this one. */
static int make_together(struct shared_model *s, struct error *error) {
    struct measure *m = s->measure;
    struct error other;
    size_t group;
    int result = 0;
    if (handout_begin(m->invocation->ranks, &s->jobs, &m->handout, error))
        return -1;
    while (result == 0 && handout_take(m->handout, &group))
        result = make_here(s, group, error);
    if (result)
        handout_stop(m->handout);
    int all = handout_end(m->handout, &other);
    m->handout = NULL;
    if (*s->said && strcmp(s->said, m->ended) != 0) { /* once, not with each model */
        command_complain("%s", s->said);
        memcpy(m->ended, s->said, sizeof m->ended);
    }
    if (result == 0 && all < 0) {
        *error = other;
        return -1;
    }
    for (group = 0; result == 0 && group < s->jobs.count; group++)
        if (!s->made[group])
            result = make_here(s, group, error);
    return result;
}

static int run(void *self, struct layers_groups *groups, struct error *error) {
    struct measure *m = self;
    const struct merge_input *input = layers_group_input(groups);
    struct shared_model s = {.measure = m,
                             .groups = groups,
                             .parameters = json_dumps(input->parameters, JSON_COMPACT),
                             .made =
                                 array_new(layers_group_count(groups), sizeof *s.made),
                             .jobs = {.count = layers_group_count(groups),
                                      .pack = pack,
                                      .keep = keep,
                                      .tell = tell,
                                      .self = &s,
                                      .work = input->work}};
    int result =
        s.parameters && s.made ? make_together(&s, error) : error_memory(error);
    free(s.parameters);
    free(s.made);
    return result;
}

void share_begin(struct measure *m) {
    if (m->invocation->ranks && ranks_rank(m->invocation->ranks) == 0)
        m->share = (struct merge_share){.others = others, .run = run, .self = m};
}

/* --- loading ahead ---------------------------------------------------------------- */

static int pack_ready(void *self, size_t job, void **bytes, size_t *size,
                      struct error *error) {
    (void)self;
    (void)job;
    return message_ready(bytes, size, error);
}

static int keep_nothing(void *self, size_t job, const void *bytes, size_t size,
                        struct error *error) {
    (void)self;
    (void)job;
    (void)bytes;
    (void)size;
    (void)error;
    return 0;
}

/* One that ends meanwhile is told of when it is missed. */
static void tell_nothing(void *self, const char *line) {
    (void)self;
    (void)line;
}

static bool makes_layers(const struct store_solution *solution) {
    struct error error;
    const struct merge_method *method =
        solution->kind == STORE_KIND_MERGE ? merge_method_find(solution->method, &error)
                                           : NULL;
    return method && method->layers;
}

int share_load(struct measure *m, const struct store_solution *solution,
               struct error *error) {
    struct handout *handout;
    struct error other;
    const struct handout_jobs jobs = {.count = ranks_size(m->invocation->ranks) - 1,
                                      .pack = pack_ready,
                                      .keep = keep_nothing,
                                      .tell = tell_nothing,
                                      .work = m->invocation->work};
    if (!m->share.run || m->handout || !makes_layers(solution))
        return measure_load(m, error);
    if (handout_begin(m->invocation->ranks, &jobs, &handout, error))
        return -1;
    int result = measure_load(m, error);
    if (result)
        handout_stop(handout);
    if (handout_end(handout, &other) < 0 && result == 0) {
        *error = other;
        return -1;
    }
    return result;
}

/* --- the other ranks -------------------------------------------------------------- */

int share_serve(struct measure *m, const void *bytes, size_t size, void **made,
                size_t *made_size, struct error *error) {
    const struct work *work = m->invocation->work;
    struct message_layers layers;
    if (!m->evaluator && measure_load(m, error))
        return work_stopped(work) ? 0 : -1;
    if (message_kind(bytes, size) == MESSAGE_READY)
        return 1;
    if (message_layers_read(bytes, size, m->recipe->task_count, &layers, error))
        return -1;
    int result = evaluator_make_layers(m->evaluator, layers.method, layers.parameters,
                                       layers.preference, layers.indices, layers.count,
                                       made, made_size, work, error);
    message_layers_clear(&layers);
    return result == 0 ? 1 : work_stopped(work) ? 0 : -1;
}
