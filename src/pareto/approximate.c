#include "pareto/approximate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "pareto/inside.h"
#include "pareto/order.h"
#include "pareto/pareto.h"
#include "pareto/wfg.h"

enum {
    FEW = 16,         /* points of which the exact volume takes no time */
    BATCH = 1024,     /* places that one stream of random numbers draws */
    BATCHES = 64,     /* until it is asked whether to go on */
    OF_VOLUME = 0,    /* streams of the two parts */
    OF_CONTRIBUTIONS, /* an odd number */
};

/* The boxes between points that none dominates and the reference point. */
struct cover {
    size_t count, objectives;
    double *rows;       /* [count, objectives], the greatest box first */
    double *upto;       /* [count]: its volume and that of those before, over all */
    size_t *from;       /* [count]: the caller's number of each */
    const double *high; /* the reference point */
    double logarithm;   /* of the sum of the boxes' volumes */
    uint64_t seed;
};

double approximate_within(const struct approximation *how, size_t count,
                          size_t objectives) {
    return how && objectives > 4 && count > FEW ? how->epsilon : 0;
}

/* --- the boxes -------------------------------------------------------------------- */

static void cover_free(struct cover *cover) {
    free(cover->rows);
    free(cover->upto);
    free(cover->from);
}

/* The logarithm of a box's volume: volumes of many objectives may be too small, or too
 * large, for a double. */
static double box_logarithm(const double *point, const double *high,
                            size_t objectives) {
    double sum = 0;
    for (size_t j = 0; j < objectives; j++)
        sum += log(high[j] - point[j]);
    return sum;
}

/* rows [cover->count, objectives] in the order of items, which is that of their boxes'
 * volumes, and the shares of these. */
static void cover_fill(struct cover *cover, const double *rows,
                       const struct order_item *items) {
    double sum = 0, greatest = -items[0].key;
    for (size_t i = 0; i < cover->count; i++) {
        size_t row = items[i].index;
        memcpy(cover->rows + i * cover->objectives, rows + row * cover->objectives,
               cover->objectives * sizeof *rows);
        cover->from[i] = row;
        sum += exp(-items[i].key - greatest);
        cover->upto[i] = sum;
    }
    for (size_t i = 0; i < cover->count; i++)
        cover->upto[i] /= sum;
    cover->logarithm = greatest + log(sum);
}

/* Of the points inside those that none dominates, each once. 0 or -1; cover_free is due
 * in both cases. */
static int cover_new(struct cover *cover, const double *rows, size_t count,
                     size_t objectives, const double *high, uint64_t seed,
                     struct error *error) {
    *cover = (struct cover){.objectives = objectives, .high = high, .seed = seed};
    bool *keep = array_new(count, sizeof *keep);
    struct order_item *items = array_new(count, 2 * sizeof *items);
    long kept = -1;
    if (keep && items)
        kept = pareto_filter(rows, count, objectives, true, keep, error);
    else
        error_memory(error);
    if (kept >= 0) {
        cover->rows = array_new((size_t)kept * objectives, sizeof *cover->rows);
        cover->upto = array_new((size_t)kept, sizeof *cover->upto);
        cover->from = array_new((size_t)kept, sizeof *cover->from);
        if (!cover->rows || !cover->upto || !cover->from)
            kept = error_memory(error);
    }
    for (size_t i = 0; kept >= 0 && i < count; i++)
        if (keep[i])
            items[cover->count++] = (struct order_item){
                -box_logarithm(rows + i * objectives, high, objectives), i};
    if (kept > 0) {
        order_sort(items, items + count, cover->count);
        cover_fill(cover, rows, items);
    }
    free(keep);
    free(items);
    return kept < 0 ? -1 : 0;
}

/* --- places ----------------------------------------------------------------------- */

