#include "results/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/order.h"

/* --- blocks ---------------------------------------------------------------------- */

enum { BLOCK = 64 };

static void swap(size_t *a, size_t *b) {
    size_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Hoare's selection: no weight before the middle is greater, none behind it less. */
static void part(const double *weights, size_t tasks, size_t *order, size_t count,
                 size_t middle) {
    ptrdiff_t from = 0, to = (ptrdiff_t)count - 1, at = (ptrdiff_t)middle;
    while (from < to) {
        double pivot = weights[order[from + (to - from) / 2] * tasks];
        ptrdiff_t i = from, j = to;
        while (i <= j) {
            while (weights[order[i] * tasks] < pivot)
                i++;
            while (weights[order[j] * tasks] > pivot)
                j--;
            if (i <= j)
                swap(&order[i++], &order[j--]);
        }
        if (at <= j)
            to = j;
        else if (at >= i)
            from = i;
        else
            return;
    }
}

/* Of every step-th of these; box [2][tasks]. */
static void find_box(const struct samples *samples, const size_t *order, size_t count,
                     size_t step, double *box) {
    size_t tasks = samples->tasks;
    for (size_t t = 0; t < tasks; t++) {
        box[t] = INFINITY;
        box[tasks + t] = -INFINITY;
    }
    for (size_t i = 0; i < count; i += step) {
        const double *at = samples->preferences + order[i] * tasks;
        for (size_t t = 0; t < tasks; t++) {
            box[t] = at[t] < box[t] ? at[t] : box[t];
            box[tasks + t] = at[t] > box[tasks + t] ? at[t] : box[tasks + t];
        }
    }
}

/* Halves [from, to) of the order across the weight that is widest, by a look at some,
 * until a block is left. */
static void divide(struct samples *samples, size_t from, size_t to) {
    struct sample_blocks *blocks = &samples->blocks;
    size_t tasks = samples->tasks, count = to - from, widest = 0;
    double *box = blocks->box + 2 * tasks * blocks->count;
    find_box(samples, blocks->order + from, count, count <= BLOCK ? 1 : count / BLOCK,
             box);
    if (count <= BLOCK) {
        blocks->begins[blocks->count++] = from;
        return;
    }
    for (size_t t = 1; t < tasks; t++)
        if (box[tasks + t] - box[t] > box[tasks + widest] - box[widest])
            widest = t;
    part(samples->preferences + widest, tasks, blocks->order + from, count, count / 2);
    divide(samples, from, from + count / 2);
    divide(samples, from + count / 2, to);
}

static void blocks_free(struct sample_blocks *blocks) {
    free(blocks->order);
    free(blocks->begins);
    free(blocks->box);
    *blocks = (struct sample_blocks){0};
}

int samples_divide(struct samples *samples) {
    struct sample_blocks *blocks = &samples->blocks;
    /* A half has more than half of BLOCK. */
    size_t most = samples->count / (BLOCK / 2) + 1, cells;
    if (!samples->count)
        return 0;
    blocks->order = array_unset(samples->count, sizeof *blocks->order);
    blocks->begins = array_unset(most + 1, sizeof *blocks->begins);
    if (size_multiply(most, 2 * samples->tasks, &cells))
        blocks->box = array_unset(cells, sizeof *blocks->box);
    if (!blocks->order || !blocks->begins || !blocks->box) {
        blocks_free(blocks);
        return -1;
    }
    for (size_t i = 0; i < samples->count; i++)
        blocks->order[i] = i;
    divide(samples, 0, samples->count);
    blocks->begins[blocks->count] = samples->count;
    return 0;
}

/* --- samples --------------------------------------------------------------------- */

int samples_make(struct samples *samples, const struct catalog *catalog,
                 int64_t routers) {
    size_t tasks = catalog->tasks, cells;
    *samples = (struct samples){.tasks = tasks};
    if (!size_multiply(catalog->count, tasks, &cells))
        return -1;
    samples->preferences = array_new(cells, sizeof(double));
    samples->values = array_new(cells, sizeof(double));
    if (!samples->preferences || !samples->values) {
        samples_free(samples);
        return -1;
    }
    for (size_t t = 0; t < tasks; t++)
        samples->less[t] = !catalog->recipe->tasks[t].objective.maximise;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (!routers || catalog_answerer(solution) != routers ||
            !catalog->solutions[i].whole || catalog->solutions[i].stale)
            continue;
        memcpy(samples->preferences + samples->count * tasks, solution->preference,
               tasks * sizeof(double));
        memcpy(samples->values + samples->count * tasks, catalog->values + i * tasks,
               tasks * sizeof(double));
        samples->count++;
    }
    if (samples_divide(samples)) {
        samples_free(samples);
        return -1;
    }
    return 0;
}

void samples_free(struct samples *samples) {
    free(samples->preferences);
    free(samples->values);
    blocks_free(&samples->blocks);
    *samples = (struct samples){0};
}

/* --- the nearest ----------------------------------------------------------------- */

/* Distances are squared. Those that are equal but for rounding count as equal. */
static const double above = 1 + 1e-9, below = 1 - 1e-9;

struct search {
    const struct samples *samples;
    const double *preference;
    size_t least;
    struct order_item *found; /* distance and sample; none farther than limit */
    double *keys;
    size_t count, capacity, keys_capacity;
    size_t fresh; /* found since the limit was worked out */
    double reach; /* of the last of the least, so far */
    double limit; /* reach, with what counts as equal */
};

