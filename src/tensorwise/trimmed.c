/* The methods that leave out entries of each task vector: TIES (Yadav et al. 2023) and
 * DARE (Yu et al. 2024), as merge/ties.h has them but in each tensor alone, and Model
 * Breadcrumbs (Davari and Belilovsky 2023, arXiv 2312.06795), which leaves out the
 * greatest entries besides. What is kept is decided by counts, as mergekit does. */
#include <stdlib.h>

#include "base/memory.h"
#include "merge/select.h"
#include "tensorwise/method.h"

typedef uint32_t bits_of_float __attribute__((may_alias));

/* The place after the wanted-th entry of that magnitude. */
static size_t cut_after(const float *x, size_t count, uint32_t bits, size_t wanted) {
    const bits_of_float *all = (const bits_of_float *)x;
    size_t at = 0;
    for (; wanted > 0 && at < count; at++)
        wanted -= (all[at] & INT32_MAX) == bits;
    return at;
}

/* Of x [count] without its `top` greatest the `kept` greatest; of equal magnitudes the
 * first. */
static void bound(struct select *select, const float *x, size_t count, size_t kept,
                  size_t top, struct blend_bounds *bounds) {
    const struct select_run whole = {0, count};
    struct select_result found;
    *bounds = (struct blend_bounds){0, INT32_MAX, SIZE_MAX, SIZE_MAX, 0};
    if (kept == 0) {
        bounds->low = INT32_MAX;
        bounds->high = 0;
        return;
    }
    size_t wanted_high = kept;
    if (top > 0) {
        select_magnitude(select, x, &whole, 1, count - top, &found);
        bounds->high = found.bits;
        wanted_high = count - top - found.below;
        if (wanted_high < found.equal)
            bounds->high_cut = cut_after(x, count, found.bits, wanted_high);
    }
    if (kept + top >= count)
        return;
    select_magnitude(select, x, &whole, 1, count - top - kept + 1, &found);
    bounds->low = found.bits;
    if (found.bits == bounds->high && top > 0) { /* all that is kept is equal */
        bounds->high_cut = cut_after(x, count, found.bits, kept);
        return;
    }
    size_t wanted = kept - (count - top - found.below - found.equal);
    if (wanted < found.equal)
        bounds->low_cut = cut_after(x, count, found.bits, wanted);
}

/* kept and top are shares; at least `least` entries are kept. */
static int bound_all(const struct tensor_input *input, double kept, double top,
                     size_t least, struct blend *blend, struct error *error) {
    const struct values *values = input->values;
    size_t count = values->count;
    struct select *select = select_new(input->threads, count);
    float *vector = array_unset(count, sizeof *vector);
    int result = select && vector ? 0 : error_memory(error);
    size_t few = (size_t)((double)count * kept), most = (size_t)((double)count * top);
    if (few < least)
        few = least;
    if (few > count)
        few = count;
    if (most > count - few)
        most = count - few;
    blend->trim = few < count ? BLEND_RANGE : BLEND_KEEP;
    for (size_t t = 0; t < values->models->count && result == 0 && few < count; t++) {
        result = values_whole_vector(values, t, input->threads, vector, error);
        if (result == 0)
            bound(select, vector, count, few, most, &blend->bounds[t]);
        if (result == 0 && work_stopped(input->work))
            result = error_set(error, "stopped; nothing was written");
    }
    free(vector);
    select_free(select);
    return result;
}

static void draw(const struct tensor_input *input, double keep, struct blend *blend) {
    blend->trim = BLEND_DRAW;
    blend->keep = keep;
    for (size_t t = 0; t < input->values->models->count; t++)
        blend->bounds[t].sequence = tensorwise_sequence(input, t);
}

static enum blend_sum sum_of(const struct tensor_input *input) {
    static const enum blend_sum sums[] = {BLEND_ALL, BLEND_SUM, BLEND_MEAN};
    return sums[tensorwise_word(input, "sum")];
}

static int decide_ties(const struct tensor_input *input, struct blend *blend,
                       struct error *error) {
    double keep = tensorwise_number(input, "keep");
    blend->scale = tensorwise_number(input, "scale");
    blend->sum = tensorwise_word(input, "sum") ? BLEND_MEAN : BLEND_SUM;
    if (tensorwise_word(input, "trim") == 0)
        return bound_all(input, keep, 0, 1, blend, error);
    draw(input, keep, blend);
    return 0;
}

static int decide_dare(const struct tensor_input *input, struct blend *blend,
                       struct error *error) {
    (void)error;
    blend->scale = tensorwise_number(input, "scale");
    draw(input, 1 - tensorwise_number(input, "drop"), blend);
    return 0;
}

static int decide_breadcrumbs(const struct tensor_input *input, struct blend *blend,
                              struct error *error) {
    blend->scale = tensorwise_number(input, "scale");
    blend->sum = sum_of(input);
    return bound_all(input, tensorwise_number(input, "keep"),
                     tensorwise_number(input, "outliers"), 0, blend, error);
}

static uint64_t room(const struct model_tensor *tensor, size_t experts) {
    (void)experts;
    return (tensor->base->count + 1) * sizeof(float) + (16 << 20);
}

static const struct merge_parameter ties_parameters[] = {
    MERGE_SCALE,
    MERGE_WEIGHT,
    {.name = "keep",
     .initial = 0.2,
     .low = 0,
     .high = 1,
     .above_low = true,
     .help = "fraction of entries that trimming keeps in each tensor"},
    {.name = "trim",
     .words = "tensor|dare",
     .help = "trim in each tensor (as mergekit) or by chance (DARE)"},
    {.name = "sum",
     .words = "sum|mean",
     .help = "of the entries that agree with the elected sign"},
    {MERGE_SEED, .with = "trim=dare", .help = "another seed, other entries"},
    {0}};

const struct tensorwise_method tensorwise_ties = {
    .head = {.name = "ties",
             .summary = "trim, elect sign, disjoint merge (Yadav et al. 2023)",
             .parameters = ties_parameters},
    .least = 1,
    .needs_pretrained = true,
    .decide = decide_ties,
    .room = room};

const struct tensorwise_method tensorwise_dare = {
    .head = {.name = "dare",
             .summary = "task arithmetic with entries dropped by chance, the rest "
                        "divided by the probability to stay (Yu et al. 2024)",
             .parameters = merge_dare_parameters},
    .least = 1,
    .needs_pretrained = true,
    .decide = decide_dare};

static const struct merge_parameter breadcrumbs_parameters[] = {
    MERGE_SCALE,
    {.name = "keep",
     .initial = 0.15,
     .low = 0,
     .high = 1,
     .help = "fraction of entries kept in each tensor"},
    {.name = "outliers",
     .initial = 0.01,
     .low = 0,
     .high = 1,
     .help = "fraction of the greatest that is left out"},
    {.name = "sum",
     .words = "all|sum|mean",
     .help = "of all entries, or of those that agree with the elected sign"},
    {0}};

const struct tensorwise_method tensorwise_breadcrumbs = {
    .head = {.name = "breadcrumbs",
             .summary = "task vectors without their smallest and their greatest "
                        "entries (Davari and Belilovsky 2023)",
             .parameters = breadcrumbs_parameters},
    .least = 1,
    .needs_pretrained = true,
    .decide = decide_breadcrumbs,
    .room = room};