/* The box to which this share of all volume belongs. */
static size_t box_at(const struct cover *cover, double share) {
    size_t at = 0, left = cover->count - 1;
    while (left > 0) {
        size_t half = left / 2;
        bool beyond = cover->upto[at + half] <= share;
        at = beyond ? at + half + 1 : at;
        left = beyond ? left - half - 1 : half;
    }
    return at;
}

/* Does a box from this one on, and before that one, have the place? */
static bool is_covered(const struct cover *cover, size_t from, size_t to,
                       const double *place) {
    for (size_t i = from; i < to; i++) {
        const double *row = cover->rows + i * cover->objectives;
        size_t j = 0;
        while (j < cover->objectives && row[j] <= place[j])
            j++;
        if (j == cover->objectives)
            return true;
    }
    return false;
}

/* Draws places until BATCH are drawn or `most` of them have counted. Returns how many
 * counted, and in *drawn how many were drawn. alone [count], or NULL: for each box, one
 * more for every place that is in no other. */
static size_t draw_batch(const struct cover *cover, uint64_t stream, size_t most,
                         size_t *drawn, size_t *alone) {
    struct random random;
    double place[WFG_OBJECTIVES];
    size_t counted = 0, n = 0;
    random_seed(&random, cover->seed, stream);
    for (; n < BATCH && counted < most; n++) {
        size_t box = box_at(cover, random_uniform(&random));
        const double *row = cover->rows + box * cover->objectives;
        for (size_t j = 0; j < cover->objectives; j++)
            place[j] = row[j] + (cover->high[j] - row[j]) * random_uniform(&random);
        if (is_covered(cover, 0, box, place))
            continue;
        counted++;
        if (alone && !is_covered(cover, box + 1, cover->count, place))
            alone[box]++;
    }
    *drawn = n;
    return counted;
}

/* --- the two parts ---------------------------------------------------------------- */

static double risk(void) {
    return (1 - APPROXIMATE_SURE) / 2;
}

/* The share of all boxes' volume that the union has, by the stopping rule. */
static int find_share(const struct cover *cover, double epsilon, double *share,
                      const struct work *work, struct error *error) {
    double bound =
        1 + (1 + epsilon) * 4 * (M_E - 2) * log(2 / risk()) / (epsilon * epsilon);
    size_t need = (size_t)ceil(bound), counted = 0, drawn = 0;
    for (uint64_t first = 0; counted < need; first += BATCHES) {
        size_t got[BATCHES];
        if (work_stopped(work))
            return error_set(error, "stopped");
        work_report(work, "hypervolume by sampling", counted, need);
#pragma omp parallel for schedule(dynamic)
        for (size_t i = 0; i < BATCHES; i++) {
            size_t n;
            got[i] = draw_batch(cover, 2 * (first + i) + OF_VOLUME, SIZE_MAX, &n, NULL);
        }
        for (size_t i = 0; i < BATCHES && counted < need; i++) {
            size_t n = BATCH;
            /* In the last one it is known only place by place. */
            if (counted + got[i] >= need)
                got[i] = draw_batch(cover, 2 * (first + i) + OF_VOLUME, need - counted,
                                    &n, NULL);
            counted += got[i];
            drawn += n;
        }
    }
    *share = bound / (double)drawn;
    return 0;
}

