#include "train/shared_layers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "parallel/ranks.h"

static unsigned others(void *self) {
    const struct shared_layers *s = self;
    return ranks_size(s->ranks) - 1;
}

/* Who makes a group. They become cheaper: once up and down the ranks, and so on. */
static unsigned maker(size_t group, unsigned ranks) {
    size_t place = group % (2 * (size_t)ranks);
    return (unsigned)(place < ranks ? place : 2 * (size_t)ranks - 1 - place);
}

/* Those of this rank. */
static int make_own(struct shared_layers *s, struct layers_groups *groups,
                    struct error *error) {
    unsigned rank = ranks_rank(s->ranks), size = ranks_size(s->ranks);
    for (size_t g = 0; g < layers_group_count(groups); g++) {
        size_t count;
        layers_group(groups, g, &count);
        s->in_all += count;
        if (maker(g, size) != rank)
            continue;
        if (layers_group_make(groups, g, error))
            return -1;
        s->here += count;
    }
    return 0;
}

/* All layers as they travel: each rank's, one after the other. */
struct exchange {
    size_t *begins; /* [ranks + 1] */
    float *cells;
};

static int plan(const struct shared_layers *s, const struct layers_groups *groups,
                struct exchange *e, struct error *error) {
    unsigned size = ranks_size(s->ranks);
    e->begins = array_new((size_t)size + 1, sizeof *e->begins);
    if (!e->begins)
        return error_memory(error);
    for (size_t g = 0; g < layers_group_count(groups); g++)
        e->begins[maker(g, size) + 1] += layers_group_cells(groups, g);
    for (unsigned r = 0; r < size; r++)
        e->begins[r + 1] += e->begins[r];
    e->cells = array_unset(e->begins[size], sizeof *e->cells);
    return e->cells ? 0 : error_memory(error);
}

static int exchange(const struct shared_layers *s, struct layers_groups *groups,
                    struct exchange *e, struct error *error) {
    unsigned rank = ranks_rank(s->ranks), size = ranks_size(s->ranks);
    size_t all = layers_group_count(groups), at = e->begins[rank];
    for (size_t g = 0; g < all; g++)
        if (maker(g, size) == rank) {
            layers_group_get(groups, g, e->cells + at);
            at += layers_group_cells(groups, g);
        }
    if (ranks_gather_stretches(s->ranks, e->cells, e->begins, error))
        return -1;
    for (unsigned r = 0; r < size; r++) {
        at = e->begins[r];
        for (size_t g = 0; r != rank && g < all; g++) {
            size_t cells = layers_group_cells(groups, g);
            if (maker(g, size) != r)
                continue;
            if (layers_group_put(groups, g, e->cells + at, cells * sizeof *e->cells,
                                 error))
                return -1;
            at += cells;
        }
    }
    return 0;
}

/* A ridge that ranks have chosen by themselves may differ between kinds of machines. */
static int same_parameters(const struct shared_layers *s,
                           const struct layers_groups *groups, struct error *error) {
    char *own = json_dumps(layers_group_input(groups)->parameters, JSON_COMPACT);
    char first[256] = "";
    if (own)
        snprintf(first, sizeof first, "%s", own);
    int lost = ranks_broadcast(s->ranks, first, sizeof first, error);
    int result = lost   ? -1
                 : !own ? error_memory(error)
                 : strncmp(own, first, sizeof first - 1) == 0
                     ? 0
                     : error_set(error,
                                 "the closed form's parameters are %s here and %s on "
                                 "rank 0: all ranks have to be of one kind of machine",
                                 TEXT_CUT(own, 200), TEXT_CUT(first, 200));
    free(own);
    return result;
}

/* A rank that has failed before it came here is in shared_layers_agree: to agree is the
 * first that all do together. */
static int run(void *self, struct layers_groups *groups, struct error *error) {
    struct shared_layers *s = self;
    struct exchange e = {0};
    int result = plan(s, groups, &e, error) || make_own(s, groups, error) ? -1 : 0;
    result = ranks_agree(s->ranks, result, error);
    if (result == 0)
        result = ranks_agree(s->ranks, same_parameters(s, groups, error), error);
    s->agreed = result != 0;
    if (result == 0)
        result = exchange(s, groups, &e, error);
    free(e.begins);
    free(e.cells);
    return result;
}

int shared_layers_open(struct shared_layers *s, struct backend *b, struct ranks *ranks,
                       struct error *error) {
    unsigned threads = b->threads;
    double hosts = b->host_view ? 1 : 0;
    *s = (struct shared_layers){.ranks = ranks};
    if (ranks_broadcast(ranks, &threads, sizeof threads, error) ||
        ranks_add_doubles(ranks, &hosts, 1, error))
        return -1;
    if (ranks && hosts == ranks_size(ranks))
        s->share = (struct merge_share){
            .others = others, .run = run, .self = s, .threads = threads ? threads : 1};
    return 0;
}

const struct merge_share *shared_layers_share(const struct shared_layers *s) {
    return s->share.run ? &s->share : NULL;
}

int shared_layers_agree(struct shared_layers *s, int result, struct error *error) {
    bool agreed = s->agreed;
    s->agreed = false;
    return agreed ? -1 : ranks_agree(s->ranks, result, error);
}
