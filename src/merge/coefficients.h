/* How much of each expert goes into each tensor: one number an expert, or others by the
 * tensor's name and by its depth. */
#ifndef PWEMOE_MERGE_COEFFICIENTS_H
#define PWEMOE_MERGE_COEFFICIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { COEFFICIENTS_MAX = 64, RULES_MAX = 64 };

/* "cars:*.mlp.*=0.5", "signs:layers.{0..11}=0.2..0.6", "*.bias=0". */
struct coefficient_rule {
    const char *text; /* as it was given */
    size_t expert;    /* COEFFICIENTS_MAX: every expert */
    char *pattern;    /* owned */
    double from, to;  /* at the lowest and the highest number of {a..b} */
};

struct coefficients {
    size_t count; /* of experts */
    bool given;   /* by experts, not a default of 1 */
    double scales[COEFFICIENTS_MAX];
    struct coefficient_rule rules[RULES_MAX];
    size_t rule_count;
};

/* scales: NULL, one number for all, or "cars=0.3,signs=0.5" with every expert in it.
 * rules: as above. In a pattern * is any text, ? any character, {a..b} a number from a
 * to b; it is compared with the tensor's name and with every part of it that begins and
 * ends at a dot. Of several rules that hold, the last one counts. Fails naming the
 * option. Freed by coefficients_clear, also after a failure. */
int coefficients_parse(const char *scales, const char *const *rules, size_t rule_count,
                       const char *const *names, size_t count,
                       struct coefficients *coefficients, struct error *error);
void coefficients_clear(struct coefficients *coefficients);

/* Of one tensor: weights [count]. */
void coefficients_of(const struct coefficients *coefficients, const char *tensor,
                     double *weights);

/* The names of tensors: [count], NULL for one that is not merged. */
struct tensor_names {
    const char *(*at)(const void *self, size_t index);
    const void *self;
    size_t count;
};
/* A rule that holds for no tensor is a mistake. shares: of the coefficients only these
 * count, so that none of a tensor may add up to 0. */
int coefficients_check(const struct coefficients *coefficients,
                       const struct tensor_names *tensors, bool shares,
                       struct error *error);

/* Whether pattern matches name, and the number that stood for {a..b}, as a share of the
 * way from a to b (0 without). */
bool coefficients_match(const char *pattern, const char *name, double *share);

#endif