/* shares [cover->count]: of all boxes' volume, what is in that box alone. */
static int find_alone(const struct cover *cover, double epsilon, double share,
                      double *shares, const struct work *work, struct error *error) {
    double least = share / (1 + epsilon);
    double need = (2 + 2 * epsilon / 3) * log(2 * (double)cover->count / risk()) /
                  (epsilon * epsilon * least);
    uint64_t batches = (uint64_t)(need / BATCH) + 1, done = 0;
    size_t *alone = array_new(cover->count, sizeof *alone);
    if (!alone)
        return error_memory(error);
    while (done < batches && !work_stopped(work)) {
        uint64_t end = done + BATCHES < batches ? done + BATCHES : batches;
        bool failed = false;
        work_report(work, "what each point adds", done, batches);
#pragma omp parallel
        {
            size_t *mine = array_new(cover->count, sizeof *mine), n;
#pragma omp for schedule(dynamic)
            for (uint64_t i = done; i < end; i++)
                if (mine)
                    draw_batch(cover, 2 * i + OF_CONTRIBUTIONS, SIZE_MAX, &n, mine);
#pragma omp critical
            {
                failed |= !mine;
                for (size_t k = 0; mine && k < cover->count; k++)
                    alone[k] += mine[k];
            }
            free(mine);
        }
        if (failed) {
            free(alone);
            return error_memory(error);
        }
        done = end;
    }
    for (size_t k = 0; k < cover->count; k++)
        shares[k] = (double)alone[k] / (double)(batches * BATCH);
    free(alone);
    return done < batches ? error_set(error, "stopped") : 0;
}

/* --- all of it -------------------------------------------------------------------- */

static bool are_equal(const double *a, const double *b, size_t objectives) {
    size_t j = 0;
    while (j < objectives && a[j] == b[j])
        j++;
    return j == objectives;
}

/* A point that another equals adds nothing; of such ones cover has the first. */
static void clear_equal(const struct cover *cover, const double *rows, size_t count,
                        const bool *keep, double *adds) {
    size_t width = cover->objectives;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; keep[i] && k < cover->count; k++)
            if (cover->from[k] != i &&
                are_equal(rows + cover->from[k] * width, rows + i * width, width))
                adds[cover->from[k]] = 0;
}

/* adds [count] of the points inside. */
static int find_contributions(const struct cover *cover, const double *rows,
                              size_t count, double epsilon, double share, double *adds,
                              const struct work *work, struct error *error) {
    double *shares = array_new(cover->count, sizeof *shares);
    bool *keep = array_new(count, sizeof *keep);
    int result = shares && keep ? 0 : error_memory(error);
    if (result == 0 &&
        pareto_filter(rows, count, cover->objectives, false, keep, error) < 0)
        result = -1;
    if (result == 0)
        result = find_alone(cover, epsilon, share, shares, work, error);
    memset(adds, 0, count * sizeof *adds);
    for (size_t k = 0; result == 0 && k < cover->count; k++)
        adds[cover->from[k]] = exp(cover->logarithm) * shares[k];
    if (result == 0)
        clear_equal(cover, rows, count, keep, adds);
    free(shares);
    free(keep);
    return result;
}

int approximate_hypervolume(const double *points, size_t count, size_t objectives,
                            const double *reference, const struct approximation *how,
                            double *volume, double *contributions,
                            const struct work *work, struct error *error) {
    size_t inside;
    if (!(approximate_within(how, count, objectives) > 0))
        return pareto_hypervolume(points, count, objectives, reference, volume, work,
                                  error) ||
                       (contributions &&
                        pareto_contributions(points, count, objectives, reference,
                                             contributions, work, error))
                   ? -1
                   : 0;
    double share = 0,
           *rows = inside_points(points, count, objectives, reference, &inside, error);
    struct cover cover = {0};
    int result = rows ? 0 : -1;
    *volume = 0;
    if (result == 0 && inside)
        result =
            cover_new(&cover, rows, inside, objectives, reference, how->seed, error) ||
            find_share(&cover, how->epsilon, &share, work, error);
    if (result == 0 && inside && contributions)
        result = find_contributions(&cover, rows, inside, how->epsilon, share,
                                    contributions, work, error);
    if (result == 0 && inside)
        *volume = exp(cover.logarithm) * share;
    for (size_t i = count; result == 0 && contributions && i-- > 0;)
        contributions[i] = inside_box(points + i * objectives, reference, objectives)
                               ? contributions[--inside]
                               : 0;
    cover_free(&cover);
    free(rows);
    if (result == 0 && !isfinite(*volume))
        result = error_set(error, "the hypervolume is larger than numbers can be; give "
                                  "points in other units");
    return result ? -1 : 0;
}