static double distance(const double *a, const double *b, size_t tasks) {
    double sum = 0;
    for (size_t t = 0; t < tasks; t++)
        sum += (a[t] - b[t]) * (a[t] - b[t]);
    return sum;
}

/* Of no sample in it less: each part is that of its nearest side, and is rounded as a
 * sample's. */
static double box_distance(const double *box, const double *preference, size_t tasks) {
    double sum = 0;
    for (size_t t = 0; t < tasks; t++) {
        double under = box[t] - preference[t], over = preference[t] - box[tasks + t];
        double outside = under > 0 ? under : over > 0 ? over : 0;
        sum += outside * outside;
    }
    return sum;
}

/* The limit anew; what is beyond it goes. */
static int tighten(struct search *search) {
    size_t kept = 0;
    search->fresh = 0;
    if (search->count < search->least)
        return 0;
    if (array_reserve((void **)&search->keys, &search->keys_capacity, search->count,
                      sizeof *search->keys))
        return -1;
    for (size_t i = 0; i < search->count; i++)
        search->keys[i] = search->found[i].key;
    search->reach = order_select(search->keys, search->count, search->least - 1);
    search->limit = search->reach * above;
    for (size_t i = 0; i < search->count; i++)
        if (search->found[i].key <= search->limit)
            search->found[kept++] = search->found[i];
    search->count = kept;
    return 0;
}

/* Of the samples from..to, by the order of the blocks where there is one. */
static int look_at(struct search *search, size_t from, size_t to) {
    const struct samples *samples = search->samples;
    if (array_reserve((void **)&search->found, &search->capacity,
                      search->count + (to - from), sizeof *search->found))
        return -1;
    for (size_t i = from; i < to; i++) {
        size_t at = samples->blocks.count ? samples->blocks.order[i] : i;
        double key = distance(samples->preferences + at * samples->tasks,
                              search->preference, samples->tasks);
        if (key > search->limit)
            continue;
        search->found[search->count++] = (struct order_item){key, at};
        search->fresh++;
    }
    return search->fresh < 4 * BLOCK ? 0 : tighten(search);
}

/* The nearest block first, until none can hold anything nearer. */
static int look_through(struct search *search) {
    const struct samples *samples = search->samples;
    const struct sample_blocks *blocks = &samples->blocks;
    if (!blocks->count)
        return look_at(search, 0, samples->count);
    struct order_item *items = array_unset(blocks->count, 2 * sizeof *items);
    int result = items ? 0 : -1;
    for (size_t b = 0; items && b < blocks->count; b++)
        items[b] =
            (struct order_item){box_distance(blocks->box + 2 * samples->tasks * b,
                                             search->preference, samples->tasks),
                                b};
    if (items)
        order_sort(items, items + blocks->count, blocks->count);
    for (size_t i = 0;
         result == 0 && i < blocks->count && items[i].key <= search->limit; i++)
        result = look_at(search, blocks->begins[items[i].index],
                         blocks->begins[items[i].index + 1]);
    free(items);
    return result;
}

static int by_sample(const void *a, const void *b) {
    const struct order_item *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void put(const struct samples *samples, size_t at, struct samples *near) {
    size_t tasks = samples->tasks;
    memcpy(near->preferences + near->count * tasks, samples->preferences + at * tasks,
           tasks * sizeof(double));
    memcpy(near->values + near->count * tasks, samples->values + at * tasks,
           tasks * sizeof(double));
    near->count++;
}

/* Of those that are as far as the farthest as many as there is room for, evenly from
 * all: the first of a grid's would lie on one side. */
static void take(struct search *search, size_t most, struct samples *near) {
    const struct samples *samples = search->samples;
    double low = search->reach * below;
    size_t inside = 0, at = 0;
    qsort(search->found, search->count, sizeof *search->found, by_sample);
    for (size_t i = 0; i < search->count; i++)
        inside += search->found[i].key < low;
    size_t as_far = search->count - inside;
    size_t room = most - inside < as_far ? most - inside : as_far;
    for (size_t i = 0; i < search->count; i++)
        if (search->found[i].key < low)
            put(samples, search->found[i].index, near);
    for (size_t i = 0; i < search->count; i++)
        if (search->found[i].key >= low) {
            if ((at + 1) * room / as_far > at * room / as_far)
                put(samples, search->found[i].index, near);
            at++;
        }
}

bool samples_nearest(const struct samples *samples, const double *preference,
                     size_t least, size_t most, struct samples *near) {
    size_t tasks = samples->tasks, cells;
    *near = (struct samples){.tasks = tasks};
    memcpy(near->less, samples->less, sizeof near->less);
    most = most < samples->count ? most : samples->count;
    least = least < most ? least : most;
    if (!least)
        return false;
    struct search search = {.samples = samples,
                            .preference = preference,
                            .least = least,
                            .limit = INFINITY};
    if (size_multiply(most, tasks, &cells)) {
        near->preferences = array_unset(cells, sizeof(double));
        near->values = array_unset(cells, sizeof(double));
    }
    bool done = near->preferences && near->values && look_through(&search) == 0 &&
                tighten(&search) == 0;
    if (done)
        take(&search, most, near);
    else
        samples_free(near);
    free(search.found);
    free(search.keys);
    return done;
}
